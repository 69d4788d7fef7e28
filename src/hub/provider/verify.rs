//! Whether an id token is genuine, for the hub, and of now.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use openidconnect::core::{CoreIdToken, CoreIdTokenClaims, CoreIdTokenVerifier, CoreJwsSigningAlgorithm};
use openidconnect::{ClaimsVerificationError, ClientId, Nonce, SignatureVerificationError};
use serde_json::Value;

use super::http;
use super::person::Claims;
use super::{Known, Provider};
use crate::hub::limits;

/// What is signed with anything else is refused: no key of the provider's may be taken for a secret.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 7] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
];

impl Provider {
    pub(super) fn verify(
        &self,
        known: &Known,
        token: &CoreIdToken,
        nonce: &str,
        now: Timestamp,
    ) -> Result<CoreIdTokenClaims, Fault> {
        let late = limits::PROVIDER_LEEWAY.as_secs().cast_signed();
        // As a text, which the library's calendar reads.
        let last = now.checked_sub(limits::PROVIDER_LEEWAY).unwrap_or(now).to_string();
        let now = now.as_second();
        let oldest = now.saturating_sub(limits::ID_TOKEN_AGE.as_secs().cast_signed());
        // As a public client's: with no secret at hand, nothing is taken that is signed with one.
        let verifier = CoreIdTokenVerifier::new_public_client(
            ClientId::new(self.settings.client_id.clone()),
            known.metadata.issuer().clone(),
            known.keys.clone(),
        )
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || last.parse().unwrap_or_default())
        .set_issue_time_verifier_fn(move |issued| {
            let issued = issued.timestamp();
            let fits = issued <= now.saturating_add(late) && issued >= oldest;
            fits.then_some(()).ok_or_else(|| "not issued now".to_owned())
        });
        token.claims(&verifier, &Nonce::new(nonce.to_owned())).cloned().map_err(Fault::from)
    }

    /// What the library leaves to its user.
    pub(super) fn check_payload(&self, said: &Claims, now: Timestamp) -> Result<(), &'static str> {
        let late = limits::PROVIDER_LEEWAY.as_secs().cast_signed();
        let (ahead, behind) = (now.as_second().saturating_add(late), now.as_second().saturating_sub(late));
        let is_begun = match said.get("nbf") {
            None => true,
            Some(from) => from.as_i64().is_some_and(|from| from <= ahead),
        };
        // The library has looked at this too, in its own calendar.
        let has_ended = said.get("exp").and_then(Value::as_f64).is_none_or(|until| until <= seconds(behind));
        if !is_begun || has_ended {
            return Err(Fault::NotNow.word());
        }
        let is_ours = said.get("azp").is_none_or(|azp| *azp == *self.settings.client_id);
        if is_ours { Ok(()) } else { Err(Fault::OtherAudience.word()) }
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds of this century")]
fn seconds(second: i64) -> f64 {
    second as f64
}

/// The claims of a token that was verified; `None` where a name stands twice.
pub(super) fn payload(token: &str) -> Option<Claims> {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    if http::says_twice(&bytes) {
        return None;
    }
    serde_json::from_slice(&bytes).ok()
}

/// What is wrong with an id token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    NotGenuine,
    UnknownKey,
    OtherIssuer,
    OtherAudience,
    NotNow,
    OtherNonce,
    Unreadable,
}

impl Fault {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::NotGenuine => "id-token-not-genuine",
            Self::UnknownKey => "id-token-unknown-key",
            Self::OtherIssuer => "id-token-other-issuer",
            Self::OtherAudience => "id-token-other-audience",
            Self::NotNow => "id-token-not-now",
            Self::OtherNonce => "id-token-other-nonce",
            Self::Unreadable => "id-token-unreadable",
        }
    }
}

impl From<ClaimsVerificationError> for Fault {
    fn from(error: ClaimsVerificationError) -> Self {
        match error {
            ClaimsVerificationError::Expired(_) => Self::NotNow,
            ClaimsVerificationError::InvalidAudience(_) => Self::OtherAudience,
            ClaimsVerificationError::InvalidIssuer(_) => Self::OtherIssuer,
            ClaimsVerificationError::InvalidNonce(_) => Self::OtherNonce,
            ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey) => {
                Self::UnknownKey
            }
            ClaimsVerificationError::SignatureVerification(_) => Self::NotGenuine,
            ClaimsVerificationError::InvalidAuthContext(_)
            | ClaimsVerificationError::InvalidAuthTime(_)
            | ClaimsVerificationError::InvalidSubject(_)
            | ClaimsVerificationError::Other(_)
            | ClaimsVerificationError::Unsupported(_)
            | _ => Self::Unreadable,
        }
    }
}
