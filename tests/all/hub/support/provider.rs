//! A provider whose every word a test can change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cpis::config::hub::{ClientProof, Demand, Level, ProviderSettings};
use cpis::hub::clock::Clock;
use jiff::SignedDuration;
use jsonwebtoken::jwk::{CommonParameters, Jwk};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::signing_in::challenge;

pub(crate) const CLIENT: &str = "cpis-hub";
pub(crate) const SECRET: &str = "a secret that only hub and provider know";

/// How an id token or a logout token is signed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signed {
    Rightly,
    WithOtherKey,
    WithUnknownKey,
    NotAtAll,
    WithPublicKey,
    WithSecret,
}

/// Which keys it says that it has: each by its name, and by whose it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Published {
    /// "one", with which it signs rightly.
    One,
    /// "two" alone, with which [`Signed::WithUnknownKey`] signs.
    Two,
    /// "one", which is another than before: [`Signed::WithOtherKey`].
    AnotherOne,
}

type Change = Box<dyn Fn(&mut Value) + Send + Sync>;

/// What it says otherwise than it should.
pub(crate) struct Script {
    pub(crate) token: Change,
    pub(crate) info: Change,
    /// Of the answer to a code.
    pub(crate) answer: Change,
    /// Of the JSON texts of id token and person.
    pub(crate) token_text: fn(String) -> String,
    pub(crate) info_text: fn(String) -> String,
    pub(crate) signed: Signed,
    pub(crate) published: Published,
    /// Of the query with which the browser comes back.
    pub(crate) back: Box<dyn Fn(String) -> String + Send + Sync>,
    pub(crate) is_down: bool,
    /// Whether it offers PKCE with S256, says in each answer who it is, and describes people at an address of their own.
    pub(crate) has_challenges: bool,
    pub(crate) names_itself: bool,
    pub(crate) describes: bool,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            token: Box::new(|_| ()),
            info: Box::new(|_| ()),
            answer: Box::new(|_| ()),
            token_text: |text| text,
            info_text: |text| text,
            signed: Signed::Rightly,
            published: Published::One,
            back: Box::new(|query| query),
            is_down: false,
            has_challenges: true,
            names_itself: true,
            describes: true,
        }
    }
}

struct Inner {
    issuer: String,
    key: EncodingKey,
    other: EncodingKey,
    public: Jwk,
    clock: Clock,
    script: Mutex<Script>,
    /// Questions by path.
    asked: Mutex<HashMap<String, usize>>,
    given: Mutex<HashMap<String, HashMap<String, String>>>,
}

/// The provider, on a loopback port.
#[derive(Clone)]
pub(crate) struct Provider(Arc<Inner>);

fn level(acr: &str, idle_minutes: i64, whole_hours: i64) -> Level {
    Level {
        acr: acr.to_owned(),
        idle: SignedDuration::from_mins(idle_minutes),
        whole: SignedDuration::from_hours(whole_hours),
    }
}

fn key() -> EncodingKey {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
    let random = aws_lc_rs::rand::SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    EncodingKey::from_ec_der(document.as_ref())
}

fn published(key: &EncodingKey, name: &str) -> Jwk {
    let common = CommonParameters { key_id: Some(name.to_owned()), ..CommonParameters::default() };
    Jwk { common, ..Jwk::from_encoding_key(key, Algorithm::ES256).unwrap() }
}

