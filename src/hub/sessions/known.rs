//! The sessions that this hub knows at the moment, whether each still goes on, and whoever wants to hear at once that
//! one has ended.
//!
//! What begins is on disk first, and what ends has ended here first. Idle and absolute limits are looked at with every request, and now and then
//! for sessions in which nothing is asked.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::hub::limits;
use crate::hub::store::{EndedBy, EndedThere, SessionHeld};
use crate::identity::refresh::RefreshToken;

/// What becomes of a request in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::hub) enum Admitted {
    /// It goes on.
    Goes,
    /// It has ended.
    HasEnded,
    /// It ends with this request, for this.
    Ends(EndedBy),
    /// It is not known here; it may be on disk.
    Unknown,
}

/// What a request says about whoever sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::hub) enum Sign {
    /// Somebody is at work.
    AtWork,
    /// Nothing: a program asks it by itself.
    Nothing,
}

/// The sessions of the last day. `Debug` says how many.
pub(in crate::hub) struct Sessions(Mutex<Known>);

struct Known {
    held: HashMap<String, Held>,
    listening: usize,
    /// Streams that there may be.
    most: usize,
    /// What ended here and is not on disk yet: a hub that starts would know nothing of it.
    unwritten: HashMap<String, EndedBy>,
    turn: u64,
}

struct Held {
    session: SessionHeld,
    /// What of its activity is on disk.
    noted_ms: i64,
    /// Streams that wait for its end, oldest first.
    listeners: Vec<(u64, oneshot::Sender<EndedBy>)>,
}

impl Held {
    fn of(session: SessionHeld) -> Self {
        Self { noted_ms: session.active_ms, session, listeners: Vec::new() }
    }

    /// Why it ends now, by its own times. A clock that is set back gives nobody more time than before.
    fn is_due(&self, now_ms: i64) -> Option<EndedBy> {
        if now_ms >= self.session.over_ms {
            Some(EndedBy::Over)
        } else if now_ms.saturating_sub(self.session.active_ms) > self.session.idle_ms {
            Some(EndedBy::Idle)
        } else {
            None
        }
    }
}

impl Known {
    /// Ends one, and tells whoever listens.
    fn end(&mut self, session: &str, by: EndedBy) {
        let Some(held) = self.held.get_mut(session) else { return };
        held.session.has_ended = true;
        for (_, listener) in held.listeners.drain(..) {
            self.listening = self.listening.saturating_sub(1);
            // The stream has gone.
            let _ = listener.send(by);
        }
    }
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sessions({})", self.known().held.len())
    }
}

impl Sessions {
    pub(in crate::hub) fn of(held: Vec<SessionHeld>) -> Self {
        let held = held.into_iter().map(|one| (one.caller.session.clone(), Held::of(one))).collect();
        Self(Mutex::new(Known {
            held,
            listening: 0,
            most: limits::EVENT_STREAMS,
            unwritten: HashMap::new(),
            turn: 0,
        }))
    }

    /// Streams take at most half of the connections that there may be: requests need the others.
    pub(in crate::hub) fn share_connections(&self, connections: usize) {
        self.known().most = limits::EVENT_STREAMS.min(connections / 2);
    }

