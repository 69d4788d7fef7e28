//! Why the store has no answer. Carries no values of any row: such a text could hold a patient's name.

use super::super::load::LineError;

/// Why the store has no answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Too many requests wait already. Nothing was written.
    #[error("too many requests are waiting")]
    Busy,
    /// The database refused: nothing was written, or it is not known whether it was. Nothing is disclosed.
    #[error("{phase}: {reason}")]
    Failed {
        /// Where: `begin`, `work`, `commit` …
        phase: &'static str,
        /// SQLite's code in words, without values.
        reason: String,
    },
    /// The writer has ended: the hub is stopping.
    #[error("the store is closed")]
    Closed,
    /// Too little of the disk is free for anything but views and their audit. Nothing was written.
    #[error("the disk of the database is nearly full, and what is left is for views: make room first")]
    NoRoom,
    /// A load file was refused as a whole.
    #[error("{0}")]
    LoadRefused(LineError),
}

/// Why one piece of work within a transaction failed.
#[derive(Debug)]
pub(super) enum Fault {
    Sql(rusqlite::Error),
    /// A row that the hub did not write so.
    Corrupt(&'static str),
    Panicked,
    LoadRefused(LineError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Fault::Sql(error)
    }
}

impl Fault {
    pub(super) fn into_error(self, phase: &'static str) -> StoreError {
        match self {
            Fault::Sql(error) => StoreError::Failed { phase, reason: reason(&error) },
            Fault::Corrupt(what) => StoreError::Failed { phase, reason: format!("unreadable row: {what}") },
            Fault::Panicked => StoreError::Failed { phase, reason: "the work panicked".to_owned() },
            Fault::LoadRefused(errors) => StoreError::LoadRefused(errors),
        }
    }
}

/// SQLite's result code in words. The library's own message is left out: for some errors it holds values.
pub(super) fn reason(error: &rusqlite::Error) -> String {
    match error.sqlite_error() {
        Some(failure) => format!("SQLite {:?} ({})", failure.code, failure.extended_code),
        None => "a row or statement that does not fit".to_owned(),
    }
}
