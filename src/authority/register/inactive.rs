//! NHS numbers that are no longer in use: each stands on the list of what hospitals do not see as it is, until the extract has a
//! working number in its place or no current plan is left under it. The hub hears of both, so that a link that has lost its
//! register is told again.

use jiff::Timestamp;
use rusqlite::{Transaction, TransactionBehavior, params};

use super::notes::Cases;
use super::{Register, RegisterError, moment};
use crate::domain::NhsNumber;
use crate::exchange::notice::InactiveNumber;

/// A number that is no longer in use. `Debug` shows nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Inactive {
    /// The notice.
    id: String,
    /// The authority's own id of the person.
    pub local_id: String,
    /// The number, as the authority sent it.
    pub number: NhsNumber,
    /// The one that has taken its place; `None` where the identity ended.
    pub replaced_by: Option<NhsNumber>,
    /// When the hub learnt of it.
    pub at: Timestamp,
    /// The extract that was read last when the notice came.
    pub extract_seen: i64,
}

impl std::fmt::Debug for Inactive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Inactive(hidden)")
    }
}

/// Puts a notice on the list. Of one local id and number the latest holds: of two notices the earlier one is over.
pub(super) fn place(
    work: &Transaction<'_>,
    notice: &InactiveNumber,
    extract_seen: i64,
    now: Timestamp,
) -> Result<(), RegisterError> {
    let id = notice.mark.id.as_str();
    let (number, at_ms, now_ms) = (notice.number.digits(), notice.at.as_millisecond(), now.as_millisecond());
    let is_overtaken = work
        .prepare_cached("SELECT 1 FROM inactive WHERE local_id = ?1 AND number = ?2 AND at_ms > ?3")?
        .exists(params![notice.local_id, number, at_ms])?;
    work.prepare_cached(
        "UPDATE inactive SET settled_ms = ?4
         WHERE local_id = ?1 AND number = ?2 AND at_ms <= ?3 AND settled_ms IS NULL",
    )?
    .execute(params![notice.local_id, number, at_ms, now_ms])?;
    work.prepare_cached(
        "INSERT INTO inactive (notice_id, local_id, number, replaced_by, at_ms, since_ms, extract_seen, settled_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        id,
        notice.local_id,
        number,
        notice.replaced_by.map(NhsNumber::digits),
        at_ms,
        now_ms,
        extract_seen,
        is_overtaken.then_some(now_ms)
    ])?;
    // It has its place, and is in no note.
    work.prepare_cached("UPDATE notice SET note_id = id WHERE id = ?1")?.execute([id])?;
    Ok(())
}

impl Register {
    /// Numbers that are no longer in use, and that nobody has mended; the longest known first.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn inactive(&self) -> Result<Vec<Inactive>, RegisterError> {
        let number = |text: &str| NhsNumber::parse(text).map_err(|_| RegisterError::Damaged("a number"));
        let mut statement = self.db.prepare_cached(
            "SELECT notice_id, local_id, number, replaced_by, at_ms, extract_seen FROM inactive
             WHERE settled_ms IS NULL ORDER BY at_ms, local_id, number",
        )?;
        let mut rows = statement.query([])?;
        let mut list = Vec::new();
        while let Some(row) = rows.next()? {
            list.push(Inactive {
                id: row.get(0)?,
                local_id: row.get(1)?,
                number: number(&row.get::<_, String>(2)?)?,
                replaced_by: row.get::<_, Option<String>>(3)?.as_deref().map(number).transpose()?,
                at: moment(row.get(4)?)?,
                extract_seen: row.get(5)?,
            });
        }
        Ok(list)
    }

    /// How many these are, and how many there ever were.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn count_inactive(&self) -> Result<(u64, u64), RegisterError> {
        let sql = "SELECT count(*) FILTER (WHERE settled_ms IS NULL), count(*) FROM inactive";
        let (open, all): (i64, i64) =
            self.db.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok((open.unsigned_abs(), all.unsigned_abs()))
    }

    /// Takes from the list what was mended; how many there were.
    ///
    /// # Errors
    /// The register cannot be written. What cannot be known now is the inner error: it stays on the list.
    pub fn settle_inactive(
        &mut self,
        cases: &dyn Cases,
        now: Timestamp,
    ) -> Result<Result<u64, String>, RegisterError> {
        let open = self.inactive()?;
        if open.is_empty() {
            return Ok(Ok(0));
        }
        let mended = match cases.mended(&open, now) {
            Ok(mended) => mended,
            Err(why) => return Ok(Err(why)),
        };
        let over: Vec<&Inactive> =
            open.iter().zip(mended).filter(|(_, is_mended)| *is_mended).map(|(of, _)| of).collect();
        if over.is_empty() {
            return Ok(Ok(0));
        }
        let work = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut settled = 0;
        for of in over {
            settled += work
                .prepare_cached(
                    "UPDATE inactive SET settled_ms = ?2 WHERE notice_id = ?1 AND settled_ms IS NULL",
                )?
                .execute(params![of.id, now.as_millisecond()])? as u64;
        }
        work.commit()?;
        Ok(Ok(settled))
    }
}
