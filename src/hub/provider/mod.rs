//! The organisation's provider, of which the hub is a confidential client: what it offers, its keys, and what it says of
//! whoever has signed in there.
//!
//! Nothing is asked before somebody signs in; what it offers and its keys are kept, and asked for anew at most so often.
//! Nothing that it says is believed before its signature, its issuer, its audience and its time are looked at.

mod age;
mod exchange;
mod http;
mod logout;
mod person;
mod proof;
mod verify;

use std::sync::Arc;

use jiff::Timestamp;
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
}

#[derive(Debug, Default)]
struct Learnt {
    known: Option<Arc<Known>>,
    /// When it was asked last what it offers, whether or not it answered.
    asked: Option<Timestamp>,
    /// When its keys were asked for last.
    keys_asked: Option<Timestamp>,
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
        let since = |at: Option<Timestamp>| at.map(|at| now.duration_since(at).unsigned_abs());
        if let Some(known) = &learnt.known
            && since(learnt.asked).is_some_and(|since| since < limits::PROVIDER_KEPT)
        {
            return Ok(known.clone());
        }
        if since(learnt.asked).is_some_and(|since| since < limits::PROVIDER_AGAIN) {
            return learnt.known.clone().ok_or(Down);
        }
        learnt.asked = Some(now);
        match self.discover().await {
            Some(known) => {
                learnt.keys_asked = Some(now);
                let known = Arc::new(known);
                learnt.known = Some(known.clone());
                Ok(known)
            }
            // What it offered before it went is likelier than nothing.
            None => learnt.known.clone().ok_or(Down),
        }
    }

    async fn discover(&self) -> Option<Known> {
        let issuer = IssuerUrl::new(self.settings.issuer.clone()).ok()?;
        match Metadata::discover_async(issuer, &self.http_known).await {
            Ok(metadata) => {
                let keys = metadata.jwks().clone();
                Some(Known { metadata, keys })
            }
            Err(error) => {
                tracing::warn!(reason = reason(&error), "the provider does not say what it offers");
                None
            }
        }
    }

    /// Its keys, asked for anew because something is signed with one that is not known; `None` where they were asked
    /// for a moment ago: whoever sends made-up tokens does not make the hub ask.
    async fn keys_again(&self, now: Timestamp) -> Option<Arc<Known>> {
        let mut learnt = self.learnt.lock().await;
        let known = learnt.known.clone()?;
        let since = learnt.keys_asked.map(|at| now.duration_since(at).unsigned_abs());
        if since.is_some_and(|since| since < limits::PROVIDER_KEYS_AGAIN) {
            return None;
        }
        learnt.keys_asked = Some(now);
        let keys = match JsonWebKeySet::fetch_async(known.metadata.jwks_uri(), &self.http_known).await {
            Ok(keys) => keys,
            Err(error) => {
                tracing::warn!(reason = reason(&error), "the provider's keys cannot be read");
                return None;
            }
        };
        let known = Arc::new(Known { metadata: known.metadata.clone(), keys });
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
