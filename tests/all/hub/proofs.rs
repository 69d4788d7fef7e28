//! A token is of no use without its key: every way to show one without a right proof is refused, exactly so, and is
//! counted and noted as one (manual, chapter "Proving who asks").

use std::collections::BTreeMap;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cpis::hub::{addresses, limits};
use cpis::identity::dpop::{ProofKey, Thumbprint};
use cpis::identity::token::Minter;
use jiff::SignedDuration;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::metrics::series;
use super::support::answer::Answer;
use super::support::data::{child, number, plans_of};
use super::support::program::Place;
use super::support::{ISSUER, TestHub, at, nurse, proofs};

const CHAPTER: &str = include_str!("../../../src/manual/proving.md");
const PATH: &str = "/cpis/FHIR/R4/CareTeam";

/// A key that signs whatever it is given.
struct Forger {
    private: EncodingKey,
    public: Value,
}

impl Forger {
    fn new() -> Self {
        let random = aws_lc_rs::rand::SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref()).unwrap();
        let point = pair.public_key().as_ref();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let public =
            json!({ "kty": "EC", "crv": "P-256", "x": part(&point[1..33]), "y": part(&point[33..]) });
        Self { private: EncodingKey::from_ec_der(der.as_ref()), public }
    }

    fn thumbprint(&self) -> Thumbprint {
        let jwk: Jwk = serde_json::from_value(self.public.clone()).unwrap();
        Thumbprint::try_from(jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap()).unwrap()
    }

    fn signed(&self, header: &Value, claims: &Value) -> String {
        signed(&self.private, Algorithm::ES256, header, claims)
    }
}

fn signed(key: &EncodingKey, algorithm: Algorithm, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

/// A hub, and somebody with a token of it and the key.
struct Scene {
    hub: TestHub,
    key: Forger,
    token: String,
}

/// What is shown with a token.
type Shown = Vec<(&'static str, String)>;

impl Scene {
    async fn new() -> Self {
        let (hub, key) = (TestHub::with(&child()).await, Forger::new());
        super::support::proofs::begin(&hub.database, &nurse());
        let minter = Minter::new(hub.key.clone(), ISSUER);
        let token = minter.mint(&nurse(), &key.thumbprint(), hub.clock.now(), SignedDuration::from_hours(1));
        let token = token.unwrap().secret().to_owned();
        Self { hub, key, token }
    }

    fn header(&self) -> Value {
        json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.key.public })
    }

    fn claims(&self) -> Value {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.token.as_bytes());
        json!({
            "jti": uuid::Uuid::new_v4().to_string(),
            "htm": "GET",
            "htu": format!("{ISSUER}{PATH}"),
            "iat": self.hub.clock.now().as_second(),
            "ath": URL_SAFE_NO_PAD.encode(hash),
            "nonce": self.hub.hub.proof_nonce(),
        })
    }

    fn shown(&self, proof: String) -> Shown {
        vec![("Authorization", format!("DPoP {}", self.token)), ("DPoP", proof)]
    }

    /// A good proof with parts of its header and its claims replaced; null takes one away.
    fn with(&self, header: Value, claims: Value) -> Shown {
        let change = |mut whole: Value, changes: Value| {
            for (name, value) in changes.as_object().unwrap() {
                whole[name] = value.clone();
                if value.is_null() {
                    whole.as_object_mut().unwrap().remove(name);
                }
            }
            whole
        };
        self.shown(self.key.signed(&change(self.header(), header), &change(self.claims(), claims)))
    }

    fn claims_with(&self, claims: Value) -> Shown {
        self.with(json!({}), claims)
    }

    fn jwk_with(&self, changes: Value) -> Shown {
        let mut jwk = self.key.public.clone();
        for (name, value) in changes.as_object().unwrap() {
            jwk[name] = value.clone();
        }
        self.with(json!({ "jwk": jwk }), json!({}))
    }

    async fn ask(&self, shown: &Shown) -> Answer {
        let trace = uuid::Uuid::new_v4().to_string();
        let mut headers: Vec<(&str, &str)> =
            shown.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.push(("TraceID", &trace));
        self.hub.send("GET", &plans_of(number(1)), None, &headers, None).await
    }

    async fn counted(&self) -> BTreeMap<String, f64> {
        series(&self.hub.hub.metrics_text().await)
            .into_iter()
            .filter(|(name, _)| name.starts_with("cpis_hub_unproven_calls_total"))
            .collect()
    }

    fn written(&self) -> (usize, usize) {
        (self.hub.count("SELECT 1 FROM audit"), self.hub.count("SELECT 1 FROM view"))
    }
}

