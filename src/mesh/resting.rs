//! Messages that could not be taken, and for how long each rests: one failure is no reason to keep a notification for an hour.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::MessageId;
use super::limits::{MESH_LEFT_LEAST, MESH_LEFT_MOST};

/// Whose fault it seems to be that a message could not be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The message's own.
    Own,
    /// MESH's, the network's or this machine's.
    Passing,
}

impl Fault {
    /// How often it is tried again with the very next round.
    fn free(self) -> u32 {
        match self {
            Self::Own => 1,
            Self::Passing => 2,
        }
    }
}

#[derive(Debug)]
struct Tried {
    times: u32,
    last: Instant,
    rest: Duration,
}

/// What was tried in vain. It is not fetched with each round, and keeps nothing behind it waiting.
#[derive(Debug, Default)]
pub struct Resting(BTreeMap<MessageId, Tried>);

impl Resting {
    /// Nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Notes that it could not be taken; whether it rests from now on, and did not before.
    pub fn failed(&mut self, id: MessageId, fault: Fault) -> bool {
        // Whatever was not tried for so long has gone.
        self.0.retain(|_, tried| tried.last.elapsed() < MESH_LEFT_MOST.saturating_mul(2));
        let now = Instant::now();
        let tried = self.0.entry(id).or_insert(Tried { times: 0, last: now, rest: Duration::ZERO });
        let had_rest = tried.rest;
        tried.times = tried.times.saturating_add(1);
        tried.last = now;
        tried.rest = match tried.times.checked_sub(fault.free() + 1) {
            None => Duration::ZERO,
            Some(more) => MESH_LEFT_LEAST.saturating_mul(1 << more.min(6)).min(MESH_LEFT_MOST),
        };
        had_rest.is_zero() && !tried.rest.is_zero()
    }

    /// Whether it is not to be looked at now.
    #[must_use]
    pub fn rests(&self, id: &MessageId) -> bool {
        self.0.get(id).is_some_and(|tried| tried.last.elapsed() < tried.rest)
    }

    /// Notes that it is done with.
    pub fn taken(&mut self, id: &MessageId) {
        self.0.remove(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_tried_again_with_the_next_round_first_and_rests_longer_each_time() {
        let id = MessageId::parse("A").unwrap();
        for (fault, free) in [(Fault::Own, 1), (Fault::Passing, 2)] {
            let mut resting = Resting::new();
            for _ in 0..free {
                assert!(!resting.failed(id.clone(), fault) && !resting.rests(&id));
            }
            assert!(resting.failed(id.clone(), fault) && resting.rests(&id), "told of once");
            let mut rests = vec![resting.0[&id].rest.as_secs() / 60];
            for _ in 0..7 {
                assert!(!resting.failed(id.clone(), fault));
                rests.push(resting.0[&id].rest.as_secs() / 60);
            }
            assert_eq!(rests, [1, 2, 4, 8, 16, 32, 60, 60]);
            let earlier = Instant::now().checked_sub(MESH_LEFT_LEAST).unwrap();
            resting.0.get_mut(&id).unwrap().rest = MESH_LEFT_LEAST;
            resting.0.get_mut(&id).unwrap().last = earlier;
            assert!(!resting.rests(&id), "its time is over");
            resting.taken(&id);
            assert!(resting.0.is_empty());
        }
    }
}
