//! Opening the record of the patient on the desk, and what follows from it.

use std::time::Duration;

use super::{HISTORY_EVERY, HISTORY_TRIES, IN_ERROR_FOR, STATUS_EVERY, STATUS_FOR, focus, next_ask};
use crate::domain::{
    AccessStatus, Answer, CareSetting, Failure, HistoryReading, NoticeState, PlansAnswer, Report, View, dates,
};
use crate::viewer::effect::Effect;
use crate::viewer::present;
use crate::viewer::present::screen::FocusTarget;
use crate::viewer::state::{
    Asked, Copying, Desk, HubClock, InError, Now, Opened, PatientStage, Record, Stage, State, ViewId,
};

/// The hub keeps a view's id for ten minutes; a retry later than this begins a new view.
const VIEW_ID_FOR: Duration = Duration::from_secs(9 * 60);

fn visible_patient(state: &mut State) -> Option<&mut PatientStage> {
    match &mut state.desk_mut()?.stage {
        Stage::Patient(patient) => Some(patient),
        Stage::Search(_) | Stage::Hidden { .. } => None,
    }
}

fn opened_mut(state: &mut State) -> Option<&mut Opened> {
    match &mut state.desk_mut()?.patient_mut()?.record {
        Record::Opened(opened) => Some(opened),
        Record::NotOpened | Record::Opening { .. } | Record::Failed { .. } => None,
    }
}

/// A person who was found and is left without opening, by somebody who may open, is counted, in memory only
/// (H23).
pub(super) fn count_if_not_opened(desk: &mut Desk) {
    let may_open = desk.session.may_open();
    let Some(patient) = desk.patient_mut() else { return };
    let number = patient.patient.person().number;
    match patient.record {
        Record::NotOpened | Record::Failed { .. } if may_open => {
            desk.found_not_opened.insert(number);
        }
        Record::Opened(_) => {
            desk.found_not_opened.remove(&number);
        }
        Record::NotOpened | Record::Failed { .. } | Record::Opening { .. } => {}
    }
}

/// Opens, if the role allows it, and not while it is being decided whether social care is told.
pub(super) fn open(state: &mut State, now: Now) -> Vec<Effect> {
    let Some(view) = fresh_view(state, now) else { return Vec::new() };
    let Some(patient) = visible_patient(state) else { return Vec::new() };
    match patient.record {
        Record::NotOpened => ask(state, view, false),
        Record::Opening { .. } | Record::Failed { .. } | Record::Opened(_) => Vec::new(),
    }
}

/// Asks again. After a failure it is still the same view, unless care was switched; after an answer it is a
/// new one.
pub(super) fn check_again(state: &mut State, now: Now) -> Vec<Effect> {
    let Some(fresh) = fresh_view(state, now) else { return Vec::new() };
    let Some(patient) = visible_patient(state) else { return Vec::new() };
    let (view, maybe_recorded) = match &patient.record {
        Record::Failed { view, maybe_recorded, .. } => {
            let is_kept = now.tick.saturating_sub(view.since) < VIEW_ID_FOR && view.care == fresh.care;
            (if is_kept { *view } else { fresh }, *maybe_recorded)
        }
        Record::Opened(_) => (fresh, false),
        Record::NotOpened | Record::Opening { .. } => return Vec::new(),
    };
    ask(state, view, maybe_recorded)
}

fn fresh_view(state: &State, now: Now) -> Option<ViewId> {
    let session = &state.desk()?.session;
    if !session.may_open() || session.switching.is_some() {
        return None;
    }
    let care = if session.is_silent() { CareSetting::Scheduled } else { CareSetting::Unscheduled };
    Some(ViewId { trace: now.fresh, since: now.tick, care })
}

fn ask(state: &mut State, view: ViewId, maybe_recorded: bool) -> Vec<Effect> {
    let ask = next_ask(state);
    let Some(patient) = visible_patient(state) else { return Vec::new() };
    // The last answer goes: no old answer stands beside a question.
    patient.record = Record::Opening { ask, view, maybe_recorded };
    let number = patient.patient.person().number;
    focus(state, FocusTarget::Answer);
    vec![Effect::OpenPlans(ask, View { number, trace: view.trace, care: view.care })]
}

