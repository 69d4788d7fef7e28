//! Limits of what is asked and watched: parameters, searches that begin anew, the metrics, and `cpis-hub doctor`.

use std::time::Duration;

/// Parameters of one request.
pub const PARAMETERS: usize = 30;

/// Bounds of the birth date in one search: from and to.
pub const BIRTH_BOUNDS: usize = 2;

/// Longer than this nobody who asks for the metrics waits for the database's figures.
pub const FIGURES_WAIT: Duration = Duration::from_secs(5);

/// Time since the last backup, or the last removal of what is over its time, after which `cpis-hub doctor` says so: both are
/// daily. The alerts say the same.
pub const KEPT_UP: Duration = Duration::from_secs(36 * 60 * 60);

/// Times that a search is begun anew because people were changed while it looked.
pub const SEARCH_TURNS: usize = 16;

/// Time that `cpis-hub doctor` gives whoever has the hub's address to answer.
pub const DOCTOR_ANSWER: Duration = Duration::from_secs(2);

/// How often a command that waits for [`IN_USE_WAIT`](super::IN_USE_WAIT) asks whether it may go on.
pub const IN_USE_POLL: Duration = Duration::from_millis(20);
