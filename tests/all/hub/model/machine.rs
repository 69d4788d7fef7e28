//! The hub itself under a script: the real router and a real database file, no sockets. Knows which number, view
//! and TraceID the model's small numbers stand for.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use cpis::config::hub::HubConfig;
use cpis::domain::{Caller, TailDays};
use cpis::exchange::notice::{Mark, Outcome, Receipt, Receipts, write_receipts};
use cpis::hub::clock::Clock;
use cpis::hub::{Hub, load, router};
use cpis::identity::token::SigningKey;
use jiff::Timestamp;
use rusqlite::Connection;
use tempfile::TempDir;
use tower::ServiceExt;
use uuid::Uuid;

use super::super::dates::{from_days, iso};
use super::super::support::data::{self, CHILD_PROTECTION, LOOKED_AFTER, UNBORN};
use super::super::support::{self, answer};
use super::loading::{Line, Report};
use super::world::{Born, Kind, Who, gender, given, postcode};

pub(super) struct Machine {
    config: HubConfig,
    clock: Clock,
    key: SigningKey,
    open: Option<Open>,
    pub(super) database: Connection,
    _directory: TempDir,
}

struct Open {
    hub: Hub,
    router: Router,
}

impl Machine {
    pub(super) fn start(key: &SigningKey) -> Self {
        // In memory where that can be: that commits reach the disk is shown by `killed` and `traced`.
        let memory = std::path::Path::new("/dev/shm");
        let directory = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let directory = directory.unwrap();
        let database = directory.path().join("hub.db");
        let config = support::configuration(database.clone(), TailDays::default());
        let clock = Clock::standing_at(support::at(support::NOW));
        let open = Some(open(&config, key, &clock));
        let database = Connection::open(database).unwrap();
        Self { config, clock, key: key.clone(), open, database, _directory: directory }
    }

    /// Closes the database file and opens it again.
    pub(super) fn restart(&mut self) {
        drop(self.open.take());
        self.open = Some(open(&self.config, &self.key, &self.clock));
    }

    pub(super) fn turn_to(&self, now: i64) {
        self.clock.turn_to(Timestamp::from_millisecond(now).unwrap());
    }

    pub(super) async fn load(&self, lines: &[Line]) -> Result<Report, String> {
        let text = lines.iter().map(|line| line_of(line).to_string()).collect::<Vec<_>>().join("\n");
        let store = self.open.as_ref().unwrap().hub.store();
        let operator = caller(&super::script::OPERATOR);
        let report =
            load::load_text(store, &text, true, operator).await.map_err(|error| error.to_string())?;
        Ok((report.people, report.superseded, report.ended, report.plans, report.outdated, report.refused))
    }

    /// What an authority's link is given.
    pub(super) async fn notices(&self, authority: &str, have: Option<&Mark>, above: Option<u32>) -> Vec<u8> {
        let hub = &self.open.as_ref().unwrap().hub;
        hub.notices_inside(authority, have, above).await.unwrap().unwrap()
    }

    pub(super) async fn filed(&self, authority: &str, mark: &Mark, outcome: Outcome) {
        let at = self.clock.now();
        let receipts = vec![Receipt { mark: mark.clone(), outcome, at }];
        let document = write_receipts(&Receipts { authority_code: authority.to_owned(), receipts }, at);
        let hub = &self.open.as_ref().unwrap().hub;
        hub.notices_filed_inside(authority, &document).await.unwrap();
    }

    pub(super) async fn send(
        &self,
        (method, path): (&str, &str),
        who: &Who,
        headers: &[(&str, String)],
        body: String,
    ) -> answer::Answer {
        let now = self.clock.now();
        let token = support::token(&self.config.database, &self.key, &caller(who), now);
        let open = self.open.as_ref().unwrap();
        let proof = support::proofs::proof(method, path, &token, &open.hub.proof_nonce(), now);
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("Authorization", format!("DPoP {token}")).header("DPoP", proof);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let router = open.router.clone();
        let response = router.oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let header = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
            (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
        };
        let headers = response.headers().iter().map(header).collect();
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        answer::Answer { status, headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    pub(super) fn rows(&self, sql: &str) -> Vec<String> {
        support::rows(&self.database, sql)
    }
}

fn open(config: &HubConfig, key: &SigningKey, clock: &Clock) -> Open {
    let hub = Hub::open(config, key.clone(), clock.clone()).unwrap();
    Open { router: router(hub.clone()), hub }
}

fn caller(who: &Who) -> Caller {
    support::caller(who.name, who.organisation, who.codes)
}

pub(super) fn user(who: &str) -> String {
    // An authority's link is no person.
    if who.starts_with("authority:") {
        return who.to_owned();
    }
    format!("user-{}", who.to_lowercase().replace(' ', "-"))
}

pub(super) fn digits(number: usize) -> String {
    data::number(seed(number)).digits()
}

fn seed(number: usize) -> u64 {
    u64::try_from(number).unwrap() + 1
}

pub(super) fn trace(trace: u128) -> String {
    Uuid::from_u128(trace).to_string()
}

pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::ChildProtection => CHILD_PROTECTION,
        Kind::LookedAfter => LOOKED_AFTER,
        Kind::Unborn => UNBORN,
    }
}

pub(super) fn moment(ms: i64) -> String {
    Timestamp::from_millisecond(ms).unwrap().to_string()
}

fn line_of(line: &Line) -> serde_json::Value {
    match line {
        Line::Person { number, family, born, restricted } => {
            let born = match born {
                None => String::new(),
                Some(Born::Day(day)) => iso(*day),
                Some(Born::Year(year)) => from_days(super::super::dates::to_days(*year, 1, 1)).0.to_string(),
            };
            let family_name = family.unwrap_or_default();
            let mut person = data::person(seed(*number), family_name, given(*number), &born);
            let parts = person.as_object_mut().unwrap();
            parts.insert("gender".to_owned(), gender(*number).into());
            let address = serde_json::json!([{ "use": "home", "postalCode": postcode(*number) }]);
            parts.insert("address".to_owned(), address);
            if family.is_none() {
                parts.remove("name");
            }
            if let Some(restricted) = restricted {
                let code = if *restricted { "R" } else { "U" };
                parts.insert("meta".to_owned(), serde_json::json!({ "security": [{ "code": code }] }));
            }
            person
        }
        Line::Superseded { old, new } => data::superseded(seed(*old), seed(*new)),
        Line::Ended { number } => data::ended(seed(*number)),
        Line::Plan { number, authority, kind: of, start, end, sent } => {
            let end = end.map(iso).unwrap_or_default();
            let plan = data::plan(seed(*number), kind(*of), &iso(*start), &end, authority);
            let meta = sent.map(|sent| serde_json::json!({ "lastUpdated": moment(sent) }));
            data::changed(plan, serde_json::json!({ "meta": meta }))
        }
    }
}
