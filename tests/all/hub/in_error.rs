//! Opened in error: what is taken back, what is told after all, and what is used up.

use uuid::Uuid;

use super::support::answer::Answer;
use super::support::data::{child, number};
use super::support::{TestHub, caller, midwife, nurse};

const NOTICES: &str =
    "SELECT kind, authority_code, sequence, attendance = reference, state FROM outbox ORDER BY id";

async fn mark(hub: &TestHub, view: &Answer) {
    let path = format!("/access/{}/opened-in-error", view.reference());
    assert_eq!(hub.send("POST", &path, Some(&nurse()), &[], None).await.status, 204);
}

#[tokio::test]
async fn opened_in_error_is_told_as_a_correction_once_and_only_for_ten_minutes() {
    let hub = TestHub::with(&child()).await;
    let view = hub.view(&nurse(), number(1)).await;
    let path = format!("/access/{}/opened-in-error", view.reference());
    let colleague = caller("Ann Lee", "RN3", &["B0107"]);
    let by_another = hub.send("POST", &path, Some(&colleague), &[], None).await;
    assert_eq!(by_another.told(), "404 RESOURCE_NOT_FOUND");
    hub.turn(10);
    for _ in 0..2 {
        assert_eq!(hub.send("POST", &path, Some(&nurse()), &[], None).await.status, 204);
    }
    assert_eq!(
        hub.rows(NOTICES),
        ["notification|E06000030|first|1|queued", "correction|E06000030|first|1|queued"]
    );
    let audit = hub.rows("SELECT outcome FROM audit WHERE kind = 'opened-in-error'");
    assert_eq!(audit, ["no-such-view", "logged", "said-before"]);
    // What was taken back does not spare a later, deliberate view its notification.
    let deliberate = hub.view(&nurse(), number(1)).await;
    assert_eq!(hub.rows("SELECT sequence FROM outbox ORDER BY id DESC LIMIT 1"), ["first"]);
    hub.turn(11);
    let late = format!("/access/{}/opened-in-error", deliberate.reference());
    assert_eq!(hub.send("POST", &late, Some(&nurse()), &[], None).await.told(), "409 TOO_LATE");
    assert_eq!(hub.count("SELECT 1 FROM outbox WHERE kind = 'correction'"), 1);
}

#[tokio::test]
async fn h18_a_deliberate_view_that_was_spared_by_one_in_error_is_told_after_all() {
    let hub = TestHub::with(&child()).await;
    let in_error = hub.view(&nurse(), number(1)).await;
    hub.turn(2);
    let deliberate = hub.view(&nurse(), number(1)).await;
    hub.turn(2);
    let again = hub.view(&nurse(), number(1)).await;
    let state = async |view: &Answer| {
        let status = hub.get(&format!("/access/{}", view.reference()), &nurse(), &[]).await.json();
        status["notices"][0]["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        (state(&deliberate).await, state(&again).await),
        ("told-earlier".to_owned(), "told-earlier".to_owned())
    );
    let path = format!("/access/{}/opened-in-error", in_error.reference());
    assert_eq!(hub.send("POST", &path, Some(&nurse()), &[], None).await.status, 204);
    assert_eq!(
        (state(&deliberate).await, state(&again).await),
        ("queued".to_owned(), "told-earlier".to_owned())
    );
    let told = hub.rows("SELECT kind, sequence, reference = attendance, reference FROM outbox ORDER BY id");
    let (wrong, right) = (in_error.reference(), deliberate.reference());
    assert_eq!(
        told,
        [
            format!("notification|first|1|{wrong}"),
            format!("correction|first|1|{wrong}"),
            format!("notification|first|1|{right}")
        ]
    );
}

#[tokio::test]
async fn the_traceid_of_a_view_that_was_opened_in_error_is_used_up() {
    let hub = TestHub::with(&child()).await;
    let trace = Uuid::new_v4();
    let view = hub.view_again(&nurse(), number(1), trace, true).await;
    mark(&hub, &view).await;
    let again = hub.view_again(&nurse(), number(1), trace, true).await;
    assert_eq!(again.told(), "400 PRECONDITION_FAILED");
    assert!(again.header("x-access-reference").is_none() && !again.body.contains("CareTeam"));
    assert_eq!(hub.rows("SELECT outcome FROM audit ORDER BY id DESC LIMIT 1"), ["trace-used-up"]);
    assert_eq!(hub.history(&nurse(), number(1)).await.told(), "403 ACCESS_DENIED");
    assert_eq!(hub.count("SELECT 1 FROM outbox"), 2, "the notification and its correction");
    let silent = hub.view_again(&midwife(), number(1), trace, true).await;
    assert_eq!(silent.total(), 1, "another user's TraceID is another view");
}

#[tokio::test]
async fn marking_all_views_newest_first_corrects_what_was_told_and_tells_nothing_new() {
    let hub = TestHub::with(&child()).await;
    let mut views = Vec::new();
    for _ in 0..3 {
        views.push(hub.view(&nurse(), number(1)).await);
        hub.turn(1);
    }
    for view in views.iter().rev() {
        mark(&hub, view).await;
    }
    let first = views[0].reference();
    assert_eq!(
        hub.rows("SELECT kind, reference FROM outbox ORDER BY id"),
        [format!("notification|{first}"), format!("correction|{first}")]
    );
}

#[tokio::test]
async fn an_attendance_goes_on_where_its_first_view_was_in_error_and_a_later_one_was_not() {
    let hub = TestHub::with(&child()).await;
    let first = hub.view(&nurse(), number(1)).await;
    hub.turn(5);
    hub.view(&caller("Ann Lee", "RN3", &["B0107"]), number(1)).await;
    mark(&hub, &first).await;
    let check = async |minutes: i64, expected: Option<&str>| {
        hub.turn(minutes);
        let view = hub.view(&caller(&format!("Nurse {minutes}"), "RN3", &["B0107"]), number(1)).await;
        let last = hub.rows("SELECT sequence, attendance FROM outbox ORDER BY id DESC LIMIT 1").concat();
        let expected = match expected {
            Some(attendance) => format!("repeat|{attendance}"),
            None => format!("first|{}", view.reference()),
        };
        assert_eq!(last, expected, "after {minutes} more minutes");
    };
    check(60, Some(first.reference())).await;
    // Twelve hours after the first of it that was not in error.
    check(11 * 60 - 1, Some(first.reference())).await;
    check(1, None).await;
}
