//! A case system that takes notes as FHIR R4 `Communication`s. Each is posted on the condition that there is none with its
//! identifier yet (`If-None-Exist`), so that after any failure it may be posted again.

use std::path::Path;
use std::time::Duration;

use reqwest::blocking::Client;
use reqwest::{Certificate, Identity, StatusCode};
use serde_json::{Value, json};

use super::text::title;
use super::{NotPlaced, Record, Trouble};
use crate::authority::register::Part;
use crate::config::authority::CaseSystemSettings;
use crate::fhir::codes::{LOCAL_ID, NHS_NUMBER};
use crate::mesh::open_to_others;

/// The identifier of a part of a note: the note's id, a dash, the part's number.
pub const PART: &str = "https://fhir.cpis.example/Id/case-note-part";
/// The identifier of a note, which all its parts have in `partOf`.
pub const NOTE: &str = "https://fhir.cpis.example/Id/case-note";

/// Time to connect, and for a whole request.
const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(20);

/// Bytes of a token, and of a file with certificates or a key.
const TOKEN_BYTES: u64 = 16 * 1024;
const PEM_BYTES: u64 = 1024 * 1024;

/// A connection to the case system.
pub struct CaseSystem {
    http: Client,
    settings: CaseSystemSettings,
}

impl std::fmt::Debug for CaseSystem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CaseSystem")
    }
}

fn away(why: impl Into<String>) -> Trouble {
    Trouble::Away(why.into())
}

impl CaseSystem {
    /// Reads certificates. Nothing is sent yet.
    ///
    /// # Errors
    /// One of the files cannot be used.
    pub fn new(settings: &CaseSystemSettings) -> Result<Self, Trouble> {
        let mut builder = Client::builder()
            .use_rustls_tls()
            .https_only(true)
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("cpis-authority/", env!("CARGO_PKG_VERSION")));
        if let Some((certificate, key)) = &settings.certificate {
            let own = format!("{}\n{}", read(certificate, PEM_BYTES)?, read_private(key, PEM_BYTES)?);
            let own = Identity::from_pem(own.as_bytes())
                .map_err(|_| away("`notes.case_system.certificate` with its key cannot be shown"))?;
            builder = builder.identity(own);
        }
        if let Some(path) = &settings.certificate_authority {
            let authorities = Certificate::from_pem_bundle(read(path, PEM_BYTES)?.as_bytes())
                .map_err(|_| away("`notes.case_system.certificate_authority` holds no certificate"))?;
            // Whoever is named is trusted, and nobody beside them.
            builder = builder.tls_certs_only(authorities);
        }
        let http =
            builder.build().map_err(|_| away("the certificates for the case system cannot be used"))?;
        Ok(Self { http, settings: settings.clone() })
    }
}

/// The same of a file that not every user of this computer can read.
fn read_private(path: &Path, most: u64) -> Result<String, Trouble> {
    let text = read(path, most)?;
    open_to_others(path).map_or(Ok(text), |why| Err(away(why)))
}

