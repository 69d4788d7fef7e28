//! Overload: what was taken is answered, what is too much is told to ask again and leaves no trace.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::metrics::turned_away;
use super::support::answer::Answer;
use super::support::data::{child, history_of, number, plans_of};
use super::support::{TestHub, all_at_once, nurse};
use cpis::hub::limits;

#[tokio::test]
async fn when_too_many_requests_wait_further_ones_are_told_to_ask_again_and_no_view_is_lost_track_of() {
    let hub = TestHub::with(&child()).await;
    // Somebody else holds the lock, so that nothing is written and requests pile up.
    let lock = rusqlite::Connection::open(&hub.database).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let who = nurse();
    let views = (0..cpis::hub::limits::WRITER_QUEUE + 100).map(|_| hub.view(&who, number(1)));
    let answers = all_at_once(views).await;
    let busy = answers.iter().filter(|answer| answer.told() == "503 UNABLE_TO_CALL_SERVICE").count();
    assert!(busy >= 30, "{busy} of {}", answers.len());
    for answer in &answers {
        // On a slow machine the last ones wait for longer than a request may take.
        assert!([408, 500, 503].contains(&answer.status), "{}", answer.told());
        assert_eq!(answer.header("retry-after").is_some(), answer.status == 503);
        assert!(!answer.body.contains("CareTeam"));
    }
    lock.execute_batch("ROLLBACK").unwrap();
    assert_eq!(hub.count("SELECT 1 FROM view"), 0);
    assert_eq!(
        hub.get(&plans_of(number(1)), &who, &[("TraceID", "0d3fba0e-6a5b-4f0b-9c53-8c4f6a1f0001")])
            .await
            .total(),
        1
    );
}

/// Asks until the first have been shed, then lets the writer go on.
async fn more_than_it_can_do(hub: &TestHub, paths: &[String]) -> Vec<Answer> {
    let lock = rusqlite::Connection::open(&hub.database).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let shed = AtomicUsize::new(0);
    let who = nurse();
    let asking = paths.iter().map(|path| async {
        let id = uuid::Uuid::new_v4().to_string();
        let answer = hub.get(path, &who, &[("TraceID", &id), ("X-Request-ID", &id)]).await;
        if answer.status == 503 && shed.fetch_add(1, Ordering::SeqCst) == 0 {
            lock.execute_batch("ROLLBACK").unwrap();
        }
        answer
    });
    all_at_once(asking).await
}

#[tokio::test]
async fn under_more_views_than_it_can_do_each_is_answered_and_logged_or_shed_and_leaves_no_trace() {
    let hub = TestHub::with(&child()).await;
    let paths = vec![plans_of(number(1)); limits::WRITER_QUEUE + limits::COMMIT_GROUP + 200];
    let answers = more_than_it_can_do(&hub, &paths).await;
    let of = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!(of(200) + of(503), answers.len(), "nobody is left without an answer");
    assert!(of(200) >= limits::WRITER_QUEUE && of(503) > 0, "{} taken, {} shed", of(200), of(503));
    for answer in &answers {
        let is_shed = answer.told() == "503 UNABLE_TO_CALL_SERVICE";
        assert_eq!(answer.header("retry-after"), is_shed.then_some("1"));
        assert_eq!(answer.header("x-access-reference").is_some(), !is_shed);
        assert_eq!(answer.body.contains("CareTeam"), !is_shed);
    }
    for table in ["view", "history", "outbox WHERE TRUE", "audit WHERE kind = 'view'"] {
        let rows = hub.count(&format!("SELECT 1 FROM {table}"));
        let expected = if table.starts_with("outbox") { 1 } else { of(200) };
        assert_eq!(rows, expected, "{table}");
    }
    assert_eq!(turned_away(&hub, "writer-views").await, of(503) as f64);
    assert_eq!(hub.view(&nurse(), number(1)).await.total(), 1, "and goes on as before");
}

#[tokio::test]
async fn while_other_requests_are_shed_views_are_taken() {
    let retrieve = format!("/personal-demographics/FHIR/R4/Patient/{}", number(1).digits());
    while_these_are_shed_views_are_taken(retrieve, "retrieve").await;
    while_these_are_shed_views_are_taken(history_of(number(1)), "history-read").await;
}

async fn while_these_are_shed_views_are_taken(other: String, kind: &str) {
    let hub = TestHub::with(&child()).await;
    // The history is for who has opened the plans.
    assert_eq!(hub.view(&nurse(), number(1)).await.status, 200);
    let mut paths = vec![plans_of(number(1)); 20];
    paths.extend(vec![other; limits::WRITER_QUEUE + limits::COMMIT_GROUP + 100]);
    paths.extend(vec![plans_of(number(1)); 20]);
    let answers = more_than_it_can_do(&hub, &paths).await;
    let shed = answers.iter().filter(|answer| answer.status == 503).count();
    assert!(shed > 0 && answers.iter().all(|answer| [200, 503].contains(&answer.status)));
    assert_eq!(hub.count("SELECT 1 FROM view"), 41, "every view was taken");
    let other = hub.count(&format!("SELECT 1 FROM audit WHERE kind = '{kind}'"));
    assert_eq!(other + shed + 40, answers.len());
    assert_eq!(
        (turned_away(&hub, "writer-others").await, turned_away(&hub, "writer-views").await),
        (shed as f64, 0.0)
    );
}

#[tokio::test]
async fn a_request_that_cannot_be_taken_is_not_even_asked_who_it_is_of() {
    let hub = TestHub::with(&child()).await;
    let path = plans_of(number(1));
    let unproven = || hub.send("GET", &path, None, &[], None);
    assert_eq!(unproven().await.status, 401);
    let lock = rusqlite::Connection::open(&hub.database).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (who, is_shed) = (nurse(), AtomicUsize::new(0));
    let views = (0..limits::WRITER_QUEUE + limits::COMMIT_GROUP + 20).map(|_| async {
        let answer = hub.view(&who, number(1)).await;
        if answer.status == 503 && is_shed.fetch_add(1, Ordering::SeqCst) == 0 {
            // The line is full: nobody known is told the same, at once, and noted nowhere.
            assert_eq!(unproven().await.status, 503);
            lock.execute_batch("ROLLBACK").unwrap();
        }
    });
    all_at_once(views).await;
    assert!(is_shed.into_inner() > 0);
    assert_eq!(hub.hub.unproven().count(), 1);
}
