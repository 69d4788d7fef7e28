//! Reading the access history, and what a caller may know of views.

use cpis::domain::Caller;
use jiff::SignedDuration;
use serde_json::json;

use super::support::data::{CHILD_PROTECTION, child, ended, lines, number, person, plan};
use super::support::{TestHub, caller, midwife, nurse, receptionist};

#[tokio::test]
async fn the_history_is_given_only_after_ones_own_view_and_reading_never_writes_to_it() {
    let hub = TestHub::with(&child()).await;
    assert_eq!(hub.history(&nurse(), number(1)).await.told(), "403 ACCESS_DENIED");
    let audit = hub.rows("SELECT kind, outcome, user_name FROM audit ORDER BY id DESC LIMIT 1");
    assert_eq!(audit, ["refused|history-without-own-view|Sam Okafor"]);
    hub.view(&caller("Ann Lee", "RN3", &["B0107"]), number(1)).await;
    assert_eq!(
        hub.history(&nurse(), number(1)).await.told(),
        "403 ACCESS_DENIED",
        "a colleague's view is not one's own"
    );
    hub.view(&nurse(), number(1)).await;
    hub.turn(30);
    let history = hub.history(&nurse(), number(1)).await;
    assert_eq!(history.accesses(), ["Sam Okafor (Hospital RN3)*", "Ann Lee (Hospital RN3)"]);
    assert_eq!(history.total(), 2);
    assert_eq!(hub.count("SELECT 1 FROM history"), 2);
    hub.turn(1);
    assert_eq!(hub.history(&nurse(), number(1)).await.told(), "403 ACCESS_DENIED");
    assert_eq!(hub.history(&receptionist(), number(1)).await.told(), "403 ACCESS_DENIED");
    // A silent view leaves no row, and opens the history all the same; without one there is none.
    assert_eq!(hub.history(&midwife(), number(1)).await.told(), "403 ACCESS_DENIED");
    hub.view(&midwife(), number(1)).await;
    assert_eq!(hub.history(&midwife(), number(1)).await.accesses().len(), 2);
    let reads = hub.rows("SELECT user_name, outcome FROM audit WHERE kind = 'history-read'");
    assert_eq!(reads, ["Sam Okafor|returned", "Asha Patel|returned"]);
}

#[tokio::test]
async fn the_history_shows_no_more_than_ones_own_view_did() {
    let hub = TestHub::with(&lines(&[
        person(1, "Bennett", "Ava", "2019-03-12"),
        plan(1, CHILD_PROTECTION, "2020-01-05", "2025-11-24", "E06000030"),
    ]))
    .await;
    hub.view(&caller("Ann Lee", "RN3", &["B0107"]), number(1)).await;
    assert_eq!(hub.count("SELECT 1 FROM history"), 1);
    // The tail of 364 days is over: nothing is held, and the old access must not give the plan away.
    hub.turn(2 * 24 * 60);
    assert_eq!(hub.view(&nurse(), number(1)).await.total(), 0);
    let history = hub.history(&nurse(), number(1)).await;
    assert_eq!((history.status, history.total()), (200, 0));
}

#[tokio::test]
async fn there_is_no_history_of_plans_that_are_gone_since_ones_own_view() {
    let hub = TestHub::with(&lines(&[
        person(1, "Bennett", "Ava", "2019-03-12"),
        plan(1, CHILD_PROTECTION, "2020-01-05", "2025-11-23", "E06000030"),
    ]))
    .await;
    // 23:50 on the last day of the tail.
    hub.turn(9 * 60 + 50);
    for who in [nurse(), midwife()] {
        assert_eq!(hub.view(&who, number(1)).await.total(), 1);
        assert_eq!(hub.history(&who, number(1)).await.total(), 1);
    }
    hub.turn(15);
    for who in [nurse(), midwife()] {
        let history = hub.history(&who, number(1)).await;
        assert_eq!((history.status, history.total()), (200, 0), "{}", who.name);
    }
}

