//! `[tls]`: the hub's certificate and key, and whether callers show certificates of their own.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{ConfigError, non_empty, setting};

/// What the hub speaks TLS with. Nothing is read here: the files are, at the start and whenever they change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// The PEM file with the hub's certificate and those between it and its authority.
    pub certificate: PathBuf,
    /// The PEM file with the certificate's private key.
    pub key: PathBuf,
    /// Whether callers show certificates of their own.
    pub clients: ClientCertificates,
}

/// Whether callers show certificates of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientCertificates {
    /// They are not asked for any.
    Off,
    /// Whoever has one shows it; it must be of an authority in this PEM file.
    Offered(PathBuf),
    /// Without one of an authority in this PEM file nobody is answered.
    Required(PathBuf),
}

impl ClientCertificates {
    /// The file with the authorities of callers.
    #[must_use]
    pub fn authorities(&self) -> Option<&Path> {
        match self {
            Self::Off => None,
            Self::Offered(authorities) | Self::Required(authorities) => Some(authorities),
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Off,
    Offered,
    Required,
}

/// The table, word for word.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsTable {
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
    client_certificates: Option<Mode>,
}

impl TlsTable {
    /// Relative paths count from the directory of the configuration.
    pub(super) fn resolve(self, directory: &Path) -> Result<TlsSettings, ConfigError> {
        let clients = match (self.client_certificates, self.client_ca) {
            (None | Some(Mode::Off), None) | (Some(Mode::Off), Some(_)) => ClientCertificates::Off,
            // Whoever names an authority and does not say what for must not believe that it protects anything.
            (None, Some(_)) => {
                return Err(setting(
                    "tls.client_certificates",
                    "say beside `client_ca` what it is for: \"required\", \"offered\" or \"off\"",
                ));
            }
            (Some(Mode::Offered | Mode::Required), None) => {
                return Err(setting(
                    "tls.client_ca",
                    "name the PEM file with the authorities whose client certificates are taken",
                ));
            }
            (Some(mode), Some(authorities)) => {
                let authorities = directory.join(non_empty("tls.client_ca", authorities)?);
                match mode {
                    Mode::Required => ClientCertificates::Required(authorities),
                    Mode::Offered | Mode::Off => ClientCertificates::Offered(authorities),
                }
            }
        };
        Ok(TlsSettings {
            certificate: directory.join(non_empty("tls.certificate", self.certificate)?),
            key: directory.join(non_empty("tls.key", self.key)?),
            clients,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(more: &str) -> Result<TlsSettings, String> {
        let text = format!("certificate = \"hub.pem\"\nkey = \"/keys/hub.pem\"\n{more}");
        let table: TlsTable = toml::from_str(&text).map_err(|error| error.message().to_owned())?;
        table.resolve(Path::new("/etc/cpis")).map_err(|error| error.to_string())
    }

    #[test]
    fn files_count_from_the_configurations_directory() {
        let plain = resolve("").unwrap();
        assert_eq!(plain.certificate, Path::new("/etc/cpis/hub.pem"));
        assert_eq!(plain.key, Path::new("/keys/hub.pem"));
        assert_eq!(plain.clients, ClientCertificates::Off);
        let required = resolve("client_ca = \"ca.pem\"\nclient_certificates = \"required\"").unwrap();
        assert_eq!(required.clients, ClientCertificates::Required(PathBuf::from("/etc/cpis/ca.pem")));
        let offered = resolve("client_ca = \"ca.pem\"\nclient_certificates = \"offered\"").unwrap();
        assert_eq!(offered.clients.authorities(), Some(Path::new("/etc/cpis/ca.pem")));
    }

    #[test]
    fn an_authority_that_would_protect_nothing_is_refused() {
        for (more, expected) in [
            ("client_ca = \"ca.pem\"", "say beside `client_ca` what it is for"),
            ("client_certificates = \"required\"", "`tls.client_ca`"),
            ("client_certificates = \"offered\"", "`tls.client_ca`"),
            ("client_ca = \"\"\nclient_certificates = \"required\"", "`tls.client_ca`"),
            ("client_certificates = \"optional\"", "unknown variant"),
            ("cert = \"x\"", "unknown field"),
        ] {
            let said = resolve(more).unwrap_err();
            assert!(said.contains(expected), "{more}: {said}");
        }
        assert_eq!(
            resolve("client_ca = \"ca.pem\"\nclient_certificates = \"off\"").unwrap().clients,
            ClientCertificates::Off
        );
    }
}
