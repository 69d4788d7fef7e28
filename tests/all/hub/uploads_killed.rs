//! A hub that is killed while it applies an upload goes on where it was, and nothing is applied twice.

use cpis::exchange::FileCode;
use cpis::exchange::upload::Record;

use super::support::certificates::{Authority, TLS, put};
use super::support::data::{lines, number, person};
use super::support::program::Place;
use super::support::rows;
use super::support::uploads::{Link, WEXCOMBE, ava, document, since};

const RECORDS: u64 = 3_000;

fn files(place: &Place) -> usize {
    let files = std::fs::read_dir(place.directory.path()).unwrap();
    files.filter(|file| file.as_ref().unwrap().file_name().to_string_lossy().contains(".upload-")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_is_killed_goes_on_with_what_it_took() {
    let (ours, theirs) = (Authority::new("Trust of the hub"), Authority::new("Trust of callers"));
    let people: Vec<_> = (1..=RECORDS).map(|seed| person(seed, "Bennett", "Ava", "2019-03-12")).collect();
    let place = Place::with(&lines(&people));
    ours.for_hub().put(place.directory.path());
    put(place.directory.path(), "callers.pem", &theirs.pem());
    place.configure(&format!(
        "{TLS}client_certificates = \"offered\"\nclient_ca = \"callers.pem\"\n\
         [[authority]]\ncode = \"{WEXCOMBE}\"\ncertificates = [\"uri:urn:ods:{WEXCOMBE}\"]\n"
    ));
    let own = theirs.for_caller("Link", &format!("urn:ods:{WEXCOMBE}"));
    let record = |seed: u64| Record {
        number: number(seed),
        local_id: seed.to_string(),
        // One in ten is somebody else.
        family: if seed.is_multiple_of(10) { "Another" } else { "Bennett" }.to_owned(),
        ..ava(vec![since(cpis::domain::PlanKind::LookedAfter, "2026-02-01")])
    };
    let records: Vec<Record> = (1..=RECORDS).map(record).collect();
    // What was arriving when an earlier one ended.
    std::fs::write(place.path("hub.db.upload-stale"), "half").unwrap();
    let mut program = place.serve();
    let base = program.base.clone();
    let sent = Link::to(&base, &ours, Some(&own)).send(document(WEXCOMBE, 1, &records)).await;
    assert_eq!(sent.status, 202, "{}", sent.told());
    let done = || rows(&place.database(), "SELECT done FROM authority_file").concat().parse::<u64>().unwrap();
    let mut kills = 0;
    while done() < RECORDS && kills < 5 {
        let from = done();
        while done() < (from + 400).min(RECORDS) {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        program.kill();
        kills += 1;
        program = place.serve();
    }
    assert!(kills >= 2, "it was killed on its way");
    let told = Link::to(&program.base, &ours, Some(&own)).acknowledged(1).await;
    assert_eq!(told.code(), FileCode::PartlyUploaded);
    assert_eq!(told.rejections.len() as u64, RECORDS / 10);
    let count = |sql: &str| rows(&place.database(), sql).concat();
    assert_eq!(count("SELECT count(*) FROM plan"), (RECORDS - RECORDS / 10).to_string());
    assert_eq!(
        count("SELECT count(*) FROM audit WHERE kind = 'record-rejected'"),
        (RECORDS / 10).to_string()
    );
    assert_eq!(count("SELECT group_concat(outcome) FROM audit WHERE kind = 'upload'"), "taken,applied");
    let begun = std::time::Instant::now();
    while files(&place) > 0 {
        assert!(begun.elapsed().as_secs() < 10, "a file that is applied stays");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    // Another process stands where the file was: nothing is believed of it.
    program.kill();
    place.database().execute_batch("UPDATE authority_file SET state = 'waiting', done = 0").unwrap();
    let program = place.serve();
    let told = Link::to(&program.base, &ours, Some(&own)).acknowledged(1).await;
    assert_eq!(told.code(), FileCode::NoneUploaded);
    assert!(told.what.why.unwrap().contains("send everything again"));
}
