//! The state machine as tables and short stories, without a window.

use super::update;
use crate::domain::{
    AccessReference, AccessStatus, CareSetting, Dated, Failure, Gender, HistoryReading, NhsNumber, Notice,
    NoticeState, Person, PlanKind, SearchReading, View,
};
use crate::viewer::command::{Command, Field};
use crate::viewer::effect::Effect;
use crate::viewer::event::Event;
use crate::viewer::present;
use crate::viewer::present::screen::FocusTarget;
use crate::viewer::state::{NotFound, Phase, Record, SearchStage, Session, Stage, State, WhyChoose};
use crate::viewer::tests::people::*;

fn record(state: &State) -> &Record {
    let Some(Stage::Patient(patient)) = state.desk().map(|desk| &desk.stage) else { panic!("a patient") };
    &patient.record
}

fn search(state: &State) -> &SearchStage {
    let Some(Stage::Search(search)) = state.desk().map(|desk| &desk.stage) else { panic!("a search") };
    search
}

fn give(state: &mut State, command: Command, at: u64) -> Vec<Effect> {
    update(state, Event::pointed(command), now(at))
}

fn opened_view(effects: &[Effect]) -> Option<View> {
    effects.iter().find_map(|effect| if let Effect::OpenPlans(_, view) = effect { Some(*view) } else { None })
}

fn key(state: &mut State, command: Command, at: u64) -> Vec<Effect> {
    update(state, Event::keyed(command), now(at))
}

#[test]
fn h24_a_second_enter_within_700_ms_of_the_searchs_answer_never_opens() {
    let check = |after: u64, opens: bool| {
        let mut state = found(nurse(), amelia());
        let effects = key(&mut state, Command::Open, 1000 + after);
        assert_eq!(opened_view(&effects).is_some(), opens, "{after} ms after");
    };
    check(0, false);
    check(699, false);
    check(700, true);
    // Pointing at the button is deliberate at any time, and so is assistive software.
    assert!(opened_view(&give(&mut found(nurse(), amelia()), Command::Open, 1000)).is_some());
}

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

