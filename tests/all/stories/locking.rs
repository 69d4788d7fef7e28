//! A shared desk: whoever leaves it leaves nothing, and whoever comes next shows who they are.

use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use cpis::viewer::event::Event;
use eframe::egui::{Key, Modifiers};
use serde_json::json;

use super::desk::Desk;
use super::proxy::{Act, Gate, Proxy, answer};
use super::signing_in::{Scripted, as_it_is, sessions};
use super::town::{AMELIA, Town};

const TRACES: [&str; 6] =
    ["HART", "Amelia", "999 000 0018", "14-Jul-2019", "Child Protection Plan", "Signed in: Sam Okafor"];

/// How somebody leaves.
type Leaves = fn(&mut Desk);

#[track_caller]
fn leaves_nothing(desk: &Desk) {
    let (tree, painted) = (desk.tree(), desk.painted());
    for trace in TRACES {
        assert!(!tree.contains(trace) && !painted.contains(trace), "{trace}:\n{tree}");
    }
    assert_eq!(desk.clipboard.text(), None);
}

#[test]
fn whoever_leaves_a_shared_desk_leaves_nothing_and_the_hub_hears_of_it() {
    let ways: [(&str, Leaves, &str); 2] = [
        ("the key", |desk| desk.chord(Modifiers::COMMAND, Key::L), "Locked. You are signed out, and nothing"),
        ("the computer", |desk| desk.hear(Event::ComputerLocked), "The computer was locked, asleep or with"),
    ];
    for (how, leaves, words) in ways {
        let town = Town::new();
        let mut desk = town.desk().nurse();
        assert!(desk.look_up(AMELIA).starts_with("Alert"));
        desk.press("Copy summary");
        desk.until("the copy", |desk| desk.clipboard.text());
        leaves(&mut desk);
        desk.wait_for(words);
        leaves_nothing(&desk);
        desk.until(how, |_| (sessions(&town) == ["signed-out"]).then_some(()));
        desk.sign_in("Dr Priya Nair");
        assert_eq!(desk.field("NHS number"), "", "{how}");
        desk.chord(Modifiers::COMMAND, Key::Z);
        assert_eq!(desk.field("NHS number"), "", "{how}");
        leaves_nothing(&desk);
    }
}

#[test]
fn the_hub_hears_that_a_desk_was_left_before_the_window_has_its_next_turn() {
    for left in [Event::ComputerLocked, Event::Slept] {
        let town = Town::new();
        let mut desk = town.desk().nurse();
        assert!(desk.look_up(AMELIA).starts_with("Alert"));
        desk.hear(left);
        // Nothing is drawn meanwhile.
        let started = Instant::now();
        while sessions(&town) != ["signed-out"] {
            assert!(started.elapsed() < Duration::from_secs(30), "the hub has not heard of it");
            sleep(Duration::from_millis(10));
        }
        desk.wait_for("The computer was locked, asleep or with another user. You are signed out");
        leaves_nothing(&desk);
    }
}

#[test]
fn a_late_hub_signs_nobody_out_at_the_provider_who_has_signed_in_there_meanwhile() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let seen = Arc::new(Mutex::new((String::new(), Vec::new())));
    let browser = Scripted { is_there: true, does: as_it_is, seen: Arc::clone(&seen) };
    let mut desk = town.desk_browsing(&proxy.address(), Arc::new(browser)).nurse();
    let gate = Gate::default();
    let held = gate.clone();
    proxy.on("/revoke", move |_| Act::Hold(held.clone()));
    desk.press("Sign out");
    desk.until("the hub to be asked", |_| (proxy.asked() > 0).then_some(()));
    desk.sign_in("Dr Priya Nair");
    gate.open();
    desk.close_and_hear();
    let opened = seen.lock().unwrap().0.clone();
    assert!(opened.contains("/authorize?"), "{opened}");
}

#[test]
fn what_was_typed_is_kept_for_nobody_who_locked() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    desk.type_into("NHS number", AMELIA.0);
    desk.hear(Event::ComputerLocked);
    desk.wait_for("The computer was locked");
    desk.sign_in("Sam Okafor");
    assert_eq!(desk.field("NHS number"), "", "on a shared desk nobody knows that it is the same nurse");
}

