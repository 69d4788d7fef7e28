//! The system's keychain: where a session is kept on a desk that is nobody else's, so that whoever closes the viewer can go
//! on later. Secret Service, Windows Credential Manager or the macOS Keychain.
//!
//! A keychain may be missing, locked, ask its owner something, or not answer at all: every call is made on a thread of its
//! own, one after the other, and waited for with a limit. What is in it is sealed for one computer and one hub.

#[cfg(any(all(test, feature = "demo"), feature = "fuzzing"))]
pub(in crate::viewer::run) mod fuzzing;
mod keeper;
mod record;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use keyring_core::{CredentialStore, Entry, Error};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

pub(super) use keeper::Keeper;
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
    Store(Storing, oneshot::Sender<()>),
    Erase(oneshot::Sender<()>),
}

/// A session that is to be put there, and for whom.
struct Storing {
    sealed: Zeroizing<String>,
    /// Of whoever keeps it there.
    turn: u64,
    /// Which of theirs it is, from 1.
    number: u64,
    standing: Arc<Standing>,
}

/// How it stands with what one keeper keeps. Changed only while the turn is held.
#[derive(Default)]
struct Standing {
    /// The last that was to be put there is there.
    is_kept: AtomicBool,
    /// How many were.
    asked: AtomicU64,
}

/// How many calls there were. They are done in the order in which they were asked for.
#[derive(Default)]
struct Calls {
    asked: AtomicU64,
    done: AtomicU64,
    /// The last one that was waited for in vain.
    in_vain: AtomicU64,
}

impl Calls {
    /// Whether the keychain hangs still: nobody waits for it a second time.
    fn hang(&self) -> bool {
        self.done.load(Ordering::Acquire) < self.in_vain.load(Ordering::Acquire)
    }
}

/// One entry of the system's keychain. Cheap to clone.
#[derive(Clone)]
pub struct Keychain {
    asks: SyncSender<Ask>,
    hub: Arc<str>,
    machine: Option<Arc<str>>,
    patience: Duration,
    turn: Turn,
    calls: Arc<Calls>,
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
        let (name, turn, calls) = (Arc::clone(&hub), Turn::default(), Arc::<Calls>::default());
        let (now, counts) = (turn.clone(), Arc::clone(&calls));
        let works = move || work(&asked, &opens, &name, &now, &counts);
        // Where no thread starts, every call below finds that nobody answers.
        let _ = std::thread::Builder::new().name("cpis-keychain".to_owned()).spawn(works);
        Self { asks, hub, machine: machine.map(Arc::from), patience, turn, calls }
    }

    /// Changes with whatever is put there for somebody else, or taken out.
    pub(super) fn turn_now(&self) -> u64 {
        *self.turn.hold()
    }

    /// The number of a call, if it could be made.
    fn ask(&self, ask: Ask) -> Option<u64> {
        let number = self.calls.asked.fetch_add(1, Ordering::AcqRel) + 1;
        if self.asks.try_send(ask).is_ok() {
            return Some(number);
        }
        // There will be nobody else to count it.
        self.calls.done.fetch_add(1, Ordering::AcqRel);
        None
    }

    /// For so long it is waited for.
    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    /// What is kept here for this computer and this hub; asked for at once, before whatever is asked for later. `None` where
    /// nobody answers. Waits as long as the keychain takes: whoever asks has a limit.
    pub(super) fn load(&self) -> impl Future<Output = Option<Found>> + Send + use<> {
        let (tell, told) = oneshot::channel();
        let asked = self.machine.clone().filter(|_| self.ask(Ask::Load(tell)).is_some());
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

    /// Puts a session there, if it is still the turn of whoever keeps it. One that could not be waited for may be there later.
    async fn store(&self, record: &Record, turn: u64, standing: &Arc<Standing>) -> Told {
        let told = self.put(record, turn, standing).await;
        if told == Told::Refused {
            let _held = self.turn.hold();
            standing.is_kept.store(false, Ordering::Release);
        }
        told
    }

    async fn put(&self, record: &Record, turn: u64, standing: &Arc<Standing>) -> Told {
        let Some(sealed) = self.machine.as_deref().and_then(|machine| record.seal(machine, &self.hub)) else {
            return Told::Refused;
        };
        let (tell, mut told) = oneshot::channel();
        let asked = {
            // So that the last that is numbered is the last that is put there.
            let _held = self.turn.hold();
            let number = standing.asked.fetch_add(1, Ordering::AcqRel) + 1;
            self.ask(Ask::Store(Storing { sealed, turn, number, standing: Arc::clone(standing) }, tell))
        };
        let Some(number) = asked else { return Told::Refused };
        let patience = if self.calls.hang() { Duration::ZERO } else { self.patience };
        let heard = is_told(&mut told, patience).await;
        if heard != Told::Late {
            return heard;
        }
        let _held = self.turn.hold();
        // It may have come in this very moment.
        if told.try_recv().is_ok() {
            return Told::Done;
        }
        standing.is_kept.store(false, Ordering::Release);
        self.calls.in_vain.fetch_max(number, Ordering::AcqRel);
        Told::Late
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
        self.ask(Ask::Erase(tell)).map(|_| told)
    }
}

async fn is_told(told: &mut oneshot::Receiver<()>, patience: Duration) -> Told {
    match tokio::time::timeout(patience, told).await {
        Ok(Ok(())) => Told::Done,
        Ok(Err(_)) => Told::Refused,
        Err(_) => Told::Late,
    }
}

async fn is_gone(told: Option<oneshot::Receiver<()>>, patience: Duration) -> bool {
    match told {
        Some(mut told) => is_told(&mut told, patience).await == Told::Done,
        None => false,
    }
}

/// The keychain's thread: one call after the other, for as long as somebody may ask.
fn work(asked: &Receiver<Ask>, opens: &Opens, hub: &str, turn: &Turn, calls: &Calls) {
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
        calls.done.fetch_add(1, Ordering::AcqRel);
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
        Ask::Store(storing, _) if storing.turn != *turn.hold() => Ok(()),
        Ask::Store(Storing { sealed, turn: of, number, standing }, tell) => {
            let put = match entry.set_secret(sealed.as_bytes()) {
                Err(Error::Ambiguous(_)) => erase(entry).and_then(|()| entry.set_secret(sealed.as_bytes())),
                put => put,
            };
            if let Err(error) = put {
                // What was there before is used up.
                erase(entry)?;
                return Err(error);
            }
            let now = turn.hold();
            // It may have taken so long that the session is over: then it is about to be taken out, or another's put over it.
            if *now == of && standing.asked.load(Ordering::Acquire) == number {
                standing.is_kept.store(true, Ordering::Release);
            }
            // Whoever waited in vain hears of it by that.
            let _ = tell.send(());
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

#[cfg(test)]
mod tests;
