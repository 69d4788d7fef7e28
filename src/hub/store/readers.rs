//! The threads that only read: each with a connection, and whoever asks first is read for first. What was read
//! goes on from here straight to the writer: on a busy machine each further thread in between waits for its turn.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::error::{Fault, StoreError};
use super::queue::Line;
use super::writer::{Known, Work};
use super::{Audited, Store, writer};

/// Something to read, and the way to whoever waits for it.
type Errand = Box<dyn FnOnce(&Connection) + Send>;

#[derive(Default)]
struct Errands {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    errands: VecDeque<Errand>,
    is_closed: bool,
}

impl Errands {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that is done under the lock leaves half a state behind.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next one; `None` at the end.
    fn next(&self) -> Option<Errand> {
        let is_idle = |waiting: &mut Waiting| waiting.errands.is_empty() && !waiting.is_closed;
        let waited = self.changed.wait_while(self.waiting(), is_idle);
        waited.unwrap_or_else(PoisonError::into_inner).errands.pop_front()
    }
}

/// The reading threads. They end, after what waits already, when this goes.
pub(super) struct Readers {
    errands: Arc<Errands>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// One thread for each connection.
    pub(super) fn start(connections: Vec<Connection>, known: &Arc<Known>) -> std::io::Result<Self> {
        let mut readers = Self { errands: Arc::default(), threads: Vec::with_capacity(connections.len()) };
        for db in connections {
            let (errands, known) = (Arc::clone(&readers.errands), Arc::clone(known));
            let thread = std::thread::Builder::new().name("store-reader".to_owned()).spawn(move || {
                while let Some(errand) = errands.next() {
                    errand(&db);
                }
                if *known.lost.borrow() {
                    writer::leave_the_log(&db);
                }
            })?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    fn send(&self, errand: Errand) -> Result<(), StoreError> {
        let mut waiting = self.errands.waiting();
        if waiting.is_closed {
            return Err(StoreError::Closed);
        }
        waiting.errands.push_back(errand);
        self.errands.changed.notify_one();
        Ok(())
    }

    /// Waits until they are gone.
    pub(super) fn end(&mut self) {
        self.errands.waiting().is_closed = true;
        self.errands.changed.notify_all();
        for thread in self.threads.drain(..) {
            // Their panics are caught where they happen; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.end();
    }
}

/// A panic in one reading must not end the thread for all. The connection holds no state of its own.
fn read_with<R>(
    db: &Connection,
    work: impl FnOnce(&Connection) -> Result<R, Fault>,
) -> Result<R, StoreError> {
    let read = catch_unwind(AssertUnwindSafe(|| work(db))).unwrap_or(Err(Fault::Panicked));
    read.map_err(|fault| fault.into_error("read"))
}

impl Store {
    fn begin_read<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<R, Fault> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<R, StoreError>>, StoreError> {
        let (reply, receiver) = oneshot::channel();
        self.0.readers.send(Box::new(move |db| {
            // Whoever left before their turn is not read for.
            if !reply.is_closed() {
                let _ = reply.send(read_with(db, work));
            }
        }))?;
        Ok(receiver)
    }

    /// Reads committed data, off the threads that serve connections.
    pub(super) async fn read_elsewhere<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<R, Fault> + Send + 'static,
    ) -> Result<R, StoreError> {
        self.begin_read(work)?.await.unwrap_or(Err(StoreError::Closed))
    }

    /// The same from a thread that may block (the command line).
    pub(super) fn read<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<R, Fault> + Send + 'static,
    ) -> Result<R, StoreError> {
        self.begin_read(work)?.blocking_recv().unwrap_or(Err(StoreError::Closed))
    }

    /// Reads, and then writes with what was read, after others' views: nothing of it is known before COMMIT.
    pub(super) async fn read_then_write<R, T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<R, Fault> + Send + 'static,
        write: impl FnOnce(&Work<'_>, R) -> Result<T, Fault> + Send + 'static,
    ) -> Result<Audited<T>, StoreError>
    where
        R: Send + 'static,
        T: Send + 'static,
    {
        let (reply, receiver) = oneshot::channel();
        // Not the store itself: the last handle on it waits for this thread.
        let to_writer = self.to_writer();
        self.0.readers.send(Box::new(move |db| {
            if reply.is_closed() {
                return;
            }
            match read_with(db, read) {
                Ok(read) => to_writer.submit(Line::Others, reply, move |work| write(work, read)),
                Err(error) => drop(reply.send(Err(error))),
            }
        }))?;
        receiver.await.unwrap_or(Err(StoreError::Closed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readers(known: &Arc<Known>) -> Readers {
        Readers::start(vec![Connection::open_in_memory().unwrap()], known).unwrap()
    }

    fn ask<R: Send + 'static>(
        readers: &Readers,
        work: impl FnOnce(&Connection) -> Result<R, Fault> + Send + 'static,
    ) -> oneshot::Receiver<Result<R, StoreError>> {
        let (reply, receiver) = oneshot::channel();
        readers.send(Box::new(move |db| drop(reply.send(read_with(db, work))))).unwrap();
        receiver
    }

    #[test]
    fn a_reading_that_panics_fails_alone_and_what_waits_is_still_read() {
        let mut readers = readers(&Arc::default());
        let panics = ask(&readers, |_| -> Result<(), Fault> { panic!("on purpose") });
        let further: Vec<_> = (0..20)
            .map(|number: i64| {
                ask(&readers, move |db| Ok(db.query_row("SELECT ?1", [number], |row| row.get::<_, i64>(0))?))
            })
            .collect();
        readers.end();
        assert!(panics.blocking_recv().unwrap().is_err());
        for (number, reply) in (0..).zip(further) {
            assert_eq!(reply.blocking_recv().unwrap().unwrap(), number);
        }
        assert!(matches!(readers.send(Box::new(|_| ())), Err(StoreError::Closed)));
    }
}