pub(super) fn answered(
    state: &mut State,
    answered: u64,
    result: Result<PlansAnswer, Failure>,
    now: Now,
) -> Vec<Effect> {
    let Some(desk) = state.desk_mut() else { return Vec::new() };
    let Some(patient) = desk.patient_mut() else { return Vec::new() };
    let (view, maybe_recorded) = match &patient.record {
        Record::Opening { ask, view, maybe_recorded } if *ask == answered => (*view, *maybe_recorded),
        Record::NotOpened | Record::Opening { .. } | Record::Failed { .. } | Record::Opened(_) => {
            return Vec::new();
        }
    };
    let effects = match result {
        Err(failure) => {
            let maybe_recorded = maybe_recorded || failure.may_have_been_recorded();
            patient.record = Record::Failed { failure, view, maybe_recorded };
            Vec::new()
        }
        Ok(plans) => {
            let (at, reference) = (plans.at, plans.reference);
            let person = patient.patient.person();
            let answer = Answer::of(person, plans.reading, dates::london_day(at));
            let number = person.number;
            if !patient.views.contains(&reference) {
                patient.views.insert(0, reference.clone());
            }
            patient.first_view.get_or_insert(now.tick);
            // One number serves for history, state, copies: they all belong to this answer.
            patient.record = Record::Opened(Box::new(Opened {
                answer,
                reference: reference.clone(),
                at,
                tick: now.tick,
                view,
                silent: view.care == CareSetting::Scheduled,
                history: Asked::UnderWay { ask: answered, before: None },
                status: Asked::UnderWay { ask: answered, before: None },
                status_asked: now.tick,
                in_error: InError::No,
                history_tries: 1,
                copying: Copying::No,
            }));
            desk.found_not_opened.remove(&number);
            desk.answered_covered = matches!(desk.stage, Stage::Hidden { .. });
            state.hub_clock = Some(HubClock { at, tick: now.tick });
            let view = View { number, trace: view.trace, care: view.care };
            vec![Effect::History(answered, view), Effect::Status(answered, reference)]
        }
    };
    focus(state, FocusTarget::Answer);
    effects
}

pub(super) fn history(
    state: &mut State,
    answered: u64,
    result: Result<HistoryReading, Failure>,
) -> Vec<Effect> {
    if let Some(opened) = opened_mut(state) {
        settle(&mut opened.history, answered, result);
    }
    Vec::new()
}

pub(super) fn status(state: &mut State, answered: u64, result: Result<AccessStatus, Failure>) -> Vec<Effect> {
    let Some(opened) = opened_mut(state) else { return Vec::new() };
    let result = match result {
        Ok(status) if status.reference != opened.reference => Err(Failure::Unreadable),
        other => other,
    };
    settle(&mut opened.status, answered, result);
    if may_change(opened) { vec![Effect::WakeAfter(STATUS_EVERY)] } else { Vec::new() }
}

fn settle<T: Clone>(asked: &mut Asked<T>, answered: u64, result: Result<T, Failure>) {
    if let Asked::UnderWay { ask, before } = asked
        && *ask == answered
    {
        *asked = match (result, before.take()) {
            (Ok(value), _) | (Err(_), Some(value)) => Asked::Here(value),
            (Err(failure), None) => Asked::Failed(failure),
        };
    }
}

/// Not known yet, or something is not yet filed.
fn may_change(opened: &Opened) -> bool {
    opened.status.latest().is_none_or(|status| {
        status.notices.iter().any(|notice| match notice.state {
            NoticeState::Queued | NoticeState::Delivered | NoticeState::Returned => true,
            NoticeState::Filed | NoticeState::ToldEarlier => false,
        })
    })
}

pub(super) fn ask_status_again(state: &mut State, now: Now) -> Vec<Effect> {
    let ask = state.last_ask + 1;
    let Some(opened) = opened_mut(state) else { return Vec::new() };
    let is_waiting = matches!(opened.status, Asked::UnderWay { .. });
    let age = now.tick.saturating_sub(opened.tick);
    if is_waiting || !may_change(opened) || age > STATUS_FOR {
        return Vec::new();
    }
    let since = now.tick.saturating_sub(opened.status_asked);
    if since < STATUS_EVERY {
        return vec![Effect::WakeAfter(STATUS_EVERY.saturating_sub(since))];
    }
    opened.status_asked = now.tick;
    opened.status = Asked::UnderWay { ask, before: opened.status.latest().cloned() };
    let reference = opened.reference.clone();
    state.last_ask = ask;
    vec![Effect::Status(ask, reference)]
}

/// A history that failed is asked for a few times more: opening again would be another recorded view.
pub(super) fn ask_history_again(state: &mut State, now: Now) -> Vec<Effect> {
    let ask = state.last_ask + 1;
    let Some(patient) = visible_patient(state) else { return Vec::new() };
    let number = patient.patient.person().number;
    let Record::Opened(opened) = &mut patient.record else { return Vec::new() };
    if !matches!(opened.history, Asked::Failed(_)) || opened.history_tries >= HISTORY_TRIES {
        return Vec::new();
    }
    let due = opened.tick + HISTORY_EVERY * u32::from(opened.history_tries);
    if now.tick < due {
        return vec![Effect::WakeAfter(due.saturating_sub(now.tick))];
    }
    opened.history_tries += 1;
    opened.history = Asked::UnderWay { ask, before: None };
    let view = View { number, trace: opened.view.trace, care: opened.view.care };
    state.last_ask = ask;
    vec![Effect::HistoryAgain(ask, view)]
}

