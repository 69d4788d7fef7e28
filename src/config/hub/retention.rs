//! `[retention]`: how long what is over is kept. What is not named here is kept for ever, and without the table
//! nothing is ever removed.

use serde::Deserialize;

use super::{ConfigError, setting};

/// Days for which what has ended is kept at least: longer than the longest tail that can be configured.
const LEAST_DAYS: u32 = 400;

/// Years for which the audit log is kept at least. NHS Records Management Code of Practice (2021, updated 2023),
/// appendix II: a child's record is kept until the 25th birthday, or the 26th. An entry about a newborn is needed as
/// long as that record, and the log does not know ages.
const LEAST_AUDIT_YEARS: u32 = 26;

/// A century: more is a slip of the keyboard.
const MOST_YEARS: u32 = 100;

/// How long what is over is kept; `None` is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Plans, after the last day on which they were shown.
    pub plans_days: Option<u32>,
    /// Views, their access history, and notifications that need no more attention.
    pub views_days: Option<u32>,
    /// The audit log.
    pub audit_years: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetentionTable {
    plans_days: Option<u32>,
    views_days: Option<u32>,
    audit_years: Option<u32>,
}

impl Retention {
    /// Whether anything is ever removed.
    #[must_use]
    pub fn removes_anything(self) -> bool {
        self != Self::default()
    }

    pub(super) fn resolve(table: &RetentionTable) -> Result<Self, ConfigError> {
        let RetentionTable { plans_days, views_days, audit_years } = *table;
        for (key, days) in [("retention.plans_days", plans_days), ("retention.views_days", views_days)] {
            if days.is_some_and(|days| !(LEAST_DAYS..=MOST_YEARS * 365).contains(&days)) {
                return Err(setting(key, &format!("{LEAST_DAYS} days to {MOST_YEARS} years")));
            }
            let Some(years) = audit_years else { continue };
            // The log says who saw what: it is of use as long as what was seen.
            if days.is_none_or(|days| days >= years.saturating_mul(365)) {
                let why = format!(
                    "the audit log must be kept longer than `{key}`, and that is kept for ever without it"
                );
                return Err(setting("retention.audit_years", &why));
            }
        }
        if audit_years.is_some_and(|years| !(LEAST_AUDIT_YEARS..=MOST_YEARS).contains(&years)) {
            let why = format!(
                "the audit log is kept for {LEAST_AUDIT_YEARS} to {MOST_YEARS} years: a child's record is kept until the 26th birthday"
            );
            return Err(setting("retention.audit_years", &why));
        }
        Ok(Self { plans_days, views_days, audit_years })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str) -> Result<Retention, String> {
        let table = toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_owned())?;
        Retention::resolve(&table).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_named_is_kept_for_ever() {
        assert!(!resolve("").unwrap().removes_anything());
        let some = resolve("plans_days = 3000").unwrap();
        assert_eq!(some, Retention { plans_days: Some(3000), ..Retention::default() });
        assert!(some.removes_anything());
    }

    #[test]
    fn audit_is_kept_longer_than_plans_and_views_and_never_less_than_the_floor() {
        let check = |text: &str, expected: &str| {
            let said = resolve(text).map_or_else(|error| error, |_| "taken".to_owned());
            assert!(said.contains(expected), "{text}: {said}");
        };
        check("plans_days = 3000\nviews_days = 3000\naudit_years = 26", "taken");
        check("plans_days = 3000\nviews_days = 3000\naudit_years = 25", "26 to 100 years");
        check("plans_days = 3000\nviews_days = 3000\naudit_years = 101", "26 to 100 years");
        check("plans_days = 9490\nviews_days = 3000\naudit_years = 26", "longer than `retention.plans_days`");
        check("plans_days = 3000\nviews_days = 9490\naudit_years = 26", "longer than `retention.views_days`");
        check("views_days = 3000\naudit_years = 30", "longer than `retention.plans_days`");
        check("plans_days = 399", "400 days to 100 years");
        check("views_days = 36501", "400 days to 100 years");
        check("audit_days = 1", "unknown field");
    }
}
