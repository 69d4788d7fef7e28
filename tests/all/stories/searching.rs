//! Finding the right person, and only that one.

use eframe::egui::Key;
use eframe::egui::accesskit::Role;
use jiff::ToSpan;

use cpis::domain::dates;

use super::desk::{Desk, NOT_OPENED, OPEN};
use super::town::{AMELIA, Town, now};

const NOBODY: &str = "Not checked: no matching person found";

#[test]
fn h6_after_an_exact_miss_a_similar_search_is_offered_and_says_that_it_is_one() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    // Before the miss the key does nothing.
    desk.type_into("Family name", "Thomson");
    desk.type_into("Date of birth", "05-Mar-2021");
    desk.key(Key::F6);
    assert_eq!(desk.text("1 person with similar"), None);
    desk.focus("Family name");
    desk.key(Key::Enter);
    assert_eq!(desk.wait_for_answer(), NOBODY);
    desk.wait_for("This says nothing about the child: you do not have an answer yet");
    desk.wait_for("The demonstration knows only the people in its list");
    desk.key(Key::F6);
    desk.wait_for("1 person with similar details. Choose only if every detail fits the patient");
    assert_eq!(desk.candidates(), ["THOMPSON, Isla, born 5 March 2021, Female, NHS number 999 000 0050"]);
    desk.moment();
    desk.key(Key::Enter);
    desk.wait_for(NOT_OPENED);
    desk.new_search();
    // A similar search that misses is not offered once more.
    desk.ask_by_name("Quartermaine", "05-Mar-2021");
    assert_eq!(desk.wait_for_answer(), NOBODY);
    desk.press("Search for similar names");
    desk.wait_for("Similar names were searched too");
    assert!(!desk.has_button("Search for similar names"));
}

#[test]
fn h1_people_of_the_same_name_are_marked_and_told_apart_by_date_and_number() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    desk.type_into("Family name", "Brown");
    desk.type_into("Date of birth", "May 2020");
    desk.key(Key::Enter);
    desk.wait_for("With a date of birth that is not exact, choose the gender too");
    desk.press_role(Role::RadioButton, "Female");
    desk.press("Find patient");
    desk.wait_for("2 people found. Choose by name, date of birth and NHS number");
    let mut candidates = desk.candidates();
    candidates.sort();
    let mark = "Same name as another in this list: check date of birth and number";
    assert_eq!(
        candidates,
        [
            format!("BROWN, Olivia, born 21 May 2020, Female, NHS number 999 000 1405. {mark}"),
            format!("BROWN, Olivia, born 3 May 2020, Female, NHS number 999 000 0131. {mark}"),
        ]
    );
    desk.moment();
    desk.press("BROWN, Olivia, born 3 May 2020");
    desk.wait_for("NHS number 999 000 0131");
    assert!(desk.open().starts_with("Nothing held"));
}

#[test]
fn h4_twins_are_marked_and_one_is_picked_even_from_a_list_of_one() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    let twin = "Twin or one of several: check the given name";
    desk.ask_by_name("Fox", "09-Apr-2020");
    desk.wait_for("2 people found");
    assert!(desk.candidates().iter().all(|person| person.contains(twin)), "{:?}", desk.candidates());
    desk.new_search();
    desk.ask(("999 000 0115", "09-Apr-2020"));
    desk.wait_for("Twin or one of several: is this the right given name?");
    assert_eq!(desk.candidates().len(), 1);
    assert!(!desk.has_button(OPEN));
    // Not even by Enter at once, or by the key that opens.
    desk.key(Key::Enter);
    assert!(!desk.has_button(OPEN));
    desk.moment();
    desk.key(Key::Enter);
    desk.wait_for("FOX, Ella");
    desk.wait_for(twin);
    assert!(desk.has_button(OPEN));
}

