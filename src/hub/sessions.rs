//! Sessions that the hub began: how they are renewed (`/token`) and ended (`/revoke`), and that no token of one that
//! has ended is good.
//!
//! What ends a session is on disk before anybody is told, and known here from then on: each request looks. Tokens of
//! sessions that others began are good until they expire.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::error::ApiError;
use super::metrics::Shed;
use super::proven::{self, Why};
use super::rates::Asked;
use super::store::{RenewAsk, Renewed, SessionBegun, SessionHeld, StoreError};
use super::{Hub, limits, own, query, respond};
use crate::domain::Caller;
use crate::identity::dpop::{ProofError, Thumbprint, Wanted};
use crate::identity::refresh::{self, RefreshToken};
use crate::identity::token::{KeyError, Token, TokenError};

/// How long a session may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTimes {
    /// Time without a request after which it ends.
    pub idle: SignedDuration,
    /// Time after which it ends in any case.
    pub whole: SignedDuration,
}

/// What a session is given when it begins, and at each renewal.
#[derive(Debug)]
pub struct Granted {
    /// The access token.
    pub access: Token,
    /// What renews it, once.
    pub refresh: RefreshToken,
    /// Seconds for which the access token is good.
    pub expires_in: i64,
}

/// Why no session began: one sentence.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// There are as many as there may be.
    #[error("there are too many sessions")]
    TooMany,
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No keys, no tokens.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The hub's key did not sign.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// The sessions of the last day. `Debug` says how many.
pub(super) struct Sessions(Mutex<HashMap<String, SessionHeld>>);

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sessions({})", self.known().len())
    }
}

