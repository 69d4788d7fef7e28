//! The viewer's one clock.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use uuid::Uuid;

use crate::viewer::state::Now;

/// The computer's clock may run ahead of or behind the steady one by this much without a sleep.
const DRIFT: Duration = Duration::from_secs(60);

/// How often both clocks are looked at, whether anything is drawn or not.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Says so whenever the computer has slept, or its clock was set; until nobody is there who `ends` waits for.
pub(super) async fn watch<Ends: Future<Output = ()>>(ends: impl Fn() -> Ends, slept: impl Fn()) {
    let started = Instant::now();
    let mut looked = (Duration::ZERO, wall());
    while tokio::time::timeout(LOOK_EVERY, ends()).await.is_err() {
        let now = (started.elapsed(), wall());
        if is_sleep(looked, now) {
            slept();
        }
        looked = now;
    }
}

/// Whether so much time between two looks is a sleep: by the computer's clock, or by the steady one where that goes on then.
fn is_sleep((tick, wall): (Duration, Timestamp), (tick_now, wall_now): (Duration, Timestamp)) -> bool {
    let by_wall = i128::from(wall_now.as_millisecond() - wall.as_millisecond());
    by_wall.unsigned_abs() > DRIFT.as_millis() || tick_now.saturating_sub(tick) > DRIFT
}

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
