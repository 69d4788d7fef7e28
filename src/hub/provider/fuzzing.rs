//! What must hold of what the provider says, whatever arrives (see [`crate::fuzzing`]).

use std::path::PathBuf;
use std::sync::OnceLock;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use openidconnect::core::{CoreIdToken, CoreJsonWebKeySet};
use serde_json::Value;
use zeroize::Zeroizing;

use super::http::{Http, says_twice};
use super::logout::{LogoutTokens, verified};
use super::person::{self, Claims, Person};
use super::proof::Proof;
use super::verify::payload;
use super::{Known, Metadata, Provider};
use crate::config::hub::{ClientProof, Level, ProviderSettings};
use crate::domain::text;
use crate::hub::limits;

const ISSUER: &str = "https://provider.example";
const CLIENT: &str = "hub";
const SECRET: &[u8] = b"a secret that is no key of the provider's";

fn now() -> Timestamp {
    Timestamp::constant(1_795_356_000, 0)
}

fn provider() -> Option<&'static Provider> {
    static PROVIDER: OnceLock<Option<Provider>> = OnceLock::new();
    let made = || {
        let settings = ProviderSettings {
            issuer: ISSUER.to_owned(),
            client_id: CLIENT.to_owned(),
            proof: ClientProof::Secret(PathBuf::new()),
            scopes: Vec::new(),
            levels: vec![Level {
                acr: String::new(),
                idle: SignedDuration::from_mins(15),
                whole: SignedDuration::from_hours(12),
            }],
            demands: Vec::new(),
            max_age: None,
            may_lack_auth_time: true,
            acr_values: Vec::new(),
            ca: None,
        };
        let http = Http::new(ISSUER, None).ok()?;
        Some(Provider {
            http_known: http.besides(),
            http,
            proof: Proof::Secret(Zeroizing::new("secret".to_owned())),
            settings,
            learnt: tokio::sync::Mutex::default(),
            unanswered: crate::hub::seldom::Seldom::default(),
        })
    };
    PROVIDER.get_or_init(made).as_ref()
}

/// What the provider offers, with a key that nobody here has.
fn offered() -> Option<Metadata> {
    serde_json::from_value(serde_json::json!({
        "issuer": ISSUER,
        "authorization_endpoint": format!("{ISSUER}/authorize"),
        "jwks_uri": format!("{ISSUER}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }))
    .ok()
}

fn known(keys: CoreJsonWebKeySet) -> Option<Known> {
    Some(Known::new(offered()?, keys))
}

/// As claims of whoever has signed in: a person whose every text can be shown, in a role that is theirs, or nobody.
pub(crate) fn claims(data: &[u8]) {
    let twice = says_twice(data);
    let Ok(claims) = serde_json::from_slice::<Claims>(data) else { return };
    let written = serde_json::to_vec(&claims).unwrap_or_default();
    assert!(!says_twice(&written), "what stood twice is known before one of the two is taken");
    assert!(twice || serde_json::from_slice::<Claims>(&written).is_ok_and(|again| again == claims));
    assert!(person::joined(claims.clone(), claims.clone()).is_ok_and(|joined| joined == claims));
    let Ok(person) = Person::of(&claims) else { return };
    assert!(!person.roles.is_empty() && person.roles.len() <= limits::ROLES);
    for role in &person.roles {
        let caller = person.caller(role);
        for said in [&caller.user, &caller.name, &caller.role_profile, &caller.organisation_code] {
            assert!(!said.trim().is_empty() && said.chars().count() <= 200);
            assert!(!said.chars().any(text::is_unprintable));
        }
        assert!(!caller.role.chars().chain(caller.organisation.chars()).any(text::is_unprintable));
        assert!(caller.activities.is_sorted() && caller.activities.len() <= limits::ROLE_ACTIVITIES);
        let alike = person.roles.iter().filter(|other| other.id == role.id).count();
        let is_clear = alike == 1 && !person.unusable.contains(&role.id);
        assert_eq!(person.role(&role.id).is_ok(), is_clear, "a role joins to one, or to none");
    }
    assert_eq!(format!("{person:?}"), "Person(hidden)");
}

/// As what the provider offers, and as its keys: whatever they are, nothing that another signed is genuine.
pub(crate) fn offers(data: &[u8]) {
    let _ = serde_json::from_slice::<Metadata>(data);
    let Ok(keys) = serde_json::from_slice::<CoreJsonWebKeySet>(data) else { return };
    let (Some(known), Some(provider)) = (known(keys), provider()) else { return };
    let claims = serde_json::json!({
        "iss": ISSUER, "aud": CLIENT, "sub": "1", "iat": now().as_second(), "exp": now().as_second() + 60, "nonce": "n"
    });
    let ids: Vec<Option<String>> =
        known.logout_keys.keys.iter().map(|key| key.common.key_id.clone()).chain([None]).take(8).collect();
    for kid in ids {
        let header = Header { kid, ..Header::new(Algorithm::HS256) };
        let Ok(token) = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(SECRET)) else {
            continue;
        };
        assert!(id_token(provider, &known, &token).is_none(), "a secret taken for a key");
        // The same signature under the name of another kind.
        let rest = token.split_once('.').map_or("", |(_, rest)| rest);
        for algorithm in [Algorithm::ES256, Algorithm::RS256, Algorithm::PS256] {
            let header = Header { alg: algorithm, ..header.clone() };
            let head = serde_json::to_vec(&header).unwrap_or_default();
            let token = format!("{}.{rest}", base64_of(&head));
            assert!(id_token(provider, &known, &token).is_none(), "a signature of another kind");
            assert!(verified(&known, &token, &header).is_err());
        }
    }
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

fn id_token(provider: &Provider, known: &Known, token: &str) -> Option<()> {
    let token: CoreIdToken = token.parse().ok()?;
    provider.verify(known, &token, "n", now()).ok().map(|_| ())
}

/// As a token: nobody signed it. As the claims of a logout token: of this provider, for this hub, of now, once.
pub(crate) fn logout(data: &[u8]) {
    let Some(provider) = provider() else { return };
    let Ok(shown) = std::str::from_utf8(data) else { return };
    if let Some(known) = known(CoreJsonWebKeySet::new(Vec::new())) {
        assert!(id_token(provider, &known, shown).is_none(), "a token that nobody signed");
        if let Ok(header) = jsonwebtoken::decode_header(shown) {
            assert!(verified(&known, shown, &header).is_err(), "a token that nobody signed");
        }
    }
    let token = format!("e30.{}.", base64_of(data));
    let Some(claims) = payload(&token) else { return };
    assert!(!says_twice(data), "one name has two values");
    let (seen, second) = (LogoutTokens::default(), now().as_second());
    let Ok(logout) = provider.judge_logout(&claims, &seen, second) else { return };
    let claim = |name: &str| claims.get(name).cloned().unwrap_or_default();
    assert!(claim("iss") == ISSUER && !claims.contains_key("nonce") && claim("events").is_object());
    assert!(
        claim("aud") == CLIENT
            || claim("aud").as_array().is_some_and(|all| all.contains(&Value::from(CLIENT)))
    );
    assert!(logout.subject.is_some() || logout.session.is_some());
    let age = limits::LOGOUT_AGE.as_secs().cast_signed();
    let late = limits::PROVIDER_LEEWAY.as_secs().cast_signed();
    assert!((second - age - 1..=second + late).contains(&logout.made));
    assert_eq!(format!("{logout:?}"), "Logout(hidden)");
    seen.remember(&logout, now());
    assert!(provider.judge_logout(&claims, &seen, second).is_err(), "a logout token taken twice");
}
