//! The certificate: whether it can be served, for whom it is, and for how long; and what the hub that runs answers with.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::{CREDENTIALS, Finding};
use crate::config::hub::{ClientCertificates, HubConfig};
use crate::domain::text::visible;
use crate::hub::clock::Clock;
use crate::hub::tls::{Facts, Tls, facts_of_file};

const CHECK: &str = "certificate";

/// Days before its end from which it has to be renewed soon. What renews by itself does so earlier.
const SOON_DAYS: i64 = 30;

/// Days before its end from which that is to be done now.
const NOW_DAYS: i64 = 7;

pub(super) fn examine(config: &HubConfig, clock: &Clock) -> Vec<Finding> {
    let Some(settings) = &config.tls else {
        return vec![Finding::ok(CHECK, "none: plain HTTP, on a loopback address")];
    };
    let read = match Tls::read(settings, clock.clone()) {
        Ok(read) => read,
        // systemd hands it over to the service, and takes it away when that stops.
        Err(_) if settings.key.starts_with(CREDENTIALS) && !settings.key.exists() => {
            let says = format!("{} is there only while the service runs", settings.key.display());
            return vec![Finding::cannot_tell(CHECK, says)];
        }
        Err(error) => return vec![Finding::mend(CHECK, error.to_string())],
    };
    let facts = read.facts();
    let mut found = vec![time(&facts, clock)];
    found.extend(whose(&facts));
    found.push(Finding::ok(
        "callers",
        match &settings.clients {
            ClientCertificates::Off => "are not asked for certificates of their own".to_owned(),
            ClientCertificates::Offered(path) => format!("may show a certificate of {}", path.display()),
            ClientCertificates::Required(path) => format!("must show a certificate of {}", path.display()),
        },
    ));
    // What cannot be read of it is said above: then nothing can be served.
    found.extend(settings.clients.authorities().and_then(|path| last_as_long("callers", path, clock)));
    found
}

/// Says of a file with certificates that one of them has ended or soon will; nothing where all go on for long.
pub(super) fn last_as_long(check: &'static str, path: &Path, clock: &Clock) -> Option<Finding> {
    let first = facts_of_file(path)?.into_iter().min_by_key(|facts| facts.not_after)?;
    let (path, end, whose) = (path.display(), first.not_after, visible(&first.subject));
    let days = end.duration_since(clock.now()).as_hours() / 24;
    if end < clock.now() {
        let says = format!("a certificate in {path} ended at {end} ({whose}): put the new one in its place");
        Some(Finding::mend(check, says))
    } else if days < SOON_DAYS {
        let says = format!("a certificate in {path} ends in {days} days ({whose}): have it renewed");
        Some(if days < NOW_DAYS { Finding::mend(check, says) } else { Finding::soon(check, says) })
    } else {
        None
    }
}

fn time(facts: &Facts, clock: &Clock) -> Finding {
    let (now, end) = (clock.now(), facts.not_after);
    if now < facts.not_before {
        let says =
            format!("valid only from {}: look at the clock, else put the earlier one back", facts.not_before);
        return Finding::mend(CHECK, says);
    }
    if now > end {
        return Finding::mend(CHECK, format!("ended at {end}: viewers refuse it; renew it now"));
    }
    let days = end.duration_since(now).as_hours() / 24;
    let valid = format!("valid for {days} days, until {end}");
    if days < NOW_DAYS {
        Finding::mend(CHECK, format!("{valid}: renew it now"))
    } else if days < SOON_DAYS {
        Finding::soon(CHECK, format!("{valid}: renew it, and find out why that was not done by itself"))
    } else {
        Finding::ok(CHECK, valid)
    }
}

fn whose(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    found.push(if facts.names.is_empty() {
        Finding::mend(
            CHECK,
            "it names no host (subjectAltName): viewers refuse it; have it issued with the hub's name",
        )
    } else {
        Finding::ok("names", format!("the certificate is for {}", facts.named()))
    });
    if facts.is_authority {
        found.push(Finding::mend(
            CHECK,
            "it is an authority's own (CA:TRUE): viewers refuse it; have one issued for the hub (CA:FALSE)",
        ));
    }
    found
}

/// A stream to a hub that shows this certificate, and no other.
pub(super) fn secure(
    stream: TcpStream,
    listen: SocketAddr,
    expected: Arc<Facts>,
) -> std::io::Result<rustls::StreamOwned<ClientConnection, TcpStream>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let only_this = OnlyThis { expected, provider: Arc::clone(&provider) };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(only_this))
        .with_no_client_auth();
    let mut connection = ClientConnection::new(Arc::new(config), ServerName::IpAddress(listen.ip().into()))
        .map_err(std::io::Error::other)?;
    let mut stream = stream;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    Ok(rustls::StreamOwned::new(connection, stream))
}

/// The hub is asked on its own machine by its address: what counts is that it is this certificate.
#[derive(Debug)]
struct OnlyThis {
    expected: Arc<Facts>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for OnlyThis {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if Facts::of(end_entity).is_some_and(|shown| shown.fingerprint == self.expected.fingerprint) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
