//! One request and its answer, within limits of time and size.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::errors;
use crate::domain::Failure;

/// Limits of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until connected.
    pub connect: Duration,
    /// From sending to the last byte of the answer.
    pub whole: Duration,
    /// Largest answer, in bytes.
    pub body_bytes: usize,
}

impl Default for Limits {
    /// A clinician waits at most 8 s; 25 accesses and a handful of plans are a few dozen kilobytes.
    fn default() -> Self {
        Self { connect: Duration::from_secs(2), whole: Duration::from_secs(8), body_bytes: 2 * 1024 * 1024 }
    }
}

/// An answer, completely received.
pub(super) struct Received {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// It may hold tokens.
    pub(super) body: Zeroizing<Vec<u8>>,
}

impl Received {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }
}

/// A client that follows no redirect (it would carry the token elsewhere) and uses no proxy from the
/// environment. It trusts whom the computer trusts, and these authorities; for a hub on the same computer, which it
/// asks in the clear, it looks for nobody to trust: there may be no store. So many connections are kept for the next question.
pub(super) fn http(
    limits: Limits,
    is_secure: bool,
    authorities: &[CertificateDer<'static>],
    kept: usize,
) -> Result<reqwest::Client, Failure> {
    let authorities: Vec<_> = authorities
        .iter()
        .map(|authority| reqwest::Certificate::from_der(authority))
        .collect::<Result<_, _>>()
        .map_err(|_| Failure::NotTrusted)?;
    let builder = reqwest::Client::builder();
    let builder = if is_secure { builder.tls_certs_merge(authorities) } else { builder.tls_certs_only([]) };
    builder
        .connect_timeout(limits.connect)
        .timeout(limits.whole)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        // Shorter than the hub keeps an idle connection: a POST must not meet one that is closing.
        .pool_max_idle_per_host(kept)
        .pool_idle_timeout(std::time::Duration::from_secs(4))
        .referer(false)
        .user_agent(concat!("cpis-viewer/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|_| Failure::NotSecure)
}

pub(super) async fn exchange(
    http: &reqwest::Client,
    request: reqwest::Request,
    limits: Limits,
) -> Result<Received, Failure> {
    let mut response = http.execute(request).await.map_err(|error| errors::of_transfer(&error))?;
    let announced = response.content_length().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0);
    // At once for all of it: what a vector leaves behind when it grows is not wiped.
    let mut body = Zeroizing::new(Vec::with_capacity(announced.min(limits.body_bytes)));
    while let Some(chunk) = response.chunk().await.map_err(|error| errors::of_transfer(&error))? {
        if body.len() + chunk.len() > limits.body_bytes {
            return Err(Failure::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Received { status: response.status(), headers: response.headers().clone(), body })
}
