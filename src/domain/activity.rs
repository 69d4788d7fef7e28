//! Activity codes: what the identity service says that a role does.

use std::fmt;

/// An activity code of the NHS role-based access baseline: `B` and four digits. What it allows is said by the hub's
/// configuration ([`super::Rights`]); by itself it allows nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Activity([u8; 5]);

impl Activity {
    /// B0264: trace a person on the demographics service.
    pub const TRACE_PEOPLE: Self = Self(*b"B0264");
    /// B0107: view, recorded in the access history, local authority notified.
    pub const VIEW_AND_NOTIFY: Self = Self(*b"B0107");
    /// B0170: view silently (scheduled care).
    pub const VIEW_SILENTLY: Self = Self(*b"B0170");

    /// The code.
    #[must_use]
    pub fn code(&self) -> &str {
        // It is ASCII: [`Self::from_code`] let nothing else in.
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Of a code, as it is written: `None` for anything else.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let code: [u8; 5] = code.as_bytes().try_into().ok()?;
        let [letter, digits @ ..] = code;
        (letter == b'B' && digits.iter().all(u8::is_ascii_digit)).then_some(Self(code))
    }
}

impl fmt::Debug for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_letter_and_four_digits() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(Activity::from_code(text).as_ref().map(Activity::code), expected, "{text:?}");
        };
        for code in ["B0264", "B0107", "B0170", "B9999"] {
            check(code, Some(code));
        }
        for text in ["", "b0107", "B010", "B01070", " B0107", "B0107 ", "R0107", "B01O7", "B٠١", "Bé10"] {
            check(text, None);
        }
    }
}
