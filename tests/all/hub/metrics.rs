//! What an operator watches: read with a parser that is not ours, right, bounded, and about nobody.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use uuid::Uuid;

use super::support::data::{
    CHILD_PROTECTION, LOOKED_AFTER, NO_CODES, child, history_of, lines, number, person, plan, plans_of,
    plans_without_codes,
};
use super::support::{NOW, TestHub, at, caller, configuration, midwife, nurse, receptionist};
use cpis::config::hub::{DiskSettings, HubConfig};
use cpis::domain::TailDays;
use cpis::hub::Hub;
use cpis::hub::clock::Clock;
use cpis::identity::token::SigningKey;

/// Each series (`name{label="value"}`) with its number, but for the buckets of the histograms.
pub(super) fn series(text: &str) -> BTreeMap<String, f64> {
    let samples = text.lines().filter(|line| !line.starts_with('#') && !line.contains("_bucket{"));
    samples
        .map(|line| {
            let (series, number) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
            (series.to_owned(), number.parse().unwrap_or_else(|_| panic!("{line}")))
        })
        .collect()
}

/// How many requests the hub says that it turned away for this reason.
pub(super) async fn turned_away(hub: &TestHub, reason: &str) -> f64 {
    series(&hub.hub.metrics_text().await)[&format!("cpis_hub_shed_total{{reason=\"{reason}\"}}")]
}

/// The reference parser's reading: how many families and samples; it refuses what is not OpenMetrics.
fn read_by_prometheus(text: &str) -> String {
    let python = "/usr/bin/python3";
    let script = "import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as families
families = list(families(sys.stdin.read()))
print(len(families), sum(len(family.samples) for family in families), end='')";
    let mut child = Command::new(python)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|_| panic!("{python} is needed (Debian package python3-prometheus-client)"));
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "Debian package python3-prometheus-client says: {said}");
    String::from_utf8(output.stdout).unwrap()
}

async fn read(hub: &TestHub) -> BTreeMap<String, f64> {
    series(&hub.hub.metrics_text().await)
}

fn town() -> Vec<String> {
    let mut people = child();
    people.extend(lines(&[
        person(2, "Verysecret", "Quentin", "2012-01-01"),
        plan(2, LOOKED_AFTER, "2026-01-05", "", "E10000013"),
    ]));
    people
}

/// With plans of authorities whose codes are none, as they could be loaded before codes were looked at.
async fn town_with_odd_codes() -> TestHub {
    let hub = TestHub::with(&town()).await;
    let db = rusqlite::Connection::open(&hub.database).unwrap();
    db.execute_batch(&plans_without_codes(number(2), hub.clock.now().as_millisecond())).unwrap();
    hub
}

#[tokio::test]
async fn a_file_that_calls_an_authority_by_anything_but_an_ods_code_is_refused_without_repeating_it() {
    let hub = TestHub::with(&town()).await;
    for code in NO_CODES {
        let odd = lines(&[plan(2, CHILD_PROTECTION, "2026-01-05", "", code)]);
        let refused = hub.try_load(&odd).await.unwrap_err();
        assert!(refused.contains("is not an ODS code: 3 to 9 capital letters and digits"), "{refused}");
        assert!(!refused.contains(code), "{refused}");
    }
    assert_eq!(hub.count("SELECT 1 FROM authority"), 2);
}

