//! A patient on the desk: banner, answer, plans, contacts, receipt and history.

use super::screen::{Action, AnswerSlot, Banner, Fact, Patient, Prominence, Receipt};
use super::{answer, contact, history, plan, search, words};
use crate::domain::{Deceased, Notice, NoticeState, dates};
use crate::viewer::command::Command;
use crate::viewer::state::{Asked, Copying, Desk, InError, Now, Opened, PatientStage, Record, State};
use crate::viewer::update::may_say_in_error;

pub(super) fn patient(state: &State, desk: &Desk, stage: &PatientStage, now: Now) -> Patient {
    let at = state.hub_now(now);
    let site = &state.setup.site;
    let mut patient = Patient {
        banner: banner(stage, state.today(now)),
        answer: AnswerSlot::Asking("Asking CP-IS…".to_owned()),
        actions: Vec::new(),
        next_steps: Vec::new(),
        plans: Vec::new(),
        contacts: Vec::new(),
        receipt: None,
        history: None,
    };
    let new_search = |prominence| Action::new(Command::NewSearch, prominence);
    match &stage.record {
        Record::NotOpened => {
            patient.answer = AnswerSlot::Answered(answer::not_opened(&desk.session));
            if desk.session.may_open() {
                patient.actions.push(Action::new(Command::Open, Prominence::Primary));
            }
            patient.actions.push(new_search(Prominence::Secondary));
        }
        Record::Opening { .. } => patient.actions.push(new_search(Prominence::Secondary)),
        Record::Failed { failure, maybe_recorded, .. } => {
            patient.answer = AnswerSlot::Answered(answer::failed(*failure, *maybe_recorded, site));
            patient.next_steps = answer::next_steps(site);
            patient.actions.push(Action::new(Command::CheckAgain, Prominence::Primary));
            patient.actions.push(new_search(Prominence::Secondary));
        }
        Record::Opened(opened) => {
            let plans = answer::plans_of(&opened.answer);
            patient.answer = AnswerSlot::Answered(answer::opened(opened, site, state.today(now)));
            patient.next_steps = answer::next_steps(site);
            patient.plans = plans.iter().map(plan::card).collect();
            patient.contacts = contact::contacts(plans, at);
            patient.receipt = Some(receipt(opened));
            let history = history::history(&opened.history, !plans.is_empty());
            if let (AnswerSlot::Answered(panel), Some(summary), true) =
                (&mut patient.answer, &history.summary, history.summary_is_loud)
            {
                panel.lines.push(format!("{summary}: see who opened it"));
            }
            patient.history = Some(history);
            patient.actions = opened_actions(stage, now);
        }
    }
    patient
}

fn opened_actions(stage: &PatientStage, now: Now) -> Vec<Action> {
    let mut actions = vec![
        Action::new(Command::NewSearch, Prominence::Primary),
        Action::new(Command::CheckAgain, Prominence::Secondary),
        Action::new(Command::CopySummary, Prominence::Secondary),
    ];
    if may_say_in_error(stage, now) {
        actions.push(Action::new(Command::OpenedInError, Prominence::Quiet));
    }
    actions
}

fn banner(stage: &PatientStage, today: jiff::civil::Date) -> Banner {
    let person = stage.patient.person();
    // An age does not go on after death.
    let aged_on = match person.deceased {
        Deceased::On(day) => day,
        Deceased::No | Deceased::DateNotKnown => today,
    };
    let (born, born_spoken) = search::born_with_age(person.born, aged_on);
    let number = person.number.grouped();
    let mut marks = Vec::new();
    match person.deceased {
        Deceased::No => {}
        Deceased::DateNotKnown => marks.push("Recorded as deceased".to_owned()),
        Deceased::On(day) => marks.push(format!("Recorded as deceased on {}", dates::day(day))),
    }
    if stage.number_was_replaced {
        marks.push("The number that was typed has been replaced by this one".to_owned());
    }
    if person.multiple_birth.is_some() {
        marks.push("Twin or one of several: check the given name".to_owned());
    }
    marks.extend(search::postcode(stage.postcode));
    if person.restricted {
        marks.push("Restricted record".to_owned());
    }
    Banner {
        name: person.name.banner(),
        facts: vec![
            Fact { label: "Born".to_owned(), value: born, spoken: born_spoken },
            Fact::new("Gender", person.gender.label()),
            Fact { label: "NHS No.".to_owned(), spoken: format!("NHS number {number}"), value: number },
        ],
        marks,
        deceased: person.deceased != Deceased::No,
    }
}

fn receipt(opened: &Opened) -> Receipt {
    Receipt {
        headline: format!("Recorded {}, reference {}", dates::time(opened.at), opened.reference.as_str()),
        told: told(opened),
        warning: words::NOT_A_REFERRAL.to_owned(),
        notes: notes(opened),
    }
}

/// Who is told; never more than the hub said.
fn told(opened: &Opened) -> Vec<String> {
    match (&opened.status, opened.status.latest()) {
        (_, Some(status)) if status.silent => vec!["Social care has not been told".to_owned()],
        (_, Some(status)) if status.notices.is_empty() => vec!["No local authority was told".to_owned()],
        (_, Some(status)) => status.notices.iter().map(notice).collect(),
        (Asked::Failed(_), None) => {
            vec![
                "It is not known yet who is told. If a plan is held, count on its local authority being told"
                    .to_owned(),
            ]
        }
        (_, None) => vec!["Asking who is told…".to_owned()],
    }
}

fn notice(notice: &Notice) -> String {
    let (who, at) = (&notice.authority, dates::time(notice.at));
    match notice.state {
        NoticeState::Queued => format!("{who} will be told"),
        NoticeState::Delivered => format!("{who} has been told {at}"),
        NoticeState::Filed => format!("{who}: on the child's record {at}"),
        NoticeState::Returned => {
            format!("{who} could not be told so far; CP-IS keeps trying. Ring them")
        }
        NoticeState::ToldEarlier => {
            format!("{who} was told of your earlier view {at}, and is not told again")
        }
    }
}

/// What was done since.
fn notes(opened: &Opened) -> Vec<String> {
    let is_told = opened.status.latest().is_some_and(|status| !status.silent && !status.notices.is_empty());
    let in_error = match opened.in_error {
        InError::No => None,
        InError::Saying(_) => Some("Recording that it was opened in error…".to_owned()),
        InError::Said if is_told => {
            Some("Opened in error: recorded, and added to what social care is told".to_owned())
        }
        InError::Said => Some("Opened in error: recorded".to_owned()),
        InError::Failed(failure) => {
            Some(format!("Opened in error could not be recorded: {}. Try once more", words::cause(failure)))
        }
    };
    let copied = match &opened.copying {
        Copying::No => None,
        Copying::Recording { .. } | Copying::Putting(_) => Some("Copying…".to_owned()),
        Copying::Done => Some("Copied".to_owned()),
        Copying::NotRecorded(failure) => {
            Some(format!("Not copied, because the copy could not be recorded: {}", words::cause(*failure)))
        }
        Copying::NoClipboard => {
            Some("Not copied: this computer's clipboard did not take it. Write it down".to_owned())
        }
    };
    in_error.into_iter().chain(copied).collect()
}
