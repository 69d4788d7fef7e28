//! The thread that moves the write-ahead log into the database, on a connection of its own: SQLite copies from the
//! log beside commits, and nobody's view waits while the disk flushes.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::checkpoint;
use super::writer::{self, Known, Served};

/// Moves the log when it is told to. Its thread ends when this goes.
pub(super) struct Mover {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
enum State {
    #[default]
    Idle,
    Moving,
    Moved(Result<(), rusqlite::Error>),
    Ended,
}

/// How far the mover is.
#[derive(Debug)]
pub(super) enum Progress {
    /// It waits to be told.
    Idle,
    /// It is at it.
    Moving,
    /// It has been told, and this is how it went. Said once.
    Moved(Result<(), rusqlite::Error>),
}

impl Mover {
    /// Starts the thread.
    pub(super) fn start(db: Connection, known: &Arc<Known>) -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let (theirs, known) = (Arc::clone(&shared), Arc::clone(known));
        let thread = std::thread::Builder::new()
            .name("store-log".to_owned())
            .spawn(move || run(&db, &theirs, &known))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Lets it move what is in the log now.
    pub(super) fn begin(&self) {
        let mut state = self.shared.state();
        if matches!(*state, State::Idle) {
            *state = State::Moving;
            self.shared.changed.notify_all();
        }
    }

    /// How far it is.
    pub(super) fn progress(&self) -> Progress {
        self.shared.state().progress()
    }

    /// The same, once it moves nothing any more.
    pub(super) fn when_still(&self) -> Progress {
        let still =
            self.shared.changed.wait_while(self.shared.state(), |state| matches!(state, State::Moving));
        still.unwrap_or_else(PoisonError::into_inner).progress()
    }
}

impl Drop for Mover {
    fn drop(&mut self) {
        let _ = self.when_still();
        *self.shared.state() = State::Ended;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // What it did it has said; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under the lock leaves half a state behind.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn progress(&mut self) -> Progress {
        match std::mem::take(self) {
            Self::Idle => Progress::Idle,
            Self::Moving => {
                *self = Self::Moving;
                Progress::Moving
            }
            Self::Moved(how) => Progress::Moved(how),
            Self::Ended => {
                *self = Self::Ended;
                Progress::Idle
            }
        }
    }
}

/// Lets nobody wait for a thread that a panic ended; what it was doing is not known.
struct TellAtPanic<'a>(&'a Shared, &'a Known);

impl Drop for TellAtPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.1.lost.send_replace(true);
            *self.0.state() = State::Ended;
            self.0.changed.notify_all();
        }
    }
}

fn run(db: &Connection, shared: &Shared, known: &Known) {
    let _tell = TellAtPanic(shared, known);
    loop {
        let is_to_wait = |state: &mut State| matches!(state, State::Idle | State::Moved(_));
        let state = shared.changed.wait_while(shared.state(), is_to_wait);
        if matches!(*state.unwrap_or_else(PoisonError::into_inner), State::Ended) {
            break;
        }
        let moved = checkpoint::what_can_be(db);
        if let Err(error) = &moved
            && Served::after(error) == Served::Lost
        {
            // At once, and not only when something is written next.
            writer::lose(db, known);
            writer::not_moved(error);
        }
        *shared.state() = State::Moved(moved);
        shared.changed.notify_all();
    }
    if *known.lost.borrow() {
        writer::leave_the_log(db);
    }
}
