//! Asking the provider: within limits of time and size, over TLS, following no redirect, and reading nothing that says
//! the same thing twice.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::pin::Pin;

use axum::http::{StatusCode, header};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use tokio::sync::Semaphore;

use super::ProviderError;
use crate::config::hub::is_on_this_computer;
use crate::hub::limits;

/// Why there is no answer. Carries nothing of the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unanswered {
    #[error("an address is not of https")]
    NotSecure,
    #[error("it cannot be reached, or did not answer in time")]
    Unreachable,
    #[error("its answer is too large")]
    TooLarge,
    #[error("its answer says something twice")]
    Twice,
    #[error("too many people sign in at once")]
    Crowded,
    #[error("it says that it failed")]
    Failed,
}

pub(super) struct Http {
    client: reqwest::Client,
    /// A provider on this computer may be asked in the clear, and then only on this computer.
    is_local: bool,
    places: Semaphore,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}

impl Http {
    pub(super) fn new(issuer: &str, ca: Option<&Path>) -> Result<Self, ProviderError> {
        let authorities = ca.map(authorities).transpose()?.unwrap_or_default();
        let is_local = is_on_this_computer(issuer);
        let builder = reqwest::Client::builder();
        let builder = if ca.is_some() || is_local {
            builder.tls_certs_only(authorities)
        } else {
            builder.tls_certs_merge(authorities)
        };
        let client = builder
            .connect_timeout(limits::PROVIDER_CONNECT)
            .timeout(limits::PROVIDER_ANSWER)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("cpis-hub/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| ProviderError::Ca("the certificates cannot be used"))?;
        Ok(Self { client, is_local, places: Semaphore::new(limits::PROVIDER_QUESTIONS) })
    }

    /// The same with places of its own: whoever signs in takes none of them.
    pub(super) fn besides(&self) -> Self {
        let places = Semaphore::new(limits::PROVIDER_QUESTIONS);
        Self { client: self.client.clone(), is_local: self.is_local, places }
    }

    /// Whether the browser may be sent to an address, or the provider be asked there.
    pub(super) fn may_ask(&self, url: &str) -> bool {
        url.starts_with("https://") || (self.is_local && is_on_this_computer(url))
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, Unanswered> {
        if !self.may_ask(&request.uri().to_string()) {
            return Err(Unanswered::NotSecure);
        }
        let _place = self.places.try_acquire().map_err(|_| Unanswered::Crowded)?;
        let request = reqwest::Request::try_from(request).map_err(|_| Unanswered::NotSecure)?;
        let mut answer = self.client.execute(request).await.map_err(|_| Unanswered::Unreachable)?;
        if answer.status().is_server_error() {
            return Err(Unanswered::Failed);
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|_| Unanswered::Unreachable)? {
            if body.len().saturating_add(chunk.len()) > limits::PROVIDER_BYTES {
                return Err(Unanswered::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if kind.is_some_and(|kind| kind.contains("json")) && says_twice(&body) {
            return Err(Unanswered::Twice);
        }
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut response = HttpResponse::new(body);
        *response.status_mut() = StatusCode::from_u16(status.as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
        *response.headers_mut() = headers;
        Ok(response)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = Unanswered;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Unanswered>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

fn authorities(path: &Path) -> Result<Vec<reqwest::Certificate>, ProviderError> {
    let unusable = |_| ProviderError::Ca("`provider.ca` is no readable PEM file with certificates");
    let read = CertificateDer::pem_file_iter(path).map_err(unusable)?;
    let read: Vec<CertificateDer<'static>> = read.collect::<Result<_, _>>().map_err(unusable)?;
    if read.is_empty() {
        return Err(ProviderError::Ca("`provider.ca` has no certificate in it"));
    }
    read.iter()
        .map(|one| reqwest::Certificate::from_der(one))
        .collect::<Result<_, _>>()
        .map_err(|_| ProviderError::Ca("`provider.ca` has a certificate that cannot be used"))
}

/// Whether a JSON text gives one name two values: which of them counts would be the reader's guess. What is no JSON is
/// left to whoever reads it.
pub(super) fn says_twice(json: &[u8]) -> bool {
    match serde_json::from_slice::<Once>(json) {
        Ok(Once) => false,
        Err(error) => error.to_string().starts_with(TWICE),
    }
}

const TWICE: &str = "one name has two values";

/// Any JSON value in which each name stands once.
struct Once;

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnceVisitor)
    }
}

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Once;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Once, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name) {
                return Err(de::Error::custom(TWICE));
            }
            map.next_value::<Once>()?;
        }
        Ok(Once)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Once, A::Error> {
        while items.next_element::<Once>()?.is_some() {}
        Ok(Once)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_str<E>(self, _: &str) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_unit<E>(self) -> Result<Once, E> {
        Ok(Once)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_two_values_is_noticed_wherever_it_stands() {
        for twice in [r#"{"a":1,"a":1}"#, r#"{"a":[{"b":null,"c":1.5,"b":-2}]}"#, r#"{"a":1,"\u0061":2}"#] {
            assert!(says_twice(twice.as_bytes()), "{twice}");
        }
        for once in [r#"{"a":{"a":[true]},"b":{"a":"x"}}"#, "[]", "7", "no JSON"] {
            assert!(!says_twice(once.as_bytes()), "{once}");
        }
    }
}
