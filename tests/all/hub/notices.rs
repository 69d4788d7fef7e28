//! What local authorities are told, over TLS with certificates of the tests: numbers without gaps, states, receipts, other
//! authorities, and a hub that was put back from a backup.

use cpis::config::hub::OverdueBefore;
use cpis::exchange::notice::{self, Event, Heading, Item, Mark, Notice, Outcome, Receipt, Receipts};
use jiff::Timestamp;

use super::support::answer::Answer;
use super::support::data::{CHILD_PROTECTION, LOOKED_AFTER, lines, number, person, plan};
use super::support::uploads::{ALDBURY, Exchange, Link, WEXCOMBE};
use super::support::{ISSUER, NOW, at, caller, nurse, rows};

/// Ava's plan is Wexcombe's; Ben's are both authorities'.
async fn exchange() -> Exchange {
    Exchange::with(&lines(&[
        person(1, "Bennett", "Ava", "2019-03-12"),
        person(2, "Bennett", "Ben", "2019-03-12"),
        plan(1, CHILD_PROTECTION, "2026-01-05", "", WEXCOMBE),
        plan(2, CHILD_PROTECTION, "2026-01-05", "", WEXCOMBE),
        plan(2, LOOKED_AFTER, "2026-01-05", "", ALDBURY),
    ]))
    .await
}

fn page(answer: &Answer) -> (Heading, Vec<Notice>) {
    assert_eq!(answer.status, 200, "{}", answer.told());
    let (heading, items) = notice::read(answer.body.as_bytes()).unwrap();
    let readable = items.into_iter().map(|item| match item {
        Item::Notice(notice) => *notice,
        Item::Inactive(_) | Item::Unreadable(..) => panic!("{:?}", item.mark()),
    });
    (heading, readable.collect())
}

fn behind(mark: &Mark) -> String {
    format!("?after={}&id={}", mark.number, mark.id.as_str())
}

fn receipts(code: &str, marks: &[&Mark], outcome: Outcome) -> Vec<u8> {
    let receipt = |mark: &&Mark| Receipt { mark: (*mark).clone(), outcome, at: at(NOW) };
    let receipts = marks.iter().map(receipt).collect();
    notice::write_receipts(&Receipts { authority_code: code.to_owned(), receipts }, at(NOW))
}

async fn status(exchange: &Exchange, reference: &str) -> Vec<String> {
    let answer = exchange.hub.get(&format!("/access/{reference}"), &nurse(), &[]).await;
    let notices = answer.json()["notices"].as_array().unwrap().clone();
    let mut states: Vec<String> = notices
        .iter()
        .map(|notice| format!("{} {}", notice["authority"], notice["state"]).replace('"', ""))
        .collect();
    states.sort();
    states
}

