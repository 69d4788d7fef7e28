//! Notifications handed to an authority's link. It says up to which one it has everything on its own disk: those are
//! delivered by that. What is handed over is audited and committed first, as every disclosure.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Rows, params};
use serde_json::json;

use super::super::audit::{self, Entry, Kind};
use super::super::error::{Fault, StoreError};
use super::super::writer::Work;
use super::super::{Audited, Store, codec};
use super::registers::{self, Standing};
use crate::domain::{AccessReference, Caller, ContactMode};
use crate::exchange::notice::{
    Event, InactiveNumber, Item, MOST, Mark, NotOver, Notice, NoticeId, Place, RegisterId,
};

/// From where a link asks.
#[derive(Debug, Clone)]
pub(in crate::hub) enum Ask {
    /// From the first that is not on a record for good, or has no receipt: it knows no better, and may have lost its list.
    Unfiled,
    /// From behind this one; everything up to it is on its disk.
    Behind(Mark),
    /// From behind this number, whatever has become of those: some were missing.
    Again(u32),
}

/// What it gets.
#[derive(Debug)]
pub(in crate::hub) enum Given {
    /// Some notifications, or none.
    Page(Page),
    /// It names a notification that this database does not know under that number: it was put back from a backup.
    OtherNumbers,
    /// The authority is told with another register.
    OtherRegister,
}

/// Some of an authority's notifications, in order.
#[derive(Debug, Default)]
pub(in crate::hub) struct Page {
    /// In the order of their numbers. Of a row that cannot be read number and id are told.
    pub(in crate::hub) notices: Vec<Item>,
    /// The last number that was given.
    pub(in crate::hub) last: u32,
    /// The first without a receipt.
    pub(in crate::hub) unfiled: Option<Mark>,
    /// Of those that the link has said it has.
    pub(in crate::hub) not_over: Option<NotOver>,
}

impl Store {
    /// The next notifications of an authority; `None` in the first place where there is nothing new, to hand over or to
    /// note, which needs no entry: nothing of anybody is in it.
    pub(in crate::hub) async fn notices_idle(
        &self,
        authority: String,
        register: Option<RegisterId>,
        ask: Ask,
    ) -> Result<Option<Given>, StoreError> {
        let now = self.0.clock.now();
        self.read_elsewhere(move |db| {
            match registers::standing(db, &authority, register.as_ref(), now)? {
                Standing::Own => {}
                Standing::Other { is_noted: true } => return Ok(Some(Given::OtherRegister)),
                Standing::First | Standing::Other { is_noted: false } => return Ok(None),
            }
            let last = last(db, &authority)?;
            let Some(from) = from(db, &authority, &ask, &last)? else { return Ok(Some(Given::OtherNumbers)) };
            let has_more = db
                .prepare_cached("SELECT 1 FROM outbox WHERE authority_code = ?1 AND number > ?2 LIMIT 1")?
                .exists(params![authority, from])?;
            if has_more || has_undelivered(db, &authority, &ask)? {
                return Ok(None);
            }
            let unfiled = unfiled(db, &authority)?;
            let not_over = not_over(db, &authority, &ask)?;
            Ok(Some(Given::Page(Page { notices: Vec::new(), last: last.number, unfiled, not_over })))
        })
        .await
    }

    /// The next notifications of an authority, and that those before them are delivered.
    pub(in crate::hub) async fn notices(
        &self,
        by: Caller,
        authority: String,
        register: Option<RegisterId>,
        ask: Ask,
    ) -> Result<Audited<Given>, StoreError> {
        self.write(move |work| match registers::hold(work, &by, &authority, register.as_ref())? {
            true => give(work, &by, &authority, &ask),
            false => Ok(Given::OtherRegister),
        })
        .await
    }
}

