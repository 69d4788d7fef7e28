//! The keychain of the stories: one in memory, or that of the session's bus. It counts, and can be stopped at a step.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cpis::viewer::run::Keychain;
use keyring_core::api::{CredentialApi, CredentialStoreApi};
use keyring_core::{Credential, CredentialPersistence, CredentialStore, Entry, mock};

/// Says which keychain the stories are told before: that of the session's bus, or one in memory.
pub(super) const WHICH: &str = "CPIS_KEYCHAIN_OF_THE_BUS";

pub(super) fn is_of_the_bus() -> bool {
    std::env::var_os(WHICH).is_some()
}

#[cfg(all(unix, not(target_vendor = "apple")))]
fn of_the_bus() -> Option<Arc<CredentialStore>> {
    zbus_secret_service_keyring_store::Store::new().ok().map(|store| store as _)
}

/// Windows' Credential Manager, which needs no bus.
#[cfg(windows)]
fn of_the_bus() -> Option<Arc<CredentialStore>> {
    windows_native_keyring_store::Store::new().ok().map(|store| store as _)
}

/// Nobody has told the stories before another.
#[cfg(target_vendor = "apple")]
fn of_the_bus() -> Option<Arc<CredentialStore>> {
    None
}

/// A keychain that can be stopped at a step, and that counts.
#[derive(Clone)]
pub(super) struct Chain(pub(super) Arc<Inside>);

pub(super) struct Inside {
    store: Mutex<Option<Arc<CredentialStore>>>,
    /// Whoever puts something there from now on never comes back: before it is there, or after.
    pub(super) stops_before: AtomicBool,
    pub(super) stops_after: AtomicBool,
    /// Whoever reads waits for as long as this is so.
    pub(super) holds: AtomicBool,
    pub(super) put: AtomicUsize,
    /// For so long the viewer waits for it. Long: a busy machine is not to be taken for a keychain that hangs.
    patience: Duration,
}

impl Chain {
    pub(super) fn new() -> Self {
        Self::of(mock::Store::new().unwrap())
    }

    /// That of the session's bus, where the stories are told before that, or this one.
    pub(super) fn of(store: Arc<CredentialStore>) -> Self {
        Self::over(if is_of_the_bus() { of_the_bus() } else { Some(store) }, Duration::from_secs(30))
    }

    fn over(store: Option<Arc<CredentialStore>>, patience: Duration) -> Self {
        Self(Arc::new(Inside {
            store: Mutex::new(store),
            stops_before: AtomicBool::new(false),
            stops_after: AtomicBool::new(false),
            holds: AtomicBool::new(false),
            put: AtomicUsize::new(0),
            patience,
        }))
    }

    pub(super) fn at(&self, hub: &str, machine: &str) -> Keychain {
        let chain = self.clone();
        let opens = move || match chain.0.store.lock().unwrap().clone() {
            Some(_) => Ok(Arc::new(chain.clone()) as Arc<CredentialStore>),
            None => Err(keyring_core::Error::NoDefaultStore),
        };
        Keychain::over(Box::new(opens), hub, Some(machine), self.0.patience)
    }

    pub(super) fn is_empty(&self, hub: &str) -> bool {
        let store = self.0.store.lock().unwrap().clone().unwrap();
        let entry = store.build("cpis-viewer", hub, None).unwrap();
        matches!(entry.get_secret(), Err(keyring_core::Error::NoEntry))
    }

    /// The same, and whoever asks waits for so long.
    pub(super) fn waited_for(&self, patience: Duration) -> Self {
        Self::over(self.0.store.lock().unwrap().clone(), patience)
    }

    /// There is none any more.
    pub(super) fn take_away(&self) {
        *self.0.store.lock().unwrap() = None;
    }

    /// Another run of the program: what had stopped has died with the last one.
    pub(super) fn again(&self) -> Self {
        Self::over(self.0.store.lock().unwrap().clone(), self.0.patience)
    }
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Chain")
    }
}

impl CredentialStoreApi for Chain {
    fn vendor(&self) -> String {
        "tests".to_owned()
    }

    fn id(&self) -> String {
        "tests".to_owned()
    }

    fn build(
        &self,
        service: &str,
        user: &str,
        with: Option<&HashMap<&str, &str>>,
    ) -> keyring_core::Result<Entry> {
        let store = self.0.store.lock().unwrap().clone().unwrap();
        let entry = store.build(service, user, with)?;
        Ok(Entry::new_with_credential(Arc::new(Link { entry, chain: self.clone() })))
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn persistence(&self) -> CredentialPersistence {
        CredentialPersistence::UntilDelete
    }
}

#[derive(Debug)]
struct Link {
    entry: Entry,
    chain: Chain,
}

fn never_comes_back() -> ! {
    loop {
        std::thread::park();
    }
}

impl CredentialApi for Link {
    fn set_secret(&self, secret: &[u8]) -> keyring_core::Result<()> {
        let inside = &self.chain.0;
        if inside.stops_before.load(Ordering::SeqCst) {
            inside.put.fetch_add(1, Ordering::SeqCst);
            never_comes_back();
        }
        let put = self.entry.set_secret(secret);
        inside.put.fetch_add(1, Ordering::SeqCst);
        if inside.stops_after.load(Ordering::SeqCst) {
            never_comes_back();
        }
        put
    }

    fn get_secret(&self) -> keyring_core::Result<Vec<u8>> {
        while self.chain.0.holds.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.entry.get_secret()
    }

    fn delete_credential(&self) -> keyring_core::Result<()> {
        self.entry.delete_credential()
    }

    fn get_credential(&self) -> keyring_core::Result<Option<Arc<Credential>>> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        self.entry.get_specifiers()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