fn read(path: &Path, most: u64) -> Result<String, Trouble> {
    let unreadable = |why: String| away(format!("cannot read {}: {why}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| unreadable(error.kind().to_string()))?.len();
    if size > most {
        return Err(unreadable("it is too large".to_owned()));
    }
    std::fs::read_to_string(path).map_err(|error| unreadable(error.kind().to_string()))
}

impl Record for CaseSystem {
    fn place(&mut self, part: &Part) -> Result<(), NotPlaced> {
        let id = format!("{}-{}", part.note.as_str(), part.part);
        let mut request = self
            .http
            .post(format!("{}/Communication", self.settings.address))
            .header("content-type", "application/fhir+json")
            .header("accept", "application/fhir+json")
            .header("if-none-exist", format!("identifier={PART}|{id}"));
        if let Some(path) = &self.settings.token_file {
            request = request.bearer_auth(read_private(path, TOKEN_BYTES)?.trim());
        }
        let answer = request.body(communication(part, &id).to_string()).send();
        let answer =
            answer.map_err(|_| away("the case system could not be reached, or did not answer in time"))?;
        let status = answer.status();
        let number = status.as_u16();
        match status {
            StatusCode::OK | StatusCode::CREATED => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let why = format!("the case system refuses the link ({number}): see `[notes.case_system]`");
                return Err(away(why).into());
            }
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                return Err(away(format!("the case system is busy ({number})")).into());
            }
            // Of the address, and not of a note: all would be refused alike.
            StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::NOT_ACCEPTABLE
            | StatusCode::GONE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                let why = format!(
                    "the case system knows no such address, or takes no Communications ({number}): see `[notes.case_system]`"
                );
                return Err(away(why).into());
            }
            status if status.is_redirection() => {
                return Err(away(format!(
                    "the case system is at another address ({number}): see `[notes.case_system]`"
                ))
                .into());
            }
            status if status.is_server_error() => {
                return Err(away(format!("the case system cannot take notes at present ({number})")).into());
            }
            _ => {
                return Err(Trouble::Refused(format!("the case system refuses this note ({number})")).into());
            }
        }
        // Any server on the way says 200: only one that speaks of a Communication has it.
        let body = answer.bytes().map_err(|_| away("the case system's answer broke off"))?;
        is_answer(&body).then_some(()).ok_or_else(|| {
            let why = "what answers at `notes.case_system.address` is no FHIR server that has taken the note";
            away(why).into()
        })
    }
}

/// Whether an answer is that of a FHIR server that has the note: the resource, an OperationOutcome without an error, or
/// nothing at all.
fn is_answer(body: &[u8]) -> bool {
    if body.trim_ascii().is_empty() {
        return true;
    }
    let Ok(answer) = serde_json::from_slice::<Value>(body) else { return false };
    match answer.get("resourceType").and_then(Value::as_str) {
        Some("Communication") => true,
        Some("OperationOutcome") => {
            let issues = answer.get("issue").and_then(Value::as_array);
            let severity =
                |issue: &Value| issue.get("severity").and_then(Value::as_str).unwrap_or("fatal").to_owned();
            issues.is_some_and(|issues| {
                issues.iter().all(|issue| ["information", "warning"].contains(&severity(issue).as_str()))
            })
        }
        Some(_) | None => false,
    }
}

fn communication(part: &Part, id: &str) -> Value {
    let identified = |system: &str, value: &str| json!({ "system": system, "value": value });
    let mut patient = vec![identified(LOCAL_ID, &part.local_id)];
    let mut communication = json!({
        "resourceType": "Communication",
        "identifier": [identified(PART, id)],
        "partOf": [{ "identifier": identified(NOTE, part.note.as_str()) }],
        "status": "completed",
        "topic": { "text": title(part.notice.as_ref().map(|notice| notice.event)) },
        "subject": { "reference": "#child" },
        "payload": [{ "contentString": part.added }],
    });
    if let (Some(notice), Some(communication)) = (&part.notice, communication.as_object_mut()) {
        patient.push(identified(NHS_NUMBER, &notice.number.digits()));
        communication.insert("sent".to_owned(), notice.at.to_string().into());
    }
    if let Some(communication) = communication.as_object_mut() {
        let child = json!([{ "resourceType": "Patient", "id": "child", "identifier": patient }]);
        communication.insert("contained".to_owned(), child);
    }
    communication
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fhir_server_that_has_the_note_says_so() {
        let check = |body: &str, expected: bool| assert_eq!(is_answer(body.as_bytes()), expected, "{body}");
        check("", true);
        check("{\"resourceType\":\"Communication\",\"id\":\"1\"}", true);
        check("{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"information\"}]}", true);
        check("{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\"}]}", false);
        check("{\"resourceType\":\"OperationOutcome\",\"issue\":[{}]}", false);
        check("{\"resourceType\":\"OperationOutcome\"}", false);
        check("<html>Sign in</html>", false);
        check("{\"resourceType\":\"Patient\"}", false);
        check("[]", false);
    }
}
