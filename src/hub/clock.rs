//! The hub's clock: the one place in the hub that reads time.
//!
//! Every rule about days and minutes is decided on this clock, and every answer carries it in its `Date`
//! header, so that no desktop's clock decides anything. Tests and the demonstration turn it.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use jiff::{Timestamp, Zoned, tz::TimeZone};

/// Where the hub gets the time from. Clones share one clock.
#[derive(Clone)]
pub struct Clock(Kind);

#[derive(Clone)]
enum Kind {
    System,
    Standing(Arc<AtomicI64>),
    Shifted(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Kind::System)
    }

    /// A clock that stands still until it is turned.
    #[must_use]
    pub fn standing_at(start: Timestamp) -> Self {
        Self(Kind::Standing(Arc::new(AtomicI64::new(start.as_millisecond()))))
    }

    /// A clock that reads `start` now and runs on from there.
    #[must_use]
    pub fn running_from(start: Timestamp) -> Self {
        let shift = start.as_millisecond() - system_milliseconds();
        Self(Kind::Shifted(Arc::new(AtomicI64::new(shift))))
    }

    /// The present moment, to the millisecond: what is stored is what is answered.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let milliseconds = match &self.0 {
            Kind::System => system_milliseconds(),
            Kind::Standing(at) => at.load(Ordering::SeqCst),
            Kind::Shifted(shift) => system_milliseconds().saturating_add(shift.load(Ordering::SeqCst)),
        };
        Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MAX)
    }

    /// The same, but carried on from the first reading by a clock that nobody sets: for how long ago something was while
    /// the hub runs. Tests turn it as they turn the other.
    #[must_use]
    pub fn carried_on(&self) -> Timestamp {
        static FIRST: OnceLock<(i64, Instant)> = OnceLock::new();
        match &self.0 {
            Kind::System => {
                let (at, since) = FIRST.get_or_init(|| (system_milliseconds(), Instant::now()));
                let gone_by = i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX);
                Timestamp::from_millisecond(at.saturating_add(gone_by)).unwrap_or(Timestamp::MAX)
            }
            Kind::Standing(_) | Kind::Shifted(_) => self.now(),
        }
    }

    /// Turns a clock of tests or of the demonstration; the machine's clock is not turned.
    pub fn turn_to(&self, to: Timestamp) {
        match &self.0 {
            Kind::System => {}
            Kind::Standing(at) => at.store(to.as_millisecond(), Ordering::SeqCst),
            Kind::Shifted(shift) => {
                shift.store(to.as_millisecond() - system_milliseconds(), Ordering::SeqCst);
            }
        }
    }
}

/// Time that only goes forward: what the clock has gone forward since this was made. A clock that is set back
/// stops nothing and shortens nothing that was to be waited for by more than it was set.
#[derive(Debug)]
pub struct Steady {
    clock: Clock,
    seen: Mutex<(Timestamp, Duration)>,
}

impl Steady {
    /// From now on.
    #[must_use]
    pub fn from(clock: Clock) -> Self {
        let seen = Mutex::new((clock.now(), Duration::ZERO));
        Self { clock, seen }
    }

    /// What has gone by.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let (last, gone_by) = *seen;
        let step = Duration::try_from(now.duration_since(last)).unwrap_or(Duration::ZERO);
        *seen = (now, gone_by.saturating_add(step));
        seen.1
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock")]
fn system_milliseconds() -> i64 {
    Timestamp::now().as_millisecond()
}

/// A moment as the HTTP `Date` header writes it: `Sun, 22 Nov 2026 14:05:00 GMT` (RFC 9110, 5.6.7).
#[must_use]
pub fn http_date(at: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let utc: Zoned = at.to_zoned(TimeZone::UTC);
    let pick = |names: &'static [&'static str], index: i8| {
        usize::try_from(index).ok().and_then(|i| names.get(i).copied()).unwrap_or("")
    };
    format!(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
        pick(&DAYS, utc.weekday().to_monday_zero_offset()),
        utc.day(),
        pick(&MONTHS, utc.month() - 1),
        utc.year(),
        utc.hour(),
        utc.minute(),
        utc.second()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_http_writes_it() {
        let at: Timestamp = "1994-11-06T08:49:37Z".parse().unwrap();
        assert_eq!(http_date(at), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn a_clock_of_tests_stands_until_it_is_turned() {
        let start: Timestamp = "2026-11-22T14:05:00Z".parse().unwrap();
        let later: Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
        let clock = Clock::standing_at(start);
        let shared = clock.clone();
        assert_eq!(clock.now(), start);
        shared.turn_to(later);
        assert_eq!(clock.now(), later);
        let running = Clock::running_from(later);
        assert!(running.now() >= later);
    }

    #[test]
    fn a_clock_that_is_carried_on_begins_at_the_machines_and_tests_turn_it() {
        let system = Clock::system();
        let (now, carried_on) = (system.now(), system.carried_on());
        assert!(carried_on.duration_since(now).abs() < jiff::SignedDuration::from_mins(1));
        let later: Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(Clock::standing_at(later).carried_on(), later);
    }

    #[test]
    fn steady_time_goes_forward_only() {
        let start: Timestamp = "2026-11-22T14:05:00Z".parse().unwrap();
        let clock = Clock::standing_at(start);
        let steady = Steady::from(clock.clone());
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let turn = |to: u64| clock.turn_to(start + minutes(to));
        turn(10);
        assert_eq!(steady.elapsed(), minutes(10));
        turn(4);
        assert_eq!(steady.elapsed(), minutes(10), "set back: nothing goes by");
        turn(5);
        assert_eq!(steady.elapsed(), minutes(11), "and goes on from there");
    }
}
