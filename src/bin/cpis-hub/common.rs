//! What the hub's commands share: the configuration, the store, who works here, and printing.

use std::io::Write;
use std::path::Path;

use cpis::config::hub::HubConfig;
use cpis::domain::Caller;
use cpis::hub::clock::Clock;
use cpis::hub::store::{Store, StoreSettings};

/// Who works at the command line: the operating system's user, under whom the audit log notes it.
pub(super) fn operator() -> Caller {
    let user = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let user = user.filter(|user| !user.trim().is_empty()).unwrap_or_else(|| "unknown".to_owned());
    Caller {
        user: format!("operating system: {}", user_id().unwrap_or_else(|| user.clone())),
        name: user,
        role: "operator".to_owned(),
        role_profile: String::new(),
        organisation_code: String::new(),
        organisation: String::new(),
        activities: Vec::new(),
        session: String::new(),
        client: None,
    }
}

/// The number of the user: the environment's name can be set to anything.
#[cfg(target_os = "linux")]
fn user_id() -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").ok().map(|process| format!("uid {}", process.uid()))
}

#[cfg(not(target_os = "linux"))]
fn user_id() -> Option<String> {
    None
}

pub(super) fn open_store(config: &Path) -> Result<Store, String> {
    Store::open(&StoreSettings::of(&read(config)?), Clock::system()).map_err(|error| error.to_string())
}

pub(super) fn read(path: &Path) -> Result<HubConfig, String> {
    HubConfig::read(path).map_err(|error| error.to_string())
}

pub(super) fn print(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| error.kind().to_string())
}
