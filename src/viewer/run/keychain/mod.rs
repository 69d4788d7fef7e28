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
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keyring_core::{CredentialStore, Entry, Error};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::client::Keeps;

pub(super) use record::Record;

/// For so long a keychain may take. One that asks its owner for a password takes longer: what it brings then is used all
/// the same, if nobody has signed in meanwhile.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// Calls that wait for the one that is under way.
const WAITING: usize = 16;

/// The name under which the viewer's entries stand in the keychain.
const SERVICE: &str = "cpis-viewer";

/// Opens the keychain; on the keychain's own thread.
type Opens = Box<dyn Fn() -> keyring_core::Result<Arc<CredentialStore>> + Send>;

/// What a keychain is asked.
enum Ask {
    Load(oneshot::Sender<Option<Zeroizing<Vec<u8>>>>),
    Store(Zeroizing<String>, oneshot::Sender<()>),
    Erase(oneshot::Sender<()>),
}

/// One entry of the system's keychain. Cheap to clone.
#[derive(Clone)]
pub struct Keychain {
    asks: SyncSender<Ask>,
    hub: Arc<str>,
    machine: Option<Arc<str>>,
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
        Self::over(Box::new(store), hub, machine.as_deref())
    }

    /// Another keychain, on a computer of this name.
    #[must_use]
    pub fn over(opens: Opens, hub: &str, machine: Option<&str>) -> Self {
        let (asks, asked) = sync_channel(WAITING);
        let hub: Arc<str> = Arc::from(hub.trim_end_matches('/'));
        let name = Arc::clone(&hub);
        let works = move || work(&asked, &opens, &name);
        // Where no thread starts, every call below finds that nobody answers.
        let _ = std::thread::Builder::new().name("cpis-keychain".to_owned()).spawn(works);
        Self { asks, hub, machine: machine.map(Arc::from) }
    }

    /// What is kept here for this computer and this hub. Waits as long as the keychain takes: whoever asks has a limit.
    pub(super) async fn load(&self) -> Option<Found> {
        let machine = self.machine.as_deref()?;
        let (tell, told) = oneshot::channel();
        self.asks.try_send(Ask::Load(tell)).ok()?;
        let sealed = told.await.ok()?;
        let record = Record::open(&sealed, machine, &self.hub);
        Some(record.map_or(Found::Nothing, |record| Found::Session(Box::new(record))))
    }

    /// The same within the limit.
    pub(super) async fn load_soon(&self) -> Option<Found> {
        tokio::time::timeout(PATIENCE, self.load()).await.ok().flatten()
    }

    /// Puts a session there; says whether it is there. One that could not be waited for is taken out again.
    async fn store(&self, record: &Record) -> bool {
        let Some(sealed) = self.machine.as_deref().and_then(|machine| record.seal(machine, &self.hub)) else {
            return false;
        };
        let (tell, told) = oneshot::channel();
        self.asks.try_send(Ask::Store(sealed, tell)).is_ok() && is_told(told).await
    }

    /// Takes out whatever is there; says whether it is gone.
    pub(super) async fn erase(&self) -> bool {
        match self.erase_soon() {
            Some(told) => is_told(told).await,
            None => false,
        }
    }

    fn erase_soon(&self) -> Option<oneshot::Receiver<()>> {
        let (tell, told) = oneshot::channel();
        self.asks.try_send(Ask::Erase(tell)).ok().map(|()| told)
    }
}

async fn is_told(told: oneshot::Receiver<()>) -> bool {
    tokio::time::timeout(PATIENCE, told).await.is_ok_and(|told| told.is_ok())
}

/// The keychain's thread: one call after the other, for as long as somebody may ask.
fn work(asked: &Receiver<Ask>, opens: &Opens, hub: &str) {
    let mut entry: Option<Entry> = None;
    while let Ok(ask) = asked.recv() {
        if entry.is_none() {
            entry = opens().and_then(|store| entry_of(store.as_ref(), hub)).ok();
        }
        // One that was not there, or has gone, may be there at the next call. Who asked hears that nobody answers.
        let Some(open) = &entry else { continue };
        if answer(open, ask).is_err() {
            entry = None;
        }
    }
}

fn answer(entry: &Entry, ask: Ask) -> keyring_core::Result<()> {
    match ask {
        Ask::Load(tell) => {
            let sealed = match entry.get_secret() {
                Ok(sealed) => Some(Zeroizing::new(sealed)),
                Err(Error::NoEntry) => None,
                Err(error) => return Err(error),
            };
            // Who asked may have gone.
            let _ = tell.send(sealed);
            Ok(())
        }
        Ask::Store(sealed, tell) => {
            // Nobody waits any more: they were told that nothing is kept, and so it is to be.
            if tell.is_closed() {
                return erase(entry);
            }
            if let Err(error) = entry.set_secret(sealed.as_bytes()) {
                // What was there before is used up.
                erase(entry)?;
                return Err(error);
            }
            if tell.send(()).is_err() {
                return erase(entry);
            }
            Ok(())
        }
        Ask::Erase(tell) => {
            erase(entry)?;
            let _ = tell.send(());
            Ok(())
        }
    }
}

fn erase(entry: &Entry) -> keyring_core::Result<()> {
    match entry.delete_credential() {
        Ok(()) | Err(Error::NoEntry) => Ok(()),
        Err(error) => Err(error),
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
    /// The session; its token is the last one.
    record: Mutex<Option<Record>>,
    is_kept: AtomicBool,
}

impl Keeper {
    /// For a session that is there already, or is to be put there.
    pub(super) fn new(keychain: Keychain, record: Record, is_kept: bool) -> Arc<Self> {
        Arc::new(Self { keychain, record: Mutex::new(Some(record)), is_kept: AtomicBool::new(is_kept) })
    }

    /// Whether whoever closes the viewer can go on later.
    pub(super) fn is_kept(&self) -> bool {
        self.is_kept.load(Ordering::Acquire)
    }

    /// The session is over: nothing of it is kept from now on, whatever comes late. Says when it is gone.
    pub(super) fn forget(&self) -> impl Future<Output = bool> + Send + use<> {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        *record = None;
        self.is_kept.store(false, Ordering::Release);
        // Within the lock: after whatever is being kept.
        let told = self.keychain.erase_soon();
        drop(record);
        async move {
            match told {
                Some(told) => is_told(told).await,
                None => false,
            }
        }
    }

    async fn keep_now(&self, refresh: &str) {
        let kept = {
            let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(record) = record.as_mut() else { return };
            refresh.clone_into(&mut record.refresh);
            record.clone()
        };
        let is_kept = self.keychain.store(&kept).await;
        let gone = {
            let record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
            self.is_kept.store(is_kept && record.is_some(), Ordering::Release);
            // Forgotten while it was being put there: once more, since one may have passed the other.
            if record.is_none() { self.keychain.erase_soon() } else { None }
        };
        if let Some(gone) = gone {
            is_told(gone).await;
        }
    }
}

impl Keeps for Keeper {
    fn keep<'a>(&'a self, refresh: &'a str) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(self.keep_now(refresh))
    }
}
