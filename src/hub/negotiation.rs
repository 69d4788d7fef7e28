//! In which words an answer is given: `Accept`, `_format`, `Content-Type` of what is sent, and `Prefer`.
//!
//! There is one representation, FHIR R4 in JSON and UTF-8. Whoever can take no JSON is refused before anything is
//! looked up: an answer that the caller cannot read would still be a view. A preference changes no answer; it is
//! said whether it was heeded.

use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::error::ApiError;
use super::events::EVENTS;
use super::{query, respond};

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The two names of the one representation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Fhir,
    Generic,
}

/// Refuses a caller who takes no JSON of FHIR R4. `_format` goes before `Accept`, as FHIR says.
pub(super) fn check(parts: &Parts) -> Result<(), ApiError> {
    let path = parts.uri.path();
    if path == EVENTS {
        return Ok(());
    }
    let has_formats = path.contains("/FHIR/R4/") || path == "/metadata";
    if has_formats {
        let formats = query::formats(parts.uri.query())?;
        if !formats.is_empty() {
            let all_fit = formats.iter().all(|format| is_json(format));
            return if all_fit { Ok(()) } else { Err(ApiError::NOT_ACCEPTABLE) };
        }
    }
    wanted(&parts.headers).map(|_| ()).ok_or(ApiError::NOT_ACCEPTABLE)
}

/// Refuses a body that says it is something else than JSON. One that says nothing is read.
pub(super) fn check_body(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(kind) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    kind.to_str().ok().filter(|kind| is_json(kind)).map(|_| ()).ok_or(ApiError::UNSUPPORTED_MEDIA)
}

/// Names the answer as the caller asked for it, and says which preference was heeded.
pub(super) async fn name_the_answer(request: Request, next: Next) -> Response {
    let kind = match names_a_format(request.uri().query()) {
        true => Some(Kind::Fhir),
        false => wanted(request.headers()),
    };
    let heeded = heeded(request.headers(), request.method().is_safe());
    let mut response = next.run(request).await;
    let is_fhir =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|value| value == respond::FHIR_JSON);
    if is_fhir && kind == Some(Kind::Generic) {
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    }
    let is_success = response.status().is_success() && response.status() != StatusCode::NO_CONTENT;
    if let Some(heeded) = heeded.filter(|_| is_success) {
        response.headers_mut().insert(PREFERENCE_APPLIED, HeaderValue::from_static(heeded));
    }
    response
}

/// Whether there is a `_format`, which goes before `Accept`. Each of its words means FHIR's own representation.
fn names_a_format(query: Option<&str>) -> bool {
    query::formats(query).is_ok_and(|formats| !formats.is_empty())
}

/// Of all preferences two are how the hub works anyway: unknown parameters are always refused, and what was
/// created is never sent back. `respond-async`, `return=representation` and `handling=lenient` are not heeded.
fn heeded(headers: &HeaderMap, is_reading: bool) -> Option<&'static str> {
    let asks = |preference: &str| {
        headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok()).any(|value| {
            value.split(',').any(|part| {
                let plain: String = part.chars().filter(|c| !c.is_whitespace() && *c != '"').collect();
                plain.split(';').next().is_some_and(|plain| plain.eq_ignore_ascii_case(preference))
            })
        })
    };
    match (asks("handling=strict"), asks("return=minimal") && !is_reading) {
        (true, true) => Some("handling=strict, return=minimal"),
        (true, false) => Some("handling=strict"),
        (false, true) => Some("return=minimal"),
        (false, false) => None,
    }
}

/// Which name of JSON the `Accept` headers like best; `None` where they take none.
fn wanted(headers: &HeaderMap) -> Option<Kind> {
    let mut ranges = headers
        .get_all(header::ACCEPT)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or("not/readable").split(','))
        .map(str::trim)
        .filter(|range| !range.is_empty())
        .peekable();
    if ranges.peek().is_none() {
        return Some(Kind::Fhir);
    }
    let ranges: Vec<(String, f32)> = ranges.filter_map(range).collect();
    let quality = |names: &[&str]| {
        names.iter().find_map(|name| {
            ranges.iter().filter(|(kind, _)| kind == name).map(|(_, quality)| *quality).reduce(f32::max)
        })
    };
    let fhir = quality(&["application/fhir+json", "application/*", "*/*"]).unwrap_or(0.0);
    let generic = quality(&["application/json", "text/json", "application/*", "*/*"]).unwrap_or(0.0);
    match (fhir > 0.0, generic > fhir) {
        (_, true) => Some(Kind::Generic),
        (true, false) => Some(Kind::Fhir),
        (false, false) => None,
    }
}

