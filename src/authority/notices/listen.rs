//! The link as it listens: a round every few seconds, with jitter so that not all authorities ask at once, and with pauses
//! that double while something is in the way. It stops between two rounds, or within a pause at once.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::Round;

/// The longest pause while something is in the way.
const LONGEST: Duration = Duration::from_secs(60);

/// Tells whoever listens to stop.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// Stops it.
    pub fn stop(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    /// Waits for a while, or until it is to stop; whether it is.
    #[must_use]
    pub fn wait(&self, pause: Duration) -> bool {
        let stopped = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.1.wait_timeout_while(stopped, pause, |stopped| !*stopped);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// When the next round is.
#[derive(Debug, Clone)]
pub struct Listening {
    every: Duration,
    in_vain: u32,
}

impl Listening {
    /// A round every so often.
    #[must_use]
    pub fn every(every: Duration) -> Self {
        Self { every, in_vain: 0 }
    }

    /// The pause after a round, or after one that could not even begin. `random` is anything from 0 to 1.
    pub fn pause(&mut self, round: Option<&Round>, random: f64) -> Duration {
        let goes_on = round.is_some_and(|round| !round.slows_down());
        self.in_vain = if goes_on { 0 } else { self.in_vain.saturating_add(1) };
        let pause = self.every.saturating_mul(1 << self.in_vain.min(10)).min(LONGEST.max(self.every));
        pause.mul_f64(0.75 + random.clamp(0.0, 1.0) / 2.0)
    }
}

/// Anything from 0 to 1: it only has to differ between authorities.
#[must_use]
pub fn chance() -> f64 {
    let bits = uuid::Uuid::new_v4().as_u128() as u32;
    f64::from(bits) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_another_each_time_and_from_0_to_1() {
        let all: Vec<f64> = (0..64).map(|_| chance()).collect();
        assert!(all.iter().all(|one| (0.0..=1.0).contains(one)));
        let low = all.iter().filter(|one| **one < 0.5).count();
        assert!((1..64).contains(&low), "of 64 some are small and some are not: {all:?}");
    }

    #[test]
    fn pauses_double_while_something_is_in_the_way_have_an_end_and_fall_back() {
        let mut listening = Listening::every(Duration::from_secs(5));
        let well = Round::default();
        assert_eq!(listening.pause(Some(&well), 0.5), Duration::from_secs(5));
        let bad = Round { notes: Some("away".to_owned()), ..Round::default() };
        for seconds in [10, 20, 40, 60, 60] {
            assert_eq!(listening.pause(Some(&bad), 0.5), Duration::from_secs(seconds));
        }
        assert_eq!(listening.pause(None, 1.0), Duration::from_secs(75));
        assert_eq!(listening.pause(Some(&well), 0.0), Duration::from_millis(3750));
        // A document that was set aside is trouble, and slows nothing down.
        let hub = Some(crate::authority::notices::HubTrouble::NotInOrder);
        let set_aside = Round { hub, is_set_aside: true, ..Round::default() };
        assert!(!set_aside.is_well());
        assert_eq!(listening.pause(Some(&set_aside), 0.5), Duration::from_secs(5));
    }

    #[test]
    fn whoever_waits_stops_at_once() {
        let stop = Stop::default();
        assert!(!stop.wait(Duration::ZERO));
        let other = stop.clone();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(move || other.wait(Duration::from_secs(60)));
            stop.stop();
            assert!(waiting.join().unwrap());
        });
    }
}
