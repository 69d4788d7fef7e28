//! The hub's settings (`hub.toml`).
//!
//! [`HubFile`] is what the file says; [`HubConfig`] is what it means, and the only thing the hub takes.
//! Nothing is opened or created here but the file itself.

mod authorities;
mod clients;
mod disk;
mod limits;
mod log;
mod notices;
mod operator;
mod provider;
mod retention;
mod rights;
mod tls;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use super::file::ConfigError;
use super::file::{self, setting};
use super::mesh::{MeshSettings, MeshTable};
pub use log::LogFormat;

use crate::domain::{ContactMode, Rights, Site, TailDays, Telephone};

pub use authorities::{CertificateName, SendingAuthority};
pub use clients::{RegisteredClient, VIEWER};
pub use disk::DiskSettings;
use disk::DiskTable;
pub use limits::LimitSettings;
use notices::NoticeTable;
pub use notices::{NoticeSettings, OverdueBefore};
pub use provider::{ClientProof, Demand, Level, ProviderSettings, is_on_this_computer};
pub use retention::Retention;
use retention::RetentionTable;
pub use tls::{ClientCertificates, TlsSettings};

/// What whoever wants to be reached from elsewhere has to do.
pub const PLAIN_ON_LOOPBACK: &str = "without TLS the hub listens on loopback addresses only: add a table [tls] with `certificate` and `key`, or listen on 127.0.0.1";

/// How strictly a commit is on disk before it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Synchronous {
    /// Every commit is flushed to the disk: the only setting for real people.
    Full,
    /// A power cut may lose views that were answered. Refused unless the database is marked synthetic; there
    /// so that a test can show that the flush matters.
    Normal,
}

/// What the hub runs with.
#[derive(Debug, Clone)]
pub struct HubConfig {
    /// Where it listens: without TLS a loopback address.
    pub listen: SocketAddr,
    /// The certificate with which it speaks TLS; without one it speaks plain HTTP.
    pub tls: Option<TlsSettings>,
    /// Where it tells its operator how it is: another loopback address, or nowhere.
    pub operator: Option<SocketAddr>,
    /// How its lines look.
    pub log: LogFormat,
    /// Issuer and audience of its tokens: its own URL.
    pub issuer: String,
    /// The database file.
    pub database: PathBuf,
    /// The PKCS#8 PEM file with the key that signs and proves tokens.
    pub signing_key: PathBuf,
    /// How long ended plans are shown.
    pub tails: TailDays,
    /// What each activity code allows.
    pub rights: Rights,
    /// The places where care happens.
    pub sites: Vec<Site>,
    /// Who may send plans.
    pub authorities: Vec<SendingAuthority>,
    /// Through which programs besides the viewer people may sign in.
    pub clients: Vec<RegisteredClient>,
    /// How strictly commits reach the disk.
    pub synchronous: Synchronous,
    /// Rates and connections.
    pub limits: LimitSettings,
    /// How long what is over is kept.
    pub retention: Retention,
    /// What is done about the disk.
    pub disk: DiskSettings,
    /// When it is an alert that an authority is not told.
    pub notices: NoticeSettings,
    /// Where people sign in; without one nobody can.
    pub provider: Option<ProviderSettings>,
    /// The hub's mailbox at MESH, where it has one.
    pub mesh: Option<MeshSettings>,
}

