//! Who is responsible for the cases that have notes, and which of them are restricted: as it was last known.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{OptionalExtension, TransactionBehavior, params};

use super::accesses::Reader;
use super::{Register, RegisterError};

/// Who is responsible for a case, as the case management system names them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Responsible {
    /// The worker.
    pub worker: Option<String>,
    /// The team.
    pub team: Option<String>,
}

impl Register {
    /// Notes who is responsible for a case now.
    ///
    /// # Errors
    /// The register cannot be written.
    pub fn note_responsible(&mut self, local_id: &str, who: &Responsible) -> Result<(), RegisterError> {
        // Nothing is written where nothing has changed.
        self.db
            .prepare_cached(
                "INSERT INTO responsible (local_id, worker, team) VALUES (?1, ?2, ?3)
                 ON CONFLICT (local_id) DO UPDATE SET worker = ?2, team = ?3
                 WHERE worker IS NOT ?2 OR team IS NOT ?3",
            )?
            .execute(params![local_id, who.worker, who.team])?;
        Ok(())
    }

    /// Who is responsible for a case, as it was last known.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn responsible(&self, local_id: &str) -> Result<Responsible, RegisterError> {
        let found = self
            .db
            .prepare_cached("SELECT worker, team FROM responsible WHERE local_id = ?1")?
            .query_row([local_id], |row| Ok(Responsible { worker: row.get(0)?, team: row.get(1)? }))
            .optional()?;
        Ok(found.unwrap_or_default())
    }

    /// Notes which cases are restricted by the list of the configuration, each with its holders, and which by a mark in the
    /// extract, with the holders of these. A mark of the extract goes only where the extract has the case without one.
    ///
    /// # Errors
    /// The register cannot be written.
    pub fn note_restricted(
        &mut self,
        listed: &BTreeMap<String, BTreeSet<Reader>>,
        marked: &BTreeSet<String>,
        unmarked: &dyn Fn(&str) -> bool,
        holders: &BTreeSet<Reader>,
    ) -> Result<(), RegisterError> {
        let work = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let before: Vec<String> = work
            .prepare_cached("SELECT local_id FROM restricted WHERE by_extract = 1")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let kept = before.into_iter().filter(|local_id| !unmarked(local_id));
        let marked: BTreeSet<String> = marked.iter().cloned().chain(kept).collect();
        let mut wanted = BTreeSet::new();
        for local_id in marked.iter().chain(listed.keys()).collect::<BTreeSet<_>>() {
            let own = listed.get(local_id);
            wanted.insert((local_id.clone(), marked.contains(local_id), own.is_some(), None));
            for holder in own.filter(|own| !own.is_empty()).unwrap_or(holders) {
                wanted.insert((local_id.clone(), false, false, Some(holder.user().to_owned())));
            }
        }
        // This is asked every few seconds: nothing is written where nothing has changed.
        let before = noted(&work)?;
        if wanted == before {
            return Ok(());
        }
        work.execute_batch("DELETE FROM restricted; DELETE FROM holder;")?;
        for (local_id, by_extract, by_list, holder) in &wanted {
            match holder {
                None => work
                    .prepare_cached(
                        "INSERT INTO restricted (local_id, by_extract, by_list) VALUES (?1, ?2, ?3)",
                    )?
                    .execute(params![local_id, by_extract, by_list])?,
                Some(user) => work
                    .prepare_cached("INSERT INTO holder (local_id, user) VALUES (?1, ?2)")?
                    .execute(params![local_id, user])?,
            };
        }
        let (was, is) = (audiences(&before), audiences(&wanted));
        for local_id in was.keys().chain(is.keys()).collect::<BTreeSet<_>>() {
            if was.get(local_id) != is.get(local_id) {
                Self::route_unread_again(&work, local_id)?;
            }
        }
        Ok(work.commit()?)
    }

    /// Keeps whoever no longer comes last for restricted cases from what they were alerted of: as if they had not been.
    ///
    /// # Errors
    /// The register cannot be written.
    pub fn keep_let_in(&mut self, last: &BTreeSet<Reader>) -> Result<(), RegisterError> {
        let work = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let let_in: Vec<(String, String)> = {
            let mut statement = work.prepare_cached("SELECT note_id, user FROM let_in")?;
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?
        };
        for (note, user) in let_in.iter().filter(|(_, user)| !last.iter().any(|last| last.user() == *user)) {
            Self::shut_out(&work, note, user)?;
        }
        Ok(work.commit()?)
    }

    /// How many restricted cases have one holder, or none.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn held_by_few(&self) -> Result<u64, RegisterError> {
        let count: i64 = self.db.query_row(
            "SELECT count(*) FROM restricted
             WHERE (SELECT count(*) FROM holder WHERE holder.local_id = restricted.local_id) < 2",
            [],
            |row| row.get(0),
        )?;
        Ok(count.unsigned_abs())
    }

    /// Which cases are restricted by the list of the configuration, each with its holders, as it was last known.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn listed_before(&self) -> Result<BTreeMap<String, BTreeSet<Reader>>, RegisterError> {
        let mut statement = self.db.prepare_cached(
            "SELECT restricted.local_id, holder.user FROM restricted LEFT JOIN holder ON holder.local_id = restricted.local_id
             WHERE by_list = 1",
        )?;
        let mut rows = statement.query([])?;
        let mut listed: BTreeMap<String, BTreeSet<Reader>> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let user: Option<String> = row.get(1)?;
            listed.entry(row.get(0)?).or_default().extend(user.and_then(|user| Reader::named(&user)));
        }
        Ok(listed)
    }

    /// Who may see the notes of a case; `None` where it is not restricted.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn holders(&self, local_id: &str) -> Result<Option<Vec<String>>, RegisterError> {
        if !self.db.prepare_cached("SELECT 1 FROM restricted WHERE local_id = ?1")?.exists([local_id])? {
            return Ok(None);
        }
        let mut statement =
            self.db.prepare_cached("SELECT user FROM holder WHERE local_id = ?1 ORDER BY user")?;
        let users = statement.query_map([local_id], |row| row.get(0))?;
        Ok(Some(users.collect::<Result<_, _>>()?))
    }
}

/// A restricted case with its marks, or one of its holders.
type Noted = (String, bool, bool, Option<String>);

/// Of each restricted case its holders.
fn audiences(noted: &BTreeSet<Noted>) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut audiences: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (local_id, _, _, holder) in noted {
        audiences.entry(local_id).or_default().extend(holder.as_deref());
    }
    audiences
}

fn noted(work: &rusqlite::Transaction<'_>) -> Result<BTreeSet<Noted>, RegisterError> {
    let mut statement = work.prepare_cached(
        "SELECT local_id, by_extract, by_list, NULL FROM restricted
         UNION ALL SELECT local_id, 0, 0, user FROM holder",
    )?;
    let all = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    Ok(all.collect::<Result<_, _>>()?)
}
