//! After Sign out, New search and Hide patient nothing of the patient is left: not in the accessibility tree,
//! not painted, not in a field's undo history, not in the window's title, not on the clipboard.

use std::time::Duration;

use cpis::client::Limits;
use cpis::viewer::command::Field;
use eframe::egui::{Key, Modifiers};

use super::desk::{Desk, OPEN};
use super::proxy::{Act, Gate, Proxy, answer};
use super::town::{Town, ZARA};

/// Everything by which the patient, or the answer, could be known; in small letters. The number is looked for
/// in any grouping.
const TRACES: [&str; 13] = [
    "ahmed",
    "zara",
    "30-sep-2019",
    "30 september 2019",
    "30/09/2019",
    "child protection plan",
    "looked after child",
    "northmoor",
    "wexcombe borough",
    "two local authorities",
    "7y 5m",
    "could not check",
    "ring now",
];

#[track_caller]
fn check_no_trace(place: &str, words: &str) {
    for line in words.lines() {
        assert!(!has_trace(line), "{place}: {line}");
    }
}

fn has_trace(line: &str) -> bool {
    let small = line.to_lowercase();
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    // Ten digits, or the nine of them that were mistyped.
    TRACES.iter().any(|trace| small.contains(trace)) || digits.contains("999000003")
}