#[tokio::test]
async fn what_happened_is_counted_once_it_is_on_disk() {
    let hub = town_with_odd_codes().await;
    let trace = Uuid::new_v4();
    hub.view_again(&nurse(), number(1), trace, true).await;
    hub.view_again(&nurse(), number(1), trace, true).await;
    hub.view(&midwife(), number(1)).await;
    hub.view(&nurse(), number(9)).await;
    hub.view(&receptionist(), number(1)).await;
    hub.history(&nurse(), number(2)).await;
    hub.people(&nurse(), "?family=Bennett&birthdate=2019-03-12").await;
    hub.send("GET", "/access/ABCD-EFGH", None, &[], None).await;
    hub.send("GET", "/nowhere", None, &[], None).await;
    hub.turn(7);
    let read = read(&hub).await;
    for (series, expected) in [
        ("cpis_hub_views_total{mode=\"recorded\"}", 1.0),
        ("cpis_hub_views_total{mode=\"silent\"}", 1.0),
        ("cpis_hub_views_total{mode=\"repeated\"}", 1.0),
        ("cpis_hub_audited_total{kind=\"view\",outcome=\"not-found\"}", 1.0),
        ("cpis_hub_audited_total{kind=\"refused\",outcome=\"not-allowed\"}", 1.0),
        ("cpis_hub_audited_total{kind=\"search\",outcome=\"returned\"}", 1.0),
        ("cpis_hub_audited_total{kind=\"load\",outcome=\"applied\"}", 1.0),
        ("cpis_hub_unproven_calls_total{why=\"missing\"}", 1.0),
        ("cpis_hub_unproven_calls_total{why=\"not-genuine\"}", 0.0),
        ("cpis_hub_shed_total{reason=\"writer-views\"}", 0.0),
        ("cpis_hub_requests_total{route=\"/cpis/FHIR/R4/CareTeam\",method=\"GET\",status=\"2xx\"}", 3.0),
        ("cpis_hub_requests_total{route=\"/cpis/FHIR/R4/CareTeam\",method=\"GET\",status=\"4xx\"}", 2.0),
        ("cpis_hub_people", 2.0),
        ("cpis_hub_requests_total{route=\"none\",method=\"GET\",status=\"4xx\"}", 1.0),
        ("cpis_hub_request_duration_seconds_count{route=\"/cpis/FHIR/R4/CareTeam\"}", 5.0),
        ("cpis_hub_commit_failures_total{phase=\"commit\"}", 0.0),
        ("cpis_hub_outbox{state=\"queued\"}", 1.0),
        ("cpis_hub_outbox{state=\"filed\"}", 0.0),
        ("cpis_hub_outbox_oldest_unsent_seconds", 420.0),
        ("cpis_hub_upload_age_seconds{authority=\"E06000030\"}", 420.0),
        ("cpis_hub_authorities", 5.0),
        ("cpis_hub_backup_failed", 0.0),
        ("cpis_hub_places{of=\"event-streams\"}", 0.0),
        ("cpis_hub_places_limit{of=\"event-streams\"}", 6_000.0),
        ("cpis_hub_places_limit{of=\"sessions\"}", 200_000.0),
        ("cpis_hub_places_limit{of=\"proofs\"}", 2_000_000.0),
        ("cpis_hub_connections_limit", 12_000.0),
        ("cpis_hub_searches", 0.0),
        ("cpis_hub_writer_queue{line=\"views\"}", 0.0),
        ("cpis_hub_synthetic", 1.0),
        ("cpis_hub_writing", 1.0),
        ("cpis_hub_database_readable", 1.0),
        ("cpis_hub_disk_low", 0.0),
        ("cpis_hub_disk_on_reserve", 0.0),
        ("cpis_hub_build_info{version=\"0.1.0\"}", 1.0),
    ] {
        assert_eq!(read.get(series), Some(&expected), "{series} in {read:#?}");
    }
    // Eight, and one more where the hub has noted meanwhile who was at work.
    let commits = read["cpis_hub_commit_duration_seconds_count"];
    assert!((8.0..=9.0).contains(&commits), "{commits}");
    assert_eq!(read["cpis_hub_commit_requests_count"], commits);
    let now = hub.clock.now().as_second() as f64;
    assert_eq!(read["cpis_hub_clock_timestamp_seconds"], now);
    assert_eq!(read["cpis_hub_last_commit_timestamp_seconds"], now - 420.0);
    assert_eq!(read["cpis_hub_newest_audit_timestamp_seconds"], now - 420.0);
    assert!(read["cpis_hub_schema_version"] >= 1.0 && read["cpis_hub_database_bytes"] > 0.0);
    assert!(read["cpis_hub_wal_bytes"] > 4096.0 && read["cpis_hub_open_files"] > 3.0);
    assert!(read.keys().filter(|series| series.starts_with("cpis_hub_upload_age")).count() == 2);
}

