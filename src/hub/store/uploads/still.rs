//! What is held of an authority and was not in its full refresh: it decides about each, since absence never deletes.

use rusqlite::{Connection, params};

use crate::domain::{PlanKind, PlanPeriod};
use crate::exchange::StillHeld;
use crate::hub::store::codec;
use crate::hub::store::error::Fault;

/// A page of them, with their rows' ids. Only the authority's own ids and numbers, as it sent them: nothing of what has become of
/// a number since.
pub(super) fn held(
    db: &Connection,
    authority: &str,
    upload: i64,
    after: i64,
) -> Result<Vec<(i64, StillHeld)>, Fault> {
    let mut statement = db.prepare_cached(
        "SELECT id, local_id, number_uploaded, kind, start_day, end_day FROM plan
         WHERE authority_code = ?1 AND upload_id < ?2 AND id > ?3 ORDER BY id LIMIT 1000",
    )?;
    let mut rows = statement.query(params![authority, upload, after])?;
    let mut page = Vec::new();
    while let Some(row) = rows.next()? {
        let (number, kind, start): (String, String, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
        let end: Option<String> = row.get(5)?;
        let plan = StillHeld {
            local_id: row.get(1)?,
            number: codec::number(&number)?,
            kind: PlanKind::from_code(&kind).ok_or(Fault::Corrupt("a plan's kind"))?,
            period: PlanPeriod {
                start: codec::day(&start)?,
                end: end.as_deref().map(codec::day).transpose()?,
            },
        };
        page.push((row.get(0)?, plan));
    }
    Ok(page)
}
