//! Presenters: from state to a screen of finished words. Pure, and tested as tables.
//!
//! Every wording and every decision about what is said stands here, so that it can be read, reviewed by a
//! clinician and tested without a window.

mod answer;
mod contact;
mod history;
mod patient;
mod plan;
pub mod screen;
mod search;
mod session;
mod summary;
pub mod words;

pub use answer::plans_of;
pub use contact::contacts;
pub use screen::Screen;
pub use summary::{SUMMARY_BEGINS, summary};

use screen::{Action, Body, Help, Notice, Prominence, SignIn};

use super::command::Command;
use super::state::{Cover, Now, Phase, SignedOutBecause, Stage, State};

/// The window's title. Never anything of a patient.
#[must_use]
pub fn title(state: &State) -> &'static str {
    if state.setup.demonstration {
        "Child protection information (demonstration)"
    } else {
        "Child protection information"
    }
}

/// The whole screen.
#[must_use]
pub fn screen(state: &State, now: Now) -> Screen {
    let body = body(state, now);
    Screen {
        generation: state.generation,
        strip: strip(state),
        strip_action: page(state),
        announcement: session::announcement(&body),
        focus: state.focus,
        session: state.desk().map(|desk| session::bar(state, desk)),
        help: state.help.then(help),
        body,
    }
}

fn strip(state: &State) -> Option<String> {
    if state.setup.demonstration {
        let page = state.setup.page.as_deref();
        let page = page.map(|page| format!(". The local authority's page: {page}")).unwrap_or_default();
        Some(format!("Demonstration: synthetic people{page}"))
    } else if state.synthetic {
        Some("This hub holds synthetic people only: not for patients".to_owned())
    } else {
        None
    }
}

/// The way to the other end of the demonstration.
fn page(state: &State) -> Option<Action> {
    let is_offered = state.setup.demonstration && state.setup.page.is_some();
    is_offered.then(|| Action::new(Command::OpenPage, Prominence::Quiet))
}

fn body(state: &State, now: Now) -> Body {
    match &state.phase {
        Phase::NoConfiguration { problem } => Body::Notice(no_configuration(state, problem.as_deref())),
        Phase::SignedOut { why, signing_in, kept } => sign_in(state, *why, *signing_in, kept.is_some()),
        Phase::Desk(desk) => match &desk.stage {
            Stage::Search(search) => Body::Search(search::search(state, desk, search)),
            Stage::Patient(patient) => Body::Patient(patient::patient(state, desk, patient, now)),
            Stage::Hidden { why: Cover::Asked, .. } => Body::Notice(hidden()),
            Stage::Hidden { why: Cover::HubIsLost, .. } => {
                let heading = if desk.waits_for_input { words::PRESS_A_KEY } else { words::HUB_LOST };
                Body::Notice(hub_is_lost(state, heading))
            }
        },
    }
}

fn no_configuration(state: &State, problem: Option<&str>) -> Notice {
    let can_demonstrate = state.setup.can_demonstrate;
    let mut text = vec!["This computer has not been told which hub to use.".to_owned()];
    text.push(
        if can_demonstrate {
            "Open the configuration file that your IT department gave you, or look around in the demonstration."
        } else {
            "Open the configuration file that your IT department gave you."
        }
        .to_owned(),
    );
    text.extend(problem.map(|why| format!("The file was not taken: {why}")));
    let mut actions = vec![Action::new(Command::OpenConfiguration, Prominence::Primary)];
    if can_demonstrate {
        actions.push(Action::new(Command::StartDemonstration, Prominence::Secondary));
    }
    Notice { heading: "No hub is set up".to_owned(), text, actions }
}

fn hub_is_lost(state: &State, heading: &str) -> Notice {
    let mut notice = Notice {
        heading: heading.to_owned(),
        text: vec![
            "What was open is covered until the connection is back: then it is shown again by itself."
                .to_owned(),
            format!("{}.", words::NO_ANSWER),
            "After 2 minutes the patient is gone from this screen.".to_owned(),
            "Press F8 to keep it covered when the connection is back.".to_owned(),
        ],
        actions: vec![
            Action {
                label: "Keep it covered".to_owned(),
                ..Action::new(Command::HidePatient, Prominence::Secondary)
            },
            Action::new(Command::NewSearch, Prominence::Secondary),
        ],
    };
    notice.text.extend(answer::next_steps(&state.setup.site));
    notice
}

