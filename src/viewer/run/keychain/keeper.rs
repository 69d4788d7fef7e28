//! Whoever keeps one session in the keychain.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Keychain, Record, Standing, Told, is_gone};
use crate::client::Keeps;
use crate::domain::SignedInPerson;

/// Keeps one session, until it is over.
pub(in crate::viewer::run) struct Keeper {
    keychain: Keychain,
    turn: u64,
    /// The session; its token is the last one.
    record: Mutex<Option<Record>>,
    standing: Arc<Standing>,
    /// Whether anything of it may be in the keychain, kept or not.
    may_be_there: AtomicBool,
}

impl Keeper {
    /// For a session that is there already, or is to be put there. From now on nobody else puts anything there.
    pub(in crate::viewer::run) fn new(keychain: Keychain, record: Record, is_kept: bool) -> Arc<Self> {
        let turn = {
            let mut turn = keychain.turn.hold();
            *turn += 1;
            *turn
        };
        let record = Mutex::new(Some(record));
        let standing = Arc::new(Standing { is_kept: AtomicBool::new(is_kept), asked: AtomicU64::new(0) });
        Arc::new(Self { keychain, turn, record, standing, may_be_there: AtomicBool::new(is_kept) })
    }

    fn record(&self) -> MutexGuard<'_, Option<Record>> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether whoever closes the viewer can go on later.
    pub(in crate::viewer::run) fn is_kept(&self) -> bool {
        self.standing.is_kept.load(Ordering::Acquire)
    }

    /// Whose session it is, until it is over.
    pub(in crate::viewer::run) fn person(&self) -> Option<SignedInPerson> {
        self.record().as_ref().map(Record::person)
    }

    /// The session is over: from this call on nothing of it is kept, whatever comes late. Says whether it is gone.
    pub(in crate::viewer::run) fn forget(&self) -> impl Future<Output = bool> + Send + use<> {
        *self.record() = None;
        let may_be_there = self.may_be_there.swap(false, Ordering::AcqRel);
        let mut turn = self.keychain.turn.hold();
        self.standing.is_kept.store(false, Ordering::Release);
        // What is there in another's turn is not this session's.
        let is_gone_already = *turn != self.turn || !may_be_there;
        let told = if is_gone_already { None } else { self.keychain.erase_soon() };
        if *turn == self.turn {
            *turn += 1;
        }
        drop(turn);
        let patience = self.keychain.patience;
        async move { is_gone_already || is_gone(told, patience).await }
    }

    async fn keep_now(&self, refresh: &str) {
        let kept = {
            let mut record = self.record();
            let Some(record) = record.as_mut() else { return };
            refresh.clone_into(&mut record.refresh);
            // Within the lock: whoever forgets it takes it out, too.
            let was_there = self.may_be_there.swap(true, Ordering::AcqRel);
            (record.clone(), was_there)
        };
        let (kept, was_there) = kept;
        let told = self.keychain.store(&kept, self.turn, &self.standing).await;
        if told == Told::Refused && !was_there {
            self.may_be_there.store(false, Ordering::Release);
        }
    }
}

impl Keeps for Keeper {
    fn keep<'a>(&'a self, refresh: &'a str) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(self.keep_now(refresh))
    }
}