#[tokio::test]
async fn whoever_asks_whatever_the_number_of_series_stays_and_none_names_anybody() {
    let hub = town_with_odd_codes().await;
    let ask = async |seed: u64| {
        let who = caller(
            &format!("Zebedee Quux {seed}"),
            &format!("Verysecret {seed}"),
            &["B0264", "B0107", "B0170"],
        );
        let digits = number(seed % 4).digits();
        hub.view(&who, number(seed % 4)).await;
        hub.view(&caller("Zebedee Quux", "RN3", &[]), number(1)).await;
        hub.get(&history_of(number(1)), &who, &[("TraceID", &Uuid::new_v4().to_string())]).await;
        hub.people(&who, &format!("/{digits}")).await;
        hub.people(&who, "?family=Verysecret&birthdate=2012-01-01").await;
        hub.get(&format!("/{seed}/{digits}"), &who, &[]).await;
        hub.get(&format!("/access/{seed}-{digits}"), &who, &[]).await;
        hub.get(&plans_of(number(1)), &who, &[("TraceID", "Verysecret")]).await;
        hub.send(&format!("VERYSECRET{seed}"), "/metadata", Some(&who), &[], None).await;
        hub.send("GET", "/metadata", None, &[("Authorization", &format!("Bearer Verysecret{seed}"))], None)
            .await;
    };
    for seed in 0..5 {
        ask(seed).await;
    }
    let before = read(&hub).await;
    for seed in 5..40 {
        ask(seed).await;
    }
    let text = hub.hub.metrics_text().await;
    let after = series(&text);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    assert!(after.len() < 200, "{} series", after.len());
    // What nobody fetches of those without a code is overdue, and said together.
    hub.turn(31);
    let text = format!("{text}{}", hub.hub.metrics_text().await);
    let other = series(&hub.hub.metrics_text().await)["cpis_hub_outbox_overdue{authority=\"other\",state=\"unsent\"}"];
    assert!(other > 2.0, "{other}");
    for secret in ["verysecret", "quux", "zebedee", "bennett", "quentin", "smith", "999417", "999000", "9990"]
    {
        assert!(!text.to_lowercase().contains(secret), "{secret} in\n{text}");
    }
    for seed in 0..4 {
        assert!(!text.contains(&number(seed).digits()));
    }
}

