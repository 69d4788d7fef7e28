//! What keeps a hub from serving, or soon will: looked at, said in a line each, and left as it is.
//!
//! Reads no patient's data and changes nothing; it may be run beside the serving hub.

mod certificate;
mod database;
mod machine;

use std::path::Path;

use serde::Serialize;

use super::ProviderError;
use super::clock::Clock;
use crate::config::hub::{HubConfig, ProviderSettings};
use crate::config::mesh::MeshWay;
use crate::identity::token::SigningKey;

/// Where systemd puts what it hands over.
const CREDENTIALS: &str = "/run/credentials";

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Something has to be done, in the next weeks.
    Soon,
    /// Something has to be done.
    Mend,
    /// It cannot be found out from here.
    CannotTell,
}

/// One line of what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What was found, and what to do.
    pub says: String,
}

impl Finding {
    fn ok(check: &'static str, says: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, says: says.into() }
    }

    fn soon(check: &'static str, says: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Soon, says: says.into() }
    }

    fn mend(check: &'static str, says: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Mend, says: says.into() }
    }

    fn cannot_tell(check: &'static str, says: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::CannotTell, says: says.into() }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Soon => "soon",
            Verdict::Mend => "mend",
            Verdict::CannotTell => "cannot tell",
        };
        write!(f, "{verdict:<12} {:<14} {}", self.check, self.says)
    }
}

/// What the one who asks says of the hub.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// It has never been started: there need be no database, and nobody in it.
    pub first_start: bool,
    /// Every page of the database is to be looked at, however large it is.
    pub thorough: bool,
    /// MESH is asked, too.
    pub mesh: bool,
}

/// Looks at everything.
#[must_use]
pub fn examine(path: &Path, clock: &Clock, asked: Asked) -> Vec<Finding> {
    let config = match HubConfig::read(path) {
        Ok(config) => config,
        // Without it there is nothing to look at.
        Err(error) => return vec![Finding::mend("configuration", error.to_string())],
    };
    let mut found =
        vec![Finding::ok("configuration", path.display().to_string()), sites(&config), rights(&config)];
    found.push(key(&config));
    found.push(provider(&config));
    found.extend(mesh(&config, clock, asked));
    let shown = config.mesh.as_ref().and_then(|mesh| mesh.way.certificate());
    found.extend(shown.and_then(|path| certificate::last_as_long("mesh", path, clock)));
    found.extend(database::examine(&config, clock, asked));
    found.extend(certificate::examine(&config, clock));
    found.extend(machine::examine(&config, clock));
    found
}

fn sites(config: &HubConfig) -> Finding {
    match config.sites.len() {
        0 => Finding::mend(
            "sites",
            "no [[site]]: local authorities will not be told from where somebody looked; add the places where care happens",
        ),
        sites => Finding::ok("sites", format!("{sites} configured")),
    }
}

fn provider(config: &HubConfig) -> Finding {
    const CHECK: &str = "provider";
    let Some(settings) = &config.provider else {
        return Finding::ok(CHECK, "none: nobody can sign in here (manual, \"Signing in\")");
    };
    let (file, lax) = (settings.proof.file(), lax(settings).join("; "));
    // As with the signing key. What else is wrong is to be mended, whether or not the key is there.
    let is_handed_over = file.starts_with(CREDENTIALS) && !file.exists();
    match crate::hub::provider_is_usable(settings) {
        Err(error) if !(is_handed_over && matches!(error, ProviderError::Proof(_))) => {
            Finding::mend(CHECK, error.to_string())
        }
        Ok(()) | Err(_) if !lax.is_empty() => Finding::mend(CHECK, lax),
        Ok(()) => Finding::ok(CHECK, format!("{} (not asked)", settings.issuer)),
        Err(_) => {
            Finding::cannot_tell(CHECK, format!("{} is there only while the service runs", file.display()))
        }
    }
}

