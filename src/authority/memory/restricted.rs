//! Restricted cases show no team: whoever is rung there may not know of the case. No team goes up with one, whatever it goes up for, and
//! one that the hub holds is taken off there, by a record of its own that nothing else can be wrong with, each night until the hub has
//! acknowledged it.
//!
//! A case is restricted by the list, or by a mark in any of its rows, whether or not they can be sent; a mark is gone only when an extract
//! has the case and none of its rows has one. What is missing, or is no longer configured, frees nobody; nor does a row of somebody else who
//! has the local id now free the one before.

use rusqlite::{Transaction, params};

use super::changes::{Change, Changes};
use super::{HELD, Held, MemoryError, persons};
use crate::config::authority::Contacts;
use crate::exchange::RECORD_PLANS;

/// Whether a row of a table concerns a restricted case, under this local id or another of the same person.
pub(super) fn is_restricted(table: &str) -> String {
    format!(
        "(EXISTS (SELECT 1 FROM restricted_case WHERE restricted_case.local_id = {table}.local_id)
          OR EXISTS (SELECT 1 FROM restricted_number WHERE restricted_number.number = {table}.number))"
    )
}

/// Every row of the extract that was read, before any is set aside.
const ROWS: &str = "(SELECT local_id, number, is_restricted FROM extract
                     UNION ALL SELECT local_id, number, is_restricted FROM refused_row)";

/// Notes which cases are restricted as the extract and the list say, and takes the team from every row of theirs.
pub(super) fn note(work: &Transaction<'_>, contacts: &Contacts) -> Result<(), MemoryError> {
    work.execute_batch(
        "DELETE FROM restricted_case WHERE local_id = '';
         DELETE FROM restricted_number WHERE local_id = '';
         CREATE TEMP TABLE IF NOT EXISTS number_before (local_id TEXT, number TEXT, PRIMARY KEY (local_id, number));
         DELETE FROM number_before;",
    )?;
    // Of a list that cannot be read what it said before counts on.
    if contacts.knows_the_list() {
        work.execute("UPDATE restricted_case SET by_list = 0", [])?;
    }
    let mut list = work.prepare(
        "INSERT INTO restricted_case (local_id, by_mark, by_list) VALUES (?1, 0, 1)
         ON CONFLICT (local_id) DO UPDATE SET by_list = 1",
    )?;
    for local_id in contacts.kept_back() {
        list.execute([local_id])?;
    }
    numbers_before(work)?;
    free(work)?;
    work.execute(
        &format!(
            "INSERT INTO restricted_case (local_id, by_mark, by_list)
             SELECT DISTINCT coalesce(local_id, ''), 1, 0 FROM {ROWS} WHERE is_restricted = 1
             ON CONFLICT (local_id) DO UPDATE SET by_mark = 1"
        ),
        [],
    )?;
    // Of rows that say the same one alone is kept: a mark in any counts for all.
    work.execute_batch(&format!(
        "UPDATE extract SET is_restricted = 1 WHERE is_restricted IS NOT 1 AND local_id IN (
            SELECT local_id FROM extract WHERE is_restricted = 1
            UNION SELECT local_id FROM refused_row WHERE is_restricted = 1);
         DELETE FROM restricted_case WHERE by_mark = 0 AND by_list = 0;
         DELETE FROM restricted_number WHERE local_id NOT IN (SELECT local_id FROM restricted_case)
            OR (EXISTS (SELECT 1 FROM extract WHERE extract.local_id = restricted_number.local_id)
                AND (local_id, number) NOT IN (SELECT local_id, number FROM number_before));
         INSERT OR IGNORE INTO restricted_number (local_id, number)
            SELECT local_id, number FROM restricted_case CROSS JOIN extract USING (local_id)
            UNION SELECT coalesce(local_id, ''), number FROM refused_row
                  WHERE number IS NOT NULL AND coalesce(local_id, '') IN (SELECT local_id FROM restricted_case)
                  AND (local_id IS NOT NULL OR is_restricted = 1)
            UNION SELECT local_id, number FROM restricted_case CROSS JOIN held USING (local_id)
                  WHERE NOT EXISTS (SELECT 1 FROM extract WHERE extract.local_id = held.local_id);
         UPDATE extract SET contact_name = NULL, contact_telephone = NULL
            WHERE contact_name IS NOT NULL AND {};",
        is_restricted("extract")
    ))?;
    Ok(())
}

