//! Looks at a database file without changing it, beside whatever hub uses it. Reads nothing about a person.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::error::{Fault, reason};
use super::figures::{FIRST_ENTRY, LAST_FAILED, LAST_MADE, LAST_RETENTION};
use super::{STEPS, codec, read_marking};
use crate::hub::limits;

/// What is there.
#[derive(Debug, Clone)]
pub struct Examined {
    /// The schema's version, and the one that this program works with.
    pub schema: (usize, usize),
    /// Whether SQLite finds the file whole; `None` where that was not looked at.
    pub is_whole: Option<bool>,
    /// How many people are held.
    pub people: u64,
    /// When the newest audit entry was written.
    pub newest_audit: Option<Timestamp>,
    /// When the audit log begins.
    pub first_audit: Option<Timestamp>,
    /// When the last backup was made, and when one last failed.
    pub backups: (Option<Timestamp>, Option<Timestamp>),
    /// When what is over its time was last removed.
    pub last_retention: Option<Timestamp>,
    /// Names of authorities without a number for office hours or for the emergency duty team.
    pub lacking_numbers: Vec<String>,
    /// Whether the people are synthetic.
    pub is_synthetic: bool,
}

/// Looks at a file; at every page of it only where that is asked for.
///
/// # Errors
/// It cannot be read as a database of a hub: SQLite's code in words.
pub fn examine(path: &Path, looks_whole: bool) -> Result<Examined, String> {
    read(path, looks_whole).map_err(|fault| match fault {
        Fault::Sql(error) => reason(&error),
        Fault::Corrupt(what) => format!("unreadable row: {what}"),
        Fault::Panicked | Fault::LoadRefused(_) => "unreadable".to_owned(),
    })
}

fn read(path: &Path, looks_whole: bool) -> Result<Examined, Fault> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    db.busy_timeout(limits::LOCK_WAIT)?;
    let schema: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let is_whole = if looks_whole {
        let said: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        Some(said == "ok")
    } else {
        None
    };
    let people: i64 = db.query_row("SELECT count(*) FROM person", [], |row| row.get(0))?;
    let newest: Option<i64> =
        db.query_row("SELECT at_ms FROM audit ORDER BY id DESC LIMIT 1", [], |row| row.get(0)).optional()?;
    let moment = |sql: &str| -> Result<Option<Timestamp>, Fault> {
        let at: Option<i64> = db.query_row(sql, [], |row| row.get(0)).optional()?;
        at.map(codec::moment).transpose()
    };
    // Older schemas have no such table.
    let has_runs = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'retention_run'")?.exists([])?;
    let last_retention = if has_runs { moment(LAST_RETENTION)? } else { None };
    let mut lacking = db.prepare(
        "SELECT name FROM authority WHERE office IS NULL OR emergency_duty IS NULL ORDER BY name LIMIT 200",
    )?;
    let lacking_numbers = lacking.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(Examined {
        schema: (usize::try_from(schema).unwrap_or(0), STEPS.len()),
        is_whole,
        people: u64::try_from(people).unwrap_or(0),
        newest_audit: newest.map(codec::moment).transpose()?,
        first_audit: moment(FIRST_ENTRY)?,
        backups: (moment(LAST_MADE)?, moment(LAST_FAILED)?),
        last_retention,
        lacking_numbers,
        is_synthetic: read_marking(&db)?,
    })
}
