//! A kept session: who owns it while somebody goes on with it, leaves it, or says that they are somebody else; and what is
//! said where it could not be ended.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cpis::viewer::event::Event;

use super::desk::Desk;
use super::keeping::{EXPIRED, GO_ON, Own, Seen};
use super::proxy::{Act, Gate, Proxy};
use super::signing_in::{Scripted, as_it_is, sessions};
use super::town::{AMELIA, Town};

const NOBODY_IS_KEPT: &str = "Your web browser opens your organisation's sign-in page";

/// A desk of one's own with something between it and the hub.
fn behind(own: &Own, proxy: &Proxy, has_browser: bool) -> Desk {
    let browser = Scripted { is_there: has_browser, does: as_it_is, seen: Arc::clone(&own.seen) };
    let keychain = own.chain.at(&proxy.address(), "this computer");
    own.town.desk_of_ones_own_behind(&proxy.address(), Arc::new(browser), keychain)
}

/// Somebody has signed in there, and closed the viewer.
fn kept(own: &Own, proxy: &Proxy) {
    let mut desk = behind(own, proxy, true);
    desk.wait_for(NOBODY_IS_KEPT);
    desk.press("Sign in");
    desk.wait_for("Signed in: Sam Okafor, ");
    desk.close();
}

/// Whoever goes on waits for a renewal that the hub has answered, and of which nobody here hears until the gate is opened.
fn held_up(own: &Own, proxy: &Proxy, has_browser: bool) -> (Desk, Gate) {
    let mut desk = behind(own, proxy, has_browser);
    desk.wait_for(GO_ON);
    let gate = Gate::default();
    let held = gate.clone();
    proxy.on("/token", move |_| Act::HoldGranted(held.clone()));
    let tokens = || own.town.book().column("SELECT hex(current) || rotated_ms FROM session", []);
    let before = tokens();
    desk.press(GO_ON);
    desk.until("the renewal", |_| (tokens() != before).then_some(()));
    desk.press("Cancel");
    desk.wait_for(GO_ON);
    (desk, gate)
}

#[test]
fn a_renewal_that_ends_after_its_session_brings_nobody_back() {
    let own = Own::new();
    let proxy = Proxy::before(own.town.demonstration.address());
    kept(&own, &proxy);
    let (mut desk, gate) = held_up(&own, &proxy, false);
    desk.press("Sign in as somebody else");
    desk.wait_for("No web browser could be opened");
    desk.until("the hub", |_| (sessions(&own.town) == ["signed-out"]).then_some(()));
    gate.open();
    desk.stay(Duration::from_millis(500));
    desk.close_and_hear();
    assert!(own.chain.is_empty(&proxy.address()));
    drop(desk);
    proxy.heal();
    let mut next = behind(&own, &proxy, true);
    next.wait_for(NOBODY_IS_KEPT);
}

#[test]
fn whoever_gives_up_going_on_can_still_go_on() {
    let own = Own::new();
    let proxy = Proxy::before(own.town.demonstration.address());
    kept(&own, &proxy);
    let (mut desk, gate) = held_up(&own, &proxy, true);
    gate.open();
    desk.press(GO_ON);
    desk.wait_for("Signed in: Sam Okafor, ");
    assert!(desk.look_up(AMELIA).starts_with("Alert"));
    assert_eq!(sessions(&own.town), ["goes on"]);
    // And so after the next start.
    desk.close();
    drop(desk);
    let mut desk = behind(&own, &proxy, true);
    desk.wait_for(GO_ON);
    desk.press(GO_ON);
    desk.wait_for("Signed in: Sam Okafor, ");
    assert_eq!(sessions(&own.town), ["goes on"]);
}

