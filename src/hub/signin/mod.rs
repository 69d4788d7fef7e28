//! How a session begins: the viewer's question (`/authorize`), the provider, the page that asks, the code, and its change
//! for tokens. The manual's chapter `signin` tells it in order.
//!
//! Nothing is kept for strangers: what they began waits, sealed, in their own browser. Nobody is let in by a cookie: it
//! only says that the browser that comes back is the one that went.

mod asked;
mod attempts;
mod begin;
mod confirm;
mod discovery;
#[cfg(any(all(test, feature = "demo"), feature = "fuzzing"))]
pub(in crate::hub) mod fuzzing;
mod grants;
mod logout;
mod pages;
mod secrets;
mod token;
mod turns;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::provider::{LogoutTokens, Provider, ProviderError};
use super::{Hub, limits, respond};
use crate::config::hub::ProviderSettings;
use attempts::Attempts;
use grants::Grants;
use secrets::{Attempt, Sealing};
use turns::Turns;

pub(super) use begin::{authorize, back};
pub(super) use confirm::{answer, show};
pub(super) use discovery::{metadata, scopes, smart};
pub(super) use logout::{backchannel, sign_out, signed_out};
pub(super) use token::changed;

/// What the hub keeps of people on their way to a session.
#[derive(Debug)]
pub(super) struct SignIns {
    provider: Option<Provider>,
    sealing: Sealing,
    attempts: Attempts,
    turns: Turns,
    grants: Grants,
    logouts: LogoutTokens,
}

impl SignIns {
    pub(super) fn new(settings: Option<&ProviderSettings>) -> Result<Self, ProviderError> {
        Ok(Self {
            provider: settings.map(Provider::new).transpose()?,
            sealing: Sealing::new().ok_or(ProviderError::Proof("the machine gives no random numbers"))?,
            attempts: Attempts::default(),
            turns: Turns::default(),
            grants: Grants::default(),
            logouts: LogoutTokens::default(),
        })
    }
}

/// The cookie that says that the browser that comes back is the one that went. Over TLS its name keeps every other host
/// and everything that is not TLS from setting it; on a loopback address without TLS not every browser would keep that one.
fn cookie_name(hub: &Hub) -> &'static str {
    if hub.issuer().starts_with("https://") { "__Host-cpis-sign-in" } else { "cpis-sign-in" }
}

/// Sets the cookie, or takes it away.
fn set_cookie(hub: &Hub, response: &mut Response, sealed: Option<&str>) {
    let secure = if hub.issuer().starts_with("https://") { "; Secure" } else { "" };
    let seconds = sealed.map_or(0, |_| limits::SIGN_IN.as_secs() + limits::SIGN_IN_PAGE.as_secs());
    // Lax: it has to come along when the provider sends the browser back.
    let cookie = format!(
        "{}={}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}",
        cookie_name(hub),
        sealed.unwrap_or_default()
    );
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// What this browser began; `None` where it began nothing, or more than one thing at once.
fn attempt(hub: &Hub, headers: &HeaderMap) -> Option<Attempt> {
    hub.signing_in().sealing.open(cookie(headers, cookie_name(hub))?)
}

/// The one cookie of a name.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut found = all.flat_map(|cookies| cookies.split(';')).filter_map(|cookie| {
        let (known, value) = cookie.trim().split_once('=')?;
        (known == name).then_some(value)
    });
    let sealed = found.next()?;
    if found.next().is_some() { None } else { Some(sealed) }
}

/// Sends the browser elsewhere, with a GET whatever it came with.
fn see_other(address: &str) -> Response {
    let mut response = respond::empty(StatusCode::SEE_OTHER);
    if let Ok(address) = HeaderValue::from_str(address) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    response
}

/// What somebody who is known and not let in is told: one sentence, and what to do.
fn sentence(why: &str) -> &'static str {
    match why {
        "acr" => {
            "You have signed in in a way that is not enough for this service. Sign in again with your smartcard or security key."
        }
        "auth-time" => {
            "You signed in too long ago, or it is not known when. Sign in again at your organisation's sign-in page."
        }
        "demand" => {
            "Your account does not have what this service asks for. Ask your organisation's registration authority."
        }
        "person-unclear" => {
            "Your account does not say who you are in a way that can be recorded. Ask your organisation's registration authority."
        }
        "other-organisation" => {
            "The program that sent you here is another organisation's than your role. Sign in again in a role at its organisation."
        }
        "roles-unclear" => "Your roles cannot be read. Ask your organisation's registration authority.",
        "no-role" => "You have no role. Ask your organisation's registration authority for one.",
        "role-not-theirs" => {
            "The role that was chosen is none of your roles. Sign in again and choose another one."
        }
        "role-doubled" => {
            "The role that was chosen is listed twice among your roles. Ask your organisation's registration authority."
        }
        _ => {
            "What your organisation's sign-in page says of you contradicts itself. Sign in again; if it stays so, ask your IT service desk."
        }
    }
}
