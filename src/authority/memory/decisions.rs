//! Plans that are held and no longer in the extract, and what somebody decides about them, or about a plan whose row cannot be sent.
//! A decision is kept until it is carried out, or the extract has the plan again.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::{Memory, MemoryError, day, kind, number};
use crate::domain::{NhsNumber, PlanKind};

/// Most that are named of what nobody asked for.
const NAMED: usize = 1_000;

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
    /// Who decided it.
    pub by: Option<String>,
    /// The decision waits: the plan may stand in a row that cannot be read.
    pub waits: bool,
    /// Whose it is, where the local id alone does not say: plans of another person are held under it, or the extract has it for one.
    pub number: Option<NhsNumber>,
    /// By the extract the local id is another person's now.
    pub is_of_other: bool,
}

/// What somebody decided about a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It ended on this day.
    Ended(Date),
    /// It should never have been sent: it is taken back.
    InError,
    /// It stays as it is.
    Left,
}

impl Decision {
    fn word(self) -> &'static str {
        match self {
            Decision::Ended(_) => "ended",
            Decision::InError => "in-error",
            Decision::Left => "left",
        }
    }

    fn end(self) -> Option<String> {
        match self {
            Decision::Ended(day) => Some(day.to_string()),
            Decision::InError | Decision::Left => None,
        }
    }

    fn read(word: Option<&str>, end: Option<&str>) -> Result<Option<Self>, MemoryError> {
        Ok(match (word, end) {
            (Some("ended"), Some(end)) => Some(Decision::Ended(day(end)?)),
            (Some("in-error"), _) => Some(Decision::InError),
            (Some("left"), _) => Some(Decision::Left),
            (_, _) => None,
        })
    }
}

/// Which plans of a local id are meant: all that wait, unless kind or first day say which.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Which {
    /// The authority's own id of the person.
    pub local_id: String,
    /// Of this kind only.
    pub kind: Option<PlanKind>,
    /// With this first day only.
    pub start: Option<Date>,
    /// Under this number only.
    pub number: Option<NhsNumber>,
}

/// A plan that was decided about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The authority's own id of the person.
    pub local_id: String,
    /// Its kind.
    pub kind: PlanKind,
    /// First day.
    pub start: Date,
}

/// A decision as it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Of which plan.
    pub plan: Decided,
    /// What.
    pub decision: Decision,
}

/// Notes which plans go on and are in the extract neither as they are nor in a row that cannot be read. Those of which a decision goes, as
/// the extract has them again.
pub(super) fn refresh(work: &Transaction<'_>, today: Date) -> Result<Vec<Decided>, MemoryError> {
    let today = today.to_string();
    work.execute("UPDATE absent SET listed = 0", [])?;
    work.execute(
        "INSERT INTO absent (local_id, number, kind, start_day, since, listed)
         SELECT local_id, number, kind, start_day, ?1, 1 FROM held
         WHERE (end_day IS NULL OR end_day >= ?1)
           AND NOT EXISTS (SELECT 1 FROM extract WHERE extract.number = held.number
                           AND extract.kind = held.kind AND extract.start_day = held.start_day)
           AND NOT EXISTS (SELECT 1 FROM outgoing_plan AS sent WHERE sent.what = 'take-back'
                           AND sent.local_id = held.local_id AND sent.number = held.number
                           AND sent.kind = held.kind AND sent.start_day = held.start_day)
           AND NOT EXISTS (SELECT 1 FROM refused_row WHERE refused_row.local_id = held.local_id)
         ON CONFLICT DO UPDATE SET listed = 1",
        [&today],
    )?;
    // What may be in a row that cannot be read keeps its day and its decision. One that is being sent is kept until it is acknowledged.
    let is_kept = "EXISTS (SELECT 1 FROM outgoing_plan AS sent WHERE sent.local_id = absent.local_id
                     AND sent.number = absent.number AND sent.kind = absent.kind AND sent.start_day = absent.start_day)
         OR (EXISTS (SELECT 1 FROM refused_row WHERE refused_row.local_id = absent.local_id)
             AND EXISTS (SELECT 1 FROM held WHERE held.local_id = absent.local_id AND held.number = absent.number
                         AND held.kind = absent.kind AND held.start_day = absent.start_day)
             AND NOT EXISTS (SELECT 1 FROM extract WHERE extract.number = absent.number
                             AND extract.kind = absent.kind AND extract.start_day = absent.start_day))";
    let mut dropped = work.prepare(&format!(
        "SELECT local_id, kind, start_day FROM absent
         WHERE listed = 0 AND decision IN ('ended', 'in-error') AND NOT ({is_kept})
           AND EXISTS (SELECT 1 FROM extract WHERE extract.local_id = absent.local_id AND extract.number = absent.number
                       AND extract.kind = absent.kind AND extract.start_day = absent.start_day) LIMIT {NAMED}"
    ))?;
    let mut rows = dropped.query([])?;
    let mut named = Vec::new();
    while let Some(row) = rows.next()? {
        named.push(decided(row, 0)?);
    }
    work.execute(&format!("DELETE FROM absent WHERE listed = 0 AND NOT ({is_kept})"), [])?;
    Ok(named)
}

