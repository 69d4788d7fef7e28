//! Our client and NHS England's, each as the other's other end.

use cpis::config::mesh::RestSettings;
use cpis::mesh::{Client, Content, Kind, MailboxId, MeshError, MessageId, Outgoing, Standing};

use super::exchange::{HUB, Post, STRANGERS, WEXCOMBES};
use super::link::Link;
use crate::hub::support::{NOW, at};

fn text(length: usize) -> Vec<u8> {
    (0..length as u32).map(|byte| (byte.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

async fn send(
    post: &Post,
    settings: &RestSettings,
    to: &str,
    id: &str,
    what: &[u8],
) -> Result<MessageId, MeshError> {
    let outgoing = Outgoing {
        to: &MailboxId::parse(to).unwrap(),
        workflow: "W1",
        local_id: id,
        file_name: "w1.dat",
        content: Content::Bytes(what.to_vec()),
    };
    post.client_of(HUB, settings).send(outgoing).await
}

#[tokio::test]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn what_our_client_sends_theirs_reads_whole_and_in_chunks() {
    let post = Post::new();
    for (chunk_bytes, chunks) in [(1024 * 1024, "1"), (10_000, "6")] {
        let sent = text(55_555);
        let settings = RestSettings { chunk_bytes, ..post.rest() };
        let local_id = format!("ours-{chunks}");
        let id = send(&post, &settings, WEXCOMBES, &local_id, &sent).await.unwrap();
        assert_eq!(post.peer(WEXCOMBES, &["inbox"]).unwrap(), id.as_str());
        let headers = post.peer(WEXCOMBES, &["fetch", id.as_str(), "got"]).unwrap();
        assert!(std::fs::read(post.path("got")).unwrap() == sent);
        let headers: serde_json::Value = serde_json::from_str(&headers).unwrap();
        assert_eq!((&headers["from"], &headers["workflowid"]), (&HUB.into(), &"W1".into()));
        assert_eq!(
            (&headers["localid"], &headers["total-chunks"]),
            (&local_id.clone().into(), &chunks.into())
        );
        let mailbox = post.client(HUB);
        assert_eq!(mailbox.standing_of(&local_id).await, Ok(Standing::Accepted(Some(id.clone()))));
        post.peer(WEXCOMBES, &["acknowledge", id.as_str()]).unwrap();
        assert_eq!(mailbox.standing_of(&local_id).await, Ok(Standing::Acknowledged));
        assert_eq!(mailbox.standing_of_message(&id).await, Ok(Standing::Acknowledged));
    }
    let mailbox = post.client(HUB);
    assert_eq!(mailbox.standing_of("never sent/at all").await, Ok(Standing::NotThere));
    // Two of one name: it was sent.
    for _ in 0..2 {
        send(&post, &post.rest(), WEXCOMBES, "twice", b"x").await.unwrap();
    }
    assert_eq!(mailbox.standing_of("twice").await, Ok(Standing::Accepted(None)));
    assert_eq!(
        send(&post, &post.rest(), "NOBODY1", "lost", b"x").await,
        Err(MeshError::NoSuchMailbox),
        "code 12"
    );
}

#[tokio::test]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn what_their_client_sends_ours_reads_and_acknowledges() {
    let post = Post::new();
    let mailbox = post.client(HUB);
    mailbox.handshake().await.unwrap();
    assert_eq!(mailbox.inbox("W1").await, Ok(Vec::new()));
    let sent = text(33_333);
    std::fs::write(post.path("sent"), &sent).unwrap();
    let id = post.peer(WEXCOMBES, &["send", HUB, "W1", "theirs", "sent", "10000"]).unwrap();
    post.peer(STRANGERS, &["send", HUB, "W2", "other", "sent"]).unwrap();
    let [found] = mailbox.inbox("W1").await.unwrap().try_into().unwrap();
    assert_eq!(found.as_str(), id);
    let mut got = (Vec::new(), sent.len());
    let header = mailbox.fetch(&found, |_| true, &mut got).await.unwrap();
    assert_eq!((header.kind, header.chunks), (Kind::Data, 4));
    assert_eq!(header.from, MailboxId::parse(WEXCOMBES));
    assert!(got.0 == sent);
    let short = mailbox.fetch(&found, |_| true, &mut (Vec::new(), sent.len() - 1)).await;
    assert_eq!(short, Err(MeshError::TooLong));
    // Once acknowledged it is gone; acknowledging again changes nothing.
    assert_eq!(post.peer(WEXCOMBES, &["track", &id]).unwrap(), "accepted");
    for _ in 0..2 {
        mailbox.acknowledge(&found).await.unwrap();
    }
    assert_eq!(mailbox.inbox("W1").await, Ok(Vec::new()));
    assert_eq!(post.peer(WEXCOMBES, &["track", &id]).unwrap(), "acknowledged");
    // The sandbox's own mailbox of an organisation, and nobody's.
    let found = mailbox.look_up("X26", "TEST_WORKFLOW").await.unwrap();
    assert_eq!(found, [MailboxId::parse("X26ABC2").unwrap()]);
    assert_eq!(mailbox.look_up("NOBODY", "TEST WORKFLOW/..").await.unwrap_or_default(), []);
    // More than a page.
    for place in 0..25 {
        send(&post, &post.rest(), HUB, &format!("many-{place}"), b"x").await.unwrap();
    }
    assert_eq!(mailbox.inbox("W1").await.unwrap().len(), 25);
}

#[tokio::test]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn whoever_cannot_prove_the_mailbox_gets_nothing() {
    let post = Post::new();
    std::fs::write(post.path("wrong"), "wrong").unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(post.path("wrong"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    for wrong in [
        RestSettings { password_file: post.path("wrong"), ..post.rest() },
        RestSettings { shared_key_file: post.path("wrong"), ..post.rest() },
    ] {
        let mailbox = post.client_of(HUB, &wrong);
        assert_eq!(mailbox.handshake().await, Err(MeshError::NotAllowed));
        assert_eq!(mailbox.inbox("W1").await, Err(MeshError::NotAllowed));
        assert_eq!(send(&post, &wrong, WEXCOMBES, "wrong", b"x").await, Err(MeshError::NotAllowed));
    }
    assert!(post.messages(WEXCOMBES, "W1").is_empty());
    // A certificate of another authority: no connection; and MESH's own is believed only of the configured one.
    let stranger = RestSettings {
        certificate: post.path("stranger.pem"),
        key: post.path("stranger-key.pem"),
        ..post.rest()
    };
    let elsewhere = RestSettings { certificate_authority: Some(post.path("owners.pem")), ..post.rest() };
    for wrong in [stranger, elsewhere] {
        let said = post.client_of(HUB, &wrong).handshake().await;
        assert!(matches!(said, Err(MeshError::NotReached(_))), "{said:?}");
    }
    // A key that everybody on the machine can read is nobody's proof.
    #[cfg(unix)]
    {
        std::fs::copy(post.path("owner-key.pem"), post.path("open-key.pem")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        std::fs::set_permissions(post.path("open-key.pem"), mode).unwrap();
        let open = RestSettings { key: post.path("open-key.pem"), ..post.rest() };
        let mailbox = MailboxId::parse(HUB).unwrap();
        let said = Client::new(&mailbox, &open, Box::new(|| at(NOW))).unwrap_err().to_string();
        assert!(said.contains("chmod 600"), "{said}");
    }
}

#[tokio::test]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn a_clock_that_is_an_hour_off_is_refused_named_as_a_cause_and_loses_nothing() {
    let post = Post::at_time("202611221400");
    for minutes in [-60, 60] {
        let off = at(NOW) + jiff::SignedDuration::from_mins(minutes);
        let mailbox = MailboxId::parse(HUB).unwrap();
        let client = Client::new(&mailbox, &post.rest(), Box::new(move || off)).unwrap();
        let said = client.handshake().await.unwrap_err();
        assert_eq!(said, MeshError::NotAllowed);
        assert!(said.to_string().contains("this computer's clock"), "{said}");
        let to = MailboxId::parse(WEXCOMBES).unwrap();
        let what = || Outgoing {
            to: &to,
            workflow: "W1",
            local_id: "off",
            file_name: "w1.dat",
            content: Content::Bytes(b"x".to_vec()),
        };
        assert_eq!(client.send(what()).await, Err(MeshError::NotAllowed));
        assert_eq!(client.standing_of("off").await, Err(MeshError::NotAllowed));
    }
    assert!(post.messages(WEXCOMBES, "W1").is_empty());
    assert!(send(&post, &post.rest(), WEXCOMBES, "right", b"x").await.is_ok());
    assert_eq!(post.messages(WEXCOMBES, "W1").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn mesh_is_asked_whether_an_authority_has_the_mailbox_that_is_configured() {
    let post = Post::new();
    let mut settings = post.settings();
    // The sandbox's own: of X26 both take the one, and X26ABC2 alone the other; of X27 nobody takes that.
    settings.workflows.notification = "TEST_WORKFLOW2".to_owned();
    settings.workflows.acknowledgement = "TEST_WORKFLOW".to_owned();
    let ask = |code: &str, mailbox: &str, settings: &cpis::config::mesh::MeshSettings| {
        let (authority, settings) = (super::exchange::by_mesh(code, mailbox), settings.clone());
        let clock = cpis::hub::clock::Clock::running_from(at(NOW));
        tokio::task::spawn_blocking(move || cpis::hub::ask_mesh(&settings, &[authority], &clock))
    };
    assert_eq!(ask("X26", "X26ABC2", &settings).await.unwrap(), Ok(Vec::new()));
    let said = ask("X26", "X26ABC1", &settings).await.unwrap().unwrap();
    assert_eq!(said, ["for X26 and TEST_WORKFLOW MESH names X26ABC2; configured is X26ABC1"]);
    let said = ask("X27", "X26ABC3", &settings).await.unwrap().unwrap();
    assert_eq!(said, ["MESH knows no mailbox of X27 for TEST_WORKFLOW; configured is X26ABC3"]);
    settings.mailbox = "NOBODY".to_owned();
    assert!(ask("X26", "X26ABC2", &settings).await.unwrap().is_err());
    // The link by its command; of Wexcombe this MESH knows nothing.
    let link = Link::new(&post);
    let (code, said) = link.run(&["check-config", "--mesh"]).await;
    let expected = "MESH knows no mailbox of E06000030 for CPIS_NOTICE; configured is E06OT001";
    assert!(code == Some(2) && said.contains(expected), "{said}");
    let (code, said) = link.run(&["check-config"]).await;
    assert!(code == Some(0) && !said.contains("MESH"), "{said}");
}
