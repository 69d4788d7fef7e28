//! MESH: another way to carry documents. The link takes messages from the hub's mailbox and from no other, acknowledges one only once what
//! is in it is on this computer's disk, and asks MESH whether it has a message before that is sent again.

mod notices;
mod state;
mod uploads;

use std::collections::{HashSet, VecDeque};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::runtime::Runtime;

use self::state::Kept;
use crate::config::mesh::{MeshSettings, Workflows};
use crate::exchange::TransportError;
use crate::mesh::{Fault, MailboxId, MeshError, MessageId, Post, Resting};

/// How often the mailbox shakes hands with MESH, which wants it once a day.
const HANDSHAKE: Duration = Duration::from_secs(6 * 60 * 60);

/// When this process last did.
static SHAKEN: Mutex<Option<Instant>> = Mutex::new(None);

/// What this process could not take and left where it is: a mailbox is opened anew with each round.
static LEFT: Mutex<Resting> = Mutex::new(Resting::new());

/// The link's mailbox.
pub struct Mesh {
    runtime: Runtime,
    client: Post,
    hub: MailboxId,
    workflows: Workflows,
    every: Duration,
    /// What is noted of what is under way stands in a file beside this one.
    beside: PathBuf,
    /// What waits in the inbox and was not looked at; `None` before it was asked.
    inbox: Option<VecDeque<MessageId>>,
    /// What is left in the inbox: it rests, or could not be taken now.
    resting: usize,
    /// Messages in a row of which MESH, or this machine, did not give what it said to have.
    in_vain: u32,
    /// What is in the register, and MESH has not let go.
    kept: Kept,
    /// What was handed over last is one of those.
    is_same: bool,
    /// What was handed over and is not acknowledged.
    current: Option<MessageId>,
    looked: Option<Instant>,
    /// The file that was asked after last, by its number, and its name.
    named: Option<(u32, Vec<u8>)>,
    refused: Vec<String>,
    /// Messages in which the hub has said that it could not unpack what came. One that MESH does not let go comes again, and counts once.
    not_unpacked: HashSet<MessageId>,
}

impl std::fmt::Debug for Mesh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mesh")
    }
}

