//! What comes: uploads, receipts, and MESH's reports of what was not delivered. Each is taken, and then acknowledged.

use std::time::Instant;

use serde_json::json;

use super::{Left, Part, Trouble};
use crate::config::mesh::MeshSettings;
use crate::exchange::acknowledgement::Writer;
use crate::exchange::{Acknowledgement, FileCode, notice};
use crate::hub::error::ApiError;
use crate::hub::metrics::Uploaded;
use crate::hub::store::Named;
use crate::hub::uploads::{Arrival, Received, Sender, caller, has_room};
use crate::hub::{Hub, limits};
use crate::mesh::{Fault, Header, Kind, MailboxId, MeshError, MessageId, Post, Sink};

/// Everything that waits, for as long as that may take. What is wrong with one message keeps no other from being taken, and nothing
/// from being sent: an error is of an inbox that could not be listed.
pub(super) async fn all(
    hub: &Hub,
    mesh: &Post,
    settings: &MeshSettings,
    part: Part,
    left: &mut Left,
) -> Result<Option<Trouble>, Trouble> {
    // Of the workflows under which we send, MESH's reports come back.
    let (own, sent) = match part {
        Part::Notices => (&settings.workflows.receipt, &settings.workflows.notification),
        Part::Uploads => (&settings.workflows.upload, &settings.workflows.acknowledgement),
    };
    let begun = Instant::now();
    let (mut trouble, mut in_vain) = (None, 0);
    for workflow in [own, sent] {
        for id in mesh.inbox(workflow).await? {
            if left.resting.rests(&id) {
                continue;
            }
            if left.has_no_room(&id) {
                // It still waits, and that is still said.
                Trouble::Upload.into_worst(&mut trouble);
                continue;
            }
            // The rest with the next round: what is to go waits for this.
            if begun.elapsed() >= limits::MESH_TURN {
                return Ok(trouble);
            }
            left.current = Some(id.clone());
            let taken = one(hub, mesh, part, own, &id, left).await;
            left.current = None;
            let why = match taken {
                // One that has gone was acknowledged by an answer that was lost.
                Ok(()) | Err(Trouble::Mesh(MeshError::Gone)) => {
                    in_vain = 0;
                    continue;
                }
                Err(why) => why,
            };
            in_vain = leave(left, part, id, &why, in_vain);
            match why {
                Trouble::Mesh(error) if error.is_of_one() => {}
                // The next was no better: it is MESH.
                why @ Trouble::Mesh(_) if in_vain > 1 => {
                    why.into_worst(&mut trouble);
                    return Ok(trouble);
                }
                Trouble::Mesh(error) => Trouble::OfOne(error).into_worst(&mut trouble),
                why @ (Trouble::Store(_) | Trouble::OfOne(_) | Trouble::Upload | Trouble::BrokenOff) => {
                    why.into_worst(&mut trouble);
                }
            }
        }
    }
    Ok(trouble)
}

/// Notes that a message could not be taken, and returns in how many in a row MESH, or this machine, is at fault.
fn leave(left: &mut Left, part: Part, id: MessageId, why: &Trouble, in_vain: u32) -> u32 {
    let fault = match why {
        Trouble::Mesh(MeshError::Unfinished) => return 0,
        Trouble::Upload => {
            left.no_room.insert(id, Instant::now());
            return 0;
        }
        Trouble::Mesh(error) if error.is_of_one() => Fault::Own,
        // Whoever puts that right is not to wait.
        Trouble::Mesh(MeshError::NotAllowed) => return in_vain + 1,
        Trouble::Mesh(_) | Trouble::OfOne(_) => Fault::Passing,
        Trouble::Store(_) | Trouble::BrokenOff => return in_vain,
    };
    let message = id.as_str().to_owned();
    if left.failed(id, fault) {
        tracing::error!(?part, message, reason = %why, "a message of MESH is left where it is, and tried again later");
    }
    match fault {
        Fault::Own => 0,
        Fault::Passing => in_vain + 1,
    }
}

