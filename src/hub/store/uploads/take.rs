//! Takes a file under its sequence number, or says why not.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Arrived, Taken, stored};
use crate::domain::Caller;
use crate::hub::limits;
use crate::hub::store::Store;
use crate::hub::store::audit::{self, Entry, Kind};
use crate::hub::store::error::{Fault, StoreError};
use crate::hub::store::held;
use crate::hub::store::writer::Work;

pub(super) fn take(work: &Work<'_>, by: &Caller, arrived: &Arrived) -> Result<Taken, Fault> {
    let header = &arrived.document.header;
    let code = &header.authority_code;
    let taken = standing(work, arrived)?;
    if taken == Taken::TooMany {
        return Ok(taken);
    }
    if taken == Taken::Now {
        held::describe(work, code, &header.authority, work.now_ms(), held::Describe::KeepingNumbers)?;
        work.db
            .prepare_cached("INSERT INTO upload (authority_code, at_ms, is_taken) VALUES (?1, ?2, 0)")?
            .execute(params![code, work.now_ms()])?;
        let upload = work.db.last_insert_rowid();
        work.db
            .prepare_cached(
                "INSERT INTO authority_file (authority_code, sequence, digest, spool, sent_ms, at_ms, records, state,
                                             upload_id, previous_sequence, is_full)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'waiting', ?8, ?9, ?10)",
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
                upload,
                header.previous.as_ref().map(|previous| previous.sequence),
                header.is_full
            ])?;
    }
    let outcome = match taken {
        Taken::Now => "taken",
        Taken::Already => "repeated",
        Taken::Overtaken(_) | Taken::TooMany => "overtaken",
        Taken::Apart(_) => "apart",
    };
    let detail = serde_json::json!({ "sequence": header.sequence, "records": header.records });
    audit::append(work, by, &Entry { detail: Some(detail), ..Entry::new(Kind::Upload, outcome, "upload") })?;
    Ok(taken)
}

impl Store {
    /// How many files of an authority wait.
    pub(in crate::hub) async fn uploads_waiting(&self, authority: String) -> Result<i64, StoreError> {
        self.read_elsewhere(move |db| {
            let sql = "SELECT count(*) FROM authority_file WHERE authority_code = ?1 AND state = 'waiting'";
            Ok(db.prepare_cached(sql)?.query_row([authority], |row| row.get(0))?)
        })
        .await
    }
}

/// What becomes of a file, before anything is written.
fn standing(work: &Work<'_>, arrived: &Arrived) -> Result<Taken, Fault> {
    let header = &arrived.document.header;
    let code = &header.authority_code;
    let same: Option<String> = work
        .db
        .prepare_cached("SELECT digest FROM authority_file WHERE authority_code = ?1 AND sequence = ?2")?
        .query_row(params![code, header.sequence], |row| row.get(0))
        .optional()?;
    let last: Option<(u32, String, String)> = work
        .db
        .prepare_cached(
            "SELECT sequence, digest, state FROM authority_file WHERE authority_code = ?1
             ORDER BY sequence DESC LIMIT 1",
        )?
        .query_row([code], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let waiting: i64 = work
        .db
        .prepare_cached(
            "SELECT count(*) FROM authority_file WHERE authority_code = ?1 AND state = 'waiting'",
        )?
        .query_row([code], |row| row.get(0))?;
    let last_sequence = last.as_ref().map_or(0, |(sequence, ..)| *sequence);
    if same.as_ref() == Some(&arrived.digest) {
        // What became of it is told, unless that is forgotten.
        let is_kept = is_kept(work.db, code, header.sequence)?;
        return Ok(if is_kept { Taken::Already } else { Taken::Overtaken(last_sequence) });
    }
    if last.is_some() && last_sequence >= header.sequence {
        return Ok(Taken::Overtaken(last_sequence));
    }
    if waiting >= limits::UPLOADS_WAITING {
        return Ok(Taken::TooMany);
    }
    let meets = match (&header.previous, &last) {
        (None, _) => header.is_full,
        (Some(previous), Some((sequence, digest, state))) => {
            previous.sequence == *sequence && previous.digest == *digest && state != "lost"
        }
        (Some(_), None) => false,
    };
    Ok(if meets { Taken::Now } else { Taken::Apart(last_sequence) })
}

/// Whether the rejections of a file are still kept: those of an authority's last ones are.
pub(super) fn is_kept(db: &Connection, authority: &str, sequence: u32) -> Result<bool, Fault> {
    let later: i64 = db
        .prepare_cached("SELECT count(*) FROM authority_file WHERE authority_code = ?1 AND sequence > ?2")?
        .query_row(params![authority, sequence], |row| row.get(0))?;
    Ok(later < limits::UPLOADS_KEPT)
}
