//! How a session goes on, and ends: the next access token, and signing out.

use reqwest::{Method, StatusCode};
use serde::Deserialize;

use super::{HubClient, errors, transfer};
use crate::domain::Failure;

const FORM: &str = "application/x-www-form-urlencoded";

/// Questions that one renewal may take: one that is cut, one that lacks the nonce, and one that is answered.
const TRIES: usize = 3;

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: String,
    expires_in: i64,
    refresh_token: String,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
}

impl HubClient {
    /// Gets the next access token in place of this one, unless somebody else has got it meanwhile.
    pub(super) async fn renew(&self, stale: &str) -> Result<(), Failure> {
        let _alone = self.prover.renewing.lock().await;
        if self.prover.token().as_str() != stale {
            return Ok(());
        }
        let mut cut = None;
        for _ in 0..TRIES {
            let answered =
                match self.ask_with_refresh("token", "grant_type=refresh_token&refresh_token=").await {
                    // The hub may have given the next tokens to nobody: it gives the same ones again.
                    Err(failure @ (Failure::CutShort | Failure::NoConnection)) if cut.is_none() => {
                        cut = Some(failure);
                        continue;
                    }
                    answered => answered?,
                };
            if answered.status != StatusCode::BAD_REQUEST {
                let granted = errors::check(answered)?;
                let granted: Granted =
                    serde_json::from_slice(&granted.body).map_err(|_| Failure::Unreadable)?;
                if !granted.token_type.eq_ignore_ascii_case("DPoP") {
                    return Err(Failure::Unreadable);
                }
                self.prover.renewed(granted.access_token, granted.refresh_token, granted.expires_in);
                return Ok(());
            }
            let refused: Option<Refused> = serde_json::from_slice(&answered.body).ok();
            match refused.as_ref().map(|refused| refused.error.as_str()) {
                Some("use_dpop_nonce" | "invalid_dpop_proof") => {}
                Some("invalid_grant") => return Err(Failure::SessionEnded),
                Some(_) | None => return Err(Failure::HubFailed),
            }
        }
        Err(cut.unwrap_or(Failure::HubFailed))
    }

    /// Ends the session at the hub: whatever was copied of it is of no use. Who has no connection is signed out all
    /// the same; the hub ends the session in time.
    pub async fn sign_out(&self) {
        let _alone = self.prover.renewing.lock().await;
        let ended = async {
            for _ in 0..TRIES {
                let answered = self.ask_with_refresh("revoke", "token=").await;
                if answered.is_ok_and(|answered| answered.status != StatusCode::BAD_REQUEST) {
                    return;
                }
            }
        };
        // Nobody is told what became of it: there is nothing that they could do.
        let _ = tokio::time::timeout(self.limits.whole, ended).await;
    }

    async fn ask_with_refresh(&self, path: &str, before: &str) -> Result<transfer::Received, Failure> {
        let request = self.http.request(Method::POST, self.address(path, &[])?).header("content-type", FORM);
        let mut request = request.build().map_err(|error| errors::of_transfer(&error))?;
        self.prover.ask_with_refresh(&mut request, before)?;
        self.exchange(request).await
    }
}
