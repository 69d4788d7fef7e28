//! The caller of a request: proven by a token, or refused before anything else is looked at.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::header;
use axum::http::request::Parts;
use jiff::Timestamp;

use super::Hub;
use super::error::ApiError;
use super::limits;
use super::metrics::Shed;
use super::negotiation;
use super::rates::{Asked, Refusals};
use crate::domain::Caller;
use crate::identity::token::TokenError;

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
        let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
        let token = values.next().and_then(|value| value.to_str().ok()).and_then(bearer);
        let proven = match token {
            Some(token) if values.next().is_none() => hub.verifier().verify(token, now).map_err(Why::Token),
            Some(_) | None => Err(Why::Missing),
        };
        let caller = proven.map_err(|why| {
            hub.metrics().unproven(why);
            hub.unproven().note(UnprovenCall { at: now, path: path.to_owned(), why });
            ApiError::UNPROVEN
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

/// Whether an answer is written to the audit log: all but those about the hub itself.
fn is_written(path: &str) -> bool {
    !path.ends_with("/metadata")
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

pub(super) fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    let fits =
        scheme.eq_ignore_ascii_case("bearer") && token.len() <= limits::TOKEN_BYTES && !token.is_empty();
    fits.then_some(token)
}

/// Why a caller is nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// No token, or more than one.
    Missing,
    /// A token that proves nobody.
    Token(TokenError),
}

/// A call of somebody who never proved who they are: when, at which address, and why not. Nothing of what
/// they sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnprovenCall {
    /// When.
    pub at: Timestamp,
    /// The route.
    pub path: String,
    /// Why not.
    pub why: Why,
}

/// The bounded log of such calls: in memory, so that an outsider cannot fill the disk.
#[derive(Debug, Default)]
pub struct UnprovenLog {
    count: AtomicU64,
    recent: Mutex<VecDeque<UnprovenCall>>,
    lines: Mutex<Lines>,
}

/// What there is to say in the log, and since which minute.
#[derive(Debug, Default)]
struct Lines {
    minute: Option<i64>,
    calls: u64,
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
        let mut lines = self.lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        lines.calls = lines.calls.saturating_add(1);
        let minute = Some(now.as_second().div_euclid(60));
        if lines.minute == minute {
            return None;
        }
        lines.minute = minute;
        Some(std::mem::take(&mut lines.calls))
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
