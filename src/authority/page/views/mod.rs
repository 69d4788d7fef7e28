//! What the page looks like: templates that escape whatever others wrote, in words for a social worker. They decide nothing
//! about who may see what; they are handed only what is shown.

mod access;
mod child;
mod disputed;
mod duty;
mod frame;
mod newest;
mod triage;

pub(super) use child::{Child, Told, child, report};
pub(super) use disputed::disputed;
pub(super) use duty::{Duty, duty, handover};
pub(super) use frame::{Chrome, Heard, plain};
pub(super) use newest::{Filter, Newest, newest};
pub(super) use triage::triage;

/// The page's one style, in each page: nothing is fetched.
pub(super) const STYLE: &str = include_str!("style.css");
