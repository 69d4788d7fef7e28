//! A hub for real people: not marked synthetic, with numbers outside of the test range. Those here begin with 5,
//! which are valid, not for tests, and issued to nobody.

use cpis::domain::NhsNumber;
use serde_json::json;

use super::support::data::{CHILD_PROTECTION, child, lines, number, person, plan};
use super::support::{TestHub, midwife, nurse};

const CHILD: &str = "5434765915";
const OLD_NUMBER: &str = "5434765877";

fn real(digits: &str) -> NhsNumber {
    NhsNumber::parse(digits).unwrap()
}

/// The same lines with real numbers in place of those of the test range.
fn with_real_numbers(values: &[serde_json::Value]) -> Vec<String> {
    let replaced =
        |line: String| line.replace(&number(1).digits(), CHILD).replace(&number(2).digits(), OLD_NUMBER);
    lines(values).into_iter().map(replaced).collect()
}

async fn hub() -> TestHub {
    let hub = TestHub::empty().await;
    let file = with_real_numbers(&[
        person(1, "Bennett", "Ava", "2019-03-12"),
        super::support::data::superseded(2, 1),
        plan(1, CHILD_PROTECTION, "2026-01-05", "", "E06000030"),
    ]);
    hub.try_load_as(&file, false).await.unwrap();
    hub
}

#[tokio::test]
async fn h17_a_hub_for_real_people_answers_all_that_matters_and_never_says_that_they_are_synthetic() {
    let hub = hub().await;
    let who = nurse();
    let search = hub.people(&who, "?family=Bennett&birthdate=2019-03-12").await;
    let retrieved = hub.people(&who, &format!("/{OLD_NUMBER}")).await;
    let view = hub.view(&who, real(OLD_NUMBER)).await;
    let silent = hub.view(&midwife(), real(CHILD)).await;
    let history = hub.history(&who, real(CHILD)).await;
    let status = hub.get(&format!("/access/{}", view.reference()), &who, &[]).await;
    let statement = hub.get("/metadata", &who, &[]).await;
    let health = hub.send("GET", "/healthz", None, &[], None).await;
    let nobody = hub.view(&who, number(1)).await;
    assert_eq!((search.total(), view.total(), silent.total(), history.total()), (1, 1, 1, 1));
    assert_eq!(retrieved.json()["id"], json!(CHILD));
    assert_eq!(status.json()["notices"][0]["state"], json!("queued"));
    assert_eq!((health.status, nobody.told()), (200, "404 RESOURCE_NOT_FOUND".to_owned()));
    for answer in [search, retrieved, view, silent, history, status, statement, health, nobody] {
        assert_eq!(answer.header("x-synthetic-data"), None);
        assert!(!answer.body.contains("synthetic people"));
    }
    assert_eq!(hub.rows("SELECT number_uploaded FROM outbox"), [CHILD]);
}

#[tokio::test]
async fn h17_a_hub_for_real_people_takes_no_synthetic_ones() {
    let hub = hub().await;
    let refused = hub.try_load_as(&child(), false).await.unwrap_err();
    assert!(refused.contains("numbers that begin with 9 are for tests"), "{refused}");
    let refused = hub.try_load(&child()).await.unwrap_err();
    assert!(refused.contains("only an empty database"), "{refused}");
    assert!(!hub.hub.is_synthetic());
}

#[tokio::test]
async fn h17_a_mark_that_another_process_sets_is_said_with_the_very_next_answer_about_a_person() {
    let hub = TestHub::empty().await;
    assert!(!hub.hub.is_synthetic());
    let other = rusqlite::Connection::open(&hub.database).unwrap();
    other.execute("INSERT INTO marking (what, at_ms) VALUES ('synthetic', 1)", []).unwrap();
    assert_eq!(hub.view(&nurse(), number(1)).await.header("x-synthetic-data"), Some("true"));
    // Without work the writer looks by itself.
    let idle = TestHub::empty().await;
    let other = rusqlite::Connection::open(&idle.database).unwrap();
    other.execute("INSERT INTO marking (what, at_ms) VALUES ('synthetic', 1)", []).unwrap();
    tokio::time::sleep(cpis::hub::limits::WRITER_IDLE * 2).await;
    assert_eq!(idle.get("/metadata", &nurse(), &[]).await.header("x-synthetic-data"), Some("true"));
}

#[tokio::test]
async fn h17_where_the_mark_cannot_be_read_nothing_is_said_of_a_person() {
    let hub = hub().await;
    let other = rusqlite::Connection::open(&hub.database).unwrap();
    other.execute_batch("DROP TABLE marking").unwrap();
    hub.view(&nurse(), real(CHILD)).await.assert_failed_without_detail();
    assert_eq!(hub.count("SELECT 1 FROM view"), 0);
}
