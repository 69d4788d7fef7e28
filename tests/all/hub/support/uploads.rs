//! Local authorities that send to a hub, each with a certificate of its own.

use std::path::{Path, PathBuf};

use cpis::config::hub::{
    CertificateName, ClientCertificates, HubConfig, ProviderSettings, SendingAuthority, TlsSettings,
};
use cpis::domain::{Authority as Sender, NhsNumber, PlanKind, PlanPeriod, TailDays, Telephone};
use cpis::exchange::upload::{Header, Plan, Record, TakenBack, Writer};
use cpis::exchange::{Acknowledgement, FileCode, Item, Rejection, StillHeld, acknowledgement};
use cpis::hub::clock::Clock;
use jiff::Timestamp;
use jiff::civil::Date;

use super::answer::Answer;
use super::certificates::{Authority, Issued, put};
use super::data::number;
use super::{NOW, TestHub, at, configuration};

pub(crate) const WEXCOMBE: &str = "E06000030";
pub(crate) const ALDBURY: &str = "E06000031";

/// The register of every link that is none of the program's.
const REGISTER: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";

/// A hub with TLS to which two authorities may send.
pub(crate) struct Exchange {
    pub(crate) hub: TestHub,
    pub(crate) ours: Authority,
    pub(crate) theirs: Authority,
    _directory: tempfile::TempDir,
}

/// What a link calls with.
pub(crate) struct Link {
    http: reqwest::Client,
    base: String,
}

impl Exchange {
    pub(crate) async fn with(lines: &[String]) -> Self {
        Self::of(lines, None, Clock::standing_at(at(NOW))).await
    }

    /// At which people sign in too, and whose clock is this one.
    pub(crate) async fn with_people(lines: &[String], provider: ProviderSettings, clock: Clock) -> Self {
        Self::of(lines, Some(provider), clock).await
    }

    async fn of(lines: &[String], provider: Option<ProviderSettings>, clock: Clock) -> Self {
        let (ours, theirs) = (Authority::new("Trust of the hub"), Authority::new("Trust of callers"));
        let directory = tempfile::tempdir().unwrap();
        let config = HubConfig {
            tls: Some(tls(directory.path(), &ours, &theirs)),
            authorities: both(),
            provider,
            ..configuration(PathBuf::new(), TailDays::default())
        };
        let hub = TestHub::over_tls(config, clock, &ours.pem()).await;
        hub.load(lines).await;
        Self { hub, ours, theirs, _directory: directory }
    }

    /// The link of an authority.
    pub(crate) fn link(&self, code: &str) -> Link {
        self.link_of(Some(&self.theirs.for_caller("Link", &format!("urn:ods:{code}"))))
    }

    /// Whoever shows this certificate, or none.
    pub(crate) fn link_of(&self, own: Option<&Issued>) -> Link {
        Link::to(&self.hub.base, &self.ours, own)
    }
}

fn tls(directory: &Path, ours: &Authority, theirs: &Authority) -> TlsSettings {
    ours.for_hub().put(directory);
    put(directory, "callers.pem", &theirs.pem());
    TlsSettings {
        certificate: directory.join("hub.pem"),
        key: directory.join("hub-key.pem"),
        clients: ClientCertificates::Offered(directory.join("callers.pem")),
    }
}

fn both() -> Vec<SendingAuthority> {
    let sending = |code: &str| SendingAuthority {
        code: code.to_owned(),
        certificates: vec![CertificateName::Uri(format!("urn:ods:{code}"))],
        mailbox: None,
    };
    vec![sending(WEXCOMBE), sending(ALDBURY)]
}

impl Link {
    pub(crate) fn to(base: &str, trusted: &Authority, own: Option<&Issued>) -> Self {
        let trusted = reqwest::Certificate::from_pem(trusted.pem().as_bytes()).unwrap();
        let builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let builder = builder.tls_certs_only([trusted]);
        let builder = match own {
            None => builder,
            Some(own) => {
                let pem = format!("{}{}", own.certificate, own.key.serialize_pem());
                builder.identity(reqwest::Identity::from_pem(pem.as_bytes()).unwrap())
            }
        };
        Self { http: builder.build().unwrap(), base: base.to_owned() }
    }

    /// Calls with its certificate.
    pub(crate) fn caller(&self) -> reqwest::Client {
        self.http.clone()
    }

    /// Sends a document as it is.
    pub(crate) async fn send(&self, document: impl Into<reqwest::Body>) -> Answer {
        let request = self.http.post(format!("{}/exchange/uploads", self.base));
        let request = request.header("content-type", "application/fhir+json").body(document);
        Answer::read(request.send().await.unwrap()).await
    }

    /// Asks for notifications, with this query.
    pub(crate) async fn notifications(&self, query: &str) -> Answer {
        self.notifications_with(query, REGISTER).await
    }

