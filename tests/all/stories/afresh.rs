//! Whoever sits at the browser can edit its address. A fresh sign-in that was edited away lets nobody in.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use cpis::viewer::run::Browser;
use eframe::egui::{Key, Modifiers};

use super::chain::Chain;
use super::desk::Desk;
use super::proxy::{Act, Proxy};
use super::signing_in::{Scripted, as_it_is, sessions};
use super::town::Town;

/// Somebody takes the demand out of the browser's address. The provider then knows whoever was here before.
struct Editing {
    browser: Scripted,
    edits: AtomicBool,
}

impl Editing {
    fn new(edits: bool) -> Arc<Self> {
        let seen = Arc::new(Mutex::new((String::new(), Vec::new())));
        let browser = Scripted { is_there: true, does: as_it_is, seen };
        Arc::new(Self { browser, edits: AtomicBool::new(edits) })
    }
}

impl Browser for Editing {
    fn open(&self, address: &str) -> bool {
        if !self.edits.load(Ordering::SeqCst) {
            return self.browser.open(address);
        }
        assert!(address.contains("&prompt=login"), "{address}");
        self.browser.open(&address.replace("&prompt=login", ""))
    }
}

/// They press "Sign in", and are not: nothing of whoever was here before is there.
#[track_caller]
fn lets_nobody_in(desk: &mut Desk) {
    desk.press("Sign in");
    desk.wait_for("You are not signed in: ");
    assert!(desk.text_with("the CP-IS service did not accept it").is_some(), "{}", desk.tree());
    assert_eq!(desk.text_with("Sam Okafor"), None);
}

fn refused(town: &Town) -> Vec<String> {
    town.book().column("SELECT outcome FROM audit WHERE kind = 'sign-in-refused'", [])
}

#[test]
fn on_a_shared_desk_whoever_edits_the_fresh_sign_in_away_is_not_signed_in() {
    let town = Town::at(super::town::now());
    let browser = Editing::new(true);
    let mut desk = town.desk_signing_in(browser.clone());
    lets_nobody_in(&mut desk);
    assert_eq!(sessions(&town), Vec::<String>::new());
    assert_eq!(refused(&town), ["code-not-fresh"]);
    // Who leaves it as it is signs in.
    browser.edits.store(false, Ordering::SeqCst);
    desk.press("Sign in");
    desk.wait_for("Signed in: Sam Okafor, ");
}

#[test]
fn on_a_desk_of_ones_own_whoever_edits_it_away_after_a_lock_is_not_signed_in() {
    let town = Town::at(super::town::now());
    let browser = Editing::new(false);
    let keychain = Chain::new().at(town.demonstration.address(), "this computer");
    let mut desk = town.desk_of_ones_own(browser.clone(), keychain);
    desk.until("the keychain's answer", |desk| desk.has_button("Sign in").then_some(()));
    desk.press("Sign in");
    desk.wait_for("Signed in: Sam Okafor, ");
    desk.chord(Modifiers::COMMAND, Key::L);
    desk.wait_for("Locked. You are signed out");
    browser.edits.store(true, Ordering::SeqCst);
    lets_nobody_in(&mut desk);
    desk.until("the hub", |_| (sessions(&town) == ["signed-out"]).then_some(()));
    assert_eq!(refused(&town), ["code-not-fresh"]);
}

#[test]
fn a_hub_that_does_not_say_that_it_was_fresh_signs_nobody_in() {
    for said in [None, Some(false)] {
        let town = Town::at(super::town::now());
        let proxy = Proxy::before(town.demonstration.address());
        let browser = Editing::new(false);
        let mut desk = town.desk_signing_in_behind(&proxy.address(), browser);
        // As one that does not know the question answers it.
        proxy.on("/token", move |_| {
            Act::Change(Box::new(move |answer| {
                answer.json(|told| {
                    let told = told.as_object_mut().unwrap();
                    told.remove("fresh");
                    told.extend(said.map(|fresh| ("fresh".to_owned(), fresh.into())));
                });
            }))
        });
        lets_nobody_in(&mut desk);
        desk.until("the hub", |_| (sessions(&town) == ["signed-out"]).then_some(()));
    }
}
