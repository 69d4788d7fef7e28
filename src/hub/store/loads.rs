//! The course of a load in the database: how far it has come, in the same commit as what was loaded.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use rusqlite::{OptionalExtension, Row, params};

use super::Store;
use super::apply::{self, Applying};
use super::audit::{self, Entry, Kind};
use super::error::{Fault, StoreError};
use super::marking::marking;
use super::people_changed;
use super::writer::Work;
use crate::domain::{Caller, NhsNumber};
use crate::hub::limits;
use crate::hub::load::{Authorities, LineError, LoadReport, Position, Unit};

/// What a load begins with.
pub(in crate::hub) struct LoadBegin {
    pub(in crate::hub) name: String,
    pub(in crate::hub) size: u64,
    pub(in crate::hub) digest: String,
    pub(in crate::hub) synthetic: bool,
    pub(in crate::hub) restart: bool,
    pub(in crate::hub) first_real: Option<usize>,
    pub(in crate::hub) authorities: Arc<Authorities>,
    pub(in crate::hub) links: Arc<HashMap<NhsNumber, NhsNumber>>,
}

/// A load under way.
#[derive(Clone)]
pub(in crate::hub) struct Loading {
    /// Of its row; a short file has none.
    id: Option<i64>,
    by: Arc<Caller>,
    /// The moment that counts for all of it, whenever it goes on.
    begun_ms: i64,
    is_marked: bool,
    is_complete: bool,
    position: Position,
    counts: LoadReport,
    uploads: HashMap<String, i64>,
    authorities: Arc<Authorities>,
    links: Arc<HashMap<NhsNumber, NhsNumber>>,
}

impl Loading {
    pub(in crate::hub) fn is_complete(&self) -> bool {
        self.is_complete
    }

    pub(in crate::hub) fn position(&self) -> Position {
        self.position
    }

    pub(in crate::hub) fn counts(&self) -> &LoadReport {
        &self.counts
    }
}

type Units = Vec<(Unit, Position)>;

impl Store {
    /// Begins a load that may be broken off, or goes on with it.
    pub(in crate::hub) fn load_begin(&self, by: Caller, begin: LoadBegin) -> Result<Loading, StoreError> {
        self.room_for_loads()?;
        self.write_blocking(move |work| match earlier(work, &begin)? {
            Some(found) => go_on(work, by, begin, found),
            None => start(work, by, begin),
        })
        .map(super::Audited::into_value)
    }

    /// Applies units from a place on, for as long as a slice may take. Returns how the load stands and how far it
    /// has come in them.
    pub(in crate::hub) fn load_slice(
        &self,
        loading: &Loading,
        units: &Arc<Units>,
        from: usize,
    ) -> Result<(Loading, usize), StoreError> {
        self.room_for_loads()?;
        let (mut loading, units) = (loading.clone(), Arc::clone(units));
        self.write_blocking(move |work| {
            let begun = Instant::now();
            loading.is_marked = super::read_marking(work.db)?;
            let before = loading.position;
            let mut refusals = Vec::new();
            people_changed::note(work)?;
            let mut done = from;
            for (unit, next) in units.get(from..).unwrap_or_default() {
                loading.apply(work, unit, &mut refusals)?;
                loading.position = *next;
                done += 1;
                if begun.elapsed() >= limits::LOAD_SLICE {
                    break;
                }
            }
            loading.note_refusals(work, &refusals)?;
            loading.note_position(work, before)?;
            loading.counts.commits += 1;
            Ok((loading, done))
        })
        .map(super::Audited::into_value)
    }

    /// Notes that all of it was applied.
    pub(in crate::hub) fn load_finish(&self, loading: &Loading) -> Result<Loading, StoreError> {
        let mut loading = loading.clone();
        self.write_blocking(move |work| {
            work.db.execute("UPDATE load SET state = 'complete' WHERE id = ?1", [loading.id])?;
            loading.is_complete = true;
            note_applied(work, &loading)?;
            Ok(loading)
        })
        .map(super::Audited::into_value)
    }

