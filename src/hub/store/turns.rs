//! So many at once of each: of one user's searches, of one organisation's reports. Who comes meanwhile waits, in the order of
//! coming, and nobody else waits with them. Nothing is remembered of anybody who neither has a turn nor waits for one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::StoreError;

/// The turns of everybody.
#[derive(Clone)]
pub(super) struct Turns {
    /// How many at once one may have.
    of_one: usize,
    lines: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

/// A turn; it is over when this goes.
pub(super) struct Turn {
    // Given back before the place in the line is.
    _permit: OwnedSemaphorePermit,
    _place: Place,
}

/// Has a turn, or waits for one.
struct Place {
    turns: Turns,
    whose: String,
    line: Arc<Semaphore>,
}

impl Turns {
    pub(super) fn new(of_one: usize) -> Self {
        Self { of_one, lines: Arc::default() }
    }

    /// Waits for a turn.
    pub(super) async fn wait(&self, whose: &str) -> Result<Turn, StoreError> {
        let place = self.place(whose);
        let permit = Arc::clone(&place.line).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        Ok(Turn { _permit: permit, _place: place })
    }

    /// A turn, where there is one at once.
    pub(super) fn at_once(&self, whose: &str) -> Option<Turn> {
        let place = self.place(whose);
        let permit = Arc::clone(&place.line).try_acquire_owned().ok()?;
        Some(Turn { _permit: permit, _place: place })
    }

    fn place(&self, whose: &str) -> Place {
        let mut lines = self.lines();
        let line = lines.entry(whose.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(self.of_one)));
        Place { turns: self.clone(), whose: whose.to_owned(), line: Arc::clone(line) }
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<String, Arc<Semaphore>>> {
        // Nothing that is done under the lock leaves half a state behind.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lines = self.turns.lines();
        // One is the table's, one this place's own; further places are taken under the same lock.
        if Arc::strong_count(&self.line) <= 2 {
            lines.remove(&self.whose);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    /// What a future comes to, if it does at once.
    fn now<T>(future: impl Future<Output = T>) -> Option<T> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    #[tokio::test]
    async fn one_has_so_many_turns_and_no_more_others_have_theirs_and_nobody_is_remembered() {
        let turns = Turns::new(2);
        let first = turns.wait("a").await.unwrap_or_else(|_| panic!("closed"));
        let second = turns.at_once("a").unwrap();
        assert!(turns.at_once("a").is_none());
        assert!(now(turns.wait("a")).is_none(), "waits");
        assert!(turns.at_once("b").is_some(), "and nobody else does");
        assert_eq!(turns.lines().len(), 1, "who is done, or no longer waits, is forgotten");
        drop(first);
        let third = turns.at_once("a").unwrap();
        assert!(turns.at_once("a").is_none());
        drop((second, third));
        assert!(turns.lines().is_empty());
    }

    #[tokio::test]
    async fn who_waits_comes_in_the_order_of_coming() {
        let turns = Turns::new(1);
        let held = turns.at_once("a").unwrap();
        let (mut second, mut third) = (Box::pin(turns.wait("a")), Box::pin(turns.wait("a")));
        assert!(now(second.as_mut()).is_none() && now(third.as_mut()).is_none());
        drop(held);
        assert!(now(third.as_mut()).is_none() && turns.at_once("a").is_none(), "the second is first");
        let second = now(second.as_mut()).unwrap();
        drop(second);
        assert!(now(third.as_mut()).is_some_and(|turn| turn.is_ok()));
        drop(third);
        assert!(turns.lines().is_empty());
    }
}
