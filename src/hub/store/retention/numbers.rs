//! Which notices of numbers are over their time: those that their authority has dealt with, and no other, however old.

use rusqlite::{Connection, params};

use super::super::error::Fault;
use super::{Removed, Slice};
use crate::hub::limits;

const OVER: &str = "view_id IS NULL AND outcome IN ('documented', 'dealt-with') AND state_ms < ?1";

/// The next of them behind a row.
pub(super) fn find(db: &Connection, before_ms: i64, after: i64) -> Result<Slice, Fault> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT id FROM outbox INDEXED BY outbox_of_numbers WHERE {OVER} AND id > ?2 ORDER BY id LIMIT ?3"
    ))?;
    let rows = statement
        .query_map(params![before_ms, after, limits::RETENTION_ROWS as i64], |row| row.get::<_, i64>(0))?;
    let due: Vec<i64> = rows.collect::<Result<_, _>>()?;
    let next = due.last().copied();
    Ok(Slice { would_go: Removed { notices: due.len() as u64, ..Removed::default() }, due, next })
}

/// Removes one that is still over its time.
pub(super) fn remove(db: &Connection, id: i64, before_ms: i64) -> Result<u64, Fault> {
    let gone = db
        .prepare_cached(&format!("DELETE FROM outbox WHERE {OVER} AND id = ?2"))?
        .execute(params![before_ms, id])?;
    Ok(gone as u64)
}
