//! Takes a file under its sequence number, or says why not.

use rusqlite::{OptionalExtension, params};

use super::{Arrived, Taken, stored};
use crate::domain::Caller;
use crate::hub::limits;
use crate::hub::store::audit::{self, Entry, Kind};
use crate::hub::store::codec;
use crate::hub::store::error::Fault;
use crate::hub::store::writer::Work;

pub(super) fn take(work: &Work<'_>, by: &Caller, arrived: &Arrived) -> Result<Taken, Fault> {
    let header = &arrived.document.header;
    let code = &header.authority_code;
    let same: Option<String> = work
        .db
        .prepare_cached("SELECT digest FROM authority_file WHERE authority_code = ?1 AND sequence = ?2")?
        .query_row(params![code, header.sequence], |row| row.get(0))
        .optional()?;
    let (last, waiting): (Option<u32>, i64) = work
        .db
        .prepare_cached(
            "SELECT max(sequence), count(*) FILTER (WHERE state = 'waiting') FROM authority_file
             WHERE authority_code = ?1",
        )?
        .query_row([code], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let taken = match (same, last) {
        (Some(digest), _) if digest == arrived.digest => Taken::Already,
        (_, Some(last)) if last >= header.sequence => Taken::Overtaken(last),
        (_, _) if waiting >= limits::UPLOADS_WAITING => return Ok(Taken::TooMany),
        (_, _) => Taken::Now,
    };
    if taken == Taken::Now {
        describe(work, arrived)?;
        work.db
            .prepare_cached("INSERT INTO upload (authority_code, at_ms, is_taken) VALUES (?1, ?2, 0)")?
            .execute(params![code, work.now_ms()])?;
        let upload = work.db.last_insert_rowid();
        work.db
            .prepare_cached(
                "INSERT INTO authority_file (authority_code, sequence, digest, spool, sent_ms, at_ms, records, state,
                                             upload_id)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'waiting', ?8)",
            )?
            .execute(params![
                code,
                header.sequence,
                arrived.digest,
                arrived.spool,
                // A clock that is ahead must not make plans look newer than they are.
                arrived.document.created.as_millisecond().min(work.now_ms()),
                work.now_ms(),
                stored(header.records),
                upload
            ])?;
    }
    let outcome = match taken {
        Taken::Now => "taken",
        Taken::Already => "repeated",
        Taken::Overtaken(_) | Taken::TooMany => "overtaken",
    };
    let detail = serde_json::json!({ "sequence": header.sequence, "records": header.records });
    audit::append(work, by, &Entry { detail: Some(detail), ..Entry::new(Kind::Upload, outcome, "upload") })?;
    Ok(taken)
}

/// The authority as it names itself now: the numbers that were sent last hold for all its plans. A number that is not given
/// is not erased: a nurse would have nobody to call.
fn describe(work: &Work<'_>, arrived: &Arrived) -> Result<(), Fault> {
    let header = &arrived.document.header;
    let authority = &header.authority;
    let hours = authority.hours.as_ref();
    work.db
        .prepare_cached(
            "INSERT INTO authority (code, name, office, emergency_duty, office_days, office_from, office_to,
                                    described_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (code) DO UPDATE SET
                name = excluded.name, office = coalesce(excluded.office, office),
                emergency_duty = coalesce(excluded.emergency_duty, emergency_duty),
                office_days = excluded.office_days, office_from = excluded.office_from,
                office_to = excluded.office_to, described_ms = excluded.described_ms",
        )?
        .execute(params![
            header.authority_code,
            authority.name,
            authority.office.as_ref().map(|telephone| telephone.as_sent()),
            authority.emergency_duty.as_ref().map(|telephone| telephone.as_sent()),
            hours.map(|hours| codec::days_text(&hours.days)),
            hours.map(|hours| codec::time_text(hours.from)),
            hours.map(|hours| codec::time_text(hours.to)),
            work.now_ms()
        ])?;
    Ok(())
}
