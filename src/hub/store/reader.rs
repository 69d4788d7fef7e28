//! A connection that only reads, and the moment of the database that it keeps from one search to the next.
//!
//! SQLite forgets all pages that it holds of a database as soon as anybody has committed, and every search ends with a
//! commit of its own entry. Of one moment it keeps them. So searches read from a moment that may be a little old, and
//! the writer, before it lets anything out, looks whether anybody's details have changed since ([`people_changed`]).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use rusqlite::Connection;

use super::error::Fault;
use super::gate::Gate;
use super::people_changed::{self, Changes};
use crate::hub::limits;

/// A reading thread's connection.
pub(super) struct Reader {
    db: Connection,
    gate: Arc<Gate>,
    is_within: bool,
    kept: Option<Moment>,
}

/// What is kept between searches: an open transaction that only reads.
#[derive(Clone, Copy)]
struct Moment {
    changes: Changes,
    since: Instant,
    renewals: u64,
}

impl Reader {
    pub(super) fn new(db: Connection, gate: Arc<Gate>) -> Self {
        Self { db, gate, is_within: false, kept: None }
    }

    /// What is committed now.
    pub(super) fn now(&mut self) -> &Connection {
        self.let_go();
        &self.db
    }

    /// People as they were a moment ago, and what tells whether they still are.
    pub(super) fn people(&mut self) -> Result<(&Connection, Changes), Fault> {
        let renewals = self.gate.renewals();
        let is_fresh = |kept: &Moment| {
            kept.renewals == renewals
                && kept.since.elapsed() < limits::MOMENT_KEPT
                && !self.db.is_autocommit()
        };
        let changes = match self.kept.filter(is_fresh) {
            Some(kept) => kept.changes,
            None => self.begin(renewals)?,
        };
        Ok((&self.db, changes))
    }

    fn begin(&mut self, renewals: u64) -> Result<Changes, Fault> {
        self.let_go();
        self.db.prepare_cached("BEGIN DEFERRED")?.execute([])?;
        // The first that is read fixes the moment.
        let changes = people_changed::so_far(&self.db)?;
        self.kept = Some(Moment { changes, since: Instant::now(), renewals });
        Ok(changes)
    }

    fn let_go(&mut self) {
        self.kept = None;
        if !self.db.is_autocommit() {
            // Where this fails the connection still reads from that moment: of people, what they were is found out.
            let _ = self.db.execute_batch("ROLLBACK");
        }
    }

    /// Whether a moment is kept.
    pub(super) fn keeps_a_moment(&self) -> bool {
        self.kept.is_some()
    }

    /// Whether somebody waits for it to let go.
    pub(super) fn is_waited_for(&self) -> bool {
        self.gate.is_shut() || self.gate.is_log_long()
    }

    /// Does one piece of work, once the gate is open. A panic in it is its own end alone.
    pub(super) fn through(&mut self, work: impl FnOnce(&mut Self)) {
        if !self.is_within {
            self.gate.enter();
            self.is_within = true;
        }
        let is_done = catch_unwind(AssertUnwindSafe(|| work(self))).is_ok();
        if !is_done || self.kept.is_none() || self.is_waited_for() {
            self.leave();
        }
    }

    /// Lets go of the moment, and of the log.
    pub(super) fn leave(&mut self) {
        self.let_go();
        if self.is_within {
            self.is_within = false;
            self.gate.leave();
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::hub::Synchronous;

    const COUNT: &str = "SELECT count(*) FROM marking";

    fn count(db: &Connection) -> i64 {
        db.query_row(COUNT, [], |row| row.get(0)).unwrap()
    }

    /// A database, somebody who writes to it, and a reader.
    fn database() -> (tempfile::TempDir, Connection, Arc<Gate>, Reader) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hub.db");
        let connect = || super::super::connect(&path, Synchronous::Full).unwrap();
        let mut db = connect();
        super::super::MIGRATIONS.to_latest(&mut db).unwrap();
        let gate = Arc::<Gate>::default();
        let reader = Reader::new(connect(), Arc::clone(&gate));
        (directory, db, gate, reader)
    }

    #[test]
    fn searches_share_a_moment_until_it_is_to_be_let_go_and_whoever_asks_for_now_gets_now() {
        let (_directory, db, gate, mut reader) = database();
        let before = count(&db);
        let mark =
            |what: &str| db.execute("INSERT INTO marking (what, at_ms) VALUES (?1, 1)", [what]).unwrap();
        let (people, first) = reader.people().unwrap();
        assert_eq!(count(people), before);
        mark("one");
        let (people, same) = reader.people().unwrap();
        assert_eq!((count(people), same), (before, first), "the same moment: its pages are kept");
        gate.renew();
        assert_eq!(count(reader.people().unwrap().0), before + 1);
        mark("two");
        assert_eq!(count(reader.now()), before + 2);
        assert!(!reader.keeps_a_moment());
        db.execute_batch("UPDATE people_changed SET times = times + 1").unwrap();
        assert_ne!(reader.people().unwrap().1, first);
    }

    #[test]
    fn a_moment_ends_with_its_time_with_a_panic_and_when_the_log_is_to_be_begun_anew() {
        let (_directory, db, gate, mut reader) = database();
        reader.through(|reader| assert!(reader.people().is_ok()));
        assert!(reader.keeps_a_moment());
        if let Some(kept) = &mut reader.kept {
            kept.since = kept.since.checked_sub(limits::MOMENT_KEPT).unwrap();
        }
        let before = count(&db);
        db.execute("INSERT INTO marking (what, at_ms) VALUES ('one', 1)", []).unwrap();
        reader.through(|reader| assert_eq!(count(reader.people().unwrap().0), before + 1));
        reader.through(|_| panic!("on purpose"));
        assert!(!reader.keeps_a_moment() && gate.clear(std::time::Duration::ZERO));
        reader.through(|reader| assert!(reader.people().is_ok()));
        assert!(!gate.clear(std::time::Duration::ZERO), "a kept moment is within");
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| gate.clear(std::time::Duration::from_secs(10)));
            while !gate.is_shut() {
                std::thread::yield_now();
            }
            // What is under way when somebody waits is the last.
            reader.leave();
            assert!(waits.join().unwrap());
        });
    }
}
