//! Addresses, and what holds for every answer: its date, that nobody stores it, that it comes in time, and
//! that a panic becomes an answer without detail.

use std::any::Any;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post, put};
use tower_http::catch_panic::CatchPanicLayer;

use super::Hub;
use super::audit::CONCERNS;
use super::correlation::correlate;
use super::error::ApiError;
use super::events::EVENTS;
use super::{
    audit, events, limits, metadata, negotiation, notices, own, people, plans, respond, sessions, signin,
    uploads,
};
use crate::exchange::codes::{NOTICES, UPLOADS};

const SYNTHETIC: HeaderName = HeaderName::from_static("x-synthetic-data");
/// What the next proof has to carry: on every answer, so that who asks often never meets one without.
const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Makes what answers one method of an address.
type MakeMethod = fn() -> MethodRouter<Hub>;

/// One address, and what answers each of its methods.
struct Address {
    path: &'static str,
    methods: &'static [(&'static str, MakeMethod)],
}

/// The hub's addresses. What is added here has to be added to `openapi.json`: a test compares them.
const ADDRESSES: &[Address] = &[
    Address { path: "/personal-demographics/FHIR/R4/Patient", methods: &[("GET", || get(people::search))] },
    Address {
        path: "/personal-demographics/FHIR/R4/Patient/{number}",
        methods: &[("GET", || get(people::retrieve))],
    },
    Address {
        path: "/personal-demographics/FHIR/R4/metadata",
        methods: &[("GET", || get(metadata::metadata))],
    },
    Address { path: "/cpis/FHIR/R4/CareTeam", methods: &[("GET", || get(plans::plans))] },
    Address {
        path: "/cpis/FHIR/R4/AuditEvent",
        methods: &[("GET", || get(plans::history)), ("POST", || post(own::report))],
    },
    Address { path: "/cpis/FHIR/R4/metadata", methods: &[("GET", || get(metadata::metadata))] },
    Address { path: "/patient-flags-api/FHIR/R4/Flag", methods: &[("GET", || get(plans::flags))] },
    Address { path: "/patient-flags-api/FHIR/R4/metadata", methods: &[("GET", || get(metadata::metadata))] },
    Address { path: "/metadata", methods: &[("GET", || get(metadata::metadata))] },
    Address { path: "/audit/entries", methods: &[("GET", || get(audit::entries))] },
    Address { path: CONCERNS, methods: &[("GET", || get(audit::concerns))] },
    Address { path: "/access/{reference}", methods: &[("GET", || get(own::status))] },
    Address {
        path: "/access/{reference}/opened-in-error",
        methods: &[("POST", || post(own::opened_in_error))],
    },
    Address { path: "/session/care-setting", methods: &[("PUT", || put(own::care_setting))] },
    Address { path: "/exchange/uploads", methods: &[("POST", || post(uploads::receive))] },
    Address { path: "/exchange/uploads/{sequence}", methods: &[("GET", || get(uploads::tell))] },
    Address { path: "/exchange/notifications", methods: &[("GET", || get(notices::give))] },
    Address { path: "/exchange/notifications/filed", methods: &[("POST", || post(notices::filed))] },
    Address { path: EVENTS, methods: &[("GET", || get(events::events))] },
    Address { path: "/token", methods: &[("POST", || post(sessions::token))] },
    Address { path: "/revoke", methods: &[("POST", || post(sessions::revoke))] },
    Address { path: "/authorize", methods: &[("GET", || get(signin::authorize))] },
    Address { path: "/sign-in/back", methods: &[("GET", || get(signin::back))] },
    Address {
        path: "/sign-in",
        methods: &[("GET", || get(signin::show)), ("POST", || post(signin::answer))],
    },
    Address { path: "/sign-out", methods: &[("GET", || get(signin::sign_out))] },
    Address { path: "/signed-out", methods: &[("GET", || get(signin::signed_out))] },
    Address { path: "/backchannel-logout", methods: &[("POST", || post(signin::backchannel))] },
    Address {
        path: "/.well-known/oauth-authorization-server",
        methods: &[("GET", || get(signin::metadata))],
    },
    Address { path: "/.well-known/smart-configuration", methods: &[("GET", || get(signin::smart))] },
    Address {
        path: "/personal-demographics/FHIR/R4/.well-known/smart-configuration",
        methods: &[("GET", || get(signin::smart))],
    },
    Address {
        path: "/cpis/FHIR/R4/.well-known/smart-configuration",
        methods: &[("GET", || get(signin::smart))],
    },
    Address {
        path: "/patient-flags-api/FHIR/R4/.well-known/smart-configuration",
        methods: &[("GET", || get(signin::smart))],
    },
    Address { path: "/openapi.json", methods: &[("GET", || get(metadata::openapi))] },
    Address { path: "/healthz", methods: &[("GET", || get(metadata::healthz))] },
];

