//! The one place where state changes: `update(state, event, now) -> effects`. Pure: no IO, no clock, no
//! random numbers of its own.

mod lost;
mod patient;
mod search;
mod session;

use std::time::Duration;

pub use patient::may_say_in_error;

use super::command::{Command, Field, Given};
use super::effect::Effect;
use super::event::Event;
use super::present::screen::FocusTarget;
use super::state::{Cover, Desk, HubClock, Now, Phase, SearchStage, Stage, State};
use crate::domain::{CareSetting, Failure};

/// A second Enter or a scanner's CR LF within this time of an answer neither opens nor chooses (H24).
pub const GUARD: Duration = Duration::from_millis(700);
/// A covered patient is gone after this time.
pub const HIDDEN_FOR: Duration = Duration::from_secs(120);
/// What is shown of anybody is covered after this time without anything typed or pointed at.
pub const UNATTENDED_AFTER: Duration = Duration::from_secs(600);
/// Without a word of hub and session for so long, what is shown of anybody is covered.
pub const HUB_LOST_AFTER: Duration = Duration::from_secs(10);
/// What somebody had typed is kept for so long after their session ended.
pub const KEPT_FOR: Duration = Duration::from_secs(120);
/// "Opened in error" is offered for this long.
pub const IN_ERROR_FOR: Duration = Duration::from_secs(600);
/// How often, and how many times at most, a history that failed is asked for.
pub const HISTORY_EVERY: Duration = Duration::from_secs(5);
/// See [`HISTORY_EVERY`].
pub const HISTORY_TRIES: u8 = 4;
/// How often the state of the notices is asked for while they are under way.
pub const STATUS_EVERY: Duration = Duration::from_secs(10);
/// And for how long.
pub const STATUS_FOR: Duration = Duration::from_secs(600);
/// While somebody is on the desk the screen is looked at again this often: lines to ring change with time.
const LOOK_AGAIN_EVERY: Duration = Duration::from_secs(20);
/// More than this cannot be typed into a field.
const LONGEST_TEXT: usize = 200;

/// Applies one event.
pub fn update(state: &mut State, event: Event, now: Now) -> Vec<Effect> {
    let answered = event.answered();
    let mut effects = match event {
        Event::Given(given) if is_too_soon(state, &given, now) => Vec::new(),
        Event::Given(given) => command_given(state, given.command, now),
        Event::Tick => tick(state, now),
        Event::Configured(result) => session::configured(state, result),
        Event::BrowserAt(ask, browser) => session::browser_at(state, ask, browser),
        Event::Remembered(somebody) => session::remembered(state, somebody),
        Event::IsKept(is_kept) => session::is_kept(state, is_kept),
        Event::NotEnded(left) => session::not_ended(state, left),
        Event::EndedAfterAll(left) => session::ended_after_all(state, left),
        Event::KeychainIsSilent(ask) => session::keychain_is_silent(state, ask),
        Event::ComputerLocked => session::computer_locked(state),
        Event::TellsLock(tells) => {
            state.tells_lock = Some(tells);
            Vec::new()
        }
        Event::NotSignedIn(ask, why) => session::not_signed_in(state, ask, why),
        Event::SignedIn(ask, result) => session::signed_in(state, ask, result, now),
        Event::SessionOver(over) => session::over(state, over, now),
        Event::HubIsHere(at) => lost::hub_is_here(state, at, now),
        Event::WaitsForInput(waits) => lost::waits_for_input(state, waits),
        Event::SignOutNotTold => session::not_told(state),
        Event::SignsOutThere(has_browser) => session::signs_out_there(state, has_browser),
        Event::HubTime(at) => {
            state.hub_clock = Some(HubClock { at, tick: now.tick });
            Vec::new()
        }
        Event::HubIsSynthetic => {
            state.synthetic = true;
            Vec::new()
        }
        Event::Searched(ask, result) => search::searched(state, ask, result, now),
        Event::Retrieved(ask, result) => search::retrieved(state, ask, result, now),
        Event::Plans(ask, result) => patient::answered(state, ask, result, now),
        Event::History(ask, result) => patient::history(state, ask, result),
        Event::Status(ask, result) => patient::status(state, ask, result),
        Event::OpenedInError(ask, result) => patient::opened_in_error(state, ask, result),
        Event::CopyRecorded(ask, result) => patient::copy_recorded(state, ask, result),
        Event::OnClipboard(ask, is_there) => patient::on_clipboard(state, ask, is_there),
        Event::Slept => slept(state),
        Event::SomebodyIsHere => {
            touched(state, now);
            Vec::new()
        }
        Event::CareSwitched(ask, result) => care_switched(state, ask, result),
    };
    // After the answer was taken: what it brings is shown with what it uncovers. One of an earlier session says nothing.
    if answered.is_some_and(|ask| ask > state.last_sign_in) {
        effects.extend(lost::hub_is_here(state, now.tick, now));
    }
    if has_patient(state) {
        effects.push(Effect::WakeAfter(LOOK_AGAIN_EVERY));
    }
    effects
}

