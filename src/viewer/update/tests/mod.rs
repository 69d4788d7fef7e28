//! The state machine as tables and short stories, without a window.

mod leaving;
mod lost;
mod opening;
mod over;
mod searching;

use super::update;
use crate::domain::{
    AccessReference, AccessStatus, CareSetting, Dated, Failure, Gender, HistoryReading, NhsNumber, Notice,
    NoticeState, Person, PlanKind, SearchReading, View,
};
use crate::viewer::command::{Command, Field};
use crate::viewer::effect::Effect;
use crate::viewer::event::Event;
use crate::viewer::present;
use crate::viewer::present::screen::FocusTarget;
use crate::viewer::state::{NotFound, Phase, Prefill, Record, SearchStage, Session, Stage, State, WhyChoose};
use crate::viewer::tests::people::*;

fn record(state: &State) -> &Record {
    let Some(Stage::Patient(patient)) = state.desk().map(|desk| &desk.stage) else { panic!("a patient") };
    &patient.record
}

fn search(state: &State) -> &SearchStage {
    let Some(Stage::Search(search)) = state.desk().map(|desk| &desk.stage) else { panic!("a search") };
    search
}

fn give(state: &mut State, command: Command, at: u64) -> Vec<Effect> {
    update(state, Event::pointed(command), now(at))
}

fn opened_view(effects: &[Effect]) -> Option<View> {
    effects.iter().find_map(|effect| if let Effect::OpenPlans(_, view) = effect { Some(*view) } else { None })
}

fn key(state: &mut State, command: Command, at: u64) -> Vec<Effect> {
    update(state, Event::keyed(command), now(at))
}

fn by_name(state: &mut State, gender: Option<Gender>) -> u64 {
    type_into(state, Field::FamilyName, "Hart", 500);
    type_into(state, Field::DateOfBirth, "14-Jul-2019", 500);
    give(state, Command::ChooseGender(gender), 500);
    let effects = give(state, Command::Find, 500);
    let Some(Effect::Search(ask, _)) = effects.first() else { panic!("asked: {effects:?}") };
    *ask
}
