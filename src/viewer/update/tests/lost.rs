//! A hub that is not heard: what is covered for it, and what shows it again.

use super::*;
use crate::viewer::state::Cover;

fn record_is_open() -> State {
    opened(nurse(), amelia(), vec![plan(Some(PlanKind::LookedAfter), None)])
}

fn heard(state: &mut State, at: u64) {
    update(state, Event::HubIsHere(now(at).tick), now(at));
}

fn tick(state: &mut State, at: u64) -> Vec<Effect> {
    update(state, Event::Tick, now(at))
}

fn cover(state: &State) -> Option<Cover> {
    match &state.desk().unwrap().stage {
        Stage::Hidden { why, .. } => Some(*why),
        Stage::Search(_) | Stage::Patient(_) => None,
    }
}

/// Heard last at 10 s, covered at 20 s.
fn lost(mut state: State) -> State {
    heard(&mut state, 10_000);
    tick(&mut state, 19_999);
    assert_eq!(cover(&state), None);
    tick(&mut state, 20_000);
    assert_eq!(cover(&state), Some(Cover::HubIsLost));
    state
}

#[test]
fn what_was_covered_for_the_hub_is_shown_again_with_it_unless_somebody_asked_to_keep_it_covered() {
    let mut state = lost(record_is_open());
    heard(&mut state, 25_000);
    assert_eq!(cover(&state), None);

    let mut state = lost(record_is_open());
    key(&mut state, Command::HidePatient, 21_000);
    assert_eq!(cover(&state), Some(Cover::Asked));
    heard(&mut state, 25_000);
    assert_eq!(cover(&state), Some(Cover::Asked), "nobody may be at the computer");
    key(&mut state, Command::HidePatient, 26_000);
    assert_eq!(cover(&state), None);
}

#[test]
fn an_answer_of_this_session_is_as_good_as_a_word_of_the_stream_and_a_failure_is_not() {
    let mut state = record_is_open();
    let ask = state.last_ask;
    heard(&mut state, 10_000);
    let status = |result| Event::Status(ask, result);
    update(&mut state, status(Err(Failure::TimedOut)), now(19_000));
    tick(&mut state, 20_000);
    assert_eq!(cover(&state), Some(Cover::HubIsLost));
    let said = AccessStatus {
        reference: AccessReference::parse("K7QM-3XHD").unwrap(),
        recorded: hub_time(),
        silent: false,
        notices: Vec::new(),
    };
    update(&mut state, status(Ok(said.clone())), now(21_000));
    assert_eq!(cover(&state), None);
    tick(&mut state, 30_999);
    assert_eq!(cover(&state), None);
    tick(&mut state, 31_000);
    assert_eq!(cover(&state), Some(Cover::HubIsLost));
    // What an earlier session asked says nothing of this one.
    state.last_sign_in = ask;
    update(&mut state, status(Ok(said)), now(32_000));
    assert_eq!(cover(&state), Some(Cover::HubIsLost));
}

#[test]
fn the_cover_says_that_there_is_no_answer_and_whom_to_ring() {
    let screen = format!("{:?}", present::screen(&lost(record_is_open()), now(20_000)));
    assert!(screen.contains("You do not have an answer. Treat it as unknown, never as no plan"));
    assert!(screen.contains("01632 960200") && screen.contains("01632 960101"));
    assert!(!screen.contains("HART"));
}

