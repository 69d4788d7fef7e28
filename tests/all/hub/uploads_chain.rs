//! Which file follows which, what an acknowledgement is known by, and what a file may cost others.

use std::io::Write;
use std::time::{Duration, Instant};

use cpis::domain::PlanKind::{ChildProtection, LookedAfter};
use cpis::domain::PlanPeriod;
use cpis::exchange::FileCode;
use cpis::exchange::acknowledgement::Apart;
use cpis::exchange::upload::{Ended, Header, Plan, Previous, Record, Writer};
use serde_json::json;

use super::support::certificates::{Authority, TLS, put, secure};
use super::support::data::{changed, ended, lines, number, person, superseded};
use super::support::program::Place;
use super::support::uploads::{
    ALDBURY, Exchange, Link, WEXCOMBE, ava, day, document, header, since, taken_back,
};
use super::support::{NOW, at, nurse, rows};

fn people() -> Vec<String> {
    lines(&[
        person(1, "Bennett", "Ava", "2019-03-12"),
        superseded(2, 1),
        changed(
            person(5, "Hidden", "Una", "2017-01-01"),
            json!({ "meta": { "security": [{ "code": "R" }] } }),
        ),
    ])
}

/// A document that follows another, and its digest.
fn following(sequence: u32, previous: Option<(u32, &str)>, records: &[Record]) -> (Vec<u8>, String) {
    let previous = previous.map(|(sequence, digest)| Previous { sequence, digest: digest.to_owned() });
    let header =
        Header { is_full: previous.is_none(), previous, ..header(WEXCOMBE, sequence, records.len() as u64) };
    let mut writer = Writer::begin(Vec::new(), &header, at(NOW)).unwrap();
    for record in records {
        writer.record(record).unwrap();
    }
    let document = writer.finish().unwrap();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &document);
    let digest = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    (document, digest)
}

async fn put_up(link: &Link, document: Vec<u8>, sequence: u32) -> super::support::uploads::Told {
    let answer = link.send(document).await;
    if answer.status == 200 {
        return super::support::uploads::Told::read(&answer.body);
    }
    assert_eq!(answer.status, 202, "{}", answer.told());
    link.acknowledged(sequence).await
}

#[tokio::test]
async fn a_file_is_taken_only_behind_the_one_that_it_follows_and_its_acknowledgement_names_its_content() {
    let exchange = Exchange::with(&people()).await;
    let link = exchange.link(WEXCOMBE);
    let first = [ava(vec![since(LookedAfter, "2026-02-01")])];
    let (one, digest) = following(1, Some((7, &"0a".repeat(32))), &first);
    let told = put_up(&link, one, 1).await;
    let nothing = Some(Apart { last: 0, is_lost: false });
    assert_eq!(
        (told.code(), told.what.apart, told.what.digest),
        (FileCode::NoneUploaded, nothing, Some(digest))
    );
    let (one, digest) = following(1, None, &first);
    let told = put_up(&link, one, 1).await;
    assert_eq!((told.code(), told.what.apart), (FileCode::AllUploaded, None));
    assert_eq!((told.what.digest.as_ref(), told.what.rejected), (Some(&digest), Some(0)));
    // Another number, and another content under the same number.
    for (number, of) in [(3, digest.as_str()), (1, &"0a".repeat(32))] {
        let (other, _) = following(4, Some((number, of)), &first);
        let told = put_up(&link, other, 4).await;
        assert_eq!(told.what.apart, Some(Apart { last: 1, is_lost: false }));
        assert!(told.what.why.unwrap().contains("send everything"));
    }
    let (two, _) = following(2, Some((1, &digest)), &[]);
    assert_eq!(put_up(&link, two, 2).await.code(), FileCode::AllUploaded);
    // A full refresh is told what is held beside it.
    let second = Plan { kind: ChildProtection, ..since(LookedAfter, "2026-03-01") };
    let (three, _) = following(3, None, &[ava(vec![second])]);
    let told = put_up(&link, three, 3).await;
    let held: Vec<_> = told.still_held.iter().map(|plan| (plan.local_id.as_str(), plan.kind)).collect();
    assert_eq!(held, [("4711", LookedAfter)]);
    assert_eq!(exchange.hub.view(&nurse(), number(1)).await.total(), 2, "absence never deletes");
    let (four, _) = following(4, None, &[ava(vec![since(LookedAfter, "2026-02-01"), second_again()])]);
    assert_eq!(put_up(&link, four, 4).await.still_held, []);
}

