//! A code is changed for a session: once, soon, and by whoever asked for it.

use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::asked::Program;
use super::begin::one;
use super::discovery::scopes;
use super::grants::{Grant, Taken};
use super::secrets;
use crate::config::hub::VIEWER;
use crate::domain::Right;
use crate::hub::clients::shown_by;
use crate::hub::error::ApiError;
use crate::hub::proven::{self, Why};
use crate::hub::sessions::{
    INVALID_GRANT, INVALID_REQUEST, Refused, SessionError, no_client, proved, shown_as,
};
use crate::hub::store::{EndedBy, SessionHeld};
use crate::hub::{Hub, respond};
use crate::identity::binding::Binding;
use crate::identity::refresh::RefreshToken;

/// `POST /token` with `grant_type=authorization_code`.
pub(in crate::hub) async fn changed(
    hub: &Hub,
    parts: &Parts,
    form: &[(String, String)],
) -> Result<Response, Refused> {
    let shown = one(form, "code").ok_or(INVALID_REQUEST)?;
    let redirect = one(form, "redirect_uri").ok_or(INVALID_REQUEST)?;
    let verifier = one(form, "code_verifier").ok_or(INVALID_REQUEST)?;
    let client = one(form, "client_id").ok_or(INVALID_REQUEST)?;
    if client != VIEWER && hub.clients().get(client).is_none() {
        return Err(INVALID_REQUEST);
    }
    let demands_fresh = demands_fresh(form)?;
    let code = RefreshToken::parse(shown).ok_or_else(|| unknown(hub))?;
    // Whoever has not the very code causes no signature to be reckoned and no work in the database; and of whoever has it, and
    // not its key, no proof is remembered.
    let key_of = |held: SessionHeld| held.binding.key().cloned();
    let known = hub.signing_in().grants.key(&code).or_else(|| hub.began_with(&code).map(key_of));
    let Some(expected) = known else { return Err(unknown(hub)) };
    let binding = if client == VIEWER {
        Binding::Key(proved(hub, parts, expected.as_ref())?)
    } else {
        shown_by(hub.clients(), parts, client).map_err(|why| no_client(hub, parts, why))?
    };
    let now = hub.clock().now();
    let grant = match hub.signing_in().grants.take(&code, now) {
        Taken::Grant(grant) => *grant,
        Taken::Again => {
            replayed(hub, &code).await?;
            return Err(unknown(hub));
        }
        Taken::Unknown => {
            replayed(hub, &code).await?;
            return Err(unknown(hub));
        }
    };
    let stale = (demands_fresh && !grant.asked.afresh).then_some("code-not-fresh");
    if let Some(why) = fault(&grant, (client, &binding), redirect, verifier, now).or(stale) {
        hub.store().sign_in_refused(grant.caller, why, grant.origin.device).await?;
        return Err(unknown(hub));
    }
    begun(hub, grant, &binding).await
}

/// Whether the viewer demands that the provider asked again who it is. The browser's address asked for it, too, and whoever
/// sits at the browser can take it out there.
fn demands_fresh(form: &[(String, String)]) -> Result<bool, Refused> {
    if form.iter().all(|(name, _)| name != "prompt") {
        return Ok(false);
    }
    if one(form, "prompt") == Some("login") { Ok(true) } else { Err(INVALID_REQUEST) }
}

/// What is wrong with whoever shows a code: it is used up all the same.
fn fault(
    grant: &Grant,
    (client, binding): (&str, &Binding),
    redirect: &str,
    verifier: &str,
    now: Timestamp,
) -> Option<&'static str> {
    let other = match (&grant.asked.program, binding) {
        (Program::Viewer { key, .. }, Binding::Key(shown)) => (key != shown).then_some("code-other-key"),
        // With which of its certificates it asked nobody knows: a browser did.
        (Program::Registered(id), Binding::Certificate(_)) => (id != client).then_some("code-other-client"),
        (Program::Viewer { .. }, Binding::Certificate(_)) | (Program::Registered(_), Binding::Key(_)) => {
            Some("code-other-client")
        }
    };
    if other.is_some() {
        other
    } else if redirect != grant.asked.redirect {
        Some("code-other-address")
    } else if !secrets::same(&secrets::challenge(verifier), &grant.asked.challenge) {
        Some("code-other-verifier")
    } else if now > grant.until {
        Some("code-late")
    } else {
        None
    }
}

async fn begun(hub: &Hub, grant: Grant, binding: &Binding) -> Result<Response, Refused> {
    let Grant { asked, caller, times, since, origin, .. } = grant;
    let session = caller.session.clone();
    let rights = hub.rights().of(&caller);
    let scope = scopes(&rights);
    let shown = json!({
        "id": caller.user,
        "name": caller.name,
        "role": caller.role,
        "organisation": caller.organisation,
        "organisation_code": caller.organisation_code,
        "activities": caller.activities.iter().map(|activity| activity.code()).collect::<Vec<_>>(),
        "rights": rights.into_iter().map(Right::word).collect::<Vec<_>>(),
    });
    let Some(whole) = left(times.whole, since, hub.clock().now()) else {
        hub.store().sign_in_refused(caller, "auth-time", origin.device).await?;
        return Err(unknown(hub));
    };
    let left = crate::hub::SessionTimes { whole, ..times };
    let granted = hub.begin_session_of(caller, binding, left, origin).await.map_err(|error| match error {
        SessionError::Store(error) => Refused::from(error),
        SessionError::TooMany => ApiError::BUSY.into(),
        SessionError::Key(_) | SessionError::Token(_) => ApiError::inside("token", "no token").into(),
    })?;
    // Meanwhile the code was shown again, or the person has signed out at the provider.
    if let Some(by) = hub.signing_in().grants.spoilt(&session) {
        hub.end_session(&session, by).await?;
        return Err(unknown(hub));
    }
    Ok(respond::json(
        StatusCode::OK,
        &json!({
            "access_token": granted.access.secret(),
            "token_type": shown_as(binding),
            "expires_in": granted.expires_in,
            "refresh_token": granted.refresh.secret().as_str(),
            "scope": scope,
            "session_expires_in": whole.as_secs(),
            "idle_expires_in": times.idle.as_secs(),
            "fresh": asked.afresh,
            "person": shown,
        }),
    ))
}

/// What is left of their time, which counts from when they showed who they are, not from when they came here.
fn left(whole: SignedDuration, since: Timestamp, now: Timestamp) -> Option<SignedDuration> {
    let gone = now.duration_since(since).max(SignedDuration::ZERO);
    Some(whole.saturating_sub(gone)).filter(|left| left.as_secs() > 0)
}

/// Ends the session that began with a code that is shown again: somebody has a copy of it.
async fn replayed(hub: &Hub, code: &RefreshToken) -> Result<(), Refused> {
    if hub.began_with(code).is_some() {
        tracing::warn!("a session has ended because its code was shown again");
        hub.end_session(code.session(), EndedBy::CodeReplayed).await?;
    }
    Ok(())
}

fn unknown(hub: &Hub) -> Refused {
    proven::note(hub, "/token", Why::SignIn("code"));
    INVALID_GRANT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_whose_time_is_up_before_it_begins_does_not_begin() {
        let (hour, at) = (SignedDuration::from_hours(1), |second| Timestamp::from_second(second).unwrap());
        assert_eq!(left(hour, at(0), at(3599)), Some(SignedDuration::from_secs(1)));
        assert_eq!((left(hour, at(0), at(3600)), left(hour, at(0), at(9999))), (None, None));
        assert_eq!(left(hour, at(60), at(0)), Some(hour), "two machines' clocks");
    }
}
