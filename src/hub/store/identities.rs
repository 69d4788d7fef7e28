//! Superseded numbers and ended identities.
//!
//! A merge moves everything of the old person to the new one. An ended identity is never merged with anything:
//! what would join it to another number is refused.

use rusqlite::{OptionalExtension, params};

use super::apply::Applying;
use super::error::Fault;
use super::people::{self, Resolved};
use super::search_keys;
use super::writer::Work;
use crate::domain::NhsNumber;
use crate::hub::load::{Superseded, follow};

/// Lets a superseded number lead to the person who has the replacing one.
pub(super) fn supersede(
    work: &Work<'_>,
    link: &Superseded,
    applying: &mut Applying<'_>,
) -> Result<bool, Fault> {
    let Some(last) = follow(link.old, applying.links) else {
        applying.refuse(link.line, "the replacements lead back to this number");
        return Ok(false);
    };
    let new = match people::resolve(work, last)? {
        Resolved::Person { id, .. } => id,
        Resolved::Ended { .. } => {
            applying.refuse(link.line, "the identity of the replacing number ended: nothing joins it");
            return Ok(false);
        }
        Resolved::NotKnown => {
            applying.refuse(link.line, "the replacing number is not known");
            return Ok(false);
        }
    };
    match people::resolve(work, link.old)? {
        Resolved::NotKnown => {
            work.db
                .prepare_cached(
                    "INSERT INTO nhs_number (number, person_id, standing) VALUES (?1, ?2, 'superseded')",
                )?
                .execute(params![link.old.digits(), new])?;
            Ok(true)
        }
        Resolved::Ended { .. } => {
            applying.refuse(link.line, "the identity of this number ended: nothing joins it");
            Ok(false)
        }
        Resolved::Person { id, number } if id == new => {
            if number == link.old {
                applying.refuse(link.line, "the replacements lead back to this number");
            }
            Ok(false)
        }
        Resolved::Person { number, .. } if number != link.old => {
            applying.refuse(link.line, "this number was superseded by another one");
            Ok(false)
        }
        Resolved::Person { id, .. } => {
            merge(work, id, new)?;
            Ok(true)
        }
    }
}

/// Everything of the old person becomes the new one's. Where both have the same plan, what the authority
/// sent last stays.
fn merge(work: &Work<'_>, old: i64, new: i64) -> Result<(), Fault> {
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
            Ok(true)
        }
        Some((_, "ended")) => Ok(false),
        Some(_) | None => {
            applying.refuse(line, "this number was superseded: end the number in use");
            Ok(false)
        }
    }
}
