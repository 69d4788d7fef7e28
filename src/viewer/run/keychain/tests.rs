//! Whose turn it is to keep something: whatever comes late brings nobody back.

use super::*;
use crate::domain::Right;
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
