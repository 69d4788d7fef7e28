//! What the disk allows: flushes, and SQLite alone with the very rows that the hub wrote.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::ends::Ends;

/// Rows to a commit: the hub's slices have some hundreds.
pub(crate) const GROUP: usize = 256;

/// Appended and flushed so many times a second.
pub(crate) fn flushes(folder: &Path) -> f64 {
    let path = folder.join("flushes");
    let mut file = std::fs::File::create(&path).expect("a file");
    let (started, mut flushes) = (Instant::now(), 0_u32);
    while started.elapsed() < Duration::from_secs(2) {
        if flushes.is_multiple_of(256) {
            std::io::Seek::rewind(&mut file).expect("the start");
        }
        file.write_all(&[7; 4096]).expect("written");
        file.sync_data().expect("flushed");
        flushes += 1;
    }
    let _ = std::fs::remove_file(path);
    f64::from(flushes) / started.elapsed().as_secs_f64()
}

/// The last row of each table before an upload.
pub(crate) struct Rows {
    database: PathBuf,
    last: BTreeMap<String, i64>,
}

impl Rows {
    pub(crate) fn of(database: &Path) -> Self {
        let db = Connection::open(database).expect("a database");
        let last = tables(&db).into_iter().map(|name| {
            let last =
                db.query_row(&format!("SELECT coalesce(max(rowid), 0) FROM {name}"), [], |row| row.get(0));
            (name, last.unwrap_or(0))
        });
        Self { database: database.to_owned(), last: last.collect() }
    }

    /// Writes what has come since into the database as it was before, with SQLite alone: how many rows, and in what time. Reading
    /// them is not timed.
    pub(crate) fn written_bare(&self, ends: &Ends) -> (usize, Duration) {
        let loaded = self.database.with_extension("uploaded");
        {
            let db = Connection::open(&self.database).expect("a database");
            db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("a checkpoint");
        }
        std::fs::rename(&self.database, &loaded).expect("the database aside");
        ends.copy_again();
        // Brought to this version, by a hub that is started and stopped.
        drop(ends.hub_alone());
        let from = Connection::open(&loaded).expect("a database");
        let db = Connection::open(&self.database).expect("a database");
        db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).expect("WAL");
        db.pragma_update(None, "synchronous", "FULL").expect("FULL");
        // What a row refers to comes in no order here.
        db.pragma_update(None, "foreign_keys", false).expect("a setting");
        db.pragma_update(None, "secure_delete", true).expect("as the hub has it");
        db.pragma_update(None, "cache_size", -16_384).expect("as the hub has it");
        db.set_prepared_statement_cache_capacity(64);
        let (mut rows, mut time) = (0, Duration::ZERO);
        for (name, last) in &self.last {
            let mut statement = from
                .prepare(&format!("SELECT * FROM {name} WHERE rowid > ?1 ORDER BY rowid"))
                .expect("a table");
            let columns = statement.column_count();
            let insert = format!("INSERT OR IGNORE INTO {name} VALUES ({})", vec!["?"; columns].join(", "));
            let mut found = statement.query([last]).expect("rows");
            loop {
                let mut batch: Vec<Vec<Value>> = Vec::new();
                while batch.len() < GROUP
                    && let Some(row) = found.next().expect("a row")
                {
                    batch.push((0..columns).map(|column| row.get(column).expect("a value")).collect());
                }
                if batch.is_empty() {
                    break;
                }
                rows += batch.len();
                let begun = Instant::now();
                db.execute_batch("BEGIN IMMEDIATE").expect("begun");
                for values in &batch {
                    db.prepare_cached(&insert)
                        .expect("a table")
                        .execute(params_from_iter(values))
                        .expect("a row");
                }
                db.execute_batch("COMMIT").expect("committed");
                time += begun.elapsed();
            }
        }
        let _ = std::fs::remove_file(loaded);
        (rows, time)
    }
}

/// Every table that has a row number.
fn tables(db: &Connection) -> Vec<String> {
    let sql = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND wr = 0
                 AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let mut statement = db.prepare(sql).expect("SQLite");
    let names = statement.query_map([], |row| row.get(0)).expect("tables");
    names.map(|name| name.expect("a name")).collect()
}
