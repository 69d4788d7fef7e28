//! What goes: notifications and acknowledgements. What MESH may have already is asked for first; what it took is asked after until
//! its recipient has acknowledged it.

use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::sync::Arc;
use std::time::Instant;

use tokio::task::JoinSet;
use uuid::Uuid;

use super::{Part, Trouble, mailbox, pause_ms};
use crate::config::mesh::MeshSettings;
use crate::hub::store::{Awaited, Content, FileState, Named, Parcel};
use crate::hub::uploads::{caller, write_acknowledgement};
use crate::hub::{Hub, limits};
use crate::hub::{disk, notices};
use crate::mesh::{Content as Carried, MailboxId, MeshError, MessageId, Outgoing, Post, Standing};

pub(super) async fn all(
    hub: &Hub,
    mesh: &Arc<Post>,
    settings: &MeshSettings,
    part: Part,
) -> Result<(), Trouble> {
    let mut trouble = None;
    match part {
        Part::Notices => {
            // What waits for one authority keeps no other from being asked after; a MESH that is away does.
            match all_notices(hub, mesh, settings).await {
                Ok(()) => {}
                Err(why) if why.is_away() => return Err(why),
                Err(why) => trouble = Some(why),
            }
            follow(hub, mesh, settings, "notifications").await?;
        }
        Part::Uploads => {
            for parcel in hub.store().mesh_acknowledgements(limits::MESH_PARCELS).await? {
                match acknowledgement(hub, mesh, settings, parcel).await {
                    Ok(()) => {}
                    Err(why) if why.is_of_one() => {
                        tracing::error!(reason = %why, "an acknowledgement by MESH waits");
                    }
                    Err(why) if why.is_away() => return Err(why),
                    Err(why) => why.of_one().into_worst(&mut trouble),
                }
            }
            follow(hub, mesh, settings, "acknowledgement").await?;
        }
    }
    trouble.map_or(Ok(()), Err)
}

/// Every authority's, some at once: one whose message is slow to go keeps no other waiting.
async fn all_notices(hub: &Hub, mesh: &Arc<Post>, settings: &MeshSettings) -> Result<(), Trouble> {
    let mut authorities = hub.uploads().by_mesh();
    // Nobody is first each time.
    let (_, chance) = Uuid::new_v4().as_u64_pair();
    let first = usize::try_from(chance).unwrap_or(0).checked_rem(authorities.len()).unwrap_or(0);
    authorities.rotate_left(first);
    let mut waiting = authorities.into_iter();
    let (mut sending, mut trouble) = (JoinSet::new(), None);
    loop {
        let is_away = trouble.as_ref().is_some_and(Trouble::is_away);
        while !is_away && sending.len() < limits::MESH_AT_ONCE {
            let Some((code, of)) = waiting.next() else { break };
            let (hub, mesh, settings) = (hub.clone(), Arc::clone(mesh), settings.clone());
            sending.spawn(async move {
                let sent = notices(&hub, &mesh, &settings, &code, &of).await;
                (code, sent)
            });
        }
        match sending.join_next().await {
            None => return trouble.map_or(Ok(()), Err),
            Some(Ok((_, Ok(())))) => {}
            // Its row is tried again later, and slows no other authority down.
            Some(Ok((code, Err(why)))) if why.is_of_one() => {
                tracing::error!(authority = code, reason = %why, "notifications by MESH wait");
            }
            Some(Ok((_, Err(why)))) if why.is_away() => trouble = Some(why),
            Some(Ok((_, Err(why)))) => why.of_one().into_worst(&mut trouble),
            Some(Err(_)) => Trouble::BrokenOff.into_worst(&mut trouble),
        }
    }
}

