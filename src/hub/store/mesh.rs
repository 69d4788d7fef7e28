//! What goes out by MESH: rows that are there before anything is sent, and until MESH says that it was acknowledged.
//!
//! Of one authority's notifications one message is under way at a time, so that they come in order; what was not delivered
//! goes again before anything later.

use rusqlite::{OptionalExtension, params};
use serde_json::json;
use uuid::Uuid;

use super::Store;
use super::audit::{self, Entry, Kind};
use super::error::{Fault, StoreError};
use super::notices::{self, Page};
use super::writer::Work;
use crate::domain::Caller;
use crate::hub::limits;

/// Something that is to be sent.
#[derive(Debug)]
pub(in crate::hub) struct Parcel {
    pub(in crate::hub) id: i64,
    pub(in crate::hub) local_id: String,
    pub(in crate::hub) tries: u32,
    /// It was never tried: nobody has to be asked whether it was sent.
    pub(in crate::hub) is_fresh: bool,
    pub(in crate::hub) what: Content,
}

/// What it is.
#[derive(Debug)]
pub(in crate::hub) enum Content {
    /// Notifications.
    Notices(Page),
    /// What became of an upload.
    Acknowledgement {
        /// Whose.
        authority_code: String,
        /// Of which file; none where that could not be read.
        sequence: Option<u32>,
        /// Its words, where the file was not taken; else they are made of the file.
        said: Option<Vec<u8>>,
    },
}

/// Something that was sent and is not known to be acknowledged.
#[derive(Debug)]
pub(in crate::hub) struct Awaited {
    pub(in crate::hub) id: i64,
    pub(in crate::hub) local_id: String,
    pub(in crate::hub) message_id: Option<String>,
    pub(in crate::hub) tries: u32,
    /// MESH took it so long ago that it would have given it back by now.
    pub(in crate::hub) is_old: bool,
    /// MESH took it so lately that its tracking need not know it.
    pub(in crate::hub) is_new: bool,
}

/// By what a message is known that was not delivered.
#[derive(Debug)]
pub(in crate::hub) struct Named {
    pub(in crate::hub) local_id: Option<String>,
    pub(in crate::hub) message_id: Option<String>,
}

impl Store {
    /// The next notifications of an authority that are to go, if there are any and it is time. They are in a row of their own, and
    /// audited, before they are handed over.
    pub(in crate::hub) async fn mesh_notices(
        &self,
        by: Caller,
        authority: String,
    ) -> Result<Option<Parcel>, StoreError> {
        let (looked, now) = (authority.clone(), self.0.clock.now().as_millisecond());
        let is_any = self.read_elsewhere(move |db| {
            let sending: Option<i64> = db
                .prepare_cached(
                    "SELECT next_ms FROM mesh_out WHERE authority_code = ?1 AND kind = 'notifications' AND state = 'sending'",
                )?
                .query_row([&looked], |row| row.get(0))
                .optional()?;
            match sending {
                Some(next) => Ok(is_due(next, now)),
                None => {
                    let waiting = params![looked, now, UNFILED_MS];
                    Ok(db.prepare_cached(&format!("{WAITING} LIMIT 1"))?.exists(waiting)?)
                }
            }
        });
        if !is_any.await? {
            return Ok(None);
        }
        Ok(self.write(move |work| next(work, &by, &authority)).await?.into_value())
    }