/// Notes under which numbers of restricted cases somebody was before another person had the local id. What the hub holds says whose a number
/// was; where another local id has taken that over since, or it was taken back, the number stays the other's as it was noted with the first
/// extract that had the new one.
fn numbers_before(work: &Transaction<'_>) -> Result<(), MemoryError> {
    let mut other_number = work.prepare(&format!(
        "SELECT local_id, number FROM restricted_number AS own
         WHERE EXISTS (SELECT 1 FROM {ROWS} AS of_case WHERE of_case.local_id = own.local_id AND of_case.number IS NOT NULL)
           AND NOT EXISTS (SELECT 1 FROM {ROWS} AS of_case
                           WHERE of_case.local_id = own.local_id AND of_case.number = own.number)"
    ))?;
    let mut now_of =
        work.prepare(&format!("SELECT {HELD} FROM extract WHERE local_id = ?1 ORDER BY row LIMIT 1"))?;
    let mut held_of =
        work.prepare(&format!("SELECT {HELD} FROM held WHERE local_id = ?1 AND number = ?2"))?;
    let mut others_of = work.prepare(&format!(
        "SELECT {HELD} FROM held WHERE number = ?1 UNION ALL SELECT {HELD} FROM extract WHERE number = ?1"
    ))?;
    let mut was_noted = work.prepare(
        "SELECT EXISTS (SELECT 1 FROM restricted_number JOIN extract USING (local_id, number) WHERE local_id = ?1),
                EXISTS (SELECT 1 FROM taken_back WHERE local_id = ?1 AND number = ?2)",
    )?;
    let mut note = work.prepare("INSERT OR IGNORE INTO number_before (local_id, number) VALUES (?1, ?2)")?;
    let mut rows = other_number.query([])?;
    while let Some(row) = rows.next()? {
        let (local_id, number): (String, String) = (row.get(0)?, row.get(1)?);
        let now = now_of.query_map([&local_id], Held::read)?.collect::<Result<Vec<_>, _>>()?;
        let held = held_of.query_map([&local_id, &number], Held::read)?.collect::<Result<Vec<_>, _>>()?;
        let is_before = if now.is_empty() {
            // Of a row that cannot be sent the names are not known.
            true
        } else if held.is_empty() {
            let others = others_of.query_map([&number], Held::read)?.collect::<Result<Vec<_>, _>>()?;
            let (was_noted, was_taken_back): (bool, bool) =
                was_noted.query_row([&local_id, &number], |row| Ok((row.get(0)?, row.get(1)?)))?;
            was_noted && (was_taken_back || others.iter().any(|other| !persons::is_own(other, &now)))
        } else {
            held.iter().any(|held| !persons::is_own(held, &now))
        };
        if is_before {
            note.execute([&local_id, &number])?;
        }
    }
    Ok(())
}

/// Frees the cases that were marked and that the extract has without a mark, and with each what was restricted as the same person's under
/// a local id that is gone or somebody else's. Of a row without a local id nobody knows whose mark it may have: then nothing is freed.
fn free(work: &Transaction<'_>) -> Result<(), MemoryError> {
    let freed: Vec<String> = {
        let mut statement = work.prepare(&format!(
            "UPDATE restricted_case SET by_mark = 0
             WHERE by_mark = 1 AND NOT EXISTS (SELECT 1 FROM refused_row WHERE refused_row.local_id IS NULL) AND (
                SELECT count(*) > 0 AND count(*) = count(*) FILTER (WHERE is_restricted = 0)
                FROM {ROWS} AS of_case WHERE of_case.local_id = restricted_case.local_id)
             AND NOT EXISTS (SELECT 1 FROM number_before AS before WHERE before.local_id = restricted_case.local_id)
             RETURNING local_id"
        ))?;
        let all = statement.query_map([], |row| row.get(0))?;
        all.collect::<Result<_, _>>()?
    };
    let mut others = work.prepare(&format!(
        "UPDATE restricted_case SET by_mark = 0 WHERE local_id IN (
            SELECT other.local_id FROM restricted_number AS own JOIN restricted_number AS other USING (number)
            WHERE own.local_id = ?1)
         AND NOT EXISTS (SELECT 1 FROM {ROWS} AS of_case WHERE of_case.local_id = restricted_case.local_id)"
    ))?;
    // With whoever has the local id now the number has nothing to do; the list's line stands for the one before, too.
    let mut numbers = work.prepare(
        "DELETE FROM number_before WHERE number IN (SELECT number FROM restricted_number WHERE local_id = ?1)
         AND NOT EXISTS (SELECT 1 FROM restricted_case AS listed
                         WHERE listed.local_id = number_before.local_id AND listed.by_list = 1)",
    )?;
    for local_id in &freed {
        others.execute([local_id])?;
        numbers.execute([local_id])?;
    }
    Ok(())
}

