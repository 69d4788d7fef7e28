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
use super::proven::{self, Proven};
use super::query;
use super::rates::Asked;
use super::respond;
use super::store::{AuditQuestion, ConcernsRead, Refusal};
use crate::domain::{AuditPermit, ConcernsPermit, NhsNumber};
use crate::fhir::codes;
use crate::fhir::write;

/// The place in the log before which a further page begins. Callers have it from the link `next`.
const BEFORE: &str = "_before";

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
    let events = read.rows.iter().map(|row| balp::audit_event(row, hub.issuer())).collect();
    let bundle = write::some_of_the_matches(events, read.total, audited.at());
    let next = read.rows.last().filter(|_| read.more > 0).map(|last| (BEFORE, last.id.to_string()));
    let mut response = frame::searchset_page(&hub, AUDIT, "entries", asked.as_deref(), next, bundle);
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
    let place = hub.store().concerns_place(permit, limits::CONCERNS_WAIT).await?;
    let place = place.ok_or(ApiError::CONCERNS_BUSY)?;
    // Last: neither who may not, nor what was wrongly asked or not read, takes anything of the organisation's hour.
    if let Err(wait) = hub.rates().admit(&caller, Asked::Concerns) {
        proven::refuse(&hub, &caller, Asked::Concerns).await;
        return Err(ApiError::too_many_reports(wait));
    }
    match hub.store().concerns_of_organisation(place, question, limits::CONCERNS_READ).await? {
        ConcernsRead::Found(audited, report) => {
            let mut response = respond::json(StatusCode::OK, &report.json());
            respond::mark(&mut response, &audited);
            Ok(response)
        }
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
    let (mut question, mut count) = (AuditQuestion::default(), None::<usize>);
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
            "_count" if count.is_none() => {
                let asked = value.parse().ok().filter(|asked| *asked > 0);
                count = Some(
                    asked.ok_or(ApiError::invalid_search("_count is how many entries a page has at most"))?,
                );
            }
            BEFORE if question.before.is_none() => {
                let before = value.parse().ok().filter(|before| *before > 0);
                question.before = Some(before.ok_or(ApiError::invalid_search(
                    "_before is a part of the link to a further page: follow that as it is",
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
    // As FHIR has it: a page may have fewer than were asked for, and never more.
    question.most = count.unwrap_or(limits::AUDIT_RETURNED).min(limits::AUDIT_RETURNED);
    Ok(question)
}
