//! What needs no MESH: the proof, what is read, what is packed and unpacked.

use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderValue};

use super::answers;
use super::control;
use super::limits::MESH_CHUNKS;
use super::parcels::{self, Content, Unpacked};
use super::proof::Prover;
use super::{Header, Kind, MailboxId, MeshError, MessageId, Secret, Standing};

fn mailbox() -> MailboxId {
    MailboxId::parse("x26abc1").unwrap()
}

#[test]
fn a_request_is_proved_as_mesh_reckons_it() {
    let prover = Prover::new(mailbox(), Secret::of(b"password"), Secret::of(b"TestKey"));
    let now: Timestamp = "2026-11-22T14:05:59Z".parse().unwrap();
    // Reckoned apart: printf 'X26ABC1:nonce:7:password:202611221405' | openssl dgst -sha256 -hmac TestKey
    assert_eq!(
        prover.proof("nonce", 7, now),
        "NHSMESH X26ABC1:nonce:7:202611221405:bcff4d6c39b13d700ba8ad35fc3f9568743a0b24b595cc90e8908422641e20dc"
    );
    let (one, next) = (prover.header(now), prover.header(now));
    assert!(one.contains(":0:2026") && next.contains(":1:2026"), "the count rises: {one} {next}");
    assert_ne!(one, next);
}

#[test]
fn nothing_secret_is_shown() {
    let secret = Secret::of(b"banana");
    assert_eq!(format!("{secret:?}"), "Secret(hidden)");
    let prover = Prover::new(mailbox(), secret, Secret::of(b"cherry"));
    let shown = format!("{prover:?}");
    assert!(!shown.contains("banana") && !shown.contains("cherry"), "{shown}");
    assert!(!shown.contains("[98"), "{shown}");
}

#[test]
fn a_secret_is_read_from_a_file_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("password");
    let read = || Secret::read(&path).map_err(|error| error.to_string());
    assert!(read().unwrap_err().contains("cannot read"));
    let write = |text: &str, mode: u32| {
        std::fs::write(&path, text).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    write(" \n", 0o600);
    assert!(read().unwrap_err().contains("is empty"));
    write("pass word\r\n", 0o600);
    assert_eq!(read().unwrap().bytes(), b"pass word");
    #[cfg(unix)]
    {
        write("password\n", 0o644);
        assert!(read().unwrap_err().contains("chmod 600"));
    }
    write(&"x".repeat(2 * 1024 * 1024), 0o600);
    assert!(read().unwrap_err().contains("too large"));
}

#[test]
fn names_that_could_lead_elsewhere_are_none() {
    for id in ["", "a/b", "../x", "a b", "a?b", "a%2f", "ä", &"a".repeat(101)] {
        assert_eq!(MessageId::parse(id), None, "{id}");
    }
    for mailbox in ["", "X26/", "X26 ABC", "X26:ABC", &"A".repeat(31)] {
        assert_eq!(MailboxId::parse(mailbox), None, "{mailbox}");
    }
    assert_eq!(mailbox().as_str(), "X26ABC1");
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap())).collect()
}