#[tokio::test]
async fn the_same_person_is_listed_once_in_24_hours_and_the_present_view_always() {
    let hub = TestHub::with(&child()).await;
    let (sam, ann) = (nurse(), caller("Ann Lee", "RN3", &["B0107"]));
    let away = caller("Sam Okafor", "RVJ", &["B0107"]);
    let hours = |hours: i64| hub.turn(hours * 60);
    hub.view(&sam, number(1)).await; // 0 h: listed
    hours(23);
    hub.view(&sam, number(1)).await; // 23 h: within the first's 24
    hub.view(&away, number(1)).await; // 23 h: the same person at another organisation
    hours(1);
    hub.view(&sam, number(1)).await; // 24 h: a new window
    hours(23);
    hub.view(&ann, number(1)).await; // 47 h: listed
    hub.view(&sam, number(1)).await; // 47 h: within the second's 24, and the present view
    assert_eq!(
        hub.history(&sam, number(1)).await.accesses(),
        [
            "Sam Okafor (Hospital RN3)*",
            "Ann Lee (Hospital RN3)",
            "Sam Okafor (Hospital RN3)",
            "Sam Okafor (Hospital RVJ)",
            "Sam Okafor (Hospital RN3)"
        ]
    );
    let for_ann = hub.history(&ann, number(1)).await;
    assert_eq!(for_ann.accesses()[0], "Ann Lee (Hospital RN3)*");
    assert_eq!(for_ann.total(), 4);
    assert_eq!(hub.count("SELECT 1 FROM history"), 6, "every recorded view is a row");
}

#[tokio::test]
async fn at_most_25_accesses_are_listed_newest_first_and_the_present_view_among_them() {
    let hub = TestHub::with(&child()).await;
    hub.view(&nurse(), number(1)).await;
    for index in 0..30 {
        hub.clock.turn_to(hub.clock.now() + SignedDuration::from_secs(10));
        hub.view(&caller(&format!("Nurse {index}"), "RN3", &["B0107"]), number(1)).await;
    }
    let listed = hub.history(&nurse(), number(1)).await.accesses();
    assert_eq!(listed.len(), 25);
    assert_eq!(listed[0], "Nurse 29 (Hospital RN3)");
    assert_eq!(listed[23], "Nurse 6 (Hospital RN3)");
    assert_eq!(listed[24], "Sam Okafor (Hospital RN3)*");
}

#[tokio::test]
async fn nobody_learns_anything_of_a_view_that_is_not_their_own() {
    let hub = TestHub::with(&child()).await;
    let view = hub.view(&nurse(), number(1)).await;
    let path = format!("/access/{}", view.reference());
    assert_eq!(hub.get(&path, &nurse(), &[]).await.status, 200);
    for other in [caller("Ann Lee", "RN3", &["B0107"]), caller("Sam Okafor", "RVJ", &["B0107"])] {
        assert_eq!(hub.get(&path, &other, &[]).await.told(), "404 RESOURCE_NOT_FOUND");
    }
    assert_eq!(hub.get("/access/ZZZZ-ZZZZ", &nurse(), &[]).await.told(), "404 RESOURCE_NOT_FOUND");
}