fn second_again() -> Plan {
    Plan { kind: ChildProtection, ..since(LookedAfter, "2026-03-01") }
}

#[tokio::test]
async fn a_file_whose_acknowledgement_is_forgotten_is_not_taken_for_known() {
    let exchange = Exchange::with(&people()).await;
    let link = exchange.link(WEXCOMBE);
    for sequence in 1..=3 {
        link.upload(WEXCOMBE, sequence, &[]).await;
    }
    let again = put_up(&link, document(WEXCOMBE, 1, &[]), 1).await;
    assert_eq!(again.what.apart, Some(Apart { last: 3, is_lost: false }), "or its sender would ask for ever");
}

#[tokio::test]
async fn an_acknowledgement_that_has_lost_rejections_is_broken_off_and_not_half_told() {
    let exchange = Exchange::with(&people()).await;
    let link = exchange.link(WEXCOMBE);
    let wrong = Record { family: "Another".to_owned(), ..ava(vec![since(LookedAfter, "2026-02-01")]) };
    assert_eq!(link.upload(WEXCOMBE, 1, &[wrong.clone(), wrong]).await.codes(), ["1 CPR03", "2 CPR03"]);
    let db = rusqlite::Connection::open(&exchange.hub.database).unwrap();
    db.execute("DELETE FROM authority_file_rejection WHERE place = 2", []).unwrap();
    assert!(link.try_ask("1").await.is_err(), "record 2 would read as if it had been taken");
}

#[tokio::test]
async fn a_superseded_number_leads_to_the_new_one_only_for_whoever_knows_whose_it_was() {
    let exchange = Exchange::with(&people()).await;
    let link = exchange.link(WEXCOMBE);
    let old = Record { number: number(2), ..ava(vec![since(LookedAfter, "2026-02-01")]) };
    let guessed = Record { family: "Another".to_owned(), ..old.clone() };
    let told = link.upload(WEXCOMBE, 1, &[guessed, old]).await;
    assert_eq!(told.codes(), ["1 CPR03", "2 CPR05"]);
    assert_eq!(told.rejections[0].replaced_by, None);
    assert_eq!(told.rejections[1].replaced_by, Some(number(1)));
}

#[tokio::test]
async fn who_is_restricted_gets_no_plan_more_however_often_another_is_taken_back() {
    let exchange = Exchange::with(&people()).await;
    let link = exchange.link(WEXCOMBE);
    link.upload(WEXCOMBE, 1, &[ava(vec![since(LookedAfter, "2026-02-01")])]).await;
    let restricted = json!({ "meta": { "security": [{ "code": "R" }] } });
    exchange.hub.load(&lines(&[changed(person(1, "Bennett", "Ava", "2019-03-12"), restricted)])).await;
    let back = || taken_back(number(1), LookedAfter, "2026-02-01");
    let held = || since(LookedAfter, "2026-02-01");
    let more = since(ChildProtection, "2026-10-01");
    for (sequence, plans, taken_back) in [
        (2, vec![more.clone(), held()], vec![back()]),
        (3, vec![more.clone(), since(ChildProtection, "2026-10-02")], vec![back(), back()]),
    ] {
        let record = Record { taken_back, ..ava(plans) };
        assert_eq!(link.upload(WEXCOMBE, sequence, &[record]).await.codes(), ["1 CPR02"]);
    }
    // One that is over does not begin again.
    let over = Plan { period: PlanPeriod { end: Some(day("2026-03-01")), ..held().period }, ..held() };
    assert_eq!(link.upload(WEXCOMBE, 4, &[ava(vec![over])]).await.codes(), Vec::<String>::new());
    assert_eq!(link.upload(WEXCOMBE, 5, &[ava(vec![held()])]).await.codes(), ["1 CPR02"]);
    // A day that was wrong is put right.
    let right = Record { taken_back: vec![back()], ..ava(vec![since(LookedAfter, "2026-02-02")]) };
    assert_eq!(link.upload(WEXCOMBE, 6, &[right]).await.codes(), ["1 CPR02"], "it is over, too");
    assert_eq!(exchange.hub.count("SELECT 1 FROM plan"), 1);
}

