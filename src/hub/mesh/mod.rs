//! The hub's mailbox at MESH: the same uploads, acknowledgements, notifications and receipts as over HTTPS, for those authorities whose
//! configuration names a mailbox. A mailbox is one authority, and MESH says from which one a message is.
//!
//! Nothing is acknowledged to MESH before it is on the hub's disk, and nothing is sent again before MESH was asked whether it has it.
//! Notifications do not wait for uploads, nor one authority's for another's: each has a task of its own.

mod send;
mod take;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use uuid::Uuid;

use super::Hub;
use super::limits;
use super::store::StoreError;
use crate::config::hub::SendingAuthority;
use crate::config::mesh::MeshSettings;
use crate::mesh::{MailboxId, MeshError, MessageId, Post};

/// Why a round did not come to its end.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Mesh(#[from] MeshError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The hub has no room for an upload at present.
    #[error("an upload waits at MESH: the hub is busy, or short of disk")]
    Upload,
    /// What was to be done broke off.
    #[error("the work with MESH broke off")]
    BrokenOff,
}

impl Trouble {
    /// Whether it is of one message or one mailbox: nothing else waits for it.
    fn is_of_one(&self) -> bool {
        match self {
            Self::Mesh(error) => error.is_of_one(),
            Self::Store(_) | Self::Upload | Self::BrokenOff => false,
        }
    }

    /// Whether nobody was there: asking for more would only take longer.
    fn is_away(&self) -> bool {
        match self {
            Self::Mesh(error) => matches!(error, MeshError::NotReached(_)),
            Self::Store(_) | Self::Upload | Self::BrokenOff => false,
        }
    }

    /// Whether the next round is to wait for longer: a hub without room for an upload has room for all else.
    fn slows_down(&self) -> bool {
        !matches!(self, Self::Upload)
    }
}

/// Why a message rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rests {
    /// It cannot be taken. It stays at MESH, which gives it back to its sender.
    Odd,
    /// There was no room for it, or it is not yet whole.
    NotNow,
}

/// Messages that were not taken, why, and when that was tried last.
#[derive(Debug, Default)]
struct Left(HashMap<MessageId, (Rests, Instant)>);

impl Left {
    /// Why it rests, if it was tried lately.
    fn rests(&mut self, id: &MessageId) -> Option<Rests> {
        self.0.retain(|_, (why, tried)| {
            let rest = match why {
                Rests::Odd => limits::MESH_LEFT_AGAIN,
                Rests::NotNow => limits::MESH_ROOM_AGAIN,
            };
            tried.elapsed() < rest
        });
        self.0.get(id).map(|(why, _)| *why)
    }

    fn leave(&mut self, id: MessageId, why: Rests) {
        self.0.insert(id, (why, Instant::now()));
    }
}

/// What a part knows from one round to the next.
#[derive(Debug, Default)]
struct Known {
    shaken: Option<Instant>,
    left: Left,
    /// Files in the file client's folder of which nothing can be made.
    odd: usize,
}

/// What a round does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Notifications and their receipts.
    Notices,
    /// Uploads and their acknowledgements.
    Uploads,
}

/// Runs until it is dropped.
pub(super) async fn keep(hub: Hub) {
    let Some(settings) = hub.mesh().cloned() else { return };
    loop {
        // They end with this one.
        let mut parts = JoinSet::new();
        for part in [Part::Notices, Part::Uploads] {
            parts.spawn(keep_part(hub.clone(), settings.clone(), part));
        }
        // Neither ends by itself.
        parts.join_next().await;
        tracing::error!("the work with MESH broke off; it begins anew");
        drop(parts);
        tokio::time::sleep(limits::MESH_PAUSE).await;
    }
}

async fn keep_part(hub: Hub, settings: MeshSettings, part: Part) {
    let (mut in_vain, mut said): (u32, Option<Instant>) = (0, None);
    let mut known = Known::default();
    loop {
        match round(&hub, &settings, part, &mut known).await {
            Ok(()) => {
                if said.take().is_some() {
                    tracing::info!(?part, "MESH is worked with again");
                }
                in_vain = 0;
            }
            Err(trouble) => {
                in_vain = if trouble.slows_down() { in_vain.saturating_add(1) } else { 0 };
                if said.is_none_or(|said| said.elapsed() >= limits::DISK_ALERT_AGAIN) {
                    said = Some(Instant::now());
                    tracing::error!(?part, reason = %trouble, "what goes by MESH waits; it is tried again");
                }
            }
        }
        let pause = settings.every.saturating_mul(1 << in_vain.min(6));
        tokio::time::sleep(jittered(pause.min(limits::MESH_PAUSE.max(settings.every)))).await;
    }
}

