//! What a token proves, and what it does not.

use super::*;

const HUB: &str = "http://127.0.0.1:8470";

fn somebodys_key() -> Thumbprint {
    Thumbprint::try_from("A".repeat(43)).unwrap()
}

fn nurse() -> Caller {
    Caller {
        user: "555000000001".to_owned(),
        name: "Sam Okafor".to_owned(),
        role: "Staff nurse".to_owned(),
        role_profile: "777000000001".to_owned(),
        organisation_code: "RN3".to_owned(),
        organisation: "Great Western Hospital".to_owned(),
        activities: vec![Activity::TRACE_PEOPLE, Activity::VIEW_AND_NOTIFY],
        session: "s-1".to_owned(),
        client: None,
    }
}

#[test]
fn a_token_proves_its_caller_for_its_time_at_its_hub_and_nowhere_else() {
    let key = SigningKey::generate().unwrap();
    let now: Timestamp = "2026-11-22T14:00:00Z".parse().unwrap();
    let ten_minutes = SignedDuration::from_mins(10);
    let token = Minter::new(key.clone(), HUB).mint(&nurse(), &somebodys_key(), now, ten_minutes).unwrap();
    let here = Verifier::new(key.clone(), HUB);
    let who = |at: Timestamp| here.verify(token.secret(), at).map(|shown| shown.caller);
    assert_eq!(who(now), Ok(nurse()));
    let at = |minutes: i64| now + SignedDuration::from_mins(minutes);
    assert_eq!(who(at(10)), Ok(nurse()), "within the leeway");
    assert_eq!(here.verify(token.secret(), at(11)), Err(TokenError::NotNow));
    assert_eq!(here.verify(token.secret(), at(-1)), Err(TokenError::NotNow));
    assert_eq!(who(now), Ok(nurse()), "proved again after it was forgotten");
    assert_eq!(here.verify(token.secret(), at(-1)), Err(TokenError::NotNow), "known, and not valid then");
    let elsewhere = Verifier::new(key.clone(), "http://127.0.0.1:8471");
    assert_eq!(elsewhere.verify(token.secret(), now), Err(TokenError::NotGenuine));
    let other_key = Verifier::new(SigningKey::generate().unwrap(), HUB);
    assert_eq!(other_key.verify(token.secret(), now), Err(TokenError::NotGenuine));
    let mut cut = token.secret().to_owned();
    cut.pop();
    assert_eq!(here.verify(&cut, now), Err(TokenError::NotGenuine));
    assert_eq!(here.verify("", now), Err(TokenError::NotGenuine));
    let long =
        Minter::new(key, HUB).mint(&nurse(), &somebodys_key(), now, SignedDuration::from_hours(24)).unwrap();
    assert_eq!(here.verify(long.secret(), now), Err(TokenError::NotNow));
    assert_eq!(format!("{token:?}"), "Token(hidden)");
}

#[test]
fn a_token_that_is_bound_to_nothing_proves_nobody() {
    let key = SigningKey::generate().unwrap();
    let now: Timestamp = "2026-11-22T14:00:00Z".parse().unwrap();
    let token =
        Minter::new(key.clone(), HUB).mint(&nurse(), &somebodys_key(), now, SignedDuration::from_mins(5));
    let body = token.unwrap().secret().split('.').nth(1).unwrap().to_owned();
    let body = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, body).unwrap();
    let bound: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let check = |cnf: Option<serde_json::Value>, expected: Result<Binding, TokenError>| {
        let mut claims = bound.clone();
        match cnf {
            Some(cnf) => claims["cnf"] = cnf,
            None => drop(claims.as_object_mut().unwrap().remove("cnf")),
        }
        let token = signed(&key, &claims).unwrap();
        let shown = Verifier::new(key.clone(), HUB).verify(&token, now).map(|shown| shown.binding);
        assert_eq!(shown, expected, "{claims}");
    };
    check(Some(serde_json::json!({ "jkt": "A".repeat(43) })), Ok(Binding::Key(somebodys_key())));
    check(Some(serde_json::json!({})), Err(TokenError::Incomplete));
    check(None, Err(TokenError::Unbound));
    check(Some(serde_json::Value::Null), Err(TokenError::Unbound));
    for other in ["", "A", &"A".repeat(44), &"=".repeat(43)] {
        check(Some(serde_json::json!({ "jkt": other })), Err(TokenError::Incomplete));
    }
    // A certificate is a registered program's, and a key is the viewer's.
    let certificate = serde_json::json!({ "x5t#S256": "A".repeat(43) });
    check(Some(certificate.clone()), Err(TokenError::Incomplete));
    let mut registered = bound.clone();
    registered["client_id"] = "record".into();
    let of = |claims: &serde_json::Value| {
        Verifier::new(key.clone(), HUB).verify(&signed(&key, claims).unwrap(), now)
    };
    assert_eq!(of(&registered), Err(TokenError::Incomplete));
    registered["cnf"] = certificate;
    let shown = of(&registered).unwrap();
    assert_eq!(
        (shown.binding, shown.caller.client.as_deref()),
        (Binding::Certificate(somebodys_key()), Some("record"))
    );
    for client in ["", " ", "re\ncord"] {
        registered["client_id"] = client.into();
        assert_eq!(of(&registered), Err(TokenError::Incomplete), "{client:?}");
    }
    registered["client_id"] = "record".into();
    registered["cnf"]["jkt"] = "A".repeat(43).into();
    assert_eq!(of(&registered), Err(TokenError::Incomplete), "bound to both");
}

#[test]
fn another_algorithm_or_none_is_not_genuine() {
    let key = SigningKey::generate().unwrap();
    let now: Timestamp = "2026-11-22T14:00:00Z".parse().unwrap();
    let token = Minter::new(key.clone(), HUB)
        .mint(&nurse(), &somebodys_key(), now, SignedDuration::from_mins(5))
        .unwrap();
    let body = token.secret().split('.').nth(1).unwrap();
    // {"alg":"none","typ":"JWT"} and an HS256 header signed with a guessed secret.
    let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{body}.");
    let claims: serde_json::Value = serde_json::json!({ "iss": HUB, "aud": HUB });
    let hs256 = jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        &claims,
        &EncodingKey::from_secret(HUB.as_bytes()),
    )
    .unwrap();
    for forged in [none, hs256] {
        assert_eq!(Verifier::new(key.clone(), HUB).verify(&forged, now), Err(TokenError::NotGenuine));
    }
}

#[test]
fn a_caller_without_a_plain_name_or_organisation_is_nobody() {
    let key = SigningKey::generate().unwrap();
    let now: Timestamp = "2026-11-22T14:00:00Z".parse().unwrap();
    for lacking in [
        Caller { name: " ".to_owned(), ..nurse() },
        Caller { organisation_code: String::new(), ..nurse() },
        Caller { session: String::new(), ..nurse() },
        Caller { name: "Sam\nOkafor".to_owned(), ..nurse() },
        Caller { role: "\u{1b}[2J".to_owned(), ..nurse() },
        Caller { organisation: "\u{202e}latipsoH".to_owned(), ..nurse() },
        Caller { role_profile: "1\t2".to_owned(), ..nurse() },
    ] {
        let token = Minter::new(key.clone(), HUB)
            .mint(&lacking, &somebodys_key(), now, SignedDuration::from_mins(5))
            .unwrap();
        assert_eq!(Verifier::new(key.clone(), HUB).verify(token.secret(), now), Err(TokenError::Incomplete));
    }
}
