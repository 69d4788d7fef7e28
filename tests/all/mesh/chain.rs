//! From extract to viewer and back, mailbox to mailbox.

use serde_json::Value;

use super::exchange::{HUB, Post, WEXCOMBES, until};
use super::link::{Link, content, stands};
use crate::hub::support::data::{lines, number, person};
use crate::hub::support::{TestHub, nurse};

pub(super) const AVA: &str = "12/03/2019,CPP,05/01/2026,";

pub(super) fn row(local_id: &str, seed: u64) -> String {
    format!("{local_id},{},Bennett,Ava,{AVA}", number(seed).digits())
}

/// So many children, whom the hub knows.
pub(super) fn children(count: u64) -> Vec<String> {
    let people: Vec<Value> = (1..=count).map(|seed| person(seed, "Bennett", "Ava", "2019-03-12")).collect();
    lines(&people)
}

/// A hub and a link with one child, uploaded by MESH.
async fn one_child(post: &Post) -> (TestHub, Link) {
    let (hub, link) = (post.hub(&children(1)).await, Link::new(post));
    let said = link.upload(&[row("A1", 1)]).await;
    assert!(said.contains("1 taken"), "{said}");
    (hub, link)
}

async fn state(hub: &TestHub, reference: &str) -> String {
    let answer = hub.get(&format!("/access/{reference}"), &nurse(), &[]).await;
    answer.json()["notices"][0]["state"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn h18_an_upload_an_access_its_note_and_its_receipt_go_by_mesh() {
    let post = Post::new();
    let (hub, link) = one_child(&post).await;
    // The document was cut into chunks, taken, and its acknowledgement fetched and acknowledged.
    let [upload] = post.messages(HUB, "CPIS_UPLOAD").try_into().unwrap();
    assert!(upload["total_chunks"].as_u64().unwrap() > 1, "{upload}");
    assert_eq!(stands(&upload), "acknowledged");
    let [said] = post.messages(WEXCOMBES, "CPIS_UPLOAD_ACK").try_into().unwrap();
    assert_eq!(stands(&said), "acknowledged");
    assert_eq!(hub.rows("SELECT state FROM authority_file"), ["complete"]);
    until("the acknowledgement is over", || hub.count("SELECT 1 FROM mesh_out") == 0).await;

    let view = hub.view(&nurse(), number(1)).await;
    assert_eq!(view.json()["total"], 1);
    let reference = view.reference().to_owned();
    until("MESH has it", || hub.rows("SELECT state FROM mesh_out") == ["accepted"]).await;
    // Accepted is not delivered.
    assert_eq!(state(&hub, &reference).await, "queued");
    let (code, said) = link.run(&["fetch"]).await;
    assert!(said.contains("1 new notification, 1 part of a case note filed."), "{code:?} {said}");
    assert_eq!(link.notes().len(), 1);
    assert_eq!(link.notes()[0]["access"]["reference"], reference);
    until("it is filed", || hub.rows("SELECT state FROM outbox") == ["filed"]).await;
    assert_eq!(state(&hub, &reference).await, "filed");
    until("MESH has nothing more to say", || hub.count("SELECT 1 FROM mesh_out") == 0).await;
    for (mailbox, workflow) in [(WEXCOMBES, "CPIS_NOTICE"), (HUB, "CPIS_NOTICE_ACK")] {
        let [message] = post.messages(mailbox, workflow).try_into().unwrap();
        until("acknowledged", || stands(&post.messages(mailbox, workflow)[0]) == "acknowledged").await;
        assert!(!content(&post, mailbox, &message).is_empty());
    }
    // Nothing more comes of it.
    let (_, said) = link.run(&["fetch"]).await;
    assert!(said.contains("Nothing new."), "{said}");
    let (code, said) = link.run(&["status"]).await;
    assert_eq!(code, Some(0), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn h18_what_was_not_delivered_comes_back_and_is_sent_again() {
    let post = Post::new();
    let (hub, link) = one_child(&post).await;
    let reference = hub.view(&nurse(), number(1)).await.reference().to_owned();
    until("sent", || hub.rows("SELECT state FROM mesh_out WHERE kind = 'notifications'") == ["accepted"])
        .await;
    let [message] = post.messages(WEXCOMBES, "CPIS_NOTICE").try_into().unwrap();
    let id = message["message_id"].as_str().unwrap().to_owned();
    let local_id = message["metadata"]["local_id"].as_str().unwrap().to_owned();
    post.give_back(HUB, "CPIS_NOTICE", &id, &local_id).await;
    until("it goes again", || post.messages(WEXCOMBES, "CPIS_NOTICE").len() == 2).await;
    let again = &post.messages(WEXCOMBES, "CPIS_NOTICE")[1];
    assert_ne!(again["metadata"]["local_id"], local_id.as_str(), "under another name");
    let (_, said) = link.run(&["fetch"]).await;
    assert!(said.contains("1 new notification, 1 part"), "{said}");
    until("filed", || hub.rows("SELECT state FROM outbox") == ["filed"]).await;
    assert_eq!(state(&hub, &reference).await, "filed");
    the_report_is_done_with(&post, HUB, "CPIS_NOTICE").await;
    assert_eq!(link.notes().len(), 1);
}

/// MESH's reports to a mailbox, of whatever was sent under a workflow.
fn reports(post: &Post, mailbox: &str, workflow: &str) -> Vec<Value> {
    let all = post.messages(mailbox, workflow).into_iter();
    all.filter(|one| one["message_type"] == "REPORT").collect()
}

/// Waits until whoever has the mailbox has read MESH's only report to it.
async fn the_report_is_done_with(post: &Post, mailbox: &str, workflow: &str) {
    until("the report is done with", || {
        let reports = reports(post, mailbox, workflow);
        reports.len() == 1 && stands(&reports[0]) == "acknowledged"
    })
    .await;
}

fn names(message: &Value) -> (&str, &str) {
    (message["message_id"].as_str().unwrap(), message["metadata"]["local_id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn h18_what_only_a_report_says_not_to_be_delivered_is_sent_again_notifications_and_receipts() {
    let post = Post::new();
    let (hub, link) = one_child(&post).await;
    hub.view(&nurse(), number(1)).await;
    until("sent", || hub.rows("SELECT state FROM mesh_out WHERE kind = 'notifications'") == ["accepted"])
        .await;
    let [message] = post.messages(WEXCOMBES, "CPIS_NOTICE").try_into().unwrap();
    let (id, local_id) = names(&message);
    post.report(HUB, "CPIS_NOTICE", id, local_id).await;
    until("it goes again", || post.messages(WEXCOMBES, "CPIS_NOTICE").len() == 2).await;
    the_report_is_done_with(&post, HUB, "CPIS_NOTICE").await;
    assert_eq!(hub.rows("SELECT state FROM outbox"), ["returned"]);
    let (_, said) = link.run(&["fetch"]).await;
    assert!(said.contains("1 new notification, 1 part"), "{said}");
    until("filed", || hub.rows("SELECT state FROM outbox") == ["filed"]).await;
    // The link's receipts in the same way, though they came all the same.
    let [receipts] = post.messages(HUB, "CPIS_NOTICE_ACK").try_into().unwrap();
    let (id, local_id) = names(&receipts);
    post.report(WEXCOMBES, "CPIS_NOTICE_ACK", id, local_id).await;
    let (_, said) = link.run(&["fetch"]).await;
    assert!(said.contains("Nothing new."), "{said}");
    the_report_is_done_with(&post, WEXCOMBES, "CPIS_NOTICE_ACK").await;
    until("the receipts go again", || post.messages(HUB, "CPIS_NOTICE_ACK").len() == 2).await;
    assert_eq!(link.notes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn h18_what_only_a_report_says_not_to_be_delivered_is_sent_again_acknowledgements() {
    let post = Post::new();
    let hub = post.hub(&children(1)).await;
    std::fs::write(post.path("document"), "no gzip").unwrap();
    post.peer(WEXCOMBES, &["damaged", HUB, "CPIS_UPLOAD", "d1", "document"]).unwrap();
    until("answered", || hub.rows("SELECT state FROM mesh_out") == ["accepted"]).await;
    let [message] = post.messages(WEXCOMBES, "CPIS_UPLOAD_ACK").try_into().unwrap();
    let (id, local_id) = names(&message);
    post.report(HUB, "CPIS_UPLOAD_ACK", id, local_id).await;
    until("answered again", || post.messages(WEXCOMBES, "CPIS_UPLOAD_ACK").len() == 2).await;
    let again = &post.messages(WEXCOMBES, "CPIS_UPLOAD_ACK")[1];
    assert_ne!(again["metadata"]["local_id"], local_id, "under another name");
    the_report_is_done_with(&post, HUB, "CPIS_UPLOAD_ACK").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn h19_a_hub_that_does_not_know_whether_it_sent_asks_first() {
    let post = Post::new();
    let (hub, link) = one_child(&post).await;
    hub.view(&nurse(), number(1)).await;
    let is = |state: &str| hub.rows("SELECT state FROM mesh_out WHERE kind = 'notifications'") == [state];
    until("sent", || is("accepted")).await;
    // As if the hub had ended before it noted that MESH had taken it, and as if its clock had been a year ahead.
    let db = rusqlite::Connection::open(&hub.database).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
    let forget = "UPDATE mesh_out SET state = 'sending', message_id = NULL, next_ms = next_ms + 31536000000 WHERE kind = 'notifications'";
    assert_eq!(db.execute(forget, []).unwrap(), 1);
    until("it knows again", || is("accepted")).await;
    assert_eq!(post.messages(WEXCOMBES, "CPIS_NOTICE").len(), 1, "it was not sent again");
    // The link after the same: its receipts went, and it ended before it noted so.
    let (_, said) = link.run(&["fetch"]).await;
    assert!(said.contains("1 new notification"), "{said}");
    let [receipt] = post.messages(HUB, "CPIS_NOTICE_ACK").try_into().unwrap();
    let noted = format!(
        "{}\n{}",
        receipt["metadata"]["local_id"].as_str().unwrap(),
        String::from_utf8(content(&post, HUB, &receipt)).unwrap()
    );
    std::fs::write(link.path("cpis-notes.db.mesh-receipts"), noted).unwrap();
    let register = rusqlite::Connection::open(link.path("cpis-notes.db")).unwrap();
    register.execute("UPDATE notice SET told = NULL", []).unwrap();
    let (_, said) = link.run(&["fetch"]).await;
    assert!(said.contains("Nothing new."), "{said}");
    assert_eq!(post.messages(HUB, "CPIS_NOTICE_ACK").len(), 1, "they were not sent again");
    assert!(!link.path("cpis-notes.db.mesh-receipts").exists());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn h18_what_a_link_acknowledged_and_lost_goes_again_after_hours() {
    let post = Post::new();
    let (hub, link) = one_child(&post).await;
    hub.view(&nurse(), number(1)).await;
    until("sent", || post.messages(WEXCOMBES, "CPIS_NOTICE").len() == 1).await;
    // A link that was put back from a backup does not know of it any more.
    let id = post.messages(WEXCOMBES, "CPIS_NOTICE")[0]["message_id"].as_str().unwrap().to_owned();
    post.peer(WEXCOMBES, &["acknowledge", &id]).unwrap();
    until("delivered", || hub.rows("SELECT state FROM outbox") == ["delivered"]).await;
    hub.turn(60 * 5);
    until("sent again", || post.messages(WEXCOMBES, "CPIS_NOTICE").len() == 2).await;
    // Twice as long the next time: a record may be away for days.
    let id = post.messages(WEXCOMBES, "CPIS_NOTICE")[1]["message_id"].as_str().unwrap().to_owned();
    post.peer(WEXCOMBES, &["acknowledge", &id]).unwrap();
    until("delivered again", || hub.count("SELECT 1 FROM mesh_out") == 0).await;
    assert_eq!(hub.rows("SELECT state, resent FROM outbox"), ["delivered|1"]);
    hub.turn(60 * 5);
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(post.messages(WEXCOMBES, "CPIS_NOTICE").len(), 2, "it rests");
    hub.turn(60 * 4);
    until("sent once more", || post.messages(WEXCOMBES, "CPIS_NOTICE").len() == 3).await;
    // By a clock that was ahead: nobody knows any more how long ago that was.
    let id = post.messages(WEXCOMBES, "CPIS_NOTICE")[2]["message_id"].as_str().unwrap().to_owned();
    post.peer(WEXCOMBES, &["acknowledge", &id]).unwrap();
    until("delivered once more", || hub.count("SELECT 1 FROM mesh_out") == 0).await;
    hub.turn(-60 * 24 * 30);
    until("sent after all", || post.messages(WEXCOMBES, "CPIS_NOTICE").len() == 4).await;
    let (_, said) = link.run(&["fetch"]).await;
    assert!(said.contains("1 new notification, 1 part"), "{said}");
    until("filed", || hub.rows("SELECT state FROM outbox") == ["filed"]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn h18_receipts_that_the_hub_lost_come_again() {
    let post = Post::new();
    let (hub, link) = one_child(&post).await;
    hub.view(&nurse(), number(1)).await;
    until("sent", || post.messages(WEXCOMBES, "CPIS_NOTICE").len() == 1).await;
    link.run(&["fetch"]).await;
    until("filed", || hub.rows("SELECT state FROM outbox") == ["filed"]).await;
    until("over", || hub.count("SELECT 1 FROM mesh_out") == 0).await;
    // A hub that was put back from a backup does not know of the receipt any more.
    let db = rusqlite::Connection::open(&hub.database).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
    db.execute("UPDATE outbox SET state = 'delivered', outcome = NULL", []).unwrap();
    hub.turn(60 * 5);
    until("sent again", || post.messages(WEXCOMBES, "CPIS_NOTICE").len() == 2).await;
    let (_, said) = link.run(&["fetch"]).await;
    assert!(said.contains("Nothing new."), "{said}");
    until("filed again", || hub.rows("SELECT state FROM outbox") == ["filed"]).await;
    assert_eq!(link.notes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn h19_what_mesh_knows_twice_of_one_name_is_over_with_its_receipts() {
    let post = Post::new();
    let (hub, link) = one_child(&post).await;
    hub.view(&nurse(), number(1)).await;
    until("sent", || hub.rows("SELECT state FROM mesh_out WHERE kind = 'notifications'") == ["accepted"])
        .await;
    let message = post.messages(WEXCOMBES, "CPIS_NOTICE").remove(0);
    let local_id = message["metadata"]["local_id"].as_str().unwrap();
    std::fs::write(post.path("document"), content(&post, WEXCOMBES, &message)).unwrap();
    post.peer(HUB, &["send", WEXCOMBES, "CPIS_NOTICE", local_id, "document"]).unwrap();
    let db = rusqlite::Connection::open(&hub.database).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
    db.execute("UPDATE mesh_out SET message_id = NULL, next_ms = 0", []).unwrap();
    let (_, said) = link.run(&["fetch"]).await;
    assert!(said.contains("1 new notification, 1 part"), "{said}");
    until("filed", || hub.rows("SELECT state FROM outbox") == ["filed"]).await;
    until("MESH has nothing more to say", || hub.count("SELECT 1 FROM mesh_out") == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn h19_what_mesh_took_and_does_not_know_yet_is_not_sent_again_for_minutes() {
    let post = Post::new();
    let (hub, _link) = one_child(&post).await;
    hub.view(&nurse(), number(1)).await;
    let is = |state: &str| hub.rows("SELECT state FROM mesh_out WHERE kind = 'notifications'") == [state];
    until("sent", || is("accepted")).await;
    // Under a name by which MESH's tracking does not know it.
    let db = rusqlite::Connection::open(&hub.database).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
    let lagging =
        "UPDATE mesh_out SET message_id = 'NOTYETKNOWN', tries = 0, next_ms = 0 WHERE kind = 'notifications'";
    db.execute(lagging, []).unwrap();
    let tries = || hub.rows("SELECT tries FROM mesh_out WHERE kind = 'notifications'").concat();
    until("it was asked after more than once", || tries().parse::<u32>().is_ok_and(|tries| tries > 2)).await;
    assert!(is("accepted") && post.messages(WEXCOMBES, "CPIS_NOTICE").len() == 1);
    // What is still not known after minutes is sent again.
    db.execute("UPDATE mesh_out SET at_ms = at_ms - 301000, next_ms = 0 WHERE kind = 'notifications'", [])
        .unwrap();
    until("sent again", || post.messages(WEXCOMBES, "CPIS_NOTICE").len() == 2).await;
}

/// Lets an insert or update of a table fail, as a full disk would.
fn stuck(db: &rusqlite::Connection, when: &str) {
    db.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
    let sql = format!("CREATE TRIGGER stuck BEFORE {when} BEGIN SELECT RAISE(ABORT, 'stuck'); END");
    db.execute_batch(&sql).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn h18_nothing_is_acknowledged_before_it_is_on_the_disk() {
    let post = Post::new();
    let (hub, link) = one_child(&post).await;
    hub.view(&nurse(), number(1)).await;
    until("sent", || post.messages(WEXCOMBES, "CPIS_NOTICE").len() == 1).await;
    // A link that cannot write.
    link.run(&["status"]).await;
    let is = |mailbox: &str, workflow: &str, status: &str| {
        let messages = post.messages(mailbox, workflow);
        messages.len() == 1 && stands(&messages[0]) == status
    };
    let notes = link.path("cpis-notes.db");
    // The register is made by a look into an empty mailbox; here by hand, of the same schema.
    let made = rusqlite::Connection::open(&notes).unwrap();
    made.execute_batch(include_str!("../../../src/authority/register/0001.sql")).unwrap();
    made.pragma_update(None, "user_version", 1).unwrap();
    stuck(&made, "INSERT ON notice");
    let (_, said) = link.run(&["fetch"]).await;
    assert!(said.contains("the register cannot be used"), "{said}");
    assert!(is(WEXCOMBES, "CPIS_NOTICE", "accepted"), "it was acknowledged");
    made.execute_batch("DROP TRIGGER stuck").unwrap();
    // A hub that cannot write.
    let db = rusqlite::Connection::open(&hub.database).unwrap();
    stuck(&db, "UPDATE OF outcome ON outbox");
    let (_, said) = link.run(&["fetch"]).await;
    assert!(said.contains("1 new notification, 1 part"), "{said}");
    assert!(is(WEXCOMBES, "CPIS_NOTICE", "acknowledged"));
    until("the receipt is there", || post.messages(HUB, "CPIS_NOTICE_ACK").len() == 1).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert!(is(HUB, "CPIS_NOTICE_ACK", "accepted"), "it was acknowledged");
    db.execute_batch("DROP TRIGGER stuck").unwrap();
    until("filed", || hub.rows("SELECT state FROM outbox") == ["filed"]).await;
    until("and then acknowledged", || is(HUB, "CPIS_NOTICE_ACK", "acknowledged")).await;
}
