//! Parts of notes on their way into the record.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::accesses::IS_RESTRICTED;
use super::{Register, RegisterError, id_of, notes};
use crate::exchange::notice::{Notice, NoticeId};

/// First pause before a part that was refused is tried again, which doubles, and the longest.
const AGAIN_MS: i64 = 10_000;
const AGAIN_MOST_MS: i64 = 3_600_000;

/// So often a part is refused, within some four hours, until a person has to look.
const REFUSED: i64 = 12;

/// A part of a note that is to be placed. `Debug` shows nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    /// The note's id.
    pub note: NoticeId,
    /// 1, 2, 3 … of the note.
    pub part: u32,
    /// Under which case.
    pub local_id: String,
    /// What it adds.
    pub added: String,
    /// The note with it.
    pub text: String,
    /// The notification; `None` where it cannot be read.
    pub notice: Option<Notice>,
    /// It is of a restricted case: it goes where only its holders read.
    pub is_restricted: bool,
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Part({} of a note)", self.part)
    }
}

impl Register {
    /// The next part that is to be placed. A part waits for those before it in its note.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn next_part(&self, now: Timestamp) -> Result<Option<Part>, RegisterError> {
        let found = self
            .db
            .prepare_cached(&format!(
                "SELECT part.note_id, part.part, note.local_id, part.added, notice.document, {IS_RESTRICTED}
                 FROM part INDEXED BY part_not_done
                 JOIN note ON note.id = part.note_id JOIN notice ON notice.id = part.notice_id
                 WHERE part.state = 'waiting' AND note.standing = 'record'
                   AND part.next_ms NOT BETWEEN ?1 + 1 AND ?1 + ?2
                   AND NOT EXISTS (SELECT 1 FROM part AS earlier WHERE earlier.note_id = part.note_id
                                   AND earlier.part < part.part AND earlier.state = 'waiting')
                 ORDER BY notice.number LIMIT 1"
            ))?
            .query_row([now.as_millisecond(), AGAIN_MOST_MS], |row| {
                let id: String = row.get(0)?;
                let document: Vec<u8> = row.get(4)?;
                Ok(((id, row.get(1)?, row.get(2)?, row.get(3)?), document, row.get(5)?))
            })
            .optional()?;
        let Some(((id, number, local_id, added), document, is_restricted)) = found else { return Ok(None) };
        let text = self.text_of(&id, number)?;
        let notice = notes::read(&document);
        Ok(Some(Part { note: id_of(&id)?, part: number, local_id, added, text, notice, is_restricted }))
    }

    fn text_of(&self, note: &str, up_to: u32) -> Result<String, RegisterError> {
        let mut statement = self
            .db
            .prepare_cached("SELECT added FROM part WHERE note_id = ?1 AND part <= ?2 ORDER BY part")?;
        let parts: Vec<String> =
            statement.query_map(params![note, up_to], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(parts.join("\n\n"))
    }

    /// Notes that a part is in the record.
    ///
    /// # Errors
    /// The register cannot be written.
    pub fn placed(&mut self, part: &Part, now: Timestamp) -> Result<(), RegisterError> {
        self.db
            .prepare_cached(
                "UPDATE part SET state = 'done', why = NULL, done_ms = ?3 WHERE note_id = ?1 AND part = ?2",
            )?
            .execute(params![part.note.as_str(), part.part, now.as_millisecond()])?;
        Ok(())
    }

    /// Notes that the record system refused this one; it is tried again, later each time. In the end its note goes on the
    /// list, so that what comes behind it in the note is not kept for good.
    ///
    /// # Errors
    /// The register cannot be written.
    pub fn refused(&mut self, part: &Part, why: &str, now: Timestamp) -> Result<(), RegisterError> {
        let work = self.db.transaction()?;
        work.execute(
            "UPDATE part SET tries = tries + 1, why = ?3, next_ms = ?4 + min(?5 << min(tries, 20), ?6)
             WHERE note_id = ?1 AND part = ?2",
            params![part.note.as_str(), part.part, why, now.as_millisecond(), AGAIN_MS, AGAIN_MOST_MS],
        )?;
        work.execute(
            "UPDATE note SET standing = 'triage', why = ?3, since_ms = ?4 WHERE id = ?1 AND standing = 'record'
               AND EXISTS (SELECT 1 FROM part WHERE note_id = ?1 AND part = ?2 AND tries >= ?5)",
            params![part.note.as_str(), part.part, why, now.as_millisecond(), REFUSED],
        )?;
        Ok(work.commit()?)
    }

    /// What the mark of a folder has to say; `None` where no note was ever placed in this one.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn folder_mark(&self, folder: &str) -> Result<Option<String>, RegisterError> {
        let sql = "SELECT mark FROM folder WHERE path = ?1";
        Ok(self.db.query_row(sql, [folder], |row| row.get(0)).optional()?)
    }

    /// Notes a new folder by its mark.
    ///
    /// # Errors
    /// The register cannot be written.
    pub fn mark_folder(&mut self, folder: &str, mark: &str) -> Result<(), RegisterError> {
        self.db.execute(
            "INSERT INTO folder (path, mark) VALUES (?1, ?2) ON CONFLICT (path) DO UPDATE SET mark = ?2",
            [folder, mark],
        )?;
        Ok(())
    }
}
