//! What the hub said of a file becomes what the link remembers, in one commit.

use std::io::Read;

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use rusqlite::{Transaction, TransactionBehavior, params};

use super::chain::{self, NotMet};
use super::{HELD, Memory, MemoryError, Outgoing, day, restricted, turned_away};
use crate::authority::extract::{NEWBORN, NEWBORN_DAYS};
use crate::exchange::{Acknowledgement, FileCode, Item, RecordCode, acknowledgement};

/// Days for which it is remembered what was taken back.
const TAKEN_BACK_DAYS: i32 = 2 * 366;

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Its number.
    pub sequence: u32,
    /// The hub's code.
    pub code: FileCode,
    /// Why it was refused as a whole.
    pub why: Option<String>,
    /// Records that it had.
    pub records: u64,
    /// Records that were rejected.
    pub rejected: u64,
    /// Why everything has to be sent again.
    pub not_met: Option<NotMet>,
    /// The hub said what it holds beside it.
    pub is_full: bool,
}

/// Why what came back settles nothing: one sentence each.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// The memory cannot be used.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// It is no acknowledgement, or of another file.
    #[error("{0}")]
    NotUnderstood(String),
}

impl Memory {
    /// Takes an acknowledgement of the file under way. Only now is anything of it remembered as held; and whatever was
    /// rejected stands on the list of what hospitals do not see.
    ///
    /// # Errors
    /// It is not this file's, or the memory cannot be written: then the file is still under way.
    pub fn settle(&mut self, said: impl Read, now: Timestamp) -> Result<Settled, SettleError> {
        let outgoing = self.outgoing()?.ok_or(MemoryError::Damaged("no file is under way"))?;
        let not_understood =
            |why: &str| SettleError::NotUnderstood(format!("the hub's acknowledgement: {why}"));
        let document = self.document();
        let work =
            self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(MemoryError::from)?;
        let (what, rejected) = listed(&work, said)?;
        let of: String = work
            .query_row("SELECT authority_code FROM link", [], |row| row.get(0))
            .map_err(MemoryError::from)?;
        if what.sequence.is_some_and(|sequence| sequence != outgoing.sequence) || what.authority_code != of {
            return Err(not_understood("it is of another file"));
        }
        if what.digest.as_deref() != Some(outgoing.digest.as_str()) {
            return Err(not_understood(
                "it is of another file under the same number; give this one up with `cpis-authority abandon`, and the next upload sends everything",
            ));
        }
        let records = outgoing.records;
        let why = refused(&what);
        let (sequence, is_full) = (outgoing.sequence, outgoing.is_full);
        let mut settled =
            Settled { sequence, code: what.code, why, records, rejected, not_met: None, is_full };
        if let Some(apart) = what.apart {
            if settled.why.is_none() {
                return Err(not_understood("it refuses the file and does not say why"));
            }
            settled.not_met = Some(chain::part(&work, apart, outgoing.sequence)?);
        }
        if settled.why.is_none() {
            if what.records != Some(records) {
                return Err(not_understood("it counts other records than were sent"));
            }
            if !fits(what.code, records, rejected) {
                return Err(not_understood("its code does not fit its records"));
            }
            if what.rejected != Some(rejected) {
                return Err(not_understood("it does not say how many records were rejected"));
            }
            remember(&work, &outgoing)?;
            chain::follow(&work, outgoing.sequence, &outgoing.digest)?;
        }
        if settled.why.is_none() && settled.code.is_acceptable() {
            work.execute(
                "UPDATE link SET acknowledged = ?1, told = ?2",
                params![now.to_string(), settled.code.code()],
            )
            .map_err(MemoryError::from)?;
        }
        work.execute_batch(
            "DELETE FROM outgoing; DELETE FROM outgoing_plan; DELETE FROM outgoing_without_team;
             DELETE FROM rejected; DELETE FROM still_held;",
        )
        .map_err(MemoryError::from)?;
        work.commit().map_err(MemoryError::from)?;
        // Where this fails the next file takes its place.
        let _ = std::fs::remove_file(document);
        Ok(settled)
    }
}

