//! Tests: what becomes of a session in the turn in which it began.

use std::time::Duration;

use keyring_core::CredentialStore;

use super::arrived::Held;
use super::keychain::{Keeper, Record};
use super::*;
use crate::client::{Access, HubClient, Limits};
use crate::domain::{Right, SignedInPerson};
use crate::identity::dpop::ProofKey;
use crate::viewer::tests::people;

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

#[tokio::test]
async fn a_session_that_is_kept_since_this_very_turn_is_set_aside_and_not_ended() {
    for event in [Event::ComputerLocked, Event::Slept] {
        let store: Arc<CredentialStore> = keyring_core::mock::Store::new().unwrap();
        let keychain = Keychain::over(
            Box::new(move || Ok(Arc::clone(&store))),
            NOBODY,
            Some("this"),
            Duration::from_secs(30),
        );
        let mut desktop = desk_of_ones_own(&keychain);
        let person = SignedInPerson {
            user: "555021935107".to_owned(),
            name: "Sam Okafor".to_owned(),
            role: "Staff nurse".to_owned(),
            organisation: "Wexcombe General Hospital".to_owned(),
            organisation_code: "ZZ901".to_owned(),
            rights: [Right::ViewAndNotify].into_iter().collect(),
        };
        let key = ProofKey::generate().unwrap();
        let keeper = Keeper::new(keychain, Record::of(&person, "a.b", &key), true);
        let access = Access::new(String::new(), key, NOBODY).renewable("a.b".to_owned(), 600);
        let client = HubClient::new(NOBODY, access, None, Limits::default(), &[]).unwrap();
        // Taken up, and nobody has looked yet whether it is kept.
        let held = Held::new(client, Some(Arc::clone(&keeper)));
        desktop.doer.arrived.uses(Some(&held));
        desktop.doer.held = Some(held);
        let setup = std::mem::take(&mut desktop.state.setup);
        desktop.state = State { setup, ..people::signed_in(people::nurse()) };
        desktop.happen(event);
        assert!(matches!(desktop.state.kept, Kept::Somebody(_)), "somebody can go on");
        assert!(keeper.is_kept() && desktop.doer.arrived.aside().is_some(), "nothing has ended");
    }
}
