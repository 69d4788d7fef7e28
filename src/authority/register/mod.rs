//! What the link was told, and what it made of it. Each notification is in it once, by its id; it is on the disk before the
//! hub hears that it came, and in the record before the hub hears that it was filed.
//!
//! One link works with it at a time; looking at it, and settling what is on the list, may happen beside.

mod accesses;
mod alerts;
mod inactive;
mod lists;
mod looks;
mod mail;
mod notes;
mod parts;
mod reading;
mod receipts;
mod responsible;
mod take;
#[cfg(test)]
mod tests;
mod whom;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use rusqlite_migration::{M, Migrations};

use super::files::{beside, private};
use crate::exchange::notice::{Mark, NoticeId, RegisterId};

pub use accesses::{ACCESSES, Access, Alerted, AsWhom, NotRecognised, Read, Reader, Standing, Wanted};
pub use alerts::Routed;
pub use inactive::Inactive;
pub use lists::{Figures, ID_SHOWN, Listed, Missing, Settle, Settled, Shown};
pub use looks::Look;
pub use mail::{MailFigures, Outgoing};
pub use notes::{Case, Cases, Who};
pub use parts::Part;
pub use reading::{Marked, SAID_CHARACTERS};
pub use responsible::Responsible;
pub use take::Taken;

const STEPS: &[M<'static>] = &[
    M::up(include_str!("0001.sql")),
    M::up(include_str!("0002.sql")),
    M::up(include_str!("0003.sql")),
    M::up(include_str!("0004.sql")),
    M::up(include_str!("0005.sql")),
    M::up(include_str!("0006.sql")),
    M::up(include_str!("0007.sql")),
];
const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

/// For so long a command beside the link waits for it.
const BUSY: Duration = Duration::from_secs(5);

/// Why the register cannot be used: one sentence each. Nothing of a row is in them.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Another link works with it.
    #[error("another link is at work with this register: there can be only one")]
    InUse,
    /// SQLite, or the operating system, says so.
    #[error("the register cannot be used: {0}")]
    Unusable(String),
    /// It belongs to somebody else.
    #[error("the register is of the authority {0}, and the configuration names another: name another file")]
    OtherAuthority(String),
    /// A row that the link did not write so.
    #[error("the register is damaged ({0}): put a backup of it in place")]
    Damaged(&'static str),
    /// Nothing there.
    #[error("there is no register yet: `cpis-authority listen` or `fetch` makes it")]
    NotThere,
}

impl From<rusqlite::Error> for RegisterError {
    fn from(error: rusqlite::Error) -> Self {
        // The library's own message is left out: for some errors it holds values.
        let why = match error.sqlite_error() {
            Some(failure) => format!("SQLite {:?} ({})", failure.code, failure.extended_code),
            None => "a row or statement that does not fit".to_owned(),
        };
        Self::Unusable(why)
    }
}

/// The register.
pub struct Register {
    db: Connection,
    path: PathBuf,
    _alone: Option<File>,
}

impl std::fmt::Debug for Register {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Register(hidden)")
    }
}

/// Which of two counterparts has trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The hub does not answer, or refuses the link.
    Hub,
    /// The record system takes no notes.
    Notes,
    /// The mail server takes no alerts.
    Mail,
    /// It cannot be known whom to alert.
    Routing,
}

