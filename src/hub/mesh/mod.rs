//! The hub's mailbox at MESH: the same uploads, acknowledgements, notifications and receipts as over HTTPS, for those authorities whose
//! configuration names a mailbox. A mailbox is one authority, and MESH says from which one a message is.
//!
//! Nothing is acknowledged to MESH before it is on the hub's disk, and nothing is sent again before MESH was asked whether it has it.
//! Notifications do not wait for uploads: each has a task and a connection of its own.

mod send;
mod take;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::Hub;
use super::limits;
use super::store::StoreError;
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
}

impl Trouble {
    /// Whether it is of one message or one mailbox: nothing else waits for it.
    fn is_of_one(&self) -> bool {
        match self {
            Self::Mesh(error) => error.is_of_one(),
            Self::Store(_) | Self::Upload => false,
        }
    }

    /// Whether nobody was there: asking for more would only take longer.
    fn is_away(&self) -> bool {
        match self {
            Self::Mesh(error) => matches!(error, MeshError::NotReached(_)),
            Self::Store(_) | Self::Upload => false,
        }
    }
}

/// Messages that could not be taken, and when that was tried last. They stay at MESH, which gives them back to their sender.
#[derive(Debug, Default)]
struct Left(HashMap<MessageId, Instant>);

impl Left {
    /// Whether it was tried so lately that it rests.
    fn rests(&mut self, id: &MessageId) -> bool {
        self.0.retain(|_, tried| tried.elapsed() < limits::MESH_LEFT_AGAIN);
        self.0.contains_key(id)
    }

    fn leave(&mut self, id: MessageId) {
        self.0.insert(id, Instant::now());
    }
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
    tokio::join!(keep_part(&hub, &settings, Part::Notices), keep_part(&hub, &settings, Part::Uploads));
}

async fn keep_part(hub: &Hub, settings: &MeshSettings, part: Part) {
    let (mut in_vain, mut said, mut shaken): (u32, Option<Instant>, Option<Instant>) = (0, None, None);
    let mut left = Left::default();
    loop {
        match round(hub, settings, part, &mut shaken, &mut left).await {
            Ok(()) => {
                if said.take().is_some() {
                    tracing::info!(?part, "MESH is worked with again");
                }
                in_vain = 0;
            }
            Err(trouble) => {
                in_vain = in_vain.saturating_add(1);
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
async fn round(
    hub: &Hub,
    settings: &MeshSettings,
    part: Part,
    shaken: &mut Option<Instant>,
    left: &mut Left,
) -> Result<(), Trouble> {
    let mesh = connect(hub, settings)?;
    if shaken.is_none_or(|at| at.elapsed() >= limits::MESH_HANDSHAKE) {
        mesh.handshake().await?;
        *shaken = Some(Instant::now());
    }
    let taken = take::all(hub, &mesh, settings, part, left).await;
    if taken.as_ref().is_err_and(Trouble::is_away) {
        return taken;
    }
    let sent = send::all(hub, &mesh, settings, part).await;
    taken.and(sent)
}

fn connect(hub: &Hub, settings: &MeshSettings) -> Result<Post, MeshError> {
    let clock = hub.clock().clone();
    Post::open(&settings.mailbox, &settings.way, Box::new(move || clock.now()))
}

/// Whether what is configured can be used; MESH is not asked.
///
/// # Errors
/// One sentence: a file cannot be read, or a folder is not there.
pub fn mesh_is_usable(settings: &MeshSettings, clock: &super::clock::Clock) -> Result<(), MeshError> {
    let clock = clock.clone();
    Post::open(&settings.mailbox, &settings.way, Box::new(move || clock.now())).map(drop)
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
