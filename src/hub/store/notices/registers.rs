//! Which register an authority's link is told with. Two links, each with a register of its own, would put every access on the
//! child's record twice and alert twice: so the first that asks is the one, until an operator says another.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;

use super::super::audit::{self, Entry, Kind};
use super::super::error::{Fault, StoreError};
use super::super::writer::Work;
use super::super::{Audited, Store, codec};
use crate::domain::Caller;
use crate::exchange::notice::RegisterId;

/// That another register asks is noted again after so long: it asks every few seconds.
const NOTED_MS: i64 = 10 * 60 * 1000;

/// So many of them are noted for an authority within that time, and kept: whoever makes up one after the other fills no log.
const NOTED: i64 = 5;

/// With which register an authority is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The authority's ODS code.
    pub authority_code: String,
    /// Its register.
    pub register: String,
    /// Since when.
    pub since: Timestamp,
    /// The other registers that asked, and when, the last first; none once it was moved.
    pub refused: Vec<(String, Timestamp)>,
}

/// What became of moving an authority to a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// It is told with that one from now on; and so many notifications are given to it once more.
    To(u64),
    /// It was already; so many notifications are given to it once more.
    Again(u64),
    /// It was already, and nothing was to be given once more.
    Already,
    /// No link of the authority has asked with it: it may be a slip, which would silence the authority.
    NeverAsked,
}

/// To which register an authority is moved.
#[derive(Debug, Clone)]
pub struct Move {
    /// The authority's ODS code.
    pub authority: String,
    /// Its register from now on.
    pub register: RegisterId,
    /// Also where it has never asked.
    pub although: bool,
    /// From which number on everything is given once more, whatever became of it with the other.
    pub from: Option<u32>,
}

/// How a register that asks stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is the authority's.
    Own,
    /// The authority has none yet.
    First,
    /// The authority has another.
    Other {
        /// That it asks is noted already.
        is_noted: bool,
    },
}

