//! The hub: answers, logs every view before it is answered, and tells the local authority.
//!
//! # The map
//!
//! | Part | What it is for |
//! |---|---|
//! | [`router`](fn@router) | addresses, and what holds for every answer |
//! | `proven` | who is asking: a token and what it is bound to, or nobody |
//! | `clients` | registered programs, and their certificates |
//! | `open` | documents for everybody, and how many of them |
//! | `signin` | how a session begins: `/authorize`, the page that asks, codes, signing out |
//! | `provider` | the organisation's provider, at which people sign in |
//! | `sessions`, `events` | how a session goes on and ends: `/token`, `/revoke`; and who hears of it at once |
//! | `people`, `plans`, `own`, `audit` | the handlers: permit, store, answer; `frame` is what they share |
//! | `negotiation` | JSON, and nothing else |
//! | `metadata` | what the hub is: CapabilityStatements and the OpenAPI document |
//! | [`search`] | who is found, and how well they fit |
//! | `connections`, `guarded`, `files` | who may stay connected, and for how long |
//! | [`tls`] | the hub's certificate, and callers' |
//! | [`store`] | the database: log before disclose |
//! | [`load`] | people and plans from a file |
//! | `uploads` | local authorities' plans, in slices |
//! | `mesh` | the hub's mailbox at MESH: the same uploads, notifications and receipts |
//! | `notices` | what local authorities are told, and their receipts |
//! | [`doctor`] | what keeps a hub from serving |
//! | [`life`] | sockets handed over, ready, alive |
//! | [`sample`] | synthetic people in any number |
//! | [`metrics`], `operator` | what an operator watches, at an address of its own |
//! | [`concerns`] | views worth a question, for a privacy officer |
//! | [`limits`], `rates`, `seldom` | every limit, who asks too often, and lines that come seldom |
//! | [`clock`] | the one place that reads time |
//! | [`disk`] | free space, its alert, and the reserve |
//!
//! A handler gets nothing about a person but [`store::Audited`], and the store gives it only against a permit
//! of [`crate::domain`], which is made only from the activity codes of a proven caller.

mod audit;
pub mod balp;
mod clients;
pub mod clock;
pub mod concerns;
mod connections;
mod correlation;
pub mod disk;
pub mod doctor;
mod error;
mod events;
mod files;
mod folding;
mod frame;
#[cfg(any(all(test, feature = "demo"), feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod guarded;
mod headers;
mod keeping;
pub mod life;
pub mod limits;
pub mod load;
pub mod logging;
mod mesh;
mod metadata;
pub mod metrics;
mod negotiation;
mod notices;
mod open;
mod operator;
mod own;
mod people;
mod plans;
mod proven;
mod provider;
mod query;
mod rates;
mod respond;
mod router;
pub mod sample;
pub mod search;
mod seldom;
mod serve;
mod sessions;
mod signin;
pub mod store;
pub mod tls;
mod unproven;
mod uploads;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::config::hub::{HubConfig, NoticeSettings, OverdueBefore, Retention};
use crate::config::mesh::MeshSettings;
use crate::domain::{Rights, Site};
use crate::identity::dpop::Proofs;
use crate::identity::token::{Minter, SigningKey, Verifier};

use clients::Clients;
use clock::Clock;
use disk::{Disk, DiskState};
use limits::Limits;
use metrics::Metrics;
use open::Opened;
use rates::Rates;
use sessions::Sessions;
use signin::SignIns;
use store::{Lock, OpenError, Store, StoreError, StoreSettings};
use tls::{Tls, TlsError};
use uploads::Uploads;

pub use mesh::{ask_mesh, mesh_is_usable};
pub use metadata::OPENAPI;
pub use operator::serve_operator;

pub use provider::{ProviderError, provider_is_usable};
pub use router::{addresses, router};
pub use serve::{ServeError, serve};
pub use sessions::{Granted, SessionError, SessionTimes};
pub use unproven::{UnprovenCall, UnprovenLog, Why};

/// Why a hub does not stand ready: one sentence.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Certificate(#[from] TlsError),
    /// The sessions in the database cannot be read.
    #[error("the sessions in the database cannot be read: {0}")]
    Sessions(#[from] StoreError),
    /// The settings of the provider cannot be used.
    #[error(transparent)]
    Provider(#[from] ProviderError),
}

/// A hub: its store, its clock, its places, and how callers prove themselves. Clones share it.
#[derive(Clone, Debug)]
pub struct Hub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    verifier: Verifier,
    minter: Minter,
    proofs: Proofs,
    sessions: Sessions,
    signing_in: SignIns,
    clock: Clock,
    rights: Rights,
    sites: Vec<Site>,
    issuer: String,
    unproven: UnprovenLog,
    limits: Limits,
    rates: Rates,
    started: Timestamp,
    disk: Disk,
    retention: Retention,
    tls: Option<Tls>,
    uploads: Uploads,
    clients: Clients,
    opened: Opened,
    notices: NoticeSettings,
    mesh: Option<MeshSettings>,
    database: PathBuf,
    _served: Lock,
}

