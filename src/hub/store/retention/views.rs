//! Which views are over their time, with their rows of the access history and their notifications.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::super::error::Fault;
use super::super::history::{self, NotNeeded};
use super::{Removed, Slice, older};

/// Judges views, and remembers what it knows about their people.
pub(super) struct Judge {
    before_ms: i64,
    people: HashMap<i64, NotNeeded>,
}

/// What may go of a view.
struct Verdict {
    person: i64,
    history: bool,
    notices: bool,
    /// The view too, since nothing of it stays.
    view: bool,
}

/// From the cut-off and the present moment.
pub(super) fn find(db: &Connection, times: (i64, i64), after: i64) -> Result<Slice, Fault> {
    let (ids, next) = older(db, "view", times, after)?;
    let mut judge = Judge::new(times.0);
    let mut slice = Slice { due: Vec::new(), would_go: Removed::default(), next };
    for id in ids {
        let verdict = judge.judge(db, id)?;
        let notices = if verdict.notices { notices_of(db, id)? } else { 0 } + told_earlier_of(db, id)?;
        let would_go = Removed {
            views: u64::from(verdict.view),
            history: u64::from(verdict.history),
            notices,
            ..Removed::default()
        };
        if would_go != Removed::default() {
            slice.due.push(id);
            slice.would_go.add(would_go);
        }
    }
    Ok(slice)
}

impl Judge {
    pub(super) fn new(before_ms: i64) -> Self {
        Self { before_ms, people: HashMap::new() }
    }

    /// A view that is older than the cut-off.
    fn judge(&mut self, db: &Connection, view: i64) -> Result<Verdict, Fault> {
        let (person, in_history): (i64, bool) = db
            .prepare_cached(
                "SELECT person_id, EXISTS (SELECT 1 FROM history WHERE view_id = view.id) FROM view WHERE id = ?1",
            )?
            .query_row([view], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let not_needed = match self.people.entry(person) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(new) => {
                new.insert(history::not_needed(db, person, self.before_ms)?)
            }
        };
        let history = in_history && not_needed.contains(view);
        let notices = !has_needed_notice(db, view, self.before_ms)?;
        Ok(Verdict { person, history, notices, view: notices && (history || !in_history) })
    }

    /// Removes what may go. Rows of the history go with all of the same person that may: the list must
    /// be the same before and after.
    pub(super) fn remove(&mut self, db: &Connection, view: i64) -> Result<Removed, Fault> {
        let is_there = db.prepare_cached("SELECT 1 FROM view WHERE id = ?1")?.exists([view])?;
        if !is_there {
            return Ok(Removed::default());
        }
        let verdict = self.judge(db, view)?;
        let mut removed = Removed::default();
        let delete =
            |sql: &str, id: i64| -> Result<u64, Fault> { Ok(db.prepare_cached(sql)?.execute([id])? as u64) };
        if verdict.history
            && let Some(not_needed) = self.people.get_mut(&verdict.person)
        {
            for view in not_needed.take() {
                removed.history += delete("DELETE FROM history WHERE view_id = ?1", view)?;
            }
            removed.history += delete("DELETE FROM history WHERE view_id = ?1", view)?;
        }
        removed.notices += delete("DELETE FROM told_earlier WHERE view_id = ?1", view)?;
        if verdict.notices {
            removed.notices += delete("DELETE FROM outbox WHERE view_id = ?1", view)?;
        }
        if verdict.view {
            removed.views += delete("DELETE FROM view WHERE id = ?1", view)?;
        }
        Ok(removed)
    }
}

/// Whether any notification of a view has to stay: not over by what its authority said of it (whether it was sent or not, and while it waits on
/// the authority's list), changed since, the reason why a later one was not sent, or of an attendance that goes on after the cut-off or
/// has another that is not over. None lasts a day.
fn has_needed_notice(db: &Connection, view: i64, before_ms: i64) -> Result<bool, Fault> {
    Ok(db
        .prepare_cached(
            "SELECT 1 FROM outbox WHERE view_id = ?1
               AND (state = 'queued' OR outcome IS NULL OR outcome = 'triage' OR state_ms >= ?2 OR at_ms >= ?2
                 OR EXISTS (SELECT 1 FROM told_earlier WHERE outbox_id = outbox.id)
                 OR EXISTS (SELECT 1 FROM outbox AS other
                            WHERE other.person_id = outbox.person_id
                              AND other.authority_code = outbox.authority_code
                              AND other.attendance = outbox.attendance
                              AND other.at_ms BETWEEN outbox.at_ms - 86400000 AND outbox.at_ms + 86400000
                              AND (other.state = 'queued' OR other.outcome IS NULL OR other.outcome = 'triage'
                                OR other.at_ms >= ?2)))",
        )?
        .exists(params![view, before_ms])?)
}

fn notices_of(db: &Connection, view: i64) -> Result<u64, Fault> {
    let count: i64 = db
        .prepare_cached("SELECT count(*) FROM outbox WHERE view_id = ?1")?
        .query_row([view], |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

fn told_earlier_of(db: &Connection, view: i64) -> Result<u64, Fault> {
    let count: i64 = db
        .prepare_cached("SELECT count(*) FROM told_earlier WHERE view_id = ?1")?
        .query_row([view], |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}