impl Mesh {
    /// Reads what proves the mailbox. `beside` is the link's memory or register; `now` reads the clock.
    ///
    /// # Errors
    /// One of the files cannot be used.
    pub fn new(
        settings: &MeshSettings,
        beside: &Path,
        now: fn() -> Timestamp,
    ) -> Result<Self, TransportError> {
        let mailbox = |text: &str| {
            let why = || TransportError::Local("a mailbox has no name".to_owned());
            MailboxId::parse(text).ok_or_else(why)
        };
        let client = Post::open(&settings.mailbox, &settings.way, Box::new(now)).map_err(carried)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| TransportError::Local(format!("cannot start: {}", error.kind())))?;
        Ok(Self {
            runtime,
            client,
            hub: mailbox(settings.hub_mailbox.as_deref().unwrap_or_default())?,
            workflows: settings.workflows.clone(),
            every: settings.every,
            beside: beside.to_owned(),
            inbox: None,
            resting: 0,
            in_vain: 0,
            kept: Kept::default(),
            is_same: false,
            current: None,
            looked: None,
            named: None,
            refused: Vec::new(),
            not_unpacked: HashSet::new(),
        })
    }

    /// Asks MESH: whether it believes the link's mailbox, and knows it as this authority's. A sentence for each workflow for which it does not.
    ///
    /// # Errors
    /// MESH is not reached, or does not believe the mailbox.
    pub fn compared(
        settings: &MeshSettings,
        authority_code: &str,
        now: fn() -> Timestamp,
    ) -> Result<Vec<String>, TransportError> {
        let mesh = Self::new(settings, Path::new(""), now)?;
        // After a handshake, which is due in a program that has just begun.
        mesh.ask(async {
            let workflows = [&*mesh.workflows.notification, &*mesh.workflows.acknowledgement];
            mesh.client.compared(authority_code, &settings.mailbox, &workflows).await
        })
    }

    /// Waits for what MESH is asked, after a handshake where that is due.
    fn ask<T>(&self, what: impl Future<Output = Result<T, MeshError>>) -> Result<T, TransportError> {
        let is_due = {
            let shaken = SHAKEN.lock().unwrap_or_else(PoisonError::into_inner);
            shaken.is_none_or(|at| at.elapsed() >= HANDSHAKE)
        };
        let asked = async {
            if is_due {
                self.client.handshake().await?;
            }
            what.await
        };
        let asked = self.runtime.block_on(asked).map_err(carried);
        if is_due && asked.is_ok() {
            *SHAKEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        asked
    }

    /// What waits under these workflows, oldest first.
    fn look(&mut self, workflows: &[&str]) -> Result<VecDeque<MessageId>, TransportError> {
        let mut found = VecDeque::new();
        for workflow in workflows {
            found.extend(self.ask(self.client.inbox(workflow))?);
        }
        let left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
        let all = found.len();
        found.retain(|id| !left.rests(id));
        self.resting = all - found.len();
        self.in_vain = 0;
        Ok(found)
    }

    /// It stays where it is. It is looked at with the next round, and if that is no better, not with each.
    fn rest(&mut self, id: MessageId, fault: Fault) {
        self.resting += 1;
        self.in_vain = match fault {
            Fault::Own => 0,
            Fault::Passing => self.in_vain + 1,
        };
        LEFT.lock().unwrap_or_else(PoisonError::into_inner).failed(id, fault);
    }

    /// One message that cannot be taken stays where it is, is said, and keeps nothing behind it waiting, whatever MESH answers. Where
    /// the next is no better, it is MESH: what is behind that is not asked for.
    fn leave(&mut self, id: &MessageId, error: MeshError) -> Result<(), TransportError> {
        match error {
            // Of one that has gone there is nothing to say: it was acknowledged by an answer that was lost. Nor of one that comes.
            MeshError::Gone | MeshError::Unfinished => {
                self.in_vain = 0;
                return Ok(());
            }
            // Whoever puts that right is not to wait.
            MeshError::NotAllowed => {
                self.resting += 1;
                self.in_vain += 1;
            }
            MeshError::NotReached(_) | MeshError::NotNow(_) | MeshError::Local(_) => {
                self.rest(id.clone(), Fault::Passing);
            }
            MeshError::NoSuchMailbox
            | MeshError::Refused(_)
            | MeshError::NotUnderstood(_)
            | MeshError::TooLong => self.rest(id.clone(), Fault::Own),
        }
        if self.in_vain > 1 {
            return Err(carried(error));
        }
        self.refused
            .push(format!("a message was left in the mailbox, and what is behind it is taken: {error}"));
        Ok(())
    }

    /// It does not come again. Where MESH does not take that, it does, and changes nothing.
    fn done_with(&mut self, id: &MessageId) -> Result<(), TransportError> {
        match self.runtime.block_on(self.client.acknowledge(id)) {
            Ok(()) => {
                self.in_vain = 0;
                LEFT.lock().unwrap_or_else(PoisonError::into_inner).taken(id);
                Ok(())
            }
            Err(error) => self.leave(id, error),
        }
    }

    /// A message from anybody else than the hub is not believed, and does not come again. Whose it was is said.
    fn refuse(&mut self, from: Option<&MailboxId>, id: &MessageId) -> Result<(), TransportError> {
        let from = from.map_or("no mailbox", MailboxId::as_str);
        self.refused.push(format!("a message from {from}, which is not the hub's mailbox, was refused"));
        self.done_with(id)
    }
}

/// What is in MESH's way, in the terms of every way.
fn carried(error: MeshError) -> TransportError {
    let why = error.to_string();
    match error {
        MeshError::NotReached(_) => TransportError::NotReached(why),
        MeshError::NotNow(_) => TransportError::NotNow(why, None),
        MeshError::NotAllowed | MeshError::NoSuchMailbox | MeshError::Refused(_) => {
            TransportError::NotAllowed(why)
        }
        MeshError::Gone | MeshError::NotUnderstood(_) | MeshError::Unfinished | MeshError::TooLong => {
            TransportError::NotUnderstood(why)
        }
        MeshError::Local(why) => TransportError::Local(why),
    }
}
