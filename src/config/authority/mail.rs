//! `[routing.mail]`: the mail server that alerts leave by. What goes over a network is encrypted.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::config::file::{ConfigError, setting};

/// How e-mail leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailSettings {
    /// The mail server.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How it is encrypted.
    pub security: MailSecurity,
    /// User, and a file with the password, read anew each time.
    pub login: Option<(String, PathBuf)>,
    /// From whom alerts come.
    pub from: String,
    /// PEM: who issued the server's certificate, if nobody else is trusted.
    pub certificate_authority: Option<PathBuf>,
}

/// How the way to the mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailSecurity {
    /// From the first byte.
    Tls,
    /// After `STARTTLS`, without which nothing is sent.
    StartTls,
    /// Not at all: on this computer only.
    Loopback,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MailTable {
    server: String,
    port: Option<u16>,
    security: SecurityWord,
    user: Option<String>,
    password_file: Option<PathBuf>,
    from: String,
    certificate_authority: Option<PathBuf>,
}

#[derive(Deserialize)]
enum SecurityWord {
    #[serde(rename = "tls")]
    Tls,
    #[serde(rename = "starttls")]
    StartTls,
    #[serde(rename = "none")]
    Nothing,
}

pub(super) fn resolve(table: MailTable, directory: &Path) -> Result<MailSettings, ConfigError> {
    let server = table.server.trim().to_owned();
    if server.is_empty() || server.contains(|c: char| c.is_whitespace() || c == '/' || c == '@') {
        return Err(setting("routing.mail.server", "the mail server's name, such as \"mail.example\""));
    }
    let is_loopback = server == "localhost" || server.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let (security, port) = match table.security {
        SecurityWord::Tls => (MailSecurity::Tls, 465),
        SecurityWord::StartTls => (MailSecurity::StartTls, 587),
        SecurityWord::Nothing if is_loopback => (MailSecurity::Loopback, 25),
        SecurityWord::Nothing => {
            return Err(setting(
                "routing.mail.security",
                "\"tls\" or \"starttls\"; \"none\" only where the mail server is on this computer",
            ));
        }
    };
    let login = match (table.user, table.password_file) {
        (None, None) => None,
        (Some(_), Some(_)) if security == MailSecurity::Loopback => {
            return Err(setting("routing.mail.password_file", "a password is not sent without encryption"));
        }
        (Some(user), Some(file)) => Some((user, directory.join(file))),
        (_, _) => return Err(setting("routing.mail", "`user` and `password_file` belong together")),
    };
    Ok(MailSettings {
        server,
        port: table.port.unwrap_or(port),
        security,
        login,
        from: address("routing.mail.from", &table.from)?,
        certificate_authority: table.certificate_authority.map(|path| directory.join(path)),
    })
}

/// An address of one mailbox, and nothing that could be more than that.
pub(super) fn address(key: &str, text: &str) -> Result<String, ConfigError> {
    let text = text.trim();
    let strange =
        |c: char| c.is_whitespace() || c.is_control() || !c.is_ascii() || "<>,;:\"()[]\\".contains(c);
    let fits = text.len() <= 254
        && !text.contains(strange)
        && text.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && host.contains('.') && !host.contains('@') && !host.starts_with('.')
        });
    fits.then(|| text.to_owned())
        .ok_or_else(|| setting(key, "an e-mail address such as \"duty@wexcombe.example\""))
}