#[test]
fn a_hub_that_cannot_be_told_is_said_and_the_desk_is_clear_all_the_same() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), cpis::client::Limits::default()).nurse();
    assert!(desk.look_up(AMELIA).starts_with("Alert"));
    proxy.on("/revoke", |_| Act::CutRequest(0));
    desk.chord(Modifiers::COMMAND, Key::L);
    desk.wait_for(
        "You are signed out here. The CP-IS service could not be told, and ends your session by itself",
    );
    leaves_nothing(&desk);
}

#[test]
fn a_sign_in_on_a_shared_desk_is_always_a_fresh_one_at_the_provider() {
    let town = Town::at(super::town::now());
    let seen = Arc::new(Mutex::new((String::new(), Vec::new())));
    let browser = Scripted { is_there: true, does: as_it_is, seen: Arc::clone(&seen) };
    let mut desk = town.desk_signing_in(Arc::new(browser));
    desk.press("Sign in");
    desk.wait_for("Signed in: Sam Okafor, ");
    assert!(seen.lock().unwrap().0.contains("&prompt=login"), "whoever was here before may be known there");
}

#[test]
fn a_computer_that_is_locked_gives_up_a_sign_in_that_another_could_finish() {
    let town = Town::at(super::town::now());
    let seen = Arc::new(Mutex::new((String::new(), Vec::new())));
    let browser = Scripted { is_there: false, does: as_it_is, seen };
    let mut desk = town.desk_signing_in(Arc::new(browser));
    desk.press("Sign in");
    desk.wait_for("No web browser could be opened");
    desk.hear(Event::ComputerLocked);
    desk.wait_for("The computer was locked, asleep or with another user");
    assert!(desk.has_button("Sign in") && !desk.has_button("Cancel"), "{}", desk.tree());
}

#[test]
fn a_persona_who_signs_in_while_the_computer_is_locked_can_sign_in_again() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), cpis::client::Limits::default());
    let gate = Gate::default();
    let held = gate.clone();
    proxy.on("/token", move |_| Act::Hold(held.clone()));
    desk.press("Sign in as Sam Okafor,");
    desk.until("the sign-in", |_| (proxy.asked() > 0).then_some(()));
    desk.hear(Event::Slept);
    desk.wait_for("The computer was locked, asleep or with another user");
    gate.open();
    proxy.heal();
    desk.sign_in("Sam Okafor");
}

#[test]
fn signing_out_ends_the_session_at_the_provider_too_and_locking_does_not() {
    let hub = "the hub's own";
    for (page, leaves, opens) in [
        (hub, "Sign out", true),
        (hub, "Lock", false),
        (hub, "closing", false),
        ("https://elsewhere.example.org/sign-out?ticket=x", "Sign out", false),
        ("file:///etc/passwd", "Sign out", false),
    ] {
        let town = Town::new();
        let proxy = Proxy::before(town.demonstration.address());
        let seen = Arc::new(Mutex::new((String::new(), Vec::new())));
        let browser = Scripted { is_there: true, does: as_it_is, seen: Arc::clone(&seen) };
        let mut desk = town.desk_browsing(&proxy.address(), Arc::new(browser)).nurse();
        let own = format!("{}/sign-out?ticket=x", town.demonstration.address());
        let page = if page == hub { own.clone() } else { page.to_owned() };
        let said = json!({ "end_session": page }).to_string();
        proxy.on("/revoke", move |_| Act::Say(answer(200, "application/json", &said)));
        match leaves {
            "closing" => {
                desk.close();
            }
            button => desk.press(button),
        }
        desk.until("the hub to be asked", |_| (proxy.asked() > 0).then_some(()));
        let opened = || seen.lock().unwrap().0.clone();
        if opens {
            desk.until("the page", |_| (opened() == own).then_some(()));
        } else {
            // Whatever it opens is open by then.
            desk.close_and_hear();
            assert!(opened().contains("/authorize?"), "{leaves}: {}", opened());
        }
    }
}
