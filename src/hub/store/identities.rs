//! Superseded numbers and ended identities.
//!
//! A merge moves everything of the old person to the new one. An ended identity is never merged with anything:
//! what would join it to another number is refused.

use rusqlite::{OptionalExtension, params};

use super::apply::Applying;
use super::error::Fault;
use super::notices::numbers;
use super::people::{self, Resolved};
use super::search_keys;
use super::writer::Work;
use crate::domain::{Caller, NhsNumber};
use crate::hub::limits;
use crate::hub::load::{Superseded, way};

/// What became of a number that is to lead to a person.
enum Joined {
    Now,
    /// It does so already.
    Already,
    Refused(&'static str),
}

/// Lets a superseded number lead to the person who has the replacing one. A chain is joined from its end, so that a
/// number never leads beyond one that is not joined itself.
pub(super) fn supersede(
    work: &Work<'_>,
    link: &Superseded,
    restriction: Restriction,
    applying: &mut Applying<'_>,
) -> Result<(), Fault> {
    let way = way(link.old, applying.links).unwrap_or_default();
    let Some((last, between)) = way.split_last() else {
        applying.refuse(link.line, "the replacements lead back to this number");
        return Ok(());
    };
    let new = match people::resolve(work, *last)? {
        Resolved::Person { id, .. } => id,
        Resolved::Ended { .. } => {
            applying.refuse(link.line, "the identity of the replacing number ended: nothing joins it");
            return Ok(());
        }
        Resolved::NotKnown => {
            applying.refuse(link.line, "the replacing number is not known");
            return Ok(());
        }
    };
    for number in between.iter().rev().chain([&link.old]) {
        let joined = if number.is_test_range() == applying.is_marked {
            join(work, applying.by, *number, new, restriction)?
        } else {
            Joined::Refused(BETWEEN)
        };
        match joined {
            Joined::Now => applying.counts.superseded += 1,
            Joined::Already => {}
            Joined::Refused(why) => {
                applying.refuse(link.line, if *number == link.old { why } else { BETWEEN });
                return Ok(());
            }
        }
    }
    Ok(())
}

const BETWEEN: &str = "a number between this one and the last of the replacements cannot be joined";

fn join(
    work: &Work<'_>,
    by: &Caller,
    old: NhsNumber,
    new: i64,
    restriction: Restriction,
) -> Result<Joined, Fault> {
    Ok(match people::resolve(work, old)? {
        Resolved::NotKnown => {
            work.db
                .prepare_cached(
                    "INSERT INTO nhs_number (number, person_id, standing) VALUES (?1, ?2, 'superseded')",
                )?
                .execute(params![old.digits(), new])?;
            Joined::Now
        }
        Resolved::Ended { .. } => Joined::Refused("the identity of this number ended: nothing joins it"),
        Resolved::Person { id, number } if id == new && number == old => {
            Joined::Refused("the replacements lead back to this number")
        }
        Resolved::Person { id, .. } if id == new => Joined::Already,
        Resolved::Person { number, .. } if number != old => {
            Joined::Refused("this number was superseded by another one")
        }
        Resolved::Person { id, .. } if have_too_many_plans(work, id, new)? => {
            Joined::Refused("together the two would have more plans than one person can have")
        }
        Resolved::Person { id, .. } => {
            // Before the merge: where both have the same plan one of them goes, and its number is over all the same.
            let uploaded = numbers::uploaded(work, id)?;
            merge(work, id, new, restriction)?;
            numbers::tell(work, by, new, &uploaded)?;
            Joined::Now
        }
    })
}

/// Whether a merge restricts the one who stays.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Restriction {
    /// If either was restricted.
    Stays,
    /// The line of the one who stays lifts it.
    Lifted,
}

fn have_too_many_plans(work: &Work<'_>, old: i64, new: i64) -> Result<bool, Fault> {
    let together: u32 = work
        .db
        .prepare_cached(
            "SELECT coalesce(max(count), 0) FROM (
                SELECT count(*) AS count FROM (
                    SELECT DISTINCT authority_code, kind, start_day FROM plan
                    WHERE person_id IN (?1, ?2) AND (end_day IS NULL OR end_day >= ?3))
                GROUP BY authority_code)",
        )?
        .query_row(rusqlite::params![old, new, super::held::counted_since(work.now)], |row| row.get(0))?;
    Ok(together as usize > limits::PLANS_PER_PERSON)
}

/// Everything of the old person becomes the new one's. Where both have the same plan, what the authority
/// sent last stays, and so does a restriction.
fn merge(work: &Work<'_>, old: i64, new: i64, restriction: Restriction) -> Result<(), Fault> {
    let restricts = restriction == Restriction::Stays && people::is_restricted(work, old)?;
    let same = "other.authority_code = plan.authority_code AND other.kind = plan.kind
                AND other.start_day = plan.start_day";
    let sent = |table: &str| {
        format!(
            "(coalesce({table}.sent_ms, (SELECT at_ms FROM upload WHERE upload.id = {table}.upload_id)),
              {table}.upload_id, {table}.id)"
        )
    };
    let (of_plan, of_other) = (sent("plan"), sent("other"));
    work.db.execute(
        &format!(
            "DELETE FROM plan WHERE person_id IN (?1, ?2) AND EXISTS (
                SELECT 1 FROM plan AS other WHERE other.person_id IN (?1, ?2) AND {same} AND {of_other} > {of_plan})"
        ),
        [old, new],
    )?;
    for table in ["plan", "view", "history", "outbox"] {
        work.db.execute(&format!("UPDATE {table} SET person_id = ?2 WHERE person_id = ?1"), [old, new])?;
    }
    work.db.execute(
        "UPDATE nhs_number SET person_id = ?2, standing = 'superseded' WHERE person_id = ?1",
        [old, new],
    )?;
    search_keys::remove(work.db, old)?;
    work.db.execute("DELETE FROM person WHERE id = ?1", [old])?;
    if restricts {
        work.db.execute("UPDATE person SET restricted = 1 WHERE id = ?1", [new])?;
        search_keys::refresh(work.db, new)?;
    }
    Ok(())
}

/// Ends the identity of a number, for good.
pub(super) fn end(
    work: &Work<'_>,
    line: usize,
    number: NhsNumber,
    applying: &mut Applying<'_>,
) -> Result<bool, Fault> {
    let held: Option<(i64, String)> = work
        .db
        .prepare_cached("SELECT person_id, standing FROM nhs_number WHERE number = ?1")?
        .query_row([number.digits()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match held.as_ref().map(|(person, standing)| (*person, standing.as_str())) {
        Some((person, "current")) => {
            search_keys::remove(work.db, person)?;
            work.db
                .prepare_cached("UPDATE nhs_number SET standing = 'ended' WHERE number = ?1")?
                .execute([number.digits()])?;
            numbers::tell(work, applying.by, person, &numbers::uploaded(work, person)?)?;
            Ok(true)
        }
        Some((_, "ended")) => Ok(false),
        Some(_) | None => {
            applying.refuse(line, "this number was superseded: end the number in use");
            Ok(false)
        }
    }
}
