//! A session that is over: the patient goes from everywhere, and what was half typed comes back for the same person
//! alone, for a short time.

use super::*;
use crate::domain::{NamedNumber, NotSignedIn, SessionOver, Telephone};

const TRACES: [&str; 7] =
    ["HART", "Amelia", "999 000 0018", "14-Jul-2019", "Looked After", "9990000018", "social care is told"];

fn ended(state: &mut State, at: u64) -> Vec<Effect> {
    update(state, Event::SessionOver(SessionOver::Unsaid), now(at))
}

fn shown(state: &State, at: u64) -> String {
    format!("{:?}", present::screen(state, now(at)))
}

fn sign_in_again(state: &mut State, session: Session, at: u64) {
    give(state, Command::SignIn(0), at);
    answer_sign_in(state, Ok(session), at + 10);
}

fn typed(state: &State) -> String {
    state.desk().unwrap().form.nhs_number.clone()
}

#[test]
fn h32_whatever_is_on_the_desk_nothing_of_the_patient_is_left() {
    let record = || opened(nurse(), amelia(), vec![plan(Some(PlanKind::LookedAfter), None)]);
    let hidden = || {
        let mut state = record();
        give(&mut state, Command::HidePatient, 4000);
        state
    };
    for (what, mut state) in [
        ("opened", record()),
        ("found", found(nurse(), amelia())),
        ("hidden", hidden()),
        ("searching", signed_in(nurse())),
    ] {
        state.help = true;
        let generation = state.generation;
        let effects = ended(&mut state, 5000);
        assert!(effects.contains(&Effect::ForgetClipboard) && effects.contains(&Effect::Lock), "{what}");
        let screen = shown(&state, 5000);
        for trace in TRACES {
            assert!(!screen.contains(trace), "{what}: {trace}");
        }
        assert!(!format!("{state:?}").contains("HART"), "{what}");
        assert!(state.generation > generation && !state.help, "{what}: what was typed could come back");
        assert!(
            screen.contains("Your session has ended. Nothing of the patient is left here. Sign in again")
        );
        let said = present::screen(&state, now(5000)).announcement;
        assert!(said.assertive && said.text.starts_with("Your session has ended"), "{what}");
    }
}

#[test]
fn each_reason_is_one_sentence_of_its_own_and_names_the_way_back() {
    let words = ["?", "signed-out", "idle", "over", "reused", "provider", "restored"];
    let mut all = std::collections::HashSet::new();
    for word in words {
        let mut state = signed_in(nurse());
        update(&mut state, Event::SessionOver(SessionOver::of_word(word)), now(100));
        let said = present::screen(&state, now(100)).announcement.text;
        assert!(
            said.starts_with("Your session has ended") && said.ends_with("Sign in again to go on"),
            "{said}"
        );
        all.insert(said);
    }
    assert_eq!(all.len(), words.len());
    assert_eq!(SessionOver::of_word("other-key"), SessionOver::of_word("reused"));
}

#[test]
fn a_half_typed_search_comes_back_for_the_same_person_alone_and_for_two_minutes() {
    let half_typed = || {
        let mut state = signed_in(nurse());
        type_into(&mut state, Field::NhsNumber, "999 000 00", 100);
        ended(&mut state, 1000);
        assert!(shown(&state, 1000).contains("what you had typed is kept for you for 2 minutes"));
        assert!(!shown(&state, 1000).contains("999 000 00"), "not where the next person could read it");
        state
    };
    let mut state = half_typed();
    sign_in_again(&mut state, nurse(), 60_000);
    assert_eq!(typed(&state), "999 000 00");

    let mut state = half_typed();
    let other = Session { user: "user-priya".to_owned(), name: "Dr Priya Nair".to_owned(), ..nurse() };
    sign_in_again(&mut state, other, 60_000);
    assert_eq!(typed(&state), "");
    ended(&mut state, 70_000);
    sign_in_again(&mut state, nurse(), 80_000);
    assert_eq!(typed(&state), "", "it went with the other's sign-in");

    let mut state = half_typed();
    let wake = |left: u64| [Effect::WakeAfter(std::time::Duration::from_millis(left))];
    assert_eq!(update(&mut state, Event::Tick, now(31_000)), wake(90_000));
    assert_eq!(update(&mut state, Event::Tick, now(120_999)), wake(1));
    assert_eq!(update(&mut state, Event::Tick, now(1000 + 120_000)), []);
    assert!(!format!("{:?}", state.phase).contains("Kept"));

    let mut state = half_typed();
    sign_in_again(&mut state, nurse(), 1000 + 120_000);
    assert_eq!(typed(&state), "", "also where no tick came");

    let mut state = half_typed();
    update(&mut state, Event::Slept, now(2000));
    sign_in_again(&mut state, nurse(), 3000);
    assert_eq!(typed(&state), "");

    // A sign-in that failed loses nothing.
    let mut state = half_typed();
    give(&mut state, Command::SignIn(0), 2000);
    answer_sign_in(&mut state, Err(Failure::NoConnection), 2100);
    sign_in_again(&mut state, nurse(), 3000);
    assert_eq!(typed(&state), "999 000 00");

    // And signing out keeps nothing.
    let mut state = signed_in(nurse());
    type_into(&mut state, Field::NhsNumber, "999 000 00", 100);
    give(&mut state, Command::SignOut, 200);
    sign_in_again(&mut state, nurse(), 300);
    assert_eq!(typed(&state), "");
}