fn is_json(kind: &str) -> bool {
    let name = range(kind.trim()).map(|(name, _)| name);
    let known = ["json", "application/json", "application/fhir+json", "text/json"];
    name.is_some_and(|name| known.contains(&name.as_str()))
}

/// A media range and its quality. One of another FHIR version or another charset is none that can be given.
fn range(text: &str) -> Option<(String, f32)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next()?.to_ascii_lowercase();
    let mut quality = 1.0;
    for part in parts {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim().trim_matches('"').to_ascii_lowercase();
        match key.trim().to_ascii_lowercase().as_str() {
            "q" => quality = value.parse().ok().filter(|quality| (0.0..=1.0).contains(quality))?,
            "fhirversion" if !["4.0", "4.0.1"].contains(&value.as_str()) => return None,
            "charset" if !["utf-8", "utf8"].contains(&value.as_str()) => return None,
            _ => {}
        }
    }
    Some((name, quality))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_named_as_the_caller_likes_it_best() {
        let check = |accept: &[&str], expected: Option<Kind>| {
            let mut headers = HeaderMap::new();
            for value in accept {
                headers.append(header::ACCEPT, HeaderValue::from_str(value).unwrap());
            }
            assert_eq!(wanted(&headers), expected, "{accept:?}");
        };
        let (fhir, generic) = (Some(Kind::Fhir), Some(Kind::Generic));
        check(&[], fhir);
        check(&[""], fhir);
        check(&["*/*"], fhir);
        check(&["application/*"], fhir);
        check(&["application/fhir+json"], fhir);
        check(&["application/fhir+json; fhirVersion=4.0"], fhir);
        check(&["Application/FHIR+JSON; FhirVersion=\"4.0\"; charset=UTF-8"], fhir);
        check(&["application/json"], generic);
        check(&["text/json"], generic);
        check(&["application/json, application/fhir+json"], fhir);
        check(&["application/json;q=0.9, application/fhir+json;q=0.8"], generic);
        check(&["text/html, application/xml;q=0.9, */*;q=0.8"], fhir);
        check(&["application/fhir+xml", "application/json"], generic);
        check(&["application/fhir+json;q=0, */*"], generic);
        check(&["application/fhir+xml"], None);
        check(&["text/html"], None);
        check(&["application/fhir+json;q=0"], None);
        check(&["application/fhir+json; fhirVersion=3.0"], None);
        check(&["application/fhir+json; charset=iso-8859-1"], None);
        check(&["application/fhir+json;q=7"], None);
        check(&["nonsense"], None);
    }

    #[test]
    fn a_format_goes_before_accept_in_naming_the_answer_too() {
        for (query, expected) in [
            (Some("_format=application/json"), true),
            (Some("family=x&_format=json"), true),
            (Some("_format=application/fhir%2Bjson"), true),
            (Some("family=x"), false),
            (None, false),
        ] {
            assert_eq!(names_a_format(query), expected, "{query:?}");
        }
    }

    #[test]
    fn only_what_the_hub_does_anyway_is_said_to_be_heeded() {
        let check = |prefer: &str, is_reading: bool, expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", HeaderValue::from_str(prefer).unwrap());
            assert_eq!(heeded(&headers, is_reading), expected, "{prefer}");
        };
        check("handling=strict", true, Some("handling=strict"));
        check("handling=lenient", true, None);
        check("return=minimal", true, None);
        check("return=minimal", false, Some("return=minimal"));
        check("return=\"minimal\"; foo, handling=strict", false, Some("handling=strict, return=minimal"));
        check("return=representation", false, None);
        check("respond-async, wait=10", true, None);
    }
}