/// The file, word for word.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HubFile {
    listen: String,
    issuer: String,
    database: PathBuf,
    signing_key: PathBuf,
    tls: Option<tls::TlsTable>,
    #[serde(default)]
    log: log::LogTable,
    #[serde(default)]
    operator: operator::OperatorTable,
    #[serde(default)]
    plans: PlansTable,
    #[serde(default)]
    store: StoreTable,
    #[serde(default)]
    limits: LimitSettings,
    #[serde(default)]
    retention: RetentionTable,
    #[serde(default)]
    disk: DiskTable,
    #[serde(default)]
    rights: rights::RightsTable,
    #[serde(default)]
    notices: NoticeTable,
    #[serde(default, rename = "site")]
    sites: Vec<SiteTable>,
    #[serde(default, rename = "authority")]
    authorities: Vec<authorities::AuthorityTable>,
    #[serde(default, rename = "client")]
    clients: Vec<clients::ClientTable>,
    provider: Option<provider::ProviderTable>,
    mesh: Option<MeshTable>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlansTable {
    tail_days: Option<u16>,
    unborn_tail_days: Option<u16>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoreTable {
    synchronous: Option<Synchronous>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteTable {
    id: String,
    organisation_code: String,
    setting: String,
    name: String,
    department: String,
    call_back: Option<String>,
    contact: Contact,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Contact {
    InPerson,
    ByTelephone,
}

impl HubConfig {
    /// Reads and resolves a file; relative paths in it count from the file's own directory.
    ///
    /// # Errors
    /// One sentence that names the file or the key.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(&file::read(path)?, path)
    }

    /// The text of the file at `path`.
    pub(super) fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        Self::resolve(file::parse(text, path)?, path.parent().unwrap_or(Path::new(".")))
    }

    fn resolve(file: HubFile, directory: &Path) -> Result<Self, ConfigError> {
        let listen: SocketAddr = file
            .listen
            .parse()
            .map_err(|_| setting("listen", "this is no address with a port, such as 127.0.0.1:8470"))?;
        let tls = file.tls.map(|table| table.resolve(directory)).transpose()?;
        if tls.is_none() && !listen.ip().is_loopback() {
            return Err(setting("listen", PLAIN_ON_LOOPBACK));
        }
        let fits = |url: &str| {
            (url.starts_with("https://") || url.starts_with("http://"))
                && url.len() > "https://".len()
                && !url.ends_with('/')
                && !url.contains(char::is_whitespace)
        };
        if !fits(&file.issuer) {
            return Err(setting("issuer", "this must be the hub's URL, without a slash at its end"));
        }
        let defaults = TailDays::default();
        let tails = TailDays {
            child: file.plans.tail_days.unwrap_or(defaults.child),
            unborn: file.plans.unborn_tail_days.unwrap_or(defaults.unborn),
        };
        if tails.child > 366 || tails.unborn > 366 {
            return Err(setting("plans", "a plan is shown for at most 366 days after its end"));
        }
        let provider = file.provider.map(|table| table.resolve(directory, &file.issuer)).transpose()?;
        let mesh = file.mesh.map(|table| table.resolve(false, directory)).transpose()?;
        let callers = tls.as_ref().map(|tls| &tls.clients);
        if let (Some(_), Some(ClientCertificates::Required(_))) = (&provider, callers) {
            return Err(setting(
                "tls.client_certificates",
                "with [provider] this must be \"offered\" or \"off\": browsers and the provider show no certificate, so that nobody could sign in, nor be signed out",
            ));
        }
        let authorities = authorities::resolve(file.authorities, callers, mesh.as_ref())?;
        Ok(Self {
            listen,
            clients: clients::resolve(file.clients, callers, &authorities)?,
            authorities,
            tls,
            operator: file.operator.resolve(listen)?,
            log: file.log.format,
            issuer: file.issuer,
            database: own_name(directory.join(non_empty("database", file.database)?)),
            signing_key: directory.join(non_empty("signing_key", file.signing_key)?),
            tails,
            rights: rights::resolve(&file.rights)?,
            sites: sites(file.sites)?,
            synchronous: file.store.synchronous.unwrap_or(Synchronous::Full),
            limits: file.limits.checked()?,
            retention: Retention::resolve(&file.retention)?,
            disk: DiskSettings::resolve(&file.disk)?,
            notices: NoticeSettings::resolve(&file.notices)?,
            provider,
            mesh,
        })
    }
}

/// The file's own name where this is a link to it: under two names a database would have two locks, and a restore
/// would put another one in the link's place.
fn own_name(path: PathBuf) -> PathBuf {
    match std::fs::read_link(&path) {
        Ok(target) => {
            let named = path.parent().unwrap_or(Path::new(".")).join(target);
            named.canonicalize().unwrap_or(named)
        }
        Err(_) => path,
    }
}

fn sites(tables: Vec<SiteTable>) -> Result<Vec<Site>, ConfigError> {
    let mut sites: Vec<Site> = Vec::with_capacity(tables.len());
    for table in tables {
        let key = format!("site.{}", table.id);
        let id_fits = (1..=40).contains(&table.id.len())
            && table.id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if !id_fits {
            return Err(setting("site.id", "1 to 40 letters, digits, dashes, dots and underscores"));
        }
        for (name, text) in [
            ("organisation_code", &table.organisation_code),
            ("setting", &table.setting),
            ("name", &table.name),
        ] {
            if text.trim().is_empty() {
                return Err(setting(&key, &format!("`{name}` is empty")));
            }
        }
        if sites.iter().any(|s| s.id == table.id && s.organisation_code == table.organisation_code) {
            return Err(setting(&key, "the organisation has two sites of this id"));
        }
        let call_back = match table.call_back.as_deref() {
            None => None,
            Some(text) => Some(
                Telephone::new(text)
                    .filter(Telephone::looks_like_a_number)
                    .ok_or_else(|| setting(&key, "`call_back` is not a telephone number"))?,
            ),
        };
        sites.push(Site {
            id: table.id,
            organisation_code: table.organisation_code,
            setting: table.setting,
            name: table.name,
            department: table.department,
            call_back,
            contact: match table.contact {
                Contact::InPerson => ContactMode::InPerson,
                Contact::ByTelephone => ContactMode::ByTelephone,
            },
        });
    }
    Ok(sites)
}

fn non_empty(key: &str, path: PathBuf) -> Result<PathBuf, ConfigError> {
    if path.as_os_str().is_empty() { Err(setting(key, "this is empty")) } else { Ok(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STARTING: &str = include_str!("../../packaging/hub.toml");

    fn resolve(text: &str) -> Result<HubConfig, String> {
        let file: HubFile = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        HubConfig::resolve(file, Path::new("/etc/cpis")).map_err(|error| error.to_string())
    }

    #[test]
    fn the_starting_configuration_is_valid() {
        let config = resolve(STARTING).unwrap();
        assert_eq!(config.tails, TailDays::default());
        assert_eq!(config.synchronous, Synchronous::Full);
        assert!(!config.sites.is_empty());
    }

    #[test]
    fn certificates_of_every_caller_are_refused_where_people_sign_in_with_browsers_that_have_none() {
        let with = |mode: &str| {
            resolve(&format!(
                "listen = \"127.0.0.1:8470\"\nissuer = \"https://hub.example\"\ndatabase = \"hub.db\"\nsigning_key = \"key.pem\"\n\
                 [tls]\ncertificate = \"hub.pem\"\nkey = \"tls.pem\"\nclient_ca = \"ca.pem\"\nclient_certificates = \"{mode}\"\n\
                 [provider]\nissuer = \"https://login.example\"\nclient_id = \"hub\"\nsecret = \"s\"\n\
                 [[provider.level]]\nacr = \"a\"\nidle_minutes = 15\nwhole_hours = 12\n"
            ))
        };
        let refused = with("required").unwrap_err();
        assert!(
            refused.contains("tls.client_certificates") && refused.contains("nobody could sign in"),
            "{refused}"
        );
        assert!(with("offered").is_ok() && with("off").is_ok());
    }

    #[test]
    fn a_setting_that_cannot_be_meant_is_refused_in_a_sentence() {
        let base = "listen = \"127.0.0.1:8470\"\nissuer = \"http://127.0.0.1:8470\"\n\
                    database = \"hub.db\"\nsigning_key = \"key.pem\"\n";
        assert_eq!(resolve(base).unwrap().database, Path::new("/etc/cpis/hub.db"));
        let check = |from: &str, to: &str, expected: &str| {
            let error = resolve(&base.replace(from, to)).unwrap_err();
            assert!(error.contains(expected), "{to}: {error}");
        };
        check(
            "127.0.0.1:8470\"\nissuer",
            "0.0.0.0:8470\"\nissuer",
            "loopback addresses only: add a table [tls]",
        );
        let tls = "[tls]\ncertificate = \"hub.pem\"\nkey = \"key.pem\"\n";
        let everywhere = base.replace("127.0.0.1:8470\"\nissuer", "0.0.0.0:8470\"\nissuer");
        assert_eq!(
            resolve(&format!("{everywhere}{tls}")).unwrap().tls.unwrap().key,
            Path::new("/etc/cpis/key.pem")
        );
        check("127.0.0.1:8470\"\nissuer", "localhost\"\nissuer", "no address with a port");
        check("http://127.0.0.1:8470", "hub", "the hub's URL");
        check("hub.db", "", "`database`");
        check("database", "databse", "unknown field");
        let operator = |listen: &str| resolve(&format!("{base}[operator]\nlisten = \"{listen}\"\n"));
        assert!(resolve(base).unwrap().operator.is_none());
        assert_eq!(operator("127.0.0.1:9470").unwrap().operator.unwrap().port(), 9470);
        for (listen, expected) in [
            ("0.0.0.0:9470", "a loopback address only"),
            ("127.0.0.1:8470", "an address of its own"),
            ("9470", "no address with a port"),
        ] {
            let error = operator(listen).unwrap_err();
            assert!(error.contains("operator.listen") && error.contains(expected), "{listen}: {error}");
        }
        let site = "[[site]]\nid = \"ed\"\norganisation_code = \"RN3\"\nsetting = \"ED\"\nname = \"GWH\"\n\
                    department = \"ED\"\ncontact = \"in-person\"\n";
        assert_eq!(resolve(&format!("{base}{site}")).unwrap().sites.len(), 1);
        let twice = format!("{base}{site}{site}");
        assert!(resolve(&twice).unwrap_err().contains("two sites of this id"));
        let bad = format!("{base}{site}call_back = \"switchboard\"\n");
        assert!(resolve(&bad).unwrap_err().contains("not a telephone number"));
        let long = format!("{base}[plans]\ntail_days = 4000\n");
        assert!(resolve(&long).unwrap_err().contains("at most 366 days"));
    }
}
