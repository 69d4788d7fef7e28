//! The parts that the screens are put together from: each draws one thing, names it for a screen reader, and
//! says what was done to it.
//!
//! They refuse to decide anything: no wording, no rule and no colour is made here.

mod answer;
mod button;
mod choice;
mod field;
mod icon;
mod layout;
mod text;

pub(crate) use answer::{Look, panel};
pub(crate) use button::{Button, Kind};
pub(crate) use choice::Choice;
pub(crate) use field::Field;
pub(crate) use icon::{Icon, draw as draw_icon};
pub(crate) use layout::{card, region, two_columns};
pub(crate) use text::{Politeness, heading, line, live, painted, value};