    /// How many are remembered, those that ended within a day among them; how many streams there are; and how many of
    /// these there may be.
    pub(in crate::hub) fn counted(&self) -> (usize, usize, usize) {
        let known = self.known();
        (known.held.len(), known.listening, known.most)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing that is done under the lock leaves half a state behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a token of this session is good. One that ends here has to be written by whoever asks.
    pub(in crate::hub) fn admit(&self, session: &str, now: Timestamp, sign: Sign) -> Admitted {
        let (mut known, now_ms) = (self.known(), now.as_millisecond());
        let Some(held) = known.held.get_mut(session) else { return Admitted::Unknown };
        if held.session.has_ended {
            return Admitted::HasEnded;
        }
        if let Some(by) = held.is_due(now_ms) {
            known.end(session, by);
            return Admitted::Ends(by);
        }
        if sign == Sign::AtWork {
            held.session.active_ms = held.session.active_ms.max(now_ms);
        }
        Admitted::Goes
    }

    pub(super) fn get(&self, session: &str) -> Option<SessionHeld> {
        let known = self.known();
        known.held.get(session).map(|held| &held.session).filter(|session| !session.has_ended).cloned()
    }

    pub(in crate::hub) fn end(&self, session: &str, by: EndedBy) {
        self.known().end(session, by);
    }

    /// It has ended here and could not be written, or waits for that.
    pub(super) fn not_written(&self, session: String, by: EndedBy) {
        // Of two reasons the first is the one that ended it.
        self.known().unwritten.entry(session).or_insert(by);
    }

    pub(in crate::hub) fn written(&self, session: &str) {
        self.known().unwritten.remove(session);
    }

    pub(super) fn is_unwritten(&self, session: &str) -> bool {
        self.known().unwritten.contains_key(session)
    }

    /// Ends those that the provider's word ends, before anybody has written it; says which.
    pub(in crate::hub) fn end_there(&self, there: &EndedThere) -> Vec<String> {
        let mut known = self.known();
        let is_of = |id: &String, SessionHeld { origin, begun_ms, .. }: &SessionHeld| {
            let is_ended = origin.as_ref().is_some_and(|origin| origin.is_ended(*begun_ms, there));
            is_ended || there.besides.contains(id)
        };
        let open = known.held.iter().filter(|(_, held)| !held.session.has_ended);
        let ended = open.filter(|(id, held)| is_of(id, &held.session)).map(|(id, _)| id.clone());
        let ended: Vec<String> = ended.collect();
        for id in &ended {
            known.end(id, EndedBy::Provider);
            known.unwritten.entry(id.clone()).or_insert(EndedBy::Provider);
        }
        ended
    }

    /// So many ends at most that are still to be written.
    pub(super) fn unwritten(&self, most: usize) -> Vec<(String, EndedBy)> {
        self.known().unwritten.iter().take(most).map(|(id, by)| (id.clone(), *by)).collect()
    }

    /// Which refresh tokens renew it from now on.
    pub(super) fn renewed(&self, shown: &RefreshToken, next: &RefreshToken, now_ms: i64) {
        if let Some(held) = self.known().held.get_mut(shown.session())
            && held.session.current == shown.hash()
        {
            held.session.rotated_ms = now_ms;
            held.session.previous = Some(std::mem::replace(&mut held.session.current, next.hash()));
        }
    }

    /// Room for one more: those that were over a day ago are forgotten.
    pub(super) fn has_room(&self, now: Timestamp) -> bool {
        let mut known = self.known();
        if known.held.len() >= limits::SESSIONS {
            let oldest = now.as_millisecond().saturating_sub(24 * 60 * 60 * 1000);
            known.held.retain(|_, held| held.session.over_ms >= oldest);
        }
        known.held.len() < limits::SESSIONS
    }

    /// One that is on disk and was not known here. It changes nothing of one that is.
    pub(in crate::hub) fn learn(&self, session: SessionHeld) {
        self.known().held.entry(session.caller.session.clone()).or_insert_with(|| Held::of(session));
    }

    /// Ends those whose time is up; says which, to be written.
    pub(super) fn end_due(&self, now: Timestamp) -> Vec<(String, EndedBy)> {
        let (mut known, now_ms) = (self.known(), now.as_millisecond());
        let open = known.held.iter().filter(|(_, held)| !held.session.has_ended);
        let due: Vec<_> = open.filter_map(|(id, held)| Some((id.clone(), held.is_due(now_ms)?))).collect();
        for (id, by) in &due {
            known.end(id, *by);
        }
        due
    }

    /// The same of those of which somebody waits for the end.
    pub(super) fn end_due_and_awaited(&self, now: Timestamp) -> Vec<(String, EndedBy)> {
        if self.known().listening == 0 { Vec::new() } else { self.end_due(now) }
    }

    /// Activity that is not on disk yet, of so many sessions at most.
    pub(super) fn not_noted(&self, most: usize) -> Vec<(String, i64)> {
        let known = self.known();
        let new = known
            .held
            .iter()
            .filter(|(_, held)| !held.session.has_ended && held.session.active_ms > held.noted_ms);
        new.take(most).map(|(id, held)| (id.clone(), held.session.active_ms)).collect()
    }

    /// That is on disk now.
    pub(super) fn noted(&self, last: &[(String, i64)]) {
        let mut known = self.known();
        for (id, active_ms) in last {
            if let Some(held) = known.held.get_mut(id) {
                held.noted_ms = held.noted_ms.max(*active_ms);
            }
        }
    }

    /// Hears of a session's end; `None` where as many listen as may. Of one session the oldest make room.
    pub(in crate::hub) fn listen(&self, session: &str) -> Option<Listening> {
        let mut known = self.known();
        known.turn += 1;
        let (turn, listening, most) = (known.turn, known.listening, known.most);
        let held = known.held.get_mut(session).filter(|held| !held.session.has_ended)?;
        // Where there is no room the oldest of its own goes: it may be one that was cut without a word.
        let is_full = listening >= most && !held.listeners.is_empty();
        let replaced = is_full || held.listeners.len() >= limits::EVENT_STREAMS_EACH;
        if replaced {
            // Its stream ends: whoever holds it is told nothing, and comes back or has gone.
            drop(held.listeners.remove(0));
        } else if listening >= most {
            return None;
        }
        let (tell, hear) = oneshot::channel();
        held.listeners.push((turn, tell));
        if !replaced {
            known.listening += 1;
        }
        Some(Listening { session: session.to_owned(), turn, hear })
    }

    /// A stream has gone.
    pub(in crate::hub) fn forget(&self, listening: &Listening) {
        let mut known = self.known();
        let Some(held) = known.held.get_mut(&listening.session) else { return };
        let before = held.listeners.len();
        held.listeners.retain(|(turn, _)| *turn != listening.turn);
        let gone = before - held.listeners.len();
        known.listening = known.listening.saturating_sub(gone);
    }

    /// The hub stops: every stream ends.
    pub(in crate::hub) fn stop(&self) {
        let mut known = self.known();
        known.held.values_mut().for_each(|held| held.listeners.clear());
        known.listening = 0;
    }

    pub(super) fn begin(&self, session: SessionHeld) {
        self.known().held.insert(session.caller.session.clone(), Held::of(session));
    }
}

/// Somebody who waits for the end of a session.
pub(in crate::hub) struct Listening {
    session: String,
    turn: u64,
    /// Why it has ended; closed where the stream has to end without that.
    pub(in crate::hub) hear: oneshot::Receiver<EndedBy>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Caller;
    use crate::identity::dpop::ProofKey;

