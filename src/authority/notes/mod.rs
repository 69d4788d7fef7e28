//! Case notes: their words, and the ways into the electronic record.
//!
//! | Part | What it is for |
//! |---|---|
//! | [`text`] | what a note says |
//! | [`folder`] | a folder from which the case system picks notes up, one file a part |
//! | [`case_system`] | a case system that takes FHIR `Communication`s |

pub mod case_system;
pub mod folder;
pub mod text;

use super::register::{Part, RegisterError};

/// Why a part is not in the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing can be placed at present: it is no fault of this note.
    Away(String),
    /// This note is refused; others may not be.
    Refused(String),
}

/// Why a part was not placed.
#[derive(Debug)]
pub enum NotPlaced {
    /// The record system.
    Trouble(Trouble),
    /// The link's own register.
    Register(RegisterError),
}

impl From<RegisterError> for NotPlaced {
    fn from(error: RegisterError) -> Self {
        Self::Register(error)
    }
}

impl From<Trouble> for NotPlaced {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

/// A way into the electronic record.
pub trait Record {
    /// Places a part under a name that is its own for good: what may have been placed before is placed again under it.
    ///
    /// # Errors
    /// It is not placed, or that is not known: it is tried again.
    fn place(&mut self, part: &Part) -> Result<(), NotPlaced>;
}

/// No way: the register itself is where notes are kept.
#[derive(Debug, Clone, Copy)]
pub struct RegisterAlone;

impl Record for RegisterAlone {
    fn place(&mut self, _part: &Part) -> Result<(), NotPlaced> {
        Ok(())
    }
}

/// Two ways: the notes of restricted cases go where only their holders read.
pub struct ByMark {
    /// For all others.
    pub common: Box<dyn Record>,
    /// For restricted cases.
    pub restricted: Box<dyn Record>,
}

impl std::fmt::Debug for ByMark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ByMark")
    }
}

impl Record for ByMark {
    fn place(&mut self, part: &Part) -> Result<(), NotPlaced> {
        if part.is_restricted { self.restricted.place(part) } else { self.common.place(part) }
    }
}
