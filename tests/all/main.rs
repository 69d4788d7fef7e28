//! The one integration binary: every test that looks at the project from outside is a module of it.
//!
//! One binary, because each further one would link the whole window toolkit again. The modules carry
//! `#[cfg(test)]` so that the lints know their helpers for test code too.

#[cfg(test)]
mod authority;
#[cfg(test)]
mod habits;
#[cfg(test)]
mod hub;
#[cfg(test)]
mod layering;
#[cfg(test)]
mod mesh;
#[cfg(test)]
mod source;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod tree;
#[cfg(test)]
mod ui_fixtures;
#[cfg(test)]
mod ui_keys;
#[cfg(test)]
mod ui_room;
#[cfg(test)]
mod ui_screens;
