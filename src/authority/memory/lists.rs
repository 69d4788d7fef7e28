//! What waits for a person: plans that hospitals do not see, and plans that are held and no longer in the extract.

use jiff::civil::Date;
use rusqlite::{Connection, Transaction, params};

use super::{Memory, MemoryError, day, kind};
use crate::authority::extract::{Checked, Problem};
use crate::config::authority::Mapping;
use crate::domain::PlanKind;

/// A current plan that the hub does not hold as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotVisible {
    /// The authority's own id of the person, or the row that has none.
    pub local_id: String,
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

/// A plan that is held and no longer in the extract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// The authority's own id of the person.
    pub local_id: String,
    /// Its kind.
    pub kind: PlanKind,
    /// First day.
    pub start: Date,
    /// Since when it is missing.
    pub since: Date,
    /// What somebody decided; it is sent with the next upload.
    pub decision: Option<Decision>,
}

/// What somebody decided about an absent plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It ended on this day.
    Ended(Date),
    /// It should never have been sent: it is taken back.
    InError,
    /// It stays as it is.
    Left,
}

/// What hospitals do not see, as a row of the extract cannot be sent.
const ROW: &str = "row";

/// Brings both lists up to what an extract says; what the hub has to say comes later.
pub(super) fn refresh(
    work: &Transaction<'_>,
    checked: &Checked,
    mapping: &Mapping,
    today: Date,
) -> Result<(), MemoryError> {
    rows_not_sent(work, checked, mapping, today)?;
    absent(work, today)
}

fn rows_not_sent(
    work: &Transaction<'_>,
    checked: &Checked,
    mapping: &Mapping,
    today: Date,
) -> Result<(), MemoryError> {
    work.execute("UPDATE not_visible SET listed = 0 WHERE code = ?1", [ROW])?;
    let mut note = work.prepare(
        "INSERT INTO not_visible (local_id, plan, since, code, why, shows_older, listed)
         VALUES (?1, '', ?2, ?3, ?4, EXISTS (SELECT 1 FROM held WHERE held.local_id = ?1), 1)
         ON CONFLICT (local_id, plan) DO UPDATE SET
            why = CASE WHEN listed = 1 THEN why || '; ' || excluded.why ELSE excluded.why END,
            code = excluded.code, shows_older = excluded.shows_older, listed = 1",
    )?;
    for problem in &checked.problems {
        let Problem { row, column, local_id, finding } = problem;
        let local_id = local_id.clone().unwrap_or_else(|| format!("row {row}"));
        let column = column.map(|column| format!("{}: ", mapping.name(column))).unwrap_or_default();
        note.execute(params![local_id, today.to_string(), ROW, format!("{column}{finding}")])?;
    }
    work.execute("DELETE FROM not_visible WHERE code = ?1 AND listed = 0", [ROW])?;
    Ok(())
}

/// Plans that go on, and are in the extract neither as they are nor in a row that cannot be read.
fn absent(work: &Transaction<'_>, today: Date) -> Result<(), MemoryError> {
    let today = today.to_string();
    work.execute("UPDATE absent SET listed = 0", [])?;
    work.execute(
        "INSERT INTO absent (local_id, number, kind, start_day, since, listed)
         SELECT local_id, number, kind, start_day, ?1, 1 FROM held
         WHERE (end_day IS NULL OR end_day >= ?1)
           AND NOT EXISTS (SELECT 1 FROM extract WHERE extract.local_id = held.local_id
                           AND extract.kind = held.kind AND extract.start_day = held.start_day)
           AND NOT EXISTS (SELECT 1 FROM extract WHERE extract.number = held.number
                           AND extract.kind = held.kind AND extract.start_day = held.start_day)
           AND NOT EXISTS (SELECT 1 FROM outgoing_plan AS sent WHERE sent.what = 'take-back'
                           AND sent.local_id = held.local_id AND sent.number = held.number
                           AND sent.kind = held.kind AND sent.start_day = held.start_day)
           AND NOT EXISTS (SELECT 1 FROM not_visible WHERE not_visible.local_id = held.local_id
                           AND not_visible.code = 'row')
         ON CONFLICT DO UPDATE SET listed = 1",
        [&today],
    )?;
    // What is there again, or is to go, needs no decision. One that is being sent is kept until it is acknowledged.
    work.execute(
        "DELETE FROM absent WHERE listed = 0 AND NOT EXISTS (
            SELECT 1 FROM outgoing_plan AS sent WHERE sent.local_id = absent.local_id
            AND sent.number = absent.number AND sent.kind = absent.kind AND sent.start_day = absent.start_day)",
        [],
    )?;
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
            let plan = plan.split_once(' ');
            let hidden = NotVisible {
                local_id: row.get(0)?,
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

    /// What is held and no longer in the extract, unless somebody decided to leave it.
    ///
    /// # Errors
    /// The memory cannot be read.
    pub fn absent(&self) -> Result<Vec<Absent>, MemoryError> {
        let mut statement = self.db.prepare(
            "SELECT local_id, kind, start_day, since, decision, end_day FROM absent
             WHERE decision IS NOT 'left' ORDER BY since, local_id, kind, start_day",
        )?;
        let mut rows = statement.query([])?;
        let mut list = Vec::new();
        while let Some(row) = rows.next()? {
            let (of, start, since): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
            let (decision, end): (Option<String>, Option<String>) = (row.get(4)?, row.get(5)?);
            list.push(Absent {
                local_id: row.get(0)?,
                kind: kind(&of)?,
                start: day(&start)?,
                since: day(&since)?,
                decision: match (decision.as_deref(), end) {
                    (Some("ended"), Some(end)) => Some(Decision::Ended(day(&end)?)),
                    (Some("in-error"), _) => Some(Decision::InError),
                    (Some("left"), _) => Some(Decision::Left),
                    (_, _) => None,
                },
            });
        }
        Ok(list)
    }

    /// Notes what somebody decided about a local id's absent plans; how many there are. An end before a plan's start is
    /// no end of it: that plan is left out.
    ///
    /// # Errors
    /// The memory cannot be written.
    pub fn decide(&mut self, local_id: &str, decision: Decision) -> Result<usize, MemoryError> {
        let (word, end) = match decision {
            Decision::Ended(day) => ("ended", Some(day.to_string())),
            Decision::InError => ("in-error", None),
            Decision::Left => ("left", None),
        };
        Ok(self.db.execute(
            "UPDATE absent SET decision = ?2, end_day = ?3
             WHERE local_id = ?1 AND (?3 IS NULL OR start_day <= ?3)",
            params![local_id, word, end],
        )?)
    }
}