/// Takes a message, and then acknowledges it. Where MESH did not take that, it is not taken a second time: an upload that cannot be read
/// would be answered twice.
async fn one(
    hub: &Hub,
    mesh: &Post,
    part: Part,
    own: &str,
    id: &MessageId,
    left: &mut Left,
) -> Result<(), Trouble> {
    if !left.done.contains(id) {
        match part {
            Part::Notices => receipts(hub, mesh, own, id).await?,
            Part::Uploads => upload(hub, mesh, own, id).await?,
        }
        left.done(id.clone());
    }
    mesh.acknowledge(id).await?;
    left.over(id);
    Ok(())
}

/// From whom a message is, if it is one that we take.
fn sender(hub: &Hub, header: &Header, workflow: &str) -> Option<Sender> {
    let from = header.from.as_ref().filter(|_| header.kind == Kind::Data && header.workflow == workflow)?;
    hub.uploads().of_mailbox(from.as_str())
}

async fn receipts(hub: &Hub, mesh: &Post, workflow: &str, id: &MessageId) -> Result<(), Trouble> {
    let mut document = (Vec::new(), notice::DOCUMENT_BYTES);
    let wants = |header: &Header| sender(hub, header, workflow).is_some();
    let header = match mesh.fetch(id, wants, &mut document).await {
        // Nobody writes receipts so long: the sender's mistake, and it would be the same again. Anything else that is wrong with it
        // may be MESH's: it stays, and its sender hears of it and sends it again.
        Err(MeshError::TooLong) => {
            tracing::error!("receipts that came by MESH are too long: they were not taken");
            return refuse(hub, None, "not-understood").await;
        }
        fetched => fetched?,
    };
    let Some(sender) = sender(hub, &header, workflow) else { return not_ours(hub, &header).await };
    let read = notice::read_receipts(&document.0);
    match read {
        Ok(said) if said.authority_code == sender.code() => {
            hub.store().notices_filed(caller(sender.code()), said).await?;
        }
        Ok(_) => {
            tracing::error!(authority = sender.code(), "receipts name another authority than their mailbox");
            hub.metrics().uploaded(Uploaded::OtherAuthority);
            refuse(hub, header.from.as_ref(), "other-authority").await?;
        }
        Err(_) => {
            tracing::error!(authority = sender.code(), "what came as receipts is none");
            refuse(hub, header.from.as_ref(), "refused").await?;
        }
    }
    Ok(())
}

async fn upload(hub: &Hub, mesh: &Post, workflow: &str, id: &MessageId) -> Result<(), Trouble> {
    let wants = |header: &Header| sender(hub, header, workflow).is_some();
    // Only what stands over it, at first: who sends it decides how it is looked at.
    let header = mesh.fetch(id, |_| false, &mut (Vec::new(), 0)).await?;
    let Some(sender) = sender(hub, &header, workflow) else { return not_ours(hub, &header).await };
    // Before it comes: what cannot be taken would come for nothing, and again.
    let waiting = hub.store().uploads_waiting(sender.code().to_owned()).await?;
    if !has_room(hub, 0) || waiting >= limits::UPLOADS_WAITING {
        return Err(Trouble::Upload);
    }
    let mut arriving = Arriving { hub, arrival: Arrival::begin(hub, &sender), had_room: true };
    match mesh.fetch(id, wants, &mut arriving).await {
        Ok(again) if again == header => {}
        Ok(_) => return Err(MeshError::NotUnderstood("a message changes on its way").into()),
        Err(error) => {
            arriving.arrival.broken_off(std::io::ErrorKind::ConnectionReset).await;
            if !arriving.had_room {
                return Err(Trouble::Upload);
            }
            if !matches!(error, MeshError::NotUnderstood(_) | MeshError::TooLong) {
                return Err(error.into());
            }
            return unreadable(hub, &sender, &header, &error).await;
        }
    }
    let received = arriving.arrival.whole(hub, &sender).await.map_err(|_| Trouble::Upload)?;
    let (sequence, said) = match received.into_value() {
        Received::Waits { sequence } => (Some(sequence), None),
        Received::Refused(what, at) => (what.sequence, Some(written(&what, at)?)),
        // Under the name that it has: by that, its number and its digest its sender knows which file this is of.
        Received::OtherAuthority { named, sequence, digest } => {
            let what = Acknowledgement {
                authority_code: named,
                sequence: Some(sequence),
                records: None,
                code: FileCode::NoneUploaded,
                why: Some(
                    "Nothing was uploaded: the file names another authority than the mailbox it comes from"
                        .to_owned(),
                ),
                digest: Some(digest),
                rejected: None,
                apart: None,
            };
            (Some(sequence), Some(written(&what, hub.clock().now())?))
        }
    };
    Ok(hub.store().mesh_answer(sender.code().to_owned(), sequence, said).await?)
}