/// Takes the team from everything that is to be held, and writes down what of what is held has to lose it: after all else was written
/// down, so that no team leaves whatever a plan goes up for.
pub(super) fn take_off(work: &Transaction<'_>, changes: &mut Changes) -> Result<(), MemoryError> {
    // What is not known is not sent either.
    work.execute(
        &format!(
            "UPDATE outgoing_plan SET contact_name = NULL, contact_telephone = NULL
             WHERE contact_name IS NOT NULL AND (contact_name = '' OR {})",
            is_restricted("outgoing_plan")
        ),
        [],
    )?;
    work.execute("DELETE FROM outgoing_without_team", [])?;
    let mut statement = work.prepare(&format!(
        "SELECT {} FROM held WHERE contact_name IS NOT NULL AND {} ORDER BY local_id, number",
        super::HELD,
        is_restricted("held")
    ))?;
    let mut insert = work.prepare(
        "INSERT INTO outgoing_without_team (place, nth, local_id, number, kind, start_day)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut rows = statement.query([])?;
    let (mut last, mut nth): (Option<Held>, usize) = (None, 0);
    while let Some(row) = rows.next()? {
        let plan = Held::read(row)?;
        let is_of = |last: &Held| last.local_id == plan.local_id && last.number == plan.number;
        let is_same_person = last.as_ref().is_some_and(is_of);
        nth = if is_same_person && nth + 1 < RECORD_PLANS { nth + 1 } else { 0 };
        if nth == 0 {
            changes.records += 1;
        }
        if !is_same_person {
            changes.name(&plan.local_id, Change::OtherContact);
        }
        changes.other_contact += 1;
        // It was not rejected before, whatever else was.
        changes.is_only_rejected = false;
        insert.execute(params![
            i64::try_from(changes.records).unwrap_or(i64::MAX),
            i64::try_from(nth).unwrap_or(i64::MAX),
            plan.local_id,
            plan.number,
            plan.kind,
            plan.start
        ])?;
        last = Some(plan);
    }
    Ok(())
}

/// What lost its team at the hub has none.
pub(super) fn remember(work: &Transaction<'_>) -> Result<(), MemoryError> {
    work.execute(
        "UPDATE held SET contact_name = NULL, contact_telephone = NULL
         WHERE contact_name IS NOT NULL AND EXISTS (
            SELECT 1 FROM outgoing_without_team AS sent
            WHERE sent.number = held.number AND sent.kind = held.kind AND sent.start_day = held.start_day
            AND sent.local_id = held.local_id AND sent.place NOT IN (SELECT place FROM rejected))",
        [],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::super::MIGRATIONS;

    #[test]
    fn a_memory_of_the_version_before_keeps_what_it_has_and_knows_its_marks() {
        MIGRATIONS.validate().unwrap();
        let mut db = Connection::open_in_memory().unwrap();
        MIGRATIONS.to_version(&mut db, 6).unwrap();
        db.execute_batch(
            "INSERT INTO extract (local_id, row, number, kind, start_day, family, given, born, is_restricted)
             VALUES ('A1', 1, '1', 'k', 'd', 'f', 'g', 'b', 1), ('B2', 2, '2', 'k', 'd', 'f', 'g', 'b', 0);
             INSERT INTO refused_row (row, local_id, worker_is_away, is_restricted, why)
             VALUES (3, 'C3', 0, 1, 'w'), (4, NULL, 0, 1, 'w');
             INSERT INTO outgoing_plan (place, nth, what, local_id, of_person, number, kind, start_day, family, given, born)
             VALUES (1, 0, 'hold', 'A1', '1', '1', 'k', 'd', 'f', 'g', 'b');",
        )
        .unwrap();
        MIGRATIONS.to_latest(&mut db).unwrap();
        let all = |sql: &str| -> Vec<String> {
            let mut statement = db.prepare(sql).unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
        };
        assert_eq!(all("SELECT local_id FROM restricted_case"), ["A1", "C3"]);
        assert_eq!(all("SELECT local_id FROM outgoing_plan"), ["A1"]);
    }
}
