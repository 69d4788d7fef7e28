//! Leaving a desk: what is asked for, and that whoever comes next shows anew who they are.

use super::*;
use crate::domain::NotSignedIn;
use crate::viewer::state::{Kept, Left, Persona, Remembered, Setup, SignedOutBecause};

fn desk(private_desk: bool) -> State {
    let setup = Setup { hub: Some("https://hub".to_owned()), private_desk, ..Setup::default() };
    State::new(setup, Phase::signed_out(None))
}

#[test]
fn a_computer_that_is_locked_gives_up_a_sign_in_at_every_desk() {
    let word = || "x".to_owned();
    for hub in [None, Some("https://hub".to_owned())] {
        let personas = vec![Persona { name: word(), role: word(), organisation: word(), note: word() }];
        let mut state = State::new(Setup { hub, personas, ..Setup::default() }, Phase::signed_out(None));
        give(&mut state, Command::SignIn(0), 0);
        let effects = update(&mut state, Event::ComputerLocked, now(0));
        assert_eq!(effects, [Effect::CancelSignIn, Effect::ForgetClipboard]);
        assert!(matches!(state.phase, Phase::SignedOut { signing_in: false, .. }));
        // What it was cut off by comes late, and says nothing new.
        let late = Event::NotSignedIn(state.last_sign_in, NotSignedIn::Left);
        update(&mut state, late, now(0));
        let why = Some(SignedOutBecause::ComputerLocked);
        assert!(matches!(&state.phase, Phase::SignedOut { why: said, .. } if *said == why));
    }
}

/// Somebody begins to sign in.
fn begins(state: &mut State) {
    let effects = give(state, Command::SignInByBrowser, 0);
    assert_eq!(effects, [Effect::SignInByBrowser(state.last_sign_in)]);
}

#[test]
fn a_computer_that_is_locked_ends_the_session_wherever_it_is_kept() {
    for (private_desk, is_kept) in [(false, None), (true, None), (true, Some(false)), (true, Some(true))] {
        for locked in [Event::ComputerLocked, Event::Slept] {
            let mut state = desk(private_desk);
            begins(&mut state);
            answer_sign_in(&mut state, Ok(nurse()), 0);
            update(&mut state, Event::IsKept(is_kept), now(0));
            let effects = update(&mut state, locked, now(10));
            assert_eq!(effects, [Effect::Lock, Effect::ForgetClipboard], "{private_desk} {is_kept:?}");
            assert!(state.desk().is_none() && state.kept == Kept::Nobody);
            assert_eq!(give(&mut state, Command::Continue, 20), []);
            begins(&mut state);
        }
    }
}

#[test]
fn nobody_goes_on_with_what_was_offered_before_the_computer_was_locked() {
    let mut state = desk(true);
    state.kept = Kept::Looking;
    let expected = [Effect::CancelSignIn, Effect::ForgetClipboard, Effect::EndKept];
    assert_eq!(update(&mut state, Event::ComputerLocked, now(0)), expected, "the keychain may bring it yet");
    update(&mut state, somebody(), now(0));
    assert_eq!(state.kept, Kept::Nobody);
    let mut state = desk(true);
    update(&mut state, somebody(), now(0));
    assert_eq!(update(&mut state, Event::ComputerLocked, now(0)), expected);
    assert_eq!(give(&mut state, Command::Continue, 0), []);
    assert_eq!(update(&mut state, Event::ComputerLocked, now(0)), [], "there is nothing left to end");
    begins(&mut state);
}

#[test]
fn nobody_goes_on_with_what_is_not_there_and_nobody_is_disturbed_by_what_comes_late() {
    let mut state = desk(true);
    assert_eq!(give(&mut state, Command::Continue, 0), []);
    assert_eq!(give(&mut state, Command::SignInAsSomebodyElse, 0), []);
    begins(&mut state);
    update(&mut state, somebody(), now(0));
    assert_eq!(state.kept, Kept::Nobody, "a sign-in is under way");
    answer_sign_in(&mut state, Ok(nurse()), 0);
    update(&mut state, somebody(), now(0));
    assert!(state.desk().is_some() && state.kept == Kept::Nobody);
    give(&mut state, Command::SignOut, 0);
    update(&mut state, somebody(), now(0));
    let effects = give(&mut state, Command::SignInAsSomebodyElse, 0);
    assert_eq!(effects, [Effect::EndKept, Effect::SignInByBrowser(state.last_sign_in)]);
}

