//! What sign-ins gave, until it is known whether anybody wants it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::client::HubClient;

/// What sign-ins gave, under their numbers. Few: each is kept or revoked as soon as its answer is taken.
#[derive(Clone, Default)]
pub(super) struct Arrived(Arc<Mutex<Vec<(u64, HubClient)>>>);

impl Arrived {
    fn all(&self) -> MutexGuard<'_, Vec<(u64, HubClient)>> {
        // Nothing that is done under the lock leaves half a state behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put(&self, ask: u64, client: HubClient) {
        self.all().push((ask, client));
    }

    pub(super) fn take(&self, ask: u64) -> Vec<HubClient> {
        self.all().extract_if(.., |(of, _)| *of == ask).map(|(_, client)| client).collect()
    }

    pub(super) fn take_all(&self) -> Vec<HubClient> {
        self.all().drain(..).map(|(_, client)| client).collect()
    }
}
