//! The parts that the screens are put together from: each draws one thing, names it for a screen reader, and
//! says what was done to it.
//!
//! They refuse to decide anything: no wording, no rule and no colour is made here.

mod answer;
mod banner;
mod button;
mod choice;
mod field;
mod icon;
mod layout;
mod phone;
mod segment;
mod table;
mod text;

pub(crate) use answer::{Look, panel, panel_margin, waiting};
pub(crate) use banner::banner;
pub(crate) use button::{Button, Kind};
pub(crate) use choice::{Written, choice};
pub(crate) use field::Field;
pub(crate) use icon::{Icon, draw as draw_icon};
pub(crate) use layout::{
    card, narrow, notice_box, region, rule, scroll, short, side_margin, two_columns, whole,
};
pub(crate) use phone::phone;
pub(crate) use segment::segment;
pub(crate) use table::{Row, table};
pub(crate) use text::{Politeness, chip, chip_size, heading, headline, line, live, value};
