//! The demonstration's people as the lines that `cpis-hub load` reads: the demonstration's hub is loaded
//! as any other.

use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::people::{Council, DemoPerson, DemoPlan, Special, everybody};
use crate::fhir::codes;

/// The authority whose link the demonstration runs.
pub(super) const WEXCOMBE: &str = "ZZ801";

/// Every line, for a demonstration that starts on `today`.
pub(super) fn lines(today: Date) -> String {
    let mut lines: Vec<Value> = Vec::new();
    let people = everybody();
    for person in &people {
        lines.push(patient(person, today));
        if let Special::Replaces(old) = person.special {
            lines.push(json!({
                "resourceType": "Patient",
                "identifier": [{ "system": codes::NHS_NUMBER, "value": old.digits() }],
                "active": false,
                "link": [{ "type": "replaced-by",
                    "other": { "identifier": { "system": codes::NHS_NUMBER, "value": person.number.digits() } } }],
            }));
        }
    }
    for person in &people {
        for (index, plan) in person.plans.iter().enumerate() {
            lines.push(care_team(person, plan, index, today));
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn day(today: Date, days_from_now: i64) -> String {
    today.checked_add(days_from_now.days()).unwrap_or(today).to_string()
}

fn patient(person: &DemoPerson, today: Date) -> Value {
    let mut patient = json!({
        "resourceType": "Patient",
        "identifier": [{ "system": codes::NHS_NUMBER, "value": person.number.digits() }],
        "name": [{ "use": "usual", "family": person.family, "given": person.given }],
        "gender": person.gender.code(),
        "birthDate": person.born.wire(today),
        "address": [{ "use": "home", "postalCode": "ZZ99 3WZ" }],
    });
    if person.given.is_empty()
        && let Some(name) = patient.pointer_mut("/name/0").and_then(Value::as_object_mut)
    {
        name.remove("given");
    }
    let (key, value) = match person.special {
        Special::Nothing | Special::Replaces(_) => return patient,
        Special::Twin(order) => ("multipleBirthInteger", json!(order)),
        Special::Ended => ("active", json!(false)),
        Special::Restricted => {
            ("meta", json!({ "security": [{ "system": codes::CONFIDENTIALITY, "code": "R" }] }))
        }
        Special::Died(days) => ("deceasedDateTime", json!(day(today, -days))),
    };
    if let Some(fields) = patient.as_object_mut() {
        fields.insert(key.to_owned(), value);
    }
    patient
}

/// By what its authority knows a child: nothing of the NHS number but what makes it another for everybody.
fn local_id(person: &DemoPerson, index: usize) -> String {
    let digits = person.number.digits();
    format!("W{}-{}", digits.get(6..).unwrap_or_default(), index + 1)
}

fn care_team(person: &DemoPerson, plan: &DemoPlan, index: usize, today: Date) -> Value {
    let council = details(plan.council);
    let mut period = json!({ "start": day(today, -plan.started_days_ago) });
    if let (Some(days), Some(fields)) = (plan.ends_in_days, period.as_object_mut()) {
        fields.insert("end".to_owned(), json!(day(today, days)));
    }
    let mut telecom = vec![json!({ "system": "phone", "use": "work", "value": council.office })];
    telecom.extend(
        council.emergency_duty.map(|number| json!({ "system": "phone", "use": "mobile", "value": number })),
    );
    let mut extension = Vec::new();
    if council.hours_are_known {
        let mut parts: Vec<Value> =
            codes::DAYS.iter().take(5).map(|day| json!({ "url": "day", "valueCode": day })).collect();
        parts.push(json!({ "url": "from", "valueTime": "08:30:00" }));
        parts.push(json!({ "url": "to", "valueTime": "17:00:00" }));
        extension.push(json!({ "url": codes::OFFICE_HOURS, "extension": parts }));
    }
    extension.extend(council.team.map(|(name, telephone)| {
        json!({ "url": codes::TEAM_CONTACT, "extension": [
            { "url": "name", "valueString": name }, { "url": "telephone", "valueString": telephone } ] })
    }));
    json!({
        "resourceType": "CareTeam",
        "meta": { "lastUpdated": format!("{}T02:00:00Z", day(today, -1)) },
        "extension": extension,
        "identifier": [{ "system": codes::LOCAL_ID, "value": local_id(person, index) }],
        "category": [{ "coding": [{ "system": codes::SNOMED, "code": plan.kind.snomed(), "display": plan.kind.snomed_display() }] }],
        "name": council.name,
        "subject": { "identifier": { "system": codes::NHS_NUMBER, "value": person.number.digits() } },
        "period": period,
        "telecom": telecom,
        "managingOrganization": [{ "identifier": { "system": codes::ODS_CODE, "value": council.code } }],
    })
}

struct Details {
    name: &'static str,
    code: &'static str,
    office: &'static str,
    emergency_duty: Option<&'static str>,
    hours_are_known: bool,
    team: Option<(&'static str, &'static str)>,
}

fn details(council: Council) -> Details {
    match council {
        Council::Wexcombe => Details {
            name: "Wexcombe Borough Council",
            code: WEXCOMBE,
            office: "01632 960101",
            emergency_duty: Some("01632 960102"),
            hours_are_known: true,
            team: Some(("Children's assessment team", "01632 960103 ext 4")),
        },
        Council::Northmoor => Details {
            name: "Northmoor County Council",
            code: "ZZ802",
            office: "0117 496 0201",
            emergency_duty: Some("0117 496 0202"),
            hours_are_known: true,
            team: None,
        },
        Council::Thamesbury => Details {
            name: "Thamesbury City Council",
            code: "ZZ803",
            office: "020 7946 0301",
            emergency_duty: None,
            hours_are_known: true,
            team: None,
        },
        Council::Eastmarsh => Details {
            name: "Eastmarsh District Council",
            code: "ZZ804",
            office: "0118 496 0401",
            emergency_duty: Some("0118 496 0402"),
            hours_are_known: false,
            team: None,
        },
    }
}
