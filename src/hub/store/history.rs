//! The access history: who opened a person's information before.
//!
//! Because a row exists only where a plan does, reading is itself a disclosure: a caller, recorded or silent,
//! gets it only after their own view of the same person's plans, only if that view showed a plan, and only
//! while there still is one to show. Reading never writes a row.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::audit::{self, Entry, Kind};
use super::error::{Fault, StoreError};
use super::people::{self, Resolved};
use super::writer::Work;
use super::{Audited, Store, codec, disclose};
use crate::domain::{Access, Caller, NhsNumber, TailDays, ViewPermit};
use crate::hub::limits;

/// The own view must not be older than this.
const OWN_VIEW: SignedDuration = SignedDuration::from_mins(30);

/// The same person's further views within this time of one that is listed are not (published rule).
const LISTED_ONCE: SignedDuration = SignedDuration::from_hours(24);

/// What reading the history found.
#[derive(Debug)]
pub enum HistoryOutcome {
    /// The accesses, newest first; the number is the one in use.
    Read {
        /// Whose.
        number: NhsNumber,
        /// At most 25.
        rows: Vec<HistoryRow>,
    },
    /// The caller has not opened this person's plans in the last 30 minutes.
    NotOpened,
    /// The number is not known to the hub.
    NotKnown,
    /// The identity ended.
    Ended,
}

/// One access.
#[derive(Debug, Clone)]
pub struct HistoryRow {
    /// Row id.
    pub id: i64,
    /// Who, where and when.
    pub access: Access,
    /// Role profile id.
    pub role_profile: String,
    user: String,
    organisation_code: String,
}

impl Store {
    /// Reads the access history of a person.
    ///
    /// # Errors
    /// The database refused: nothing is disclosed.
    pub async fn history(
        &self,
        permit: ViewPermit,
        number: NhsNumber,
        request: String,
    ) -> Result<Audited<HistoryOutcome>, StoreError> {
        let tails = self.tails();
        self.write(move |work| {
            let (outcome, person, read) = read(work, &permit, number, tails)?;
            let kind =
                if matches!(read, HistoryOutcome::NotOpened) { Kind::Refused } else { Kind::HistoryRead };
            let entry = Entry { person, number: Some(number), ..Entry::new(kind, outcome, &request) };
            audit::append(work, permit.caller(), &entry)?;
            Ok(read)
        })
        .await
    }
}