#[test]
fn what_stands_over_a_message_is_believed_only_if_it_can_be_meant() {
    let data = [("mex-messagetype", "DATA"), ("mex-from", "x26abc2"), ("mex-workflowid", "W")];
    let read = |more: &[(&'static str, &str)]| answers::header(&headers(&[&data[..], more].concat()));
    let expected =
        Header { kind: Kind::Data, from: MailboxId::parse("X26ABC2"), workflow: "W".to_owned(), chunks: 1 };
    assert_eq!(read(&[]), Ok(expected.clone()));
    assert_eq!(read(&[("mex-chunk-range", "1:3")]), Ok(Header { chunks: 3, ..expected }));
    for wrong in ["3", "1:x", "1:", "1:0", &format!("1:{}", MESH_CHUNKS + 1), "1:-1"] {
        assert!(read(&[("mex-chunk-range", wrong)]).is_err(), "{wrong}");
    }
    assert!(answers::header(&headers(&[("mex-from", "X26ABC2")])).is_err(), "of no kind");
    // A report has no content: as MESH and its sandbox write it, and whatever else they write of its chunks.
    let kind = Kind::Report { of: MessageId::parse("ABC_1"), local_id: Some("mine".to_owned()) };
    for range in [None, Some("1:0"), Some("1:1"), Some("0:0"), Some("none")] {
        let mut report = headers(&[
            ("mex-messagetype", "REPORT"),
            ("mex-to", "X26ABC1"),
            ("mex-workflowid", "W"),
            ("mex-total-chunks", "0"),
            ("mex-linkedmsgid", "ABC_1"),
            ("mex-localid", "mine"),
            ("mex-statuscode", "14"),
        ]);
        if let Some(range) = range {
            report.insert("mex-chunk-range", HeaderValue::from_str(range).unwrap());
        }
        let expected = Header { kind: kind.clone(), from: None, workflow: "W".to_owned(), chunks: 1 };
        assert_eq!(answers::header(&report), Ok(expected), "{range:?}");
    }
}

#[test]
fn how_a_message_stands_is_read_of_both_versions_and_what_is_unknown_is_not_over() {
    for (said, expected) in [
        (r#"{"status":"accepted","message_id":"A1"}"#, Standing::Accepted(MessageId::parse("A1"))),
        (r#"{"status":"Accepted","messageId":"A1"}"#, Standing::Accepted(MessageId::parse("A1"))),
        (r#"{"status":"Acknowledged"}"#, Standing::Acknowledged),
        (r#"{"status":"uploading"}"#, Standing::Uploading),
        (r#"{"status":"undeliverable"}"#, Standing::NotDelivered),
        (r#"{"status":"error"}"#, Standing::NotDelivered),
        (r#"{"status":"tea"}"#, Standing::Accepted(None)),
        (r"{}", Standing::Accepted(None)),
    ] {
        assert_eq!(answers::standing(said.as_bytes()), Ok(expected), "{said}");
    }
    assert!(answers::standing(b"<html>").is_err());
    assert!(answers::is_of_no_mailbox(br#"{"detail":[{"event":"SEND","code":"12","msg":"x"}]}"#));
    assert!(answers::is_of_no_mailbox(br#"{"errorCode":"12"}"#));
    assert!(!answers::is_of_no_mailbox(br#"{"detail":"12"}"#));
    let (ids, next) = answers::inbox(br#"{"messages":["A1","../B"],"links":{"next":"/x?y"}}"#).unwrap();
    assert_eq!((ids, next.as_deref()), (vec![MessageId::parse("A1").unwrap()], Some("/x?y")));
}

#[tokio::test]
async fn what_is_packed_is_unpacked_and_nothing_grows_without_end() {
    let text: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    let mut content = Content::Bytes(text.clone());
    let mut sink = (Vec::new(), text.len());
    assert_eq!(parcels::chunks(content.length().unwrap(), 300_000), Ok(3));
    for _ in 0..3 {
        let packed = content.next(300_000).unwrap();
        let mut unpacked = Unpacked::of(true);
        for part in packed.chunks(1_000) {
            unpacked.take(part, &mut sink).await.unwrap();
        }
        unpacked.finish(&mut sink).await.unwrap();
    }
    assert!(sink.0 == text);
    let bomb = Content::Bytes(vec![0; 8_000_000]).next(u64::MAX).unwrap();
    assert!(bomb.len() < 20_000);
    let said = Unpacked::of(true).take(&bomb, &mut (Vec::new(), 1_000_000)).await;
    assert_eq!(said, Err(MeshError::TooLong));
    // Cut, damaged, or with something behind its end.
    let whole = Content::Bytes(b"whole".to_vec()).next(10).unwrap();
    for wrong in [whole[..whole.len() - 4].to_vec(), [&whole[..], b"more"].concat(), b"plain".to_vec()] {
        let mut unpacked = Unpacked::of(true);
        let mut sink = (Vec::new(), 100);
        let taken = unpacked.take(&wrong, &mut sink).await;
        assert!(taken.is_err() || unpacked.finish(&mut sink).await.is_err(), "{wrong:?}");
    }
    assert!(parcels::chunks(u64::MAX, 1).is_err());
    assert_eq!(parcels::chunks(0, 10), Ok(1));
}

#[test]
fn a_control_file_is_believed_once_it_is_whole() {
    let (own, other) = (mailbox(), MailboxId::parse("X26ABC2").unwrap());
    let written = control::write(&own, &other, "W_1", "cpis-1");
    let read = control::read(&written).unwrap();
    assert_eq!((read.header.from, read.to, read.header.workflow.as_str()), (Some(own), Some(other), "W_1"));
    for end in 0..written.trim_end().len() {
        assert_eq!(control::read(&written[..end]), None, "cut at {end}");
    }
    let report = "\u{feff}<?xml version=\"1.0\"?><DTSControl><MessageType>Report</MessageType><LocalId>mine</LocalId>\
        <WorkflowId>W</WorkflowId><Subject>a &amp; b</Subject><StatusRecord><Status>ERROR</Status><LocalId>other</LocalId>\
        </StatusRecord></DTSControl>\n";
    let kind = Kind::Report { of: None, local_id: Some("mine".to_owned()) };
    assert_eq!(control::read(report).unwrap().header.kind, kind);
    for (from, to) in [
        ("<DTSControl>", "<!DOCTYPE x [<!ENTITY e \"x\">]><DTSControl>"),
        ("</DTSControl>", "<LocalId>again</LocalId></DTSControl>"),
        ("</DTSControl>", "</DTSControl><DTSControl></DTSControl>"),
        ("DTSControl>", "Other>"),
        ("mine", "&mine;"),
        ("mine", "<![CDATA[mine]]>"),
        ("Report", "Tea"),
        ("mine", &"m".repeat(301)),
        ("a &amp; b", &"a".repeat(70_000)),
        ("<Status>", "<Stat>"),
    ] {
        let wrong = report.replace(from, to);
        assert!(
            wrong != report && control::read(&wrong).is_none(),
            "{from} as {}",
            to.get(..20).unwrap_or(to)
        );
    }
}

#[test]
fn a_chunk_behind_the_first_is_known_by_its_place_alone() {
    let is = |range: Option<&str>| {
        let mut headers = HeaderMap::new();
        if let Some(range) = range {
            headers.insert("mex-chunk-range", HeaderValue::from_str(range).unwrap());
        }
        answers::is_chunk(&headers, 2, 3)
    };
    assert!(is(Some("2:3")) && is(Some(" 2 : 3 ")) && is(None));
    for wrong in ["1:3", "2:4", "23", "2:", ":3", "two:three"] {
        assert!(!is(Some(wrong)), "{wrong}");
    }
}
