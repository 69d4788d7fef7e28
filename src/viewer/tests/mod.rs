//! What the tests of the viewer's pure parts share.

pub(in crate::viewer) mod people;
