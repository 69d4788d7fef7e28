//! `[limits]` of `hub.toml`: what an operator may set. What is left out has the default of `hub::limits`.

use serde::Deserialize;

use super::{ConfigError, setting};

/// No rate or volume can be set higher; nothing that people do comes near it.
const MOST: u32 = 1_000_000;

/// The rates of what a clinician needs beside a patient cannot be set lower: a view of the plans, a retrieve by
/// number, and the history, "opened in error" and the care setting must practically never be refused.
const PER_MINUTE_LEAST: u32 = 30;
const AT_ONCE_LEAST: u32 = 60;

/// The limits that are set; `None` is the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    /// Views of plans a minute, of one user at one organisation, for as long as it goes on.
    pub views_per_minute: Option<u32>,
    /// Views that may come at once before that rate counts.
    pub views_at_once: Option<u32>,
    /// Retrieves by number a minute.
    pub retrieves_per_minute: Option<u32>,
    /// Retrieves that may come at once.
    pub retrieves_at_once: Option<u32>,
    /// Searches a minute.
    pub searches_per_minute: Option<u32>,
    /// Searches that may come at once.
    pub searches_at_once: Option<u32>,
    /// Other requests a minute.
    pub others_per_minute: Option<u32>,
    /// Other requests that may come at once.
    pub others_at_once: Option<u32>,
    /// Searches of one user within 60 minutes.
    pub searches_per_hour: Option<u32>,
    /// People that the searches of one user may return within 60 minutes.
    pub people_per_hour: Option<u32>,
    /// Open connections.
    pub connections: Option<u32>,
    /// Seconds for which a connection may stay open without a request.
    pub idle_seconds: Option<u32>,
}

impl LimitSettings {
    /// Refuses what cannot be meant.
    pub(super) fn checked(self) -> Result<Self, ConfigError> {
        let check = |key: &str, value: Option<u32>, least: u32, most: u32| match value {
            Some(value) if !(least..=most).contains(&value) => {
                Err(setting(&format!("limits.{key}"), &format!("this must be from {least} to {most}")))
            }
            Some(_) | None => Ok(()),
        };
        check("views_per_minute", self.views_per_minute, PER_MINUTE_LEAST, MOST)?;
        check("views_at_once", self.views_at_once, AT_ONCE_LEAST, MOST)?;
        check("retrieves_per_minute", self.retrieves_per_minute, PER_MINUTE_LEAST, MOST)?;
        check("retrieves_at_once", self.retrieves_at_once, AT_ONCE_LEAST, MOST)?;
        check("searches_per_minute", self.searches_per_minute, 1, MOST)?;
        check("searches_at_once", self.searches_at_once, 1, MOST)?;
        check("others_per_minute", self.others_per_minute, PER_MINUTE_LEAST, MOST)?;
        check("others_at_once", self.others_at_once, AT_ONCE_LEAST, MOST)?;
        check("searches_per_hour", self.searches_per_hour, 1, MOST)?;
        check("people_per_hour", self.people_per_hour, 1, MOST)?;
        check("connections", self.connections, 16, 100_000)?;
        check("idle_seconds", self.idle_seconds, 1, 600)?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_would_refuse_a_clinicians_view_or_that_is_none_is_refused() {
        let check = |text: &str, expected: Option<&str>| {
            let read: LimitSettings = toml::from_str(text).unwrap();
            let refused = read.checked().err().map(|error| error.to_string());
            match (refused, expected) {
                (None, None) => {}
                (Some(said), Some(words)) => assert!(said.contains(words), "{text}: {said}"),
                (said, _) => panic!("{text}: {said:?}"),
            }
        };
        check("", None);
        check("views_per_minute = 30\nviews_at_once = 60\nconnections = 16\nidle_seconds = 1", None);
        check(
            "views_per_minute = 29",
            Some("`limits.views_per_minute` in the configuration: this must be from 30"),
        );
        check("views_at_once = 10", Some("from 60"));
        check(
            "retrieves_per_minute = 1",
            Some("`limits.retrieves_per_minute` in the configuration: this must be from 30"),
        );
        check("retrieves_at_once = 59", Some("from 60"));
        check(
            "others_per_minute = 1",
            Some("`limits.others_per_minute` in the configuration: this must be from 30"),
        );
        check("others_at_once = 1", Some("from 60"));
        check("searches_per_hour = 0", Some("from 1"));
        check("connections = 1000000", Some("from 16 to 100000"));
        check("idle_seconds = 601", Some("from 1 to 600"));
        assert!(toml::from_str::<LimitSettings>("views = 3").is_err());
    }
}
