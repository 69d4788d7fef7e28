//! An authority that sends nothing for two days is named to the operator, by the real program: in the log, and by `cpis-hub outbox`.

use std::process::Output;
use std::time::{Duration, Instant};

use super::support::certificates::{Authority, TLS, put};
use super::support::data::{lines, person};
use super::support::program::Place;
use super::support::uploads::{ALDBURY, WEXCOMBE};

const SAID: &str = "nothing that could be taken has come from a local authority for two days";

/// Long, for a machine that is busy.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(300), "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn outbox(place: &Place) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = place.run(&["outbox", "--config", "hub.toml"]);
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_has_sent_nothing_for_two_days_is_named_in_the_log_and_by_the_outbox() {
    let place = Place::with(&lines(&[person(1, "Bennett", "Ava", "2019-03-12")]));
    let (ours, theirs) = (Authority::new("Trust of the hub"), Authority::new("Trust of callers"));
    ours.for_hub().put(place.directory.path());
    put(place.directory.path(), "callers.pem", &theirs.pem());
    let table =
        |code: &str| format!("[[authority]]\ncode = \"{code}\"\ncertificates = [\"uri:urn:ods:{code}\"]\n");
    place.configure(&format!(
        "{TLS}client_certificates = \"offered\"\nclient_ca = \"callers.pem\"\n{}{}",
        table(WEXCOMBE),
        table(ALDBURY)
    ));
    // Given two authorities that the hub expects to send, one of them since three days ago.
    let mut program = place.serve();
    let expected = || -> i64 {
        let count = "SELECT count(*) FROM authority_expected";
        place.database().query_row(count, [], |row| row.get(0)).unwrap()
    };
    until("nobody is expected to send", || expected() == 2).await;
    program.kill();
    let (code, said, _) = outbox(&place);
    assert_eq!((code, said.contains("nothing that could be taken")), (Some(0), false), "{said}");
    let earlier = format!(
        "UPDATE authority_expected SET since_ms = since_ms - {} WHERE code = '{WEXCOMBE}'",
        3 * 24 * 60 * 60 * 1000
    );
    assert_eq!(place.database().execute(&earlier, []).unwrap(), 1);
    // When the hub has served for a while, then its log names that one and nobody else, once.
    let mut program = place.serve();
    until("nobody is told", || place.log().contains(SAID)).await;
    let log = place.log();
    let named: Vec<&str> = log.lines().filter(|line| line.contains(SAID)).collect();
    assert_eq!(named.len(), 1, "{named:?}");
    assert!(named[0].contains(WEXCOMBE) && named[0].contains("ERROR"), "{named:?}");
    assert!(!log.contains(ALDBURY));
    // And whoever asks hears the same, beside the hub that serves.
    let (code, said, why) = outbox(&place);
    assert_eq!(code, Some(1), "{said}");
    let line = format!("{WEXCOMBE}: nothing that could be taken has come since ");
    assert_eq!(said.lines().filter(|said| said.starts_with(&line)).count(), 1, "{said}");
    assert!(!said.contains(ALDBURY), "{said}");
    assert!(
        why.contains("from 1 of the authorities nothing that could be taken has come for two days"),
        "{why}"
    );
    program.kill();
}
