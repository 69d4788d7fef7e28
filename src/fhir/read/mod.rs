//! From wire to domain. Tolerant of odd servers; strict about what an answer claims.
//!
//! A body that is not what was asked for is a [`Failure`]; an entry that cannot be read is counted, never
//! dropped; an empty answer is only empty if it says so itself (`total` 0).

mod accesses;
mod patients;
mod plans;

pub use accesses::history;
pub use patients::{person, search};
pub use plans::{office_hours, plans, team_contact};

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

use super::wire::{Bundle, OperationOutcome};
use crate::domain::{BirthDate, Failure, dates};

/// The first Spine code of an OperationOutcome, whatever its system.
#[must_use]
pub fn outcome_code(body: &[u8]) -> Option<String> {
    let outcome: OperationOutcome = serde_json::from_slice(body).ok()?;
    if outcome.resource_type != "OperationOutcome" {
        return None;
    }
    let codings = outcome.issue.into_iter().filter_map(|issue| issue.details).flat_map(|d| d.coding);
    codings.filter_map(|coding| coding.code).next().map(|code| code.trim().to_owned())
}

/// A searchset bundle, or a failure: never an empty one by mistake.
fn searchset(body: &[u8]) -> Result<Bundle, Failure> {
    // The whole of it: the parser does not look into what nobody reads.
    let text = std::str::from_utf8(body).map_err(|_| Failure::Unreadable)?;
    let bundle: Bundle = serde_json::from_str(text).map_err(|_| Failure::Unreadable)?;
    if bundle.resource_type == "Bundle" && bundle.r#type.trim() == "searchset" {
        Ok(bundle)
    } else {
        Err(Failure::Unreadable)
    }
}

/// The number of matches that the bundle claims; also where it was written as text.
fn claimed_total(bundle: &Bundle) -> Option<usize> {
    match bundle.total.as_ref()? {
        Value::Number(number) => number.as_u64().and_then(|n| usize::try_from(n).ok()),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// How many entries the bundle claims and does not hold, where `received` of the counted kind came: at least
/// one where its number is missing or differs, or where it says that another page follows.
fn missing(claimed: Option<usize>, received: usize, has_next_page: bool) -> usize {
    let lacking = match claimed {
        Some(claimed) if claimed == received => 0,
        Some(claimed) => claimed.saturating_sub(received).max(1),
        None => 1,
    };
    lacking.max(usize::from(has_next_page)).min(MISSING_AT_MOST)
}

/// A claim of more than this says nothing more.
const MISSING_AT_MOST: usize = 99;

/// Whether the bundle says that more is to come than it holds.
fn has_next_page(bundle: &Bundle) -> bool {
    bundle.link.iter().any(|link| link.relation == "next")
}

fn resource_type(resource: &Value) -> &str {
    resource.get("resourceType").and_then(Value::as_str).unwrap_or("")
}

fn typed<T: serde::de::DeserializeOwned>(resource: Value) -> Option<T> {
    serde_json::from_value(resource).ok()
}

fn trimmed(text: Option<&str>) -> String {
    text.map(str::trim).unwrap_or_default().to_owned()
}

/// A FHIR date or dateTime as a London day. `None` for anything that no calendar has.
fn day(text: &str) -> Option<Date> {
    let text = text.trim();
    if text.len() == 10 {
        return text.parse().ok();
    }
    moment(text).map(dates::london_day)
}

/// A FHIR instant or dateTime with its offset.
fn moment(text: &str) -> Option<Timestamp> {
    text.trim().parse().ok()
}

/// A FHIR date that may lack day or month.
fn birth_date(text: &str) -> Option<BirthDate> {
    let text = text.trim();
    match text.len() {
        4 => text.parse().ok().map(BirthDate::Year),
        7 => {
            let (year, month) = text.split_once('-')?;
            let first = Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok()?;
            Some(BirthDate::Month(first.year(), first.month()))
        }
        _ => day(text).map(BirthDate::Day),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn days_are_london_days() {
        let check = |text: &str, expected: Option<Date>| assert_eq!(day(text), expected, "{text}");
        check("2026-03-01", Some(date(2026, 3, 1)));
        check(" 2026-03-01 ", Some(date(2026, 3, 1)));
        check("2026-06-30T23:30:00Z", Some(date(2026, 7, 1)));
        check("2026-06-30T23:30:00+01:00", Some(date(2026, 6, 30)));
        check("2026-02-30", None);
        check("2026-13-01", None);
        check("2026-03", None);
        check("yesterday", None);
        check("", None);
    }

    #[test]
    fn birth_dates_may_lack_day_and_month() {
        assert_eq!(birth_date("2009"), Some(BirthDate::Year(2009)));
        assert_eq!(birth_date("2009-03"), Some(BirthDate::Month(2009, 3)));
        assert_eq!(birth_date("2009-13"), None);
        assert_eq!(birth_date("2009-03-04"), Some(BirthDate::Day(date(2009, 3, 4))));
    }

    #[test]
    fn an_outcome_is_known_by_its_code_whatever_its_system() {
        let body = br#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"value","details":{"coding":[{"system":"x","code":"ACCESS_DENIED "}]}}]}"#;
        assert_eq!(outcome_code(body).as_deref(), Some("ACCESS_DENIED"));
        assert_eq!(outcome_code(b"<html>"), None);
        assert_eq!(outcome_code(br#"{"resourceType":"Bundle"}"#), None);
    }
}
