//! Lines of the log that anybody can cause: at most one in a minute, with how many there were.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// Counts what is said seldom.
#[derive(Debug, Default)]
pub(super) struct Seldom(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    minute: Option<i64>,
    times: u64,
}

impl Seldom {
    /// Counts once; says how many there were when a line about them is due: in each minute, with the first one.
    pub(super) fn due(&self, now: Timestamp) -> Option<u64> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.times = counted.times.saturating_add(1);
        let minute = Some(now.as_second().div_euclid(60));
        if counted.minute == minute {
            return None;
        }
        counted.minute = minute;
        Some(std::mem::take(&mut counted.times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_line_in_a_minute_and_it_says_how_many_there_were() {
        let (seldom, at) = (Seldom::default(), |second| Timestamp::from_second(second).unwrap());
        assert_eq!(seldom.due(at(60)), Some(1));
        assert_eq!((seldom.due(at(61)), seldom.due(at(119))), (None, None));
        assert_eq!(seldom.due(at(120)), Some(3));
    }
}
