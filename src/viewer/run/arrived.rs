//! What sign-ins gave, until it is known whether anybody wants it; the session in use; and the one that was set aside.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::keychain::Keeper;
use crate::client::HubClient;

/// One session: how the hub is asked in it, and what keeps it.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) client: HubClient,
    /// On a desk that is nobody else's.
    pub(super) keeper: Option<Arc<Keeper>>,
    is_ending: Arc<AtomicBool>,
}

impl Held {
    pub(super) fn new(client: HubClient, keeper: Option<Arc<Keeper>>) -> Self {
        Self { client, keeper, is_ending: Arc::default() }
    }

    /// Whether whoever asks is the one to end it: it ends once, whoever hears first that it is to.
    pub(super) fn begins_to_end(&self) -> bool {
        !self.is_ending.swap(true, Ordering::AcqRel)
    }

    fn is_kept(&self) -> bool {
        self.keeper.as_ref().is_some_and(|keeper| keeper.is_kept())
    }
}

/// What sign-ins gave, under their numbers. Few: each is kept or revoked as soon as its answer is taken.
#[derive(Clone, Default)]
pub(super) struct Arrived(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    /// The sign-in that somebody waits for: what another brings is nobody's.
    wanted: Option<u64>,
    /// How many were begun.
    begun: u64,
    all: Vec<(u64, Held)>,
    /// In which somebody works.
    in_use: Option<Held>,
    /// The kept session, once anything of it was used here: there is one client for it, so that no two of them renew it.
    aside: Option<Held>,
    /// Under which number somebody goes on with that.
    resumed: Option<u64>,
}

impl Arrived {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        // Nothing that is done under the lock leaves half a state behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on somebody waits for this sign-in, and for no other; or for none.
    pub(super) fn wants(&self, ask: Option<u64>) {
        let mut inside = self.inside();
        inside.wanted = ask;
        if ask.is_some() {
            inside.begun += 1;
        }
    }

    /// Changes with each sign-in that begins.
    pub(super) fn begun(&self) -> u64 {
        self.inside().begun
    }

    /// Somebody works in this session now, or in none.
    pub(super) fn uses(&self, held: Option<&Held>) {
        self.inside().in_use = held.cloned();
    }

    /// Nobody is there any more: gives what is over with that. What is kept here is not.
    pub(super) fn leave(&self) -> Vec<Held> {
        let mut inside = self.inside();
        inside.wanted = None;
        let in_use = inside.in_use.take_if(|held| !held.is_kept());
        inside.all.drain(..).map(|(_, held)| held).chain(in_use).collect()
    }

    /// The same, and nobody goes on with anything: what is kept here is over, too.
    pub(super) fn lock(&self) -> Vec<Held> {
        let mut inside = self.inside();
        (inside.wanted, inside.resumed) = (None, None);
        let kept = [inside.in_use.take(), inside.aside.take()];
        inside.all.drain(..).map(|(_, held)| held).chain(kept.into_iter().flatten()).collect()
    }

    /// Gives it back where nobody waits for it any more.
    pub(super) fn put(&self, ask: u64, held: Held) -> Option<Held> {
        let mut inside = self.inside();
        if inside.wanted != Some(ask) {
            return Some(held);
        }
        inside.all.push((ask, held));
        None
    }

    pub(super) fn take(&self, ask: u64) -> Vec<Held> {
        self.inside().all.extract_if(.., |(of, _)| *of == ask).map(|(_, held)| held).collect()
    }

    pub(super) fn take_all(&self) -> Vec<Held> {
        self.inside().all.drain(..).map(|(_, held)| held).collect()
    }

    /// The session that was set aside.
    pub(super) fn aside(&self) -> Option<Held> {
        self.inside().aside.clone()
    }

    /// What may go on another time.
    pub(super) fn kept(&self) -> Vec<Held> {
        let inside = self.inside();
        [&inside.in_use, &inside.aside].into_iter().flatten().cloned().collect()
    }

    /// Somebody has left it where it is kept.
    pub(super) fn set_aside(&self, held: Held) {
        let mut inside = self.inside();
        (inside.aside, inside.resumed) = (Some(held), None);
    }

