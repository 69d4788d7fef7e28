//! Presenters: from state to a screen of finished words. Pure, and tested as tables.

pub mod screen;

pub use screen::Screen;