    fn held(id: usize, key: &ProofKey) -> SessionHeld {
        let text = String::new;
        let caller = Caller {
            user: text(),
            name: text(),
            role: text(),
            role_profile: text(),
            organisation_code: text(),
            organisation: text(),
            activities: Vec::new(),
            session: id.to_string(),
            client: None,
        };
        SessionHeld {
            caller,
            binding: key.thumbprint().into(),
            begun_ms: 0,
            over_ms: 1000,
            active_ms: 0,
            idle_ms: 100,
            current: Vec::new(),
            previous: None,
            rotated_ms: 0,
            origin: None,
            has_ended: false,
        }
    }

    #[test]
    fn there_are_no_more_streams_than_there_may_be_and_one_that_goes_makes_room() {
        let key = ProofKey::generate().unwrap();
        let sessions = Sessions::of((0..=limits::EVENT_STREAMS).map(|id| held(id, &key)).collect());
        let mut streams: Vec<_> =
            (0..limits::EVENT_STREAMS).map(|id| sessions.listen(&id.to_string())).collect();
        assert!(streams.iter().all(Option::is_some));
        let last = limits::EVENT_STREAMS.to_string();
        assert!(sessions.listen(&last).is_none());
        sessions.forget(&streams.pop().flatten().unwrap());
        let mut one = sessions.listen(&last).unwrap();
        let second = sessions.listen(&last).expect("a second one takes the place of the first");
        assert!(one.hear.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed));
        assert_eq!(sessions.known().listening, limits::EVENT_STREAMS);
        sessions.end("0", EndedBy::Provider);
        assert!(sessions.listen(&last).is_some(), "an ended one has made room");
        drop(second);
        sessions.stop();
        assert_eq!(sessions.known().listening, 0);
    }

    #[test]
    fn streams_take_half_of_the_connections_that_there_may_be_and_no_more() {
        let key = ProofKey::generate().unwrap();
        let sessions = Sessions::of((0..12).map(|id| held(id, &key)).collect());
        sessions.share_connections(16);
        let streams: Vec<_> = (0..12).map(|id| sessions.listen(&id.to_string())).collect();
        assert_eq!(streams.iter().flatten().count(), 8);
        sessions.share_connections(1_000_000);
        assert_eq!(sessions.known().most, limits::EVENT_STREAMS);
    }

    #[test]
    fn an_end_that_could_not_be_written_is_kept_until_it_is() {
        let sessions = Sessions::of(Vec::new());
        sessions.not_written("0".to_owned(), EndedBy::Idle);
        sessions.not_written("0".to_owned(), EndedBy::Over);
        sessions.not_written("1".to_owned(), EndedBy::Provider);
        assert_eq!(sessions.unwritten(1).len(), 1);
        sessions.written("1");
        assert_eq!(sessions.unwritten(10), [("0".to_owned(), EndedBy::Idle)]);
        sessions.written("0");
        assert_eq!(sessions.unwritten(10), []);
    }

    #[test]
    fn what_a_program_asks_by_itself_keeps_no_session() {
        let key = ProofKey::generate().unwrap();
        let sessions = Sessions::of(vec![held(0, &key), held(1, &key)]);
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let admit = |id, ms, sign| sessions.admit(id, at(ms), sign);
        assert_eq!(admit("0", 90, Sign::AtWork), Admitted::Goes);
        assert_eq!(admit("1", 90, Sign::Nothing), Admitted::Goes);
        let unwritten = [("0".to_owned(), 90)];
        assert_eq!(sessions.not_noted(10), unwritten);
        assert_eq!(sessions.not_noted(10), unwritten, "a write that fails is tried again");
        sessions.noted(&unwritten);
        assert_eq!(sessions.not_noted(10), []);
        assert_eq!(admit("1", 101, Sign::AtWork), Admitted::Ends(EndedBy::Idle));
        assert_eq!(admit("1", 102, Sign::AtWork), Admitted::HasEnded);
        assert_eq!(admit("0", 190, Sign::AtWork), Admitted::Goes);
        assert_eq!(admit("2", 190, Sign::AtWork), Admitted::Unknown);
        assert_eq!(sessions.end_due(at(291)), [("0".to_owned(), EndedBy::Idle)]);
        assert_eq!(sessions.end_due(at(291)), []);
    }
}
