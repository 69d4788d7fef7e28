//! Patient resources into people: who they are, and nothing of where they live.

use serde_json::Value;

use super::super::codes;
use super::super::wire::{Address, HumanName, Patient};
use super::{
    birth_date, claimed_total, day, has_next_page, missing, outcome_code, resource_type, searchset, trimmed,
    typed,
};
use crate::domain::{
    Candidate, Deceased, Failure, Gender, NhsNumber, Person, PersonName, PostcodeCheck, SearchReading,
};

/// Reads the answer to a search. "Too many" comes with status 200, so the resource type decides.
///
/// # Errors
/// The body is neither a searchset bundle nor "too many matches".
pub fn search(body: &[u8], typed_postcode: Option<&str>) -> Result<SearchReading, Failure> {
    if outcome_code(body).as_deref() == Some("TOO_MANY_MATCHES") {
        return Ok(SearchReading::TooMany);
    }
    let bundle = searchset(body)?;
    let mut candidates = Vec::new();
    let mut unreadable = missing(claimed_total(&bundle), bundle.entry.len(), has_next_page(&bundle));
    for entry in bundle.entry {
        let Some((person, postcode)) = from_resource(entry.resource, typed_postcode) else {
            unreadable += 1;
            continue;
        };
        let score = entry.search.as_ref().and_then(|search| search.score).unwrap_or(0.0).clamp(0.0, 1.0);
        let matched_previous_name =
            entry.search.iter().flat_map(|search| &search.extension).any(|extension| {
                extension.url == codes::MATCHED_PREVIOUS_NAME
                    && extension.value_boolean.is_some_and(|flag| flag.0)
            });
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to 0..=1000 above"
        )]
        let score = (score * 1000.0).round() as u16;
        candidates.push(Candidate { person, score, matched_previous_name, postcode });
    }
    Ok(SearchReading::Found { candidates, unreadable })
}

/// Reads one retrieved person. The number can differ from the one asked for (superseded).
///
/// # Errors
/// The body is no readable Patient.
pub fn person(body: &[u8], typed_postcode: Option<&str>) -> Result<Candidate, Failure> {
    let resource: Value = serde_json::from_slice(body).map_err(|_| Failure::Unreadable)?;
    let (person, postcode) = from_resource(resource, typed_postcode).ok_or(Failure::Unreadable)?;
    Ok(Candidate { person, score: 1000, matched_previous_name: false, postcode })
}

fn from_resource(resource: Value, typed_postcode: Option<&str>) -> Option<(Person, PostcodeCheck)> {
    if resource_type(&resource) != "Patient" {
        return None;
    }
    let patient: Patient = typed(resource)?;
    let person = Person {
        number: number(&patient)?,
        name: name(&patient.name),
        // A date of birth that is there and cannot be read makes the person unreadable: it identifies.
        born: match patient.birth_date.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => Some(birth_date(text)?),
        },
        gender: Gender::from_code(patient.gender.as_deref().unwrap_or_default()),
        multiple_birth: patient
            .multiple_birth_integer
            .or_else(|| patient.multiple_birth_boolean.filter(|flag| flag.0).map(|_| 0)),
        deceased: deceased(&patient),
        restricted: is_restricted(&patient),
    };
    Some((person, compare_postcode(&patient.address, typed_postcode)))
}

/// The address is looked at here and goes no further.
fn compare_postcode(addresses: &[Address], typed: Option<&str>) -> PostcodeCheck {
    let Some(typed) = typed.map(PersonName::folded).filter(|typed| !typed.is_empty()) else {
        return PostcodeCheck::NotAsked;
    };
    let mut held = addresses
        .iter()
        .filter_map(|address| address.postal_code.as_deref())
        .map(PersonName::folded)
        .peekable();
    if held.peek().is_none() {
        PostcodeCheck::NotHeld
    } else if held.any(|held| held == typed) {
        PostcodeCheck::Agrees
    } else {
        PostcodeCheck::Differs
    }
}

/// `id` and identifier must not contradict each other: it would be unclear who this is.
fn number(patient: &Patient) -> Option<NhsNumber> {
    let is_nhs = |system: Option<&str>| system.is_some_and(|s| s.trim() == codes::NHS_NUMBER);
    let identifier = patient.identifier.iter().find(|id| is_nhs(id.system.as_deref()));
    let by_identifier = match identifier.and_then(|id| id.value.as_deref()) {
        Some(value) => Some(NhsNumber::parse(value).ok()?),
        None => None,
    };
    let by_id = patient.id.as_deref().and_then(|id| NhsNumber::parse(id).ok());
    match (by_id, by_identifier) {
        (Some(a), Some(b)) => (a == b).then_some(a),
        (a, b) => a.or(b),
    }
}

