//! Who calls with a certificate of their own.

use std::sync::Arc;

use super::certificate::{Facts, SubjectName};
use crate::config::hub::CertificateName;

/// The certificate that a caller showed in the handshake, verified against `tls.client_ca`: a request's extension.
/// It is there only where the connection has one; nothing that a request says can make it.
#[derive(Debug, Clone)]
pub struct ClientCertificate(Arc<Facts>);

impl ClientCertificate {
    pub(super) fn of(facts: Facts) -> Self {
        Self(Arc::new(facts))
    }

    /// The subject's distinguished name, after RFC 4514.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// For whom it is (subjectAltName).
    #[must_use]
    pub fn names(&self) -> &[SubjectName] {
        &self.0.names
    }

    /// Whether the configuration names it so.
    #[must_use]
    pub fn is_named(&self, by: &CertificateName) -> bool {
        let has = |wanted: &SubjectName| self.names().contains(wanted);
        match by {
            CertificateName::Subject(subject) => self.subject() == subject,
            CertificateName::Sha256(fingerprint) => self.fingerprint() == fingerprint,
            CertificateName::Uri(uri) => has(&SubjectName::Uri(uri.clone())),
            CertificateName::Email(email) => has(&SubjectName::Email(email.clone())),
            CertificateName::Dns(name) => self.names().iter().any(|known| match known {
                SubjectName::Dns(known) => known.eq_ignore_ascii_case(name),
                SubjectName::Ip(_) | SubjectName::Uri(_) | SubjectName::Email(_) => false,
            }),
        }
    }

    /// SHA-256 of the whole certificate (the thumbprint of RFC 8705 before its encoding).
    #[must_use]
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.0.fingerprint
    }
}
