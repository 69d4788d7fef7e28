//! How the hub proves itself at the provider: a key (`private_key_jwt`, RFC 7523), or a secret.

use std::fmt;
use std::path::Path;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use zeroize::Zeroizing;

use super::ProviderError;
use crate::config::hub::ClientProof;
use crate::hub::{doctor, limits};

/// Ready to prove. `Debug` hides it.
pub(super) enum Proof {
    Key { key: EncodingKey, header: Box<Header> },
    Secret(Zeroizing<String>),
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(hidden)")
    }
}

impl Proof {
    /// Reads the file, and tries it: at the start, not when the first nurse signs in.
    pub(super) fn read(proof: &ClientProof) -> Result<Self, ProviderError> {
        match proof {
            ClientProof::Key { file, id, algorithm } => {
                let pem = contents(file)?;
                let (key, algorithm) = match algorithm.as_str() {
                    "ES256" => (EncodingKey::from_ec_pem(pem.as_bytes()), Algorithm::ES256),
                    "PS256" => (EncodingKey::from_rsa_pem(pem.as_bytes()), Algorithm::PS256),
                    "RS256" => (EncodingKey::from_rsa_pem(pem.as_bytes()), Algorithm::RS256),
                    _ => (EncodingKey::from_rsa_pem(pem.as_bytes()), Algorithm::RS512),
                };
                let key =
                    key.map_err(|_| ProviderError::Proof("the key is no PEM file for its algorithm"))?;
                let header = Box::new(Header { kid: Some(id.clone()), ..Header::new(algorithm) });
                let proof = Self::Key { key, header };
                if proof.assertion("", "", Timestamp::UNIX_EPOCH).is_none() {
                    return Err(ProviderError::Proof("the key does not sign with its algorithm"));
                }
                Ok(proof)
            }
            ClientProof::Secret(file) => {
                let secret = Zeroizing::new(contents(file)?.trim().to_owned());
                if secret.is_empty() {
                    return Err(ProviderError::Proof("the file with the secret is empty"));
                }
                Ok(Self::Secret(secret))
            }
        }
    }

    pub(super) fn secret(&self) -> Option<&str> {
        match self {
            Self::Key { .. } => None,
            Self::Secret(secret) => Some(secret),
        }
    }

    /// A statement of the hub's, for one question to the provider; `None` where there is a secret instead.
    pub(super) fn assertion(&self, client: &str, audience: &str, now: Timestamp) -> Option<String> {
        let Self::Key { key, header } = self else { return None };
        let seconds = i64::try_from(limits::PROVIDER_ASSERTION.as_secs()).unwrap_or(60);
        let claims = serde_json::json!({
            "iss": client,
            "sub": client,
            "aud": audience,
            "jti": uuid::Uuid::new_v4().to_string(),
            "iat": now.as_second(),
            "exp": now.as_second().saturating_add(seconds),
        });
        jsonwebtoken::encode(header, &claims, key).ok()
    }
}

/// Of a file that is the hub's alone.
fn contents(path: &Path) -> Result<Zeroizing<String>, ProviderError> {
    let unreadable = |_| ProviderError::Proof("the file with the key or secret cannot be read");
    if doctor::is_open_to_others(&std::fs::metadata(path).map_err(unreadable)?) {
        return Err(ProviderError::Proof(
            "the file with the key or secret is open to every user of this machine: chmod o= it",
        ));
    }
    std::fs::read_to_string(path).map(Zeroizing::new).map_err(unreadable)
}
