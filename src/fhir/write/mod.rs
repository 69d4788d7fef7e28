//! From domain to wire: the shapes that the hub answers.
//!
//! Writes only what the domain holds: no address beyond a postcode, no local id, no previous name.

mod accesses;
mod flags;
mod people;
mod plans;

pub use accesses::{WrittenAccess, history};
pub use flags::flags;
pub use people::{patient, people};
pub use plans::{office_hours, plans, team_contact, telecom};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::codes;
use super::wire::{
    Bundle, BundleEntry, CodeableConcept, Coding, EntrySearch, Identifier, OperationOutcome, OutcomeIssue,
};

/// An OperationOutcome of one issue: FHIR issue type, the service's own code, and fixed words.
#[must_use]
pub fn outcome(issue: &str, code: &str, words: &str) -> OperationOutcome {
    let severity = if code == "TOO_MANY_MATCHES" { "information" } else { "error" };
    OperationOutcome {
        resource_type: "OperationOutcome".to_owned(),
        issue: vec![OutcomeIssue {
            severity: severity.to_owned(),
            code: issue.to_owned(),
            details: Some(concept(codes::SPINE_ERROR, code, words)),
            diagnostics: Some(words.to_owned()),
            ..OutcomeIssue::default()
        }],
    }
}

fn searchset(total: usize, entry: Vec<BundleEntry>, at: Timestamp) -> Bundle {
    Bundle {
        resource_type: "Bundle".to_owned(),
        r#type: "searchset".to_owned(),
        timestamp: Some(at.to_string()),
        total: Some(Value::from(total)),
        link: Vec::new(),
        entry,
    }
}

/// A page of a searchset, of resources that are written already, and how many there are on all pages.
#[must_use]
pub fn some_of_the_matches(resources: Vec<Value>, total: u64, at: Timestamp) -> Bundle {
    let entry: Vec<BundleEntry> = resources
        .into_iter()
        .map(|resource| BundleEntry { full_url: None, resource, search: matched() })
        .collect();
    Bundle { total: Some(Value::from(total)), ..searchset(0, entry, at) }
}

fn matched() -> Option<EntrySearch> {
    Some(EntrySearch { mode: Some("match".to_owned()), ..EntrySearch::default() })
}

pub(crate) fn coding(system: &str, code: &str, display: &str) -> Coding {
    Coding { system: Some(system.to_owned()), code: Some(code.to_owned()), display: Some(display.to_owned()) }
}

pub(crate) fn concept(system: &str, code: &str, display: &str) -> CodeableConcept {
    CodeableConcept { coding: vec![coding(system, code, display)], text: None }
}

pub(crate) fn identifier(system: &str, value: &str) -> Identifier {
    Identifier { system: Some(system.to_owned()), value: Some(value.to_owned()), ..Identifier::default() }
}

/// These structs have text keys and no number that JSON lacks: they always become a value. Should that ever
/// change, a reader counts the null as an entry that it cannot read.
fn to_value<T: Serialize>(resource: &T) -> Value {
    serde_json::to_value(resource).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Access, Authority, BirthDate, Candidate, Deceased, Gender, HeldPlan, NhsNumber, OfficeHours, Person,
        PersonName, PlanKind, PlanPeriod, PostcodeCheck, SearchReading, TeamContact, Telephone,
    };
    use crate::fhir::read;
    use jiff::civil::{Weekday, date, time};

    fn at() -> Timestamp {
        "2026-11-22T14:00:00Z".parse().unwrap()
    }

    fn person(born: Option<BirthDate>, deceased: Deceased, multiple_birth: Option<u32>) -> Person {
        Person {
            number: NhsNumber::synthetic(1),
            name: PersonName {
                family: "O'Brien".to_owned(),
                given: vec!["Zoë".to_owned(), "Ann".to_owned()],
                title: Some("Miss".to_owned()),
            },
            born,
            gender: Gender::Female,
            multiple_birth,
            deceased,
            restricted: false,
        }
    }

    #[test]
    fn people_are_read_as_they_were_written() {
        let newborn = Person { name: PersonName::default(), ..person(None, Deceased::No, Some(0)) };
        for written in [
            person(Some(BirthDate::Day(date(2019, 3, 12))), Deceased::No, None),
            person(Some(BirthDate::Month(2009, 3)), Deceased::DateNotKnown, Some(2)),
            person(Some(BirthDate::Year(2009)), Deceased::On(date(2026, 1, 2)), None),
            Person { restricted: true, ..newborn },
        ] {
            let candidate = Candidate {
                person: written,
                score: 884,
                matched_previous_name: true,
                postcode: PostcodeCheck::NotAsked,
            };
            let body = serde_json::to_vec(&people(&[(candidate.clone(), None)], at())).unwrap();
            let expected = SearchReading::Found { candidates: vec![candidate], unreadable: 0 };
            assert_eq!(read::search(&body, None), Ok(expected));
        }
    }

    #[test]
    fn plans_and_accesses_are_read_as_they_were_written() {
        let authority = Authority {
            name: "Swindon Borough Council".to_owned(),
            code: Some("E06000030".to_owned()),
            office: Telephone::new("01793 466903"),
            emergency_duty: None,
            hours: Some(OfficeHours {
                days: vec![Weekday::Monday, Weekday::Sunday],
                from: time(8, 30, 0, 0),
                to: time(17, 0, 0, 0),
            }),
            team: Some(TeamContact { name: "North".to_owned(), telephone: Telephone::new("01793 466000") }),
        };
        let period = PlanPeriod { start: date(2026, 1, 5), end: Some(date(2026, 2, 5)) };
        let written: Vec<_> = PlanKind::ALL
            .into_iter()
            .map(|kind| {
                let authority = authority.clone();
                let plan = HeldPlan { kind: Some(kind), period: Some(period), authority, sent: Some(at()) };
                ("plan-1".to_owned(), plan)
            })
            .collect();
        let person = person(None, Deceased::No, None);
        let body = serde_json::to_vec(&plans(&person, &written, at())).unwrap();
        let reading = read::plans(&body, person.number).unwrap();
        let expected: Vec<_> = written.into_iter().map(|(_, plan)| plan).collect();
        assert_eq!((reading.plans, reading.unreadable), (expected, Vec::new()));

        let access = |name: &str, is_present_view| Access {
            at: at(),
            name: name.to_owned(),
            role: "Staff nurse".to_owned(),
            organisation: "Great Western Hospital".to_owned(),
            is_present_view,
        };
        let accesses = vec![access("Sam Okafor", true), access("Ann Lee", false)];
        let written = |(index, access): (usize, &Access)| WrittenAccess {
            id: index.to_string(),
            access: access.clone(),
            role_profile: "555".to_owned(),
        };
        let written: Vec<_> = accesses.iter().enumerate().map(written).collect();
        let body = serde_json::to_vec(&history(person.number, &written, at())).unwrap();
        let reading = read::history(&body).unwrap();
        assert_eq!((reading.accesses, reading.unreadable), (accesses, 0));
    }
}
