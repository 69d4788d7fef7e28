//! What the link remembers: what the hub holds, the file under way, and the lists that wait for a person.
//!
//! Nothing is remembered as held before the hub has acknowledged it. A file's number is used up before the file can leave, so
//! that no two files ever have the same; the document itself waits beside the database until it is acknowledged, so that
//! after any failure the very same one is sent again.

mod chain;
mod changes;
mod decisions;
mod lists;
mod pairing;
mod persons;
mod reading;
mod records;
mod refresh;
mod restricted;
mod rows;
mod settled;
mod turned_away;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use rusqlite_migration::{M, Migrations};

use super::extract::{Checked, FileFault};
use super::files::{beside, private};
use crate::config::authority::Mapping;
use crate::domain::{NhsNumber, PlanKind};
use crate::exchange::upload::Previous;
use chain::{Chain, Recovery};
use reading::Reading;
use rows::{HELD, Held, connect};

pub(super) use chain::Hashed;
pub use chain::NotMet;
pub use changes::{Change, Changes};
pub use decisions::{Absent, Decided, Decision, Made, Which};
pub use lists::{NotVisible, Who};
pub use settled::{SettleError, Settled};

const STEPS: &[M<'static>] = &[
    M::up(include_str!("0001.sql")),
    M::up(include_str!("0002.sql")),
    M::up(include_str!("0003.sql")),
    M::up(include_str!("0004.sql")),
    M::up(include_str!("0005.sql")),
    M::up(include_str!("0006.sql")),
    M::up(include_str!("0007.sql")),
];
const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

/// Why the memory cannot be used: one sentence each. Nothing of a row is in them.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// Another command works with it.
    #[error("another command of this link is at work: wait until it has ended")]
    InUse,
    /// SQLite, or the operating system, says so.
    #[error("the link's memory {path} cannot be used: {why}")]
    Unusable {
        /// The database.
        path: PathBuf,
        /// In words, without values.
        why: String,
    },
    /// It belongs to somebody else.
    #[error(
        "the link's memory is of the authority {0}, and the configuration names another: name another file"
    )]
    OtherAuthority(String),
    /// A row that the link did not write so.
    #[error("the link's memory is damaged ({0}): put a backup of it in place")]
    Damaged(&'static str),
    /// The extract has hardly anything of what the last one had.
    #[error(
        "it has {rows} rows, and the last extract had {before}: it may have been cut off, or be another report. Nothing of it was believed, and \
         nothing was sent. If it is right, give it once with `--fewer-rows`"
    )]
    FewerRows {
        /// Rows, whatever is wrong with them.
        rows: u64,
        /// Of the last extract that was believed.
        before: u64,
    },
    /// The extract has nothing of what is held.
    #[error(
        "it has no rows, and the hub holds {held} of this authority's plans that go on: it may have been cut off, or be another report. Nothing \
         was sent. If it is right, give it once with `--fewer-rows`, and decide about what is no longer in it (`cpis-authority absent`)"
    )]
    NoRows {
        /// Plans that are held, go on, and nobody has decided about.
        held: u64,
    },
    /// A decision about one person that would be of two.
    #[error(
        "plans of more than one person are held under this local id, and nothing was decided: say which with `--number`, as \
         `cpis-authority absent` lists them"
    )]
    MoreThanOne,
    /// The extract.
    #[error(transparent)]
    Extract(#[from] FileFault),
}

/// SQLite's result in words. The library's own message is left out: for some errors it holds values.
fn reason(error: &rusqlite::Error) -> String {
    match error.sqlite_error() {
        Some(failure) => format!("SQLite {:?} ({})", failure.code, failure.extended_code),
        None => "a row or statement that does not fit".to_owned(),
    }
}

impl From<rusqlite::Error> for MemoryError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unusable { path: PathBuf::new(), why: reason(&error) }
    }
}

/// The link's memory, used by this command alone.
pub struct Memory {
    db: Connection,
    path: PathBuf,
    _alone: File,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory(hidden)")
    }
}

/// The file under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its number.
    pub sequence: u32,
    /// The day of its extract.
    pub day: Date,
    /// Its SHA-256.
    digest: String,
    /// It has everything.
    is_full: bool,
    /// Records that it has.
    pub records: u64,
}

