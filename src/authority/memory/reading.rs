//! An extract into its tables: the rows that can be sent, and those that cannot, as far as they can be read. An extract that has
//! hardly anything of what the last one had is not believed.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::BufRead;

use jiff::civil::Date;
use rusqlite::{OptionalExtension, Statement, Transaction, params};

use super::{MemoryError, restricted};
use crate::authority::extract::{Checked, Meant, Problem, Refused, Row, SHORT, check_each};
use crate::config::authority::Mapping;
use crate::domain::{TeamContact, Telephone};

/// How an extract is to be read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) mapping: &'a Mapping,
    pub(super) today: Date,
    pub(super) accepts_fewer: bool,
}

/// Reads an extract in place of the last one.
pub(super) fn read_extract(
    work: &Transaction<'_>,
    source: impl BufRead,
    how: Reading<'_>,
    progress: &mut dyn FnMut(u64),
) -> Result<Checked, MemoryError> {
    last_workers(work)?;
    work.execute_batch(
        "DELETE FROM extract; DELETE FROM refused_row; UPDATE link SET extracts = extracts + 1;",
    )?;
    let Reading { mapping, today, .. } = how;
    let (mut insert, mut refuse) = (inserting(work)?, refusing(work)?);
    let (mut failed, mut rows) = (None, 0_u64);
    let doubted = RefCell::new(None);
    let mut keep = |row: Row<'_>| {
        rows += 1;
        if rows.is_multiple_of(1_000) {
            progress(rows);
        }
        let kept = match row {
            Row::Right(row, meant) => {
                let contact =
                    doubted.take().map_or_else(|| meant.contact(mapping), |team| of_held(team, mapping));
                keep_right(&mut insert, row, meant, contact)
            }
            Row::Refused(refused) => keep_refused(&mut refuse, refused, mapping),
        };
        if let Err(error) = kept {
            failed.get_or_insert(error);
        }
    };
    let is_known = |meant: &Meant| {
        *doubted.borrow_mut() = held_so(work, meant).unwrap_or(None);
        doubted.borrow().is_some()
    };
    let mut checked = check_each(source, mapping, today, &is_known, &mut keep)?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    is_believable(work, checked.rows, how)?;
    restricted::note(work, &mapping.contacts)?;
    set_aside(work, &mut checked, mapping)?;
    work.execute(
        "DELETE FROM last_worker WHERE NOT EXISTS (SELECT 1 FROM held WHERE held.local_id = last_worker.local_id)",
        [],
    )?;
    Ok(checked)
}

fn inserting<'a>(work: &'a Transaction<'_>) -> Result<Statement<'a>, rusqlite::Error> {
    work.prepare(
        "INSERT INTO extract (local_id, row, number, kind, start_day, end_day, family, given, born,
                              worker, team, worker_is_away, is_restricted,
                              contact_name, contact_telephone)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )
}

fn refusing<'a>(work: &'a Transaction<'_>) -> Result<Statement<'a>, rusqlite::Error> {
    work.prepare(
        "INSERT INTO refused_row (row, local_id, number, kind, start_day, end_day,
                                  worker, team, worker_is_away, is_restricted, why)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )
}

fn keep_right(
    insert: &mut Statement<'_>,
    row: u64,
    meant: &Meant,
    contact: Option<&TeamContact>,
) -> Result<usize, rusqlite::Error> {
    let Meant { local_id, number, family_name, given_names, born, kind, period, .. } = meant;
    insert.execute(params![
        local_id,
        i64::try_from(row).unwrap_or(i64::MAX),
        number.digits(),
        kind.snomed(),
        period.start.to_string(),
        period.end.map(|end| end.to_string()),
        family_name,
        given_names,
        born.to_string(),
        meant.worker,
        meant.team,
        meant.worker_is_away,
        meant.is_restricted,
        contact.map(|contact| &contact.name),
        contact.and_then(|contact| contact.telephone.as_ref()).map(Telephone::as_sent)
    ])
}

