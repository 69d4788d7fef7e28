//! The wire shapes of the national services, read into and written from [`crate::domain`].
//!
//! A small typed subset of FHIR R4 (UK Core), and the only place where clinical data meets serde. Pure: no
//! IO, no clock. Reading is tolerant of what real servers send, never drops an entry in silence, and never
//! lets a broken entry look like an empty answer.

pub mod codes;
pub mod read;

pub mod wire;
pub mod write;
