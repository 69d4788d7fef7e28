//! Certificate and key from their files: readable, kept from others, and belonging together.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use super::certificate::Facts;
use crate::config::hub::TlsSettings;
use crate::hub::{doctor, limits};

/// Why a certificate is not served: one sentence that names the file and says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {what} {} {why}", path.display())]
pub struct TlsError {
    what: &'static str,
    path: PathBuf,
    why: String,
}

impl TlsError {
    pub(super) fn certificate(settings: &TlsSettings, why: impl Into<String>) -> Self {
        Self { what: "certificate", path: settings.certificate.clone(), why: why.into() }
    }

    pub(super) fn key(settings: &TlsSettings, why: impl Into<String>) -> Self {
        Self { what: "certificate's key", path: settings.key.clone(), why: why.into() }
    }

    pub(super) fn authorities(settings: &TlsSettings, why: impl Into<String>) -> Self {
        let path = settings.clients.authorities().unwrap_or(Path::new(""));
        Self { what: "client certificates' authority", path: path.to_owned(), why: why.into() }
    }
}

/// The files' contents, as they are at one moment.
pub(super) struct Files {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
    authorities: Option<Vec<u8>>,
}

/// What is served.
pub(super) struct Pair {
    pub(super) certified: CertifiedKey,
    pub(super) facts: Facts,
}

impl Files {
    pub(super) fn read(settings: &TlsSettings) -> Result<Self, TlsError> {
        let unreadable = |error: io::Error| format!("cannot be read: {}", error.kind());
        let key = open(&settings.key).and_then(|file| {
            // Of the file that is read, and not of one that has taken its place meanwhile.
            let is_open = doctor::is_open_to_others(&file.metadata()?);
            Ok((file, is_open))
        });
        let (key, is_open_to_others) = key.map_err(|error| TlsError::key(settings, unreadable(error)))?;
        if is_open_to_others {
            let path = settings.key.display();
            return Err(TlsError::key(
                settings,
                format!(
                    "is open to every user of this machine: chmod o= {path}, and let the hub read it as owner or group"
                ),
            ));
        }
        let key = contents(key).map_err(|error| TlsError::key(settings, unreadable(error)))?;
        let certificate = open(&settings.certificate)
            .and_then(contents)
            .map_err(|error| TlsError::certificate(settings, unreadable(error)))?;
        let authorities = match settings.clients.authorities() {
            None => None,
            Some(path) => Some(
                open(path)
                    .and_then(contents)
                    .map_err(|error| TlsError::authorities(settings, unreadable(error)))?,
            ),
        };
        Ok(Self { certificate, key: Zeroizing::new(key), authorities })
    }

    /// Tells these contents from others.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        for part in [&self.certificate, &*self.key, self.authorities.as_ref().unwrap_or(&Vec::new())] {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        digest
    }

    /// The authorities of callers' certificates, where there are to be any.
    pub(super) fn authorities(&self, settings: &TlsSettings) -> Result<Option<RootCertStore>, TlsError> {
        let Some(pem) = &self.authorities else { return Ok(None) };
        let none = || {
            TlsError::authorities(
                settings,
                "holds no certificate in PEM (-----BEGIN CERTIFICATE-----): put the authority's own certificate there",
            )
        };
        let mut roots = RootCertStore::empty();
        for certificate in certificates(pem).ok_or_else(none)? {
            roots.add(certificate).map_err(|_| {
                TlsError::authorities(
                    settings,
                    "holds a certificate that cannot be read: have it issued anew",
                )
            })?;
        }
        Ok(Some(roots))
    }
}

impl Pair {
    pub(super) fn of(
        settings: &TlsSettings,
        files: &Files,
        provider: &CryptoProvider,
    ) -> Result<Self, TlsError> {
        let chain = certificates(&files.certificate).ok_or_else(|| {
            TlsError::certificate(
                settings,
                "holds no certificate in PEM (-----BEGIN CERTIFICATE-----): put the hub's own certificate there, then those between it and its authority",
            )
        })?;
        let unreadable = || {
            TlsError::certificate(settings, "holds a certificate that cannot be read: have it issued anew")
        };
        let mut all = chain.iter().map(Facts::of);
        let facts = all.next().flatten().ok_or_else(unreadable)?;
        if all.any(|facts| facts.is_none()) {
            return Err(unreadable());
        }
        // The reader's own words are left out: they may hold a part of the key.
        let key = PrivateKeyDer::from_pem_slice(&files.key).map_err(|_| {
            TlsError::key(
                settings,
                "holds no private key in PEM without a passphrase (PKCS#8, SEC 1 or PKCS#1)",
            )
        })?;
        let certified = CertifiedKey::from_der(chain, key, provider).map_err(|error| {
            if matches!(error, rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) {
                let certificate = settings.certificate.display();
                TlsError::key(
                    settings,
                    format!("does not belong to the first certificate in {certificate}: put the two that were issued together there, the hub's own certificate first"),
                )
            } else {
                TlsError::key(settings, "is of a kind that cannot be used: take a P-256, P-384, Ed25519 or RSA key of at least 2048 bits")
            }
        })?;
        Ok(Self { certified, facts })
    }
}

/// All certificates of a PEM file; `None` where there is none, or one is broken.
fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok()?;
    (!all.is_empty()).then_some(all)
}

/// What all certificates of a PEM file say of themselves; `None` where it cannot be read, or one of them cannot.
pub(in crate::hub) fn facts_of_file(path: &Path) -> Option<Vec<Facts>> {
    let pem = open(path).and_then(contents).ok()?;
    certificates(&pem)?.iter().map(Facts::of).collect()
}

fn open(path: &Path) -> io::Result<File> {
    // What is no file (a pipe, a device) might never end, or never begin.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    File::open(path)
}

fn contents(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(limits::CERTIFICATE_BYTES.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limits::CERTIFICATE_BYTES {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    Ok(bytes)
}
