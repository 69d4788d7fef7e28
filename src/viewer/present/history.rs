//! Who opened the information before.

use std::collections::HashMap;

use super::screen::{AccessRow, History};
use super::words;
use crate::domain::{Access, HistoryReading, dates};
use crate::viewer::state::Asked;

const INTRO: &str = "Who opened this information, not when the child attended. One visit can appear several times; a visit where nobody opened it does not appear. Last 25 only";
/// Openings by one organisation within this time count as one visit.
const VISIT_HOURS: i64 = 12;
/// Openings at this many organisations within this many days call for attention.
const LOUD_ORGANISATIONS: usize = 3;
const LOUD_DAYS: i64 = 14;

/// `has_plans`: the history is only given where this view showed a plan.
pub(super) fn history(asked: &Asked<HistoryReading>, has_plans: bool) -> History {
    let mut history = History {
        heading: "Opened by".to_owned(),
        intro: INTRO.to_owned(),
        summary: None,
        summary_is_loud: false,
        state: None,
        rows: Vec::new(),
    };
    match asked {
        Asked::UnderWay { before: None, .. } => {
            history.state = Some("Asking who opened it before…".to_owned())
        }
        Asked::Failed(failure) => {
            history.state = Some(format!(
                "Who opened it before could not be shown: {}. This says nothing about earlier visits",
                words::cause(*failure)
            ));
        }
        Asked::UnderWay { before: Some(reading), .. } | Asked::Here(reading) => {
            fill(&mut history, reading, has_plans)
        }
    }
    history
}

fn fill(history: &mut History, reading: &HistoryReading, has_plans: bool) {
    history.rows = reading.accesses.iter().map(row).collect();
    let others = reading.accesses.iter().filter(|access| !access.is_present_view).count();
    let unreadable = (reading.unreadable > 0)
        .then(|| format!("{} could not be read", words::count(reading.unreadable, "access", "accesses")));
    let none = (others == 0 && reading.unreadable == 0).then(|| {
        if has_plans {
            "Nobody else opened it in unscheduled care, as far as is held"
        } else {
            "Who opened it is listed only where a plan is shown. This says nothing about earlier visits"
        }
        .to_owned()
    });
    history.state = unreadable.or(none);
    if reading.accesses.len() > 1 {
        let organisations = organisations(&reading.accesses);
        history.summary = Some(format!(
            "Opened {}, {}, {}",
            words::count(reading.accesses.len(), "time", "times"),
            about_visits(&reading.accesses),
            words::count(organisations, "organisation", "organisations"),
        ));
        history.summary_is_loud = is_loud(&reading.accesses);
    }
}

fn organisations(accesses: &[Access]) -> usize {
    let mut names: Vec<&str> = accesses.iter().map(|access| access.organisation.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.len()
}

/// Openings of one organisation within twelve hours of its first count as one visit.
fn about_visits(accesses: &[Access]) -> String {
    let mut visit_began: HashMap<&str, jiff::Timestamp> = HashMap::new();
    let mut visits = 0;
    for access in accesses.iter().rev() {
        let began = visit_began.get(access.organisation.as_str());
        let is_same = began.is_some_and(|began| access.at.duration_since(*began).as_hours() < VISIT_HOURS);
        if !is_same {
            visits += 1;
            visit_began.insert(&access.organisation, access.at);
        }
    }
    format!("about {}", words::count(visits, "visit", "visits"))
}

fn is_loud(accesses: &[Access]) -> bool {
    accesses.iter().enumerate().any(|(index, newest)| {
        let recent: Vec<Access> = accesses
            .iter()
            .skip(index)
            .filter(|access| newest.at.duration_since(access.at).as_hours() <= LOUD_DAYS * 24)
            .cloned()
            .collect();
        organisations(&recent) >= LOUD_ORGANISATIONS
    })
}

fn row(access: &Access) -> AccessRow {
    let or = |text: &str, missing: &str| if text.is_empty() { missing.to_owned() } else { text.to_owned() };
    let who = or(&access.name, "Name not sent");
    let role = or(&access.role, "role not sent");
    let organisation = or(&access.organisation, "organisation not sent");
    let when = dates::day_and_time(access.at);
    let mark = access.is_present_view.then(|| "You, now".to_owned());
    let spoken_day = dates::spoken(dates::london_day(access.at));
    let spoken = format!(
        "{spoken_day} at {}, {who}, {role}, {organisation}{}",
        dates::time(access.at),
        if access.is_present_view { ", your present view" } else { "" }
    );
    AccessRow { when, who, role, organisation, mark, spoken }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(at: &str, organisation: &str) -> Access {
        Access {
            at: at.parse().unwrap(),
            name: "Sam Okafor".to_owned(),
            role: "Staff nurse".to_owned(),
            organisation: organisation.to_owned(),
            is_present_view: false,
        }
    }

    #[test]
    fn three_emergency_departments_in_ten_days_leap_out() {
        let check = |accesses: Vec<Access>, summary: Option<&str>, loud: bool| {
            let shown = history(&Asked::Here(HistoryReading { accesses, unreadable: 0 }), true);
            assert_eq!((shown.summary.as_deref(), shown.summary_is_loud), (summary, loud));
        };
        check(vec![], None, false);
        check(vec![access("2026-11-22T10:00:00Z", "A")], None, false);
        check(
            vec![access("2026-11-22T10:00:00Z", "A"), access("2026-11-22T09:00:00Z", "A")],
            Some("Opened 2 times, about 1 visit, 1 organisation"),
            false,
        );
        let spread = vec![
            access("2026-11-22T10:00:00Z", "A"),
            access("2026-11-22T09:30:00Z", "A"),
            access("2026-11-18T21:00:00Z", "B"),
            access("2026-11-13T03:00:00Z", "C"),
        ];
        check(spread.clone(), Some("Opened 4 times, about 3 visits, 3 organisations"), true);
        let mut slow = spread;
        slow[3].at = "2026-09-13T03:00:00Z".parse().unwrap();
        check(slow, Some("Opened 4 times, about 3 visits, 3 organisations"), false);
    }

    #[test]
    fn a_history_that_failed_or_was_partly_read_says_so() {
        let failed = history(&Asked::Failed(crate::domain::Failure::TimedOut), true);
        assert_eq!(
            failed.state.as_deref(),
            Some(
                "Who opened it before could not be shown: the CP-IS service did not answer in time. This says nothing about earlier visits"
            )
        );
        let partly = history(&Asked::Here(HistoryReading { accesses: vec![], unreadable: 2 }), true);
        let nothing = history(&Asked::Here(HistoryReading::default()), false);
        assert!(nothing.state.is_some_and(|state| state.contains("says nothing about earlier visits")));
        assert_eq!(partly.state.as_deref(), Some("2 accesses could not be read"));
    }
}