    /// The same with this register.
    pub(crate) async fn notifications_with(&self, query: &str, register: &str) -> Answer {
        let request = self.http.get(format!("{}/exchange/notifications{query}", self.base));
        let request = request.header("x-register", register);
        Answer::read(request.send().await.unwrap()).await
    }

    /// Sends receipts as they are.
    pub(crate) async fn filed(&self, document: Vec<u8>) -> Answer {
        self.filed_with(document, REGISTER).await
    }

    /// The same with this register.
    pub(crate) async fn filed_with(&self, document: Vec<u8>, register: &str) -> Answer {
        let request = self.http.post(format!("{}/exchange/notifications/filed", self.base));
        let request = request.header("x-register", register);
        let request = request.header("content-type", "application/fhir+json").body(document);
        Answer::read(request.send().await.unwrap()).await
    }

    pub(crate) async fn ask(&self, sequence: &str) -> Answer {
        let request = self.http.get(format!("{}/exchange/uploads/{sequence}", self.base));
        Answer::read(request.send().await.unwrap()).await
    }

    /// The same, where the answer may be broken off.
    pub(crate) async fn try_ask(&self, sequence: &str) -> Result<String, reqwest::Error> {
        self.http.get(format!("{}/exchange/uploads/{sequence}", self.base)).send().await?.text().await
    }

    /// Waits until a file is acknowledged.
    pub(crate) async fn acknowledged(&self, sequence: u32) -> Told {
        let begun = std::time::Instant::now();
        loop {
            let answer = self.ask(&sequence.to_string()).await;
            if answer.status == 200 {
                return Told::read(&answer.body);
            }
            assert_eq!(answer.status, 202, "{}", answer.told());
            assert!(begun.elapsed().as_secs() < 60, "not applied");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    /// Sends records under a number and waits for what is said of them.
    pub(crate) async fn upload(&self, code: &str, sequence: u32, records: &[Record]) -> Told {
        let answer = self.send(document(code, sequence, records)).await;
        if answer.status == 200 {
            return Told::read(&answer.body);
        }
        assert_eq!(answer.status, 202, "{}", answer.told());
        assert_eq!(answer.header("location"), Some(format!("/exchange/uploads/{sequence}").as_str()));
        self.acknowledged(sequence).await
    }
}

/// An acknowledgement as received.
pub(crate) struct Told {
    pub(crate) what: Acknowledgement,
    pub(crate) rejections: Vec<Rejection>,
    pub(crate) still_held: Vec<StillHeld>,
}

impl Told {
    pub(crate) fn read(body: &str) -> Self {
        let (mut rejections, mut still_held) = (Vec::new(), Vec::new());
        let what = acknowledgement::read(body.as_bytes(), &mut |item| match item {
            Item::Rejected(rejection) => rejections.push(rejection),
            Item::StillHeld(plan) => still_held.push(plan),
        });
        Self { what: what.unwrap(), rejections, still_held }
    }

    pub(crate) fn code(&self) -> FileCode {
        self.what.code
    }

    /// `2 CPR03`, each.
    pub(crate) fn codes(&self) -> Vec<String> {
        self.rejections.iter().map(|r| format!("{} {}", r.place, r.code.code())).collect()
    }
}

pub(crate) fn header(code: &str, sequence: u32, records: u64) -> Header {
    let authority = Sender {
        name: format!("{code} Council"),
        code: Some(code.to_owned()),
        office: Telephone::new("01793 466903"),
        emergency_duty: Telephone::new("01793 436699"),
        hours: None,
        team: None,
    };
    Header { authority_code: code.to_owned(), authority, sequence, records, previous: None, is_full: true }
}

pub(crate) fn document(code: &str, sequence: u32, records: &[Record]) -> Vec<u8> {
    document_of(code, sequence, records, at(NOW))
}

pub(crate) fn document_of(code: &str, sequence: u32, records: &[Record], created: Timestamp) -> Vec<u8> {
    let header = header(code, sequence, records.len() as u64);
    let mut writer = Writer::begin(Vec::new(), &header, created).unwrap();
    for record in records {
        writer.record(record).unwrap();
    }
    writer.finish().unwrap()
}

pub(crate) fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// A plan from a day on.
pub(crate) fn since(kind: PlanKind, start: &str) -> Plan {
    Plan { kind, period: PlanPeriod { start: day(start), end: None }, team: None }
}

/// A plan under a number that is taken back.
pub(crate) fn taken_back(number: NhsNumber, kind: PlanKind, start: &str) -> TakenBack {
    TakenBack { number, kind, start: day(start), decided: day("2026-11-22") }
}

/// Ava Bennett, as in [`super::data::child`], with these plans.
pub(crate) fn ava(plans: Vec<Plan>) -> Record {
    Record {
        number: number(1),
        local_id: "4711".to_owned(),
        family: "Bennett".to_owned(),
        given: "Ava".to_owned(),
        born: Some(day("2019-03-12")),
        plans,
        taken_back: Vec::new(),
        ended: Vec::new(),
        without_team: Vec::new(),
    }
}
