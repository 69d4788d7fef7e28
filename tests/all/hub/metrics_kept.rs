//! What an operator watches of what goes on by itself: backups, removals, places that run out, certificates that end.

use std::path::PathBuf;
use std::time::Duration;

use cpis::config::hub::{ClientCertificates, HubConfig, Retention, TlsSettings};
use cpis::domain::TailDays;
use cpis::domain::dates::london_day;
use cpis::hub::clock::Clock;
use jiff::SignedDuration;
use jiff::civil::date;
use jiff::tz::TimeZone;

use super::metrics::series;
use super::support::certificates::Authority;
use super::support::data::{child, number};
use super::support::{NOW, TestHub, at, caller, configuration, nurse, proofs, token};

/// What a hub with this configuration says of one series.
async fn said(hub: &TestHub, series_name: &str) -> f64 {
    series(&hub.hub.metrics_text().await)[series_name]
}

#[tokio::test]
async fn when_the_last_backup_was_made_and_that_one_failed_is_said() {
    let hub = TestHub::with(&child()).await;
    let begun = hub.clock.now().as_second() as f64;
    let last = "cpis_hub_last_backup_timestamp_seconds";
    hub.turn(60);
    assert_eq!(said(&hub, last).await, begun, "none yet: since there is anything to copy");
    let directory = tempfile::tempdir().unwrap();
    let back_up = async |file: &str| {
        let (store, file) = (hub.hub.store().clone(), directory.path().join(file));
        let by = caller("Operator", "", &[]);
        tokio::task::spawn_blocking(move || store.backup(&file, &by).map(drop)).await.unwrap()
    };
    back_up("first").await.unwrap();
    hub.turn(24 * 60);
    assert_eq!(said(&hub, last).await, begun + 3600.0);
    assert_eq!(said(&hub, "cpis_hub_backup_failed").await, 0.0);
    back_up("nowhere/second").await.unwrap_err();
    hub.turn(1);
    assert_eq!(said(&hub, last).await, begun + 3600.0, "one that failed is none");
    assert_eq!(said(&hub, "cpis_hub_backup_failed").await, 1.0);
    back_up("third").await.unwrap();
    hub.turn(1);
    assert_eq!(said(&hub, last).await, begun + 3600.0 + 86_460.0);
    assert_eq!(said(&hub, "cpis_hub_backup_failed").await, 0.0);
}

#[tokio::test]
async fn a_removal_that_stands_still_is_said_where_anything_is_to_be_removed() {
    let last = "cpis_hub_last_retention_timestamp_seconds";
    let policy = Retention { plans_days: Some(400), ..Retention::default() };
    let config = HubConfig { retention: policy, ..configuration(PathBuf::new(), TailDays::default()) };
    let hub = TestHub::with_config(config, Clock::standing_at(at(NOW))).await;
    hub.load(&child()).await;
    let begun = hub.clock.now().as_second() as f64;
    hub.turn(40 * 24 * 60);
    let by = caller("Operator", "", &[]);
    assert_eq!(
        hub.hub.store().retain(policy, by.clone(), None).await.unwrap(),
        None,
        "the clock may be wrong"
    );
    assert_eq!(said(&hub, last).await, begun, "and whoever watches hears of it");
    let today = london_day(hub.clock.now());
    hub.hub.store().retain(policy, by, Some(today)).await.unwrap().unwrap();
    hub.turn(1);
    assert_eq!(said(&hub, last).await, hub.clock.now().as_second() as f64 - 60.0);
    let keeps_all = TestHub::with(&child()).await;
    keeps_all.turn(40 * 24 * 60);
    assert_eq!(said(&keeps_all, last).await, keeps_all.clock.now().as_second() as f64, "nothing is due");
}

#[tokio::test]
async fn open_connections_sessions_and_streams_are_counted_while_they_last() {
    let hub = TestHub::with(&child()).await;
    let places = async |of: &str| said(&hub, &format!("cpis_hub_places{{of=\"{of}\"}}")).await;
    let open = async || said(&hub, "cpis_hub_connections").await;
    let before = open().await;
    let held = std::net::TcpStream::connect(hub.base.strip_prefix("http://").unwrap()).unwrap();
    while open().await < before + 1.0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(held);
    while open().await > before {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (sessions, proofs) = (places("sessions").await, places("proofs").await);
    hub.view(&nurse(), number(1)).await;
    assert!(places("sessions").await >= sessions.max(1.0));
    assert_eq!(places("proofs").await, proofs + 1.0);
    let events = hub.http.get(format!("{}/events", hub.base));
    let shown = token(&hub.database, &hub.key, &nurse(), hub.clock.now());
    let events = proofs::proved(events, &shown, &hub.hub.proof_nonce(), hub.clock.now());
    let stream = events.send().await.unwrap();
    assert_eq!(stream.status(), 200);
    assert_eq!(places("event-streams").await, 1.0);
    drop(stream);
    while places("event-streams").await > 0.0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_ends_of_the_certificates_that_the_hub_depends_on_are_said() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new("Trust");
    authority.for_hub().put(directory.path());
    let in_days =
        |days: i64| (at(NOW) + SignedDuration::from_hours(24 * days)).to_zoned(TimeZone::UTC).date();
    let clients = authority.between(&[], date(2020, 1, 1), in_days(10)).certificate;
    std::fs::write(directory.path().join("clients.pem"), clients).unwrap();
    let clients = ClientCertificates::Offered(directory.path().join("clients.pem"));
    let secure = TestHub::with_tls(TlsSettings {
        certificate: directory.path().join("hub.pem"),
        key: directory.path().join("hub-key.pem"),
        clients,
    })
    .await;
    let left = series(&secure.hub.metrics_text().await);
    let days = left["cpis_hub_certificate_seconds_left{of=\"client-ca\"}"] / 86_400.0;
    assert!((9.0..=10.0).contains(&days), "{days}");
    assert!(left["cpis_hub_certificate_seconds_left{of=\"hub\"}"] > 86_400.0 * 300.0);
    // One that is replaced is read anew, and one that cannot be read has no line.
    std::fs::write(directory.path().join("clients.pem"), "nothing").unwrap();
    let left = series(&secure.hub.metrics_text().await);
    assert!(!left.contains_key("cpis_hub_certificate_seconds_left{of=\"client-ca\"}"));
}
