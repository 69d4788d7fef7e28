//! The upload document, read record by record. A record that cannot be meant is handed over as what is wrong with it;
//! what is wrong with the document ends it.

use std::io::Read;
use std::ops::ControlFlow;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::value::RawValue;

use super::super::codes::{self, RecordCode};
use super::super::stream::{self, StreamFault};
use super::super::wire::{Collection, Kind, MessageHeader, is_digest};
use super::super::{RECORD_PLANS, RECORDS, TEXT_CHARACTERS};
use super::{
    Document, DocumentFault, Ended, Header, Plan, Previous, Record, RecordFault, TakenBack, WithoutTeam,
};
use crate::domain::{
    Authority, NhsNumber, NhsNumberError, PlanKind, PlanPeriod, TeamContact, Telephone, text,
};
use crate::fhir::codes::{LOCAL_ID, NHS_NUMBER, ODS_CODE, OFFICE_HOURS, TEAM_CONTACT};
use crate::fhir::read::{office_hours, team_contact};
use crate::fhir::wire::{CareTeam, Extension, Flag, Identifier, Organization, Patient};

/// Who is handed what is read. Either may say that it wants no more.
pub trait Sink {
    /// The first entry.
    fn header(&mut self, header: &Header) -> ControlFlow<()>;
    /// A record, or what is wrong with it. The first place is 1.
    fn record(&mut self, place: u64, record: Result<Record, RecordFault>) -> ControlFlow<()>;
}

/// Reads a document to its end.
///
/// # Errors
/// Nothing of it is to be believed, whatever was handed over.
pub fn read(source: impl Read, sink: &mut dyn Sink) -> Result<Document, DocumentFault> {
    let mut header: Option<Header> = None;
    let mut fault: Option<DocumentFault> = None;
    let mut found: u64 = 0;
    let outside = stream::read(source, &mut |resource| {
        let Some(known) = &header else {
            return match header_of(resource) {
                Ok(read) => {
                    let flow = sink.header(&read);
                    header = Some(read);
                    flow
                }
                Err(why) => {
                    fault = Some(why);
                    ControlFlow::Break(())
                }
            };
        };
        if found >= known.records {
            // What is said first is what memory and time were planned for.
            fault = Some(DocumentFault::Count { said: known.records, found: found + 1 });
            return ControlFlow::Break(());
        }
        found += 1;
        sink.record(found, record_of(resource))
    });
    let outside = outside.map_err(|stopped| match (fault, stopped) {
        (Some(fault), _) => fault,
        (None, StreamFault::Io(kind)) => DocumentFault::Unreadable(kind),
        (None, StreamFault::NotABundle) => DocumentFault::NotABundle,
        (None, StreamFault::TooLong) => DocumentFault::TooLong,
        (None, StreamFault::Stopped) => DocumentFault::Stopped,
    })?;
    if outside.resource_type.as_deref() != Some("Bundle") || outside.kind.as_deref() != Some("message") {
        return Err(DocumentFault::NotAnUpload("it is no bundle of the type `message`"));
    }
    let header = header.ok_or(DocumentFault::NotAnUpload("it has no entries"))?;
    if found != header.records {
        return Err(DocumentFault::Count { said: header.records, found });
    }
    let created: Option<Timestamp> = outside.timestamp.and_then(|at| at.parse().ok());
    let created = created.ok_or(DocumentFault::NotAnUpload("`timestamp` is no moment with an offset"))?;
    Ok(Document { header, created })
}

fn header_of(resource: &RawValue) -> Result<Header, DocumentFault> {
    let wrong = DocumentFault::Header;
    let message: MessageHeader =
        serde_json::from_str(resource.get()).map_err(|_| wrong("it is no MessageHeader"))?;
    if message.resource_type != "MessageHeader" || message.event() != Some(codes::IS_UPLOAD) {
        return Err(DocumentFault::NotAnUpload("its first entry is no MessageHeader of an upload"));
    }
    let version = message.definition.as_deref().and_then(|definition| definition.split_once('|'));
    if version != Some((codes::DEFINITION, codes::VERSION)) {
        return Err(DocumentFault::Version);
    }
    let name = message.sender.as_ref().and_then(|sender| sender.reference.as_deref()?.strip_prefix('#'));
    let sender = message
        .contained
        .iter()
        .find(|contained| contained.resource_type == "Organization" && contained.id.as_deref() == name)
        .ok_or(wrong("`sender` leads to no contained Organization"))?;
    let sequence = message.integer(codes::SEQUENCE).and_then(|number| u32::try_from(number).ok());
    let sequence = sequence.filter(|number| (1..=MOST_SEQUENCE).contains(number));
    let records = message.integer(codes::RECORD_COUNT).and_then(|count| u64::try_from(count).ok());
    let records = records.ok_or(wrong("the number of records is missing"))?;
    if records > RECORDS {
        return Err(wrong("there are more records than one file can have: divide it"));
    }
    let (authority_code, authority) = sender_of(sender)?;
    let is_full = extension(&message.extension, codes::FULL_REFRESH)
        .is_some_and(|extension| extension.value_boolean == Some(Flag(true)));
    let previous = previous_of(&message)?;
    if previous.is_none() && !is_full {
        return Err(wrong("it names no file before it, and is no full refresh"));
    }
    Ok(Header {
        authority_code,
        authority,
        sequence: sequence.ok_or(wrong("the sequence number is missing, or is no whole number from 1"))?,
        records,
        previous,
        is_full,
    })
}

