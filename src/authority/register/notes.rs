//! From notifications to notes: one for each attendance, and a part of it for each notification, in the order of their
//! numbers. Whose case is not open is on the list; nothing goes nowhere.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::{Inactive, Register, RegisterError, Responsible, id_of, inactive};
use crate::authority::notes::text;
use crate::domain::PlanKind;
use crate::exchange::notice::{self, Event, Item, Notice, NoticeId};

/// What is known of a child's case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Case {
    /// It is open.
    Open,
    /// It is not, and why a person has to look.
    NotOpen(&'static str),
}

/// Who is responsible for a case now, by the last extract.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Who {
    /// The worker and the team.
    pub responsible: Responsible,
    /// The worker is away.
    pub worker_is_away: bool,
    /// The kinds of its plans.
    pub kinds: Vec<PlanKind>,
}

/// Why a note is on the list whose case is open.
const OTHER_CHILD: &str = "the case with this local id is of somebody with another NHS number";

/// Knows which cases are open, and whose they are.
pub trait Cases {
    /// The case of a local id at the moment of an access.
    ///
    /// # Errors
    /// It cannot be known at present: asked again later.
    fn case(&self, local_id: &str, at: Timestamp) -> Result<Case, String>;

    /// Whether the case is of somebody with another NHS number: a local id may have been given to another child.
    ///
    /// # Errors
    /// It cannot be known at present.
    fn is_of_other_child(&self, _local_id: &str, _number: &str) -> Result<bool, String> {
        Ok(false)
    }

    /// Who is responsible for it; nobody where that is not known.
    ///
    /// # Errors
    /// It cannot be known at present.
    fn who(&self, _local_id: &str) -> Result<Who, String> {
        Ok(Who::default())
    }

    /// A number that is another as soon as another extract was read.
    ///
    /// # Errors
    /// It cannot be known at present.
    fn extract(&self) -> Result<i64, String> {
        Ok(0)
    }

    /// The local ids that the extract marks as restricted.
    ///
    /// # Errors
    /// It cannot be known at present.
    fn restricted(&self) -> Result<BTreeSet<String>, String> {
        Ok(BTreeSet::new())
    }

    /// Whether the extract has the case, and says that it is not restricted.
    ///
    /// # Errors
    /// It cannot be known at present.
    fn is_unrestricted(&self, _local_id: &str) -> Result<bool, String> {
        Ok(false)
    }

    /// Of each number that is no longer in use, whether it was mended: no current plan stands under it any more.
    ///
    /// # Errors
    /// It cannot be known at present.
    fn mended(&self, numbers: &[Inactive], _now: Timestamp) -> Result<Vec<bool>, String> {
        Ok(vec![false; numbers.len()])
    }
}

impl Register {
    /// Makes notes of what has none yet, and puts numbers that are no longer in use on their list; how many found their place.
    ///
    /// # Errors
    /// The register cannot be written. Whose case cannot be known now is left for the next time: the inner error.
    pub fn make_notes(
        &mut self,
        cases: &dyn Cases,
        now: Timestamp,
    ) -> Result<Result<u64, String>, RegisterError> {
        let mut made = 0;
        loop {
            let next: Option<(String, Vec<u8>)> = self
                .db
                .prepare_cached(
                    "SELECT id, document FROM notice WHERE note_id IS NULL ORDER BY number, came_ms LIMIT 1",
                )?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some((id, document)) = next else { return Ok(Ok(made)) };
            let id = id_of(&id)?;
            // Also what was once read, and is not by this version: it stops nothing, and a person hears of it.
            let item = item(&document);
            let work = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            match item {
                None | Some(Item::Unreadable(..)) => unreadable(&work, &id, now)?,
                Some(Item::Inactive(notice)) => match cases.extract() {
                    Ok(extract) => inactive::place(&work, &notice, extract, now)?,
                    Err(why) => return Ok(Err(why)),
                },
                Some(Item::Notice(notice)) => match place(&work, &notice, cases, now)? {
                    Ok(()) => {}
                    Err(why) => return Ok(Err(why)),
                },
            }
            work.commit()?;
            made += 1;
        }
    }
}

/// What was told, as it was kept.
fn item(document: &[u8]) -> Option<Item> {
    let (_, items) = notice::read(document).ok()?;
    items.into_iter().next()
}

/// A notification of an access as it was kept; `None` where it cannot be read.
pub(super) fn read(document: &[u8]) -> Option<Notice> {
    match item(document) {
        Some(Item::Notice(notice)) => Some(*notice),
        Some(Item::Inactive(_) | Item::Unreadable(..)) | None => None,
    }
}

fn unreadable(work: &Transaction<'_>, id: &NoticeId, now: Timestamp) -> Result<(), RegisterError> {
    let why =
        "this notification cannot be read by this version of the link: ask the hub's operator who looked";
    begin(work, id, (id.as_str(), "", ""), Some(why), now)?;
    add(work, id.as_str(), id, "A notification came that this version of the link cannot read.", now)
}

