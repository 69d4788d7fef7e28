//! Answers that come too late, or stay too long: an answer belongs to the patient and to the question it was
//! asked for, and to nothing else.

use std::time::Duration;

use cpis::client::Limits;
use eframe::egui::Key;

use super::desk::{Desk, NOT_OPENED, OPEN};
use super::proxy::{Act, Gate, Proxy, answer};
use super::town::{ISLA, Town, ZARA};

fn hold(proxy: &Proxy, part: &'static str) -> Gate {
    let gate = Gate::default();
    let held = gate.clone();
    // The first is held up; what comes after it is not.
    proxy.on(part, move |before| if before == 0 { Act::Hold(held.clone()) } else { Act::Pass });
    gate
}

#[track_caller]
fn check_is_isla(desk: &Desk) {
    for word in ["AHMED", "Zara", "999 000 0034", "Child Protection Plan", "Northmoor", "Alert"] {
        assert_eq!(desk.text_with(word), None, "{word}");
    }
    assert!(desk.text("THOMPSON, Isla").is_some());
}

#[test]
fn h7_a_late_answer_for_the_last_patient_never_reaches_the_next() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    let since = town.book().newest();
    // Before the next patient is opened.
    let gate = hold(&proxy, "/CareTeam");
    desk.find_patient(ZARA);
    desk.press(OPEN);
    desk.wait_for("Asking CP-IS");
    desk.new_search();
    desk.find_patient(ISLA);
    gate.open();
    desk.stay(Duration::from_millis(300));
    assert_eq!(desk.headline().as_deref(), Some(NOT_OPENED));
    check_is_isla(&desk);
    desk.new_search();
    // While the next patient is being asked for, and after.
    let gate = hold(&proxy, "/CareTeam");
    desk.find_patient(ZARA);
    desk.press(OPEN);
    desk.wait_for("Asking CP-IS");
    desk.new_search();
    desk.find_patient(ISLA);
    assert!(desk.open().starts_with("Nothing held"));
    gate.open();
    desk.stay(Duration::from_millis(300));
    check_is_isla(&desk);
    // Both views of Zara's plans were made, and stay written down.
    assert_eq!(town.book().views_after(since).iter().filter(|view| view.histories == 1).count(), 2);
}

#[test]
fn h1_a_late_search_never_replaces_what_was_typed_after_it() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    for by_name in [false, true] {
        let gate = hold(&proxy, "/Patient");
        if by_name {
            desk.ask_by_name("Ahmed", ZARA.1)
        } else {
            desk.ask(ZARA)
        }
        desk.wait_for("Searching");
        desk.new_search();
        desk.type_into("NHS number", ISLA.0);
        gate.open();
        desk.stay(Duration::from_millis(300));
        assert_eq!((desk.field("NHS number"), desk.headline()), (ISLA.0.to_owned(), None));
        assert_eq!(desk.candidates(), Vec::<String>::new());
        desk.find_patient(ISLA);
        check_is_isla(&desk);
        desk.new_search();
    }
}

#[test]
fn h7_while_it_is_asked_again_and_after_that_failed_no_old_answer_stands_beside() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    assert!(desk.look_up(ZARA).starts_with("Alert"));
    desk.wait_for("Opened by");
    let gate = hold(&proxy, "/CareTeam");
    desk.key(Key::F5);
    desk.wait_for("Asking CP-IS");
    let check_no_old_answer = |desk: &Desk| {
        for word in
            ["Child Protection Plan", "Looked After Child", "Northmoor", "Checked ", "Recorded ", "Alert"]
        {
            assert_eq!(desk.text_with(word), None, "{word}");
        }
    };
    check_no_old_answer(&desk);
    gate.open();
    assert!(desk.wait_for_answer().starts_with("Alert"));
    proxy.on("/CareTeam", |_| Act::Say(answer(500, "text/plain", "")));
    assert!(desk.check_again().starts_with("Could not check"));
    check_no_old_answer(&desk);
}

#[test]
fn h7_every_answer_says_when_it_was_had() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    desk.look_up(ISLA);
    desk.wait_for("Checked 12:00");
    // Not the present time of day, but that of the answer.
    town.pass(600);
    desk.stay(Duration::from_millis(100));
    assert!(desk.text("Checked 12:00").is_some());
    desk.check_again();
    desk.wait_for("Checked 12:10");
}

/// Where copies are reported before they are made.
const REPORTS: &str = "POST /cpis/FHIR/R4/AuditEvent";

#[test]
fn h1_a_late_copy_of_the_last_patient_is_not_on_the_clipboard_of_the_next() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    desk.look_up(ZARA);
    let gate = hold(&proxy, REPORTS);
    desk.press("Copy summary");
    desk.new_search();
    desk.look_up(ISLA);
    gate.open();
    desk.stay(Duration::from_millis(400));
    assert_eq!(desk.text("Copied"), None);
    assert_eq!(desk.clipboard.text(), None);
}

#[test]
fn h29_a_copy_that_is_made_while_the_patient_is_hidden_is_taken_back() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    desk.look_up(ZARA);
    for leave in [Key::F8, Key::Escape] {
        let gate = hold(&proxy, REPORTS);
        desk.press("Copy summary");
        desk.key(leave);
        gate.open();
        desk.stay(Duration::from_millis(400));
        assert_eq!(desk.clipboard.text(), None, "{leave:?}");
        if leave == Key::F8 {
            desk.key(Key::F8);
        }
    }
}

#[test]
fn h20_a_late_switch_of_the_last_session_does_not_reach_the_next() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default());
    desk.sign_in("Hannah Lloyd");
    let gate = hold(&proxy, "/session/care-setting");
    desk.press("Switch care setting");
    desk.press("Sign out");
    desk.sign_in("Hannah Lloyd");
    gate.open();
    desk.stay(Duration::from_millis(400));
    assert!(desk.text("Unscheduled care: social care is told").is_some(), "{}", desk.tree());
}
