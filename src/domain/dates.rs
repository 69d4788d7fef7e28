//! Days and times as people in England read them, and the one time zone in which plans live.
//!
//! Every plan date is a Europe/London day (domain rule). The zone is compiled in, so that a desktop without a
//! zone database shows the same day as everyone else.

use jiff::civil::{Date, Weekday};
use jiff::{Timestamp, Zoned, tz::TimeZone};

/// Europe/London, without reading anything from the machine.
#[must_use]
pub fn london() -> TimeZone {
    jiff::tz::get!("Europe/London")
}

/// The moment as it is in London.
#[must_use]
pub fn in_london(at: Timestamp) -> Zoned {
    at.to_zoned(london())
}

/// The London day of a moment.
#[must_use]
pub fn london_day(at: Timestamp) -> Date {
    in_london(at).date()
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The English name of a month, 1 to 12; empty outside that range.
#[must_use]
pub fn month_name(month: i8) -> &'static str {
    usize::try_from(month - 1).ok().and_then(|i| MONTHS.get(i).copied()).unwrap_or("")
}

/// `01-Jan-2008`, whatever the machine's locale (NHS Common User Interface).
#[must_use]
pub fn day(date: Date) -> String {
    let month: String = month_name(date.month()).chars().take(3).collect();
    format!("{:02}-{month}-{:04}", date.day(), date.year())
}

/// `1 January 2008`, for a voice.
#[must_use]
pub fn spoken(date: Date) -> String {
    format!("{} {} {}", date.day(), month_name(date.month()), date.year())
}

/// `14:05`, London time.
#[must_use]
pub fn time(at: Timestamp) -> String {
    let local = in_london(at);
    format!("{:02}:{:02}", local.hour(), local.minute())
}

/// `01-Jan-2008 14:05`, London time.
#[must_use]
pub fn day_and_time(at: Timestamp) -> String {
    format!("{} {}", day(london_day(at)), time(at))
}

/// The English name of a weekday.
#[must_use]
pub fn weekday_name(weekday: Weekday) -> &'static str {
    match weekday {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn days_read_the_same_everywhere() {
        assert_eq!(day(date(2008, 1, 1)), "01-Jan-2008");
        assert_eq!(spoken(date(2008, 1, 1)), "1 January 2008");
    }

    #[test]
    fn the_london_day_follows_summer_time() {
        // 23:30 UTC on 30 June is already 1 July in London.
        let at: Timestamp = "2026-06-30T23:30:00Z".parse().unwrap();
        assert_eq!(day_and_time(at), "01-Jul-2026 00:30");
        let winter: Timestamp = "2026-12-31T23:30:00Z".parse().unwrap();
        assert_eq!(day_and_time(winter), "31-Dec-2026 23:30");
    }
}
