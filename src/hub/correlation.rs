//! One id for each request, in every log line about it and in its answer.
//!
//! The caller's `X-Correlation-ID` if it is a UUID; else the `TraceID` or `X-Request-ID`, under which the audit
//! log knows the request too; else a new one. Nothing else of a caller's goes into a line: a UUID is not text.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use uuid::Uuid;

use super::frame::DEMOGRAPHICS;
use super::headers::uuid;
use crate::fhir::codes;

const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Wraps all that is done for a request, its own log line included.
pub(super) async fn correlate(request: Request, next: Next) -> Response {
    let id = of(request.headers());
    let mirrored = mirrored(&request);
    // Of the highest level, so that no setting of the log takes it from a line.
    let span = tracing::error_span!("request", correlation = %id);
    let mut response = next.run(request).instrument(span).await;
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(CORRELATION_ID, value);
    }
    if let Some(id) = mirrored {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// What the demographics service mirrors, as published: the `X-Request-ID`, whatever becomes of the request. Here, and not where the
/// request is answered, since those that are turned away before that are the ones that are tried again.
fn mirrored(request: &Request) -> Option<HeaderValue> {
    if !request.uri().path().starts_with(DEMOGRAPHICS) {
        return None;
    }
    let mut values = request.headers().get_all(REQUEST_ID).iter();
    let only = values.next().filter(|_| values.next().is_none())?;
    // Nothing else of a caller's: a UUID is not text.
    HeaderValue::from_str(&uuid(only.to_str().ok()?.trim())?.to_string()).ok()
}

fn of(headers: &HeaderMap) -> Uuid {
    [CORRELATION_ID.as_str(), codes::TRACE_ID, codes::REQUEST_ID]
        .into_iter()
        .find_map(|name| {
            let mut values = headers.get_all(name).iter();
            let only = values.next().filter(|_| values.next().is_none())?;
            uuid(only.to_str().ok()?.trim())
        })
        .unwrap_or_else(Uuid::new_v4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_uuid_counts_and_nothing_else_of_theirs() {
        const GIVEN: &str = "0d3fba0e-6a5b-4f0b-9c53-8c4f6a1f0001";
        const OTHER: &str = "0d3fba0e-6a5b-4f0b-9c53-8c4f6a1f0002";
        let check = |sent: &[(&'static str, &'static str)], expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            for (name, value) in sent {
                headers.append(*name, HeaderValue::from_static(value));
            }
            let id = of(&headers).to_string();
            match expected {
                Some(expected) => assert_eq!(id, expected, "{sent:?}"),
                None => assert!(sent.iter().all(|(_, value)| *value != id) && id.len() == 36, "{sent:?}"),
            }
        };
        check(&[("x-correlation-id", GIVEN), ("traceid", OTHER)], Some(GIVEN));
        check(&[("traceid", GIVEN), ("x-request-id", OTHER)], Some(GIVEN));
        check(&[("x-request-id", GIVEN)], Some(GIVEN));
        check(&[("x-correlation-id", "9990000018"), ("traceid", GIVEN)], Some(GIVEN));
        check(&[("x-correlation-id", GIVEN), ("x-correlation-id", OTHER)], None);
        check(&[("x-correlation-id", "Ava Bennett")], None);
        check(&[("x-correlation-id", "00000000-0000-0000-0000-000000000000")], None);
        check(&[], None);
    }
}
