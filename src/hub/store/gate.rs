//! Between the readers and the log: while somebody reads from an older moment the log cannot be moved as a whole and is
//! not begun anew, and on a busy hub somebody always does. So now and then everybody has to go out, and comes in anew.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Lets readers in, and clears them out.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
    renewals: AtomicU64,
    is_log_long: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    within: usize,
    is_shut: bool,
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under the lock leaves half a state behind.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Comes in, once the gate is open; to be followed by [`Gate::leave`].
    pub(super) fn enter(&self) {
        let open = self.changed.wait_while(self.state(), |state| state.is_shut);
        open.unwrap_or_else(PoisonError::into_inner).within += 1;
    }

    /// Goes out: nothing is read any more.
    pub(super) fn leave(&self) {
        self.state().within -= 1;
        self.changed.notify_all();
    }

    /// Whether somebody waits for those within to leave.
    pub(super) fn is_shut(&self) -> bool {
        self.state().is_shut
    }

    /// How often readers were asked to let go of the moment that they read from.
    pub(super) fn renewals(&self) -> u64 {
        self.renewals.load(Ordering::Acquire)
    }

    /// Asks them to, before they read next.
    pub(super) fn renew(&self) {
        self.renewals.fetch_add(1, Ordering::AcqRel);
    }

    /// Says whether the log is long: then nobody keeps a moment for the next search. Where another process commits too,
    /// the log is begun anew only where nobody reads from it by chance.
    pub(super) fn set_log_long(&self, is_long: bool) {
        self.is_log_long.store(is_long, Ordering::Release);
    }

    /// Whether it is.
    pub(super) fn is_log_long(&self) -> bool {
        self.is_log_long.load(Ordering::Acquire)
    }

    /// Lets nobody in until everybody has gone out; false where somebody stays for longer than this. Whoever comes in
    /// afterwards reads of now.
    pub(super) fn clear(&self, wait: Duration) -> bool {
        self.state().is_shut = true;
        let waited = self.changed.wait_timeout_while(self.state(), wait, |state| state.within > 0);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.is_shut = false;
        self.changed.notify_all();
        state.within == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::mpsc::sync_channel;

    #[test]
    fn everybody_goes_out_and_who_reads_long_is_not_waited_for() {
        let gate = Arc::new(Gate::default());
        assert!(gate.clear(Duration::ZERO));
        let (begun, begins) = sync_channel(1);
        let (release, wait) = sync_channel::<()>(1);
        let reader = {
            let gate = Arc::clone(&gate);
            std::thread::Builder::new()
                .spawn(move || {
                    gate.enter();
                    let _ = begun.send(());
                    let _ = wait.recv();
                    gate.leave();
                })
                .unwrap()
        };
        begins.recv().unwrap();
        assert!(!gate.clear(Duration::from_millis(1)));
        drop(release);
        reader.join().unwrap();
        assert!(gate.clear(Duration::ZERO));
        gate.enter();
        gate.leave();
    }
}
