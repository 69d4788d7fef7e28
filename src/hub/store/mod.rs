//! The store, in the hub's own terms. Nothing above it knows that it is SQLite.
//!
//! Invariants, built in:
//! - *Log before disclose*: whatever depends on a person's record goes through the writer's transaction, and
//!   comes back as [`Audited`], which exists only after COMMIT.
//! - Patient data only against a permit: [`SearchPermit`] or [`ViewPermit`].
//! - Each call is atomic; several share one commit ([`writer`]).
//!
//! The readers disclose nothing about a person but the caller's own view's progress.

mod acts;
mod apply;
mod audit;
mod audited;
mod codec;
mod disclose;
mod error;
mod history;
mod identities;
mod notices;
mod people;
mod settings;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rusqlite::{Connection, OptionalExtension};
use rusqlite_migration::{M, Migrations};

use crate::config::hub::Synchronous;
use crate::domain::TailDays;
#[cfg(doc)]
use crate::domain::{SearchPermit, ViewPermit};

use super::clock::Clock;
use super::limits;
use error::Fault;
use writer::{Job, Reply, Work};

pub(super) use codec::{born as born_from_wire, time as time_from_wire, weekday as weekday_from_wire};

pub use acts::{OpenedInError, Refusal, ReportedKind};
pub use audit::{AuditQuestion, AuditRow};
pub use audited::Audited;
pub use disclose::{Disclosed, HeldRecord, ViewAsk, ViewOutcome};
pub use error::StoreError;
pub use history::{HistoryOutcome, HistoryRow};
pub use people::{Found, PersonQuery, Retrieved, SearchOutcome};

const STEPS: &[M<'static>] = &[M::up(include_str!("migrations/0001.sql"))];
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
}

/// A handle on the store; clones share it. The last one closes it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    /// `None` only while closing.
    queue: Option<SyncSender<Box<dyn Job>>>,
    writer: Option<JoinHandle<()>>,
    readers: Vec<Mutex<Connection>>,
    next_reader: AtomicUsize,
    synthetic: Arc<AtomicBool>,
    tails: TailDays,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            // The writer catches its own panics; there is nobody left to tell.
            let _ = writer.join();
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
        private_file(&settings.path);
        let mut db = connect(&settings.path, settings.synchronous).map_err(|error| unusable(&error))?;
        MIGRATIONS.to_latest(&mut db).map_err(|error| OpenError::Unusable {
            path: settings.path.clone(),
            reason: migration(&error),
        })?;
        let is_synthetic = read_marking(&db).map_err(|error| unusable(&error))?;
        if settings.synchronous == Synchronous::Normal && !is_synthetic {
            return Err(OpenError::NotSynthetic);
        }
        let mut readers = Vec::with_capacity(limits::READERS);
        for _ in 0..limits::READERS {
            let reader = connect(&settings.path, settings.synchronous).map_err(|error| unusable(&error))?;
            reader.pragma_update(None, "query_only", true).map_err(|error| unusable(&error))?;
            readers.push(Mutex::new(reader));
        }
        let synthetic = Arc::new(AtomicBool::new(is_synthetic));
        let (queue, waiting) = sync_channel::<Box<dyn Job>>(limits::WRITER_QUEUE);
        let marking = Arc::clone(&synthetic);
        let writer = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer::run(&db, &waiting, &clock, &marking))
            .map_err(|error| OpenError::Unusable {
                path: settings.path.clone(),
                reason: error.to_string(),
            })?;
        Ok(Self(Arc::new(Inner {
            queue: Some(queue),
            writer: Some(writer),
            readers,
            next_reader: AtomicUsize::new(0),
            synthetic,
            tails: settings.tails,
        })))
    }

    /// Whether the database holds synthetic people, for good.
    #[must_use]
    pub fn is_synthetic(&self) -> bool {
        self.0.synthetic.load(Ordering::Acquire)
            || self.read(read_marking_fault).is_ok_and(|marked| {
                self.0.synthetic.fetch_or(marked, Ordering::AcqRel);
                marked
            })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// It does not.
    pub fn check(&self) -> Result<(), StoreError> {
        self.read(|db| Ok(db.query_row("SELECT count(*) FROM marking", [], |_| Ok(()))?))
    }

    fn tails(&self) -> TailDays {
        self.0.tails
    }

    /// Queues work for the writer; its reply comes after COMMIT.
    fn submit<T, F>(&self, work: F) -> Result<Reply<T>, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Work<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let (job, reply) = writer::job(work);
        let Some(queue) = &self.0.queue else { return Err(StoreError::Closed) };
        match queue.try_send(job) {
            Ok(()) => Ok(reply),
            Err(TrySendError::Full(_)) => Err(StoreError::Busy),
            Err(TrySendError::Disconnected(_)) => Err(StoreError::Closed),
        }
    }

    /// Does work in the writer's transaction and waits for its COMMIT.
    async fn write<T, F>(&self, work: F) -> Result<Audited<T>, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Work<'_>) -> Result<T, Fault> + Send + 'static,
    {
        self.submit(work)?.await.unwrap_or(Err(StoreError::Closed))
    }

    /// The same from a thread that may block (the command line).
    fn write_blocking<T, F>(&self, work: F) -> Result<Audited<T>, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Work<'_>) -> Result<T, Fault> + Send + 'static,
    {
        self.submit(work)?.blocking_recv().unwrap_or(Err(StoreError::Closed))
    }

    /// Reads committed data on one of the readers.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, StoreError> {
        let turn = self.0.next_reader.fetch_add(1, Ordering::Relaxed) % self.0.readers.len().max(1);
        let reader = self.0.readers.get(turn).ok_or(StoreError::Closed)?;
        // A reader whose user panicked holds no state of its own: it goes on.
        let db = reader.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        work(&db).map_err(|fault| fault.into_error("read"))
    }
}

/// Makes a new database file readable by its owner alone; SQLite's other files follow it. Where this fails,
/// opening fails next, and says why.
#[cfg(unix)]
fn private_file(path: &Path) {
    use std::os::unix::fs::OpenOptionsExt;
    let _ = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
}

#[cfg(not(unix))]
fn private_file(_path: &Path) {}

fn connect(path: &Path, synchronous: Synchronous) -> Result<Connection, rusqlite::Error> {
    let db = Connection::open(path)?;
    db.busy_timeout(limits::LOCK_WAIT)?;
    // Anything else than WAL would change what a commit means: refused.
    let mode: String = db.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(rusqlite::Error::InvalidQuery);
    }
    let level = match synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    db.pragma_update(None, "synchronous", level)?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "trusted_schema", false)?;
    db.pragma_update(None, "recursive_triggers", true)?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(db)
}

fn migration(error: &rusqlite_migration::Error) -> String {
    if let rusqlite_migration::Error::RusqliteError { err, .. } = error {
        format!("its schema could not be brought to this version: {}", error::reason(err))
    } else if let rusqlite_migration::Error::MigrationDefinition(_) = error {
        "its schema is of a later version of the hub".to_owned()
    } else {
        "its schema could not be brought to this version".to_owned()
    }
}

fn read_marking(db: &Connection) -> Result<bool, rusqlite::Error> {
    let marked: Option<i64> = db
        .prepare_cached("SELECT 1 FROM marking WHERE what = 'synthetic'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(marked.is_some())
}

fn read_marking_fault(db: &Connection) -> Result<bool, Fault> {
    Ok(read_marking(db)?)
}
