//! Sessions that the hub began: how they are renewed (`/token`) and ended (`/revoke`), and that no token of one that
//! has ended is good.
//!
//! What ends a session is on disk before anybody is told, and known here from then on: each request looks. Tokens of
//! sessions that others began are good until they expire.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::error::ApiError;
use super::proven;
use super::rates::Asked;
use super::store::{Origin, RenewAsk, Renewed, SessionBegun, SessionHeld, StoreError};
use super::{Hub, limits, respond, signin};
use crate::domain::Caller;
use crate::identity::dpop::Thumbprint;
use crate::identity::refresh::{self, RefreshToken};
use crate::identity::token::{KeyError, Token, TokenError};

mod asking;

use asking::{Asking, asking, nobody, one};
pub(super) use asking::{INVALID_GRANT, INVALID_REQUEST, Refused, proved, to_its_end};

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
        let session = uuid::Uuid::new_v4().simple().to_string();
        let begun = self.new_session(Caller { session, ..caller }, key, times, None)?;
        self.store().begin_session(begun.clone()).await?;
        self.begun(begun)
    }

    /// The same of somebody who signed in at the provider. The caller's session is the new one's id.
    pub(super) async fn begin_session_of(
        &self,
        caller: Caller,
        key: &Thumbprint,
        times: SessionTimes,
        origin: Origin,
    ) -> Result<Granted, SessionError> {
        let begun = self.new_session(caller, key, times, Some(origin))?;
        let to_begin = self.clone();
        to_its_end(async move {
            to_begin.store().begin_session(begun.clone()).await?;
            Ok(to_begin.begun(begun))
        })
        .await?
    }

    pub(super) fn has_session(&self, session: &str) -> bool {
        self.sessions().get(session).is_some()
    }

    pub(super) fn session_has_ended(&self, session: &str) {
        self.sessions().end(session);
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
        let session = uuid::Uuid::new_v4().simple().to_string();
        let begun = self.new_session(Caller { session, ..caller }, key, times, None)?;
        self.store().begin_session_blocking(begun.clone())?;
        self.begun(begun)
    }

    fn new_session(
        &self,
        caller: Caller,
        key: &Thumbprint,
        times: SessionTimes,
        origin: Option<Origin>,
    ) -> Result<SessionBegun, SessionError> {
        if !self.sessions().has_room(self.clock().now()) {
            return Err(SessionError::TooMany);
        }
        let (chain, first) = (refresh::chain()?.to_vec(), RefreshToken::first(&caller.session)?);
        let SessionTimes { idle, whole } = times;
        Ok(SessionBegun { caller, key: key.clone(), chain, first, idle, whole, origin })
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
        "authorization_code" => return signin::changed(hub, &parts, &form).await,
        _ => {
            let words = "Only grant_type authorization_code and refresh_token are served";
            return Err(Refused::OAuth("unsupported_grant_type", words));
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
        return Ok(respond::json(StatusCode::OK, &json!({})));
    };
    proved(hub, &parts)?;
    rated(hub, &held.caller).await?;
    let to_end = hub.clone();
    let ended = to_its_end(async move {
        let ended = to_end.store().end_session(token).await?.into_value();
        if ended.is_some() {
            to_end.sessions().end(&held.caller.session);
        }
        Ok(ended.flatten())
    });
    // Where they signed in they may be signed in still: the viewer can open the address that ends that, too.
    let address = match ended.await? {
        // Whoever signs out does not wait for a provider that is slow.
        Some(named) => tokio::time::timeout(limits::PROVIDER_CONNECT, hub.end_session_address(&named)).await,
        None => Ok(None),
    };
    let told = match address.ok().flatten() {
        Some(address) => json!({ "end_session": address }),
        None => json!({}),
    };
    Ok(respond::json(StatusCode::OK, &told))
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
