//! The one writer: a thread that groups waiting requests into one commit.
//!
//! Every request is a savepoint: one that fails, fails alone. A COMMIT that fails, fails all of the group.
//! Nobody is answered before the COMMIT has returned; that is what makes *log before disclose* hold.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::audited::Audited;
use super::error::{Fault, StoreError};
use crate::hub::clock::Clock;
use crate::hub::limits;

/// What a request works with: the open transaction and the one moment on which it decides everything.
pub(super) struct Work<'a> {
    pub(super) db: &'a Connection,
    pub(super) now: Timestamp,
}

impl Work<'_> {
    pub(super) fn now_ms(&self) -> i64 {
        self.now.as_millisecond()
    }
}

/// A waiting request.
pub(super) trait Job: Send {
    /// Whether nobody waits for the answer any more. Asked before the work only: afterwards it stays.
    fn is_abandoned(&self) -> bool;
    fn run(&mut self, work: &Work<'_>) -> Result<(), Fault>;
    fn committed(self: Box<Self>);
    fn failed(self: Box<Self>, error: StoreError);
}

/// The reply of a request.
pub(super) type Reply<T> = oneshot::Receiver<Result<Audited<T>, StoreError>>;

struct Task<T, F> {
    work: Option<F>,
    done: Option<(T, Timestamp)>,
    asked: Instant,
    reply: oneshot::Sender<Result<Audited<T>, StoreError>>,
}

/// Wraps work into a job and the place where its reply will arrive.
pub(super) fn job<T, F>(work: F) -> (Box<dyn Job>, Reply<T>)
where
    T: Send + 'static,
    F: FnOnce(&Work<'_>) -> Result<T, Fault> + Send + 'static,
{
    let (reply, receiver) = oneshot::channel();
    (Box::new(Task { work: Some(work), done: None, asked: Instant::now(), reply }), receiver)
}

impl<T, F> Job for Task<T, F>
where
    T: Send,
    F: FnOnce(&Work<'_>) -> Result<T, Fault> + Send,
{
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run(&mut self, work: &Work<'_>) -> Result<(), Fault> {
        let Some(task) = self.work.take() else { return Err(Fault::Corrupt("a request that ran twice")) };
        // A panic in one request must not end the writer for all.
        let value = catch_unwind(AssertUnwindSafe(|| task(work))).unwrap_or(Err(Fault::Panicked))?;
        self.done = Some((value, work.now));
        Ok(())
    }

    fn committed(self: Box<Self>) {
        let waited: Duration = self.asked.elapsed();
        let answer = match self.done {
            Some((value, at)) => Ok(Audited::after_commit(value, at, waited)),
            None => Err(StoreError::Closed),
        };
        // Nobody may be waiting any more: the view stays.
        let _ = self.reply.send(answer);
    }

    fn failed(self: Box<Self>, error: StoreError) {
        let _ = self.reply.send(Err(error));
    }
}

/// Runs until the last sender is gone.
pub(super) fn run(
    db: &Connection,
    queue: &Receiver<Box<dyn Job>>,
    clock: &Clock,
    synthetic: &Arc<AtomicBool>,
) {
    while let Ok(first) = queue.recv() {
        let mut group = vec![first];
        while group.len() < limits::COMMIT_GROUP {
            match queue.try_recv() {
                Ok(next) => group.push(next),
                Err(_) => break,
            }
        }
        group.retain(|job| !job.is_abandoned());
        if !group.is_empty() {
            serve(db, group, clock, synthetic);
        }
    }
}

fn serve(db: &Connection, group: Vec<Box<dyn Job>>, clock: &Clock, synthetic: &Arc<AtomicBool>) {
    if let Err(error) = db.execute_batch("BEGIN IMMEDIATE") {
        return fail_all(group, "begin", &error);
    }
    // Another process may have marked the database since the hub started.
    if !synthetic.load(Ordering::Acquire) && super::read_marking(db).unwrap_or(false) {
        synthetic.store(true, Ordering::Release);
    }
    let mut done: Vec<Box<dyn Job>> = Vec::with_capacity(group.len());
    let mut waiting = group.into_iter();
    for mut job in waiting.by_ref() {
        match in_savepoint(db, clock.now(), &mut job) {
            Ok(()) => done.push(job),
            Err(fault) => job.failed(fault.into_error("work")),
        }
        // Some failures (a full disk) make SQLite roll the whole transaction back by itself: what the others
        // wrote is gone too, and nothing more may be written as if it were not.
        if db.is_autocommit() {
            let lost = done.into_iter().chain(waiting).collect();
            return fail_all_with(lost, "work", "the transaction was rolled back");
        }
    }
    if done.is_empty() {
        let _ = db.execute_batch("ROLLBACK");
        return;
    }
    match db.execute_batch("COMMIT") {
        Ok(()) => done.into_iter().for_each(Job::committed),
        Err(error) => {
            if !db.is_autocommit() {
                let _ = db.execute_batch("ROLLBACK");
            }
            fail_all(done, "commit", &error);
        }
    }
}

fn in_savepoint(db: &Connection, now: Timestamp, job: &mut Box<dyn Job>) -> Result<(), Fault> {
    db.execute_batch("SAVEPOINT request")?;
    match job.run(&Work { db, now }) {
        Ok(()) => {
            db.execute_batch("RELEASE request")?;
            Ok(())
        }
        Err(fault) => {
            if !db.is_autocommit() {
                db.execute_batch("ROLLBACK TO request; RELEASE request")?;
            }
            Err(fault)
        }
    }
}

fn fail_all(jobs: Vec<Box<dyn Job>>, phase: &'static str, error: &rusqlite::Error) {
    fail_all_with(jobs, phase, &super::error::reason(error));
}

fn fail_all_with(jobs: Vec<Box<dyn Job>>, phase: &'static str, reason: &str) {
    for job in jobs {
        job.failed(StoreError::Failed { phase, reason: reason.to_owned() });
    }
}
