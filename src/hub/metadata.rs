//! What the hub is, and whether it runs. Neither says anything about a person.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::Hub;
use super::error::ApiError;
use super::proven::Proven;
use super::respond;
use crate::domain::dates;

/// `GET /metadata`: a CapabilityStatement.
pub(super) async fn metadata(State(hub): State<Hub>, _caller: Proven) -> Response {
    let at = hub.clock().now();
    let read = |code: &str| json!({ "code": code });
    let of = |kind: &str, interactions: &[&str], parameters: &[(&str, &str)]| {
        let parameters: Vec<_> =
            parameters.iter().map(|(name, kind)| json!({ "name": name, "type": kind })).collect();
        json!({
            "type": kind,
            "interaction": interactions.iter().map(|code| read(code)).collect::<Vec<_>>(),
            "searchParam": parameters,
        })
    };
    let searched = [
        ("family", "string"),
        ("given", "string"),
        ("gender", "token"),
        ("birthdate", "date"),
        ("address-postalcode", "string"),
    ];
    let synthetic = hub.is_synthetic();
    let words = if synthetic { "CP-IS hub with synthetic people: not for patients" } else { "CP-IS hub" };
    let statement = json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": dates::london_day(at).to_string(),
        "kind": "instance",
        "software": { "name": "cpis-hub", "version": env!("CARGO_PKG_VERSION") },
        "implementation": { "description": words, "url": hub.issuer() },
        "extension": [{
            "url": "https://fhir.cpis.example/StructureDefinition/synthetic-data",
            "valueBoolean": synthetic,
        }],
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [{
            "mode": "server",
            "resource": [
                of("Patient", &["read", "search-type"], &searched),
                of("CareTeam", &["search-type"], &[("patient:identifier", "token")]),
                of("AuditEvent", &["search-type", "create"], &[("patient:identifier", "token")]),
            ],
        }],
    });
    respond::fhir(StatusCode::OK, &statement)
}

/// `GET /healthz`: open to everybody. Ill where the last write failed, until one succeeds.
pub(super) async fn healthz(State(hub): State<Hub>) -> Result<Response, ApiError> {
    match hub.store().check().await {
        Ok(()) => Ok(respond::json(StatusCode::OK, &json!({ "status": "ok" }))),
        Err(_) => Err(ApiError::UNHEALTHY),
    }
}