/// Says it of every view of this patient, newest first: an earlier one may be the one that was told.
pub(super) fn say_opened_in_error(state: &mut State, now: Now) -> Vec<Effect> {
    let ask = state.last_ask + 1;
    let Some(patient) = visible_patient(state) else { return Vec::new() };
    if !may_say_in_error(patient, now) {
        return Vec::new();
    }
    let views = patient.views.clone();
    let Record::Opened(opened) = &mut patient.record else { return Vec::new() };
    opened.in_error = InError::Saying(ask);
    state.last_ask = ask;
    vec![Effect::OpenedInError(ask, views)]
}

/// Whether "opened in error" can still be said of this patient's views: ten minutes from the first.
#[must_use]
pub fn may_say_in_error(patient: &PatientStage, now: Now) -> bool {
    let Record::Opened(opened) = &patient.record else { return false };
    let is_in_time = patient.first_view.is_some_and(|first| now.tick.saturating_sub(first) < IN_ERROR_FOR);
    match opened.in_error {
        InError::No | InError::Failed(_) => is_in_time,
        InError::Saying(_) | InError::Said => false,
    }
}

pub(super) fn opened_in_error(state: &mut State, answered: u64, result: Result<(), Failure>) -> Vec<Effect> {
    if let Some(opened) = opened_mut(state)
        && opened.in_error == InError::Saying(answered)
    {
        opened.in_error = match result {
            Ok(()) => InError::Said,
            Err(failure) => InError::Failed(failure),
        };
    }
    Vec::new()
}

pub(super) fn copy_number(state: &mut State, contact: usize, line: usize, now: Now) -> Vec<Effect> {
    let at = state.hub_now(now);
    let number = visible_opened(state).and_then(|opened| {
        let cards = present::contacts(present::plans_of(&opened.answer), at);
        let line = cards.get(contact)?.lines.get(line)?;
        line.copy.as_ref().map(|_| line.number.clone())
    });
    copy(state, Report::NumberCopied, number)
}

pub(super) fn copy_summary(state: &mut State, now: Now) -> Vec<Effect> {
    let at = state.hub_now(now);
    let text = state.desk().and_then(|desk| present::summary(desk, at));
    copy(state, Report::SummaryCopied, text)
}

fn visible_opened(state: &mut State) -> Option<&mut Opened> {
    match &mut visible_patient(state)?.record {
        Record::Opened(opened) => Some(opened),
        Record::NotOpened | Record::Opening { .. } | Record::Failed { .. } => None,
    }
}

fn copy(state: &mut State, report: Report, text: Option<String>) -> Vec<Effect> {
    let ask = state.last_ask + 1;
    let (Some(text), Some(opened)) = (text, visible_opened(state)) else { return Vec::new() };
    opened.copying = Copying::Recording { ask, text };
    let reference = opened.reference.clone();
    state.last_ask = ask;
    vec![Effect::ReportCopy(ask, reference, report)]
}

/// What is covered in the middle of a copy is not copied: nothing says later that it was.
pub(super) fn stop_copying(stage: &mut Stage) {
    if let Stage::Patient(patient) = stage
        && let Record::Opened(opened) = &mut patient.record
    {
        opened.copying = Copying::No;
    }
}

/// Recorded: now it is made, if the patient whose it is can still be seen.
pub(super) fn copy_recorded(state: &mut State, answered: u64, result: Result<(), Failure>) -> Vec<Effect> {
    let Some(opened) = visible_opened(state) else { return Vec::new() };
    let Copying::Recording { ask, text } = &opened.copying else { return Vec::new() };
    if *ask != answered {
        return Vec::new();
    }
    match result {
        Ok(()) => {
            let effect = Effect::PutOnClipboard { ask: Some(answered), text: text.clone() };
            opened.copying = Copying::Putting(answered);
            vec![effect]
        }
        Err(failure) => {
            opened.copying = Copying::NotRecorded(failure);
            Vec::new()
        }
    }
}

pub(super) fn on_clipboard(state: &mut State, answered: u64, is_there: bool) -> Vec<Effect> {
    match visible_opened(state) {
        Some(opened) if opened.copying == Copying::Putting(answered) => {
            opened.copying = if is_there { Copying::Done } else { Copying::NoClipboard };
            Vec::new()
        }
        // The patient was left meanwhile: it must not stay there.
        Some(_) | None => vec![Effect::ForgetClipboard],
    }
}
