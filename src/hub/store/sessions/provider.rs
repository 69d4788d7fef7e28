//! Sessions of people who signed in at a provider: what is noted on the way, and how the provider ends them.

use rusqlite::{OptionalExtension, params};

use super::super::audit::{self, Entry, Kind};
use super::super::error::{Fault, StoreError};
use super::super::writer::Work;
use super::super::{Audited, Store};
use super::{EndedBy, end, of};
use crate::domain::Caller;

impl Store {
    /// Notes that somebody who is known was not let in, and why.
    ///
    /// # Errors
    /// The database refused.
    pub async fn sign_in_refused(
        &self,
        who: Caller,
        why: &'static str,
        device: String,
    ) -> Result<Audited<()>, StoreError> {
        self.write(move |work| {
            let mut entry = Entry::new(Kind::SignInRefused, why, "");
            entry.detail = Some(serde_json::json!({ "device": device }));
            audit::append(work, &who, &entry)
        })
        .await
    }

    /// Notes which of so many roles somebody picked.
    ///
    /// # Errors
    /// The database refused: it is not picked.
    pub async fn role_picked(&self, who: Caller, of: usize) -> Result<Audited<()>, StoreError> {
        self.write(move |work| {
            let mut entry = Entry::new(Kind::RolePicked, "picked", "");
            entry.detail = Some(serde_json::json!({ "role_profile": who.role_profile, "of": of }));
            audit::append(work, &who, &entry)
        })
        .await
    }

    /// Ends the session that began with the code of this hash; says whether there was one.
    ///
    /// # Errors
    /// The database refused: it goes on.
    pub async fn end_replayed(&self, session: String, code: Vec<u8>) -> Result<Audited<bool>, StoreError> {
        self.write(move |work| {
            let Some(found) = of(work, &session)?.filter(|found| !found.has_ended) else { return Ok(false) };
            let is_its = work
                .db
                .prepare_cached("SELECT 1 FROM session WHERE id = ?1 AND code = ?2")?
                .exists(params![session, code])?;
            if is_its {
                end(work, &found.caller, EndedBy::CodeReplayed)?;
            }
            Ok(is_its)
        })
        .await
    }

    /// Ends the sessions of a person at a provider, or the one that began in one of their sessions there; their ids.
    ///
    /// # Errors
    /// The database refused: they go on.
    pub async fn end_at_provider(
        &self,
        provider: String,
        subject: Option<String>,
        session: Option<String>,
    ) -> Result<Audited<Vec<String>>, StoreError> {
        self.write(move |work| {
            let found: Vec<String> = work
                .db
                .prepare_cached(
                    "SELECT id FROM session
                     WHERE provider = ?1 AND ended_ms IS NULL AND (?2 IS NULL OR subject = ?2)
                       AND (?3 IS NULL OR provider_session = ?3) AND (?2 IS NOT NULL OR ?3 IS NOT NULL)",
                )?
                .query_map(params![provider, subject, session], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            for id in &found {
                if let Some(one) = of(work, id)? {
                    end(work, &one.caller, EndedBy::Provider)?;
                }
            }
            Ok(found)
        })
        .await
    }
}

/// What names a session where its person signed in.
pub(super) fn id_token(work: &Work<'_>, session: &str) -> Result<Option<String>, Fault> {
    let mut statement = work.db.prepare_cached("SELECT id_token FROM session WHERE id = ?1")?;
    Ok(statement.query_row([session], |row| row.get(0)).optional()?.flatten())
}