#[test]
fn h5_a_number_with_another_date_of_birth_shows_nothing_of_the_person() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    desk.ask((AMELIA.0, "14-Jul-2018"));
    assert_eq!(desk.wait_for_answer(), "Not checked: the number and date of birth do not belong together");
    for trace in ["Hart", "HART", "Amelia", "2019", "Female, "] {
        assert_eq!(desk.text_with(trace), None, "{trace}");
    }
    assert!(!desk.has_button(OPEN));
}

#[test]
fn h2_h3_a_replaced_number_leads_on_and_an_ended_identity_leads_nowhere() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    desk.find_patient(("999 000 0166", "27-Oct-2019"));
    desk.wait_for("The number that was typed has been replaced by this one");
    assert_eq!(desk.text_with("999 000 0166"), None);
    assert_eq!(desk.open(), "Alert: Child Protection Plan");
    desk.new_search();
    desk.ask(("999 000 0174", "19-Jun-2020"));
    assert_eq!(desk.wait_for_answer(), "Not checked: this NHS number is no longer in use");
    desk.new_search();
    for name in ["Kaminski", "Kaminsky"] {
        desk.ask_by_name(name, "19-Jun-2020");
        assert_eq!(desk.wait_for_answer(), NOBODY);
        desk.key(Key::F6);
        desk.wait_for("Similar names were searched too");
        desk.new_search();
    }
    desk.ask_by_name("Shaw", "19-Jun-2020");
    desk.wait_for("1 person found");
    assert_eq!(desk.candidates(), ["SHAW, Lily, born 19 June 2020, Female, NHS number 999 000 0182"]);
    desk.moment();
    desk.key(Key::Enter);
    desk.wait_for(NOT_OPENED);
    assert!(desk.open().starts_with("Nothing held"));
    assert!(!desk.tree().to_lowercase().contains("kaminski"));
}

#[test]
fn a_number_that_is_not_known_is_not_checked() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    desk.ask(("943 476 5919", "14-Jul-2019"));
    assert_eq!(desk.wait_for_answer(), NOBODY);
    desk.wait_for("The demonstration knows only the people in its list");
}

#[test]
fn bad_input_is_told_at_the_field_as_it_is_left() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    let check = |desk: &mut Desk, field: &str, text: &str, words: &str| {
        desk.type_into(field, text);
        desk.key(Key::Tab);
        assert!(desk.text(words).is_some(), "{text}:\n{}", desk.tree());
        desk.new_search();
    };
    check(&mut desk, "NHS number", "999 000 001", "An NHS number has 10 digits; this has 9");
    check(&mut desk, "NHS number", "999 000 0019", "These digits do not form a valid NHS number");
    check(&mut desk, "NHS number", "999 000 001O", "An NHS number has only digits");
    check(&mut desk, "Date of birth", "30/02/2019", "There is no such day");
    check(&mut desk, "Date of birth", "soon", "This is not a date");
    check(&mut desk, "Date of birth", "01/01/2060", "This date is in the future");
    // As pasted or typed in haste.
    for (number, born) in
        [("999-000-0018", "140719"), ("9990000018", "14/07/2019"), (" 999 000 0018 ", "2019-07-14")]
    {
        desk.ask((number, born));
        desk.wait_for(NOT_OPENED);
        desk.new_search();
    }
}

#[test]
fn h14_a_desktop_whose_clock_is_behind_finds_the_newborn_all_the_same() {
    // The hub is a month ahead of this computer: the boy was born in this computer's future.
    let town = Town::at(now() + 30 * jiff::SignedDuration::from_hours(24));
    let born = dates::day(town.day().checked_sub(6.days()).unwrap());
    let mut desk = town.desk().nurse();
    desk.ask(("999 000 0085", &born));
    desk.wait_for(NOT_OPENED);
    desk.wait_for("DOYLE, no given name held");
    assert!(desk.text_with("age 6 days").is_some());
    assert!(desk.open().starts_with("Nothing held"));
    desk.wait_for(
        "A plan made before birth may still be held under the mother's NHS number. Find the mother too",
    );
}
