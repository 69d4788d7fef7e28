//! What the link remembers: what the hub holds, the file under way, and the lists that wait for a person.
//!
//! Nothing is remembered as held before the hub has acknowledged it. A file's number is used up before the file can leave, so
//! that no two files ever have the same; the document itself waits beside the database until it is acknowledged, so that
//! after any failure the very same one is sent again.

mod changes;
mod lists;
mod pairing;
mod settled;

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use rusqlite_migration::{M, Migrations};

use super::extract::{Checked, FileFault, Meant, check_each};
use crate::config::authority::Mapping;
use crate::domain::{NhsNumber, PlanKind};

pub use changes::{Change, Changes};
pub use lists::{Absent, Decision, NotVisible};
pub use settled::{SettleError, Settled};

const STEPS: &[M<'static>] = &[M::up(include_str!("0001.sql")), M::up(include_str!("0002.sql"))];
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outgoing {
    /// Its number.
    pub sequence: u32,
    /// The day of its extract.
    pub day: Date,
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
        let found: Option<(u32, String)> = self
            .db
            .query_row("SELECT sequence, day FROM outgoing", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        found.map(|(sequence, text)| Ok(Outgoing { sequence, day: day(&text)? })).transpose()
    }

    /// Forgets the file under way, which nobody has any more.
    ///
    /// # Errors
    /// The memory cannot be written.
    pub fn forget_outgoing(&mut self) -> Result<(), MemoryError> {
        let work = self.db.transaction()?;
        work.execute_batch("DELETE FROM outgoing; DELETE FROM outgoing_plan;")?;
        Ok(work.commit()?)
    }

    /// The number of the last file that was made.
    ///
    /// # Errors
    /// The memory cannot be read.
    pub fn sequence(&self) -> Result<u32, MemoryError> {
        Ok(self.db.query_row("SELECT sequence FROM link", [], |row| row.get(0))?)
    }

    /// Says that files up to this number were made: of a memory that was put back from a backup.
    ///
    /// # Errors
    /// The memory cannot be written.
    pub fn skip_to(&mut self, sequence: u32) -> Result<(), MemoryError> {
        self.db.execute("UPDATE link SET sequence = max(sequence, ?1)", [sequence])?;
        Ok(())
    }

    /// When the hub last acknowledged an acceptable file.
    ///
    /// # Errors
    /// The memory cannot be read.
    pub fn acknowledged(&self) -> Result<Option<Timestamp>, MemoryError> {
        let at: Option<String> = self.db.query_row("SELECT acknowledged FROM link", [], |row| row.get(0))?;
        at.map(|at| at.parse().map_err(|_| MemoryError::Damaged("a moment"))).transpose()
    }

    /// Reads an extract, and finds what is to be sent. Nothing is remembered of it unless it is sent.
    ///
    /// # Errors
    /// The file cannot be believed, or the memory cannot be used.
    pub fn compare(
        &mut self,
        source: impl std::io::BufRead,
        mapping: &Mapping,
        today: Date,
        is_full: bool,
    ) -> Result<Comparison<'_>, MemoryError> {
        let work = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let checked = read_extract(&work, source, mapping, today)?;
        let changes = changes::find(&work, &checked, today, is_full)?;
        lists::refresh(&work, &checked, mapping, today)?;
        Ok(Comparison { work, checked, changes, today })
    }
}

/// An extract beside what the hub holds.
pub struct Comparison<'a> {
    work: Transaction<'a>,
    /// What is right and wrong with the extract.
    pub checked: Checked,
    /// What differs.
    pub changes: Changes,
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
        changes::each_record(&self.work, self.today, then)
    }

    /// Makes it the file under way: its number is used up.
    ///
    /// # Errors
    /// The memory cannot be written: nothing may leave.
    pub fn go(self) -> Result<Outgoing, MemoryError> {
        let sequence = self.next_sequence()?;
        self.work.execute("UPDATE link SET sequence = ?1", [sequence])?;
        self.work.execute(
            "INSERT INTO outgoing (id, sequence, day) VALUES (1, ?1, ?2)",
            params![sequence, self.today.to_string()],
        )?;
        self.work.commit()?;
        Ok(Outgoing { sequence, day: self.today })
    }
}

/// The rows that can be sent, into their table.
fn read_extract(
    work: &Transaction<'_>,
    source: impl std::io::BufRead,
    mapping: &Mapping,
    today: Date,
) -> Result<Checked, MemoryError> {
    work.execute("DELETE FROM extract", [])?;
    let mut insert = work.prepare(
        "INSERT INTO extract (local_id, row, number, kind, start_day, end_day, family, given, born)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let mut failed = None;
    let mut keep = |row: u64, meant: &Meant| {
        let Meant { local_id, number, family_name, given_names, born, kind, period } = meant;
        let kept = insert.execute(params![
            local_id,
            i64::try_from(row).unwrap_or(i64::MAX),
            number.digits(),
            kind.snomed(),
            period.start.to_string(),
            period.end.map(|end| end.to_string()),
            family_name,
            given_names,
            born.to_string()
        ]);
        if let Err(error) = kept {
            failed.get_or_insert(error);
        }
    };
    let mut checked = check_each(source, mapping, today, &mut keep)?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    // Where rows contradict each other, each is right by itself and has a local id.
    let mut find = work.prepare("SELECT local_id FROM extract WHERE row = ?1")?;
    for problem in checked.problems.iter_mut().filter(|problem| problem.local_id.is_none()) {
        let row = i64::try_from(problem.row).unwrap_or(i64::MAX);
        problem.local_id = find.query_row([row], |row| row.get(0)).optional()?;
    }
    // The rows that said it before stand for those that say it again.
    let mut forget = work.prepare("DELETE FROM extract WHERE row = ?1")?;
    for row in checked.again.iter().chain(&checked.contradicting) {
        forget.execute([i64::try_from(*row).unwrap_or(i64::MAX)])?;
    }
    Ok(checked)
}

/// SQLite with what must not be lost, and must not be found where it was removed.
fn connect(path: &Path) -> Result<Connection, rusqlite::Error> {
    let db = Connection::open(path)?;
    // So that whoever asks which cases are open is answered while an upload works.
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "trusted_schema", false)?;
    db.pragma_update(None, "secure_delete", true)?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    // Negative: kibibytes. A million rows are sorted and compared from the file.
    db.pragma_update(None, "cache_size", -32 * 1024)?;
    Ok(db)
}

/// A file that only its owner can read; made where there is none.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A file whose name is another's with something behind it.
fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    PathBuf::from(name)
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

/// A person's plan, as every table of them has it.
#[derive(Clone, PartialEq, Eq)]
struct Held {
    local_id: String,
    number: String,
    kind: String,
    start: String,
    end: Option<String>,
    family: String,
    given: String,
    born: String,
}

/// The columns of [`Held`], in order.
const HELD: &str = "local_id, number, kind, start_day, end_day, family, given, born";

impl Held {
    fn read(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        Self::read_from(row, 0)
    }

    fn read_from(row: &Row<'_>, first: usize) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            local_id: row.get(first)?,
            number: row.get(first + 1)?,
            kind: row.get(first + 2)?,
            start: row.get(first + 3)?,
            end: row.get(first + 4)?,
            family: row.get(first + 5)?,
            given: row.get(first + 6)?,
            born: row.get(first + 7)?,
        })
    }
}
