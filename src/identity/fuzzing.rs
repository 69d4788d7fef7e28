//! What must hold of tokens and of proofs of their keys, whatever is shown (see [`crate::fuzzing`]).

use std::sync::OnceLock;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::binding::Binding;
use super::dpop::{ProofError, ProofKey, ProofLimits, Proofs, Wanted};
use super::refresh::RefreshToken;
use super::token::{Minter, Shown, SigningKey, Verifier, signed};
use crate::domain::Caller;

const HUB: &str = "http://127.0.0.1:8470";

/// As a token: nobody. As the claims of a genuine one: a whole and plain caller, or nobody.
pub(crate) fn token(data: &[u8]) {
    static KEY: OnceLock<Option<SigningKey>> = OnceLock::new();
    let Some(key) = KEY.get_or_init(|| SigningKey::generate().ok()) else { return };
    let Ok(text) = std::str::from_utf8(data) else { return };
    let now = Timestamp::constant(1_795_356_000, 0);
    let verifier = Verifier::new(key.clone(), HUB);
    assert!(verifier.verify(text, now).is_err(), "a token that nobody signed");
    let Ok(claims) = serde_json::from_str::<Value>(text) else { return };
    let Some(token) = signed(key, &claims) else { return };
    let Ok(shown) = verifier.verify(&token, now) else { return };
    let caller = &shown.caller;
    let claim = |name: &str| claims.get(name).cloned().unwrap_or_default();
    assert!(claim("iss") == HUB && claim("aud") == HUB);
    let bound = claim("cnf");
    match &shown.binding {
        Binding::Key(key) => {
            assert!(bound.get("jkt").is_some_and(|said| said == key.as_str()) && caller.client.is_none());
        }
        Binding::Certificate(certificate) => {
            assert!(bound.get("x5t#S256").is_some_and(|said| said == certificate.as_str()));
            assert!(caller.client.as_ref().is_some_and(|client| claim("client_id") == client.as_str()));
        }
    }
    assert!(claim("exp").as_i64().is_some_and(|end| end > now.as_second() - 60));
    let said = [
        (&caller.user, "sub"),
        (&caller.name, "name"),
        (&caller.role, "role"),
        (&caller.organisation_code, "org_code"),
        (&caller.organisation, "org"),
        (&caller.session, "sid"),
    ];
    for (text, name) in said {
        assert!(!text.trim().is_empty() && text.chars().count() <= 200 && claim(name) == text.as_str());
        assert!(!text.chars().any(char::is_control));
    }
    // One character changed proves nobody.
    for at in [0, token.len() / 2, token.len() - 2] {
        let mut other = token.clone().into_bytes();
        if let Some(byte) = other.get_mut(at) {
            *byte = if *byte == b'A' { b'B' } else { b'A' };
        }
        let other = String::from_utf8(other).unwrap_or_default();
        assert!(other == token || verifier.verify(&other, now).is_err(), "a token that was changed");
    }
}

const LIMITS: ProofLimits = ProofLimits {
    age: Duration::from_secs(60),
    ahead: Duration::from_secs(10),
    nonce: Duration::from_secs(300),
    remembered: 10,
    of_one_key: 10,
};

/// As a proof: none. As header and claims of a signed one (`"K"` for the key, `"N"` for the nonce, `"A"` for the
/// token's hash): for this request and no other, once, or none.
pub(crate) fn proof(data: &[u8]) {
    static SHOWN: OnceLock<Option<(ProofKey, Shown)>> = OnceLock::new();
    let now = Timestamp::constant(1_795_356_000, 0);
    let Some((key, shown)) = SHOWN.get_or_init(|| shown(now)) else { return };
    let Ok(text) = std::str::from_utf8(data) else { return };
    let proofs = Proofs::new(HUB, LIMITS);
    let wanted = Wanted { method: "GET", path: "/metadata", token: Some(shown), remembered: None };
    assert!(proofs.check(text, &wanted, now).is_err(), "a proof that nobody signed");
    let text = text.replace("\"N\"", &Value::from(proofs.nonce(now)).to_string());
    let text = text.replace("\"K\"", &key.public().to_string());
    let text = text.replace("\"A\"", &Value::from(super::dpop::ath(&shown.hash)).to_string());
    let Ok(parts) = serde_json::from_str::<Vec<Value>>(&text) else { return };
    let [header, claims] = parts.as_slice() else { return };
    let Some(proof) = key.signed(header, claims) else { return };
    if proofs.check(&proof, &wanted, now).is_err() {
        return;
    }
    let claim = |name: &str| claims.get(name).cloned().unwrap_or_default();
    assert!(
        header.get("alg").is_some_and(|alg| alg == "ES256") && header.get("crit").is_none_or(Value::is_null)
    );
    assert!(claim("htm") == "GET" && claim("nonce") == proofs.nonce(now).as_str());
    assert!(claim("ath") == super::dpop::ath(&shown.hash).as_str());
    let made = claim("iat").as_f64().unwrap_or_default();
    assert!((1_795_355_940.0..1_795_356_011.0).contains(&made));
    let said = claim("htu").as_str().unwrap_or_default().to_ascii_lowercase();
    assert!(said.starts_with("http://127.0.0.1:8470/"), "the proof is for this hub");
    let other = |wanted: Wanted<'_>| proofs.check(&proof, &wanted, now).map(|_| ());
    assert_eq!(other(wanted), Err(ProofError::Replayed));
    assert_eq!(other(Wanted { method: "POST", ..wanted }), Err(ProofError::OtherRequest));
    assert_eq!(other(Wanted { path: "/healthz", ..wanted }), Err(ProofError::OtherRequest));
}

/// As a refresh token: what is written again alike, and has a successor that is another; or none.
pub(crate) fn refresh(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some(token) = RefreshToken::parse(text) else { return };
    assert!(token.secret().as_str() == text && text.starts_with(token.session()) && text.len() == 76);
    assert!(!format!("{token:?}").contains(text));
    let next = token.successor(b"a session's key");
    assert!(next.hash() != token.hash() && next.session() == token.session());
    assert!(RefreshToken::parse(&next.secret()).is_some_and(|read| read.hash() == next.hash()));
}

fn shown(now: Timestamp) -> Option<(ProofKey, Shown)> {
    let (signing, key) = (SigningKey::generate().ok()?, ProofKey::generate().ok()?);
    let text = || "x".to_owned();
    let caller = Caller {
        user: text(),
        name: text(),
        role: text(),
        role_profile: text(),
        organisation_code: text(),
        organisation: text(),
        activities: Vec::new(),
        session: text(),
        client: None,
    };
    let minter = Minter::new(signing.clone(), HUB);
    let token = minter.mint(&caller, key.thumbprint(), now, jiff::SignedDuration::from_mins(5)).ok()?;
    let shown = Verifier::new(signing, HUB).verify(token.secret(), now).ok()?;
    Some((key, shown))
}
