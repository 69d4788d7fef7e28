//! What a person looks at: how things stand, and the list of what has to be worked off by hand.

use jiff::Timestamp;
use rusqlite::{TransactionBehavior, named_params, params};

use super::accesses::{IS_RESTRICTED, MAY_SEE, Reader};
use super::{Register, RegisterError, moment, notes};

/// Of a note's id so much is shown, and at least so much is wanted.
pub const ID_SHOWN: usize = 8;

/// Notes that are shown at once.
const NOTES: u32 = 1000;

/// How things stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// The last number up to which everything is here.
    pub have: Option<u32>,
    /// When the hub last answered.
    pub heard: Option<Timestamp>,
    /// Why it does not, and since when.
    pub hub_trouble: Option<(String, Timestamp)>,
    /// Why the record system takes nothing, and since when.
    pub note_trouble: Option<(String, Timestamp)>,
    /// When it was last noticed that the hub was put back from a backup.
    pub other_numbers: Option<Timestamp>,
    /// Notifications here.
    pub notices: u64,
    /// Notes in the record.
    pub notes: u64,
    /// Notifications that are not in a note yet, or whose part is not placed.
    pub waiting: u64,
    /// When the oldest of these came.
    pub oldest_waiting: Option<Timestamp>,
    /// Of these, how many the record system has refused, and the last reason.
    pub refused: Option<(u64, String)>,
    /// Receipts that the hub does not have.
    pub untold: u64,
    /// Notes on the list, and how many of these are of restricted cases.
    pub triage: u64,
    /// See above.
    pub restricted_triage: u64,
    /// NHS numbers that are no longer in use, and that nobody has mended.
    pub inactive: u64,
    /// Notes of which somebody was alerted, and that nobody has read; since when the oldest is.
    pub unread: u64,
    /// See above.
    pub oldest_unread: Option<Timestamp>,
    /// Accesses that somebody did not recognise, and nobody has looked into.
    pub not_recognised: u64,
    /// Why it is not known whom to alert, and since when.
    pub route_trouble: Option<(String, Timestamp)>,
}

/// Numbers that were passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Which.
    pub number: u32,
    /// Since when it is known.
    pub since: Timestamp,
}

/// A note on the list. `Debug` shows nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Listed {
    /// By what it is settled.
    pub note: String,
    /// How many parts it has: what is settled is what was seen.
    pub parts: u32,
    /// The child's NHS number, as the authority sent it, and the organisation that looked; empty where it cannot be read.
    pub number: String,
    /// See above.
    pub organisation: String,
    /// The authority's own id of the person, as the hub has it.
    pub local_id: String,
    /// Why it is on the list.
    pub why: String,
    /// Since when.
    pub since: Timestamp,
    /// The note's words.
    pub text: String,
}

impl std::fmt::Debug for Listed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Listed(hidden)")
    }
}

/// Which notes a list shows: those of restricted cases are never among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Of cases that are not restricted.
    Common,
    /// Of those that are.
    Restricted,
}

/// How a note on the list is settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settle {
    /// It belongs under this case.
    Under(String),
    /// Somebody has dealt with it by hand.
    DealtWith,
}

/// What became of settling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It is settled.
    Done,
    /// None on the list begins so, or more than one.
    NotOne,
    /// It has so many parts: something came since it was looked at.
    Parts(u32),
    /// It cannot be read: under whatever case it were put, nobody would know what it says.
    Unreadable,
    /// Whoever settles has to say who they are.
    Nobody,
}

