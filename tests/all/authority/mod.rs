//! The local authority's link, from outside.

mod check;
