//! The caller of a request: proven by a token and by a proof that they hold its key, or refused before anything
//! else is looked at.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use jiff::Timestamp;

use super::Hub;
use super::error::ApiError;
use super::events::EVENTS;
use super::limits;
use super::metrics::Shed;
use super::negotiation;
use super::rates::{Asked, Refusals};
use super::seldom::Seldom;
use super::sessions::{Admitted, Sign};
use crate::domain::Caller;
use crate::identity::dpop::{ProofError, ProofLimits, Wanted};
use crate::identity::token::TokenError;

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
            ApiError::of_nobody(why)
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

/// Who asks: named by the token, and proven to hold its key. The token comes first: it costs nothing where it is
/// known, and nobody without one causes a proof to be reckoned.
async fn prove(parts: &Parts, hub: &Hub, route: &str, now: Timestamp) -> Result<Caller, Why> {
    let token = only(&parts.headers, header::AUTHORIZATION.as_str()).and_then(shown_token);
    let shown = hub.verifier().verify(token.ok_or(Why::Missing)?, now).map_err(Why::Token)?;
    let wanted = Wanted {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        token: Some(&shown),
        remembered: None,
    };
    let proof = proof(&parts.headers).ok_or(Why::Proof(ProofError::Missing))?;
    hub.proofs().check(proof, &wanted, now).map_err(Why::Proof)?;
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

/// The token of the one scheme that is served: a token that is shown without a proof (`Bearer`) is none.
pub(super) fn shown_token(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    let fits = scheme.eq_ignore_ascii_case("dpop") && token.len() <= limits::TOKEN_BYTES && !token.is_empty();
    fits.then_some(token)
}

/// Why a caller is nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// No token, not shown as one that is bound to a key, or more than one.
    Missing,
    /// A token that proves nobody.
    Token(TokenError),
    /// A genuine token, and no proof that whoever shows it holds its key.
    Proof(ProofError),
    /// A genuine token with its key, of a session that has ended.
    Ended,
    /// A genuine token with its key, of a session that the database does not know: one that was begun after the backup
    /// from which it was restored.
    UnknownSession,
    /// A refresh token that renews nothing.
    Refresh,
    /// Headers or a form that are too long to hold any token.
    TooLong,
    /// Somebody on the way to a session, or the provider: the word is the label's value.
    SignIn(&'static str),
    /// Whether there is such a session could not be read.
    Unread,
}

impl Why {
    /// All of them: each has its line in the metrics from the start, so that a first one is seen as a rise.
    pub const ALL: &[Self] = &[
        Self::Missing,
        Self::Token(TokenError::NotGenuine),
        Self::Token(TokenError::NotNow),
        Self::Token(TokenError::Incomplete),
        Self::Token(TokenError::Unbound),
        Self::Proof(ProofError::Missing),
        Self::Proof(ProofError::NotGenuine),
        Self::Proof(ProofError::OtherKey),
        Self::Proof(ProofError::OtherRequest),
        Self::Proof(ProofError::OtherToken),
        Self::Proof(ProofError::NoNonce),
        Self::Proof(ProofError::NotNow),
        Self::Proof(ProofError::Replayed),
        Self::Ended,
        Self::UnknownSession,
        Self::Refresh,
        Self::TooLong,
        Self::SignIn("sign-in-other-browser"),
        Self::SignIn("sign-in-other-state"),
        Self::SignIn("sign-in-late"),
        Self::SignIn("sign-in-again"),
        Self::SignIn("sign-in-ended"),
        Self::SignIn("sign-in-error-there"),
        Self::SignIn("sign-in-too-many"),
        Self::SignIn("sign-in-other-issuer"),
        Self::SignIn("sign-in-unreadable"),
        Self::SignIn("sign-in-forged"),
        Self::SignIn("code"),
        Self::SignIn("code-refused"),
        Self::SignIn("id-token-missing"),
        Self::SignIn("id-token-too-long"),
        Self::SignIn("id-token-not-genuine"),
        Self::SignIn("id-token-unknown-key"),
        Self::SignIn("id-token-other-issuer"),
        Self::SignIn("id-token-other-audience"),
        Self::SignIn("id-token-not-now"),
        Self::SignIn("id-token-other-nonce"),
        Self::SignIn("id-token-unreadable"),
        Self::SignIn("user-info-other-person"),
        Self::SignIn("user-info-unreadable"),
        Self::SignIn("said-twice"),
        Self::SignIn("sign-out-ticket"),
        Self::SignIn("logout-not-genuine"),
        Self::SignIn("logout-unknown-key"),
        Self::SignIn("logout-other-issuer"),
        Self::SignIn("logout-other-audience"),
        Self::SignIn("logout-not-now"),
        Self::SignIn("logout-no-logout"),
        Self::SignIn("logout-nobody"),
        Self::SignIn("logout-no-id"),
        Self::SignIn("logout-replayed"),
    ];

    /// The label's value in the metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Token(TokenError::NotGenuine) => "not-genuine",
            Self::Token(TokenError::NotNow) => "not-now",
            Self::Token(TokenError::Incomplete) => "incomplete",
            Self::Token(TokenError::Unbound) => "unbound",
            Self::Proof(ProofError::Missing) => "proof-missing",
            Self::Proof(ProofError::NotGenuine) => "proof-not-genuine",
            Self::Proof(ProofError::OtherKey) => "proof-other-key",
            Self::Proof(ProofError::OtherRequest) => "proof-other-request",
            Self::Proof(ProofError::OtherToken) => "proof-other-token",
            Self::Proof(ProofError::NoNonce) => "proof-no-nonce",
            Self::Proof(ProofError::NotNow) => "proof-not-now",
            Self::Proof(ProofError::Replayed) => "proof-replayed",
            // Told to ask again, and counted with what is shed.
            Self::Proof(ProofError::Full) => "proof-full",
            Self::Ended => "session-ended",
            Self::UnknownSession => "session-unknown",
            // Told to ask again.
            Self::Unread => "session-unread",
            Self::Refresh => "refresh",
            Self::TooLong => "too-long",
            Self::SignIn(word) => word,
        }
    }
}

