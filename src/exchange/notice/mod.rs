//! What the hub tells a local authority, and what its link answers: notifications of accesses and corrections, notices of NHS
//! numbers that are no longer in use, and the receipts that say what was done with them.
//!
//! Both documents are FHIR R4 bundles of the type `message` with some notifications each. A notification has a number,
//! which shows that none is missing, and an id, which shows that it is the same one again. Nothing in it says why the
//! information was opened.

mod read;
mod receipt;
#[cfg(test)]
mod tests;
mod transport;
mod write;

use jiff::Timestamp;

use crate::domain::{AccessReference, ContactMode, NhsNumber};

pub use read::{Item, NotNotices, read};
pub use receipt::{Outcome, Receipt, Receipts, read_receipts, write_receipts};
pub use transport::{Collected, Gone, Mailbox};
pub use write::{write, write_items};

/// Notifications, or receipts, of one document.
pub const MOST: usize = 50;

/// Bytes of one document.
pub const DOCUMENT_BYTES: usize = 1024 * 1024;

/// Characters of a text of one; what is longer is cut, for a notification is never refused over a name.
const CHARACTERS: usize = 200;

/// By what a notification is known at both ends, for good: 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoticeId(String);

impl NoticeId {
    /// Reads an id as received.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (text.len() == 32 && text.bytes().all(is_hex)).then(|| Self(text.to_owned()))
    }

    /// The text: fit for a file's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which register a link keeps: 128 random bits that it was given when it was made, as 32 hexadecimal digits. A backup of it
/// that is put in its place is the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterId(NoticeId);

impl RegisterId {
    /// Reads an id as received.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        NoticeId::parse(text).map(Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Which notification: its place in an authority's numbers, and what it is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// 1, 2, 3 … of the authority.
    pub number: u32,
    /// Its id.
    pub id: NoticeId,
}

/// What the document says beside its notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// The hub that says so, by the name under which it is configured.
    pub source: String,
    /// The authority that is told, by its ODS code.
    pub authority_code: String,
    /// The last number that this authority's notifications have come to; 0 where there is none.
    pub last: u32,
    /// The first of them of which the hub has no receipt.
    pub unfiled: Option<Mark>,
    /// Of those up to the one that the link has said it has, how many are not over; `None` where it has said none, or the
    /// document may be read later.
    pub not_over: Option<NotOver>,
}

/// How many notifications are not over by what the hub knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotOver {
    /// The hub has no receipt of them.
    pub without_receipt: u32,
    /// They stand on the authority's own list.
    pub on_list: u32,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The information was opened.
    Opened,
    /// Whoever opened it has said that it was in error.
    OpenedInError,
}

/// The place from which it was opened, as the organisation is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Kind of setting.
    pub setting: String,
    /// The site's name.
    pub site: String,
    /// The department.
    pub department: String,
    /// A number that is answered at any hour, as it was configured.
    pub call_back: Option<String>,
    /// How the patient was present.
    pub contact: ContactMode,
}

/// One notification. `Debug` shows nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Notice {
    /// Number and id.
    pub mark: Mark,
    /// What happened.
    pub event: Event,
    /// When: of a correction, when that was said.
    pub at: Timestamp,
    /// The access, as both ends speak of it.
    pub reference: AccessReference,
    /// The first access of the same attendance.
    pub attendance: AccessReference,
    /// Whether it is that first one.
    pub is_first: bool,
    /// The number under which the authority sent the plan.
    pub number: NhsNumber,
    /// The authority's own id of the person.
    pub local_id: String,
    /// The authority's file from which the plan is: its sequence number, where it came in one.
    pub upload: Option<u32>,
    /// Who opened it.
    pub name: String,
    /// In what role.
    pub role: String,
    /// For which organisation.
    pub organisation: String,
    /// Its ODS code.
    pub organisation_code: String,
    /// From where; `None` where it is not stated.
    pub place: Option<Place>,
}

/// An NHS number under which the authority holds a plan is no longer in use. `Debug` shows nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct InactiveNumber {
    /// Number and id of the notice.
    pub mark: Mark,
    /// When the hub learnt of it.
    pub at: Timestamp,
    /// The number, as the authority sent it.
    pub number: NhsNumber,
    /// The authority's own id of the person.
    pub local_id: String,
    /// The authority's file from which the plan is: its sequence number, where it came in one.
    pub upload: Option<u32>,
    /// The number that has taken its place. `None` where the identity ended: nothing is ever said of another then.
    pub replaced_by: Option<NhsNumber>,
}

impl std::fmt::Debug for InactiveNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InactiveNumber({})", self.mark.number)
    }
}

impl std::fmt::Debug for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Notice({})", self.mark.number)
    }
}
