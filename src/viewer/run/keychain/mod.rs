//! The system's keychain: where a session is kept on a desk that is nobody else's, so that whoever closes the viewer can go
//! on later. Secret Service, Windows Credential Manager or the macOS Keychain.
//!
//! A keychain may be missing, locked, ask its owner something, or not answer at all: every call is made on a thread of its
//! own, one after the other, and waited for with a limit. What is in it is sealed for one computer and one hub.

#[cfg(any(all(test, feature = "demo"), feature = "fuzzing"))]
pub(in crate::viewer::run) mod fuzzing;
mod record;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use keyring_core::{CredentialStore, Entry, Error};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::client::Keeps;
use crate::domain::SignedInPerson;

pub(super) use record::Record;

/// For so long a keychain may take. One that asks its owner for a password takes longer: what it brings then is used all
/// the same, if nobody has signed in meanwhile.
const PATIENCE: Duration = Duration::from_secs(3);

/// Calls that wait for the one that is under way.
const WAITING: usize = 16;

/// The name under which the viewer's entries stand in the keychain.
const SERVICE: &str = "cpis-viewer";

/// Opens the keychain; on the keychain's own thread.
type Opens = Box<dyn Fn() -> keyring_core::Result<Arc<CredentialStore>> + Send>;

/// What a keychain is asked.
enum Ask {
    Load(oneshot::Sender<Option<Zeroizing<Vec<u8>>>>),
    /// With the number of whoever keeps it there.
    Store(Zeroizing<String>, u64, oneshot::Sender<()>),
    Erase(oneshot::Sender<()>),
}

/// One entry of the system's keychain. Cheap to clone.
#[derive(Clone)]
pub struct Keychain {
    asks: SyncSender<Ask>,
    hub: Arc<str>,
    machine: Option<Arc<str>>,
    patience: Duration,
    turn: Turn,
    /// It was waited for in vain, and nothing that it was asked is done yet: nobody waits for it a second time.
    hangs: Arc<AtomicBool>,
}

/// Whose turn it is to keep something there. A new one comes with each keeper and with whatever is taken out: a renewal may
/// end long after its session, and is to bring back nobody.
#[derive(Clone, Default)]
struct Turn(Arc<Mutex<u64>>);

impl Turn {
    /// Whatever is asked of the keychain for a turn is asked while this is held, so that none passes another.
    fn hold(&self) -> MutexGuard<'_, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Done,
    Refused,
    /// It may still be done.
    Late,
}

impl std::fmt::Debug for Keychain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keychain(hidden)")
    }
}

/// What a look into the keychain found.
pub(super) enum Found {
    /// A session that can go on.
    Session(Box<Record>),
    /// Nothing that is good here.
    Nothing,
}

impl Keychain {
    /// This system's, for sessions at this hub.
    #[must_use]
    pub fn of_this_system(hub: &str) -> Self {
        let machine = machine_uid::get().ok().filter(|id| !id.trim().is_empty());
        Self::over(Box::new(store), hub, machine.as_deref(), PATIENCE)
    }

    /// Another keychain, on a computer of this name, and how long it is waited for.
    #[must_use]
    pub fn over(opens: Opens, hub: &str, machine: Option<&str>, patience: Duration) -> Self {
        let (asks, asked) = sync_channel(WAITING);
        let hub: Arc<str> = Arc::from(hub.trim_end_matches('/'));
        let (name, turn, hangs) = (Arc::clone(&hub), Turn::default(), Arc::<AtomicBool>::default());
        let (now, works_on) = (turn.clone(), Arc::clone(&hangs));
        let works = move || work(&asked, &opens, &name, &now, &works_on);
        // Where no thread starts, every call below finds that nobody answers.
        let _ = std::thread::Builder::new().name("cpis-keychain".to_owned()).spawn(works);
        Self { asks, hub, machine: machine.map(Arc::from), patience, turn, hangs }
    }

