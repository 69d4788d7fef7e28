//! What became of an upload: a file code, and one entry for each record that was rejected.

use std::io::{self, Read, Write};
use std::ops::ControlFlow;

use jiff::Timestamp;

use super::codes::{self, FileCode, RecordCode};
use super::stream;
use super::wire::{BundleHead, Kind, MessageHeader, Response, Source, integer, is_digest, string};
use crate::domain::{NhsNumber, PlanKind, PlanPeriod, text};
use crate::fhir::codes::{LOCAL_ID, NHS_NUMBER, SNOMED};
use crate::fhir::wire::{
    CareTeam, Coding, Extension, Identifier, OperationOutcome, OutcomeIssue, Period, Reference,
};
use crate::fhir::write::{concept, identifier};

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    /// Of which authority; empty where that could not be read.
    pub authority_code: String,
    /// The file's number; `None` where it could not be read.
    pub sequence: Option<u32>,
    /// How many records it said it has; `None` where it could not be read.
    pub records: Option<u64>,
    /// The national code.
    pub code: FileCode,
    /// Why, where it was refused as a whole.
    pub why: Option<String>,
    /// SHA-256 of the file as it arrived: whoever sent another one does not believe it.
    pub digest: Option<String>,
    /// How many records are listed as rejected, so that none of them is lost on the way.
    pub rejected: Option<u64>,
    /// Hub and sender do not know the same files: everything has to be sent.
    pub apart: Option<Apart>,
}

/// How far apart hub and sender are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Apart {
    /// The number of the last file that the hub took, 0 where there is none.
    pub last: u32,
    /// That one was taken and not applied to its end.
    pub is_lost: bool,
}

/// What an acknowledgement lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A record that was not taken.
    Rejected(Rejection),
    /// After a full refresh: a plan that the hub holds of the authority and that the file did not speak of.
    StillHeld(StillHeld),
}

/// A plan that the hub holds as an earlier file had it. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct StillHeld {
    /// The authority's own id of the person.
    pub local_id: String,
    /// The number that it was sent under.
    pub number: NhsNumber,
    /// Its kind.
    pub kind: PlanKind,
    /// First and last day.
    pub period: PlanPeriod,
}

impl std::fmt::Debug for StillHeld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StillHeld(hidden)")
    }
}

/// A record that was not taken. `Debug` shows nothing of whoever it is about.
#[derive(Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The record's place in the file; the first is 1.
    pub place: u64,
    /// The national code.
    pub code: RecordCode,
    /// What is wrong, in words.
    pub why: String,
    /// The number that has taken its number's place.
    pub replaced_by: Option<NhsNumber>,
}

impl std::fmt::Debug for Rejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rejection({} at {})", self.code.code(), self.place)
    }
}

/// Writes an acknowledgement.
pub struct Writer<W: Write> {
    stream: stream::Writer<W>,
    base: String,
    held: u64,
}

impl<W: Write> Writer<W> {
    /// Begins with what became of the file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn begin(out: W, what: &Acknowledgement, created: Timestamp) -> io::Result<Self> {
        let sequence = what.sequence.map_or("unknown".to_owned(), |sequence| sequence.to_string());
        let authority = if what.authority_code.is_empty() { "unknown" } else { &what.authority_code };
        let id = format!("{authority}/{sequence}");
        let head = BundleHead {
            resource_type: "Bundle",
            identifier: identifier(codes::UPLOAD_ID, &format!("{id}/acknowledgement")),
            r#type: "message",
            timestamp: created.to_string(),
        };
        let mut stream = stream::Writer::begin(out, &head)?;
        let base = format!("https://fhir.cpis.example/upload/{id}/acknowledgement");
        stream.entry(&format!("{base}/MessageHeader/0"), &message(what, &id))?;
        if let Some(why) = &what.why {
            let outcome = outcome(OutcomeIssue {
                severity: "fatal".to_owned(),
                code: match what.apart {
                    None => "invalid",
                    Some(Apart { is_lost: true, .. }) => LOST,
                    Some(Apart { is_lost: false, .. }) => "conflict",
                }
                .to_owned(),
                details: None,
                diagnostics: Some(why.clone()),
                ..OutcomeIssue::default()
            });
            stream.entry(&format!("{base}/OperationOutcome/file"), &outcome)?;
        }
        Ok(Self { stream, base, held: 0 })
    }

    /// Writes a rejected record.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn rejection(&mut self, rejection: &Rejection) -> io::Result<()> {
        let code = rejection.code;
        let replaced_by = rejection.replaced_by.map(|number| Extension {
            url: codes::REPLACED_BY.to_owned(),
            value_string: Some(number.digits()),
            ..Extension::default()
        });
        let outcome = outcome(OutcomeIssue {
            extension: replaced_by.into_iter().collect(),
            severity: "error".to_owned(),
            code: "business-rule".to_owned(),
            details: Some(concept(codes::RECORD_CODES, code.code(), code.words())),
            diagnostics: Some(rejection.why.clone()),
            // The first entry, 0, is the message's own: record 1 is entry 1.
            expression: vec![format!("Bundle.entry[{}]", rejection.place)],
        });
        self.stream.entry(&format!("{}/OperationOutcome/{}", self.base, rejection.place), &outcome)
    }

    /// Writes a plan that is held and was not in the file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn still_held(&mut self, plan: &StillHeld) -> io::Result<()> {
        self.held += 1;
        let subject = identifier(NHS_NUMBER, &plan.number.digits());
        let end = plan.period.end.map(|end| end.to_string());
        let team = CareTeam {
            resource_type: "CareTeam".to_owned(),
            identifier: vec![identifier(LOCAL_ID, &plan.local_id)],
            category: vec![concept(SNOMED, plan.kind.snomed(), plan.kind.snomed_display())],
            subject: Some(Reference { identifier: Some(subject), ..Reference::default() }),
            period: Some(Period { start: Some(plan.period.start.to_string()), end }),
            ..CareTeam::default()
        };
        self.stream.entry(&format!("{}/CareTeam/{}", self.base, self.held), &team)
    }

    /// Writes the end.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(self) -> io::Result<W> {
        self.stream.finish()
    }
}

