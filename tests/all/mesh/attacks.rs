//! Whoever is not who they say, and whatever comes again.

use cpis::domain::PlanKind;
use cpis::exchange::notice::{self, Mark, Outcome, Receipt, Receipts};
use jiff::Timestamp;

use super::chain::{children, row};
use super::exchange::{ALDBURYS, HUB, Post, STRANGERS, WEXCOMBES, until};
use super::link::{Link, content, stands};
use crate::hub::support::data::number;
use crate::hub::support::uploads::{ALDBURY, Told, WEXCOMBE, ava, document, since};
use crate::hub::support::{NOW, TestHub, at, nurse};

fn plan() -> Vec<u8> {
    document(WEXCOMBE, 1, &[ava(vec![since(PlanKind::ChildProtection, "2026-01-05")])])
}

fn send(post: &Post, arguments: &[&str], what: &[u8]) -> String {
    std::fs::write(post.path("document"), what).unwrap();
    post.peer(arguments[0], &arguments[1..]).unwrap()
}

fn audited(hub: &TestHub) -> Vec<String> {
    hub.rows(
        "SELECT outcome, user_id, coalesce(json_extract(detail, '$.mailbox'), json_extract(detail, '$.named'), '') FROM audit
         WHERE kind = 'upload' ORDER BY id",
    )
}

