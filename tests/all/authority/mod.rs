//! The local authority's link, from outside.

mod check;
mod desk;
mod document;
mod patience;
mod recovery;
mod schema;
mod upload;