/// The contact of the team that the hub has of a plan, as it is configured now: the row may break off in its own.
fn of_held(team: Option<String>, mapping: &Mapping) -> Option<&TeamContact> {
    mapping.contacts.of(&team?)
}

fn keep_refused(
    refuse: &mut Statement<'_>,
    refused: &Refused,
    mapping: &Mapping,
) -> Result<usize, rusqlite::Error> {
    let why: Vec<String> = refused.problems.iter().map(|problem| said(problem, mapping)).collect();
    refuse.execute(params![
        i64::try_from(refused.row).unwrap_or(i64::MAX),
        refused.local_id,
        refused.number.map(|number| number.digits()),
        refused.kind.map(|kind| kind.snomed()),
        refused.start.map(|start| start.to_string()),
        refused.end.map(|end| end.to_string()),
        refused.worker,
        refused.team,
        refused.worker_is_away,
        refused.is_restricted,
        why.join("; ")
    ])
}

fn said(problem: &Problem, mapping: &Mapping) -> String {
    let column = problem.column.map(|column| format!("{}: ", mapping.name(column))).unwrap_or_default();
    format!("{column}{}", problem.finding)
}

/// The team of a plan that the hub has acknowledged just so, if it has: without one too.
fn held_so(work: &Transaction<'_>, meant: &Meant) -> Result<Option<Option<String>>, rusqlite::Error> {
    work.prepare_cached(
        "SELECT contact_name FROM held WHERE local_id = ?1 AND number = ?2 AND kind = ?3 AND start_day = ?4
         AND end_day IS ?5 AND family = ?6 AND given = ?7 AND born = ?8",
    )?
    .query_row(
        params![
            meant.local_id,
            meant.number.digits(),
            meant.kind.snomed(),
            meant.period.start.to_string(),
            meant.period.end.map(|end| end.to_string()),
            meant.family_name,
            meant.given_names,
            meant.born.to_string()
        ],
        |row| row.get(0),
    )
    .optional()
}

/// Who works on a case is what the last row says that can be read.
fn last_workers(work: &Transaction<'_>) -> Result<(), MemoryError> {
    work.execute(
        "INSERT OR REPLACE INTO last_worker (local_id, worker, team, worker_is_away)
         SELECT local_id, worker, team, worker_is_away FROM extract
         WHERE worker IS NOT NULL OR team IS NOT NULL ORDER BY local_id, row DESC",
        [],
    )?;
    Ok(())
}

/// A file that was cut off has fewer rows than the last one; so has one of another report.
fn is_believable(work: &Transaction<'_>, rows: u64, how: Reading<'_>) -> Result<(), MemoryError> {
    let before: Option<i64> = work.query_row("SELECT extract_rows FROM link", [], |row| row.get(0))?;
    let before = before.unwrap_or(0).unsigned_abs();
    if !how.accepts_fewer && before >= SHORT && rows.saturating_mul(2) < before {
        return Err(MemoryError::FewerRows { rows, before });
    }
    if !how.accepts_fewer && rows == 0 {
        let held: i64 = work.query_row(
            "SELECT count(*) FROM held WHERE (end_day IS NULL OR end_day >= ?1) AND NOT EXISTS (
                SELECT 1 FROM absent WHERE absent.local_id = held.local_id AND absent.number = held.number
                AND absent.kind = held.kind AND absent.start_day = held.start_day AND absent.decision IS NOT NULL)",
            [how.today.to_string()],
            |row| row.get(0),
        )?;
        if held > 0 {
            return Err(MemoryError::NoRows { held: held.unsigned_abs() });
        }
    }
    work.execute("UPDATE link SET extract_rows = ?1", [i64::try_from(rows).unwrap_or(i64::MAX)])?;
    Ok(())
}

