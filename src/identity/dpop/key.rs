//! The key of whoever asks, and the proofs that it makes.

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{CommonParameters, Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::check::{TYPE, ath};
use crate::identity::proved;
use crate::identity::token::KeyError;

/// Letters of a SHA-256 in base64url.
const THUMBPRINT_LETTERS: usize = 43;

/// By what a key is known (RFC 7638), or a certificate (RFC 8705): a token carries it as `cnf.jkt` or `cnf.x5t#S256`. It is
/// no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Thumbprint(String);

impl Thumbprint {
    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Six digits of it, as people compare them: on the hub's page and in the viewer that waits for it.
    #[must_use]
    pub fn short(&self) -> String {
        let bytes = URL_SAFE_NO_PAD.decode(&self.0).unwrap_or_default();
        let number = bytes.iter().take(4).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
        format!("{:03} {:03}", number / 1000 % 1000, number % 1000)
    }

    /// Of what has this SHA-256.
    #[must_use]
    pub fn of_digest(digest: &[u8; 32]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(digest))
    }

    /// Of a public key as a proof carries it.
    pub(super) fn of(jwk: &Jwk) -> Option<Self> {
        Self::try_from(jwk.thumbprint(ThumbprintHash::SHA256).ok()?).ok()
    }
}

impl TryFrom<String> for Thumbprint {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        if text.len() == THUMBPRINT_LETTERS && text.chars().all(is_letter) {
            Ok(Self(text))
        } else {
            Err("not the SHA-256 thumbprint of a key")
        }
    }
}

impl From<Thumbprint> for String {
    fn from(thumbprint: Thumbprint) -> Self {
        thumbprint.0
    }
}

/// A private key. It leaves this process's memory only where the system's keychain keeps it. `Debug` hides it.
#[derive(Clone)]
pub struct ProofKey {
    document: Zeroizing<Vec<u8>>,
    private: EncodingKey,
    public: Jwk,
    thumbprint: Thumbprint,
}

impl fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProofKey(hidden)")
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    jti: String,
    htm: &'a str,
    htu: &'a str,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
}

impl ProofKey {
    /// A fresh key.
    ///
    /// # Errors
    /// The machine gave no random numbers.
    pub fn generate() -> Result<Self, KeyError> {
        let document = EcdsaKeyPair::generate_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &aws_lc_rs::rand::SystemRandom::new(),
        )
        .map_err(|_| KeyError::NotMade)?;
        Self::restore(document.as_ref())
    }

    /// The key that [`ProofKey::document`] gave.
    ///
    /// # Errors
    /// It is none.
    pub fn restore(document: &[u8]) -> Result<Self, KeyError> {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document)
            .map_err(|_| KeyError::NotMade)?;
        let private = EncodingKey::from_ec_der(document);
        let jwk = Jwk::from_encoding_key(&private, Algorithm::ES256).map_err(|_| KeyError::NotMade)?;
        // What the key is and nothing more: whoever reads a proof compares it with few words.
        let public = Jwk { common: CommonParameters::default(), ..jwk };
        let thumbprint = Thumbprint::of(&public).ok_or(KeyError::NotMade)?;
        Ok(Self { document: Zeroizing::new(document.to_vec()), private, public, thumbprint })
    }

    /// The whole key, to be kept where nobody else reads it.
    #[must_use]
    pub fn document(&self) -> &[u8] {
        &self.document
    }

    /// By what it is known.
    #[must_use]
    pub fn thumbprint(&self) -> &Thumbprint {
        &self.thumbprint
    }

    /// A proof for one request: `method` to `address` (without its query), which shows `token`, at the hub's
    /// second `now`, with the nonce that the hub gave last.
    ///
    /// # Errors
    /// The key does not sign.
    pub fn prove(
        &self,
        method: &str,
        address: &str,
        token: Option<&str>,
        nonce: Option<&str>,
        now: i64,
    ) -> Result<String, KeyError> {
        let header = Header {
            typ: Some(TYPE.to_owned()),
            jwk: Some(self.public.clone()),
            ..Header::new(Algorithm::ES256)
        };
        let ath = token.map(|token| proved::hash(token).map(|hash| ath(&hash)).ok_or(KeyError::NotMade));
        let claims = Claims {
            jti: uuid::Uuid::new_v4().to_string(),
            htm: method,
            htu: address,
            iat: now,
            ath: ath.transpose()?,
            nonce,
        };
        jsonwebtoken::encode(&header, &claims, &self.private).map_err(|_| KeyError::NotMade)
    }
}

/// Any header and any claims at all, signed: what the check must stand without trusting who makes proofs.
#[cfg(any(all(test, feature = "demo"), feature = "fuzzing"))]
impl ProofKey {
    pub(in crate::identity) fn public(&self) -> serde_json::Value {
        serde_json::to_value(&self.public).unwrap_or_default()
    }

    pub(in crate::identity) fn signed(
        &self,
        header: &serde_json::Value,
        claims: &serde_json::Value,
    ) -> Option<String> {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &self.private, Algorithm::ES256).ok()?;
        Some(format!("{message}.{signature}"))
    }
}

#[cfg(test)]
mod tests {
    use super::Thumbprint;

    #[test]
    fn a_key_is_six_digits_for_people() {
        let check = |text: &str, expected: &str| {
            assert_eq!(Thumbprint::try_from(text.to_owned()).unwrap().short(), expected);
        };
        check("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "000 000");
        check("AAAAKgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "000 042");
        check("_____wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "967 295");
    }
}
