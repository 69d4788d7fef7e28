//! What is asked, taken apart once; and patterns with wildcards.

use jiff::civil::Date;

use super::names;
use crate::domain::Gender;
use crate::hub::folding::folded;

/// A name or postcode as asked.
#[derive(Clone, PartialEq, Eq)]
pub struct AskedText {
    /// Folded; stars stay.
    folded: String,
    parts: Vec<String>,
    is_pattern: bool,
}

impl AskedText {
    /// Reads a parameter; `None` where no letter or digit is left, or fewer than two before the first star.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let is_pattern = text.contains('*');
        let folded = text.split('*').map(folded).collect::<Vec<_>>().join("*");
        let before_star = folded.split('*').next().unwrap_or_default().chars().count();
        if folded.is_empty() || (is_pattern && before_star < 2) {
            return None;
        }
        let parts = if is_pattern { Vec::new() } else { names::parts(text) };
        Some(Self { folded, parts, is_pattern })
    }

    /// Whether there is a star in it.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        self.is_pattern
    }

    /// The whole, folded.
    pub(super) fn whole(&self) -> &str {
        &self.folded
    }

    /// The parts, folded; none of a pattern.
    pub(super) fn parts(&self) -> &[String] {
        &self.parts
    }

    /// Whether a folded text is what was asked: equal, or fitting the stars.
    pub(super) fn fits(&self, held: &str) -> bool {
        if self.is_pattern { fits(&self.folded, held) } else { self.folded == held }
    }
}

/// What is searched for, already checked.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonQuery {
    /// Family name; a fuzzy search may do without one.
    pub family: Option<AskedText>,
    /// Given names; each must be one of the person's.
    pub given: Vec<AskedText>,
    /// Gender.
    pub gender: Option<Gender>,
    /// First and last day of birth.
    pub born: (Date, Date),
    /// Postcode.
    pub postcode: Option<AskedText>,
    /// Alike names, exchanged names, and birth dates that a slip explains, too.
    pub fuzzy: bool,
    /// Names that are no longer used too.
    pub history: bool,
    /// Only matches of score 1.
    pub exact_only: bool,
    /// More matches than this are too many.
    pub most: usize,
    /// The parameters as they came, for the audit log.
    pub asked: serde_json::Value,
}

impl std::fmt::Debug for PersonQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PersonQuery(hidden)")
    }
}

impl PersonQuery {
    /// The one day of birth, if only one was asked for.
    pub(super) fn day(&self) -> Option<Date> {
        (self.born.0 == self.born.1).then_some(self.born.0)
    }

    /// Whether it is by one whole family name and one day of birth: few people stand under that.
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        let is_whole = |family: &AskedText| !family.is_pattern;
        !self.fuzzy && self.family.as_ref().is_some_and(is_whole) && self.day().is_some()
    }

    /// The parts of all given names, in order.
    pub(super) fn given_parts(&self) -> Vec<String> {
        self.given.iter().flat_map(|given| given.parts().iter().cloned()).collect()
    }
}

/// Whether a text fits a pattern, of which a star stands for any letters or none. Time grows with the product of
/// their lengths, which are bounded.
fn fits(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = rest.get(at + piece.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_letters_or_none() {
        let check = |asked: &str, held: &str, expected: bool| {
            assert_eq!(AskedText::read(asked).unwrap().fits(&folded(held)), expected, "{asked} {held}");
        };
        check("Sm*", "Smith", true);
        check("Sm*t*", "Smythe", true);
        check("Sm*t*", "Sm", false);
        check("O'B*", "O'Brien", true);
        check("Smith*", "Smith", true);
        check("Sm*th", "Smithson", false);
        check("Smith", "Smithson", false);
        check("Ab*ab", "ab", false);
        check("Ab*b*b", "abbb", true);
        check("LS1*", "LS1 6AE", true);
        for bad in ["*", "S*", "", "-*", "O'*", "*mith", "-"] {
            assert!(AskedText::read(bad).is_none(), "{bad}");
        }
    }
}
