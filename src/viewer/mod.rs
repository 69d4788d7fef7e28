//! The clinician's window.
//!
//! State changes only in `update(event, now) -> effects`; presenters turn state into a [`present::Screen`]
//! of finished words; `ui` draws a screen and returns [`command::Command`]s; `run` does what effects ask.
//! Nothing here decides in two places, and no patient data goes to disk, to a log or into the window's title.

pub mod command;
pub mod effect;
pub mod event;
pub mod present;
pub mod run;
pub mod state;
pub mod ui;
pub mod update;

#[cfg(test)]
mod tests;
