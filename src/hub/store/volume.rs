//! The volume of one user's searches within 60 minutes: a broad search is a privacy event, and so are many.
//!
//! Counted in the commit of the search itself, so that it survives a restart; at most 60 rows of a user are
//! read, by their key. People that an answer returns beyond the limit are not taken back: the next search is
//! refused.

use std::time::Duration;

use rusqlite::{Connection, params};

use super::error::Fault;
use super::writer::Work;
use crate::hub::limits::Volume;

const MINUTES: i64 = 60;

/// How long a user has to wait, if their searches have come to the volume.
pub(super) fn wait(
    db: &Connection,
    user: &str,
    now_ms: i64,
    most: Volume,
) -> Result<Option<Duration>, Fault> {
    let now = now_ms.div_euclid(60_000);
    let mut statement = db.prepare_cached(
        "SELECT minute, searches, people FROM search_volume
         WHERE user_id = ?1 AND minute > ?2 AND minute <= ?3 ORDER BY minute DESC",
    )?;
    let mut rows = statement.query(params![user, now - MINUTES, now])?;
    let (mut searches, mut people) = (0_u32, 0_u32);
    // Newest first: the minute with which the volume is reached is the one that has to go by.
    while let Some(row) = rows.next()? {
        searches = searches.saturating_add(row.get(1)?);
        people = people.saturating_add(row.get(2)?);
        if searches >= most.searches || people >= most.people {
            let free_ms = (row.get::<_, i64>(0)? + MINUTES).saturating_mul(60_000).saturating_sub(now_ms);
            return Ok(Some(Duration::from_millis(free_ms.unsigned_abs())));
        }
    }
    Ok(None)
}

/// Counts a search and whom it returned; what is older than an hour goes.
pub(super) fn add(work: &Work<'_>, user: &str, people: usize) -> Result<(), Fault> {
    let now = work.now_ms().div_euclid(60_000);
    work.db
        .prepare_cached("DELETE FROM search_volume WHERE user_id = ?1 AND minute <= ?2")?
        .execute(params![user, now - MINUTES])?;
    work.db
        .prepare_cached(
            "INSERT INTO search_volume (user_id, minute, searches, people) VALUES (?1, ?2, 1, ?3)
             ON CONFLICT (user_id, minute)
             DO UPDATE SET searches = searches + 1, people = people + excluded.people",
        )?
        .execute(params![user, now, i64::try_from(people).unwrap_or(i64::MAX)])?;
    Ok(())
}
