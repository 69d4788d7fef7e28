//! What can be asked at `/authorize`, and where an answer never goes.

use super::*;
use crate::config::hub::RegisteredClient;

const FITTING: &str = "response_type=code&client_id=cpis-viewer&redirect_uri=http%3A%2F%2F127.0.0.1%3A4711%2Fsigned-in\
    &state=s-1&code_challenge=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&code_challenge_method=S256\
    &dpop_jkt=BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB&device=ED%20triage%202";

const RECORD: &str = "response_type=code&client_id=record&redirect_uri=https%3A%2F%2Frecord.example%2Fback%3Fa%3Db\
    &state=s%201%2F%3D&code_challenge=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&code_challenge_method=S256\
    &scope=user%2FPatient.rs&aud=https%3A%2F%2Fhub.example%2Fcpis%2FFHIR%2FR4";

fn read(query: Option<&str>) -> Result<Asked, Wrong> {
    let clients = Clients::of(&[RegisteredClient {
        id: "record".to_owned(),
        name: "Record".to_owned(),
        organisation_code: "RN3".to_owned(),
        redirects: vec!["https://record.example/back?a=b".to_owned()],
        certificates: Vec::new(),
    }]);
    Asked::of(query, Known { clients: &clients, issuer: "https://hub.example" })
}

/// A question as a viewer asks it.
pub(in super::super) fn fitting() -> Asked {
    read(Some(FITTING)).unwrap_or_else(|wrong| panic!("{wrong:?}"))
}

#[test]
fn a_registered_program_is_answered_at_its_own_addresses_and_nowhere_else() {
    let asked = read(Some(RECORD)).unwrap();
    assert!(matches!(&asked.program, Program::Registered(id) if id == "record"));
    assert!(asked.device().is_none());
    let back = answer(&asked.redirect, "https://hub.example", Some(&asked.state), &[("code", "c")]);
    assert_eq!(
        back,
        "https://record.example/back?a=b&code=c&state=s%201%2F%3D&iss=https%3A%2F%2Fhub.example"
    );
    for (from, to) in [
        ("%3Fa%3Db", ""),
        ("%3Fa%3Db", "%3Fa%3Db%26c%3Dd"),
        ("%3Fa%3Db", "%3Fa%3Db%23"),
        ("record.example", "Record.example"),
        ("record.example", "record.example%3A443"),
        ("record.example", "record.example.evil.example"),
        ("record.example", "record.example%40evil.example"),
        ("https%3A", "http%3A"),
        ("https%3A%2F%2Frecord.example%2Fback%3Fa%3Db", "http%3A%2F%2F127.0.0.1%3A4711%2Fsigned-in"),
        ("client_id=record", "client_id=cpis-viewer"),
        // What drives a terminal is not even read.
        ("s%201%2F%3D", "a%0Ab"),
        ("client_id=record", "client_id=Record"),
        ("client_id=record", "client_id=record&client_id=record"),
    ] {
        let query = RECORD.replacen(from, to, 1);
        assert!(matches!(read(Some(&query)), Err(Wrong::Nowhere(_))), "{to}");
    }
    for (from, to, expected) in [
        ("=S256", "=plain", "invalid_request"),
        ("&code_challenge=", "&x=", "invalid_request"),
        ("s%201%2F%3D", "", "invalid_request"),
        ("s%201%2F%3D", "%C3%A9", "invalid_request"),
        ("=code&", "=token&", "unsupported_response_type"),
        ("hub.example%2Fcpis", "other.example%2Fcpis", "invalid_request"),
        ("hub.example%2Fcpis", "hub.example.evil.example%2Fcpis", "invalid_request"),
        ("&aud=", "&aud=https%3A%2F%2Fhub.example&aud=", "invalid_request"),
    ] {
        match read(Some(&RECORD.replacen(from, to, 1))) {
            Err(Wrong::Back { error, redirect, .. }) => {
                assert_eq!((error, redirect.as_str()), (expected, "https://record.example/back?a=b"), "{to}");
            }
            other => panic!("{to}: {:?}", other.map(|_| ())),
        }
    }
    for aud in [
        "https%3A%2F%2Fhub.example%2F",
        "https%3A%2F%2Fhub.example",
        "https%3A%2F%2Fhub.example%2Fpatient-flags-api%2FFHIR%2FR4%2F",
    ] {
        let query = RECORD.replace("https%3A%2F%2Fhub.example%2Fcpis%2FFHIR%2FR4", aud);
        assert!(read(Some(&query)).is_ok(), "{aud}");
    }
}

