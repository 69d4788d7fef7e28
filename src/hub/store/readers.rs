//! The threads that only read: each with a connection, and whoever asks first is read for first. What was read
//! goes on from here straight to the writer: on a busy machine each further thread in between waits for its turn.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::error::{Fault, StoreError};
use super::gate::Gate;
use super::queue::Line;
use super::reader::Reader;
use super::writer::{Known, Work};
use super::{Audited, Store, people_changed, writer};
use crate::hub::limits;

/// Something to read, and the way to whoever waits for it.
trait Errand: Send {
    /// Whether nobody waits for it any more.
    fn is_abandoned(&self) -> bool;
    fn run(self: Box<Self>, reader: &mut Reader);
}

/// An errand for whoever waits at the other end of a channel.
struct For<T, F> {
    reply: oneshot::Sender<T>,
    work: F,
}

impl<T: Send, F: FnOnce(oneshot::Sender<T>, &mut Reader) + Send> Errand for For<T, F> {
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run(self: Box<Self>, reader: &mut Reader) {
        let Self { reply, work } = *self;
        work(reply, reader);
    }
}

#[derive(Default)]
struct Errands {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    errands: VecDeque<Box<dyn Errand>>,
    is_closed: bool,
}

impl Waiting {
    fn forget_abandoned(&mut self) {
        self.errands.retain(|errand| !errand.is_abandoned());
    }
}