fn give(work: &Work<'_>, by: &Caller, authority: &str, ask: &Ask) -> Result<Given, Fault> {
    let last = last(work.db, authority)?;
    let Some(from) = from(work.db, authority, ask, &last)? else { return Ok(Given::OtherNumbers) };
    if let Ask::Behind(have) = ask {
        work.db
            .prepare_cached(
                "UPDATE outbox SET state = 'delivered', state_ms = ?3
                 WHERE authority_code = ?1 AND number <= ?2 AND outcome IS NULL AND state IN ('queued', 'returned')",
            )?
            .execute(params![authority, have.number, work.now_ms()])?;
    }
    let notices = page(work.db, authority, from)?;
    if let (Some(first), Some(end)) = (notices.first(), notices.last()) {
        let detail = json!({ "from": first.mark().number, "to": end.mark().number });
        let entry = Entry { detail: Some(detail), ..Entry::new(Kind::Notices, "given", "notifications") };
        audit::append(work, by, &entry)?;
    }
    let unfiled = unfiled(work.db, authority)?;
    let not_over = not_over(work.db, authority, ask)?;
    Ok(Given::Page(Page { notices, last: last.number, unfiled, not_over }))
}

/// The last number that was given, and its id; the row itself may have gone.
struct Last {
    number: u32,
    id: String,
}

fn last(db: &Connection, authority: &str) -> Result<Last, Fault> {
    let last = db
        .prepare_cached("SELECT number, notice_id FROM notice_last WHERE authority_code = ?1")?
        .query_row([authority], |row| Ok(Last { number: row.get(0)?, id: row.get(1)? }))
        .optional()?;
    Ok(last.unwrap_or(Last { number: 0, id: String::new() }))
}

/// The number behind which the page begins; `None` where the link's numbers are not this database's.
fn from(db: &Connection, authority: &str, ask: &Ask, last: &Last) -> Result<Option<u32>, Fault> {
    match ask {
        Ask::Again(number) => Ok(Some(*number)),
        Ask::Unfiled => {
            let unfiled = unfiled(db, authority)?.map(|first| first.number);
            let first = unfiled.into_iter().chain(in_triage(db, authority)?).min();
            Ok(Some(first.map_or(last.number, |first| first.saturating_sub(1))))
        }
        Ask::Behind(have) => {
            let known: Option<String> = db
                .prepare_cached("SELECT notice_id FROM outbox WHERE authority_code = ?1 AND number = ?2")?
                .query_row(params![authority, have.number], |row| row.get(0))
                .optional()?;
            let is_same = match known {
                Some(id) => id == have.id.as_str(),
                None if have.number == last.number => last.id == have.id.as_str(),
                // Gone long ago, with all that is over its time.
                None => have.number < last.number,
            };
            Ok(is_same.then_some(have.number))
        }
    }
}

fn has_undelivered(db: &Connection, authority: &str, ask: &Ask) -> Result<bool, Fault> {
    let Ask::Behind(have) = ask else { return Ok(false) };
    Ok(db
        .prepare_cached(
            "SELECT 1 FROM outbox WHERE authority_code = ?1 AND number <= ?2 AND outcome IS NULL
               AND state IN ('queued', 'returned') LIMIT 1",
        )?
        .exists(params![authority, have.number])?)
}

fn unfiled(db: &Connection, authority: &str) -> Result<Option<Mark>, Fault> {
    let found: Option<(u32, String)> = db
        .prepare_cached(
            "SELECT number, notice_id FROM outbox INDEXED BY outbox_unfiled
             WHERE authority_code = ?1 AND outcome IS NULL ORDER BY number LIMIT 1",
        )?
        .query_row([authority], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    found.map(|(number, id)| Ok(Mark { number, id: id_of(&id)? })).transpose()
}

/// Of those that a link has said it has, how many are not over: if that is more than it knows of, receipts were lost here.
fn not_over(db: &Connection, authority: &str, ask: &Ask) -> Result<Option<NotOver>, Fault> {
    let Ask::Behind(have) = ask else { return Ok(None) };
    let count =
        |sql: &str| db.prepare_cached(sql)?.query_row(params![authority, have.number], |row| row.get(0));
    Ok(Some(NotOver {
        without_receipt: count(
            "SELECT count(*) FROM outbox INDEXED BY outbox_unfiled
             WHERE authority_code = ?1 AND outcome IS NULL AND number <= ?2",
        )?,
        on_list: count(
            "SELECT count(*) FROM outbox INDEXED BY outbox_triage
             WHERE authority_code = ?1 AND outcome = 'triage' AND number <= ?2",
        )?,
    }))
}

/// The first that stands on the authority's list: a link that has lost its register has lost that too.
fn in_triage(db: &Connection, authority: &str) -> Result<Option<u32>, Fault> {
    Ok(db
        .prepare_cached(
            "SELECT min(number) FROM outbox INDEXED BY outbox_triage WHERE authority_code = ?1 AND outcome = 'triage'",
        )?
        .query_row([authority], |row| row.get(0))?)
}

fn id_of(text: &str) -> Result<NoticeId, Fault> {
    NoticeId::parse(text).ok_or(Fault::Corrupt("the id of a notification"))
}

const COLUMNS: &str =
    "number, notice_id, kind, at_ms, reference, attendance, sequence, number_uploaded, local_id,
     user_name, role, organisation, organisation_code, contact, setting, site, department, call_back,
     (SELECT sequence FROM authority_file AS file
      WHERE file.upload_id = outbox.upload_id AND file.authority_code = outbox.authority_code),
     replaced_by";

fn page(db: &Connection, authority: &str, from: u32) -> Result<Vec<Item>, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM outbox WHERE authority_code = ?1 AND number > ?2 ORDER BY number LIMIT ?3"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query(params![authority, from, i64::try_from(MOST).unwrap_or(i64::MAX)])?;
    notices(authority, rows)
}

