//! What local authorities send: a file is taken, applied in slices, and told of.
//!
//! A sequence number is taken once. The same file under it again is the same file; another one, or one with a number
//! that is not higher than the last, changes nothing: it would bring back what a later one took away.

mod missed;
mod record;
mod slices;
mod still;
mod take;

use std::sync::Arc;
use std::time::Instant;

use rusqlite::{OptionalExtension, Row, params};

use super::audit::{self, Entry, Kind};
use super::error::{Fault, StoreError};
use super::writer::Work;
use super::{Audited, Store, codec};
use crate::domain::{Caller, NhsNumber};
use crate::exchange::upload::{Document, Record, RecordFault};
use crate::exchange::{FileCode, RecordCode, Rejection, StillHeld};
use crate::hub::limits;

/// A file that arrived whole.
pub(in crate::hub) struct Arrived {
    pub(in crate::hub) document: Document,
    pub(in crate::hub) digest: String,
    /// The name of the file that holds it.
    pub(in crate::hub) spool: String,
}

/// What becomes of a file that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::hub) enum Taken {
    /// It waits to be applied.
    Now,
    /// It had been taken before.
    Already,
    /// Another file was taken under its number, or under a later one: the last is this.
    Overtaken(u32),
    /// It follows another file than the last that was taken, which is this, or that one was lost: hub and authority do not know the
    /// same.
    Apart(u32),
    /// Too many files of the authority wait.
    TooMany,
}

/// A file that was taken.
#[derive(Debug, Clone)]
pub(in crate::hub) struct TakenFile {
    pub(in crate::hub) id: i64,
    pub(in crate::hub) authority_code: String,
    pub(in crate::hub) sequence: u32,
    pub(in crate::hub) digest: String,
    pub(in crate::hub) spool: String,
    sent_ms: i64,
    upload: i64,
    pub(in crate::hub) records: u64,
    pub(in crate::hub) done: u64,
    pub(in crate::hub) rejected: u64,
    pub(in crate::hub) state: FileState,
    /// The file that it follows.
    previous: Option<u32>,
    /// It is told what is held and was not in it.
    pub(in crate::hub) is_full: bool,
}

/// How far a file has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::hub) enum FileState {
    Waiting,
    Complete,
    /// What waited on the disk is gone or another, or the file that it follows is lost.
    Lost,
}

impl TakenFile {
    /// What became of it, as far as that is known.
    pub(in crate::hub) fn code(&self) -> FileCode {
        match self.state {
            FileState::Lost => FileCode::NoneUploaded,
            FileState::Waiting | FileState::Complete if self.rejected == 0 => FileCode::AllUploaded,
            FileState::Waiting | FileState::Complete if self.rejected < self.records => {
                FileCode::PartlyUploaded
            }
            FileState::Waiting | FileState::Complete => FileCode::NoneUploaded,
        }
    }
}

/// Records with their places.
pub(in crate::hub) type Records = Vec<(u64, Result<Record, RecordFault>)>;

const COLUMNS: &str =
    "id, authority_code, sequence, digest, spool, sent_ms, upload_id, records, done, rejected, state,
                       previous_sequence, is_full";

impl Store {
    /// Takes a file, unless its number was taken.
    pub(in crate::hub) async fn upload_take(
        &self,
        by: Caller,
        arrived: Arrived,
    ) -> Result<Audited<Taken>, StoreError> {
        self.write(move |work| take::take(work, &by, &arrived)).await
    }

    /// Notes that a file was refused as a whole.
    pub(in crate::hub) async fn upload_refused(
        &self,
        by: Caller,
        outcome: &'static str,
        detail: serde_json::Value,
    ) -> Result<Audited<()>, StoreError> {
        self.write(move |work| {
            let entry = Entry { detail: Some(detail), ..Entry::new(Kind::Upload, outcome, "upload") };
            audit::append(work, &by, &entry)
        })
        .await
    }

    /// The file of a number.
    pub(in crate::hub) async fn upload_file(
        &self,
        authority: String,
        sequence: u32,
    ) -> Result<Option<TakenFile>, StoreError> {
        self.read_elsewhere(move |db| {
            let sql =
                format!("SELECT {COLUMNS} FROM authority_file WHERE authority_code = ?1 AND sequence = ?2");
            Ok(db.prepare_cached(&sql)?.query_row(params![authority, sequence], file).optional()?)
        })
        .await
    }

    /// Whether the rejections of a file are still kept: those of an authority's last ones are.
    pub(in crate::hub) async fn upload_is_kept(&self, file: &TakenFile) -> Result<bool, StoreError> {
        let (authority, sequence) = (file.authority_code.clone(), file.sequence);
        self.read_elsewhere(move |db| take::is_kept(db, &authority, sequence)).await
    }