type Reading = (&'static str, Option<i64>, HistoryOutcome);

fn read(work: &Work<'_>, permit: &ViewPermit, number: NhsNumber, tails: TailDays) -> Result<Reading, Fault> {
    let (person, number) = match people::resolve(work, number)? {
        Resolved::Person { id, number } => (id, number),
        Resolved::NotKnown => return Ok(("not-found", None, HistoryOutcome::NotKnown)),
        Resolved::Ended { id } => return Ok(("invalidated", Some(id), HistoryOutcome::Ended)),
    };
    let Some(showed_a_plan) = own_view_held(work, permit.caller(), person)? else {
        return Ok(("history-without-own-view", Some(person), HistoryOutcome::NotOpened));
    };
    let rows = if showed_a_plan && !disclose::shown(work, person, tails)?.1.is_empty() {
        rows(work, permit.caller(), person)?
    } else {
        Vec::new()
    };
    let outcome = if rows.is_empty() { "none" } else { "returned" };
    Ok((outcome, Some(person), HistoryOutcome::Read { number, rows }))
}

/// Whether the caller's own views of this person in the last 30 minutes showed a plan; `None` without one.
fn own_view_held(work: &Work<'_>, caller: &Caller, person: i64) -> Result<Option<bool>, Fault> {
    let since = since(work, OWN_VIEW);
    Ok(work
        .db
        .prepare_cached(
            "SELECT max(held) FROM view
             WHERE person_id = ?1 AND user_id = ?2 AND organisation_code = ?3 AND at_ms >= ?4
               AND opened_in_error IS NULL",
        )?
        .query_row(params![person, caller.user, caller.organisation_code, since], |row| row.get(0))
        .optional()?
        .flatten())
}

fn since(work: &Work<'_>, time: SignedDuration) -> i64 {
    work.now_ms().saturating_sub(i64::try_from(time.as_millis()).unwrap_or(0))
}

/// Newest first, at most 25, the present view among them.
fn rows(work: &Work<'_>, caller: &Caller, person: i64) -> Result<Vec<HistoryRow>, Fault> {
    let mut rows = all_rows(work.db, person)?;
    let present_since = codec::moment(since(work, OWN_VIEW))?;
    let is_present = |row: &HistoryRow| {
        row.user == caller.user
            && row.organisation_code == caller.organisation_code
            && row.access.at >= present_since
    };
    // The newest of the caller's own.
    if let Some(present) = rows.iter_mut().rev().find(|row| is_present(row)) {
        present.access.is_present_view = true;
    }
    let mut listed = once_a_day(rows);
    listed.reverse();
    if listed.len() > limits::HISTORY_RETURNED {
        let cut = listed.split_off(limits::HISTORY_RETURNED);
        if let Some(present) = cut.into_iter().find(|row| row.access.is_present_view) {
            listed.pop();
            listed.push(present);
        }
    }
    Ok(listed)
}

/// Oldest first. Of each user and organisation the first of each 24 hours, and the present view.
fn once_a_day(rows: Vec<HistoryRow>) -> Vec<HistoryRow> {
    let mut window: HashMap<(String, String), Timestamp> = HashMap::new();
    rows.into_iter()
        .filter(|row| {
            let start = window.entry((row.user.clone(), row.organisation_code.clone()));
            let is_first = match start {
                std::collections::hash_map::Entry::Vacant(start) => {
                    start.insert(row.access.at);
                    true
                }
                std::collections::hash_map::Entry::Occupied(mut start) => {
                    let is_over = row.access.at.duration_since(*start.get()) >= LISTED_ONCE;
                    if is_over {
                        start.insert(row.access.at);
                    }
                    is_over
                }
            };
            is_first || row.access.is_present_view
        })
        .collect()
}

/// Views whose rows of a person's history can go without a change in what is listed.
pub(super) struct NotNeeded {
    views: HashSet<i64>,
    /// Where there are more rows than are looked at: those that are. What is older is never listed.
    read: Option<HashSet<i64>>,
}

impl NotNeeded {
    /// All that can go together; nothing is left then.
    pub(super) fn take(&mut self) -> HashSet<i64> {
        std::mem::take(&mut self.views)
    }

    /// Of a view that is older than the cut-off.
    pub(super) fn contains(&self, view: i64) -> bool {
        self.views.contains(&view) || self.read.as_ref().is_some_and(|read| !read.contains(&view))
    }
}

/// Only whole windows go, and never one of the newest that are listed: the oldest row of what stays was listed
/// before, and so begins its window as it did.
pub(super) fn not_needed(db: &Connection, person: i64, before_ms: i64) -> Result<NotNeeded, Fault> {
    let rows = all_rows(db, person)?;
    let before = codec::moment(before_ms)?;
    let is_full = rows.len() >= limits::HISTORY_READ;
    let read = is_full.then(|| rows.iter().map(|row| row.id).collect());
    let mut windows: Vec<(Timestamp, Timestamp, Vec<i64>)> = Vec::new();
    let mut last: HashMap<(String, String), usize> = HashMap::new();
    for row in rows {
        let (who, at) = ((row.user, row.organisation_code), row.access.at);
        let open = last.get(&who).copied().and_then(|index| windows.get_mut(index));
        match open.filter(|(first, _, _)| at.duration_since(*first) < LISTED_ONCE) {
            Some((_, newest, views)) => {
                *newest = at;
                views.push(row.id);
            }
            None => {
                last.insert(who, windows.len());
                windows.push((at, at, vec![row.id]));
            }
        }
    }
    windows.truncate(windows.len().saturating_sub(limits::HISTORY_RETURNED));
    let old = windows.into_iter().filter(|(_, newest, _)| *newest < before);
    Ok(NotNeeded { views: old.flat_map(|(_, _, views)| views).collect(), read })
}

fn all_rows(db: &Connection, person: i64) -> Result<Vec<HistoryRow>, Fault> {
    let mut statement = db.prepare_cached(
        "SELECT view_id, at_ms, user_id, user_name, role, role_profile, organisation_code, organisation
         FROM history WHERE person_id = ?1 ORDER BY at_ms DESC, view_id DESC LIMIT ?2",
    )?;
    let most = i64::try_from(limits::HISTORY_READ).unwrap_or(i64::MAX);
    let mut found = statement.query(params![person, most])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let access = Access {
            at: codec::moment(row.get(1)?)?,
            name: row.get(3)?,
            role: row.get(4)?,
            organisation: row.get(7)?,
            is_present_view: false,
        };
        rows.push(HistoryRow {
            id: row.get(0)?,
            access,
            role_profile: row.get(5)?,
            user: row.get(2)?,
            organisation_code: row.get(6)?,
        });
    }
    rows.reverse();
    Ok(rows)
}