#[tokio::test]
async fn the_status_of_ones_own_view_needs_the_right_to_view_and_ends_with_the_day_and_the_identity() {
    let hub = TestHub::with(&child()).await;
    let view = hub.view(&nurse(), number(1)).await;
    let path = format!("/access/{}", view.reference());
    let without_the_right = Caller { activities: Vec::new(), ..nurse() };
    assert_eq!(hub.get(&path, &without_the_right, &[]).await.told(), "403 ACCESS_DENIED");
    let audit = hub.rows("SELECT kind, outcome, detail FROM audit ORDER BY id DESC LIMIT 1");
    assert_eq!(audit, [r#"refused|not-allowed|{"asked":"status"}"#]);
    let scheduled_now = Caller { activities: midwife().activities, ..nurse() };
    assert_eq!(hub.get(&path, &scheduled_now, &[]).await.status, 200);
    hub.turn(24 * 60);
    assert_eq!(hub.get(&path, &nurse(), &[]).await.status, 200);
    hub.turn(1);
    assert_eq!(hub.get(&path, &nurse(), &[]).await.told(), "404 RESOURCE_NOT_FOUND");
    let view = hub.view(&nurse(), number(1)).await;
    let path = format!("/access/{}", view.reference());
    hub.load(&lines(&[ended(1)])).await;
    let gone = hub.get(&path, &nurse(), &[]).await;
    assert_eq!(gone.told(), "404 RESOURCE_NOT_FOUND");
    assert!(!gone.body.contains("E06000030"));
}

#[tokio::test]
async fn the_status_is_audited_when_first_read_and_at_each_change_but_not_at_each_poll() {
    let hub = TestHub::with(&child()).await;
    let view = hub.view(&nurse(), number(1)).await;
    let path = format!("/access/{}", view.reference());
    let audited = || hub.count("SELECT 1 FROM audit WHERE kind = 'status-read'");
    for _ in 0..5 {
        let status = hub.get(&path, &nurse(), &[]).await;
        assert_eq!(status.status, 200);
        assert!(status.header("server-timing").is_some(), "through the writer");
        assert_eq!(audited(), 1);
    }
    let db = rusqlite::Connection::open(&hub.database).unwrap();
    for (state, expected) in [("delivered", 2), ("filed", 3)] {
        db.execute("UPDATE outbox SET state = ?1, state_ms = state_ms + 1", [state]).unwrap();
        for _ in 0..3 {
            let status = hub.get(&path, &nurse(), &[]).await.json();
            assert_eq!(status["notices"][0]["state"], json!(state));
            assert_eq!(audited(), expected, "{state}");
        }
    }
    let other = hub.view(&nurse(), number(1)).await;
    hub.get(&format!("/access/{}", other.reference()), &nurse(), &[]).await;
    assert_eq!(audited(), 4, "another view");
    let entry = hub.rows("SELECT outcome, reference, number FROM audit WHERE kind = 'status-read' LIMIT 1");
    assert_eq!(entry, [format!("returned|{}|{}", view.reference(), number(1).digits())]);
    db.execute_batch("CREATE TRIGGER refuse BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END")
        .unwrap();
    db.execute("UPDATE outbox SET state = 'returned'", []).unwrap();
    hub.get(&path, &nurse(), &[]).await.assert_failed_without_detail();
}

#[tokio::test]
async fn a_viewers_reports_are_audited_and_only_of_its_own_views() {
    let hub = TestHub::with(&child()).await;
    let view = hub.view(&nurse(), number(1)).await;
    let report = async |who: Caller, code: &str, reference: &str| {
        let body = json!({ "resourceType": "AuditEvent", "subtype": [{ "code": code }],
            "entity": [{ "what": { "identifier": { "value": reference } } }] });
        hub.send("POST", "/cpis/FHIR/R4/AuditEvent", Some(&who), &[], Some(body.to_string())).await.told()
    };
    for code in ["copy-number", "copy-summary", "print", "export"] {
        assert_eq!(report(nurse(), code, view.reference()).await, "201");
    }
    assert_eq!(report(midwife(), "print", view.reference()).await, "404 RESOURCE_NOT_FOUND");
    assert_eq!(report(nurse(), "shred", view.reference()).await, "400 INVALID_VALUE");
    assert_eq!(report(nurse(), "print", "").await, "400 MISSING_VALUE");
    let audit =
        hub.rows("SELECT kind, outcome, user_name, number FROM audit WHERE kind IN ('print', 'copy-number')");
    let number = number(1).digits();
    assert_eq!(
        audit,
        [
            format!("copy-number|reported|Sam Okafor|{number}"),
            format!("print|reported|Sam Okafor|{number}"),
            "print|no-such-view|Asha Patel|-".to_owned()
        ]
    );
}
