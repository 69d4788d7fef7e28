//! How often one caller may ask. A caller is a user at an organisation, as their token proves.
//!
//! Views have a generous rate of their own, which nobody reaches by hand: a view must practically never be
//! refused. Refusals are audited, but bounded: the first of a caller in a minute at once, how many more there
//! were when the minute is over. So a caller who is refused cannot fill the log either.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::Method;
use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;
use governor::{Quota, RateLimiter};

use super::clock::{Clock, Steady};
use super::limits::{self, Limits, Rate};
use crate::domain::Caller;

/// What is asked for, as far as rates tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Asked {
    View,
    Retrieve,
    Search,
    Other,
    /// A privacy officer's report: a rate of the organisation's, beside that of [`Self::Other`].
    Concerns,
    /// Not a rate: the volume of searches within an hour.
    SearchVolume,
}

impl Asked {
    /// Of a route.
    pub(super) fn of(method: &Method, route: &str) -> Self {
        match route {
            "/cpis/FHIR/R4/CareTeam" | "/patient-flags-api/FHIR/R4/Flag" if method == Method::GET => {
                Self::View
            }
            "/personal-demographics/FHIR/R4/Patient" => Self::Search,
            "/personal-demographics/FHIR/R4/Patient/{number}" => Self::Retrieve,
            _ => Self::Other,
        }
    }

    /// The word in the audit log.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Retrieve => "retrieve",
            Self::Search => "search",
            Self::Other => "other",
            Self::Concerns => "concerns",
            Self::SearchVolume => "search-volume",
        }
    }
}

/// User and organisation.
type Key = (String, String);

type Limiter = RateLimiter<Key, Remembered, HubTime, NoOpMiddleware<<HubTime as GovernorClock>::Instant>>;

/// What is remembered of callers: of no more than so many. Whoever is known keeps a rate; of whom there is no room
/// to remember, nothing is.
#[derive(Default)]
struct Remembered(Mutex<HashMap<Key, Nanos>>);

impl Remembered {
    fn known(&self) -> MutexGuard<'_, HashMap<Key, Nanos>> {
        // Nothing that is done under the lock leaves half a state behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateStore for Remembered {
    type Key = Key;

    fn measure_and_replace<T, F, E>(&self, key: &Key, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut known = self.known();
        let before = known.get(key).copied();
        let (answer, after) = decide(before)?;
        if before.is_some() || known.len() < limits::CALLERS_REMEMBERED {
            known.insert(key.clone(), after);
        }
        Ok(answer)
    }
}

impl ShrinkableKeyedStateStore<Key> for Remembered {
    fn retain_recent(&self, drop_below: Nanos) {
        self.known().retain(|_, state| *state > drop_below);
    }

    fn shrink_to_fit(&self) {
        self.known().shrink_to_fit();
    }

    fn len(&self) -> usize {
        self.known().len()
    }

    fn is_empty(&self) -> bool {
        self.known().is_empty()
    }
}

/// The hub's clock, as governor reads it.
#[derive(Debug, Clone)]
struct HubTime(Arc<Steady>);

impl GovernorClock for HubTime {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Refusals that the audit log is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusals {
    pub(super) caller: Caller,
    pub(super) asked: Asked,
    pub(super) count: u64,
}

/// The rates of all callers.
pub(super) struct Rates {
    views: Limiter,
    retrieves: Limiter,
    searches: Limiter,
    others: Limiter,
    concerns: Limiter,
    time: HubTime,
    refused: Mutex<Refused>,
}

/// Refusals of the present minute that are not in the audit log yet.
#[derive(Default)]
struct Refused {
    minute: u64,
    by: HashMap<(Key, Asked), Refusals>,
}

impl std::fmt::Debug for Rates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rates")
    }
}

impl Rates {
    pub(super) fn new(limits: &Limits, clock: Clock) -> Self {
        let time = HubTime(Arc::new(Steady::from(clock)));
        let of = |quota| RateLimiter::new(quota, Remembered::default(), time.clone());
        let limiter = |rate: Rate| of(Quota::per_minute(rate.per_minute).allow_burst(rate.at_once));
        let concerns = NonZeroU32::new(limits::CONCERNS_PER_HOUR).unwrap_or(NonZeroU32::MIN);
        Self {
            views: limiter(limits.views),
            retrieves: limiter(limits.retrieves),
            searches: limiter(limits.searches),
            others: limiter(limits.others),
            concerns: of(Quota::per_hour(concerns)),
            time: time.clone(),
            refused: Mutex::default(),
        }
    }

