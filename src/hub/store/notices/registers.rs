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

/// With which register an authority is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The authority's ODS code.
    pub authority_code: String,
    /// Its register.
    pub register: String,
    /// Since when.
    pub since: Timestamp,
    /// The other register that asked last, and when; nothing once it was moved.
    pub refused: Option<(String, Timestamp)>,
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
    let found: Option<(String, Option<String>, Option<i64>)> = db
        .prepare_cached(
            "SELECT register_id, refused_id, refused_ms FROM authority_register WHERE authority_code = ?1",
        )?
        .query_row([authority], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((own, refused, at)) = found else { return Ok(Standing::First) };
    if own == register.as_str() {
        return Ok(Standing::Own);
    }
    let is_same = refused.as_deref() == Some(register.as_str());
    // A clock that was ahead is no reason to be silent.
    let is_recent = at.is_some_and(|at| (0..NOTED_MS).contains(&now.as_millisecond().saturating_sub(at)));
    Ok(Standing::Other { is_noted: is_same && is_recent })
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
                "UPDATE authority_register SET refused_id = ?2, refused_ms = ?3 WHERE authority_code = ?1",
                params![authority, register.as_str(), work.now_ms()],
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
        self.read_elsewhere(|db| bound(db)).await
    }

    /// Says with which register an authority is told from now on; whether that changes anything.
    ///
    /// # Errors
    /// The database refused.
    pub async fn move_register(
        &self,
        by: Caller,
        authority: String,
        register: RegisterId,
    ) -> Result<Audited<bool>, StoreError> {
        self.write(move |work| {
            let moved = work.db.execute(
                "INSERT INTO authority_register (authority_code, register_id, bound_ms) VALUES (?1, ?2, ?3)
                 ON CONFLICT (authority_code) DO UPDATE
                 SET register_id = ?2, bound_ms = ?3, refused_id = NULL, refused_ms = NULL WHERE register_id <> ?2",
                params![authority, register.as_str(), work.now_ms()],
            )?;
            if moved > 0 {
                let by = Caller { organisation_code: authority, ..by };
                note(work, &by, "register-moved", &register)?;
            }
            Ok(moved > 0)
        })
        .await
    }
}

fn bound(db: &Connection) -> Result<Vec<Bound>, Fault> {
    let mut statement = db.prepare_cached(
        "SELECT authority_code, register_id, bound_ms, refused_id, refused_ms FROM authority_register ORDER BY authority_code",
    )?;
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let refused: Option<(String, i64)> = row.get::<_, Option<String>>(3)?.zip(row.get(4)?);
        all.push(Bound {
            authority_code: row.get(0)?,
            register: row.get(1)?,
            since: codec::moment(row.get(2)?)?,
            refused: refused.map(|(id, at)| Ok::<_, Fault>((id, codec::moment(at)?))).transpose()?,
        });
    }
    Ok(all)
}