fn by_name(state: &mut State, gender: Option<Gender>) -> u64 {
    type_into(state, Field::FamilyName, "Hart", 500);
    type_into(state, Field::DateOfBirth, "14-Jul-2019", 500);
    give(state, Command::ChooseGender(gender), 500);
    let effects = give(state, Command::Find, 500);
    let Some(Effect::Search(ask, _)) = effects.first() else { panic!("asked: {effects:?}") };
    *ask
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
fn one_trace_id_serves_from_opening_until_an_answer_across_retries() {
    let mut state = found(nurse(), amelia());
    let first = opened_view(&give(&mut state, Command::Open, 2000)).unwrap();
    let ask = state.last_ask;
    update(&mut state, Event::Plans(ask, Err(Failure::CutShort)), now(2100));
    let retry = opened_view(&give(&mut state, Command::CheckAgain, 5000)).unwrap();
    assert_eq!(first.trace, retry.trace, "the same view");
    let ask = state.last_ask;
    update(&mut state, Event::Plans(ask, Ok(plans_answer(vec![]))), now(5100));
    let again = opened_view(&give(&mut state, Command::CheckAgain, 9000)).unwrap();
    assert_ne!(first.trace, again.trace, "an answered view is over");
}

#[test]
fn a_retry_after_the_hub_forgot_the_view_is_a_new_view() {
    let mut state = found(nurse(), amelia());
    let first = opened_view(&give(&mut state, Command::Open, 2000)).unwrap();
    let ask = state.last_ask;
    update(&mut state, Event::Plans(ask, Err(Failure::TimedOut)), now(10_000));
    let late = opened_view(&give(&mut state, Command::CheckAgain, 2000 + 9 * 60_000)).unwrap();
    assert_ne!(first.trace, late.trace);
    assert!(matches!(record(&state), Record::Opening { maybe_recorded: true, .. }));
}

#[test]
fn a_failure_says_whether_the_view_may_have_been_recorded() {
    let check = |failure: Failure, maybe: bool| {
        let mut state = found(nurse(), amelia());
        let ask = open(&mut state);
        update(&mut state, Event::Plans(ask, Err(failure)), now(3000));
        assert!(
            matches!(record(&state), Record::Failed { maybe_recorded, .. } if *maybe_recorded == maybe),
            "{failure:?}"
        );
    };
    check(Failure::NoConnection, false);
    check(Failure::SessionEnded, false);
    check(Failure::TimedOut, true);
    check(Failure::CutShort, true);
    check(Failure::HubFailed, true);
}

#[test]
fn a_role_without_the_right_never_asks() {
    let mut state = found(receptionist(), amelia());
    assert_eq!(
        give(&mut state, Command::Open, 5000).iter().filter(|e| matches!(e, Effect::OpenPlans(..))).count(),
        0
    );
    assert_eq!(opened_view(&give(&mut state, Command::CheckAgain, 5000)), None);
}

#[test]
fn h23_people_found_and_left_unopened_are_counted_until_sign_out() {
    let mut state = found(nurse(), amelia());
    give(&mut state, Command::NewSearch, 1500);
    assert_eq!(
        present::screen(&state, now(1500)).session.unwrap().found_not_opened.as_deref(),
        Some("1 found, not opened")
    );
    // The same child again, and opened this time.
    let ask = search_by_number(&mut state, 1600);
    update(
        &mut state,
        Event::Retrieved(ask, Ok(Dated { value: candidate(amelia()), at: hub_time() })),
        now(1700),
    );
    let ask = {
        let effects = give(&mut state, Command::Open, 3000);
        assert!(opened_view(&effects).is_some());
        state.last_ask
    };
    update(&mut state, Event::Plans(ask, Ok(plans_answer(vec![]))), now(3100));
    give(&mut state, Command::NewSearch, 3200);
    assert_eq!(present::screen(&state, now(3200)).session.unwrap().found_not_opened, None);
}

#[test]
fn hiding_covers_everything_and_shows_it_again_until_two_minutes_are_over() {
    let mut state = opened(nurse(), amelia(), vec![plan(Some(PlanKind::LookedAfter), None)]);
    let before = state.generation;
    assert!(give(&mut state, Command::HidePatient, 4000).contains(&Effect::ForgetClipboard));
    assert!(state.generation > before, "undo history and scrolling begin anew");
    assert!(!format!("{:?}", present::screen(&state, now(4000))).contains("HART"));
    // An answer that comes under the cover is kept there.
    let ask = state.last_ask;
    update(&mut state, Event::History(ask, Ok(HistoryReading::default())), now(4100));
    give(&mut state, Command::HidePatient, 5000);
    assert!(format!("{:?}", present::screen(&state, now(5000))).contains("HART"));
    give(&mut state, Command::HidePatient, 6000);
    update(&mut state, Event::Tick, now(6000 + 119_999));
    assert!(matches!(state.desk().unwrap().stage, Stage::Hidden { .. }));
    update(&mut state, Event::Tick, now(6000 + 120_000));
    assert!(matches!(search(&state), SearchStage::Idle));
}

#[test]
fn signing_out_leaves_nothing_behind() {
    let mut state = opened(nurse(), amelia(), vec![plan(Some(PlanKind::LookedAfter), None)]);
    let effects = give(&mut state, Command::SignOut, 4000);
    assert_eq!(effects, [Effect::SignOut, Effect::ForgetClipboard]);
    assert!(matches!(state.phase, Phase::SignedOut { .. }));
    let screen = format!("{:?}", present::screen(&state, now(4000)));
    for trace in ["HART", "Amelia", "999 000 0018", "14-Jul-2019", "Looked After"] {
        assert!(!screen.contains(trace), "{trace}");
    }
    // A sign-in that was answered after signing out leaves no token.
    assert_eq!(update(&mut state, Event::SignedIn(Ok(nurse())), now(4100)), [Effect::SignOut]);
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

#[test]
fn the_state_of_the_notices_is_asked_for_again_until_they_are_filed() {
    let mut state = opened(nurse(), amelia(), vec![plan(Some(PlanKind::LookedAfter), None)]);
    let status = |state: NoticeState| AccessStatus {
        reference: AccessReference::parse("K7QM-3XHD").unwrap(),
        recorded: hub_time(),
        silent: false,
        notices: vec![Notice { authority: "Wexcombe Borough Council".to_owned(), state, at: hub_time() }],
    };
    let ask = state.last_ask;
    update(&mut state, Event::Status(ask, Ok(status(NoticeState::Queued))), now(3100));
    let asks_again = |state: &mut State, at: u64| {
        update(state, Event::Tick, now(at)).iter().any(|effect| matches!(effect, Effect::Status(..)))
    };
    assert!(!asks_again(&mut state, 4000));
    assert!(asks_again(&mut state, 13_000));
    assert!(!asks_again(&mut state, 13_100), "one question at a time");
    let ask = state.last_ask;
    update(&mut state, Event::Status(ask, Ok(status(NoticeState::Filed))), now(13_200));
    assert!(!asks_again(&mut state, 60_000), "filed is the end");
}

#[test]
fn opened_in_error_is_said_once_and_only_within_ten_minutes() {
    let mut state = opened(nurse(), amelia(), vec![]);
    assert!(matches!(
        give(&mut state, Command::OpenedInError, 4000).first(),
        Some(Effect::OpenedInError(..))
    ));
    let says = |state: &mut State, at| {
        give(state, Command::OpenedInError, at).iter().any(|e| matches!(e, Effect::OpenedInError(..)))
    };
    assert!(!says(&mut state, 4100), "while it is being said");
    let ask = state.last_ask;
    update(&mut state, Event::OpenedInError(ask, Err(Failure::TimedOut)), now(5000));
    assert!(says(&mut state, 5100), "once more after a failure");
    let ask = state.last_ask;
    update(&mut state, Event::OpenedInError(ask, Ok(())), now(5200));
    assert!(!says(&mut state, 5300));
    let mut late = opened(nurse(), amelia(), vec![]);
    assert!(!says(&mut late, 3000 + 600_000));
}

#[test]
fn opened_in_error_is_said_of_every_view_of_the_patient_newest_first() {
    let mut state = opened(nurse(), amelia(), vec![plan(Some(PlanKind::LookedAfter), None)]);
    give(&mut state, Command::CheckAgain, 60_000);
    let again = AccessReference::parse("AAAA-BBBB").unwrap();
    let ask = state.last_ask;
    let answer = crate::domain::PlansAnswer { reference: again.clone(), ..plans_answer(vec![]) };
    update(&mut state, Event::Plans(ask, Ok(answer)), now(61_000));
    let effects = give(&mut state, Command::OpenedInError, 62_000);
    let Some(Effect::OpenedInError(_, views)) = effects.first() else { panic!("{effects:?}") };
    assert_eq!(views, &[again, AccessReference::parse("K7QM-3XHD").unwrap()]);
}

#[test]
fn a_copy_is_reported_first_and_taken_back_when_the_patient_has_gone() {
    let mut state = opened(nurse(), amelia(), vec![plan(Some(PlanKind::LookedAfter), None)]);
    let effects = give(&mut state, Command::CopyNumber { contact: 0, line: 0 }, 4000);
    // Sunday: the emergency duty team is first.
    assert!(matches!(effects.first(), Some(Effect::Copy { text, .. }) if text == "01632 960102"));
    let ask = state.last_ask;
    give(&mut state, Command::NewSearch, 4100);
    assert_eq!(update(&mut state, Event::Copied(ask, Ok(())), now(4200)), [Effect::ForgetClipboard]);
}

#[test]
fn care_can_be_switched_only_by_those_who_may_do_both_and_only_the_hub_switches() {
    let both = Session { may_view_silently: true, ..nurse() };
    for session in [nurse(), midwife(), receptionist()] {
        assert_eq!(give(&mut signed_in(session), Command::SwitchCare, 100), []);
    }
    let mut state = signed_in(both);
    assert_eq!(give(&mut state, Command::SwitchCare, 100), [Effect::SwitchCare(CareSetting::Scheduled)]);
    assert!(!state.desk().unwrap().session.is_silent(), "not before the hub has it");
    update(&mut state, Event::CareSwitched(CareSetting::Scheduled, Err(Failure::Busy)), now(200));
    assert!(!state.desk().unwrap().session.is_silent());
    update(&mut state, Event::CareSwitched(CareSetting::Scheduled, Ok(())), now(300));
    assert!(state.desk().unwrap().session.is_silent());
}

#[test]
fn the_command_line_fills_the_search_in_and_never_searches() {
    let mut state = signed_in(nurse());
    give(&mut state, Command::SignOut, 100);
    state.setup.prefill = Some(("9990000018".to_owned(), "14072019".to_owned()));
    give(&mut state, Command::SignIn(0), 200);
    assert_eq!(update(&mut state, Event::SignedIn(Ok(nurse())), now(300)), []);
    assert_eq!(state.desk().unwrap().form.nhs_number, "9990000018");
    // It belonged to the first session only.
    give(&mut state, Command::SignOut, 400);
    give(&mut state, Command::SignIn(0), 500);
    update(&mut state, Event::SignedIn(Ok(nurse())), now(600));
    assert!(state.desk().unwrap().form.is_empty());
}
