//! The proof that an answer was logged before it is given.

use std::time::Duration;

use jiff::Timestamp;

/// Patient data together with the proof that its audit entry, history row and notifications are on disk.
/// Only the store's writer makes one, and only after its COMMIT returned.
#[derive(Debug)]
pub struct Audited<T> {
    value: T,
    at: Timestamp,
    waited: Duration,
}

impl<T> Audited<T> {
    /// Called by the writer after its COMMIT.
    pub(super) fn after_commit(value: T, at: Timestamp, waited: Duration) -> Self {
        Self { value, at, waited }
    }

    /// The data, which may now be disclosed.
    pub fn into_value(self) -> T {
        self.value
    }

    /// What is made of the data: as true as the data itself.
    pub(in crate::hub) fn map<U>(self, make: impl FnOnce(T) -> U) -> Audited<U> {
        let Self { value, at, waited } = self;
        Audited { value: make(value), at, waited }
    }

    /// The data, to look at.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The moment, on the hub's clock, on which everything in the answer was decided.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Time from the question until it was on disk.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.waited
    }
}

impl<T> Audited<Option<T>> {
    /// The data, if there is any.
    pub(super) fn transpose(self) -> Option<Audited<T>> {
        let Self { value, at, waited } = self;
        value.map(|value| Audited { value, at, waited })
    }
}