    /// For so long it is waited for.
    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    /// What is kept here for this computer and this hub; asked for at once, before whatever is asked for later. `None` where
    /// nobody answers. Waits as long as the keychain takes: whoever asks has a limit.
    pub(super) fn load(&self) -> impl Future<Output = Option<Found>> + Send + use<> {
        let (tell, told) = oneshot::channel();
        let asked = self.machine.clone().filter(|_| self.asks.try_send(Ask::Load(tell)).is_ok());
        let hub = Arc::clone(&self.hub);
        async move {
            let machine = asked?;
            let sealed = told.await.ok()?;
            let record = Record::open(&sealed, &machine, &hub);
            Some(record.map_or(Found::Nothing, |record| Found::Session(Box::new(record))))
        }
    }

    /// The same within the limit.
    pub(super) async fn load_soon(&self) -> Option<Found> {
        tokio::time::timeout(self.patience, self.load()).await.ok().flatten()
    }

    /// Puts a session there, if it is still the turn of whoever keeps it. One that could not be waited for is taken out again.
    async fn store(&self, record: &Record, turn: u64) -> Told {
        let Some(sealed) = self.machine.as_deref().and_then(|machine| record.seal(machine, &self.hub)) else {
            return Told::Refused;
        };
        let (tell, told) = oneshot::channel();
        if self.asks.try_send(Ask::Store(sealed, turn, tell)).is_err() {
            return Told::Refused;
        }
        if self.hangs.load(Ordering::Acquire) {
            return Told::Late;
        }
        let told = is_told(told, self.patience).await;
        if told == Told::Late {
            self.hangs.store(true, Ordering::Release);
        }
        told
    }

    /// Takes out whatever is there, before whatever is asked for later; says whether it is gone.
    pub(super) fn erase(&self) -> impl Future<Output = bool> + Send + use<> {
        let mut turn = self.turn.hold();
        *turn += 1;
        let told = self.erase_soon();
        drop(turn);
        is_gone(told, self.patience)
    }

    fn erase_soon(&self) -> Option<oneshot::Receiver<()>> {
        let (tell, told) = oneshot::channel();
        self.asks.try_send(Ask::Erase(tell)).ok().map(|()| told)
    }
}

async fn is_told(told: oneshot::Receiver<()>, patience: Duration) -> Told {
    match tokio::time::timeout(patience, told).await {
        Ok(Ok(())) => Told::Done,
        Ok(Err(_)) => Told::Refused,
        Err(_) => Told::Late,
    }
}

async fn is_gone(told: Option<oneshot::Receiver<()>>, patience: Duration) -> bool {
    match told {
        Some(told) => is_told(told, patience).await == Told::Done,
        None => false,
    }
}

/// The keychain's thread: one call after the other, for as long as somebody may ask.
fn work(asked: &Receiver<Ask>, opens: &Opens, hub: &str, turn: &Turn, hangs: &AtomicBool) {
    let mut entry: Option<Entry> = None;
    // What was to be taken out and could not be: that comes before anything else.
    let mut owes = false;
    while let Ok(ask) = asked.recv() {
        owes |= matches!(ask, Ask::Erase(_));
        if entry.is_none() {
            entry = opens().and_then(|store| entry_of(store.as_ref(), hub)).ok();
        }
        // One that was not there, or has gone, may be there at the next call. Who asked hears that nobody answers.
        if let Some(open) = &entry {
            let answered = if owes { erase(open) } else { Ok(()) };
            owes &= answered.is_err();
            if answered.and_then(|()| answer(open, ask, turn)).is_err() {
                entry = None;
            }
        }
        hangs.store(false, Ordering::Release);
    }
}

