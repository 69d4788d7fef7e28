//! What must hold of tokens, whatever is shown (see [`crate::fuzzing`]).

use std::sync::OnceLock;

use jiff::Timestamp;
use serde_json::Value;

use super::token::{SigningKey, Verifier, signed};

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
    let Ok(caller) = verifier.verify(&token, now) else { return };
    let claim = |name: &str| claims.get(name).cloned().unwrap_or_default();
    assert!(claim("iss") == HUB && claim("aud") == HUB);
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