impl Errands {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that is done under the lock leaves half a state behind.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next one; waits for it as long as this, or for ever.
    fn next(&self, wait: Option<Duration>) -> Next {
        let is_idle = |waiting: &mut Waiting| waiting.errands.is_empty() && !waiting.is_closed;
        let mut waiting = match wait {
            Some(wait) => {
                self.changed
                    .wait_timeout_while(self.waiting(), wait, is_idle)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
            None => self.changed.wait_while(self.waiting(), is_idle).unwrap_or_else(PoisonError::into_inner),
        };
        match (waiting.errands.pop_front(), waiting.is_closed) {
            (Some(errand), _) => Next::Errand(errand),
            (None, true) => Next::End,
            (None, false) => Next::Nothing,
        }
    }

    /// Until the end.
    fn serve(&self, reader: &mut Reader) {
        let mut idle_since = None;
        loop {
            let next = self.next(reader.keeps_a_moment().then_some(limits::MOMENT_POLL));
            if matches!(next, Next::Nothing) {
                let idle = idle_since.get_or_insert_with(Instant::now).elapsed();
                if idle < limits::MOMENT_IDLE && !reader.is_waited_for() {
                    continue;
                }
            }
            idle_since = None;
            match next {
                // Whoever left before their turn is not read for.
                Next::Errand(errand) if errand.is_abandoned() => {}
                Next::Errand(errand) => reader.through(|reader| errand.run(reader)),
                Next::Nothing => reader.leave(),
                Next::End => return,
            }
        }
    }
}

/// What a reader does next.
enum Next {
    Errand(Box<dyn Errand>),
    Nothing,
    End,
}

/// The reading threads. They end, after what waits already, when this goes.
pub(super) struct Readers {
    errands: Arc<Errands>,
    gate: Arc<Gate>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// One thread for each connection.
    pub(super) fn start(
        connections: Vec<Connection>,
        gate: &Arc<Gate>,
        known: &Arc<Known>,
    ) -> std::io::Result<Self> {
        let threads = Vec::with_capacity(connections.len());
        let mut readers = Self { errands: Arc::default(), gate: Arc::clone(gate), threads };
        for db in connections {
            let (errands, known) = (Arc::clone(&readers.errands), Arc::clone(known));
            let mut reader = Reader::new(db, Arc::clone(gate));
            let thread = std::thread::Builder::new().name("store-reader".to_owned()).spawn(move || {
                // Nothing ends the thread before: nobody would be read for.
                errands.serve(&mut reader);
                if *known.lost.borrow() {
                    writer::leave_the_log(reader.now());
                }
            })?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    /// Lets somebody wait for their turn, unless too many do.
    fn send<T: Send + 'static>(
        &self,
        reply: oneshot::Sender<T>,
        work: impl FnOnce(oneshot::Sender<T>, &mut Reader) + Send + 'static,
    ) -> Result<(), StoreError> {
        let mut waiting = self.errands.waiting();
        if waiting.is_closed {
            return Err(StoreError::Closed);
        }
        if waiting.errands.len() >= limits::READERS_QUEUE {
            waiting.forget_abandoned();
        }
        if waiting.errands.len() >= limits::READERS_QUEUE {
            return Err(StoreError::Busy);
        }
        waiting.errands.push_back(Box::new(For { reply, work }));
        self.errands.changed.notify_one();
        Ok(())
    }

    /// Lets go of what those hold who have left, such as their places among the searches.
    pub(super) fn forget_abandoned(&self) {
        self.errands.waiting().forget_abandoned();
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
fn read_with<R>(work: impl FnOnce() -> Result<R, Fault>) -> Result<R, StoreError> {
    let read = catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Fault::Panicked));
    read.map_err(|fault| fault.into_error("read"))
}

/// Something to read of people.
pub(super) struct People<Read, Again> {
    /// By a reader, of a moment ago.
    pub(super) read: Read,
    /// Again by the writer, if they have changed since what was found; `None` where that would keep views waiting.
    pub(super) again: Again,
}

impl Store {
    fn begin_read<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<R, Fault> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<R, StoreError>>, StoreError> {
        let (reply, receiver) = oneshot::channel();
        let read = |reader: &mut Reader| read_with(|| work(reader.now()));
        self.0.readers.send(reply, move |reply, reader| drop(reply.send(read(reader))))?;
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

    /// Reads of people, and then writes with what was read, after others' views: nothing of it is known before COMMIT.
    /// Where anybody's details have changed since, it is read once more, in that very commit; `None` where that is too much
    /// for the writer, or the others in the commit have waited long enough: then all of it is to be asked again.
    pub(super) async fn read_people_then_write<R, T>(
        &self,
        people: People<
            impl FnOnce(&Connection) -> Result<R, Fault> + Send + 'static,
            impl FnOnce(&Connection, R) -> Result<Option<R>, Fault> + Send + 'static,
        >,
        write: impl FnOnce(&Work<'_>, R) -> Result<T, Fault> + Send + 'static,
    ) -> Result<Audited<Option<T>>, StoreError>
    where
        R: Send + 'static,
        T: Send + 'static,
    {
        let (reply, receiver) = oneshot::channel();
        let People { read, again } = people;
        // Not the store itself: the last handle on it waits for this thread.
        let (to_writer, gate) = (self.to_writer(), Arc::clone(&self.0.readers.gate));
        self.0.readers.send(reply, move |reply, reader| {
            let found = read_with(|| {
                let (db, changes) = reader.people()?;
                Ok((read(db)?, changes))
            });
            match found {
                Ok((found, changes)) => to_writer.submit(Line::Others, reply, move |work| {
                    if people_changed::so_far(work.db)? == changes {
                        return write(work, found).map(Some);
                    }
                    // Of no use to anybody any more.
                    gate.renew();
                    if work.begun.elapsed() >= limits::READ_AGAIN {
                        return Ok(None);
                    }
                    let Some(found) = again(work.db, found)? else { return Ok(None) };
                    write(work, found).map(Some)
                }),
                Err(error) => {
                    // Not what is wrong with this moment again for everybody after.
                    reader.leave();
                    drop(reply.send(Err(error)));
                }
            }
        })?;
        receiver.await.unwrap_or(Err(StoreError::Closed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readers(known: &Arc<Known>) -> Readers {
        Readers::start(vec![Connection::open_in_memory().unwrap()], &Arc::default(), known).unwrap()
    }

    fn ask<R: Send + 'static>(
        readers: &Readers,
        work: impl FnOnce(&Connection) -> Result<R, Fault> + Send + 'static,
    ) -> oneshot::Receiver<Result<R, StoreError>> {
        let (reply, receiver) = oneshot::channel();
        let read = |reader: &mut Reader| read_with(|| work(reader.now()));
        readers.send(reply, move |reply, reader| drop(reply.send(read(reader)))).unwrap();
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
        let (reply, _) = oneshot::channel::<()>();
        assert!(matches!(readers.send(reply, |_, _| ()), Err(StoreError::Closed)));
    }

    #[test]
    fn a_reply_that_panics_when_it_is_made_ends_no_reader() {
        let readers = readers(&Arc::default());
        let (reply, _receiver) = oneshot::channel::<()>();
        readers.send(reply, |_, _| panic!("on purpose")).unwrap();
        assert!(ask(&readers, |_| Ok(())).blocking_recv().unwrap().is_ok());
    }

    #[test]
    fn the_line_has_its_length_and_whoever_left_makes_room_and_lets_go_of_what_they_held() {
        let readers = readers(&Arc::default());
        let (begun, begins) = std::sync::mpsc::sync_channel(1);
        let (release, wait) = std::sync::mpsc::sync_channel::<()>(1);
        let reading = ask(&readers, move |_| {
            let _ = begun.send(());
            let _ = wait.recv();
            Ok(())
        });
        begins.recv().unwrap();
        let place = Arc::new(());
        let waiting: Vec<_> = (0..limits::READERS_QUEUE)
            .map(|_| {
                let place = Arc::clone(&place);
                ask(&readers, move |_| {
                    drop(place);
                    Ok(())
                })
            })
            .collect();
        let (reply, _receiver) = oneshot::channel::<()>();
        assert!(matches!(readers.send(reply, |_, _| ()), Err(StoreError::Busy)));
        drop(waiting);
        assert_eq!(Arc::strong_count(&place), limits::READERS_QUEUE + 1);
        let next = ask(&readers, |_| Ok(()));
        assert_eq!(Arc::strong_count(&place), 1, "nobody is kept waiting for those who left");
        drop(release);
        assert!(reading.blocking_recv().unwrap().is_ok());
        assert!(next.blocking_recv().unwrap().is_ok());
    }
}
