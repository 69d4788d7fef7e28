//! The viewer's one clock.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use uuid::Uuid;

use crate::viewer::state::Now;

/// The computer's clock may run ahead of or behind the steady one by this much without a sleep.
const DRIFT: Duration = Duration::from_secs(60);

/// Counts from the start; does not go back when the computer's clock is set.
pub(super) struct Clock {
    started: Instant,
    /// Both clocks when they were last compared.
    compared: (Duration, Timestamp),
}

impl Clock {
    pub(super) fn start(started: Instant) -> Self {
        Self { started, compared: (Duration::ZERO, wall()) }
    }

    pub(super) fn now(&self) -> Now {
        Now { tick: self.started.elapsed(), wall: wall(), fresh: Uuid::new_v4() }
    }

    /// Whether the computer slept (on some systems the steady clock stands still then) or its clock was set
    /// since the last time this was asked.
    pub(super) fn has_slept(&mut self) -> bool {
        let now = self.now();
        let (tick, wall) = self.compared;
        self.compared = (now.tick, now.wall);
        let by_tick = i128::try_from(now.tick.saturating_sub(tick).as_millis()).unwrap_or(i128::MAX);
        let by_wall = i128::from(now.wall.as_millisecond() - wall.as_millisecond());
        (by_wall - by_tick).unsigned_abs() > DRIFT.as_millis()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one clock")]
fn wall() -> Timestamp {
    Timestamp::now()
}