/// What lets more people in than the rest of the configuration says, or for longer.
fn lax(settings: &ProviderSettings) -> Vec<&'static str> {
    let lax = [
        (
            settings.demands.is_empty(),
            "no [[provider.demand]]: whoever the provider knows is let in, however little it has looked who they are",
        ),
        (
            settings.levels.iter().any(|level| level.acr.is_empty()),
            "a [[provider.level]] with acr = \"\": a password alone may be enough; name the ways of signing in that are",
        ),
        (
            settings.may_lack_auth_time,
            "auth_time_may_be_missing: a session at the provider that never ends begins sessions here without end, and nobody signs in afresh",
        ),
    ];
    lax.into_iter().filter(|(is_so, _)| *is_so).map(|(_, words)| words).collect()
}

/// Nothing where there is no mailbox: most hubs have none.
fn mesh(config: &HubConfig, clock: &Clock, asked: Asked) -> Option<Finding> {
    const CHECK: &str = "mesh";
    let settings = config.mesh.as_ref()?;
    let authorities = config.authorities.iter().filter(|authority| authority.mailbox.is_some()).count();
    Some(match crate::hub::mesh_is_usable(settings, clock) {
        Err(error) => Finding::mend(CHECK, error.to_string()),
        Ok(()) if authorities == 0 => Finding::mend(
            CHECK,
            "no [[authority]] has a `mailbox`: nobody comes that way; name one, or leave out [mesh]",
        ),
        Ok(()) if asked.mesh => match crate::hub::ask_mesh(settings, &config.authorities, clock) {
            Err(error) => Finding::mend(CHECK, error.to_string()),
            Ok(_) if matches!(settings.way, MeshWay::Folder(_)) => Finding::ok(
                CHECK,
                format!(
                    "mailbox {}, {authorities} authorities come that way; --mesh cannot tell more: through the file client's folders \
                     MESH is not asked whose a mailbox is",
                    settings.mailbox
                ),
            ),
            Ok(said) if said.is_empty() => Finding::ok(
                CHECK,
                format!(
                    "mailbox {}, {authorities} authorities come that way, as MESH knows them",
                    settings.mailbox
                ),
            ),
            Ok(said) => Finding::mend(CHECK, said.join("; ")),
        },
        Ok(()) => Finding::ok(
            CHECK,
            format!(
                "mailbox {}, {authorities} authorities come that way (MESH is asked with --mesh)",
                settings.mailbox
            ),
        ),
    })
}

fn rights(config: &HubConfig) -> Finding {
    if config.rights.is_empty() {
        return Finding::mend(
            "rights",
            "no [rights]: nobody may search or view anything; say there what each activity code allows, as packaging/hub.toml does",
        );
    }
    Finding::ok("rights", "activity codes allow what [rights] says")
}

fn key(config: &HubConfig) -> Finding {
    match signing_key(config) {
        Ok(_) => Finding::ok("signing key", config.signing_key.display().to_string()),
        // systemd hands it over to the service, and takes it away when that stops.
        Err(_) if config.signing_key.starts_with(CREDENTIALS) && !config.signing_key.exists() => {
            Finding::cannot_tell(
                "signing key",
                format!("{} is there only while the service runs", config.signing_key.display()),
            )
        }
        Err(why) => Finding::mend("signing key", why),
    }
}

/// The key that signs and proves tokens. One that other users of the machine can read is refused: whoever reads
/// it can be anybody.
///
/// # Errors
/// One sentence that says what to do.
pub fn signing_key(config: &HubConfig) -> Result<SigningKey, String> {
    let path = config.signing_key.display();
    let unreadable = |error: std::io::Error| format!("cannot read the signing key {path}: {}", error.kind());
    let file = std::fs::metadata(&config.signing_key).map_err(unreadable)?;
    if is_open_to_others(&file) {
        return Err(format!(
            "the signing key {path} is open to every user of this machine: chmod 600 {path}"
        ));
    }
    let pem = std::fs::read_to_string(&config.signing_key).map_err(unreadable)?;
    SigningKey::from_pem(&pem).map_err(|error| format!("the signing key {path}: {error}"))
}

/// The group may read: what a service manager hands over belongs to root and is opened by an access list.
#[cfg(unix)]
pub(super) fn is_open_to_others(file: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.mode() & 0o007 != 0
}

#[cfg(not(unix))]
pub(super) fn is_open_to_others(_file: &std::fs::Metadata) -> bool {
    false
}