/// How it stands. By MESH, and in the same process, nobody says with which register they ask.
pub(super) fn standing(
    db: &Connection,
    authority: &str,
    register: Option<&RegisterId>,
    now: Timestamp,
) -> Result<Standing, Fault> {
    let Some(register) = register else { return Ok(Standing::Own) };
    let own: Option<String> = db
        .prepare_cached("SELECT register_id FROM authority_register WHERE authority_code = ?1")?
        .query_row([authority], |row| row.get(0))
        .optional()?;
    let Some(own) = own else { return Ok(Standing::First) };
    if own == register.as_str() {
        return Ok(Standing::Own);
    }
    // A clock that was ahead is no reason to be silent.
    let (all, same): (i64, i64) = db
        .prepare_cached(
            "SELECT count(*), count(*) FILTER (WHERE register_id = ?2) FROM refused_register
             WHERE authority_code = ?1 AND ?3 - refused_ms BETWEEN 0 AND ?4 - 1",
        )?
        .query_row(params![authority, register.as_str(), now.as_millisecond(), NOTED_MS], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    Ok(Standing::Other { is_noted: same > 0 || all >= NOTED })
}

/// Whether the authority is told with this register. The first becomes it; that another one asks is noted, and audited.
pub(super) fn hold(
    work: &Work<'_>,
    by: &Caller,
    authority: &str,
    register: Option<&RegisterId>,
) -> Result<bool, Fault> {
    let standing = standing(work.db, authority, register, work.now)?;
    let Some(register) = register else { return Ok(true) };
    match standing {
        Standing::Own => Ok(true),
        Standing::First => {
            work.db.execute(
                "INSERT INTO authority_register (authority_code, register_id, bound_ms) VALUES (?1, ?2, ?3)",
                params![authority, register.as_str(), work.now_ms()],
            )?;
            note(work, by, "register-bound", register)?;
            Ok(true)
        }
        Standing::Other { is_noted: true } => Ok(false),
        Standing::Other { is_noted: false } => {
            work.db.execute(
                "INSERT INTO refused_register (authority_code, register_id, refused_ms) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET refused_ms = ?3",
                params![authority, register.as_str(), work.now_ms()],
            )?;
            work.db.execute(
                "DELETE FROM refused_register WHERE authority_code = ?1 AND register_id NOT IN
                     (SELECT register_id FROM refused_register WHERE authority_code = ?1
                      ORDER BY refused_ms DESC, register_id LIMIT ?2)",
                params![authority, NOTED],
            )?;
            tracing::error!(
                authority,
                "a second register of a local authority asks for what it is to be told, and is refused: see `cpis-hub register`"
            );
            note(work, by, "register-refused", register)?;
            Ok(false)
        }
    }
}

fn note(work: &Work<'_>, by: &Caller, outcome: &'static str, register: &RegisterId) -> Result<(), Fault> {
    let detail = json!({ "register": register.as_str() });
    audit::append(
        work,
        by,
        &Entry { detail: Some(detail), ..Entry::new(Kind::Notices, outcome, "notifications") },
    )
}

impl Store {
    /// With which register each authority is told.
    ///
    /// # Errors
    /// The database refused.
    pub async fn registers(&self) -> Result<Vec<Bound>, StoreError> {
        self.read_elsewhere(bound).await
    }

    /// Says with which register an authority is told from now on.
    ///
    /// # Errors
    /// The database refused.
    pub async fn move_register(&self, by: Caller, to: Move) -> Result<Audited<Moved>, StoreError> {
        self.write(move |work| moved(work, &by, &to)).await
    }
}

fn moved(work: &Work<'_>, by: &Caller, to: &Move) -> Result<Moved, Fault> {
    let (authority, register) = (&to.authority, to.register.as_str());
    let own = "SELECT 1 FROM authority_register WHERE authority_code = ?1 AND register_id = ?2";
    let is_own = work.db.prepare_cached(own)?.exists([authority.as_str(), register])?;
    if is_own && to.from.is_none() {
        return Ok(Moved::Already);
    }
    if !is_own {
        let asked = "SELECT 1 FROM refused_register WHERE authority_code = ?1 AND register_id = ?2";
        if !to.although && !work.db.prepare_cached(asked)?.exists([authority.as_str(), register])? {
            return Ok(Moved::NeverAsked);
        }
        work.db.execute(
            "INSERT INTO authority_register (authority_code, register_id, bound_ms) VALUES (?1, ?2, ?3)
             ON CONFLICT (authority_code) DO UPDATE SET register_id = ?2, bound_ms = ?3",
            params![authority, register, work.now_ms()],
        )?;
        work.db.execute("DELETE FROM refused_register WHERE authority_code = ?1", [authority])?;
    }
    let again = match to.from {
        None => 0,
        Some(from) => work.db.execute(
            "UPDATE outbox SET outcome = NULL, state = 'queued', state_ms = ?3 WHERE authority_code = ?1 AND number >= ?2",
            params![authority, from, work.now_ms()],
        )?,
    };
    let by = Caller { organisation_code: authority.clone(), ..by.clone() };
    let mut detail = json!({ "register": register });
    if let (Some(from), Some(of)) = (to.from, detail.as_object_mut()) {
        of.insert("from".to_owned(), from.into());
        of.insert("again".to_owned(), again.into());
    }
    let outcome = if is_own { "register-again" } else { "register-moved" };
    let entry = Entry { detail: Some(detail), ..Entry::new(Kind::Notices, outcome, "notifications") };
    audit::append(work, &by, &entry)?;
    Ok(if is_own { Moved::Again(again as u64) } else { Moved::To(again as u64) })
}

fn bound(db: &Connection) -> Result<Vec<Bound>, Fault> {
    let mut statement = db.prepare_cached(
        "SELECT authority_code, register_id, bound_ms FROM authority_register ORDER BY authority_code",
    )?;
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let authority_code: String = row.get(0)?;
        let refused = refused(db, &authority_code)?;
        all.push(Bound {
            authority_code,
            register: row.get(1)?,
            since: codec::moment(row.get(2)?)?,
            refused,
        });
    }
    Ok(all)
}

fn refused(db: &Connection, authority: &str) -> Result<Vec<(String, Timestamp)>, Fault> {
    let mut statement = db.prepare_cached(
        "SELECT register_id, refused_ms FROM refused_register WHERE authority_code = ?1 ORDER BY refused_ms DESC, register_id",
    )?;
    let mut rows = statement.query([authority])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push((row.get(0)?, codec::moment(row.get(1)?)?));
    }
    Ok(all)
}