impl Memory {
    /// Opens the memory of an authority, or makes it.
    ///
    /// # Errors
    /// It cannot be used, or belongs to another authority.
    pub fn open(path: &Path, authority_code: &str) -> Result<Self, MemoryError> {
        let unusable = |why: String| MemoryError::Unusable { path: path.to_owned(), why };
        let alone = private(&beside(path, ".lock")).map_err(|error| unusable(error.kind().to_string()))?;
        match alone.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(MemoryError::InUse),
            Err(TryLockError::Error(error)) => return Err(unusable(error.kind().to_string())),
        }
        // Readable by its owner alone; SQLite's other files follow it.
        drop(private(path).map_err(|error| unusable(error.kind().to_string()))?);
        let mut db = connect(path).map_err(|error| unusable(reason(&error)))?;
        MIGRATIONS.to_latest(&mut db).map_err(|_| unusable("its schema is of a later version".to_owned()))?;
        let of: Option<String> =
            db.query_row("SELECT authority_code FROM link", [], |row| row.get(0)).optional()?;
        match of {
            Some(of) if of != authority_code => return Err(MemoryError::OtherAuthority(of)),
            Some(_) => {}
            None => {
                db.execute(
                    "INSERT INTO link (id, authority_code, sequence) VALUES (1, ?1, 0)",
                    [authority_code],
                )?;
            }
        }
        Ok(Self { db, path: path.to_owned(), _alone: alone })
    }

    /// Where the document of the file under way waits.
    #[must_use]
    pub fn document(&self) -> PathBuf {
        beside(&self.path, ".outgoing")
    }

    /// The file under way.
    ///
    /// # Errors
    /// The memory cannot be read.
    pub fn outgoing(&self) -> Result<Option<Outgoing>, MemoryError> {
        let found: Option<(u32, String, Option<String>, bool)> = self
            .db
            .query_row("SELECT sequence, day, digest, is_full FROM outgoing", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .optional()?;
        let Some((sequence, text, digest, is_full)) = found else { return Ok(None) };
        // Of an earlier version; where the document is gone, no acknowledgement fits it.
        let digest = digest.or_else(|| chain::digest_of(&self.document()).ok()).unwrap_or_default();
        let records = "SELECT max(coalesce((SELECT max(place) FROM outgoing_plan), 0),
                                  coalesce((SELECT max(place) FROM outgoing_without_team), 0))";
        let records: i64 = self.db.query_row(records, [], |row| row.get(0))?;
        Ok(Some(Outgoing { sequence, day: day(&text)?, digest, is_full, records: records.unsigned_abs() }))
    }

    /// Forgets the file under way, which nobody has any more.
    ///
    /// # Errors
    /// The memory cannot be written.
    pub fn forget_outgoing(&mut self) -> Result<(), MemoryError> {
        let work = self.db.transaction()?;
        work.execute_batch(
            "DELETE FROM outgoing; DELETE FROM outgoing_plan; DELETE FROM outgoing_without_team;
             UPDATE link SET previous_sequence = NULL, previous_digest = NULL;",
        )?;
        Ok(work.commit()?)
    }

    /// The number of the last file that was made.
    ///
    /// # Errors
    /// The memory cannot be read.
    pub fn sequence(&self) -> Result<u32, MemoryError> {
        Ok(self.db.query_row("SELECT sequence FROM link", [], |row| row.get(0))?)
    }

    /// When the hub last acknowledged an acceptable file.
    ///
    /// # Errors
    /// The memory cannot be read.
    pub fn acknowledged(&self) -> Result<Option<Timestamp>, MemoryError> {
        let at: Option<String> = self.db.query_row("SELECT acknowledged FROM link", [], |row| row.get(0))?;
        at.map(|at| at.parse().map_err(|_| MemoryError::Damaged("a moment"))).transpose()
    }

    /// Reads an extract, and finds what is to be sent. Nothing is remembered of it unless it is sent. One that has hardly anything of what
    /// the last one had is believed only if `accepts_fewer`; `progress` hears how many rows were read.
    ///
    /// # Errors
    /// The file cannot be believed, or the memory cannot be used.
    pub fn compare(
        &mut self,
        source: impl std::io::BufRead,
        mapping: &Mapping,
        today: Date,
        (is_full, accepts_fewer): (bool, bool),
        progress: &mut dyn FnMut(u64),
    ) -> Result<Comparison<'_>, MemoryError> {
        let work = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let how = Reading { mapping, today, accepts_fewer };
        let checked = reading::read_extract(&work, source, how, progress)?;
        let chain = Chain::read(&work)?;
        // Without a file that it follows, one has everything.
        let is_full = is_full || chain.previous.is_none();
        let mut changes = changes::find(&work, today, is_full)?;
        if chain.recovery == Recovery::HubIsOlder {
            refresh::find(&work, &mut changes)?;
        }
        if !is_full && refresh::is_only_rejected(&work, &changes)? {
            changes.is_only_rejected = true;
            if checked.is_mostly_right() {
                refresh::one_more(&work, &mut changes)?;
            }
        }
        restricted::take_off(&work, &mut changes)?;
        lists::refresh(&work, today)?;
        let dropped = decisions::refresh(&work, today)?;
        Ok(Comparison { work, checked, changes, dropped, today, previous: chain.previous, is_full })
    }
}

