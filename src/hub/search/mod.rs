//! Searching people: how somebody is found, and how well they fit. Pure: the store reads and writes.
//!
//! | Part | What it is for |
//! |---|---|
//! | `query` | what is asked |
//! | `names`, `variants` | names taken apart, sounds, short forms |
//! | `compared` | what of a person is compared, in one row |
//! | `keys`, `probes` | under which keys people stand, and where a search looks |
//! | `exact` | whether somebody is what was asked |
//! | `weigh` | how probable it is that somebody alike is meant |
//! | `choose` | who of those is shown |
//!
//! The manual's chapter on searching says the same to a clinician.

mod choose;
mod compared;
mod exact;
pub(in crate::hub) mod keys;
mod names;
mod probes;
mod query;
mod variants;
mod weigh;

use super::limits;

pub(in crate::hub) use choose::Choosing;
pub(in crate::hub) use compared::{Compared, Described};
pub(in crate::hub) use probes::Probe;
pub(in crate::hub) use probes::of_query as looks;
pub use query::{AskedText, PersonQuery};

/// The score of what is exactly what was asked, in thousandths.
const FULL: u32 = 1000;

/// How well somebody fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::hub) struct Score {
    /// 1000 is exactly what was asked.
    pub(in crate::hub) thousandths: u32,
    /// A name that is no longer used matched, and the current one did not, or less.
    pub(in crate::hub) previous_name: bool,
}
