//! Who was alerted, who has read a note, and who did not recognise an access.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, TransactionBehavior, named_params, params};

use super::accesses::{Alerted, AsWhom, MAY_SEE, NotRecognised, Read, Reader};
use super::whom::as_whom;
use super::{Register, RegisterError, moment};

/// Characters of what somebody says of an access.
pub const SAID_CHARACTERS: usize = 1000;

/// What became of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marked {
    /// It is there, or was already.
    Done,
    /// It is read, as whom they were alerted.
    Read(AsWhom),
    /// There is no such note, or not for this reader.
    NotThere,
    /// The note has only so many parts.
    Parts(u32),
    /// Whoever marks has to say who they are.
    Nobody,
}

impl Register {
    /// Notes that somebody has read a note, up to the part that they saw. A part that came since stays unread. It counts as whom they were alerted:
    /// what emergency duty reads the worker has not, and what somebody reads whom nobody alerted is unread as before. `known_as` are the names
    /// under which the reader stands in the routing table; `as_duty` where they say that they read it as emergency duty.
    ///
    /// # Errors
    /// The register cannot be written.
    pub fn mark_read(
        &mut self,
        (reader, known_as): (&Reader, &[String]),
        note: &str,
        up_to: u32,
        as_duty: bool,
        now: Timestamp,
    ) -> Result<Marked, RegisterError> {
        let work = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut marked = seen(&work, reader, note, up_to)?;
        if marked == Marked::Done {
            let whom = match as_duty {
                true => AsWhom::Duty,
                false => as_whom(&work, reader, known_as, note)?.unwrap_or(AsWhom::Alerted),
            };
            note_read(&work, reader, note, up_to, whom, now)?;
            work.commit()?;
            marked = Marked::Read(whom);
        }
        Ok(marked)
    }

    /// Notes that somebody does not recognise an access. Who said it first is kept. Whoever says so has read it as whom they were
    /// alerted: what emergency duty reports at night the worker has not read, and what somebody reports whom nobody alerted stays unread.
    ///
    /// # Errors
    /// The register cannot be written.
    pub fn mark_not_recognised(
        &mut self,
        (reader, known_as): (&Reader, &[String]),
        note: &str,
        part: u32,
        words: &str,
        now: Timestamp,
    ) -> Result<Marked, RegisterError> {
        let work = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let marked = seen(&work, reader, note, part)?;
        if marked == Marked::Done {
            work.execute(
                "INSERT INTO not_recognised (note_id, part, said_by, said_ms, words) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO NOTHING",
                params![note, part, reader.user(), now.as_millisecond(), plain(words)],
            )?;
            let whom = as_whom(&work, reader, known_as, note)?;
            // Of nobody else it is known that they have read it: they did not press that button.
            if let Some(whom) = whom.filter(|whom| *whom != AsWhom::Beside) {
                note_read(&work, reader, note, part, whom, now)?;
            }
            work.commit()?;
        }
        Ok(marked)
    }

    /// Notes what came of looking into an access that somebody did not recognise.
    ///
    /// # Errors
    /// The register cannot be written.
    pub fn settle_not_recognised(
        &mut self,
        reader: &Reader,
        note: &str,
        part: u32,
        outcome: &str,
        now: Timestamp,
    ) -> Result<Marked, RegisterError> {
        let work = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut marked = seen(&work, reader, note, part)?;
        if marked == Marked::Done {
            let settled = work.execute(
                "UPDATE not_recognised SET settled_by = ?3, settled_ms = ?4, outcome = ?5
                 WHERE note_id = ?1 AND part = ?2 AND settled_by IS NULL",
                params![note, part, reader.user(), now.as_millisecond(), plain(outcome)],
            )?;
            work.commit()?;
            if settled == 0 {
                marked = Marked::NotThere;
            }
        }
        Ok(marked)
    }

    /// The notes and parts that somebody did not recognise and nobody has looked into, the oldest first.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn not_recognised(&self, reader: &Reader) -> Result<Vec<(String, u32)>, RegisterError> {
        let mut statement = self.db.prepare(&format!(
            "SELECT not_recognised.note_id, not_recognised.part FROM not_recognised
             JOIN note ON note.id = not_recognised.note_id
             WHERE not_recognised.settled_by IS NULL AND {MAY_SEE} ORDER BY said_ms, note.id, part"
        ))?;
        let list = statement
            .query_map(named_params! { ":reader": reader.user() }, |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(list.collect::<Result<_, _>>()?)
    }

