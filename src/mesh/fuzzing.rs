//! What must hold of what comes from MESH, whatever arrives (see the crate's `fuzzing`).

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::answers::{self, Kind, Standing};
use super::limits::{
    MAILBOX_CHARACTERS, MESH_CHUNKS, MESH_CONTROL_BYTES, MESH_HEADER_CHARACTERS, MESH_INBOX,
    MESSAGE_ID_CHARACTERS,
};
use super::parcels::{Content, Sink, Unpacked};
use super::{Header, MailboxId, MeshError, MessageId, control};

/// Fit for a path and a file's name, and read again alike.
fn assert_is_an_id(id: &MessageId) {
    let text = id.as_str();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    assert!((1..=MESSAGE_ID_CHARACTERS).contains(&text.len()) && text.bytes().all(fits));
    assert_eq!(MessageId::parse(text).as_ref(), Some(id));
}

fn assert_is_a_mailbox(id: &MailboxId) {
    let text = id.as_str();
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    assert!((1..=MAILBOX_CHARACTERS).contains(&text.len()) && text.bytes().all(fits));
    assert_eq!(MailboxId::parse(text).as_ref(), Some(id));
}

fn assert_is_a_header(header: &Header) {
    assert!((1..=MESH_CHUNKS).contains(&header.chunks), "a message of {} chunks", header.chunks);
    assert!(header.workflow.len() <= MESH_HEADER_CHARACTERS);
    header.from.iter().for_each(assert_is_a_mailbox);
    if let Kind::Report { of, local_id } = &header.kind {
        of.iter().for_each(assert_is_an_id);
        assert!(local_id.as_ref().is_none_or(|id| !id.is_empty() && id.len() <= MESH_HEADER_CHARACTERS));
    }
}

/// As each kind of answer: what is asked for next is made of ids alone, and of no more than are looked at.
pub(crate) fn answers(data: &[u8]) {
    if let Ok((ids, _)) = answers::inbox(data) {
        assert!(ids.len() <= MESH_INBOX);
        ids.iter().for_each(assert_is_an_id);
    }
    answers::sent(data).iter().for_each(assert_is_an_id);
    let standing = answers::standing(data);
    assert!(!matches!(standing, Ok(Standing::NotThere)), "no answer with a body says that there is none");
    if let Ok(Standing::Accepted(id)) = standing {
        id.iter().for_each(assert_is_an_id);
    }
    if let Ok(mailboxes) = answers::found(data) {
        assert!(mailboxes.len() <= MESH_INBOX);
        mailboxes.iter().for_each(assert_is_a_mailbox);
    }
    if answers::is_of_no_mailbox(data) {
        assert!(serde_json::from_slice::<serde_json::Value>(data).is_ok_and(|said| said.is_object()));
    }
}

/// Each line is a header: its name, a colon, its value.
pub(crate) fn headers(data: &[u8]) {
    let mut map = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(100) {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else { continue };
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            map.append(name, value);
        }
    }
    if let Ok(header) = answers::header(&map) {
        assert_is_a_header(&header);
        // No two of its chunks are taken for each other where it counts them.
        let counts = map.get("mex-chunk-range").is_some();
        let taken = (1..=header.chunks).filter(|number| answers::is_chunk(&map, *number, header.chunks));
        assert!(!counts || taken.count() <= 1);
    }
}

/// A control file is read as it is written, and none with what could name a file of this computer.
pub(crate) fn control(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(read) = control::read(text) {
        assert!(text.len() <= MESH_CONTROL_BYTES && !text.contains("<!DOCTYPE"));
        assert_is_a_header(&read.header);
        read.to.iter().for_each(assert_is_a_mailbox);
        if let (Kind::Data, Some(from), Some(to)) = (&read.header.kind, &read.header.from, &read.to) {
            let again = control::read(&control::write(from, to, "W", "local"));
            let header = Header { workflow: "W".to_owned(), ..read.header.clone() };
            assert_eq!(again, Some(control::Control { header, to: Some(to.clone()) }));
        }
    }
}

/// What a chunk was unpacked into: in parts none of which is long.
#[derive(Default)]
struct Parts(Vec<u8>);

/// Unpacked of one small part: what deflate can make of it at most, and what its window held back.
const LONGEST_PART: usize = 8 * 1024 * 1024;

impl Sink for Parts {
    async fn take(&mut self, part: Vec<u8>) -> Result<(), MeshError> {
        assert!(part.len() <= LONGEST_PART, "a part of {} bytes", part.len());
        if self.0.len() > LONGEST_PART {
            return Err(MeshError::TooLong);
        }
        self.0.extend_from_slice(&part);
        Ok(())
    }
}

/// As a compressed chunk: unpacked in bounded parts or refused. As a message: unpacked again as it was.
pub(crate) fn chunk(data: &[u8]) {
    let unpack = |packed: &[u8]| {
        at_once(async {
            let (mut parts, mut unpacked) = (Parts::default(), Unpacked::of(true));
            unpacked.take(packed, &mut parts).await?;
            unpacked.finish(&mut parts).await.map(|()| parts.0)
        })
    };
    let _ = unpack(data);
    let packed = Content::Bytes(data.to_vec()).next(u64::MAX);
    assert!(packed.is_ok_and(|packed| unpack(&packed) == Some(Ok(data.to_vec()))), "unpacked again");
}

/// What waits for nothing.
fn at_once<T>(work: impl Future<Output = T>) -> Option<T> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}
