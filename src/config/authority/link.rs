//! What the link needs to send: which authority it is, where the hub is, and where it keeps its memory.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::{Time, Weekday};
use serde::Deserialize;

use super::contacts::TeamTable;
use crate::config::file::{ConfigError, setting};
use crate::config::mesh::{MeshSettings, MeshTable};
use crate::domain::{Authority, OdsCode, OfficeHours, Telephone};

/// What sending needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSettings {
    /// The authority as hospitals see it; its code is always there.
    pub authority: Authority,
    /// ODS code.
    pub code: String,
    /// The hub.
    pub hub: HubSettings,
    /// The database in which the link remembers what the hub holds.
    pub memory: PathBuf,
}

/// The hub, and the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubSettings {
    /// How documents get there.
    pub way: Way,
    /// For so long an upload is tried where the hub cannot be reached.
    pub try_for: Duration,
    /// The name that the hub gives itself in what it sends: its `issuer`.
    pub issuer: String,
}

impl HubSettings {
    /// The hub, or MESH, is not to be asked more often than this.
    #[must_use]
    pub fn least_pause(&self) -> Duration {
        match &self.way {
            Way::Https(_) => Duration::ZERO,
            Way::Mesh(mesh) => mesh.every,
        }
    }
}

/// How documents get to the hub and back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// HTTPS, with the link's own certificate.
    Https(HttpsSettings),
    /// MESH, from mailbox to mailbox.
    Mesh(MeshSettings),
}

