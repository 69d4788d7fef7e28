//! Keeps the write-ahead log short, asked after each commit.
//!
//! SQLite begins its log anew when all of it is in the database and nobody reads from it. On a busy hub neither comes by
//! itself: there is always a commit more, and always somebody who reads. So most of a long log is moved by a thread of its
//! own, beside commits; what came meanwhile, which is little, is moved by the writer, between two commits, and readers
//! let go of what they read of it.

use std::sync::Arc;

use rusqlite::Connection;

use super::checkpoint::{length, what_can_be};
use super::gate::Gate;
use super::mover::{Mover, Progress};
use crate::hub::limits;

/// The log of one database, as its writer keeps it.
pub(super) struct Log {
    mover: Mover,
    readers: Arc<Gate>,
    /// Pages that somebody who reads kept from being moved the last time.
    left: i64,
}

impl Log {
    pub(super) fn new(mover: Mover, readers: Arc<Gate>) -> Self {
        Self { mover, readers, left: 0 }
    }

    /// Looks how long the log is and does what is to be done. Where a long reading holds it, it is tried again when a
    /// quarter more has come, as each try looks through what is left. Where room is scarce it is kept
    /// shorter, and the writer moves it itself: a full disk has no room for a long one.
    pub(super) fn after_commit(&mut self, db: &Connection, is_scarce: bool) -> Result<(), rusqlite::Error> {
        let (pages, moved) = length(db)?;
        self.readers.set_log_long(pages >= limits::LOG_PAGES);
        let progress = if is_scarce || pages >= limits::LOG_PAGES_MOST {
            self.mover.when_still()
        } else {
            self.mover.progress()
        };
        match progress {
            Progress::Moving => return Ok(()),
            Progress::Moved(how) => {
                how?;
                return self.move_the_rest(db);
            }
            Progress::Idle => {}
        }
        if pages < if is_scarce { limits::LOG_PAGES_SCARCE } else { limits::LOG_PAGES } {
            self.left = 0;
        } else if pages.saturating_sub(moved) > self.left.saturating_add(self.left / 4) {
            if is_scarce {
                what_can_be(db)?;
                self.move_the_rest(db)?;
            } else {
                // What they read from, the log has to keep.
                self.readers.clear(limits::READERS_HELD);
                self.mover.begin();
            }
        }
        Ok(())
    }

    /// What was committed while the thread moved, on the writer: nobody commits meanwhile.
    fn move_the_rest(&mut self, db: &Connection) -> Result<(), rusqlite::Error> {
        // Who comes in anew reads of the end of the log: all of it can be moved beside them.
        self.readers.clear(limits::READERS_HELD);
        what_can_be(db)?;
        // And now of the database alone: the next commit begins the log anew.
        self.readers.clear(limits::READERS_HELD);
        let (pages, moved) = length(db)?;
        self.left = pages.saturating_sub(moved);
        Ok(())
    }
}

/// The same for somebody who has the database alone.
pub(super) fn keep_short_alone(db: &Connection) -> Result<(), rusqlite::Error> {
    if length(db)?.0 >= limits::LOG_PAGES { what_can_be(db) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
