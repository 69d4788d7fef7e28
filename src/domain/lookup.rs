//! Questions to the hub and what it answers, in the field's own terms.

use std::fmt;

use jiff::Timestamp;
use uuid::Uuid;

use super::access::AccessReference;
use super::answer::PlansReading;
use super::birth::BirthDate;
use super::care_setting::CareSetting;
use super::nhs_number::NhsNumber;
use super::person::{Candidate, Gender};

/// What to search people by.
#[derive(Clone, PartialEq, Eq)]
pub struct SearchQuery {
    /// Family name.
    pub family: String,
    /// Given name.
    pub given: Option<String>,
    /// Date of birth, exact or a range.
    pub born: BirthDate,
    /// Gender.
    pub gender: Option<Gender>,
    /// Postcode: compared with what is held, which is never shown.
    pub postcode: Option<String>,
    /// Sound-alike and swapped names too.
    pub similar: bool,
}

impl fmt::Debug for SearchQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SearchQuery(hidden)")
    }
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchReading {
    /// These people; best first as received.
    Found {
        /// The readable ones.
        candidates: Vec<Candidate>,
        /// How many entries could not be read.
        unreadable: usize,
    },
    /// More than the service is willing to list.
    TooMany,
}

/// A question about one patient's child protection information.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Whose.
    pub number: NhsNumber,
    /// One id from opening until an answer is on screen, across retries.
    pub trace: Uuid,
    /// What the session says.
    pub care: CareSetting,
}

/// The hub's answer about plans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlansAnswer {
    /// What is held.
    pub reading: PlansReading,
    /// Under what this view was logged.
    pub reference: AccessReference,
    /// The hub's clock.
    pub at: Timestamp,
}

/// An answer with the hub's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dated<T> {
    /// The answer.
    pub value: T,
    /// The hub's clock.
    pub at: Timestamp,
}

/// What is reported to the hub's audit log after an answer was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// A telephone number was copied.
    NumberCopied,
    /// The summary was copied.
    SummaryCopied,
}

impl Report {
    /// As it travels.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Report::NumberCopied => "copy-number",
            Report::SummaryCopied => "copy-summary",
        }
    }
}
