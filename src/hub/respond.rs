//! Answers: bodies, and the headers that say when and after what wait.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;

use super::clock::http_date;
use super::store::Audited;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// What a FHIR answer is, unless the caller asked for it under its generic name.
pub(super) const FHIR_JSON: &str = "application/fhir+json; charset=utf-8";

/// A FHIR answer.
pub(super) fn fhir<T: Serialize>(status: StatusCode, resource: &T) -> Response {
    json_as(FHIR_JSON, status, resource)
}

/// An answer of the hub's own.
pub(super) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    json_as("application/json", status, value)
}

/// JSON that is there as a text.
pub(super) fn text_json(text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn json_as<T: Serialize>(kind: &'static str, status: StatusCode, value: &T) -> Response {
    let Ok(body) = serde_json::to_vec(value) else {
        // The structs that are written here always become JSON.
        return empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// The moment on which an answer was decided, and how long it took until it was on disk. The viewer reckons
/// with the first.
pub(super) fn mark<T>(response: &mut Response, audited: &Audited<T>) {
    date(response.headers_mut(), audited.at());
    let waited = audited.waited().as_secs_f64() * 1000.0;
    if let Ok(timing) = HeaderValue::from_str(&format!("commit;dur={waited:.1}")) {
        response.headers_mut().insert(SERVER_TIMING, timing);
    }
}

/// The `Date` header.
pub(super) fn date(headers: &mut HeaderMap, at: Timestamp) {
    if let Ok(date) = HeaderValue::from_str(&http_date(at)) {
        headers.insert(header::DATE, date);
    }
}