/// Attacks on the token and on who shows it.
fn on_the_token(scene: &Scene) -> Vec<(&'static str, Shown)> {
    let now = scene.hub.clock.now();
    let good = || scene.key.signed(&scene.header(), &scene.claims());
    let hub_key = EncodingKey::from_ec_pem(scene.hub.pem.as_bytes()).unwrap();
    let body: Value = {
        let body = URL_SAFE_NO_PAD.decode(scene.token.split('.').nth(1).unwrap()).unwrap();
        serde_json::from_slice(&body).unwrap()
    };
    let header = json!({ "typ": "JWT", "alg": "ES256" });
    // The hub's own key has signed it, and one thing in it is otherwise.
    let saying = |name: &str, value: Value| {
        let mut otherwise = body.clone();
        otherwise[name] = value.clone();
        if value.is_null() {
            otherwise.as_object_mut().unwrap().remove(name);
        }
        signed(&hub_key, Algorithm::ES256, &header, &otherwise)
    };
    let id_token = json!({
        "iss": "https://login.example", "aud": "cpis-hub", "sub": "subject-1", "sid": "provider-session-1", "nonce": "n",
        "iat": now.as_second(), "exp": now.as_second() + 300, "acr": "AAL3_ANY",
        "cnf": { "jkt": scene.key.thumbprint().as_str() },
    });
    let forged = scene.key.signed(&header, &body);
    let none = format!(
        "{}.{}.",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#),
        URL_SAFE_NO_PAD.encode(body.to_string())
    );
    let as_secret = EncodingKey::from_secret(scene.hub.pem.as_bytes());
    let hs256 = signed(&as_secret, Algorithm::HS256, &json!({ "typ": "JWT", "alg": "HS256" }), &body);
    let minter = Minter::new(scene.hub.key.clone(), ISSUER);
    let minted = |from| {
        let hour = SignedDuration::from_hours(1);
        minter.mint(&nurse(), &scene.key.thumbprint(), from, hour).unwrap().secret().to_owned()
    };
    let with = |token: &str| vec![("Authorization", format!("DPoP {token}")), ("DPoP", good())];
    let thief = Forger::new();
    let stolen = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": thief.public });
    vec![
        ("no token", vec![("DPoP", good())]),
        ("the token as a bearer's", vec![("Authorization", format!("Bearer {}", scene.token))]),
        ("two tokens", [scene.shown(good()), with(&scene.token)].concat()),
        ("a token of 9 KB", with(&"x".repeat(9 * 1024))),
        ("a token of 100 KB", with(&"x".repeat(100 * 1024))),
        ("a token that another key signed", with(&forged)),
        ("a token with the algorithm none", with(&none)),
        ("a token with HS256", with(&hs256)),
        ("a token that is bound to nothing", with(&saying("cnf", Value::Null))),
        ("a token of another issuer", with(&saying("iss", json!("https://other.example")))),
        ("a token for another audience", with(&saying("aud", json!("https://other.example")))),
        ("a token for another audience besides", with(&saying("aud", json!([ISSUER, "other"])))),
        ("a token that says nothing of its user", with(&saying("sub", Value::Null))),
        ("a token of no session", with(&saying("sid", Value::Null))),
        ("a token that is good for a day", with(&saying("exp", json!(now.as_second() + 24 * 3600)))),
        ("the provider's id token", with(&Forger::new().signed(&header, &id_token))),
        (
            "an id token that the hub's own key signed",
            with(&signed(&hub_key, Algorithm::ES256, &header, &id_token)),
        ),
        ("a token that has expired", with(&minted(now - SignedDuration::from_hours(2)))),
        ("a token that is not valid yet", with(&minted(now + SignedDuration::from_hours(2)))),
        ("a proof in the token's place", with(&good())),
        ("a stolen token, shown with another key", scene.shown(thief.signed(&stolen, &scene.claims()))),
        ("a stolen token, shown without a proof", vec![("Authorization", format!("DPoP {}", scene.token))]),
        ("two proofs", [scene.shown(good()), vec![("DPoP", good())]].concat()),
        (
            "a stolen token and public key, signed with another",
            scene.shown(thief.signed(&scene.header(), &scene.claims())),
        ),
    ]
}

