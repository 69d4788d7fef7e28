//! The hub: answers, logs every view before it is answered, and tells the local authority.
//!
//! # The map
//!
//! | Part | What it is for |
//! |---|---|
//! | [`router`](fn@router) | addresses, and what holds for every answer |
//! | `proven` | who is asking: a token, or nobody |
//! | `people`, `plans`, `own` | the handlers: permit, store, answer |
//! | `connections`, `guarded`, `files` | who may stay connected, and for how long |
//! | [`store`] | the database: log before disclose |
//! | [`load`] | people and plans from a file |
//! | [`limits`], `rates` | every limit, and who asks too often |
//! | [`clock`] | the one place that reads time |
//!
//! A handler gets nothing about a person but [`store::Audited`], and the store gives it only against a permit
//! of [`crate::domain`], which is made only from the activity codes of a proven caller.

pub mod clock;
mod connections;
mod error;
mod files;
mod folding;
mod guarded;
mod headers;
pub mod limits;
pub mod load;
pub mod logging;
mod matching;
mod metadata;
mod own;
mod people;
mod plans;
mod proven;
mod query;
mod rates;
mod respond;
mod router;
mod serve;
pub mod store;

use std::sync::Arc;

use crate::config::hub::HubConfig;
use crate::domain::Site;
use crate::identity::token::{SigningKey, Verifier};

use clock::Clock;
use limits::Limits;
use rates::Rates;
use store::{OpenError, Store, StoreSettings};

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
    limits: Limits,
    rates: Rates,
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
        let limits = Limits::of(&config.limits);
        Ok(Self(Arc::new(Inner {
            store,
            verifier: Verifier::new(key, &config.issuer),
            rates: Rates::new(&limits, clock.clone()),
            limits,
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

    fn rates(&self) -> &Rates {
        &self.0.rates
    }

    fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    fn sites(&self) -> &[Site] {
        &self.0.sites
    }

    fn issuer(&self) -> &str {
        &self.0.issuer
    }
}
