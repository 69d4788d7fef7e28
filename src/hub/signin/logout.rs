//! Signing out: at the provider, which tells the hub (back channel), and at the hub, which sends the browser to the provider.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::begin::{one, stray};
use super::{pages, see_other};
use crate::hub::error::ApiError;
use crate::hub::proven::{self, Why};
use crate::hub::provider::LogoutRefused;
use crate::hub::sessions::{note_too_long, to_its_end};
use crate::hub::store::{EndedBy, EndedThere};
use crate::hub::{Hub, limits, own, query, respond};

/// `POST /backchannel-logout`: the provider says that somebody's session there has ended.
pub(in crate::hub) async fn backchannel(State(hub): State<Hub>, request: Request) -> Response {
    const PATH: &str = "/backchannel-logout";
    let body = tokio::time::timeout(limits::FORM, own::whole(request.into_body(), limits::LOGOUT_BYTES));
    let body = match body.await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) => {
            note_too_long(&hub, PATH, &error);
            return error.into_response();
        }
        Err(_) => return ApiError::TIMED_OUT.into_response(),
    };
    let form = std::str::from_utf8(&body).ok();
    let form = form.and_then(|form| query::pairs_within(Some(form), limits::LOGOUT_BYTES).ok());
    let form = form.unwrap_or_default();
    let Some(provider) = &hub.signing_in().provider else { return refused() };
    let Some(token) = one(&form, "logout_token") else { return refused() };
    let (seen, now) = (&hub.signing_in().logouts, hub.clock().now());
    let logout = match provider.logout(token, seen, now).await {
        Ok(logout) => logout,
        Err(LogoutRefused::Down) => return ApiError::BUSY.into_response(),
        Err(LogoutRefused::Token(why)) => {
            proven::note(&hub, PATH, Why::SignIn(why));
            return refused();
        }
    };
    let besides = hub.signing_in().grants.end(&logout, now);
    let leeway = limits::PROVIDER_LEEWAY.as_secs().cast_signed();
    let there = EndedThere {
        provider: provider.settings().issuer.clone(),
        subject: logout.subject.clone(),
        session: logout.session.clone(),
        until_ms: logout.made.saturating_add(leeway).saturating_mul(1000),
        besides,
    };
    // At once, whatever the disk does; what could not be written is tried until it is.
    let known = hub.sessions().end_there(&there);
    let to_end = hub.clone();
    let ended = to_its_end(async move {
        let mut ended = to_end.store().end_at_provider(there).await?.into_value();
        for session in &ended {
            to_end.sessions().end(session, EndedBy::Provider);
        }
        for session in known {
            to_end.sessions().written(&session);
            if !ended.contains(&session) {
                ended.push(session);
            }
        }
        // Only now: what could not be written, the provider has to be able to say again.
        to_end.signing_in().logouts.remember(&logout, now);
        Ok(ended.len())
    });
    match ended.await {
        Ok(0) => {
            tracing::warn!("the provider has ended a session, and none here is of it");
            respond::empty(StatusCode::OK)
        }
        Ok(sessions) => {
            tracing::info!(sessions, "the provider has ended sessions");
            respond::empty(StatusCode::OK)
        }
        Err(error) => ApiError::from(error).into_response(),
    }
}

fn refused() -> Response {
    let body = json!({ "error": "invalid_request", "error_description": "No logout token that is good here and now" });
    respond::json(StatusCode::BAD_REQUEST, &body)
}

/// `GET /sign-out`: on to the provider, with a ticket that the hub gave at `/revoke`.
pub(in crate::hub) async fn sign_out(State(hub): State<Hub>, request: Request) -> Response {
    let pairs = query::pairs_within(request.uri().query(), limits::TICKET_CHARACTERS).unwrap_or_default();
    let address =
        one(&pairs, "ticket").and_then(|ticket| hub.signing_in().grants.redeem(ticket, hub.clock().now()));
    match address {
        Some(address) => see_other(&address),
        None => stray(
            &hub,
            "/sign-out",
            "sign-out-ticket",
            "You are signed out here. To sign out at your organisation's sign-in page too, go there, or take out your smartcard.",
        ),
    }
}

/// `GET /signed-out`: the browser comes back from there.
pub(in crate::hub) async fn signed_out() -> Response {
    pages::done("You are signed out", "You can close this page.")
}

impl Hub {
    /// Where the browser goes to end a session at the provider, too: an address of the hub's, since the one there names the
    /// person and would be seen by every user of a shared computer.
    pub(in crate::hub) async fn end_session_address(&self, id_token: &str) -> Option<String> {
        let provider = self.signing_in().provider.as_ref()?;
        let now = self.clock().now();
        let after = format!("{}/signed-out", self.issuer());
        let address = provider.end_session(id_token, &after, now).await?;
        let ticket = self.signing_in().grants.ticket(address, now)?;
        Some(format!("{}/sign-out?ticket={ticket}", self.issuer()))
    }
}