fn hidden() -> Notice {
    Notice {
        heading: "Patient hidden".to_owned(),
        text: vec![
            "Press F8 to show the patient again. After 2 minutes it is gone from this screen.".to_owned(),
        ],
        actions: vec![
            Action {
                label: "Show patient".to_owned(),
                ..Action::new(Command::HidePatient, Prominence::Primary)
            },
            Action::new(Command::NewSearch, Prominence::Secondary),
        ],
    }
}

fn sign_in(state: &State, why: Option<SignedOutBecause>, signing_in: bool, has_kept: bool) -> Body {
    let message = if signing_in {
        Some("Signing in…".to_owned())
    } else {
        why.map(|why| match why {
            SignedOutBecause::Asked => words::SIGNED_OUT.to_owned(),
            SignedOutBecause::Locked => words::LOCKED.to_owned(),
            SignedOutBecause::ComputerLocked => words::computer_locked(state.removed_unread),
            SignedOutBecause::NotTold if state.removed_unread => {
                format!("{}. {}", words::SIGNED_OUT_UNHEARD, words::REMOVED_UNREAD)
            }
            SignedOutBecause::NotTold => words::SIGNED_OUT_UNHEARD.to_owned(),
            SignedOutBecause::KeychainIsSilent => words::KEYCHAIN_IS_SILENT.to_owned(),
            // The demonstration's people have no browser, and are asked nothing.
            SignedOutBecause::AskedThere { .. } if !state.setup.personas.is_empty() => {
                words::SIGNED_OUT.to_owned()
            }
            SignedOutBecause::AskedThere { has_browser } => words::signed_out_there(has_browser),
            SignedOutBecause::Failed(failure) => {
                let why = format!("Signing in did not work: {}. Try again", words::cause(failure));
                without(state, why)
            }
            SignedOutBecause::NotSignedIn(why) => without(state, words::not_signed_in(why)),
            SignedOutBecause::Ended(over) if state.removed_unread => {
                format!("{}. {}", words::session_over(over, has_kept), words::REMOVED_UNREAD)
            }
            SignedOutBecause::Ended(over) => words::session_over(over, has_kept),
        })
    };
    let message = if signing_in { message } else { session::with_left(state, message) };
    if let Some(hub) = &state.setup.hub {
        let interrupts = matches!(why, Some(SignedOutBecause::Ended(_)));
        return Body::SignIn(session::by_browser(state, hub, message, signing_in, interrupts));
    }
    Body::SignIn(SignIn {
        heading: "Choose who you are for this demonstration".to_owned(),
        intro: vec![
            "Everybody in it is made up. What you do here is recorded in the demonstration's own hub and told to nobody outside it.".to_owned(),
        ],
        number: None,
        message,
        interrupts: matches!(why, Some(SignedOutBecause::Ended(_))) && !signing_in,
        personas: state.setup.personas.iter().enumerate().map(session::persona).collect(),
        actions: Vec::new(),
    })
}

/// That somebody cannot ask here, and does not have to wait for it: a line each.
fn without(state: &State, why: String) -> String {
    let site = &state.setup.site;
    let mut lines = vec![why, words::NOT_SIGNED_IN_YET.to_owned()];
    lines.extend(answer::next_steps(site));
    lines.extend(site.it_help.as_ref().map(|it| format!("{}: {}", it.name, it.telephone.as_sent())));
    lines.join("\n")
}

fn help() -> Help {
    let row = |command: &Command| {
        let key = command.shortcut().map(super::command::Shortcut::shown).unwrap_or_default();
        (key, command.label().to_owned(), command.hint().to_owned())
    };
    Help { heading: "Keys".to_owned(), rows: Command::WITH_KEYS.iter().map(row).collect() }
}

#[cfg(test)]
mod tests;
