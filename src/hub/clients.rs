//! Programs besides the viewer that the operator has registered (`[[client]]`): each proves itself with a client certificate
//! (RFC 8705), and whoever signs in through one gets tokens that are good only on connections that show that certificate.
//!
//! The certificate is the one of the connection's own handshake. Nothing that a request says can stand for it, so that no program
//! in front of the hub can speak for another.

use axum::http::request::Parts;

use super::tls::ClientCertificate;
use crate::config::hub::RegisteredClient;
use crate::identity::binding::Binding;

/// All of them.
#[derive(Debug)]
pub(super) struct Clients(Vec<RegisteredClient>);

impl Clients {
    pub(super) fn of(clients: &[RegisteredClient]) -> Self {
        Self(clients.to_vec())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, id: &str) -> Option<&RegisteredClient> {
        self.0.iter().find(|client| client.id == id)
    }

    /// Whether a certificate is that of this program, and of no other: one that fits two is nobody's.
    fn is_of(&self, certificate: &ClientCertificate, id: &str) -> bool {
        let mut fitting =
            self.0.iter().filter(|client| client.certificates.iter().any(|name| certificate.is_named(name)));
        fitting.next().is_some_and(|client| client.id == id) && fitting.next().is_none()
    }
}

/// Why a certificate proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateError {
    /// The connection has shown none.
    Missing,
    /// Another one than what is shown with it is bound to: it may have been stolen.
    Other,
    /// Not that of the program, as it is configured now.
    OfNoClient,
}

/// The certificate of this connection, as something that tokens are bound to.
pub(super) fn shown(parts: &Parts) -> Result<Binding, CertificateError> {
    let certificate = parts.extensions.get::<ClientCertificate>().ok_or(CertificateError::Missing)?;
    Ok(Binding::of_certificate(certificate.fingerprint()))
}

/// The same where it is that of this program.
pub(super) fn shown_by(clients: &Clients, parts: &Parts, id: &str) -> Result<Binding, CertificateError> {
    let certificate = parts.extensions.get::<ClientCertificate>().ok_or(CertificateError::Missing)?;
    if clients.is_of(certificate, id) { shown(parts) } else { Err(CertificateError::OfNoClient) }
}