/// A key that opens or chooses, too soon after what it would act on came onto the screen (H24); and whatever else was
/// meant for a cover that went by itself, also by pointing.
fn is_too_soon(state: &State, given: &Given, now: Now) -> bool {
    let Some(desk) = state.desk() else { return false };
    let stage = &desk.stage;
    if desk.uncovered.is_some_and(|since| now.tick.saturating_sub(since) < GUARD)
        && is_of_the_desk(&given.command)
    {
        return true;
    }
    let since = match (&given.command, stage) {
        (Command::Open, Stage::Patient(patient)) => patient.arrived,
        (Command::Pick(_), Stage::Search(SearchStage::Choose { answered, .. })) => *answered,
        _ => return false,
    };
    given.keyed && now.tick.saturating_sub(since) < GUARD
}

/// Whether it does something with whoever is on the desk. Hiding, leaving and typing harm nobody.
fn is_of_the_desk(command: &Command) -> bool {
    match command {
        Command::Find
        | Command::FindSimilar
        | Command::Pick(_)
        | Command::Open
        | Command::CheckAgain
        | Command::OpenedInError
        | Command::CopyNumber { .. }
        | Command::CopySummary
        | Command::SwitchCare
        | Command::NewSearch => true,
        Command::SignIn(_)
        | Command::SignInByBrowser
        | Command::Continue
        | Command::SignInAsSomebodyElse
        | Command::Lock
        | Command::CancelSignIn
        | Command::CopyAddress
        | Command::SignOut
        | Command::OpenConfiguration
        | Command::StartDemonstration
        | Command::OpenPage
        | Command::Typed(..)
        | Command::LeftField(_)
        | Command::ChooseGender(_)
        | Command::HidePatient
        | Command::CopyTyped(_)
        | Command::Help => false,
    }
}

fn command_given(state: &mut State, command: Command, now: Now) -> Vec<Effect> {
    touched(state, now);
    match command {
        Command::SignIn(persona) => session::sign_in(state, persona),
        Command::SignInByBrowser => session::sign_in_by_browser(state),
        Command::Continue => session::go_on(state),
        Command::SignInAsSomebodyElse => session::sign_in_as_somebody_else(state),
        Command::Lock => session::lock(state),
        Command::CancelSignIn => session::cancel(state),
        Command::CopyAddress => session::copy_address(state),
        Command::SignOut => session::sign_out(state),
        Command::OpenConfiguration => match state.phase {
            Phase::NoConfiguration { .. } => vec![Effect::ChooseConfiguration],
            Phase::SignedOut { .. } | Phase::Desk(_) => Vec::new(),
        },
        Command::StartDemonstration => match state.phase {
            Phase::NoConfiguration { .. } if state.setup.can_demonstrate => vec![Effect::StartDemonstration],
            Phase::NoConfiguration { .. } | Phase::SignedOut { .. } | Phase::Desk(_) => Vec::new(),
        },
        Command::OpenPage => state.setup.page.iter().cloned().map(Effect::OpenPage).collect(),
        Command::Typed(field, text) => search::typed(state, field, &text),
        Command::LeftField(field) => search::left(state, field, now),
        Command::ChooseGender(gender) => search::choose_gender(state, gender),
        Command::Find => search::find(state, now),
        Command::FindSimilar => search::find_similar(state),
        Command::Pick(index) => search::pick(state, index, now),
        Command::Open => patient::open(state, now),
        Command::CheckAgain => patient::check_again(state, now),
        Command::NewSearch => new_search(state),
        Command::HidePatient => hide(state, now),
        Command::OpenedInError => patient::say_opened_in_error(state, now),
        Command::CopyNumber { contact, line } => patient::copy_number(state, contact, line, now),
        Command::CopySummary => patient::copy_summary(state, now),
        Command::CopyTyped(text) => match state.desk() {
            Some(_) => vec![Effect::PutOnClipboard { ask: None, text }],
            None => Vec::new(),
        },
        Command::SwitchCare => switch_care(state),
        Command::Help => {
            state.help = !state.help;
            Vec::new()
        }
    }
}

fn new_search(state: &mut State) -> Vec<Effect> {
    let Some(desk) = state.desk_mut() else { return Vec::new() };
    patient::count_if_not_opened(desk);
    desk.form = super::state::Form::default();
    desk.answered_covered = false;
    desk.stage = Stage::Search(SearchStage::Idle);
    state.help = false;
    forget_typed(state);
    focus(state, FocusTarget::Field(Field::NhsNumber));
    vec![Effect::ForgetClipboard]
}

/// After a sleep nobody knows who is there, how long the record was open, nor what the hub's clock says now.
fn slept(state: &mut State) -> Vec<Effect> {
    state.hub_clock = None;
    session::computer_locked(state)
}