/// A connection of its own each time: certificate, key and password are taken up when they change.
async fn round(hub: &Hub, settings: &MeshSettings, part: Part, known: &mut Known) -> Result<(), Trouble> {
    let mesh = Arc::new(connect(hub, settings).await?);
    if known.shaken.is_none_or(|at| at.elapsed() >= limits::MESH_HANDSHAKE) {
        mesh.handshake().await?;
        known.shaken = Some(Instant::now());
    }
    let taken = take::all(hub, &mesh, settings, part, &mut known.left).await;
    let odd = mesh.odd();
    if odd > known.odd {
        tracing::error!(
            odd,
            "control files in the file client's folder `in` are not whole, have no data, or have a name that is none: they are left alone"
        );
    }
    known.odd = odd;
    if taken.as_ref().is_err_and(Trouble::is_away) {
        return taken;
    }
    let sent = send::all(hub, &mesh, settings, part).await;
    taken.and(sent)
}

/// A share that hangs holds up nobody else.
async fn connect(hub: &Hub, settings: &MeshSettings) -> Result<Post, Trouble> {
    let (clock, settings) = (hub.clock().clone(), settings.clone());
    let open = move || Post::open(&settings.mailbox, &settings.way, Box::new(move || clock.now()));
    Ok(tokio::task::spawn_blocking(open).await.map_err(|_| Trouble::BrokenOff)??)
}

/// Whether what is configured can be used; MESH is not asked.
///
/// # Errors
/// One sentence: a file cannot be read, or a folder is not there.
pub fn mesh_is_usable(settings: &MeshSettings, clock: &super::clock::Clock) -> Result<(), MeshError> {
    let clock = clock.clone();
    Post::open(&settings.mailbox, &settings.way, Box::new(move || clock.now())).map(drop)
}

/// Asks MESH: whether it believes the hub's mailbox, and whether each authority has the mailbox that is configured for it. A sentence for
/// each that has not.
///
/// # Errors
/// MESH is not reached, or does not believe the mailbox.
pub fn ask_mesh(
    settings: &MeshSettings,
    authorities: &[SendingAuthority],
    clock: &super::clock::Clock,
) -> Result<Vec<String>, MeshError> {
    let clock = clock.clone();
    let mesh = Post::open(&settings.mailbox, &settings.way, Box::new(move || clock.now()))?;
    let workflows = [&*settings.workflows.notification, &*settings.workflows.acknowledgement];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| MeshError::Local(format!("cannot start: {}", error.kind())))?;
    runtime.block_on(async {
        mesh.handshake().await?;
        let mut said = Vec::new();
        for authority in authorities {
            let Some(mailbox) = &authority.mailbox else { continue };
            said.extend(mesh.compared(&authority.code, mailbox, &workflows).await?);
        }
        Ok(said)
    })
}

fn mailbox(text: &str) -> Result<MailboxId, MeshError> {
    MailboxId::parse(text).ok_or_else(|| MeshError::Local("a mailbox has no name".to_owned()))
}

/// Down to half of it by chance, so that not all come back at one moment.
fn jittered(pause: Duration) -> Duration {
    let (high, _) = Uuid::new_v4().as_u64_pair();
    pause.mul_f64(0.5 + f64::from((high >> 40) as u32) / f64::from(1 << 25))
}

/// Milliseconds until something is tried again that was tried so often.
fn pause_ms(settings: &MeshSettings, tries: u32) -> i64 {
    let pause = settings.every.saturating_mul(1 << tries.min(8)).min(limits::MESH_PAUSE.max(settings.every));
    i64::try_from(jittered(pause).as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_differ_by_chance_and_are_never_longer_than_they_should_be() {
        let whole = Duration::from_secs(100);
        let mut pauses: Vec<Duration> = (0..200).map(|_| jittered(whole)).collect();
        assert!(pauses.iter().all(|pause| (whole / 2..=whole).contains(pause)), "{pauses:?}");
        pauses.sort();
        pauses.dedup();
        assert!(pauses.len() > 100, "not all come back at one moment: {}", pauses.len());
        // Over the whole of the second half.
        assert!(pauses.first().is_some_and(|least| *least < whole * 6 / 10));
        assert!(pauses.last().is_some_and(|most| *most > whole * 9 / 10));
    }

    #[test]
    fn what_could_not_be_taken_rests_by_why_it_could_not() {
        let id = |text: &str| MessageId::parse(text).unwrap();
        let mut left = Left::default();
        left.leave(id("A"), Rests::Odd);
        left.leave(id("B"), Rests::NotNow);
        assert_eq!((left.rests(&id("A")), left.rests(&id("C"))), (Some(Rests::Odd), None));
        let earlier = Instant::now().checked_sub(limits::MESH_ROOM_AGAIN).unwrap();
        left.0.values_mut().for_each(|(_, tried)| *tried = earlier);
        assert_eq!((left.rests(&id("A")), left.rests(&id("B"))), (Some(Rests::Odd), None));
    }
}
