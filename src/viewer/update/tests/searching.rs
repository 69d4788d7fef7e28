//! Typing, searching, choosing.

use super::*;

#[test]
fn h24_no_key_picks_anybody_within_700_ms_of_the_searchs_answer() {
    let mut state = signed_in(nurse());
    let ask = by_name(&mut state, None);
    let candidate = candidate(amelia());
    let found = SearchReading::Found { candidates: vec![candidate], unreadable: 0 };
    update(&mut state, Event::Searched(ask, Ok(Dated { value: found, at: hub_time() })), now(1000));
    key(&mut state, Command::Pick(0), 1699);
    assert!(matches!(search(&state), SearchStage::Choose { .. }));
    key(&mut state, Command::Pick(0), 1700);
    assert!(matches!(record(&state), Record::NotOpened));
    // And the guard begins anew for opening.
    assert_eq!(opened_view(&key(&mut state, Command::Open, 1800)), None);
}

#[test]
fn a_number_search_confirms_only_if_number_and_full_date_of_birth_agree_and_nobody_was_born_with_them() {
    let check = |person: Person, expected: &str| {
        let state = found(nurse(), person);
        let got = match &state.desk().unwrap().stage {
            Stage::Patient(patient) if patient.number_was_replaced => "patient, number replaced",
            Stage::Patient(_) => "patient",
            Stage::Search(SearchStage::Choose { why: WhyChoose::MultipleBirth, .. }) => "choose: twins",
            Stage::Search(SearchStage::Choose { why: WhyChoose::EstimatedDate, .. }) => "choose: estimated",
            Stage::Search(SearchStage::NotFound { why: NotFound::DoNotBelongTogether, .. }) => "mismatch",
            Stage::Search(_) | Stage::Hidden { .. } => panic!("neither a patient nor a choice"),
        };
        assert_eq!(got, expected);
    };
    use crate::domain::BirthDate;
    check(amelia(), "patient");
    check(Person { number: NhsNumber::synthetic(2), ..amelia() }, "patient, number replaced");
    check(Person { multiple_birth: Some(2), ..amelia() }, "choose: twins");
    check(Person { born: Some(BirthDate::Year(2019)), ..amelia() }, "choose: estimated");
    check(Person { born: None, ..amelia() }, "choose: estimated");
    check(Person { born: Some(BirthDate::Day(jiff::civil::date(2019, 7, 15))), ..amelia() }, "mismatch");
    check(Person { born: Some(BirthDate::Year(2018)), ..amelia() }, "mismatch");
}

#[test]
fn h7_a_late_answer_for_another_patient_is_thrown_away() {
    // Given a search that was left for another one.
    let mut state = signed_in(nurse());
    let first = search_by_number(&mut state, 100);
    give(&mut state, Command::NewSearch, 200);
    let second = search_by_number(&mut state, 300);
    // When the first is answered, nothing happens; when the second is, the patient is there.
    let dated = |person| Ok(Dated { value: candidate(person), at: hub_time() });
    update(&mut state, Event::Retrieved(first, dated(amelia())), now(400));
    assert!(matches!(search(&state), SearchStage::UnderWay { .. }));
    update(&mut state, Event::Retrieved(second, dated(amelia())), now(500));
    let view = open(&mut state);
    // And an answer about plans that comes after the patient was left changes nothing.
    give(&mut state, Command::NewSearch, 2500);
    update(&mut state, Event::Plans(view, Ok(plans_answer(vec![plan(None, None)]))), now(2600));
    assert!(matches!(search(&state), SearchStage::Idle));
}

