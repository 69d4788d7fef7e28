//! Sessions of people who signed in at a provider: what is noted on the way, and how the provider ends them.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::audit::{self, Entry, Kind};
use super::super::error::StoreError;
use super::super::{Audited, Store};
use super::{EndedBy, end, of};
use crate::domain::Caller;
use crate::hub::limits;

/// What a provider says has ended: sessions of a person, or the one that began in one of their sessions there.
#[derive(Clone)]
pub struct EndedThere {
    /// The provider's issuer.
    pub provider: String,
    /// The person there.
    pub subject: Option<String>,
    /// The session there.
    pub session: Option<String>,
    /// Sessions that are named by their person alone end only if they began by then, in milliseconds: who has signed in
    /// since is not signed out by an old word.
    pub until_ms: i64,
    /// These besides: they began later, with a proof from before.
    pub besides: Vec<String>,
}

impl std::fmt::Debug for EndedThere {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EndedThere(hidden)")
    }
}

/// Where somebody in a session signed in, as far as it can end that. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedInAt {
    /// The provider's issuer.
    pub provider: String,
    /// Who they are there.
    pub subject: String,
    /// Their session there.
    pub session: Option<String>,
    /// The hash of the code that began it.
    pub code: Vec<u8>,
}

impl std::fmt::Debug for SignedInAt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignedInAt(hidden)")
    }
}

impl SignedInAt {
    /// `None` of a session of which somebody else answers for who it is.
    pub(super) fn of(row: &Row<'_>) -> rusqlite::Result<Option<Self>> {
        let (provider, subject) = (row.get("provider")?, row.get("subject")?);
        let (Some(provider), Some(subject)) = (provider, subject) else { return Ok(None) };
        let code: Option<Vec<u8>> = row.get("code")?;
        let code = code.unwrap_or_default();
        Ok(Some(Self { provider, subject, session: row.get("provider_session")?, code }))
    }

    /// Whether the provider's word ends a session of theirs that began then: as `end_at_provider` finds it on disk.
    pub(in crate::hub) fn is_ended(&self, begun_ms: i64, by: &EndedThere) -> bool {
        let is_session = by.session.is_some() && self.session == by.session;
        let is_before = by.subject.is_some()
            && (by.session.is_none() || self.session.is_none())
            && begun_ms <= by.until_ms;
        self.provider == by.provider
            && by.subject.as_ref().is_none_or(|subject| *subject == self.subject)
            && (is_session || is_before)
    }
}

impl From<&super::Origin> for SignedInAt {
    fn from(origin: &super::Origin) -> Self {
        Self {
            provider: origin.provider.clone(),
            subject: origin.subject.clone(),
            session: origin.session.clone(),
            code: origin.code.clone(),
        }
    }
}

impl Store {
    /// What names a session where its person signed in, until the session has ended.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn id_token(&self, session: String) -> Result<Option<String>, StoreError> {
        self.read_elsewhere(move |db| Ok(id_token(db, &session)?)).await
    }

    /// Notes that somebody who is known was not let in, and why.
    ///
    /// # Errors
    /// The database refused.
    pub async fn sign_in_refused(
        &self,
        who: Caller,
        why: &'static str,
        device: Option<String>,
    ) -> Result<Audited<()>, StoreError> {
        self.write(move |work| {
            let mut entry = Entry::new(Kind::SignInRefused, why, "");
            entry.detail = as_stated(device.as_deref());
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

    /// Forgets what names sessions where their people signed in, of those whose time is up: a slice at a time.
    ///
    /// # Errors
    /// The database refused: it is tried again later.
    pub async fn forget_id_tokens(&self) -> Result<(), StoreError> {
        loop {
            let forgotten = self.write(|work| Ok(forget_lapsed(work.db, work.now_ms())?)).await?.into_value();
            if forgotten < limits::ID_TOKENS_FORGOTTEN as usize {
                return Ok(());
            }
        }
    }

    /// Ends the sessions of a person at a provider, or the one that began in one of their sessions there; their ids.
    ///
    /// # Errors
    /// The database refused: they go on.
    pub async fn end_at_provider(&self, ended: EndedThere) -> Result<Audited<Vec<String>>, StoreError> {
        self.write(move |work| {
            let EndedThere { provider, subject, session, until_ms, besides } = ended;
            // By session where both name one; otherwise by person, and then only those that began before.
            let mut found: Vec<String> = work
                .db
                .prepare_cached(
                    "SELECT id FROM session
                     WHERE provider = ?1 AND ended_ms IS NULL AND (?2 IS NULL OR subject = ?2)
                       AND (provider_session = ?3
                            OR (?2 IS NOT NULL AND (?3 IS NULL OR provider_session IS NULL) AND begun_ms <= ?4))",
                )?
                .query_map(params![provider, subject, session, until_ms], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            for id in besides {
                let goes_on = of(work, &id)?.is_some_and(|one| !one.has_ended);
                if goes_on && !found.contains(&id) {
                    found.push(id);
                }
            }
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

/// The computer in the audit log: whoever began the sign-in named it, and may have named another one.
pub(super) fn as_stated(device: Option<&str>) -> Option<serde_json::Value> {
    device.map(|device| serde_json::json!({ "device_as_stated": device }))
}

/// Forgets what names the sessions of a restored database where their people signed in; an older one knows no such thing.
pub(super) fn forget_all(db: &Connection) -> rusqlite::Result<()> {
    let knows = "SELECT 1 FROM pragma_table_info('session') WHERE name = 'id_token'";
    if db.query_row(knows, [], |_| Ok(())).optional()?.is_some() {
        db.execute("UPDATE session SET id_token = NULL WHERE id_token IS NOT NULL", [])?;
    }
    Ok(())
}

/// Forgets it of so many sessions whose time is up and that nobody has ended; how many there were.
fn forget_lapsed(db: &Connection, now_ms: i64) -> rusqlite::Result<usize> {
    db.prepare_cached(
        "UPDATE session SET id_token = NULL WHERE rowid IN
             (SELECT rowid FROM session WHERE over_ms <= ?1 AND id_token IS NOT NULL LIMIT ?2)",
    )?
    .execute(params![now_ms, limits::ID_TOKENS_FORGOTTEN])
}

fn id_token(db: &Connection, session: &str) -> rusqlite::Result<Option<String>> {
    let mut statement = db.prepare_cached("SELECT id_token FROM session WHERE id = ?1")?;
    Ok(statement.query_row([session], |row| row.get(0)).optional()?.flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(db: &Connection) -> Vec<String> {
        let mut statement =
            db.prepare("SELECT id FROM session WHERE id_token IS NOT NULL ORDER BY id").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn nothing_of_the_providers_outlives_a_session_or_a_restore() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(
            "CREATE TABLE session (id, over_ms, ended_ms, ended_by, id_token);
             INSERT INTO session VALUES ('a', 1000, NULL, NULL, 'x'), ('b', 1001, NULL, NULL, 'x');",
        )
        .unwrap();
        assert_eq!((forget_lapsed(&db, 1000).unwrap(), left(&db)), (1, vec!["b".to_owned()]));
        forget_all(&db).unwrap();
        assert_eq!(left(&db), Vec::<String>::new());
        let older = Connection::open_in_memory().unwrap();
        older.execute_batch("CREATE TABLE session (id, ended_ms, ended_by)").unwrap();
        forget_all(&older).unwrap();
    }
}
