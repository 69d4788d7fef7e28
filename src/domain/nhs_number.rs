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

    /// Numbers that begin with 9 are never issued to a person. 999 is the part that is published for tests; the
    /// demographics service's own synthetic patients have the others.
    ///
    /// Source: the table of ranges that the `nhs-number` package of the UK Faculty of Clinical Informatics keeps
    /// (<https://github.com/uk-fci/nhs-number>, `constants.py`): "9000000000 - 9999999999 Not to be issued
    /// (Synthetic/test patients PDS)". England, Wales and the Isle of Man have 4, 6 and 7, Northern Ireland 320 to
    /// 399, Scotland 010 to 311, the Republic of Ireland 800 to 859; 5 is not to be issued either, but nobody
    /// says that it is for tests.
    #[must_use]
    pub fn is_test_range(self) -> bool {
        self.0 / 1_000_000_000 == 9
    }

    /// The number that begins with 9 and goes on with these eight digits, below a hundred million; `None` where
    /// its check digit would be 10.
    #[must_use]
    pub fn of_test_range(body: u32) -> Option<Self> {
        let without_check = (900_000_000 + u64::from(body)) * 10;
        let fits = body < 100_000_000;
        (0..10).map(|check| Self(without_check + check)).find(|number| fits && number.passes_modulus_11())
    }

    /// The first valid number from 999 at or after `seed` (the seven digits between 999 and the
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

    #[test]
    fn numbers_that_begin_with_9_are_for_tests_and_no_others() {
        let check = |text: &str, expected: bool| {
            assert_eq!(NhsNumber::parse(text).unwrap().is_test_range(), expected, "{text}");
        };
        check("9990000018", true);
        check("9434765919", true);
        check("9000000009", true);
        check("8999999998", false);
        check("5000000005", false);
        check("4010232137", false);
        for body in (0..100_000_000).step_by(999_983) {
            let Some(number) = NhsNumber::of_test_range(body) else { continue };
            assert!(number.is_test_range());
            assert_eq!(NhsNumber::parse(&number.digits()), Ok(number));
        }
        assert_eq!(NhsNumber::of_test_range(100_000_000), None);
    }
}