#[test]
fn a_fitting_question_is_read_and_what_is_not_known_is_not_looked_at() {
    let asked = read(Some(&format!("{FITTING}&scope=openid&prompt=login&login_hint=3"))).unwrap();
    assert_eq!(
        (asked.device().as_deref(), asked.redirect.as_str()),
        (Some("ED triage 2"), "http://127.0.0.1:4711/signed-in")
    );
    assert!(asked.afresh && asked.hint.as_deref() == Some("3"));
}

#[test]
fn an_address_that_is_not_the_computers_own_is_gone_to_by_nobody() {
    for address in [
        "http://127.0.0.1:0/signed-in",
        "http://127.0.0.1:65536/signed-in",
        "http://127.0.0.1:04711/signed-in",
        "http://127.0.0.1/signed-in",
        "http://127.0.0.1:4711/signed-in/",
        "http://127.0.0.1:4711/signed-in?x",
        "http://127.0.0.1:4711/signed-in%23x",
        "http://127.0.0.1:4711@evil.example/signed-in",
        "http://127.0.0.1:%2B4711/signed-in",
        "http://localhost:4711/signed-in",
        "http://127.0.0.2:4711/signed-in",
        "https://127.0.0.1:4711/signed-in",
        "HTTP://127.0.0.1:4711/signed-in",
        "http://evil.example/signed-in",
        "cpis:/signed-in",
        "",
    ] {
        let query = FITTING.replace("http%3A%2F%2F127.0.0.1%3A4711%2Fsigned-in", address);
        assert!(matches!(read(Some(&query)), Err(Wrong::Nowhere(_))), "{address}");
    }
    let other = FITTING.replace("127.0.0.1", "[::1]");
    assert_eq!(read(Some(&other)).unwrap().redirect, "http://[::1]:4711/signed-in");
    for nowhere in [
        FITTING.replace("cpis-viewer", "other"),
        format!("{FITTING}&client_id=cpis-viewer"),
        format!("{FITTING}&redirect_uri=http://127.0.0.1:1/signed-in"),
        format!("{FITTING}&x=%zz"),
    ] {
        assert!(matches!(read(Some(&nowhere)), Err(Wrong::Nowhere(_))), "{nowhere}");
    }
    assert!(matches!(read(None), Err(Wrong::Nowhere(_))));
}

#[test]
fn what_else_is_wrong_is_told_to_the_viewer() {
    let check = |from: &str, to: &str, expected: &str, has_state: bool| {
        let query = FITTING.replace(from, to);
        match read(Some(&query)) {
            Err(Wrong::Back { error, state, .. }) => {
                assert_eq!((error, state.is_some()), (expected, has_state), "{to}");
            }
            other => panic!("{to}: {:?}", other.map(|_| ())),
        }
    };
    check("response_type=code", "response_type=token", "unsupported_response_type", true);
    check("response_type=code", "response_type=code&response_type=code", "invalid_request", true);
    check("response_type=code&", "", "invalid_request", true);
    check("state=s-1&", "", "invalid_request", false);
    check("s-1", "s%201", "invalid_request", false);
    check("=S256", "=plain", "invalid_request", true);
    check("&code_challenge_method=S256", "", "invalid_request", true);
    check("AAAA&", "AAA&", "invalid_request", true);
    check("BBBB&", "BBBBB&", "invalid_request", true);
    check("&device=ED%20triage%202", "", "invalid_request", true);
    check("ED%20triage%202", "%20", "invalid_request", true);
    check("ED%20triage%202", &"x".repeat(61), "invalid_request", true);
    check("ED%20triage%202", "%E2%80%AEx", "invalid_request", true);
    check("&device", "&prompt=none&device", "invalid_request", true);
    check("&device", "&login_hint=1&login_hint=2&device", "invalid_request", true);
}

#[test]
fn an_answer_says_whose_it_is_and_is_encoded() {
    let address = answer("http://127.0.0.1:1/signed-in", "https://hub", Some("s"), &[("error", "a b&c")]);
    assert_eq!(address, "http://127.0.0.1:1/signed-in?error=a%20b%26c&state=s&iss=https%3A%2F%2Fhub");
}
