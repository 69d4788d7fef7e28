//! Connections to the database: all of one kind, whoever opens them.

use std::cell::Cell;
use std::path::Path;
use std::time::Instant;

use rusqlite::Connection;

use crate::config::hub::Synchronous;
use crate::hub::limits;

pub(super) fn connect(path: &Path, synchronous: Synchronous) -> Result<Connection, rusqlite::Error> {
    let db = Connection::open(path)?;
    db.busy_handler(Some(ask_again))?;
    // Anything else than WAL would change what a commit means: refused.
    let mode: String = db.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(rusqlite::Error::InvalidQuery);
    }
    let level = match synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    db.pragma_update(None, "synchronous", level)?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "trusted_schema", false)?;
    db.pragma_update(None, "recursive_triggers", true)?;
    // What was removed is not to be found in the file either.
    db.pragma_update(None, "secure_delete", true)?;
    // Negative: kibibytes, not pages.
    db.pragma_update(None, "cache_size", -(limits::PAGE_CACHE_BYTES / 1024))?;
    db.set_prepared_statement_cache_capacity(128);
    Ok(db)
}

/// Waits for another process's lock, and says whether to ask again.
fn ask_again(asked: i32) -> bool {
    thread_local! {
        static SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
    }
    // By the clock: on a busy machine a short sleep takes long.
    let since = SINCE.get().filter(|_| asked > 0).unwrap_or_else(Instant::now);
    SINCE.set(Some(since));
    let is_over = since.elapsed() >= limits::LOCK_WAIT;
    if !is_over {
        std::thread::sleep(limits::LOCK_POLL);
    }
    !is_over
}
