//! `backup` and `restore`: a database copied while it is served, and one put back while nobody serves it.
//!
//! A restore destroys nothing: the database that was there is moved aside, and of both it is said what they lack.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};
use serde_json::json;

use super::aside;
use super::audit::{self, Entry, Kind};
use super::copy::{self, CopyError, Holds};
use super::error::{Fault, StoreError};
use super::writer::Work;
use super::{OpenError, Store, StoreSettings, lock, schema, sessions};
use crate::config::hub::Synchronous;
use crate::domain::Caller;
use crate::hub::clock::Clock;
use crate::hub::disk;

/// Why no backup was made, or none was put back.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The database is in use, or cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It could not be audited.
    #[error("it cannot be written to the audit log: {0}")]
    Audit(#[from] StoreError),
    /// The copy was not written, or is not believed.
    #[error(transparent)]
    Copy(#[from] CopyError),
}

/// What a restore did.
#[derive(Debug)]
pub struct Restored {
    /// What is in place now.
    pub holds: Holds,
    /// Where the database that was there is now, also if a restore that was broken off moved it; `None` where there
    /// was none.
    pub aside: Option<PathBuf>,
    /// What the database that was there held beyond the backup, as far as it could be read.
    pub lost: Option<Lost>,
}

/// What is not in the database that was put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Views after the backup.
    pub views: u64,
    /// Notifications of them.
    pub notices: u64,
    /// Entries of the audit log.
    pub audit: u64,
    /// When the last of these was written.
    pub last_entry: Option<String>,
}

impl Store {
    /// Copies the whole database to a file, while views go on. That it is copied is audited before, and is in the copy.
    ///
    /// # Errors
    /// The file is there, or cannot be written, or what was written is not sound: then there is no file.
    pub fn backup(&self, file: &Path, by: &Caller) -> Result<Holds, KeepError> {
        if file.exists() {
            return Err(CopyError::Exists(file.to_owned()).into());
        }
        self.note_backup(by, "begun", None)?;
        let copied = super::connect(&self.0.path, Synchronous::Full)
            .map_err(|error| copy::refused(&error))
            .and_then(|db| copy::to_file(&db, file));
        match &copied {
            Ok(holds) => self.note_backup(by, "made", Some(holds))?,
            Err(_) => self.note_backup(by, "failed", None)?,
        }
        Ok(copied?)
    }

    fn note_backup(
        &self,
        by: &Caller,
        outcome: &'static str,
        holds: Option<&Holds>,
    ) -> Result<(), StoreError> {
        let by = by.clone();
        let detail =
            holds.map(|holds| json!({ "views": holds.views, "audit": holds.audit, "schema": holds.schema }));
        self.write_blocking(move |work| {
            audit::append(work, &by, &Entry { detail, ..Entry::new(Kind::Backup, outcome, "command line") })
        })?;
        Ok(())
    }
}

/// Puts a backup in the database's place. Refuses while anybody uses the database.
///
/// # Errors
/// The backup is not believed, or the database is in use: then nothing was touched.
pub fn restore(
    settings: &StoreSettings,
    backup: &Path,
    by: &Caller,
    clock: &Clock,
) -> Result<Restored, KeepError> {
    let path = settings.path.as_path();
    let directory = disk::directory_of(path);
    let _served = lock::serve(path)?;
    let _used = lock::use_alone(path)?;
    let unpacked = disk::beside(path, ".unpacked");
    remove_whole(&unpacked)?;
    copy::unpack(backup, &unpacked)?;
    let prepared = aside::left(path).and_then(|left| {
        let present = left.as_deref().unwrap_or(path);
        let (holds, lost) = prepare(present, &unpacked, by, clock.now())?;
        Ok((left, holds, lost))
    });
    let (left, holds, lost) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            remove_whole(&unpacked)?;
            return Err(error.into());
        }
    };
    // From here on nobody opens the database until the last rename, whatever dies in between.
    let ready = disk::beside(path, schema::RESTORING);
    std::fs::rename(&unpacked, &ready).map_err(copy::in_file(&ready, "cannot be made"))?;
    copy::flush_directory(&directory)?;
    let aside = aside::move_aside(path, left, clock.now())?;
    copy::flush_directory(&directory)?;
    std::fs::rename(&ready, path).map_err(copy::in_file(path, "cannot be put in place"))?;
    copy::flush_directory(&directory)?;
    Ok(Restored { holds, aside, lost })
}

/// Writes into the database that is to come that it was restored, and says what it lacks of the present one.
fn prepare(
    present: &Path,
    unpacked: &Path,
    by: &Caller,
    now: Timestamp,
) -> Result<(Holds, Option<Lost>), CopyError> {
    let db = Connection::open(unpacked).map_err(|error| copy::refused(&error))?;
    let work = || -> Result<(Holds, Option<Lost>), rusqlite::Error> {
        db.pragma_update(None, "synchronous", "FULL")?;
        let version = schema::version(&db)?;
        let lost = beyond(present, &db).unwrap_or(None);
        let holds = copy::holds(&db, version)?;
        let detail = json!({
            "last_entry": holds.last_entry,
            "views_lost": lost.as_ref().map(|lost| lost.views),
            "audit_lost": lost.as_ref().map(|lost| lost.audit),
            "last_entry_lost": lost.as_ref().and_then(|lost| lost.last_entry.clone()),
        });
        let entry = Entry { detail: Some(detail), ..Entry::new(Kind::Restore, "restored", "command line") };
        let work = Work {
            db: &db,
            now,
            begun: std::time::Instant::now(),
            holds_views: false,
            entries: Default::default(),
        };
        match sessions::end_all(&work).and_then(|()| audit::append(&work, by, &entry)) {
            Ok(()) => Ok((holds, lost)),
            Err(Fault::Sql(error)) => Err(error),
            Err(Fault::Corrupt(_) | Fault::Panicked | Fault::LoadRefused(_)) => {
                Err(rusqlite::Error::InvalidQuery)
            }
        }
    };
    work().map_err(|error| copy::refused(&error))
}

/// What the present database holds beyond another; `None` where there is none. It may be damaged: then nobody knows.
fn beyond(path: &Path, other: &Connection) -> Result<Option<Lost>, rusqlite::Error> {
    if !path.exists() {
        return Ok(None);
    }
    let present = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Its files are moved as they are.
    present.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let after = |table: &str| -> Result<u64, rusqlite::Error> {
        let last: i64 =
            other.query_row(&format!("SELECT coalesce(max(id), 0) FROM {table}"), [], |row| row.get(0))?;
        let count: i64 =
            present.query_row(&format!("SELECT count(*) FROM {table} WHERE id > ?1"), [last], |row| {
                row.get(0)
            })?;
        Ok(u64::try_from(count).unwrap_or(0))
    };
    let last_entry = copy::holds(&present, schema::version(&present)?)?.last_entry;
    Ok(Some(Lost { views: after("view")?, notices: after("outbox")?, audit: after("audit")?, last_entry }))
}

/// Removes a database with all that SQLite keeps beside it: the journal of a restore that was broken off would make
/// the next backup look unsound.
fn remove_whole(database: &Path) -> Result<(), CopyError> {
    ["-journal", "-wal", "-shm", ""].into_iter().try_for_each(|part| remove(&disk::beside(database, part)))
}

pub(super) fn remove(path: &Path) -> Result<(), CopyError> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(copy::in_file(path, "cannot be removed")(error)),
    }
}
