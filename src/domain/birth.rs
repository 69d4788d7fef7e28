//! Dates of birth: as held, as typed (day and month may be unknown), and the age they give.

use jiff::civil::{Date, date};
use jiff::{ToSpan, Unit};

use super::dates;

/// A date of birth as typed or held. A year or month alone is an estimate: it is searched as a range and
/// then needs more than itself to identify somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BirthDate {
    /// Day, month and year are known.
    Day(Date),
    /// Only year and month (1 to 12) are known.
    Month(i16, i8),
    /// Only the year is known.
    Year(i16),
}

/// Why typed text is no date of birth. The texts are shown at the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BirthDateError {
    /// Nothing but spaces.
    #[error("Enter a date of birth, such as 12-Mar-2015")]
    Empty,
    /// No reading as a date.
    #[error("This is not a date: type it as 12-Mar-2015, 12/03/2015 or 120315")]
    NotADate,
    /// A day that the calendar does not have.
    #[error("There is no such day: check the day and the month")]
    NoSuchDay,
    /// After today.
    #[error("This date is in the future: check the year")]
    Future,
    /// More than 130 years ago.
    #[error("This date is more than 130 years ago: check the year")]
    TooLongAgo,
}

impl BirthDate {
    /// Reads typed or pasted text: `12/03/2015`, `12-Mar-2015`, `2015-03-12`, `120315`, `12032015`,
    /// `Mar 2015`, `03/2015`, `2015`. Two-digit years are the latest year not after `today`.
    ///
    /// # Errors
    /// Says what is wrong in words that can be shown at the field.
    pub fn parse(text: &str, today: Date) -> Result<Self, BirthDateError> {
        let parts = split(text);
        if parts.is_empty() {
            return Err(BirthDateError::Empty);
        }
        let read = match parts.as_slice() {
            [Part::Digits(d)] if d.len() == 4 => BirthDate::Year(number(d)?),
            [Part::Digits(d)] if d.len() == 6 => {
                from_day_month_year(number(&d[..2])?, number(&d[2..4])?, short_year(&d[4..], today)?)?
            }
            [Part::Digits(d)] if d.len() == 8 => {
                from_day_month_year(number(&d[..2])?, number(&d[2..4])?, number(&d[4..])?)?
            }
            [Part::Month(m @ 1..), Part::Digits(y)] => BirthDate::Month(year(y, today)?, *m),
            [Part::Digits(m), Part::Digits(y)] if m.len() <= 2 && y.len() == 4 => {
                month_of(number(y)?, number(m)?)?
            }
            [Part::Digits(y), Part::Digits(m)] if y.len() == 4 && m.len() <= 2 => {
                month_of(number(y)?, number(m)?)?
            }
            [Part::Digits(y), Part::Digits(m), Part::Digits(d)] if y.len() == 4 => {
                from_day_month_year(number(d)?, number(m)?, number(y)?)?
            }
            [Part::Digits(d), Part::Digits(m), Part::Digits(y)] if d.len() <= 2 && m.len() <= 2 => {
                from_day_month_year(number(d)?, number(m)?, year(y, today)?)?
            }
            [Part::Digits(d), Part::Month(m), Part::Digits(y)] if d.len() <= 2 => {
                from_day_month_year(number(d)?, i16::from(*m), year(y, today)?)?
            }
            _ => return Err(BirthDateError::NotADate),
        };
        let (earliest, latest) = read.range();
        if earliest > today {
            Err(BirthDateError::Future)
        } else if latest.year() < today.year() - 130 {
            Err(BirthDateError::TooLongAgo)
        } else {
            Ok(read)
        }
    }

    /// First and last day that it can mean.
    #[must_use]
    pub fn range(self) -> (Date, Date) {
        match self {
            BirthDate::Day(day) => (day, day),
            BirthDate::Month(year, month) => {
                let first = Date::new(year, month, 1).unwrap_or(date(year, 1, 1));
                (first, first.last_of_month())
            }
            BirthDate::Year(year) => (date(year, 1, 1), date(year, 12, 31)),
        }
    }

    /// Whether day, month and year are all known.
    #[must_use]
    pub fn is_exact(self) -> bool {
        matches!(self, BirthDate::Day(_))
    }

    /// Whether the two can be the same day.
    #[must_use]
    pub fn agrees_with(self, other: BirthDate) -> bool {
        let ((a1, a2), (b1, b2)) = (self.range(), other.range());
        a1 <= b2 && b1 <= a2
    }