fn hide(state: &mut State, now: Now) -> Vec<Effect> {
    let Some(desk) = state.desk_mut() else { return Vec::new() };
    let is_lost = lost::is_lost(desk, now);
    let stage = std::mem::replace(&mut desk.stage, Stage::Search(SearchStage::Idle));
    let target = match stage {
        // Whoever wants it hidden now is obeyed: it does not come back by itself, and is gone when it would have been.
        Stage::Hidden { under, since, why: Cover::HubIsLost } => {
            desk.stage = Stage::Hidden { under, since, why: Cover::Asked };
            FocusTarget::Nowhere
        }
        // And whoever wants it back waits for the hub.
        Stage::Hidden { under, since, why: Cover::Asked } if is_lost => {
            desk.stage = Stage::Hidden { under, since, why: Cover::HubIsLost };
            FocusTarget::Nowhere
        }
        Stage::Hidden { under, .. } => {
            desk.stage = *under;
            desk.answered_covered = false;
            match desk.stage {
                Stage::Patient(_) => FocusTarget::Answer,
                Stage::Search(_) | Stage::Hidden { .. } => FocusTarget::Field(Field::NhsNumber),
            }
        }
        Stage::Search(SearchStage::Idle) if desk.form.is_empty() => return Vec::new(),
        mut under @ (Stage::Search(_) | Stage::Patient(_)) => {
            patient::stop_copying(&mut under);
            desk.stage = Stage::Hidden { under: Box::new(under), since: now.tick, why: Cover::Asked };
            // Enter or a scanner's line end must not uncover it.
            FocusTarget::Nowhere
        }
    };
    state.help = false;
    forget_typed(state);
    focus(state, target);
    vec![Effect::ForgetClipboard, Effect::WakeAfter(HIDDEN_FOR)]
}

fn switch_care(state: &mut State) -> Vec<Effect> {
    let ask = state.last_ask + 1;
    let Some(desk) = state.desk_mut() else { return Vec::new() };
    let session = &mut desk.session;
    if !(session.may_notify && session.may_view_silently) || session.switching.is_some() {
        return Vec::new();
    }
    let care = match session.care {
        CareSetting::Unscheduled => CareSetting::Scheduled,
        CareSetting::Scheduled => CareSetting::Unscheduled,
    };
    session.switching = Some((ask, care));
    session.care_problem = None;
    state.last_ask = ask;
    vec![Effect::SwitchCare(ask, care)]
}

/// An answer of an earlier session's switch changes nothing (H20).
fn care_switched(state: &mut State, answered: u64, result: Result<(), Failure>) -> Vec<Effect> {
    if let Some(desk) = state.desk_mut()
        && let Some((ask, care)) = desk.session.switching
        && ask == answered
    {
        desk.session.switching = None;
        match result {
            Ok(()) => desk.session.care = care,
            Err(failure) => desk.session.care_problem = Some(failure),
        }
    }
    Vec::new()
}

fn tick(state: &mut State, now: Now) -> Vec<Effect> {
    let kept = session::forget_old(state, now);
    let lost = lost::cover_if_lost(state, now);
    let Some(desk) = state.desk_mut() else { return kept.into_iter().collect() };
    if let Stage::Hidden { since, .. } = desk.stage {
        let covered_for = now.tick.saturating_sub(since);
        if covered_for >= HIDDEN_FOR {
            let is_unread = desk.may_hold_unread_view();
            let effects = new_search(state);
            state.removed_unread |= is_unread;
            return effects;
        }
        let wake = Effect::WakeAfter(HIDDEN_FOR.saturating_sub(covered_for));
        return lost.into_iter().chain([wake]).collect();
    }
    if is_unattended(desk, now) {
        return lost.into_iter().chain(hide(state, now)).collect();
    }
    let mut effects = lost;
    effects.extend(shows_somebody(desk).then_some(Effect::WakeAfter(LOOK_AGAIN_EVERY)));
    effects.extend(patient::ask_status_again(state, now));
    effects.extend(patient::ask_history_again(state, now));
    effects
}

fn touched(state: &mut State, now: Now) {
    if let Some(desk) = state.desk_mut() {
        desk.touched = now.tick;
    }
}

/// Nobody has typed or pointed for long: not every computer says that its screen was locked.
fn is_unattended(desk: &Desk, now: Now) -> bool {
    shows_somebody(desk) && now.tick.saturating_sub(desk.touched) >= UNATTENDED_AFTER
}

/// Whether anything of somebody is there to be read by whoever comes by; what was typed is that, too.
fn shows_somebody(desk: &Desk) -> bool {
    match &desk.stage {
        Stage::Patient(_) | Stage::Search(SearchStage::Choose { .. }) => true,
        Stage::Search(SearchStage::Idle | SearchStage::UnderWay { .. } | SearchStage::NotFound { .. }) => {
            !desk.form.is_empty()
        }
        Stage::Hidden { .. } => false,
    }
}

fn has_patient(state: &State) -> bool {
    state.desk().is_some_and(|desk| match &desk.stage {
        Stage::Patient(_) => true,
        Stage::Search(_) | Stage::Hidden { .. } => false,
    })
}

/// A new number for text fields and scroll areas: their undo history, focus and position start anew.
fn forget_typed(state: &mut State) {
    state.generation += 1;
}

fn focus(state: &mut State, target: FocusTarget) {
    state.focus.serial += 1;
    state.focus.target = target;
}

fn next_ask(state: &mut State) -> u64 {
    state.last_ask += 1;
    state.last_ask
}

#[cfg(test)]
mod tests;
