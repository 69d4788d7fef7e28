//! What waits for the writer: two bounded lines, of which views go first. A clinician waits for a view with a
//! child in front of them; nothing else is as urgent.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::audited::Audited;
use super::error::{Fault, StoreError};
use super::writer::{self, Job, Known, Work};
use crate::hub::limits;
use crate::hub::metrics::Shed;

/// Which line a request stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    Views,
    Others,
}

/// What the writer does next.
pub(super) enum Next {
    /// These, in one commit, and whether there are views among them.
    Group(Vec<Box<dyn Job>>, bool),
    /// Nothing came for a while.
    Idle,
    /// The store is closing and nothing waits any more.
    End,
}

#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    ended: Condvar,
}

#[derive(Default)]
struct Waiting {
    views: VecDeque<Box<dyn Job>>,
    others: VecDeque<Box<dyn Job>>,
    is_closed: bool,
    has_ended: bool,
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that is done under the lock leaves half a state behind.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether one more would be taken at present.
    pub(super) fn has_room(&self, line: Line) -> bool {
        let waiting = self.waiting();
        let length = match line {
            Line::Views => waiting.views.len(),
            Line::Others => waiting.others.len(),
        };
        length < limits::WRITER_QUEUE
    }

    /// Lets something wait; what cannot is given back, and why.
    pub(super) fn push(&self, line: Line, job: Box<dyn Job>) -> Result<(), (StoreError, Box<dyn Job>)> {
        let mut waiting = self.waiting();
        if waiting.is_closed {
            return Err((StoreError::Closed, job));
        }
        let line = match line {
            Line::Views => &mut waiting.views,
            Line::Others => &mut waiting.others,
        };
        if line.len() >= limits::WRITER_QUEUE {
            return Err((StoreError::Busy, job));
        }
        line.push_back(job);
        self.changed.notify_one();
        Ok(())
    }

    /// How many wait: views, and others.
    pub(super) fn depths(&self) -> (usize, usize) {
        let waiting = self.waiting();
        (waiting.views.len(), waiting.others.len())
    }

    /// What waits already is still served.
    pub(super) fn close(&self) {
        self.waiting().is_closed = true;
        self.changed.notify_all();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.waiting().is_closed
    }

    /// The writer is gone: nobody waits for it in vain.
    pub(super) fn abandon(&self) {
        let mut waiting = self.waiting();
        waiting.is_closed = true;
        waiting.has_ended = true;
        waiting.views.clear();
        waiting.others.clear();
        self.ended.notify_all();
    }

    /// Waits until the writer is gone.
    pub(super) fn wait_until_ended(&self) {
        let gone = self.ended.wait_while(self.waiting(), |waiting| !waiting.has_ended);
        drop(gone.unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits for work, at most for `idle`.
    pub(super) fn next(&self, idle: Duration) -> Next {
        let is_empty = |waiting: &mut Waiting| {
            !waiting.is_closed && waiting.views.is_empty() && waiting.others.is_empty()
        };
        let waited = self.changed.wait_timeout_while(self.waiting(), idle, is_empty);
        let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let (group, holds_views) = waiting.group();
        match (group.is_empty(), waiting.is_closed) {
            (false, _) => Next::Group(group, holds_views),
            (true, true) => Next::End,
            (true, false) => Next::Idle,
        }
    }
}

/// The way to the writer; clones are of the same.
#[derive(Clone)]
pub(super) struct ToWriter {
    pub(super) queue: Arc<Queue>,
    pub(super) known: Arc<Known>,
}

impl ToWriter {
    /// Queues work. The reply comes after COMMIT, or at once where there is no room for it.
    pub(super) fn submit<T: Send + 'static>(
        &self,
        line: Line,
        reply: oneshot::Sender<Result<Audited<T>, StoreError>>,
        work: impl FnOnce(&Work<'_>) -> Result<T, Fault> + Send + 'static,
    ) {
        let Err((error, job)) = self.queue.push(line, writer::job(reply, work)) else { return };
        if matches!(error, StoreError::Busy) {
            self.known.metrics.shed(match line {
                Line::Views => Shed::Views,
                Line::Others => Shed::Others,
            });
        }
        job.failed(error);
    }
}

impl Waiting {
    /// Views first, but however many there are, a few of the others too.
    fn group(&mut self) -> (Vec<Box<dyn Job>>, bool) {
        let others = self.others.len().min(limits::COMMIT_GROUP_OTHERS);
        let views = self.views.len().min(limits::COMMIT_GROUP - others);
        let others = self.others.len().min(limits::COMMIT_GROUP - views);
        let mut group: Vec<Box<dyn Job>> = self.views.drain(..views).collect();
        group.extend(self.others.drain(..others));
        (group, views > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::Fault;
    use super::super::writer::{Work, job};
    use super::*;

    fn nothing(_: &Work<'_>) -> Result<(), Fault> {
        Ok(())
    }

    #[test]
    fn views_go_first_each_line_has_its_limit_and_nobody_starves() {
        let queue = Queue::default();
        let mut replies = Vec::new();
        let mut push = |line| {
            let (reply, receiver) = oneshot::channel();
            replies.push(receiver);
            queue.push(line, job(reply, nothing)).map_err(|(error, _)| error)
        };
        for _ in 0..limits::WRITER_QUEUE {
            push(Line::Others).unwrap();
        }
        assert!(matches!(push(Line::Others), Err(StoreError::Busy)));
        for _ in 0..limits::COMMIT_GROUP {
            push(Line::Views).unwrap();
        }
        let waiting = || {
            let waiting = queue.waiting();
            (waiting.views.len(), waiting.others.len())
        };
        let last_held_views = std::cell::Cell::new(false);
        let take = || match queue.next(Duration::ZERO) {
            Next::Group(group, holds_views) => {
                last_held_views.set(holds_views);
                group.len()
            }
            Next::Idle | Next::End => 0,
        };
        assert_eq!(take(), limits::COMMIT_GROUP);
        assert!(last_held_views.get());
        assert_eq!(
            waiting(),
            (limits::COMMIT_GROUP_OTHERS, limits::WRITER_QUEUE - limits::COMMIT_GROUP_OTHERS)
        );
        assert_eq!(take(), limits::COMMIT_GROUP);
        assert_eq!(waiting().0, 0);
        queue.close();
        assert!(matches!(push(Line::Views), Err(StoreError::Closed)));
        while waiting() != (0, 0) {
            assert!(take() > 0, "what waits is still served");
            assert!(!last_held_views.get());
        }
        assert!(matches!(queue.next(Duration::ZERO), Next::End));
    }
}
