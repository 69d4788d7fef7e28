//! One message that nobody can read keeps nothing else waiting, at either end.

use cpis::domain::PlanKind;

use super::chain::{children, row};
use super::exchange::{ALDBURYS, HUB, Post, STRANGERS, WEXCOMBES, hub_with, until};
use super::link::{Link, content, stands};
use crate::hub::support::data::number;
use crate::hub::support::nurse;
use crate::hub::support::uploads::{ALDBURY, Told, WEXCOMBE, ava, document, since};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn h19_a_notification_that_cannot_be_unpacked_keeps_no_other_from_the_record() {
    let post = Post::new();
    let (hub, link) = (post.hub(&children(1)).await, Link::new(&post));
    let said = link.upload(&[row("A1", 1)]).await;
    assert!(said.contains("1 taken"), "{said}");
    std::fs::write(post.path("document"), "no gzip").unwrap();
    post.peer(HUB, &["damaged", WEXCOMBES, "CPIS_NOTICE", "d1", "document"]).unwrap();
    post.peer(STRANGERS, &["damaged", WEXCOMBES, "CPIS_NOTICE", "d2", "document"]).unwrap();
    hub.view(&nurse(), number(1)).await;
    until("sent", || post.messages(WEXCOMBES, "CPIS_NOTICE").len() == 3).await;
    let (_, said) = link.run(&["fetch"]).await;
    assert!(said.contains("1 new notification, 1 part of a case note filed."), "{said}");
    assert!(said.contains("a message was left in the mailbox"), "{said}");
    until("it is filed", || hub.rows("SELECT state FROM outbox") == ["filed"]).await;
    let left = post.messages(WEXCOMBES, "CPIS_NOTICE");
    assert_eq!(left.iter().filter(|message| stands(message) == "accepted").count(), 1, "the hub's alone");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn h26_an_upload_that_cannot_be_unpacked_is_answered_once_and_receipts_stay() {
    let post = Post::new();
    let hub = post.hub(&children(1)).await;
    // Receipts that cannot be unpacked may be whole another time: they are not acknowledged.
    std::fs::write(post.path("document"), "no gzip").unwrap();
    post.peer(WEXCOMBES, &["damaged", HUB, "CPIS_NOTICE_ACK", "d1", "document"]).unwrap();
    post.peer(WEXCOMBES, &["damaged", HUB, "CPIS_UPLOAD", "d2", "document"]).unwrap();
    until("answered", || post.messages(WEXCOMBES, "CPIS_UPLOAD_ACK").len() == 1).await;
    let said = content(&post, WEXCOMBES, &post.messages(WEXCOMBES, "CPIS_UPLOAD_ACK")[0]);
    assert_eq!(Told::read(&String::from_utf8(said).unwrap()).code().code(), "CPF01");
    until("done with", || stands(&post.messages(HUB, "CPIS_UPLOAD")[0]) == "acknowledged").await;
    let audited = "SELECT outcome, user_id FROM audit WHERE kind = 'upload'";
    assert_eq!(hub.rows(audited), [format!("not-understood|authority:{WEXCOMBE}")]);
    // The next is taken.
    let plan = document(WEXCOMBE, 1, &[ava(vec![since(PlanKind::ChildProtection, "2026-01-05")])]);
    std::fs::write(post.path("document"), plan).unwrap();
    post.peer(WEXCOMBES, &["send", HUB, "CPIS_UPLOAD", "own", "document"]).unwrap();
    until("applied", || hub.rows("SELECT state FROM authority_file") == ["complete"]).await;
    assert_eq!(stands(&post.messages(HUB, "CPIS_NOTICE_ACK")[0]), "accepted");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn h26_a_link_whose_upload_could_not_be_unpacked_sends_it_once_more_and_then_says_so() {
    // A relay that loses next to nothing, and fails with what it is told to fail with.
    let post = Post::through(1, 1);
    let (hub, link) = (post.hub(&children(1)).await, Link::new(&post));
    std::fs::write(post.path("document"), "no gzip").unwrap();
    // As if that were the link's own, damaged on its way.
    post.peer(WEXCOMBES, &["damaged", HUB, "CPIS_UPLOAD", "d1", "document"]).unwrap();
    until("answered", || post.messages(WEXCOMBES, "CPIS_UPLOAD_ACK").len() == 1).await;
    let said = link.upload(&[row("A1", 1)]).await;
    assert!(said.contains("1 taken"), "{said}");
    let uploads = post.messages(HUB, "CPIS_UPLOAD");
    assert_eq!(uploads.len(), 3, "the damaged one, and its own twice");
    assert_ne!(uploads[1]["metadata"]["local_id"], uploads[2]["metadata"]["local_id"]);
    assert_eq!(hub.rows("SELECT state FROM authority_file"), ["complete"]);
    assert_eq!(hub.count("SELECT 1 FROM plan"), 1);
    // Again and again: somebody has to look, and is not kept waiting.
    let is_open = |answer: &serde_json::Value| {
        let said = String::from_utf8(content(&post, WEXCOMBES, answer)).unwrap();
        stands(answer) == "accepted" && Told::read(&said).code().code() == "CPF01"
    };
    for (nth, count) in [("d2", 1), ("d3", 2)] {
        post.peer(WEXCOMBES, &["damaged", HUB, "CPIS_UPLOAD", nth, "document"]).unwrap();
        until("answered", || {
            post.messages(WEXCOMBES, "CPIS_UPLOAD_ACK").iter().filter(|answer| is_open(answer)).count()
                == count
        })
        .await;
    }
    // What the link sends now the hub does not get: there is nothing else that it could hear of.
    post.fails(&format!("GET /messageexchange/{HUB}/inbox/"));
    let said = link.upload(&[row("A1", 1), row("A2", 2)]).await;
    assert!(said.contains("cannot unpack"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn h26_a_link_of_whose_acknowledgement_mesh_takes_none_counts_a_damaged_upload_once() {
    let post = Post::through(1, 1);
    let (hub, link) = (post.hub(&children(1)).await, Link::new(&post));
    std::fs::write(post.path("document"), "no gzip").unwrap();
    post.peer(WEXCOMBES, &["damaged", HUB, "CPIS_UPLOAD", "d1", "document"]).unwrap();
    until("answered", || post.messages(WEXCOMBES, "CPIS_UPLOAD_ACK").len() == 1).await;
    let answer = post.messages(WEXCOMBES, "CPIS_UPLOAD_ACK").remove(0);
    let id = answer["message_id"].as_str().unwrap();
    // It comes again and again, and the hub's answer to what the link sends is slow to go.
    let answers = format!("PUT /messageexchange/{WEXCOMBES}/inbox/{id}/");
    post.fails(&format!("{answers}\nPOST /messageexchange/{HUB}/outbox"));
    let rows = [row("A1", 1)];
    let later = async {
        let refused = || post.log("relay").matches(&format!("{id}/status/acknowledged 503 bad")).count();
        until("it came again", || refused() > 1).await;
        post.fails(&answers);
    };
    let (said, ()) = tokio::join!(link.upload(&rows), later);
    assert!(said.contains("1 taken"), "{said}");
    assert_eq!(hub.rows("SELECT state FROM authority_file"), ["complete"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn h19_a_notification_of_which_mesh_does_not_take_the_acknowledgement_has_its_receipt_once() {
    let post = Post::through(1, 1);
    let (hub, link) = (post.hub(&children(1)).await, Link::new(&post));
    let said = link.upload(&[row("A1", 1)]).await;
    assert!(said.contains("1 taken"), "{said}");
    hub.view(&nurse(), number(1)).await;
    until("sent", || post.messages(WEXCOMBES, "CPIS_NOTICE").len() == 1).await;
    post.fails(&format!("PUT /messageexchange/{WEXCOMBES}/inbox/"));
    let failed = || post.log("relay").matches("503 bad").count();
    let (_, said) = link.run(&["fetch"]).await;
    assert!(said.contains("1 new notification, 1 part of a case note filed."), "{said}");
    until("filed", || hub.rows("SELECT state FROM outbox") == ["filed"]).await;
    let before = failed();
    for _ in 0..3 {
        link.run(&["fetch"]).await;
    }
    assert!(failed() > before, "it came again");
    post.fails("");
    until("it is let go", || {
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(link.run(&["fetch"])));
        stands(&post.messages(WEXCOMBES, "CPIS_NOTICE")[0]) == "acknowledged"
    })
    .await;
    assert_eq!(post.messages(HUB, "CPIS_NOTICE_ACK").len(), 1);
    assert_eq!(std::fs::read_to_string(link.path("cpis-notes.db.mesh-kept")).unwrap(), "");
    assert_eq!(link.notes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn h18_h19_one_message_with_which_mesh_always_fails_stops_nothing_behind_it_at_either_end() {
    let post = Post::through(1, 1);
    let (hub, link) = (post.hub(&children(1)).await, Link::new(&post));
    let said = link.upload(&[row("A1", 1)]).await;
    assert!(said.contains("1 taken"), "{said}");
    std::fs::write(post.path("document"), "{}").unwrap();
    // In front of the notification, and in front of its receipt.
    post.fails(&format!("GET /messageexchange/{HUB}/inbox/"));
    let at_hub = post.peer(WEXCOMBES, &["send", HUB, "CPIS_NOTICE_ACK", "b1", "document"]).unwrap();
    let failed = || post.log("relay").matches("503 bad").count();
    until("the hub has tried", || failed() > 0).await;
    let at_link = post.peer(HUB, &["send", WEXCOMBES, "CPIS_NOTICE", "b2", "document"]).unwrap();
    hub.view(&nurse(), number(1)).await;
    until("sent", || post.messages(WEXCOMBES, "CPIS_NOTICE").len() == 2).await;
    let of = |mailbox: &str, id: &str| format!("GET /messageexchange/{mailbox}/inbox/{id}\n");
    post.fails(&[of(HUB, &at_hub), of(WEXCOMBES, &at_link)].concat());
    let at_links = || post.log("relay").matches(&format!("/inbox/{at_link} 503 bad")).count();
    let (_, said) = link.run(&["fetch"]).await;
    assert_eq!(at_links(), 1, "{}", post.log("relay"));
    assert!(said.contains("1 new notification, 1 part of a case note filed."), "{said}");
    assert!(said.contains("a message was left in the mailbox"), "{said}");
    // A single run knows of it afterwards.
    let (_, said) = link.run(&["status"]).await;
    assert!(said.contains("could not be taken"), "{said}");
    until("its receipt has come", || hub.rows("SELECT state FROM outbox") == ["filed"]).await;
    for message in [&post.messages(WEXCOMBES, "CPIS_NOTICE")[0], &post.messages(HUB, "CPIS_NOTICE_ACK")[0]] {
        assert_eq!(stands(message), "accepted", "it stays where it is");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn h26_a_damaged_upload_of_which_mesh_does_not_take_the_acknowledgement_is_answered_once() {
    let post = Post::through(1, 1);
    let _hub = post.hub(&children(1)).await;
    std::fs::write(post.path("document"), "no gzip").unwrap();
    post.fails(&format!("PUT /messageexchange/{HUB}/inbox/"));
    post.peer(WEXCOMBES, &["damaged", HUB, "CPIS_UPLOAD", "d1", "document"]).unwrap();
    until("it was tried again", || post.log("relay").matches("503 bad").count() >= 3).await;
    until("answered", || post.messages(WEXCOMBES, "CPIS_UPLOAD_ACK").len() == 1).await;
    post.fails("");
    until("done with", || stands(&post.messages(HUB, "CPIS_UPLOAD")[0]) == "acknowledged").await;
    assert_eq!(post.messages(WEXCOMBES, "CPIS_UPLOAD_ACK").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn h26_a_link_whose_mailbox_is_another_authoritys_at_the_hub_hears_so() {
    let post = Post::new();
    let moved = [(WEXCOMBE, ALDBURYS), (ALDBURY, WEXCOMBES)];
    let (hub, link) = (hub_with(post.settings(), &moved, &children(1)).await, Link::new(&post));
    let said = link.upload(&[row("A1", 1)]).await;
    assert!(said.contains("names another authority than the mailbox"), "{said}");
    assert_eq!(hub.count("SELECT 1 FROM plan"), 0);
    // Nothing is under way any more: the next is sent, and answered in the same way.
    let said = link.upload(&[row("A1", 1)]).await;
    assert!(said.contains("names another authority than the mailbox"), "{said}");
    until("both acknowledgements are done with", || {
        let said = post.messages(WEXCOMBES, "CPIS_UPLOAD_ACK");
        said.len() == 2 && said.iter().all(|one| stands(one) == "acknowledged")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn h18_a_message_that_cannot_be_taken_is_not_fetched_with_each_round_and_is_still_told_of() {
    // A relay that loses next to nothing, and counts.
    let post = Post::through(1, 1);
    let (hub, link) = (post.hub(&children(1)).await, Link::new(&post));
    let said = link.upload(&[row("A1", 1)]).await;
    assert!(said.contains("1 taken"), "{said}");
    std::fs::write(post.path("document"), "no gzip").unwrap();
    let id = post.peer(HUB, &["damaged", WEXCOMBES, "CPIS_NOTICE", "d1", "document"]).unwrap();
    let mut listening = link.command(&["listen"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    let rounds = || post.log("relay").matches(&format!("GET /messageexchange/{WEXCOMBES}/inbox?")).count();
    let before = rounds();
    until("many rounds", || rounds() > before + 16).await;
    let fetched = post.log("relay").matches(&format!("/inbox/{id} passed")).count();
    // Twice, and then it rests for a minute, for two and so on; a slow machine may see more of them.
    assert!((1..=5).contains(&fetched), "{fetched}");
    let (_, said) = link.run(&["status"]).await;
    assert!(said.contains("could not be taken"), "{said}");
    hub.view(&nurse(), number(1)).await;
    until("what is behind it is filed", || hub.rows("SELECT state FROM outbox") == ["filed"]).await;
    listening.kill().unwrap();
    listening.wait().unwrap();
}
