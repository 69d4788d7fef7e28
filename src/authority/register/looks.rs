//! Who opened which child's page: noted before anything of the page is shown.

use jiff::Timestamp;
use rusqlite::params;

use super::accesses::Reader;
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

    /// Who opened children's pages, the newest first: of one case, of one user, or of all.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn looks(&self, local_id: Option<&str>, reader: Option<&Reader>) -> Result<Vec<Look>, RegisterError> {
        let mut statement = self.db.prepare(
            "SELECT reader, local_id, at_ms FROM look
             WHERE (?1 IS NULL OR local_id = ?1) AND (?2 IS NULL OR reader = ?2) ORDER BY at_ms DESC, id DESC LIMIT ?3",
        )?;
        let mut rows = statement.query(params![local_id, reader.map(Reader::user), LOOKS])?;
        let mut looks = Vec::new();
        while let Some(row) = rows.next()? {
            looks.push(Look { reader: row.get(0)?, local_id: row.get(1)?, at: moment(row.get(2)?)? });
        }
        Ok(looks)
    }
}