    /// `12-Mar-2015`, `Mar-2015 (day not known)` or `2015 (day and month not known)`.
    #[must_use]
    pub fn shown(self) -> String {
        match self {
            BirthDate::Day(day) => dates::day(day),
            BirthDate::Month(year, month) => {
                let short: String = dates::month_name(month).chars().take(3).collect();
                format!("{short}-{year} (day not known)")
            }
            BirthDate::Year(year) => format!("{year} (day and month not known)"),
        }
    }
}

enum Part {
    Digits(String),
    Month(i8),
}

/// Runs of digits and month names; everything else separates. An unknown word makes the whole unreadable.
fn split(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while let Some(first) = rest.chars().next() {
        let same = |c: char| {
            c.is_ascii_digit() == first.is_ascii_digit() && c.is_alphabetic() == first.is_alphabetic()
        };
        let end = rest.find(|c| !same(c)).unwrap_or(rest.len());
        let (run, tail) = rest.split_at(end);
        rest = tail;
        if first.is_ascii_digit() {
            parts.push(Part::Digits(run.to_owned()));
        } else if first.is_alphabetic() {
            let lower = run.to_lowercase();
            let is_ordinal = matches!(lower.as_str(), "st" | "nd" | "rd" | "th" | "of");
            if !is_ordinal {
                // Month 0 is refused later: a word that is no month.
                let month = (1..=12)
                    .find(|m| lower.len() >= 3 && dates::month_name(*m).to_lowercase().starts_with(&lower));
                parts.push(Part::Month(month.unwrap_or(0)));
            }
        }
    }
    parts
}

fn number(digits: &str) -> Result<i16, BirthDateError> {
    digits.parse().map_err(|_| BirthDateError::NotADate)
}

fn year(digits: &str, today: Date) -> Result<i16, BirthDateError> {
    match digits.len() {
        4 => number(digits),
        2 => short_year(digits, today),
        _ => Err(BirthDateError::NotADate),
    }
}

fn short_year(digits: &str, today: Date) -> Result<i16, BirthDateError> {
    let short = number(digits)?;
    let century = today.year() / 100 * 100;
    Ok(if century + short > today.year() { century - 100 + short } else { century + short })
}

fn month_of(year: i16, month: i16) -> Result<BirthDate, BirthDateError> {
    match i8::try_from(month) {
        Ok(month @ 1..=12) => Ok(BirthDate::Month(year, month)),
        _ => Err(BirthDateError::NoSuchDay),
    }
}

fn from_day_month_year(day: i16, month: i16, year: i16) -> Result<BirthDate, BirthDateError> {
    if month == 0 {
        return Err(BirthDateError::NotADate);
    }
    let narrow = |n: i16| i8::try_from(n).map_err(|_| BirthDateError::NoSuchDay);
    Date::new(year, narrow(month)?, narrow(day)?).map(BirthDate::Day).map_err(|_| BirthDateError::NoSuchDay)
}

/// The day on which somebody turns `years`; born on 29 February counts as 1 March in a common year.
#[must_use]
pub fn birthday(born: Date, years: i16) -> Date {
    Date::new(born.year() + years, born.month(), born.day())
        .unwrap_or_else(|_| Date::new(born.year() + years, 3, 1).unwrap_or(born))
}

/// Whole years of age on a day.
#[must_use]
pub fn years_old(born: Date, today: Date) -> i16 {
    let years = today.year() - born.year();
    if birthday(born, years) > today { years - 1 } else { years }
}

/// Age as the NHS Common User Interface shows it: under 2 h minutes, 2 d hours, 4 wk days, 1 y weeks and
/// days, 2 y months and days, 18 y years and months, then years. Minutes and hours need a time of birth,
/// which is not held; a child born today or yesterday is shown in days.
#[must_use]
pub fn age(born: BirthDate, today: Date) -> String {
    let BirthDate::Day(born) = born else {
        let (earliest, latest) = born.range();
        let (most, least) = (years_old(earliest, today).max(0), years_old(latest, today).max(0));
        return if most == least { format!("about {most}y") } else { format!("{least}y to {most}y") };
    };
    if born > today {
        return "born in the future: check the date".to_owned();
    }
    let since = |largest: Unit| born.until((largest, today)).unwrap_or_default();
    let days = since(Unit::Day).get_days();
    let years = years_old(born, today);
    if days < 28 {
        format!("{days}d")
    } else if years < 1 {
        format!("{}w {}d", days / 7, days % 7)
    } else if years < 2 {
        let span = since(Unit::Month);
        format!("{}m {}d", span.get_months(), span.get_days())
    } else if years < 18 {
        let months = since(Unit::Month).get_months() % 12;
        format!("{years}y {months}m")
    } else {
        format!("{years}y")
    }
}

