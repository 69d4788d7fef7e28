//! Office hours as they decide of alerts: London time, bank holidays closed. What is not known is said, and never guessed.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::domain::{OfficeHours, dates};

/// No office is closed for longer than this.
const DAYS: i32 = 15;

/// What is open for longer is not reckoned further: it is late by any measure.
const DAYS_RECKONED: i32 = 60;

/// Whether the office is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Office {
    /// It is.
    Open,
    /// It is not: emergency duty is.
    Closed,
    /// No hours are configured, or the bank holidays of that year are not known: both are alerted.
    NotKnown,
}

/// Whether the office is open at a moment: from the minute of opening until before that of closing.
#[must_use]
pub fn office(hours: Option<&OfficeHours>, at: Timestamp) -> Office {
    let Some(hours) = hours else { return Office::NotKnown };
    let local = dates::in_london(at);
    match hours.opens_on(local.date()) {
        None => Office::NotKnown,
        Some(true) if (hours.from..hours.to).contains(&local.time()) => Office::Open,
        Some(_) => Office::Closed,
    }
}

/// For how long the office was open between two moments. Where that is not known all of it counts: rather early than late.
#[must_use]
pub fn open_between(hours: Option<&OfficeHours>, from: Timestamp, to: Timestamp) -> SignedDuration {
    let all = to.duration_since(from);
    let Some(hours) = hours else { return all };
    let mut open = SignedDuration::ZERO;
    let mut day = dates::london_day(from);
    for _ in 0..DAYS_RECKONED {
        // A day of which it is not known whether it is a holiday counts.
        if hours.opens_on(day) != Some(false)
            && let Some((opens, closes)) = moments(hours, day)
        {
            let (begin, end) = (opens.max(from), closes.min(to));
            if begin < end {
                open = open.saturating_add(end.duration_since(begin));
            }
        }
        match day.tomorrow() {
            Ok(next) if next <= dates::london_day(to) => day = next,
            Ok(_) | Err(_) => return open,
        }
    }
    all
}

/// When the office last closed; of one whose hours are not known, a day ago.
#[must_use]
pub fn closed_since(hours: Option<&OfficeHours>, now: Timestamp) -> Timestamp {
    let a_day_ago = now.checked_sub(24.hours()).unwrap_or(Timestamp::MIN);
    let Some(hours) = hours else { return a_day_ago };
    let today = dates::london_day(now);
    let days = (0..=DAYS).filter_map(|back| today.checked_sub(back.days()).ok());
    let closings = days
        .filter(|day| hours.opens_on(*day) != Some(false))
        .filter_map(|day| moments(hours, day).map(|(_, closes)| closes));
    closings.into_iter().find(|closes| *closes <= now).unwrap_or(a_day_ago)
}

fn moments(hours: &OfficeHours, day: Date) -> Option<(Timestamp, Timestamp)> {
    let at = |time| day.to_datetime(time).to_zoned(dates::london()).map(|at| at.timestamp());
    Some((at(hours.from).ok()?, at(hours.to).ok()?))
}

#[cfg(test)]
pub(super) mod tests {
    use jiff::civil::{Weekday, time};

    use super::*;

    pub(in super::super) fn weekdays() -> OfficeHours {
        use Weekday::{Friday, Monday, Thursday, Tuesday, Wednesday};
        OfficeHours {
            days: vec![Monday, Tuesday, Wednesday, Thursday, Friday],
            from: time(8, 30, 0, 0),
            to: time(17, 0, 0, 0),
        }
    }

    /// A moment of London's clocks.
    pub(in super::super) fn london(at: &str) -> Timestamp {
        let at: jiff::civil::DateTime = at.parse().unwrap();
        at.to_zoned(dates::london()).unwrap().timestamp()
    }

    #[test]
    fn h27_the_office_is_open_from_the_minute_of_opening_and_closed_on_holidays() {
        let check = |at: &str, expected: Office| {
            assert_eq!(office(Some(&weekdays()), london(at)), expected, "{at}");
        };
        check("2026-11-20T08:29:59.999", Office::Closed);
        check("2026-11-20T08:30", Office::Open);
        check("2026-11-20T16:59:59.999", Office::Open);
        check("2026-11-20T17:00", Office::Closed);
        check("2026-11-21T12:00", Office::Closed);
        // Christmas Day on a Friday, its substitute on the Monday after.
        check("2026-12-24T16:00", Office::Open);
        check("2026-12-25T12:00", Office::Closed);
        check("2026-12-28T12:00", Office::Closed);
        check("2026-12-29T08:30", Office::Open);
        // The Monday after each clock change: London's half past eight, whatever it is in UTC.
        check("2026-03-30T08:30", Office::Open);
        check("2026-10-26T08:29", Office::Closed);
        assert_eq!(office(Some(&weekdays()), "2026-03-30T07:29:59Z".parse().unwrap()), Office::Closed);
        assert_eq!(office(Some(&weekdays()), "2026-10-26T07:30:00Z".parse().unwrap()), Office::Closed);
        // Past the last year of which the bank holidays are known.
        check("2029-01-03T12:00", Office::NotKnown);
        assert_eq!(office(None, london("2026-11-20T12:00")), Office::NotKnown);
    }

    #[test]
    fn office_hours_are_reckoned_across_nights_weekends_holidays_and_clock_changes() {
        let check = |from: &str, to: &str, hours: f64| {
            let open = open_between(Some(&weekdays()), london(from), london(to));
            assert_eq!(open.as_secs_f64() / 3600.0, hours, "{from} to {to}");
        };
        check("2026-11-20T10:00", "2026-11-20T13:30", 3.5);
        check("2026-11-20T16:00", "2026-11-23T09:30", 2.0);
        check("2026-12-24T16:00", "2026-12-29T11:30", 4.0);
        check("2026-11-21T10:00", "2026-11-22T10:00", 0.0);
        check("2026-11-20T13:00", "2026-11-20T12:00", 0.0);
        check("2026-10-23T16:00", "2026-10-26T09:30", 2.0);
        // An office that is open when the clocks change has an hour less in March, and one more in October.
        let all_night =
            OfficeHours { days: vec![Weekday::Sunday], from: time(0, 0, 0, 0), to: time(6, 0, 0, 0) };
        for (day, hours) in [("2026-03-29", 5), ("2026-10-25", 7), ("2026-11-01", 6)] {
            let (from, to) = (london(&format!("{day}T00:00")), london(&format!("{day}T12:00")));
            assert_eq!(open_between(Some(&all_night), from, to), SignedDuration::from_hours(hours));
        }
        let long = open_between(Some(&weekdays()), london("2026-01-02T10:00"), london("2026-11-20T10:00"));
        assert!(long > SignedDuration::from_hours(1000), "what is late stays late");
        assert_eq!(open_between(None, london("2026-11-21T10:00"), london("2026-11-21T14:00")).as_hours(), 4);
    }

    #[test]
    fn the_last_closing_is_that_of_the_last_day_of_work() {
        let check = |now: &str, expected: &str| {
            assert_eq!(closed_since(Some(&weekdays()), london(now)), london(expected), "{now}");
        };
        check("2026-11-22T02:14", "2026-11-20T17:00");
        check("2026-11-23T09:00", "2026-11-20T17:00");
        check("2026-11-23T17:00", "2026-11-23T17:00");
        check("2026-12-29T09:00", "2026-12-24T17:00");
        assert_eq!(closed_since(None, london("2026-11-22T02:00")), london("2026-11-21T02:00"));
    }
}
