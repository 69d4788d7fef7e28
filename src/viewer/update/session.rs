//! Signing in and out, and the end of a session that nobody here asked for.

use super::{KEPT_FOR, focus, forget_typed, next_ask};
use crate::domain::{Failure, NotSignedIn, SessionOver};
use crate::viewer::command::Field;
use crate::viewer::effect::Effect;
use crate::viewer::present::screen::FocusTarget;
use crate::viewer::state::{
    BrowserAt, Desk, Kept, KeptForm, Left, Now, Phase, Remembered, Session, Setup, SignedOutBecause, State,
};

pub(super) fn sign_in(state: &mut State, persona: usize) -> Vec<Effect> {
    match &mut state.phase {
        Phase::SignedOut { signing_in, .. } if !*signing_in && persona < state.setup.personas.len() => {
            *signing_in = true;
            state.last_sign_in = next_ask(state);
            vec![Effect::SignIn(state.last_sign_in, persona)]
        }
        Phase::SignedOut { .. } | Phase::NoConfiguration { .. } | Phase::Desk(_) => Vec::new(),
    }
}

pub(super) fn sign_in_by_browser(state: &mut State) -> Vec<Effect> {
    // There one goes on, or says that one is somebody else.
    if matches!(state.kept, Kept::Somebody(_)) {
        return Vec::new();
    }
    begin(state).map(Effect::SignInByBrowser).into_iter().collect()
}

pub(super) fn sign_in_as_somebody_else(state: &mut State) -> Vec<Effect> {
    if !matches!(state.kept, Kept::Somebody(_)) {
        return Vec::new();
    }
    let Some(ask) = begin(state) else { return Vec::new() };
    state.kept = Kept::Nobody;
    forget_kept(state);
    vec![Effect::EndKept, Effect::SignInByBrowser(ask)]
}

/// Only now is anything of the kept session used.
pub(super) fn go_on(state: &mut State) -> Vec<Effect> {
    if !matches!(state.kept, Kept::Somebody(_)) {
        return Vec::new();
    }
    begin(state).map(Effect::Continue).into_iter().collect()
}

/// The number of a sign-in that begins, where one can.
fn begin(state: &mut State) -> Option<u64> {
    match &mut state.phase {
        Phase::SignedOut { signing_in, .. } if !*signing_in && state.setup.hub.is_some() => {
            *signing_in = true;
            state.browser = None;
            state.last_sign_in = next_ask(state);
            focus(state, FocusTarget::Nowhere);
            Some(state.last_sign_in)
        }
        Phase::SignedOut { .. } | Phase::NoConfiguration { .. } | Phase::Desk(_) => None,
    }
}

/// What the keychain holds. It may have taken long: whoever signs in meanwhile is not disturbed, and a lock leaves nothing
/// to go on with.
pub(super) fn remembered(state: &mut State, somebody: Option<Remembered>) -> Vec<Effect> {
    if matches!(state.kept, Kept::Somebody(_)) {
        return Vec::new();
    }
    if state.is_locked || is_signing_in(state) || !matches!(state.phase, Phase::SignedOut { .. }) {
        state.kept = Kept::Nobody;
        return Vec::new();
    }
    state.kept = somebody.map_or(Kept::Nobody, Kept::Somebody);
    focus(state, FocusTarget::SignIn);
    Vec::new()
}

fn is_signing_in(state: &State) -> bool {
    matches!(state.phase, Phase::SignedOut { signing_in: true, .. })
}

pub(super) fn browser_at(state: &mut State, ask: u64, browser: BrowserAt) -> Vec<Effect> {
    if is_signing_in(state) && state.last_sign_in == ask {
        state.browser = Some(browser);
    }
    Vec::new()
}

/// The browser goes on by itself; whatever it brings is not heard any more.
pub(super) fn cancel(state: &mut State) -> Vec<Effect> {
    if !is_signing_in(state) || state.setup.hub.is_none() {
        return Vec::new();
    }
    stop_signing_in(state)
}

fn stop_signing_in(state: &mut State) -> Vec<Effect> {
    give_up(state, None);
    // They went on with a kept session: it stays where it is.
    if matches!(state.kept, Kept::Somebody(_)) {
        return vec![Effect::SetAside, Effect::ForgetClipboard];
    }
    let look = if state.setup.private_desk { Some(Effect::LookForKept) } else { None };
    [Effect::CancelSignIn, Effect::ForgetClipboard].into_iter().chain(look).collect()
}

pub(super) fn copy_address(state: &mut State) -> Vec<Effect> {
    let address = state.browser.as_ref().filter(|_| is_signing_in(state)).map(|at| at.address.clone());
    address.map(|text| Effect::PutOnClipboard { ask: None, text }).into_iter().collect()
}

