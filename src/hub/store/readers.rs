//! The connections that only read, and whose turn it is: first come, first served. Threads that all wait for the
//! same few connections would overtake each other, and some searches would be answered very late.

use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::{Fault, StoreError};
use super::{Store, writer};

pub(super) struct Readers {
    connections: Vec<Mutex<Connection>>,
    places: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        let places = Arc::new(Semaphore::new(connections.len()));
        Self { connections: connections.into_iter().map(Mutex::new).collect(), places }
    }

    /// Lets closing them leave the log as it is.
    pub(super) fn leave_the_log(&self) {
        for reader in &self.connections {
            writer::leave_the_log(&reader.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, StoreError> {
        // A reader whose user panicked holds no state of its own: it goes on.
        let free = self.connections.iter().find_map(|reader| match reader.try_lock() {
            Ok(reader) => Some(reader),
            Err(TryLockError::Poisoned(reader)) => Some(reader.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        });
        let reader = match free {
            Some(reader) => reader,
            None => {
                let first = self.connections.first().ok_or(StoreError::Closed)?;
                first.lock().unwrap_or_else(PoisonError::into_inner)
            }
        };
        work(&reader).map_err(|fault| fault.into_error("read"))
    }
}

impl Store {
    /// Reads off the threads that serve connections: SQLite may have to wait for a lock. Whoever leaves before
    /// their turn is not read for.
    pub(super) async fn read_elsewhere<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let places = Arc::clone(&self.0.readers.places);
        let place: OwnedSemaphorePermit = places.acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let store = self.clone();
        let reading = tokio::task::spawn_blocking(move || {
            // Kept until it is done, also where nobody waits for it any more.
            let _place = place;
            store.read(work)
        });
        reading.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Reads committed data on one of the readers.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        self.0.readers.read(work)
    }
}
