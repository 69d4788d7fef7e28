//! The log stays short, whoever reads, and is begun anew.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::config::hub::Synchronous;

fn connection(path: &Path) -> Connection {
    super::super::connect(path, Synchronous::Full).unwrap()
}

/// A database, and what keeps its log.
struct Kept {
    directory: tempfile::TempDir,
    db: Connection,
    log: Log,
    gate: Arc<Gate>,
}

impl Kept {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hub.db");
        let db = connection(&path);
        db.execute_batch("CREATE TABLE filler (bytes BLOB)").unwrap();
        let gate = Arc::<Gate>::default();
        let mover = Mover::start(connection(&path), &Arc::default()).unwrap();
        Self { directory, db, log: Log::new(mover, Arc::clone(&gate)), gate }
    }

    fn commit(&mut self, bytes: usize, is_scarce: bool) -> i64 {
        let fill = format!("DELETE FROM filler; INSERT INTO filler VALUES (randomblob({bytes}))");
        self.db.execute_batch(&format!("BEGIN; {fill}; COMMIT")).unwrap();
        self.log.after_commit(&self.db, is_scarce).unwrap();
        length(&self.db).unwrap().0
    }

    /// The longest that the log was in so many commits of 25 pages, over and over the same.
    fn longest(&mut self, commits: usize, is_scarce: bool) -> i64 {
        (0..commits).map(|_| self.commit(100_000, is_scarce)).max().unwrap()
    }
}

#[test]
fn the_log_stays_short_and_is_shorter_where_room_is_scarce() {
    let mut kept = Kept::new();
    let longest = kept.longest(1000, false);
    assert!(
        (limits::LOG_PAGES..limits::LOG_PAGES_MOST + 100).contains(&longest),
        "{longest} pages of 25,000"
    );
    kept.longest(2, true);
    let longest = kept.longest(100, true);
    assert!(longest < limits::LOG_PAGES_SCARCE + 100, "{longest} pages where room is scarce");
}

#[test]
fn the_log_stays_short_beside_those_who_always_read() {
    let mut kept = Kept::new();
    let (path, gate) = (kept.directory.path().join("hub.db"), Arc::clone(&kept.gate));
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let reader = connection(&path);
                while !is_over.load(Ordering::Acquire) {
                    gate.enter();
                    {
                        let reading = reader.unchecked_transaction().unwrap();
                        for _ in 0..20 {
                            let sum = "SELECT sum(length(bytes)) FROM filler";
                            reading.query_row(sum, [], |_| Ok(())).unwrap();
                        }
                    }
                    gate.leave();
                }
            });
        }
        let longest = kept.longest(2000, false);
        is_over.store(true, Ordering::Release);
        assert!(longest < limits::LOG_PAGES_MOST + 100, "{longest} pages beside readers");
    });
}

#[test]
fn a_log_that_grew_beside_a_long_reading_gives_back_what_it_took() {
    let mut kept = Kept::new();
    let reader = connection(&kept.directory.path().join("hub.db"));
    let reading = reader.unchecked_transaction().unwrap();
    reading.query_row("SELECT count(*) FROM filler", [], |_| Ok(())).unwrap();
    let limit = u64::try_from(limits::LOG_FILE_BYTES).unwrap();
    let file = kept.directory.path().join("hub.db-wal");
    let mut commit = || {
        kept.commit(8_000_000, false);
        std::fs::metadata(&file).unwrap().len()
    };
    while commit() <= limit {}
    drop(reading);
    // Moved, the rest of it moved, begun anew.
    let sizes: Vec<u64> = (0..6).map(|_| commit()).collect();
    assert!(sizes.last().is_some_and(|last| *last <= limit), "{sizes:?}");
}

#[test]
fn a_log_that_its_thread_cannot_move_is_told_to_the_writer() {
    let kept = Kept::new();
    let broken = Connection::open_in_memory().unwrap();
    // Nothing but reading: SQLite refuses to move anything.
    broken.execute_batch("BEGIN; CREATE TABLE held (a)").unwrap();
    let mut log = Log::new(Mover::start(broken, &Arc::default()).unwrap(), Arc::default());
    log.mover.begin();
    assert!(log.after_commit(&kept.db, true).is_err(), "this waits for the thread");
    assert!(log.after_commit(&kept.db, true).is_ok(), "it was said, once");
}
