//! The viewer's settings (`viewer.toml`): which hub, which place, whom to ring there.
//!
//! Without a readable file there is no viewer on a hub: it says so and offers to open one. It never slips
//! into the demonstration by itself.

use std::path::Path;

use serde::Deserialize;

use crate::domain::{NamedNumber, SiteAdvice, Telephone};

/// Bytes of a configuration file that are read.
const FILE_BYTES: u64 = 1024 * 1024;

/// Why a file is not taken: one sentence each.
#[derive(Debug, thiserror::Error)]
pub enum ViewerConfigError {
    /// The file cannot be read.
    #[error("the file cannot be read ({0})")]
    Unreadable(String),
    /// Not TOML, or a key that the viewer does not know.
    #[error("the file is not a viewer's configuration: {0}")]
    Invalid(String),
    /// A setting that cannot be meant.
    #[error("`{key}`: {why}")]
    Setting {
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// What the viewer runs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewerConfig {
    /// The hub's address.
    pub hub: String,
    /// The configured place of this computer at the hub.
    pub site: Option<String>,
    /// Whom to ring there.
    pub advice: SiteAdvice,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    hub: HubTable,
    safeguarding_lead: Option<ContactTable>,
    local_authority: Option<ContactTable>,
    it_help: Option<ContactTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HubTable {
    address: String,
    kind: Kind,
    site: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    /// This project's hub, with all that it adds to the national API.
    Cpis,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContactTable {
    name: String,
    telephone: String,
}

impl ViewerConfig {
    /// Reads and resolves a file.
    ///
    /// # Errors
    /// One sentence.
    pub fn read(path: &Path) -> Result<Self, ViewerConfigError> {
        let unreadable = |error: std::io::Error| ViewerConfigError::Unreadable(error.to_string());
        if std::fs::metadata(path).map_err(unreadable)?.len() > FILE_BYTES {
            return Err(ViewerConfigError::Unreadable("it is far too large".to_owned()));
        }
        Self::resolve(&std::fs::read_to_string(path).map_err(unreadable)?)
    }

    pub(super) fn resolve(text: &str) -> Result<Self, ViewerConfigError> {
        let file: File =
            toml::from_str(text).map_err(|error| ViewerConfigError::Invalid(error.message().to_owned()))?;
        let Kind::Cpis = file.hub.kind;
        let address = file.hub.address;
        if !is_address(&address) {
            return Err(ViewerConfigError::Setting {
                key: "hub.address",
                why: "this must begin with https:// (http:// only for a hub on this computer)",
            });
        }
        Ok(Self {
            hub: address,
            site: file.hub.site,
            advice: SiteAdvice {
                lead: contact("safeguarding-lead", file.safeguarding_lead)?,
                local_authority: contact("local-authority", file.local_authority)?,
                it_help: contact("it-help", file.it_help)?,
            },
        })
    }
}

/// `https://` with a host and nothing that could be taken for one (`user@host`); `http://` only on loopback
/// with a port.
fn is_address(address: &str) -> bool {
    let authority = |rest: &str| rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
    if let Some(rest) = address.strip_prefix("https://") {
        let host = authority(rest);
        return !host.is_empty() && !host.contains(['@', ' ', '\\']);
    }
    ["http://127.0.0.1:", "http://[::1]:", "http://localhost:"].iter().any(|start| {
        let port = address.strip_prefix(start).map(authority);
        port.is_some_and(|port| !port.is_empty() && port.chars().all(|c| c.is_ascii_digit()))
    })
}

fn contact(key: &'static str, table: Option<ContactTable>) -> Result<Option<NamedNumber>, ViewerConfigError> {
    let Some(table) = table else { return Ok(None) };
    let telephone = Telephone::new(&table.telephone).filter(Telephone::looks_like_a_number);
    match (table.name.trim(), telephone) {
        ("", _) => Err(ViewerConfigError::Setting { key, why: "the name is missing" }),
        (_, None) => Err(ViewerConfigError::Setting { key, why: "this is not a telephone number" }),
        (name, Some(telephone)) => Ok(Some(NamedNumber { name: name.to_owned(), telephone })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STARTING: &str = include_str!("../../packaging/viewer.toml");

    #[test]
    fn the_starting_configuration_is_valid() {
        let config = ViewerConfig::resolve(STARTING).unwrap();
        assert!(config.advice.lead.is_some() && config.advice.local_authority.is_some());
    }

    #[test]
    fn a_setting_that_cannot_be_meant_is_refused_in_a_sentence() {
        let check = |from: &str, to: &str, expected: &str| {
            let error = ViewerConfig::resolve(&STARTING.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(expected), "{to}: {error}");
        };
        check("https://", "http://", "must begin with https://");
        check("https://", "https://nurse@", "must begin with https://");
        check("https://", "http://127.0.0.1:80@", "must begin with https://");
        check("kind = \"cpis\"", "kind = \"other\"", "unknown variant");
        check("[hub]", "[hubs]", "unknown field");
        check("01793 604020", "switchboard", "not a telephone number");
        assert!(
            ViewerConfig::read(Path::new("/nowhere")).unwrap_err().to_string().contains("cannot be read")
        );
    }
}