/// Puts a notification where it belongs; the inner error says why that cannot be known now.
fn place(
    work: &Transaction<'_>,
    notice: &Notice,
    cases: &dyn Cases,
    now: Timestamp,
) -> Result<Result<(), String>, RegisterError> {
    let id = &notice.mark.id;
    // A correction has the attendance and local id of what it corrects, and so its note.
    let known = of_attendance(work, notice)?;
    let note = match known {
        Some(known) => {
            // Somebody dealt with what was in it; this is new.
            work.execute(
                "UPDATE note SET standing = 'triage', since_ms = ?2 WHERE id = ?1 AND standing = 'settled'",
                params![known, now.as_millisecond()],
            )?;
            known
        }
        None => {
            let number = notice.number.digits();
            let case = cases.case(&notice.local_id, notice.at);
            let why =
                match case.and_then(|case| Ok((case, cases.is_of_other_child(&notice.local_id, &number)?))) {
                    Err(why) => return Ok(Err(why)),
                    Ok((Case::NotOpen(why), _)) => Some(why),
                    Ok((Case::Open, true)) => Some(OTHER_CHILD),
                    Ok((Case::Open, false)) => None,
                };
            begin(work, id, (notice.attendance.as_str(), &notice.local_id, &number), why, now)?;
            id.as_str().to_owned()
        }
    };
    let others = others(work, &note)?;
    let other = counterpart(&others, notice);
    // Nothing is opened "again" of which the note does not say that it was opened: a correction may stand there alone.
    let is_first = !others.iter().any(|other| other.event == Event::Opened);
    let is_overtaken = notice.event == Event::Opened && other.is_some();
    add(work, &note, id, &text::part(notice, is_first || is_overtaken, other), notice.at)?;
    Ok(Ok(()))
}

/// What stands in a note already.
fn others(work: &Transaction<'_>, note: &str) -> Result<Vec<Notice>, RegisterError> {
    let mut statement = work.prepare_cached("SELECT document FROM notice WHERE note_id = ?1")?;
    let documents: Vec<Vec<u8>> = statement.query_map([note], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(documents.iter().filter_map(|document| read(document)).collect())
}

/// When that was opened which a correction is about; or when what was opened was corrected, where the correction came first.
fn counterpart(others: &[Notice], notice: &Notice) -> Option<Timestamp> {
    let wanted = match notice.event {
        Event::Opened => Event::OpenedInError,
        Event::OpenedInError => Event::Opened,
    };
    let of_it = |other: &&Notice| other.event == wanted && other.reference == notice.reference;
    others.iter().find(of_it).map(|other| other.at)
}

fn of_attendance(work: &Transaction<'_>, notice: &Notice) -> Result<Option<String>, RegisterError> {
    Ok(work
        .prepare_cached("SELECT id FROM note WHERE attendance = ?1 AND told_as = ?2")?
        .query_row(params![notice.attendance.as_str(), notice.local_id], |row| row.get(0))
        .optional()?)
}

fn begin(
    work: &Transaction<'_>,
    id: &NoticeId,
    (attendance, local_id, number): (&str, &str, &str),
    why: Option<&str>,
    now: Timestamp,
) -> Result<(), RegisterError> {
    let standing = if why.is_some() { "triage" } else { "record" };
    work.prepare_cached(
        "INSERT INTO note (id, attendance, told_as, local_id, standing, why, since_ms, nhs_number)
         VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![id.as_str(), attendance, local_id, standing, why, now.as_millisecond(), number])?;
    Ok(())
}

/// Whose notes those are that were made before this was kept.
pub(super) fn fill_numbers(db: &mut Connection) -> Result<(), RegisterError> {
    let work = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let ids: Vec<String> = {
        let mut statement = work.prepare("SELECT id FROM note WHERE nhs_number IS NULL")?;
        statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?
    };
    for id in &ids {
        let document: Option<Vec<u8>> = work
            .prepare_cached("SELECT document FROM notice WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?;
        let notice = document.and_then(|document| read(&document));
        let number = notice.map_or_else(String::new, |notice| notice.number.digits());
        work.prepare_cached("UPDATE note SET nhs_number = ?2 WHERE id = ?1")?.execute([id, &number])?;
    }
    Ok(work.commit()?)
}

fn add(
    work: &Transaction<'_>,
    note: &str,
    id: &NoticeId,
    words: &str,
    at: Timestamp,
) -> Result<(), RegisterError> {
    work.prepare_cached(
        "INSERT INTO part (note_id, part, notice_id, added, at_ms, state)
         VALUES (?1, (SELECT coalesce(max(part), 0) + 1 FROM part WHERE note_id = ?1), ?2, ?3, ?4, 'waiting')",
    )?
    .execute(params![note, id.as_str(), words, at.as_millisecond()])?;
    work.prepare_cached("UPDATE notice SET note_id = ?2 WHERE id = ?1")?
        .execute(params![id.as_str(), note])?;
    Ok(())
}
