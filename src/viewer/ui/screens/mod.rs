//! The screens: each draws one part of a [`Screen`](crate::viewer::present::Screen) from widgets.
//!
//! They decide how wide things are and nothing else.

pub(super) mod answer;
pub(super) mod help;
pub(super) mod history;
pub(super) mod notice;
pub(super) mod patient;
pub(super) mod plans;
pub(super) mod search;
pub(super) mod session;
pub(super) mod sign_in;
