//! Whose turn it is to keep something: whatever comes late brings nobody back.

use std::any::Any;

use keyring_core::Credential;
use keyring_core::api::{CredentialApi, CredentialStoreApi};

use super::*;
use crate::client::Keeps as _;
use crate::domain::{Right, SignedInPerson};
use crate::identity::dpop::ProofKey;

const HUB: &str = "https://hub.example.nhs.uk";

fn record(name: &str) -> Record {
    let person = SignedInPerson {
        user: "555021935107".to_owned(),
        name: name.to_owned(),
        role: "Staff nurse".to_owned(),
        organisation: "Wexcombe General Hospital".to_owned(),
        organisation_code: "ZZ901".to_owned(),
        rights: [Right::ViewAndNotify].into_iter().collect(),
    };
    Record::of(&person, "session.first", &ProofKey::generate().unwrap())
}

fn keychain() -> Keychain {
    let store: Arc<CredentialStore> = keyring_core::mock::Store::new().unwrap();
    Keychain::over(Box::new(move || Ok(Arc::clone(&store))), HUB, Some("this"), Duration::from_secs(30))
}

/// Whose session is there, and with which token.
async fn there(keychain: &Keychain) -> Option<(String, String)> {
    match keychain.load_soon().await.unwrap() {
        Found::Session(record) => Some((record.name.clone(), record.refresh.clone())),
        Found::Nothing => None,
    }
}

fn are(name: &str, refresh: &str) -> Option<(String, String)> {
    Some((name.to_owned(), refresh.to_owned()))
}

#[tokio::test]
async fn a_token_that_comes_after_the_end_of_its_session_is_not_kept() {
    let keychain = keychain();
    let sam = Keeper::new(keychain.clone(), record("Sam"), false);
    sam.keep("session.second").await;
    assert!(sam.is_kept());
    assert_eq!(there(&keychain).await, are("Sam", "session.second"));
    // Whoever ends it does not know of the renewal that is under way.
    assert!(keychain.erase().await);
    sam.keep("session.third").await;
    assert_eq!((there(&keychain).await, sam.is_kept()), (None, false));
    // Nor over whoever came next; and its end does not touch theirs.
    let priya = Keeper::new(keychain.clone(), record("Priya"), false);
    priya.keep("other.first").await;
    sam.keep("session.fourth").await;
    assert!(sam.forget().await);
    assert_eq!(there(&keychain).await, are("Priya", "other.first"));
    assert!(priya.forget().await);
    priya.keep("other.second").await;
    assert_eq!((there(&keychain).await, priya.person()), (None, None));
}

#[tokio::test]
async fn what_could_not_be_taken_out_is_said_and_comes_before_whatever_is_asked_next() {
    let store: Arc<CredentialStore> = keyring_core::mock::Store::new().unwrap();
    let is_there = Arc::new(AtomicBool::new(false));
    let entry = store.build(SERVICE, HUB, None).unwrap();
    let opens = Arc::clone(&is_there);
    let opens = move || {
        if opens.load(Ordering::SeqCst) { Ok(Arc::clone(&store)) } else { Err(Error::NoDefaultStore) }
    };
    let keychain = Keychain::over(Box::new(opens), HUB, Some("this"), Duration::from_secs(30));
    // Where nothing was ever put there, nobody is told that something was left.
    let nobody = Keeper::new(keychain.clone(), record("Nobody"), false);
    nobody.keep("session.first").await;
    assert!(!nobody.is_kept() && nobody.forget().await);
    let sealed = record("Sam").seal("this", HUB).unwrap();
    entry.set_secret(sealed.as_bytes()).unwrap();
    assert!(!keychain.erase().await, "nobody answers");
    is_there.store(true, Ordering::SeqCst);
    assert_eq!(there(&keychain).await, None);
    assert!(matches!(entry.get_secret(), Err(Error::NoEntry)));
}

/// A keychain that does not come back from putting something there until it is let go; and one in which there are two.
#[derive(Debug, Clone)]
struct Odd {
    store: Arc<CredentialStore>,
    hangs: Arc<AtomicBool>,
}

const TWINS: [&str; 2] = ["one", "another"];

fn is_there(entry: &Entry) -> bool {
    entry.get_secret().is_ok()
}

impl Odd {
    fn new() -> Self {
        Self { store: keyring_core::mock::Store::new().unwrap(), hangs: Arc::default() }
    }

    fn entry(&self, which: &str) -> Entry {
        self.store.build(SERVICE, which, None).unwrap()
    }

    /// Two of one name from now on.
    fn doubled(self) -> Self {
        for twin in TWINS {
            self.entry(twin).set_secret(b"sealed").unwrap();
        }
        self
    }

