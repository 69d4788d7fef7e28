//! Hands that never leave the keyboard, and keys that are held, doubled or typed by a scanner.

use std::thread::sleep;
use std::time::{Duration, Instant};

use cpis::viewer::update::GUARD;
use eframe::egui::{Key, Modifiers};

use super::desk::{Desk, NOT_OPENED, OPEN};
use super::town::{AMELIA, Town, ZARA};

fn type_in(desk: &mut Desk) {
    desk.type_into("NHS number", AMELIA.0);
    desk.type_into("Date of birth", AMELIA.1);
}

#[test]
fn h24_enter_held_down_finds_and_never_opens() {
    let town = Town::new();
    let since = town.book().newest();
    let mut desk = town.desk().nurse();
    type_in(&mut desk);
    let started = Instant::now();
    while started.elapsed() < 3 * GUARD {
        desk.key_down(Key::Enter);
        sleep(Duration::from_millis(30));
    }
    assert_eq!(desk.headline().as_deref(), Some(NOT_OPENED));
    desk.key_up(Key::Enter);
    desk.stay(Duration::from_millis(100));
    assert_eq!(desk.headline().as_deref(), Some(NOT_OPENED));
    assert_eq!(town.book().views_after(since), []);
    // Let go and pressed again, it is meant.
    desk.key(Key::Enter);
    assert_eq!(desk.wait_for_answer(), "Alert: Child Protection Plan");
}

#[test]
fn h24_a_second_enter_within_the_guard_never_opens() {
    let town = Town::new();
    let since = town.book().newest();
    let mut desk = town.desk().nurse();
    type_in(&mut desk);
    desk.key(Key::Enter);
    desk.wait_for(NOT_OPENED);
    let arrived = Instant::now();
    while arrived.elapsed() < GUARD - Duration::from_millis(200) {
        desk.key(Key::Enter);
        desk.chord(Modifiers::COMMAND, Key::Enter);
        sleep(Duration::from_millis(40));
    }
    assert_eq!(desk.headline().as_deref(), Some(NOT_OPENED));
    assert_eq!(town.book().views_after(since), []);
    desk.moment();
    assert_eq!(desk.headline().as_deref(), Some(NOT_OPENED), "an Enter that came too early is not kept");
    desk.key(Key::Enter);
    assert_eq!(desk.wait_for_answer(), "Alert: Child Protection Plan");
    assert_eq!(town.book().views_after(since).len(), 1);
}

#[test]
fn h24_a_scanners_two_line_ends_search_once_and_never_open() {
    let town = Town::new();
    let (since, audited) = (town.book().newest(), town.book().newest_audit());
    let mut desk = town.desk().nurse();
    desk.type_into("Date of birth", AMELIA.1);
    desk.focus("NHS number");
    // All at once, as fast as a scanner types.
    desk.burst("9990000018", &[Key::Enter, Key::Enter, Key::Enter]);
    desk.wait_for(NOT_OPENED);
    desk.stay(Duration::from_millis(300));
    assert_eq!(desk.headline().as_deref(), Some(NOT_OPENED));
    assert_eq!(town.book().views_after(since), []);
    assert_eq!(town.book().audited_after(audited), ["retrieve returned"]);
}

#[test]
fn h24_a_list_is_not_picked_from_by_the_enter_that_searched() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    desk.type_into("Family name", "Fox");
    desk.type_into("Date of birth", "09-Apr-2020");
    let started = Instant::now();
    while started.elapsed() < 2 * GUARD {
        desk.key_down(Key::Enter);
        sleep(Duration::from_millis(30));
    }
    desk.key_up(Key::Enter);
    assert_eq!(desk.candidates().len(), 2, "{}", desk.tree());
}