#[test]
fn a_record_that_goes_before_anybody_read_it_is_said_to_have_gone_and_nothing_of_the_patient() {
    let asked = || {
        let mut state = found(nurse(), amelia());
        open(&mut state);
        state
    };
    let says = |state: &State, at: u64| {
        let screen = format!("{:?}", present::screen(state, now(at)));
        assert!(!screen.contains("HART") && !screen.contains("999 000 0018"));
        screen.contains("A view may have been recorded: look the patient up again")
    };
    // Under the cover until it was gone: answered there, or not at all.
    let covered = |is_answered: bool| {
        let mut state = asked();
        let ask = state.last_ask;
        give(&mut state, Command::HidePatient, 4000);
        if is_answered {
            update(&mut state, Event::Plans(ask, Ok(plans_answer(vec![]))), now(5000));
        }
        state
    };
    for is_answered in [true, false] {
        let mut state = covered(is_answered);
        tick(&mut state, 4000 + 120_000);
        assert!(says(&state, 124_000), "{is_answered}");
        // Until somebody looks for a patient again.
        search_by_number(&mut state, 125_000);
        assert!(!state.removed_unread);
    }
    // Shown in between: it was read.
    let mut state = covered(true);
    give(&mut state, Command::HidePatient, 6000);
    give(&mut state, Command::HidePatient, 7000);
    tick(&mut state, 7000 + 120_000);
    assert!(!says(&state, 127_000));
    // The session ends while the question is under way; after the answer it says nothing of that.
    let over = |mut state: State| {
        update(&mut state, Event::SessionOver(crate::domain::SessionOver::Unsaid), now(6000));
        state
    };
    assert!(says(&over(asked()), 6000));
    assert!(says(&over(covered(true)), 6000));
    assert!(!says(&over(record_is_open()), 6000));
    assert!(!says(&over(found(nurse(), amelia())), 6000));
    // And whoever signs out goes by their own wish.
    let mut state = asked();
    give(&mut state, Command::SignOut, 6000);
    assert!(!says(&state, 6000));
}

#[test]
fn what_was_meant_for_a_cover_that_went_by_itself_opens_copies_and_clears_nothing() {
    let mut state = lost(found(nurse(), amelia()));
    heard(&mut state, 25_000);
    for (command, at) in
        [(Command::NewSearch, 25_100), (Command::Open, 25_300), (Command::CheckAgain, 25_699)]
    {
        assert_eq!(opened_view(&give(&mut state, command.clone(), at)), None, "{command:?}");
        assert!(matches!(state.desk().unwrap().stage, Stage::Patient(_)), "{command:?}");
    }
    assert!(opened_view(&give(&mut state, Command::Open, 25_700)).is_some());

    // Hiding again is always to be had.
    let mut state = lost(record_is_open());
    heard(&mut state, 25_000);
    give(&mut state, Command::HidePatient, 25_100);
    assert_eq!(cover(&state), Some(Cover::Asked));
}

#[test]
fn what_is_covered_in_the_middle_of_a_copy_is_not_copied_and_nothing_says_that_it_was() {
    let mut state = record_is_open();
    heard(&mut state, 10_000);
    let effects = give(&mut state, Command::CopySummary, 19_000);
    let Some(Effect::ReportCopy(ask, ..)) = effects.first() else { panic!("{effects:?}") };
    let ask = *ask;
    tick(&mut state, 20_000);
    assert_eq!(update(&mut state, Event::CopyRecorded(ask, Err(Failure::TimedOut)), now(20_500)), []);
    heard(&mut state, 21_000);
    let Record::Opened(opened) = record(&state) else { panic!("opened") };
    assert_eq!(opened.copying, crate::viewer::state::Copying::No);
    // And the same where somebody asked for the cover, and the answer comes when it is off again.
    let effects = give(&mut state, Command::CopySummary, 22_000);
    let Some(Effect::ReportCopy(ask, ..)) = effects.first() else { panic!("{effects:?}") };
    let ask = *ask;
    give(&mut state, Command::HidePatient, 22_100);
    give(&mut state, Command::HidePatient, 22_200);
    let effects = update(&mut state, Event::CopyRecorded(ask, Ok(())), now(22_300));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::PutOnClipboard { .. })), "{effects:?}");
}

#[test]
fn a_word_counts_from_when_it_came_and_not_from_when_it_is_taken_up() {
    // A window that was not drawn for a minute.
    let mut state = record_is_open();
    update(&mut state, Event::HubIsHere(now(10_000).tick), now(70_000));
    tick(&mut state, 70_000);
    assert_eq!(cover(&state), Some(Cover::HubIsLost));
    update(&mut state, Event::HubIsHere(now(12_000).tick), now(70_100));
    assert_eq!(cover(&state), Some(Cover::HubIsLost));
    heard(&mut state, 71_000);
    assert_eq!(cover(&state), None);
}