#[test]
fn a_session_that_is_over_before_it_began_here_leaves_no_token() {
    let mut state = signed_in(nurse());
    give(&mut state, Command::SignOut, 100);
    give(&mut state, Command::SignIn(0), 200);
    assert!(ended(&mut state, 300).contains(&Effect::Lock));
    assert_eq!(answer_sign_in(&mut state, Ok(nurse()), 400), [Effect::RevokeSignIn(state.last_sign_in)]);
    assert!(state.desk().is_none());
}

#[test]
fn a_late_answer_to_an_earlier_sign_in_is_nobodys_desk_and_revokes_its_own_tokens_alone() {
    let mut state = signed_in(nurse());
    give(&mut state, Command::SignOut, 100);
    give(&mut state, Command::SignIn(0), 200);
    let first = state.last_sign_in;
    ended(&mut state, 300);
    give(&mut state, Command::SignIn(0), 400);
    let late = update(&mut state, Event::SignedIn(first, Ok(nurse())), now(500));
    assert_eq!(late, [Effect::RevokeSignIn(first)]);
    assert!(state.desk().is_none(), "a desk of the first with the tokens of the second");
    // Nor does its failure end the second.
    assert!(state.last_sign_in > first);
    update(&mut state, Event::SignedIn(first, Err(Failure::TimedOut)), now(550));
    let second = Session { user: "user-priya".to_owned(), ..nurse() };
    let effects = answer_sign_in(&mut state, Ok(second), 600);
    assert_eq!(effects, [Effect::KeepSignIn(state.last_sign_in)]);
    assert_eq!(state.desk().unwrap().session.user, "user-priya");
}

#[test]
fn a_sign_out_that_the_hub_did_not_hear_is_said_to_whoever_signed_out() {
    let mut state = signed_in(nurse());
    give(&mut state, Command::SignOut, 100);
    update(&mut state, Event::SignOutNotTold, now(200));
    assert!(
        shown(&state, 200).contains("The CP-IS service could not be told, and ends your session by itself")
    );
    sign_in_again(&mut state, nurse(), 300);
    update(&mut state, Event::SignOutNotTold, now(400));
    assert!(state.desk().is_some());
}

#[test]
fn whoever_signed_out_hears_that_they_may_be_signed_in_still_where_they_signed_in() {
    for (has_browser, words) in [
        (
            true,
            "If your web browser asks whether to sign you out, say yes: otherwise the next person here might",
        ),
        (
            false,
            "take out your smartcard, or close it: otherwise the next person here might be signed in as you",
        ),
    ] {
        let mut state = signed_in(nurse());
        // As in the field: the demonstration's people have no browser.
        state.setup.personas.clear();
        state.setup.hub = Some("https://hub.example".to_owned());
        // Of a sign-out before this session.
        update(&mut state, Event::SignsOutThere(has_browser), now(50));
        give(&mut state, Command::SignOut, 100);
        assert!(!shown(&state, 150).contains("next person"));
        update(&mut state, Event::SignsOutThere(has_browser), now(200));
        let said = shown(&state, 200);
        assert!(
            said.contains("You are signed out. Nothing of the last session is left") && said.contains(words)
        );
    }
}

#[test]
fn whoever_cannot_sign_in_reads_whom_to_ring_instead_and_only_the_first_line_is_said_aloud() {
    let mut state = signed_in(nurse());
    give(&mut state, Command::SignOut, 100);
    state.setup.site.it_help = Telephone::new("01632 960220")
        .map(|telephone| NamedNumber { name: "IT service desk".to_owned(), telephone });
    give(&mut state, Command::SignIn(0), 200);
    let ask = state.last_sign_in;
    update(&mut state, Event::NotSignedIn(ask, NotSignedIn::NotAvailable), now(300));
    let screen = present::screen(&state, now(300));
    let why = "You are not signed in: your organisation's sign-in does not answer just now";
    assert_eq!(screen.announcement.text, why);
    let said = shown(&state, 300);
    for words in [why, "do not wait for this", "Immediate danger: 999", "IT service desk: 01632 960220"] {
        assert!(said.contains(words), "{words}: {said}");
    }
}
