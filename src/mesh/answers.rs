//! What MESH says, read as from a stranger: short, of the expected shape, or not believed.

use reqwest::header::HeaderMap;
use serde::Deserialize;

use super::limits::{MESH_CHUNKS, MESH_HEADER_CHARACTERS, MESH_INBOX};
use super::{MailboxId, MeshError, MessageId};

/// What a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Somebody's.
    Data,
    /// MESH's own: a message of this mailbox's was not delivered.
    Report {
        /// The message that was not.
        of: Option<MessageId>,
        /// Its local id.
        local_id: Option<String>,
    },
}

/// What MESH says of a message beside its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Data or a report.
    pub kind: Kind,
    /// From which mailbox, as MESH says: not as its sender does. MESH's own messages have none.
    pub from: Option<MailboxId>,
    /// The workflow.
    pub workflow: String,
    /// In how many chunks it comes; a report in one answer.
    pub chunks: u32,
}

/// How a message stands that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// MESH has none of this name.
    NotThere,
    /// Not all of it came; nobody will get it.
    Uploading,
    /// It waits in the recipient's inbox, or that is not known better.
    Accepted(Option<MessageId>),
    /// The recipient has acknowledged it.
    Acknowledged,
    /// It was not delivered.
    NotDelivered,
}

#[derive(Deserialize)]
struct Inbox {
    #[serde(default)]
    messages: Vec<String>,
    #[serde(default)]
    links: Links,
}

#[derive(Default, Deserialize)]
struct Links {
    next: Option<String>,
}

/// Ids of an inbox, oldest first, and where the next page is. What is no id is left: nothing could be asked with it.
pub(super) fn inbox(body: &[u8]) -> Result<(Vec<MessageId>, Option<String>), MeshError> {
    let said: Inbox = serde_json::from_slice(body).map_err(|_| MeshError::NotUnderstood("it is no inbox"))?;
    let ids = said.messages.iter().take(MESH_INBOX).filter_map(|id| MessageId::parse(id)).collect();
    Ok((ids, said.links.next))
}

#[derive(Deserialize)]
struct Sent {
    #[serde(alias = "messageID")]
    message_id: String,
}

pub(super) fn sent(body: &[u8]) -> Option<MessageId> {
    MessageId::parse(&serde_json::from_slice::<Sent>(body).ok()?.message_id)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    detail: Vec<RefusalDetail>,
    #[serde(rename = "errorCode")]
    error_code: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RefusalDetail {
    code: String,
}

/// Whether a refusal is of a mailbox that nobody has.
pub(super) fn is_of_no_mailbox(body: &[u8]) -> bool {
    let said: Refusal = serde_json::from_slice(body).unwrap_or_default();
    said.error_code == "12" || said.detail.iter().any(|detail| detail.code == "12")
}

#[derive(Deserialize)]
struct Tracking {
    #[serde(default)]
    status: Option<String>,
    #[serde(alias = "messageId", default)]
    message_id: Option<String>,
}

/// Of either version of the answer. A status that is not known is not over.
pub(super) fn standing(body: &[u8]) -> Result<Standing, MeshError> {
    let said: Tracking = serde_json::from_slice(body)
        .map_err(|_| MeshError::NotUnderstood("it does not say how it stands"))?;
    let status = said.status.unwrap_or_default().to_ascii_lowercase();
    Ok(match status.as_str() {
        "uploading" => Standing::Uploading,
        "acknowledged" => Standing::Acknowledged,
        "undeliverable" | "undelivered" | "error" => Standing::NotDelivered,
        _ => Standing::Accepted(said.message_id.as_deref().and_then(MessageId::parse)),
    })
}

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    results: Vec<FoundOne>,
}

#[derive(Deserialize)]
struct FoundOne {
    #[serde(alias = "address", default)]
    mailbox_id: String,
}

/// The mailboxes of a look-up.
pub(super) fn found(body: &[u8]) -> Result<Vec<MailboxId>, MeshError> {
    let said: Found =
        serde_json::from_slice(body).map_err(|_| MeshError::NotUnderstood("it is no look-up"))?;
    Ok(said.results.iter().take(MESH_INBOX).filter_map(|one| MailboxId::parse(&one.mailbox_id)).collect())
}

/// A header's text, unless it is longer than any can be.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    (!text.is_empty() && text.len() <= MESH_HEADER_CHARACTERS).then_some(text)
}

/// Whether what came is this chunk of so many, as far as it says.
pub(super) fn is_chunk(headers: &HeaderMap, number: u32, chunks: u32) -> bool {
    let same = |text: &str, of: u32| text.trim().parse() == Ok(of);
    text(headers, "mex-chunk-range").is_none_or(|range| {
        range.split_once(':').is_some_and(|(one, all)| same(one, number) && same(all, chunks))
    })
}

/// In how many chunks a message with a content comes.
fn chunks(headers: &HeaderMap) -> Result<u32, MeshError> {
    let Some(range) = text(headers, "mex-chunk-range") else { return Ok(1) };
    let all = range.split_once(':').and_then(|(_, all)| all.trim().parse().ok());
    let chunks = all.ok_or(MeshError::NotUnderstood("a chunk range is none"))?;
    if !(1..=MESH_CHUNKS).contains(&chunks) {
        return Err(MeshError::NotUnderstood("a message has no chunk, or more than any can have"));
    }
    Ok(chunks)
}

/// What stands over a message.
pub(super) fn header(headers: &HeaderMap) -> Result<Header, MeshError> {
    let kind = match text(headers, "mex-messagetype").map(str::to_ascii_uppercase).as_deref() {
        Some("DATA") => Kind::Data,
        Some("REPORT") => Kind::Report {
            of: text(headers, "mex-linkedmsgid").and_then(MessageId::parse),
            local_id: text(headers, "mex-localid").map(str::to_owned),
        },
        _ => return Err(MeshError::NotUnderstood("a message is of no kind that is known")),
    };
    let chunks = match kind {
        Kind::Data => chunks(headers)?,
        // It has no content, and MESH counts that as none of no chunks: what it says stands over it.
        Kind::Report { .. } => 1,
    };
    Ok(Header {
        kind,
        from: text(headers, "mex-from").and_then(MailboxId::parse),
        workflow: text(headers, "mex-workflowid").unwrap_or_default().to_owned(),
        chunks,
    })
}
