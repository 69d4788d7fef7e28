//! One message that nobody can read keeps nothing else waiting, at either end.

use cpis::domain::PlanKind;

use super::chain::{children, row};
use super::exchange::{HUB, Post, STRANGERS, WEXCOMBES, until};
use super::link::{Link, content, stands};
use crate::hub::support::data::number;
use crate::hub::support::nurse;
use crate::hub::support::uploads::{Told, WEXCOMBE, ava, document, since};

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
