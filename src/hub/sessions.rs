//! Sessions that the hub began: how they are renewed (`/token`) and ended (`/revoke`), and that no token of one that
//! has ended is good.
//!
//! What ends a session ends it here first, whatever the disk does: each request looks. It is on disk before whoever ended it
//! is told, and where it cannot be written that is tried until it is. Tokens of sessions that this hub's database does not
//! know are nobody's.

mod asking;
mod keep;
mod known;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::error::ApiError;
use super::proven;
use super::rates::Asked;
use super::store::{EndedBy, Origin, RenewAsk, Renewed, SessionBegun, SessionHeld, Standing, StoreError};
use super::{Hub, limits, respond, signin};
use crate::domain::Caller;
use crate::identity::binding::Binding;
use crate::identity::dpop::Thumbprint;
use crate::identity::refresh::{self, RefreshToken};
use crate::identity::token::{KeyError, Token, TokenError};

use asking::{Asking, asking, bound, nobody, one};
pub(super) use asking::{
    INVALID_GRANT, INVALID_REQUEST, Refused, no_client, note_too_long, proved, shown_as, to_its_end,
};
pub(super) use keep::keep;
pub(super) use known::{Admitted, Listening, Sessions, Sign};

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
        let begun = self.new_session(Caller { session, ..caller }, &key.into(), times, None)?;
        self.store().begin_session(begun.clone()).await?;
        self.begun(begun)
    }

    /// The same of somebody who signed in at the provider. The caller's session is the new one's id.
    pub(super) async fn begin_session_of(
        &self,
        caller: Caller,
        binding: &Binding,
        times: SessionTimes,
        origin: Origin,
    ) -> Result<Granted, SessionError> {
        let begun = self.new_session(caller, binding, times, Some(origin))?;
        let to_begin = self.clone();
        to_its_end(async move {
            to_begin.store().begin_session(begun.clone()).await?;
            Ok(to_begin.begun(begun))
        })
        .await?
    }

    /// The session that goes on and that this very code began.
    pub(super) fn began_with(&self, code: &RefreshToken) -> Option<SessionHeld> {
        let held = self.sessions().get(code.session())?;
        let is_its = held.origin.as_ref().is_some_and(|origin| origin.code == code.hash());
        is_its.then_some(held)
    }

    fn new_session(
        &self,
        caller: Caller,
        binding: &Binding,
        times: SessionTimes,
        origin: Option<Origin>,
    ) -> Result<SessionBegun, SessionError> {
        if !self.sessions().has_room(self.clock().carried_on()) {
            return Err(SessionError::TooMany);
        }
        let (chain, first) = (refresh::chain()?.to_vec(), RefreshToken::first(&caller.session)?);
        let SessionTimes { idle, whole } = times;
        Ok(SessionBegun { caller, binding: binding.clone(), chain, first, idle, whole, origin })
    }

    fn begun(&self, begun: SessionBegun) -> Result<Granted, SessionError> {
        let (now, carried_on) = (self.clock().now(), self.clock().carried_on());
        let whole = i64::try_from(begun.whole.as_millis()).unwrap_or(i64::MAX);
        let held = SessionHeld {
            caller: begun.caller,
            binding: begun.binding,
            begun_ms: now.as_millisecond(),
            over_ms: carried_on.as_millisecond().saturating_add(whole),
            active_ms: carried_on.as_millisecond(),
            idle_ms: i64::try_from(begun.idle.as_millis()).unwrap_or(i64::MAX),
            current: begun.first.hash(),
            previous: None,
            rotated_ms: carried_on.as_millisecond(),
            origin: begun.origin.as_ref().map(Into::into),
            has_ended: false,
        };
        let (access, expires_in) = self.access_token(&held, now)?;
        self.sessions().begin(held);
        Ok(Granted { access, refresh: begun.first, expires_in })
    }

    /// Ends a session from elsewhere, if it has not ended: at once, and for everybody who has a token of it.
    ///
    /// # Errors
    /// The database refused: it has ended here all the same, and that is tried again until it is written.
    pub async fn end_session(&self, session: &str, by: EndedBy) -> Result<(), StoreError> {
        self.sessions().end(session, by);
        self.write_end(session.to_owned(), by).await
    }

    /// Writes what has ended a session, whether or not its caller waits. What cannot be written is tried again by
    /// whoever looks every second.
    async fn write_end(&self, session: String, by: EndedBy) -> Result<(), StoreError> {
        self.sessions().not_written(session.clone(), by);
        let hub = self.clone();
        to_its_end(async move {
            hub.store().end_session(session.clone(), by).await?;
            hub.sessions().written(&session);
            Ok(())
        })
        .await
    }

    /// The same, without anybody who waits: it has ended here in any case.
    pub(super) fn write_end_soon(&self, session: &str, by: EndedBy) {
        let (hub, session) = (self.clone(), session.to_owned());
        tokio::spawn(async move {
            if hub.write_end(session, by).await.is_err() {
                tracing::warn!(by = by.word(), "the end of a session could not be written");
            }
        });
    }

    /// An access token, and the seconds for which it is good: never longer than the session.
    fn access_token(&self, held: &SessionHeld, now: Timestamp) -> Result<(Token, i64), TokenError> {
        let left = held.over_ms.saturating_sub(self.clock().carried_on().as_millisecond()) / 1000;
        let seconds = i64::try_from(limits::ACCESS_TOKEN.as_secs()).unwrap_or(0).min(left.max(0));
        let token =
            self.minter().mint(&held.caller, &held.binding, now, SignedDuration::from_secs(seconds))?;
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
    let asking = asking(hub, request).await?;
    match one(&asking.form, "grant_type").ok_or(INVALID_REQUEST)? {
        "refresh_token" => renew(hub, &asking).await,
        "authorization_code" => signin::changed(hub, &asking.parts, &asking.form).await,
        _ => {
            let words = "Only grant_type authorization_code and refresh_token are served";
            Err(Refused::OAuth("unsupported_grant_type", words))
        }
    }
}

