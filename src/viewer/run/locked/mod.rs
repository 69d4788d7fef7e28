//! Hears from the system that its screen was locked, that it goes to sleep, or that another user has the screen. Whoever
//! comes back may be somebody else.
//!
//! Linux and its relatives say it on D-Bus (`bus`), Windows to a window (`session`), macOS to its notification centres (`centre`).
//! Wherever nobody is known to tell, the viewer says so.

use std::sync::Arc;

use crate::viewer::event::Event;

#[cfg(all(unix, not(target_vendor = "apple")))]
mod bus;
#[cfg(target_os = "macos")]
mod centre;
#[cfg(windows)]
mod session;

#[cfg(all(unix, not(target_vendor = "apple")))]
pub(super) use bus::watch;
#[cfg(target_os = "macos")]
pub(super) use centre::watch;
#[cfg(windows)]
pub(super) use session::watch;

/// Tells the viewer.
pub(super) type Tell = Arc<dyn Fn(Event) + Send + Sync>;

/// What is done with what is heard. Each is called on whatever thread hears it.
#[derive(Clone)]
pub(super) struct Hears {
    pub(super) tell: Tell,
    /// A moment for the hub to hear that the session is over, before the computer sleeps. On Linux it is asked to wait instead.
    #[cfg_attr(not(windows), expect(dead_code, reason = "nobody else waits"))]
    pub(super) waits: Arc<dyn Fn() + Send + Sync>,
    /// The program is about to be ended by a log-off. Elsewhere a signal or the window's own end says so.
    #[cfg_attr(not(windows), expect(dead_code, reason = "nobody else tells it so"))]
    pub(super) ends: Arc<dyn Fn() + Send + Sync>,
}