    /// Lets the caller ask, or says how long to wait.
    pub(super) fn admit(&self, caller: &Caller, asked: Asked) -> Result<(), Duration> {
        let limiter = match asked {
            Asked::View => &self.views,
            Asked::Retrieve => &self.retrieves,
            Asked::Search => &self.searches,
            Asked::Other => &self.others,
            Asked::Concerns => &self.concerns,
            Asked::SearchVolume => return Ok(()),
        };
        let key = match asked {
            Asked::Concerns => (String::new(), caller.organisation_code.clone()),
            Asked::View | Asked::Retrieve | Asked::Search | Asked::Other | Asked::SearchVolume => key(caller),
        };
        limiter.check_key(&key).map_err(|until| until.wait_time_from(self.time.now()))
    }

    /// Notes a refusal. What comes back is to be audited now: it is the first of the caller in this minute.
    pub(super) fn refuse(&self, caller: &Caller, asked: Asked) -> Option<Refusals> {
        let mut refused = self.refused();
        let refusals = |count| Refusals { caller: caller.clone(), asked, count };
        let is_full = refused.by.len() >= limits::CALLERS_REFUSED;
        match refused.by.get_mut(&(key(caller), asked)) {
            Some(known) => {
                known.count = known.count.saturating_add(1);
                None
            }
            None if is_full => None,
            None => {
                refused.by.insert((key(caller), asked), refusals(0));
                Some(refusals(1))
            }
        }
    }

    /// What could not be audited is told again with the next minute that is over.
    pub(super) fn put_back(&self, refusals: Refusals) {
        let mut refused = self.refused();
        let is_full = refused.by.len() >= limits::CALLERS_REFUSED;
        let key = (key(&refusals.caller), refusals.asked);
        match refused.by.get_mut(&key) {
            Some(known) => known.count = known.count.saturating_add(refusals.count),
            None if is_full => {}
            None => {
                refused.by.insert(key, refusals);
            }
        }
    }

    /// What is to be audited of minutes that are over. Every minute once, with the first request of the next
    /// one; then who has not asked for long is forgotten too.
    pub(super) fn overdue(&self) -> Vec<Refusals> {
        let minute = self.time.now().as_secs() / 60;
        let mut refused = self.refused();
        if refused.minute == minute {
            return Vec::new();
        }
        refused.minute = minute;
        let over = std::mem::take(&mut refused.by);
        drop(refused);
        for limiter in [&self.views, &self.retrieves, &self.searches, &self.others, &self.concerns] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        over.into_values().filter(|refusals| refusals.count > 0).collect()
    }

    /// The same of the present minute too: the hub stops.
    pub(super) fn all_that_is_left(&self) -> Vec<Refusals> {
        let over = std::mem::take(&mut self.refused().by);
        over.into_values().filter(|refusals| refusals.count > 0).collect()
    }

