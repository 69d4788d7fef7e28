//! `GET /audit/entries`: what the audit log holds of one organisation's own people, for who may read it
//! there. The log of all organisations is read at the hub's own computer (`cpis-hub audit`).

use axum::extract::{RawQuery, State};
use axum::response::Response;

use super::Hub;
use super::balp;
use super::error::ApiError;
use super::frame::{self, AUDIT};
use super::limits;
use super::proven::Proven;
use super::query;
use super::respond;
use super::store::{AuditQuestion, Refusal};
use crate::domain::{AuditPermit, NhsNumber};
use crate::fhir::codes;
use crate::fhir::write;

/// `GET /audit/entries`
pub(super) async fn entries(
    State(hub): State<Hub>,
    Proven(caller): Proven,
    RawQuery(asked): RawQuery,
) -> Result<Response, ApiError> {
    let question = question(asked.as_deref())?;
    let refusal = Refusal { asked: "audit-read", number: question.person, request: String::new() };
    let permit = AuditPermit::of(&caller, hub.rights());
    let permit = frame::permitted(&hub, &caller, permit, refusal).await?;
    let (audited, read) = hub.store().audit_of_organisation(permit, question).await?;
    if read.more > 0 {
        return Err(ApiError::invalid_search(
            "There are too many entries: ask from a later moment on, or for one person and one user",
        ));
    }
    let events = read.rows.iter().map(|row| balp::audit_event(row, hub.issuer())).collect();
    let bundle = write::matches(events, audited.at());
    let mut response = frame::searchset(&hub, AUDIT, "entries", asked.as_deref(), bundle);
    respond::mark(&mut response, &audited);
    Ok(response)
}

/// About a person, of a user, or both: who leafs through all of it is no reviewer.
fn question(asked: Option<&str>) -> Result<AuditQuestion, ApiError> {
    let mut question = AuditQuestion { most: limits::AUDIT_RETURNED, ..AuditQuestion::default() };
    for (name, value) in query::pairs(asked)? {
        match name.as_str() {
            "patient:identifier" if question.person.is_none() => {
                let digits = value.split_once('|').filter(|(system, _)| *system == codes::NHS_NUMBER);
                let digits = digits.map(|(_, digits)| digits).filter(|digits| digits.len() == 10);
                let number = digits.and_then(|digits| NhsNumber::parse(digits).ok());
                question.person = Some(number.ok_or(ApiError::invalid_search(
                    "patient:identifier must be https://fhir.nhs.uk/Id/nhs-number|, then a valid NHS number",
                ))?);
            }
            "agent:identifier" if question.user.is_none() && !value.is_empty() => question.user = Some(value),
            "date" if question.since.is_none() => {
                let since = value.strip_prefix("ge").and_then(|moment| moment.parse().ok());
                question.since = Some(since.ok_or(ApiError::invalid_search(
                    "date must be ge, then a moment such as 2026-11-22T00:00:00Z",
                ))?);
            }
            _ => {
                return Err(ApiError::invalid_search(
                    "A parameter is not known, not supported, or given twice",
                ));
            }
        }
    }
    if question.person.is_none() && question.user.is_none() {
        return Err(ApiError::invalid_search(
            "Ask about a person, with patient:identifier, or about a user, with agent:identifier",
        ));
    }
    Ok(question)
}
