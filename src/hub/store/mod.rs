//! The store, in the hub's own terms. Nothing above it knows that it is SQLite.
//!
//! Invariants, built in:
//! - *Log before disclose*: whatever depends on a person's record goes through the writer's transaction, and
//!   comes back as [`Audited`], which exists only after COMMIT.
//! - Patient data only against a permit: [`SearchPermit`] or [`ViewPermit`].
//! - Each call is atomic; several share one commit ([`writer`]).
//!
//! What a reader finds (the matches of a search, the audit log) leaves the store only after its entry.

mod acts;
mod apply;
mod arrivals;
mod aside;
mod audit;
mod audited;
mod backup;
mod checkpoint;
mod codec;
mod concerns;
mod connection;
mod copy;
mod disclose;
mod error;
mod examine;
mod figures;
mod gate;
mod health;
mod held;
mod history;
mod identities;
mod loads;
mod lock;
mod log;
mod marking;
mod mesh;
mod mover;
mod notices;
mod people;
mod people_changed;
mod queue;
mod reader;
mod readers;
mod retention;
mod schema;
mod search;
mod search_keys;
mod sessions;
mod settings;
mod shape;
mod turns;
mod uploads;
mod volume;
mod writer;

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rusqlite_migration::{M, Migrations};
use tokio::sync::{Semaphore, oneshot};

use crate::config::hub::{HubConfig, Synchronous};
use crate::domain::TailDays;
#[cfg(doc)]
use crate::domain::{SearchPermit, ViewPermit};

use super::clock::Clock;
use super::disk::Disk;
use super::limits;
use connection::{connect, migration, private_file, read_marking};
use error::Fault;
use figures::Figuring;
use gate::Gate;
use log::Log;
use mover::Mover;
use queue::{Line, Queue, ToWriter};
use readers::Readers;
use turns::Turns;
use writer::{Known, Reply, Work};

pub(super) use codec::{
    born as born_from_wire, born_text, time as time_from_wire, weekday as weekday_from_wire,
};
pub(super) use lock::{Held as Lock, serve as lock_to_serve};

pub use acts::{OpenedInError, Refusal, ReportedKind};
pub use audit::{AuditQuestion, AuditRead, AuditRow};
pub use audited::Audited;
pub use backup::{KeepError, Lost, Restored, restore};
pub use concerns::{ConcernsPlace, ConcernsRead};
pub use copy::{CopyError, Holds};
pub use disclose::{Disclosed, HeldRecord, ViewAsk, ViewOutcome};
pub use error::StoreError;
pub use examine::{Examined, examine};
pub use figures::Figures;
pub use history::{HistoryOutcome, HistoryRow};
pub(super) use loads::{LoadBegin, Loading};
pub(super) use mesh::{Awaited, Content, Named, Parcel};
pub(super) use notices::{Ask as NoticesAsk, Given, Page};
pub use notices::{Bound, Move, Moved, Waiting};
pub use people::{Found, Retrieved};
pub use retention::Removed;
pub use search::SearchOutcome;
pub(super) use sessions::Standing;
pub use sessions::{EndedBy, EndedThere, Origin, RenewAsk, Renewed, SessionBegun, SessionHeld, SignedInAt};
pub use shape::Shape;
pub(super) use uploads::{Arrived, FileState, Records, Taken, TakenFile};

const STEPS: &[M<'static>] = &[
    M::up(include_str!("migrations/0001.sql")),
    M::up(include_str!("migrations/0002.sql")),
    M::up(include_str!("migrations/0003.sql")),
    M::up(include_str!("migrations/0004.sql")),
    M::up(include_str!("migrations/0005.sql")),
    M::up(include_str!("migrations/0006.sql")),
    M::up(include_str!("migrations/0007.sql")),
    M::up(include_str!("migrations/0008.sql")),
    M::up(include_str!("migrations/0009.sql")),
    M::up(include_str!("migrations/0010.sql")),
    M::up(include_str!("migrations/0011.sql")),
    M::up(include_str!("migrations/0013.sql")),
    M::up(include_str!("migrations/0014.sql")),
    M::up(include_str!("migrations/0016.sql")),
    M::up(include_str!("migrations/0017.sql")),
    M::up(include_str!("migrations/0018.sql")),
    M::up(include_str!("migrations/0019.sql")),
    M::up(include_str!("migrations/0020.sql")),
    M::up(include_str!("migrations/0021.sql")),
];
const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

