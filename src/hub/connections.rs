//! Which connections are open, and which of them has been without a request for longest: that one makes room
//! where there is none. One with a request under way, or with an answer that is still being sent, never does; but
//! an answer to somebody who never proved who they are keeps no place.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::limits;

/// All connections.
#[derive(Debug)]
pub(super) struct Connections {
    places: Arc<Semaphore>,
    most: usize,
    idle: Mutex<Idle>,
}

/// Those without a request, by when the last one ended.
#[derive(Debug, Default)]
struct Idle {
    turn: u64,
    longest_first: BTreeMap<u64, Arc<Place>>,
}

/// The place of one connection.
#[derive(Debug)]
pub(super) struct Place {
    all: Arc<Connections>,
    doing: Mutex<Doing>,
    leave: Notify,
}

/// An answer goes on for as long as it likes: an extension of the response.
#[derive(Debug, Clone, Copy)]
pub(super) struct Streaming;

/// What a connection does.
#[derive(Debug, Default)]
struct Doing {
    under_way: usize,
    is_writing: bool,
    /// Somebody who proved who they are was answered on it.
    is_proven: bool,
    /// What it answers now has no end of its own.
    is_streaming: bool,
    /// It was refused something while it may still be sending that.
    may_still_send: bool,
    /// It is closed: what ends later changes nothing.
    is_gone: bool,
    /// Its turn among the idle, where it is one.
    turn: Option<u64>,
}

impl Doing {
    /// Whether it is not to be disturbed.
    fn is_busy(&self) -> bool {
        self.under_way > 0 || (self.is_writing && self.is_proven)
    }
}

