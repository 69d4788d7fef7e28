//! The caller of a request: proven by a token and by what it is bound to, a proof of its key or the connection's certificate, or
//! refused before anything else is looked at.

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use jiff::Timestamp;

use super::Hub;
use super::clients::{self, CertificateError};
use super::error::ApiError;
use super::events::EVENTS;
use super::limits;
use super::metrics::Shed;
use super::negotiation;
use super::rates::{Asked, Refusals};
use super::sessions::{Admitted, Sign};
use super::unproven::UnprovenCall;
pub(super) use super::unproven::Why;
use crate::domain::Caller;
use crate::identity::dpop::{ProofError, ProofLimits, Wanted};
use crate::identity::token::Shown;

/// Carries the proof of a request.
const PROOF: &str = "dpop";

/// For how long proofs and nonces are good.
pub(super) const PROOFS: ProofLimits = ProofLimits {
    age: limits::PROOF_AGE,
    ahead: limits::PROOF_AHEAD,
    nonce: limits::NONCE_TURN,
    remembered: limits::PROOFS_REMEMBERED,
    of_one_key: limits::PROOFS_OF_ONE_KEY,
};

/// A caller who proved who they are. Every handler that can disclose anything asks for one.
pub(super) struct Proven(pub(super) Caller);

impl FromRequestParts<Hub> for Proven {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, Self::Rejection> {
        let path = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let asked = Asked::of(&parts.method, path);
        // First what costs least: whoever cannot be served is not looked at.
        if is_written(path) && !hub.store().has_room(asked == Asked::View) {
            hub.metrics().shed(if asked == Asked::View { Shed::Views } else { Shed::Others });
            return Err(ApiError::BUSY);
        }
        let now = hub.clock().now();
        let caller = prove(parts, hub, path, now).await.map_err(|why| {
            if why == Why::Proof(ProofError::Full) {
                hub.metrics().shed(Shed::Proofs);
                return ApiError::BUSY;
            }
            if why == Why::Unread {
                return ApiError::BUSY;
            }
            note(hub, path, why);
            ApiError::of_nobody(why, scheme(&parts.headers))
        })?;
        let admitted = hub.rates().admit(&caller, asked);
        say_refusals(hub, hub.rates().overdue());
        if let Err(wait) = admitted {
            refuse(hub, &caller, asked).await;
            return Err(ApiError::too_often(wait));
        }
        // Here, so that no handler can forget it, and nobody unproven can cause it.
        negotiation::check(parts)?;
        Ok(Self(caller))
    }
}

/// Notes a call of somebody who never proved who they are.
pub(super) fn note(hub: &Hub, path: &str, why: Why) {
    hub.metrics().unproven(why);
    hub.unproven().note(UnprovenCall { at: hub.clock().now(), path: path.to_owned(), why });
}

/// Notes that somebody sent headers that are too long to be looked at: nobody knows for which address. They were answered
/// 431 by the layer below, which has no line of its own in the log.
pub(super) fn note_too_long(hub: &Hub) {
    note(hub, "", Why::TooLong);
    if let Some(calls) = hub.unproven().due(hub.clock().now()) {
        tracing::warn!(calls, "calls of nobody known since the last such line");
    }
}

/// Who asks: named by the token, and proven to hold what it is bound to. The token comes first: it costs nothing where it is
/// known, and nobody without one causes a proof to be reckoned.
async fn prove(parts: &Parts, hub: &Hub, route: &str, now: Timestamp) -> Result<Caller, Why> {
    let token = only(&parts.headers, header::AUTHORIZATION.as_str()).and_then(shown_token);
    let (scheme, token) = token.ok_or(Why::Missing)?;
    let shown = hub.verifier().verify(token, now).map_err(Why::Token)?;
    match scheme {
        Scheme::Dpop => {
            let wanted = Wanted {
                method: parts.method.as_str(),
                path: parts.uri.path(),
                token: Some(&shown),
                remembered: None,
            };
            let proof = proof(&parts.headers).ok_or(Why::Proof(ProofError::Missing))?;
            hub.proofs().check(proof, &wanted, now).map_err(Why::Proof)?;
        }
        Scheme::Bearer => is_certified(parts, hub, &shown)?,
    }
    // Last, since it counts as something asked in the session.
    let (session, sign) = (&shown.caller.session, sign(&parts.method, route));
    let now = hub.clock().carried_on();
    let mut admitted = hub.sessions().admit(session, now, sign);
    if admitted == Admitted::Unknown {
        let held = hub.store().session(session.clone()).await.map_err(|error| {
            tracing::error!(%error, "a session could not be read");
            Why::Unread
        })?;
        hub.sessions().learn(held.ok_or(Why::UnknownSession)?);
        admitted = hub.sessions().admit(session, now, sign);
    }
    match admitted {
        Admitted::Goes => Ok(shown.caller),
        Admitted::Ends(by) => {
            hub.write_end_soon(session, by);
            Err(Why::Ended)
        }
        Admitted::HasEnded | Admitted::Unknown => Err(Why::Ended),
    }
}

