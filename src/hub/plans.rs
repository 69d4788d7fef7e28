//! The child protection endpoints: plans, and who opened them before.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::Hub;
use super::error::ApiError;
use super::headers::{self, ViewHeaders};
use super::proven::Proven;
use super::query;
use super::respond;
use super::store::{HistoryOutcome, Refusal, ViewAsk, ViewOutcome};
use crate::domain::{Caller, NhsNumber, ViewPermit};
use crate::fhir::codes;
use crate::fhir::write::{self, WrittenAccess};

/// `GET /cpis/FHIR/R4/CareTeam`
pub(super) async fn plans(
    State(hub): State<Hub>,
    Proven(caller): Proven,
    request_headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let view = ViewHeaders::read(&request_headers)?;
    let site = headers::site(&request_headers, hub.sites(), &caller)?;
    let number = query::patient(query.as_deref(), false)?;
    let permit = permit(&hub, &caller, "view", number, &view).await?;
    let audited = hub.store().disclose(permit, ViewAsk { number, trace: view.trace, site }).await?;
    let mut response = match audited.value() {
        ViewOutcome::Disclosed(disclosed) => {
            let plans: Vec<_> = disclosed
                .plans
                .iter()
                .map(|record| (format!("plan-{}", record.id), record.plan.clone()))
                .collect();
            let bundle = write::plans(&disclosed.person, &plans, audited.at());
            let mut response = respond::fhir(StatusCode::OK, &bundle);
            if let Ok(reference) = HeaderValue::from_str(disclosed.reference.as_str()) {
                response.headers_mut().insert(codes::ACCESS_REFERENCE, reference);
            }
            response
        }
        ViewOutcome::NotKnown => ApiError::NOT_KNOWN.into_response(),
        ViewOutcome::Ended => ApiError::ENDED.into_response(),
        ViewOutcome::TraceOfAnotherPerson => {
            ApiError::header("This TraceID belongs to the view of another person").into_response()
        }
        ViewOutcome::TraceUsedUp => {
            ApiError::header("This TraceID is used up: use a new one").into_response()
        }
    };
    respond::mark(&mut response, &audited);
    Ok(response)
}

/// `GET /cpis/FHIR/R4/AuditEvent`
pub(super) async fn history(
    State(hub): State<Hub>,
    Proven(caller): Proven,
    request_headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let view = ViewHeaders::read(&request_headers)?;
    let number = query::patient(query.as_deref(), true)?;
    let permit = permit(&hub, &caller, "history", number, &view).await?;
    let audited = hub.store().history(permit, number, view.trace.to_string()).await?;
    let mut response = match audited.value() {
        HistoryOutcome::Read { number, rows } => {
            let accesses: Vec<_> = rows
                .iter()
                .map(|row| WrittenAccess {
                    id: row.id.to_string(),
                    access: row.access.clone(),
                    role_profile: row.role_profile.clone(),
                })
                .collect();
            respond::fhir(StatusCode::OK, &write::history(*number, &accesses, audited.at()))
        }
        HistoryOutcome::NotOpened => ApiError::NOT_OPENED.into_response(),
        HistoryOutcome::NotKnown => ApiError::NOT_KNOWN.into_response(),
        HistoryOutcome::Ended => ApiError::ENDED.into_response(),
    };
    respond::mark(&mut response, &audited);
    Ok(response)
}

/// The right to view; a proven caller without it is refused, and that is audited.
async fn permit(
    hub: &Hub,
    caller: &Caller,
    asked: &'static str,
    number: NhsNumber,
    view: &ViewHeaders,
) -> Result<ViewPermit, ApiError> {
    match ViewPermit::of(caller, view.requested) {
        Ok(permit) => Ok(permit),
        Err(_) => {
            let refusal = Refusal { asked, number: Some(number), request: view.trace.to_string() };
            hub.store().refuse(caller.clone(), refusal).await?;
            Err(ApiError::NOT_ALLOWED)
        }
    }
}
