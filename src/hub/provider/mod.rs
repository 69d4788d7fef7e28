//! The organisation's provider, of which the hub is a confidential client: what it offers, its keys, and what it says of
//! whoever has signed in there.
//!
//! Nothing is asked before somebody signs in; what it offers and its keys are kept, and asked for anew at most so often.
//! Nothing that it says is believed before its signature, its issuer, its audience and its time are looked at.

mod age;
mod exchange;
#[cfg(any(all(test, feature = "demo"), feature = "fuzzing"))]
pub(in crate::hub) mod fuzzing;
mod http;
mod logout;
mod person;
mod proof;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::jwk::JwkSet;
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
    CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode,
    CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::url::Url;
use openidconnect::{AdditionalProviderMetadata, IssuerUrl, JsonWebKeySet, ProviderMetadata};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::limits;
use super::seldom::Seldom;
use crate::config::hub::ProviderSettings;
use http::Http;
use proof::Proof;

pub(super) use exchange::{Asking, Proven, Refused};
pub(super) use logout::{Logout, LogoutRefused, LogoutTokens};
pub(super) use person::{Person, Role};

/// Why the provider's settings cannot be used: one sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The key or secret with which the hub proves itself there.
    #[error("the hub cannot prove itself at the provider: {0}")]
    Proof(&'static str),
    /// The authorities of its certificate.
    #[error("the provider's authorities cannot be used: {0}")]
    Ca(&'static str),
}

/// Whether the hub can prove itself at the provider of these settings, and knows whom to trust there. Nobody is asked.
///
/// # Errors
/// One sentence that says what cannot be used.
pub fn provider_is_usable(settings: &ProviderSettings) -> Result<(), ProviderError> {
    Provider::new(settings).map(|_| ())
}

/// What the hub looks at beyond what the library reads.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Offered {
    end_session_endpoint: Option<Url>,
    code_challenge_methods_supported: Option<Vec<String>>,
    authorization_response_iss_parameter_supported: Option<bool>,
}

impl AdditionalProviderMetadata for Offered {}

type Metadata = ProviderMetadata<
    Offered,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// What it offers, and its keys, as they were at one moment.
#[derive(Debug)]
struct Known {
    metadata: Metadata,
    keys: CoreJsonWebKeySet,
    /// The same keys, as logout tokens are looked at.
    logout_keys: JwkSet,
}

impl Known {
    fn new(metadata: Metadata, keys: CoreJsonWebKeySet) -> Self {
        // One that cannot be read so signs no logout token.
        let mut logout_keys = JwkSet { keys: Vec::new() };
        for key in keys.keys() {
            let read = serde_json::to_value(key).ok().and_then(|key| serde_json::from_value(key).ok());
            logout_keys.keys.extend(read);
        }
        Self { metadata, keys, logout_keys }
    }
}

#[derive(Debug, Default)]
struct Learnt {
    known: Option<Arc<Known>>,
    /// When it was asked last what it offers, whether or not it answered.
    asked: Option<Timestamp>,
    /// When it said last what it offers, or its keys.
    said: Option<Timestamp>,
    /// When its keys were asked for last, for whoever signs in, and for logout tokens, which anybody can make up.
    keys_asked: [Option<Timestamp>; 2],
}

/// For whom its keys are asked for anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    /// The provider itself gave the token.
    SignIn,
    /// Anybody may have.
    Logout,
}

impl Learnt {
    /// What is known and still believed: it does not answer, and its keys may have been given up since.
    fn believed(&self, now: Timestamp) -> Option<Arc<Known>> {
        let is_lately = since(self.said, now).is_some_and(|since| since < limits::PROVIDER_BELIEVED);
        self.known.clone().filter(|_| is_lately)
    }

    /// Whether its keys can be asked for; notes that they are.
    fn may_ask_keys(&mut self, whom: For, now: Timestamp) -> bool {
        let [sign_in, logout] = &mut self.keys_asked;
        let (asked, pause) = match whom {
            For::SignIn => (sign_in, limits::PROVIDER_AGAIN),
            For::Logout => (logout, limits::PROVIDER_KEYS_AGAIN),
        };
        if since(*asked, now).is_some_and(|since| since < pause) {
            return false;
        }
        *asked = Some(now);
        true
    }
}

fn since(at: Option<Timestamp>, now: Timestamp) -> Option<Duration> {
    at.map(|at| now.duration_since(at).unsigned_abs())
}

/// It cannot be asked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Down;

/// The provider.
#[derive(Debug)]
pub(super) struct Provider {
    settings: ProviderSettings,
    /// For codes and people: strangers can cause these questions.
    http: Http,
    /// For what it offers and its keys.
    http_known: Http,
    proof: Proof,
    learnt: Mutex<Learnt>,
    /// Lines about answers that did not come, or were no good.
    unanswered: Seldom,
}

