//! The one writer: a thread that groups waiting requests into one commit.
//!
//! Every request is a savepoint: one that fails, fails alone. A COMMIT that fails, fails all of the group.
//! Nobody is answered before the COMMIT has returned; that is what makes *log before disclose* hold.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode};
use tokio::sync::{oneshot, watch};

use super::audit::Kind;
use super::audited::Audited;
use super::checkpoint;
use super::error::{Fault, StoreError};
use super::log::Log;
use super::queue::{Next, Queue};
use crate::hub::clock::Clock;
use crate::hub::disk::Disk;
use crate::hub::limits;
use crate::hub::metrics::Metrics;

/// What a request works with: the open transaction and the one moment on which it decides everything.
pub(super) struct Work<'a> {
    pub(super) db: &'a Connection,
    pub(super) now: Timestamp,
    /// Since when its group is written: all of that wait for one another. Waiting for another process is not in it.
    pub(super) begun: Instant,
    /// There are views in its group: somebody with a child in front of them waits for all of it.
    pub(super) holds_views: bool,
    /// Kind and outcome of the audit entries that it wrote: counted once they are on disk.
    pub(super) entries: RefCell<Vec<Counted>>,
}

/// An audit entry's kind and outcome.
pub(super) type Counted = (Kind, &'static str);

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

/// Wraps work into a job; the reply comes after COMMIT.
pub(super) fn job<T, F>(reply: oneshot::Sender<Result<Audited<T>, StoreError>>, work: F) -> Box<dyn Job>
where
    T: Send + 'static,
    F: FnOnce(&Work<'_>) -> Result<T, Fault> + Send + 'static,
{
    Box::new(Task { work: Some(work), done: None, asked: Instant::now(), reply })
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

/// What the writer knows, for everybody to see.
#[derive(Default)]
pub(super) struct Known {
    /// The database holds synthetic people, for good.
    pub(super) synthetic: AtomicBool,
    /// The last thing that was to be written was not.
    pub(super) failing: AtomicBool,
    /// The process ends with this writer: the write-ahead log is moved into the database.
    pub(super) is_last: AtomicBool,
    /// What an operator watches.
    pub(super) metrics: Arc<Metrics>,
    /// How many commits there were.
    pub(super) commits: AtomicU64,
    /// Nothing can be written any more, for good.
    pub(super) lost: watch::Sender<bool>,
}

/// Runs until the store closes, or until a flush has failed.
pub(super) fn run(db: &Connection, mut log: Log, queue: &Queue, clock: &Clock, known: &Known, disk: &Disk) {
    loop {
        let next = queue.next(limits::WRITER_IDLE);
        // The thread that moves the log may have found it out.
        if *known.lost.borrow() {
            leave_the_log(db);
            return;
        }
        match next {
            Next::Group(mut group, holds_views) => {
                group.retain(|job| !job.is_abandoned());
                if group.is_empty() {
                    continue;
                }
                disk.make_room(group.len());
                let served = match serve(db, group, holds_views, clock, known) {
                    Served::Done => move_the_log(db, &mut log, disk),
                    failed @ (Served::NoRoom | Served::Lost) => failed,
                };
                match served {
                    Served::Done => {}
                    Served::NoRoom => disk.give_up_a_portion(),
                    Served::Lost => {
                        lose(db, known);
                        return;
                    }
                }
            }
            // Another process may have marked the database since the hub started.
            Next::Idle => {
                if !known.synthetic.load(Ordering::Acquire) && super::read_marking(db).unwrap_or(false) {
                    known.synthetic.store(true, Ordering::Release);
                }
            }
            Next::End => {
                drop(log);
                if *known.lost.borrow() {
                    leave_the_log(db);
                    return;
                }
                if known.is_last.load(Ordering::Acquire) && empty_the_log(db) == Served::Lost {
                    lose(db, known);
                }
                return;
            }
        }
    }
}

/// Says, to everybody who asks, that nothing can be written any more.
pub(super) fn lose(db: &Connection, known: &Known) {
    leave_the_log(db);
    known.lost.send_replace(true);
    // Last: it must hold even where nothing can be logged.
    tracing::error!("the disk refused to flush the database's log: the hub ends");
}

/// After a commit: everybody has been answered, and what is moved stays in the log until it is flushed.
fn move_the_log(db: &Connection, log: &mut Log, disk: &Disk) -> Served {
    log.after_commit(db, disk.is_scarce()).map_or_else(|error| not_moved(&error), |()| Served::Done)
}

/// At the end. Where somebody else still reads, the rest stays in the log and the next start recovers it: nothing is
/// lost.
fn empty_the_log(db: &Connection) -> Served {
    match checkpoint::whole(db) {
        Ok(true) => tracing::info!("the write-ahead log is in the database"),
        Ok(false) => tracing::warn!("the write-ahead log stays: something else uses the database"),
        Err(error) => return not_moved(&error),
    }
    Served::Done
}

/// Says why.
pub(super) fn not_moved(error: &rusqlite::Error) -> Served {
    tracing::error!(
        reason = super::error::reason(error),
        "the write-ahead log could not be moved into the database"
    );
    Served::after(error)
}

/// Lets closing a database leave its log as it is.
pub(super) fn leave_the_log(db: &Connection) {
    // Where this fails, closing writes what was flushed before, and nothing else.
    let _ = db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
}

/// How a group went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Served {
    /// Committed, or failed in a way that says nothing about the next.
    Done,
    /// The disk is full.
    NoRoom,
    /// A flush failed: what is on the disk is not known, and asking again would not tell. The operating system may
    /// have dropped what it could not write, and the next flush would succeed without it.
    Lost,
}

impl Served {
    pub(super) fn after(error: &rusqlite::Error) -> Self {
        match error.sqlite_error() {
            Some(failure) if FLUSHES.contains(&failure.extended_code) => Self::Lost,
            Some(failure) if failure.code == ErrorCode::DiskFull => Self::NoRoom,
            Some(_) | None => Self::Done,
        }
    }
}

/// SQLITE_IOERR_FSYNC and SQLITE_IOERR_DIR_FSYNC.
const FLUSHES: [i32; 2] = [10 | (4 << 8), 10 | (5 << 8)];

/// Why a request has no place in the commit.
enum Lost {
    /// Its own fault: the others go on.
    Alone(Fault),
    /// What it wrote could not be taken back, or what the others wrote is gone: nothing may be committed.
    WithAll(rusqlite::Error),
}

fn serve(
    db: &Connection,
    group: Vec<Box<dyn Job>>,
    holds_views: bool,
    clock: &Clock,
    known: &Known,
) -> Served {
    let called = Instant::now();
    if let Err(error) = prepared(db, "BEGIN IMMEDIATE") {
        return fail_all(known, group, "begin", &error);
    }
    let mut done: Vec<Box<dyn Job>> = Vec::with_capacity(group.len());
    let (begun, mut entries) = (Instant::now(), Vec::new());
    let (mut served, mut is_refused_by_database) = (Served::Done, false);
    let mut waiting = group.into_iter();
    for mut job in waiting.by_ref() {
        match in_savepoint(db, clock.now(), (begun, holds_views), &mut job) {
            Ok(written) => {
                entries.extend(written);
                done.push(job);
            }
            Err(Lost::Alone(fault)) => {
                if let Fault::Sql(error) = &fault {
                    // Before anybody is told.
                    known.failing.store(true, Ordering::Release);
                    is_refused_by_database = true;
                    served = Served::after(error);
                }
                job.failed(fault.into_error("work"));
            }
            Err(Lost::WithAll(error)) => {
                roll_back(db);
                let lost = done.into_iter().chain([job]).chain(waiting).collect();
                return fail_all(known, lost, "work", &error);
            }
        }
    }
    if done.is_empty() {
        roll_back(db);
        if is_refused_by_database {
            known.metrics.not_committed("work");
        }
        return served;
    }
    // Whether the people are synthetic goes out with every answer: what cannot be read is not "no".
    let is_synthetic = match super::read_marking(db) {
        Ok(marked) => marked,
        Err(error) => {
            roll_back(db);
            return fail_all(known, done, "marking", &error);
        }
    };
    match prepared(db, "COMMIT") {
        Ok(()) => {
            known.synthetic.fetch_or(is_synthetic, Ordering::AcqRel);
            known.failing.store(false, Ordering::Release);
            known.commits.fetch_add(1, Ordering::AcqRel);
            known.metrics.committed(clock.now(), called.elapsed(), done.len());
            entries
                .into_iter()
                .for_each(|(kind, outcome)| super::audit::count(&known.metrics, kind, outcome));
            done.into_iter().for_each(Job::committed);
            served
        }
        Err(error) => {
            roll_back(db);
            fail_all(known, done, "commit", &error)
        }
    }
}

fn in_savepoint(
    db: &Connection,
    now: Timestamp,
    (begun, holds_views): (Instant, bool),
    job: &mut Box<dyn Job>,
) -> Result<Vec<Counted>, Lost> {
    prepared(db, "SAVEPOINT request").map_err(Lost::WithAll)?;
    let work = Work { db, now, begun, holds_views, entries: RefCell::default() };
    let ran = job.run(&work);
    // Some failures (a full disk) make SQLite roll the whole transaction back by itself: then these fail, and
    // nothing more is written as if what the others wrote were still there.
    match ran {
        Ok(()) => {
            prepared(db, "RELEASE request").map_err(Lost::WithAll)?;
            Ok(work.entries.into_inner())
        }
        Err(fault) => match db.execute_batch("ROLLBACK TO request; RELEASE request") {
            Ok(()) => Err(Lost::Alone(fault)),
            Err(error) => Err(Lost::WithAll(match fault {
                // It says more than that there is no savepoint any more.
                Fault::Sql(first) => first,
                Fault::Corrupt(_) | Fault::Panicked | Fault::LoadRefused(_) => error,
            })),
        },
    }
}

fn prepared(db: &Connection, sql: &str) -> Result<(), rusqlite::Error> {
    db.prepare_cached(sql)?.execute([]).map(drop)
}

/// Ends the transaction, if SQLite has not ended it already. If this fails too, the next BEGIN does.
fn roll_back(db: &Connection) {
    if !db.is_autocommit() {
        let _ = db.execute_batch("ROLLBACK");
    }
}

fn fail_all(known: &Known, jobs: Vec<Box<dyn Job>>, phase: &'static str, error: &rusqlite::Error) -> Served {
    known.failing.store(true, Ordering::Release);
    known.metrics.not_committed(phase);
    let reason = super::error::reason(error);
    for job in jobs {
        job.failed(StoreError::Failed { phase, reason: reason.clone() });
    }
    Served::after(error)
}

#[cfg(test)]
mod tests;
