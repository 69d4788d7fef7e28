//! What waits to be told, by authority: counts and ages, and nothing about anybody.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::super::error::{Fault, StoreError};
use super::super::{Store, codec};
use crate::config::hub::OverdueBefore;

/// What one authority has not been told, or has not filed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its ODS code.
    pub authority_code: String,
    /// Not yet on its link's disk.
    pub unsent: u64,
    /// When the oldest of these was queued.
    pub oldest_unsent: Option<Timestamp>,
    /// Of these, how many are older than asked for.
    pub overdue_unsent: u64,
    /// On its link's disk, and no receipt yet.
    pub unfiled: u64,
    /// Of these, how many are older than asked for.
    pub overdue_unfiled: u64,
    /// When the oldest of these was queued.
    pub oldest_unfiled: Option<Timestamp>,
    /// On the list that the authority works off by hand.
    pub triage: u64,
    /// The last number that was given.
    pub last: u32,
}

impl Waiting {
    /// How many wait for longer than they may, wherever they wait.
    #[must_use]
    pub fn overdue(&self) -> u64 {
        self.overdue_unsent.saturating_add(self.overdue_unfiled)
    }
}

impl Store {
    /// What each authority that was ever to be told has not been told or not filed.
    ///
    /// # Errors
    /// The database refused.
    pub async fn notices_waiting(&self, before: OverdueBefore) -> Result<Vec<Waiting>, StoreError> {
        self.read_elsewhere(move |db| waiting(db, before)).await
    }
}

pub(in crate::hub::store) fn waiting(db: &Connection, before: OverdueBefore) -> Result<Vec<Waiting>, Fault> {
    let mut statement = db.prepare_cached(
        "SELECT notice_last.authority_code, notice_last.number,
                count(*) FILTER (WHERE state IN ('queued', 'returned')),
                min(at_ms) FILTER (WHERE state IN ('queued', 'returned')),
                count(*) FILTER (WHERE state IN ('queued', 'returned') AND at_ms < ?1),
                count(*) FILTER (WHERE state NOT IN ('queued', 'returned')),
                min(at_ms) FILTER (WHERE state NOT IN ('queued', 'returned')),
                (SELECT count(*) FROM outbox AS listed WHERE listed.authority_code = notice_last.authority_code
                   AND listed.outcome = 'triage'),
                count(*) FILTER (WHERE state NOT IN ('queued', 'returned') AND at_ms < ?2)
         FROM notice_last LEFT JOIN outbox INDEXED BY outbox_unfiled
              ON outbox.authority_code = notice_last.authority_code AND outbox.outcome IS NULL
         GROUP BY notice_last.authority_code ORDER BY notice_last.authority_code",
    )?;
    let mut rows =
        statement.query(params![before.unsent.as_millisecond(), before.unfiled.as_millisecond()])?;
    let mut waiting = Vec::new();
    while let Some(row) = rows.next()? {
        let count = |column: usize| row.get::<_, i64>(column).map(i64::unsigned_abs);
        let moment = |column: usize| -> Result<Option<Timestamp>, Fault> {
            row.get::<_, Option<i64>>(column)?.map(codec::moment).transpose()
        };
        waiting.push(Waiting {
            authority_code: row.get(0)?,
            last: row.get(1)?,
            unsent: count(2)?,
            oldest_unsent: moment(3)?,
            overdue_unsent: count(4)?,
            // The one row that an outer join makes up has no state.
            unfiled: count(5)?,
            oldest_unfiled: moment(6)?,
            triage: count(7)?,
            overdue_unfiled: count(8)?,
        });
    }
    Ok(waiting)
}
