//! The viewer's reading of FHIR. Nothing held, nobody found and nobody looked are read only from an answer that
//! says so itself; what is read is written by the hub and read again alike.

use jiff::Timestamp;
use serde_json::Value;

use super::typed::assert_is_a_number;
use crate::domain::{Candidate, Deceased, HeldPlan, NhsNumber, Person, PersonName, PlanKind, SearchReading};
use crate::fhir::{read, write};

/// Of a bundle, what says that it is empty. Whatever else is in it has to be JSON, and no more.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bare {
    resource_type: Option<Value>,
    r#type: Option<Value>,
    total: Option<Value>,
    entry: Option<Value>,
    link: Option<Value>,
}

/// A well-formed searchset that says itself that it is empty, judged on the bare JSON.
fn says_that_it_is_empty(body: &[u8], is_counted: impl Fn(&Value) -> bool) -> bool {
    let Ok(text) = std::str::from_utf8(body) else { return false };
    let Ok(bundle) = serde_json::from_str::<Bare>(text) else { return false };
    let text =
        |value: Option<Value>| value.as_ref().and_then(Value::as_str).map(|text| text.trim().to_owned());
    let total = match bundle.total {
        Some(Value::Number(total)) => total.as_u64(),
        Some(Value::String(total)) => total.trim().parse().ok(),
        Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => None,
    };
    let none = |list: Option<Value>, counts: &dyn Fn(&Value) -> bool| match list {
        None => true,
        Some(Value::Array(all)) => !all.iter().any(counts),
        Some(Value::Null) => true,
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => false,
    };
    text(bundle.resource_type).as_deref() == Some("Bundle")
        && text(bundle.r#type).as_deref() == Some("searchset")
        && total == Some(0)
        && none(bundle.entry, &is_counted)
        && none(bundle.link, &|link| link.get("relation") == Some(&Value::from("next")))
}

fn json<T: serde::Serialize>(resource: &T) -> Vec<u8> {
    serde_json::to_vec(resource).unwrap_or_default()
}

fn moment() -> Timestamp {
    Timestamp::constant(1_795_356_000, 0)
}

/// Dates that FHIR can write: four digits of a year.
fn is_in_the_calendar(day: jiff::civil::Date) -> bool {
    day.year() >= 0
}

pub(super) fn people(body: &[u8]) {
    if let Ok(candidate) = read::person(body, Some("SN3 6BB")) {
        assert_is_a_number(candidate.person.number);
    }
    let Ok(SearchReading::Found { candidates, unreadable }) = read::search(body, None) else { return };
    if candidates.is_empty() && unreadable == 0 {
        assert!(says_that_it_is_empty(body, |_| true), "nobody found, and the answer does not say so");
    }
    for candidate in &candidates {
        assert_is_a_number(candidate.person.number);
        assert!(candidate.score <= 1000);
        assert!(!format!("{candidate:?}").contains(&candidate.person.number.digits()));
    }
    let can_be_written = |candidate: &&Candidate| {
        let person = &candidate.person;
        let is_named = !person.name.family.is_empty() || !person.name.given.is_empty();
        let died = match person.deceased {
            Deceased::On(day) => is_in_the_calendar(day),
            Deceased::No | Deceased::DateNotKnown => true,
        };
        let born = person.born.is_none_or(|born| is_in_the_calendar(born.range().0));
        (is_named || person.name == PersonName::default()) && died && born
    };
    let written: Vec<_> =
        candidates.iter().filter(can_be_written).map(|candidate| (candidate.clone(), None)).collect();
    let again = read::search(&json(&write::people(&written, moment())), None);
    let candidates = written.into_iter().map(|(candidate, _)| candidate).collect();
    assert_eq!(again, Ok(SearchReading::Found { candidates, unreadable: 0 }), "people read again");
}

/// The person that every body is read for.
pub(super) fn asked() -> NhsNumber {
    NhsNumber::synthetic(1)
}

pub(super) fn plans(body: &[u8]) {
    let Ok(reading) = read::plans(body, asked()) else { return };
    if reading.plans.is_empty() && reading.unreadable.is_empty() {
        assert!(says_that_it_is_empty(body, |_| true), "nothing held, and the answer does not say so");
    }
    let can_be_written = |plan: &&HeldPlan| {
        let is_dated = plan.period.is_some_and(|period| {
            assert!(period.end.is_none_or(|end| end >= period.start), "a plan that ends before it starts");
            is_in_the_calendar(period.start)
        });
        let sent = plan.sent.is_none_or(|sent| sent.as_second() >= 0);
        plan.kind.is_some() && is_dated && sent
    };
    for plan in &reading.plans {
        assert!(plan.kind.is_none() || plan.period.is_some(), "a kind is said only with dates");
        assert!(plan.kind.is_none_or(|kind| PlanKind::from_code(kind.snomed()) == Some(kind)));
    }
    let held: Vec<HeldPlan> = reading.plans.iter().filter(can_be_written).cloned().collect();
    let written: Vec<_> = held.iter().map(|plan| ("plan".to_owned(), plan.clone())).collect();
    let again = read::plans(&json(&write::plans(&person(), &written, moment())), asked());
    let again = again.map(|again| (again.plans, again.unreadable));
    assert_eq!(again, Ok((held, Vec::new())), "plans read again");
}

fn person() -> Person {
    Person {
        number: asked(),
        name: PersonName::default(),
        born: None,
        gender: crate::domain::Gender::Unknown,
        multiple_birth: None,
        deceased: Deceased::No,
        restricted: false,
    }
}

pub(super) fn accesses(body: &[u8]) {
    let Ok(reading) = read::history(body) else { return };
    if reading.accesses.is_empty() && reading.unreadable == 0 {
        let kind = |entry: &Value| entry.pointer("/resource/resourceType").cloned();
        let is_access = |entry: &Value| kind(entry) != Some(Value::from("PractitionerRole"));
        assert!(says_that_it_is_empty(body, is_access), "nobody looked, and the answer does not say so");
    }
    assert!(reading.accesses.is_sorted_by(|newer, older| newer.at >= older.at), "newest first");
    let written: Vec<_> = reading
        .accesses
        .iter()
        .enumerate()
        .map(|(id, access)| write::WrittenAccess {
            id: id.to_string(),
            access: access.clone(),
            role_profile: "555".to_owned(),
        })
        .collect();
    let again = read::history(&json(&write::history(asked(), &written, moment())));
    let again = again.map(|again| (again.accesses, again.unreadable));
    assert_eq!(again, Ok((reading.accesses, 0)), "accesses read again");
}

pub(super) fn outcome(body: &[u8]) {
    let Some(code) = read::outcome_code(body) else { return };
    assert_eq!(code.trim(), code);
    let again = json(&write::outcome("invalid", &code, "Words"));
    assert_eq!(read::outcome_code(&again), Some(code), "an outcome read again");
    // An outcome is never an answer.
    assert!(read::plans(body, asked()).is_err() && read::history(body).is_err());
    assert!(read::person(body, None).is_err());
    assert!(!matches!(read::search(body, None), Ok(SearchReading::Found { .. })));
}
