//! What sign-ins gave, until it is known whether anybody wants it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::keychain::Keeper;
use crate::client::HubClient;

/// One session: how the hub is asked in it, and what keeps it.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) client: HubClient,
    /// On a desk that is nobody else's.
    pub(super) keeper: Option<Arc<Keeper>>,
}

/// What sign-ins gave, under their numbers. Few: each is kept or revoked as soon as its answer is taken.
#[derive(Clone, Default)]
pub(super) struct Arrived(Arc<Mutex<Vec<(u64, Held)>>>);

impl Arrived {
    fn all(&self) -> MutexGuard<'_, Vec<(u64, Held)>> {
        // Nothing that is done under the lock leaves half a state behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put(&self, ask: u64, held: Held) {
        self.all().push((ask, held));
    }

    pub(super) fn take(&self, ask: u64) -> Vec<Held> {
        self.all().extract_if(.., |(of, _)| *of == ask).map(|(_, held)| held).collect()
    }

    pub(super) fn take_all(&self) -> Vec<Held> {
        self.all().drain(..).map(|(_, held)| held).collect()
    }
}
