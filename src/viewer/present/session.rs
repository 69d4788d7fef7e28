//! Who is signed in, and what a screen reader says by itself.

use super::screen::{Action, Announcement, AnswerSlot, Body, PersonaButton, Prominence, SessionBar, SignIn};
use super::words;
use crate::domain::AnswerKind;
use crate::viewer::command::Command;
use crate::viewer::state::{BrowserAt, Desk, Kept, Persona, Remembered, Stage, State};

pub(super) fn bar(state: &State, desk: &Desk) -> SessionBar {
    let session = &desk.session;
    let mut actions = Vec::new();
    match &desk.stage {
        Stage::Patient(_) => actions.push(Action::new(Command::HidePatient, Prominence::Secondary)),
        Stage::Search(_) if !desk.form.is_empty() => {
            actions.push(Action::new(Command::HidePatient, Prominence::Secondary));
        }
        Stage::Search(_) | Stage::Hidden { .. } => {}
    }
    if session.may_notify && session.may_view_silently {
        actions.push(Action::new(Command::SwitchCare, Prominence::Quiet));
    }
    actions.push(Action::new(Command::Help, Prominence::Quiet));
    actions.push(Action::new(Command::Lock, Prominence::Secondary));
    actions.push(Action::new(Command::SignOut, Prominence::Secondary));
    let mut care = match (session.may_open(), session.is_silent()) {
        (false, _) => "Your role cannot open child protection information".to_owned(),
        (true, true) => "Scheduled care: social care is not told".to_owned(),
        (true, false) => "Unscheduled care: social care is told".to_owned(),
    };
    if session.switching.is_some() {
        care = "Switching between scheduled and unscheduled care…".to_owned();
    }
    if let Some(failure) = session.care_problem {
        care = format!("{care}. Not switched: {}", words::cause(failure));
    }
    SessionBar {
        name: session.name.clone(),
        role: session.role.clone(),
        organisation: session.organisation.clone(),
        care,
        care_is_silent: session.is_silent(),
        found_not_opened: match desk.found_not_opened.len() {
            0 => None,
            n => Some(format!("{n} found, not opened")),
        },
        note: match &desk.stage {
            Stage::Search(_) => note(state),
            // What is open has the room.
            Stage::Patient(_) | Stage::Hidden { .. } => None,
        },
        actions,
    }
}

/// What somebody has to do themselves here, since the computer does not.
fn note(state: &State) -> Option<String> {
    let keychain = match state.is_kept {
        Some(false) => Some(words::NOT_KEPT),
        Some(true) | None => None,
    };
    let lock = match state.tells_lock {
        Some(false) => Some(words::LOCK_NOT_TOLD),
        Some(true) | None => None,
    };
    let left = state.left.iter().copied().map(words::left);
    let all: Vec<&str> = left.chain(keychain).chain(lock).collect();
    if all.is_empty() { None } else { Some(all.join(". ")) }
}

/// And what could not be ended of the last session, a line each.
pub(super) fn with_left(state: &State, message: Option<String>) -> Option<String> {
    let left = state.left.iter().map(|left| words::left(*left).to_owned());
    let lines: Vec<String> = message.into_iter().chain(left).collect();
    if lines.is_empty() { None } else { Some(lines.join("\n")) }
}

/// Signing in at a hub, with the browser.
pub(super) fn by_browser(
    state: &State,
    hub: &str,
    message: Option<String>,
    signing_in: bool,
    interrupts: bool,
) -> SignIn {
    let cancel = Action::new(Command::CancelSignIn, Prominence::Secondary);
    if let (Kept::Somebody(somebody), false) = (&state.kept, signing_in) {
        return go_on(somebody, hub, message, interrupts);
    }
    let (heading, intro, actions) = match (&state.browser, signing_in) {
        (_, false) if state.kept == Kept::Looking => {
            ("Sign in", vec!["Looking whether you can go on with your last session…".to_owned()], Vec::new())
        }
        (_, false) => (
            "Sign in",
            vec![
                "Your web browser opens your organisation's sign-in page. No password is typed here.".to_owned(),
                service(hub),
            ],
            vec![Action::new(Command::SignInByBrowser, Prominence::Primary)],
        ),
        (None, true) => ("Signing in", Vec::new(), vec![cancel]),
        (Some(browser), true) if browser.has_opened => (
            "Go on in your web browser",
            vec![
                "Sign in there. This window goes on by itself.".to_owned(),
                "If no page has opened, copy its address into a web browser on this computer.".to_owned(),
            ],
            vec![Action::new(Command::CopyAddress, Prominence::Secondary), cancel],
        ),
        (Some(browser), true) => (
            "No web browser could be opened",
            vec![
                "Copy this address into a web browser on this computer, and sign in there. This window goes on by itself."
                    .to_owned(),
                browser.address.clone(),
            ],
            vec![Action::new(Command::CopyAddress, Prominence::Primary), cancel],
        ),
    };
    let (heading, personas) = (heading.to_owned(), Vec::new());
    let message = message.filter(|_| !signing_in);
    let number = state.browser.as_ref().filter(|_| signing_in).map(number);
    SignIn { heading, intro, number, message, interrupts, personas, actions }
}

