//! The hub: answers, logs every view before it is answered, and tells the local authority.
//!
//! # The map
//!
//! | Part | What it is for |
//! |---|---|
//! | [`router`](fn@router) | addresses, and what holds for every answer |
//! | `proven` | who is asking: a token, or nobody |
//! | `people`, `plans`, `own` | the handlers: permit, store, answer |
//! | [`store`] | the database: log before disclose |
//! | [`load`] | people and plans from a file |
//! | [`doctor`] | what keeps a hub from serving |
//! | [`life`] | sockets handed over, ready, alive |
//! | [`metrics`], `operator` | what an operator watches, at an address of its own |
//! | [`limits`] | every limit |
//! | [`clock`] | the one place that reads time |
//!
//! A handler gets nothing about a person but [`store::Audited`], and the store gives it only against a permit
//! of [`crate::domain`], which is made only from the activity codes of a proven caller.

pub mod clock;
mod correlation;
pub mod doctor;
mod error;
mod folding;
mod headers;
pub mod life;
pub mod limits;
pub mod load;
pub mod logging;
mod matching;
mod metadata;
pub mod metrics;
mod operator;
mod own;
mod people;
mod plans;
mod proven;
mod query;
mod respond;
mod router;
mod serve;
pub mod store;

use std::sync::Arc;

use jiff::Timestamp;

use crate::config::hub::HubConfig;
use crate::domain::Site;
use crate::identity::token::{SigningKey, Verifier};

use clock::Clock;
use metrics::Metrics;
use store::{OpenError, Store, StoreSettings};

pub use operator::serve_operator;
pub use proven::{UnprovenCall, UnprovenLog, Why};
pub use router::router;
pub use serve::{ServeError, serve};

/// A hub: its store, its clock, its places, and how callers prove themselves. Clones share it.
#[derive(Clone, Debug)]
pub struct Hub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    verifier: Verifier,
    clock: Clock,
    sites: Vec<Site>,
    issuer: String,
    unproven: UnprovenLog,
    started: Timestamp,
}

impl Hub {
    /// Opens the database and stands ready to serve.
    ///
    /// # Errors
    /// The database cannot be used.
    pub fn open(config: &HubConfig, key: SigningKey, clock: Clock) -> Result<Self, OpenError> {
        let settings = StoreSettings {
            path: config.database.clone(),
            synchronous: config.synchronous,
            tails: config.tails,
        };
        let store = Store::open(&settings, clock.clone())?;
        Ok(Self(Arc::new(Inner {
            store,
            verifier: Verifier::new(key, &config.issuer),
            started: clock.now(),
            clock,
            sites: config.sites.clone(),
            issuer: config.issuer.clone(),
            unproven: UnprovenLog::default(),
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

    /// Whether the people are synthetic.
    #[must_use]
    pub fn is_synthetic(&self) -> bool {
        self.0.store.is_synthetic()
    }

    fn verifier(&self) -> &Verifier {
        &self.0.verifier
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
