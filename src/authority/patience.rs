//! How long something is tried again that may go better in a while: with pauses that double, by chance somewhat shorter, so that all
//! the links of a country do not come back at one moment.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::upload::{Progress, Step};
use crate::exchange::TransportError;

/// The first pause between two tries.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest pause that the link chooses by itself.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The longest that the hub can ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(10 * 60);

/// For how long something is tried, from the first time that it fails.
#[derive(Debug, Clone, Copy)]
pub struct Patience(Duration);

impl Patience {
    /// Of so long; of none, everything is tried once.
    #[must_use]
    pub fn of(length: Duration) -> Self {
        Self(length)
    }

    /// Tries until it succeeds, fails for good, or time is over. What ends this process ends it too: nothing is lost by that.
    pub(super) fn try_again<T>(
        self,
        progress: Progress<'_>,
        mut what: impl FnMut() -> Result<T, TransportError>,
    ) -> Result<T, TransportError> {
        let (mut pause, mut first) = (FIRST_PAUSE, None);
        loop {
            let error = match what() {
                Err(error) if error.is_passing() => error,
                done => return done,
            };
            let begun = *first.get_or_insert_with(Instant::now);
            let left = self.0.saturating_sub(begun.elapsed());
            let wait = waits(pause, error.after(), chance());
            if wait > left {
                return Err(error);
            }
            progress(Step::Waiting(&error, wait));
            std::thread::sleep(wait);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// The pause, down to half of it by chance; never shorter than the hub asks for.
fn waits(pause: Duration, asked: Option<Duration>, chance: f64) -> Duration {
    pause.mul_f64(0.5 + chance / 2.0).max(asked.unwrap_or_default().min(LONGEST_ASKED))
}

/// Between 0 and 1.
fn chance() -> f64 {
    let (high, _) = Uuid::new_v4().as_u64_pair();
    f64::from(u32::try_from(high >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_differ_and_are_never_shorter_than_the_hub_asks_for() {
        let pause = Duration::from_secs(8);
        assert_eq!(waits(pause, None, 0.0), Duration::from_secs(4));
        assert_eq!(waits(pause, None, 1.0), pause);
        assert_eq!(waits(pause, Some(Duration::from_secs(30)), 0.5), Duration::from_secs(30));
        assert_eq!(waits(pause, Some(Duration::from_secs(1)), 1.0), pause);
        assert_eq!(waits(pause, Some(Duration::from_secs(86_400)), 0.5), LONGEST_ASKED);
        assert!((0..20).map(|_| chance()).any(|one| (one - chance()).abs() > 0.01));
    }

    #[test]
    fn what_may_go_better_is_tried_until_time_is_over_and_what_may_not_is_tried_once() {
        let tries = |patience: Patience, error: fn() -> TransportError| {
            let (mut tries, mut told) = (0, 0);
            let done: Result<(), _> = patience.try_again(&mut |_| told += 1, || {
                tries += 1;
                Err(error())
            });
            assert!(done.is_err() && told + 1 == tries);
            tries
        };
        let passing = || TransportError::NotNow("busy".to_owned(), None);
        assert_eq!(tries(Patience::of(Duration::ZERO), passing), 1);
        assert!(tries(Patience::of(Duration::from_secs(3)), passing) >= 3);
        let later = || TransportError::NotNow("busy".to_owned(), Some(Duration::from_secs(9)));
        assert_eq!(tries(Patience::of(Duration::from_secs(3)), later), 1, "not before the hub wants it");
        let never = || TransportError::NotAllowed("no".to_owned());
        assert_eq!(tries(Patience::of(Duration::from_secs(3)), never), 1);
    }
}
