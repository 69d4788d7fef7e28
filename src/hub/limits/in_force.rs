//! The limits in force: those of the configuration, else the usual ones.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{
    CONNECTIONS, IDLE, OTHERS_AT_ONCE, OTHERS_PER_MINUTE, PEOPLE_PER_HOUR, RETRIEVES_AT_ONCE,
    RETRIEVES_PER_MINUTE, SEARCHES_AT_ONCE_PER_CALLER, SEARCHES_PER_HOUR, SEARCHES_PER_MINUTE, VIEWS_AT_ONCE,
    VIEWS_PER_MINUTE,
};
use crate::config::hub::LimitSettings;

/// The limits in force: those of the configuration, else the defaults of [`super`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Views of plans.
    pub views: Rate,
    /// Retrieves by number.
    pub retrieves: Rate,
    /// Searches.
    pub searches: Rate,
    /// Everything else.
    pub others: Rate,
    /// What one user's searches may come to within 60 minutes.
    pub volume: Volume,
    /// Open connections.
    pub connections: usize,
    /// How long one may be without a request.
    pub idle: Duration,
}

/// How often one user at one organisation may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// For as long as it goes on.
    pub per_minute: NonZeroU32,
    /// Before that counts.
    pub at_once: NonZeroU32,
}

/// What one user's searches may come to within 60 minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Volume {
    /// Searches.
    pub searches: u32,
    /// People returned.
    pub people: u32,
}

impl Limits {
    /// Those of a configuration.
    #[must_use]
    pub fn of(set: &LimitSettings) -> Self {
        let rate = |per_minute: Option<u32>, usual, at_once: Option<u32>, usual_at_once| {
            let of = |set: Option<u32>, usual: u32| {
                NonZeroU32::new(set.unwrap_or(usual)).unwrap_or(NonZeroU32::MIN)
            };
            Rate { per_minute: of(per_minute, usual), at_once: of(at_once, usual_at_once) }
        };
        let connections = set.connections.and_then(|most| usize::try_from(most).ok());
        Self {
            views: rate(set.views_per_minute, VIEWS_PER_MINUTE, set.views_at_once, VIEWS_AT_ONCE),
            retrieves: rate(
                set.retrieves_per_minute,
                RETRIEVES_PER_MINUTE,
                set.retrieves_at_once,
                RETRIEVES_AT_ONCE,
            ),
            searches: rate(
                set.searches_per_minute,
                SEARCHES_PER_MINUTE,
                set.searches_at_once,
                SEARCHES_AT_ONCE_PER_CALLER,
            ),
            others: rate(set.others_per_minute, OTHERS_PER_MINUTE, set.others_at_once, OTHERS_AT_ONCE),
            volume: Volume {
                searches: set.searches_per_hour.unwrap_or(SEARCHES_PER_HOUR),
                people: set.people_per_hour.unwrap_or(PEOPLE_PER_HOUR),
            },
            connections: connections.unwrap_or(CONNECTIONS),
            idle: set.idle_seconds.map_or(IDLE, |seconds| Duration::from_secs(seconds.into())),
        }
    }
}
