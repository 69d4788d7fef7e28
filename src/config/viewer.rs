//! The viewer's settings (`viewer.toml`): which hub, which place, whom to ring there.
//!
//! The authorities of the hub's certificate are read with it, so that a wrong file is said at the start.
//!
//! Without a readable file there is no viewer on a hub: it says so and offers to open one. It never slips
//! into the demonstration by itself.

use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
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
    /// The file with the authorities of the hub's certificate is none.
    #[error("`hub.certificate_authority`: the file {} {why}", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        why: String,
    },
}

/// What the viewer runs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewerConfig {
    /// The hub's address.
    pub hub: String,
    /// Several people use this computer under one account: nothing of a session is kept on it.
    pub shared_desk: bool,
    /// The configured place of this computer at the hub.
    pub site: Option<String>,
    /// Authorities of the hub's certificate, trusted beside those of the computer.
    pub authorities: Vec<CertificateDer<'static>>,
    /// Whom to ring there.
    pub advice: SiteAdvice,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    #[serde(rename = "shared_desk", default = "is_shared")]
    shared_desk: bool,
    hub: HubTable,
    safeguarding_lead: Option<ContactTable>,
    local_authority: Option<ContactTable>,
    it_help: Option<ContactTable>,
}

/// The normal case: the system's user is not the nurse.
fn is_shared() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HubTable {
    address: String,
    kind: Kind,
    site: Option<String>,
    certificate_authority: Option<PathBuf>,
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
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let (config, authority) = Self::resolve(&text)?;
        let Some(authority) = authority else { return Ok(config) };
        // A relative path counts from the configuration's directory.
        let authority = path.parent().unwrap_or(Path::new(".")).join(authority);
        Ok(Self { authorities: authorities(&authority)?, ..config })
    }

    /// What the text says, and the file with authorities that it names.
    pub(super) fn resolve(text: &str) -> Result<(Self, Option<PathBuf>), ViewerConfigError> {
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
        let config = Self {
            hub: address,
            shared_desk: file.shared_desk,
            site: file.hub.site,
            authorities: Vec::new(),
            advice: SiteAdvice {
                lead: contact("safeguarding-lead", file.safeguarding_lead)?,
                local_authority: contact("local-authority", file.local_authority)?,
                it_help: contact("it-help", file.it_help)?,
            },
        };
        Ok((config, file.hub.certificate_authority))
    }
}

/// The certificates of a PEM file, each of which can be an authority.
fn authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, ViewerConfigError> {
    let wrong = |why: &str| ViewerConfigError::Authority { path: path.to_owned(), why: why.to_owned() };
    let unreadable = |error: std::io::Error| wrong(&format!("cannot be read ({})", error.kind()));
    if std::fs::metadata(path).map_err(unreadable)?.len() > FILE_BYTES {
        return Err(wrong("is far too large"));
    }
    let pem = std::fs::read(path).map_err(unreadable)?;
    let all: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|_| wrong("is not a PEM file that can be read: ask the hub's operator for it again"))?;
    if all.is_empty() {
        return Err(wrong(
            "holds no certificate in PEM (-----BEGIN CERTIFICATE-----): ask the hub's operator for it",
        ));
    }
    let mut store = RootCertStore::empty();
    for certificate in &all {
        store.add(certificate.clone()).map_err(|_| {
            wrong("holds a certificate that cannot be read: ask the hub's operator for it again")
        })?;
    }
    Ok(all)
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
        let (config, _) = ViewerConfig::resolve(STARTING).unwrap();
        assert!(config.shared_desk, "a desk is one person's own only where somebody says so");
        let left_out = STARTING.replace("shared_desk = true\n", "");
        assert!(left_out != STARTING && ViewerConfig::resolve(&left_out).unwrap().0.shared_desk);
        let private = STARTING.replace("shared_desk = true", "shared_desk = false");
        assert!(!ViewerConfig::resolve(&private).unwrap().0.shared_desk);
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
        check("shared_desk = true", "shared_desk = \"no\"", "expected a boolean");
        check("shared_desk", "shared-desk", "unknown field");
        check("01793 604020", "switchboard", "not a telephone number");
        assert!(
            ViewerConfig::read(Path::new("/nowhere")).unwrap_err().to_string().contains("cannot be read")
        );
    }
}