/// Why a file was refused as a whole, if it was: then nothing of it is held.
fn refused(what: &Acknowledgement) -> Option<String> {
    match what.code {
        FileCode::AllUploaded | FileCode::PartlyUploaded | FileCode::NoneUploaded => what.why.clone(),
        FileCode::Corrupt | FileCode::TracingUnavailable | FileCode::VersionNotSupported => {
            Some(what.why.clone().unwrap_or_else(|| "the hub does not say why".to_owned()))
        }
    }
}

/// Whether a file's code says of its records what the list of rejections says.
fn fits(code: FileCode, records: u64, rejected: u64) -> bool {
    match code {
        FileCode::AllUploaded => rejected == 0,
        FileCode::PartlyUploaded => (1..records).contains(&rejected),
        FileCode::NoneUploaded => rejected > 0 && rejected == records,
        FileCode::Corrupt | FileCode::TracingUnavailable | FileCode::VersionNotSupported => false,
    }
}

/// Reads what the hub says, what it lists into their tables.
fn listed(work: &Transaction<'_>, said: impl Read) -> Result<(Acknowledgement, u64), SettleError> {
    work.execute_batch("DELETE FROM rejected; DELETE FROM still_held;").map_err(MemoryError::from)?;
    let mut insert = work
        .prepare("INSERT INTO rejected (place, code, why, replaced_by) VALUES (?1, ?2, ?3, ?4)")
        .map_err(MemoryError::from)?;
    let mut insert_held = work
        .prepare("INSERT OR REPLACE INTO still_held (local_id, number, kind, start_day, end_day) VALUES (?1, ?2, ?3, ?4, ?5)")
        .map_err(MemoryError::from)?;
    let (mut count, mut failed) = (0, None);
    let what = acknowledgement::read(said, &mut |item| {
        let kept = match item {
            Item::Rejected(rejection) => {
                count += 1;
                insert.execute(params![
                    i64::try_from(rejection.place).unwrap_or(i64::MAX),
                    rejection.code.code(),
                    rejection.why,
                    rejection.replaced_by.map(|number| number.digits())
                ])
            }
            Item::StillHeld(plan) => insert_held.execute(params![
                plan.local_id,
                plan.number.digits(),
                plan.kind.snomed(),
                plan.period.start.to_string(),
                plan.period.end.map(|end| end.to_string())
            ]),
        };
        if let Err(error) = kept {
            failed.get_or_insert(error);
        }
    });
    if let Some(error) = failed {
        return Err(MemoryError::from(error).into());
    }
    Ok((what.map_err(|error| SettleError::NotUnderstood(error.to_string()))?, count))
}

/// What was taken is held; what was not is not visible.
fn remember(work: &Transaction<'_>, outgoing: &Outgoing) -> Result<(), MemoryError> {
    let today = outgoing.day;
    let taken = "place NOT IN (SELECT place FROM rejected)";
    work.execute(
        &format!(
            "DELETE FROM held WHERE (local_id, number, kind, start_day) IN (
                SELECT local_id, number, kind, start_day FROM outgoing_plan WHERE what = 'take-back' AND {taken})"
        ),
        [],
    )?;
    work.execute(
        &format!(
            "INSERT OR REPLACE INTO held ({HELD}) SELECT {HELD} FROM outgoing_plan WHERE what = 'hold' AND {taken}"
        ),
        [],
    )?;
    // One that another local id has taken over is that one's alone. Row by row with the index: sets of a million would be compared
    // with each other.
    let same_plan = format!(
        "SELECT 1 FROM outgoing_plan AS sent WHERE sent.what = 'hold' AND {taken}
         AND sent.number = held.number AND sent.kind = held.kind AND sent.start_day = held.start_day"
    );
    let same = format!("{same_plan} AND sent.local_id = held.local_id");
    work.execute(&format!("DELETE FROM held WHERE EXISTS ({same_plan}) AND NOT EXISTS ({same})"), [])?;
    let ends = format!(
        "FROM outgoing_plan AS sent WHERE sent.what = 'end' AND {taken} AND sent.local_id = held.local_id
         AND sent.number = held.number AND sent.kind = held.kind AND sent.start_day = held.start_day"
    );
    work.execute(
        &format!("UPDATE held SET end_day = (SELECT end_day {ends}) WHERE EXISTS (SELECT 1 {ends})"),
        [],
    )?;
    if outgoing.is_full {
        only_what_the_hub_holds(work, today, &same)?;
    }
    restricted::remember(work)?;
    turned_away::remember(work, today)?;
    taken_back(work, today, taken)?;
    // Somebody's decision has been carried out.
    work.execute(
        &format!(
            "DELETE FROM absent WHERE (local_id, number, kind, start_day) IN (
                SELECT local_id, number, kind, start_day FROM outgoing_plan WHERE {taken})"
        ),
        [],
    )?;
    not_visible(work, today)
}

