//! What a viewer or a registered program asks for at `/authorize`, and where the browser goes if it asks wrongly: to its own
//! address, and to no other.

use serde::{Deserialize, Serialize};

use crate::config::hub::VIEWER;
use crate::domain::{Caller, text};
use crate::hub::clients::Clients;
use crate::hub::frame::{CHILD_PROTECTION, DEMOGRAPHICS, FLAGS};
use crate::hub::{limits, query};
use crate::identity::dpop::Thumbprint;

/// Where a viewer listens for its answer.
const PATH: &str = "/signed-in";

/// A question that can be answered.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Asked {
    /// Where the program waits for its answer; checked.
    pub(super) redirect: String,
    pub(super) state: String,
    pub(super) challenge: String,
    pub(super) program: Program,
    /// The provider is to ask even whom it knows.
    pub(super) afresh: bool,
    /// For the provider.
    pub(super) hint: Option<String>,
}

/// Who asks.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Program {
    /// A viewer: with the key that the session is to be bound to, and the computer, as the person knows it.
    Viewer { key: Thumbprint, device: String },
    /// A registered program, by its id. Its session is bound to the certificate that it shows when it changes the code.
    Registered(String),
}

impl Program {
    /// The key of a viewer.
    pub(super) fn key(&self) -> Option<&Thumbprint> {
        match self {
            Self::Viewer { key, .. } => Some(key),
            Self::Registered(_) => None,
        }
    }
}

/// What there is to know before a question can be read.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) clients: &'a Clients,
    pub(super) issuer: &'a str,
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
    pub(super) fn of(query: Option<&str>, known: Known<'_>) -> Result<Self, Wrong> {
        let unreadable = Wrong::Nowhere("The address cannot be read.");
        let pairs = query::pairs_within(query, limits::AUTHORIZE_CHARACTERS).map_err(|_| unreadable)?;
        let (client, redirect) = addressed(&pairs, known.clients)?;
        // From here on the answer goes there.
        let is_viewer = client == VIEWER;
        let fits = |state: &&str| if is_viewer { is_state(state) } else { is_anybodys_state(state) };
        let state = one(&pairs, "state").filter(fits);
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
        let state = state.ok_or_else(|| invalid(if is_viewer { ITS_STATE } else { ANYBODYS_STATE }))?;
        if one(&pairs, "code_challenge_method") != Some("S256") {
            return Err(invalid("code_challenge_method has to be S256"));
        }
        let challenge = one(&pairs, "code_challenge").filter(|challenge| is_digest(challenge));
        let challenge =
            challenge.ok_or_else(|| invalid("code_challenge is needed, once: a SHA-256 in base64url"))?;
        let program = if is_viewer { viewer(&pairs) } else { registered(&pairs, client, known.issuer) };
        Ok(Self {
            redirect: redirect.to_owned(),
            state: state.to_owned(),
            challenge: challenge.to_owned(),
            program: program.map_err(invalid)?,
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

    /// The computer, as its viewer named it.
    pub(super) fn device(&self) -> Option<String> {
        match &self.program {
            Program::Viewer { device, .. } => Some(device.clone()),
            Program::Registered(_) => None,
        }
    }

    /// Somebody, through the program that asks.
    pub(super) fn by(&self, who: Caller) -> Caller {
        match &self.program {
            Program::Viewer { .. } => Caller { client: None, ..who },
            Program::Registered(id) => Caller { client: Some(id.clone()), ..who },
        }
    }
}

/// Who asks, and where they wait: without both nobody knows where an answer would go.
fn addressed<'a>(pairs: &'a [(String, String)], clients: &Clients) -> Result<(&'a str, &'a str), Wrong> {
    const STRANGER: Wrong = Wrong::Nowhere("The program that sent you here is not one that can sign in.");
    let client = one(pairs, "client_id").ok_or(STRANGER)?;
    let redirect = one(pairs, "redirect_uri");
    if client == VIEWER {
        let redirect = redirect.filter(|address| is_loopback(address));
        return Ok((
            client,
            redirect.ok_or(Wrong::Nowhere(
                "The program that sent you here gave no address on this computer to come back to.",
            ))?,
        ));
    }
    let known = clients.get(client).ok_or(STRANGER)?;
    let redirect = redirect.filter(|address| known.redirects.iter().any(|registered| registered == address));
    Ok((
        client,
        redirect.ok_or(Wrong::Nowhere(
            "The program that sent you here gave an address to come back to that is not registered for it.",
        ))?,
    ))
}

fn viewer(pairs: &[(String, String)]) -> Result<Program, &'static str> {
    let key = one(pairs, "dpop_jkt").and_then(|key| Thumbprint::try_from(key.to_owned()).ok());
    let device = one(pairs, "device").map(str::trim).filter(|device| is_name(device));
    Ok(Program::Viewer {
        key: key.ok_or("dpop_jkt is needed, once: the thumbprint of a key")?,
        device: device.ok_or("device is needed, once: the computer's name, 1 to 60 characters")?.to_owned(),
    })
}

/// A program that says for which service it wants tokens (`aud`, SMART App Launch) has to mean one of this hub's.
fn registered(pairs: &[(String, String)], client: &str, issuer: &str) -> Result<Program, &'static str> {
    let is_here = |address: &str| {
        let rest = address.strip_suffix('/').unwrap_or(address).strip_prefix(issuer);
        rest.is_some_and(|rest| ["", DEMOGRAPHICS, CHILD_PROTECTION, FLAGS].contains(&rest))
    };
    match values(pairs, "aud").as_slice() {
        [] => Ok(Program::Registered(client.to_owned())),
        [address] if is_here(address) => Ok(Program::Registered(client.to_owned())),
        _ => Err("aud may be there once, and has to be the address of one of this hub's FHIR services"),
    }
}

/// A program's address with the answer in it (RFC 6749, 4.1.2; RFC 9207).
pub(super) fn answer(redirect: &str, issuer: &str, state: Option<&str>, what: &[(&str, &str)]) -> String {
    let mut address = redirect.to_owned();
    address.push(if redirect.contains('?') { '&' } else { '?' });
    let begin = address.len();
    for (name, value) in
        what.iter().copied().chain(state.map(|state| ("state", state))).chain([("iss", issuer)])
    {
        if address.len() > begin {
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

const ITS_STATE: &str = "state is needed, once: 1 to 200 letters, digits and -._~";

const ANYBODYS_STATE: &str = "state is needed, once: 1 to 500 printable characters of ASCII";

/// As RFC 6749 has it (A.5): what programs of others write cannot be chosen here.
fn is_anybodys_state(state: &str) -> bool {
    (1..=500).contains(&state.len()) && state.bytes().all(|byte| (b' '..=b'~').contains(&byte))
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
pub(super) mod tests;
