//! HTTPS with the link's own certificate: one way to carry documents. There is no other proof of who the link is, and no
//! way without TLS.

mod notices;

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::blocking::{Body, Client, Response};
use reqwest::{Certificate, Identity, StatusCode};
use serde::Deserialize;

use crate::config::authority::HttpsSettings;
use crate::exchange::codes::{MEDIA_TYPE, UPLOADS};
use crate::exchange::notice::RegisterId;
use crate::exchange::{Delivery, Transport, TransportError};
use crate::mesh::open_to_others;

/// Time to connect.
const CONNECT: Duration = Duration::from_secs(10);

/// Time for an upload, and for its answer; somewhat longer than the hub gives it.
const UPLOAD: Duration = Duration::from_secs(11 * 60);

/// Bytes of a file with certificates or a key.
const PEM_BYTES: u64 = 1024 * 1024;

/// Bytes of an answer that is held in memory; an acknowledgement is read as it comes.
const ANSWER_BYTES: u64 = 64 * 1024;

/// A connection to the hub.
pub struct Https {
    http: Client,
    address: String,
    /// What the hub said at once: that a file is refused as a whole.
    said: Option<(u32, Response)>,
    /// With which register it asks for notifications.
    register: Option<RegisterId>,
}

impl std::fmt::Debug for Https {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Https")
    }
}

impl Https {
    /// Reads certificate and key. Nothing is sent yet.
    ///
    /// # Errors
    /// One of the files cannot be used.
    pub fn new(settings: &HttpsSettings) -> Result<Self, TransportError> {
        let unusable = |path: &Path, why: &str| TransportError::Local(format!("{}: {why}", path.display()));
        let mut own = read(&settings.certificate)?;
        own.push(b'\n');
        own.extend_from_slice(&read_private(&settings.key)?);
        let own = Identity::from_pem(&own).map_err(|_| {
            unusable(&settings.certificate, "with the key this is no certificate (PEM) that can be shown")
        })?;
        let mut authorities = Vec::new();
        if let Some(path) = &settings.certificate_authority {
            authorities = Certificate::from_pem_bundle(&read(path)?)
                .ok()
                .filter(|certificates| !certificates.is_empty())
                .ok_or_else(|| unusable(path, "there is no certificate (PEM) in it"))?;
        }
        let mut builder = Client::builder().use_rustls_tls().https_only(true).identity(own);
        // Whoever is named is trusted, and nobody beside them.
        if !authorities.is_empty() {
            builder = builder.tls_certs_only(authorities);
        }
        let http = builder
            .connect_timeout(CONNECT)
            .timeout(UPLOAD)
            // A redirect would carry children's names elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("cpis-authority/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| {
                unusable(
                    &settings.certificate,
                    "certificate and key do not belong together, or cannot be used",
                )
            })?;
        Ok(Self { http, address: settings.address.clone(), said: None, register: None })
    }

    /// With the register into which notifications go: the hub tells an authority with one.
    #[must_use]
    pub fn with_register(self, register: RegisterId) -> Self {
        Self { register: Some(register), ..self }
    }
}

/// The same of a file that not every user of this computer can read.
fn read_private(path: &PathBuf) -> Result<Vec<u8>, TransportError> {
    let bytes = read(path)?;
    open_to_others(path).map_or(Ok(bytes), |why| Err(TransportError::Local(why)))
}

