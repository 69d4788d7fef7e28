//! Attempts that have come back from the provider: each is spent before anything is asked there, so that no stranger makes
//! the hub ask twice for one beginning, nor from one network for all that are to come.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::hub::limits;
use crate::hub::open::network;

/// Whether an attempt that comes back goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spent {
    Now,
    /// It came back before.
    Again,
    /// Too many from the same network came to nothing.
    TooMany,
}

/// Those that are spent. Strangers can cause them: of too many the oldest are forgotten.
#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    spent: HashSet<String>,
    /// In order, with when their cookies can come no more.
    until: VecDeque<(String, Timestamp)>,
    /// How many of each network came to nothing within this minute, or are under way.
    failed: HashMap<IpAddr, u32>,
    minute: i64,
}

impl Attempts {
    fn held(&self) -> MutexGuard<'_, Held> {
        // Nothing that is done under the lock leaves half a state behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an attempt has come back before.
    pub(super) fn is_spent(&self, attempt: &str) -> bool {
        self.held().spent.contains(attempt)
    }

    /// Spends an attempt: once, and not where too many from the same network came to nothing within this minute.
    pub(super) fn spend(&self, attempt: &str, from: Option<IpAddr>, now: Timestamp) -> Spent {
        let mut held = self.held();
        while held.until.len() >= limits::SIGN_INS_SPENT
            || held.until.front().is_some_and(|(_, until)| *until <= now)
        {
            if let Some((oldest, _)) = held.until.pop_front() {
                held.spent.remove(&oldest);
            }
        }
        if held.spent.contains(attempt) {
            return Spent::Again;
        }
        let minute = now.as_second().div_euclid(60);
        if held.minute != minute {
            held.minute = minute;
            held.failed.clear();
        }
        if let Some(network) = from.and_then(network)
            && (held.failed.contains_key(&network) || held.failed.len() < limits::SIGN_IN_NETWORKS)
        {
            let failed = held.failed.entry(network).or_default();
            if *failed >= limits::SIGN_INS_FAILED {
                return Spent::TooMany;
            }
            // As one that comes to nothing, until it does not.
            *failed = failed.saturating_add(1);
        }
        let until = now.checked_add(limits::SIGN_IN).unwrap_or(Timestamp::MAX);
        held.spent.insert(attempt.to_owned());
        held.until.push_back((attempt.to_owned(), until));
        Spent::Now
    }

    /// An attempt from there did not come to nothing, or not by its own fault.
    pub(super) fn forgive(&self, from: Option<IpAddr>) {
        let Some(network) = from.and_then(network) else { return };
        if let Some(failed) = self.held().failed.get_mut(&network) {
            *failed = failed.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn an_attempt_is_spent_once_until_its_cookie_can_come_no_more() {
        let attempts = Attempts::default();
        assert_eq!(attempts.spend("a", None, at(0)), Spent::Now);
        assert_eq!(attempts.spend("a", None, at(599)), Spent::Again);
        assert!(attempts.is_spent("a") && !attempts.is_spent("b"));
        assert_eq!(attempts.spend("a", None, at(600)), Spent::Now);
        assert_eq!(attempts.held().until.len(), 1, "what is over is forgotten");
    }

    #[test]
    fn a_network_whose_attempts_come_to_nothing_waits_and_nobody_else_does() {
        let attempts = Attempts::default();
        let from = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        let spend = |id: u32, address: &str, second| {
            attempts.spend(&format!("{id}{address}{second}"), from(address), at(second))
        };
        for id in 0..limits::SIGN_INS_FAILED {
            assert_eq!(spend(id, "192.0.2.1", 0), Spent::Now);
            assert_eq!(spend(id, "2001:db8::1", 0), Spent::Now);
        }
        assert_eq!(spend(999, "192.0.2.1", 59), Spent::TooMany);
        assert_eq!(spend(999, "::ffff:192.0.2.1", 59), Spent::TooMany, "the same, written otherwise");
        assert_eq!(spend(999, "2001:db8::2", 59), Spent::TooMany, "the same network");
        assert_eq!(spend(999, "192.0.2.2", 59), Spent::Now);
        assert_eq!(spend(999, "2001:db8:0:1::1", 59), Spent::Now);
        attempts.forgive(from("192.0.2.1"));
        assert_eq!(spend(999, "192.0.2.1", 59), Spent::Now, "one of them is signed in");
        assert_eq!(spend(1000, "192.0.2.1", 60), Spent::Now, "a minute later");
        for id in 0..limits::SIGN_INS_FAILED * 2 {
            assert_eq!(spend(id, "127.0.0.1", 60), Spent::Now);
        }
    }
}
