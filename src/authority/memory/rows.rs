//! How the memory's file is opened, and a person's plan as its tables have it.

use std::path::Path;

use rusqlite::{Connection, Row, Rows, Statement};

use super::MemoryError;

use super::restricted::is_restricted;

/// SQLite with what must not be lost, and must not be found where it was removed.
pub(super) fn connect(path: &Path) -> Result<Connection, rusqlite::Error> {
    let db = Connection::open(path)?;
    // So that whoever asks which cases are open is answered while an upload works. EXTRA flushes each commit, and the directory too
    // where the file is still in the older journal.
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "EXTRA")?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "trusted_schema", false)?;
    db.pragma_update(None, "secure_delete", true)?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    // Negative: kibibytes. A million rows are sorted and compared from the file.
    db.pragma_update(None, "cache_size", -32 * 1024)?;
    Ok(db)
}

/// A person's plan, as every table of them has it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) local_id: String,
    pub(super) number: String,
    pub(super) kind: String,
    pub(super) start: String,
    pub(super) end: Option<String>,
    pub(super) family: String,
    pub(super) given: String,
    pub(super) born: String,
    /// Of its team, as it goes up with the plan.
    pub(super) contact_name: Option<String>,
    pub(super) contact_telephone: Option<String>,
}

/// The columns of [`Held`], in order.
pub(super) const HELD: &str =
    "local_id, number, kind, start_day, end_day, family, given, born, contact_name, contact_telephone";

/// What is held, in the order of local ids, as if the hub had no team of a restricted case: that is taken off by itself.
pub(super) fn held_but_restricted_teams() -> String {
    let (plain, of_team) = HELD.split_at(HELD.find("contact_name").unwrap_or(HELD.len()));
    let of_team = of_team.split(", ").map(|column| {
        format!("CASE WHEN {column} IS NULL OR {} THEN NULL ELSE {column} END", is_restricted("held"))
    });
    let of_team: Vec<String> = of_team.collect();
    format!("SELECT {plain}{} FROM held ORDER BY local_id, number, kind, start_day", of_team.join(", "))
}

impl Held {
    pub(super) fn read(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        Self::read_from(row, 0)
    }

    pub(super) fn read_from(row: &Row<'_>, first: usize) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            local_id: row.get(first)?,
            number: row.get(first + 1)?,
            kind: row.get(first + 2)?,
            start: row.get(first + 3)?,
            end: row.get(first + 4)?,
            family: row.get(first + 5)?,
            given: row.get(first + 6)?,
            born: row.get(first + 7)?,
            contact_name: row.get(first + 8)?,
            contact_telephone: row.get(first + 9)?,
        })
    }

    /// Whether the team's contact is another.
    pub(super) fn has_other_contact(&self, than: &Self) -> bool {
        (&self.contact_name, &self.contact_telephone) != (&than.contact_name, &than.contact_telephone)
    }
}

/// Rows in the order of their local ids, one local id after the other.
pub(super) struct Groups<'a> {
    rows: Rows<'a>,
    next: Option<Held>,
}

impl<'a> Groups<'a> {
    pub(super) fn of(statement: &'a mut Statement<'_>) -> Result<Self, MemoryError> {
        let mut groups = Self { rows: statement.query([])?, next: None };
        groups.step()?;
        Ok(groups)
    }

    fn step(&mut self) -> Result<(), MemoryError> {
        self.next = self.rows.next()?.map(Held::read).transpose()?;
        Ok(())
    }

    pub(super) fn local_id(&self) -> Option<&str> {
        self.next.as_ref().map(|held| held.local_id.as_str())
    }

    /// The rows of a local id, if it is its turn.
    pub(super) fn take(&mut self, local_id: &str) -> Result<Vec<Held>, MemoryError> {
        let mut group = Vec::new();
        while self.local_id() == Some(local_id) {
            group.extend(self.next.take());
            self.step()?;
        }
        Ok(group)
    }
}

#[cfg(test)]
mod tests {
    use super::connect;

    #[test]
    fn what_was_acknowledged_survives_a_power_cut() {
        let place = std::env::temp_dir().join(format!("cpis-memory-{}", uuid::Uuid::new_v4()));
        let db = connect(&place).unwrap();
        let of = |name: &str| {
            db.query_row(&format!("PRAGMA {name}"), [], |row| {
                row.get::<_, String>(0).or_else(|_| row.get::<_, i64>(0).map(|n| n.to_string()))
            })
        };
        // 3 is EXTRA: each commit is flushed.
        assert_eq!(
            (of("journal_mode").unwrap(), of("synchronous").unwrap()),
            ("wal".to_owned(), "3".to_owned())
        );
        drop(db);
        std::fs::remove_file(place).unwrap();
    }
}
