//! Notices of NHS numbers that are no longer in use, for each authority that holds a current plan under one: rows of the outbox
//! like any other, written in the commit in which the number was superseded or its identity ended. The number that has taken
//! its place is in them where there is one; of an ended identity nothing is ever said but that.

use rusqlite::{OptionalExtension, named_params, params};
use serde_json::json;

use super::super::audit::{self, Entry, Kind};
use super::super::codec;
use super::super::error::Fault;
use super::super::writer::Work;
use crate::domain::{Caller, NhsNumber, dates};

/// Under what an authority holds a current plan of a person.
pub(in crate::hub::store) struct Uploaded {
    authority_code: String,
    local_id: String,
    number: String,
    upload: i64,
}

/// Under what authorities hold current plans of a person: of what is over nobody has to be told.
pub(in crate::hub::store) fn uploaded(work: &Work<'_>, person: i64) -> Result<Vec<Uploaded>, Fault> {
    let mut statement = work.db.prepare_cached(
        "SELECT authority_code, local_id, number_uploaded, max(upload_id) FROM plan
         WHERE person_id = ?1 AND (end_day IS NULL OR end_day >= ?2)
         GROUP BY authority_code, local_id, number_uploaded ORDER BY authority_code, local_id, number_uploaded",
    )?;
    let today = dates::london_day(work.now).to_string();
    let rows = statement.query_map(params![person, today], |row| {
        Ok(Uploaded {
            authority_code: row.get(0)?,
            local_id: row.get(1)?,
            number: row.get(2)?,
            upload: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Tells each authority that what it holds stands under a number that is no longer in use, unless it was told just that.
pub(in crate::hub::store) fn tell(
    work: &Work<'_>,
    by: &Caller,
    person: i64,
    uploaded: &[Uploaded],
) -> Result<(), Fault> {
    if uploaded.is_empty() {
        return Ok(());
    }
    let standing: Option<(String, String)> = work
        .db
        .prepare_cached(
            "SELECT number, standing FROM nhs_number WHERE person_id = ?1 AND standing <> 'superseded'",
        )?
        .query_row([person], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (in_use, standing) = standing.ok_or(Fault::Corrupt("a person without a number"))?;
    let in_use = (standing == "current").then_some(in_use);
    for of in uploaded.iter().filter(|of| in_use.as_ref() != Some(&of.number)) {
        if !is_told(work, person, of, in_use.as_deref())? {
            queue(work, by, person, of, in_use.as_deref())?;
        }
    }
    Ok(())
}

/// Whether the last that the authority was told of this number was this.
fn is_told(work: &Work<'_>, person: i64, of: &Uploaded, in_use: Option<&str>) -> Result<bool, Fault> {
    let last: Option<Option<String>> = work
        .db
        .prepare_cached(
            "SELECT replaced_by FROM outbox
             WHERE person_id = ?1 AND authority_code = ?2 AND view_id IS NULL AND local_id = ?3 AND number_uploaded = ?4
             ORDER BY id DESC LIMIT 1",
        )?
        .query_row(params![person, of.authority_code, of.local_id, of.number], |row| row.get(0))
        .optional()?;
    Ok(last.is_some_and(|last| last.as_deref() == in_use))
}

fn queue(
    work: &Work<'_>,
    by: &Caller,
    person: i64,
    of: &Uploaded,
    in_use: Option<&str>,
) -> Result<(), Fault> {
    let kind = if in_use.is_some() { "number-superseded" } else { "number-ended" };
    work.db
        .prepare_cached(
            "INSERT INTO outbox (kind, person_id, authority_code, authority_name, upload_id, local_id, number_uploaded,
                                 replaced_by, at_ms, state, state_ms)
             VALUES (:kind, :person, :authority, coalesce((SELECT name FROM authority WHERE code = :authority), :authority),
                     :upload, :local_id, :number, :replaced_by, :at, 'queued', :at)",
        )?
        .execute(named_params! {
            ":kind": kind,
            ":person": person,
            ":authority": of.authority_code,
            ":upload": of.upload,
            ":local_id": of.local_id,
            ":number": of.number,
            ":replaced_by": in_use,
            ":at": work.now_ms(),
        })?;
    let number: NhsNumber = codec::number(&of.number)?;
    let outcome = if in_use.is_some() { "superseded" } else { "ended" };
    let entry = Entry {
        person: Some(person),
        number: Some(number),
        detail: Some(json!({ "authority": of.authority_code })),
        ..Entry::new(Kind::NumberTold, outcome, "load")
    };
    audit::append(work, by, &entry)
}
