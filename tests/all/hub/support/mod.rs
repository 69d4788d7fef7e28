//! What the hub's tests share: a hub in this process whose clock can be turned, the real program, callers,
//! people and plans, and answers to look at.

pub(crate) mod answer;
pub(crate) mod certificates;
pub(crate) mod data;
pub(crate) mod killing;
pub(crate) mod program;
pub(crate) mod programs;
pub(crate) mod proofs;
pub(crate) mod provider;
pub(crate) mod signing_in;
pub(crate) mod uploads;

use std::path::{Path, PathBuf};

use cpis::config::hub::{
    DiskSettings, HubConfig, LimitSettings, LogFormat, NoticeSettings, Retention, Synchronous, TlsSettings,
};
use cpis::domain::{Activity, Caller, ContactMode, NhsNumber, Right, Rights, Site, TailDays, Telephone};
use cpis::hub::clock::Clock;
use cpis::hub::{Hub, load, serve};
use cpis::identity::token::SigningKey;
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use rusqlite::types::Value as Cell;
use tempfile::TempDir;
use tokio::sync::oneshot;
use uuid::Uuid;

use answer::Answer;
pub(super) use proofs::token;

/// A Sunday afternoon on which most stories happen.
pub(crate) const NOW: &str = "2026-11-22T14:00:00Z";

pub(crate) const ISSUER: &str = "http://127.0.0.1:8470";

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Says what was not tested: here, and in the file that `tests/run` shows at its end.
pub(crate) fn skipped(what: &str) {
    use std::io::Write;
    writeln!(std::io::stderr(), "skipped: {what}").unwrap();
    if let Some(path) = std::env::var_os("CPIS_SKIPPED") {
        let file = std::fs::File::options().create(true).append(true).open(path);
        writeln!(file.unwrap(), "{what}").unwrap();
    }
}

/// A caller of an organisation with activity codes.
pub(crate) fn caller(name: &str, organisation: &str, codes: &[&str]) -> Caller {
    Caller {
        user: format!("user-{}", name.to_lowercase().replace(' ', "-")),
        name: name.to_owned(),
        role: "Staff nurse".to_owned(),
        role_profile: "555021935107".to_owned(),
        organisation_code: organisation.to_owned(),
        organisation: format!("Hospital {organisation}"),
        activities: codes.iter().filter_map(|code| Activity::from_code(code)).collect(),
        session: format!("session-{name}-{organisation}"),
        client: None,
    }
}

/// Views are recorded.
pub(crate) fn nurse() -> Caller {
    caller("Sam Okafor", "RN3", &["B0264", "B0107"])
}

/// Views are silent.
pub(crate) fn midwife() -> Caller {
    caller("Asha Patel", "RN3", &["B0264", "B0170"])
}

/// Sees nothing.
pub(crate) fn receptionist() -> Caller {
    caller("Lee Marsh", "RN3", &[])
}

/// Reads the audit log of their organisation, by a code that this hub's configuration knows.
pub(crate) fn reviewer() -> Caller {
    caller("Kim Doyle", "RN3", &["B9001"])
}

/// Reads which views of their organisation's people are worth a question, by another such code.
pub(crate) fn officer() -> Caller {
    caller("Ros Hale", "RN3", &["B9002"])
}

/// The national table, and codes for who reads the audit log and for privacy officers.
pub(crate) fn rights() -> Rights {
    let mut rights = Rights::national();
    rights.grant(Activity::from_code("B9001").unwrap(), &[Right::ReadAudit]);
    rights.grant(Activity::from_code("B9002").unwrap(), &[Right::PrivacyOfficer]);
    rights
}

/// The sites of the tests' hub.
pub(crate) fn sites() -> Vec<Site> {
    let site = |id: &str, department: &str, contact| Site {
        id: id.to_owned(),
        organisation_code: "RN3".to_owned(),
        setting: "Emergency department".to_owned(),
        name: "Great Western Hospital".to_owned(),
        department: department.to_owned(),
        call_back: Telephone::new("01793 604 020"),
        contact,
    };
    let alone = site("walk-in", "Walk-in", ContactMode::InPerson);
    vec![
        site("ed", "Adult ED", ContactMode::InPerson),
        site("ped", "Children's ED", ContactMode::ByTelephone),
        Site { organisation_code: "RA9".to_owned(), ..alone },
    ]
}