#[test]
fn the_whole_of_it_by_keyboard_alone() {
    let town = Town::new();
    let mut desk = town.desk();
    // The first who can sign in has the keyboard.
    assert!(desk.focused().starts_with("Sign in as Sam Okafor"));
    desk.key(Key::Enter);
    desk.wait_for("Find patient");
    assert_eq!(desk.focused(), "NHS number");
    desk.burst("999 000 0034", &[Key::Tab]);
    assert_eq!(desk.focused(), "Date of birth");
    desk.burst("30 Sep 2019", &[Key::Enter]);
    desk.wait_for(NOT_OPENED);
    assert_eq!(desk.focused(), OPEN);
    desk.moment();
    desk.chord(Modifiers::COMMAND, Key::Enter);
    assert_eq!(desk.wait_for_answer(), "Alert: Child Protection Plan, and a Looked After Child");
    assert!(desk.focused().starts_with("Alert"));
    desk.key(Key::F5);
    desk.wait_for("Northmoor County Council was told of your earlier view");
    desk.key(Key::F8);
    desk.wait_for("Patient hidden");
    desk.key(Key::F8);
    assert!(desk.wait_for_answer().starts_with("Alert"));
    desk.key(Key::F1);
    desk.wait_for("Keys");
    // The first Esc closes the list, and the patient stays; the second leaves.
    desk.key(Key::Escape);
    assert_eq!(desk.text("Keys"), None);
    assert!(desk.headline().is_some());
    desk.key(Key::Escape);
    assert_eq!(desk.headline(), None);
    assert_eq!(desk.focused(), "NHS number");
    desk.chord(Modifiers::COMMAND | Modifiers::SHIFT, Key::Q);
    desk.wait_for("You are signed out");
    assert!(desk.focused().starts_with("Sign in as Sam Okafor"));
}

#[test]
fn arrows_move_in_the_list_and_enter_takes_the_one_with_the_keyboard() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    desk.ask_by_name("Fox", "09-Apr-2020");
    desk.wait_for("2 people found");
    let people = desk.candidates();
    assert_eq!(desk.focused(), people[0]);
    desk.key(Key::ArrowDown);
    assert_eq!(desk.focused(), people[1]);
    desk.moment();
    desk.key(Key::Enter);
    desk.wait_for(NOT_OPENED);
    let name = people[1].split(", born").next().unwrap();
    assert!(desk.text(name).is_some(), "{name}");
}

#[test]
fn keys_of_a_record_do_nothing_where_there_is_none() {
    let town = Town::new();
    let since = town.book().newest();
    let mut desk = town.desk().nurse();
    let before = desk.tree();
    for key in [Key::F5, Key::F6, Key::F8] {
        desk.key(key);
    }
    for key in [Key::C, Key::N, Key::E, Key::M] {
        desk.chord(Modifiers::COMMAND | Modifiers::SHIFT, key);
    }
    desk.chord(Modifiers::COMMAND, Key::Enter);
    assert_eq!(desk.tree(), before);
    desk.find_patient(ZARA);
    let before = desk.tree();
    desk.key(Key::F5);
    for key in [Key::C, Key::N, Key::E, Key::M] {
        desk.chord(Modifiers::COMMAND | Modifiers::SHIFT, key);
    }
    assert_eq!(desk.tree(), before);
    assert_eq!(desk.clipboard.text(), None);
    assert_eq!(town.book().views_after(since), []);
}

#[test]
fn h24_a_viewer_started_for_a_patient_neither_searches_nor_opens_by_itself_and_forgets_with_the_session() {
    let town = Town::new();
    let (since, audited) = (town.book().newest(), town.book().newest_audit());
    let mut desk = town.desk_for(ZARA);
    // Nobody is signed in: nobody sees for whom it was started.
    assert_eq!(desk.text_with(ZARA.0), None);
    desk.sign_in("Sam Okafor");
    assert_eq!((desk.field("NHS number").as_str(), desk.field("Date of birth").as_str()), ZARA);
    desk.stay(GUARD + Duration::from_millis(300));
    assert_eq!(desk.headline(), None);
    assert_eq!((town.book().views_after(since), town.book().audited_after(audited)), (vec![], vec![]));
    desk.key(Key::Enter);
    desk.wait_for(NOT_OPENED);
    desk.stay(GUARD + Duration::from_millis(300));
    assert_eq!(desk.headline().as_deref(), Some(NOT_OPENED));
    assert_eq!(town.book().views_after(since), []);
    desk.press("Sign out");
    desk.sign_in("Dr Priya Nair");
    assert_eq!((desk.field("NHS number").as_str(), desk.field("Date of birth").as_str()), ("", ""));
}
