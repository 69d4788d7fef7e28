//! What somebody does not recognise comes before the manager of the case's team, once, whoever was alerted of it before, and
//! whoever has looked into it since.

use jiff::Timestamp;
use rusqlite::{TransactionBehavior, params};

use super::{Cases, Register, RegisterError, Routing, WAITING, make, waiting};
use crate::authority::routing::disputed;

impl Register {
    /// Alerts of what was said not to be recognised since this was done last; how many alerts.
    ///
    /// # Errors
    /// The register cannot be written. What cannot be known now is the inner error: it is told the next time.
    pub(super) fn tell_of_disputes(
        &mut self,
        table: &Routing,
        cases: &dyn Cases,
        now: Timestamp,
    ) -> Result<Result<u64, String>, RegisterError> {
        let untold: Vec<_> = {
            let mut statement = self.db.prepare_cached(&format!(
                "{WAITING} JOIN not_recognised ON not_recognised.note_id = part.note_id AND not_recognised.part = part.part
                 WHERE not_recognised.told_ms IS NULL"
            ))?;
            statement.query_map([], waiting)?.collect::<Result<_, _>>()?
        };
        let mut made = 0;
        for waiting in &untold {
            let access = match self.access_of(waiting, table, cases)? {
                Ok(access) => access,
                Err(why) => return Ok(Err(why)),
            };
            let work = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for alert in &disputed(&access, table, now) {
                // Whoever was alerted of it because nobody had read it hears of this all the same.
                let of = params![waiting.notice, alert.role.code(), alert.name];
                let known = "notice_id = ?1 AND role = ?2 AND name = ?3";
                work.execute(
                    &format!("DELETE FROM mail WHERE alert_id IN (SELECT id FROM alert WHERE {known})"),
                    of,
                )?;
                work.execute(&format!("UPDATE alert SET is_over = 1 WHERE {known}"), of)?;
                made += make(&work, table, waiting, alert, now)?;
            }
            work.execute(
                "UPDATE not_recognised SET told_ms = ?3 WHERE note_id = ?1 AND part = ?2",
                params![waiting.note, waiting.part, now.as_millisecond()],
            )?;
            work.commit()?;
        }
        Ok(Ok(made))
    }
}
