//! Opening, and everything after.

use super::*;

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
    assert_eq!(answer_sign_in(&mut state, Ok(nurse()), 4100), [Effect::RevokeSignIn(state.last_sign_in)]);
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
fn a_copy_is_recorded_first_and_made_only_while_its_patient_can_be_seen() {
    let recording = |state: &mut State| {
        let effects = give(state, Command::CopyNumber { contact: 0, line: 0 }, 4000);
        assert!(matches!(effects.first(), Some(Effect::ReportCopy(..))), "{effects:?}");
        state.last_ask
    };
    let amelia_opened = || opened(nurse(), amelia(), vec![plan(Some(PlanKind::LookedAfter), None)]);
    let put = |effects: &[Effect]| {
        effects.iter().find_map(|effect| {
            if let Effect::PutOnClipboard { text, .. } = effect { Some(text.clone()) } else { None }
        })
    };
    // Sunday: the emergency duty team is first.
    let mut state = amelia_opened();
    let ask = recording(&mut state);
    let effects = update(&mut state, Event::CopyRecorded(ask, Ok(())), now(4100));
    assert_eq!(put(&effects).as_deref(), Some("01632 960102"));
    // Not recorded: not made.
    let mut state = amelia_opened();
    let ask = recording(&mut state);
    assert_eq!(put(&update(&mut state, Event::CopyRecorded(ask, Err(Failure::Busy)), now(4100))), None);
    // Covered, or left for another patient, meanwhile: not made, and not said of the other.
    let mut state = amelia_opened();
    let ask = recording(&mut state);
    give(&mut state, Command::HidePatient, 4050);
    assert_eq!(put(&update(&mut state, Event::CopyRecorded(ask, Ok(())), now(4100))), None);
    let mut state = amelia_opened();
    let ask = recording(&mut state);
    give(&mut state, Command::NewSearch, 4050);
    let search = search_by_number(&mut state, 4060);
    let found = Dated { value: candidate(amelia()), at: hub_time() };
    update(&mut state, Event::Retrieved(search, Ok(found)), now(4070));
    let view = open(&mut state);
    update(&mut state, Event::Plans(view, Ok(plans_answer(vec![]))), now(4080));
    assert_eq!(put(&update(&mut state, Event::CopyRecorded(ask, Ok(())), now(4100))), None);
    assert_eq!(update(&mut state, Event::OnClipboard(ask, true), now(4200))[0], Effect::ForgetClipboard);
}

#[test]
fn h20_care_can_be_switched_only_by_those_who_may_do_both_and_only_the_hub_switches() {
    let both = Session { may_view_silently: true, ..nurse() };
    for session in [nurse(), midwife(), receptionist()] {
        assert_eq!(give(&mut signed_in(session), Command::SwitchCare, 100), []);
    }
    let is_silent = |state: &State| state.desk().unwrap().session.is_silent();
    let mut state = signed_in(both.clone());
    let switch = |state: &mut State| {
        let effects = give(state, Command::SwitchCare, 100);
        let [Effect::SwitchCare(ask, CareSetting::Scheduled)] = effects.as_slice() else {
            panic!("{effects:?}")
        };
        *ask
    };
    let ask = switch(&mut state);
    assert!(!is_silent(&state), "not before the hub has it");
    assert_eq!(give(&mut state, Command::SwitchCare, 150), [], "one at a time");
    update(&mut state, Event::CareSwitched(ask, Err(Failure::Busy)), now(200));
    assert!(!is_silent(&state));
    let ask = switch(&mut state);
    update(&mut state, Event::CareSwitched(ask, Ok(())), now(300));
    assert!(is_silent(&state));
    // An answer that comes after the next person signed in is not theirs.
    let mut state = signed_in(both.clone());
    let ask = switch(&mut state);
    give(&mut state, Command::SignOut, 200);
    give(&mut state, Command::SignIn(0), 300);
    answer_sign_in(&mut state, Ok(both), 400);
    update(&mut state, Event::CareSwitched(ask, Ok(())), now(500));
    assert!(!is_silent(&state));
}

#[test]
fn h20_nothing_is_opened_while_it_is_being_decided_whether_social_care_is_told() {
    let mut state = found(Session { may_view_silently: true, ..nurse() }, amelia());
    give(&mut state, Command::SwitchCare, 1500);
    assert_eq!(opened_view(&give(&mut state, Command::Open, 2000)), None);
    let ask = state.last_ask;
    update(&mut state, Event::CareSwitched(ask, Ok(())), now(2100));
    let view = opened_view(&give(&mut state, Command::Open, 2200)).unwrap();
    assert_eq!(view.care, CareSetting::Scheduled);
    // Switched back before the answer: the view stays what it was asked as.
    give(&mut state, Command::SwitchCare, 2300);
    let plans = state.last_ask - 1;
    let switch = state.last_ask;
    update(&mut state, Event::CareSwitched(switch, Ok(())), now(2400));
    let effects = update(&mut state, Event::Plans(plans, Ok(plans_answer(vec![]))), now(2500));
    assert!(matches!(record(&state), Record::Opened(opened) if opened.silent));
    assert!(matches!(effects.first(), Some(Effect::History(_, view)) if view.care == CareSetting::Scheduled));
}

#[test]
fn what_failed_beside_an_answer_is_asked_for_again_without_another_view() {
    let mut state = opened(nurse(), amelia(), vec![plan(Some(PlanKind::LookedAfter), None)]);
    let ask = state.last_ask;
    update(&mut state, Event::History(ask, Err(Failure::TimedOut)), now(3100));
    update(&mut state, Event::Status(ask, Err(Failure::TimedOut)), now(3100));
    let mut asked = [0, 0];
    for second in 4..120 {
        update(&mut state, Event::HubIsHere(now(second * 1000).tick), now(second * 1000));
        for effect in update(&mut state, Event::Tick, now(second * 1000)) {
            if let Effect::HistoryAgain(ask, _) = effect {
                asked[0] += 1;
                update(&mut state, Event::History(ask, Err(Failure::TimedOut)), now(second * 1000 + 1));
            } else if let Effect::Status(ask, _) = effect {
                asked[1] += 1;
                update(&mut state, Event::Status(ask, Err(Failure::TimedOut)), now(second * 1000 + 1));
            }
        }
    }
    assert_eq!(asked, [3, 11]);
}

#[test]
fn after_a_sleep_nothing_of_the_patient_is_left() {
    let mut state = opened(nurse(), amelia(), vec![plan(Some(PlanKind::LookedAfter), None)]);
    give(&mut state, Command::HidePatient, 4000);
    update(&mut state, Event::Slept, now(5000));
    assert!(
        state.desk().is_none() && state.hub_clock.is_none(),
        "nor the session: nobody knows who is there"
    );
}

#[test]
fn the_command_line_fills_the_search_in_and_never_searches() {
    let mut state = signed_in(nurse());
    give(&mut state, Command::SignOut, 100);
    state.setup.prefill =
        Some(Prefill { nhs_number: "9990000018".to_owned(), date_of_birth: "14072019".to_owned() });
    give(&mut state, Command::SignIn(0), 200);
    assert_eq!(answer_sign_in(&mut state, Ok(nurse()), 300), [Effect::KeepSignIn(state.last_sign_in)]);
    assert_eq!(state.desk().unwrap().form.nhs_number, "9990000018");
    // It belonged to the first session only.
    give(&mut state, Command::SignOut, 400);
    give(&mut state, Command::SignIn(0), 500);
    answer_sign_in(&mut state, Ok(nurse()), 600);
    assert!(state.desk().unwrap().form.is_empty());
}
