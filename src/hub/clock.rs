//! The hub's clock: the one place in the hub that reads time.
//!
//! Every rule about days and minutes is decided on this clock, and every answer carries it in its `Date`
//! header, so that no desktop's clock decides anything. Tests and the demonstration turn it.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use jiff::{Timestamp, Zoned, tz::TimeZone};

/// The machine's clock and one that nobody sets may differ by so much, in milliseconds, before the one was set or the other
/// stood still.
const JUMP_MS: i64 = 1000;

/// Where the hub gets the time from. Clones share one clock.
#[derive(Clone)]
pub struct Clock {
    kind: Kind,
    carried: Arc<Mutex<Option<Carried>>>,
}

#[derive(Clone)]
enum Kind {
    System,
    /// Of tests and of the demonstration.
    Turned(Arc<Turned>),
}

/// Two hands that can be turned, in milliseconds: the clock that the machine shows, and the one that nobody sets.
struct Turned {
    wall: AtomicI64,
    steady: AtomicI64,
    /// The hands are ahead of the machine's own by that much, and go on with these.
    runs: bool,
}

/// Where both hands stood, and what time was carried on to then.
#[derive(Clone, Copy)]
struct Carried {
    wall: i64,
    steady: i64,
    at: i64,
}

impl Clock {
    fn of(kind: Kind) -> Self {
        Self { kind, carried: Arc::default() }
    }

    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::of(Kind::System)
    }

    /// A clock that stands still until it is turned.
    #[must_use]
    pub fn standing_at(start: Timestamp) -> Self {
        let (wall, steady) = (AtomicI64::new(start.as_millisecond()), AtomicI64::new(0));
        Self::of(Kind::Turned(Arc::new(Turned { wall, steady, runs: false })))
    }

    /// A clock that reads `start` now and runs on from there.
    #[must_use]
    pub fn running_from(start: Timestamp) -> Self {
        let wall = AtomicI64::new(start.as_millisecond() - system_milliseconds());
        Self::of(Kind::Turned(Arc::new(Turned { wall, steady: AtomicI64::new(0), runs: true })))
    }

    /// The present moment, to the millisecond: what is stored is what is answered.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.wall()).unwrap_or(Timestamp::MAX)
    }

    fn wall(&self) -> i64 {
        match &self.kind {
            Kind::System => system_milliseconds(),
            Kind::Turned(hands) => {
                let own = if hands.runs { system_milliseconds() } else { 0 };
                own.saturating_add(hands.wall.load(Ordering::SeqCst))
            }
        }
    }

    fn steady(&self) -> i64 {
        match &self.kind {
            Kind::System => steady_milliseconds(),
            Kind::Turned(hands) => {
                let own = if hands.runs { steady_milliseconds() } else { 0 };
                own.saturating_add(hands.steady.load(Ordering::SeqCst))
            }
        }
    }

    /// The same, but carried on from the first reading: for how long ago something was. Setting the machine's clock back takes
    /// nothing of it. It goes on by whichever has gone further, that clock or one that nobody sets: the other stands still
    /// where a machine sleeps, or is put aside as a whole.
    #[must_use]
    pub fn carried_on(&self) -> Timestamp {
        let at = self.carry_on(&mut self.carried());
        Timestamp::from_millisecond(at).unwrap_or(Timestamp::MAX)
    }

    /// Goes on from this moment at least: what was written before the machine's clock was set back is not in the future.
    pub fn carry_on_from(&self, least: Timestamp) {
        let mut carried = self.carried();
        let behind = least.as_millisecond().saturating_sub(self.carry_on(&mut carried));
        if let Some(carried) = carried.as_mut() {
            carried.at = carried.at.saturating_add(behind.max(0));
        }
    }

    fn carried(&self) -> MutexGuard<'_, Option<Carried>> {
        // Nothing that is done under the lock leaves half a state behind.
        self.carried.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn carry_on(&self, carried: &mut Option<Carried>) -> i64 {
        let (wall, steady) = (self.wall(), self.steady());
        let since = carried.get_or_insert(Carried { wall, steady, at: wall });
        let gone_by = steady.saturating_sub(since.steady);
        let ahead = wall.saturating_sub(since.wall).saturating_sub(gone_by);
        let at = since.at.saturating_add(gone_by).saturating_add(if ahead > JUMP_MS { ahead } else { 0 });
        if ahead.saturating_abs() > JUMP_MS {
            *since = Carried { wall, steady, at };
        }
        at
    }

    /// Turns both hands of a clock of tests or of the demonstration, as time does; the machine's clock is not turned.
    pub fn turn_to(&self, to: Timestamp) {
        if let Kind::Turned(hands) = &self.kind {
            let gone_by = to.as_millisecond().saturating_sub(self.wall());
            hands.steady.fetch_add(gone_by.max(0), Ordering::SeqCst);
        }
        self.set_to(to);
    }

    /// Sets such a clock, as an operator does, or wakes its machine: no time goes by for the hand that nobody sets.
    pub fn set_to(&self, to: Timestamp) {
        if let Kind::Turned(hands) = &self.kind {
            let own = if hands.runs { system_milliseconds() } else { 0 };
            hands.wall.store(to.as_millisecond().saturating_sub(own), Ordering::SeqCst);
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

fn steady_milliseconds() -> i64 {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    i64::try_from(FIRST.get_or_init(Instant::now).elapsed().as_millis()).unwrap_or(i64::MAX)
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
    fn what_is_carried_on_goes_on_by_whichever_hand_has_gone_further() {
        let start: Timestamp = "2026-11-22T14:05:00Z".parse().unwrap();
        let at = |minutes: i64| start + jiff::SignedDuration::from_mins(minutes);
        let clock = Clock::standing_at(start);
        assert_eq!(clock.carried_on(), start);
        clock.turn_to(at(10));
        assert_eq!(clock.carried_on(), at(10));
        // Set back by five hours: nothing is taken, and it goes on.
        clock.set_to(at(10 - 300));
        assert_eq!(clock.carried_on(), at(10));
        clock.turn_to(at(20 - 300));
        assert_eq!(clock.carried_on(), at(20));
        // The machine was put aside for two hours, or its clock was set: nobody can tell.
        clock.set_to(at(140 - 300));
        assert_eq!(clock.carried_on(), at(140));
        clock.turn_to(at(150 - 300));
        assert_eq!(clock.carried_on(), at(150));
        // What is set little by little is neither.
        for second in 1..=100 {
            clock.set_to(at(150 - 300) + jiff::SignedDuration::from_millis(second % 2 * 900));
            assert_eq!(clock.carried_on(), at(150));
        }
        // And not before what a hub has written.
        clock.carry_on_from(at(400));
        assert_eq!(clock.carried_on(), at(400));
        clock.carry_on_from(at(100));
        clock.turn_to(at(151 - 300));
        assert_eq!(clock.carried_on(), at(401));
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