/// Rates that no test reaches without meaning to: its clock stands still.
pub(crate) fn generous() -> LimitSettings {
    let most = Some(1_000_000);
    LimitSettings {
        views_at_once: most,
        retrieves_at_once: most,
        searches_at_once: most,
        others_at_once: most,
        searches_per_hour: most,
        people_per_hour: most,
        ..LimitSettings::default()
    }
}

/// A hub in this process, on a real socket and a real file.
pub(crate) struct TestHub {
    pub(crate) hub: Hub,
    pub(crate) clock: Clock,
    pub(crate) key: SigningKey,
    /// The same key, for who signs what the hub never would.
    pub(crate) pem: String,
    pub(crate) base: String,
    pub(crate) database: PathBuf,
    pub(crate) http: reqwest::Client,
    _directory: TempDir,
    _stop: oneshot::Sender<()>,
}

impl TestHub {
    /// With these lines loaded, on [`NOW`].
    pub(crate) async fn with(lines: &[String]) -> Self {
        let test = Self::empty().await;
        test.load(lines).await;
        test
    }

    /// Marked synthetic by the first load.
    pub(crate) async fn empty() -> Self {
        Self::with_tails(TailDays::default()).await
    }

    /// Where ended plans are shown for other times than usual.
    pub(crate) async fn with_tails(tails: TailDays) -> Self {
        Self::prepared(configuration(PathBuf::new(), tails), |_| ()).await
    }

    /// Within these limits.
    pub(crate) async fn with_limits(limits: LimitSettings, lines: &[String]) -> Self {
        let config = HubConfig { limits, ..configuration(PathBuf::new(), TailDays::default()) };
        let test = Self::prepared(config, |_| ()).await;
        test.load(lines).await;
        test
    }

    /// On a database that is there before the hub opens it.
    pub(crate) async fn on(make: impl FnOnce(&Path)) -> Self {
        Self::prepared(configuration(PathBuf::new(), TailDays::default()), make).await
    }

    /// With TLS. Its own calls are refused: nobody has told them whom to trust.
    pub(crate) async fn with_tls(tls: TlsSettings) -> Self {
        let config = HubConfig { tls: Some(tls), ..configuration(PathBuf::new(), TailDays::default()) };
        Self::prepared(config, |_| ()).await
    }

    /// As [`TestHub::with_config`] with TLS; its own calls trust whoever issued the certificate of this PEM file.
    pub(crate) async fn over_tls(config: HubConfig, clock: Clock, trusted: &str) -> Self {
        let test = Self::with_config(config, clock).await;
        let trusted = reqwest::Certificate::from_pem(trusted.as_bytes()).unwrap();
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Self { http: http.tls_certs_only([trusted]).build().unwrap(), ..test }
    }

    /// With this configuration and clock; its database is its own.
    pub(crate) async fn with_config(config: HubConfig, clock: Clock) -> Self {
        Self::prepared_at(config, clock, |_| ()).await
    }

    async fn prepared(config: HubConfig, make: impl FnOnce(&Path)) -> Self {
        Self::prepared_at(config, Clock::standing_at(at(NOW)), make).await
    }

