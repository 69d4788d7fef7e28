//! Plans that have ended and that the hub rejected. They are on no list, since hospitals need not see them; that the hub rejected them is
//! remembered, so that another contact alone does not go up with them again each night, and they pass for nothing new.

use jiff::civil::Date;
use rusqlite::{Transaction, params};

use super::changes::is_same;
use super::{Held, MemoryError};

/// Leaves the contact of a plan as the hub has it, where it has ended, nothing else of it differs, and the hub rejected it just so.
pub(super) fn leave(
    work: &Transaction<'_>,
    today: Date,
    plan: &mut Held,
    before: &[Held],
) -> Result<(), MemoryError> {
    let is_held = |held: &&Held| held.number == plan.number && is_same(held, plan) && held.end == plan.end;
    let Some(held) = before.iter().find(is_held).filter(|held| held.has_other_contact(plan)) else {
        return Ok(());
    };
    // Days are ISO texts, which sort as days do.
    if plan.end.as_ref().is_none_or(|end| *end >= today.to_string()) {
        return Ok(());
    }
    let was_rejected = work
        .prepare_cached(
            "SELECT 1 FROM turned_away WHERE local_id = ?1 AND number = ?2 AND kind = ?3 AND start_day = ?4
             AND end_day IS ?5 AND family = ?6 AND given = ?7 AND born = ?8
             AND contact_name IS ?9 AND contact_telephone IS ?10",
        )?
        .exists(params![
            plan.local_id,
            plan.number,
            plan.kind,
            plan.start,
            plan.end,
            plan.family,
            plan.given,
            plan.born,
            plan.contact_name,
            plan.contact_telephone
        ])?;
    if was_rejected {
        plan.contact_name.clone_from(&held.contact_name);
        plan.contact_telephone.clone_from(&held.contact_telephone);
    }
    Ok(())
}

/// Notes what of a file that has been acknowledged has ended and was rejected.
pub(super) fn remember(work: &Transaction<'_>, today: Date) -> Result<(), MemoryError> {
    work.execute_batch(
        "DELETE FROM turned_away WHERE EXISTS (
            SELECT 1 FROM outgoing_plan AS sent WHERE sent.what = 'hold' AND sent.local_id = turned_away.local_id
            AND sent.number = turned_away.number AND sent.kind = turned_away.kind
            AND sent.start_day = turned_away.start_day)
         OR NOT EXISTS (
            SELECT 1 FROM extract WHERE extract.local_id = turned_away.local_id
            AND extract.number = turned_away.number AND extract.kind = turned_away.kind
            AND extract.start_day = turned_away.start_day);",
    )?;
    // As the extract has them: a record's names may be those of another row.
    work.execute(
        "INSERT OR REPLACE INTO turned_away (local_id, number, kind, start_day, end_day, family, given, born,
                                             contact_name, contact_telephone)
         SELECT extract.local_id, extract.number, extract.kind, extract.start_day, extract.end_day,
                extract.family, extract.given, extract.born, extract.contact_name, extract.contact_telephone
         FROM rejected CROSS JOIN outgoing_plan AS sent ON sent.place = rejected.place AND sent.what = 'hold'
         CROSS JOIN extract ON extract.local_id = sent.local_id AND extract.number = sent.number
            AND extract.kind = sent.kind AND extract.start_day = sent.start_day
         WHERE extract.end_day < ?1",
        [today.to_string()],
    )?;
    Ok(())
}
