//! Who is asking: what the viewer and the hub share about tokens, about the keys that they are bound to, and about
//! sessions. Signing in at an organisation's own provider comes later.
//!
//! Knows neither the viewer nor the hub. Nothing here logs, and no secret shows in `Debug`.

pub mod binding;
pub mod dpop;
#[cfg(any(all(test, feature = "demo"), feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod proved;
pub mod refresh;
pub mod token;