impl Hub {
    /// Opens the database and stands ready to serve.
    ///
    /// # Errors
    /// Certificate or database cannot be used.
    pub fn open(config: &HubConfig, key: SigningKey, clock: Clock) -> Result<Self, StartError> {
        let tls = config.tls.as_ref().map(|settings| Tls::read(settings, clock.clone())).transpose()?;
        let signing_in = SignIns::new(config.provider.as_ref())?;
        // Before anything is changed: two hubs would each know nothing of the other's views.
        let served = store::lock_to_serve(&config.database)?;
        let disk = Disk::of_served(&config.database, config.disk);
        disk.look();
        let settings = StoreSettings { disk: disk.clone(), ..StoreSettings::of(config) };
        let store = Store::open(&settings, clock.clone())?;
        let held = store.sessions()?;
        // A clock that was set back meanwhile gives nobody more time.
        let open = held.iter().filter(|session| !session.has_ended);
        if let Some(Ok(last)) = open.map(|one| one.active_ms).max().map(Timestamp::from_millisecond) {
            clock.carry_on_from(last);
        }
        let sessions = Sessions::of(held);
        let limits = Limits::of(&config.limits);
        Ok(Self(Arc::new(Inner {
            store,
            verifier: Verifier::new(key.clone(), &config.issuer),
            minter: Minter::new(key, &config.issuer),
            sessions,
            signing_in,
            proofs: Proofs::new(&config.issuer, proven::PROOFS),
            rates: Rates::new(&limits, clock.clone()),
            limits,
            started: clock.now(),
            clock,
            rights: config.rights.clone(),
            sites: config.sites.clone(),
            issuer: config.issuer.clone(),
            unproven: UnprovenLog::default(),
            disk,
            retention: config.retention,
            tls,
            uploads: Uploads::of(&config.authorities),
            clients: Clients::of(&config.clients),
            opened: Opened::default(),
            notices: config.notices,
            mesh: config.mesh.clone(),
            database: config.database.clone(),
            _served: served,
        })))
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Calls of those who never proved who they are.
    #[must_use]
    pub fn unproven(&self) -> &UnprovenLog {
        &self.0.unproven
    }

    /// What an operator watches.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        self.0.store.metrics()
    }

    /// What is known about the disk of the database.
    #[must_use]
    pub fn disk(&self) -> DiskState {
        self.0.disk.state()
    }

    /// Whether the people are synthetic.
    #[must_use]
    pub fn is_synthetic(&self) -> bool {
        self.0.store.is_synthetic()
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// What it speaks TLS with; `None` where it speaks plain HTTP.
    #[must_use]
    pub fn tls(&self) -> Option<&Tls> {
        self.0.tls.as_ref()
    }

    fn uploads(&self) -> &Uploads {
        &self.0.uploads
    }

    /// Before which moments what was queued is overdue.
    fn overdue_before(&self) -> OverdueBefore {
        self.0.notices.overdue_before(self.0.clock.now())
    }

    fn mesh(&self) -> Option<&MeshSettings> {
        self.0.mesh.as_ref()
    }

    fn database(&self) -> &Path {
        &self.0.database
    }

    /// Whether something of this size can be written without coming near the reserve.
    fn has_room_for(&self, bytes: u64) -> bool {
        self.0.disk.has_room_for(bytes)
    }

    /// Whether there would be room if so much went.
    fn would_have_room(&self, bytes: u64) -> bool {
        self.0.disk.would_have_room(bytes)
    }

    fn rates(&self) -> &Rates {
        &self.0.rates
    }

    fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    fn proofs(&self) -> &Proofs {
        &self.0.proofs
    }

    fn minter(&self) -> &Minter {
        &self.0.minter
    }

    fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    fn clients(&self) -> &Clients {
        &self.0.clients
    }

    fn opened(&self) -> &Opened {
        &self.0.opened
    }

    fn signing_in(&self) -> &SignIns {
        &self.0.signing_in
    }

    /// The nonce that a proof of a token's key has to carry now. Callers have it from the hub's last answer.
    #[must_use]
    pub fn proof_nonce(&self) -> String {
        self.proofs().nonce(self.0.clock.now())
    }

    /// What each activity code allows.
    #[must_use]
    pub fn rights(&self) -> &Rights {
        &self.0.rights
    }

    fn sites(&self) -> &[Site] {
        &self.0.sites
    }

    fn started(&self) -> Timestamp {
        self.0.started
    }

    fn issuer(&self) -> &str {
        &self.0.issuer
    }
}
