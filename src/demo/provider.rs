//! The demonstration's provider: a small OpenID Connect provider on a loopback port, honest in its protocol and with people
//! who are made up. Instead of a password it takes the number of a persona, and asks nothing. Its key is made at the start.
//! Whoever signs out there, or takes out the smartcard that nobody has, is signed out at the hub, too.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{CommonParameters, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::DemoError;
use super::personas;
use crate::hub::clock::Clock;

/// The hub's name here.
pub(super) const CLIENT: &str = "demonstration-hub";

/// How all of them have signed in.
pub(super) const LEVEL: &str = "demonstration";

/// Codes that wait at once; with more, none is given.
const CODES: usize = 1_000;

/// Seconds for which a code, and an id token, is good.
const CODE_SECONDS: i64 = 60;

/// Sessions that are known at once; of more the oldest are forgotten.
const SESSIONS: usize = 1_000;

/// What a logout token says has happened (OpenID Connect Back-Channel Logout, 2.4).
const LOGGED_OUT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The provider, as its handlers share it.
#[derive(Clone)]
pub(super) struct Provider(Arc<Inner>);

struct Inner {
    issuer: String,
    /// Where it sends people back to, and nowhere else.
    hub: String,
    secret: String,
    key: EncodingKey,
    public: Jwk,
    clock: Clock,
    /// By code, and by the access token that follows it.
    given: Mutex<HashMap<String, Given>>,
    /// Who is signed in here: their sessions, in order.
    sessions: Mutex<VecDeque<(String, usize)>>,
    /// Tells the hub.
    http: reqwest::Client,
}

/// Somebody whom the hub asks about.
#[derive(Clone)]
struct Given {
    persona: usize,
    nonce: String,
    challenge: String,
    redirect: String,
    session: String,
    until: i64,
}

/// A provider for the hub at `hub`, on `listener`; served on this runtime for as long as it runs.
///
/// # Errors
/// No key, or no means to speak to the hub.
pub(super) fn start(
    listener: TcpListener,
    issuer: &str,
    hub: &str,
    secret: &str,
    clock: Clock,
) -> Result<Provider, DemoError> {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
    let document =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &aws_lc_rs::rand::SystemRandom::new())
            .map_err(|_| DemoError::Key)?;
    let key = EncodingKey::from_ec_der(document.as_ref());
    let jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).map_err(|_| DemoError::Key)?;
    let common = CommonParameters {
        key_id: Some("demonstration".to_owned()),
        public_key_use: Some(PublicKeyUse::Signature),
        ..CommonParameters::default()
    };
    let provider = Provider(Arc::new(Inner {
        issuer: issuer.to_owned(),
        hub: hub.to_owned(),
        secret: secret.to_owned(),
        key,
        public: Jwk { common, ..jwk },
        clock,
        given: Mutex::default(),
        sessions: Mutex::default(),
        http: super::follower::http()?,
    }));
    let router = Router::new()
        .route("/.well-known/openid-configuration", get(offered))
        .route("/keys", get(keys))
        .route("/authorize", get(authorize))
        .route("/token", post(token))
        .route("/person", get(person))
        .route("/sign-out", get(sign_out))
        .with_state(provider.clone());
    tokio::spawn(async move {
        // It ends with the demonstration.
        let _ = axum::serve(listener, router).await;
    });
    Ok(provider)
}

impl Provider {
    /// The persona's smartcard is taken out: all their sessions end here, and the hub is told of each.
    pub(super) async fn card_taken_out(&self, persona: usize) {
        let of = &self.0;
        let theirs = of.end(|(_, whose)| *whose == persona);
        for (session, whose) in theirs {
            of.tell_hub(&session, whose).await;
        }
    }
}

