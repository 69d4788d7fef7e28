//! Receipts: what an authority's link has done with notifications. Only by one is a notification over.

use rusqlite::params;
use serde_json::json;

use super::super::audit::{self, Entry, Kind};
use super::super::error::{Fault, StoreError};
use super::super::writer::Work;
use super::super::{Audited, Store};
use super::registers;
use crate::domain::Caller;
use crate::exchange::notice::{Outcome, Receipts, RegisterId};

/// What became of receipts.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(in crate::hub) struct Filed {
    /// Notifications that are over by them, or say something else than before.
    pub(in crate::hub) noted: u64,
    /// Those that said so before.
    pub(in crate::hub) known: u64,
    /// Receipts of notifications that this database does not have (any more).
    pub(in crate::hub) unknown: u64,
}

impl Store {
    /// Notes receipts of an authority's own notifications.
    pub(in crate::hub) async fn notices_filed(
        &self,
        by: Caller,
        receipts: Receipts,
    ) -> Result<Audited<Filed>, StoreError> {
        self.write(move |work| note(work, &by, &receipts)).await
    }

    /// The same of a link that says with which register it asks; `None` where the authority is told with another.
    pub(in crate::hub) async fn notices_filed_with(
        &self,
        by: Caller,
        register: RegisterId,
        receipts: Receipts,
    ) -> Result<Audited<Option<Filed>>, StoreError> {
        self.write(move |work| match registers::hold(work, &by, &receipts.authority_code, Some(&register))? {
            true => note(work, &by, &receipts).map(Some),
            false => Ok(None),
        })
        .await
    }
}

fn note(work: &Work<'_>, by: &Caller, said: &Receipts) -> Result<Filed, Fault> {
    let mut filed = Filed::default();
    let mut find = work.db.prepare_cached(
        "SELECT outcome FROM outbox WHERE authority_code = ?1 AND number = ?2 AND notice_id = ?3",
    )?;
    // What is on the child's record stays there: a receipt that comes late takes nothing back.
    let mut update = work.db.prepare_cached(
        "UPDATE outbox SET outcome = ?4, state_ms = ?5,
                           state = CASE ?4 WHEN 'documented' THEN 'filed' ELSE 'delivered' END
         WHERE authority_code = ?1 AND number = ?2 AND notice_id = ?3",
    )?;
    for receipt in &said.receipts {
        let (number, id) = (receipt.mark.number, receipt.mark.id.as_str());
        let mut rows = find.query(params![said.authority_code, number, id])?;
        let Some(row) = rows.next()? else {
            filed.unknown += 1;
            continue;
        };
        let before = row.get::<_, Option<String>>(0)?.as_deref().and_then(Outcome::from_code);
        let is_late = before == Some(Outcome::DealtWith) && receipt.outcome == Outcome::Triage;
        if before == Some(Outcome::Documented) || before == Some(receipt.outcome) || is_late {
            filed.known += 1;
            continue;
        }
        drop(rows);
        update.execute(params![said.authority_code, number, id, receipt.outcome.code(), work.now_ms()])?;
        filed.noted += 1;
    }
    if filed.noted > 0 {
        let numbers = || said.receipts.iter().map(|receipt| receipt.mark.number);
        let detail = json!({ "noted": filed.noted, "from": numbers().min(), "to": numbers().max() });
        let entry = Entry { detail: Some(detail), ..Entry::new(Kind::Notices, "filed", "notifications") };
        audit::append(work, by, &entry)?;
    }
    Ok(filed)
}
