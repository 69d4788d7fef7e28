//! To what a token is bound: nobody who has only copied it can show what that is.

use std::fmt;

use super::dpop::Thumbprint;

/// Before the thumbprint of a certificate, where a binding is kept.
const OF_CERTIFICATE: &str = "x5t:";

/// What whoever shows a token has to prove with each request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// That they hold this key: with a proof made for the request (DPoP, RFC 9449).
    Key(Thumbprint),
    /// That they hold the key of this very certificate: in the handshake of the connection (RFC 8705).
    Certificate(Thumbprint),
}

impl Binding {
    /// To the certificate of this SHA-256.
    #[must_use]
    pub fn of_certificate(fingerprint: &[u8; 32]) -> Self {
        Self::Certificate(Thumbprint::of_digest(fingerprint))
    }

    /// The key, where it is one.
    #[must_use]
    pub fn key(&self) -> Option<&Thumbprint> {
        match self {
            Self::Key(key) => Some(key),
            Self::Certificate(_) => None,
        }
    }
}

/// As it is kept: a key and a certificate are never the same text.
impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.write_str(key.as_str()),
            Self::Certificate(certificate) => write!(f, "{OF_CERTIFICATE}{}", certificate.as_str()),
        }
    }
}

impl TryFrom<String> for Binding {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.strip_prefix(OF_CERTIFICATE) {
            Some(certificate) => Thumbprint::try_from(certificate.to_owned()).map(Self::Certificate),
            None => Thumbprint::try_from(text).map(Self::Key),
        }
    }
}

impl From<&Thumbprint> for Binding {
    fn from(key: &Thumbprint) -> Self {
        Self::Key(key.clone())
    }
}

impl From<&Binding> for Binding {
    fn from(binding: &Binding) -> Self {
        binding.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_and_a_key_is_never_a_certificate() {
        let thumbprint = Thumbprint::of_digest(&[7; 32]);
        let (key, certificate) = (Binding::Key(thumbprint.clone()), Binding::of_certificate(&[7; 32]));
        assert_eq!(certificate, Binding::Certificate(thumbprint.clone()));
        for binding in [&key, &certificate] {
            assert_eq!(Binding::try_from(binding.to_string()).as_ref(), Ok(binding));
        }
        assert_ne!(key.to_string(), certificate.to_string());
        assert_eq!((key.key(), certificate.key()), (Some(&thumbprint), None));
        for none in ["", "x5t:", "x5t:x5t:", "x5t:A"] {
            assert!(Binding::try_from(none.to_owned()).is_err(), "{none}");
        }
    }
}
