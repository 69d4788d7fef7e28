//! `[page]`: the page for social workers, and how people get in.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::config::file::{ConfigError, setting};

/// Where the page is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageSettings {
    /// A loopback address of this computer.
    pub listen: SocketAddr,
    /// How browsers reach it, as they write an origin; `None` where that is where it listens.
    pub address: Option<String>,
    /// The authority's proxy, where people come through one.
    pub proxy: Option<ProxySettings>,
}

/// How the authority's proxy says who somebody is, and proves itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxySettings {
    /// The header with the user's name.
    pub user_header: String,
    /// The header with the secret.
    pub secret_header: String,
    /// The file with the secret.
    pub secret_file: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageTable {
    listen: String,
    address: Option<String>,
    proxy: Option<ProxyTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProxyTable {
    user_header: String,
    secret_header: String,
    secret_file: PathBuf,
}

/// Headers that mean something else already.
const TAKEN: [&str; 10] = [
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "forwarded",
    "host",
    "origin",
    "referer",
    "transfer-encoding",
];

pub(super) fn resolve(
    table: Option<PageTable>,
    has_notes: bool,
    directory: &Path,
) -> Result<Option<PageSettings>, ConfigError> {
    let Some(table) = table else { return Ok(None) };
    if !has_notes {
        return Err(setting("page", "`[page]` shows what `[notes]` keeps: add that too"));
    }
    let listen: SocketAddr = table.listen.trim().parse().map_err(|_| {
        setting("page.listen", "an address and a port of this computer, such as \"127.0.0.1:8480\"")
    })?;
    if !listen.ip().is_loopback() {
        return Err(setting(
            "page.listen",
            "127.0.0.1 or [::1]: who is to reach the page from elsewhere comes through a proxy that speaks TLS",
        ));
    }
    let address = table.address.as_deref().map(address).transpose()?;
    let proxy = table.proxy.map(|table| proxy(table, directory)).transpose()?;
    if proxy.is_some() && !address.as_deref().is_some_and(|address| address.starts_with("https://")) {
        return Err(setting(
            "page.address",
            "behind a proxy: https:// and the name by which browsers reach it",
        ));
    }
    Ok(Some(PageSettings { listen, address, proxy }))
}

/// As browsers write an origin: small letters, no port that goes without saying, nothing behind.
fn address(text: &str) -> Result<String, ConfigError> {
    let wrong = || {
        setting(
            "page.address",
            "https:// and a name as browsers write it, such as \"https://cpis.council.example\": small letters, no :443, \
             nothing behind it",
        )
    };
    let host = text.strip_prefix("https://").ok_or_else(wrong)?;
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-:[]".contains(c);
    let fits =
        !host.is_empty() && host.chars().all(letter) && !host.ends_with(":443") && !host.ends_with(':');
    if fits { Ok(text.to_owned()) } else { Err(wrong()) }
}

fn proxy(table: ProxyTable, directory: &Path) -> Result<ProxySettings, ConfigError> {
    let name = |key: &str, text: &str| {
        let name = text.trim().to_ascii_lowercase();
        let fits = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && !TAKEN.contains(&name.as_str());
        fits.then_some(name)
            .ok_or_else(|| setting(key, "the name of a header of its own, such as \"X-Remote-User\""))
    };
    let user_header = name("page.proxy.user_header", &table.user_header)?;
    let secret_header = name("page.proxy.secret_header", &table.secret_header)?;
    if user_header == secret_header {
        return Err(setting("page.proxy.secret_header", "another header than `user_header`"));
    }
    if table.secret_file.as_os_str().is_empty() {
        return Err(setting("page.proxy.secret_file", "this is empty"));
    }
    Ok(ProxySettings { user_header, secret_header, secret_file: directory.join(table.secret_file) })
}
