//! Tests: what a lock leaves of a kept session before the window has had its turn.

use std::time::Duration;

use keyring_core::CredentialStore;

use super::arrived::Held;
use super::keychain::{Found, Keeper, Record};
use super::*;
use crate::client::{Access, HubClient, Keeps as _, Limits};
use crate::domain::{Right, SignedInPerson};
use crate::identity::dpop::ProofKey;

const NOBODY: &str = "http://127.0.0.1:1";

struct Nothing;

impl Clipboard for Nothing {
    fn put(&mut self, _: &str) -> bool {
        false
    }

    fn forget(&mut self) {}
}

impl Browser for Nothing {
    fn open(&self, _: &str) -> bool {
        false
    }
}

fn desk_of_ones_own(keychain: &Keychain) -> Desktop {
    let hub = Hub {
        address: NOBODY.to_owned(),
        known_as: NOBODY.to_owned(),
        site: None,
        limits: Limits::default(),
        authorities: Vec::new(),
    };
    let setup = Setup { hub: Some(NOBODY.to_owned()), private_desk: true, ..Setup::default() };
    let start = Start { setup, hub: Some(hub), clipboard: Box::new(Nothing), browser: Arc::new(Nothing) };
    let runtime = tokio::runtime::Handle::current();
    Desktop::with_keychain(start, Some(keychain.clone()), runtime, egui::Context::default())
}

fn record() -> Record {
    let person = SignedInPerson {
        user: "555021935107".to_owned(),
        name: "Sam Okafor".to_owned(),
        role: "Staff nurse".to_owned(),
        organisation: "Wexcombe General Hospital".to_owned(),
        organisation_code: "ZZ901".to_owned(),
        rights: [Right::ViewAndNotify].into_iter().collect(),
    };
    Record::of(&person, "a.b", &ProofKey::generate().unwrap())
}

/// How a session that is kept stands when the computer is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// Somebody works in it.
    InUse,
    /// Somebody was about to go on with it, and has left it.
    Aside,
    /// It is offered, or may be as soon as the keychain has answered.
    Unused,
}

#[tokio::test]
async fn a_lock_takes_a_kept_session_out_of_the_keychain_before_the_windows_next_turn() {
    for stands in [Stands::InUse, Stands::Aside, Stands::Unused] {
        for event in [Event::ComputerLocked, Event::Slept] {
            let store: Arc<CredentialStore> = keyring_core::mock::Store::new().unwrap();
            let entry = store.build("cpis-viewer", NOBODY, None).unwrap();
            let sealed = record().seal("this", NOBODY).unwrap();
            entry.set_secret(sealed.as_bytes()).unwrap();
            let opens = move || Ok(Arc::clone(&store));
            let keychain = Keychain::over(Box::new(opens), NOBODY, Some("this"), Duration::from_secs(30));
            let desktop = desk_of_ones_own(&keychain);
            assert!(matches!(keychain.load_soon().await, Some(Found::Session(_))));
            let (record, hub) = (record(), NOBODY);
            let access =
                Access::new(String::new(), record.key().unwrap(), hub).renewable("a.b".to_owned(), 600);
            let client = HubClient::new(hub, access, None, Limits::default(), &[]).unwrap();
            match stands {
                Stands::Unused => {}
                Stands::InUse | Stands::Aside => {
                    let held = Held::new(client, Some(Keeper::new(keychain.clone(), record, true)));
                    if stands == Stands::InUse {
                        desktop.doer.arrived.uses(Some(&held));
                    } else {
                        desktop.doer.arrived.set_aside(held);
                    }
                }
            }
            desktop.hears()(event);
            // Asked after it, and answered after it. The window has drawn nothing.
            assert!(matches!(keychain.load_soon().await, Some(Found::Nothing)), "{stands:?}");
            assert!(desktop.doer.arrived.aside().is_none() && desktop.doer.ends.unused().is_none());
        }
    }
}

#[tokio::test]
async fn a_program_that_is_told_to_end_leaves_a_kept_session_where_it_is() {
    let store: Arc<CredentialStore> = keyring_core::mock::Store::new().unwrap();
    let opens = move || Ok(Arc::clone(&store));
    let keychain = Keychain::over(Box::new(opens), NOBODY, Some("this"), Duration::from_secs(30));
    let desktop = desk_of_ones_own(&keychain);
    let access =
        Access::new(String::new(), ProofKey::generate().unwrap(), NOBODY).renewable("a.b".to_owned(), 600);
    let client = HubClient::new(NOBODY, access, None, Limits::default(), &[]).unwrap();
    let keeper = Keeper::new(keychain.clone(), record(), false);
    keeper.keep("a.b").await;
    desktop.doer.arrived.uses(Some(&Held::new(client, Some(keeper))));
    desktop.leaves()();
    assert!(matches!(keychain.load_soon().await, Some(Found::Session(_))));
}
