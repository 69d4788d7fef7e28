//! `[mesh]`: the mailbox of hub or link, how MESH is reached, and under which workflows messages go.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::file::{ConfigError, setting};

/// A mailbox, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeshSettings {
    /// Our own mailbox.
    pub mailbox: String,
    /// The hub's; only a link has it.
    pub hub_mailbox: Option<String>,
    /// How it is reached.
    pub way: MeshWay,
    /// How often it is looked into.
    pub every: Duration,
    /// Under which workflows messages go.
    pub workflows: Workflows,
}

/// How a mailbox is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MeshWay {
    /// MESH's own interface.
    Rest(RestSettings),
    /// The folders of MESH's own file client: `in`, `out`, `sent` and `error` are in this one.
    Folder(PathBuf),
}

impl MeshWay {
    /// The file with the certificate that is shown to MESH, where we show it ourselves.
    #[must_use]
    pub fn certificate(&self) -> Option<&Path> {
        match self {
            Self::Rest(rest) => Some(&rest.certificate),
            Self::Folder(_) => None,
        }
    }
}

/// MESH's own interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestSettings {
    /// `https://`, without a slash at its end.
    pub address: String,
    /// The file with the mailbox's password.
    pub password_file: PathBuf,
    /// The file with the environment's shared key.
    pub shared_key_file: PathBuf,
    /// PEM: the client certificate.
    pub certificate: PathBuf,
    /// PEM: its private key.
    pub key: PathBuf,
    /// PEM: who issued MESH's certificate; then nobody else is trusted.
    pub certificate_authority: Option<PathBuf>,
    /// Bytes of a chunk before it is compressed.
    pub chunk_bytes: u64,
}

