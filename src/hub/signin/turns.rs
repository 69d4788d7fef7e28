//! How often one person may sign in. They are proven, and a program of theirs could still fill what is kept of everybody:
//! places at the page, codes, sessions, and the audit log.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::hub::limits;

/// What becomes of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Now,
    /// Too often, for the first time within these minutes: that is in the audit log.
    TooOften,
    /// Too often, again.
    StillTooOften,
}

#[derive(Debug, Clone, Copy, Default)]
struct Taken {
    window: i64,
    within_window: u32,
    day: i64,
    within_day: u32,
}

/// The turns of the day. `Debug` shows nobody.
#[derive(Default)]
pub(super) struct Turns(Mutex<HashMap<String, Taken>>);

impl std::fmt::Debug for Turns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Turns(hidden)")
    }
}

impl Turns {
    /// Takes a turn of this person's.
    pub(super) fn take(&self, user: &str, now: Timestamp) -> Turn {
        let window = now.as_second().div_euclid(limits::SIGN_IN.as_secs().cast_signed());
        let day = now.as_second().div_euclid(24 * 60 * 60);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains_key(user) && all.len() >= limits::SESSIONS {
            all.retain(|_, taken| taken.day == day);
            if all.len() >= limits::SESSIONS {
                // More people than there are: none of them is kept out for it.
                return Turn::Now;
            }
        }
        let taken = all.entry(user.to_owned()).or_default();
        if taken.day != day {
            *taken = Taken { day, ..Taken::default() };
        }
        if taken.window != window {
            *taken = Taken { window, within_window: 0, ..*taken };
        }
        taken.within_window = taken.within_window.saturating_add(1);
        if taken.within_window <= limits::SIGN_INS_OF_ONE && taken.within_day < limits::SIGN_INS_OF_ONE_DAY {
            taken.within_day = taken.within_day.saturating_add(1);
            return Turn::Now;
        }
        let is_first = taken.within_window == limits::SIGN_INS_OF_ONE.saturating_add(1)
            || (taken.within_window == 1 && taken.within_day == limits::SIGN_INS_OF_ONE_DAY);
        if is_first { Turn::TooOften } else { Turn::StillTooOften }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_takes_so_many_turns_and_keeps_nobody_else_out() {
        let (turns, at) = (Turns::default(), |second| Timestamp::from_second(second).unwrap());
        for _ in 0..limits::SIGN_INS_OF_ONE {
            assert_eq!(turns.take("a", at(0)), Turn::Now);
        }
        assert_eq!(turns.take("a", at(599)), Turn::TooOften);
        assert_eq!(turns.take("a", at(599)), Turn::StillTooOften, "and is in the audit log once");
        assert_eq!(turns.take("b", at(599)), Turn::Now);
        assert_eq!(turns.take("a", at(600)), Turn::Now);
    }

    #[test]
    fn nor_more_within_a_day() {
        let (turns, mut told) = (Turns::default(), Vec::new());
        for window in 0..143 {
            for _ in 0..10 {
                told.push(turns.take("a", Timestamp::from_second(window * 600).unwrap()));
            }
        }
        let good = told.iter().filter(|turn| **turn == Turn::Now).count();
        assert_eq!(good, limits::SIGN_INS_OF_ONE_DAY as usize);
        let audited = told.iter().filter(|turn| **turn == Turn::TooOften).count();
        assert!(audited <= 143, "{audited}");
        assert_eq!(turns.take("a", Timestamp::from_second(24 * 3600).unwrap()), Turn::Now);
    }
}
