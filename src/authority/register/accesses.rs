//! Accesses as people look at them: the newest first, with whom they concern, who was alerted and who has read them. What
//! concerns a restricted case is shown to its holders and to nobody else, here and not where it is drawn.

use jiff::Timestamp;
use rusqlite::{Row, Statement, ToSql, named_params};

use super::{Register, RegisterError, moment, notes};
use crate::exchange::notice::Notice;

/// Whether a note concerns a restricted case; under the local id that the hub gave, or the one under which it was put.
pub(super) const IS_RESTRICTED: &str =
    "EXISTS (SELECT 1 FROM restricted WHERE restricted.local_id IN (note.local_id, note.told_as))";

/// Whether `:reader` may see a note: of each restricted case that it concerns they are a holder, or they were alerted of it as
/// whoever comes last for such cases.
pub(super) const MAY_SEE: &str =
    "(NOT EXISTS (SELECT 1 FROM restricted WHERE restricted.local_id IN (note.local_id, note.told_as)
       AND NOT EXISTS (SELECT 1 FROM holder WHERE holder.local_id = restricted.local_id AND holder.user = :reader))
      OR EXISTS (SELECT 1 FROM let_in WHERE let_in.note_id = note.id AND let_in.user = :reader))";

/// Accesses that are given at once, at most.
pub const ACCESSES: u32 = 200;

/// Characters of a user's name.
const USER_CHARACTERS: usize = 100;

/// Who looks. The name is the user's as the authority's sign-in gives it; small and capital letters are the same.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Reader(String);

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader(hidden)")
    }
}

impl Reader {
    /// Whoever has this user name; `None` where it cannot be one.
    #[must_use]
    pub fn named(user: &str) -> Option<Self> {
        let user = user.trim().to_lowercase();
        let fits = !user.is_empty()
            && user.chars().count() <= USER_CHARACTERS
            && !user.chars().any(|c| c.is_control() || c.is_whitespace());
        fits.then_some(Self(user))
    }

    /// Somebody who has not said who they are: they hold no restricted case, and can mark nothing.
    #[must_use]
    pub fn nobody() -> Self {
        Self::default()
    }

    /// The user name; empty of nobody.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.0
    }
}

/// Which accesses are wanted; what is not said is not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of the cases of this worker, as the case management system names them.
    pub worker: Option<String>,
    /// Of the cases of this team.
    pub team: Option<String>,
    /// Of the case with this local id.
    pub local_id: Option<String>,
    /// Of the child with this NHS number, as the hub told it.
    pub number: Option<String>,
    /// Of this note, by its whole id.
    pub note: Option<String>,
    /// At this moment or later.
    pub from: Option<Timestamp>,
    /// For duty: at this moment or later, or told only then, because the hub or the link was away, or alerted of only then.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub before: Option<Timestamp>,
    /// Only what nobody has read yet; what emergency duty has read the worker has not.
    pub only_unread: bool,
    /// Only what somebody did not recognise, and nobody has said what came of it.
    pub only_disputed: bool,
    /// So many are left out: those on the pages before.
    pub skip: u32,
    /// So many at most; [`ACCESSES`] at most.
    pub most: u32,
}

/// Where a note stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Under an open case.
    Record,
    /// On the list of what has to be worked off by hand.
    Triage,
    /// It was on that list, and somebody has dealt with it.
    Settled,
}

/// Who was alerted.
#[derive(Clone, PartialEq, Eq)]
pub struct Alerted {
    /// `worker`, `team`, `emergency-duty`, `manager`, `holder` or `fall-back`.
    pub role: String,
    /// Which.
    pub name: String,
    /// By what rule, as a sentence.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

/// As whom somebody has read a note; the least of several is the last of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AsWhom {
    /// As whoever was alerted of it, or is responsible for the case: then it is read.
    Alerted,
    /// As emergency duty: for the others it is as unread as before.
    Duty,
    /// As somebody whom nobody alerted: the same.
    Beside,
}