fn decided(row: &rusqlite::Row<'_>, first: usize) -> Result<Decided, MemoryError> {
    let (of, start): (String, String) = (row.get(first + 1)?, row.get(first + 2)?);
    Ok(Decided { local_id: row.get(first)?, kind: kind(&of)?, start: day(&start)? })
}

/// What is held and no longer in the extract, and what was decided otherwise, unless it was left.
pub(super) fn list(db: &rusqlite::Connection) -> Result<Vec<Absent>, MemoryError> {
    let mut statement = db.prepare(
        "SELECT local_id, kind, start_day, since, decision, end_day, decided_by,
                despite_row = 0 AND EXISTS (SELECT 1 FROM refused_row WHERE refused_row.local_id = absent.local_id
                                            OR refused_row.local_id IS NULL),
                number,
                EXISTS (SELECT 1 FROM extract WHERE extract.local_id = absent.local_id AND extract.number <> absent.number),
                EXISTS (SELECT 1 FROM held WHERE held.local_id = absent.local_id AND held.number <> absent.number)
         FROM absent WHERE decision IS NOT 'left' AND (listed = 1 OR decision IS NOT NULL)
         ORDER BY since, local_id, kind, start_day",
    )?;
    let mut rows = statement.query([])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let Decided { local_id, kind, start } = decided(row, 0)?;
        let since: String = row.get(3)?;
        let (word, end): (Option<String>, Option<String>) = (row.get(4)?, row.get(5)?);
        let decision = Decision::read(word.as_deref(), end.as_deref())?;
        let waits = row.get::<_, bool>(7)? && decision.is_some();
        let (is_of_other, is_beside): (bool, bool) = (row.get(9)?, row.get(10)?);
        let number = number(&row.get::<_, String>(8)?)?;
        list.push(Absent {
            local_id,
            kind,
            start,
            since: day(&since)?,
            decision,
            by: row.get(6)?,
            waits,
            number: Some(number).filter(|_| is_of_other || is_beside),
            is_of_other,
        });
    }
    Ok(list)
}

/// One more line of what was decided, by whom and when.
fn note(
    work: &Connection,
    plan: &Decided,
    decision: Decision,
    (by, now): (&str, Timestamp),
) -> Result<(), MemoryError> {
    work.execute(
        "INSERT INTO decision (at, decided_by, local_id, kind, start_day, decision, end_day)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            now.to_string(),
            by,
            plan.local_id,
            plan.kind.snomed(),
            plan.start.to_string(),
            decision.word(),
            decision.end()
        ],
    )?;
    Ok(())
}

impl Memory {
    /// What is held and no longer in the extract, unless somebody decided to leave it.
    ///
    /// # Errors
    /// The memory cannot be read.
    pub fn absent(&self) -> Result<Vec<Absent>, MemoryError> {
        list(&self.db)
    }