async fn offered(State(Provider(of)): State<Provider>) -> Response {
    let at = |path: &str| format!("{}{path}", of.issuer);
    said(&json!({
        "issuer": of.issuer,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/person"),
        "end_session_endpoint": at("/sign-out"),
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "jwks_uri": at("/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn keys(State(Provider(of)): State<Provider>) -> Response {
    said(&json!({ "keys": [of.public] }))
}

/// Signs in the persona of `login_hint`, at once.
async fn authorize(State(Provider(of)): State<Provider>, request: Request) -> Response {
    let asked = pairs(request.uri().query().unwrap_or_default());
    let of_asked = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let redirect = of_asked("redirect_uri");
    if of_asked("client_id") != CLIENT || redirect != format!("{}/sign-in/back", of.hub) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let persona = of_asked("login_hint").parse().ok().filter(|persona| *persona < personas::ALL.len());
    let code = uuid::Uuid::new_v4().simple().to_string();
    let answer = match persona {
        Some(persona) if of_asked("code_challenge_method") == "S256" => {
            let given = Given {
                persona,
                nonce: of_asked("nonce"),
                challenge: of_asked("code_challenge"),
                redirect: redirect.clone(),
                session: uuid::Uuid::new_v4().to_string(),
                until: of.now().saturating_add(CODE_SECONDS),
            };
            if of.keep(code.clone(), given) {
                format!("code={code}")
            } else {
                "error=server_error".to_owned()
            }
        }
        Some(_) | None => "error=access_denied".to_owned(),
    };
    let (state, issuer) = (encoded(&of_asked("state")), encoded(&of.issuer));
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(address) = HeaderValue::from_str(&format!("{redirect}?{answer}&state={state}&iss={issuer}")) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    response
}

async fn token(State(Provider(of)): State<Provider>, body: String) -> Response {
    let asked = pairs(&body);
    let of_asked = |name: &str| asked.get(name).map(String::as_str).unwrap_or_default();
    let refused = |error: &str| {
        let mut response = said(&json!({ "error": error }));
        *response.status_mut() = StatusCode::BAD_REQUEST;
        response
    };
    if of_asked("client_id") != CLIENT || of_asked("client_secret") != of.secret {
        return refused("invalid_client");
    }
    let challenge =
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, of_asked("code_verifier").as_bytes()));
    let given = of.take(of_asked("code")).filter(|given| {
        given.challenge == challenge && given.redirect == of_asked("redirect_uri") && of.now() <= given.until
    });
    let Some(given) = given else { return refused("invalid_grant") };
    let now = of.now();
    let claims = json!({
        "iss": of.issuer, "aud": CLIENT, "sub": subject(given.persona), "sid": given.session,
        "iat": now, "exp": now.saturating_add(CODE_SECONDS), "auth_time": now, "nonce": given.nonce, "acr": LEVEL,
    });
    let Some(id_token) = of.signed("JWT", &claims) else { return refused("server_error") };
    of.begin(given.session.clone(), given.persona);
    let access = uuid::Uuid::new_v4().simple().to_string();
    of.keep(access.clone(), given);
    said(&json!({
        "access_token": access, "token_type": "Bearer", "expires_in": CODE_SECONDS, "id_token": id_token,
    }))
}

/// What CIS2 says of a person, of a persona.
async fn person(State(Provider(of)): State<Provider>, headers: HeaderMap) -> Response {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = token.and_then(|token| token.strip_prefix("Bearer ")).and_then(|token| of.take(token));
    match given.and_then(|given| Some((given.persona, personas::ALL.get(given.persona)?))) {
        Some((index, persona)) => said(&persona.claims(index, &subject(index))),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

/// Ends the session of the id token that the hub gave, tells the hub, and sends the browser back there.
async fn sign_out(State(Provider(of)): State<Provider>, request: Request) -> Response {
    let asked = pairs(request.uri().query().unwrap_or_default());
    let of_asked = |name: &str| asked.get(name).map(String::as_str).unwrap_or_default();
    let back = format!("{}/signed-out", of.hub);
    let session = of.session_of(of_asked("id_token_hint"));
    let (Some(session), true) = (session, of_asked("post_logout_redirect_uri") == back) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    for (session, whose) in of.end(|(one, _)| *one == session) {
        of.tell_hub(&session, whose).await;
    }
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(address) = HeaderValue::from_str(&back) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    response
}

impl Inner {
    /// The session of an id token of this provider's own, however old.
    fn session_of(&self, id_token: &str) -> Option<String> {
        let mut wanted = Validation::new(Algorithm::ES256);
        wanted.set_issuer(&[&self.issuer]);
        wanted.set_audience(&[CLIENT]);
        wanted.validate_exp = false;
        let key = DecodingKey::from_jwk(&self.public).ok()?;
        let read = jsonwebtoken::decode::<Value>(id_token, &key, &wanted).ok()?;
        read.claims.get("sid").and_then(Value::as_str).map(str::to_owned)
    }

    fn signed(&self, kind: &str, claims: &Value) -> Option<String> {
        let header = Header {
            typ: Some(kind.to_owned()),
            kid: self.public.common.key_id.clone(),
            ..Header::new(Algorithm::ES256)
        };
        jsonwebtoken::encode(&header, claims, &self.key).ok()
    }

    fn begin(&self, session: String, persona: usize) {
        let mut all = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= SESSIONS {
            all.pop_front();
        }
        all.push_back((session, persona));
    }

    fn end(&self, is_meant: impl Fn(&(String, usize)) -> bool) -> Vec<(String, usize)> {
        let mut all = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let (ended, go_on): (Vec<_>, Vec<_>) = all.drain(..).partition(is_meant);
        all.extend(go_on);
        ended
    }

    /// Back-channel logout: the hub ends what began in this session. What it does not take, it ends in time.
    async fn tell_hub(&self, session: &str, persona: usize) {
        let now = self.now();
        let claims = json!({
            "iss": self.issuer, "aud": CLIENT, "sub": subject(persona), "sid": session,
            "iat": now, "exp": now.saturating_add(CODE_SECONDS), "jti": uuid::Uuid::new_v4().to_string(),
            "events": { LOGGED_OUT: {} },
        });
        let Some(token) = self.signed("logout+jwt", &claims) else { return };
        let told = self.http.post(format!("{}/backchannel-logout", self.hub));
        let told = told.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        // Whether it has heard is in its own log.
        let _ = told.body(format!("logout_token={token}")).send().await;
    }

    fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    fn keep(&self, under: String, given: Given) -> bool {
        let now = self.now();
        let mut all = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, given| given.until >= now);
        let has_room = all.len() < CODES;
        if has_room {
            all.insert(under, given);
        }
        has_room
    }

    fn take(&self, under: &str) -> Option<Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).remove(under)
    }
}

fn said(value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn subject(persona: usize) -> String {
    format!("demo-user-{persona}")
}

fn pairs(text: &str) -> HashMap<String, String> {
    openidconnect::url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

fn encoded(text: &str) -> String {
    openidconnect::url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
