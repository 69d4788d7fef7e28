//! The local authority's link.
//!
//! | Part | What it is for |
//! |---|---|
//! | [`extract`] | what the case management system says, checked before anything is sent |

pub mod extract;
#[cfg(any(all(test, feature = "demo"), feature = "fuzzing"))]
pub(crate) mod fuzzing;