/// Where the hub is, and how the link proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpsSettings {
    /// `https://`, without a slash at its end.
    pub address: String,
    /// PEM: the link's own certificate, then those between it and its issuer.
    pub certificate: PathBuf,
    /// PEM: its private key.
    pub key: PathBuf,
    /// PEM: who issued the hub's certificate, if nobody else is trusted.
    pub certificate_authority: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthorityTable {
    code: String,
    name: String,
    office: String,
    emergency_duty: String,
    office_hours: Option<HoursTable>,
    #[serde(default)]
    pub(super) team: Vec<TeamTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HoursTable {
    days: Vec<String>,
    from: String,
    to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HubTable {
    address: Option<String>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    certificate_authority: Option<PathBuf>,
    #[serde(default = "an_hour")]
    try_for_minutes: u16,
    issuer: Option<String>,
}

fn an_hour() -> u16 {
    60
}

/// Minutes for which an upload may be tried: the next night has one of its own.
const MOST_MINUTES: u16 = 12 * 60;

/// All of it, or nothing.
pub(super) fn resolve(
    authority: Option<AuthorityTable>,
    hub: Option<HubTable>,
    mesh: Option<MeshTable>,
    memory: Option<PathBuf>,
    directory: &Path,
) -> Result<Option<LinkSettings>, ConfigError> {
    let (authority, hub, memory) = match (authority, hub, memory) {
        (None, None, None) if mesh.is_none() => return Ok(None),
        (Some(authority), Some(hub), Some(memory)) => (authority, hub, memory),
        (None, _, _) => return Err(setting("authority", "`[hub]` and `memory` need `[authority]` too")),
        (_, None, _) => return Err(setting("hub", "`[authority]` and `memory` need `[hub]` too")),
        (_, _, None) => {
            return Err(setting("memory", "name a file in which the link remembers what the hub holds"));
        }
    };
    let file = |key: &str, path: PathBuf| {
        if path.as_os_str().is_empty() {
            Err(setting(key, "this is empty"))
        } else {
            Ok(directory.join(path))
        }
    };
    let code = OdsCode::parse(authority.code.trim());
    let code = String::from(code.ok_or_else(|| setting("authority.code", OdsCode::SHAPE))?);
    if hub.try_for_minutes > MOST_MINUTES {
        return Err(setting("hub.try_for_minutes", "0 to 720 minutes"));
    }
    let try_for = Duration::from_secs(u64::from(hub.try_for_minutes) * 60);
    let issuer = hub.issuer.clone();
    let (way, address) = match mesh {
        None => {
            let https = https(hub, &file)?;
            let address = https.address.clone();
            (Way::Https(https), Some(address))
        }
        Some(_) if hub.address.is_some() || hub.certificate.is_some() || hub.key.is_some() => {
            let why = "with a table [mesh] the link goes that way alone: leave out `address`, `certificate` and `key`";
            return Err(setting("hub", why));
        }
        Some(mesh) => (Way::Mesh(mesh.resolve(true, directory)?), None),
    };
    Ok(Some(LinkSettings {
        authority: described(&code, authority)?,
        code,
        hub: HubSettings { way, try_for, issuer: issuer_of(issuer, address.as_deref())? },
        memory: file("memory", memory)?,
    }))
}

fn https(
    hub: HubTable,
    file: &dyn Fn(&str, PathBuf) -> Result<PathBuf, ConfigError>,
) -> Result<HttpsSettings, ConfigError> {
    let needed = |key: &str, path: Option<PathBuf>| {
        let path = path.ok_or_else(|| setting(key, "this is needed, or a table [mesh]"))?;
        file(key, path)
    };
    let issuer = hub.certificate_authority;
    Ok(HttpsSettings {
        address: address("hub.address", hub.address.as_deref().unwrap_or_default())?,
        certificate: needed("hub.certificate", hub.certificate)?,
        key: needed("hub.key", hub.key)?,
        certificate_authority: issuer.map(|path| file("hub.certificate_authority", path)).transpose()?,
    })
}

fn described(code: &str, table: AuthorityTable) -> Result<Authority, ConfigError> {
    let shown = |key: &str, text: &str| {
        let text = text.trim();
        let fits = !text.is_empty() && text.chars().count() <= 100 && !text.chars().any(char::is_control);
        fits.then(|| text.to_owned()).ok_or_else(|| setting(key, "1 to 100 characters that can be seen"))
    };
    let telephone = |key: &str, text: &str| {
        let number = Telephone::new(&shown(key, text)?).filter(Telephone::looks_like_a_number);
        number.ok_or_else(|| setting(key, "a telephone number that can be rung from anywhere"))
    };
    Ok(Authority {
        name: shown("authority.name", &table.name)?,
        code: Some(code.to_owned()),
        office: Some(telephone("authority.office", &table.office)?),
        emergency_duty: Some(telephone("authority.emergency_duty", &table.emergency_duty)?),
        hours: table.office_hours.map(hours).transpose()?,
        team: None,
    })
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

fn hours(table: HoursTable) -> Result<OfficeHours, ConfigError> {
    let wrong = || {
        setting(
            "authority.office_hours",
            "`days` are some of \"mon\" to \"sun\", `from` and `to` times such as \"08:30\", `from` before `to`",
        )
    };
    let day = |text: &String| {
        let place = DAYS.iter().position(|day| day == text).and_then(|place| i8::try_from(place).ok());
        place.and_then(|place| Weekday::from_monday_zero_offset(place).ok()).ok_or_else(wrong)
    };
    let time = |text: &str| -> Result<Time, ConfigError> { text.trim().parse().map_err(|_| wrong()) };
    let hours = OfficeHours {
        days: table.days.iter().map(day).collect::<Result<_, _>>()?,
        from: time(&table.from)?,
        to: time(&table.to)?,
    };
    if hours.days.is_empty() || hours.from >= hours.to { Err(wrong()) } else { Ok(hours) }
}

/// By what documents of the hub are known: usually its address, which is not known where it is reached by MESH.
fn issuer_of(named: Option<String>, address: Option<&str>) -> Result<String, ConfigError> {
    let named = named.or(address.map(str::to_owned)).unwrap_or_default();
    let fits = !named.is_empty() && !named.contains(char::is_whitespace);
    fits.then_some(named).ok_or_else(|| setting("hub.issuer", "the hub's own `issuer`, letter by letter"))
}

/// Names and plans of children never go in the clear, and never with a password that a log would show.
pub(super) fn address(key: &str, text: &str) -> Result<String, ConfigError> {
    let text = text.trim().trim_end_matches('/');
    let host = text.strip_prefix("https://").unwrap_or_default();
    let fits =
        !host.is_empty() && !host.contains(['@', '?', '#', '\\']) && !host.contains(char::is_whitespace);
    fits.then(|| text.to_owned()).ok_or_else(|| setting(key, "an address that begins with https://"))
}