impl Connections {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { places: Arc::new(Semaphore::new(most)), most, idle: Mutex::default() })
    }

    /// Waits for a place: the longest idle connection is closed for it; while all are busy, for one that ends.
    pub(super) async fn room(self: &Arc<Self>) -> Option<Taken> {
        loop {
            if let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() {
                return Some(self.taken(permit));
            }
            if let Some((_, longest)) = self.idle().longest_first.pop_first() {
                longest.leave.notify_one();
            }
            // It may have got a request in the very moment: then the next one has to go.
            let waited =
                tokio::time::timeout(limits::ROOM_WAIT, Arc::clone(&self.places).acquire_owned()).await;
            match waited {
                Ok(Ok(permit)) => return Some(self.taken(permit)),
                Ok(Err(_)) => return None,
                Err(_) => {}
            }
        }
    }

    /// Waits until all are gone.
    pub(super) async fn all_gone(&self) {
        let all = u32::try_from(self.most).unwrap_or(u32::MAX);
        let _ = self.places.acquire_many(all).await;
    }

    fn taken(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Taken {
        let place = Arc::new(Place { all: Arc::clone(self), doing: Mutex::default(), leave: Notify::new() });
        place.change(|_| {});
        Taken { place, _permit: permit }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        // Nothing that is done under the lock leaves half a state behind.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place, for as long as the connection is open.
#[derive(Debug)]
pub(super) struct Taken {
    place: Arc<Place>,
    _permit: OwnedSemaphorePermit,
}

impl Taken {
    pub(super) fn place(&self) -> &Arc<Place> {
        &self.place
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut doing = self.place.doing();
        doing.is_gone = true;
        if let Some(turn) = doing.turn.take() {
            self.place.all.idle().longest_first.remove(&turn);
        }
    }
}

impl Place {
    /// A request is under way until this is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> UnderWay {
        self.change(|doing| doing.under_way += 1);
        UnderWay(Arc::clone(self))
    }

    pub(super) fn has_request(&self) -> bool {
        self.doing().under_way > 0
    }

    /// Whether an answer waits for the client to take it.
    pub(super) fn set_writing(self: &Arc<Self>, is_writing: bool) {
        self.change(|doing| doing.is_writing = is_writing);
    }

    /// Somebody who proved who they are is answered.
    pub(super) fn set_proven(self: &Arc<Self>) {
        self.change(|doing| doing.is_proven = true);
    }

    /// Its answer has no end of its own.
    pub(super) fn set_streaming(self: &Arc<Self>) {
        self.change(|doing| doing.is_streaming = true);
    }

    pub(super) fn is_streaming(&self) -> bool {
        let doing = self.doing();
        doing.is_streaming && doing.under_way > 0
    }

    /// Its request was refused, and had a body that nobody may have read.
    pub(super) fn set_may_still_send(self: &Arc<Self>) {
        self.change(|doing| doing.may_still_send = true);
    }

    pub(super) fn may_still_send(&self) -> bool {
        self.doing().may_still_send
    }

    pub(super) fn is_proven(&self) -> bool {
        self.doing().is_proven
    }

    /// Waits until this connection is the one that has to make room.
    pub(super) async fn has_to_leave(&self) {
        loop {
            self.leave.notified().await;
            let doing = self.doing();
            if !doing.is_busy() {
                return;
            }
        }
    }

    fn change(self: &Arc<Self>, change: impl FnOnce(&mut Doing)) {
        let mut doing = self.doing();
        change(&mut doing);
        let is_idle = !doing.is_busy() && !doing.is_gone;
        match (is_idle, doing.turn) {
            (true, None) => {
                let mut idle = self.all.idle();
                idle.turn += 1;
                let turn = idle.turn;
                idle.longest_first.insert(turn, Arc::clone(self));
                doing.turn = Some(turn);
            }
            (false, Some(turn)) => {
                self.all.idle().longest_first.remove(&turn);
                doing.turn = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }

    fn doing(&self) -> MutexGuard<'_, Doing> {
        self.doing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is under way.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Place>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.change(|doing| {
            doing.under_way = doing.under_way.saturating_sub(1);
            // What is asked next on it has an end again.
            doing.is_streaming &= doing.under_way > 0;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_to_leave(taken: &Taken) -> bool {
        let mut waiting = Box::pin(taken.place.has_to_leave());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        std::future::Future::poll(waiting.as_mut(), &mut context).is_ready()
    }

    #[tokio::test]
    async fn the_longest_idle_connection_makes_room_and_a_busy_one_never_does() {
        let all = Connections::new(3);
        let mut taken = Vec::new();
        for _ in 0..3 {
            taken.push(all.room().await.unwrap());
        }
        // The first has a request, the second had one lately, the third sends an answer that nobody takes.
        let request = taken[0].place.begin();
        drop(taken[1].place.begin());
        taken[2].place.set_proven();
        taken[2].place.set_writing(true);
        let mut further = Box::pin(all.room());
        assert!(tokio::time::timeout(limits::ROOM_WAIT * 3, further.as_mut()).await.is_err());
        assert_eq!([0, 1, 2].map(|n| has_to_leave(&taken[n])), [false, true, false]);
        taken.remove(1);
        let fourth = further.await.unwrap();
        // Now the first is idle again, but for less long than the fourth, which never had a request.
        drop(request);
        let mut further = Box::pin(all.room());
        assert!(tokio::time::timeout(limits::ROOM_WAIT / 2, further.as_mut()).await.is_err());
        assert!(has_to_leave(&fourth) && !has_to_leave(&taken[0]));
        drop(fourth);
        let _fifth = further.await.unwrap();
    }

    #[tokio::test]
    async fn an_answer_that_nobody_known_does_not_take_keeps_no_place() {
        let all = Connections::new(1);
        let taken = all.room().await.unwrap();
        drop(taken.place.begin());
        taken.place.set_writing(true);
        let mut further = Box::pin(all.room());
        assert!(tokio::time::timeout(limits::ROOM_WAIT / 2, further.as_mut()).await.is_err());
        assert!(has_to_leave(&taken));
        drop(taken);
        let _second = further.await.unwrap();
    }

    #[tokio::test]
    async fn a_stream_that_has_ended_leaves_a_connection_like_any_other() {
        let all = Connections::new(1);
        let taken = all.room().await.unwrap();
        let stream = taken.place.begin();
        taken.place.set_streaming();
        assert!(taken.place.is_streaming());
        drop(stream);
        let _request = taken.place.begin();
        assert!(!taken.place.is_streaming());
    }

    #[tokio::test]
    async fn a_connection_that_got_a_request_in_the_very_moment_stays_and_can_be_asked_again() {
        let all = Connections::new(1);
        let taken = all.room().await.unwrap();
        let (_, longest) = all.idle().longest_first.pop_first().unwrap();
        longest.leave.notify_one();
        let request = taken.place.begin();
        assert!(!has_to_leave(&taken));
        drop(request);
        assert_eq!(all.idle().longest_first.len(), 1);
        drop(taken);
        assert!(all.idle().longest_first.is_empty());
    }
}
