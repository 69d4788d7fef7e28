//! The token with which a caller proves who they are: a JWT that the hub signs and the hub checks.
//!
//! ES256 and nothing else; issuer and audience are both the hub's own URL, compared letter by letter; the
//! clock is an argument. A token that lacks one of its claims proves nobody: there is no partial caller. Each is
//! bound to a key ([`super::dpop`]) or to a client certificate ([`super::binding`]); whoever shows it without that is nobody either.

use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::binding::Binding;
use super::dpop::Thumbprint;
use super::proved::{self, Proved, ProvedTokens};
use crate::domain::{Activity, Caller, text};

/// Difference between two machines' clocks that is forgiven.
const LEEWAY: SignedDuration = SignedDuration::from_secs(30);

/// Longest time for which a token may be valid.
const LONGEST: SignedDuration = SignedDuration::from_hours(12);

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not the PEM text of a private key in PKCS#8, or not on the curve P-256.
    #[error("this is not a PKCS#8 PEM file with a P-256 private key")]
    NotAKey,
    /// The machine gave no random numbers.
    #[error("no key could be made")]
    NotMade,
}

/// Why a token proves nobody. Carries nothing of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token, of another algorithm, or not signed with this key.
    #[error("the token is not genuine")]
    NotGenuine,
    /// Its time has passed, has not begun, or is longer than a token may live.
    #[error("the token is not valid at this time")]
    NotNow,
    /// A claim is missing, empty, too long, or holds control characters.
    #[error("the token lacks a claim")]
    Incomplete,
    /// It is bound to nothing: whoever copied it could show it.
    #[error("the token is bound to no key and no certificate")]
    Unbound,
}

/// A signed token. `Debug` never shows it; the memory is wiped when it is dropped.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// The text that goes into the `Authorization` header, after `DPoP ` or `Bearer `.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    exp: i64,
    iat: i64,
    jti: String,
    sid: String,
    sub: String,
    name: String,
    role: String,
    role_profile: String,
    org_code: String,
    org: String,
    activities: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    cnf: Option<Confirmation>,
}

/// What a token is bound to (RFC 7800): one of these, never both.
#[derive(Serialize, Deserialize)]
struct Confirmation {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jkt: Option<Thumbprint>,
    #[serde(rename = "x5t#S256", default, skip_serializing_if = "Option::is_none")]
    x5t: Option<Thumbprint>,
}

impl Confirmation {
    fn of(binding: Binding) -> Self {
        match binding {
            Binding::Key(key) => Self { jkt: Some(key), x5t: None },
            Binding::Certificate(certificate) => Self { jkt: None, x5t: Some(certificate) },
        }
    }

    /// A program that is registered has a certificate, and the viewer none: of anything else the hub has made no token.
    fn binding(self, client: Option<&String>) -> Result<Binding, TokenError> {
        match (self.jkt, self.x5t, client) {
            (Some(key), None, None) => Ok(Binding::Key(key)),
            (None, Some(certificate), Some(_)) => Ok(Binding::Certificate(certificate)),
            _ => Err(TokenError::Incomplete),
        }
    }
}

/// A genuine token that was shown: by whom it says, and what has to prove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Who it says is asking; it is them if what it is bound to proves it.
    pub caller: Caller,
    /// What it is bound to.
    pub binding: Binding,
    /// By what a proof names the token.
    pub(super) hash: proved::Hash,
}

/// The hub's key: signs tokens, and proves them.
#[derive(Clone)]
pub struct SigningKey {
    private: EncodingKey,
    public: DecodingKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(hidden)")
    }
}

impl SigningKey {
    /// Reads a PKCS#8 PEM private key.
    ///
    /// # Errors
    /// It is none, or not on P-256.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let private = EncodingKey::from_ec_pem(pem.as_bytes()).map_err(|_| KeyError::NotAKey)?;
        Self::from_private(private)
    }

    /// A fresh key that exists in memory only (the demonstration, tests).
    ///
    /// # Errors
    /// The machine gave no random numbers.
    pub fn generate() -> Result<Self, KeyError> {
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
        let document = EcdsaKeyPair::generate_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &aws_lc_rs::rand::SystemRandom::new(),
        )
        .map_err(|_| KeyError::NotMade)?;
        Self::from_private(EncodingKey::from_ec_der(document.as_ref()))
    }

    fn from_private(private: EncodingKey) -> Result<Self, KeyError> {
        let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&private, Algorithm::ES256)
            .map_err(|_| KeyError::NotAKey)?;
        let public = DecodingKey::from_jwk(&jwk).map_err(|_| KeyError::NotAKey)?;
        let key = Self { private, public };
        key.proves_itself().then_some(key).ok_or(KeyError::NotAKey)
    }

    /// A key of another curve is only noticed when it signs: at the start, not at the first caller.
    fn proves_itself(&self) -> bool {
        let probe =
            jsonwebtoken::encode(&Header::new(Algorithm::ES256), &serde_json::json!({}), &self.private);
        probe.is_ok_and(|token| {
            jsonwebtoken::decode::<serde_json::Value>(&token, &self.public, &validation()).is_ok()
        })
    }
}

/// Only the signature is left to the library: issuer, audience and time are compared here, on the hub's clock.
fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::ES256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

/// Makes tokens.
#[derive(Debug, Clone)]
pub struct Minter {
    key: SigningKey,
    issuer: String,
}