#[tokio::test]
async fn each_authority_is_told_in_its_own_numbers_until_it_says_what_it_did() {
    let exchange = exchange().await;
    let (wexcombe, aldbury) = (exchange.link(WEXCOMBE), exchange.link(ALDBURY));
    let (heading, none) = page(&wexcombe.notifications("").await);
    assert_eq!((heading.last, heading.unfiled, none.len()), (0, None, 0));
    let first = exchange.hub.view(&nurse(), number(1)).await.reference().to_owned();
    exchange.hub.turn(5);
    let other = caller("Lee Marsh", "RN3", &["B0264", "B0107"]);
    exchange.hub.view(&other, number(2)).await;
    exchange.hub.turn(1);
    exchange.hub.view(&other, number(1)).await;

    let (heading, told) = page(&wexcombe.notifications("").await);
    assert_eq!((heading.source.as_str(), heading.authority_code.as_str()), (ISSUER, WEXCOMBE));
    let numbers: Vec<u32> = told.iter().map(|notice| notice.mark.number).collect();
    assert_eq!((heading.last, numbers), (3, vec![1, 2, 3]));
    let notice = &told[0];
    assert_eq!((notice.event, notice.at, notice.is_first), (Event::Opened, at(NOW), true));
    assert_eq!((notice.reference.as_str(), notice.number), (first.as_str(), number(1)));
    assert_eq!((notice.name.as_str(), notice.role.as_str()), ("Sam Okafor", "Staff nurse"));
    assert_eq!((notice.organisation.as_str(), notice.organisation_code.as_str()), ("Hospital RN3", "RN3"));
    assert_eq!(told[2].attendance, notice.reference, "the same child at the same hospital");
    assert!(!told[2].is_first);
    let (heading, theirs) = page(&aldbury.notifications("").await);
    assert_eq!((heading.last, theirs.len(), theirs[0].mark.number), (1, 1, 1), "of Ben alone");
    assert_eq!(theirs[0].number, number(2));

    // Handed over is not delivered: the answer may be lost. The next question says that it was not.
    let given = |state: &str| exchange.hub.count(&format!("SELECT 1 FROM outbox WHERE state = '{state}'"));
    assert_eq!((given("queued"), given("delivered")), (4, 0));
    assert_eq!(page(&wexcombe.notifications("").await).1, told, "the same again");
    let (heading, rest) = page(&wexcombe.notifications(&behind(&told[1].mark)).await);
    assert_eq!((rest.len(), &rest[0]), (1, &told[2]));
    assert_eq!(heading.unfiled.as_ref(), Some(&told[0].mark));
    assert_eq!((given("queued"), given("delivered")), (2, 2));
    assert_eq!(status(&exchange, &first).await, [format!("{} delivered", name())]);

    // What is documented is over, and the viewer is told so; what is on a list is not on the record.
    let marks: Vec<&Mark> = told.iter().map(|notice| &notice.mark).collect();
    let answer = wexcombe.filed(receipts(WEXCOMBE, &marks[..1], Outcome::Documented)).await;
    assert_eq!(answer.json(), serde_json::json!({ "noted": 1, "known": 0, "unknown": 0 }));
    assert_eq!(status(&exchange, &first).await, [format!("{} filed", name())]);
    wexcombe.filed(receipts(WEXCOMBE, &marks[1..], Outcome::Triage)).await;
    assert_eq!((given("filed"), given("delivered"), given("queued")), (1, 2, 1));
    let (heading, _) = page(&wexcombe.notifications(&behind(&told[2].mark)).await);
    assert_eq!(heading.unfiled, None);
    // A link that has lost its register has lost its list: it gets those again.
    let (_, lost) = page(&wexcombe.notifications("").await);
    assert_eq!(lost, told[1..]);
    // An answer that was lost is asked for again; nothing is noted twice, and nothing taken back.
    let answer = wexcombe.filed(receipts(WEXCOMBE, &marks[..1], Outcome::Triage)).await;
    assert_eq!(answer.json(), serde_json::json!({ "noted": 0, "known": 1, "unknown": 0 }));
    let answer = wexcombe.filed(receipts(WEXCOMBE, &marks[1..], Outcome::Documented)).await;
    assert_eq!(answer.json()["noted"], 2, "somebody has settled them");
    assert_eq!(given("filed"), 3);
}

/// As the loaded plans name it.
fn name() -> String {
    format!("{WEXCOMBE} Council")
}

#[tokio::test]
async fn what_is_handed_over_is_audited_and_asking_in_vain_is_not() {
    let exchange = exchange().await;
    let link = exchange.link(WEXCOMBE);
    exchange.hub.view(&nurse(), number(1)).await;
    let (_, told) = page(&link.notifications("").await);
    let mark = &told[0].mark;
    let audited = || {
        exchange.hub.rows(
            "SELECT outcome, user_id, json_extract(detail, '$.from'), json_extract(detail, '$.to') FROM audit
             WHERE kind = 'notifications' AND outcome NOT LIKE 'register-%' ORDER BY id",
        )
    };
    let given = format!("given|authority:{WEXCOMBE}|1|1");
    assert_eq!(audited(), std::slice::from_ref(&given));
    for _ in 0..5 {
        link.notifications(&behind(mark)).await;
    }
    assert_eq!(audited(), std::slice::from_ref(&given), "nothing of anybody was handed over");
    for _ in 0..2 {
        link.filed(receipts(WEXCOMBE, &[mark], Outcome::Documented)).await;
    }
    assert_eq!(audited(), [given, format!("filed|authority:{WEXCOMBE}|1|1")]);
}

