//! What an operator watches of the database: how much waits, how old things are, how large it has become.
//! No value of any person's row.

use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension};

use super::Store;
use super::codec;
use super::error::{Fault, StoreError};
use super::notices::{Waiting, waiting};
use crate::config::hub::OverdueBefore;
use crate::domain::OdsCode;
use crate::hub::limits;

/// The database in numbers.
#[derive(Debug, Clone)]
pub struct Figures {
    /// Rows of the outbox by state.
    pub outbox: [(&'static str, u64); 4],
    /// When the oldest message that waits to be sent was queued.
    pub oldest_unsent: Option<Timestamp>,
    /// When the newest audit entry was written.
    pub newest_audit: Option<Timestamp>,
    /// When an authority's plans last arrived, or, where none ever did, since when it is expected to send; by its ODS
    /// code; only codes that look like one, and not without end.
    pub uploads: Vec<(String, Timestamp)>,
    /// When the last backup was made; where none ever was, when the audit log begins: a hub that was begun today lacks none
    /// yet.
    pub last_backup: Option<Timestamp>,
    /// Whether the last backup that came to an end failed.
    pub backup_failed: bool,
    /// When what is over its time was last removed; where it never was, when the audit log begins.
    pub last_retention: Option<Timestamp>,
    /// What authorities were not told, or have not filed.
    pub waiting: Vec<Waiting>,
    /// How many people are held.
    pub people: u64,
    /// How many authorities there are.
    pub authorities: u64,
    /// The schema's version.
    pub schema: i64,
    /// Size of the file.
    pub database_bytes: u64,
    /// Size of its write-ahead log.
    pub wal_bytes: u64,
}

/// The connection that reads them, apart from those that searches need, and what it read last.
pub(super) struct Figuring {
    pub(super) db: Connection,
    pub(super) path: PathBuf,
    pub(super) last: Option<Last>,
}

/// What was read last, when, and what was overdue then.
pub(super) struct Last {
    at: Instant,
    before: OverdueBefore,
    figures: Figures,
}

impl Store {
    /// The database in numbers; read anew at most every few seconds, however often somebody asks, and from no connection that
    /// a search waits for. What was queued before these moments is overdue.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn figures(&self, before: OverdueBefore) -> Result<Figures, StoreError> {
        let store = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            let mut figuring = store.0.figuring.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some(last) = &figuring.last
                && last.at.elapsed() < limits::FIGURES_EVERY
                && is_as_good(last.before, before)
            {
                return Ok(last.figures.clone());
            }
            let read = read(&figuring.db, &figuring.path, before);
            let figures = read.map_err(|fault| fault.into_error("figures"))?;
            figuring.last = Some(Last { at: Instant::now(), before, figures: figures.clone() });
            Ok(figures)
        });
        read.await.unwrap_or(Err(StoreError::Closed))
    }
}

/// Whether what was overdue then is still what is: the hub's clock has not been set meanwhile.
fn is_as_good(then: OverdueBefore, now: OverdueBefore) -> bool {
    let every = SignedDuration::try_from(limits::FIGURES_EVERY).unwrap_or(SignedDuration::MAX);
    then.unsent.duration_since(now.unsent).abs() <= every
}

/// By the index of backups alone, in the order in which they were noted.
pub(super) const LAST_MADE: &str =
    "SELECT at_ms FROM audit WHERE kind = 'backup' AND outcome = 'made' ORDER BY id DESC LIMIT 1";
pub(super) const LAST_FAILED: &str =
    "SELECT at_ms FROM audit WHERE kind = 'backup' AND outcome = 'failed' ORDER BY id DESC LIMIT 1";
pub(super) const LAST_RETENTION: &str = "SELECT at_ms FROM retention_run";
pub(super) const FIRST_ENTRY: &str = "SELECT at_ms FROM audit ORDER BY id LIMIT 1";

const STATES: &str = "SELECT state, count(*) FROM outbox GROUP BY state";
const WAITING: &str = "SELECT min(at_ms) FROM outbox INDEXED BY outbox_by_state WHERE state = 'queued'";
const UPLOADS: &str = "SELECT code, last FROM
    (SELECT code, coalesce(
        (SELECT max(at_ms) FROM upload WHERE authority_code = code AND is_taken = 1),
        (SELECT since_ms FROM authority_expected AS expected WHERE expected.code = known.code)) AS last
     FROM (SELECT code FROM authority UNION SELECT code FROM authority_expected) AS known)
    WHERE last IS NOT NULL ORDER BY code";

