//! Moves the write-ahead log into the database, and reads how that went: what SQLite does by itself after a commit
//! throws a flush that failed away.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use rusqlite::Connection;

use super::gate::Gate;
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

/// Keeps the log short: asked after each commit.
#[derive(Debug, Default)]
pub(super) struct Mover {
    /// Pages that somebody who reads kept from being moved the last time.
    left: i64,
}

impl Mover {
    /// Moves the log once it is long, and then after each commit until SQLite begins it anew: that happens when all of
    /// it is moved and nobody reads from it. Where a long reading holds it, it is tried again when a quarter more
    /// has come, as each try looks through what is left. Where room is scarce it is kept shorter: a
    /// full disk has no room for it.
    pub(super) fn after_commit(
        &mut self,
        db: &Connection,
        readers: &Gate,
        is_scarce: bool,
    ) -> Result<(), rusqlite::Error> {
        let (pages, moved) = length(db)?;
        if pages < if is_scarce { limits::LOG_PAGES_SCARCE } else { limits::LOG_PAGES } {
            self.left = 0;
            return Ok(());
        }
        if pages.saturating_sub(moved) > self.left.saturating_add(self.left / 4) {
            what_can_be(db)?;
            // The rest, which somebody was reading before: little.
            readers.alone(limits::READERS_HELD, || what_can_be(db)).unwrap_or(Ok(()))?;
            let (pages, moved) = length(db)?;
            self.left = pages.saturating_sub(moved);
        }
        Ok(())
    }
}

/// Pages in the log, and those of them that are in the database.
fn length(db: &Connection) -> Result<(i64, i64), rusqlite::Error> {
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
    fn the_log_stays_short_beside_readers_and_is_begun_anew_after_a_long_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hub.db");
        let full = crate::config::hub::Synchronous::Full;
        let db = super::super::connect(&path, full).unwrap();
        db.execute_batch("CREATE TABLE filler (bytes BLOB)").unwrap();
        let (mut mover, gate) = (Mover::default(), std::sync::Arc::new(Gate::default()));
        // 25 pages a commit, over and over the same.
        let mut commits = |count: i64, is_scarce: bool| {
            let mut most = 0;
            for _ in 0..count {
                let fill = "DELETE FROM filler; INSERT INTO filler VALUES (randomblob(100000))";
                db.execute_batch(&format!("BEGIN; {fill}; COMMIT")).unwrap();
                mover.after_commit(&db, &gate, is_scarce).unwrap();
                most = most.max(length(&db).unwrap().0);
            }
            most
        };
        let most = commits(400, false);
        assert!((limits::LOG_PAGES..limits::LOG_PAGES + 100).contains(&most), "{most} pages");
        let most = commits(100, true);
        assert!(most < limits::LOG_PAGES + 100, "{most} pages, begun anew at once");
        let most = commits(100, true);
        assert!(most < limits::LOG_PAGES_SCARCE + 100, "{most} pages where room is scarce");
        // Two that always read, and so from before the commit that has just been.
        let is_over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let reader = super::super::connect(&path, full).unwrap();
                    while !is_over.load(std::sync::atomic::Ordering::Acquire) {
                        gate.through(|| {
                            let reading = reader.unchecked_transaction().unwrap();
                            for _ in 0..20 {
                                let sum = "SELECT sum(length(bytes)) FROM filler";
                                reading.query_row(sum, [], |_| Ok(())).unwrap();
                            }
                        });
                    }
                });
            }
            let most = commits(1000, false);
            is_over.store(true, std::sync::atomic::Ordering::Release);
            assert!(most < limits::LOG_PAGES * 2, "{most} pages beside readers");
        });
    }

    #[test]
    fn a_log_that_grew_beside_a_long_reading_gives_back_what_it_took() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hub.db");
        let connect = || super::super::connect(&path, crate::config::hub::Synchronous::Full).unwrap();
        let (db, reader, gate) = (connect(), connect(), Gate::default());
        db.execute_batch("CREATE TABLE filler (bytes BLOB)").unwrap();
        let reading = reader.unchecked_transaction().unwrap();
        reading.query_row("SELECT count(*) FROM filler", [], |_| Ok(())).unwrap();
        let mut mover = Mover::default();
        let mut commit = || {
            db.execute_batch("DELETE FROM filler; INSERT INTO filler VALUES (randomblob(8000000))").unwrap();
            mover.after_commit(&db, &gate, false).unwrap();
            std::fs::metadata(directory.path().join("hub.db-wal")).unwrap().len()
        };
        let limit = u64::try_from(limits::LOG_FILE_BYTES).unwrap();
        while commit() <= limit {}
        drop(reading);
        commit();
        commit();
        assert!(commit() <= limit);
    }

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
