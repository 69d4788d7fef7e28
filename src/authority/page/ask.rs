//! What was asked in an address or a form: a few known fields, each once. Everything else is refused, since only this page's
//! own forms and links lead here.

use jiff::civil::Date;

use super::limits::{PAGE_BODY_BYTES, PAGE_WORDS};
use crate::domain::text;

/// What came is not what this page sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotOurs;

/// Fields of a query or a form.
#[derive(Debug)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads them: at most those that are known, each at most once.
    pub(super) fn read(text: &[u8], known: &[&str]) -> Result<Self, NotOurs> {
        if text.len() > PAGE_BODY_BYTES {
            return Err(NotOurs);
        }
        let mut fields: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text) {
            let is_again = fields.iter().any(|(other, _)| *other == name);
            if is_again || !known.contains(&name.as_ref()) {
                return Err(NotOurs);
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(fields))
    }

    /// A field without the blanks around it; empty where it is not there.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    /// Which page of a list; the first where nothing is said.
    pub(super) fn page(&self) -> Result<u32, NotOurs> {
        match self.get("page") {
            "" => Ok(1),
            page => page.parse().ok().filter(|page| (1..=1_000_000).contains(page)).ok_or(NotOurs),
        }
    }

    /// A day in three fields: none, one, or one that is none, with what to mend.
    pub(super) fn day(&self) -> Day {
        let [day, month, year] = ["day", "month", "year"].map(|name| self.get(name).to_owned());
        if day.is_empty() && month.is_empty() && year.is_empty() {
            return Day::None;
        }
        let number = |text: &str| text.parse::<i16>().ok();
        let small = |text: &str| text.parse::<i8>().ok();
        let wrong = |why| Day::Wrong([day.clone(), month.clone(), year.clone()], why);
        match (small(&day), small(&month), number(&year)) {
            (Some(d), Some(m), Some(y)) if (1900..=2200).contains(&y) => {
                Date::new(y, m, d).map_or_else(|_| wrong("There is no such day"), Day::One)
            }
            (Some(_), Some(_), _) => wrong("The year has to have four figures, for example 2026"),
            (_, _, _) => wrong("A day needs a day, a month and a year in figures, for example 22 11 2026"),
        }
    }

    /// Words that somebody wrote.
    pub(super) fn words(&self, name: &str) -> Result<String, &'static str> {
        let words = self.get(name).replace("\r\n", " ").replace(['\r', '\n', '\t'], " ");
        if words.chars().count() > PAGE_WORDS {
            return Err("Write 500 characters or fewer");
        }
        Ok(text::visible(words.trim()))
    }
}

/// A day in three fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Day {
    /// Nothing was written.
    None,
    /// A day.
    One(Date),
    /// What was written, and why it is no day.
    Wrong([String; 3], &'static str),
}

/// The reference of a child's page: a note's id. It says nothing about anybody.
pub(super) fn is_reference(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_fields_are_read_each_once() {
        let read = |text: &str| Fields::read(text.as_bytes(), &["page", "words"]);
        assert_eq!(read("page=2&words=a+b%0d%0Ac").unwrap().words("words").unwrap(), "a b c");
        assert_eq!(read("page=2").unwrap().page(), Ok(2));
        assert_eq!(read("").unwrap().page(), Ok(1));
        for wrong in ["page=1&page=2", "other=1", "__proto__=1"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        for wrong in ["page=0", "page=-1", "page=99999999999", "page=1%00"] {
            assert_eq!(read(wrong).unwrap().page(), Err(NotOurs), "{wrong}");
        }
        let long = format!("words={}", "é".repeat(PAGE_WORDS + 1));
        assert!(read(&long).unwrap().words("words").is_err());
        assert!(read(&"a".repeat(PAGE_BODY_BYTES + 1)).is_err());
        assert_eq!(read("words=a%1b%5B2J%E2%80%AE").unwrap().words("words").unwrap(), "a\u{fffd}[2J\u{fffd}");
    }

    #[test]
    fn a_day_is_one_or_it_is_said_what_to_mend() {
        let day = |text: &str| Fields::read(text.as_bytes(), &["day", "month", "year"]).unwrap().day();
        assert_eq!(day("day=&month=&year="), Day::None);
        assert_eq!(day("day=22&month=11&year=2026"), Day::One(Date::constant(2026, 11, 22)));
        for (wrong, said) in [
            ("day=31&month=2&year=2026", "no such day"),
            ("day=22&month=11&year=26", "four figures"),
            ("day=22&month=November&year=2026", "in figures"),
            ("day=22", "in figures"),
        ] {
            assert!(matches!(day(wrong), Day::Wrong(_, why) if why.contains(said)), "{wrong}");
        }
    }

    #[test]
    fn a_reference_is_32_small_hexadecimal_digits() {
        assert!(is_reference(&"0a".repeat(16)));
        for wrong in ["", "../../etc/passwd", &"0A".repeat(16), &"0a".repeat(17), &"é".repeat(16)] {
            assert!(!is_reference(wrong), "{wrong}");
        }
    }
}