impl Provider {
    pub(crate) async fn start(clock: Clock) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let key_of_it = key();
        let provider = Self(Arc::new(Inner {
            issuer,
            public: published(&key_of_it, "one"),
            key: key_of_it,
            other: key(),
            clock,
            script: Mutex::default(),
            asked: Mutex::default(),
            given: Mutex::default(),
        }));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(offered))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/person", get(person))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        provider
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// What it says from now on.
    pub(crate) fn says(&self, script: Script) {
        *self.0.script.lock().unwrap() = script;
    }

    pub(crate) fn asked(&self, path: &str) -> usize {
        self.0.asked.lock().unwrap().get(path).copied().unwrap_or(0)
    }

    fn count(&self, path: &str) -> bool {
        *self.0.asked.lock().unwrap().entry(path.to_owned()).or_default() += 1;
        self.0.script.lock().unwrap().is_down
    }

    /// How a hub asks it, with the file of its secret in this directory.
    pub(crate) fn settings(&self, directory: &TempDir) -> ProviderSettings {
        let file = directory.path().join("secret");
        std::fs::write(&file, SECRET).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        ProviderSettings {
            issuer: self.0.issuer.clone(),
            client_id: CLIENT.to_owned(),
            proof: ClientProof::Secret(file),
            scopes: ["openid", "nationalrbacaccess"].map(str::to_owned).to_vec(),
            levels: vec![level("AAL3_ANY", 15, 12), level("AAL2_ANY", 30, 10)],
            demands: vec![Demand { claim: "id_assurance_level".to_owned(), values: vec!["3".to_owned()] }],
            max_age: Some(SignedDuration::from_mins(60)),
            may_lack_auth_time: false,
            acr_values: vec!["AAL3_ANY".to_owned()],
            ca: None,
        }
    }

    pub(crate) fn sign(&self, claims: &str, kind: &str) -> String {
        let signed = self.0.script.lock().unwrap().signed;
        let (algorithm, key, id) = match signed {
            Signed::Rightly => (Algorithm::ES256, self.0.key.clone(), "one"),
            Signed::WithOtherKey => (Algorithm::ES256, self.0.other.clone(), "one"),
            Signed::WithUnknownKey => (Algorithm::ES256, self.0.other.clone(), "two"),
            Signed::NotAtAll => {
                let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
                return format!("{}.{}.", part(r#"{"alg":"none","kid":"one"}"#), part(claims));
            }
            Signed::WithPublicKey => {
                let public = serde_json::to_string(&self.0.public).unwrap();
                (Algorithm::HS256, EncodingKey::from_secret(public.as_bytes()), "one")
            }
            Signed::WithSecret => (Algorithm::HS256, EncodingKey::from_secret(SECRET.as_bytes()), "one"),
        };
        let header =
            Header { kid: Some(id.to_owned()), typ: Some(kind.to_owned()), ..Header::new(algorithm) };
        let part = |text: String| URL_SAFE_NO_PAD.encode(text);
        let message =
            format!("{}.{}", part(serde_json::to_string(&header).unwrap()), part(claims.to_owned()));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm).unwrap();
        format!("{message}.{signature}")
    }

    /// What it says of the session that it began last.
    pub(crate) fn logout(&self, change: impl Fn(&mut Value)) -> String {
        let now = self.0.clock.now().as_second();
        let mut claims = json!({
            "iss": self.0.issuer, "aud": CLIENT, "iat": now, "exp": now + 120, "jti": uuid::Uuid::new_v4(),
            "sub": "subject-1", "sid": "provider-session-1",
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        });
        change(&mut claims);
        self.sign(&claims.to_string(), "logout+jwt")
    }
}

fn said(value: &Value) -> Response {
    ([("content-type", "application/json")], value.to_string()).into_response()
}

const DOWN: axum::http::StatusCode = axum::http::StatusCode::SERVICE_UNAVAILABLE;

