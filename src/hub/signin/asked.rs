//! What a viewer asks for at `/authorize`, and where the browser goes if it asks wrongly: to the viewer's own address, and
//! to no other.

use serde::{Deserialize, Serialize};

use crate::domain::text;
use crate::hub::{limits, query};
use crate::identity::dpop::Thumbprint;

/// The only client there is.
pub(super) const CLIENT: &str = "cpis-viewer";

/// Where a viewer listens for its answer.
const PATH: &str = "/signed-in";

/// A question that can be answered.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Asked {
    /// Where the viewer listens; checked.
    pub(super) redirect: String,
    pub(super) state: String,
    pub(super) challenge: String,
    /// The key that the session is to be bound to.
    pub(super) key: Thumbprint,
    /// The computer, as the person knows it.
    pub(super) device: String,
    /// The provider is to ask even whom it knows.
    pub(super) afresh: bool,
    /// For the provider.
    pub(super) hint: Option<String>,
}

/// A question that is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Nobody knows where the answer would go.
    Nowhere(&'static str),
    /// The viewer is told.
    Back { redirect: String, state: Option<String>, error: &'static str, words: &'static str },
}

impl Asked {
    pub(super) fn of(query: Option<&str>) -> Result<Self, Wrong> {
        let unreadable = Wrong::Nowhere("The address cannot be read.");
        let pairs = query::pairs_within(query, limits::AUTHORIZE_CHARACTERS).map_err(|_| unreadable)?;
        let client = one(&pairs, "client_id");
        if client != Some(CLIENT) {
            return Err(Wrong::Nowhere("The program that sent you here is not one that can sign in."));
        }
        let redirect = one(&pairs, "redirect_uri").filter(|address| is_loopback(address));
        let redirect = redirect.ok_or(Wrong::Nowhere(
            "The program that sent you here gave no address on this computer to come back to.",
        ))?;
        // From here on the answer goes there.
        let state = one(&pairs, "state").filter(|state| is_state(state));
        let wrong = |error, words| Wrong::Back {
            redirect: redirect.to_owned(),
            state: state.map(str::to_owned),
            error,
            words,
        };
        let invalid = |words| wrong("invalid_request", words);
        let kind = one(&pairs, "response_type").ok_or_else(|| invalid("response_type is needed, once"))?;
        if kind != "code" {
            return Err(wrong("unsupported_response_type", "response_type has to be code"));
        }
        let state =
            state.ok_or_else(|| invalid("state is needed, once: 1 to 200 letters, digits and -._~"))?;
        if one(&pairs, "code_challenge_method") != Some("S256") {
            return Err(invalid("code_challenge_method has to be S256"));
        }
        let challenge = one(&pairs, "code_challenge").filter(|challenge| is_digest(challenge));
        let key = one(&pairs, "dpop_jkt").and_then(|key| Thumbprint::try_from(key.to_owned()).ok());
        let device = one(&pairs, "device").map(str::trim).filter(|device| is_name(device));
        Ok(Self {
            redirect: redirect.to_owned(),
            state: state.to_owned(),
            challenge: challenge
                .ok_or_else(|| invalid("code_challenge is needed, once: a SHA-256 in base64url"))?
                .to_owned(),
            key: key.ok_or_else(|| invalid("dpop_jkt is needed, once: the thumbprint of a key"))?,
            device: device
                .ok_or_else(|| invalid("device is needed, once: the computer's name, 1 to 60 characters"))?
                .to_owned(),
            afresh: match values(&pairs, "prompt").as_slice() {
                [] => false,
                ["login"] => true,
                _ => return Err(invalid("prompt may be login, and nothing else")),
            },
            hint: match values(&pairs, "login_hint").as_slice() {
                [] => None,
                [hint] if is_hint(hint) => Some((*hint).to_owned()),
                _ => return Err(invalid("login_hint may be there once, with up to 100 characters")),
            },
        })
    }
}

/// An address of the viewer's with the answer in it (RFC 6749, 4.1.2; RFC 9207).
pub(super) fn answer(redirect: &str, issuer: &str, state: Option<&str>, what: &[(&str, &str)]) -> String {
    let mut address = format!("{redirect}?");
    for (name, value) in
        what.iter().copied().chain(state.map(|state| ("state", state))).chain([("iss", issuer)])
    {
        if !address.ends_with('?') {
            address.push('&');
        }
        address.push_str(name);
        address.push('=');
        for byte in value.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    address.push(char::from(byte));
                }
                byte => address.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    address
}

fn values<'a>(pairs: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    pairs.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
}

/// The value of a parameter that is there once.
fn one<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    match values(pairs, name).as_slice() {
        [value] => Some(value),
        _ => None,
    }
}

/// `http://127.0.0.1:PORT/signed-in` or `http://[::1]:PORT/signed-in`, letter by letter (RFC 8252, 7.3).
fn is_loopback(address: &str) -> bool {
    let rest = address.strip_prefix("http://127.0.0.1:").or_else(|| address.strip_prefix("http://[::1]:"));
    let Some(port) = rest.and_then(|rest| rest.strip_suffix(PATH)) else { return false };
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
    is_number && port.parse::<u16>().is_ok()
}

fn is_state(state: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (1..=200).contains(&state.len()) && state.bytes().all(fits)
}

fn is_digest(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn is_name(device: &str) -> bool {
    (1..=60).contains(&device.chars().count()) && !device.chars().any(text::is_unprintable)
}

fn is_hint(hint: &str) -> bool {
    (1..=100).contains(&hint.chars().count()) && !hint.chars().any(text::is_unprintable)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const FITTING: &str = "response_type=code&client_id=cpis-viewer&redirect_uri=http%3A%2F%2F127.0.0.1%3A4711%2Fsigned-in\
        &state=s-1&code_challenge=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&code_challenge_method=S256\
        &dpop_jkt=BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB&device=ED%20triage%202";

    /// A question as a viewer asks it.
    pub(in super::super) fn fitting() -> Asked {
        Asked::of(Some(FITTING)).unwrap_or_else(|wrong| panic!("{wrong:?}"))
    }

    #[test]
    fn a_fitting_question_is_read_and_what_is_not_known_is_not_looked_at() {
        let asked = Asked::of(Some(&format!("{FITTING}&scope=openid&prompt=login&login_hint=3"))).unwrap();
        assert_eq!(
            (asked.device.as_str(), asked.redirect.as_str()),
            ("ED triage 2", "http://127.0.0.1:4711/signed-in")
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
            assert!(matches!(Asked::of(Some(&query)), Err(Wrong::Nowhere(_))), "{address}");
        }
        let other = FITTING.replace("127.0.0.1", "[::1]");
        assert_eq!(Asked::of(Some(&other)).unwrap().redirect, "http://[::1]:4711/signed-in");
        for nowhere in [
            FITTING.replace("cpis-viewer", "other"),
            format!("{FITTING}&client_id=cpis-viewer"),
            format!("{FITTING}&redirect_uri=http://127.0.0.1:1/signed-in"),
            format!("{FITTING}&x=%zz"),
        ] {
            assert!(matches!(Asked::of(Some(&nowhere)), Err(Wrong::Nowhere(_))), "{nowhere}");
        }
        assert!(matches!(Asked::of(None), Err(Wrong::Nowhere(_))));
    }

    #[test]
    fn what_else_is_wrong_is_told_to_the_viewer() {
        let check = |from: &str, to: &str, expected: &str, has_state: bool| {
            let query = FITTING.replace(from, to);
            match Asked::of(Some(&query)) {
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
}
