//! The upload document, written record by record.

use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::codes;
use super::super::stream;
use super::super::wire::{BundleHead, MessageHeader, Source, integer, string};
use super::{Ended, Header, Plan, Record, TakenBack, WithoutTeam};
use crate::domain::{NhsNumber, PlanKind};
use crate::fhir::codes::{LOCAL_ID, NHS_NUMBER, ODS_CODE, SNOMED};
use crate::fhir::wire::{
    CareTeam, Coding, Extension, Flag, HumanName, Identifier, Organization, Patient, Period, Reference,
};
use crate::fhir::write::{concept, identifier, office_hours, team_contact, telecom};

/// Writes a document. What is dropped before [`Writer::finish`] is no document: its end is missing.
pub struct Writer<W: Write> {
    stream: stream::Writer<W>,
    base: String,
    expected: u64,
    written: u64,
}

impl<W: Write> Writer<W> {
    /// Begins with who sends, and how many records will follow.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn begin(out: W, header: &Header, created: Timestamp) -> io::Result<Self> {
        let head = BundleHead {
            resource_type: "Bundle",
            identifier: identifier(codes::UPLOAD_ID, &header.id()),
            r#type: "message",
            timestamp: created.to_string(),
        };
        let mut stream = stream::Writer::begin(out, &head)?;
        let base = format!("https://fhir.cpis.example/upload/{}", header.id());
        stream.entry(&format!("{base}/MessageHeader/0"), &message(header))?;
        Ok(Self { stream, base, expected: header.records, written: 0 })
    }

    /// Writes a record, and says its place: the first is 1.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn record(&mut self, record: &Record) -> io::Result<u64> {
        self.written += 1;
        let url = format!("{}/Bundle/{}", self.base, self.written);
        self.stream.entry(&url, &collection(record, self.written))?;
        Ok(self.written)
    }

    /// Writes the end.
    ///
    /// # Errors
    /// It cannot be written, or there are fewer or more records than were announced.
    pub fn finish(self) -> io::Result<W> {
        if self.written != self.expected {
            return Err(io::Error::other("another number of records than was announced"));
        }
        self.stream.finish()
    }
}

fn message(header: &Header) -> MessageHeader {
    let organisation = Organization {
        resource_type: "Organization".to_owned(),
        id: Some("authority".to_owned()),
        extension: header.authority.hours.iter().map(office_hours).collect(),
        identifier: vec![identifier(ODS_CODE, &header.authority_code)],
        name: Some(header.authority.name.clone()),
        telecom: telecom(&header.authority),
    };
    let records = i64::try_from(header.records).unwrap_or(i64::MAX);
    let mut extension =
        vec![integer(codes::SEQUENCE, header.sequence.into()), integer(codes::RECORD_COUNT, records)];
    if let Some(previous) = &header.previous {
        extension.push(integer(codes::PREVIOUS, previous.sequence.into()));
        extension.push(string(codes::PREVIOUS_DIGEST, &previous.digest));
    }
    if header.is_full {
        extension.push(Extension {
            url: codes::FULL_REFRESH.to_owned(),
            value_boolean: Some(Flag(true)),
            ..Extension::default()
        });
    }
    MessageHeader {
        resource_type: "MessageHeader".to_owned(),
        id: Some("0".to_owned()),
        contained: vec![organisation],
        extension,
        event_coding: Some(Coding {
            system: Some(codes::MESSAGE.to_owned()),
            code: Some(codes::IS_UPLOAD.to_owned()),
            display: None,
        }),
        sender: Some(Reference { reference: Some("#authority".to_owned()), ..Reference::default() }),
        source: Some(Source {
            name: Some("cpis-authority".to_owned()),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            endpoint: Some(format!("urn:cpis:authority:{}", header.authority_code)),
        }),
        definition: Some(format!("{}|{}", codes::DEFINITION, codes::VERSION)),
        ..MessageHeader::default()
    }
}

fn collection(record: &Record, place: u64) -> Value {
    let mut entries = vec![json!({ "resource": patient(record) })];
    let taken_back = record.taken_back.iter().map(taken_back);
    let plans = record.plans.iter().map(|plan| held(record.number, plan));
    let ended = record.ended.iter().map(ended);
    let without_team = record.without_team.iter().map(without_team);
    let all = taken_back.chain(ended).chain(without_team).chain(plans);
    entries.extend(all.map(|plan| json!({ "resource": plan })));
    json!({ "resourceType": "Bundle", "id": place.to_string(), "type": "collection", "entry": entries })
}

fn patient(record: &Record) -> Patient {
    let given: Vec<String> = record.given.split_whitespace().map(str::to_owned).collect();
    let name = HumanName {
        family: (!record.family.is_empty()).then(|| record.family.clone()),
        given,
        ..HumanName::default()
    };
    let is_named = name.family.is_some() || !name.given.is_empty();
    Patient {
        resource_type: "Patient".to_owned(),
        identifier: vec![
            identifier(NHS_NUMBER, &record.number.digits()),
            identifier(LOCAL_ID, &record.local_id),
        ],
        name: is_named.then_some(name).into_iter().collect(),
        birth_date: record.born.map(|born| born.to_string()),
        ..Patient::default()
    }
}

fn care_team(number: NhsNumber, kind: PlanKind, period: Period) -> CareTeam {
    let subject: Identifier = identifier(NHS_NUMBER, &number.digits());
    CareTeam {
        resource_type: "CareTeam".to_owned(),
        category: vec![concept(SNOMED, kind.snomed(), kind.snomed_display())],
        subject: Some(Reference { identifier: Some(subject), ..Reference::default() }),
        period: Some(period),
        ..CareTeam::default()
    }
}

fn held(number: NhsNumber, plan: &Plan) -> CareTeam {
    let end = plan.period.end.map(|end| end.to_string());
    let period = Period { start: Some(plan.period.start.to_string()), end };
    CareTeam {
        extension: plan.team.iter().map(team_contact).collect(),
        ..care_team(number, plan.kind, period)
    }
}

fn taken_back(plan: &TakenBack) -> CareTeam {
    let period = Period { start: Some(plan.start.to_string()), end: None };
    let decided = Extension {
        url: codes::DELETE_DATE.to_owned(),
        value_date: Some(plan.decided.to_string()),
        ..Extension::default()
    };
    CareTeam {
        status: Some(codes::IN_ERROR.to_owned()),
        extension: vec![decided],
        ..care_team(plan.number, plan.kind, period)
    }
}

fn ended(plan: &Ended) -> CareTeam {
    let period = Period { start: Some(plan.start.to_string()), end: Some(plan.end.to_string()) };
    CareTeam { status: Some(codes::ENDED.to_owned()), ..care_team(plan.number, plan.kind, period) }
}

fn without_team(plan: &WithoutTeam) -> CareTeam {
    let period = Period { start: Some(plan.start.to_string()), end: None };
    CareTeam { status: Some(codes::WITHOUT_TEAM.to_owned()), ..care_team(plan.number, plan.kind, period) }
}
