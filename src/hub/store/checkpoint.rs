//! Moves the write-ahead log into the database, and reads how that went: what SQLite does by itself after a commit
//! throws a flush that failed away.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use rusqlite::Connection;

use crate::hub::limits;

/// The log is moved only when it is said so; begun anew after a long reading, its file gives back what it took.
pub(super) fn by_hand(db: &Connection) -> Result<(), rusqlite::Error> {
    db.pragma_update(None, "wal_autocheckpoint", 0)?;
    db.pragma_update(None, "journal_size_limit", limits::LOG_FILE_BYTES)
}

/// All of the log, which is emptied; false where somebody else reads or writes, and something stays.
pub(super) fn whole(db: &Connection) -> Result<bool, rusqlite::Error> {
    let (_, _, is_busy) = checkpoint(db, "PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(!is_busy)
}

/// As much as nobody reads at present; waits for nobody.
pub(super) fn what_can_be(db: &Connection) -> Result<(), rusqlite::Error> {
    checkpoint(db, "PRAGMA wal_checkpoint(PASSIVE)").map(drop)
}

/// Pages in the log, and those of them that are in the database.
pub(super) fn length(db: &Connection) -> Result<(i64, i64), rusqlite::Error> {
    checkpoint(db, "PRAGMA wal_checkpoint(NOOP)").map(|(pages, moved, _)| (pages, moved))
}

/// Where there is no room in the database: writes every byte of the log over itself, and flushes it.
pub(super) fn write_anew(db: &Connection, log: &Path) -> Result<(), rusqlite::Error> {
    db.execute_batch("BEGIN IMMEDIATE")?;
    let written = over_itself(log);
    db.execute_batch("ROLLBACK")?;
    written.map_err(|_| {
        let failure = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC);
        rusqlite::Error::SqliteFailure(failure, None)
    })
}

fn over_itself(log: &Path) -> io::Result<()> {
    let mut file = File::options().read(true).write(true).open(log)?;
    let mut buffer = vec![0_u8; 128 * 1024];
    let mut at = 0;
    loop {
        file.seek(SeekFrom::Start(at))?;
        let read = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        file.seek(SeekFrom::Start(at))?;
        file.write_all(bytes)?;
        at = at.saturating_add(u64::try_from(read).unwrap_or(0));
    }
    file.sync_all()
}

/// Pages in the log, those of them that are in the database, and whether somebody was in the way.
fn checkpoint(db: &Connection, sql: &str) -> Result<(i64, i64, bool), rusqlite::Error> {
    db.prepare_cached(sql)?.query_row([], |row| Ok((row.get(1)?, row.get(2)?, row.get(0)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_written_over_itself_holds_what_it_held() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hub.db");
        let db = super::super::connect(&path, crate::config::hub::Synchronous::Full).unwrap();
        let fill = "CREATE TABLE filler (bytes BLOB); INSERT INTO filler VALUES (randomblob(400000))";
        db.execute_batch(fill).unwrap();
        let log = directory.path().join("hub.db-wal");
        let before = std::fs::read(&log).unwrap();
        assert!(before.len() > 400_000);
        write_anew(&db, &log).unwrap();
        assert!(std::fs::read(&log).unwrap() == before);
        assert!(whole(&db).unwrap());
        assert_eq!(std::fs::metadata(&log).unwrap().len(), 0);
    }
}
