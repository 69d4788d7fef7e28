//! `[disk]`: when a filling disk is an alert, and how much of it is held in reserve.

use serde::Deserialize;

use super::{ConfigError, setting};

/// What the hub does about its disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskSettings {
    /// Less than this many hundredths free is an alert.
    pub alert_percent: u8,
    /// Megabytes (of 1024 * 1024) held in a file beside the database, to go on with when the disk is full; 0 is none.
    pub reserve_mb: u16,
}

impl Default for DiskSettings {
    fn default() -> Self {
        Self { alert_percent: 5, reserve_mb: 64 }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DiskTable {
    alert_percent: Option<u8>,
    reserve_mb: Option<u16>,
}

impl DiskSettings {
    pub(super) fn resolve(table: &DiskTable) -> Result<Self, ConfigError> {
        let usual = Self::default();
        let alert_percent = table.alert_percent.unwrap_or(usual.alert_percent);
        let reserve_mb = table.reserve_mb.unwrap_or(usual.reserve_mb);
        if !(1..=50).contains(&alert_percent) {
            return Err(setting("disk.alert_percent", "1 to 50"));
        }
        if reserve_mb != 0 && !(16..=10_240).contains(&reserve_mb) {
            return Err(setting("disk.reserve_mb", "16 to 10240, or 0 for no reserve"));
        }
        Ok(Self { alert_percent, reserve_mb })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_that_is_of_no_use_is_refused() {
        let resolve = |text: &str| {
            DiskSettings::resolve(&toml::from_str(text).unwrap()).map_err(|error| error.to_string())
        };
        assert_eq!(resolve("").unwrap(), DiskSettings::default());
        assert_eq!(resolve("reserve_mb = 0").unwrap().reserve_mb, 0);
        assert!(resolve("reserve_mb = 3").unwrap_err().contains("16 to 10240"));
        assert!(resolve("alert_percent = 0").unwrap_err().contains("1 to 50"));
        assert!(resolve("alert_percent = 51").unwrap_err().contains("1 to 50"));
    }
}
