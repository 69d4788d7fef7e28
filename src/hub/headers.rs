//! The request headers that both services ask for. A bad one is a 400, never a guess.

use axum::http::HeaderMap;
use uuid::Uuid;

use super::error::ApiError;
use crate::domain::{Caller, CareSetting, Site};
use crate::fhir::codes;

/// What the child protection endpoints want.
pub(super) struct ViewHeaders {
    pub(super) trace: Uuid,
    pub(super) requested: CareSetting,
}

impl ViewHeaders {
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, ApiError> {
        let trace = one(headers, codes::TRACE_ID, "TraceID was sent twice")?
            .and_then(uuid)
            .ok_or(ApiError::header("TraceID must be a UUID"))?;
        let requested = match one(headers, codes::IS_UNSCHEDULED, "IsUnscheduledAccessEvent was sent twice")?
        {
            None => CareSetting::Unscheduled,
            Some(value) if value.eq_ignore_ascii_case("true") => CareSetting::Unscheduled,
            Some(value) if value.eq_ignore_ascii_case("false") => CareSetting::Scheduled,
            Some(_) => return Err(ApiError::header("IsUnscheduledAccessEvent must be true or false")),
        };
        Ok(Self { trace, requested })
    }
}

/// What the demographics endpoints want; it is mirrored with every answer (`correlation`).
pub(super) struct TraceHeaders {
    pub(super) request: Uuid,
}

impl TraceHeaders {
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, ApiError> {
        let request = one(headers, codes::REQUEST_ID, "X-Request-ID was sent twice")?
            .filter(|id| !id.is_empty())
            .ok_or(ApiError::missing_value("X-Request-ID is missing"))?;
        let request = uuid(request).ok_or(ApiError::invalid_value("X-Request-ID must be a UUID"))?;
        Ok(Self { request })
    }
}

/// Where the caller works: the site that they name, else the organisation's only one. Where it has several
/// and none is named, none is stated: a social worker must not be sent to a guess.
pub(super) fn site(headers: &HeaderMap, sites: &[Site], caller: &Caller) -> Result<Option<Site>, ApiError> {
    let mut own = sites.iter().filter(|site| site.organisation_code == caller.organisation_code);
    match one(headers, codes::SITE, "X-Site was sent twice")? {
        None => {
            let only = own.next().cloned();
            Ok(if own.next().is_none() { only } else { None })
        }
        Some(id) => own
            .find(|site| site.id == id)
            .cloned()
            .map(Some)
            .ok_or(ApiError::header("X-Site is not a site of the caller's organisation")),
    }
}

/// The single value of a header, trimmed.
fn one<'a>(headers: &'a HeaderMap, name: &str, twice: &'static str) -> Result<Option<&'a str>, ApiError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(ApiError::header(twice));
    }
    let text = value.to_str().map_err(|_| ApiError::header("A header holds other than plain characters"))?;
    Ok(Some(text.trim()))
}

/// A UUID in its usual form of 36 characters: others would make two spellings of one view.
pub(super) fn uuid(text: &str) -> Option<Uuid> {
    (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten().filter(|uuid| !uuid.is_nil())
}
