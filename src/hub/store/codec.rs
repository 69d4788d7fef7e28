//! How domain values are written in the database, and read back. What cannot be read back is a fault, never
//! a guess.

use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};

use super::error::Fault;
use crate::domain::{BirthDate, Deceased, NhsNumber, OfficeHours};

pub(super) fn moment(ms: i64) -> Result<Timestamp, Fault> {
    Timestamp::from_millisecond(ms).map_err(|_| Fault::Corrupt("a moment"))
}

pub(super) fn day(text: &str) -> Result<Date, Fault> {
    text.parse().map_err(|_| Fault::Corrupt("a day"))
}

pub(super) fn number(text: &str) -> Result<NhsNumber, Fault> {
    NhsNumber::parse(text).map_err(|_| Fault::Corrupt("an NHS number"))
}

pub(in crate::hub) fn born_text(born: BirthDate) -> String {
    match born {
        BirthDate::Day(day) => day.to_string(),
        BirthDate::Month(year, month) => format!("{year:04}-{month:02}"),
        BirthDate::Year(year) => format!("{year:04}"),
    }
}

/// Reads `2015`, `2015-03` and `2015-03-12`: also the wire's form.
pub(in crate::hub) fn born(text: &str) -> Option<BirthDate> {
    let mut parts = text.splitn(3, '-');
    let year: i16 = parts.next().filter(|y| y.len() == 4)?.parse().ok().filter(|y| *y >= 0)?;
    let Some(month) = parts.next() else { return Some(BirthDate::Year(year)) };
    let month: i8 = two_digits(month).filter(|m| (1..=12).contains(m))?;
    let Some(day) = parts.next() else { return Some(BirthDate::Month(year, month)) };
    Date::new(year, month, two_digits(day)?).ok().map(BirthDate::Day)
}

fn two_digits(text: &str) -> Option<i8> {
    let fits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

pub(super) fn deceased_text(deceased: Deceased) -> String {
    match deceased {
        Deceased::No => "no".to_owned(),
        Deceased::DateNotKnown => "yes".to_owned(),
        Deceased::On(day) => day.to_string(),
    }
}

pub(super) fn deceased(text: &str) -> Result<Deceased, Fault> {
    match text {
        "no" => Ok(Deceased::No),
        "yes" => Ok(Deceased::DateNotKnown),
        text => day(text).map(Deceased::On),
    }
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// Days of the week as the wire and the database write them.
pub(in crate::hub) fn weekday(code: &str) -> Option<Weekday> {
    DAYS.iter().find(|(known, _)| *known == code.trim()).map(|(_, day)| *day)
}

pub(super) fn days_text(days: &[Weekday]) -> String {
    let codes: Vec<&str> = DAYS.iter().filter(|(_, day)| days.contains(day)).map(|(code, _)| *code).collect();
    codes.join(" ")
}

/// `HH:MM`, which is what office hours need.
pub(super) fn time_text(time: Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// Reads `HH:MM` and `HH:MM:SS`.
pub(in crate::hub) fn time(text: &str) -> Option<Time> {
    let mut parts = text.trim().split(':');
    let hour = two_digits(parts.next()?)?;
    let minute = two_digits(parts.next()?)?;
    let second = parts.next().map_or(Some(0), two_digits)?;
    if parts.next().is_some() {
        return None;
    }
    Time::new(hour, minute, second, 0).ok()
}

pub(super) fn hours(
    days: Option<String>,
    from: Option<String>,
    to: Option<String>,
) -> Result<Option<OfficeHours>, Fault> {
    let (Some(days), Some(from), Some(to)) = (days, from, to) else { return Ok(None) };
    let days: Option<Vec<Weekday>> = days.split_whitespace().map(weekday).collect();
    match (days, time(&from), time(&to)) {
        (Some(days), Some(from), Some(to)) => Ok(Some(OfficeHours { days, from, to })),
        _ => Err(Fault::Corrupt("office hours")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_birth_survive_the_database() {
        for text in ["2015", "2015-03", "2015-03-12", "2024-02-29"] {
            assert_eq!(born_text(born(text).unwrap()), text);
        }
        for text in ["", "15", "2015-3", "2015-13", "2015-02-30", "2015-03-12T00:00:00Z", "-015", "2015-"] {
            assert_eq!(born(text), None, "{text}");
        }
    }

    #[test]
    fn office_hours_survive_the_database() {
        let hours_of = |days: &str, from: &str, to: &str| {
            hours(Some(days.to_owned()), Some(from.to_owned()), Some(to.to_owned()))
        };
        let read = hours_of("mon tue fri", "08:30", "17:00").unwrap().unwrap();
        assert_eq!(days_text(&read.days), "mon tue fri");
        assert_eq!((time_text(read.from), time_text(read.to)), ("08:30".to_owned(), "17:00".to_owned()));
        assert!(hours_of("mon", "8:30", "17:00").is_err());
        assert!(hours_of("someday", "08:30", "17:00").is_err());
        assert!(hours(None, None, None).unwrap().is_none());
    }
}