#[test]
fn a_renewal_that_is_under_way_when_the_viewer_is_closed_is_kept_before_it_ends() {
    let own = Own::new();
    let proxy = Proxy::before(own.town.demonstration.address());
    let mut desk = behind(&own, &proxy, true);
    desk.wait_for(NOBODY_IS_KEPT);
    desk.press("Sign in");
    desk.wait_for("Signed in: Sam Okafor, ");
    own.town.pass(EXPIRED);
    let tokens = || own.town.book().column("SELECT hex(current) || rotated_ms FROM session", []);
    let (before, put) = (tokens(), own.chain.0.put.load(Ordering::SeqCst));
    let gate = Gate::default();
    let (held, opens) = (gate.clone(), gate);
    proxy.on("/token", move |_| Act::HoldGranted(held.clone()));
    desk.ask(AMELIA);
    desk.until("the renewal", |_| (tokens() != before).then_some(()));
    let later = std::thread::Builder::new().name("later".to_owned()).spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        opens.open();
    });
    desk.close_and_hear();
    assert!(own.chain.0.put.load(Ordering::SeqCst) > put, "the next run would find the token before");
    later.unwrap().join().unwrap();
    drop(desk);
    proxy.heal();
    own.town.pass(61);
    let mut desk = behind(&own, &proxy, true);
    desk.wait_for(GO_ON);
    desk.press(GO_ON);
    desk.wait_for("Signed in: Sam Okafor, ");
    assert_eq!(sessions(&own.town), ["goes on"]);
}

#[test]
fn a_keychain_that_is_silent_is_no_end_of_the_session() {
    let own = Own::new();
    own.nurse().close();
    let own = own.impatient();
    let mut desk = own.desk();
    desk.wait_for(GO_ON);
    own.chain.0.holds.store(true, Ordering::SeqCst);
    desk.press(GO_ON);
    desk.wait_for("This computer's keychain does not answer: unlock it and press again");
    own.chain.0.holds.store(false, Ordering::SeqCst);
    desk.press(GO_ON);
    desk.wait_for("Signed in: Sam Okafor, ");
    assert_eq!(sessions(&own.town), ["goes on"]);
}

#[test]
fn whoever_says_that_they_are_somebody_else_is_told_where_the_hub_could_not_be() {
    let own = Own::new();
    let proxy = Proxy::before(own.town.demonstration.address());
    kept(&own, &proxy);
    let mut desk = behind(&own, &proxy, true);
    desk.wait_for(GO_ON);
    proxy.on("/revoke", |_| Act::CutRequest(0));
    desk.press("Sign in as somebody else");
    desk.wait_for("Signed in: Sam Okafor, ");
    desk.until("the word of it", |desk| {
        desk.text_with("could not be told that the session that was kept here is over")
    });
}

#[test]
fn a_computer_that_slept_is_a_computer_that_was_left() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    assert!(desk.look_up(AMELIA).starts_with("Alert"));
    desk.hear(Event::Slept);
    desk.wait_for("The computer was locked, asleep or with another user. You are signed out");
    desk.until("the hub", |_| (sessions(&town) == ["signed-out"]).then_some(()));
    let own = Own::new();
    let mut desk = own.nurse();
    desk.hear(Event::Slept);
    desk.wait_for("The computer was locked, asleep or with another user. You are signed out");
    desk.until("the hub", |_| (sessions(&own.town) == ["signed-out"]).then_some(()));
}

#[test]
fn a_lock_is_heard_however_much_else_waits() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    for _ in 0..200 {
        desk.hear(Event::HubIsHere(Duration::ZERO));
    }
    desk.hear(Event::ComputerLocked);
    desk.wait_for("The computer was locked, asleep or with another user. You are signed out");
}

#[test]
fn a_desk_that_is_shared_now_ends_what_was_kept_before() {
    let own = Own::new();
    own.nurse().close();
    let hub = own.town.demonstration.address();
    let browser = Scripted { is_there: true, does: as_it_is, seen: Seen::default() };
    let mut desk = own.town.shared_desk_with(Arc::new(browser), own.chain.at(hub, "this computer"));
    desk.wait_for(NOBODY_IS_KEPT);
    desk.until("the hub", |_| (sessions(&own.town) == ["signed-out"]).then_some(()));
    desk.until("an empty keychain", |_| own.chain.is_empty(hub).then_some(()));
    // And keeps nobody.
    desk.press("Sign in");
    desk.wait_for("Signed in: Sam Okafor, ");
    assert!(own.chain.is_empty(hub) && desk.text_with("This computer cannot keep you signed in").is_none());
}
