//! The local authority's link, from outside.

mod check;
mod desk;
mod upload;