/// An authority's notifications, message by message; the next only once MESH has the one before.
async fn notices(
    hub: &Hub,
    mesh: &Post,
    settings: &MeshSettings,
    code: &str,
    of: &str,
) -> Result<(), Trouble> {
    let to = mailbox(of)?;
    let begun = Instant::now();
    for _ in 0..limits::MESH_PARCELS {
        // The rest with the next round: what came meanwhile is looked at first.
        if begun.elapsed() >= limits::MESH_TURN {
            break;
        }
        let Some(parcel) = hub.store().mesh_notices(caller(code), code.to_owned()).await? else { break };
        let Content::Notices(page) = &parcel.what else { break };
        let document = notices::written(hub, code, page);
        let outgoing = Outgoing {
            to: &to,
            workflow: &settings.workflows.notification,
            local_id: &parcel.local_id,
            file_name: "cpis-notifications.json",
            content: Carried::Bytes(document),
        };
        let is_to_go = parcel.is_fresh || is_not_there(hub, mesh, settings, &parcel).await?;
        if is_to_go {
            post(hub, mesh, settings, &parcel, outgoing).await?;
        }
    }
    Ok(())
}

async fn acknowledgement(
    hub: &Hub,
    mesh: &Post,
    settings: &MeshSettings,
    parcel: Parcel,
) -> Result<(), Trouble> {
    let Content::Acknowledgement { authority_code, sequence, said } = &parcel.what else { return Ok(()) };
    // Of a million records it is long: it is not made before it is known that it has to go.
    if parcel.is_fresh {
        hub.store().mesh_later(parcel.id, 0).await?;
    } else if !is_not_there(hub, mesh, settings, &parcel).await? {
        return Ok(());
    }
    let of = hub.uploads().by_mesh().into_iter().find(|(code, _)| code == authority_code);
    let content = match said {
        Some(said) => Some(Carried::Bytes(said.clone())),
        None => of_file(hub, authority_code, *sequence).await?.map(Carried::File),
    };
    let (Some((_, of)), Some(content)) = (of, content) else {
        // It does not come by MESH any more, or what became of so old a file is forgotten.
        return Ok(hub.store().mesh_acknowledged(parcel.id).await?);
    };
    let to: MailboxId = mailbox(&of)?;
    let outgoing = Outgoing {
        to: &to,
        workflow: &settings.workflows.acknowledgement,
        local_id: &parcel.local_id,
        file_name: "cpis-acknowledgement.json",
        content,
    };
    post(hub, mesh, settings, &parcel, outgoing).await
}

/// What became of a file, written beside the database: of a million records it is long.
async fn of_file(hub: &Hub, code: &str, sequence: Option<u32>) -> Result<Option<File>, Trouble> {
    let Some(sequence) = sequence else { return Ok(None) };
    let Some(file) = hub.store().upload_file(code.to_owned(), sequence).await? else { return Ok(None) };
    if file.state == FileState::Waiting || !hub.store().upload_is_kept(&file).await? {
        return Ok(None);
    }
    let (store, at) = (hub.store().clone(), hub.clock().now());
    let path = disk::beside(hub.database(), ".acknowledgement");
    let written = tokio::task::spawn_blocking(move || -> std::io::Result<File> {
        let _ = std::fs::remove_file(&path);
        let out = disk::create_private(&path)?;
        // It has no name from here on, and goes with whoever holds it.
        let reading = File::options().read(true).open(&path)?;
        std::fs::remove_file(&path)?;
        let mut out = BufWriter::new(out);
        write_acknowledgement(&store, &file, at, &mut out)?;
        out.flush()?;
        let mut reading = reading;
        reading.rewind()?;
        Ok(reading)
    });
    let failed = |why: String| MeshError::Local(format!("an acknowledgement could not be written: {why}"));
    let written = written.await.map_err(|_| failed("the work panicked".to_owned()))?;
    Ok(Some(written.map_err(|error| failed(error.kind().to_string()))?))
}

/// Whether MESH has nothing of what may have been sent, and it is to go. Nothing is sent again on a guess.
async fn is_not_there(
    hub: &Hub,
    mesh: &Post,
    settings: &MeshSettings,
    parcel: &Parcel,
) -> Result<bool, Trouble> {
    match mesh.standing_of(&parcel.local_id).await {
        Ok(Standing::NotThere) => return Ok(true),
        Ok(Standing::Accepted(id)) => accepted(hub, settings, parcel, id).await?,
        Ok(Standing::Acknowledged) => hub.store().mesh_acknowledged(parcel.id).await?,
        // Nobody will get it: it goes under another name.
        Ok(Standing::Uploading | Standing::NotDelivered) => {
            let named = Named { local_id: Some(parcel.local_id.clone()), message_id: None };
            hub.store().mesh_not_delivered(named).await?;
        }
        Err(error) => {
            hub.store().mesh_later(parcel.id, pause_ms(settings, parcel.tries)).await?;
            return Err(error.into());
        }
    }
    Ok(false)
}