/// An extract beside what the hub holds.
pub struct Comparison<'a> {
    work: Transaction<'a>,
    /// What is right and wrong with the extract.
    pub checked: Checked,
    /// What differs.
    pub changes: Changes,
    /// Decisions that go, as the extract has the plans again.
    pub dropped: Vec<Decided>,
    /// The file that it follows.
    pub(super) previous: Option<Previous>,
    /// It has everything.
    pub(super) is_full: bool,
    today: Date,
}

impl std::fmt::Debug for Comparison<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Comparison(hidden)")
    }
}

impl Comparison<'_> {
    /// How many will stand on the list of what hospitals do not see, as far as the extract alone says.
    ///
    /// # Errors
    /// The memory cannot be read.
    pub fn not_visible(&self) -> Result<u64, MemoryError> {
        lists::count(&self.work)
    }

    /// How many current plans the hub does not hold as the extract has them, and that are not on that list.
    ///
    /// # Errors
    /// The memory cannot be read.
    pub fn not_sent(&self) -> Result<u64, MemoryError> {
        lists::not_sent(&self.work, self.today)
    }

    /// What is held and will be in the extract no longer, as it is said by `absent`.
    ///
    /// # Errors
    /// The memory cannot be read.
    pub fn absent(&self) -> Result<Vec<Absent>, MemoryError> {
        decisions::list(&self.work)
    }

    /// The number that this file will have.
    ///
    /// # Errors
    /// The memory cannot be read.
    pub fn next_sequence(&self) -> Result<u32, MemoryError> {
        let last: u32 = self.work.query_row("SELECT sequence FROM link", [], |row| row.get(0))?;
        Ok(last.saturating_add(1))
    }

    /// Hands over each record that is to be sent.
    ///
    /// # Errors
    /// The memory cannot be read, or the record could not be taken.
    pub fn each_record(
        &self,
        then: &mut dyn FnMut(&crate::exchange::upload::Record) -> Result<(), String>,
    ) -> Result<(), MemoryError> {
        records::each_record(&self.work, self.today, then)
    }

    /// Keeps the lists that came out of it, and sends nothing.
    ///
    /// # Errors
    /// The memory cannot be written.
    pub fn note(self) -> Result<(), MemoryError> {
        self.work.execute_batch("DELETE FROM outgoing_plan; DELETE FROM outgoing_without_team;")?;
        Ok(self.work.commit()?)
    }

    /// Makes it the file under way: its number is used up.
    ///
    /// # Errors
    /// The memory cannot be written: nothing may leave.
    pub fn go(self, digest: String) -> Result<Outgoing, MemoryError> {
        let sequence = self.next_sequence()?;
        self.work.execute("UPDATE link SET sequence = ?1", [sequence])?;
        self.work.execute(
            "INSERT INTO outgoing (id, sequence, day, digest, is_full) VALUES (1, ?1, ?2, ?3, ?4)",
            params![sequence, self.today.to_string(), digest, self.is_full],
        )?;
        self.work.commit()?;
        let records = self.changes.records;
        Ok(Outgoing { sequence, day: self.today, digest, is_full: self.is_full, records })
    }
}

fn day(text: &str) -> Result<Date, MemoryError> {
    text.parse().map_err(|_| MemoryError::Damaged("a day"))
}

fn number(text: &str) -> Result<NhsNumber, MemoryError> {
    NhsNumber::parse(text).map_err(|_| MemoryError::Damaged("a number"))
}

fn kind(text: &str) -> Result<PlanKind, MemoryError> {
    PlanKind::from_code(text).ok_or(MemoryError::Damaged("a kind of plan"))
}