/// Attacks on what a proof says.
fn on_the_claims(scene: &Scene) -> Vec<(&'static str, Shown)> {
    let now = scene.hub.clock.now().as_second();
    let ahead = now + i64::try_from(limits::PROOF_AHEAD.as_secs()).unwrap();
    let age = i64::try_from(limits::PROOF_AGE.as_secs()).unwrap();
    let address = |address: &str| scene.claims_with(json!({ "htu": address }));
    let claims = |claims: Value| scene.claims_with(claims);
    vec![
        ("for another method", claims(json!({ "htm": "POST" }))),
        ("for the method in small letters", claims(json!({ "htm": "get" }))),
        ("for another path", address(&format!("{ISSUER}/cpis/FHIR/R4/AuditEvent"))),
        ("for another hub", address(&format!("https://other.example{PATH}"))),
        ("for the hub without TLS, or with", address(&format!("{}{PATH}", ISSUER.replace("http", "https")))),
        ("for an address that looks like the hub's", address(&format!("{ISSUER}@other.example{PATH}"))),
        ("for a path alone", address(PATH)),
        ("for another token", claims(json!({ "ath": URL_SAFE_NO_PAD.encode([0; 32]) }))),
        ("for no token", claims(json!({ "ath": null }))),
        ("made 61 seconds ago", claims(json!({ "iat": now - age - 1 }))),
        ("made 11 seconds ahead", claims(json!({ "iat": ahead + 1 }))),
        ("made at no time", claims(json!({ "iat": null }))),
        ("made at a time that is none", claims(json!({ "iat": now.to_string() }))),
        ("made at the end of time", claims(json!({ "iat": 1e300 }))),
        ("without a nonce", claims(json!({ "nonce": null }))),
        ("with a nonce of its own", claims(json!({ "nonce": "0123456789abcdef0123456789abcdef" }))),
        ("without an id", claims(json!({ "jti": null }))),
        ("with an empty id", claims(json!({ "jti": "" }))),
        ("with an id of 300 letters", claims(json!({ "jti": "x".repeat(300) }))),
        ("of 5 KB", claims(json!({ "more": "x".repeat(5 * 1024) }))),
    ]
}

/// Attacks on what a proof is, and on its key.
fn on_the_key(scene: &Scene) -> Vec<(&'static str, Shown)> {
    let good = scene.key.signed(&scene.header(), &scene.claims());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let another = format!("{}{}", if signature.starts_with('A') { "B" } else { "A" }, &signature[1..]);
    let x = scene.key.public["x"].as_str().unwrap();
    let symmetric = json!({ "kty": "oct", "k": x });
    let hs256 = |jwk: &Value| {
        let header = json!({ "typ": "dpop+jwt", "alg": "HS256", "jwk": jwk });
        scene.shown(signed(
            &EncodingKey::from_secret(x.as_bytes()),
            Algorithm::HS256,
            &header,
            &scene.claims(),
        ))
    };
    let header = |changes: Value| scene.with(changes, json!({}));
    vec![
        ("that is rubbish", scene.shown("rubbish".to_owned())),
        ("of two parts", scene.shown(message.to_owned())),
        ("of four parts", scene.shown(format!("{good}.x"))),
        ("with another signature", scene.shown(format!("{message}.{}", another))),
        ("without a signature", scene.shown(format!("{message}."))),
        ("that is the token", scene.shown(scene.token.clone())),
        ("of another type", header(json!({ "typ": "JWT" }))),
        ("of no type", header(json!({ "typ": null }))),
        ("with the algorithm none", header(json!({ "alg": "none" }))),
        ("with HS256 and the public key", hs256(&scene.key.public)),
        ("with HS256 and a symmetric key", hs256(&symmetric)),
        ("with another algorithm's name", header(json!({ "alg": "ES384" }))),
        ("with what must be understood", header(json!({ "crit": ["b64"], "b64": false }))),
        ("without a key", header(json!({ "jwk": null }))),
        ("with a symmetric key", header(json!({ "jwk": symmetric }))),
        ("with a private key", scene.jwk_with(json!({ "d": x }))),
        ("with a key on another curve", scene.jwk_with(json!({ "crv": "P-384" }))),
        ("with a key that is no point", scene.jwk_with(json!({ "y": x }))),
        ("with a key of other length", scene.jwk_with(json!({ "y": "AAAA" }))),
    ]
}

