//! Whether what was read of people is still so: a number in the database that every change of their details counts
//! up, in its own commit, so that it is right across processes, too.

use rusqlite::Connection;

use super::error::Fault;
use super::writer::Work;

/// How often details of people had changed at some moment; the same number is the same details.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Changes(i64);

/// How often they have changed.
pub(super) fn so_far(db: &Connection) -> Result<Changes, Fault> {
    let mut statement = db.prepare_cached("SELECT times FROM people_changed")?;
    Ok(Changes(statement.query_row([], |row| row.get(0))?))
}

/// Part of every commit that may change whom a search finds, or what it says of them.
pub(super) fn note(work: &Work<'_>) -> Result<(), Fault> {
    work.db.prepare_cached("UPDATE people_changed SET times = times + 1")?.execute([])?;
    Ok(())
}