pub(super) fn not_signed_in(state: &mut State, ask: u64, why: NotSignedIn) -> Vec<Effect> {
    if !is_signing_in(state) || state.last_sign_in != ask {
        return Vec::new();
    }
    give_up(state, Some(SignedOutBecause::NotSignedIn(why)));
    vec![Effect::ForgetClipboard]
}

/// Whoever goes on tries again, or says that they are somebody else.
pub(super) fn keychain_is_silent(state: &mut State, ask: u64) -> Vec<Effect> {
    if is_signing_in(state) && state.last_sign_in == ask {
        give_up(state, Some(SignedOutBecause::KeychainIsSilent));
    }
    Vec::new()
}

/// Whether whoever closes the viewer can go on. What is kept stands in place of whatever was there.
pub(super) fn is_kept(state: &mut State, is_kept: Option<bool>) -> Vec<Effect> {
    state.is_kept = is_kept;
    if is_kept == Some(true) {
        state.left.retain(|left| *left != Left::InTheKeychain);
    }
    Vec::new()
}

/// Said to whoever is there: nobody else can do anything about it.
pub(super) fn not_ended(state: &mut State, left: Left) -> Vec<Effect> {
    if !state.left.contains(&left) {
        state.left.push(left);
    }
    Vec::new()
}

/// It took longer than whoever was told so was to wait.
pub(super) fn ended_after_all(state: &mut State, left: Left) -> Vec<Effect> {
    state.left.retain(|said| *said != left);
    Vec::new()
}

fn give_up(state: &mut State, because: Option<SignedOutBecause>) {
    state.browser = None;
    if let Phase::SignedOut { why, signing_in, .. } = &mut state.phase {
        (*why, *signing_in) = (because, false);
    }
    focus(state, FocusTarget::SignIn);
}

/// Session and tokens come under one number: what another sign-in than the last brings is shown to nobody, and its tokens
/// alone are revoked.
pub(super) fn signed_in(
    state: &mut State,
    answered: u64,
    result: Result<Session, Failure>,
    now: Now,
) -> Vec<Effect> {
    let kept = match &mut state.phase {
        Phase::SignedOut { signing_in: true, kept, .. } if state.last_sign_in == answered => kept,
        Phase::SignedOut { .. } | Phase::NoConfiguration { .. } | Phase::Desk(_) => {
            return vec![Effect::RevokeSignIn(answered)];
        }
    };
    let kept = kept.take();
    state.browser = None;
    match result {
        Ok(session) => {
            state.kept = Kept::Nobody;
            state.is_locked = false;
            let is_theirs = |kept: &KeptForm| kept.user == session.user && !is_old(kept, now);
            let form = kept.filter(|kept| is_theirs(kept)).map(|kept| kept.form);
            let mut desk = Desk::new(session, now);
            if let Some(form) = form {
                desk.form = form;
            } else if let Some(prefill) = state.setup.prefill.take() {
                desk.form.nhs_number = prefill.nhs_number;
                desk.form.date_of_birth = prefill.date_of_birth;
            }
            state.phase = Phase::Desk(Box::new(desk));
            forget_typed(state);
            focus(state, FocusTarget::Field(Field::NhsNumber));
            vec![Effect::KeepSignIn(answered)]
        }
        Err(failure) => {
            // Of a kept session, which is no more.
            let is_over = failure == Failure::SessionEnded && state.kept != Kept::Nobody;
            let why = if is_over {
                state.kept = Kept::Nobody;
                SignedOutBecause::Ended(SessionOver::Unsaid)
            } else {
                SignedOutBecause::Failed(failure)
            };
            let why = Some(why);
            state.phase = Phase::SignedOut { why, signing_in: false, kept };
            focus(state, FocusTarget::SignIn);
            Vec::new()
        }
    }
}

/// Nothing of the session stays: desk, patient, typed text and count go with the phase.
pub(super) fn sign_out(state: &mut State) -> Vec<Effect> {
    if state.desk().is_none() {
        return Vec::new();
    }
    state.removed_unread = false;
    leave(state, Phase::signed_out(Some(SignedOutBecause::Asked)), Effect::SignOut)
}

/// Whoever leaves the desk: as a sign-out, but for the provider, where other programs may go on.
pub(super) fn lock(state: &mut State) -> Vec<Effect> {
    if state.desk().is_none() {
        return Vec::new();
    }
    state.removed_unread = false;
    state.is_locked = true;
    leave(state, Phase::signed_out(Some(SignedOutBecause::Locked)), Effect::Lock)
}