#[tokio::test]
async fn a_hub_that_cannot_write_says_so_until_it_can() {
    let hub = TestHub::with(&child()).await;
    let db = rusqlite::Connection::open(&hub.database).unwrap();
    db.execute_batch("CREATE TRIGGER refuse BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END")
        .unwrap();
    assert_eq!(hub.view(&nurse(), number(1)).await.status, 500);
    // Whoever failed alone is told so before the writer has taken note of it.
    let failing = loop {
        let read = read(&hub).await;
        if read["cpis_hub_commit_failures_total{phase=\"work\"}"] > 0.0 {
            break read;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    assert_eq!(failing["cpis_hub_writing"], 0.0);
    assert_eq!(failing["cpis_hub_commit_failures_total{phase=\"work\"}"], 1.0);
    assert_eq!(failing["cpis_hub_views_total{mode=\"recorded\"}"], 0.0);
    db.execute_batch("DROP TRIGGER refuse").unwrap();
    hub.view(&nurse(), number(1)).await;
    assert_eq!(read(&hub).await["cpis_hub_writing"], 1.0);
}

#[tokio::test]
async fn everybody_who_is_turned_away_is_counted() {
    let hub = TestHub::with(&child()).await;
    let lock = rusqlite::Connection::open(&hub.database).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let who = nurse();
    let views = (0..cpis::hub::limits::WRITER_QUEUE + 100).map(|_| hub.view(&who, number(1)));
    let until_some_are = async {
        let full = loop {
            let read = read(&hub).await;
            if read["cpis_hub_shed_total{reason=\"writer-views\"}"] > 0.0 {
                break read;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        };
        assert!(full["cpis_hub_writer_queue{line=\"views\"}"] > 0.0, "{full:#?}");
        assert_eq!(full["cpis_hub_writer_queue{line=\"others\"}"], 0.0);
        lock.execute_batch("ROLLBACK").unwrap();
    };
    let (answers, ()) = tokio::join!(super::support::all_at_once(views), until_some_are);
    let busy = answers.iter().filter(|answer| answer.status == 503).count();
    assert_eq!(read(&hub).await["cpis_hub_shed_total{reason=\"writer-views\"}"], busy as f64);
}

#[tokio::test]
async fn the_operator_has_an_address_of_their_own_with_two_pages_and_the_clinicians_has_none_of_it() {
    let hub = TestHub::with(&child()).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(cpis::hub::serve_operator(listener, hub.hub.clone(), std::future::pending()));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = async |path: &str| {
        let response = http.get(format!("{base}{path}")).send().await.unwrap();
        let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        (response.status().as_u16(), kind, response.text().await.unwrap())
    };
    let (status, kind, text) = get("/metrics").await;
    assert_eq!(status, 200);
    assert!(kind.unwrap().starts_with("application/openmetrics-text; version=1.0.0"));
    let families = text.lines().filter(|line| line.starts_with("# TYPE")).count();
    let samples = text.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(read_by_prometheus(&text), format!("{families} {samples}"));
    assert!(families > 25 && samples > 60);
    assert_eq!(get("/healthz").await.0, 200);
    for path in ["/", "/metadata", &plans_of(number(1)), "/metrics/x"] {
        assert_eq!(get(path).await.0, 404, "{path}");
    }
    assert_eq!(hub.get("/metrics", &nurse(), &[]).await.told(), "404 NO_SUCH_ENDPOINT");
    let outside = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = cpis::hub::serve_operator(outside, hub.hub.clone(), std::future::pending()).await;
    assert!(refused.unwrap_err().to_string().contains("loopback"));
}

#[tokio::test]
async fn a_database_that_cannot_be_read_and_a_disk_that_is_low_are_said() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("hub.db");
    let opened = |alert_percent: u8, reserve_mb: u16| {
        let disk = DiskSettings { alert_percent, reserve_mb };
        let config = HubConfig { disk, ..configuration(database.clone(), TailDays::default()) };
        let clock = Clock::standing_at(at(NOW));
        (Hub::open(&config, SigningKey::generate().unwrap(), clock.clone()).unwrap(), clock)
    };
    // No file system is wholly free; and where the reserve's file cannot be made, there is none.
    std::fs::create_dir(directory.path().join("hub.db.reserve")).unwrap();
    let (hub, clock) = opened(100, 1);
    let read = series(&hub.metrics_text().await);
    assert_eq!((read["cpis_hub_disk_low"], read["cpis_hub_disk_on_reserve"]), (1.0, 1.0));
    assert_eq!(read["cpis_hub_database_readable"], 1.0);
    let started = read["cpis_hub_start_timestamp_seconds"];
    clock.turn_to(clock.now() + jiff::SignedDuration::from_hours(1));
    let read = series(&hub.metrics_text().await);
    assert_eq!(read["cpis_hub_start_timestamp_seconds"], started, "a hub that runs on has not restarted");
    hub.store().close().await;
    drop(hub);
    let (hub, _) = opened(0, 0);
    // Before the first reading of the figures, which are kept for a while.
    rusqlite::Connection::open(&database).unwrap().execute_batch("DROP TABLE outbox").unwrap();
    let read = series(&hub.metrics_text().await);
    assert_eq!((read["cpis_hub_disk_low"], read["cpis_hub_disk_on_reserve"]), (0.0, 0.0));
    assert_eq!(read["cpis_hub_database_readable"], 0.0);
}