    /// Notes what somebody decided: about absent plans, and, where something was sent in error, about plans that are held while a row of that
    /// local id cannot be sent. Which they are. An end before a plan's start is no end of it: that plan is left out.
    ///
    /// # Errors
    /// The memory cannot be written, or plans of more than one person are meant.
    pub fn decide(
        &mut self,
        which: &Which,
        decision: Decision,
        by: &str,
        now: Timestamp,
        today: Date,
    ) -> Result<Vec<Decided>, MemoryError> {
        let (of, start) = (which.kind.map(PlanKind::snomed), which.start.map(|start| start.to_string()));
        let only_number = which.number.map(|number| number.digits());
        let work = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if decision == Decision::InError {
            work.execute(
                "INSERT INTO absent (local_id, number, kind, start_day, since, listed)
                 SELECT local_id, number, kind, start_day, ?2, 0 FROM held
                 WHERE local_id = ?1 AND (?3 IS NULL OR kind = ?3) AND (?4 IS NULL OR start_day = ?4)
                   AND (?5 IS NULL OR number = ?5)
                   AND EXISTS (SELECT 1 FROM refused_row WHERE refused_row.local_id = held.local_id)
                   AND NOT EXISTS (SELECT 1 FROM extract WHERE extract.local_id = held.local_id
                                   AND extract.kind = held.kind AND extract.start_day = held.start_day)
                 ON CONFLICT DO NOTHING",
                params![which.local_id, today.to_string(), of, start, only_number],
            )?;
        }
        let (mut plans, mut numbers) = (Vec::new(), BTreeSet::new());
        {
            let mut update = work.prepare(
                "UPDATE absent SET decision = ?2, end_day = ?3, decided_by = ?6,
                    despite_row = EXISTS (SELECT 1 FROM refused_row WHERE refused_row.local_id = ?1
                                          OR refused_row.local_id IS NULL)
                 WHERE local_id = ?1 AND (?3 IS NULL OR start_day <= ?3)
                   AND (?4 IS NULL OR kind = ?4) AND (?5 IS NULL OR start_day = ?5) AND (?7 IS NULL OR number = ?7)
                   AND (listed = 1 OR decision IS NOT NULL OR ?2 = 'in-error')
                 RETURNING local_id, kind, start_day, number",
            )?;
            let mut rows = update.query(params![
                which.local_id,
                decision.word(),
                decision.end(),
                of,
                start,
                by,
                only_number
            ])?;
            while let Some(row) = rows.next()? {
                plans.push(decided(row, 0)?);
                numbers.insert(row.get::<_, String>(3)?);
            }
        }
        // Who decides about one child means one child.
        if numbers.len() > 1 {
            return Err(MemoryError::MoreThanOne);
        }
        for plan in &plans {
            note(&work, plan, decision, (by, now))?;
        }
        work.commit()?;
        Ok(plans)
    }

    /// What was decided, and by whom, the newest first: the last thousand.
    ///
    /// # Errors
    /// The memory cannot be read.
    pub fn decisions(&self) -> Result<Vec<Made>, MemoryError> {
        let mut statement = self.db.prepare(&format!(
            "SELECT local_id, kind, start_day, at, decided_by, decision, end_day FROM decision ORDER BY id DESC LIMIT {NAMED}"
        ))?;
        let mut rows = statement.query([])?;
        let mut made = Vec::new();
        while let Some(row) = rows.next()? {
            let (at, word, end): (String, String, Option<String>) = (row.get(3)?, row.get(5)?, row.get(6)?);
            made.push(Made {
                at: at.parse().map_err(|_| MemoryError::Damaged("a moment"))?,
                by: row.get(4)?,
                plan: decided(row, 0)?,
                decision: Decision::read(Some(&word), end.as_deref())?
                    .ok_or(MemoryError::Damaged("a decision"))?,
            });
        }
        Ok(made)
    }
}