impl Sessions {
    pub(super) fn of(held: Vec<SessionHeld>) -> Self {
        Self(Mutex::new(held.into_iter().map(|one| (one.caller.session.clone(), one)).collect()))
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, SessionHeld>> {
        // Nothing that is done under the lock leaves half a state behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a token of this session is good, which counts as something asked in it.
    pub(super) fn admit(&self, session: &str, now: Timestamp) -> bool {
        let mut known = self.known();
        let Some(held) = known.get_mut(session) else { return true };
        held.active_ms = held.active_ms.max(now.as_millisecond());
        !held.has_ended && now.as_millisecond() < held.over_ms
    }

    fn get(&self, session: &str) -> Option<SessionHeld> {
        self.known().get(session).filter(|held| !held.has_ended).cloned()
    }

    fn end(&self, session: &str) {
        if let Some(held) = self.known().get_mut(session) {
            held.has_ended = true;
        }
    }

    /// Room for one more: those that were over a day ago are forgotten.
    fn has_room(&self, now: Timestamp) -> bool {
        let mut known = self.known();
        if known.len() >= limits::SESSIONS {
            let oldest = now.as_millisecond().saturating_sub(24 * 60 * 60 * 1000);
            known.retain(|_, held| held.over_ms >= oldest);
        }
        known.len() < limits::SESSIONS
    }

    fn begin(&self, held: SessionHeld) {
        self.known().insert(held.caller.session.clone(), held);
    }
}

impl Hub {
    /// Begins a session of somebody who was proven otherwise, with the key that their viewer holds. The caller's
    /// session is the new one's, whatever it was.
    ///
    /// # Errors
    /// There is none.
    pub async fn begin_session(
        &self,
        caller: Caller,
        key: &Thumbprint,
        times: SessionTimes,
    ) -> Result<Granted, SessionError> {
        let begun = self.new_session(caller, key, times)?;
        self.store().begin_session(begun.clone()).await?;
        self.begun(begun)
    }

    /// The same from a thread that may block.
    ///
    /// # Errors
    /// The same.
    pub fn begin_session_blocking(
        &self,
        caller: Caller,
        key: &Thumbprint,
        times: SessionTimes,
    ) -> Result<Granted, SessionError> {
        let begun = self.new_session(caller, key, times)?;
        self.store().begin_session_blocking(begun.clone())?;
        self.begun(begun)
    }

    fn new_session(
        &self,
        caller: Caller,
        key: &Thumbprint,
        times: SessionTimes,
    ) -> Result<SessionBegun, SessionError> {
        if !self.sessions().has_room(self.clock().now()) {
            return Err(SessionError::TooMany);
        }
        let session = uuid::Uuid::new_v4().simple().to_string();
        let (chain, first) = (refresh::chain()?.to_vec(), RefreshToken::first(&session)?);
        let caller = Caller { session, ..caller };
        Ok(SessionBegun { caller, key: key.clone(), chain, first, idle: times.idle, whole: times.whole })
    }

    fn begun(&self, begun: SessionBegun) -> Result<Granted, SessionError> {
        let now = self.clock().now();
        let whole = i64::try_from(begun.whole.as_millis()).unwrap_or(i64::MAX);
        let held = SessionHeld {
            caller: begun.caller,
            key: begun.key,
            over_ms: now.as_millisecond().saturating_add(whole),
            active_ms: now.as_millisecond(),
            has_ended: false,
        };
        let (access, expires_in) = self.access_token(&held, now)?;
        self.sessions().begin(held);
        Ok(Granted { access, refresh: begun.first, expires_in })
    }

    /// An access token, and the seconds for which it is good: never longer than the session.
    fn access_token(&self, held: &SessionHeld, now: Timestamp) -> Result<(Token, i64), TokenError> {
        let left = held.over_ms.saturating_sub(now.as_millisecond()) / 1000;
        let seconds = i64::try_from(limits::ACCESS_TOKEN.as_secs()).unwrap_or(0).min(left.max(0));
        let token = self.minter().mint(&held.caller, &held.key, now, SignedDuration::from_secs(seconds))?;
        Ok((token, seconds))
    }
}

/// What was asked at one of the two addresses.
struct Asking {
    parts: Parts,
    form: Vec<(String, String)>,
}

/// A refusal in the words of RFC 6749 (5.2) and RFC 9449.
enum Refused {
    Api(ApiError),
    OAuth(&'static str, &'static str),
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Api(error.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Api(error) => error.into_response(),
            Self::OAuth(error, words) => {
                let body = json!({ "error": error, "error_description": words });
                respond::json(StatusCode::BAD_REQUEST, &body)
            }
        }
    }
}

const INVALID_REQUEST: Refused =
    Refused::OAuth("invalid_request", "The body must be a form with the documented parameters, each once");
const INVALID_GRANT: Refused =
    Refused::OAuth("invalid_grant", "The session has ended, or is not known here: sign in again");

/// `POST /token`: the next tokens of a session.
pub(super) async fn token(State(hub): State<Hub>, request: Request) -> Response {
    match renewed(&hub, request).await {
        Ok(response) => response,
        Err(refused) => refused.into_response(),
    }
}

async fn renewed(hub: &Hub, request: Request) -> Result<Response, Refused> {
    let Asking { parts, form } = asking(hub, request).await?;
    match one(&form, "grant_type").ok_or(INVALID_REQUEST)? {
        "refresh_token" => {}
        _ => {
            return Err(Refused::OAuth("unsupported_grant_type", "Only grant_type refresh_token is served"));
        }
    }
    let shown = one(&form, "refresh_token").ok_or(INVALID_REQUEST)?;
    let (token, held) = known(hub, shown).ok_or_else(|| nobody(hub, "/token"))?;
    let key = proved(hub, &parts)?;
    rated(hub, &held.caller).await?;
    let again = SignedDuration::try_from(limits::REFRESH_AGAIN).unwrap_or(SignedDuration::ZERO);
    let ask = RenewAsk { token, key, active_ms: held.active_ms, again };
    let (to_end, session) = (hub.clone(), held.caller.session.clone());
    let renewed = to_its_end(async move {
        let renewed = to_end.store().renew_session(ask).await?.into_value();
        if let Renewed::Ended(by) = &renewed {
            to_end.sessions().end(&session);
            tracing::warn!(by = by.word(), "a session has ended at its renewal");
        }
        Ok(renewed)
    });
    match renewed.await? {
        Renewed::Goes(refresh) => {
            let now = hub.clock().now();
            hub.sessions().admit(&held.caller.session, now);
            let (access, expires_in) =
                hub.access_token(&held, now).map_err(|_| ApiError::inside("token", "no token"))?;
            Ok(respond::json(
                StatusCode::OK,
                &json!({
                    "access_token": access.secret(),
                    "token_type": "DPoP",
                    "expires_in": expires_in,
                    "refresh_token": refresh.secret().as_str(),
                }),
            ))
        }
        Renewed::Ended(_) | Renewed::Unknown => Err(nobody(hub, "/token")),
    }
}

/// `POST /revoke` (RFC 7009): ends the session of a refresh token. Of one that is not known the answer is the same.
pub(super) async fn revoke(State(hub): State<Hub>, request: Request) -> Response {
    match revoked(&hub, request).await {
        Ok(response) => response,
        Err(refused) => refused.into_response(),
    }
}

async fn revoked(hub: &Hub, request: Request) -> Result<Response, Refused> {
    let Asking { parts, form } = asking(hub, request).await?;
    let shown = one(&form, "token").ok_or(INVALID_REQUEST)?;
    let Some((token, held)) = known(hub, shown) else {
        nobody(hub, "/revoke");
        return Ok(respond::empty(StatusCode::OK));
    };
    proved(hub, &parts)?;
    rated(hub, &held.caller).await?;
    let to_end = hub.clone();
    let ended = to_its_end(async move {
        if to_end.store().end_session(token).await?.into_value() {
            to_end.sessions().end(&held.caller.session);
        }
        Ok(())
    });
    ended.await?;
    Ok(respond::empty(StatusCode::OK))
}

/// Goes on whether or not the caller still waits: what is on disk of a session has to be known here, too.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::spawn(work).await.unwrap_or(Err(StoreError::Closed))
}

