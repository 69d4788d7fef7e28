//! From domain to wire: the shapes that the hub answers.
//!
//! Writes only what the domain holds: no address beyond a postcode, no local id, no previous name.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::codes;
use super::wire::{
    Address, AuditAgent, AuditEvent, AuditSource, Bundle, BundleEntry, CareTeam, CodeableConcept, Coding,
    ContactPoint, EntrySearch, Extension, Flag, HumanName, Identifier, Meta, OperationOutcome, OutcomeIssue,
    Patient, Period, PractitionerRole, Reference,
};
use crate::domain::{
    Access, BirthDate, Candidate, Deceased, HeldPlan, NhsNumber, OfficeHours, Person, PersonName, Telephone,
};

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
    Patient {
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
    }
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

/// A searchset of plans, each with an id of its own.
#[must_use]
pub fn plans(person: &Person, plans: &[(String, HeldPlan)], at: Timestamp) -> Bundle {
    let entry = |(id, plan): &(String, HeldPlan)| BundleEntry {
        full_url: None,
        resource: to_value(&care_team(person, id, plan)),
        search: matched(),
    };
    searchset(plans.len(), plans.iter().map(entry).collect(), at)
}

fn care_team(person: &Person, id: &str, plan: &HeldPlan) -> CareTeam {
    let authority = &plan.authority;
    let telephone = |used: &str, number: &Option<Telephone>| {
        number.as_ref().map(|number| ContactPoint {
            system: Some("phone".to_owned()),
            value: Some(number.as_sent().to_owned()),
            r#use: Some(used.to_owned()),
        })
    };
    CareTeam {
        resource_type: "CareTeam".to_owned(),
        id: Some(id.to_owned()),
        meta: plan.sent.map(|sent| Meta { last_updated: Some(sent.to_string()), ..Meta::default() }),
        extension: authority.hours.iter().map(office_hours).chain(team_contact(plan)).collect(),
        category: plan
            .kind
            .map(|kind| concept(codes::SNOMED, kind.snomed(), kind.snomed_display()))
            .into_iter()
            .collect(),
        name: Some(authority.name.clone()),
        subject: Some(Reference {
            identifier: Some(identifier(codes::NHS_NUMBER, &person.number.digits())),
            display: Some(display(&person.name)),
            reference: None,
        }),
        period: plan.period.map(|period| Period {
            start: Some(period.start.to_string()),
            end: period.end.map(|end| end.to_string()),
        }),
        telecom: telephone("work", &authority.office)
            .into_iter()
            .chain(telephone("mobile", &authority.emergency_duty))
            .collect(),
        managing_organization: authority
            .code
            .iter()
            .map(|code| Reference {
                identifier: Some(identifier(codes::ODS_CODE, code)),
                display: Some(authority.name.clone()),
                reference: None,
            })
            .collect(),
        ..CareTeam::default()
    }
}

/// `Given FAMILY`, as the published CareTeam writes its subject.
fn display(name: &PersonName) -> String {
    let mut words: Vec<String> = name.given.iter().take(1).cloned().collect();
    words.push(name.family.to_uppercase());
    words.join(" ").trim().to_owned()
}

fn office_hours(hours: &OfficeHours) -> Extension {
    let day = |weekday: &jiff::civil::Weekday| Extension {
        url: "day".to_owned(),
        value_code: usize::try_from(weekday.to_monday_zero_offset())
            .ok()
            .and_then(|index| codes::DAYS.get(index))
            .map(|code| (*code).to_owned()),
        ..Extension::default()
    };
    let time = |url: &str, time: jiff::civil::Time| Extension {
        url: url.to_owned(),
        value_time: Some(format!("{:02}:{:02}:00", time.hour(), time.minute())),
        ..Extension::default()
    };
    let mut parts: Vec<Extension> = hours.days.iter().map(day).collect();
    parts.push(time("from", hours.from));
    parts.push(time("to", hours.to));
    Extension { url: codes::OFFICE_HOURS.to_owned(), extension: parts, ..Extension::default() }
}

fn team_contact(plan: &HeldPlan) -> Option<Extension> {
    let team = plan.authority.team.as_ref()?;
    let text = |url: &str, text: &str| Extension {
        url: url.to_owned(),
        value_string: Some(text.to_owned()),
        ..Extension::default()
    };
    let name = Some(text("name", &team.name)).filter(|_| !team.name.is_empty());
    let telephone = team.telephone.as_ref().map(|number| text("telephone", number.as_sent()));
    Some(Extension {
        url: codes::TEAM_CONTACT.to_owned(),
        extension: name.into_iter().chain(telephone).collect(),
        ..Extension::default()
    })
}

