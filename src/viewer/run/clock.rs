//! The viewer's one clock.

use std::time::Instant;

use jiff::Timestamp;
use uuid::Uuid;

use crate::viewer::state::Now;

/// Counts from the start; does not go back when the computer's clock is set.
pub(super) struct Clock {
    started: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { started: Instant::now() }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one clock")]
    pub(super) fn now(&self) -> Now {
        Now { tick: self.started.elapsed(), wall: Timestamp::now(), fresh: Uuid::new_v4() }
    }
}
