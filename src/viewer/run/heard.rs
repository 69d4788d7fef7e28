//! What the system says of itself: however many events wait, none of this may be lost, and it comes first.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::viewer::event::Event;

/// Heard, and not yet taken up.
#[derive(Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    is_locked: bool,
    has_slept: bool,
    tells_lock: Option<bool>,
}

impl Heard {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        // Nothing that is done under the lock leaves half a state behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what may not be lost; gives back everything else.
    pub(super) fn keep(&self, event: Event) -> Option<Event> {
        if matches!(event, Event::ComputerLocked) {
            self.inside().is_locked = true;
        } else if matches!(event, Event::Slept) {
            self.inside().has_slept = true;
        } else if let Event::TellsLock(tells) = event {
            self.inside().tells_lock = Some(tells);
        } else {
            return Some(event);
        }
        None
    }

    /// What there is to take up.
    pub(super) fn take(&self) -> Vec<Event> {
        let inside = std::mem::take(&mut *self.inside());
        let locked = inside.is_locked.then_some(Event::ComputerLocked);
        let slept = inside.has_slept.then_some(Event::Slept);
        [locked, slept, inside.tells_lock.map(Event::TellsLock)].into_iter().flatten().collect()
    }
}