    /// Who was alerted of a notification.
    pub(super) fn alerted(&self, notice_id: &str) -> Result<Vec<Alerted>, RegisterError> {
        let mut statement = self
            .db
            .prepare_cached("SELECT role, name, why, made_ms FROM alert WHERE notice_id = ?1 ORDER BY id")?;
        let mut rows = statement.query([notice_id])?;
        let mut list = Vec::new();
        while let Some(row) = rows.next()? {
            let at = moment(row.get(3)?)?;
            list.push(Alerted { role: row.get(0)?, name: row.get(1)?, why: row.get(2)?, at });
        }
        Ok(list)
    }

    /// Who has read a part of a note, the first first.
    pub(super) fn read(&self, note: &str, part: u32) -> Result<Vec<Read>, RegisterError> {
        let mut statement = self.db.prepare_cached(
            "SELECT reader, as_duty, min(at_ms) AS at FROM read_mark WHERE note_id = ?1 AND up_to >= ?2 GROUP BY reader, as_duty
             UNION ALL SELECT reader, NULL, min(at_ms) FROM read_beside WHERE note_id = ?1 AND up_to >= ?2 GROUP BY reader
             ORDER BY at, reader",
        )?;
        let mut rows = statement.query(params![note, part])?;
        let mut list = Vec::new();
        while let Some(row) = rows.next()? {
            let as_whom = match row.get::<_, Option<bool>>(1)? {
                Some(false) => AsWhom::Alerted,
                Some(true) => AsWhom::Duty,
                None => AsWhom::Beside,
            };
            list.push(Read { by: row.get(0)?, as_whom, at: moment(row.get(2)?)? });
        }
        Ok(list)
    }

    /// Who did not recognise a part of a note.
    pub(super) fn disputed(&self, note: &str, part: u32) -> Result<Option<NotRecognised>, RegisterError> {
        type Row = (String, i64, String, Option<String>, Option<i64>, Option<String>);
        let found: Option<Row> = self
            .db
            .prepare_cached(
                "SELECT said_by, said_ms, words, settled_by, settled_ms, outcome FROM not_recognised
                 WHERE note_id = ?1 AND part = ?2",
            )?
            .query_row(params![note, part], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
            })
            .optional()?;
        let Some((by, at, words, who, when, outcome)) = found else { return Ok(None) };
        let settled = match (who, when) {
            (Some(who), Some(when)) => Some((who, moment(when)?, outcome.unwrap_or_default())),
            (_, _) => None,
        };
        Ok(Some(NotRecognised { by, at: moment(at)?, words, settled }))
    }
}

/// Notes that somebody has read a note up to a part. What came since is decided anew where that counts.
fn note_read(
    work: &rusqlite::Transaction<'_>,
    reader: &Reader,
    note: &str,
    up_to: u32,
    whom: AsWhom,
    now: Timestamp,
) -> Result<(), RegisterError> {
    let (user, at) = (reader.user(), now.as_millisecond());
    let mark = |as_duty: bool| {
        work.execute(
            "INSERT INTO read_mark (note_id, reader, as_duty, up_to, at_ms) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO NOTHING",
            params![note, user, as_duty, up_to, at],
        )
    };
    match whom {
        AsWhom::Alerted => {
            mark(false)?;
            Register::route_what_came_since(work, note, up_to)?;
        }
        AsWhom::Duty => {
            mark(true)?;
        }
        AsWhom::Beside => {
            work.execute(
                "INSERT INTO read_beside (note_id, reader, up_to, at_ms) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO NOTHING",
                params![note, user, up_to, at],
            )?;
        }
    }
    Ok(())
}

/// Whether a reader may mark this part of a note.
fn seen(
    work: &rusqlite::Transaction<'_>,
    reader: &Reader,
    note: &str,
    part: u32,
) -> Result<Marked, RegisterError> {
    if reader.user().is_empty() {
        return Ok(Marked::Nobody);
    }
    let parts: Option<u32> = work
        .prepare_cached(&format!(
            "SELECT (SELECT count(*) FROM part WHERE part.note_id = note.id) FROM note WHERE id = :note AND {MAY_SEE}"
        ))?
        .query_row(named_params! { ":note": note, ":reader": reader.user() }, |row| row.get(0))
        .optional()?;
    Ok(match parts {
        None => Marked::NotThere,
        Some(parts) if part == 0 || part > parts => Marked::Parts(parts),
        Some(_) => Marked::Done,
    })
}

/// What somebody typed, cut to what is kept, without what would drive a terminal.
fn plain(words: &str) -> String {
    let shown = words.trim().chars().filter(|c| !c.is_control() || *c == '\n');
    shown.take(SAID_CHARACTERS).collect()
}
