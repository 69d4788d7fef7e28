//! What the hub and a local authority send each other: the upload document and its acknowledgement, notifications of
//! accesses and their receipts.
//!
//! All are FHIR R4 bundles of the type `message`. The first two are read and written entry by entry, so that a file of any
//! length takes little memory at either end; the others are short. How they are carried is a [`Transport`]; nothing above one knows which.
//!
//! | Part | What it is for |
//! |---|---|
//! | [`upload`] | an authority's plans, one entry a record |
//! | [`acknowledgement`] | what became of them: the national file and record codes |
//! | [`notice`] | who opened a child's information, and what was done with that |
//! | [`codes`] | those codes, and the addresses that both ends spell alike |
//! | [`transport`] | how a document gets there |
//! | `stream` | a bundle, entry by entry |
//!
//! No IO but on the readers and writers that are handed in, and no clock. Nothing of a record is in a fault's text.

pub mod acknowledgement;
pub mod codes;
#[cfg(any(all(test, feature = "demo"), feature = "fuzzing"))]
pub(crate) mod fuzzing;
pub mod notice;
mod stream;
pub mod transport;
pub mod upload;
mod wire;

pub use acknowledgement::{Acknowledgement, Item, Rejection, StillHeld};
pub use codes::{FileCode, RecordCode};
pub use transport::{Delivery, Transport, TransportError};

/// Records of one upload.
pub const RECORDS: u64 = 2_000_000;

/// Bytes of one entry: a record has some 2,000.
pub const ENTRY_BYTES: usize = 64 * 1024;

/// Plans of one record, those that are taken back included. Whoever has more has a further record.
pub const RECORD_PLANS: usize = 12;

/// Characters of a name, a local id or a telephone number.
pub const TEXT_CHARACTERS: usize = 100;