#[test]
fn a_field_is_judged_when_it_is_left_and_not_while_it_is_typed() {
    let mut state = signed_in(nurse());
    let shown = |state: &State| state.desk().unwrap().form.problem(Field::NhsNumber);
    type_into(&mut state, Field::NhsNumber, "999", 100);
    assert_eq!(shown(&state), None);
    give(&mut state, Command::LeftField(Field::NhsNumber), 200);
    assert!(shown(&state).is_some());
    type_into(&mut state, Field::NhsNumber, "999 000 0018", 300);
    assert_eq!(shown(&state), None);
    type_into(&mut state, Field::NhsNumber, "", 300);
    give(&mut state, Command::LeftField(Field::NhsNumber), 400);
    assert_eq!(shown(&state), None, "an empty field is not wrong yet");
}

#[test]
fn nothing_is_asked_with_a_field_that_is_wrong() {
    let check = |number: &str, born: &str, family: &str, at: Field| {
        let mut state = signed_in(nurse());
        type_into(&mut state, Field::NhsNumber, number, 100);
        type_into(&mut state, Field::DateOfBirth, born, 100);
        type_into(&mut state, Field::FamilyName, family, 100);
        assert_eq!(give(&mut state, Command::Find, 200), []);
        assert_eq!(state.focus.target, FocusTarget::Field(at), "{number} {born} {family}");
    };
    check("", "", "", Field::NhsNumber);
    check("999", "14-Jul-2019", "", Field::NhsNumber);
    check("999 000 0018", "", "", Field::DateOfBirth);
    check("999 000 0018", "31-Feb-2019", "", Field::DateOfBirth);
    check("", "14-Jul-2030", "Hart", Field::DateOfBirth);
}

#[test]
fn h5_an_estimated_date_needs_the_gender() {
    let mut state = signed_in(nurse());
    type_into(&mut state, Field::FamilyName, "Osman", 100);
    type_into(&mut state, Field::DateOfBirth, "2019", 100);
    assert_eq!(give(&mut state, Command::Find, 200), []);
    assert!(state.desk().unwrap().form.gender_needed);
    give(&mut state, Command::ChooseGender(Some(Gender::Male)), 300);
    assert!(matches!(give(&mut state, Command::Find, 400).as_slice(), [Effect::Search(..)]));
}

#[test]
fn a_search_for_similar_names_is_offered_only_after_an_exact_one_found_nobody() {
    let mut state = signed_in(nurse());
    assert_eq!(give(&mut state, Command::FindSimilar, 100), []);
    let ask = by_name(&mut state, None);
    assert_eq!(give(&mut state, Command::FindSimilar, 600), []);
    let none = SearchReading::Found { candidates: vec![], unreadable: 0 };
    update(&mut state, Event::Searched(ask, Ok(Dated { value: none, at: hub_time() })), now(700));
    let effects = give(&mut state, Command::FindSimilar, 800);
    assert!(matches!(effects.as_slice(), [Effect::Search(_, query)] if query.similar));
}

#[test]
fn h6_people_who_cannot_be_shown_are_not_nobody() {
    let check = |reading: SearchReading, expected: NotFound| {
        let mut state = signed_in(nurse());
        let ask = by_name(&mut state, None);
        update(&mut state, Event::Searched(ask, Ok(Dated { value: reading, at: hub_time() })), now(700));
        assert!(matches!(search(&state), SearchStage::NotFound { why, .. } if *why == expected));
    };
    check(SearchReading::Found { candidates: vec![], unreadable: 0 }, NotFound::Nobody);
    check(SearchReading::Found { candidates: vec![], unreadable: 1 }, NotFound::Failed(Failure::Unreadable));
    check(SearchReading::TooMany, NotFound::TooMany);
}

#[test]
fn typing_takes_back_what_was_found_for_other_words() {
    let mut state = signed_in(nurse());
    let ask = by_name(&mut state, None);
    type_into(&mut state, Field::FamilyName, "Harte", 600);
    let candidate = candidate(amelia());
    let found = SearchReading::Found { candidates: vec![candidate], unreadable: 0 };
    update(&mut state, Event::Searched(ask, Ok(Dated { value: found, at: hub_time() })), now(700));
    assert!(matches!(search(&state), SearchStage::Idle));
}
