//! The NHS number: ten digits with a Modulus 11 check digit.
//!
//! Refuses anything else, and says in the user's words what is wrong.

use std::fmt;

/// A valid NHS number. `Debug` never shows it: numbers stay out of logs and panic messages.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NhsNumber(u64);

/// Why typed or received text is no NHS number. The texts are shown at the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NhsNumberError {
    /// Nothing but spaces.
    #[error("Enter an NHS number")]
    Empty,
    /// Something that is neither a digit nor a separator.
    #[error("An NHS number has only digits; this has other characters")]
    NotDigits,
    /// The number of digits found.
    #[error("An NHS number has 10 digits; this has {0}")]
    WrongLength(usize),
    /// The Modulus 11 check failed.
    #[error("These digits do not form a valid NHS number: check for a mistyped digit")]
    CheckDigit,
}

impl NhsNumber {
    /// Reads typed, pasted or received text: spaces, dashes and dots between digits are ignored.
    ///
    /// # Errors
    /// Says what is wrong in words that can be shown at the field.
    pub fn parse(text: &str) -> Result<Self, NhsNumberError> {
        let is_separator = |c: char| c.is_whitespace() || matches!(c, '-' | '.' | '\u{2010}'..='\u{2015}');
        let kept: Vec<char> = text.chars().filter(|c| !is_separator(*c)).collect();
        if kept.is_empty() {
            return Err(NhsNumberError::Empty);
        }
        let digits: Vec<u32> = kept.iter().filter_map(|c| c.to_digit(10)).collect();
        if digits.len() != kept.len() {
            return Err(NhsNumberError::NotDigits);
        }
        if digits.len() != 10 {
            return Err(NhsNumberError::WrongLength(digits.len()));
        }
        let value = digits.iter().fold(0_u64, |value, digit| value * 10 + u64::from(*digit));
        let number = Self(value);
        if number.passes_modulus_11() { Ok(number) } else { Err(NhsNumberError::CheckDigit) }
    }

    /// Weights 10 to 2 over the first nine digits; 11 minus the remainder is the check digit, 11 counts as 0
    /// and 10 is never issued (NHS Data Dictionary, NHS NUMBER).
    fn passes_modulus_11(self) -> bool {
        let mut rest = self.0;
        let check = rest % 10;
        let mut sum = 0;
        for weight in 2..=10 {
            rest /= 10;
            sum += (rest % 10) * weight;
        }
        let expected = (11 - sum % 11) % 11;
        self.0 != 0 && expected == check
    }

    /// The ten digits without spaces, as on the wire.
    #[must_use]
    pub fn digits(self) -> String {
        format!("{:010}", self.0)
    }

    /// As shown to people: `943 476 5919`.
    #[must_use]
    pub fn grouped(self) -> String {
        format!("{:03} {:03} {:04}", self.0 / 10_000_000, self.0 / 10_000 % 1000, self.0 % 10_000)
    }

    /// Numbers from 999 are kept for tests and never issued to a person.
    #[must_use]
    pub fn is_test_range(self) -> bool {
        self.0 / 10_000_000 == 999
    }

    /// The first valid number of the test range at or after `seed` (the seven digits between 999 and the
    /// check digit are `seed` modulo a million); for synthetic people.
    #[must_use]
    pub fn synthetic(seed: u64) -> Self {
        let mut body = seed % 1_000_000;
        loop {
            for check in 0..10 {
                let candidate = Self(9_990_000_000 + body * 10 + check);
                if candidate.passes_modulus_11() {
                    return candidate;
                }
            }
            body = (body + 1) % 1_000_000;
        }
    }
}

impl fmt::Debug for NhsNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NhsNumber(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_text_is_read_or_refused_in_words() {
        let check = |input: &str, expected: Result<&str, &str>| {
            let got = NhsNumber::parse(input).map(NhsNumber::digits).map_err(|e| e.to_string());
            assert_eq!(got, expected.map(str::to_owned).map_err(str::to_owned), "{input:?}");
        };
        check("943 476 5919", Ok("9434765919"));
        check("943-476-5919", Ok("9434765919"));
        check(" 9434765919\r\n", Ok("9434765919"));
        check("943\u{a0}476\u{2013}5919", Ok("9434765919"));
        check("", Err("Enter an NHS number"));
        check("  ", Err("Enter an NHS number"));
        check("943476591", Err("An NHS number has 10 digits; this has 9"));
        check("94347659190", Err("An NHS number has 10 digits; this has 11"));
        check("943476591O", Err("An NHS number has only digits; this has other characters"));
        let mistyped = "These digits do not form a valid NHS number: check for a mistyped digit";
        check("9434765918", Err(mistyped));
        check("0000000000", Err(mistyped));
    }

    #[test]
    fn a_number_never_shows_in_debug_output() {
        let number = NhsNumber::parse("9434765919").unwrap();
        assert_eq!(format!("{number:?}"), "NhsNumber(hidden)");
        assert_eq!(number.grouped(), "943 476 5919");
    }

    #[test]
    fn synthetic_numbers_are_valid_and_in_the_test_range() {
        for seed in 0..2000 {
            let number = NhsNumber::synthetic(seed);
            assert!(number.is_test_range());
            assert_eq!(NhsNumber::parse(&number.digits()), Ok(number));
        }
    }
}