fn read(db: &Connection, path: &Path, before: OverdueBefore) -> Result<Figures, Fault> {
    let mut outbox = [("queued", 0), ("delivered", 0), ("filed", 0), ("returned", 0)];
    let mut statement = db.prepare_cached(STATES)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let state: String = row.get(0)?;
        if let Some(known) = outbox.iter_mut().find(|(known, _)| *known == state) {
            known.1 = u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
        }
    }
    let moment = |sql: &str| -> Result<Option<Timestamp>, Fault> {
        let at: Option<i64> = db.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?.flatten();
        at.map(codec::moment).transpose()
    };
    let count = |sql: &str| db.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0));
    let (begun, made, failed) = (moment(FIRST_ENTRY)?, moment(LAST_MADE)?, moment(LAST_FAILED)?);
    Ok(Figures {
        last_backup: made.or(begun),
        backup_failed: failed.is_some_and(|failed| made.is_none_or(|made| made < failed)),
        last_retention: moment(LAST_RETENTION)?.or(begun),
        waiting: waiting(db, before)?,
        outbox,
        oldest_unsent: moment(WAITING)?,
        newest_audit: moment("SELECT at_ms FROM audit ORDER BY id DESC LIMIT 1")?,
        uploads: uploads(db)?,
        people: u64::try_from(count("SELECT count(*) FROM person")?).unwrap_or(0),
        authorities: u64::try_from(count("SELECT count(*) FROM authority")?).unwrap_or(0),
        schema: count("PRAGMA user_version")?,
        database_bytes: size(path),
        wal_bytes: size(&PathBuf::from(format!("{}-wal", path.display()))),
    })
}

fn uploads(db: &Connection) -> Result<Vec<(String, Timestamp)>, Fault> {
    let mut statement = db.prepare_cached(UPLOADS)?;
    let mut rows = statement.query([])?;
    let mut uploads = Vec::new();
    while let Some(row) = rows.next()? {
        let code: String = row.get(0)?;
        // It came with a load file: what does not look like a code goes into no label.
        if OdsCode::parse(&code).is_some() && uploads.len() < limits::METRIC_AUTHORITIES {
            uploads.push((code, codec::moment(row.get(1)?)?));
        }
    }
    Ok(uploads)
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}

#[cfg(test)]
mod tests {
    use super::super::StoreSettings;
    use super::*;
    use crate::config::hub::Synchronous;
    use crate::domain::TailDays;
    use crate::hub::clock::Clock;
    use crate::hub::disk::Disk;

    #[test]
    fn what_grows_with_every_view_is_counted_from_an_index() {
        let mut db = Connection::open_in_memory().unwrap();
        super::super::MIGRATIONS.to_latest(&mut db).unwrap();
        let plan = |sql: &str| -> Vec<String> {
            let mut explained = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            explained.query_map([], |row| row.get(3)).unwrap().collect::<Result<_, _>>().unwrap()
        };
        for (sql, index) in [
            (STATES, "outbox_by_state"),
            (WAITING, "COVERING INDEX outbox_by_state (state=?)"),
            (UPLOADS, "upload_by_authority"),
            (LAST_MADE, "SEARCH audit USING INDEX audit_of_backups (outcome=?)"),
            (LAST_FAILED, "SEARCH audit USING INDEX audit_of_backups (outcome=?)"),
        ] {
            let plan = plan(sql).join("; ");
            assert!(plan.contains(index), "{sql}: {plan}");
        }
        let family =
            "SELECT count(DISTINCT person_id) FROM person_name WHERE family_folded = 'x' AND is_current";
        assert!(plan(family).join("; ").contains("COVERING INDEX name_by_family_folded"));
    }

    #[tokio::test]
    async fn what_was_read_is_kept_for_a_while_and_then_read_anew() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hub.db");
        let settings = StoreSettings {
            path: path.clone(),
            synchronous: Synchronous::Full,
            tails: TailDays::default(),
            disk: Disk::of(&path),
        };
        let store = Store::open(&settings, Clock::system()).unwrap();
        let (now, later) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH + SignedDuration::from_mins(1));
        let before = OverdueBefore { unsent: now, unfiled: now };
        assert_eq!(store.figures(before).await.unwrap().people, 0);
        let other = Connection::open(&path).unwrap();
        other
            .execute("INSERT INTO person (gender, deceased, restricted) VALUES ('female', 'no', 0)", [])
            .unwrap();
        assert_eq!(store.figures(before).await.unwrap().people, 0, "however often somebody asks");
        // As if it were later.
        if let Some(Last { at, .. }) = &mut store.0.figuring.lock().unwrap().last {
            *at = at.checked_sub(limits::FIGURES_EVERY).unwrap();
        }
        assert_eq!(store.figures(before).await.unwrap().people, 1);
        other.execute_batch("DELETE FROM person").unwrap();
        assert_eq!(store.figures(before).await.unwrap().people, 1);
        let before = OverdueBefore { unsent: later, unfiled: later };
        assert_eq!(store.figures(before).await.unwrap().people, 0, "the hub's clock has gone on");
    }
}
