//! What the handlers share: a right that is missing is audited before it is refused, and a searchset says what
//! was asked and under which address each of its resources goes.

use axum::http::StatusCode;
use axum::response::Response;

use super::Hub;
use super::error::ApiError;
use super::query;
use super::respond;
use super::store::Refusal;
use crate::domain::{Caller, NotAllowed};
use crate::fhir::wire::{Bundle, BundleLink};

/// The bases of the three services, each with its own CapabilityStatement.
pub(super) const DEMOGRAPHICS: &str = "/personal-demographics/FHIR/R4";
pub(super) const CHILD_PROTECTION: &str = "/cpis/FHIR/R4";
pub(super) const FLAGS: &str = "/patient-flags-api/FHIR/R4";
/// Where the audit log is read.
pub(super) const AUDIT: &str = "/audit";

/// The permit, or the refusal of a proven caller without the right, which is on disk before it is said.
pub(super) async fn permitted<P>(
    hub: &Hub,
    caller: &Caller,
    permit: Result<P, NotAllowed>,
    refusal: Refusal,
) -> Result<P, ApiError> {
    match permit {
        Ok(permit) => Ok(permit),
        Err(NotAllowed) => {
            hub.store().refuse(caller.clone(), refusal).await?;
            Err(ApiError::NOT_ALLOWED)
        }
    }
}

/// A searchset. There is one page: it holds everything that was found.
pub(super) fn searchset(hub: &Hub, base: &str, kind: &str, asked: Option<&str>, bundle: Bundle) -> Response {
    searchset_page(hub, base, kind, asked, None, bundle)
}

/// A page of a searchset; `next` is the parameter with which the next one is asked for, if there is one.
pub(super) fn searchset_page(
    hub: &Hub,
    base: &str,
    kind: &str,
    asked: Option<&str>,
    next: Option<(&str, String)>,
    mut bundle: Bundle,
) -> Response {
    let base = format!("{}{base}", hub.issuer().trim_end_matches('/'));
    // The query was read before: it has pairs.
    let pairs = query::pairs(asked).unwrap_or_default();
    let link = |relation: &str, pairs: &[(String, String)]| {
        let pairs: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        BundleLink { relation: relation.to_owned(), url: format!("{base}/{kind}?{}", pairs.join("&")) }
    };
    bundle.link = vec![link("self", &pairs)];
    if let Some((name, value)) = next {
        let mut pairs = pairs;
        pairs.retain(|(asked, _)| asked != name);
        pairs.push((name.to_owned(), value));
        bundle.link.push(link("next", &pairs));
    }
    for entry in &mut bundle.entry {
        let part = |name: &str| entry.resource.get(name).and_then(|value| value.as_str());
        if let (Some(kind), Some(id)) = (part("resourceType"), part("id")) {
            entry.full_url = Some(format!("{base}/{kind}/{id}"));
        }
    }
    respond::fhir(StatusCode::OK, &bundle)
}

fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
