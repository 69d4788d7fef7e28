//! Registered programs: each with a certificate of its own, and what one does to sign somebody in.

use std::path::PathBuf;

use cpis::config::hub::{
    CertificateName, ClientCertificates, HubConfig, RegisteredClient, SendingAuthority, TlsSettings,
};
use cpis::domain::TailDays;
use cpis::hub::clock::Clock;
use serde_json::Value;
use tempfile::TempDir;

use super::answer::Answer;
use super::certificates::{Authority, Issued, put};
use super::data::child;
use super::provider::Provider;
use super::signing_in::{BACK, Browser, Shown, challenge, encoded};
use super::uploads::{Link, WEXCOMBE};
use super::{ISSUER, NOW, TestHub, at, configuration};

/// A hub with TLS, a provider, and two registered programs.
pub(crate) struct Programs {
    pub(crate) hub: TestHub,
    pub(crate) ours: Authority,
    pub(crate) theirs: Authority,
    pub(crate) provider: Provider,
    _directories: [TempDir; 2],
}

/// A program of the organisation RN3.
pub(crate) const RECORD: &str = "record";
/// Another one, of RA9.
pub(crate) const OTHER: &str = "other";

fn registered(id: &str, organisation: &str, redirect: &str) -> RegisteredClient {
    RegisteredClient {
        id: id.to_owned(),
        name: format!("Wexcombe {id}"),
        organisation_code: organisation.to_owned(),
        redirects: vec![redirect.to_owned()],
        certificates: vec![CertificateName::Uri(format!("urn:program:{id}"))],
    }
}

impl Programs {
    pub(crate) async fn new() -> Self {
        let clock = Clock::standing_at(at(NOW));
        let provider = Provider::start(clock.clone()).await;
        let (ours, theirs) = (Authority::new("Trust of the hub"), Authority::new("Trust of callers"));
        let directories = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let [directory, secret] = &directories;
        ours.for_hub().put(directory.path());
        put(directory.path(), "callers.pem", &theirs.pem());
        let config = HubConfig {
            tls: Some(TlsSettings {
                certificate: directory.path().join("hub.pem"),
                key: directory.path().join("hub-key.pem"),
                clients: ClientCertificates::Offered(directory.path().join("callers.pem")),
            }),
            authorities: vec![SendingAuthority {
                code: WEXCOMBE.to_owned(),
                certificates: vec![CertificateName::Uri(format!("urn:ods:{WEXCOMBE}"))],
                mailbox: None,
            }],
            clients: vec![
                registered(RECORD, "RN3", BACK),
                registered(OTHER, "RA9", &format!("{BACK}/other")),
            ],
            provider: Some(provider.settings(secret)),
            ..configuration(PathBuf::new(), TailDays::default())
        };
        let hub = TestHub::over_tls(config, clock, &ours.pem()).await;
        hub.load(&child()).await;
        Self { hub, ours, theirs, provider, _directories: directories }
    }

    /// A certificate that this URI names.
    pub(crate) fn certificate(&self, uri: &str) -> Issued {
        self.theirs.for_caller("Program", uri)
    }

    /// A program with a fresh certificate of its own.
    pub(crate) fn program(&self, id: &'static str) -> Program {
        let redirect = if id == RECORD { BACK.to_owned() } else { format!("{BACK}/{id}") };
        let secret = || uuid::Uuid::new_v4().simple().to_string();
        Program {
            id,
            redirect,
            state: format!("{} /=", secret()),
            verifier: format!("{}{}", secret(), secret()),
            http: self.connecting(Some(&self.certificate(&format!("urn:program:{id}")))),
            hub: self.hub.base.clone(),
        }
    }

    /// Connections that show this certificate, or none.
    pub(crate) fn connecting(&self, own: Option<&Issued>) -> reqwest::Client {
        Link::to(&self.hub.base, &self.ours, own).caller()
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::trusting(&self.hub.base, &self.ours.pem())
    }

    /// A code that somebody has pressed for.
    pub(crate) async fn code(&self, program: &Program) -> String {
        let landed = self.pressed(&program.address("")).await;
        assert!(landed.address.starts_with(&program.redirect), "{} {}", landed.address, landed.body);
        assert_eq!((landed.value("state"), landed.value("iss")), (program.state.as_str(), ISSUER));
        landed.value("code").to_owned()
    }

    /// Where somebody lands who opens this address and presses on the page.
    pub(crate) async fn pressed(&self, address: &str) -> Shown {
        let mut browser = self.browser();
        let page = browser.open(address).await;
        if page.status != 200 || !page.body.contains("name=\"form\"") {
            return page;
        }
        let form = format!("form={}&answer=sign-in", page.form());
        let asked = format!("{}/sign-in", self.hub.base);
        browser.go("POST", &asked, Some(&form), &[("Origin", ISSUER)]).await
    }

    /// The tokens of somebody who has signed in.
    pub(crate) async fn tokens(&self, program: &Program) -> Tokens {
        let code = self.code(program).await;
        let answer = program.post("/token", &program.form(&code)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        Tokens::of(&answer)
    }
}

/// What a program was given.
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) whole: Value,
}

impl Tokens {
    pub(crate) fn of(answer: &Answer) -> Self {
        let whole = answer.json();
        let text = |name: &str| whole[name].as_str().unwrap().to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token"), whole }
    }
}

/// One program, with what it makes for one sign-in.
pub(crate) struct Program {
    pub(crate) id: &'static str,
    pub(crate) redirect: String,
    pub(crate) state: String,
    pub(crate) verifier: String,
    pub(crate) http: reqwest::Client,
    hub: String,
}

impl Program {
    /// What it opens in the browser, as SMART App Launch has it.
    pub(crate) fn address(&self, more: &str) -> String {
        format!(
            "{}/authorize?response_type=code&client_id={}&redirect_uri={}&state={}&code_challenge={}\
             &code_challenge_method=S256&scope=user%2FPatient.rs&aud={}&{more}",
            self.hub,
            self.id,
            encoded(&self.redirect),
            encoded(&self.state),
            challenge(&self.verifier),
            encoded(&format!("{ISSUER}/cpis/FHIR/R4")),
        )
    }

    /// The form with which a code is changed.
    pub(crate) fn form(&self, code: &str) -> String {
        format!(
            "grant_type=authorization_code&code={code}&redirect_uri={}&client_id={}&code_verifier={}",
            encoded(&self.redirect),
            self.id,
            self.verifier
        )
    }

    pub(crate) fn refresh_form(&self, token: &str) -> String {
        format!("grant_type=refresh_token&refresh_token={token}&client_id={}", self.id)
    }

    pub(crate) async fn post(&self, path: &str, form: &str) -> Answer {
        self.post_with(path, form, &[]).await
    }

    pub(crate) async fn post_with(&self, path: &str, form: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.http.post(format!("{}{path}", self.hub));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        Answer::read(request.body(form.to_owned()).send().await.unwrap()).await
    }

    /// Asks as any FHIR client does.
    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.http.get(format!("{}{path}", self.hub));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::read(request.send().await.unwrap()).await
    }
}
