//! All tests that need more than one module.

mod ui_fixtures;
mod ui_screens;
