//! How long ago something was, also where the computer has slept meanwhile: the steady clock of some systems stands still
//! then, and the computer's own clock can be set. Whichever says more is believed.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// A moment, by both clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Since {
    steady: Instant,
    wall: Timestamp,
}

impl Since {
    pub(super) fn now() -> Self {
        Self { steady: Instant::now(), wall: wall() }
    }

    pub(super) fn elapsed(self) -> Duration {
        self.steady.elapsed().max(wall().duration_since(self.wall).unsigned_abs())
    }
}

#[expect(clippy::disallowed_methods, reason = "only how much it has gone on counts, and no test turns it")]
fn wall() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
impl Since {
    /// So long ago by the steady clock, and by the computer's.
    pub(super) fn ago(steady: Duration, by_wall: Duration) -> Self {
        Self { steady: Instant::now().checked_sub(steady).unwrap(), wall: wall() - by_wall }
    }
}