#[test]
fn where_nobody_has_done_anything_the_cover_says_what_to_do_and_not_that_the_hub_has_gone() {
    let mut state = lost(record_is_open());
    let heading = |state: &State| present::screen(state, now(20_000)).announcement;
    assert!(heading(&state).text == "Connection to the hub lost" && heading(&state).assertive);
    update(&mut state, Event::WaitsForInput(true), now(20_000));
    assert!(heading(&state).text == "Press a key to connect again" && !heading(&state).assertive);
    update(&mut state, Event::WaitsForInput(false), now(20_000));
    assert_eq!(heading(&state).text, "Connection to the hub lost");
}

#[test]
fn without_the_hub_no_key_uncovers_and_the_two_minutes_count_from_the_first_cover() {
    let mut state = lost(record_is_open());
    key(&mut state, Command::HidePatient, 21_000);
    key(&mut state, Command::HidePatient, 22_000);
    assert_eq!(cover(&state), Some(Cover::HubIsLost));
    key(&mut state, Command::HidePatient, 23_000);
    tick(&mut state, 20_000 + 119_999);
    assert_eq!(cover(&state), Some(Cover::Asked));
    tick(&mut state, 20_000 + 120_000);
    assert!(matches!(search(&state), SearchStage::Idle));
}

#[test]
fn what_nobody_has_touched_for_ten_minutes_is_covered_and_then_goes() {
    let minutes = |minutes: u64| minutes * 60_000;
    let mut state = record_is_open();
    update(&mut state, Event::SomebodyIsHere, now(minutes(5)));
    heard(&mut state, minutes(15) - 1);
    tick(&mut state, minutes(15) - 1);
    assert_eq!(cover(&state), None);
    heard(&mut state, minutes(15));
    let effects = tick(&mut state, minutes(15));
    assert!(effects.contains(&Effect::ForgetClipboard));
    assert_eq!(cover(&state), Some(Cover::Asked));
    assert!(!format!("{:?}", present::screen(&state, now(minutes(15)))).contains("HART"));
    // A word of the hub's does not show it again, and the same key does.
    heard(&mut state, minutes(16));
    assert_eq!(cover(&state), Some(Cover::Asked));
    key(&mut state, Command::HidePatient, minutes(16));
    tick(&mut state, minutes(16));
    assert_eq!(cover(&state), None);
    heard(&mut state, minutes(26));
    tick(&mut state, minutes(26));
    heard(&mut state, minutes(28));
    tick(&mut state, minutes(28));
    assert!(matches!(search(&state), SearchStage::Idle));
}

#[test]
fn what_nobody_has_touched_is_covered_also_where_it_was_only_typed() {
    let minutes = |minutes: u64| minutes * 60_000;
    let mut state = signed_in(nurse());
    let shown = |state: &State| format!("{:?}", present::screen(state, now(minutes(60))));
    heard(&mut state, minutes(60));
    let looks_again = Effect::WakeAfter(std::time::Duration::from_secs(20));
    assert!(!tick(&mut state, minutes(60)).contains(&looks_again), "there is nobody to be seen");
    type_into(&mut state, Field::FamilyName, "Hart", minutes(60));
    assert!(tick(&mut state, minutes(60)).contains(&looks_again));
    heard(&mut state, minutes(70));
    tick(&mut state, minutes(70));
    assert!(!shown(&state).contains("Hart"), "{}", shown(&state));
    heard(&mut state, minutes(71));
    key(&mut state, Command::HidePatient, minutes(71));
    assert!(shown(&state).contains("Hart"));
    heard(&mut state, minutes(81));
    tick(&mut state, minutes(81));
    heard(&mut state, minutes(83));
    tick(&mut state, minutes(83));
    assert!(!shown(&state).contains("Hart"));
    assert!(state.desk().is_some_and(|desk| desk.form.is_empty()));
}
