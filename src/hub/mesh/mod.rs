//! The hub's mailbox at MESH: the same uploads, acknowledgements, notifications and receipts as over HTTPS, for those authorities whose
//! configuration names a mailbox. A mailbox is one authority, and MESH says from which one a message is.
//!
//! Nothing is acknowledged to MESH before it is on the hub's disk, and nothing is sent again before MESH was asked whether it has it.
//! Notifications do not wait for uploads, nor one authority's for another's: each has a task of its own, and one that breaks off begins anew.

mod send;
mod take;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::Hub;
use super::limits;
use super::store::StoreError;
use crate::config::hub::SendingAuthority;
use crate::config::mesh::MeshSettings;
use crate::mesh::limits::MESH_INBOX;
use crate::mesh::{Fault, MailboxId, MeshError, MessageId, Post, Resting};

/// Why a round did not come to its end.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Mesh(#[from] MeshError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Of one message or one authority, though MESH itself is there: those behind it go.
    #[error("one message waits, and those behind it go: {0}")]
    OfOne(MeshError),
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
            Self::Store(_) | Self::OfOne(_) | Self::Upload | Self::BrokenOff => false,
        }
    }

    /// Whether nobody was there: asking for more would only take longer.
    fn is_away(&self) -> bool {
        match self {
            Self::Mesh(error) => matches!(error, MeshError::NotReached(_)),
            Self::Store(_) | Self::OfOne(_) | Self::Upload | Self::BrokenOff => false,
        }
    }

    /// Whether the next round is to wait for longer: a hub without room for an upload has room for all else.
    fn slows_down(&self) -> bool {
        !matches!(self, Self::Upload | Self::OfOne(_))
    }

    /// Of something that was to go and is tried again by itself, after a pause of its own: that MESH fails with it slows nothing else down.
    fn of_one(self) -> Self {
        match self {
            Self::Mesh(error @ MeshError::NotNow(_)) => Self::OfOne(error),
            Self::Mesh(_) | Self::Store(_) | Self::OfOne(_) | Self::Upload | Self::BrokenOff => self,
        }
    }

    /// Keeps what is worse.
    fn into_worst(self, known: &mut Option<Self>) {
        if known.as_ref().is_none_or(|known| self.slows_down() && !known.slows_down()) {
            *known = Some(self);
        }
    }
}

/// What is known of messages in the mailbox that were not done with.
#[derive(Debug, Default)]
struct Left {
    /// What could not be taken. It stays at MESH, which gives it back to its sender.
    resting: Resting,
    /// For what there was no room, and when that was.
    no_room: HashMap<MessageId, Instant>,
    /// What was taken, and MESH has not been told: it is not taken, or answered, a second time.
    done: HashSet<MessageId>,
    /// What is being taken: where the work breaks off, it may be this.
    current: Option<MessageId>,
}

impl Left {
    /// Whether there was no room for it a moment ago.
    fn has_no_room(&mut self, id: &MessageId) -> bool {
        self.no_room.retain(|_, tried| tried.elapsed() < limits::MESH_ROOM_AGAIN);
        self.no_room.contains_key(id)
    }

    /// Notes that it could not be taken; whether it rests from now on.
    fn failed(&mut self, id: MessageId, fault: Fault) -> bool {
        self.resting.failed(id, fault)
    }

    /// Notes that it was taken. However many MESH does not let go, only so many are remembered.
    fn done(&mut self, id: MessageId) {
        if self.done.len() >= MESH_INBOX {
            self.done.clear();
        }
        self.done.insert(id);
    }

