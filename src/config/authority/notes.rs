//! `[notes]`: where the link keeps what it was told of accesses, and how case notes get into the electronic record.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::config::file::{ConfigError, setting};

/// What hearing of accesses needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSettings {
    /// The database in which the link keeps what it was told.
    pub register: PathBuf,
    /// How often the hub is asked.
    pub every: Duration,
    /// How notes get into the record.
    pub into: Into,
    /// The extract is of some teams only.
    pub has_partial_extract: bool,
    /// What the mark of the folder has to say at the first start; `None`: any that somebody gave it.
    pub folder_mark: Option<String>,
}

/// How notes get into the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Into {
    /// They stay in the register.
    Register,
    /// As files in a folder, from which the case system picks them up.
    Folder(PathBuf),
    /// As FHIR Communications that are posted to it.
    CaseSystem(CaseSystemSettings),
}

/// Where the case system is, and how the link proves who it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseSystemSettings {
    /// The FHIR base, without a slash at its end.
    pub address: String,
    /// A file with a token, read anew each time.
    pub token_file: Option<PathBuf>,
    /// PEM: a client certificate and its key.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// PEM: who issued the case system's certificate: then nobody else is trusted.
    pub certificate_authority: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoteTable {
    register: PathBuf,
    every_seconds: Option<u16>,
    folder: Option<PathBuf>,
    folder_mark: Option<String>,
    #[serde(default)]
    partial_extract: bool,
    case_system: Option<CaseSystemTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseSystemTable {
    address: String,
    token_file: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    certificate_authority: Option<PathBuf>,
}

pub(super) fn resolve(
    table: Option<NoteTable>,
    has_link: bool,
    directory: &Path,
) -> Result<Option<NoteSettings>, ConfigError> {
    let Some(table) = table else { return Ok(None) };
    if !has_link {
        return Err(setting("notes", "`[notes]` needs `memory`, `[authority]` and `[hub]` too"));
    }
    let file = |key: &str, path: PathBuf| {
        if path.as_os_str().is_empty() {
            Err(setting(key, "this is empty"))
        } else {
            Ok(directory.join(path))
        }
    };
    let seconds = table.every_seconds.unwrap_or(5);
    if !(1..=60).contains(&seconds) {
        return Err(setting(
            "notes.every_seconds",
            "1 to 60: a nurse's view is to be on the record within a minute",
        ));
    }
    let into = match (table.folder, table.case_system) {
        (None, None) => Into::Register,
        (Some(folder), None) => Into::Folder(file("notes.folder", folder)?),
        (None, Some(system)) => Into::CaseSystem(case_system(system, &file)?),
        (Some(_), Some(_)) => {
            return Err(setting(
                "notes",
                "`folder` or `[notes.case_system]`, not both: each note would be there twice",
            ));
        }
    };
    Ok(Some(NoteSettings {
        register: file("notes.register", table.register)?,
        every: Duration::from_secs(seconds.into()),
        into,
        has_partial_extract: table.partial_extract,
        folder_mark: folder_mark(table.folder_mark)?,
    }))
}

/// Somebody wrote it into the folder by hand: a share that is not mounted does not have it.
fn folder_mark(mark: Option<String>) -> Result<Option<String>, ConfigError> {
    let Some(mark) = mark else { return Ok(None) };
    let fits = (1..=64).contains(&mark.len()) && mark.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then_some(Some(mark)).ok_or_else(|| setting("notes.folder_mark", "1 to 64 letters and digits"))
}

fn case_system(
    table: CaseSystemTable,
    file: &dyn Fn(&str, PathBuf) -> Result<PathBuf, ConfigError>,
) -> Result<CaseSystemSettings, ConfigError> {
    let certificate = match (table.certificate, table.key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => {
            Some((file("notes.case_system.certificate", certificate)?, file("notes.case_system.key", key)?))
        }
        (_, _) => return Err(setting("notes.case_system", "`certificate` and `key` belong together")),
    };
    let token_file = table.token_file.map(|path| file("notes.case_system.token_file", path)).transpose()?;
    if certificate.is_none() && token_file.is_none() {
        return Err(setting("notes.case_system", "`token_file`, or `certificate` and `key`"));
    }
    let issuer = table.certificate_authority;
    Ok(CaseSystemSettings {
        address: super::link::address("notes.case_system.address", &table.address)?,
        token_file,
        certificate,
        certificate_authority: issuer
            .map(|path| file("notes.case_system.certificate_authority", path))
            .transpose()?,
    })
}
