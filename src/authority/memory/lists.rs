//! Plans that hospitals do not see, or not as they are.

use jiff::civil::Date;
use rusqlite::{Connection, Transaction, params};

use super::{Memory, MemoryError, day, kind};
use crate::domain::PlanKind;

/// A current plan that the hub does not hold as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotVisible {
    /// The authority's own id of the person, or the row of the last extract that has none.
    pub who: Who,
    /// Kind and first day, where the row can be read.
    pub plan: Option<(PlanKind, Date)>,
    /// Since when.
    pub since: Date,
    /// The hub's code, or nothing where the row was not sent.
    pub code: Option<String>,
    /// Why, and what to mend.
    pub why: String,
    /// Hospitals still see what was sent before.
    pub shows_older: bool,
}

/// Whose plan it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// The authority's own id of the person.
    LocalId(String),
    /// The row of the last extract: its local id cannot be read.
    Row(u64),
}

/// What hospitals do not see, as a row of the extract cannot be sent.
const ROW: &str = "row";

/// Brings the list up to what an extract says; what the hub has to say comes later. A row of a plan that has ended is none that hospitals
/// should see, unless the hub holds it as one that goes on.
pub(super) fn refresh(work: &Transaction<'_>, today: Date) -> Result<(), MemoryError> {
    let today = today.to_string();
    work.execute("UPDATE not_visible SET listed = 0 WHERE code = ?1", [ROW])?;
    let mut note = work.prepare(
        "INSERT INTO not_visible (local_id, plan, since, code, why, shows_older, listed)
         VALUES (?1, ?2, coalesce((SELECT since FROM not_visible WHERE local_id = ?1 AND plan = '' AND code = ?4), ?3), ?4, ?5,
                 EXISTS (SELECT 1 FROM held WHERE held.local_id = ?1 AND (?6 IS NULL OR held.kind = ?6)), 1)
         ON CONFLICT (local_id, plan) DO UPDATE SET
            why = CASE WHEN listed = 0 OR code <> ?4 THEN excluded.why
                       WHEN instr(why, excluded.why) > 0 OR length(why) > 1000 THEN why
                       ELSE why || '; ' || excluded.why END,
            since = CASE WHEN local_id = '' THEN excluded.since ELSE since END,
            code = excluded.code, shows_older = excluded.shows_older, listed = 1",
    )?;
    let mut goes_on = work.prepare(
        "SELECT 1 FROM held WHERE local_id = ?1 AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR start_day = ?3)
         AND (end_day IS NULL OR end_day >= ?4)",
    )?;
    let mut refused = work.prepare(
        "SELECT row, coalesce(local_id, ''), kind, start_day, end_day, why FROM refused_row ORDER BY local_id, row",
    )?;
    let mut rows = refused.query([])?;
    let mut last: (String, u32) = (String::new(), 0);
    while let Some(row) = rows.next()? {
        let (at, local_id): (i64, String) = (row.get(0)?, row.get(1)?);
        let (of, start): (Option<String>, Option<String>) = (row.get(2)?, row.get(3)?);
        let (end, why): (Option<String>, String) = (row.get(4)?, row.get(5)?);
        if last.0 != local_id {
            last = (local_id.clone(), 0);
        }
        let has_ended = end.is_some_and(|end| end < today);
        if has_ended && !goes_on.exists(params![local_id, of, start, today])? {
            continue;
        }
        let plan = match (&of, &start) {
            // Of a row without a local id nobody knows whether it is the one of the night before.
            (_, _) if local_id.is_empty() => format!("row {at}"),
            (Some(of), Some(start)) => format!("{of} {start}"),
            // The first, second, … of this local id that cannot be read so far.
            (_, _) => {
                last.1 += 1;
                if last.1 == 1 { String::new() } else { format!("~{}", last.1) }
            }
        };
        note.execute(params![local_id, plan, today, ROW, why, of])?;
    }
    work.execute("DELETE FROM not_visible WHERE code = ?1 AND listed = 0", [ROW])?;
    Ok(())
}

/// How many stand on the list.
pub(super) fn count(db: &Connection) -> Result<u64, MemoryError> {
    let count: i64 = db.query_row("SELECT count(*) FROM not_visible", [], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// How many current plans of the extract the hub has not acknowledged as they are, and has not rejected either.
pub(super) fn not_sent(db: &Connection, today: Date) -> Result<u64, MemoryError> {
    let count: i64 = db.query_row(
        "SELECT count(*) FROM extract AS plan WHERE (end_day IS NULL OR end_day >= ?1)
           AND NOT EXISTS (SELECT 1 FROM held WHERE held.local_id = plan.local_id AND held.number = plan.number
                           AND held.kind = plan.kind AND held.start_day = plan.start_day
                           AND held.end_day IS plan.end_day)
           AND NOT EXISTS (SELECT 1 FROM not_visible WHERE not_visible.local_id = plan.local_id
                           AND not_visible.plan = plan.kind || ' ' || plan.start_day)",
        [today.to_string()],
        |row| row.get(0),
    )?;
    Ok(count.unsigned_abs())
}

impl Memory {
    /// How many current plans of the last extract the hub has neither acknowledged as they are nor rejected.
    ///
    /// # Errors
    /// The memory cannot be read.
    pub fn not_sent(&self, today: Date) -> Result<u64, MemoryError> {
        not_sent(&self.db, today)
    }

    /// How many current plans hospitals do not see, or not as they are.
    ///
    /// # Errors
    /// The memory cannot be read.
    pub fn not_visible(&self) -> Result<u64, MemoryError> {
        count(&self.db)
    }

    /// Hands over each of them, the oldest first: however many there are, none is kept.
    ///
    /// # Errors
    /// The memory cannot be read, or whoever takes them could not go on.
    pub fn each_not_visible(
        &self,
        then: &mut dyn FnMut(&NotVisible) -> Result<(), String>,
    ) -> Result<(), MemoryError> {
        let mut statement = self.db.prepare(
            "SELECT local_id, plan, since, code, why, shows_older FROM not_visible
             ORDER BY since, local_id, plan",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (plan, since, code): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
            let (local_id, plan): (String, _) = (row.get(0)?, plan.split_once(' '));
            let (who, plan) = match plan {
                Some(("row", at)) if local_id.is_empty() => (Who::Row(at.parse().unwrap_or(0)), None),
                plan => (Who::LocalId(local_id), plan),
            };
            let hidden = NotVisible {
                who,
                plan: plan.map(|(of, start)| Ok::<_, MemoryError>((kind(of)?, day(start)?))).transpose()?,
                since: day(&since)?,
                code: Some(code).filter(|code| code != ROW),
                why: row.get(4)?,
                shows_older: row.get(5)?,
            };
            then(&hidden).map_err(|why| MemoryError::Unusable { path: "the list".into(), why })?;
        }
        Ok(())
    }
}
