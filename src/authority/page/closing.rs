//! Since when the office is closed, or was before it opened today: where a handover begins.

use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::domain::{OfficeHours, dates};

/// Days within which an office has closed once.
const DAYS: i32 = 14;

/// The last time at which the office closed; `None` where its hours are not known.
pub(super) fn last(hours: Option<&OfficeHours>, now: Timestamp) -> Option<Timestamp> {
    let hours = hours?;
    let today = dates::london_day(now);
    (0..=DAYS).find_map(|back| {
        let day = today.checked_sub(back.days()).ok()?;
        if !hours.days.contains(&day.weekday()) {
            return None;
        }
        let closed = day.to_datetime(hours.to).to_zoned(dates::london()).ok()?.timestamp();
        (closed <= now).then_some(closed)
    })
}

/// Where they are not known: a day ago.
pub(super) fn a_day_ago(now: Timestamp) -> Timestamp {
    now.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Time, Weekday};

    use super::*;

    #[test]
    fn a_handover_begins_when_the_office_last_closed() {
        let hours = OfficeHours {
            days: vec![
                Weekday::Monday,
                Weekday::Tuesday,
                Weekday::Wednesday,
                Weekday::Thursday,
                Weekday::Friday,
            ],
            from: Time::constant(8, 30, 0, 0),
            to: Time::constant(17, 0, 0, 0),
        };
        let check = |now: &str, expected: &str| {
            let closed = last(Some(&hours), now.parse().unwrap());
            assert_eq!(closed, Some(expected.parse().unwrap()), "{now}");
        };
        // A Sunday night, the Monday morning and the Monday at work: since Friday.
        check("2026-11-22T02:14:00Z", "2026-11-20T17:00:00Z");
        check("2026-11-23T08:29:00Z", "2026-11-20T17:00:00Z");
        check("2026-11-23T12:00:00Z", "2026-11-20T17:00:00Z");
        check("2026-11-23T16:59:59Z", "2026-11-20T17:00:00Z");
        check("2026-11-23T17:00:00Z", "2026-11-23T17:00:00Z");
        check("2026-11-24T03:00:00Z", "2026-11-23T17:00:00Z");
        // Summer time.
        check("2026-07-07T20:00:00Z", "2026-07-07T16:00:00Z");
        assert_eq!(last(None, Timestamp::UNIX_EPOCH), None);
    }
}