#[tokio::test]
async fn no_authority_keeps_anothers_plan_out_and_what_is_long_over_counts_for_nobody() {
    let exchange = Exchange::with(&people()).await;
    let many = |year: i16, end: Option<&str>| -> Vec<Record> {
        let starts = (0..cpis::hub::limits::PLANS_PER_PERSON).map(|after| {
            jiff::civil::date(year, 3, 13)
                .saturating_add(jiff::Span::new().days(i64::try_from(after).unwrap()))
        });
        let plan = |start: jiff::civil::Date| Plan {
            period: PlanPeriod { start, end: end.map(day) },
            ..since(LookedAfter, "2026-02-01")
        };
        let plans: Vec<Plan> = starts.map(plan).collect();
        plans.chunks(12).map(|plans| ava(plans.to_vec())).collect()
    };
    let theirs = exchange.link(ALDBURY);
    assert_eq!(
        theirs.upload(ALDBURY, 1, &many(2021, Some("2021-12-01"))).await.code(),
        FileCode::AllUploaded
    );
    assert_eq!(theirs.upload(ALDBURY, 2, &many(2025, None)).await.code(), FileCode::AllUploaded);
    let one_more = [ava(vec![since(ChildProtection, "2026-10-01")])];
    let told = theirs.upload(ALDBURY, 3, &one_more).await;
    assert_eq!(told.codes(), ["1 CPR07"]);
    assert!(told.rejections[0].why.contains("of one authority"));
    let told = exchange.link(WEXCOMBE).upload(WEXCOMBE, 1, &one_more).await;
    assert_eq!(told.codes(), Vec::<String>::new());
    let shown = cpis::hub::limits::PLANS_PER_PERSON as u64 + 1;
    assert_eq!(exchange.hub.view(&nurse(), number(1)).await.total(), shown);
}

#[tokio::test]
async fn h3_nothing_of_an_adopted_child_stands_in_one_record_or_under_one_local_id_with_the_old_identity() {
    let exchange = Exchange::with(&people()).await;
    let link = exchange.link(WEXCOMBE);
    link.upload(WEXCOMBE, 1, &[ava(vec![since(LookedAfter, "2026-02-01")])]).await;
    exchange.hub.load(&lines(&[ended(1), person(9, "Newname", "Amy", "2019-03-12")])).await;
    let new = |plans, taken_back| Record {
        number: number(9),
        family: "Newname".to_owned(),
        given: "Amy".to_owned(),
        taken_back,
        ..ava(plans)
    };
    let plan = || vec![since(ChildProtection, "2026-11-01")];
    let back = || vec![taken_back(number(1), LookedAfter, "2026-02-01")];
    for (sequence, record) in [(2, new(plan(), back())), (3, new(plan(), Vec::new()))] {
        let told = link.upload(WEXCOMBE, sequence, &[record]).await;
        assert_eq!(told.codes(), ["1 CPR07"]);
        assert!(told.rejections[0].why.contains("a local id of their own"), "{}", told.rejections[0].why);
        assert_eq!(told.rejections[0].replaced_by, None);
    }
    let ends =
        Ended { number: number(1), kind: LookedAfter, start: day("2026-02-01"), end: day("2026-11-01") };
    let both = Record { ended: vec![ends.clone()], local_id: "9".to_owned(), ..new(plan(), Vec::new()) };
    assert_eq!(link.upload(WEXCOMBE, 4, &[both]).await.codes(), ["1 CPR07"]);
    assert_eq!(exchange.hub.view(&nurse(), number(9)).await.total(), 0);
    // By itself the old one ends, and goes; under a local id of their own the new one is held.
    let alone = Record { ended: vec![ends], ..ava(Vec::new()) };
    assert_eq!(link.upload(WEXCOMBE, 5, &[alone]).await.codes(), Vec::<String>::new());
    assert_eq!(exchange.hub.rows("SELECT end_day FROM plan"), ["2026-11-01"]);
    let own = Record { local_id: "9".to_owned(), ..new(plan(), Vec::new()) };
    let alone = Record { taken_back: back(), ..ava(Vec::new()) };
    assert_eq!(link.upload(WEXCOMBE, 6, &[alone, own]).await.codes(), Vec::<String>::new());
    assert_eq!(exchange.hub.rows("SELECT local_id FROM plan"), ["9"]);
    assert_eq!(exchange.hub.view(&nurse(), number(9)).await.total(), 1);
}

