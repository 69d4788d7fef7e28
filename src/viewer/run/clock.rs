//! The viewer's one clock.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use uuid::Uuid;

use crate::viewer::state::Now;

/// The computer's clock may run ahead of or behind the steady one by this much without a sleep.
const DRIFT: Duration = Duration::from_secs(60);

/// How often both clocks are looked at, whether anything is drawn or not.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Says so whenever the computer has slept, or its clock was set; until nobody is there who `ends` waits for.
pub(super) async fn watch<Ends: Future<Output = ()>>(
    clock: Clock,
    ends: impl Fn() -> Ends,
    slept: impl Fn(),
) {
    while tokio::time::timeout(LOOK_EVERY, ends()).await.is_err() {
        if clock.has_slept() {
            slept();
        }
    }
}

/// Whether so much time between two looks is a sleep: by the computer's clock, or by the steady one where that goes on then.
fn is_sleep((tick, wall): (Duration, Timestamp), (tick_now, wall_now): (Duration, Timestamp)) -> bool {
    let by_wall = i128::from(wall_now.as_millisecond() - wall.as_millisecond());
    by_wall.unsigned_abs() > DRIFT.as_millis() || tick_now.saturating_sub(tick) > DRIFT
}

/// Counts from the start; does not go back when the computer's clock is set. Cheap to clone.
#[derive(Clone)]
pub(super) struct Clock {
    started: Instant,
    /// Both clocks when anybody last looked: one sleep is told once, whoever notices it.
    looked: Arc<Mutex<(Duration, Timestamp)>>,
}

impl Clock {
    pub(super) fn start(started: Instant) -> Self {
        Self { started, looked: Arc::new(Mutex::new((started.elapsed(), wall()))) }
    }

    pub(super) fn now(&self) -> Now {
        Now { tick: self.started.elapsed(), wall: wall(), fresh: Uuid::new_v4() }
    }

    /// Whether the computer slept or its clock was set since the last time that anybody asked.
    pub(super) fn has_slept(&self) -> bool {
        let now = (self.started.elapsed(), wall());
        let looked = {
            // Nothing that is done under the lock leaves half a state behind.
            let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *looked, now)
        };
        is_sleep(looked, now)
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one clock")]
fn wall() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_time_between_two_looks_is_a_sleep_by_whichever_clock() {
        let at = |tick: u64, wall: i64| (Duration::from_secs(tick), Timestamp::from_second(wall).unwrap());
        let before = at(100, 1_000);
        assert!(!is_sleep(before, at(105, 1_005)));
        assert!(!is_sleep(before, at(150, 1_050)), "a busy computer");
        assert!(is_sleep(before, at(105, 1_900)), "the steady clock stood still");
        assert!(is_sleep(before, at(1_000, 1_900)), "both went on");
        assert!(is_sleep(before, at(1_000, 1_005)) && is_sleep(before, at(105, 100)), "the clock was set");
    }
}