/// Addresses that need no token.
pub(super) const OPEN: [&str; 13] = [
    "/healthz",
    "/openapi.json",
    "/authorize",
    "/sign-in/back",
    "/sign-in",
    "/sign-out",
    "/signed-out",
    "/backchannel-logout",
    "/.well-known/oauth-authorization-server",
    "/.well-known/smart-configuration",
    "/personal-demographics/FHIR/R4/.well-known/smart-configuration",
    "/cpis/FHIR/R4/.well-known/smart-configuration",
    "/patient-flags-api/FHIR/R4/.well-known/smart-configuration",
];

/// Addresses that are open to whoever shows no token; one that is shown has to be good.
pub(super) const OPEN_WITHOUT_TOKEN: [&str; 4] = [
    "/metadata",
    "/personal-demographics/FHIR/R4/metadata",
    "/cpis/FHIR/R4/metadata",
    "/patient-flags-api/FHIR/R4/metadata",
];

/// Addresses that need a proof, or a registered program's certificate, and no access token: there one is given, or ended.
pub(super) const GRANTING: [&str; 2] = ["/token", "/revoke"];

/// The addresses with their methods, as the document has to name them.
pub fn addresses() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    ADDRESSES
        .iter()
        .map(|address| (address.path, address.methods.iter().map(|(method, _)| *method).collect()))
}

/// The hub's addresses.
pub fn router(hub: Hub) -> Router {
    let mut router = Router::new();
    for address in ADDRESSES {
        for (_, answers) in address.methods {
            router = router.route(address.path, answers());
        }
    }
    router
        .fallback(async || ApiError::NO_SUCH_ENDPOINT)
        .method_not_allowed_fallback(async || ApiError::METHOD)
        .layer(middleware::from_fn(negotiation::name_the_answer))
        .layer(middleware::from_fn(in_time))
        .layer(CatchPanicLayer::custom(after_panic))
        .layer(middleware::from_fn_with_state(hub.clone(), finish))
        .layer(middleware::from_fn(correlate))
        .with_state(hub)
}

/// The whole request, its body included, within its time.
async fn in_time(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let time = match route {
        Some(UPLOADS) => limits::UPLOAD,
        // Waiting and reading have limits of their own, and what is said when they are over.
        Some(CONCERNS) => limits::CONCERNS_WAIT + limits::CONCERNS_READ + limits::REQUEST,
        // The provider is asked meanwhile.
        Some("/authorize" | "/sign-in/back") => limits::SIGN_IN_ANSWER,
        Some(_) | None => limits::REQUEST,
    };
    match tokio::time::timeout(time, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::TIMED_OUT.into_response(),
    }
}

/// What a panic says stays inside: it may hold a value. The panic hook has logged where it was.
fn after_panic(_said: Box<dyn Any + Send + 'static>) -> Response<Body> {
    ApiError::inside("handler", "a panic").into_response()
}