#[tokio::test]
async fn nobody_gets_or_settles_what_is_for_another_authority() {
    let exchange = exchange().await;
    exchange.hub.view(&nurse(), number(1)).await;
    let (_, told) = page(&exchange.link(WEXCOMBE).notifications("").await);
    let mark = &told[0].mark;
    let aldbury = exchange.link(ALDBURY);
    assert_eq!(page(&aldbury.notifications("").await).1, []);
    // By a number and id that are another's: its own numbers do not hold them.
    assert_eq!(aldbury.notifications(&behind(mark)).await.told(), "409 OTHER_NUMBERS");
    assert_eq!(page(&aldbury.notifications("?after=0").await).1, []);
    let forged = aldbury.filed(receipts(WEXCOMBE, &[mark], Outcome::Documented)).await;
    assert_eq!(forged.told(), "403 ACCESS_DENIED");
    let answer = aldbury.filed(receipts(ALDBURY, &[mark], Outcome::Documented)).await;
    assert_eq!(answer.json()["unknown"], 1);
    assert_eq!(exchange.hub.rows("SELECT state FROM outbox"), ["queued"]);
    // No certificate, one of nobody known, and one of another issuer.
    assert_eq!(exchange.link_of(None).notifications("").await.status, 401);
    let nobody = exchange.theirs.for_caller("Link", "urn:ods:E06000099");
    assert_eq!(exchange.link_of(Some(&nobody)).notifications("").await.status, 403);
    assert_eq!(exchange.link_of(Some(&nobody)).filed(Vec::new()).await.status, 403);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_keeps_none_behind_it_back() {
    let exchange = exchange().await;
    for name in ["A", "B"] {
        exchange.hub.view(&caller(name, "RN3", &["B0264", "B0107"]), number(1)).await;
    }
    let db = rusqlite::Connection::open(&exchange.hub.database).unwrap();
    db.execute_batch("UPDATE outbox SET number_uploaded = 'x' WHERE number = 1").unwrap();
    let answer = exchange.link(WEXCOMBE).notifications("").await;
    let (_, items) = notice::read(answer.body.as_bytes()).unwrap();
    assert!(
        matches!(&items[..], [Item::Unreadable(mark, _), Item::Notice(_)] if mark.number == 1),
        "{items:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    let exchange = exchange().await;
    let link = exchange.link(WEXCOMBE);
    for (query, said) in [
        ("?after=-1", "400 INVALID_VALUE"),
        ("?after=", "400 INVALID_VALUE"),
        ("?after=+1", "400 INVALID_VALUE"),
        ("?after=4294967296", "400 INVALID_VALUE"),
        ("?after=1&id=x", "400 INVALID_VALUE"),
        ("?id=00000000000000000000000000000001", "400 MISSING_VALUE"),
        ("?after=1&after=2", "400 ADDITIONAL_PROPERTIES"),
        ("?from=1", "400 ADDITIONAL_PROPERTIES"),
    ] {
        assert_eq!(link.notifications(query).await.told(), said, "{query}");
    }
    for body in [&b""[..], b"{}", b"[1]", &[0xff; 10]] {
        assert_eq!(link.filed(body.to_vec()).await.told(), "400 INVALID_VALUE");
    }
    assert_eq!(link.filed(vec![b' '; 70_000]).await.status, 413);
}

#[tokio::test]
async fn a_correction_has_a_number_of_its_own_and_numbers_never_have_a_gap() {
    let exchange = exchange().await;
    let mut expected = Vec::new();
    for round in 0..30 {
        let who = caller(&format!("Nurse {round}"), "RN3", &["B0264", "B0107"]);
        let view = exchange.hub.view(&who, number(1 + round % 2)).await;
        expected.push(Event::Opened);
        if round % 3 == 0 {
            let path = format!("/access/{}/opened-in-error", view.reference());
            assert_eq!(exchange.hub.send("POST", &path, Some(&who), &[], None).await.status, 204);
            expected.push(Event::OpenedInError);
        }
    }
    let link = exchange.link(WEXCOMBE);
    let mut told: Vec<Notice> = Vec::new();
    loop {
        let from = told.last().map_or(String::new(), |last| behind(&last.mark));
        let (_, page) = page(&link.notifications(&from).await);
        if page.is_empty() {
            break;
        }
        told.extend(page);
    }
    let numbers: Vec<u32> = told.iter().map(|notice| notice.mark.number).collect();
    assert_eq!(numbers, (1..=40).collect::<Vec<u32>>());
    assert_eq!(told.iter().map(|notice| notice.event).collect::<Vec<_>>(), expected);
    let ids: std::collections::BTreeSet<_> = told.iter().map(|notice| &notice.mark.id).collect();
    assert_eq!(ids.len(), 40);
    // What fails takes no number: the next one has it.
    let db = rusqlite::Connection::open(&exchange.hub.database).unwrap();
    db.execute_batch(
        "CREATE TRIGGER fails BEFORE INSERT ON audit WHEN NEW.user_name = 'Nobody' BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    .unwrap();
    let nobody = caller("Nobody", "RN3", &["B0264", "B0107"]);
    assert_eq!(exchange.hub.view(&nobody, number(1)).await.status, 500);
    db.execute_batch("DROP TRIGGER fails").unwrap();
    exchange.hub.view(&caller("Somebody", "RN3", &["B0264", "B0107"]), number(1)).await;
    assert_eq!(
        rows(&db, &format!("SELECT max(number), count(*) FROM outbox WHERE authority_code = '{WEXCOMBE}'")),
        ["41|41"]
    );
}

#[tokio::test]
async fn a_hub_that_was_put_back_says_that_its_numbers_are_others_and_never_gives_an_id_again() {
    let exchange = exchange().await;
    let link = exchange.link(WEXCOMBE);
    let view =
        async |name: &str| exchange.hub.view(&caller(name, "RN3", &["B0264", "B0107"]), number(1)).await;
    for name in ["A", "B", "C"] {
        view(name).await;
    }
    let (_, told) = page(&link.notifications("").await);
    // As a database of an hour ago: without the last view, and without its number.
    let db = rusqlite::Connection::open(&exchange.hub.database).unwrap();
    db.execute_batch(
        "DELETE FROM outbox WHERE number = 3; DELETE FROM history WHERE view_id = 3; DELETE FROM view WHERE id = 3;
         UPDATE notice_last SET number = 2, notice_id = (SELECT notice_id FROM outbox WHERE number = 2)",
    )
    .unwrap();
    let last = behind(&told[2].mark);
    assert_eq!(link.notifications(&last).await.told(), "409 OTHER_NUMBERS");
    // The number is given again to another one.
    view("D").await;
    assert_eq!(link.notifications(&last).await.told(), "409 OTHER_NUMBERS");
    let (_, now) = page(&link.notifications("").await);
    assert_eq!(&now[..2], &told[..2]);
    assert_eq!(now[2].mark.number, 3);
    assert!(now[2].mark.id != told[2].mark.id && now[2].name == "D");
    // Where the row itself has gone with what is over its time, the last number is known all the same.
    db.execute_batch("DELETE FROM outbox").unwrap();
    assert_eq!(page(&link.notifications(&behind(&now[2].mark)).await).1, []);
    assert_eq!(link.notifications(&last).await.told(), "409 OTHER_NUMBERS");
}

#[tokio::test]
async fn what_no_link_fetches_is_counted_and_aged_without_saying_whose_it_is() {
    let exchange = exchange().await;
    exchange.hub.view(&nurse(), number(2)).await;
    exchange.hub.turn(31);
    let text = exchange.hub.hub.metrics_text().await;
    let has = |text: &str, line: &str| assert!(text.lines().any(|found| found == line), "{line} in {text}");
    let overdue = |code: &str, state: &str, many: u32| {
        format!("cpis_hub_outbox_overdue{{authority=\"{code}\",state=\"{state}\"}} {many}")
    };
    has(&text, &overdue(WEXCOMBE, "unsent", 1));
    has(&text, &overdue(ALDBURY, "unsent", 1));
    has(&text, "cpis_hub_outbox_oldest_seconds{state=\"unsent\"} 1860.0");
    let link: Link = exchange.link(WEXCOMBE);
    let (_, told) = page(&link.notifications("").await);
    link.notifications(&behind(&told[0].mark)).await;
    // What was counted is kept for a moment.
    exchange.hub.turn(1);
    let text = exchange.hub.hub.metrics_text().await;
    has(&text, &overdue(WEXCOMBE, "unsent", 0));
    has(&text, &overdue(WEXCOMBE, "unfiled", 0));
    has(&text, &overdue(ALDBURY, "unsent", 1));
    has(&text, "cpis_hub_outbox_oldest_seconds{state=\"unfiled\"} 1920.0");
    // Fetched, and nothing comes of it: that is an alert too.
    exchange.hub.turn(240);
    let text = exchange.hub.hub.metrics_text().await;
    has(&text, &overdue(WEXCOMBE, "unfiled", 1));
    link.filed(receipts(WEXCOMBE, &[&told[0].mark], Outcome::Triage)).await;
    exchange.hub.turn(1);
    let text = exchange.hub.hub.metrics_text().await;
    has(&text, "cpis_hub_outbox_oldest_seconds{state=\"unfiled\"} 0.0");
    has(&text, &format!("cpis_hub_outbox_triage{{authority=\"{WEXCOMBE}\"}} 1"));
    let before = OverdueBefore { unsent: Timestamp::MAX, unfiled: Timestamp::MAX };
    let waiting = exchange.hub.hub.store().notices_waiting(before).await.unwrap();
    let counts: Vec<_> =
        waiting.iter().map(|one| (one.authority_code.as_str(), one.overdue(), one.triage)).collect();
    assert_eq!(counts, [(WEXCOMBE, 0, 1), (ALDBURY, 1, 0)]);
}
