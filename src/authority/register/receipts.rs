//! What the hub is to be told, and what it has taken.

use jiff::Timestamp;
use rusqlite::params;

use super::{Register, RegisterError, id_of, moment};
use crate::exchange::notice::{MOST, Mark, Outcome, Receipt};

impl Register {
    /// The next receipts that the hub does not have: of what is in the record, on a list, or dealt with. The newest first: what came today
    /// does not wait behind everything that is sent once more. They are given in the order of their numbers.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn receipts(&self) -> Result<Vec<Receipt>, RegisterError> {
        let mut statement = self.db.prepare_cached(
            "SELECT number, id, outcome, at_ms FROM
                 (SELECT notice.number, notice.id, notice.told, coalesce(part.done_ms, note.since_ms) AS at_ms,
                         CASE WHEN part.state = 'done' THEN 'documented' WHEN part.state = 'dealt-with' THEN 'dealt-with'
                              WHEN note.standing = 'triage' THEN 'triage' END AS outcome
                  FROM notice INDEXED BY notice_not_told
                  JOIN note ON note.id = notice.note_id JOIN part ON part.notice_id = notice.id
                  WHERE notice.told IS NOT 'documented' AND notice.told IS NOT 'dealt-with'
                  UNION ALL
                  SELECT notice.number, notice.id, notice.told, coalesce(inactive.settled_ms, inactive.since_ms),
                         CASE WHEN inactive.settled_ms IS NULL THEN 'triage' ELSE 'dealt-with' END
                  FROM notice INDEXED BY notice_not_told JOIN inactive ON inactive.notice_id = notice.id
                  WHERE notice.told IS NOT 'documented' AND notice.told IS NOT 'dealt-with')
             WHERE outcome IS NOT NULL AND told IS NOT outcome ORDER BY number DESC LIMIT ?1",
        )?;
        let mut rows = statement.query([i64::try_from(MOST).unwrap_or(i64::MAX)])?;
        let mut receipts = Vec::new();
        while let Some(row) = rows.next()? {
            let id: String = row.get(1)?;
            receipts.push(Receipt {
                mark: Mark { number: row.get(0)?, id: id_of(&id)? },
                outcome: Outcome::from_code(&row.get::<_, String>(2)?)
                    .ok_or(RegisterError::Damaged("a receipt"))?,
                at: moment(row.get(3)?)?,
            });
        }
        receipts.reverse();
        Ok(receipts)
    }

    /// Notes that the hub has taken none of those that went under a name: they are sent again. Where it is not known which did
    /// not arrive, all are; and so are those of which nobody kept under which name they went, which changes nothing where they have.
    ///
    /// # Errors
    /// The register cannot be written.
    pub fn tell_again(&mut self, name: Option<&str>) -> Result<(), RegisterError> {
        self.db.execute(
            "UPDATE notice SET told = NULL WHERE told IS NOT NULL AND (?1 IS NULL OR told_in = ?1 OR told_in IS NULL)",
            [name],
        )?;
        Ok(())
    }

    /// Notes that the hub has taken these, and under which name they went.
    ///
    /// # Errors
    /// The register cannot be written: they are sent again, which changes nothing.
    pub fn receipts_taken(
        &mut self,
        receipts: &[Receipt],
        name: Option<&str>,
        now: Timestamp,
    ) -> Result<(), RegisterError> {
        let work = self.db.transaction()?;
        for receipt in receipts {
            work.prepare_cached("UPDATE notice SET told = ?2, told_in = ?3 WHERE id = ?1")?
                .execute(params![receipt.mark.id.as_str(), receipt.outcome.code(), name])?;
        }
        work.execute("UPDATE link SET heard_ms = ?1", [now.as_millisecond()])?;
        Ok(work.commit()?)
    }
}
