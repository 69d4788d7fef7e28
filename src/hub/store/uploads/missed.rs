//! Which authorities should send and do not: those of the configuration, and no others, however often others sent before.

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use crate::domain::OdsCode;
use crate::hub::limits;
use crate::hub::store::error::{Fault, StoreError};
use crate::hub::store::{Store, codec};

/// Of each, since when nothing of it could be taken; since it is expected, where that is later.
const SINCE: &str = "SELECT code, max(since_ms, coalesce(
        (SELECT max(at_ms) FROM upload WHERE authority_code = code AND is_taken = 1), since_ms)) AS last
    FROM authority_expected ORDER BY code";

impl Store {
    /// The authorities that are configured, and of which nothing could be taken for too long, each with since when.
    ///
    /// # Errors
    /// The database refused.
    pub async fn missed_authorities(&self, now: Timestamp) -> Result<Vec<(String, Timestamp)>, StoreError> {
        self.read_elsewhere(move |db| missed(db, now)).await
    }
}

fn missed(db: &Connection, now: Timestamp) -> Result<Vec<(String, Timestamp)>, Fault> {
    let most = SignedDuration::try_from(limits::UPLOAD_MISSED).unwrap_or(SignedDuration::MAX);
    let mut statement = db.prepare_cached(SINCE)?;
    let mut rows = statement.query([])?;
    let mut missed = Vec::new();
    while let Some(row) = rows.next()? {
        let (code, last): (String, Timestamp) = (row.get(0)?, codec::moment(row.get(1)?)?);
        // What does not look like a code goes into no log.
        if OdsCode::parse(&code).is_some() && now.duration_since(last) > most {
            missed.push((code, last));
        }
    }
    Ok(missed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 60 * 60 * 1000;

    fn database() -> Connection {
        let mut db = Connection::open_in_memory().unwrap();
        crate::hub::store::MIGRATIONS.to_latest(&mut db).unwrap();
        db
    }

    #[test]
    fn only_who_is_configured_is_missed_and_never_sooner_than_two_days_after() {
        let db = database();
        let now: Timestamp = "2026-11-22T14:00:00Z".parse().unwrap();
        let expect = |code: &str, hours: i64| {
            let since = now.as_millisecond() - hours * HOUR;
            db.execute("INSERT OR REPLACE INTO authority_expected VALUES (?1, ?2)", (code, since)).unwrap();
        };
        let sends = |code: &str, hours: i64, is_taken: bool| {
            let at = now.as_millisecond() - hours * HOUR;
            let sql = "INSERT INTO upload (authority_code, at_ms, is_taken) VALUES (?1, ?2, ?3)";
            db.execute("INSERT OR IGNORE INTO authority (code, name) VALUES (?1, 'A')", [code]).unwrap();
            db.execute(sql, (code, at, is_taken)).unwrap();
        };
        let named =
            || -> Vec<String> { missed(&db, now).unwrap().into_iter().map(|(code, _)| code).collect() };
        // It sent once, and is configured no longer.
        sends("301", 1000, true);
        assert!(named().is_empty());
        // Since yesterday it is again: nobody has had the time to send.
        expect("301", 24);
        assert!(named().is_empty());
        expect("301", 49);
        assert_eq!(named(), ["301"]);
        sends("301", 1, false);
        assert_eq!(named(), ["301"], "a file of which nothing could be taken is none");
        sends("301", 2, true);
        assert!(named().is_empty());
        expect("302", 48);
        assert!(named().is_empty());
        expect("302", 49);
        assert_eq!(named(), ["302"]);
    }

    #[test]
    fn that_is_known_without_reading_what_grows() {
        let db = database();
        let mut explained = db.prepare(&format!("EXPLAIN QUERY PLAN {SINCE}")).unwrap();
        let plan: Vec<String> =
            explained.query_map([], |row| row.get(3)).unwrap().collect::<Result<_, _>>().unwrap();
        let plan = plan.join("; ");
        assert!(plan.contains("SEARCH upload USING INDEX upload_by_authority"), "{plan}");
        assert!(!plan.contains("SCAN upload") && !plan.contains("SCAN person"), "{plan}");
    }
}