async fn done_with(post: &Post, workflow: &str, count: usize) {
    until("the hub is done with it", || {
        let messages = post.messages(HUB, workflow);
        messages.len() == count && messages.iter().all(|message| stands(message) == "acknowledged")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn h26_uploads_of_strangers_of_others_and_again_change_nothing() {
    let post = Post::new();
    let hub = post.hub(&children(1)).await;
    // A stranger says that it is Wexcombe's mailbox: MESH says who it is.
    send(&post, &[STRANGERS, "forge", WEXCOMBES, HUB, "CPIS_UPLOAD", "forged", "document"], &plan());
    done_with(&post, "CPIS_UPLOAD", 1).await;
    assert_eq!(audited(&hub), [format!("unknown-mailbox|authority:|{STRANGERS}")]);
    // Aldbury sends a file that names Wexcombe.
    send(&post, &[ALDBURYS, "send", HUB, "CPIS_UPLOAD", "others", "document"], &plan());
    done_with(&post, "CPIS_UPLOAD", 2).await;
    assert_eq!(audited(&hub)[1..], [format!("other-authority|authority:{ALDBURY}|{WEXCOMBE}")]);
    until("it is told so", || post.messages(ALDBURYS, "CPIS_UPLOAD_ACK").len() == 1).await;
    let said = content(&post, ALDBURYS, &post.messages(ALDBURYS, "CPIS_UPLOAD_ACK")[0]);
    let said = Told::read(&String::from_utf8(said).unwrap());
    // Under the name, number and digest that the file has: its sender knows by that which file it is of.
    assert_eq!((said.code().code(), said.what.authority_code.as_str()), ("CPF04", WEXCOMBE));
    assert!(said.what.sequence == Some(1) && said.what.digest.is_some());
    assert_eq!((hub.count("SELECT 1 FROM plan"), hub.count("SELECT 1 FROM authority_file")), (0, 0));
    // Wexcombe's own; and the same again, by whoever could replay it.
    for time in 1..=2 {
        let local_id = format!("own-{time}");
        send(&post, &[WEXCOMBES, "send", HUB, "CPIS_UPLOAD", &local_id, "document", "500"], &plan());
        done_with(&post, "CPIS_UPLOAD", 2 + time).await;
        until("applied", || hub.rows("SELECT state FROM authority_file") == ["complete"]).await;
        until("answered", || post.messages(WEXCOMBES, "CPIS_UPLOAD_ACK").len() == time).await;
        assert_eq!(hub.count("SELECT 1 FROM plan"), 1);
    }
    // What is no upload at all, and what nobody sends the hub.
    send(&post, &[WEXCOMBES, "send", HUB, "CPIS_UPLOAD", "tea", "document"], b"tea");
    send(&post, &[WEXCOMBES, "send", HUB, "CPIS_UPLOAD_ACK", "odd", "document"], b"tea");
    done_with(&post, "CPIS_UPLOAD", 5).await;
    done_with(&post, "CPIS_UPLOAD_ACK", 1).await;
    until("answered", || post.messages(WEXCOMBES, "CPIS_UPLOAD_ACK").len() == 3).await;
    let said = content(&post, WEXCOMBES, &post.messages(WEXCOMBES, "CPIS_UPLOAD_ACK")[2]);
    assert_eq!(Told::read(&String::from_utf8(said).unwrap()).code().code(), "CPF01");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn h19_notifications_and_receipts_of_strangers_and_again_change_nothing() {
    let post = Post::new();
    let (hub, link) = (post.hub(&children(1)).await, Link::new(&post));
    let said = link.upload(&[row("A1", 1)]).await;
    assert!(said.contains("1 taken"), "{said}");
    hub.view(&nurse(), number(1)).await;
    until("sent", || post.messages(WEXCOMBES, "CPIS_NOTICE").len() == 1).await;
    let true_one = content(&post, WEXCOMBES, &post.messages(WEXCOMBES, "CPIS_NOTICE")[0]);
    let (_, items) = notice::read(&true_one).unwrap();
    let mark: &Mark = items[0].mark();

    // Receipts for it of somebody else, under their name and under Wexcombe's; and of a stranger who says to be Wexcombe's mailbox.
    let receipts = |code: &str| {
        let receipt = Receipt { mark: mark.clone(), outcome: Outcome::Documented, at: at(NOW) };
        let what = Receipts { authority_code: code.to_owned(), receipts: vec![receipt] };
        notice::write_receipts(&what, Timestamp::UNIX_EPOCH)
    };
    send(&post, &[ALDBURYS, "send", HUB, "CPIS_NOTICE_ACK", "r1", "document"], &receipts(ALDBURY));
    send(&post, &[ALDBURYS, "send", HUB, "CPIS_NOTICE_ACK", "r2", "document"], &receipts(WEXCOMBE));
    let forged = [STRANGERS, "forge", WEXCOMBES, HUB, "CPIS_NOTICE_ACK", "r3", "document"];
    send(&post, &forged, &receipts(WEXCOMBE));
    send(&post, &[ALDBURYS, "send", HUB, "CPIS_NOTICE_ACK", "r4", "document"], b"tea");
    done_with(&post, "CPIS_NOTICE_ACK", 4).await;
    assert_eq!(hub.rows("SELECT state, outcome FROM outbox"), ["queued|-"]);
    let refused = |outcome: &str| audited(&hub).iter().filter(|row| row.starts_with(outcome)).count();
    assert_eq!((refused("other-authority"), refused("unknown-mailbox"), refused("refused")), (1, 1, 1));

    // Notifications of a stranger who says to be the hub; the true one, and the same again.
    let forged = [STRANGERS, "forge", HUB, WEXCOMBES, "CPIS_NOTICE", "n1", "document"];
    let made_up = String::from_utf8(true_one.clone()).unwrap().replace("Sam Okafor", "Mallory");
    send(&post, &forged, made_up.as_bytes());
    send(&post, &[HUB, "send", WEXCOMBES, "CPIS_NOTICE", "n2", "document"], &true_one);
    let (_, said) = link.run(&["fetch"]).await;
    assert!(said.contains("1 new notification, 1 part of a case note filed."), "{said}");
    assert!(
        said.contains(&format!("a message from {STRANGERS}, which is not the hub's mailbox, was refused")),
        "{said}"
    );
    assert_eq!(link.notes().len(), 1);
    assert!(!link.notes()[0].to_string().contains("Mallory"));
    // What cannot be read stays, and keeps nothing behind it from its record.
    send(&post, &[HUB, "send", WEXCOMBES, "CPIS_NOTICE", "n3", "document"], b"tea");
    hub.turn(60 * 13);
    hub.view(&nurse(), number(1)).await;
    until("sent", || post.messages(WEXCOMBES, "CPIS_NOTICE").len() == 5).await;
    let (code, said) = link.run(&["fetch"]).await;
    assert!(
        said.contains("1 new notification") && said.contains("what the hub sent was not taken"),
        "{said}"
    );
    assert_eq!((code, link.notes().len()), (Some(1), 2));
    until("both are filed", || hub.rows("SELECT DISTINCT state FROM outbox") == ["filed"]).await;
}
