//! What became of an upload: a file code, and one entry for each record that was rejected.

use std::io::{self, Read, Write};
use std::ops::ControlFlow;

use jiff::Timestamp;

use super::codes::{self, FileCode, RecordCode};
use super::stream;
use super::wire::{BundleHead, MessageHeader, Response, Source, integer};
use crate::domain::{NhsNumber, text};
use crate::fhir::wire::{Coding, Extension, OperationOutcome, OutcomeIssue};
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
                code: "invalid".to_owned(),
                details: None,
                diagnostics: Some(why.clone()),
                ..OutcomeIssue::default()
            });
            stream.entry(&format!("{base}/OperationOutcome/file"), &outcome)?;
        }
        Ok(Self { stream, base })
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

    /// Writes the end.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(self) -> io::Result<W> {
        self.stream.finish()
    }
}

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

/// Reads an acknowledgement, and hands over each rejection.
///
/// # Errors
/// Nothing of it is to be believed, whatever was handed over.
pub fn read(
    source: impl Read,
    each: &mut dyn FnMut(Rejection),
) -> Result<Acknowledgement, NotAnAcknowledgement> {
    let mut what: Option<Acknowledgement> = None;
    let mut fault = None;
    let mut last_place = 0;
    let outside = stream::read(source, &mut |resource| {
        let flow = match &mut what {
            None => message_of(resource.get()).map(|read| what = Some(read)),
            Some(what) => match outcome_of(resource.get()) {
                Ok(Said::OfTheFile(why)) => {
                    what.why = Some(why);
                    Ok(())
                }
                Ok(Said::OfARecord(rejection)) if rejection.place > last_place => {
                    last_place = rejection.place;
                    each(rejection);
                    Ok(())
                }
                Ok(Said::OfARecord(_)) => Err("its records are not in order"),
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
    })
}

enum Said {
    OfTheFile(String),
    OfARecord(Rejection),
}

fn outcome_of(source: &str) -> Result<Said, &'static str> {
    let wrong = "an entry is no OperationOutcome with one issue";
    let outcome: OperationOutcome = serde_json::from_str(source).map_err(|_| wrong)?;
    let [issue] = outcome.issue.as_slice() else { return Err(wrong) };
    if outcome.resource_type != "OperationOutcome" {
        return Err(wrong);
    }
    let why = text::visible(issue.diagnostics.as_deref().unwrap_or_default());
    let Some(details) = &issue.details else { return Ok(Said::OfTheFile(why)) };
    let code = details
        .coding
        .iter()
        .find_map(|coding| RecordCode::from_code(coding.code.as_deref()?))
        .ok_or("a record has no code that is known")?;
    let place = issue.expression.first().and_then(|place| {
        place.strip_prefix("Bundle.entry[")?.strip_suffix(']')?.parse().ok().filter(|place| *place > 0)
    });
    let replaced_by = issue.extension.iter().find(|extension| extension.url == codes::REPLACED_BY);
    Ok(Said::OfARecord(Rejection {
        place: place.ok_or("it does not say which record")?,
        code,
        why,
        replaced_by: replaced_by.and_then(|number| NhsNumber::parse(number.value_string.as_deref()?).ok()),
    }))
}

#[cfg(test)]
mod tests;