    fn keychain(&self, patience: Duration) -> Keychain {
        let odd = self.clone();
        let opens = move || Ok(Arc::new(odd.clone()) as Arc<CredentialStore>);
        Keychain::over(Box::new(opens), HUB, Some("this"), patience)
    }

    fn is_one(&self) -> keyring_core::Result<()> {
        let two: Vec<Entry> = TWINS.map(|twin| self.entry(twin)).into_iter().filter(is_there).collect();
        if two.is_empty() { Ok(()) } else { Err(Error::Ambiguous(two)) }
    }
}

impl CredentialStoreApi for Odd {
    fn vendor(&self) -> String {
        "tests".to_owned()
    }

    fn id(&self) -> String {
        "odd".to_owned()
    }

    fn build(&self, _: &str, _: &str, _: Option<&HashMap<&str, &str>>) -> keyring_core::Result<Entry> {
        Ok(Entry::new_with_credential(Arc::new(self.clone())))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl CredentialApi for Odd {
    fn set_secret(&self, secret: &[u8]) -> keyring_core::Result<()> {
        while self.hangs.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.is_one()?;
        self.entry(HUB).set_secret(secret)
    }

    fn get_secret(&self) -> keyring_core::Result<Vec<u8>> {
        self.is_one()?;
        self.entry(HUB).get_secret()
    }

    fn delete_credential(&self) -> keyring_core::Result<()> {
        self.is_one()?;
        self.entry(HUB).delete_credential()
    }

    fn get_credential(&self) -> keyring_core::Result<Option<Arc<Credential>>> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        None
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[tokio::test]
async fn a_keychain_that_hangs_is_waited_for_once() {
    let odd = Odd::new();
    odd.hangs.store(true, Ordering::SeqCst);
    let keychain = odd.keychain(Duration::from_millis(20));
    let sam = Keeper::new(keychain.clone(), record("Sam"), false);
    sam.keep("session.second").await;
    assert!(!sam.is_kept() && keychain.calls.hang());
    // From now on whoever waited would wait for an hour.
    let patient = Keychain { patience: Duration::from_secs(3600), ..keychain.clone() };
    let priya = Keeper::new(patient.clone(), record("Priya"), false);
    let kept = tokio::time::timeout(Duration::from_secs(20), priya.keep("session.third")).await;
    assert!(kept.is_ok() && !priya.is_kept());
    odd.hangs.store(false, Ordering::SeqCst);
    // What nobody waited for is there all the same, and then it is asked as ever.
    assert_eq!(there(&patient).await, are("Priya", "session.third"));
    assert!(priya.is_kept() && !sam.is_kept() && !patient.calls.hang(), "it was no longer Sam's turn");
    priya.keep("session.fourth").await;
    assert_eq!((there(&patient).await, priya.is_kept()), (are("Priya", "session.fourth"), true));
    // But not where its session is over meanwhile.
    odd.hangs.store(true, Ordering::SeqCst);
    let before = patient.turn_now();
    let late = Keychain { patience: Duration::from_millis(20), ..patient.clone() };
    let sam = Keeper::new(late, record("Sam"), false);
    sam.keep("session.fifth").await;
    let gone = sam.forget();
    odd.hangs.store(false, Ordering::SeqCst);
    assert!(!sam.is_kept() && patient.turn_now() != before);
    gone.await;
    assert_eq!((there(&patient).await, sam.is_kept()), (None, false));
}

#[tokio::test]
async fn two_entries_of_one_name_are_nobodys_and_are_taken_out() {
    let twice = || Odd::new().doubled();
    let (odd, erased, kept) = (twice(), twice(), twice());
    assert_eq!(there(&odd.keychain(Duration::from_secs(30))).await, None);
    assert!(odd.is_one().is_ok());
    assert!(erased.keychain(Duration::from_secs(30)).erase().await && erased.is_one().is_ok());
    let keychain = kept.keychain(Duration::from_secs(30));
    let sam = Keeper::new(keychain.clone(), record("Sam"), false);
    sam.keep("session.second").await;
    assert_eq!((there(&keychain).await, sam.is_kept()), (are("Sam", "session.second"), true));
}

/// A profile that roams would carry it to other computers.
#[cfg(windows)]
#[test]
fn windows_keeps_it_on_this_computer_alone() {
    let store = super::store().unwrap();
    let entry = entry_of(store.as_ref(), "https://persistence.example.nhs.uk").unwrap();
    entry.set_secret(b"sealed").unwrap();
    let attributes = entry.get_attributes().unwrap();
    entry.delete_credential().unwrap();
    assert_eq!(attributes.get("persistence").map(String::as_str), Some("Local"));
}