fn service(hub: &str) -> String {
    format!("Service: {}", hub.split_once("://").map_or(hub, |(_, host)| host))
}

/// Whoever is on another page than the one that this window has opened does not press there.
fn number(browser: &BrowserAt) -> (String, String) {
    let shown = format!("After you have signed in there, check that the page shows {}", browser.number);
    (
        shown,
        "You do not type this number anywhere. If the page shows another one, do not go on there.".to_owned(),
    )
}

/// Somebody's session is kept here: nothing of it is used before they say that it is them.
fn go_on(somebody: &Remembered, hub: &str, message: Option<String>, interrupts: bool) -> SignIn {
    let name = format!("Continue as {}", somebody.name);
    SignIn {
        heading: name.clone(),
        intro: vec![
            format!("{}, {}", somebody.role, somebody.organisation),
            "Your session on this computer is still there.".to_owned(),
            service(hub),
        ],
        number: None,
        message,
        interrupts,
        personas: Vec::new(),
        actions: vec![
            Action { label: name, ..Action::new(Command::Continue, Prominence::Primary) },
            Action::new(Command::SignInAsSomebodyElse, Prominence::Secondary),
        ],
    }
}

pub(super) fn persona((index, persona): (usize, &Persona)) -> PersonaButton {
    PersonaButton {
        label: format!("Sign in as {}, {}, {}", persona.name, persona.role, persona.organisation),
        name: persona.name.clone(),
        role: persona.role.clone(),
        organisation: persona.organisation.clone(),
        note: persona.note.clone(),
        command: Command::SignIn(index),
    }
}

/// Heard across the desk: the answer's kind alone, never a name, a number or a plan's kind (H29).
pub(super) fn announcement(body: &Body) -> Announcement {
    let quiet = |text: &str| Announcement { text: text.to_owned(), assertive: false };
    match body {
        Body::Notice(notice) => {
            Announcement { assertive: notice.heading == words::HUB_LOST, ..quiet(&notice.heading) }
        }
        Body::SignIn(sign_in) => {
            let heading = if sign_in.personas.is_empty() { sign_in.heading.as_str() } else { "" };
            // Its first line: the others are there to be read.
            let text =
                sign_in.message.as_deref().and_then(|message| message.lines().next()).unwrap_or(heading);
            Announcement { assertive: sign_in.interrupts, ..quiet(text) }
        }
        Body::Search(search) if search.gender_error.is_some() => {
            quiet(search.gender_error.as_deref().unwrap_or_default())
        }
        Body::Search(search) => match (&search.progress, &search.outcome, &search.candidates_heading) {
            (Some(progress), _, _) => quiet(progress),
            (None, Some(outcome), _) => of_answer(outcome.kind),
            (None, None, Some(heading)) => quiet(heading),
            (None, None, None) => Announcement::default(),
        },
        Body::Patient(patient) => match &patient.answer {
            AnswerSlot::Asking(progress) => quiet(progress),
            AnswerSlot::Answered(panel) => {
                match patient.receipt.as_ref().and_then(|receipt| receipt.notes.last()) {
                    // The answer has been announced; what was done since is said without it.
                    Some(note) => quiet(note),
                    None => of_answer(panel.kind),
                }
            }
        },
    }
}

fn of_answer(kind: AnswerKind) -> Announcement {
    let text = match kind {
        AnswerKind::Alert => "Alert. Read the child protection information",
        AnswerKind::PastPlan => "Past plan. Read the child protection information",
        AnswerKind::NothingHeld => "Nothing held. This must not lower your concern",
        AnswerKind::NotChecked => "Not checked. You do not have an answer yet",
        AnswerKind::CouldNotCheck => "Could not check. You do not have an answer",
    };
    let assertive = match kind {
        AnswerKind::Alert | AnswerKind::CouldNotCheck => true,
        AnswerKind::PastPlan | AnswerKind::NothingHeld | AnswerKind::NotChecked => false,
    };
    Announcement { text: text.to_owned(), assertive }
}
