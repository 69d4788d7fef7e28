//! Settings: parsed first, without doing anything, then resolved.
//!
//! Refuses rather than falls back: an unknown key, an unreadable file or a setting that cannot be meant ends
//! the start with one sentence.

#[cfg(feature = "authority")]
pub mod authority;
#[cfg(any(feature = "authority", feature = "hub", feature = "mesh"))]
mod file;
#[cfg(any(all(test, feature = "demo"), feature = "fuzzing"))]
pub(crate) mod fuzzing;
#[cfg(feature = "hub")]
pub mod hub;
#[cfg(feature = "mesh")]
pub mod mesh;
#[cfg(any(feature = "viewer", feature = "fuzzing"))]
pub mod viewer;