/// An age as [`age`] gives it, in words for a voice: `7 years 4 months`.
#[must_use]
pub fn spoken_age(age: &str) -> String {
    let word = |part: &str| {
        let (number, unit) = part.split_at(part.len().saturating_sub(1));
        let unit = match unit {
            "y" => "year",
            "m" => "month",
            "w" => "week",
            "d" => "day",
            _ => return part.to_owned(),
        };
        if number.is_empty() || !number.chars().all(|c| c.is_ascii_digit()) {
            return part.to_owned();
        }
        format!("{number} {unit}{}", if number == "1" { "" } else { "s" })
    };
    age.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Under twelve weeks old: a plan made before birth may still be under the mother's number.
#[must_use]
pub fn is_under_twelve_weeks(born: BirthDate, today: Date) -> bool {
    let (_, latest) = born.range();
    latest.checked_add(12.weeks()).is_ok_and(|limit| today < limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Date = date(2026, 11, 22);

    #[test]
    fn typed_dates_are_read_or_refused_in_words() {
        let check = |input: &str, expected: Result<&str, &str>| {
            let got = BirthDate::parse(input, TODAY).map(BirthDate::shown).map_err(|e| e.to_string());
            assert_eq!(got, expected.map(str::to_owned).map_err(str::to_owned), "{input:?}");
        };
        for same in [
            "12/03/2015",
            "12-Mar-2015",
            "2015-03-12",
            "120315",
            "12032015",
            "12 March 2015",
            "12.3.15",
            "12th of March 2015",
        ] {
            check(same, Ok("12-Mar-2015"));
        }
        check("2009", Ok("2009 (day and month not known)"));
        check("Mar 2009", Ok("Mar-2009 (day not known)"));
        check("03/2009", Ok("Mar-2009 (day not known)"));
        check("2009-03", Ok("Mar-2009 (day not known)"));
        check("29/02/2024", Ok("29-Feb-2024"));
        check("010199", Ok("01-Jan-1999"));
        check("", Err("Enter a date of birth, such as 12-Mar-2015"));
        let not_a_date = "This is not a date: type it as 12-Mar-2015, 12/03/2015 or 120315";
        for bad in [
            "soon",
            "about 2019",
            "c 2019",
            "Foo 2019",
            "12/03",
            "12 Foo 2015",
            "1234567",
            "99999",
            "12/03/215",
        ] {
            check(bad, Err(not_a_date));
        }
        for bad in ["31/02/2015", "29-Feb-2023", "13/13/2015", "2015-99-01"] {
            check(bad, Err("There is no such day: check the day and the month"));
        }
        check("23/11/2026", Err("This date is in the future: check the year"));
        check("01/01/1850", Err("This date is more than 130 years ago: check the year"));
    }

    #[test]
    fn ages_follow_the_common_user_interface() {
        let check =
            |born: Date, expected: &str| assert_eq!(age(BirthDate::Day(born), TODAY), expected, "{born}");
        check(TODAY, "0d");
        check(date(2026, 11, 20), "2d");
        check(date(2026, 10, 26), "27d");
        check(date(2026, 10, 25), "4w 0d");
        check(date(2025, 11, 23), "52w 0d");
        check(date(2025, 11, 22), "12m 0d");
        check(date(2024, 11, 23), "23m 30d");
        check(date(2024, 11, 22), "2y 0m");
        check(date(2022, 10, 14), "4y 1m");
        check(date(2008, 11, 23), "17y 11m");
        check(date(2008, 11, 22), "18y");
        check(date(1941, 1, 2), "85y");
        assert_eq!(age(BirthDate::Year(2009), TODAY), "16y to 17y");
        assert_eq!(spoken_age("7y 4m"), "7 years 4 months");
        assert_eq!(spoken_age("1y 0m"), "1 year 0 months");
        assert_eq!(spoken_age("16y to 17y"), "16 years to 17 years");
    }

    #[test]
    fn a_leap_day_birthday_falls_on_the_first_of_march() {
        assert_eq!(birthday(date(2008, 2, 29), 18), date(2026, 3, 1));
        assert_eq!(birthday(date(2008, 2, 29), 16), date(2024, 2, 29));
        assert_eq!(years_old(date(2008, 2, 29), date(2026, 2, 28)), 17);
        assert_eq!(years_old(date(2008, 2, 29), date(2026, 3, 1)), 18);
    }
}