    fn refused(&self) -> MutexGuard<'_, Refused> {
        // Nothing that is done under the lock leaves half a state behind.
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(caller: &Caller) -> Key {
    (caller.user.clone(), caller.organisation_code.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::hub::LimitSettings;
    use jiff::{SignedDuration, Timestamp};

    fn caller(user: &str, organisation: &str) -> Caller {
        Caller {
            user: user.to_owned(),
            name: String::new(),
            role: String::new(),
            role_profile: String::new(),
            organisation_code: organisation.to_owned(),
            organisation: String::new(),
            activities: Vec::new(),
            session: String::new(),
            client: None,
        }
    }

    fn rates() -> (Rates, Clock) {
        let clock = Clock::standing_at("2026-11-22T14:05:00Z".parse::<Timestamp>().unwrap());
        let limits = Limits::of(&LimitSettings {
            searches_per_minute: Some(6),
            searches_at_once: Some(3),
            ..LimitSettings::default()
        });
        (Rates::new(&limits, clock.clone()), clock)
    }

    #[test]
    fn a_rate_is_of_one_user_at_one_organisation_and_of_one_kind_of_request() {
        let (rates, clock) = rates();
        let who = caller("a", "RN3");
        for _ in 0..3 {
            assert_eq!(rates.admit(&who, Asked::Search), Ok(()));
        }
        let wait = rates.admit(&who, Asked::Search).unwrap_err();
        assert_eq!(wait, Duration::from_secs(10));
        for other in [caller("b", "RN3"), caller("a", "RA9")] {
            assert_eq!(rates.admit(&other, Asked::Search), Ok(()));
        }
        for asked in [Asked::View, Asked::Retrieve, Asked::Other] {
            assert_eq!(rates.admit(&who, asked), Ok(()));
        }
        clock.turn_to(clock.now() + SignedDuration::from_secs(10));
        assert_eq!(rates.admit(&who, Asked::Search), Ok(()));
        assert!(rates.admit(&who, Asked::Search).is_err());
        // A clock that is set back makes nobody wait for longer.
        clock.turn_to(clock.now() - SignedDuration::from_hours(5));
        assert_eq!(rates.admit(&who, Asked::Search).unwrap_err(), Duration::from_secs(10));
        clock.turn_to(clock.now() + SignedDuration::from_secs(10));
        assert_eq!(rates.admit(&who, Asked::Search), Ok(()));
    }

    #[test]
    fn the_rate_of_reports_is_of_an_organisation_and_of_an_hour() {
        let (rates, clock) = rates();
        for report in 0..limits::CONCERNS_PER_HOUR {
            let who = caller(if report % 2 == 0 { "a" } else { "b" }, "RN3");
            assert_eq!(rates.admit(&who, Asked::Concerns), Ok(()));
        }
        let wait = Duration::from_secs(60 * 60) / limits::CONCERNS_PER_HOUR;
        assert_eq!(rates.admit(&caller("c", "RN3"), Asked::Concerns), Err(wait));
        assert_eq!(rates.admit(&caller("a", "RA9"), Asked::Concerns), Ok(()));
        assert_eq!(rates.admit(&caller("a", "RN3"), Asked::Other), Ok(()));
        clock.turn_to(clock.now() + SignedDuration::try_from(wait).unwrap());
        assert_eq!(rates.overdue(), [], "minutes that are over forget nobody's hour");
        assert_eq!(rates.admit(&caller("c", "RN3"), Asked::Concerns), Ok(()));
        assert!(rates.admit(&caller("a", "RN3"), Asked::Concerns).is_err());
    }

    #[test]
    fn refusals_are_told_once_a_minute_and_the_rest_as_a_number_when_it_is_over() {
        let (rates, clock) = rates();
        let who = caller("a", "RN3");
        let told = |count| Refusals { caller: who.clone(), asked: Asked::Search, count };
        assert_eq!(rates.refuse(&who, Asked::Search), Some(told(1)));
        for _ in 0..5 {
            assert_eq!(rates.refuse(&who, Asked::Search), None);
        }
        assert_eq!(rates.overdue(), []);
        // The first could not be written, and is among those that are told later.
        rates.put_back(told(1));
        clock.turn_to(clock.now() + SignedDuration::from_mins(1));
        assert_eq!(rates.overdue(), [told(6)]);
        rates.put_back(told(6));
        assert_eq!(rates.all_that_is_left(), [told(6)]);
        assert_eq!(rates.refuse(&who, Asked::Search), Some(told(1)));
        assert_eq!(rates.all_that_is_left(), []);
    }

    #[test]
    fn what_is_remembered_of_callers_is_bounded_and_forgotten() {
        let (rates, clock) = rates();
        for user in 0..limits::CALLERS_REMEMBERED + 10 {
            assert_eq!(rates.admit(&caller(&user.to_string(), "RN3"), Asked::View), Ok(()));
        }
        assert_eq!(rates.views.len(), limits::CALLERS_REMEMBERED);
        // Who is known keeps a rate, however many others come; of whom there is no room, nobody is refused.
        let (known, unknown) = (caller("0", "RN3"), caller("late", "RN3"));
        for _ in 1..limits::VIEWS_AT_ONCE {
            assert_eq!(rates.admit(&known, Asked::View), Ok(()));
        }
        assert!(rates.admit(&known, Asked::View).is_err());
        for _ in 0..=limits::VIEWS_AT_ONCE {
            assert_eq!(rates.admit(&unknown, Asked::View), Ok(()));
        }
        for user in 0..limits::CALLERS_REFUSED + 10 {
            let _ = rates.refuse(&caller(&user.to_string(), "RN3"), Asked::View);
        }
        assert_eq!(rates.refused().by.len(), limits::CALLERS_REFUSED);
        clock.turn_to(clock.now() + SignedDuration::from_mins(6));
        assert_eq!(rates.overdue(), []);
        assert_eq!((rates.views.len(), rates.refused().by.len()), (0, 0));
    }
}
