//! `[notices]`: when it is an alert that a local authority is not told.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{ConfigError, setting};

/// How long a local authority's link may leave what it is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoticeSettings {
    /// Minutes after which it is an alert.
    pub alert_minutes: u16,
    /// Minutes after which it is one that what was fetched is neither on a record nor on a list.
    pub unfiled_alert_minutes: u16,
}

/// Before which moments what was queued is overdue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverdueBefore {
    /// Not fetched.
    pub unsent: Timestamp,
    /// Fetched and not filed.
    pub unfiled: Timestamp,
}

impl Default for NoticeSettings {
    fn default() -> Self {
        Self { alert_minutes: 30, unfiled_alert_minutes: 240 }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoticeTable {
    alert_minutes: Option<u16>,
    unfiled_alert_minutes: Option<u16>,
}

impl NoticeSettings {
    pub(super) fn resolve(table: &NoticeTable) -> Result<Self, ConfigError> {
        let alert_minutes = table.alert_minutes.unwrap_or(Self::default().alert_minutes);
        // A link that is started anew takes its minute; after a day nobody needs an alert any more.
        if !(2..=1440).contains(&alert_minutes) {
            return Err(setting("notices.alert_minutes", "2 to 1440"));
        }
        let unfiled_alert_minutes =
            table.unfiled_alert_minutes.unwrap_or(Self::default().unfiled_alert_minutes);
        if !(alert_minutes..=2880).contains(&unfiled_alert_minutes) {
            return Err(setting("notices.unfiled_alert_minutes", "`notices.alert_minutes` to 2880"));
        }
        Ok(Self { alert_minutes, unfiled_alert_minutes })
    }

    /// What was queued before these moments is overdue.
    #[must_use]
    pub fn overdue_before(self, now: Timestamp) -> OverdueBefore {
        let before = |minutes: u16| {
            now.checked_sub(SignedDuration::from_mins(minutes.into())).unwrap_or(Timestamp::MIN)
        };
        OverdueBefore { unsent: before(self.alert_minutes), unfiled: before(self.unfiled_alert_minutes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_that_never_comes_or_always_is_refused() {
        let resolve = |text: &str| {
            NoticeSettings::resolve(&toml::from_str(text).unwrap()).map_err(|error| error.to_string())
        };
        assert_eq!(resolve("").unwrap(), NoticeSettings::default());
        assert_eq!(resolve("alert_minutes = 5").unwrap().alert_minutes, 5);
        let wrong = resolve("unfiled_alert_minutes = 20").unwrap_err();
        assert!(wrong.contains("`notices.alert_minutes` to 2880"), "{wrong}");
        for wrong in ["alert_minutes = 1", "alert_minutes = 1441"] {
            assert!(resolve(wrong).unwrap_err().contains("2 to 1440"));
        }
    }
}
