//! What the hub offers as an authorisation server, for programs that look it up: RFC 8414, and SMART App Launch for each FHIR
//! service. Open to everybody; nothing of it says anything of anybody, nor which programs are registered.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use crate::domain::Right;
use crate::hub::open::Open;
use crate::hub::{Hub, respond};

/// What each right lets a program do, in the words of SMART App Launch. What is granted is always all that the role allows.
const SCOPES: &[(Right, &str)] = &[
    (Right::SearchPeople, "user/Patient.rs"),
    (Right::ViewAndNotify, "user/CareTeam.s user/Flag.s user/AuditEvent.cs"),
    (Right::ViewSilently, "user/CareTeam.s user/Flag.s user/AuditEvent.cs"),
];

/// The scopes of these rights, each once.
pub(in crate::hub) fn scopes(rights: &[Right]) -> String {
    let mut all: Vec<&str> = Vec::new();
    for (right, words) in SCOPES {
        if rights.contains(right) {
            all.extend(words.split(' ').filter(|word| !all.contains(word)).collect::<Vec<_>>());
        }
    }
    all.join(" ")
}

/// `GET /.well-known/oauth-authorization-server` (RFC 8414).
pub(in crate::hub) async fn metadata(State(hub): State<Hub>, _open: Open) -> Response {
    let mut offered = offered(&hub);
    if let Some(parts) = offered.as_object_mut() {
        let more = json!({
            "revocation_endpoint_auth_methods_supported": methods(&hub, true),
            "response_modes_supported": ["query"],
            "prompt_values_supported": ["login"],
            "authorization_response_iss_parameter_supported": true,
            "dpop_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": methods(&hub, true),
        });
        parts.extend(more.as_object().cloned().unwrap_or_default());
    }
    respond::json(StatusCode::OK, &offered)
}

/// `GET …/.well-known/smart-configuration` (SMART App Launch 2.2) of each FHIR service, and of the hub: what registered
/// programs do. The viewer is none of them.
pub(in crate::hub) async fn smart(State(hub): State<Hub>, _open: Open) -> Response {
    let mut offered = offered(&hub);
    if let Some(parts) = offered.as_object_mut() {
        parts.insert("token_endpoint_auth_methods_supported".to_owned(), methods(&hub, false));
        parts.insert(
            "capabilities".to_owned(),
            json!(["launch-standalone", "permission-user", "permission-v2"]),
        );
    }
    respond::json(StatusCode::OK, &offered)
}

/// What both say.
fn offered(hub: &Hub) -> Value {
    let issuer = hub.issuer();
    let all: Vec<Right> = SCOPES.iter().map(|(right, _)| *right).collect();
    let scopes = scopes(&all);
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "revocation_endpoint": format!("{issuer}/revoke"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "scopes_supported": scopes.split(' ').collect::<Vec<_>>(),
        "code_challenge_methods_supported": ["S256"],
        "tls_client_certificate_bound_access_tokens": !hub.clients().is_empty(),
    })
}

/// How programs prove what they are: the viewer with nothing but its session's key.
fn methods(hub: &Hub, viewer: bool) -> Value {
    let registered = (!hub.clients().is_empty()).then_some("tls_client_auth");
    json!(viewer.then_some("none").into_iter().chain(registered).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_what_a_role_allows_and_nothing_else() {
        let check = |rights: &[Right], expected: &str| assert_eq!(scopes(rights), expected);
        check(&[], "");
        check(&[Right::ReadAudit, Right::PrivacyOfficer], "");
        check(&[Right::SearchPeople], "user/Patient.rs");
        let plans = "user/CareTeam.s user/Flag.s user/AuditEvent.cs";
        check(&[Right::ViewSilently], plans);
        check(&[Right::ViewSilently, Right::ViewAndNotify], plans);
        check(&[Right::ViewAndNotify, Right::SearchPeople], &format!("user/Patient.rs {plans}"));
    }
}