/// Sends it, now that MESH is known not to have it.
async fn post(
    hub: &Hub,
    mesh: &Post,
    settings: &MeshSettings,
    parcel: &Parcel,
    outgoing: Outgoing<'_>,
) -> Result<(), Trouble> {
    match mesh.send(outgoing).await {
        Ok(id) => accepted(hub, settings, parcel, id).await,
        Err(error) => {
            hub.store().mesh_later(parcel.id, pause_ms(settings, parcel.tries)).await?;
            Err(error.into())
        }
    }
}

async fn accepted(
    hub: &Hub,
    settings: &MeshSettings,
    parcel: &Parcel,
    id: Option<MessageId>,
) -> Result<(), Trouble> {
    let id = id.map(|id| id.as_str().to_owned());
    Ok(hub.store().mesh_accepted(parcel.id, id, pause_ms(settings, 0)).await?)
}

/// Asks after what was sent.
async fn follow(hub: &Hub, mesh: &Post, settings: &MeshSettings, kind: &'static str) -> Result<(), Trouble> {
    if kind == "notifications" {
        hub.store().mesh_filed().await?;
    }
    let mut trouble = None;
    for awaited in hub.store().mesh_awaited(kind, limits::MESH_PARCELS).await? {
        let standing = match standing(mesh, &awaited).await {
            Ok(standing) => standing,
            // It is of this one alone: those behind it are asked after.
            Err(error) => {
                hub.store().mesh_later(awaited.id, pause_ms(settings, awaited.tries)).await?;
                let why = Trouble::from(error);
                if why.is_away() {
                    return Err(why);
                }
                if why.is_of_one() {
                    tracing::error!(kind, reason = %why, "it is not known how a message of MESH stands");
                } else {
                    why.of_one().into_worst(&mut trouble);
                }
                continue;
            }
        };
        if !mesh.is_tracked() && standing != Standing::NotDelivered {
            // Of folders nothing more is learnt: an acknowledgement is its link's, and notifications are over by their receipts.
            match kind {
                "acknowledgement" => hub.store().mesh_acknowledged(awaited.id).await?,
                _ => hub.store().mesh_later(awaited.id, pause_ms(settings, awaited.tries)).await?,
            }
            continue;
        }
        match standing {
            Standing::Acknowledged => hub.store().mesh_acknowledged(awaited.id).await?,
            // MESH took it a moment ago, and its tracking has not heard of it yet.
            Standing::Uploading | Standing::NotThere if awaited.is_new => {
                hub.store().mesh_later(awaited.id, pause_ms(settings, awaited.tries)).await?;
            }
            // What MESH does not know any more was not acknowledged as far as anybody knows: the link knows it by its ids.
            Standing::NotDelivered | Standing::Uploading | Standing::NotThere => {
                tracing::error!("MESH has not delivered a message: it is sent again; ring the authority");
                let named = Named {
                    local_id: Some(awaited.local_id.clone()),
                    message_id: awaited.message_id.clone(),
                };
                hub.store().mesh_not_delivered(named).await?;
            }
            Standing::Accepted(_) => {
                hub.store().mesh_later(awaited.id, pause_ms(settings, awaited.tries)).await?;
            }
        }
    }
    trouble.map_or(Ok(()), Err)
}

async fn standing(mesh: &Post, awaited: &Awaited) -> Result<Standing, MeshError> {
    let standing = said_of(mesh, awaited).await?;
    // MESH knows more than one of this name and says of none how it stands. By now its recipient would have it, or we the report.
    let is_lost = standing == Standing::Accepted(None)
        && mesh.is_tracked()
        && awaited.message_id.is_none()
        && awaited.is_old;
    Ok(if is_lost { Standing::NotDelivered } else { standing })
}

async fn said_of(mesh: &Post, awaited: &Awaited) -> Result<Standing, MeshError> {
    match awaited.message_id.as_deref().and_then(MessageId::parse) {
        Some(id) => mesh.standing_of_message(&id).await,
        None => mesh.standing_of(&awaited.local_id).await,
    }
}
