//! Callers who show certificates of their own: who is answered, and who is not.

use std::sync::Arc;

use cpis::config::hub::{ClientCertificates, TlsSettings};
use jiff::civil::date;
use rustls::ClientConfig;

use super::metrics::series;
use super::support::TestHub;
use super::support::certificates::{Authority, Issued, ask, put, secure};

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: hub\r\n";

/// A hub whose callers' authority is another one than its own.
async fn hub(
    mode: impl FnOnce(std::path::PathBuf) -> ClientCertificates,
) -> (TestHub, Authority, Authority, tempfile::TempDir) {
    let (ours, theirs) = (Authority::new("Trust of the hub"), Authority::new("Trust of callers"));
    let directory = tempfile::tempdir().unwrap();
    ours.for_hub().put(directory.path());
    put(directory.path(), "callers.pem", &theirs.pem());
    let tls = TlsSettings {
        certificate: directory.path().join("hub.pem"),
        key: directory.path().join("hub-key.pem"),
        clients: mode(directory.path().join("callers.pem")),
    };
    (TestHub::with_tls(tls).await, ours, theirs, directory)
}

/// Asks in both versions of TLS, and holds that the same comes of it.
async fn asked(hub: &TestHub, ours: &Authority, own: Option<&Issued>) -> String {
    let mut answers = Vec::new();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let (base, config): (String, Arc<ClientConfig>) =
            (hub.base.clone(), ours.client(&[version], own, &["http/1.1"]));
        let answer = tokio::task::spawn_blocking(move || ask(&base, &config, HEALTH)).await.unwrap();
        answers.push(answer.lines().next().unwrap_or("nothing").to_owned());
    }
    assert_eq!(answers[0], answers[1]);
    answers.remove(0)
}

const OK: &str = "HTTP/1.1 200 OK";

/// Waits until so many handshakes have failed for this reason: a client may know before it is counted.
async fn failed(hub: &TestHub, why: &str, expected: f64) {
    let series_name = format!("cpis_hub_tls_handshakes_failed_total{{why=\"{why}\"}}");
    let begun = std::time::Instant::now();
    loop {
        let failed = series(&hub.hub.metrics_text().await)[&series_name];
        if failed == expected {
            return;
        }
        assert!(failed < expected && begun.elapsed().as_secs() < 5, "{why}: {failed}, not {expected}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn where_a_certificate_is_required_nobody_without_one_of_the_authority_gets_an_answer() {
    let (hub, ours, theirs, _directory) = hub(ClientCertificates::Required).await;
    let caller = theirs.for_caller("Wexcombe Link", "urn:ods:E06000030");
    assert_eq!(asked(&hub, &ours, Some(&caller)).await, OK);
    failed(&hub, "client-certificate", 0.0).await;
    assert_eq!(asked(&hub, &ours, None).await, "nothing");
    let stranger = ours.for_caller("Wexcombe Link", "urn:ods:E06000030");
    assert_eq!(asked(&hub, &ours, Some(&stranger)).await, "nothing", "one of the hub's own authority");
    let imitated = Authority::new("Trust of callers").for_caller("Wexcombe Link", "urn:ods:E06000030");
    assert_eq!(asked(&hub, &ours, Some(&imitated)).await, "nothing", "an authority of the same name");
    // The hub's clock decides: it stands on a day in November 2026.
    let ended = theirs.between(&["link"], date(2020, 1, 1), date(2026, 11, 21));
    assert_eq!(asked(&hub, &ours, Some(&ended)).await, "nothing");
    let valid = theirs.between(&["link"], date(2020, 1, 1), date(2026, 11, 24));
    assert_eq!(asked(&hub, &ours, Some(&valid)).await, OK);
    let early = theirs.between(&["link"], date(2026, 11, 24), date(2030, 1, 1));
    assert_eq!(asked(&hub, &ours, Some(&early)).await, "nothing");
    failed(&hub, "client-certificate", 10.0).await;
}

#[tokio::test]
async fn another_authority_of_callers_is_taken_up_while_the_hub_serves() {
    let (hub, ours, theirs, directory) = hub(ClientCertificates::Required).await;
    let others = Authority::new("Trust of other callers");
    let (before, after) = (theirs.for_caller("Link", "urn:x"), others.for_caller("Link", "urn:x"));
    assert_eq!(asked(&hub, &ours, Some(&before)).await, OK);
    put(directory.path(), "callers.pem", &others.pem());
    let begun = std::time::Instant::now();
    let reloads = async || series(&hub.hub.metrics_text().await)["cpis_hub_certificate_reloads_total{outcome=\"taken\"}"];
    while reloads().await == 0.0 {
        assert!(begun.elapsed().as_secs() < 8, "not taken up");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(asked(&hub, &ours, Some(&after)).await, OK);
    assert_eq!(asked(&hub, &ours, Some(&before)).await, "nothing");
}

/// How the second of two connections begins.
async fn second(hub: &TestHub, config: Arc<ClientConfig>) -> rustls::HandshakeKind {
    let base = hub.base.clone();
    let twice = move || {
        assert!(ask(&base, &config, HEALTH).starts_with(OK));
        secure(&base, &config).unwrap().conn.handshake_kind().unwrap()
    };
    tokio::task::spawn_blocking(twice).await.unwrap()
}

#[tokio::test]
async fn a_callers_certificate_is_verified_for_each_connection_anew() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let (hub, ours, theirs, _directory) = hub(ClientCertificates::Required).await;
        let own = theirs.for_caller("Link", "urn:x");
        assert_eq!(second(&hub, ours.client(&[version], Some(&own), &[])).await, rustls::HandshakeKind::Full);
        let (hub, ours, ..) = self::hub(|_| ClientCertificates::Off).await;
        let resumed = second(&hub, ours.client(&[version], None, &[])).await;
        assert_eq!(resumed, rustls::HandshakeKind::Resumed, "the rest resume: it saves both time");
    }
}

#[tokio::test]
async fn where_a_certificate_is_offered_none_is_well_and_a_wrong_one_is_not() {
    let (hub, ours, theirs, _directory) = hub(ClientCertificates::Offered).await;
    assert_eq!(asked(&hub, &ours, None).await, OK);
    assert_eq!(asked(&hub, &ours, Some(&theirs.for_caller("Link", "urn:x"))).await, OK);
    assert_eq!(asked(&hub, &ours, Some(&ours.for_caller("Link", "urn:x"))).await, "nothing");
}

#[tokio::test]
async fn where_none_is_asked_for_none_is_looked_at_and_a_hub_that_is_not_trusted_is_counted() {
    let (hub, ours, theirs, _directory) = hub(|_| ClientCertificates::Off).await;
    assert_eq!(asked(&hub, &ours, None).await, OK);
    assert_eq!(asked(&hub, &ours, Some(&ours.for_caller("Link", "urn:x"))).await, OK);
    // A caller who trusts somebody else: the operator sees that it is the hub's certificate.
    assert_eq!(asked(&hub, &theirs, None).await, "nothing");
    failed(&hub, "hub-certificate", 2.0).await;
}
