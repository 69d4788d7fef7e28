//! England's bank holidays, as announced. A year that is not in the table is not guessed: extra days are
//! proclaimed at short notice.

use jiff::civil::Date;

/// Whether a day is a bank holiday in England.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IsHoliday {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// The table does not cover that year.
    NotKnown,
}

/// First and last year of the table below.
const YEARS: std::ops::RangeInclusive<i16> = 2025..=2028;

/// Year, month, day; substitute days included (gov.uk/bank-holidays, England and Wales).
const HOLIDAYS: [(i16, i8, i8); 32] = [
    (2025, 1, 1),
    (2025, 4, 18),
    (2025, 4, 21),
    (2025, 5, 5),
    (2025, 5, 26),
    (2025, 8, 25),
    (2025, 12, 25),
    (2025, 12, 26),
    (2026, 1, 1),
    (2026, 4, 3),
    (2026, 4, 6),
    (2026, 5, 4),
    (2026, 5, 25),
    (2026, 8, 31),
    (2026, 12, 25),
    (2026, 12, 28),
    (2027, 1, 1),
    (2027, 3, 26),
    (2027, 3, 29),
    (2027, 5, 3),
    (2027, 5, 31),
    (2027, 8, 30),
    (2027, 12, 27),
    (2027, 12, 28),
    (2028, 1, 3),
    (2028, 4, 14),
    (2028, 4, 17),
    (2028, 5, 1),
    (2028, 5, 29),
    (2028, 8, 28),
    (2028, 12, 25),
    (2028, 12, 26),
];

/// Whether `day` is a bank holiday in England.
#[must_use]
pub fn in_england(day: Date) -> IsHoliday {
    if !YEARS.contains(&day.year()) {
        IsHoliday::NotKnown
    } else if HOLIDAYS.contains(&(day.year(), day.month(), day.day())) {
        IsHoliday::Yes
    } else {
        IsHoliday::No
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{Weekday, date};

    #[test]
    fn holidays_are_working_days_of_the_week_and_eight_a_year() {
        for (year, month, day) in HOLIDAYS {
            let weekday = date(year, month, day).weekday();
            assert!(!matches!(weekday, Weekday::Saturday | Weekday::Sunday), "{year}-{month}-{day}");
        }
        for year in YEARS {
            assert_eq!(HOLIDAYS.iter().filter(|(y, _, _)| *y == year).count(), 8);
        }
        assert_eq!(in_england(date(2029, 1, 1)), IsHoliday::NotKnown);
    }
}