    async fn prepared_at(config: HubConfig, clock: Clock, make: impl FnOnce(&Path)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("hub.db");
        make(&database);
        let config = HubConfig { database: database.clone(), ..config };
        let pem = program::private_key_pem();
        let key = SigningKey::from_pem(&pem).unwrap();
        let hub = Hub::open(&config, key.clone(), clock.clone()).unwrap();
        proofs::begin(&database, &nurse());
        let listener = tokio::net::TcpListener::bind(config.listen).await.unwrap();
        let scheme = if config.tls.is_some() { "https" } else { "http" };
        let base = format!("{scheme}://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let served = hub.clone();
        tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            serve(listener, served, stopped).await.unwrap();
        });
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { hub, clock, key, pem, base, database, http, _directory: directory, _stop: stop }
    }

    pub(crate) async fn load(&self, lines: &[String]) {
        self.try_load(lines).await.unwrap();
    }

    pub(crate) async fn try_load(&self, lines: &[String]) -> Result<load::LoadReport, String> {
        self.try_load_as(lines, true).await
    }

    /// With the mark of synthetic people or without it.
    pub(crate) async fn try_load_as(
        &self,
        lines: &[String],
        synthetic: bool,
    ) -> Result<load::LoadReport, String> {
        let operator = caller("Operator", "", &[]);
        let text = lines.join("\n");
        let loaded = load::load_text(self.hub.store(), &text, synthetic, operator).await;
        let report = loaded.map_err(|error| error.to_string())?;
        if report.refused == 0 {
            return Ok(report);
        }
        let refused: Vec<String> = report.named.iter().map(ToString::to_string).collect();
        Err(refused.join("; "))
    }

    pub(crate) fn turn(&self, minutes: i64) {
        self.clock.turn_to(self.clock.now() + SignedDuration::from_mins(minutes));
    }

    /// Any request of a caller.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        caller: Option<&Caller>,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Answer {
        let mut request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.base));
        if let Some(caller) = caller {
            let now = self.clock.now();
            let token = token(&self.database, &self.key, caller, now);
            request = proofs::proved(request, &token, &self.hub.proof_nonce(), now);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        Answer::read(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str, caller: &Caller, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, Some(caller), headers, None).await
    }

    /// Opens the plans of a person, as a new view.
    pub(crate) async fn view(&self, caller: &Caller, number: NhsNumber) -> Answer {
        self.view_again(caller, number, Uuid::new_v4(), true).await
    }

    /// Opens the plans under a TraceID.
    pub(crate) async fn view_again(
        &self,
        caller: &Caller,
        number: NhsNumber,
        trace: Uuid,
        unscheduled: bool,
    ) -> Answer {
        let unscheduled = unscheduled.to_string();
        let headers = [("TraceID", trace.to_string()), ("IsUnscheduledAccessEvent", unscheduled)];
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.get(&data::plans_of(number), caller, &headers).await
    }

    pub(crate) async fn history(&self, caller: &Caller, number: NhsNumber) -> Answer {
        let trace = Uuid::new_v4().to_string();
        self.get(&data::history_of(number), caller, &[("TraceID", &trace)]).await
    }

    pub(crate) async fn people(&self, caller: &Caller, path: &str) -> Answer {
        let request = Uuid::new_v4().to_string();
        let path = format!("/personal-demographics/FHIR/R4/Patient{path}");
        self.get(&path, caller, &[("X-Request-ID", &request)]).await
    }

    /// Rows of the real file, each joined by `|`.
    pub(crate) fn rows(&self, sql: &str) -> Vec<String> {
        rows(&Connection::open(&self.database).unwrap(), sql)
    }

    pub(crate) fn count(&self, sql: &str) -> usize {
        self.rows(sql).len()
    }
}

pub(crate) fn rows(db: &Connection, sql: &str) -> Vec<String> {
    let mut statement = db.prepare(sql).unwrap();
    let columns = statement.column_count();
    let cell = |cell: Cell| match cell {
        Cell::Null => "-".to_owned(),
        Cell::Integer(number) => number.to_string(),
        Cell::Real(number) => number.to_string(),
        Cell::Text(text) => text,
        Cell::Blob(_) => "blob".to_owned(),
    };
    let read = statement.query_map([], |row| {
        let cells: Vec<String> =
            (0..columns).map(|index| row.get(index).map(cell)).collect::<Result<_, _>>()?;
        Ok(cells.join("|"))
    });
    read.unwrap().collect::<Result<_, _>>().unwrap()
}

/// Runs all at once and waits for all.
pub(crate) async fn all_at_once<T>(tasks: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut waiting: Vec<_> = tasks.map(Box::pin).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        waiting.retain_mut(|task| match task.as_mut().poll(context) {
            std::task::Poll::Ready(value) => {
                done.push(value);
                false
            }
            std::task::Poll::Pending => true,
        });
        if waiting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}

/// What the hub of a test runs with.
pub(crate) fn configuration(database: PathBuf, tails: TailDays) -> HubConfig {
    HubConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        tls: None,
        operator: None,
        log: LogFormat::Text,
        issuer: ISSUER.to_owned(),
        database,
        signing_key: PathBuf::new(),
        tails,
        rights: rights(),
        sites: sites(),
        authorities: Vec::new(),
        clients: Vec::new(),
        synchronous: Synchronous::Full,
        retention: Retention::default(),
        disk: DiskSettings { reserve_mb: 0, ..DiskSettings::default() },
        provider: None,
        mesh: None,
        limits: generous(),
        notices: NoticeSettings::default(),
    }
}