fn previous_of(message: &MessageHeader) -> Result<Option<Previous>, DocumentFault> {
    let digest = message.text(codes::PREVIOUS_DIGEST);
    let sequence = message.integer(codes::PREVIOUS);
    match (sequence.and_then(|sequence| u32::try_from(sequence).ok()), digest) {
        (None, None) if sequence.is_none() => Ok(None),
        (Some(sequence), Some(digest)) if is_digest(digest) => {
            Ok(Some(Previous { sequence, digest: digest.to_owned() }))
        }
        (_, _) => Err(DocumentFault::Header("the file before it needs its number and its SHA-256")),
    }
}

/// As FHIR's own whole numbers.
const MOST_SEQUENCE: u32 = 2_147_483_647;

fn sender_of(sender: &Organization) -> Result<(String, Authority), DocumentFault> {
    let wrong = DocumentFault::Header;
    let code = value(&sender.identifier, ODS_CODE)
        .filter(|code| code.len() <= 20 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .ok_or(wrong("the Organization has no ODS code"))?;
    let name = shown(sender.name.as_deref()).ok_or(wrong("the Organization has no name"))?;
    let telephone = |used: &str| -> Result<Option<Telephone>, DocumentFault> {
        let Some(contact) = sender.telecom.iter().find(|contact| contact.r#use.as_deref() == Some(used))
        else {
            return Ok(None);
        };
        let number = shown(contact.value.as_deref()).and_then(|number| Telephone::new(&number));
        number.map(Some).ok_or(wrong("a telephone number cannot be one"))
    };
    let hours = match extension(&sender.extension, OFFICE_HOURS) {
        None => None,
        Some(hours) => Some(
            office_hours(hours)
                .filter(|hours| !hours.days.is_empty() && hours.from < hours.to)
                .ok_or(wrong("the office hours need `day`, `from` and `to`"))?,
        ),
    };
    let authority = Authority {
        name,
        code: Some(code.clone()),
        office: telephone("work")?,
        emergency_duty: telephone("mobile")?,
        hours,
        team: None,
    };
    Ok((code, authority))
}

fn other(why: &'static str) -> RecordFault {
    RecordFault { code: RecordCode::Other, why }
}

fn record_of(resource: &RawValue) -> Result<Record, RecordFault> {
    let wrong = other("it is no bundle with a Patient and after it its plans as CareTeams");
    let collection: Collection<'_> = serde_json::from_str(resource.get()).map_err(|_| wrong)?;
    if collection.resource_type != "Bundle" {
        return Err(wrong);
    }
    let (first, teams) = collection.entry.split_first().ok_or(wrong)?;
    if kind(first.resource) != Some("Patient") {
        return Err(wrong);
    }
    let patient: Patient = serde_json::from_str(first.resource.get()).map_err(|_| wrong)?;
    if teams.is_empty() {
        return Err(other("it has no plan"));
    }
    if teams.len() > RECORD_PLANS {
        return Err(other("it has more plans than one record can have: divide it"));
    }
    let number = number_of(&patient.identifier)?;
    let name = match patient.name.as_slice() {
        [] => None,
        [name] => Some(name),
        [_, _, ..] => return Err(other("it has more than one name")),
    };
    let given = name.map(|name| name.given.iter().filter_map(|name| shown(Some(name))).collect::<Vec<_>>());
    let mut record = Record {
        number,
        local_id: value(&patient.identifier, LOCAL_ID).ok_or(other("it has no local id"))?,
        family: name.and_then(|name| shown(name.family.as_deref())).unwrap_or_default(),
        given: shown(Some(&given.unwrap_or_default().join(" "))).unwrap_or_default(),
        born: patient.birth_date.as_deref().and_then(day),
        plans: Vec::new(),
        taken_back: Vec::new(),
        ended: Vec::new(),
        without_team: Vec::new(),
    };
    for team in teams {
        if kind(team.resource) != Some("CareTeam") {
            return Err(wrong);
        }
        let team: CareTeam = serde_json::from_str(team.resource.get()).map_err(|_| wrong)?;
        plan_of(&team, &mut record)?;
    }
    // Only for what is to be held somebody has to be found.
    match &record {
        record if record.plans.is_empty() => {}
        record if record.family.is_empty() => return Err(other("it has no family name")),
        record if record.given.is_empty() => return Err(other("it has no given names")),
        record if record.born.is_none() => return Err(other("its date of birth is no day")),
        _ => {}
    }
    Ok(record)
}

fn plan_of(team: &CareTeam, record: &mut Record) -> Result<(), RecordFault> {
    let kind = team
        .category
        .iter()
        .flat_map(|category| &category.coding)
        .find_map(|coding| PlanKind::from_code(coding.code.as_deref()?))
        .ok_or(other("a plan is of no kind that is known"))?;
    let period = team.period.as_ref().ok_or(other("a plan has no period"))?;
    let start = period.start.as_deref().and_then(day).ok_or(other("a plan's start is no day"))?;
    let subject = team.subject.as_ref().and_then(|subject| subject.identifier.as_ref());
    let number = number_of(subject.map_or(&[][..], std::slice::from_ref))?;
    let deleted = extension(&team.extension, codes::DELETE_DATE);
    match (team.status.as_deref(), deleted) {
        (Some(codes::IN_ERROR), Some(deleted)) => {
            let decided = deleted.value_date.as_deref().and_then(day);
            let decided = decided.ok_or(other("a delete date is no day"))?;
            record.taken_back.push(TakenBack { number, kind, start, decided });
            return Ok(());
        }
        (Some(codes::IN_ERROR), None) => return Err(other("a plan that is taken back has no delete date")),
        (_, Some(_)) => return Err(other("a plan with a delete date is not `entered-in-error`")),
        (_, None) => {}
    }
    match team.status.as_deref() {
        None | Some("active") => {}
        Some(codes::ENDED) => {
            let end = period.end.as_deref().and_then(day).filter(|end| *end >= start);
            let end = end.ok_or(other("a plan that ends has no last day, or one before its first"))?;
            record.ended.push(Ended { number, kind, start, end });
            return Ok(());
        }
        Some(codes::WITHOUT_TEAM) => {
            record.without_team.push(WithoutTeam { number, kind, start });
            return Ok(());
        }
        Some(_) => return Err(other("a plan has a status that is not known")),
    }
    if number != record.number {
        return Err(other("a plan to be held is under another number than its person"));
    }
    let end = period.end.as_deref().map(|end| day(end).ok_or(other("a plan's end is no day"))).transpose()?;
    if end.is_some_and(|end| end < start) {
        return Err(other("a plan ends before it starts"));
    }
    match kind {
        // Without it the alert would never end.
        PlanKind::UnbornChildProtection if end.is_none() => {
            return Err(other("a plan for an unborn child has no end: the due date"));
        }
        PlanKind::UnbornChildProtection | PlanKind::ChildProtection | PlanKind::LookedAfter => {}
    }
    let is_same = |plan: &Plan| plan.kind == kind && plan.period.start == start;
    if record.plans.iter().any(is_same) {
        return Err(other("it has the same plan twice"));
    }
    let team = extension(&team.extension, TEAM_CONTACT).map(team_of).transpose()?;
    record.plans.push(Plan { kind, period: PlanPeriod { start, end }, team });
    Ok(())
}

fn team_of(contact: &Extension) -> Result<TeamContact, RecordFault> {
    let wrong = other("a team contact cannot be one");
    let team = team_contact(contact).ok_or(wrong)?;
    let telephone = team.telephone.as_ref().map_or("x", Telephone::as_sent);
    if shown(Some(&team.name)).is_none() || shown(Some(telephone)).is_none() {
        return Err(wrong);
    }
    Ok(team)
}

fn number_of(identifiers: &[Identifier]) -> Result<NhsNumber, RecordFault> {
    let number = value(identifiers, NHS_NUMBER).ok_or(other("it has no NHS number"))?;
    NhsNumber::parse(&number).map_err(|error| match error {
        NhsNumberError::CheckDigit => RecordFault {
            code: RecordCode::NoMatch,
            why: "the last digit of the NHS number does not fit the others: nobody can have it",
        },
        NhsNumberError::NotDigits | NhsNumberError::WrongLength(_) | NhsNumberError::Empty => RecordFault {
            code: RecordCode::OldStyle,
            why: "the NHS number has not ten digits: trace the one that is in use now",
        },
    })
}

fn kind(resource: &RawValue) -> Option<&'static str> {
    let kind: Kind<'_> = serde_json::from_str(resource.get()).ok()?;
    ["Patient", "CareTeam"].into_iter().find(|known| *known == kind.resource_type)
}

/// The one value of a system; none where there are two.
fn value(identifiers: &[Identifier], system: &str) -> Option<String> {
    let mut of_system = identifiers.iter().filter(|identifier| identifier.system.as_deref() == Some(system));
    let only = of_system.next().filter(|_| of_system.next().is_none())?;
    shown(only.value.as_deref())
}

fn extension<'a>(extensions: &'a [Extension], url: &str) -> Option<&'a Extension> {
    extensions.iter().find(|extension| extension.url == url)
}

/// A text that can be shown, without what stands around it.
fn shown(value: Option<&str>) -> Option<String> {
    let value = value?.trim();
    let fits = !value.is_empty()
        && value.chars().count() <= TEXT_CHARACTERS
        && !value.chars().any(text::is_unprintable);
    fits.then(|| value.to_owned())
}

/// Days only: a moment would leave open in which zone.
fn day(text: &str) -> Option<Date> {
    text.parse().ok().filter(|_| text.len() == 10)
}