/// One access, with what only the hub knows of it.
#[derive(Debug, Clone)]
pub struct WrittenAccess {
    /// The resource's id.
    pub id: String,
    /// Who, where and when.
    pub access: Access,
    /// Role profile id of who opened it.
    pub role_profile: String,
}

/// A searchset of accesses, newest first, each followed by who made it.
#[must_use]
pub fn history(patient: NhsNumber, accesses: &[WrittenAccess], at: Timestamp) -> Bundle {
    let entry = accesses.iter().flat_map(|written| {
        let role = format!("role-{}", written.id);
        [
            BundleEntry {
                full_url: None,
                resource: to_value(&audit_event(patient, written, &role)),
                search: matched(),
            },
            BundleEntry {
                full_url: None,
                resource: to_value(&practitioner_role(written, role)),
                search: Some(EntrySearch { mode: Some("include".to_owned()), ..EntrySearch::default() }),
            },
        ]
    });
    searchset(accesses.len(), entry.collect(), at)
}

fn audit_event(patient: NhsNumber, written: &WrittenAccess, role: &str) -> AuditEvent {
    let present = coding(codes::ACCESS_TAGS, codes::PRESENT_VIEW, "The view that asks");
    let tags = if written.access.is_present_view { vec![present] } else { Vec::new() };
    AuditEvent {
        resource_type: "AuditEvent".to_owned(),
        id: Some(format!("access-{}", written.id)),
        meta: (!tags.is_empty()).then(|| Meta { tag: tags, ..Meta::default() }),
        r#type: Some(coding(
            "http://terminology.hl7.org/CodeSystem/audit-event-type",
            "rest",
            "RESTful Operation",
        )),
        subtype: vec![coding("http://hl7.org/fhir/restful-interaction", "search-type", "search-type")],
        recorded: Some(written.access.at.to_string()),
        agent: vec![
            AuditAgent {
                r#type: Some(concept(codes::ROLE_CLASS, "PAT", "patient")),
                who: Some(Reference {
                    identifier: Some(identifier(codes::NHS_NUMBER, &patient.digits())),
                    ..Reference::default()
                }),
                requestor: Some(Flag(false)),
            },
            AuditAgent {
                r#type: Some(concept(codes::ROLE_CLASS, "ASSIGNED", "assigned entity")),
                who: Some(Reference {
                    reference: Some(format!("PractitionerRole/{role}")),
                    ..Reference::default()
                }),
                requestor: Some(Flag(true)),
            },
        ],
        source: Some(AuditSource {
            observer: Reference { display: Some("CP-IS hub".to_owned()), ..Reference::default() },
        }),
        entity: Vec::new(),
    }
}

fn practitioner_role(written: &WrittenAccess, id: String) -> PractitionerRole {
    let access = &written.access;
    let named = |name: &str| Some(Reference { display: Some(name.to_owned()), ..Reference::default() });
    PractitionerRole {
        resource_type: "PractitionerRole".to_owned(),
        id: Some(id),
        identifier: vec![identifier(codes::ROLE_PROFILE, &written.role_profile)],
        practitioner: named(&access.name),
        organization: named(&access.organisation),
        code: vec![CodeableConcept {
            coding: vec![Coding { display: Some(access.role.clone()), ..Coding::default() }],
            text: None,
        }],
    }
}

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

fn matched() -> Option<EntrySearch> {
    Some(EntrySearch { mode: Some("match".to_owned()), ..EntrySearch::default() })
}

fn coding(system: &str, code: &str, display: &str) -> Coding {
    Coding { system: Some(system.to_owned()), code: Some(code.to_owned()), display: Some(display.to_owned()) }
}

fn concept(system: &str, code: &str, display: &str) -> CodeableConcept {
    CodeableConcept { coding: vec![coding(system, code, display)], text: None }
}

fn identifier(system: &str, value: &str) -> Identifier {
    Identifier { system: Some(system.to_owned()), value: Some(value.to_owned()), ..Identifier::default() }
}

/// These structs have text keys and no number that JSON lacks: they always become a value. Should that ever
/// change, a reader counts the null as an entry that it cannot read.
fn to_value<T: Serialize>(resource: &T) -> Value {
    serde_json::to_value(resource).unwrap_or(Value::Null)
}