#[test]
fn what_comes_of_leaving_is_said_to_whoever_left_and_to_nobody_after() {
    let said = |state: &State| match &state.phase {
        Phase::SignedOut { why, .. } => *why,
        Phase::Desk(_) | Phase::NoConfiguration { .. } => None,
    };
    let there = SignedOutBecause::AskedThere { has_browser: true };
    let there_only = Event::SignsOutThere(true);
    for (left, why, then) in [
        (Event::pointed(Command::SignOut), SignedOutBecause::Asked, there),
        (Event::pointed(Command::Lock), SignedOutBecause::Locked, SignedOutBecause::Locked),
        (Event::ComputerLocked, SignedOutBecause::ComputerLocked, SignedOutBecause::ComputerLocked),
    ] {
        for (event, then) in [(there_only.clone(), then), (Event::SignOutNotTold, SignedOutBecause::NotTold)]
        {
            let mut state = desk(false);
            begins(&mut state);
            answer_sign_in(&mut state, Ok(nurse()), 0);
            update(&mut state, left.clone(), now(0));
            assert_eq!(said(&state), Some(why));
            update(&mut state, event, now(0));
            assert_eq!(said(&state), Some(then));
        }
    }
}

fn somebody() -> Event {
    let word = || "x".to_owned();
    Event::Remembered(Some(Remembered { name: word(), role: word(), organisation: word() }))
}

#[test]
fn whoever_goes_on_and_gives_up_or_finds_a_silent_keychain_can_still_go_on() {
    let gives_up: [fn(&mut State) -> Vec<Effect>; 2] = [
        |state| give(state, Command::CancelSignIn, 0),
        |state| {
            let silent = Event::KeychainIsSilent(state.last_sign_in);
            update(state, silent, now(0))
        },
    ];
    for (which, gives_up) in gives_up.into_iter().enumerate() {
        let mut state = desk(true);
        update(&mut state, somebody(), now(0));
        assert_eq!(give(&mut state, Command::Continue, 0), [Effect::Continue(state.last_sign_in)]);
        // What the keychain brings late is nothing new, and a browser is nobody's way there.
        update(&mut state, somebody(), now(0));
        let effects = gives_up(&mut state);
        let expected: &[Effect] = if which == 0 { &[Effect::SetAside, Effect::ForgetClipboard] } else { &[] };
        assert_eq!(effects, expected, "{which}");
        assert_eq!(give(&mut state, Command::SignInByBrowser, 0), []);
        assert_eq!(give(&mut state, Command::Continue, 0), [Effect::Continue(state.last_sign_in)]);
        // The session is not there: so the hub says.
        answer_sign_in(&mut state, Err(Failure::SessionEnded), 0);
        assert_eq!(state.kept, Kept::Nobody);
    }
}

#[test]
fn after_a_lock_nothing_is_offered_that_comes_late() {
    let mut state = desk(true);
    begins(&mut state);
    answer_sign_in(&mut state, Ok(nurse()), 0);
    give(&mut state, Command::Lock, 0);
    update(&mut state, somebody(), now(0));
    assert_eq!((give(&mut state, Command::Continue, 0), state.kept), (Vec::new(), Kept::Nobody));
}

#[test]
fn what_could_not_be_ended_is_said_to_whoever_is_there() {
    let shown = |state: &State| format!("{:?}", present::screen(state, now(0)));
    let (hub, keychain) =
        ("could not be told that the session that was kept", "taken out of this computer's");
    let mut state = desk(true);
    for left in [Left::AtTheHub, Left::InTheKeychain, Left::AtTheHub] {
        update(&mut state, Event::NotEnded(left), now(0));
    }
    let says = |state: &State| (shown(state).contains(hub), shown(state).contains(keychain));
    assert_eq!(says(&state), (true, true));
    update(&mut state, Event::EndedAfterAll(Left::AtTheHub), now(0));
    assert_eq!(says(&state), (false, true), "it has heard after all");
    update(&mut state, Event::NotEnded(Left::AtTheHub), now(0));
    begins(&mut state);
    answer_sign_in(&mut state, Ok(nurse()), 0);
    assert_eq!(says(&state), (true, true));
    give(&mut state, Command::SignOut, 0);
    assert_eq!(says(&state), (false, true), "the keychain still has it");
    begins(&mut state);
    answer_sign_in(&mut state, Ok(nurse()), 0);
    update(&mut state, Event::IsKept(Some(true)), now(0));
    assert_eq!(says(&state), (false, false), "theirs stands in its place");
}

#[test]
fn that_a_record_went_unread_is_said_beside_that_the_hub_could_not_be_told() {
    let mut state = desk(false);
    begins(&mut state);
    answer_sign_in(&mut state, Ok(nurse()), 0);
    update(&mut state, Event::ComputerLocked, now(0));
    state.removed_unread = true;
    update(&mut state, Event::SignOutNotTold, now(0));
    let screen = format!("{:?}", present::screen(&state, now(0)));
    for words in [present::words::SIGNED_OUT_UNHEARD, present::words::REMOVED_UNREAD] {
        assert!(screen.contains(words), "{words}");
    }
    // What they can go on with has not ended.
    let mut state = desk(true);
    update(&mut state, somebody(), now(0));
    update(&mut state, Event::SignOutNotTold, now(0));
    assert!(!format!("{:?}", present::screen(&state, now(0))).contains("could not be told"));
}
