//! A Patient line: a person, a superseded number, or an identity that ended.
//!
//! Refuses what the hub would have to leave out: an address beyond its postcode never gets this far, since
//! the wire shape does not know it.

use super::{LoadedPerson, Read, Superseded, nhs_number, text};
use crate::domain::{Deceased, Gender, PersonName};
use crate::fhir::codes;
use crate::fhir::wire::{HumanName, Identifier, Patient};
use crate::hub::store::born_from_wire;

pub(super) fn read(line: usize, bytes: &[u8]) -> Result<Read, String> {
    // serde's own words may repeat a value of the line.
    let patient: Patient =
        serde_json::from_slice(bytes).map_err(|_| "not a Patient of the documented shape")?;
    let number = nhs_number(&number_of(&patient)?)?;
    let is_active = patient.active.is_none_or(|flag| flag.0);
    if let Some(link) = patient.link.first() {
        if patient.link.len() > 1 || link.r#type.trim() != "replaced-by" {
            return Err("the only link that is known is one `replaced-by`".to_owned());
        }
        let other = link.other.identifier.as_ref().and_then(|identifier| identifier.value.as_deref());
        let new = nhs_number(other.ok_or("`replaced-by` without the other's identifier")?)?;
        return Ok(Read::Superseded(Superseded { line, old: number, new }));
    }
    let (name, previous_names) = names(&patient.name)?;
    Ok(Read::Person(Box::new(LoadedPerson {
        line,
        number,
        is_ended: !is_active,
        name,
        previous_names,
        gender: gender(patient.gender.as_deref())?,
        born: match text(patient.birth_date.as_deref()) {
            None => None,
            Some(born) => Some(born_from_wire(&born).ok_or("`birthDate` is not a date, a month or a year")?),
        },
        multiple_birth: match (patient.multiple_birth_integer, patient.multiple_birth_boolean) {
            (Some(order), _) => Some(order),
            (None, Some(flag)) if flag.0 => Some(0),
            (None, _) => None,
        },
        deceased: deceased(&patient)?,
        restricted: restricted(&patient),
        postcode: postcode(&patient)?,
    })))
}

fn number_of(patient: &Patient) -> Result<String, String> {
    let is_nhs = |identifier: &&Identifier| identifier.system.as_deref() == Some(codes::NHS_NUMBER);
    let identifier =
        patient.identifier.iter().find(is_nhs).and_then(|identifier| text(identifier.value.as_deref()));
    match (identifier, text(patient.id.as_deref())) {
        (Some(number), Some(id)) if number != id => Err("`id` and the NHS number differ".to_owned()),
        (Some(number), _) | (None, Some(number)) => Ok(number),
        (None, None) => Err("no NHS number".to_owned()),
    }
}

/// The current name, if there is one, and the previous ones. `usual` goes before `official`.
fn names(names: &[HumanName]) -> Result<(Option<PersonName>, Vec<PersonName>), String> {
    let mut usual = Vec::new();
    let mut official = Vec::new();
    let mut previous = Vec::new();
    for name in names {
        let read = PersonName {
            family: text(name.family.as_deref()).unwrap_or_default(),
            given: name.given.iter().filter_map(|given| text(Some(given))).collect(),
            title: name.prefix.iter().find_map(|prefix| text(Some(prefix))),
        };
        match name.r#use.as_deref().map(str::trim) {
            None | Some("usual") => usual.push(read),
            Some("official") => official.push(read),
            Some("old" | "maiden") => previous.push(read),
            Some(_) => return Err("a name's `use` is none of usual, official, old and maiden".to_owned()),
        }
    }
    let mut current = if usual.is_empty() { official } else { usual };
    if current.len() > 1 {
        return Err("two current names".to_owned());
    }
    Ok((current.pop(), previous))
}

/// `R` and what is stricter restrict, `U` lifts that; anything else says nothing.
fn restricted(patient: &Patient) -> Option<bool> {
    let labels = patient.meta.iter().flat_map(|meta| &meta.security);
    let mut said = None;
    for label in labels {
        match label.code.as_deref().map(str::trim) {
            Some("R" | "V" | "REDACTED") => return Some(true),
            Some("U") => said = Some(false),
            Some(_) | None => {}
        }
    }
    said
}

fn gender(code: Option<&str>) -> Result<Option<Gender>, String> {
    match code.map(str::trim) {
        None => Ok(None),
        Some(code @ ("male" | "female" | "other" | "unknown")) => Ok(Some(Gender::from_code(code))),
        Some(_) => Err("`gender` is none of male, female, other and unknown".to_owned()),
    }
}

fn deceased(patient: &Patient) -> Result<Option<Deceased>, String> {
    if let Some(when) = text(patient.deceased_date_time.as_deref()) {
        let day = when.get(..10).and_then(|day| day.parse().ok()).ok_or("`deceasedDateTime` is not a day")?;
        return Ok(Some(Deceased::On(day)));
    }
    let died = |died: bool| if died { Deceased::DateNotKnown } else { Deceased::No };
    Ok(patient.deceased_boolean.as_ref().map(|flag| died(flag.0)))
}

fn postcode(patient: &Patient) -> Result<Option<String>, String> {
    let mut home = patient
        .address
        .iter()
        .filter(|address| address.r#use.as_deref().is_none_or(|used| used.trim() == "home"))
        .filter_map(|address| text(address.postal_code.as_deref()));
    let postcode = home.next();
    if home.next().is_some() {
        return Err("two home addresses".to_owned());
    }
    match postcode {
        Some(postcode) if postcode.len() > 10 => Err("a postcode longer than 10 characters".to_owned()),
        postcode => Ok(postcode),
    }
}