impl Register {
    /// Opens the register of an authority for the one link, or makes it.
    ///
    /// # Errors
    /// It cannot be used, belongs to another authority, or another link works with it.
    pub fn open(path: &Path, authority_code: &str) -> Result<Self, RegisterError> {
        let unusable = |why: String| RegisterError::Unusable(format!("{}: {why}", path.display()));
        let alone = private(&beside(path, ".lock")).map_err(|error| unusable(error.kind().to_string()))?;
        match alone.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(RegisterError::InUse),
            Err(TryLockError::Error(error)) => return Err(unusable(error.kind().to_string())),
        }
        // Readable by its owner alone; SQLite's other files follow it.
        drop(private(path).map_err(|error| unusable(error.kind().to_string()))?);
        let mut db = connect(path)?;
        MIGRATIONS.to_latest(&mut db).map_err(|_| unusable("its schema is of a later version".to_owned()))?;
        db.execute(
            "INSERT INTO link (id, authority_code, register_id) VALUES (1, ?1, lower(hex(randomblob(16)))) ON CONFLICT (id) DO NOTHING",
            [authority_code],
        )?;
        notes::fill_numbers(&mut db)?;
        Self { db, path: path.to_owned(), _alone: Some(alone) }.of(authority_code)
    }

    /// Opens the register beside a link that may work with it: to look, and to settle what is on the list.
    ///
    /// # Errors
    /// It is not there, cannot be used, or belongs to another authority.
    pub fn look(path: &Path, authority_code: &str) -> Result<Self, RegisterError> {
        if !path.exists() {
            return Err(RegisterError::NotThere);
        }
        let db = connect(path)?;
        let version: usize = db.query_row("PRAGMA user_version", [], |row| row.get::<_, u32>(0))? as usize;
        if version != STEPS.len() {
            let why = "it is of another version: start `cpis-authority listen` of this one";
            return Err(RegisterError::Unusable(why.to_owned()));
        }
        Self { db, path: path.to_owned(), _alone: None }.of(authority_code)
    }

    fn of(self, authority_code: &str) -> Result<Self, RegisterError> {
        let of: Option<String> =
            self.db.query_row("SELECT authority_code FROM link", [], |row| row.get(0)).optional()?;
        match of {
            Some(of) if of != authority_code => Err(RegisterError::OtherAuthority(of)),
            Some(_) => Ok(self),
            None => Err(RegisterError::Damaged("whose it is")),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which register this is: the hub tells an authority with one of them.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn id(&self) -> Result<RegisterId, RegisterError> {
        let id: Option<String> = self.db.query_row("SELECT register_id FROM link", [], |row| row.get(0))?;
        id.and_then(|id| RegisterId::parse(&id)).ok_or(RegisterError::Damaged("which register it is"))
    }

    /// Whether the hub has said that it tells another register, and since when: then nothing is done here that the other does.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn other_register(&self) -> Result<Option<Timestamp>, RegisterError> {
        let at: Option<i64> =
            self.db.query_row("SELECT other_register_ms FROM link", [], |row| row.get(0))?;
        at.map(moment).transpose()
    }

    /// Notes whether the hub tells another register.
    ///
    /// # Errors
    /// The register cannot be written.
    pub fn note_other_register(&mut self, is_other: bool, now: Timestamp) -> Result<(), RegisterError> {
        self.db.execute(
            "UPDATE link SET other_register_ms = CASE WHEN ?1 THEN ?2 END WHERE (other_register_ms IS NOT NULL) <> ?1",
            params![is_other, now.as_millisecond()],
        )?;
        Ok(())
    }

    /// What will not leave here while the hub tells another register: notes of which somebody was alerted and that nobody has read, and
    /// e-mails.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn left_behind(&self, now: Timestamp) -> Result<(u64, u64), RegisterError> {
        let unread: i64 = self.db.query_row(
            "SELECT count(*) FROM note WHERE standing <> 'settled' AND EXISTS (SELECT 1 FROM alert WHERE alert.note_id = note.id AND is_over = 0
               AND alert.part > (SELECT coalesce(max(up_to), 0) FROM read_mark WHERE read_mark.note_id = note.id AND as_duty = 0))",
            [],
            |row| row.get(0),
        )?;
        Ok((unread.unsigned_abs(), self.mail_figures(now)?.waiting))
    }

    /// Up to which notification everything is here.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn have(&self) -> Result<Option<Mark>, RegisterError> {
        let (number, id): (Option<u32>, Option<String>) =
            self.db.query_row("SELECT have_number, have_id FROM link", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        match (number, id) {
            (Some(number), Some(id)) => {
                let id = NoticeId::parse(&id).ok_or(RegisterError::Damaged("the id of a notification"))?;
                Ok(Some(Mark { number, id }))
            }
            (_, _) => Ok(None),
        }
    }

    /// Notes that the hub's numbers are others now: it was put back from a backup. What it was told it may have forgotten,
    /// so all of it is told again; what it knows it counts and leaves.
    ///
    /// # Errors
    /// The register cannot be written.
    pub fn forget_where(&mut self, now: Timestamp) -> Result<(), RegisterError> {
        let work = self.db.transaction()?;
        work.execute(
            "UPDATE link SET have_number = NULL, have_id = NULL, other_numbers_ms = ?1",
            [now.as_millisecond()],
        )?;
        work.execute("UPDATE notice SET told = NULL WHERE told IS NOT NULL", [])?;
        Ok(work.commit()?)
    }

    /// Notes that a counterpart has trouble, or none any more. Since when is kept while it lasts.
    ///
    /// # Errors
    /// The register cannot be written.
    pub fn note_trouble(
        &mut self,
        whose: Whose,
        why: Option<&str>,
        now: Timestamp,
    ) -> Result<(), RegisterError> {
        let (trouble, since) = match whose {
            Whose::Hub => ("hub_trouble", "hub_since_ms"),
            Whose::Notes => ("note_trouble", "note_since_ms"),
            Whose::Mail => ("mail_trouble", "mail_since_ms"),
            Whose::Routing => ("route_trouble", "route_since_ms"),
        };
        // Nothing is written where nothing has changed: this is asked every few seconds.
        self.db.execute(
            &format!(
                "UPDATE link SET {since} = CASE WHEN ?1 IS NULL THEN NULL ELSE coalesce({since}, ?2) END,
                                 {trouble} = ?1 WHERE {trouble} IS NOT ?1"
            ),
            params![why, now.as_millisecond()],
        )?;
        Ok(())
    }

    /// Notes that the hub has answered; once a minute is enough.
    ///
    /// # Errors
    /// The register cannot be written.
    pub fn note_heard(&mut self, now: Timestamp) -> Result<(), RegisterError> {
        self.db.execute(
            "UPDATE link SET heard_ms = ?1 WHERE heard_ms IS NULL OR heard_ms NOT BETWEEN ?1 - 60000 AND ?1",
            [now.as_millisecond()],
        )?;
        Ok(())
    }
}

fn connect(path: &Path) -> Result<Connection, RegisterError> {
    let db = Connection::open(path)?;
    db.busy_timeout(BUSY)?;
    // So that whoever looks does not wait for the link, nor the link for them.
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "trusted_schema", false)?;
    db.pragma_update(None, "secure_delete", true)?;
    Ok(db)
}

fn moment(ms: i64) -> Result<Timestamp, RegisterError> {
    Timestamp::from_millisecond(ms).map_err(|_| RegisterError::Damaged("a moment"))
}

fn id_of(text: &str) -> Result<NoticeId, RegisterError> {
    NoticeId::parse(text).ok_or(RegisterError::Damaged("the id of a notification"))
}