    /// Refused lines after a line, in order, as many as one page has; empty at the end.
    pub(in crate::hub) fn load_refusals(
        &self,
        loading: &Loading,
        after: usize,
    ) -> Result<Vec<LineError>, StoreError> {
        let id = loading.id;
        self.read(move |db| {
            let mut statement = db.prepare_cached(
                "SELECT line, why FROM load_refusal WHERE load_id = ?1 AND line > ?2 ORDER BY line LIMIT 1000",
            )?;
            let rows = statement
                .query_map(params![id, stored(after)], |row| Ok(LineError { line: count(row, 0)?, why: row.get(1)? }))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Forgets what was refused, once it was told.
    pub(in crate::hub) fn load_told(&self, loading: &Loading) -> Result<(), StoreError> {
        let id = loading.id;
        self.write_blocking(move |work| forget(work, id, "told")).map(super::Audited::into_value)
    }

    /// A short file in one commit.
    pub(in crate::hub) fn load_at_once(
        &self,
        by: Caller,
        begin: LoadBegin,
        units: Units,
    ) -> Result<(LoadReport, Vec<LineError>), StoreError> {
        self.room_for_loads()?;
        self.write_blocking(move |work| {
            earlier(work, &begin)?;
            let is_marked = marking(work, &begin)?;
            let mut loading = Loading::new(work.now_ms(), is_marked, by, &begin);
            let mut refusals = Vec::new();
            people_changed::note(work)?;
            for (unit, _) in &units {
                loading.apply(work, unit, &mut refusals)?;
            }
            // The same line may have been found wanting twice.
            refusals.sort_by_key(|error: &LineError| error.line);
            refusals.dedup_by_key(|error| error.line);
            loading.counts.refused = refusals.len();
            loading.counts.commits = 1;
            note_applied(work, &loading)?;
            Ok((loading.counts, refusals))
        })
        .map(super::Audited::into_value)
    }

    /// Notes that a file was refused as a whole.
    pub(in crate::hub) fn load_refused_blocking(&self, by: Caller) -> Result<(), StoreError> {
        self.write_blocking(move |work| audit::append(work, &by, &Entry::new(Kind::Load, "refused", "load")))
            .map(super::Audited::into_value)
    }

    /// The last of a disk is for views.
    fn room_for_loads(&self) -> Result<(), StoreError> {
        if self.0.disk.has_room_for_loads() { Ok(()) } else { Err(StoreError::NoRoom) }
    }
}

impl Loading {
    fn new(begun_ms: i64, is_marked: bool, by: Caller, begin: &LoadBegin) -> Self {
        Self {
            id: None,
            by: Arc::new(by),
            begun_ms,
            is_marked,
            is_complete: false,
            position: Position::default(),
            counts: LoadReport::default(),
            uploads: HashMap::new(),
            authorities: Arc::clone(&begin.authorities),
            links: Arc::clone(&begin.links),
        }
    }

    fn apply(&mut self, work: &Work<'_>, unit: &Unit, refusals: &mut Vec<LineError>) -> Result<(), Fault> {
        let mut applying = Applying {
            by: &self.by,
            load: self.id,
            begun_ms: self.begun_ms,
            is_marked: self.is_marked,
            authorities: &self.authorities,
            links: &self.links,
            uploads: &mut self.uploads,
            counts: &mut self.counts,
            refusals,
        };
        apply::unit(work, &mut applying, unit)
    }

    fn note_refusals(&mut self, work: &Work<'_>, refusals: &[LineError]) -> Result<(), Fault> {
        for refusal in refusals {
            // What is refused with its person is refused again by itself: once is enough.
            self.counts.refused += work
                .db
                .prepare_cached(
                    "INSERT OR IGNORE INTO load_refusal (load_id, line, why) VALUES (?1, ?2, ?3)",
                )?
                .execute(params![self.id, stored(refusal.line), refusal.why])?;
        }
        Ok(())
    }

    fn note_position(&self, work: &Work<'_>, before: Position) -> Result<(), Fault> {
        let (counts, at) = (&self.counts, self.position);
        let noted = work
            .db
            .prepare_cached(
                "UPDATE load SET phase = ?2, next = ?3, offset = ?4, people = ?5, superseded = ?6, ended = ?7,
                    plans = ?8, outdated = ?9, refused = ?10
                 WHERE id = ?1 AND state = 'running' AND phase = ?11 AND next = ?12",
            )?
            .execute(params![
                self.id,
                at.phase,
                stored(at.next),
                i64::try_from(at.offset).unwrap_or(i64::MAX),
                stored(counts.people),
                stored(counts.superseded),
                stored(counts.ended),
                stored(counts.plans),
                stored(counts.outdated),
                stored(counts.refused),
                before.phase,
                stored(before.next)
            ])?;
        if noted == 1 {
            Ok(())
        } else {
            Err(Fault::LoadRefused(LineError::new(0, "another command loads the same file at this moment")))
        }
    }
}

/// An earlier load of the same file that has not been told.
struct Earlier {
    id: i64,
    begun_ms: i64,
    is_complete: bool,
    position: Position,
    counts: LoadReport,
}

/// What there is of an earlier load of the file. One of the same name with another content is refused, unless all is
/// to start over.
fn earlier(work: &Work<'_>, begin: &LoadBegin) -> Result<Option<Earlier>, Fault> {
    if begin.restart {
        let mut statement = work.db.prepare(
            "SELECT id FROM load WHERE (digest = ?1 OR name = ?2) AND state IN ('running', 'complete')",
        )?;
        let ids: Vec<i64> =
            statement.query_map([&begin.digest, &begin.name], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for id in ids {
            forget(work, Some(id), "dropped")?;
        }
        return Ok(None);
    }
    let found = work
        .db
        .prepare(
            "SELECT id, begun_ms, state, phase, next, offset, people, superseded, ended, plans, outdated, refused
             FROM load WHERE digest = ?1 AND size = ?2 AND state IN ('running', 'complete') ORDER BY id DESC",
        )?
        .query_row(params![begin.digest, i64::try_from(begin.size).unwrap_or(i64::MAX)], |row| {
            Ok(Earlier {
                id: row.get(0)?,
                begun_ms: row.get(1)?,
                is_complete: row.get::<_, String>(2)? == "complete",
                position: Position {
                    phase: row.get(3)?,
                    next: count(row, 4)?,
                    offset: row.get::<_, i64>(5)?.unsigned_abs(),
                },
                counts: LoadReport {
                    people: count(row, 6)?,
                    superseded: count(row, 7)?,
                    ended: count(row, 8)?,
                    plans: count(row, 9)?,
                    outdated: count(row, 10)?,
                    refused: count(row, 11)?,
                    named: Vec::new(),
                    resumed: true,
                    commits: 0,
                },
            })
        })
        .optional()?;
    let changed = "a load of this file was broken off, and the file has changed since: put the former content back \
                   to go on, or start over with --restart (what is loaded twice stays as it is)";
    let is_known = !begin.name.is_empty()
        && work
            .db
            .prepare("SELECT 1 FROM load WHERE name = ?1 AND state = 'running'")?
            .exists([&begin.name])?;
    if found.is_none() && is_known {
        return Err(Fault::LoadRefused(LineError::new(0, changed)));
    }
    Ok(found)
}

fn forget(work: &Work<'_>, id: Option<i64>, state: &str) -> Result<(), Fault> {
    work.db.execute("DELETE FROM load_refusal WHERE load_id = ?1", [id])?;
    work.db.execute("UPDATE load SET state = ?2 WHERE id = ?1", params![id, state])?;
    Ok(())
}

fn start(work: &Work<'_>, by: Caller, begin: LoadBegin) -> Result<Loading, Fault> {
    let is_marked = marking(work, &begin)?;
    let mut loading = Loading::new(work.now_ms(), is_marked, by, &begin);
    work.db.execute(
        "INSERT INTO load (name, size, digest, begun_ms, state, phase, next, offset)
         VALUES (?1, ?2, ?3, ?4, 'running', 0, 0, 0)",
        params![begin.name, i64::try_from(begin.size).unwrap_or(i64::MAX), begin.digest, work.now_ms()],
    )?;
    loading.id = Some(work.db.last_insert_rowid());
    audit::append(work, &loading.by, &Entry::new(Kind::Load, "begun", "load"))?;
    Ok(loading)
}

fn go_on(work: &Work<'_>, by: Caller, begin: LoadBegin, found: Earlier) -> Result<Loading, Fault> {
    let is_marked = super::read_marking(work.db)?;
    let mut uploads = HashMap::new();
    let mut statement = work.db.prepare("SELECT authority_code, id FROM upload WHERE load_id = ?1")?;
    for row in statement.query_map([found.id], |row| Ok((row.get(0)?, row.get(1)?)))? {
        let (code, id) = row?;
        uploads.insert(code, id);
    }
    audit::append(work, &by, &Entry::new(Kind::Load, "resumed", "load"))?;
    Ok(Loading {
        id: Some(found.id),
        is_complete: found.is_complete,
        position: found.position,
        counts: found.counts,
        uploads,
        ..Loading::new(found.begun_ms, is_marked, by, &begin)
    })
}

fn note_applied(work: &Work<'_>, loading: &Loading) -> Result<(), Fault> {
    let counts = &loading.counts;
    let applied = counts.people + counts.superseded + counts.plans + counts.outdated + counts.ended;
    let outcome = if applied == 0 && counts.refused > 0 { "refused" } else { "applied" };
    let detail = serde_json::json!({
        "people": counts.people,
        "superseded": counts.superseded,
        "plans": counts.plans,
        "outdated": counts.outdated,
        "ended": counts.ended,
        "refused": counts.refused,
        "synthetic": loading.is_marked,
    });
    audit::append(
        work,
        &loading.by,
        &Entry { detail: Some(detail), ..Entry::new(Kind::Load, outcome, "load") },
    )
}

fn stored(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn count(row: &Row<'_>, column: usize) -> Result<usize, rusqlite::Error> {
    Ok(usize::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}
