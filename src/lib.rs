//! Child Protection - Information Sharing: the viewer, the hub and the local authority's link.
//!
//! # The map
//!
//! | Module | What it is for | What it may know |
//! |---|---|---|
//! | [`domain`] | the field's own terms and rules | nobody; no IO, no clock |
//! | `fhir` | wire shapes, read and written | `domain`; no IO, no clock |
//! | `exchange` | what hub and local authority send each other | `fhir` and below |
//! | `config` | settings, parsed and then resolved | `domain` |
//! | `mesh` | a mailbox at MESH, the NHS's message exchange | `config` |
//! | `identity` | tokens and proofs of their keys: who is asking | `domain` |
//! | `client` | typed calls to the hub | `domain`, `fhir`, `identity` |
//! | `viewer` | the clinician's window | `client` and below, not the hub |
//! | `hub` | answers, logs every view, tells the local authority | `identity`, `config`, `exchange`, `mesh` and below, not the viewer |
//! | `authority` | the local authority's link | `config`, `exchange`, `mesh` and below, not the viewer, not the hub |
//! | `demo` | composes the others with synthetic people | everybody |
//! | `fuzzing` | what must hold of every parser; in tests only | everybody |
//!
//! A test (`tests/all/layering.rs`) reads the `use`s and holds this table.

#[cfg(feature = "authority")]
pub mod authority;
#[cfg(feature = "client")]
pub mod client;
#[cfg(any(feature = "authority", feature = "hub", feature = "mesh", feature = "viewer"))]
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod domain;
#[cfg(feature = "exchange")]
pub mod exchange;
#[cfg(feature = "fhir")]
pub mod fhir;
#[cfg(any(all(test, feature = "demo"), feature = "fuzzing"))]
pub mod fuzzing;
#[cfg(feature = "hub")]
pub mod hub;
#[cfg(feature = "token")]
pub mod identity;
pub mod manual;
#[cfg(feature = "mesh")]
pub mod mesh;
#[cfg(feature = "viewer")]
pub mod viewer;
