//! What the hub is, and whether it runs. Nothing of it says anything about a person.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use super::Hub;
use super::error::ApiError;
use super::frame::{CHILD_PROTECTION, DEMOGRAPHICS, FLAGS};
use super::open::{Anybody, Open};
use super::respond;
use super::router::{GRANTING, OPEN, OPEN_WITHOUT_TOKEN, addresses};
use crate::domain::dates;

/// The OpenAPI document: the one source of what is served at which address, and how. A test holds the router, the
/// errors and the CapabilityStatements against it.
pub const OPENAPI: &str = include_str!("openapi.json");

/// What is served of one kind of resource.
struct Served {
    base: &'static str,
    kind: &'static str,
    interactions: &'static [&'static str],
    /// Name, type, and how it is written where that is not plain.
    parameters: &'static [(&'static str, &'static str, &'static str)],
    /// Whether `meta.versionId` and `ETag` are there.
    is_versioned: bool,
    words: &'static str,
}

const SERVED: &[Served] = &[
    Served {
        base: DEMOGRAPHICS,
        kind: "Patient",
        interactions: &["read", "search-type"],
        parameters: &[
            ("family", "string", "needed, unless a fuzzy search has given, gender and postcode"),
            ("birthdate", "date", "needed; eq, ge or le"),
            ("given", "string", ""),
            ("gender", "token", ""),
            ("address-postalcode", "string", ""),
            ("address-postcode", "string", "the older name of address-postalcode"),
            ("_fuzzy-match", "token", "true or false"),
            ("_exact-match", "token", "true or false"),
            ("_history", "token", "true or false: previous names too"),
            ("_max-results", "number", "1 to 50"),
        ],
        is_versioned: true,
        words: "The id is the NHS number in use, which may be another one than was asked for. Too many matches are a 200 with an OperationOutcome",
    },
    Served {
        base: CHILD_PROTECTION,
        kind: "CareTeam",
        interactions: &["search-type"],
        parameters: &[(
            "patient",
            "reference",
            "needed; only as patient:identifier=https://fhir.nhs.uk/Id/nhs-number|{number}",
        )],
        is_versioned: false,
        words: "One for each plan. Each search is a view: recorded, and told to the local authority, unless the caller's role or session says otherwise",
    },
    Served {
        base: CHILD_PROTECTION,
        kind: "AuditEvent",
        interactions: &["search-type", "create"],
        parameters: &[(
            "patient",
            "reference",
            "needed; only as patient:identifier=https://fhir.nhs.uk/Id/nhs-number|{number}",
        )],
        is_versioned: false,
        words: "Searched: who opened the person's plans before, only within 30 minutes of an own view; the PractitionerRole is always included. Created: what was done with what was shown; it cannot be read again",
    },
    Served {
        base: FLAGS,
        kind: "Flag",
        interactions: &["search-type"],
        parameters: &[
            ("patient", "reference", "needed; the NHS number, with its system before it or not"),
            ("code", "token", "child-protection-information-system-flag"),
        ],
        is_versioned: false,
        words: "The same plans as CareTeam, and the same view",
    },
];

/// `GET …/metadata`: a CapabilityStatement of the service at this base; at `/metadata` of all three. Open, as FHIR has it: whoever
/// shows a token learns which version this is, and hears if the token is good no more.
pub(super) async fn metadata(State(hub): State<Hub>, who: Anybody, address: Uri) -> Response {
    let base = address.path().trim_end_matches("/metadata");
    let here: Vec<Value> =
        SERVED.iter().filter(|served| base.is_empty() || served.base == base).map(resource).collect();
    let synthetic = hub.is_synthetic();
    let words = if synthetic { "CP-IS hub with synthetic people: not for patients" } else { "CP-IS hub" };
    let software = if who.is_proven {
        json!({ "name": "cpis-hub", "version": env!("CARGO_PKG_VERSION") })
    } else {
        json!({ "name": "cpis-hub" })
    };
    let statement = json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": dates::london_day(hub.clock().now()).to_string(),
        "kind": "instance",
        "software": software,
        "implementation": {
            "description": words,
            "url": format!("{}{base}", hub.issuer().trim_end_matches('/')),
        },
        "extension": [{
            "url": "https://fhir.cpis.example/StructureDefinition/synthetic-data",
            "valueBoolean": synthetic,
        }],
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [{
            "mode": "server",
            "documentation": "The OpenAPI document at /openapi.json has every address, header and error",
            "security": {
                "extension": [oauth(hub.issuer())],
                "cors": false,
                "service": [
                    { "coding": [service("OAuth")] },
                    { "coding": [service("SMART-on-FHIR")] },
                    { "coding": [service("Certificates")] },
                ],
                "description": security(),
            },
            "resource": here,
        }],
    });
    respond::fhir(StatusCode::OK, &statement)
}

fn service(code: &str) -> Value {
    json!({ "system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": code })
}

/// Where tokens come from, for programs that look here and not at `/.well-known/smart-configuration` (SMART App Launch 1).
fn oauth(issuer: &str) -> Value {
    let uri = |name: &str, path: &str| json!({ "url": name, "valueUri": format!("{issuer}{path}") });
    json!({
        "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
        "extension": [uri("authorize", "/authorize"), uri("token", "/token"), uri("revoke", "/revoke")],
    })
}

/// What has to be shown at which address. The router's own lists: what is added there is said here.
fn security() -> String {
    let exchange: Vec<&str> =
        addresses().map(|(path, _)| path).filter(|path| path.starts_with("/exchange/")).collect();
    format!(
        "An access token of this hub. One that is bound to a key (a viewer's) as `Authorization: DPoP TOKEN`, and with each request a \
         proof of that key made for it in the header `DPoP` (RFC 9449). One that is bound to a certificate (a registered program's) as \
         `Authorization: Bearer TOKEN`, on a connection with that client certificate (RFC 8705). A token without what it is bound to is \
         refused. With a proof or a registered program's certificate alone: {}. With the client certificate of a local authority and no \
         token: {}. With none of these: {} {}",
        GRANTING.join(" "),
        exchange.join(" "),
        OPEN.join(" "),
        OPEN_WITHOUT_TOKEN.join(" ")
    )
}

fn resource(served: &Served) -> Value {
    let parameter = |(name, kind, words): &(&str, &str, &str)| {
        let mut parameter = json!({ "name": name, "type": kind });
        if let Some(parts) = parameter.as_object_mut().filter(|_| !words.is_empty()) {
            parts.insert("documentation".to_owned(), json!(words));
        }
        parameter
    };
    json!({
        "type": served.kind,
        "documentation": format!("At {}. {}", served.base, served.words),
        "interaction": served.interactions.iter().map(|code| json!({ "code": code })).collect::<Vec<_>>(),
        "versioning": if served.is_versioned { "versioned" } else { "no-version" },
        "readHistory": false,
        "conditionalRead": "not-supported",
        "searchParam": served.parameters.iter().map(parameter).collect::<Vec<_>>(),
    })
}

/// `GET /openapi.json`: open to everybody, as it is in the open with the program.
pub(super) async fn openapi(_open: Open) -> Response {
    respond::text_json(OPENAPI)
}

/// `GET /healthz`: open to everybody. Ill where the last write failed, until one succeeds.
pub(super) async fn healthz(State(hub): State<Hub>) -> Result<Response, ApiError> {
    match hub.store().check().await {
        Ok(()) => Ok(respond::json(StatusCode::OK, &json!({ "status": "ok" }))),
        Err(_) => Err(ApiError::UNHEALTHY),
    }
}
