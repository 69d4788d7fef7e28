//! Draws the window with egui and says what was done to it.
mod theme;
mod widgets;
pub use theme::install;