/// Rows that contradict each other go to those that cannot be sent; of those that say the same the first stands for all, with what only the
/// others say of who works on it.
fn set_aside(work: &Transaction<'_>, checked: &mut Checked, mapping: &Mapping) -> Result<(), MemoryError> {
    // Each of them is right by itself and has a local id.
    let mut find = work.prepare("SELECT local_id FROM extract WHERE row = ?1")?;
    let mut why: HashMap<u64, String> = HashMap::new();
    for problem in checked.problems.iter_mut().filter(|problem| problem.local_id.is_none()) {
        let row = i64::try_from(problem.row).unwrap_or(i64::MAX);
        let mut found = find.query([row])?;
        if let Some(row) = found.next()? {
            problem.local_id = row.get(0)?;
            let all = why.entry(problem.row).or_default();
            all.push_str(if all.is_empty() { "" } else { "; " });
            all.push_str(&said(problem, mapping));
        }
    }
    let mut refuse = work.prepare(
        "INSERT INTO refused_row (row, local_id, number, kind, start_day, end_day,
                                  worker, team, worker_is_away, is_restricted, why)
         SELECT row, local_id, number, kind, start_day, end_day, worker, team, worker_is_away, is_restricted, ?2
         FROM extract WHERE row = ?1",
    )?;
    let mut forget = work.prepare("DELETE FROM extract WHERE row = ?1")?;
    for row in &checked.contradicting {
        let at = i64::try_from(*row).unwrap_or(i64::MAX);
        let further = "another row contradicts it: none of them is sent";
        refuse.execute(params![at, why.get(row).map_or(further, String::as_str)])?;
        forget.execute([at])?;
    }
    for row in &checked.again {
        let at = i64::try_from(*row).unwrap_or(i64::MAX);
        fold(work, at)?;
        forget.execute([at])?;
    }
    let mut find = work.prepare("SELECT local_id FROM extract WHERE row = ?1")?;
    for unlike in &mut checked.unlike {
        // Either of the two is the one that stands for all, or that one's local id is theirs.
        let mut found = find.query([i64::try_from(unlike.of).unwrap_or(i64::MAX)])?;
        unlike.local_id = found.next()?.map(|row| row.get(0)).transpose()?;
    }
    Ok(())
}

/// What a row that says a plan again says beside it goes to the first: a case is restricted if any row says so (and then no team goes up), and
/// of one whose mark cannot be read nobody knows that it is not; a
/// worker or team that the first does not name is taken, and a worker is away if a row says so that names nobody else.
fn fold(work: &Transaction<'_>, again: i64) -> Result<(), MemoryError> {
    work.prepare_cached(
        "UPDATE extract SET
            is_restricted = CASE WHEN again.is_restricted = 1 OR extract.is_restricted = 1 THEN 1
                                 WHEN again.is_restricted IS NULL OR extract.is_restricted IS NULL THEN NULL ELSE 0 END,
            contact_name = CASE WHEN again.is_restricted = 1 OR extract.is_restricted = 1 THEN NULL
                                WHEN extract.team IS NULL THEN again.contact_name ELSE extract.contact_name END,
            contact_telephone = CASE WHEN again.is_restricted = 1 OR extract.is_restricted = 1 THEN NULL
                                     WHEN extract.team IS NULL THEN again.contact_telephone ELSE extract.contact_telephone END,
            worker_is_away = max(extract.worker_is_away,
                CASE WHEN again.worker IS NULL OR extract.worker IS NULL OR lower(again.worker) = lower(extract.worker)
                     THEN again.worker_is_away ELSE 0 END),
            worker = coalesce(extract.worker, again.worker),
            team = coalesce(extract.team, again.team)
         FROM (SELECT * FROM extract WHERE row = ?1) AS again
         WHERE extract.local_id = again.local_id AND extract.number = again.number AND extract.kind = again.kind
           AND extract.start_day = again.start_day AND extract.row < again.row",
    )?
    .execute([again])?;
    Ok(())
}