impl Register {
    /// How things stand.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn figures(&self) -> Result<Figures, RegisterError> {
        let count = |sql: &str| -> Result<u64, RegisterError> {
            Ok(self.db.query_row(sql, [], |row| row.get::<_, i64>(0))?.unsigned_abs())
        };
        let at = |sql: &str| -> Result<Option<Timestamp>, RegisterError> {
            let ms: Option<i64> = self.db.query_row(sql, [], |row| row.get(0))?;
            ms.map(moment).transpose()
        };
        let trouble = |sql: &str| -> Result<Option<(String, Timestamp)>, RegisterError> {
            let (why, since): (Option<String>, Option<i64>) =
                self.db.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
            why.zip(since).map(|(why, since)| Ok((why, moment(since)?))).transpose()
        };
        const WAITING: &str = "FROM notice LEFT JOIN part ON part.notice_id = notice.id
                               LEFT JOIN note ON note.id = notice.note_id
                               WHERE notice.note_id IS NULL OR (part.state = 'waiting' AND note.standing = 'record')";
        const UNREAD: &str = "FROM alert JOIN note ON note.id = alert.note_id
                              WHERE alert.is_over = 0 AND note.standing <> 'settled' AND NOT EXISTS
                                  (SELECT 1 FROM read_mark WHERE read_mark.note_id = note.id AND as_duty = 0
                                   AND up_to >= alert.part)";
        let (refused, why): (i64, Option<String>) = self.db.query_row(
            "SELECT count(*), max(part.why) FROM part JOIN note ON note.id = part.note_id
             WHERE part.state = 'waiting' AND part.why IS NOT NULL AND note.standing = 'record'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        Ok(Figures {
            have: self.have()?.map(|have| have.number),
            heard: at("SELECT heard_ms FROM link")?,
            hub_trouble: trouble("SELECT hub_trouble, hub_since_ms FROM link")?,
            note_trouble: trouble("SELECT note_trouble, note_since_ms FROM link")?,
            other_numbers: at("SELECT other_numbers_ms FROM link")?,
            notices: count("SELECT count(*) FROM notice")?,
            notes: count("SELECT count(DISTINCT note_id) FROM part WHERE state = 'done'")?,
            waiting: count(&format!("SELECT count(*) {WAITING}"))?,
            oldest_waiting: at(&format!("SELECT min(notice.came_ms) {WAITING}"))?,
            refused: why.map(|why| (refused.unsigned_abs(), why)),
            untold: count("SELECT count(*) FROM notice WHERE told IS NULL")?,
            triage: count("SELECT count(*) FROM note WHERE standing = 'triage'")?,
            restricted_triage: count(&format!(
                "SELECT count(*) FROM note WHERE standing = 'triage' AND {IS_RESTRICTED}"
            ))?,
            inactive: self.count_inactive()?.0,
            unread: count(&format!("SELECT count(DISTINCT alert.note_id) {UNREAD}"))?,
            oldest_unread: at(&format!("SELECT min(alert.made_ms) {UNREAD}"))?,
            not_recognised: count("SELECT count(*) FROM not_recognised WHERE settled_by IS NULL")?,
            route_trouble: trouble("SELECT route_trouble, route_since_ms FROM link")?,
        })
    }

