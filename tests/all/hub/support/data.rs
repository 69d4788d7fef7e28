//! People and plans as lines of a load file, and the addresses that ask for them.

use cpis::domain::NhsNumber;
use serde_json::{Value, json};

pub(crate) const CHILD_PROTECTION: &str = "342191000000101";
pub(crate) const LOOKED_AFTER: &str = "764841000000100";
pub(crate) const UNBORN: &str = "818901000000100";

pub(crate) const NHS: &str = "https://fhir.nhs.uk/Id/nhs-number";

/// The number of a made-up person.
pub(crate) fn number(seed: u64) -> NhsNumber {
    NhsNumber::synthetic(seed * 20)
}

/// A person's line.
pub(crate) fn person(seed: u64, family: &str, given: &str, born: &str) -> Value {
    let number = number(seed).digits();
    json!({
        "resourceType": "Patient",
        "id": number,
        "identifier": [{ "system": NHS, "value": number }],
        "name": [{ "use": "usual", "family": family, "given": given.split(' ').collect::<Vec<_>>() }],
        "gender": "female",
        "birthDate": born,
    })
}

/// A line with parts of it replaced.
pub(crate) fn changed(mut line: Value, changes: Value) -> Value {
    let (Some(line_parts), Value::Object(changes)) = (line.as_object_mut(), changes) else {
        panic!("objects")
    };
    line_parts.extend(changes);
    line
}

/// A plan's line; `end` may be empty.
pub(crate) fn plan(seed: u64, kind: &str, start: &str, end: &str, authority: &str) -> Value {
    let period =
        if end.is_empty() { json!({ "start": start }) } else { json!({ "start": start, "end": end }) };
    json!({
        "resourceType": "CareTeam",
        "meta": { "lastUpdated": "2026-11-01T02:00:00Z" },
        "identifier": [{ "system": "https://fhir.cpis.example/Id/local-id", "value": format!("local-{seed}") }],
        "category": [{ "coding": [{ "system": "http://snomed.info/sct", "code": kind }] }],
        "name": format!("{authority} Council"),
        "subject": { "identifier": { "system": NHS, "value": number(seed).digits() } },
        "period": period,
        "telecom": [{ "system": "phone", "value": "01793 466903", "use": "work" },
            { "system": "phone", "value": "01793 436699", "use": "mobile" }],
        "managingOrganization": [{ "identifier": {
            "system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": authority } }],
    })
}

/// What is no ODS code, and could be a name or somebody's number.
pub(crate) const NO_CODES: [&str; 3] = ["Verysecret 9990000018", "9994170139", "SMITH"];

/// Statements by which a person has plans of authorities with such codes, as they could be loaded before codes were looked at.
pub(crate) fn plans_without_codes(number: NhsNumber, now_ms: i64) -> String {
    let digits = number.digits();
    let plan = |code: &str| {
        format!(
            "INSERT INTO authority (code, name) VALUES ('{code}', 'Verysecret');
             INSERT INTO upload (authority_code, at_ms) VALUES ('{code}', {now_ms});
             INSERT INTO plan (person_id, authority_code, kind, start_day, number_uploaded, local_id, upload_id)
             SELECT person_id, '{code}', '{CHILD_PROTECTION}', '2026-01-05', number, 'x', (SELECT max(id) FROM upload)
             FROM nhs_number WHERE number = '{digits}';"
        )
    };
    NO_CODES.map(plan).concat()
}

/// A number that was superseded by another.
pub(crate) fn superseded(old: u64, new: u64) -> Value {
    json!({
        "resourceType": "Patient",
        "id": number(old).digits(),
        "active": false,
        "link": [{ "type": "replaced-by",
            "other": { "identifier": { "system": NHS, "value": number(new).digits() } } }],
    })
}

/// An identity that ended.
pub(crate) fn ended(seed: u64) -> Value {
    json!({ "resourceType": "Patient", "id": number(seed).digits(), "active": false })
}

pub(crate) fn lines(values: &[Value]) -> Vec<String> {
    values.iter().map(Value::to_string).collect()
}

/// A child with a current plan of one authority: the person of most stories.
pub(crate) fn child() -> Vec<String> {
    lines(&[
        person(1, "Bennett", "Ava", "2019-03-12"),
        plan(1, CHILD_PROTECTION, "2026-01-05", "", "E06000030"),
    ])
}

pub(crate) fn plans_of(number: NhsNumber) -> String {
    format!("/cpis/FHIR/R4/CareTeam?patient:identifier={NHS}%7C{}", number.digits())
}

pub(crate) fn history_of(number: NhsNumber) -> String {
    let include = "AuditEvent:entity-type=http://terminology.hl7.org/CodeSystem/v3-RoleClass%7CASSIGNED";
    format!("/cpis/FHIR/R4/AuditEvent?patient:identifier={NHS}%7C{}&_include={include}", number.digits())
}

/// Waits for something that comes within a few seconds, and fails where it does not.
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    for _ in 0..200 {
        if is_so() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("it did not come");
}
