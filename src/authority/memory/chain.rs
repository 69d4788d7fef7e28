//! Which file follows which: what hub and link agree on, and what the link does where they do not.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use rusqlite::{Connection, OptionalExtension};

use super::{Memory, MemoryError};
use crate::exchange::acknowledgement::Apart;
use crate::exchange::upload::Previous;

/// Hub and link do not know the same files: everything has to be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotMet {
    /// The hub does not have files that it has acknowledged: it was put back from a backup, or is another.
    HubIsOlder {
        /// The last one that it has; 0 where there is none.
        last: u32,
        /// The last one that the link knows of.
        ours: u32,
    },
    /// The hub has files that the link does not know of: the link's memory was put back, or is new.
    LinkIsOlder {
        /// The last one that it has.
        last: u32,
    },
    /// The hub lost a file before all of it was applied.
    Lost {
        /// Which.
        sequence: u32,
    },
}

/// Beside the extract itself, what a full refresh has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recovery {
    /// Nothing: either knows all that the other does, or the hub knows more.
    No,
    /// What was taken back, and what is held and no longer in the extract: the hub may have forgotten either.
    HubIsOlder,
}

/// What a file follows, and what it has to hold.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    /// Nothing where the hub has to take the file whatever it has.
    pub(super) previous: Option<Previous>,
    pub(super) recovery: Recovery,
}

impl Chain {
    pub(super) fn read(db: &Connection) -> Result<Self, MemoryError> {
        let (sequence, digest, apart): (Option<u32>, Option<String>, Option<String>) =
            db.query_row("SELECT previous_sequence, previous_digest, apart FROM link", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
        let previous = sequence.zip(digest).map(|(sequence, digest)| Previous { sequence, digest });
        Ok(Self {
            previous: previous.filter(|_| apart.is_none()),
            recovery: if apart.as_deref() == Some("hub-older") { Recovery::HubIsOlder } else { Recovery::No },
        })
    }
}

/// Notes that hub and link do not meet; the next file has everything, and a number that the hub has not seen.
pub(super) fn part(db: &Connection, said: Apart, sequence: u32) -> Result<NotMet, MemoryError> {
    let ours: Option<u32> = db.query_row("SELECT previous_sequence FROM link", [], |row| row.get(0))?;
    let ours = ours.unwrap_or(0);
    let not_met = match said {
        Apart { is_lost: true, .. } => NotMet::Lost { sequence },
        Apart { last, .. } if last <= ours => NotMet::HubIsOlder { last, ours },
        Apart { last, .. } => NotMet::LinkIsOlder { last },
    };
    let older = match not_met {
        NotMet::HubIsOlder { .. } | NotMet::Lost { .. } => "hub-older",
        NotMet::LinkIsOlder { .. } => "link-older",
    };
    db.execute("UPDATE link SET sequence = max(sequence, ?1), apart = ?2", (said.last, older))?;
    Ok(not_met)
}

/// Notes that the hub has applied a file: the next one follows it.
pub(super) fn follow(db: &Connection, sequence: u32, digest: &str) -> Result<(), MemoryError> {
    db.execute(
        "UPDATE link SET previous_sequence = ?1, previous_digest = ?2, apart = NULL",
        (sequence, digest),
    )?;
    Ok(())
}

impl Memory {
    /// Forgets the file under way, whatever has become of it. Nobody knows then what the hub holds: the next file has everything.
    /// The file's number; none where none is under way.
    ///
    /// # Errors
    /// The memory cannot be written.
    pub fn abandon(&mut self) -> Result<Option<u32>, MemoryError> {
        let work = self.db.transaction()?;
        let under_way: Option<u32> =
            work.query_row("SELECT sequence FROM outgoing", [], |row| row.get(0)).optional()?;
        if under_way.is_none() {
            return Ok(None);
        }
        work.execute_batch(
            "DELETE FROM outgoing; DELETE FROM outgoing_plan; DELETE FROM outgoing_without_team;
             UPDATE link SET previous_sequence = NULL, previous_digest = NULL;",
        )?;
        work.commit()?;
        let _ = std::fs::remove_file(self.document());
        Ok(under_way)
    }
}

/// Passes on what is written, and knows its digest.
pub(in crate::authority) struct Hashed<W> {
    out: W,
    hash: Context,
}

impl<W: Write> Hashed<W> {
    pub(in crate::authority) fn new(out: W) -> Self {
        Self { out, hash: Context::new(&SHA256) }
    }

    /// What it was written to, and the digest.
    pub(in crate::authority) fn finish(self) -> (W, String) {
        (self.out, hexadecimal(self.hash))
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn hexadecimal(hash: Context) -> String {
    hash.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The digest of a document that an earlier version of the link made.
pub(super) fn digest_of(document: &Path) -> io::Result<String> {
    let (mut file, mut hash) = (File::open(document)?, Context::new(&SHA256));
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer)?;
        let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else { break };
        hash.update(part);
    }
    Ok(hexadecimal(hash))
}