/// FHIR's word for what was not done to its end.
const LOST: &str = "incomplete";

fn outcome(issue: OutcomeIssue) -> OperationOutcome {
    OperationOutcome { resource_type: "OperationOutcome".to_owned(), issue: vec![issue] }
}

fn message(what: &Acknowledgement, id: &str) -> MessageHeader {
    let (sequence, records) =
        (what.sequence.map(i64::from), what.records.and_then(|n| i64::try_from(n).ok()));
    let code = match what.code {
        FileCode::AllUploaded | FileCode::PartlyUploaded => "ok",
        FileCode::TracingUnavailable => "transient-error",
        FileCode::Corrupt | FileCode::NoneUploaded | FileCode::VersionNotSupported => "fatal-error",
    };
    let mut extension = vec![
        Extension {
            url: codes::FILE_CODE.to_owned(),
            value_code: Some(what.code.code().to_owned()),
            ..Extension::default()
        },
        integer(codes::RECORD_COUNT, records.unwrap_or(-1)),
    ];
    extension.extend(sequence.map(|sequence| integer(codes::SEQUENCE, sequence)));
    extension.extend(what.digest.as_deref().map(|digest| string(codes::DIGEST, digest)));
    let rejected = what.rejected.and_then(|count| i64::try_from(count).ok());
    extension.extend(rejected.map(|count| integer(codes::REJECTED_COUNT, count)));
    extension.extend(what.apart.map(|apart| integer(codes::LAST, apart.last.into())));
    MessageHeader {
        resource_type: "MessageHeader".to_owned(),
        id: Some("0".to_owned()),
        extension,
        event_coding: Some(Coding {
            system: Some(codes::MESSAGE.to_owned()),
            code: Some(codes::IS_ACKNOWLEDGEMENT.to_owned()),
            display: None,
        }),
        source: Some(Source {
            name: Some("cpis-hub".to_owned()),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            endpoint: Some("urn:cpis:hub".to_owned()),
        }),
        response: Some(Response { identifier: id.to_owned(), code: code.to_owned() }),
        ..MessageHeader::default()
    }
}