    /// Acknowledgements that are to go: of files that are applied or lost, or were not taken.
    pub(in crate::hub) async fn mesh_acknowledgements(&self, most: u32) -> Result<Vec<Parcel>, StoreError> {
        let now = self.0.clock.now().as_millisecond();
        self.read_elsewhere(move |db| {
            let mut statement = db.prepare_cached(
                "SELECT mesh_out.id, local_id, tries, mesh_out.authority_code, mesh_out.sequence, document
                 FROM mesh_out LEFT JOIN authority_file AS file
                      ON file.authority_code = mesh_out.authority_code AND file.sequence = mesh_out.sequence
                 WHERE kind = 'acknowledgement' AND mesh_out.state = 'sending' AND next_ms NOT BETWEEN ?1 + 1 AND ?3
                   AND (document IS NOT NULL OR file.state IS NULL OR file.state <> 'waiting')
                 ORDER BY mesh_out.id LIMIT ?2",
            )?;
            let mut rows = statement.query(params![now, most, ahead(now)])?;
            let mut parcels = Vec::new();
            while let Some(row) = rows.next()? {
                parcels.push(Parcel {
                    id: row.get(0)?,
                    local_id: row.get(1)?,
                    tries: row.get(2)?,
                    is_fresh: row.get::<_, u32>(2)? == 0,
                    what: Content::Acknowledgement {
                        authority_code: row.get(3)?,
                        sequence: row.get(4)?,
                        said: row.get(5)?,
                    },
                });
            }
            Ok(parcels)
        })
        .await
    }