    /// Somebody goes on with it; says whether anybody still waits for that.
    pub(super) fn goes_on(&self, ask: u64, held: &Held) -> bool {
        let mut inside = self.inside();
        let is_wanted = inside.wanted == Some(ask);
        if is_wanted {
            inside.aside = Some(held.clone());
        }
        is_wanted
    }

    /// The hub has taken it; says whether anybody still waits for that.
    pub(super) fn has_resumed(&self, ask: u64) -> bool {
        let mut inside = self.inside();
        let is_wanted = inside.wanted == Some(ask);
        if is_wanted {
            inside.resumed = Some(ask);
        }
        is_wanted
    }

    /// What somebody goes on with under this number.
    pub(super) fn take_resumed(&self, ask: u64) -> Option<Held> {
        let mut inside = self.inside();
        if inside.resumed != Some(ask) {
            return None;
        }
        inside.resumed = None;
        inside.aside.take()
    }

    /// It is over, or is to be.
    pub(super) fn take_aside(&self) -> Option<Held> {
        let mut inside = self.inside();
        inside.resumed = None;
        inside.aside.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Access, Limits};
    use crate::identity::dpop::ProofKey;

    fn held() -> Held {
        let access = Access::new(String::new(), ProofKey::generate().unwrap(), "http://127.0.0.1:1");
        let client = HubClient::new("http://127.0.0.1:1", access, None, Limits::default(), &[]).unwrap();
        Held::new(client, None)
    }

    #[test]
    fn what_arrives_after_it_was_given_up_is_given_back_to_be_ended() {
        let arrived = Arrived::default();
        arrived.wants(Some(1));
        assert!(arrived.put(1, held()).is_none());
        arrived.wants(Some(2));
        assert!(arrived.put(1, held()).is_some() && !arrived.goes_on(1, &held()));
        arrived.wants(None);
        assert!(arrived.put(2, held()).is_some() && arrived.aside().is_none());
        assert_eq!((arrived.take(1).len(), arrived.take_all().len()), (1, 0));
    }

    #[test]
    fn whoever_leaves_ends_everything_that_is_not_kept_and_ends_it_once() {
        let arrived = Arrived::default();
        let (used, began) = (held(), arrived.begun());
        arrived.wants(Some(1));
        assert!(arrived.begun() != began && arrived.put(1, held()).is_none());
        arrived.uses(Some(&used));
        assert_eq!(arrived.leave().iter().filter(|held| held.begins_to_end()).count(), 2);
        assert!(!used.begins_to_end() && arrived.leave().is_empty());
        assert!(arrived.put(1, held()).is_some(), "nobody waits for it");
    }

    #[test]
    fn a_lock_ends_what_somebody_could_go_on_with_and_leaves_nothing_to_take_up() {
        let arrived = Arrived::default();
        arrived.wants(Some(1));
        arrived.uses(Some(&held()));
        assert!(arrived.put(1, held()).is_none() && arrived.goes_on(1, &held()) && arrived.has_resumed(1));
        assert_eq!(arrived.lock().iter().filter(|held| held.begins_to_end()).count(), 3);
        assert!(arrived.take_resumed(1).is_none() && arrived.aside().is_none() && arrived.lock().is_empty());
        assert!(!arrived.goes_on(1, &held()) && !arrived.has_resumed(1), "nobody waits for it");
    }

    #[test]
    fn a_session_that_is_set_aside_is_taken_up_by_whoever_goes_on_with_it_alone() {
        let arrived = Arrived::default();
        arrived.wants(Some(1));
        assert!(arrived.goes_on(1, &held()) && arrived.has_resumed(1));
        // Set aside again before anybody took it up.
        arrived.set_aside(held());
        assert!(arrived.take_resumed(1).is_none() && arrived.aside().is_some());
        arrived.wants(Some(2));
        assert!(!arrived.has_resumed(1) && arrived.has_resumed(2));
        assert!(arrived.take_resumed(1).is_none() && arrived.take_resumed(2).is_some());
        assert!(arrived.aside().is_none());
    }
}
