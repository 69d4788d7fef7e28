//! What of a person is compared with a search, in one compact text: written when the person is, so that a search
//! folds nothing and reads one row for each one compared.

use crate::domain::{BirthDate, Gender, PersonName};
use crate::hub::folding::folded;
use crate::hub::limits;
use crate::hub::store::{born_from_wire, born_text};

use super::names;

/// A person as compared. Of a restricted one there is no postcode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::hub) struct Compared {
    pub(super) born: Option<BirthDate>,
    pub(super) gender: Gender,
    pub(super) restricted: bool,
    /// Folded.
    pub(super) postcode: Option<String>,
    /// The current name first.
    pub(super) names: Vec<ComparedName>,
}

/// A name as compared: folded, and taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ComparedName {
    pub(super) is_current: bool,
    pub(super) family: Vec<String>,
    /// Each given name may have parts of its own.
    pub(super) given: Vec<Vec<String>>,
}

impl ComparedName {
    /// The family name as equality compares it.
    pub(super) fn whole_family(&self) -> String {
        self.family.concat()
    }

    /// The parts of all given names, in order.
    pub(super) fn given_parts(&self) -> Vec<String> {
        self.given.iter().flatten().cloned().collect()
    }
}

/// What keys and comparison are made from.
#[derive(Clone, Copy)]
pub(in crate::hub) struct Described<'a> {
    pub(in crate::hub) born: Option<BirthDate>,
    pub(in crate::hub) gender: Gender,
    pub(in crate::hub) restricted: bool,
    pub(in crate::hub) postcode: Option<&'a str>,
    /// Each with whether it is current.
    pub(in crate::hub) names: &'a [(bool, PersonName)],
}

impl Described<'_> {
    pub(in crate::hub) fn compared(&self) -> Compared {
        let mut names: Vec<ComparedName> = self
            .names
            .iter()
            .map(|(is_current, name)| ComparedName {
                is_current: *is_current,
                family: names::parts(&name.family),
                given: name.given.iter().map(|given| names::parts(given)).filter(|g| !g.is_empty()).collect(),
            })
            .collect();
        // Of the previous ones the latest first, in the order of the record.
        names.reverse();
        names.sort_by_key(|name| !name.is_current);
        names.truncate(limits::NAMES_SEARCHED);
        Compared {
            born: self.born,
            gender: self.gender,
            restricted: self.restricted,
            postcode: self.postcode.filter(|_| !self.restricted).map(folded).filter(|text| !text.is_empty()),
            names,
        }
    }
}

impl Compared {
    /// As one text: folded names hold none of the separators.
    pub(in crate::hub) fn text(&self) -> String {
        let mut text = format!(
            "{}|{}|{}|{}",
            self.born.map(born_text).unwrap_or_default(),
            self.gender.code(),
            if self.restricted { "r" } else { "" },
            self.postcode.as_deref().unwrap_or_default()
        );
        for name in &self.names {
            let given: Vec<String> = name.given.iter().map(|parts| parts.join(" ")).collect();
            let mark = if name.is_current { '=' } else { '-' };
            text.push_str(&format!("|{mark}{}/{}", name.family.join(" "), given.join(",")));
        }
        text
    }

    /// Reads it back; `None` for what was not written so.
    pub(in crate::hub) fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('|');
        let born = parts.next()?;
        let born = if born.is_empty() { None } else { Some(born_from_wire(born)?) };
        let gender = Gender::from_code(parts.next()?);
        let restricted = parts.next()? == "r";
        let postcode = parts.next().filter(|text| !text.is_empty()).map(str::to_owned);
        let words = |text: &str| text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let mut names = Vec::new();
        for name in parts {
            let (is_current, name) = match name.strip_prefix('=') {
                Some(name) => (true, name),
                None => (false, name.strip_prefix('-')?),
            };
            let (family, given) = name.split_once('/')?;
            let given = given.split(',').filter(|name| !name.is_empty()).map(words).collect();
            names.push(ComparedName { is_current, family: words(family), given });
        }
        Some(Self { born, gender, restricted, postcode, names })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn what_is_compared_survives_the_database() {
        let name = |family: &str, given: &[&str]| PersonName {
            family: family.to_owned(),
            given: given.iter().map(|&given| given.to_owned()).collect(),
            title: None,
        };
        let names =
            [(false, name("O|B/r=i,en", &["- /|"])), (true, name("Al-Hassan", &["Mary Jane", "Zoë"]))];
        for born in [None, Some(BirthDate::Year(2009)), Some(BirthDate::Day(date(2015, 3, 12)))] {
            for (restricted, postcode) in [(false, Some("SN5 3AB")), (true, Some("SN5 3AB")), (false, None)] {
                let described =
                    Described { born, gender: Gender::Female, restricted, postcode, names: &names };
                let compared = described.compared();
                assert_eq!(Compared::read(&compared.text()), Some(compared.clone()));
                assert!(compared.names[0].is_current);
                assert_eq!(compared.postcode.is_some(), postcode.is_some() && !restricted);
            }
        }
        let mut names: Vec<_> = (0..20).map(|n| (n == 3, name(&format!("Name{n}"), &[]))).collect();
        names.truncate(limits::NAMES_SEARCHED + 2);
        let described = Described {
            born: None,
            gender: Gender::Female,
            restricted: false,
            postcode: None,
            names: &names,
        };
        let kept: Vec<String> = described.compared().names.iter().map(ComparedName::whole_family).collect();
        assert_eq!(kept[..3], ["name3", "name9", "name8"], "the current one, and the latest");
        assert_eq!(kept.len(), limits::NAMES_SEARCHED);
        for bad in ["", "x|male||", "2015-03-12|male|||smith/jane", "|male|||=smith"] {
            assert_eq!(Compared::read(bad), None, "{bad}");
        }
    }
}
