//! The demonstration: viewer and hub in one process, with synthetic people, over the same code paths as in
//! the field. The hub listens on a loopback port, its database is a real file in a directory of its own
//! that is deleted at the end, its key exists in memory only.
//!
//! Refuses to touch anything else: no configuration, no real hub, no real person.

mod earlier;
mod follower;
mod link;
mod people;
mod personas;
mod provider;
mod records;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Handle;

use crate::config::hub::{
    ClientProof, DiskSettings, HubConfig, Level, LimitSettings, LogFormat, NoticeSettings, ProviderSettings,
    Retention, Synchronous,
};
use crate::domain::{
    Activity, Caller, ContactMode, NamedNumber, Rights, Site, SiteAdvice, TailDays, Telephone, dates,
};
use crate::hub::clock::Clock;
use crate::hub::{self, Hub};
use crate::identity::token::SigningKey;
use crate::viewer;
use crate::viewer::state::Setup;
use follower::Follower;
use provider::Provider;

/// Why the demonstration does not start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// No directory for the database.
    #[error("the demonstration could not make a directory for its database ({0})")]
    Directory(std::io::Error),
    /// No loopback port.
    #[error("the demonstration could not listen on this computer ({0})")]
    Listen(std::io::Error),
    /// No key.
    #[error("the demonstration could not make a key")]
    Key,
    /// Nothing to speak to its own parts with.
    #[error("the demonstration could not set up its connections")]
    Http,
    /// The local authority's link did not start.
    #[error("the demonstration's local authority did not start: {0}")]
    Link(String),
    /// The hub did not open or load.
    #[error("the demonstration's hub did not start: {0}")]
    Hub(String),
}

/// How long a persona stays signed in.
const SESSION: SignedDuration = SignedDuration::from_hours(10);

/// A running demonstration. Its database is deleted when it is dropped.
pub struct Demonstration {
    /// Ends before its register is deleted.
    link: Option<link::Link>,
    hub: Hub,
    address: String,
    directory: TempDir,
    provider: Provider,
    browser: Arc<Follower>,
}

impl Demonstration {
    /// Starts the hub on the runtime that this is called on, with the clock running from `start`.
    ///
    /// # Errors
    /// One sentence that says what failed.
    pub async fn start(start: Timestamp) -> Result<Self, DemoError> {
        let directory =
            tempfile::Builder::new().prefix("cpis-demo-").tempdir().map_err(DemoError::Directory)?;
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(DemoError::Listen)?;
        let listen = listener.local_addr().map_err(DemoError::Listen)?;
        let address = format!("http://{listen}");
        let clock = Clock::running_from(start);
        let (provider, settings) = provider_of(&address, directory.path(), &clock).await?;
        let config = HubConfig {
            listen,
            tls: None,
            operator: None,
            log: LogFormat::Text,
            issuer: address.clone(),
            database: directory.path().join("hub.db"),
            signing_key: directory.path().join("no-key-on-disk"),
            tails: TailDays::default(),
            rights: Rights::national(),
            sites: sites(),
            authorities: Vec::new(),
            clients: Vec::new(),
            synchronous: Synchronous::Full,
            limits: LimitSettings::default(),
            retention: Retention::default(),
            // It is deleted at the end: nothing to reserve anything for.
            disk: DiskSettings { reserve_mb: 0, ..DiskSettings::default() },
            notices: NoticeSettings::default(),
            provider: Some(settings.clone()),
            mesh: None,
        };
        let key = SigningKey::generate().map_err(|_| DemoError::Key)?;
        let hub =
            Hub::open(&config, key, clock.clone()).map_err(|error| DemoError::Hub(error.to_string()))?;
        if let ClientProof::Secret(secret) = &settings.proof {
            // Read, and of no use to anybody else.
            let _ = std::fs::remove_file(secret);
        }
        let today = dates::london_day(start);
        let loaded = hub::load::load_text(hub.store(), &records::lines(today), true, loader())
            .await
            .map_err(|error| DemoError::Hub(error.to_string()))?;
        if let Some(refused) = loaded.named.first() {
            return Err(DemoError::Hub(refused.to_string()));
        }
        earlier::views(&hub, start).await.map_err(|error| DemoError::Hub(error.to_string()))?;
        clock.turn_to(start);
        tokio::spawn(hub::serve(listener, hub.clone(), std::future::pending()));
        let browser = Arc::new(Follower::new(follower::http()?, Handle::current()));
        Ok(Self { link: None, hub, address, directory, provider, browser })
    }

    /// Starts the link of a local authority and its page beside it.
    ///
    /// # Errors
    /// One sentence that says what failed.
    pub async fn start_link(&mut self) -> Result<(), DemoError> {
        self.link = Some(link::Link::start(&self.hub, &self.address, self.directory.path()).await?);
        Ok(())
    }

    /// An address at which somebody gets into the local authority's page, once.
    #[must_use]
    pub fn page(&self) -> Option<String> {
        self.link.as_ref().and_then(link::Link::start_address)
    }

    /// The hub's address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The hub, to be looked at and turned by tests.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// The file of the database.
    #[must_use]
    pub fn database(&self) -> std::path::PathBuf {
        self.directory.path().join("hub.db")
    }