fn read(path: &PathBuf) -> Result<Vec<u8>, TransportError> {
    let unreadable = |why: &str| TransportError::Local(format!("cannot read {}: {why}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| unreadable(&error.kind().to_string()))?.len();
    if size > PEM_BYTES {
        return Err(unreadable("it is too large"));
    }
    std::fs::read(path).map_err(|error| unreadable(&error.kind().to_string()))
}

impl Transport for Https {
    fn send(&mut self, document: &Path, sequence: u32) -> Result<(), TransportError> {
        self.said = None;
        let file = File::open(document).map_err(|error| {
            TransportError::Local(format!("cannot read {}: {}", document.display(), error.kind()))
        })?;
        let length = file.metadata().map_err(|error| TransportError::Local(error.kind().to_string()))?.len();
        let request = self
            .http
            .post(format!("{}{UPLOADS}", self.address))
            .header("content-type", MEDIA_TYPE)
            .body(Body::sized(file, length));
        let answer = request.send().map_err(|error| not_reached(&error))?;
        match answer.status() {
            StatusCode::ACCEPTED => Ok(()),
            StatusCode::OK => {
                self.said = Some((sequence, answer));
                Ok(())
            }
            status => Err(refused(status, retry_after(&answer))),
        }
    }

    fn acknowledgement(&mut self, sequence: u32) -> Result<Delivery, TransportError> {
        if let Some((of, answer)) = self.said.take()
            && of == sequence
        {
            return Ok(Delivery::Acknowledged(Box::new(answer)));
        }
        let request = self.http.get(format!("{}{UPLOADS}/{sequence}", self.address));
        let answer = request.send().map_err(|error| not_reached(&error))?;
        let after = retry_after(&answer);
        match answer.status() {
            StatusCode::OK => Ok(Delivery::Acknowledged(Box::new(answer))),
            StatusCode::ACCEPTED => Ok(Delivery::UnderWay { done: far(answer) }),
            StatusCode::NOT_FOUND if code(answer).as_deref() == Some("RESOURCE_NOT_FOUND") => {
                Ok(Delivery::NotArrived)
            }
            StatusCode::NOT_FOUND => {
                Err(TransportError::NotUnderstood("there is no such address: is it a hub?".to_owned()))
            }
            status => Err(refused(status, after)),
        }
    }
}

#[derive(Deserialize)]
struct Far {
    #[serde(default)]
    done: u64,
}

fn far(answer: Response) -> u64 {
    body(answer).and_then(|body| serde_json::from_slice::<Far>(&body).ok()).map_or(0, |far| far.done)
}

fn code(answer: Response) -> Option<String> {
    crate::fhir::read::outcome_code(&body(answer)?)
}

/// An answer that is short.
fn body(answer: Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    std::io::Read::read_to_end(&mut std::io::Read::take(answer, ANSWER_BYTES), &mut body).ok()?;
    Some(body)
}

/// The seconds that the hub asks to wait for.
fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get(reqwest::header::RETRY_AFTER)?.to_str().ok()?.trim();
    seconds.parse().ok().map(Duration::from_secs)
}

/// What the hub's status means. Of its text nothing is repeated.
fn refused(status: StatusCode, after: Option<Duration>) -> TransportError {
    let status_code = status.as_u16();
    match status {
        StatusCode::UNAUTHORIZED => {
            TransportError::NotAllowed("it was shown no certificate (401): see `hub.certificate`".to_owned())
        }
        StatusCode::FORBIDDEN => TransportError::NotAllowed(
            "the certificate is of no authority that the hub knows, or of another than `authority.code` (403)".to_owned(),
        ),
        StatusCode::PAYLOAD_TOO_LARGE => TransportError::NotAllowed("the file is too large (413)".to_owned()),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            TransportError::NotNow(format!("status {status_code}"), after)
        }
        status if status.is_server_error() => {
            TransportError::NotNow(format!("status {status_code}"), after)
        }
        _ => TransportError::NotUnderstood(format!("status {status_code}")),
    }
}

/// Why nobody was reached. The library's text holds an address and more: only its kind is told.
fn not_reached(error: &reqwest::Error) -> TransportError {
    let why = match tls_error(error) {
        Some(rustls::Error::InvalidCertificate(_)) => {
            "the hub's certificate is not trusted: see `hub.certificate_authority`"
        }
        Some(rustls::Error::AlertReceived(_)) => {
            "the hub does not take the link's certificate: see `hub.certificate`"
        }
        Some(_) => "a secure connection could not be made",
        None if error.is_timeout() => "it did not answer in time",
        None if error.is_connect() => "no connection",
        None => "the connection broke off",
    };
    TransportError::NotReached(why.to_owned())
}

fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(error);
    }
    // What an IO error wraps is not its source.
    match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(wrapped) => tls_error(wrapped),
        None => tls_error(error.source()?),
    }
}