/// After a full refresh the hub holds what was taken of it, and what it says that it holds beside that, and nothing else.
fn only_what_the_hub_holds(work: &Transaction<'_>, today: Date, same: &str) -> Result<(), MemoryError> {
    let key = "local_id, number, kind, start_day";
    work.execute(
        &format!(
            "DELETE FROM held WHERE NOT EXISTS ({same}) AND NOT EXISTS (
                SELECT 1 FROM still_held AS still WHERE still.local_id = held.local_id AND still.number = held.number
                AND still.kind = held.kind AND still.start_day = held.start_day)"
        ),
        [],
    )?;
    // Which team the hub has beside a plan it does not say: that is known only where the two knew the same before, too.
    let is_known = "(SELECT apart IS NULL AND previous_sequence IS NOT NULL FROM link)";
    work.execute(
        &format!(
            "INSERT INTO held ({HELD}) SELECT {key}, end_day, '', '', '', '', NULL FROM still_held WHERE true
             ON CONFLICT ({key}) DO UPDATE SET end_day = excluded.end_day,
                contact_name = iif({is_known}, contact_name, ''),
                contact_telephone = iif({is_known}, contact_telephone, NULL)"
        ),
        [],
    )?;
    // Under whatever local id it is: what was taken back, and is there again with the hub's backup, is decided already.
    work.execute(
        "INSERT INTO absent (local_id, number, kind, start_day, since, decision, listed)
         SELECT local_id, number, kind, start_day, ?1, 'in-error', 1 FROM still_held AS held
         WHERE (SELECT apart FROM link) = 'hub-older' AND EXISTS (
             SELECT 1 FROM taken_back AS back WHERE back.number = held.number AND back.kind = held.kind
             AND back.start_day = held.start_day)
         ON CONFLICT DO UPDATE SET decision = 'in-error', end_day = NULL",
        [today.to_string()],
    )?;
    Ok(())
}

/// What was taken back is remembered for as long as a hub's backups may be old; what is held again is not.
fn taken_back(work: &Transaction<'_>, today: Date, taken: &str) -> Result<(), MemoryError> {
    work.execute(
        &format!(
            "INSERT OR REPLACE INTO taken_back (local_id, number, kind, start_day, since)
             SELECT local_id, number, kind, start_day, ?1 FROM outgoing_plan WHERE what = 'take-back' AND {taken}"
        ),
        [today.to_string()],
    )?;
    work.execute(
        &format!(
            "DELETE FROM taken_back WHERE since < ?1 OR (number, kind, start_day) IN (
                SELECT number, kind, start_day FROM outgoing_plan WHERE what = 'hold' AND {taken})"
        ),
        [today.saturating_sub(Span::new().days(TAKEN_BACK_DAYS)).to_string()],
    )?;
    Ok(())
}