/// Headers of every answer, and one log line without anything of the request but its route.
async fn finish(State(hub): State<Hub>, request: Request, next: Next) -> Response {
    let started = std::time::Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    // axum would answer HEAD like GET: a disclosure that nobody reads.
    // Whatever comes of it: who has shown no token is nobody.
    let is_open_to_them = route.as_deref().is_some_and(|route| OPEN_WITHOUT_TOKEN.contains(&route))
        && !request.headers().contains_key(header::AUTHORIZATION);
    let mut response = match route {
        Some(_) if method == Method::HEAD => respond::empty(StatusCode::METHOD_NOT_ALLOWED),
        Some(_) | None => next.run(request).await,
    };
    let status = response.status();
    let headers = response.headers_mut();
    if !headers.contains_key(header::DATE) {
        respond::date(headers, hub.clock().now());
    }
    if let (StatusCode::METHOD_NOT_ALLOWED, Some(route)) = (status, route.as_deref())
        && let Ok(allowed) = HeaderValue::from_str(&allowed(route))
    {
        headers.insert(header::ALLOW, allowed);
    }
    if wants_proof(route.as_deref())
        && let Ok(nonce) = HeaderValue::from_str(&hub.proof_nonce())
    {
        headers.insert(NONCE, nonce);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if hub.is_synthetic() {
        headers.insert(SYNTHETIC, HeaderValue::from_static("true"));
    }
    let took = started.elapsed();
    hub.metrics().answered(route.as_deref(), method_word(&method), status.as_u16(), took);
    if status.is_success() && is_granting(route.as_deref()) {
        // Counted above, and in the audit log where a session begins or ends. Anybody can cause a 200 at `/revoke`:
        // lines of it would fill the disk, and nobody unproven keeps a place.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        return response;
    }
    if is_open_to_them || is_of_nobody(status, route.as_deref()) {
        // One answer for each connection: nobody unproven keeps a place with requests sent ahead.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        let now = hub.clock().now();
        if status.is_server_error() {
            if let Some(calls) = hub.unproven().failure_due(now) {
                let (route, status) = (route.as_deref().unwrap_or("none"), status.as_u16());
                tracing::warn!(calls, route, status, "calls that need no token failed here, the last one so");
            }
        } else if let Some(calls) = hub.unproven().due(now) {
            tracing::warn!(calls, "calls of nobody known since the last such line");
        }
        return response;
    }
    if status.is_success() && route.as_deref() == Some(NOTICES) {
        // Every authority asks every few seconds; what is handed over is in the audit log.
        return response;
    }
    tracing::info!(
        method = method_word(&method),
        route = route.as_deref().unwrap_or("none"),
        status = status.as_u16(),
        duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "answered"
    );
    response
}

fn is_granting(route: Option<&str>) -> bool {
    route.is_some_and(|route| GRANTING.contains(&route))
}

fn wants_proof(route: Option<&str>) -> bool {
    route.is_some_and(|route| !OPEN.contains(&route))
}

/// Whether anybody could have caused this answer, without a token: such lines come once a minute, so that an
/// outsider cannot fill the disk with them.
fn is_of_nobody(status: StatusCode, route: Option<&str>) -> bool {
    let is_open = !wants_proof(route);
    let is_before_the_token = [StatusCode::UNAUTHORIZED, StatusCode::METHOD_NOT_ALLOWED].contains(&status);
    is_before_the_token || is_open || (is_granting(route) && !status.is_success())
}

/// A made-up method is a caller's text too.
fn method_word(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "HEAD" => "HEAD",
        _ => "other",
    }
}

/// The methods of a route. axum would name HEAD too.
fn allowed(route: &str) -> String {
    let methods = addresses().find(|(path, _)| *path == route).map(|(_, methods)| methods);
    methods.unwrap_or_default().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tower::ServiceExt;

    #[test]
    fn whoever_needs_no_token_is_nobody_whatever_the_answer() {
        let all = [200, 303, 400, 405, 408, 500, 503].map(|status| StatusCode::from_u16(status).unwrap());
        for status in all {
            for route in OPEN {
                assert!(is_of_nobody(status, Some(route)), "{route} {status}");
            }
        }
        // Whoever causes a 503 there may have proved nothing.
        for route in GRANTING {
            assert!(is_of_nobody(StatusCode::SERVICE_UNAVAILABLE, Some(route)));
        }
        assert!(!is_of_nobody(StatusCode::SERVICE_UNAVAILABLE, Some("/metadata")));
    }

    #[tokio::test]
    async fn a_panic_becomes_an_answer_without_what_it_said() {
        let panicking = Router::new()
            .route("/", get(async || -> StatusCode { panic!("Ava Bennett") }))
            .layer(CatchPanicLayer::custom(after_panic));
        let request = Request::builder().uri("/").body(Body::empty()).unwrap();
        let response = panicking.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::body::to_bytes(response.into_body(), limits::BODY_BYTES).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains("UNABLE_TO_CALL_SERVICE") && !body.contains("Bennett"), "{body}");
    }
}