/// What goes in one message by MESH.
pub(in crate::hub::store) fn page_of(db: &Connection, authority: &str, message: i64) -> Result<Page, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM outbox WHERE mesh_out_id = ?1 AND authority_code = ?2 ORDER BY number"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let notices = notices(authority, statement.query(params![message, authority])?)?;
    // It may be read days later: what has no receipt by then is not said.
    Ok(Page { notices, last: last(db, authority)?.number, unfiled: None, not_over: None })
}

fn notices(authority: &str, mut rows: Rows<'_>) -> Result<Vec<Item>, Fault> {
    let mut notices = Vec::new();
    while let Some(row) = rows.next()? {
        let mark = Mark { number: row.get(0)?, id: id_of(&row.get::<_, String>(1)?)? };
        let read = match row.get::<_, String>(2)?.as_str() {
            "number-superseded" | "number-ended" => inactive(row, &mark).map(Box::new).map(Item::Inactive),
            _ => notice(row, &mark).map(Box::new).map(Item::Notice),
        };
        notices.push(read.unwrap_or_else(|_| {
            // One row must not keep all behind it from their records.
            tracing::error!(authority, number = mark.number, "a notification in the database cannot be read");
            Item::Unreadable(mark, String::new())
        }));
    }
    Ok(notices)
}

fn inactive(row: &Row<'_>, mark: &Mark) -> Result<InactiveNumber, Fault> {
    let replaced_by: Option<String> = row.get(19)?;
    Ok(InactiveNumber {
        mark: mark.clone(),
        at: codec::moment(row.get(3)?)?,
        number: codec::number(&row.get::<_, String>(7)?)?,
        local_id: row.get(8)?,
        upload: row.get(18)?,
        replaced_by: replaced_by.as_deref().map(codec::number).transpose()?,
    })
}

fn notice(row: &Row<'_>, mark: &Mark) -> Result<Notice, Fault> {
    let text = |column: usize| row.get::<_, String>(column);
    let reference = |column: usize| -> Result<AccessReference, Fault> {
        AccessReference::parse(&text(column)?).ok_or(Fault::Corrupt("a reference"))
    };
    let at: Timestamp = codec::moment(row.get(3)?)?;
    let place = match row.get::<_, Option<String>>(13)?.as_deref() {
        None => None,
        Some(contact) => Some(Place {
            setting: row.get::<_, Option<String>>(14)?.unwrap_or_default(),
            site: row.get::<_, Option<String>>(15)?.unwrap_or_default(),
            department: row.get::<_, Option<String>>(16)?.unwrap_or_default(),
            call_back: row.get(17)?,
            contact: match contact {
                "by-telephone" => ContactMode::ByTelephone,
                _ => ContactMode::InPerson,
            },
        }),
    };
    Ok(Notice {
        mark: mark.clone(),
        event: if text(2)? == "correction" { Event::OpenedInError } else { Event::Opened },
        at,
        reference: reference(4)?,
        attendance: reference(5)?,
        is_first: text(6)? == "first",
        number: codec::number(&text(7)?)?,
        local_id: text(8)?,
        upload: row.get(18)?,
        name: text(9)?,
        role: text(10)?,
        organisation: text(11)?,
        organisation_code: text(12)?,
        place,
    })
}