/// Where the database is and how it is used.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// The file; made where there is none.
    pub path: PathBuf,
    /// How strictly commits reach the disk.
    pub synchronous: Synchronous,
    /// How long ended plans are shown.
    pub tails: TailDays,
    /// The disk that it is on.
    pub disk: Disk,
}

impl StoreSettings {
    /// As configured, for a command beside the hub that may serve it.
    #[must_use]
    pub fn of(config: &HubConfig) -> Self {
        Self {
            path: config.database.clone(),
            synchronous: config.synchronous,
            tails: config.tails,
            disk: Disk::of(&config.database),
        }
    }
}

/// Why the database cannot be used: one sentence each.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be opened or brought to this version's schema.
    #[error("cannot use the database {path}: {reason}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// SQLite's code in words.
        reason: String,
    },
    /// `synchronous = "normal"` for real people.
    #[error(
        "`store.synchronous = \"normal\"` may lose views in a power cut and is refused: the database is not marked synthetic"
    )]
    NotSynthetic,
    /// Another hub serves it.
    #[error("another hub serves the database {path}: stop that one first")]
    Served {
        /// The file.
        path: PathBuf,
    },
    /// Others use it while it is to be changed as a whole, or the reverse.
    #[error(
        "the database {path} is in use by another hub or command, and its schema or all of it is to be changed: stop the others first"
    )]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A restore did not come to its end.
    #[error("a restore of the database {path} was broken off: run `cpis-hub restore` again")]
    Restoring {
        /// The file.
        path: PathBuf,
    },
}

/// A handle on the store; clones share it. The last one closes it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    path: PathBuf,
    disk: Disk,
    clock: Clock,
    queue: Arc<Queue>,
    writer: Option<JoinHandle<()>>,
    readers: Readers,
    figuring: Mutex<Figuring>,
    known: Arc<Known>,
    searches: Arc<Semaphore>,
    searching: Turns,
    concerns: Arc<Semaphore>,
    concerns_of: Turns,
    tails: TailDays,
    // The last to go: until then nobody else may change the database as a whole.
    _used: Lock,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.readers.end();
        self.queue.close();
        if let Some(writer) = self.writer.take() {
            // The writer catches its own panics; there is nobody left to tell.
            let _ = writer.join();
        }
        if *self.known.lost.borrow() {
            // What a flush refused must not reach the database by closing it: the next start reads its log.
            let figuring = self.figuring.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            writer::leave_the_log(&figuring.db);
        }
    }
}