async fn offered(State(it): State<Provider>) -> Response {
    if it.count("/offered") {
        return DOWN.into_response();
    }
    let at = |path: &str| format!("{}{path}", it.0.issuer);
    let mut offers = json!({
        "issuer": it.0.issuer,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/person"),
        "jwks_uri": at("/keys"),
        "end_session_endpoint": at("/end"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    });
    let script = it.0.script.lock().unwrap();
    for (is_so, name) in [
        (script.has_challenges, "code_challenge_methods_supported"),
        (script.names_itself, "authorization_response_iss_parameter_supported"),
        (script.describes, "userinfo_endpoint"),
    ] {
        if !is_so {
            offers.as_object_mut().unwrap().remove(name);
        }
    }
    said(&offers)
}

async fn keys(State(it): State<Provider>) -> Response {
    it.count("/keys");
    let key = match it.0.script.lock().unwrap().published {
        Published::One => it.0.public.clone(),
        Published::Two => published(&it.0.other, "two"),
        Published::AnotherOne => published(&it.0.other, "one"),
    };
    said(&json!({ "keys": [key] }))
}

fn pairs(text: &str) -> HashMap<String, String> {
    openidconnect::url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

async fn authorize(State(it): State<Provider>, request: Request) -> Response {
    it.count("/authorize");
    let asked = pairs(request.uri().query().unwrap());
    assert_eq!(asked["client_id"], CLIENT);
    let (has_challenges, names_itself) = {
        let script = it.0.script.lock().unwrap();
        (script.has_challenges, script.names_itself)
    };
    let method = asked.get("code_challenge_method").map(String::as_str);
    assert_eq!(method, has_challenges.then_some("S256"));
    assert_eq!(asked["acr_values"], "AAL3_ANY");
    let code = uuid::Uuid::new_v4().to_string();
    let (redirect, state) = (asked["redirect_uri"].clone(), asked["state"].clone());
    it.0.given.lock().unwrap().insert(code.clone(), asked);
    let issuer = super::signing_in::encoded(&it.0.issuer);
    let named = if names_itself { format!("&iss={issuer}") } else { String::new() };
    let query = format!("code={code}&state={state}{named}");
    let query = (it.0.script.lock().unwrap().back)(query);
    (axum::http::StatusCode::SEE_OTHER, [("location", format!("{redirect}?{query}"))]).into_response()
}

async fn token(State(it): State<Provider>, request: Request) -> Response {
    if it.count("/token") {
        return DOWN.into_response();
    }
    let shown = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
    assert!(shown.is_some_and(|shown| shown.starts_with("Basic ")), "the secret, in the header");
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let sent = pairs(std::str::from_utf8(&body).unwrap());
    let asked = it.0.given.lock().unwrap().remove(&sent["code"]);
    let Some(asked) = asked.filter(|asked| {
        // Both, or neither.
        asked.get("code_challenge").cloned() == sent.get("code_verifier").map(|verifier| challenge(verifier))
            && asked["redirect_uri"] == sent["redirect_uri"]
    }) else {
        let refused = said(&json!({ "error": "invalid_grant" }));
        return (axum::http::StatusCode::BAD_REQUEST, refused).into_response();
    };
    let now = it.0.clock.now().as_second();
    let mut claims = json!({
        "iss": it.0.issuer, "aud": CLIENT, "sub": "subject-1", "sid": "provider-session-1", "iat": now,
        "exp": now + 300, "auth_time": now - 60, "acr": "AAL3_ANY", "id_assurance_level": "3",
        "nonce": asked["nonce"],
    });
    let claims = {
        let script = it.0.script.lock().unwrap();
        if !script.describes {
            let mut nurse = nurse();
            (script.info)(&mut nurse);
            let Value::Object(nurse) = nurse else { unreachable!() };
            claims.as_object_mut().unwrap().extend(nurse);
        }
        (script.token)(&mut claims);
        (script.token_text)(claims.to_string())
    };
    let id_token = it.sign(&claims, "JWT");
    let mut answer =
        json!({ "access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": id_token });
    (it.0.script.lock().unwrap().answer)(&mut answer);
    said(&answer)
}

/// A person with two roles, as CIS2 says it.
pub(crate) fn nurse() -> Value {
    json!({
        "sub": "subject-1", "nhsid_useruid": "910000000001", "name": "Sam Okafor",
        "selected_roleid": "555021935107",
        "nhsid_nrbac_roles": [
            { "person_orgid": "1", "person_roleid": "555021935107", "org_code": "RN3",
              "role_name": "\"Clinical\":\"Clinical Provision\":\"Nurse Access Role\"",
              "role_code": "S8000:G8000:R8001", "activity_codes": ["B0107", "B0264", "B9999"] },
            { "person_orgid": "2", "person_roleid": "555021935108", "org_code": "RA9",
              "role_name": "\"Clinical\":\"Clinical Provision\":\"Midwife Access Role\"",
              "role_code": "S8000:G8000:R8002", "activity_codes": ["B0170", "B0264"] },
        ],
        "nhsid_user_orgs": [{ "org_code": "RN3", "org_name": "Great Western Hospital" }],
    })
}

async fn person(State(it): State<Provider>) -> Response {
    if it.count("/person") {
        return DOWN.into_response();
    }
    let script = it.0.script.lock().unwrap();
    let mut nurse = nurse();
    (script.info)(&mut nurse);
    let text = (script.info_text)(nurse.to_string());
    ([("content-type", "application/json")], text).into_response()
}