/// A file that cannot be unpacked, or is longer than any can be: it would be the same again, and its sender is to hear of it.
async fn unreadable(hub: &Hub, sender: &Sender, header: &Header, error: &MeshError) -> Result<(), Trouble> {
    tracing::error!(authority = sender.code(), reason = %error, "an upload that came by MESH cannot be read");
    hub.metrics().uploaded(Uploaded::Refused);
    refuse(hub, header.from.as_ref(), "not-understood").await?;
    let what = Acknowledgement {
        authority_code: sender.code().to_owned(),
        sequence: None,
        records: None,
        code: FileCode::Corrupt,
        why: Some("Nothing was uploaded: the message cannot be unpacked, or is too long".to_owned()),
        digest: None,
        rejected: None,
        apart: None,
    };
    let said = written(&what, hub.clock().now())?;
    Ok(hub.store().mesh_answer(sender.code().to_owned(), None, Some(said)).await?)
}

fn written(what: &Acknowledgement, at: jiff::Timestamp) -> Result<Vec<u8>, MeshError> {
    let written = Writer::begin(Vec::new(), what, at).and_then(Writer::finish);
    written.map_err(|_| MeshError::Local("an acknowledgement could not be written".to_owned()))
}

/// A report, or a message that nobody may send us.
async fn not_ours(hub: &Hub, header: &Header) -> Result<(), Trouble> {
    match &header.kind {
        // MESH's own messages are from nobody.
        Kind::Report { of, local_id } if header.from.is_none() => {
            let named = Named {
                local_id: local_id.clone(),
                message_id: of.as_ref().map(|id| id.as_str().to_owned()),
            };
            if hub.store().mesh_not_delivered(named).await? {
                tracing::error!("MESH has not delivered a message: it is sent again; ring the authority");
            }
        }
        Kind::Data | Kind::Report { .. } => {
            let mailbox = header.from.as_ref().map_or("", MailboxId::as_str);
            hub.metrics().uploaded(Uploaded::OtherAuthority);
            tracing::error!(
                mailbox,
                "a message of MESH is from a mailbox of no authority, or under a workflow that is not taken: refused"
            );
            refuse(hub, header.from.as_ref(), "unknown-mailbox").await?;
        }
    }
    Ok(())
}

/// Notes a refusal in the audit log.
async fn refuse(hub: &Hub, from: Option<&MailboxId>, outcome: &'static str) -> Result<(), Trouble> {
    let mailbox = from.map_or("", MailboxId::as_str);
    let code = hub.uploads().of_mailbox(mailbox).map(|sender| sender.code().to_owned());
    let detail = json!({ "mailbox": mailbox });
    hub.store().upload_refused(caller(&code.unwrap_or_default()), outcome, detail).await?;
    Ok(())
}

/// An upload as it comes.
struct Arriving<'a> {
    hub: &'a Hub,
    arrival: Arrival,
    had_room: bool,
}

impl Sink for Arriving<'_> {
    async fn take(&mut self, part: Vec<u8>) -> Result<(), MeshError> {
        let taken = self.arrival.part(self.hub, part.into()).await;
        taken.map_err(|error| match error {
            ApiError::TOO_LARGE => MeshError::TooLong,
            _ => {
                self.had_room = false;
                MeshError::Local("there is no room for an upload".to_owned())
            }
        })
    }
}
