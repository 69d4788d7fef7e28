//! What the hub has written, read from its database by another connection that cannot write.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, Params};

/// A reader of the hub's database.
pub(crate) struct Book(Connection);

/// A view, and what hangs on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: i64,
    pub(crate) trace: String,
    pub(crate) reference: String,
    pub(crate) mode: String,
    /// Rows of the access history.
    pub(crate) histories: i64,
    /// Authorities that are told, in order; more than once where a notification is doubled.
    pub(crate) told: Vec<String>,
    /// Authorities that were told earlier.
    pub(crate) told_earlier: Vec<String>,
}

impl Book {
    pub(crate) fn open(file: &Path) -> Self {
        Self(Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap())
    }

    /// A number from the database.
    pub(crate) fn count(&self, sql: &str, params: impl Params) -> i64 {
        self.0.query_row(sql, params, |row| row.get(0)).unwrap()
    }

    /// A column of texts.
    pub(crate) fn column(&self, sql: &str, params: impl Params) -> Vec<String> {
        let mut statement = self.0.prepare(sql).unwrap();
        let rows = statement.query_map(params, |row| row.get::<_, Option<String>>(0)).unwrap();
        rows.map(|text| text.unwrap().unwrap_or_else(|| "-".to_owned())).collect()
    }

    /// The newest view's id, 0 for none.
    pub(crate) fn newest(&self) -> i64 {
        self.count("SELECT coalesce(max(id), 0) FROM view", [])
    }

    /// The views after this one.
    pub(crate) fn views_after(&self, id: i64) -> Vec<Entry> {
        let mut statement = self
            .0
            .prepare("SELECT id, trace_id, reference, mode FROM view WHERE id > ?1 ORDER BY id")
            .unwrap();
        let rows = statement
            .query_map([id], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .unwrap();
        rows.map(|row| {
            let (id, trace, reference, mode) = row.unwrap();
            Entry {
                id,
                trace,
                reference,
                mode,
                histories: self.count("SELECT count(*) FROM history WHERE view_id = ?1", [id]),
                told: self.column(
                    "SELECT authority_name FROM outbox WHERE view_id = ?1 AND kind = 'notification' ORDER BY 1",
                    [id],
                ),
                told_earlier: self.column(
                    "SELECT authority_code FROM told_earlier WHERE view_id = ?1 ORDER BY 1",
                    [id],
                ),
            }
        })
        .collect()
    }

    /// Kinds and outcomes of the audit entries after this one, in order; but for who signed in and out.
    pub(crate) fn audited_after(&self, id: i64) -> Vec<String> {
        let sql = "SELECT kind || ' ' || outcome FROM audit WHERE id > ?1 AND kind NOT LIKE 'session-%' ORDER BY id";
        self.column(sql, [id])
    }

    /// The newest audit entry.
    pub(crate) fn newest_audit(&self) -> i64 {
        self.count("SELECT max(id) FROM audit", [])
    }
}