async fn renew(hub: &Hub, Asking { parts, form }: &Asking) -> Result<Response, Refused> {
    let shown = one(form, "refresh_token").ok_or(INVALID_REQUEST)?;
    let (token, held) = known(hub, shown).ok_or_else(|| nobody(hub, "/token"))?;
    let shown_with = bound(hub, parts, form, &held)?;
    if !is_worth_asking(&token, &held, &shown_with) {
        return Err(nobody(hub, "/token"));
    }
    if shown_with == held.binding {
        rated(hub, &held.caller).await?;
    }
    let again = SignedDuration::try_from(limits::REFRESH_AGAIN).unwrap_or(SignedDuration::ZERO);
    let shown = token.clone();
    let now_ms = hub.clock().carried_on().as_millisecond();
    let again_ms = i64::try_from(again.as_millis()).unwrap_or(i64::MAX);
    if let Some(by) = standing(&held, &shown_with).ends(&shown.hash(), now_ms, again_ms) {
        tracing::warn!(by = by.word(), "a session has ended at its renewal");
        hub.end_session(&held.caller.session, by).await?;
        return Err(nobody(hub, "/token"));
    }
    let ask = RenewAsk {
        token,
        binding: shown_with,
        active_ms: held.active_ms,
        over_ms: held.over_ms,
        now_ms,
        again,
    };
    let (to_end, session) = (hub.clone(), held.caller.session.clone());
    // What the database has taken is known here, too, although the caller has gone meanwhile.
    let renewed = to_its_end(async move {
        let renewed = to_end.store().renew_session(ask).await?.into_value();
        match &renewed {
            Renewed::Goes(refresh) => {
                to_end.sessions().renewed(&shown, refresh, now_ms);
                // The viewer renews for somebody who is at work, and for nobody else.
                let admitted = to_end.sessions().admit(&session, to_end.clock().carried_on(), Sign::AtWork);
                if let Admitted::Ends(by) = admitted {
                    // Its time was up while the disk was waited for.
                    to_end.write_end_soon(&session, by);
                    return Ok(Renewed::Ended(by));
                }
            }
            Renewed::Ended(by) => {
                to_end.sessions().end(&session, *by);
                tracing::warn!(by = by.word(), "a session has ended at its renewal");
            }
            Renewed::Unknown => {}
        }
        Ok(renewed)
    });
    match renewed.await? {
        Renewed::Goes(refresh) => {
            let now = hub.clock().now();
            let (access, expires_in) =
                hub.access_token(&held, now).map_err(|_| ApiError::inside("token", "no token"))?;
            Ok(respond::json(
                StatusCode::OK,
                &json!({
                    "access_token": access.secret(),
                    "token_type": shown_as(&held.binding),
                    "scope": signin::scopes(&hub.rights().of(&held.caller)),
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
        let ends =
            RefreshToken::parse(shown).is_some_and(|token| hub.sessions().is_unwritten(token.session()));
        if ends {
            // It has ended here, and a hub that starts would not know: whoever signs out asks again.
            return Err(ApiError::BUSY.into());
        }
        nobody(hub, "/revoke");
        return Ok(respond::json(StatusCode::OK, &json!({})));
    };
    let shown_with = bound(hub, &parts, &form, &held)?;
    if !is_worth_asking(&token, &held, &shown_with) {
        nobody(hub, "/revoke");
        return Ok(respond::json(StatusCode::OK, &json!({})));
    }
    if shown_with == held.binding {
        rated(hub, &held.caller).await?;
    }
    // Whoever has the key wants to sign out, whichever token they have. Whoever has a copy of the token does not sign its user out elsewhere.
    let by = if shown_with == held.binding { EndedBy::SignedOut } else { EndedBy::OtherKey };
    let (to_end, session) = (hub.clone(), held.caller.session);
    hub.sessions().end(&session, by);
    // Before anything else is waited for: a sign-out that is not on disk yet is not said to be.
    hub.sessions().not_written(session.clone(), by);
    let ended = to_its_end(async move {
        // Before the end is written: nothing of the provider's is kept after it.
        let named = if by == EndedBy::SignedOut {
            to_end.store().id_token(session.clone()).await.ok().flatten()
        } else {
            None
        };
        to_end.write_end(session, by).await?;
        Ok(named)
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

/// Whether the database is asked: whoever has neither what the session is bound to nor one of its tokens causes no work there, and
/// uses up nothing of what its user may ask.
fn is_worth_asking(token: &RefreshToken, held: &SessionHeld, shown_with: &Binding) -> bool {
    let hash = token.hash();
    *shown_with == held.binding || held.current == hash || held.previous.as_ref() == Some(&hash)
}

fn standing<'a>(held: &'a SessionHeld, shown_with: &Binding) -> Standing<'a> {
    Standing {
        has_key: *shown_with == held.binding,
        current: &held.current,
        previous: held.previous.as_deref(),
        rotated_ms: held.rotated_ms,
        active_ms: held.active_ms,
        idle_ms: held.idle_ms,
        over_ms: held.over_ms,
    }
}

async fn rated(hub: &Hub, caller: &Caller) -> Result<(), ApiError> {
    let Err(wait) = hub.rates().admit(caller, Asked::Other) else { return Ok(()) };
    proven::refuse(hub, caller, Asked::Other).await;
    Err(ApiError::too_often(wait))
}