/// A call of somebody who never proved who they are: when, at which address, and why not. Nothing of what
/// they sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnprovenCall {
    /// When.
    pub at: Timestamp,
    /// The route; empty where it was not read.
    pub path: String,
    /// Why not.
    pub why: Why,
}

/// The bounded log of such calls: in memory, so that an outsider cannot fill the disk.
#[derive(Debug, Default)]
pub struct UnprovenLog {
    count: AtomicU64,
    recent: Mutex<VecDeque<UnprovenCall>>,
    lines: Seldom,
    failures: Seldom,
}

impl UnprovenLog {
    fn note(&self, call: UnprovenCall) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut recent = self.recent.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if recent.len() >= limits::REFUSALS_REMEMBERED {
            recent.pop_front();
        }
        recent.push_back(call);
    }

    /// Counts a call for the log; says how many there were when a line about them is due: in each minute, with
    /// the first one.
    pub(super) fn due(&self, now: Timestamp) -> Option<u64> {
        self.lines.due(now)
    }

    /// The same of answers that say that the hub failed: anybody can cause some of these, too.
    pub(super) fn failure_due(&self, now: Timestamp) -> Option<u64> {
        self.failures.due(now)
    }

    /// How many since the start.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// The last ones, oldest first.
    #[must_use]
    pub fn recent(&self) -> Vec<UnprovenCall> {
        self.recent.lock().unwrap_or_else(std::sync::PoisonError::into_inner).iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_nobody_known_are_one_line_a_minute_with_their_count() {
        let log = UnprovenLog::default();
        let at = |second: i64| log.due(Timestamp::from_second(second).unwrap());
        assert_eq!(at(60), Some(1));
        for second in 60..120 {
            assert_eq!(at(second), None);
        }
        assert_eq!(at(120), Some(61));
        assert_eq!(at(300), Some(1));
    }
}