/// Whoever comes back to the computer may be somebody else: they show who they are, and go on with nothing that is kept.
pub(super) fn computer_locked(state: &mut State) -> Vec<Effect> {
    forget_kept(state);
    let was_kept = std::mem::take(&mut state.kept) != Kept::Nobody;
    state.is_locked = true;
    let why = Some(SignedOutBecause::ComputerLocked);
    match &mut state.phase {
        Phase::NoConfiguration { .. } => Vec::new(),
        Phase::Desk(desk) => {
            let is_unread = desk.may_hold_unread_view();
            state.removed_unread |= is_unread;
            leave(state, Phase::signed_out(why), Effect::Lock)
        }
        Phase::SignedOut { signing_in: false, .. } if !was_kept => Vec::new(),
        // Not what they began and another would finish.
        Phase::SignedOut { .. } => {
            give_up(state, why);
            let end = was_kept.then_some(Effect::EndKept);
            [Effect::CancelSignIn, Effect::ForgetClipboard].into_iter().chain(end).collect()
        }
    }
}

/// The hub has ended the session: the patient goes as with a sign-out. What was typed and not yet searched with
/// comes back for the same person, if they sign in soon.
pub(super) fn over(state: &mut State, over: SessionOver, now: Now) -> Vec<Effect> {
    let why = Some(SignedOutBecause::Ended(over));
    state.removed_unread |= state.desk().is_some_and(Desk::may_hold_unread_view);
    let kept = match &mut state.phase {
        Phase::NoConfiguration { .. } => return Vec::new(),
        // Ended before it had begun here.
        Phase::SignedOut { kept, .. } => kept.take(),
        Phase::Desk(desk) if desk.form.is_empty() => None,
        Phase::Desk(desk) => {
            let form = std::mem::take(&mut desk.form);
            Some(Box::new(KeptForm { user: desk.session.user.clone(), form, since: now.tick }))
        }
    };
    // Nobody has pressed "Sign out": no page is opened by itself.
    let mut effects = leave(state, Phase::SignedOut { why, signing_in: false, kept }, Effect::Lock);
    effects.push(Effect::WakeAfter(KEPT_FOR));
    effects
}

fn leave(state: &mut State, phase: Phase, how: Effect) -> Vec<Effect> {
    state.browser = None;
    state.is_kept = None;
    // The next session hears what the keychain still holds.
    state.left.retain(|left| *left == Left::InTheKeychain);
    state.phase = phase;
    state.help = false;
    forget_typed(state);
    focus(state, FocusTarget::SignIn);
    vec![how, Effect::ForgetClipboard]
}

/// The hub has not heard that the session is over: whoever left is told, as long as nobody has signed in since.
pub(super) fn not_told(state: &mut State) -> Vec<Effect> {
    // What they can go on with has not ended.
    if matches!(state.kept, Kept::Somebody(_)) {
        return Vec::new();
    }
    if let Phase::SignedOut { why: Some(why), .. } = &mut state.phase
        && matches!(
            why,
            SignedOutBecause::Asked | SignedOutBecause::Locked | SignedOutBecause::ComputerLocked
        )
    {
        *why = SignedOutBecause::NotTold;
    }
    Vec::new()
}

/// Whoever signed out does so in their browser, too, as long as nobody has signed in since. A lock does not go that far.
pub(super) fn signs_out_there(state: &mut State, has_browser: bool) -> Vec<Effect> {
    if let Phase::SignedOut { why: why @ Some(SignedOutBecause::Asked), .. } = &mut state.phase {
        *why = Some(SignedOutBecause::AskedThere { has_browser });
    }
    Vec::new()
}

pub(super) fn forget_kept(state: &mut State) {
    if let Phase::SignedOut { kept, .. } = &mut state.phase {
        *kept = None;
    }
}

/// Also says when to look again: each tick is the last that anybody asked for.
pub(super) fn forget_old(state: &mut State, now: Now) -> Option<Effect> {
    let Phase::SignedOut { kept, .. } = &mut state.phase else { return None };
    let left = KEPT_FOR.saturating_sub(now.tick.saturating_sub(kept.as_ref()?.since));
    if left.is_zero() {
        *kept = None;
        return None;
    }
    Some(Effect::WakeAfter(left))
}

fn is_old(kept: &KeptForm, now: Now) -> bool {
    now.tick.saturating_sub(kept.since) >= KEPT_FOR
}

pub(super) fn configured(state: &mut State, result: Result<Setup, String>) -> Vec<Effect> {
    if let Phase::NoConfiguration { problem } = &mut state.phase {
        match result {
            Ok(setup) => {
                let (can_demonstrate, prefill) = (state.setup.can_demonstrate, state.setup.prefill.take());
                state.setup = Setup { can_demonstrate, prefill, ..setup };
                state.phase = Phase::signed_out(None);
                focus(state, FocusTarget::SignIn);
                if state.setup.private_desk {
                    state.kept = Kept::Looking;
                    return vec![Effect::LookForKept];
                }
                return vec![Effect::EndEarlier];
            }
            Err(why) => *problem = Some(why),
        }
    }
    Vec::new()
}