/// How the chapter says it: `401 error`, and under which reason it is counted.
fn rows(part: &str) -> Vec<(String, String, String)> {
    let rows = part.lines().filter_map(|line| {
        let mut cells =
            line.strip_prefix("| ")?.trim_end_matches('|').split('|').map(|cell| cell.trim().to_owned());
        Some((cells.next()?, cells.next()?, cells.next()?))
    });
    rows.filter(|(_, refused, _)| refused.starts_with("401") || refused.starts_with("431")).collect()
}

#[tokio::test]
async fn every_attack_is_refused_exactly_so_counted_and_noted_and_nothing_is_written() {
    let scene = Scene::new().await;
    let before = scene.written();
    let of_proofs = [on_the_claims(&scene), on_the_key(&scene)].concat();
    let of_proofs = of_proofs.into_iter().map(|(name, shown)| (format!("a proof {name}"), shown));
    let of_tokens = on_the_token(&scene).into_iter().map(|(name, shown)| (name.to_owned(), shown));
    let attacks: Vec<_> = of_tokens.chain(of_proofs).collect();
    let mut told = Vec::new();
    for (name, shown) in &attacks {
        let (calls, counted) = (scene.hub.hub.unproven().count(), scene.counted().await);
        let answer = scene.ask(shown).await;
        if name == "a token of 100 KB" {
            // Not even read: the layer below answers, and says so afterwards.
            assert_eq!((answer.status, answer.body.as_str()), (431, ""));
            super::support::data::until(|| scene.hub.hub.unproven().count() == calls + 1).await;
            let noted = scene.hub.hub.unproven().recent().pop().unwrap();
            assert_eq!((noted.path.as_str(), scene.counted().await != counted), ("", true));
            told.push((name.clone(), "431".to_owned(), format!("`{}`", noted.why.code())));
            continue;
        }
        assert_eq!(answer.told(), "401 ACCESS_DENIED", "{name}");
        assert!(answer.header("dpop-nonce").is_some_and(|nonce| nonce.len() == 32), "{name}");
        assert_eq!(answer.header("connection"), Some("close"), "{name}");
        let challenge = answer.header("www-authenticate").unwrap();
        let error = challenge.split('"').nth(1).filter(|_| challenge.contains("error="));
        assert!(challenge.starts_with("DPoP ") && challenge.ends_with("algs=\"ES256\""), "{challenge}");
        let noted = scene.hub.hub.unproven().recent().pop().unwrap();
        assert_eq!((scene.hub.hub.unproven().count(), noted.path.as_str()), (calls + 1, PATH), "{name}");
        let why = noted.why.code();
        let label = format!("cpis_hub_unproven_calls_total{{why=\"{why}\"}}");
        let mut expected = counted;
        *expected.get_mut(&label).unwrap() += 1.0;
        assert_eq!(scene.counted().await, expected, "{name}: counted once, and only so");
        let error = error.map_or("401".to_owned(), |error| format!("401 `{error}`"));
        told.push((name.clone(), error, format!("`{why}`")));
    }
    assert_eq!(scene.written(), before, "who is nobody leaves no trace on the disk");
    let part = CHAPTER.split("## What is refused").nth(1).unwrap().split("\n## ").next().unwrap();
    let shown = |rows: &[(String, String, String)]| {
        rows.iter().map(|(a, b, c)| format!("| {a} | {b} | {c} |")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(rows(part), told, "the chapter's table should be\n{}", shown(&told));
    // And with the key itself it is one view.
    assert_eq!(scene.ask(&scene.claims_with(json!({}))).await.total(), 1);
    assert_eq!(scene.written().1, before.1 + 1);
}

#[tokio::test]
async fn a_proof_is_taken_once() {
    let scene = Scene::new().await;
    let shown = scene.claims_with(json!({}));
    assert_eq!(scene.ask(&shown).await.status, 200);
    for seconds in [0, 30, 29] {
        scene.hub.clock.turn_to(scene.hub.clock.now() + SignedDuration::from_secs(seconds));
        let again = scene.ask(&shown).await;
        assert_eq!(
            again.header("www-authenticate"),
            Some("DPoP error=\"invalid_dpop_proof\", algs=\"ES256\"")
        );
        assert_eq!(scene.hub.hub.unproven().recent().pop().unwrap().why.code(), "proof-replayed");
    }
    scene.hub.clock.turn_to(scene.hub.clock.now() + SignedDuration::from_secs(2));
    scene.ask(&shown).await;
    assert_eq!(scene.hub.hub.unproven().recent().pop().unwrap().why.code(), "proof-not-now");
    // Many at once are one.
    let shown = scene.claims_with(json!({}));
    let answers = super::support::all_at_once((0..20).map(|_| scene.ask(&shown))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(scene.written().1, 2);
    // Another key's proof may have the same id.
    let id = json!({ "jti": "the same" });
    assert_eq!(scene.ask(&scene.claims_with(id.clone())).await.status, 200);
    let other = Scene { hub: scene.hub, key: Forger::new(), token: String::new() };
    let minter = Minter::new(other.hub.key.clone(), ISSUER);
    let now = other.hub.clock.now();
    let token = minter.mint(&nurse(), &other.key.thumbprint(), now, SignedDuration::from_hours(1)).unwrap();
    let other = Scene { token: token.secret().to_owned(), ..other };
    assert_eq!(other.ask(&other.claims_with(id)).await.status, 200);
}

#[tokio::test]
async fn who_writes_a_right_proof_otherwise_is_answered() {
    let scene = Scene::new().await;
    let now = scene.hub.clock.now().as_second();
    for claims in [
        json!({ "htu": format!("HTTP://127.0.0.1:8470{PATH}?patient=1#x") }),
        json!({ "htu": format!("{ISSUER}/cpis/FHIR/R4/C%61reTeam") }),
        json!({ "iat": now - 60 }),
        json!({ "iat": now + 10 }),
        json!({ "iat": f64::from(u32::try_from(now).unwrap()) + 0.5 }),
        json!({ "more": ["x"] }),
    ] {
        let answer = scene.ask(&scene.claims_with(claims.clone())).await;
        assert_eq!(answer.status, 200, "{claims}: {:?}", answer.header("www-authenticate"));
    }
    assert_eq!(
        scene.ask(&scene.jwk_with(json!({ "alg": "ES256", "use": "sig", "kid": "1" }))).await.status,
        200
    );
    // The scheme is a word of HTTP: its case is nothing.
    let mut shown = scene.claims_with(json!({}));
    shown[0].1 = format!("dpop {}", scene.token);
    assert_eq!(scene.ask(&shown).await.status, 200);
}

#[tokio::test]
async fn a_nonce_is_on_every_answer_and_good_until_the_next_but_one() {
    let scene = Scene::new().await;
    let first = scene.hub.hub.proof_nonce();
    let with = |nonce: &str| scene.claims_with(json!({ "nonce": nonce }));
    let answer = scene.ask(&with(&first)).await;
    assert_eq!((answer.status, answer.header("dpop-nonce")), (200, Some(first.as_str())));
    scene.hub.turn(5);
    let answer = scene.ask(&with(&first)).await;
    let second = answer.header("dpop-nonce").unwrap().to_owned();
    assert!(answer.status == 200 && second != first);
    scene.hub.turn(5);
    let refused = scene.ask(&with(&first)).await;
    assert_eq!(refused.header("www-authenticate"), Some("DPoP error=\"use_dpop_nonce\", algs=\"ES256\""));
    // What it says to do about it helps.
    assert_eq!(scene.ask(&with(refused.header("dpop-nonce").unwrap())).await.status, 200);
    assert_eq!(scene.ask(&with(&second)).await.status, 200);
    let open = scene.hub.send("GET", "/healthz", None, &[], None).await;
    assert_eq!((open.status, open.header("dpop-nonce")), (200, None));
}

/// What is open to everybody, and where a token is given or ended.
const NEEDS_NO_TOKEN: [&str; 4] = ["/healthz", "/openapi.json", "/token", "/revoke"];

#[tokio::test]
async fn every_address_that_wants_a_token_wants_its_proof_and_takes_none_but_the_hubs_own_with_a_key() {
    let hub = TestHub::with(&child()).await;
    let token = super::support::token(&hub.database, &hub.key, &nurse(), hub.clock.now());
    // Two more that are refused wherever they are shown, with a proof of the right key: of another hub's key, and bound to
    // no key.
    let minter = Minter::new(cpis::identity::token::SigningKey::generate().unwrap(), ISSUER);
    let hour = SignedDuration::from_hours(1);
    let foreign = minter.mint(&nurse(), proofs::KEY.thumbprint(), hub.clock.now(), hour).unwrap();
    let body = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let mut body: Value = serde_json::from_slice(&body).unwrap();
    body.as_object_mut().unwrap().remove("cnf");
    let hub_key = EncodingKey::from_ec_pem(hub.pem.as_bytes()).unwrap();
    let unbound = signed(&hub_key, Algorithm::ES256, &json!({ "typ": "JWT", "alg": "ES256" }), &body);
    for (path, methods) in addresses() {
        let address = path.replace("{number}", &number(1).digits()).replace("{reference}", "ABCD-EFGH");
        for method in methods {
            for (other, why) in [(foreign.secret(), "not-genuine"), (unbound.as_str(), "unbound")] {
                let nonce = hub.hub.proof_nonce();
                let proof = proofs::proof(method, &address, other, &nonce, hub.clock.now());
                let shown = [
                    ("Authorization", &*format!("DPoP {other}")),
                    ("DPoP", &proof),
                    ("TraceID", "x"),
                    ("X-Request-ID", "x"),
                ];
                let answer = hub.send(method, &address, None, &shown, None).await;
                if NEEDS_NO_TOKEN.contains(&path) || super::support::signing_in::SIGNING_IN.contains(&path) {
                    assert_ne!(answer.status, 401, "{method} {path}");
                } else if path.starts_with("/exchange") {
                    assert_eq!(answer.told(), "401 ACCESS_DENIED", "{method} {path}");
                } else {
                    assert_eq!(answer.told(), "401 ACCESS_DENIED", "{method} {path}");
                    let noted = hub.hub.unproven().recent().pop().unwrap();
                    assert_eq!((noted.path.as_str(), noted.why.code()), (path, why), "{method} {path}");
                }
            }
            let shown =
                [("Authorization", &*format!("DPoP {token}")), ("TraceID", "x"), ("X-Request-ID", "x")];
            let answer = hub.send(method, &address, None, &shown, None).await;
            let is_open =
                NEEDS_NO_TOKEN[..2].contains(&path) || super::support::signing_in::SIGNING_IN.contains(&path);
            let expected = if NEEDS_NO_TOKEN[2..].contains(&path) { 400 } else { 401 };
            assert_eq!(answer.status == expected, !is_open, "{method} {path}: {}", answer.told());
            assert_eq!(answer.header("dpop-nonce").is_some(), !is_open, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_proof_from_before_a_restart_is_none_after_it() {
    let place = Place::with(&child());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let token = place.token(&nurse());
    let mut shown = Vec::new();
    for expected in ["200", "401"] {
        let program = place.serve();
        if shown.is_empty() {
            let nonce = proofs::nonce(&program.base);
            shown = vec![proofs::proof(
                "GET",
                "/metadata",
                &token,
                &nonce,
                cpis::hub::clock::Clock::system().now(),
            )];
        }
        let request = http.get(format!("{}/metadata", program.base));
        let request = request.header("Authorization", format!("DPoP {token}")).header("DPoP", &shown[0]);
        assert_eq!(request.send().await.unwrap().status().as_str(), expected);
    }
}

#[test]
fn no_key_and_no_proof_shows_in_debug() {
    let key = ProofKey::generate().unwrap();
    assert_eq!(format!("{key:?}"), "ProofKey(hidden)");
    let proof = key.prove("GET", ISSUER, Some("t"), None, at(super::support::NOW).as_second()).unwrap();
    assert!(!format!("{key:?}").contains(&proof));
}