/// Current plans of rejected records. One that was on the list already keeps its day.
fn not_visible(work: &Transaction<'_>, today: Date) -> Result<(), MemoryError> {
    work.execute("UPDATE not_visible SET listed = 0 WHERE code <> 'row'", [])?;
    let mut note = work.prepare(
        "INSERT INTO not_visible (local_id, plan, since, code, why, shows_older, listed)
         VALUES (?1, ?2, ?3, ?4, ?5, EXISTS (SELECT 1 FROM held WHERE held.local_id = ?1 AND held.kind = ?6), 1)
         ON CONFLICT (local_id, plan) DO UPDATE SET
            code = excluded.code, why = excluded.why, shows_older = excluded.shows_older, listed = 1",
    )?;
    let mut rejected = work.prepare(
        "SELECT local_id, kind, start_day, end_day, code, why, replaced_by, what, born
         FROM outgoing_plan JOIN rejected USING (place)
         UNION ALL SELECT local_id, kind, start_day, NULL, code, why, replaced_by, 'without-team', ''
         FROM outgoing_without_team JOIN rejected USING (place)",
    )?;
    let mut rows = rejected.query([])?;
    while let Some(row) = rows.next()? {
        let (local_id, kind, start, end): (String, String, String, Option<String>) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let (code, why, replaced_by, what): (String, String, Option<String>, String) =
            (row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?);
        let has_ended = end.as_deref().map(day).transpose()?.is_some_and(|end| end < today);
        let is_gone = has_ended || what != "hold";
        // An end that the hub does not have yet leaves a plan on the screen that is over.
        let key = format!("{kind} {start}");
        let end = end.filter(|_| what != "take-back");
        if is_gone && !is_held_otherwise(work, [&local_id, &kind, &start], end.as_deref())? {
            continue;
        }
        let why = match replaced_by {
            // The one number that the data officer needs, and has a right to: it is their child's.
            Some(number) => format!("{why}: {number}"),
            None if code == RecordCode::NoMatch.code() && is_newborn(&row.get::<_, String>(8)?, today) => {
                format!("{why}; {NEWBORN}")
            }
            None => why,
        };
        note.execute(params![local_id, key, today.to_string(), code, why, kind])?;
    }
    work.execute("DELETE FROM not_visible WHERE code <> 'row' AND listed = 0", [])?;
    // What was taken back is not seen any more, whatever is wrong with the row.
    work.execute(
        "UPDATE not_visible SET shows_older = 0 WHERE code = 'row' AND shows_older = 1 AND NOT EXISTS (
            SELECT 1 FROM held WHERE held.local_id = not_visible.local_id
            AND (instr(plan, ' ') = 0 OR held.kind = substr(plan, 1, instr(plan, ' ') - 1)))",
        [],
    )?;
    Ok(())
}

fn is_newborn(born: &str, today: Date) -> bool {
    let newest = today.saturating_sub(Span::new().days(NEWBORN_DAYS));
    born.parse().is_ok_and(|born: Date| born > newest)
}

/// Whether a plan is held, and with another end than this.
fn is_held_otherwise(
    work: &Transaction<'_>,
    [local_id, kind, start]: [&str; 3],
    end: Option<&str>,
) -> Result<bool, MemoryError> {
    Ok(work
        .prepare_cached(
            "SELECT 1 FROM held WHERE local_id = ?1 AND kind = ?2 AND start_day = ?3
             AND (?4 IS NULL OR end_day IS NOT ?4)",
        )?
        .exists(params![local_id, kind, start, end])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_believed_only_with_rejections_that_fit_it() {
        let believed = |code| {
            let all = [(0, 0), (3, 0), (3, 1), (3, 2), (3, 3), (3, 4)];
            all.into_iter().filter(|(records, rejected)| fits(code, *records, *rejected)).collect::<Vec<_>>()
        };
        assert_eq!(believed(FileCode::AllUploaded), [(0, 0), (3, 0)]);
        assert_eq!(believed(FileCode::PartlyUploaded), [(3, 1), (3, 2)]);
        assert_eq!(believed(FileCode::NoneUploaded), [(3, 3)]);
        for code in [FileCode::Corrupt, FileCode::TracingUnavailable, FileCode::VersionNotSupported] {
            assert_eq!(believed(code), []);
            let what = Acknowledgement {
                authority_code: String::new(),
                sequence: None,
                records: Some(3),
                code,
                why: None,
                digest: None,
                rejected: None,
                apart: None,
            };
            assert!(refused(&what).is_some(), "it refuses the file though it does not say why");
        }
    }
}