    /// Notes that MESH was told.
    fn over(&mut self, id: &MessageId) {
        self.done.remove(id);
        self.resting.taken(id);
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
    tokio::join!(keep_up(&hub, &settings, Part::Notices), keep_up(&hub, &settings, Part::Uploads));
}

/// One part, again where it broke off: the other goes on meanwhile.
async fn keep_up(hub: &Hub, settings: &MeshSettings, part: Part) {
    let known = Arc::new(Mutex::new(Known::default()));
    again(part, limits::MESH_PAUSE, || keep_part(hub.clone(), settings.clone(), part, Arc::clone(&known)))
        .await;
}

/// Does work that does not end by itself, and begins it anew where it does.
async fn again<W: Future<Output = ()> + Send + 'static>(
    part: Part,
    pause: Duration,
    mut work: impl FnMut() -> W,
) {
    loop {
        // It ends with this one.
        let mut running = JoinSet::new();
        running.spawn(work());
        running.join_next().await;
        tracing::error!(?part, "the work with MESH broke off; it begins anew");
        tokio::time::sleep(pause).await;
    }
}

async fn keep_part(hub: Hub, settings: MeshSettings, part: Part, known: Arc<Mutex<Known>>) {
    let (mut in_vain, mut said): (u32, Option<Instant>) = (0, None);
    // Nobody else has it: whoever had it has ended.
    let mut known = known.lock_owned().await;
    if let Some(id) = known.left.current.take() {
        known.left.failed(id, Fault::Passing);
    }
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
    // Both parts look into the one folder: one of them says it.
    if odd > known.odd && part == Part::Notices {
        tracing::error!(
            odd,
            "control files in the file client's folder `in` are not whole, have no data, or have a name that is none: they are left alone"
        );
    }
    known.odd = odd;
    let mut trouble = match taken {
        Ok(trouble) => trouble,
        Err(why) if why.is_away() => return Err(why),
        Err(why) => Some(why),
    };
    // The inbox was listed: whatever is wrong with what is in it, what is to go goes.
    if let Err(why) = send::all(hub, &mesh, settings, part).await {
        why.into_worst(&mut trouble);
    }
    trouble.map_or(Ok(()), Err)
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
    fn what_there_was_no_room_for_is_looked_at_again_after_a_while() {
        let id = |text: &str| MessageId::parse(text).unwrap();
        let mut left = Left::default();
        left.no_room.insert(id("A"), Instant::now());
        assert!(left.has_no_room(&id("A")) && !left.has_no_room(&id("B")));
        let earlier = Instant::now().checked_sub(limits::MESH_ROOM_AGAIN).unwrap();
        left.no_room.insert(id("A"), earlier);
        assert!(!left.has_no_room(&id("A")));
    }

    #[test]
    fn one_message_with_which_mesh_fails_slows_nothing_down_and_hides_nothing_that_does() {
        let one = || Trouble::Mesh(MeshError::NotNow(503)).of_one();
        let all = || Trouble::Mesh(MeshError::NotNow(503));
        assert!(!one().slows_down() && all().slows_down());
        assert!(Trouble::Mesh(MeshError::NotReached("gone")).of_one().slows_down());
        for [first, then] in [[one(), all()], [all(), one()]] {
            let mut worst = None;
            first.into_worst(&mut worst);
            then.into_worst(&mut worst);
            assert!(worst.unwrap().slows_down());
        }
    }

    #[tokio::test]
    async fn a_part_that_panics_begins_anew_and_the_other_goes_on() {
        use std::sync::atomic::{AtomicU32, Ordering};
        let [panics, goes_on] = [(); 2].map(|()| Arc::new(AtomicU32::new(0)));
        let pause = Duration::from_millis(1);
        let first = again(Part::Uploads, pause, || {
            let begun = Arc::clone(&panics);
            async move { assert!(begun.fetch_add(1, Ordering::AcqRel) > 100, "on purpose") }
        });
        let second = again(Part::Notices, pause, || {
            let begun = Arc::clone(&goes_on);
            async move {
                begun.fetch_add(1, Ordering::AcqRel);
                std::future::pending().await
            }
        });
        let three_times = async {
            while panics.load(Ordering::Acquire) < 3 {
                tokio::time::sleep(pause).await;
            }
        };
        tokio::select! {
            _ = async { tokio::join!(first, second) } => {}
            () = three_times => {}
        }
        assert_eq!(goes_on.load(Ordering::Acquire), 1, "it was never ended");
    }
}