    /// The persona of this number takes out their smartcard: the provider tells the hub, and has told it when this is done.
    pub async fn card_taken_out(&self, persona: usize) {
        self.provider.card_taken_out(persona).await;
    }

    /// Deletes the database when the program is told to end from outside, and ends it: a killed demonstration
    /// leaves nothing behind either (as far as the signal can be caught).
    pub fn end_when_told(&self) {
        let directory = self.directory.path().to_owned();
        tokio::spawn(async move {
            told_to_end().await;
            // What cannot be deleted is in the system's own directory for temporary files.
            let _ = std::fs::remove_dir_all(directory);
            end();
        });
    }

    /// What opens addresses: the local authority's page goes to the system's browser.
    fn opens(&self, others: Arc<dyn viewer::run::Browser>) -> Arc<dyn viewer::run::Browser> {
        match &self.link {
            Some(link) => link.browser(others),
            None => others,
        }
    }

    /// What the viewer starts with.
    #[must_use]
    pub fn viewer(
        &self,
        prefill: Option<viewer::state::Prefill>,
        clipboard: Box<dyn viewer::run::Clipboard>,
    ) -> viewer::run::Start {
        let setup = Setup {
            demonstration: true,
            page: self.link.as_ref().map(|link| link.address().to_owned()),
            can_demonstrate: true,
            hub: None,
            personas: personas::ALL.iter().map(personas::DemoPersona::offered).collect(),
            prefill,
            site: advice(),
            ..Setup::default()
        };
        let hub = viewer::run::Hub {
            address: self.address.clone(),
            known_as: self.address.clone(),
            // Each organisation of the demonstration has one place: the hub takes that.
            site: None,
            limits: crate::client::Limits::default(),
            authorities: Vec::new(),
        };
        viewer::run::Start { setup, hub: Some(hub), clipboard, browser: self.opens(self.browser.clone()) }
    }
}

/// Starts the demonstration's provider; how its hub asks it.
async fn provider_of(
    hub: &str,
    directory: &std::path::Path,
    clock: &Clock,
) -> Result<(Provider, ProviderSettings), DemoError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(DemoError::Listen)?;
    let issuer = format!("http://{}", listener.local_addr().map_err(DemoError::Listen)?);
    let secret = uuid::Uuid::new_v4().to_string();
    let file = directory.join("provider-secret");
    std::fs::write(&file, &secret).map_err(DemoError::Directory)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let alone = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&file, alone).map_err(DemoError::Directory)?;
    }
    let provider = provider::start(listener, &issuer, hub, &secret, clock.clone())?;
    let settings = ProviderSettings {
        issuer,
        client_id: provider::CLIENT.to_owned(),
        proof: ClientProof::Secret(file),
        scopes: vec!["openid".to_owned()],
        levels: vec![Level { acr: provider::LEVEL.to_owned(), idle: SESSION, whole: SESSION }],
        demands: Vec::new(),
        max_age: None,
        may_lack_auth_time: false,
        acr_values: Vec::new(),
        ca: None,
    };
    Ok((provider, settings))
}

#[cfg(unix)]
async fn told_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut hang_up)) =
        (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

#[cfg(not(unix))]
async fn told_to_end() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[expect(clippy::exit, reason = "told to end from outside, with the window's thread in its own loop")]
fn end() {
    std::process::exit(130);
}

/// Who loaded the people, for the audit log.
fn loader() -> Caller {
    Caller {
        user: "demonstration".to_owned(),
        name: "Demonstration".to_owned(),
        role: "loader".to_owned(),
        role_profile: "demonstration".to_owned(),
        organisation_code: personas::HOSPITAL.to_owned(),
        organisation: "Demonstration".to_owned(),
        activities: Vec::<Activity>::new(),
        session: "demonstration".to_owned(),
        client: None,
    }
}

fn sites() -> Vec<Site> {
    vec![
        Site {
            id: "ed".to_owned(),
            organisation_code: personas::HOSPITAL.to_owned(),
            setting: "Emergency department".to_owned(),
            name: "Wexcombe General Hospital".to_owned(),
            department: "Emergency department".to_owned(),
            call_back: Telephone::new("01632 960210"),
            contact: ContactMode::InPerson,
        },
        Site {
            id: "calls".to_owned(),
            organisation_code: personas::CALLS.to_owned(),
            setting: "NHS 111".to_owned(),
            name: "Wexcombe Urgent Care Line".to_owned(),
            department: "Call centre".to_owned(),
            call_back: Telephone::new("01632 960211"),
            contact: ContactMode::ByTelephone,
        },
    ]
}

fn advice() -> SiteAdvice {
    let named = |name: &str, number: &str| {
        Telephone::new(number).map(|telephone| NamedNumber { name: name.to_owned(), telephone })
    };
    SiteAdvice {
        lead: named("Ada Byrne, named nurse for safeguarding", "01632 960200"),
        local_authority: named("Wexcombe Borough Council, children's services", "01632 960101"),
        it_help: named("IT service desk", "01632 960220"),
    }
}