impl Store {
    /// Opens the database, brings it to this version's schema, and starts its writer.
    ///
    /// # Errors
    /// It cannot be used, or not in this way.
    pub fn open(settings: &StoreSettings, clock: Clock) -> Result<Self, OpenError> {
        let unusable = |error: &rusqlite::Error| OpenError::Unusable {
            path: settings.path.clone(),
            reason: error::reason(error),
        };
        let (db, used) = open_with_keys(settings)?;
        let is_synthetic = read_marking(&db).map_err(|error| unusable(&error))?;
        if settings.synchronous == Synchronous::Normal && !is_synthetic {
            return Err(OpenError::NotSynthetic);
        }
        let reader = || {
            let reader = connect(&settings.path, settings.synchronous)?;
            reader.pragma_update(None, "query_only", true)?;
            Ok(reader)
        };
        let connections: Result<Vec<_>, _> = (0..limits::READERS).map(|_| reader()).collect();
        let connections = connections.map_err(|error| unusable(&error))?;
        let figuring = reader().map_err(|error| unusable(&error))?;
        let mover = connect(&settings.path, settings.synchronous).map_err(|error| unusable(&error))?;
        let known = Arc::new(Known::default());
        known.synthetic.store(is_synthetic, Ordering::Release);
        let no_thread = |error: std::io::Error| OpenError::Unusable {
            path: settings.path.clone(),
            reason: error.to_string(),
        };
        let gate = Arc::new(Gate::default());
        let readers = Readers::start(connections, &gate, &known).map_err(no_thread)?;
        let log = Log::new(Mover::start(mover, &known).map_err(no_thread)?, gate);
        let queue = Arc::new(Queue::default());
        let clock_too = clock.clone();
        let (waiting, learned, disk) = (Arc::clone(&queue), Arc::clone(&known), settings.disk.clone());
        let writer = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                // However it ends, nobody waits for it in vain.
                let _abandon = AbandonAtEnd(&waiting, &learned);
                writer::run(&db, log, &waiting, &clock, &learned, &disk);
            })
            .map_err(no_thread)?;
        Ok(Self(Arc::new(Inner {
            path: settings.path.clone(),
            disk: settings.disk.clone(),
            clock: clock_too,
            queue,
            writer: Some(writer),
            readers,
            figuring: Mutex::new(Figuring { db: figuring, path: settings.path.clone(), last: None }),
            known,
            searches: Arc::new(Semaphore::new(limits::SEARCHES_AT_ONCE)),
            searching: Turns::new(limits::SEARCHES_OF_ONE_USER),
            concerns: Arc::new(Semaphore::new(limits::CONCERNS_AT_ONCE)),
            concerns_of: Turns::new(limits::CONCERNS_OF_ONE),
            tails: settings.tails,
            _used: used,
        })))
    }

    /// Whether the database holds synthetic people, for good. The writer looks before each commit, so that of
    /// every answer about a person it is as true as the answer itself; without work it looks each second.
    #[must_use]
    pub fn is_synthetic(&self) -> bool {
        self.0.known.synthetic.load(Ordering::Acquire)
    }

    fn tails(&self) -> TailDays {
        self.0.tails
    }

    /// Queues work for the writer; its reply comes after COMMIT.
    fn submit<T, F>(&self, line: Line, work: F) -> Reply<T>
    where
        T: Send + 'static,
        F: FnOnce(&Work<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let (reply, receiver) = oneshot::channel();
        self.to_writer().submit(line, reply, work);
        receiver
    }

    fn to_writer(&self) -> ToWriter {
        ToWriter { queue: Arc::clone(&self.0.queue), known: Arc::clone(&self.0.known) }
    }

    /// The same as [`Store::write`], before others.
    async fn write_first<T, F>(&self, work: F) -> Result<Audited<T>, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Work<'_>) -> Result<T, Fault> + Send + 'static,
    {
        self.submit(Line::Views, work).await.unwrap_or(Err(StoreError::Closed))
    }

    /// Does work in the writer's transaction and waits for its COMMIT.
    async fn write<T, F>(&self, work: F) -> Result<Audited<T>, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Work<'_>) -> Result<T, Fault> + Send + 'static,
    {
        self.submit(Line::Others, work).await.unwrap_or(Err(StoreError::Closed))
    }

    /// The same from a thread that may block (the command line).
    fn write_blocking<T, F>(&self, work: F) -> Result<Audited<T>, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Work<'_>) -> Result<T, Fault> + Send + 'static,
    {
        self.submit(Line::Others, work).blocking_recv().unwrap_or(Err(StoreError::Closed))
    }
}

/// Of this version's schema, and with this version's search keys. Nobody else may use the database while they are made.
fn open_with_keys(settings: &StoreSettings) -> Result<(rusqlite::Connection, Lock), OpenError> {
    let not_made = |fault: Fault| OpenError::Unusable {
        path: settings.path.clone(),
        reason: format!("its search keys could not be made: {}", fault.into_error("search keys")),
    };
    let (db, used) = schema::open(settings, &MIGRATIONS, STEPS.len())?;
    if search_keys::are_made(&db).map_err(not_made)? {
        return Ok((db, used));
    }
    drop((db, used));
    let alone = lock::use_alone(&settings.path)?;
    search_keys::make(&mut schema::connect(settings)?).map_err(not_made)?;
    drop(alone);
    schema::open(settings, &MIGRATIONS, STEPS.len())
}

/// Lets nobody wait for a writer that has ended, however it did.
struct AbandonAtEnd<'a>(&'a Queue, &'a Known);

impl Drop for AbandonAtEnd<'_> {
    fn drop(&mut self) {
        if !self.0.is_closed() {
            self.1.lost.send_replace(true);
        }
        self.0.abandon();
    }
}