fn name(names: &[HumanName]) -> PersonName {
    let with_use = |wanted: &str| names.iter().find(|name| name.r#use.as_deref() == Some(wanted));
    let is_past = |name: &&HumanName| matches!(name.r#use.as_deref(), Some("old" | "maiden"));
    let chosen =
        with_use("usual").or_else(|| with_use("official")).or_else(|| names.iter().find(|n| !is_past(n)));
    let Some(chosen) = chosen else { return PersonName::default() };
    let kept = |list: &[String]| -> Vec<String> {
        list.iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
    };
    PersonName {
        family: trimmed(chosen.family.as_deref()),
        given: kept(&chosen.given),
        title: kept(&chosen.prefix).into_iter().next(),
    }
}

fn deceased(patient: &Patient) -> Deceased {
    match patient.deceased_date_time.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => day(text).map_or(Deceased::DateNotKnown, Deceased::On),
        None if patient.deceased_boolean.is_some_and(|flag| flag.0) => Deceased::DateNotKnown,
        None => Deceased::No,
    }
}

fn is_restricted(patient: &Patient) -> bool {
    let labels = patient.meta.iter().flat_map(|meta| &meta.security);
    labels
        .filter_map(|coding| coding.code.as_deref())
        .any(|code| matches!(code.trim(), "R" | "V" | "REDACTED"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use serde_json::json;

    use crate::domain::BirthDate;

    fn jane() -> Value {
        json!({
            "resourceType": "Patient", "id": "9000000009",
            "identifier": [{ "system": codes::NHS_NUMBER, "value": "9000000009" }],
            "name": [
                { "use": "old", "family": "Before", "given": ["Jane"] },
                { "use": "usual", "family": "Smith ", "given": ["Jane", ""], "prefix": ["Mrs"] },
            ],
            "gender": "female", "birthDate": "2010-10-22", "deceasedBoolean": "false",
        })
    }

    #[test]
    fn a_person_is_read_by_their_usual_name() {
        let read = person(jane().to_string().as_bytes(), None).unwrap().person;
        assert_eq!(read.name.banner(), "SMITH, Jane (Mrs)");
        assert_eq!(read.born, Some(BirthDate::Day(date(2010, 10, 22))));
        assert_eq!((read.gender, read.deceased, read.restricted), (Gender::Female, Deceased::No, false));
    }

    #[test]
    fn what_would_identify_wrongly_makes_a_person_unreadable() {
        let check = |key: &str, value: Value, readable: bool| {
            let mut patient = jane();
            patient[key] = value.clone();
            assert_eq!(person(patient.to_string().as_bytes(), None).is_ok(), readable, "{key} {value}");
        };
        check("id", json!("9434765919"), false);
        check("id", Value::Null, true);
        check("birthDate", json!("2010-22-10"), false);
        check("birthDate", Value::Null, true);
        check("name", json!([]), true);
        check("resourceType", json!("Person"), false);
        check("meta", json!({ "security": [{ "code": "R" }] }), true);
    }

    #[test]
    fn a_search_counts_what_it_cannot_read_and_knows_too_many() {
        let bundle = |total: u32, entries: Value| {
            json!({ "resourceType": "Bundle", "type": "searchset", "total": total, "entry": entries })
                .to_string()
        };
        let entry = json!({ "resource": jane(), "search": { "score": 0.94 } });
        let found = search(bundle(2, json!([entry, { "resource": {} }])).as_bytes(), None).unwrap();
        let SearchReading::Found { candidates, unreadable } = found else { panic!("found") };
        assert_eq!((candidates.len(), candidates[0].score, unreadable), (1, 940, 1));
        let none = search(bundle(0, json!([])).as_bytes(), None).unwrap();
        assert_eq!(none, SearchReading::Found { candidates: vec![], unreadable: 0 });
        let too_many = json!({ "resourceType": "OperationOutcome",
            "issue": [{ "details": { "coding": [{ "code": "TOO_MANY_MATCHES" }] } }] });
        assert_eq!(search(too_many.to_string().as_bytes(), None), Ok(SearchReading::TooMany));
        assert_eq!(search(b"{\"resourceType\":\"OperationOutcome\"}", None), Err(Failure::Unreadable));
    }

    #[test]
    fn h30_a_typed_postcode_is_compared_and_the_held_one_goes_no_further() {
        let check = |held: Value, typed: Option<&str>, expected: PostcodeCheck| {
            let mut patient = jane();
            patient["address"] = held;
            let read = person(patient.to_string().as_bytes(), typed).unwrap();
            assert_eq!(read.postcode, expected, "{typed:?}");
        };
        let held = || json!([{ "use": "home", "postalCode": "SN3 6BB" }]);
        check(held(), None, PostcodeCheck::NotAsked);
        check(held(), Some(" "), PostcodeCheck::NotAsked);
        check(held(), Some("sn36bb"), PostcodeCheck::Agrees);
        check(held(), Some("SN3 6BC"), PostcodeCheck::Differs);
        check(json!([]), Some("SN3 6BB"), PostcodeCheck::NotHeld);
    }
}
