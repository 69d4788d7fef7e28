//! `GET /audit/entries`: what the audit log holds of one organisation's own people, for who may read it
//! there; and `GET /audit/concerns`: which of their views are worth a question, for its privacy officer. Those of all
//! organisations are read at the hub's own computer (`cpis-hub audit`, `cpis-hub concerns`).

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};

use super::Hub;
use super::balp;
use super::concerns::ConcernQuestion;
use super::error::ApiError;
use super::frame::{self, AUDIT};
use super::limits;
use super::proven::Proven;
use super::query;
use super::respond;
use super::store::{AuditQuestion, ConcernsRead, Refusal};
use crate::domain::{AuditPermit, ConcernsPermit, NhsNumber};
use crate::fhir::codes;
use crate::fhir::write;

/// Where concerns are read.
pub(super) const CONCERNS: &str = "/audit/concerns";

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

/// `GET /audit/concerns`. Whoever may not is told so, and it is written down, whatever the question is like.
pub(super) async fn concerns(
    State(hub): State<Hub>,
    Proven(caller): Proven,
    RawQuery(asked): RawQuery,
) -> Result<Response, ApiError> {
    let permit = ConcernsPermit::of(&caller, hub.rights());
    let refusal = Refusal { asked: "concerns-read", number: None, request: String::new() };
    let permit = frame::permitted(&hub, &caller, permit, refusal).await?;
    let question = period(asked.as_deref(), hub.clock().now())?;
    match hub.store().concerns_of_organisation(permit, question, limits::CONCERNS_READ).await? {
        ConcernsRead::Found(audited, report) => {
            let mut response = respond::json(StatusCode::OK, &report.json());
            respond::mark(&mut response, &audited);
            Ok(response)
        }
        ConcernsRead::OthersRead => Err(ApiError::CONCERNS_BUSY),
        ConcernsRead::TooMuch => Err(ApiError::CONCERNS_TOO_MUCH),
    }
}

/// The last week, unless something else is asked for.
fn period(asked: Option<&str>, now: Timestamp) -> Result<ConcernQuestion, ApiError> {
    let (mut since, mut until) = (None, None);
    for (name, value) in query::pairs_within(asked, limits::PARAMETER_CHARACTERS)? {
        let moment = match name.as_str() {
            "since" if since.is_none() => &mut since,
            "until" if until.is_none() => &mut until,
            _ => {
                return Err(ApiError::invalid_search(
                    "A parameter is not known, not supported, or given twice",
                ));
            }
        };
        *moment = Some(value.parse::<Timestamp>().map_err(|_| {
            ApiError::invalid_search("since and until are moments such as 2026-11-22T00:00:00Z")
        })?);
    }
    let until = until.unwrap_or(now);
    let since = since.map_or_else(|| until.checked_sub(ConcernQuestion::USUAL), Ok);
    let since = since.map_err(|_| ApiError::invalid_search("until is too long ago"))?;
    if since >= until {
        return Err(ApiError::invalid_search("since must be before until"));
    }
    if until.duration_since(since) > SignedDuration::from_hours(24 * limits::CONCERN_DAYS) {
        return Err(ApiError::invalid_search(
            "A period has at most 31 days: ask for a shorter one, or for several one after the other",
        ));
    }
    Ok(ConcernQuestion { since, until })
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
