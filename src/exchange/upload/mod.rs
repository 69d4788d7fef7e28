//! The upload document: who sends, and then one entry a record.
//!
//! A record is one person under one NHS number: the child, or for a plan of an unborn child the mother. It is taken as
//! a whole or not at all, so a plan that is taken back stands in the same record as the one that takes its place.

mod read;
mod write;

use jiff::Timestamp;
use jiff::civil::Date;

use super::codes::{FileCode, RecordCode};
use crate::domain::{Authority, NhsNumber, PlanKind, PlanPeriod, TeamContact};

pub use read::{Sink, read};
pub use write::Writer;

/// Who sends, and how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// ODS code.
    pub authority_code: String,
    /// Its name, telephone numbers and office hours.
    pub authority: Authority,
    /// The authority's own number, one more for each file.
    pub sequence: u32,
    /// How many records follow.
    pub records: u64,
    /// The last file before it that the hub acknowledged. Where the hub's last is another, it takes nothing of this one.
    pub previous: Option<Previous>,
    /// Everything that is to be held is in it. One without a previous file is always that.
    pub is_full: bool,
}

/// A file by its number and content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previous {
    /// Its number.
    pub sequence: u32,
    /// Its SHA-256, in hexadecimal digits.
    pub digest: String,
}

impl Header {
    /// By what authority and sequence number the file is known at both ends.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}/{}", self.authority_code, self.sequence)
    }
}

/// A document that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What it began with.
    pub header: Header,
    /// When it was made, on the authority's clock.
    pub created: Timestamp,
}

/// One person with what is to be held of them. `Debug` shows nothing of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// The number, traced.
    pub number: NhsNumber,
    /// The authority's own id of the person.
    pub local_id: String,
    /// Family name.
    pub family: String,
    /// Given names, between spaces.
    pub given: String,
    /// Date of birth. It, and the names, are missing only where nothing is to be held.
    pub born: Option<Date>,
    /// What is to be held.
    pub plans: Vec<Plan>,
    /// What was sent in error.
    pub taken_back: Vec<TakenBack>,
    /// What is held and ends, whatever has become of names and number.
    pub ended: Vec<Ended>,
    /// What is held and is shown without its team from now on, whatever has become of names and number.
    pub without_team: Vec<WithoutTeam>,
}

impl Record {
    /// How many plans it speaks of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.plans.len() + self.taken_back.len() + self.ended.len() + self.without_team.len()
    }

    /// Whether it says nothing, which no record that was read does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Record(hidden)")
    }
}

/// A plan to be held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its kind.
    pub kind: PlanKind,
    /// First and last day.
    pub period: PlanPeriod,
    /// The team that knows the child, where the authority says so.
    pub team: Option<TeamContact>,
}

/// A plan that was sent in error, under whatever number that was.
#[derive(Clone, PartialEq, Eq)]
pub struct TakenBack {
    /// Under which it was sent.
    pub number: NhsNumber,
    /// Its kind.
    pub kind: PlanKind,
    /// Its first day.
    pub start: Date,
    /// When that was decided.
    pub decided: Date,
}

/// A plan that is held and ends, under whatever number it was sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Ended {
    /// Under which it was sent.
    pub number: NhsNumber,
    /// Its kind.
    pub kind: PlanKind,
    /// Its first day.
    pub start: Date,
    /// Its last day.
    pub end: Date,
}

/// A plan that is held and loses its team's name and number, under whatever number it was sent.
#[derive(Clone, PartialEq, Eq)]
pub struct WithoutTeam {
    /// Under which it was sent.
    pub number: NhsNumber,
    /// Its kind.
    pub kind: PlanKind,
    /// Its first day.
    pub start: Date,
}

impl std::fmt::Debug for WithoutTeam {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WithoutTeam(hidden)")
    }
}

impl std::fmt::Debug for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ended(hidden)")
    }
}

impl std::fmt::Debug for TakenBack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TakenBack(hidden)")
    }
}

/// Why a record is rejected by itself. The words hold nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordFault {
    /// The national code.
    pub code: RecordCode,
    /// What is wrong.
    pub why: &'static str,
}

/// Why nothing of a document is believed: one sentence each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentFault {
    /// The operating system, or the network, says so.
    #[error("it cannot be read: {0}")]
    Unreadable(std::io::ErrorKind),
    /// Not JSON, not a bundle, or broken off.
    #[error("it is not a FHIR bundle, or it was cut")]
    NotABundle,
    /// A bundle of another kind.
    #[error("it is not a message with an upload: {0}")]
    NotAnUpload(&'static str),
    /// Another version of this document.
    #[error("it is of another version than {}", super::codes::VERSION)]
    Version,
    /// What it says of itself.
    #[error("its first entry does not say who sends it: {0}")]
    Header(&'static str),
    /// An entry is longer than any can be.
    #[error("an entry is longer than {} bytes", super::ENTRY_BYTES)]
    TooLong,
    /// The number of records is another than was said.
    #[error("it says that it has {said} records and has {found}: it was cut, or put together wrongly")]
    Count {
        /// In its first entry.
        said: u64,
        /// In it.
        found: u64,
    },
    /// Whoever was handed the records wanted no more.
    #[error("it was not read to its end")]
    Stopped,
}

impl DocumentFault {
    /// The national code.
    #[must_use]
    pub fn code(&self) -> FileCode {
        match self {
            Self::Version => FileCode::VersionNotSupported,
            Self::Unreadable(_)
            | Self::NotABundle
            | Self::NotAnUpload(_)
            | Self::Header(_)
            | Self::TooLong
            | Self::Count { .. }
            | Self::Stopped => FileCode::Corrupt,
        }
    }
}

#[cfg(test)]
mod tests;
