//! Local authorities' uploads: who may send, the file on its way in, its application in slices, and what it is told.
//!
//! A client certificate is one authority, as configured, and there is no other way to be one: a token is not looked at. A
//! file that names another authority is refused whole.

mod arrival;
mod receive;
mod spool;
mod tell;
mod watch;
mod work;

use std::collections::HashSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::Hub;
use super::error::ApiError;
use super::limits;
use super::metrics::Shed;
use super::tls::ClientCertificate;
use crate::config::hub::SendingAuthority;
use crate::domain::Caller;

pub(super) use arrival::{Arrival, Received, has_room};
pub(super) use receive::receive;
pub(super) use tell::{tell, write as write_acknowledgement};
pub(super) use watch::keep as keep_watch;
pub(super) use work::keep;

/// What the handlers and the one who applies share.
#[derive(Debug)]
pub(super) struct Uploads {
    authorities: Vec<SendingAuthority>,
    /// Names this run of the hub.
    run: Uuid,
    arriving: Arc<Semaphore>,
    /// Whose files are arriving.
    senders: Arc<Mutex<HashSet<String>>>,
    came: Notify,
    stops: AtomicBool,
}

impl Uploads {
    pub(super) fn of(authorities: &[SendingAuthority]) -> Self {
        Self {
            authorities: authorities.to_vec(),
            run: Uuid::new_v4(),
            arriving: Arc::new(Semaphore::new(limits::UPLOADS_AT_ONCE)),
            senders: Arc::default(),
            came: Notify::new(),
            stops: AtomicBool::new(false),
        }
    }

    /// The codes of those who may send.
    pub(super) fn codes(&self) -> Vec<String> {
        self.authorities.iter().map(|authority| authority.code.clone()).collect()
    }

    /// The authority of a mailbox at MESH; none where it is nobody's.
    pub(super) fn of_mailbox(&self, mailbox: &str) -> Option<Sender> {
        let mut all = self.authorities.iter();
        let of = all.find(|authority| authority.mailbox.as_deref() == Some(mailbox))?;
        Some(Sender(of.code.clone()))
    }

    /// Those that come by MESH: code and mailbox.
    pub(super) fn by_mesh(&self) -> Vec<(String, String)> {
        let with = |authority: &SendingAuthority| Some((authority.code.clone(), authority.mailbox.clone()?));
        self.authorities.iter().filter_map(with).collect()
    }

    /// A place for a file to arrive in: one for each authority, so that none takes all of them.
    fn place(&self, sender: &Sender) -> Option<Place> {
        let one_of_all = Arc::clone(&self.arriving).try_acquire_owned().ok()?;
        let is_first =
            self.senders.lock().unwrap_or_else(PoisonError::into_inner).insert(sender.code().to_owned());
        is_first.then(|| Place {
            of: sender.code().to_owned(),
            senders: Arc::clone(&self.senders),
            _one_of_all: one_of_all,
        })
    }

    /// The one authority of a certificate; none where it is nobody's, or that of two.
    fn sender(&self, certificate: &ClientCertificate) -> Option<&str> {
        let mut fitting = self
            .authorities
            .iter()
            .filter(|authority| authority.certificates.iter().any(|name| certificate.is_named(name)));
        fitting.next().filter(|_| fitting.next().is_none()).map(|authority| authority.code.as_str())
    }
}

/// Held while a file arrives.
struct Place {
    of: String,
    senders: Arc<Mutex<HashSet<String>>>,
    _one_of_all: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.senders.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.of);
    }
}

/// A local authority that proved who it is.
#[derive(Clone)]
pub(super) struct Sender(String);

impl Sender {
    pub(super) fn code(&self) -> &str {
        &self.0
    }
}

/// Under whom the audit log notes what an authority sends.
pub(super) fn caller(code: &str) -> Caller {
    Caller {
        user: format!("authority:{code}"),
        name: "local authority's link".to_owned(),
        role: "local authority".to_owned(),
        role_profile: String::new(),
        organisation_code: code.to_owned(),
        organisation: String::new(),
        activities: Vec::new(),
        session: String::new(),
        client: None,
    }
}

impl FromRequestParts<Hub> for Sender {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, ApiError> {
        if !hub.store().has_room(false) {
            hub.metrics().shed(Shed::Others);
            return Err(ApiError::BUSY);
        }
        let certificate = parts.extensions.get::<ClientCertificate>().ok_or(ApiError::NO_CERTIFICATE)?;
        let sender = hub.uploads().sender(certificate).ok_or_else(|| {
            tracing::warn!("a caller's certificate is of no local authority that is configured");
            ApiError::NO_AUTHORITY
        })?;
        Ok(Self(sender.to_owned()))
    }
}