fn answer(entry: &Entry, ask: Ask, turn: &Turn) -> keyring_core::Result<()> {
    match ask {
        Ask::Load(tell) => {
            let sealed = match entry.get_secret() {
                Ok(sealed) => Some(Zeroizing::new(sealed)),
                Err(Error::NoEntry) => None,
                // Nobody can say which of them is the last: the hub ends both in time.
                Err(Error::Ambiguous(_)) => {
                    erase(entry)?;
                    None
                }
                Err(error) => return Err(error),
            };
            // Who asked may have gone.
            let _ = tell.send(sealed);
            Ok(())
        }
        // Of a session that is over, or of which another keeper has charge: what is there is not theirs.
        Ask::Store(_, of, _) if of != *turn.hold() => Ok(()),
        Ask::Store(sealed, _, tell) => {
            // Nobody waits any more: they were told that nothing is kept, and so it is to be.
            if tell.is_closed() {
                return erase(entry);
            }
            let put = match entry.set_secret(sealed.as_bytes()) {
                Err(Error::Ambiguous(_)) => erase(entry).and_then(|()| entry.set_secret(sealed.as_bytes())),
                put => put,
            };
            if let Err(error) = put {
                // What was there before is used up.
                erase(entry)?;
                return Err(error);
            }
            if tell.send(()).is_err() {
                return erase(entry);
            }
            Ok(())
        }
        // It has just been done.
        Ask::Erase(tell) => {
            let _ = tell.send(());
            Ok(())
        }
    }
}

/// All of that name, should there be one in each of two keyrings.
fn erase(entry: &Entry) -> keyring_core::Result<()> {
    let erased = |one: &Entry| match one.delete_credential() {
        Ok(()) | Err(Error::NoEntry) => Ok(()),
        Err(error) => Err(error),
    };
    match erased(entry) {
        Err(Error::Ambiguous(all)) => all.iter().try_for_each(erased),
        erased => erased,
    }
}

fn entry_of(store: &CredentialStore, hub: &str) -> keyring_core::Result<Entry> {
    // Windows would carry it to other computers with the profile.
    #[cfg(windows)]
    let with = HashMap::from([("persistence", "Local")]);
    #[cfg(not(windows))]
    let with = HashMap::new();
    store.build(SERVICE, hub, Some(&with))
}

#[cfg(windows)]
fn store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(windows_native_keyring_store::Store::new()?)
}

#[cfg(target_vendor = "apple")]
fn store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(all(unix, not(target_vendor = "apple")))]
fn store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

/// Keeps one session, until it is over.
pub(super) struct Keeper {
    keychain: Keychain,
    turn: u64,
    /// The session; its token is the last one.
    record: Mutex<Option<Record>>,
    is_kept: AtomicBool,
    /// Whether anything of it may be in the keychain, kept or not.
    may_be_there: AtomicBool,
}

impl Keeper {
    /// For a session that is there already, or is to be put there. From now on nobody else puts anything there.
    pub(super) fn new(keychain: Keychain, record: Record, is_kept: bool) -> Arc<Self> {
        let turn = {
            let mut turn = keychain.turn.hold();
            *turn += 1;
            *turn
        };
        let record = Mutex::new(Some(record));
        let (is_kept, may_be_there) = (AtomicBool::new(is_kept), AtomicBool::new(is_kept));
        Arc::new(Self { keychain, turn, record, is_kept, may_be_there })
    }

    fn record(&self) -> MutexGuard<'_, Option<Record>> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether whoever closes the viewer can go on later.
    pub(super) fn is_kept(&self) -> bool {
        self.is_kept.load(Ordering::Acquire)
    }

    /// Whose session it is, until it is over.
    pub(super) fn person(&self) -> Option<SignedInPerson> {
        self.record().as_ref().map(Record::person)
    }

    /// The session is over: from this call on nothing of it is kept, whatever comes late. Says whether it is gone.
    pub(super) fn forget(&self) -> impl Future<Output = bool> + Send + use<> {
        *self.record() = None;
        self.is_kept.store(false, Ordering::Release);
        let may_be_there = self.may_be_there.swap(false, Ordering::AcqRel);
        let mut turn = self.keychain.turn.hold();
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
        let told = self.keychain.store(&kept, self.turn).await;
        let record = self.record();
        self.is_kept.store(told == Told::Done && record.is_some(), Ordering::Release);
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

#[cfg(test)]
mod tests;