    /// Numbers that were passed over and have not come.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn missing(&self) -> Result<Vec<Missing>, RegisterError> {
        let sql = "SELECT number, since_ms FROM missing WHERE settled_ms IS NULL ORDER BY number";
        let mut statement = self.db.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut list = Vec::new();
        while let Some(row) = rows.next()? {
            list.push(Missing { number: row.get(0)?, since: moment(row.get(1)?)? });
        }
        Ok(list)
    }

    /// Notes that somebody has looked into numbers that do not come, from one to another, and what came of it: they are no
    /// longer in the way, and taken all the same if they come. How many there were.
    ///
    /// # Errors
    /// The register cannot be written.
    pub fn settle_missing(
        &mut self,
        (from, to): (u32, u32),
        by: &Reader,
        outcome: &str,
        now: Timestamp,
    ) -> Result<u64, RegisterError> {
        let settled = self.db.execute(
            "UPDATE missing SET settled_by = ?3, settled_ms = ?4, outcome = ?5
             WHERE number BETWEEN ?1 AND ?2 AND settled_ms IS NULL",
            params![from, to, by.user(), now.as_millisecond(), outcome],
        )?;
        Ok(settled as u64)
    }

    /// What has to be worked off by hand, the oldest first.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn triage(&self, which: Shown) -> Result<Vec<Listed>, RegisterError> {
        self.listed(which, "note.standing = 'triage' ORDER BY since_ms, id")
    }

    /// The same as somebody sees it who holds some restricted cases, or none: some of the list, from one of them on.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn triage_for(&self, reader: &Reader, skip: u32, most: u32) -> Result<Vec<Listed>, RegisterError> {
        let which = format!(
            "{MAY_SEE} AND note.standing = 'triage' ORDER BY since_ms, id LIMIT {most} OFFSET {skip}"
        );
        self.listed_for(&which, Some(reader))
    }

    /// A note on the list, by its id or the beginning of it; `None` where none begins so, or more than one.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn on_list(&self, note: &str) -> Result<Option<Listed>, RegisterError> {
        if note.len() < ID_SHOWN || !note.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let which = format!("note.standing = 'triage' AND substr(id, 1, {}) = '{note}' LIMIT 2", note.len());
        let mut found = self.listed_for(&which, None)?;
        Ok(found.pop().filter(|_| found.is_empty()))
    }

    /// When the hub was last heard, and whether something is in the way of what came or is to come: without that an empty list
    /// would look like a quiet night.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn last_heard(&self) -> Result<(Option<Timestamp>, bool), RegisterError> {
        let (heard, has_trouble): (Option<i64>, bool) = self.db.query_row(
            "SELECT heard_ms, coalesce(hub_trouble, note_trouble, route_trouble, mail_trouble) IS NOT NULL
                 OR EXISTS (SELECT 1 FROM missing WHERE settled_ms IS NULL) FROM link",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        Ok((heard.map(moment).transpose()?, has_trouble))
    }

    /// How many notes have to be worked off by hand, of those that this reader may see.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn to_be_placed(&self, reader: &Reader) -> Result<u64, RegisterError> {
        let sql = format!("SELECT count(*) FROM note WHERE standing = 'triage' AND {MAY_SEE}");
        let of = named_params! { ":reader": reader.user() };
        let count: i64 = self.db.prepare_cached(&sql)?.query_row(of, |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// The latest notes, wherever they stand, the newest last: for whoever has no other record of them.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn notes(&self, which: Shown) -> Result<Vec<Listed>, RegisterError> {
        self.listed(which, &format!(
            "note.id IN (SELECT id FROM note ORDER BY since_ms DESC, id LIMIT {NOTES}) ORDER BY since_ms, id"
        ))
    }

    fn listed(&self, shown: Shown, which: &str) -> Result<Vec<Listed>, RegisterError> {
        let kept = match shown {
            Shown::Common => format!("NOT {IS_RESTRICTED}"),
            Shown::Restricted => IS_RESTRICTED.to_owned(),
        };
        self.listed_for(&format!("{kept} AND {which}"), None)
    }

    fn listed_for(&self, which: &str, reader: Option<&Reader>) -> Result<Vec<Listed>, RegisterError> {
        let mut statement = self.db.prepare(&format!(
            "SELECT id, local_id, why, since_ms,
                    (SELECT group_concat(added, char(10) ORDER BY part) FROM part WHERE part.note_id = note.id),
                    (SELECT count(*) FROM part WHERE part.note_id = note.id),
                    (SELECT document FROM notice WHERE notice.id = note.id)
             FROM note WHERE {which}"
        ))?;
        if let (Some(reader), Some(place)) = (reader, statement.parameter_index(":reader")?) {
            statement.raw_bind_parameter(place, reader.user())?;
        }
        let mut rows = statement.raw_query();
        let mut list = Vec::new();
        while let Some(row) = rows.next()? {
            let document: Option<Vec<u8>> = row.get(6)?;
            let notice = document.and_then(|document| notes::read(&document));
            let (number, organisation) = notice.map_or_else(Default::default, |notice| {
                (notice.number.digits(), format!("{} {}", notice.organisation, notice.organisation_code))
            });
            list.push(Listed {
                note: row.get(0)?,
                parts: row.get(5)?,
                number,
                organisation: organisation.trim().to_owned(),
                local_id: row.get(1)?,
                why: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
                since: moment(row.get(3)?)?,
                text: row.get(4)?,
            });
        }
        Ok(list)
    }

    /// Settles a note on the list, by its id or the beginning of it, as it was seen: with so many parts. Who did is kept.
    ///
    /// # Errors
    /// The register cannot be written.
    pub fn settle(
        &mut self,
        by: &Reader,
        (note, parts): (&str, u32),
        how: &Settle,
        now: Timestamp,
    ) -> Result<Settled, RegisterError> {
        if by.user().is_empty() {
            return Ok(Settled::Nobody);
        }
        let work = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found: Vec<(String, String)> = {
            let mut statement = work.prepare("SELECT id, attendance FROM note WHERE standing = 'triage'")?;
            let all = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            all.collect::<Result<Vec<(String, String)>, _>>()?
        };
        let mut fitting = found.iter().filter(|(id, _)| note.len() >= ID_SHOWN && id.starts_with(note));
        let (Some((id, attendance)), None) = (fitting.next(), fitting.next()) else {
            return Ok(Settled::NotOne);
        };
        let has: u32 =
            work.query_row("SELECT count(*) FROM part WHERE note_id = ?1", [id], |row| row.get(0))?;
        if has != parts {
            return Ok(Settled::Parts(has));
        }
        match how {
            Settle::DealtWith => {
                work.execute("UPDATE note SET standing = 'settled' WHERE id = ?1", [id])?;
                let sql = "UPDATE part SET state = 'dealt-with' WHERE note_id = ?1 AND state = 'waiting'";
                work.execute(sql, [id])?;
            }
            // What cannot be read is an attendance of its own.
            Settle::Under(_) if attendance == id => return Ok(Settled::Unreadable),
            Settle::Under(local_id) => {
                work.execute(
                    "UPDATE note SET standing = 'record', local_id = ?2 WHERE id = ?1",
                    params![id, local_id],
                )?;
                // What was refused under another case may be taken under this one.
                let sql = "UPDATE part SET tries = 0, next_ms = 0, why = NULL WHERE note_id = ?1 AND state = 'waiting'";
                work.execute(sql, [id])?;
                Self::route_again(&work, id)?;
            }
        }
        work.execute(
            "UPDATE note SET settled_by = ?2, settled_ms = ?3 WHERE id = ?1",
            params![id, by.user(), now.as_millisecond()],
        )?;
        work.commit()?;
        Ok(Settled::Done)
    }
}