    /// Rejections of a file after a place, as many as one page has; empty at the end. From a thread that may block.
    pub(in crate::hub) fn upload_rejections(
        &self,
        file: i64,
        after: u64,
    ) -> Result<Vec<Rejection>, StoreError> {
        self.read(move |db| {
            let mut statement = db.prepare_cached(
                "SELECT place, code, why, replaced_by FROM authority_file_rejection
                 WHERE file_id = ?1 AND place > ?2 ORDER BY place LIMIT 1000",
            )?;
            let mut rows = statement.query(params![file, stored(after)])?;
            let mut rejections = Vec::new();
            while let Some(row) = rows.next()? {
                let code: String = row.get(1)?;
                let replaced_by: Option<String> = row.get(3)?;
                rejections.push(Rejection {
                    place: count(row, 0)?,
                    code: RecordCode::from_code(&code).ok_or(Fault::Corrupt("a record code"))?,
                    why: row.get(2)?,
                    replaced_by: replaced_by.as_deref().map(codec::number).transpose()?,
                });
            }
            Ok(rejections)
        })
    }

    /// Plans of a full refresh's authority that are held as an earlier file had them, behind one of them, as many as one page has;
    /// empty at the end. From a thread that may block.
    pub(in crate::hub) fn upload_still_held(
        &self,
        file: &TakenFile,
        after: i64,
    ) -> Result<Vec<(i64, StillHeld)>, StoreError> {
        let (authority, upload) = (file.authority_code.clone(), file.upload);
        self.read(move |db| still::held(db, &authority, upload, after))
    }

    /// The oldest file that waits, but of none of these authorities.
    pub(in crate::hub) async fn upload_next(
        &self,
        not_of: Vec<String>,
    ) -> Result<Option<TakenFile>, StoreError> {
        self.read_elsewhere(move |db| {
            let sql = format!(
                "SELECT {COLUMNS} FROM authority_file WHERE state = 'waiting'
                 AND authority_code NOT IN (SELECT value FROM json_each(?1)) ORDER BY id LIMIT 1"
            );
            let not_of = serde_json::json!(not_of).to_string();
            Ok(db.prepare_cached(&sql)?.query_row([not_of], file).optional()?)
        })
        .await
    }

    /// The newest file that waits: the first that goes where the disk is full.
    pub(in crate::hub) fn upload_newest(&self) -> Result<Option<TakenFile>, StoreError> {
        self.read(move |db| {
            let sql = format!(
                "SELECT {COLUMNS} FROM authority_file WHERE state = 'waiting' ORDER BY id DESC LIMIT 1"
            );
            Ok(db.prepare_cached(&sql)?.query_row([], file).optional()?)
        })
    }

    /// Whether all that a file follows is held: what was restored may be older than it was when the file was taken.
    pub(in crate::hub) fn upload_follows(&self, file: &TakenFile) -> Result<bool, StoreError> {
        let (authority, previous) = (file.authority_code.clone(), file.previous);
        self.read(move |db| {
            let Some(previous) = previous else { return Ok(true) };
            Ok(db
                .prepare_cached(
                    "SELECT 1 FROM authority_file WHERE authority_code = ?1 AND sequence = ?2 AND state = 'complete'",
                )?
                .exists(params![authority, previous])?)
        })
    }

