//! Connections to the database file, all of one kind.

use std::cell::Cell;
use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, ErrorCode, OptionalExtension};

use super::error;
use crate::config::hub::Synchronous;
use crate::hub::limits;

/// Makes a new database file readable by its owner alone; SQLite's other files follow it. Where this fails,
/// opening fails next, and says why.
pub(super) fn private_file(path: &Path) {
    let _ = crate::hub::disk::create_private(path);
}

/// A connection with the settings on which everything counts.
pub(super) fn connect(path: &Path, synchronous: Synchronous) -> Result<Connection, rusqlite::Error> {
    let db = Connection::open(path)?;
    db.busy_handler(Some(ask_again))?;
    // Anything else than WAL would change what a commit means: refused.
    let mode = write_ahead(&db)?;
    if mode != "wal" {
        return Err(rusqlite::Error::InvalidQuery);
    }
    let level = match synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    db.pragma_update(None, "synchronous", level)?;
    super::checkpoint::by_hand(&db)?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "trusted_schema", false)?;
    db.pragma_update(None, "recursive_triggers", true)?;
    // What was removed is not to be found in the file either.
    db.pragma_update(None, "secure_delete", true)?;
    // What a request that fails alone takes back is kept in memory: a slice of a load would write it to a file,
    // and no part of a record belongs in one.
    db.pragma_update(None, "temp_store", "MEMORY")?;
    // Negative: kibibytes, not pages.
    db.pragma_update(None, "cache_size", -(limits::PAGE_CACHE_BYTES / 1024))?;
    // Else SQLite plans whatever has a parameter in its LIMIT anew each time.
    db.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.set_prepared_statement_cache_capacity(128);
    Ok(db)
}

/// Two who bring a new file to this mode at once: SQLite tells one of them at once that it is busy, and asks nobody.
fn write_ahead(db: &Connection) -> Result<String, rusqlite::Error> {
    let mut asked = 0;
    loop {
        match db.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && ask_again(asked) => {
                asked = asked.saturating_add(1);
            }
            other => return other,
        }
    }
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

/// Why the schema is not this version's, in words.
pub(super) fn migration(error: &rusqlite_migration::Error) -> String {
    if let rusqlite_migration::Error::RusqliteError { err, .. } = error {
        format!("its schema could not be brought to this version: {}", error::reason(err))
    } else if let rusqlite_migration::Error::MigrationDefinition(_) = error {
        "its schema is of a later version of the hub".to_owned()
    } else {
        "its schema could not be brought to this version".to_owned()
    }
}

/// Whether the database is marked synthetic.
pub(super) fn read_marking(db: &Connection) -> Result<bool, rusqlite::Error> {
    let marked: Option<i64> = db
        .prepare_cached("SELECT 1 FROM marking WHERE what = 'synthetic'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(marked.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_is_compiled_as_dot_cargo_says() {
        let db = Connection::open_in_memory().unwrap();
        let mut options = db.prepare("PRAGMA compile_options").unwrap();
        let options: Vec<String> =
            options.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        let has = |name: &str| options.iter().any(|option| option == name);
        // One page cache and one lock for all connections otherwise (manual, decision 42).
        assert!(!has("ENABLE_MEMORY_MANAGEMENT"), "{options:?}");
        assert!(has("DEFAULT_MEMSTATUS=0") && has("DEFAULT_PCACHE_INITSZ=500"), "{options:?}");
    }
}