    /// Notes that a file's sender is to hear what became of it; once, where it is to hear it already.
    pub(in crate::hub) async fn mesh_answer(
        &self,
        authority: String,
        sequence: Option<u32>,
        said: Option<Vec<u8>>,
    ) -> Result<(), StoreError> {
        self.write(move |work| {
            let is_noted = work
                .db
                .prepare_cached(
                    "SELECT 1 FROM mesh_out WHERE authority_code = ?1 AND kind = 'acknowledgement' AND sequence IS ?2
                       AND document IS ?3 AND state = 'sending'",
                )?
                .exists(params![authority, sequence, said])?;
            if !is_noted {
                insert(work, &authority, "acknowledgement", sequence, said.as_deref())?;
                // Whoever sends one file again and again fills no disk with answers.
                work.db.execute(
                    "DELETE FROM mesh_out WHERE authority_code = ?1 AND kind = 'acknowledgement' AND id NOT IN (
                        SELECT id FROM mesh_out WHERE authority_code = ?1 AND kind = 'acknowledgement'
                        ORDER BY id DESC LIMIT ?2)",
                    params![authority, limits::MESH_ANSWERS],
                )?;
            }
            Ok(())
        })
        .await
        .map(drop)
    }

    /// MESH has taken it: that is not yet delivered.
    pub(in crate::hub) async fn mesh_accepted(
        &self,
        id: i64,
        message_id: Option<String>,
        next_ms: i64,
    ) -> Result<(), StoreError> {
        self.write(move |work| {
            work.db.execute(
                "UPDATE mesh_out SET state = 'accepted', message_id = ?2, tries = 0, at_ms = ?3, next_ms = ?3 + ?4
                 WHERE id = ?1",
                params![id, message_id, work.now_ms(), next_ms],
            )?;
            Ok(())
        })
        .await
        .map(drop)
    }

    /// It is looked at again after so many milliseconds.
    pub(in crate::hub) async fn mesh_later(&self, id: i64, pause_ms: i64) -> Result<(), StoreError> {
        self.write(move |work| {
            work.db.execute(
                "UPDATE mesh_out SET tries = tries + 1, next_ms = ?2 + ?3 WHERE id = ?1",
                params![id, work.now_ms(), pause_ms],
            )?;
            Ok(())
        })
        .await
        .map(drop)
    }

    /// What was sent and may be acknowledged by now.
    pub(in crate::hub) async fn mesh_awaited(
        &self,
        kind: &'static str,
        most: u32,
    ) -> Result<Vec<Awaited>, StoreError> {
        let now = self.0.clock.now().as_millisecond();
        self.read_elsewhere(move |db| {
            let mut statement = db.prepare_cached(
                "SELECT id, local_id, message_id, tries, at_ms < ?5, at_ms BETWEEN ?6 AND ?2 FROM mesh_out
                 WHERE kind = ?1 AND state = 'accepted' AND next_ms NOT BETWEEN ?2 + 1 AND ?4 ORDER BY next_ms LIMIT ?3",
            )?;
            let (back, lag) = (now.saturating_sub(BACK_MS), now.saturating_sub(LAG_MS));
            let rows = statement.query_map(params![kind, now, most, ahead(now), back, lag], |row| {
                Ok(Awaited {
                    id: row.get(0)?,
                    local_id: row.get(1)?,
                    message_id: row.get(2)?,
                    tries: row.get(3)?,
                    is_old: row.get(4)?,
                    is_new: row.get(5)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Its recipient has acknowledged it: notifications are delivered by that, and over only by their receipts.
    pub(in crate::hub) async fn mesh_acknowledged(&self, id: i64) -> Result<(), StoreError> {
        self.write(move |work| {
            work.db.execute(
                "UPDATE outbox SET state = 'delivered', state_ms = ?2 WHERE mesh_out_id = ?1 AND outcome IS NULL",
                params![id, work.now_ms()],
            )?;
            forget(work, id)
        })
        .await
        .map(drop)
    }

    /// Messages of which every notification has its receipt are over, where nobody says whether they were acknowledged.
    pub(in crate::hub) async fn mesh_filed(&self) -> Result<(), StoreError> {
        const OVER: &str =
            "SELECT id FROM mesh_out WHERE kind = 'notifications' AND state = 'accepted' AND NOT EXISTS (
            SELECT 1 FROM outbox WHERE outbox.mesh_out_id = mesh_out.id AND outcome IS NULL)";
        let over = self.read_elsewhere(|db| {
            let mut statement = db.prepare_cached(OVER)?;
            let ids = statement.query_map([], |row| row.get(0))?;
            Ok(ids.collect::<Result<Vec<i64>, _>>()?)
        });
        for id in over.await? {
            self.mesh_acknowledged(id).await?;
        }
        Ok(())
    }

    /// It was not delivered: notifications are to be sent again, and so is an acknowledgement, under another local id. Whether
    /// there was such a one.
    pub(in crate::hub) async fn mesh_not_delivered(&self, named: Named) -> Result<bool, StoreError> {
        self.write(move |work| {
            let found: Option<(i64, String)> = work
                .db
                .prepare_cached("SELECT id, kind FROM mesh_out WHERE message_id = ?1 OR local_id = ?2")?
                .query_row(params![named.message_id, named.local_id], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some((id, kind)) = found else { return Ok(false) };
            if kind == "acknowledgement" {
                work.db.execute(
                    "UPDATE mesh_out SET state = 'sending', message_id = NULL, local_id = ?2, tries = 0, at_ms = ?3, next_ms = ?3
                     WHERE id = ?1",
                    params![id, new_local_id(), work.now_ms()],
                )?;
                return Ok(true);
            }
            work.db.execute(
                "UPDATE outbox SET state = 'returned', state_ms = ?2
                 WHERE mesh_out_id = ?1 AND outcome IS NULL AND state IN ('queued', 'returned')",
                params![id, work.now_ms()],
            )?;
            forget(work, id)?;
            Ok(true)
        })
        .await
        .map(super::Audited::into_value)
    }
}

/// Notifications of an authority that are in no message: not delivered, or delivered so long ago that a link without a receipt for
/// them may have lost them. A moment that is hours away is of a clock that was ahead: nobody knows how long ago that was.
const WAITING: &str = "SELECT number FROM outbox INDEXED BY outbox_unfiled
    WHERE authority_code = ?1 AND outcome IS NULL AND mesh_out_id IS NULL
      AND (state IN ('queued', 'returned')
           OR (state = 'delivered' AND (state_ms < ?2 - (?3 << min(resent, 3)) OR state_ms > ?2 + ?3)))
    ORDER BY number";

/// After so long MESH gives back what was not collected.
const BACK_MS: i64 = 5 * 24 * 60 * 60 * 1000;

/// So long its tracking may lag behind.
const LAG_MS: i64 = limits::MESH_LAG.as_millis() as i64;

/// No pause is longer than this. A moment further off is of a clock that was ahead.
fn ahead(now_ms: i64) -> i64 {
    now_ms.saturating_add(i64::try_from(limits::MESH_PAUSE.as_millis()).unwrap_or(i64::MAX).saturating_mul(2))
}

fn is_due(next_ms: i64, now_ms: i64) -> bool {
    next_ms <= now_ms || next_ms > ahead(now_ms)
}

/// What was delivered, and has no receipt after so long, goes again; then after twice as long, up to eight times: where the record is away
/// for days, the link has it all the same.
const UNFILED_MS: i64 = limits::MESH_UNFILED_AGAIN.as_millis() as i64;

fn next(work: &Work<'_>, by: &Caller, authority: &str) -> Result<Option<Parcel>, Fault> {
    let sending: Option<(i64, String, u32, i64)> = work
        .db
        .prepare_cached(
            "SELECT id, local_id, tries, next_ms FROM mesh_out
             WHERE authority_code = ?1 AND kind = 'notifications' AND state = 'sending'",
        )?
        .query_row([authority], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    if let Some((id, local_id, tries, next_ms)) = sending {
        if !is_due(next_ms, work.now_ms()) {
            return Ok(None);
        }
        let page = notices::page_of(work.db, authority, id)?;
        if page.notices.is_empty() {
            // Removed with what is over its time.
            forget(work, id)?;
            return Ok(None);
        }
        return Ok(Some(Parcel { id, local_id, tries, is_fresh: false, what: Content::Notices(page) }));
    }
    let mut statement = work.db.prepare_cached(&format!("{WAITING} LIMIT ?4"))?;
    let most = i64::try_from(crate::exchange::notice::MOST).unwrap_or(i64::MAX);
    let numbers =
        statement.query_map(params![authority, work.now_ms(), UNFILED_MS, most], |row| row.get(0))?;
    let numbers: Vec<u32> = numbers.collect::<Result<_, _>>()?;
    let (Some(first), Some(last)) = (numbers.first(), numbers.last()) else { return Ok(None) };
    let (id, local_id) = insert(work, authority, "notifications", None, None)?;
    let mut mark = work.db.prepare_cached(
        "UPDATE outbox SET mesh_out_id = ?3, resent = resent + (state = 'delivered')
             WHERE authority_code = ?1 AND number = ?2",
    )?;
    for number in &numbers {
        mark.execute(params![authority, number, id])?;
    }
    let detail = json!({ "from": first, "to": last });
    let entry = Entry { detail: Some(detail), ..Entry::new(Kind::Notices, "given", "notifications") };
    audit::append(work, by, &entry)?;
    let page = notices::page_of(work.db, authority, id)?;
    Ok(Some(Parcel { id, local_id, tries: 0, is_fresh: true, what: Content::Notices(page) }))
}

fn insert(
    work: &Work<'_>,
    authority: &str,
    kind: &str,
    sequence: Option<u32>,
    said: Option<&[u8]>,
) -> Result<(i64, String), Fault> {
    let local_id = new_local_id();
    work.db.execute(
        "INSERT INTO mesh_out (authority_code, kind, sequence, document, local_id, state, at_ms, next_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, 'sending', ?6, ?6)",
        params![authority, kind, sequence, said, local_id, work.now_ms()],
    )?;
    Ok((work.db.last_insert_rowid(), local_id))
}

/// Says nothing of anybody.
fn new_local_id() -> String {
    format!("cpis-{}", Uuid::new_v4().simple())
}

fn forget(work: &Work<'_>, id: i64) -> Result<(), Fault> {
    work.db.execute("UPDATE outbox SET mesh_out_id = NULL WHERE mesh_out_id = ?1", [id])?;
    work.db.execute("DELETE FROM mesh_out WHERE id = ?1", [id])?;
    Ok(())
}