impl Provider {
    /// Reads what the hub proves itself with. Nobody is asked.
    pub(super) fn new(settings: &ProviderSettings) -> Result<Self, ProviderError> {
        let http = Http::new(&settings.issuer, settings.ca.as_deref())?;
        Ok(Self {
            http_known: http.besides(),
            http,
            proof: Proof::read(&settings.proof)?,
            settings: settings.clone(),
            learnt: Mutex::default(),
            unanswered: Seldom::default(),
        })
    }

    pub(super) fn settings(&self) -> &ProviderSettings {
        &self.settings
    }

    /// What it offers: as it is known, or asked for now.
    async fn known(&self, now: Timestamp) -> Result<Arc<Known>, Down> {
        let mut learnt = self.learnt.lock().await;
        if let Some(known) = &learnt.known
            && since(learnt.said, now).is_some_and(|since| since < limits::PROVIDER_KEPT)
        {
            return Ok(known.clone());
        }
        if since(learnt.asked, now).is_some_and(|since| since < limits::PROVIDER_AGAIN) {
            return learnt.believed(now).ok_or(Down);
        }
        learnt.asked = Some(now);
        match self.discover().await {
            Some(known) => {
                learnt.said = Some(now);
                let known = Arc::new(known);
                learnt.known = Some(known.clone());
                Ok(known)
            }
            // What it offered before it went is likelier than nothing.
            None => learnt.believed(now).ok_or(Down),
        }
    }

    async fn discover(&self) -> Option<Known> {
        let issuer = IssuerUrl::new(self.settings.issuer.clone()).ok()?;
        match Metadata::discover_async(issuer, &self.http_known).await {
            Ok(metadata) => {
                let keys = metadata.jwks().clone();
                Some(Known::new(metadata, keys))
            }
            Err(error) => {
                tracing::warn!(reason = reason(&error), "the provider does not say what it offers");
                None
            }
        }
    }

    /// Its keys, asked for anew because something is signed with one that is not known, or not with the one that is;
    /// `None` where they were asked for a moment ago: whoever sends made-up tokens does not make the hub ask, and keeps
    /// nobody from signing in.
    async fn keys_again(&self, whom: For, now: Timestamp) -> Option<Arc<Known>> {
        let mut learnt = self.learnt.lock().await;
        let known = learnt.known.clone()?;
        if !learnt.may_ask_keys(whom, now) {
            return None;
        }
        let keys = match JsonWebKeySet::fetch_async(known.metadata.jwks_uri(), &self.http_known).await {
            Ok(keys) => keys,
            Err(error) => {
                tracing::warn!(reason = reason(&error), "the provider's keys cannot be read");
                return None;
            }
        };
        learnt.said = Some(now);
        let known = Arc::new(Known::new(known.metadata.clone(), keys));
        learnt.known = Some(known.clone());
        Some(known)
    }

    /// Where the browser goes to end the session there, too; `None` where the provider has no such address.
    pub(super) async fn end_session(&self, id_token: &str, after: &str, now: Timestamp) -> Option<String> {
        let known = self.known(now).await.ok()?;
        let mut url = known.metadata.additional_metadata().end_session_endpoint.clone()?;
        if !self.http.may_ask(url.as_str()) {
            return None;
        }
        url.query_pairs_mut()
            .append_pair("id_token_hint", id_token)
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("post_logout_redirect_uri", after);
        Some(url.into())
    }
}

/// What went wrong in discovery, in fixed words: nothing that the provider sent goes into the log.
fn reason(error: &openidconnect::DiscoveryError<http::Unanswered>) -> String {
    use openidconnect::DiscoveryError as E;
    match error {
        E::Request(unanswered) => unanswered.to_string(),
        E::Parse(_) => "its answer cannot be read".to_owned(),
        E::Response(status, ..) => format!("it answers {}", status.as_u16()),
        E::UrlParse(_) => "its issuer is no URL".to_owned(),
        E::Validation(_) => "it calls itself by another issuer".to_owned(),
        E::Other(_) | _ => "its answer cannot be used".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn made_up_logout_tokens_keep_nobody_from_signing_in_with_a_new_key() {
        let mut learnt = Learnt::default();
        assert!(learnt.may_ask_keys(For::Logout, at(0)) && !learnt.may_ask_keys(For::Logout, at(59)));
        assert!(learnt.may_ask_keys(For::SignIn, at(1)), "it has a turn of its own");
        assert!(!learnt.may_ask_keys(For::SignIn, at(5)));
        assert!(learnt.may_ask_keys(For::SignIn, at(6)), "after seconds, not after a minute");
        assert!(learnt.may_ask_keys(For::Logout, at(60)));
    }
}