impl Minter {
    /// For the hub at the URL `issuer`.
    #[must_use]
    pub fn new(key: SigningKey, issuer: &str) -> Self {
        Self { key, issuer: issuer.to_owned() }
    }

    /// A token for a person in a role, bound to their viewer's key or their program's certificate, valid from `now` for
    /// `lifetime`.
    ///
    /// # Errors
    /// The key does not sign.
    pub fn mint(
        &self,
        caller: &Caller,
        binding: impl Into<Binding>,
        now: Timestamp,
        lifetime: SignedDuration,
    ) -> Result<Token, TokenError> {
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.issuer.clone(),
            exp: now.as_second().saturating_add(lifetime.as_secs()),
            iat: now.as_second(),
            jti: uuid::Uuid::new_v4().to_string(),
            sid: caller.session.clone(),
            sub: caller.user.clone(),
            name: caller.name.clone(),
            role: caller.role.clone(),
            role_profile: caller.role_profile.clone(),
            org_code: caller.organisation_code.clone(),
            org: caller.organisation.clone(),
            activities: caller.activities.iter().map(|activity| activity.code().to_owned()).collect(),
            client_id: caller.client.clone(),
            cnf: Some(Confirmation::of(binding.into())),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &self.key.private)
            .map(|token| Token(Zeroizing::new(token)))
            .map_err(|_| TokenError::NotGenuine)
    }
}

/// Any claims at all, signed: what the verifier must stand without trusting the minter.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn signed(key: &SigningKey, claims: &serde_json::Value) -> Option<String> {
    jsonwebtoken::encode(&Header::new(Algorithm::ES256), claims, &key.private).ok()
}

/// Proves tokens. Clones share what was proved already.
#[derive(Debug, Clone)]
pub struct Verifier {
    key: SigningKey,
    issuer: String,
    proved: Arc<ProvedTokens>,
}

impl Verifier {
    /// For the hub at the URL `issuer`.
    #[must_use]
    pub fn new(key: SigningKey, issuer: &str) -> Self {
        Self { key, issuer: issuer.to_owned(), proved: Arc::default() }
    }

    /// What a token that is shown at `now` says, if it is this hub's.
    ///
    /// # Errors
    /// The token proves nobody.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Shown, TokenError> {
        let now = now.as_second();
        let hash = proved::hash(token).ok_or(TokenError::NotGenuine)?;
        if let Some(known) = self.proved.get(&hash) {
            if in_time(known.issued, known.expires, now) {
                return Ok(Shown { caller: known.caller, binding: known.binding, hash });
            }
            self.proved.forget(&hash);
        }
        let mut claims = self.genuine(token)?;
        let (issued, expires) = (claims.iat, claims.exp);
        if !in_time(issued, expires, now) {
            return Err(TokenError::NotNow);
        }
        let bound = claims.cnf.take().ok_or(TokenError::Unbound)?;
        let binding = bound.binding(claims.client_id.as_ref())?;
        let caller = caller(claims)?;
        let proved = Proved { caller: caller.clone(), binding: binding.clone(), issued, expires };
        self.proved.keep(hash, proved, now);
        Ok(Shown { caller, binding, hash })
    }

    /// The claims of a token that this hub issued, whenever.
    fn genuine(&self, token: &str) -> Result<Claims, TokenError> {
        // The header first: what cannot be read there (an algorithm such as "none") is no lacking claim.
        jsonwebtoken::decode_header(token).map_err(|_| TokenError::NotGenuine)?;
        let claims = jsonwebtoken::decode::<Claims>(token, &self.key.public, &validation())
            .map_err(|error| {
                let is_incomplete = matches!(error.kind(), jsonwebtoken::errors::ErrorKind::Json(_));
                if is_incomplete { TokenError::Incomplete } else { TokenError::NotGenuine }
            })?
            .claims;
        if claims.iss != self.issuer || claims.aud != self.issuer {
            return Err(TokenError::NotGenuine);
        }
        Ok(claims)
    }
}

/// Whether a token of these seconds is valid in this one.
fn in_time(issued: i64, expires: i64, now: i64) -> bool {
    let (leeway, longest) = (LEEWAY.as_secs(), LONGEST.as_secs());
    now < expires.saturating_add(leeway)
        && issued <= now.saturating_add(leeway)
        && expires.saturating_sub(issued) <= longest
}

fn caller(claims: Claims) -> Result<Caller, TokenError> {
    let needed =
        [&claims.jti, &claims.sid, &claims.sub, &claims.name, &claims.role, &claims.org_code, &claims.org];
    // They are printed, logged and sent on: nothing in them may change how a line reads.
    let plain = |text: &String| text.chars().count() <= 200 && !text.chars().any(text::is_unprintable);
    let fits = |text: &String| !text.trim().is_empty() && plain(text);
    let may_lack = claims.client_id.iter().all(fits) && plain(&claims.role_profile);
    if !needed.into_iter().all(fits) || !may_lack {
        return Err(TokenError::Incomplete);
    }
    Ok(Caller {
        user: claims.sub,
        name: claims.name,
        role: claims.role,
        role_profile: claims.role_profile,
        organisation_code: claims.org_code,
        organisation: claims.org,
        activities: claims.activities.iter().filter_map(|code| Activity::from_code(code)).collect(),
        session: claims.sid,
        client: claims.client_id,
    })
}

#[cfg(test)]
mod tests;