/// Workflow ids: those of the national service are not public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflows {
    /// An authority's upload document.
    pub upload: String,
    /// Its acknowledgement.
    pub acknowledgement: String,
    /// Notifications of accesses.
    pub notification: String,
    /// Receipts of them.
    pub receipt: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MeshTable {
    mailbox: String,
    hub_mailbox: Option<String>,
    folder: Option<PathBuf>,
    address: Option<String>,
    password_file: Option<PathBuf>,
    shared_key_file: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    certificate_authority: Option<PathBuf>,
    chunk_kb: Option<u32>,
    every_seconds: Option<u16>,
    workflows: WorkflowTable,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkflowTable {
    upload: String,
    acknowledgement: String,
    notification: String,
    receipt: String,
}

impl MeshTable {
    /// What the table means; a link names the hub's mailbox, and a hub does not.
    pub(super) fn resolve(self, is_link: bool, directory: &Path) -> Result<MeshSettings, ConfigError> {
        let own = mailbox("mesh.mailbox", &self.mailbox)?;
        let theirs = self.hub_mailbox.as_deref().map(|text| mailbox("mesh.hub_mailbox", text)).transpose()?;
        match (&theirs, is_link) {
            (None, true) => return Err(setting("mesh.hub_mailbox", "the hub's mailbox")),
            (Some(_), false) => return Err(setting("mesh.hub_mailbox", "this is the hub itself")),
            (Some(theirs), true) if *theirs == own => {
                return Err(setting("mesh.hub_mailbox", "this is the link's own mailbox"));
            }
            (Some(_), true) | (None, false) => {}
        }
        let every = self.every_seconds.unwrap_or(10);
        if !(1..=600).contains(&every) {
            return Err(setting("mesh.every_seconds", "1 to 600"));
        }
        let chunk_kb = self.chunk_kb.unwrap_or(16 * 1024);
        if !(1..=64 * 1024).contains(&chunk_kb) {
            return Err(setting("mesh.chunk_kb", "1 to 65536"));
        }
        let file = |key: &str, path: Option<PathBuf>| {
            let path = path.filter(|path| !path.as_os_str().is_empty());
            path.map(|path| directory.join(path))
                .ok_or_else(|| setting(&format!("mesh.{key}"), "name a file"))
        };
        let is_rest = self.address.is_some()
            || [&self.password_file, &self.shared_key_file, &self.certificate, &self.key]
                .iter()
                .any(|path| path.is_some());
        let issuer = self.certificate_authority;
        let way = match self.folder {
            Some(_) if is_rest => {
                return Err(setting(
                    "mesh.folder",
                    "a folder of the file client, or `address` and what proves the mailbox",
                ));
            }
            Some(folder) => MeshWay::Folder(file("folder", Some(folder))?),
            None => MeshWay::Rest(RestSettings {
                address: https("mesh.address", self.address.as_deref().unwrap_or_default())?,
                password_file: file("password_file", self.password_file)?,
                shared_key_file: file("shared_key_file", self.shared_key_file)?,
                certificate: file("certificate", self.certificate)?,
                key: file("key", self.key)?,
                certificate_authority: issuer
                    .map(|path| file("certificate_authority", Some(path)))
                    .transpose()?,
                chunk_bytes: u64::from(chunk_kb) * 1024,
            }),
        };

        Ok(MeshSettings {
            mailbox: own,
            hub_mailbox: theirs,
            way,
            every: Duration::from_secs(every.into()),
            workflows: workflows(&self.workflows)?,
        })
    }
}

/// A mailbox's name, in capital letters.
pub(super) fn mailbox(key: &str, text: &str) -> Result<String, ConfigError> {
    let text = text.trim().to_ascii_uppercase();
    let fits = (1..=30).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    fits.then_some(text).ok_or_else(|| setting(key, "a MESH mailbox: letters and digits"))
}

/// Children's names never go in the clear.
fn https(key: &str, text: &str) -> Result<String, ConfigError> {
    let text = text.trim().trim_end_matches('/');
    let host = text.strip_prefix("https://").unwrap_or_default();
    let fits =
        !host.is_empty() && !host.contains(['@', '?', '#', '\\']) && !host.contains(char::is_whitespace);
    fits.then(|| text.to_owned()).ok_or_else(|| setting(key, "an address that begins with https://"))
}

fn workflows(table: &WorkflowTable) -> Result<Workflows, ConfigError> {
    let read = |key: &str, text: &str| {
        let text = text.trim();
        let fits = (2..=100).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
        let why = "a workflow id: 2 to 100 letters, digits, dashes, dots and underscores";
        fits.then(|| text.to_owned()).ok_or_else(|| setting(&format!("mesh.workflows.{key}"), why))
    };
    let all = Workflows {
        upload: read("upload", &table.upload)?,
        acknowledgement: read("acknowledgement", &table.acknowledgement)?,
        notification: read("notification", &table.notification)?,
        receipt: read("receipt", &table.receipt)?,
    };
    let mut names = [&all.upload, &all.acknowledgement, &all.notification, &all.receipt];
    names.sort();
    if names.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(setting("mesh.workflows", "two of them are the same"));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "mailbox = \"x26hc010\"\naddress = \"https://mesh.example/\"\n\
        password_file = \"password\"\nshared_key_file = \"shared\"\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n\
        [workflows]\nupload = \"U1\"\nacknowledgement = \"U1_ACK\"\nnotification = \"N1\"\nreceipt = \"N1_ACK\"\n";

    fn resolved(text: &str, is_link: bool) -> Result<MeshSettings, String> {
        let table: MeshTable = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        table.resolve(is_link, Path::new("/etc/cpis")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_mailbox_is_reached_with_all_that_proves_it_or_not_at_all() {
        let settings = resolved(TABLE, false).unwrap();
        assert_eq!((settings.mailbox.as_str(), settings.hub_mailbox), ("X26HC010", None));
        let MeshWay::Rest(rest) = settings.way else { panic!("not by folders") };
        assert_eq!((rest.address.as_str(), rest.chunk_bytes), ("https://mesh.example", 16 * 1024 * 1024));
        assert_eq!(rest.password_file, Path::new("/etc/cpis/password"));
        let check = |from: &str, to: &str, said: &str| {
            let error = resolved(&TABLE.replace(from, to), false).unwrap_err();
            assert!(error.contains(said), "{from} as {to}: {error}");
        };
        check("https://", "http://", "`mesh.address`");
        check("x26hc010", "x26/hc", "`mesh.mailbox`");
        for key in ["password_file", "shared_key_file", "certificate", "key"] {
            check(&format!("\n{key} = "), "\nchunk_kb = 1 #", &format!("`mesh.{key}`"));
        }
        check("\"N1\"", "\"U1\"", "two of them are the same");
        check("\"N1\"", "\"N 1\"", "`mesh.workflows.notification`");
        check("[workflows]", "hub_mailbox = \"A\"\n[workflows]", "`mesh.hub_mailbox`");
        check("[workflows]", "every_seconds = 0\n[workflows]", "`mesh.every_seconds`");
        check("[workflows]", "chunk_kb = 70000\n[workflows]", "`mesh.chunk_kb`");
        check("[workflows]", "proxy = 1\n[workflows]", "unknown field");
        check("[workflows]", "folder = \"f\"\n[workflows]", "`mesh.folder`");
        let (_, workflows) = TABLE.split_once("[workflows]").unwrap();
        let folder = format!("mailbox = \"a\"\nfolder = \"f\"\n[workflows]{workflows}");
        assert_eq!(resolved(&folder, false).unwrap().way, MeshWay::Folder("/etc/cpis/f".into()));
        assert!(resolved(TABLE, true).unwrap_err().contains("`mesh.hub_mailbox`"));
        let own = TABLE.replace("[workflows]", "hub_mailbox = \"X26HC010\"\n[workflows]");
        assert!(resolved(&own, true).unwrap_err().contains("own mailbox"));
    }
}