/// Reads the form. Of whose session it is comes next, and only then the proof: a stranger causes no signature to be
/// reckoned, and no proof to be remembered.
async fn asking(hub: &Hub, request: Request) -> Result<Asking, Refused> {
    if !hub.store().has_room(false) {
        hub.metrics().shed(Shed::Others);
        return Err(ApiError::BUSY.into());
    }
    let (parts, body) = request.into_parts();
    let is_form = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| {
        let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    });
    // Anybody can send one, and while it arrives they have a place.
    let body = tokio::time::timeout(limits::FORM, own::whole(body, limits::FORM_BYTES));
    let body = body.await.map_err(|_| INVALID_REQUEST)??;
    let text = std::str::from_utf8(&body).map_err(|_| INVALID_REQUEST)?;
    let form = query::pairs(Some(text)).map_err(|_| INVALID_REQUEST)?;
    if is_form { Ok(Asking { parts, form }) } else { Err(INVALID_REQUEST) }
}

/// The key of whoever asks.
fn proved(hub: &Hub, parts: &Parts) -> Result<Thumbprint, Refused> {
    let now = hub.clock().now();
    let wanted = Wanted { method: parts.method.as_str(), path: parts.uri.path(), token: None };
    let proof = proven::proof(&parts.headers).ok_or(ProofError::Missing);
    proof.and_then(|proof| hub.proofs().check(proof, &wanted, now)).map_err(|why| {
        if why == ProofError::Full {
            hub.metrics().shed(Shed::Proofs);
            return ApiError::BUSY.into();
        }
        proven::note(hub, parts.uri.path(), Why::Proof(why));
        match why {
            ProofError::NoNonce => Refused::OAuth(
                "use_dpop_nonce",
                "The proof lacks the nonce of this answer: ask again with it",
            ),
            ProofError::Missing
            | ProofError::NotGenuine
            | ProofError::OtherKey
            | ProofError::OtherRequest
            | ProofError::OtherToken
            | ProofError::NotNow
            | ProofError::Replayed
            | ProofError::Full => Refused::OAuth("invalid_dpop_proof", "No valid proof (DPoP) of a key"),
        }
    })
}

/// Notes that a refresh token was nobody's.
fn nobody(hub: &Hub, path: &str) -> Refused {
    proven::note(hub, path, Why::Refresh);
    INVALID_GRANT
}

/// The value of a parameter that is there once.
fn one<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut values = form.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
    values.next().filter(|_| values.next().is_none())
}

/// The session of a refresh token, as far as it is known without the database: strangers cause no work there.
fn known(hub: &Hub, shown: &str) -> Option<(RefreshToken, SessionHeld)> {
    let token = RefreshToken::parse(shown)?;
    let held = hub.sessions().get(token.session())?;
    Some((token, held))
}

async fn rated(hub: &Hub, caller: &Caller) -> Result<(), ApiError> {
    let Err(wait) = hub.rates().admit(caller, Asked::Other) else { return Ok(()) };
    proven::refuse(hub, caller, Asked::Other).await;
    Err(ApiError::too_often(wait))
}
