//! What concerns the caller's own session and views: their progress, "opened in error", reports of copies,
//! scheduled care. Nobody learns anything of a view that is not their own.

use std::future::poll_fn;
use std::pin::Pin;

use axum::body::{Body, HttpBody};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::Hub;
use super::error::ApiError;
use super::frame;
use super::limits;
use super::negotiation;
use super::proven::Proven;
use super::respond;
use super::store::{OpenedInError, Refusal, ReportedKind};
use crate::domain::{AccessReference, AccessStatus, CareSetting, CareSettingPermit, NoticeState, ViewPermit};
use crate::fhir::wire::AuditEvent;

/// `GET /access/{reference}`
pub(super) async fn status(
    State(hub): State<Hub>,
    Proven(caller): Proven,
    reference: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    let reference = named(reference)?;
    let permit = ViewPermit::of(&caller, hub.rights(), CareSetting::Unscheduled);
    let refusal = Refusal { asked: "status", number: None, request: String::new() };
    let permit = frame::permitted(&hub, &caller, permit, refusal).await?;
    let audited = hub.store().status(permit, reference).await?;
    let mut response = match audited.value() {
        Some(status) => respond::json(StatusCode::OK, &written(status)),
        None => ApiError::NOT_KNOWN.into_response(),
    };
    respond::mark(&mut response, &audited);
    Ok(response)
}

fn written(status: &AccessStatus) -> serde_json::Value {
    let notices: Vec<_> = status
        .notices
        .iter()
        .map(|notice| {
            json!({
                "authority": notice.authority,
                "state": state_word(notice.state),
                "at": notice.at.to_string(),
            })
        })
        .collect();
    json!({
        "reference": status.reference.as_str(),
        "recorded": status.recorded.to_string(),
        "silent": status.silent,
        "notices": notices,
    })
}

/// The reference in an address; what cannot be one is not known.
fn named(reference: Result<Path<String>, PathRejection>) -> Result<AccessReference, ApiError> {
    let Ok(Path(reference)) = reference else { return Err(ApiError::NOT_KNOWN) };
    AccessReference::parse(&reference).ok_or(ApiError::NOT_KNOWN)
}

fn state_word(state: NoticeState) -> &'static str {
    match state {
        NoticeState::Queued => "queued",
        NoticeState::Delivered => "delivered",
        NoticeState::Filed => "filed",
        NoticeState::Returned => "returned",
        NoticeState::ToldEarlier => "told-earlier",
    }
}

/// `POST /access/{reference}/opened-in-error`
pub(super) async fn opened_in_error(
    State(hub): State<Hub>,
    Proven(caller): Proven,
    reference: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    let reference = named(reference)?;
    let audited = hub.store().opened_in_error(caller, reference).await?;
    let mut response = match audited.value() {
        OpenedInError::Logged => respond::empty(StatusCode::NO_CONTENT),
        OpenedInError::NotKnown => return Err(ApiError::NOT_KNOWN),
        OpenedInError::TooLate => return Err(ApiError::TOO_LATE),
    };
    respond::mark(&mut response, &audited);
    Ok(response)
}

/// `POST /cpis/FHIR/R4/AuditEvent`: the viewer reports what was done with what it showed.
pub(super) async fn report(
    State(hub): State<Hub>,
    Proven(caller): Proven,
    request: Request,
) -> Result<Response, ApiError> {
    let (kind, reference) = report_in(&body(request).await?)?;
    let audited = hub.store().report(caller, kind, reference).await?;
    if !audited.value() {
        return Err(ApiError::NOT_KNOWN);
    }
    let mut response = respond::empty(StatusCode::CREATED);
    respond::mark(&mut response, &audited);
    Ok(response)
}

/// What is reported, and of which view.
pub(super) fn report_in(body: &[u8]) -> Result<(ReportedKind, AccessReference), ApiError> {
    let event: AuditEvent = parsed(body, "This is not an AuditEvent of the documented shape")?;
    if event.resource_type != "AuditEvent" {
        return Err(ApiError::invalid_value("This is not an AuditEvent"));
    }
    let kind = event.subtype.iter().find_map(|coding| ReportedKind::from_code(coding.code.as_deref()?));
    let kind = kind.ok_or(ApiError::invalid_value("subtype has no code of a report that is known"))?;
    let reference = event
        .entity
        .iter()
        .filter_map(|entity| entity.what.as_ref()?.identifier.as_ref()?.value.as_deref())
        .find_map(AccessReference::parse)
        .ok_or(ApiError::missing_value("entity.what.identifier with the access reference is missing"))?;
    Ok((kind, reference))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CareSettingBody {
    care_setting: Word,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Scheduled,
    Unscheduled,
}

/// `PUT /session/care-setting`: only who may do both has a choice.
pub(super) async fn care_setting(
    State(hub): State<Hub>,
    Proven(caller): Proven,
    request: Request,
) -> Result<Response, ApiError> {
    let setting = care_setting_in(&body(request).await?)?;
    let permit = CareSettingPermit::of(&caller, hub.rights());
    let refusal = Refusal { asked: "care-setting", number: None, request: String::new() };
    let permit = frame::permitted(&hub, &caller, permit, refusal).await?;
    let audited = hub.store().set_care_setting(permit, setting).await?;
    let mut response = respond::empty(StatusCode::NO_CONTENT);
    respond::mark(&mut response, &audited);
    Ok(response)
}

/// What the session is switched to.
pub(super) fn care_setting_in(body: &[u8]) -> Result<CareSetting, ApiError> {
    let body: CareSettingBody =
        parsed(body, "The body must be {\"care_setting\": \"scheduled\"} or unscheduled")?;
    Ok(match body.care_setting {
        Word::Scheduled => CareSetting::Scheduled,
        Word::Unscheduled => CareSetting::Unscheduled,
    })
}

/// JSON. The parser's words may repeat the body: they are not passed on.
fn parsed<T: serde::de::DeserializeOwned>(body: &[u8], wrong: &'static str) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|_| ApiError::invalid_value(wrong))
}

/// Reads a body within its limit.
async fn body(request: Request<Body>) -> Result<Vec<u8>, ApiError> {
    negotiation::check_body(request.headers())?;
    whole(request.into_body(), limits::BODY_BYTES).await
}

/// The same, whatever it is, of so many bytes at most.
pub(super) async fn whole(mut body: Body, most: usize) -> Result<Vec<u8>, ApiError> {
    let mut bytes: Vec<u8> = Vec::new();
    if body.size_hint().lower() > u64::try_from(most).unwrap_or(u64::MAX) {
        return Err(ApiError::TOO_LARGE);
    }
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| ApiError::invalid_value("The body did not arrive as announced"))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len().saturating_add(data.len()) > most {
            return Err(ApiError::TOO_LARGE);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}