/// Why an acknowledgement is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no acknowledgement of an upload: {0}")]
pub struct NotAnAcknowledgement(&'static str);

/// Reads an acknowledgement, and hands over what it lists.
///
/// # Errors
/// Nothing of it is to be believed, whatever was handed over.
pub fn read(source: impl Read, each: &mut dyn FnMut(Item)) -> Result<Acknowledgement, NotAnAcknowledgement> {
    let mut what: Option<Acknowledgement> = None;
    let mut fault = None;
    let (mut last_place, mut rejected) = (0, 0);
    let outside = stream::read(source, &mut |resource| {
        let flow = match &mut what {
            None => message_of(resource.get()).map(|read| what = Some(read)),
            Some(what) => match entry_of(resource.get()) {
                Ok(Said::File { why, is_lost }) => {
                    what.why = Some(why);
                    what.apart = what.apart.map(|apart| Apart { is_lost, ..apart });
                    Ok(())
                }
                Ok(Said::Record(rejection)) if rejection.place > last_place => {
                    (last_place, rejected) = (rejection.place, rejected + 1);
                    each(Item::Rejected(rejection));
                    Ok(())
                }
                Ok(Said::Record(_)) => Err("its records are not in order"),
                Ok(Said::Plan(plan)) => {
                    each(Item::StillHeld(plan));
                    Ok(())
                }
                Err(why) => Err(why),
            },
        };
        match flow {
            Ok(()) => ControlFlow::Continue(()),
            Err(why) => {
                fault = Some(why);
                ControlFlow::Break(())
            }
        }
    });
    if let Some(why) = fault {
        return Err(NotAnAcknowledgement(why));
    }
    let outside = outside.map_err(|_| NotAnAcknowledgement("it cannot be read, or was cut"))?;
    if outside.resource_type.as_deref() != Some("Bundle") || outside.kind.as_deref() != Some("message") {
        return Err(NotAnAcknowledgement("it is no bundle of the type `message`"));
    }
    let what = what.ok_or(NotAnAcknowledgement("it has no entries"))?;
    if what.records.is_some_and(|records| last_place > records) {
        return Err(NotAnAcknowledgement("it speaks of records that there are not"));
    }
    if what.rejected.is_some_and(|said| said != rejected) {
        return Err(NotAnAcknowledgement("it lists another number of rejected records than it says"));
    }
    Ok(what)
}

fn message_of(text: &str) -> Result<Acknowledgement, &'static str> {
    let wrong = "its first entry is no MessageHeader of one";
    let message: MessageHeader = serde_json::from_str(text).map_err(|_| wrong)?;
    if message.resource_type != "MessageHeader" || message.event() != Some(codes::IS_ACKNOWLEDGEMENT) {
        return Err(wrong);
    }
    let code = message.extension.iter().find(|extension| extension.url == codes::FILE_CODE);
    let code = code.and_then(|extension| FileCode::from_code(extension.value_code.as_deref()?));
    let response = message.response.as_ref().ok_or("it answers nothing")?;
    let (authority, _) = response.identifier.split_once('/').unwrap_or_default();
    Ok(Acknowledgement {
        authority_code: if authority == "unknown" { String::new() } else { authority.to_owned() },
        sequence: message.integer(codes::SEQUENCE).and_then(|number| u32::try_from(number).ok()),
        records: message.integer(codes::RECORD_COUNT).and_then(|count| u64::try_from(count).ok()),
        code: code.ok_or("it has no file code that is known")?,
        why: None,
        digest: message.text(codes::DIGEST).filter(|digest| is_digest(digest)).map(str::to_owned),
        rejected: message.integer(codes::REJECTED_COUNT).and_then(|count| u64::try_from(count).ok()),
        apart: message
            .integer(codes::LAST)
            .and_then(|last| u32::try_from(last).ok())
            .map(|last| Apart { last, is_lost: false }),
    })
}

enum Said {
    File { why: String, is_lost: bool },
    Record(Rejection),
    Plan(StillHeld),
}

fn entry_of(source: &str) -> Result<Said, &'static str> {
    let kind: Result<Kind<'_>, _> = serde_json::from_str(source);
    if kind.is_ok_and(|kind| kind.resource_type == "CareTeam") { held_of(source) } else { outcome_of(source) }
}

fn held_of(source: &str) -> Result<Said, &'static str> {
    let wrong = "a plan in it cannot be read";
    let team: CareTeam = serde_json::from_str(source).map_err(|_| wrong)?;
    let valued = |identifiers: &[Identifier], system: &str| {
        let found = identifiers.iter().find(|identifier| identifier.system.as_deref() == Some(system))?;
        found.value.clone().filter(|value| !value.is_empty() && !value.chars().any(text::is_unprintable))
    };
    let kind = team.category.iter().flat_map(|category| &category.coding);
    let kind = kind.filter_map(|coding| PlanKind::from_code(coding.code.as_deref()?)).next();
    let subject = team.subject.and_then(|subject| subject.identifier);
    let number = subject.and_then(|subject| valued(&[subject], NHS_NUMBER));
    let number = number.and_then(|number| NhsNumber::parse(&number).ok());
    let period = team.period.ok_or(wrong)?;
    let day = |day: &str| day.parse().map_err(|_| wrong);
    Ok(Said::Plan(StillHeld {
        local_id: valued(&team.identifier, LOCAL_ID).ok_or(wrong)?,
        number: number.ok_or(wrong)?,
        kind: kind.ok_or(wrong)?,
        period: PlanPeriod {
            start: day(period.start.as_deref().ok_or(wrong)?)?,
            end: period.end.as_deref().map(day).transpose()?,
        },
    }))
}

fn outcome_of(source: &str) -> Result<Said, &'static str> {
    let wrong = "an entry is no OperationOutcome with one issue";
    let outcome: OperationOutcome = serde_json::from_str(source).map_err(|_| wrong)?;
    let [issue] = outcome.issue.as_slice() else { return Err(wrong) };
    if outcome.resource_type != "OperationOutcome" {
        return Err(wrong);
    }
    let why = text::visible(issue.diagnostics.as_deref().unwrap_or_default());
    let Some(details) = &issue.details else {
        return Ok(Said::File { why, is_lost: issue.code == LOST });
    };
    let code = details
        .coding
        .iter()
        .find_map(|coding| RecordCode::from_code(coding.code.as_deref()?))
        .ok_or("a record has no code that is known")?;
    let place = issue.expression.first().and_then(|place| {
        place.strip_prefix("Bundle.entry[")?.strip_suffix(']')?.parse().ok().filter(|place| *place > 0)
    });
    let replaced_by = issue.extension.iter().find(|extension| extension.url == codes::REPLACED_BY);
    Ok(Said::Record(Rejection {
        place: place.ok_or("it does not say which record")?,
        code,
        why,
        replaced_by: replaced_by.and_then(|number| NhsNumber::parse(number.value_string.as_deref()?).ok()),
    }))
}

#[cfg(test)]
mod tests;