/// Who has read it.
#[derive(Clone, PartialEq, Eq)]
pub struct Read {
    /// The user.
    pub by: String,
    /// As whom.
    pub as_whom: AsWhom,
    /// When.
    pub at: Timestamp,
}

/// Who did not recognise it.
#[derive(Clone, PartialEq, Eq)]
pub struct NotRecognised {
    /// The user.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What they said.
    pub words: String,
    /// Who looked into it, when, and what came of it.
    pub settled: Option<(String, Timestamp, String)>,
}

/// An access, or a correction of one. `Debug` shows nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Access {
    /// Its note's id: one note is one attendance.
    pub note: String,
    /// Which part of the note it is: 1, 2, 3 …
    pub part: u32,
    /// How many parts the note has now.
    pub parts: u32,
    /// When it was; where that cannot be read, when it came.
    pub at: Timestamp,
    /// The case under which it is.
    pub local_id: String,
    /// The child's NHS number as the hub told it with the note's first notification; empty where that cannot be read.
    pub number: String,
    /// Its words.
    pub words: String,
    /// Where the note stands, and why it is on the list.
    pub standing: Standing,
    /// See above.
    pub why: Option<String>,
    /// The worker and the team that are responsible, as the last extract names them.
    pub worker: Option<String>,
    /// See above.
    pub team: Option<String>,
    /// Only its holders see it.
    pub is_restricted: bool,
    /// The notification; `None` where it cannot be read.
    pub notice: Option<Notice>,
    /// Who was alerted of it.
    pub alerts: Vec<Alerted>,
    /// Who has read it.
    pub read: Vec<Read>,
    /// Who did not recognise it.
    pub not_recognised: Option<NotRecognised>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Access(hidden)")
    }
}

impl Access {
    /// Whether somebody has read it who was to, other than emergency duty in passing.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.read.iter().any(|read| read.as_whom == AsWhom::Alerted)
    }
}

impl Register {
    /// Accesses, the newest first.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn accesses(&self, reader: &Reader, wanted: &Wanted) -> Result<Vec<Access>, RegisterError> {
        let mut statement = self.db.prepare(&format!(
            "SELECT part.note_id, part.part, (SELECT count(*) FROM part AS p WHERE p.note_id = note.id), part.at_ms,
                    note.local_id, part.added, note.standing, note.why, responsible.worker, responsible.team,
                    {IS_RESTRICTED}, notice.document, part.notice_id,
                    coalesce(note.nhs_number, '')
             {} ORDER BY part.at_ms DESC, notice.number DESC LIMIT :most OFFSET :skip",
            wanted_rows()
        ))?;
        bind(&mut statement, reader, wanted)?;
        bind_one(&mut statement, ":most", wanted.most.min(ACCESSES))?;
        bind_one(&mut statement, ":skip", wanted.skip)?;
        let mut rows = statement.raw_query();
        let mut list = Vec::new();
        while let Some(row) = rows.next()? {
            list.push(self.access(row)?);
        }
        Ok(list)
    }

    /// How many accesses there are of those that are wanted, on all pages.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn count_accesses(&self, reader: &Reader, wanted: &Wanted) -> Result<u64, RegisterError> {
        let mut statement = self.db.prepare(&format!("SELECT count(*) {}", wanted_rows()))?;
        bind(&mut statement, reader, wanted)?;
        let count: Option<i64> = statement.raw_query().next()?.map(|row| row.get(0)).transpose()?;
        Ok(count.unwrap_or(0).unsigned_abs())
    }

    /// The workers who have a case with an access that the reader may see.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn workers(&self, reader: &Reader) -> Result<Vec<String>, RegisterError> {
        let mut statement = self.db.prepare(&format!(
            "SELECT DISTINCT responsible.worker FROM note JOIN responsible ON responsible.local_id = note.local_id
             WHERE responsible.worker IS NOT NULL AND {MAY_SEE} ORDER BY responsible.worker"
        ))?;
        let workers = statement.query_map(named_params! { ":reader": reader.user() }, |row| row.get(0))?;
        Ok(workers.collect::<Result<_, _>>()?)
    }

    fn access(&self, row: &Row<'_>) -> Result<Access, RegisterError> {
        let (note, part): (String, u32) = (row.get(0)?, row.get(1)?);
        let standing = match row.get::<_, String>(6)?.as_str() {
            "record" => Standing::Record,
            "triage" => Standing::Triage,
            "settled" => Standing::Settled,
            _ => return Err(RegisterError::Damaged("where a note stands")),
        };
        let notice_id: String = row.get(12)?;
        Ok(Access {
            parts: row.get(2)?,
            at: moment(row.get(3)?)?,
            local_id: row.get(4)?,
            words: row.get(5)?,
            number: row.get(13)?,
            standing,
            why: row.get(7)?,
            worker: row.get(8)?,
            team: row.get(9)?,
            is_restricted: row.get(10)?,
            notice: notes::read(&row.get::<_, Vec<u8>>(11)?),
            alerts: self.alerted(&notice_id)?,
            read: self.read(&note, part)?,
            not_recognised: self.disputed(&note, part)?,
            note,
            part,
        })
    }
}

