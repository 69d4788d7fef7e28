//! The child protection endpoints: plans, the same plans as flags, and who opened them before.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};

use super::Hub;
use super::error::ApiError;
use super::frame::{self, CHILD_PROTECTION, FLAGS};
use super::headers::{self, ViewHeaders};
use super::proven::Proven;
use super::query;
use super::respond;
use super::store::{Audited, Disclosed, HistoryOutcome, Refusal, Shape, ViewAsk, ViewOutcome};
use crate::domain::{Caller, HeldPlan, NhsNumber, ViewPermit};
use crate::fhir::codes;
use crate::fhir::wire::Bundle;
use crate::fhir::write::{self, WrittenAccess};

/// `GET /cpis/FHIR/R4/CareTeam`
pub(super) async fn plans(
    State(hub): State<Hub>,
    Proven(caller): Proven,
    headers: HeaderMap,
    RawQuery(asked): RawQuery,
) -> Result<Response, ApiError> {
    let audited = open(&hub, &caller, &headers, asked.as_deref(), Shape::CareTeam).await?;
    Ok(answer(&audited, |disclosed| {
        let bundle = write::plans(&disclosed.person, &named("plan", disclosed), audited.at());
        frame::searchset(&hub, CHILD_PROTECTION, "CareTeam", asked.as_deref(), bundle)
    }))
}

/// `GET /patient-flags-api/FHIR/R4/Flag`: the same disclosure in the shape of the Patient Flags API.
pub(super) async fn flags(
    State(hub): State<Hub>,
    Proven(caller): Proven,
    headers: HeaderMap,
    RawQuery(asked): RawQuery,
) -> Result<Response, ApiError> {
    let audited = open(&hub, &caller, &headers, asked.as_deref(), Shape::Flag).await?;
    Ok(answer(&audited, |disclosed| {
        let bundle: Bundle = write::flags(&disclosed.person, &named("flag", disclosed), audited.at());
        frame::searchset(&hub, FLAGS, "Flag", asked.as_deref(), bundle)
    }))
}

/// A view: its headers and its question, the right to it, and its one commit.
async fn open(
    hub: &Hub,
    caller: &Caller,
    headers: &HeaderMap,
    asked: Option<&str>,
    shape: Shape,
) -> Result<Audited<ViewOutcome>, ApiError> {
    let view = ViewHeaders::read(headers)?;
    let site = headers::site(headers, hub.sites(), caller)?;
    let number = match shape {
        Shape::CareTeam => query::patient(asked, false),
        Shape::Flag => query::flagged(asked),
    }?;
    let permit = permit(hub, caller, "view", number, &view).await?;
    Ok(hub.store().disclose_as(permit, ViewAsk { number, trace: view.trace, site }, shape).await?)
}

/// What a view found, written by whoever knows the shape.
fn answer(audited: &Audited<ViewOutcome>, written: impl FnOnce(&Disclosed) -> Response) -> Response {
    let mut response = match audited.value() {
        ViewOutcome::Disclosed(disclosed) => {
            let mut response = written(disclosed);
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
    respond::mark(&mut response, audited);
    response
}

/// The plans, each with an id of its own.
fn named(kind: &str, disclosed: &Disclosed) -> Vec<(String, HeldPlan)> {
    disclosed.plans.iter().map(|record| (format!("{kind}-{}", record.id), record.plan.clone())).collect()
}

/// `GET /cpis/FHIR/R4/AuditEvent`
pub(super) async fn history(
    State(hub): State<Hub>,
    Proven(caller): Proven,
    request_headers: HeaderMap,
    RawQuery(asked): RawQuery,
) -> Result<Response, ApiError> {
    let view = ViewHeaders::read(&request_headers)?;
    let number = query::patient(asked.as_deref(), true)?;
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
            let bundle = write::history(*number, &accesses, audited.at());
            frame::searchset(&hub, CHILD_PROTECTION, "AuditEvent", asked.as_deref(), bundle)
        }
        HistoryOutcome::NotOpened => ApiError::NOT_OPENED.into_response(),
        HistoryOutcome::NotKnown => ApiError::NOT_KNOWN.into_response(),
        HistoryOutcome::Ended => ApiError::ENDED.into_response(),
    };
    respond::mark(&mut response, &audited);
    Ok(response)
}

/// The right to view.
async fn permit(
    hub: &Hub,
    caller: &Caller,
    asked: &'static str,
    number: NhsNumber,
    view: &ViewHeaders,
) -> Result<ViewPermit, ApiError> {
    let refusal = Refusal { asked, number: Some(number), request: view.trace.to_string() };
    frame::permitted(hub, caller, ViewPermit::of(caller, hub.rights(), view.requested), refusal).await
}