#[tokio::test]
async fn an_end_by_itself_needs_nobody_to_be_traced_and_makes_nothing_longer() {
    let exchange = Exchange::with(&people()).await;
    let link = exchange.link(WEXCOMBE);
    link.upload(WEXCOMBE, 1, &[ava(vec![since(LookedAfter, "2026-02-01")])]).await;
    let mut sequence = 1;
    let mut end = async |local_id: &str, end: &str| {
        sequence += 1;
        let plan = Ended { number: number(1), kind: LookedAfter, start: day("2026-02-01"), end: day(end) };
        let nobody = Record {
            local_id: local_id.to_owned(),
            family: String::new(),
            given: String::new(),
            born: None,
            ended: vec![plan],
            ..ava(Vec::new())
        };
        assert_eq!(link.upload(WEXCOMBE, sequence, &[nobody]).await.codes(), Vec::<String>::new());
        exchange.hub.rows("SELECT end_day FROM plan").concat()
    };
    assert_eq!(end("4711", "2026-11-20").await, "2026-11-20");
    assert_eq!(end("4711", "2027-11-20").await, "2026-11-20");
    assert_eq!(end("another", "2026-11-01").await, "2026-11-20", "only its own local id ends it");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_of_an_authority_arrives_at_a_time_and_the_others_are_not_kept_waiting() {
    let exchange = Exchange::with(&people()).await;
    let own = exchange.theirs.for_caller("Link", "urn:ods:E06000030");
    let config = exchange.ours.client(rustls::ALL_VERSIONS, Some(&own), &["http/1.1"]);
    let base = exchange.hub.base.clone();
    let whole = document(WEXCOMBE, 1, &[]);
    let slow = tokio::task::spawn_blocking(move || {
        let mut stream = secure(&base, &config).unwrap();
        let length = whole.len();
        write!(stream, "POST /exchange/uploads HTTP/1.1\r\nHost: hub\r\nContent-Type: application/fhir+json\r\nContent-Length: {length}\r\n\r\n")
            .unwrap();
        stream.write_all(&whole[..10]).unwrap();
        stream.flush().unwrap();
        stream
    })
    .await
    .unwrap();
    let begun = Instant::now();
    let link = exchange.link(WEXCOMBE);
    while super::uploads::waiting_files(&exchange) == 0 {
        assert!(begun.elapsed() < Duration::from_secs(5), "it does not begin to arrive");
    }
    let second = link.send(document(WEXCOMBE, 2, &[])).await;
    assert_eq!(second.status, 503, "{}", second.told());
    assert!(second.header("retry-after").is_some());
    assert_eq!(exchange.link(ALDBURY).send(document(ALDBURY, 1, &[])).await.status, 202);
    drop(slow);
    while link.send(document(WEXCOMBE, 9, &[])).await.status == 503 {
        assert!(begun.elapsed() < Duration::from_secs(15), "its place stays taken");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_hangs_up_once_all_is_sent_loses_nothing_that_was_taken() {
    let exchange = Exchange::with(&people()).await;
    let link = exchange.link(WEXCOMBE);
    link.upload(WEXCOMBE, 1, &[]).await;
    let own = exchange.theirs.for_caller("Link", "urn:ods:E06000030");
    let config = exchange.ours.client(rustls::ALL_VERSIONS, Some(&own), &["http/1.1"]);
    let base = exchange.hub.base.clone();
    let whole = document(WEXCOMBE, 2, &[ava(vec![since(LookedAfter, "2026-02-01")])]);
    // Its number is being written, and another program holds the database for a moment.
    let db = rusqlite::Connection::open(&exchange.hub.database).unwrap();
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    tokio::task::spawn_blocking(move || {
        let mut stream = secure(&base, &config).unwrap();
        let length = whole.len();
        let head = "POST /exchange/uploads HTTP/1.1\r\nHost: hub\r\nContent-Type: application/fhir+json\r\n";
        write!(stream, "{head}Content-Length: {length}\r\n\r\n").unwrap();
        stream.write_all(&whole).unwrap();
        stream.flush().unwrap();
        std::thread::sleep(Duration::from_millis(400));
    })
    .await
    .unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    db.execute_batch("ROLLBACK").unwrap();
    let begun = Instant::now();
    while link.ask("2").await.status == 404 {
        assert!(begun.elapsed() < Duration::from_secs(10), "it was not taken: nothing is shown by that");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(link.acknowledged(2).await.code(), FileCode::AllUploaded);
}

#[tokio::test]
async fn files_that_wait_have_a_common_limit_of_disk_space() {
    let exchange = Exchange::with(&people()).await;
    let link = exchange.link(WEXCOMBE);
    link.upload(WEXCOMBE, 1, &[]).await;
    // A file with nothing in it takes no blocks, and counts as long as it is.
    let database = exchange.hub.database.file_name().unwrap().to_str().unwrap().to_owned();
    let beside = exchange.hub.database.with_file_name(format!("{database}.upload-waiting"));
    std::fs::File::create(&beside).unwrap().set_len(cpis::hub::limits::UPLOADS_BYTES).unwrap();
    let answer = link.send(document(WEXCOMBE, 2, &[])).await;
    assert_eq!(answer.status, 503, "{}", answer.told());
    assert!(answer.header("retry-after").is_some());
    std::fs::remove_file(beside).unwrap();
    assert_eq!(link.send(document(WEXCOMBE, 2, &[])).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_for_a_while_is_not_lost_and_holds_up_nobody_else() {
    let (ours, theirs) = (Authority::new("Trust of the hub"), Authority::new("Trust of callers"));
    let place = Place::with(&people());
    ours.for_hub().put(place.directory.path());
    put(place.directory.path(), "callers.pem", &theirs.pem());
    let tables: String = [WEXCOMBE, ALDBURY]
        .map(|code| format!("[[authority]]\ncode = \"{code}\"\ncertificates = [\"uri:urn:ods:{code}\"]\n"))
        .concat();
    place
        .configure(&format!("{TLS}client_certificates = \"offered\"\nclient_ca = \"callers.pem\"\n{tables}"));
    let link = |base: &str, code: &str| {
        Link::to(base, &ours, Some(&theirs.for_caller("Link", &format!("urn:ods:{code}"))))
    };
    let whole = document(WEXCOMBE, 1, &[ava(vec![since(LookedAfter, "2026-02-01")])]);
    let mut program = place.serve();
    assert_eq!(link(&program.base, WEXCOMBE).send(whole.clone()).await.status, 202);
    link(&program.base, WEXCOMBE).acknowledged(1).await;
    program.kill();
    // It waits again, and where it waits stands something that cannot be read as a file.
    place.database().execute_batch("UPDATE authority_file SET state = 'waiting', done = 0").unwrap();
    let spool = rows(&place.database(), "SELECT spool FROM authority_file").concat();
    let path = place.path(&format!("hub.db.upload-{spool}"));
    std::fs::create_dir(&path).unwrap();
    let program = place.serve();
    let told = link(&program.base, ALDBURY).upload(ALDBURY, 1, &[]).await;
    assert_eq!(told.code(), FileCode::AllUploaded, "another authority's goes by");
    assert_eq!(link(&program.base, WEXCOMBE).ask("1").await.status, 202, "it is not lost");
    std::fs::remove_dir(&path).unwrap();
    std::fs::write(&path, whole).unwrap();
    assert_eq!(link(&program.base, WEXCOMBE).acknowledged(1).await.code(), FileCode::AllUploaded);
}