/// What [`wanted_rows`] asks for.
fn bind(statement: &mut Statement<'_>, reader: &Reader, wanted: &Wanted) -> Result<(), RegisterError> {
    let moment = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
    bind_one(statement, ":reader", reader.user())?;
    bind_one(statement, ":worker", &wanted.worker)?;
    bind_one(statement, ":team", &wanted.team)?;
    bind_one(statement, ":local_id", &wanted.local_id)?;
    bind_one(statement, ":number", &wanted.number)?;
    bind_one(statement, ":note", &wanted.note)?;
    bind_one(statement, ":from", moment(wanted.from))?;
    bind_one(statement, ":since", moment(wanted.since))?;
    bind_one(statement, ":before", moment(wanted.before))?;
    bind_one(statement, ":only_unread", wanted.only_unread)?;
    bind_one(statement, ":only_disputed", wanted.only_disputed)
}

fn bind_one(statement: &mut Statement<'_>, name: &str, value: impl ToSql) -> Result<(), RegisterError> {
    let place = statement.parameter_index(name)?.ok_or(RegisterError::Damaged("a question"))?;
    Ok(statement.raw_bind_parameter(place, value)?)
}

/// From which tables, and which rows.
fn wanted_rows() -> String {
    format!(
        "FROM part JOIN note ON note.id = part.note_id JOIN notice ON notice.id = part.notice_id
         LEFT JOIN responsible ON responsible.local_id = note.local_id
         WHERE {MAY_SEE}
           AND (:worker IS NULL OR responsible.worker = :worker)
           AND (:team IS NULL OR responsible.team = :team)
           AND (:local_id IS NULL OR note.local_id = :local_id)
           AND (:number IS NULL OR note.nhs_number = :number)
           AND (:note IS NULL OR note.id = :note)
           AND (:from IS NULL OR part.at_ms >= :from)
           AND (:since IS NULL OR part.at_ms >= :since OR notice.came_ms >= :since OR EXISTS
                (SELECT 1 FROM alert WHERE alert.notice_id = part.notice_id AND alert.role = 'emergency-duty'
                 AND alert.made_ms >= :since))
           AND (:before IS NULL OR part.at_ms < :before)
           AND (NOT :only_unread OR NOT EXISTS
                (SELECT 1 FROM read_mark WHERE read_mark.note_id = note.id AND as_duty = 0 AND up_to >= part.part))
           AND (NOT :only_disputed OR EXISTS
                (SELECT 1 FROM not_recognised AS disputed WHERE disputed.note_id = note.id AND disputed.part = part.part
                 AND disputed.settled_by IS NULL))"
    )
}
