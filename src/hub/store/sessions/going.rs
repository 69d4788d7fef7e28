//! Sessions that go on: who has been at work, what is on disk of one, and how one is ended from elsewhere.

use rusqlite::{OptionalExtension, params};

use super::super::error::StoreError;
use super::super::{Audited, Store};
use super::{COLUMNS, EndedBy, HELD, SessionHeld, end, held, of};

impl Store {
    /// Ends a session, if it has not ended.
    ///
    /// # Errors
    /// The database refused.
    pub async fn end_session(&self, id: String, by: EndedBy) -> Result<Audited<()>, StoreError> {
        self.write(move |work| match of(work, &id)?.filter(|session| !session.has_ended) {
            Some(session) => end(work, &session.caller, by),
            None => Ok(()),
        })
        .await
    }

    /// Writes when somebody last asked for something in these sessions, so that a hub that starts knows it.
    ///
    /// # Errors
    /// The database refused.
    pub async fn note_activity(&self, last: Vec<(String, i64)>) -> Result<Audited<()>, StoreError> {
        self.write(move |work| {
            let mut note =
                work.db.prepare_cached("UPDATE session SET active_ms = max(active_ms, ?2) WHERE id = ?1")?;
            for (id, active_ms) in &last {
                note.execute(params![id, active_ms])?;
            }
            Ok(())
        })
        .await
    }

    /// A session, as it is on disk.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn session(&self, id: String) -> Result<Option<SessionHeld>, StoreError> {
        self.read_elsewhere(move |db| {
            let mut statement =
                db.prepare_cached(&format!("SELECT {COLUMNS}, {HELD} FROM session WHERE id = ?1"))?;
            Ok(statement.query_row([&id], held).optional()?.flatten())
        })
        .await
    }
}
