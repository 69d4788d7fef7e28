//! The beginning of a connection: within its time, and told apart by why it failed.

use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{ClientCertificate, Facts, Tls};
use crate::hub::guarded::Guarded;
use crate::hub::{Hub, limits};

/// What makes a connection a secure one.
#[derive(Clone)]
pub(in crate::hub) struct Secure {
    tls: Tls,
    hub: Hub,
}

/// Why a connection did not become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::hub) enum Refusal {
    /// It took too long.
    Late,
    /// The client refused the hub's certificate.
    Ours,
    /// The client has no certificate that the hub takes.
    Theirs,
    /// Something else: not TLS, or a version or method that is not spoken here.
    Other,
}

impl Secure {
    pub(in crate::hub) fn new(tls: Tls, hub: Hub) -> Self {
        Self { tls, hub }
    }

    /// The stream of requests, and who is at its other end where they have shown it.
    pub(in crate::hub) async fn handshake(
        &self,
        stream: Guarded,
    ) -> Option<(TlsStream<Guarded>, Option<ClientCertificate>)> {
        let acceptor = TlsAcceptor::from(self.tls.served().config);
        let shaken = tokio::time::timeout(limits::HANDSHAKE, acceptor.accept(stream)).await;
        let refused = match shaken {
            Ok(Ok(stream)) => match client_of(&stream) {
                Ok(client) => return Some((stream, client)),
                Err(refused) => refused,
            },
            Ok(Err(error)) => of(&error),
            Err(_) => Refusal::Late,
        };
        self.hub.metrics().not_secured(refused);
        None
    }
}

/// What the hub cannot read of a certificate it does not take, whoever has signed it.
fn client_of(stream: &TlsStream<Guarded>) -> Result<Option<ClientCertificate>, Refusal> {
    let (_, session) = stream.get_ref();
    let Some(certificate) = session.peer_certificates().and_then(<[_]>::first) else { return Ok(None) };
    Facts::of(certificate).map(|facts| Some(ClientCertificate::of(facts))).ok_or(Refusal::Theirs)
}

fn of(error: &std::io::Error) -> Refusal {
    use rustls::{AlertDescription as Alert, Error};
    let error = error.get_ref().and_then(|error| error.downcast_ref::<Error>());
    match error {
        Some(Error::NoCertificatesPresented | Error::InvalidCertificate(_)) => Refusal::Theirs,
        Some(Error::AlertReceived(
            Alert::UnknownCA
            | Alert::BadCertificate
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::CertificateRevoked
            | Alert::UnsupportedCertificate,
        )) => Refusal::Ours,
        // The peer's, or the network's: their texts are not kept.
        _ => Refusal::Other,
    }
}
