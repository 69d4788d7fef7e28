//! People into Patient resources.

use jiff::Timestamp;

use super::super::codes;
use super::super::wire::{
    Address, Bundle, BundleEntry, CodeableConcept, EntrySearch, Extension, Flag, HumanName, Identifier, Meta,
    Patient,
};
use super::{coding, searchset, to_value};
use crate::domain::{BirthDate, Candidate, Deceased, Person, PersonName};

/// A searchset of people, best first, each with its score and, of those who are not restricted, a postcode.
#[must_use]
pub fn people(found: &[(Candidate, Option<String>)], at: Timestamp) -> Bundle {
    let entry = |(candidate, postcode): &(Candidate, Option<String>)| BundleEntry {
        full_url: None,
        resource: to_value(&patient(&candidate.person, postcode.as_deref())),
        search: Some(EntrySearch {
            mode: Some("match".to_owned()),
            score: Some(f64::from(candidate.score) / 1000.0),
            extension: if candidate.matched_previous_name {
                vec![Extension {
                    url: codes::MATCHED_PREVIOUS_NAME.to_owned(),
                    value_boolean: Some(Flag(true)),
                    ..Extension::default()
                }]
            } else {
                Vec::new()
            },
        }),
    };
    searchset(found.len(), found.iter().map(entry).collect(), at)
}

/// A person in the UK Core shape.
#[must_use]
pub fn patient(person: &Person, postcode: Option<&str>) -> Patient {
    let number = person.number.digits();
    let verified = Extension {
        url: codes::VERIFICATION.to_owned(),
        value_codeable_concept: Some(CodeableConcept {
            coding: vec![coding(codes::VERIFICATION_STATUS, "01", "Number present and verified")],
            text: None,
        }),
        ..Extension::default()
    };
    let security = if person.restricted {
        coding(codes::CONFIDENTIALITY, "R", "restricted")
    } else {
        coding(codes::CONFIDENTIALITY, "U", "unrestricted")
    };
    let (deceased_date_time, deceased_boolean) = match person.deceased {
        Deceased::No => (None, None),
        Deceased::DateNotKnown => (None, Some(Flag(true))),
        Deceased::On(day) => (Some(day.to_string()), None),
    };
    let mut patient = Patient {
        resource_type: "Patient".to_owned(),
        id: Some(number.clone()),
        meta: Some(Meta { security: vec![security], ..Meta::default() }),
        identifier: vec![Identifier {
            system: Some(codes::NHS_NUMBER.to_owned()),
            value: Some(number),
            extension: vec![verified],
        }],
        name: name(&person.name).into_iter().collect(),
        gender: Some(person.gender.code().to_owned()),
        birth_date: person.born.map(birth_date),
        // 0 stands for an order that is not known.
        multiple_birth_integer: person.multiple_birth.filter(|order| *order > 0),
        multiple_birth_boolean: person.multiple_birth.filter(|order| *order == 0).map(|_| Flag(true)),
        deceased_date_time,
        deceased_boolean,
        address: postcode
            .filter(|_| !person.restricted)
            .map(|postcode| Address {
                r#use: Some("home".to_owned()),
                postal_code: Some(postcode.to_owned()),
            })
            .into_iter()
            .collect(),
        ..Patient::default()
    };
    let version = version(&patient);
    if let Some(meta) = &mut patient.meta {
        meta.version_id = Some(version);
    }
    patient
}

/// A number for what a person's resource says, as the published ETag wants one: the same while it says the same.
/// It does not count up, since nothing counts the changes. FNV-1a, of 64 bits folded to 32.
fn version(patient: &Patient) -> String {
    let bytes = serde_json::to_vec(patient).unwrap_or_default();
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    ((hash >> 32) ^ (hash & 0xffff_ffff)).to_string()
}

fn name(name: &PersonName) -> Option<HumanName> {
    let is_empty = name.family.is_empty() && name.given.is_empty();
    (!is_empty).then(|| HumanName {
        r#use: Some("usual".to_owned()),
        family: Some(name.family.clone()).filter(|family| !family.is_empty()),
        given: name.given.clone(),
        prefix: name.title.iter().cloned().collect(),
        period: None,
    })
}

fn birth_date(born: BirthDate) -> String {
    match born {
        BirthDate::Day(day) => day.to_string(),
        BirthDate::Month(year, month) => format!("{year:04}-{month:02}"),
        BirthDate::Year(year) => format!("{year:04}"),
    }
}
