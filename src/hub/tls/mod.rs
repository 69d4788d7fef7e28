//! TLS: the hub's certificate, what is served with it, and who calls with a certificate of their own.
//!
//! 1.2 and 1.3, HTTP/1.1, and the provider that makes all other cryptography here. The files are read at the start
//! and taken up anew when they change; a pair that does not fit never replaces one that does.

mod certificate;
mod client;
mod handshake;
mod pair;
mod reload;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::time_provider::TimeProvider;
use rustls_pki_types::UnixTime;
use tokio::sync::Notify;

use super::clock::Clock;
use crate::config::hub::{ClientCertificates, TlsSettings};

pub use certificate::{Facts, SubjectName};
pub use client::ClientCertificate;
pub(super) use handshake::{Refusal, Secure};
pub use pair::TlsError;
pub(super) use pair::facts_of_file;
pub(super) use reload::{keep, say_what_is_served};

use pair::{Files, Pair};

/// What the hub speaks TLS with. Clones share it.
#[derive(Debug, Clone)]
pub struct Tls(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: TlsSettings,
    clock: Clock,
    served: RwLock<Served>,
    /// What is on the disk is refused.
    is_refused: AtomicBool,
    told: Notify,
}

/// What new connections get.
#[derive(Debug, Clone)]
struct Served {
    config: Arc<ServerConfig>,
    facts: Arc<Facts>,
    digest: [u8; 32],
}

impl Tls {
    /// Reads certificate, key and authorities.
    ///
    /// # Errors
    /// One sentence that names the file and says what to do.
    pub fn read(settings: &TlsSettings, clock: Clock) -> Result<Self, TlsError> {
        let served = Served::of(settings, &clock, &Files::read(settings)?)?;
        Ok(Self(Arc::new(Inner {
            settings: settings.clone(),
            clock,
            served: RwLock::new(served),
            is_refused: AtomicBool::new(false),
            told: Notify::new(),
        })))
    }

    /// What the certificate that is served says of itself.
    #[must_use]
    pub fn facts(&self) -> Arc<Facts> {
        self.served().facts
    }

    /// Seconds until the certificate that is served ends; below zero where it has ended.
    #[must_use]
    pub fn seconds_left(&self) -> f64 {
        let left = self.facts().not_after.duration_since(self.0.clock.now());
        left.as_secs_f64()
    }

    pub(super) fn settings(&self) -> &TlsSettings {
        &self.0.settings
    }

    /// Whether what is on the disk was refused, so that an older pair is served.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.0.is_refused.load(Ordering::Relaxed)
    }

    /// The files are looked at now, not in a moment.
    pub fn look_now(&self) {
        self.0.told.notify_one();
    }

    fn served(&self) -> Served {
        // Nothing that is done under the lock leaves half a state behind.
        self.0.served.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Served {
    fn of(settings: &TlsSettings, clock: &Clock, files: &Files) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let Pair { certified, facts } = Pair::of(settings, files, &provider)?;
        let unusable =
            |error: &rustls::Error| TlsError::certificate(settings, format!("cannot be used: {error}"));
        let builder =
            ServerConfig::builder_with_details(Arc::clone(&provider), Arc::new(HubTime(clock.clone())))
                .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
                .map_err(|error| unusable(&error))?;
        let asks = !matches!(settings.clients, ClientCertificates::Off);
        let builder = match verifier(settings, files, provider)? {
            None => builder.with_no_client_auth(),
            Some(verifier) => builder.with_client_cert_verifier(verifier),
        };
        let mut config =
            builder.with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        if asks {
            // A resumed session is not verified again: a caller's certificate may have ended meanwhile.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        } else {
            config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().map_err(|error| unusable(&error))?;
        }
        Ok(Self { config: Arc::new(config), facts: Arc::new(facts), digest: files.digest() })
    }
}

/// Who decides which callers' certificates are taken; none where they are not asked for any.
fn verifier(
    settings: &TlsSettings,
    files: &Files,
    provider: Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn rustls::server::danger::ClientCertVerifier>>, TlsError> {
    let Some(roots) = files.authorities(settings)? else { return Ok(None) };
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = match settings.clients {
        ClientCertificates::Off | ClientCertificates::Required(_) => builder,
        ClientCertificates::Offered(_) => builder.allow_unauthenticated(),
    };
    let verifier = builder
        .build()
        .map_err(|error| TlsError::authorities(settings, format!("cannot be used: {error}")))?;
    Ok(Some(verifier))
}

/// The hub's clock decides whether a caller's certificate is valid now.
#[derive(Debug)]
struct HubTime(Clock);

impl TimeProvider for HubTime {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().as_second()).ok()?;
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)))
    }
}

/// Whether a certificate is valid at a moment.
fn is_valid(facts: &Facts, now: Timestamp) -> bool {
    facts.not_before <= now && now <= facts.not_after
}