    /// The names of all files that wait.
    pub(in crate::hub) async fn upload_spools(&self) -> Result<Vec<String>, StoreError> {
        self.read_elsewhere(|db| {
            let mut statement = db.prepare("SELECT spool FROM authority_file WHERE state = 'waiting'")?;
            let spools = statement.query_map([], |row| row.get(0))?;
            Ok(spools.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Applies records from a place on, for as long as a slice may take. Returns how the file stands and how many of
    /// these are done.
    pub(in crate::hub) fn upload_slice(
        &self,
        by: &Caller,
        file: &TakenFile,
        records: &Arc<Records>,
        from: usize,
    ) -> Result<(TakenFile, usize), StoreError> {
        if !self.0.disk.has_room_for_loads() {
            return Err(StoreError::NoRoom);
        }
        let (by, mut file, records) = (by.clone(), file.clone(), Arc::clone(records));
        let queue = Arc::clone(&self.0.queue);
        self.write_blocking(move |work| {
            let begun = Instant::now();
            // Views of this very commit wait for the slice, and so do those that have come since.
            let is_over =
                || slices::is_over(begun.elapsed(), || slices::do_views_wait(work.holds_views, &queue));
            let is_marked = super::read_marking(work.db)?;
            let before = file.done;
            let mut done = from;
            for (place, record) in records.get(from..).unwrap_or_default() {
                let outcome = match record {
                    Ok(record) => record::apply(work, &by, &file, record, is_marked)?,
                    Err(fault) => Err(record::Refused::of(*fault)),
                };
                if let Err(refused) = outcome {
                    reject(work, file.id, *place, &refused)?;
                    file.rejected += 1;
                }
                file.done = *place;
                done += 1;
                if is_over() {
                    break;
                }
            }
            note_position(work, &file, before)?;
            Ok((file, done))
        })
        .map(Audited::into_value)
    }

    /// Notes that all of a file was applied, or that it is lost.
    pub(in crate::hub) fn upload_end(
        &self,
        by: &Caller,
        file: &TakenFile,
        state: FileState,
    ) -> Result<(), StoreError> {
        let (by, mut file) = (by.clone(), file.clone());
        file.state = state;
        self.write_blocking(move |work| end(work, &by, &file)).map(Audited::into_value)
    }

    /// Forgets some rejections that nobody will ask for; whether there were any.
    pub(in crate::hub) fn upload_forget(&self, authority: &str) -> Result<bool, StoreError> {
        let authority = authority.to_owned();
        self.write_blocking(move |work| {
            let gone = work
                .db
                .prepare_cached(
                    "DELETE FROM authority_file_rejection WHERE (file_id, place) IN (
                        SELECT file_id, place FROM authority_file_rejection WHERE file_id IN (
                            SELECT id FROM authority_file WHERE authority_code = ?1 AND rejected > 0
                            ORDER BY sequence DESC LIMIT -1 OFFSET ?2)
                        LIMIT 500)",
                )?
                .execute(params![authority, limits::UPLOADS_KEPT])?;
            Ok(gone > 0)
        })
        .map(Audited::into_value)
    }

    /// Notes who is expected to send, from now on; who no longer is, is not missed.
    pub(in crate::hub) async fn expect_authorities(&self, codes: Vec<String>) -> Result<(), StoreError> {
        self.write(move |work| {
            let list = serde_json::json!(codes).to_string();
            work.db.execute(
                "DELETE FROM authority_expected WHERE code NOT IN (SELECT value FROM json_each(?1))",
                [&list],
            )?;
            work.db.execute(
                "INSERT OR IGNORE INTO authority_expected (code, since_ms) SELECT value, ?2 FROM json_each(?1)",
                params![list, work.now_ms()],
            )?;
            Ok(())
        })
        .await
        .map(Audited::into_value)
    }
}

fn file(row: &Row<'_>) -> Result<TakenFile, rusqlite::Error> {
    let state: String = row.get(10)?;
    Ok(TakenFile {
        id: row.get(0)?,
        authority_code: row.get(1)?,
        sequence: row.get(2)?,
        digest: row.get(3)?,
        spool: row.get(4)?,
        sent_ms: row.get(5)?,
        upload: row.get(6)?,
        records: count(row, 7)?,
        done: count(row, 8)?,
        rejected: count(row, 9)?,
        previous: row.get(11)?,
        is_full: row.get(12)?,
        state: match state.as_str() {
            "complete" => FileState::Complete,
            "lost" => FileState::Lost,
            _ => FileState::Waiting,
        },
    })
}

fn reject(work: &Work<'_>, file: i64, place: u64, refused: &record::Refused) -> Result<(), Fault> {
    work.db
        .prepare_cached(
            "INSERT INTO authority_file_rejection (file_id, place, code, why, replaced_by)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            file,
            stored(place),
            refused.code.code(),
            refused.why,
            refused.replaced_by.map(NhsNumber::digits)
        ])?;
    Ok(())
}

fn note_position(work: &Work<'_>, file: &TakenFile, before: u64) -> Result<(), Fault> {
    let noted = work
        .db
        .prepare_cached(
            "UPDATE authority_file SET done = ?2, rejected = ?3 WHERE id = ?1 AND state = 'waiting' AND done = ?4",
        )?
        .execute(params![file.id, stored(file.done), stored(file.rejected), stored(before)])?;
    if noted == 1 { Ok(()) } else { Err(Fault::Corrupt("an upload that is applied twice at once")) }
}

fn end(work: &Work<'_>, by: &Caller, file: &TakenFile) -> Result<(), Fault> {
    let state = if file.state == FileState::Lost { "lost" } else { "complete" };
    work.db.execute("UPDATE authority_file SET state = ?2 WHERE id = ?1", params![file.id, state])?;
    if file.code().is_acceptable() {
        work.db.execute("UPDATE upload SET is_taken = 1 WHERE id = ?1", [file.upload])?;
    }
    let detail = serde_json::json!({
        "sequence": file.sequence,
        "records": file.records,
        "rejected": file.rejected,
        "code": file.code().code(),
    });
    let outcome = if file.state == FileState::Lost { "lost" } else { "applied" };
    audit::append(work, by, &Entry { detail: Some(detail), ..Entry::new(Kind::Upload, outcome, "upload") })
}

fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn count(row: &Row<'_>, column: usize) -> Result<u64, rusqlite::Error> {
    Ok(row.get::<_, i64>(column)?.unsigned_abs())
}
