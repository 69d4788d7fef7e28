//! The local authority's link.
//!
//! | Part | What it is for |
//! |---|---|
//! | [`extract`] | what the case management system says, checked before anything is sent |
//! | [`memory`] | what the hub holds, by its acknowledgements; what waits for a person |
//! | [`patience`] | how long it is tried again what fails for a while |
//! | [`upload`] | from the extract to the hub and back |
//! | [`https`] | the way there: HTTPS with the link's own certificate |

pub mod extract;
#[cfg(any(all(test, feature = "demo"), feature = "fuzzing"))]
pub(crate) mod fuzzing;
pub mod https;
pub mod memory;
pub mod patience;
pub mod upload;