/// Nothing is there, and nothing comes back.
#[track_caller]
fn check_gone(place: &str, desk: &mut Desk) {
    let check_screen = |desk: &Desk| {
        check_no_trace(place, &desk.tree());
        check_no_trace(place, &desk.painted());
        check_no_trace(place, desk.title());
    };
    check_screen(desk);
    assert_eq!(desk.clipboard.text(), None, "{place}");
    if desk.text("Find the patient").is_none() {
        return;
    }
    for field in Field::ALL {
        desk.focus(field.label());
        for key in [Key::Z, Key::Z, Key::Y, Key::Z] {
            desk.chord(Modifiers::COMMAND, key);
            assert_eq!(desk.field(field.label()), "", "{place}: {}", field.label());
        }
        desk.chord(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
        assert_eq!(desk.field(field.label()), "", "{place}: {}", field.label());
    }
    check_screen(desk);
}

/// How a patient comes to be on the desk.
type Begin = (&'static str, fn(&mut Desk, &Proxy, &Gate));

const STATES: &[Begin] = &[
    ("typing", |desk, _, _| {
        desk.type_into("Family name", "Ahmed");
        desk.type_into("Given name", "Zara");
        desk.type_into("NHS number", "999-000-0034");
        desk.type_into("Date of birth", "30/09/2019");
    }),
    ("typed wrongly", |desk, _, _| {
        desk.ask(("999 000 003", "30 September 2019"));
        desk.wait_for("An NHS number has 10 digits");
    }),
    ("searching", |desk, proxy, gate| {
        hold(proxy, "/Patient", gate);
        desk.ask(ZARA);
        desk.wait_for("Searching");
    }),
    ("not found", |desk, _, _| {
        desk.ask((ZARA.0, "29-Sep-2019"));
        desk.wait_for("Not checked: the number and date of birth do not belong together");
    }),
    ("candidates", |desk, _, _| {
        desk.ask_by_name("Ahmed", ZARA.1);
        desk.wait_for("AHMED, Zara, born 30 September 2019");
    }),
    ("found", |desk, _, _| desk.find_patient(ZARA)),
    ("opening", |desk, proxy, gate| {
        hold(proxy, "/CareTeam", gate);
        desk.find_patient(ZARA);
        desk.press(OPEN);
        desk.wait_for("Asking CP-IS");
    }),
    ("opened", |desk, _, _| {
        desk.look_up(ZARA);
        desk.wait_for("Northmoor County Council");
        desk.wait_for("Opened by");
    }),
    ("opened and copied", |desk, _, _| {
        desk.look_up(ZARA);
        desk.press("Copy summary");
        desk.wait_for("Copied");
        assert!(desk.clipboard.text().is_some_and(|text| text.contains("AHMED, Zara")));
    }),
    ("failed", |desk, proxy, _| {
        proxy.on("/CareTeam", |_| Act::Say(answer(500, "text/plain", "")));
        assert!(desk.look_up(ZARA).starts_with("Could not check"));
    }),
];

fn hold(proxy: &Proxy, part: &'static str, gate: &Gate) {
    let gate = gate.clone();
    proxy.on(part, move |_| Act::Hold(gate.clone()));
}

/// Through each state, out by `leave`, and what is held of an answer comes too late.
fn leave_by(way: &str, leave: fn(&mut Desk)) {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default());
    for (state, begin) in STATES {
        let place = format!("{way} from {state}");
        desk.sign_in("Sam Okafor");
        let gate = Gate::default();
        begin(&mut desk, &proxy, &gate);
        assert!(desk.texts().iter().any(|line| has_trace(line)), "{place}: nothing to be left behind");
        leave(&mut desk);
        check_gone(&place, &mut desk);
        gate.open();
        desk.stay(Duration::from_millis(250));
        check_gone(&format!("{place}, late"), &mut desk);
        proxy.heal();
        // The next person at the same desk.
        if desk.has_button("Sign out") {
            desk.press("Sign out");
        }
        desk.sign_in("Ruth Evans");
        assert_eq!(desk.text("1 found, not opened"), None, "{place}");
        check_gone(&format!("{place}, the next person"), &mut desk);
        desk.press("Sign out");
    }
}

#[test]
fn h32_after_sign_out_nothing_of_the_patient_is_left() {
    leave_by("Sign out", |desk| {
        desk.press("Sign out");
        assert!(desk.text("You are signed out. Nothing of the last session is left").is_some());
    });
}

#[test]
fn h32_after_sign_out_by_key_nothing_of_the_patient_is_left() {
    leave_by("Ctrl+Shift+Q", |desk| {
        desk.chord(Modifiers::COMMAND | Modifiers::SHIFT, Key::Q);
        assert!(desk.text("You are signed out. Nothing of the last session is left").is_some());
    });
}

#[test]
fn h1_after_new_search_nothing_of_the_last_patient_is_left() {
    leave_by("New search", |desk| {
        desk.key(Key::Escape);
        assert_eq!(desk.focused(), "NHS number");
    });
}

#[test]
fn h29_while_the_patient_is_hidden_nothing_of_them_is_to_be_seen_or_heard() {
    leave_by("Hide patient", |desk| {
        desk.key(Key::F8);
        assert!(desk.text("Patient hidden").is_some());
    });
}

#[test]
fn h29_what_was_hidden_is_shown_again_by_the_same_key_and_gone_after_a_new_search() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    desk.look_up(ZARA);
    desk.press("Hide patient");
    check_gone("hidden", &mut desk);
    // Neither Enter in the air nor the keys of the record do anything to it.
    for key in [Key::F5, Key::F6] {
        desk.key(key);
        check_gone("hidden, keys", &mut desk);
    }
    desk.key(Key::F8);
    assert_eq!(desk.headline().as_deref(), Some("Alert: Child Protection Plan, and a Looked After Child"));
    desk.key(Key::F8);
    desk.press("New search");
    check_gone("hidden, then a new search", &mut desk);
    desk.key(Key::F8);
    check_gone("nothing to show again", &mut desk);
    assert_eq!(town.book().views_after(0).iter().filter(|view| view.told.len() == 2).count(), 1);
}

#[test]
fn h29_what_is_announced_by_itself_is_the_answers_kind_and_never_a_name_or_a_plan() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    // The live region is the first thing in the tree.
    let announced = |desk: &Desk| desk.texts().into_iter().next().unwrap_or_default();
    desk.ask_by_name("Ahmed", ZARA.1);
    desk.wait_for("AHMED, Zara, born 30 September 2019");
    check_no_trace("candidates", &announced(&desk));
    desk.new_search();
    desk.find_patient(ZARA);
    assert_eq!(announced(&desk), "Not checked. You do not have an answer yet");
    desk.open();
    assert_eq!(announced(&desk), "Alert. Read the child protection information");
}