/// Whether the connection shows the very certificate that the token is bound to, and that is still its program's. Who shows a
/// token that is bound to a key has no proof, whatever else there is: of two ways the weaker one would count (RFC 9449, 7.2).
fn is_certified(parts: &Parts, hub: &Hub, shown: &Shown) -> Result<(), Why> {
    if shown.binding.key().is_some() {
        return Err(Why::Proof(ProofError::Missing));
    }
    if clients::shown(parts).map_err(Why::Certificate)? != shown.binding {
        return Err(Why::Certificate(CertificateError::Other));
    }
    let client = shown.caller.client.as_deref().unwrap_or_default();
    clients::shown_by(hub.clients(), parts, client).map(|_| ()).map_err(Why::Certificate)
}

/// What viewers ask by themselves, now and then, says nothing of anybody who is at work.
fn sign(method: &Method, route: &str) -> Sign {
    let is_by_itself = method == Method::GET
        && (route == "/access/{reference}" || route == EVENTS || route.ends_with("/metadata"));
    if is_by_itself { Sign::Nothing } else { Sign::AtWork }
}

/// The one proof of a request.
pub(super) fn proof(headers: &HeaderMap) -> Option<&str> {
    only(headers, PROOF).filter(|proof| proof.len() <= limits::PROOF_BYTES)
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Whether an answer is written to the audit log: all but those about the hub itself, and of sessions' ends.
fn is_written(path: &str) -> bool {
    path != EVENTS && !path.ends_with("/metadata")
}

/// Notes that a caller asked too often; the first time within a minute it is in the audit log before they are
/// told. If it cannot be written, they are told all the same: nothing is disclosed to them; and it is tried again
/// with the next minute that is over.
pub(super) async fn refuse(hub: &Hub, caller: &Caller, asked: Asked) {
    hub.metrics().shed(if asked == Asked::SearchVolume { Shed::Volume } else { Shed::Rate });
    if let Some(first) = hub.rates().refuse(caller, asked) {
        write_refusals(hub, vec![first]).await;
    }
}

/// Writes refusals of minutes that are over, without anybody waiting for it.
fn say_refusals(hub: &Hub, refusals: Vec<Refusals>) {
    if refusals.is_empty() {
        return;
    }
    let hub = hub.clone();
    tokio::spawn(async move { write_refusals(&hub, refusals).await });
}

/// The same, waited for.
pub(super) async fn write_refusals(hub: &Hub, refusals: Vec<Refusals>) {
    for one in refusals {
        let written = hub.store().refuse_rate(one.caller.clone(), one.asked.word(), one.count).await;
        if written.is_err() {
            tracing::warn!(
                count = one.count,
                "refusals by a rate could not be written to the audit log; it is tried again"
            );
            hub.rates().put_back(one);
        }
    }
}

/// How a token is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// With a proof of the key that it is bound to.
    Dpop,
    /// On a connection with the certificate that it is bound to.
    Bearer,
}

impl Scheme {
    fn of(word: &str) -> Option<Self> {
        if word.eq_ignore_ascii_case("dpop") {
            Some(Self::Dpop)
        } else {
            word.eq_ignore_ascii_case("bearer").then_some(Self::Bearer)
        }
    }
}

/// In which words somebody is refused: in those in which they asked.
fn scheme(headers: &HeaderMap) -> Scheme {
    let shown = only(headers, header::AUTHORIZATION.as_str());
    let word = shown.and_then(|shown| shown.split(' ').next()).and_then(Scheme::of);
    word.unwrap_or(Scheme::Dpop)
}

/// The token, and how it is shown.
pub(super) fn shown_token(value: &str) -> Option<(Scheme, &str)> {
    let (word, token) = value.split_once(' ')?;
    let (scheme, token) = (Scheme::of(word)?, token.trim());
    let fits = token.len() <= limits::TOKEN_BYTES && !token.is_empty();
    fits.then_some((scheme, token))
}
