//! The local authority's link.
//!
//! | Part | What it is for |
//! |---|---|
//! | [`extract`] | what the case management system says, checked before anything is sent |
//! | [`memory`] | what the hub holds, by its acknowledgements; what waits for a person |
//! | [`patience`] | how long it is tried again what fails for a while |
//! | [`upload`] | from the extract to the hub and back |
//! | [`mail`] | alerts by e-mail, which say nothing but a case's reference |
//! | [`notices`] | from what the hub tells to the record, and back that it is filed |
//! | [`register`] | what was told, each once, and the notes made of it |
//! | [`notes`] | their words, and the ways into the record |
//! | [`routing`] | who is alerted of an access at this hour |
//! | [`page`] | what social workers read of it in a browser |
//! | [`way`] | which way documents go, as configured |
//! | [`https`] | HTTPS with the link's own certificate |
//! | [`mesh`] | MESH, from mailbox to mailbox |

pub mod extract;
mod files;
#[cfg(any(all(test, feature = "demo"), feature = "fuzzing"))]
pub(crate) mod fuzzing;
pub mod https;
pub mod mail;
pub mod memory;
pub mod mesh;
pub mod notes;
pub mod notices;
pub mod page;
pub mod patience;
pub mod register;
pub mod routing;
pub mod upload;
pub mod way;
