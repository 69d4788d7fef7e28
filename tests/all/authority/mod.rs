//! The local authority's link, from outside.

mod check;
mod desk;
mod document;
mod schema;
mod upload;
