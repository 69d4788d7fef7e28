//! Whether a number that is no longer in use was mended, by what the link remembers of extracts and of the hub's acknowledgements.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Statement, params};

use crate::authority::register::Inactive;
use crate::domain::dates;

/// A plan that goes on under that number: as the hub has acknowledged it, or as the last extract has it. What somebody has decided
/// to leave as it is nobody is reminded of.
const STANDS: &str = "SELECT EXISTS (
        SELECT 1 FROM held WHERE local_id = ?1 AND number = ?2 AND (end_day IS NULL OR end_day >= ?3)
           AND NOT EXISTS (SELECT 1 FROM absent WHERE absent.local_id = held.local_id AND absent.number = held.number
                           AND absent.kind = held.kind AND absent.start_day = held.start_day AND decision = 'left'))
     OR EXISTS (
        SELECT 1 FROM extract WHERE local_id = ?1 AND number = ?2 AND (end_day IS NULL OR end_day >= ?3))";

/// A plan that goes on under another number, which the hub has acknowledged.
const IS_ELSEWHERE: &str = "SELECT EXISTS (
        SELECT 1 FROM held WHERE local_id = ?1 AND number <> ?2 AND (end_day IS NULL OR end_day >= ?3))";

/// Of each whether nothing is left to be mended. Of a file that is under way the extract is the last one.
pub(super) fn mended(
    db: &Connection,
    numbers: &[Inactive],
    now: Timestamp,
) -> Result<Vec<bool>, rusqlite::Error> {
    let extract: Option<i64> = db.query_row("SELECT extracts FROM link", [], |row| row.get(0)).optional()?;
    let Some(extract) = extract else { return Ok(vec![false; numbers.len()]) };
    let (mut stands, mut elsewhere) = (db.prepare(STANDS)?, db.prepare(IS_ELSEWHERE)?);
    let today = dates::london_day(now).to_string();
    let ask = |statement: &mut Statement<'_>, of: &Inactive| -> Result<bool, rusqlite::Error> {
        statement.query_row(params![of.local_id, of.number.digits(), today], |row| row.get(0))
    };
    let mut all = Vec::with_capacity(numbers.len());
    for of in numbers {
        // Of a memory that knows nothing of the case it is not concluded that it was mended, before another extract was read.
        let is_mended = !ask(&mut stands, of)? && (of.extract_seen != extract || ask(&mut elsewhere, of)?);
        all.push(is_mended);
    }
    Ok(all)
}
