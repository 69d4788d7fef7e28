//! Who opened which child's page: noted before anything of the page is shown.

use jiff::Timestamp;
use rusqlite::{named_params, params};

use super::accesses::{MAY_SEE, Reader};
use super::{Register, RegisterError, moment};

/// Looks that are given at once, at most: the newest.
const LOOKS: u32 = 1000;

/// Somebody opened a child's page. `Debug` shows nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Look {
    /// The user.
    pub reader: String,
    /// The case.
    pub local_id: String,
    /// When.
    pub at: Timestamp,
}

impl std::fmt::Debug for Look {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Look(hidden)")
    }
}

impl Register {
    /// Notes that somebody is about to see a child's page.
    ///
    /// # Errors
    /// The register cannot be written: then nothing may be shown.
    pub fn note_look(
        &mut self,
        reader: &Reader,
        local_id: &str,
        note: &str,
        now: Timestamp,
    ) -> Result<(), RegisterError> {
        self.db
            .prepare_cached("INSERT INTO look (local_id, note_id, reader, at_ms) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![local_id, note, reader.user(), now.as_millisecond()])?;
        Ok(())
    }

    /// Who opened children's pages, the newest first: of one case, by one user, or all; and how many are left out because they are of
    /// restricted cases that whoever asks may not see.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn looks(
        &self,
        asks: &Reader,
        local_id: Option<&str>,
        by: Option<&Reader>,
    ) -> Result<(Vec<Look>, u64), RegisterError> {
        // The case as it was when the page was opened counts too: a note may have been put under another since.
        let may_see = format!(
            "{MAY_SEE} AND (NOT EXISTS (SELECT 1 FROM restricted WHERE restricted.local_id = look.local_id AND NOT EXISTS
                (SELECT 1 FROM holder WHERE holder.local_id = look.local_id AND holder.user = :reader))
                OR EXISTS (SELECT 1 FROM let_in WHERE let_in.note_id = note.id AND let_in.user = :reader))"
        );
        let wanted = "FROM look JOIN note ON note.id = look.note_id
             WHERE (:case IS NULL OR look.local_id = :case) AND (:by IS NULL OR look.reader = :by)";
        let by = by.map(Reader::user);
        let hidden: i64 = self.db.query_row(
            &format!("SELECT count(*) {wanted} AND NOT ({may_see})"),
            named_params! { ":reader": asks.user(), ":case": local_id, ":by": by },
            |row| row.get(0),
        )?;
        let mut statement = self.db.prepare(&format!(
            "SELECT look.reader, look.local_id, look.at_ms {wanted} AND {may_see} ORDER BY look.at_ms DESC, look.id DESC LIMIT {LOOKS}"
        ))?;
        let mut rows =
            statement.query(named_params! { ":reader": asks.user(), ":case": local_id, ":by": by })?;
        let mut looks = Vec::new();
        while let Some(row) = rows.next()? {
            looks.push(Look { reader: row.get(0)?, local_id: row.get(1)?, at: moment(row.get(2)?)? });
        }
        Ok((looks, hidden.unsigned_abs()))
    }
}
