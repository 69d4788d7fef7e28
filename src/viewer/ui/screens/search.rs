//! The search: the form, and beside it what came of it.

use eframe::egui::{EventFilter, Id, Key, Response, Ui, Vec2};

use super::answer::{self, Framed};
use crate::domain::Gender;
use crate::viewer::command::{Command, Field};
use crate::viewer::present::screen::{CandidateRow, FocusTarget, FormField, Search};
use crate::viewer::ui::theme::{self, Size, space};
use crate::viewer::ui::turn::Turn;
use crate::viewer::ui::widgets::{
    self, Field as TextField, Written, card, choice, heading, line, scroll, segment, two_columns,
};

/// The genders to choose from, in the order shown. The first is any.
const GENDERS: [Option<Gender>; 5] =
    [None, Some(Gender::Female), Some(Gender::Male), Some(Gender::Other), Some(Gender::Unknown)];

/// Draws it.
pub(crate) fn draw(ui: &mut Ui, search: &Search, turn: &mut Turn) {
    scroll(ui, ("search", turn.generation), |ui| {
        ui.add_space(space::M);
        heading(ui, 1, &search.heading, Size::Headline);
        ui.add_space(space::XS);
        let found = search.outcome.is_some() || !search.candidates.is_empty();
        if found && widgets::narrow(ui) {
            // Under the form it would be out of sight.
            beside(ui, search, turn);
            ui.add_space(space::S);
            form(ui, search, turn);
            return;
        }
        two_columns(ui, 0.48, turn, |ui, turn| form(ui, search, turn), |ui, turn| beside(ui, search, turn));
    });
}

fn form(ui: &mut Ui, search: &Search, turn: &mut Turn) {
    card(ui, |ui| {
        let (by_number, without): (Vec<&FormField>, Vec<&FormField>) = search
            .fields
            .iter()
            .partition(|entry| matches!(entry.field, Field::NhsNumber | Field::DateOfBirth));
        fields(ui, &by_number, turn);
        ui.add_space(space::S);
        widgets::rule(ui);
        ui.add_space(space::XS);
        line(ui, theme::text(&search.without_number, Size::Body));
        ui.add_space(space::XS);
        fields(ui, &without, turn);
        ui.add_space(space::XS);
        gender(ui, search, turn);
        ui.add_space(space::S);
        if let Some(note) = &search.form_note {
            line(ui, theme::text(note, Size::Body));
        }
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = Vec2::splat(space::S + space::XS);
            turn.action(ui, &search.find);
            for action in &search.actions {
                turn.action(ui, action);
            }
            if let Some(progress) = &search.progress {
                line(ui, theme::strong(progress, Size::Lead));
            }
        });
    });
}

/// Two beside each other, as long as there is room for what is typed.
fn fields(ui: &mut Ui, entries: &[&FormField], turn: &mut Turn) {
    let columns: usize = if ui.available_width() < 420.0 { 1 } else { 2 };
    let width = ((ui.available_width() - space::L * (columns as f32 - 1.0)) / columns as f32).floor();
    for row in entries.chunks(columns) {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = space::L;
            for entry in row {
                field(ui, entry, width, turn);
            }
        });
        ui.add_space(space::XS);
    }
}

fn field(ui: &mut Ui, entry: &FormField, width: f32, turn: &mut Turn) {
    let mut text = entry.text.clone();
    let drawn = TextField::new(entry.field.label(), turn.generation)
        .hint(&entry.hint)
        .error(entry.error.as_deref())
        .width(width.min(280.0));
    let response = drawn.show(ui, &mut text);
    turn.offer_focus(FocusTarget::Field(entry.field), &response);
    if text != entry.text {
        turn.ask(Command::Typed(entry.field, text));
    }
}

fn gender(ui: &mut Ui, search: &Search, turn: &mut Turn) {
    let words = GENDERS.map(|gender| gender.map_or("Any", Gender::label));
    let picked = GENDERS.iter().position(|gender| *gender == search.gender).unwrap_or(0);
    let label = Command::ChooseGender(None).label();
    let buttons = segment(ui, label, search.gender_error.as_deref(), &words, picked);
    if let Some(first) = buttons.first() {
        turn.offer_focus(FocusTarget::Gender, first);
    }
    for (response, gender) in buttons.iter().zip(GENDERS) {
        turn.press(response, &Command::ChooseGender(gender));
    }
}

fn beside(ui: &mut Ui, search: &Search, turn: &mut Turn) {
    if let Some(outcome) = &search.outcome {
        let framed = Framed::usual(ui);
        ui.scope(|ui| answer::draw(ui, outcome, &search.outcome_actions, framed, turn));
        answer::rest(ui, outcome, &search.outcome_actions, framed, turn);
        ui.add_space(space::S);
        super::patient::next_steps(ui, &search.next_steps);
    } else {
        turn.actions(ui, &search.outcome_actions);
    }
    if let Some(words) = &search.candidates_heading {
        heading(ui, 2, words, Size::Lead);
    }
    candidates(ui, &search.candidates, turn);
    if !search.guidance.is_empty() {
        card(ui, |ui| {
            for (number, words) in search.guidance.iter().enumerate() {
                let text = if number == 0 {
                    theme::strong(words, Size::Body)
                } else {
                    theme::text(words, Size::Body)
                };
                line(ui, text);
            }
        });
    }
}

fn candidates(ui: &mut Ui, rows: &[CandidateRow], turn: &mut Turn) {
    ui.spacing_mut().item_spacing.y = space::S + space::XS;
    let mut responses = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let response = candidate(ui, row, turn.generation, index);
        turn.offer_focus(FocusTarget::Candidate(index), &response);
        turn.press(&response, &row.command);
        responses.push(response);
    }
    let Some(at) = responses.iter().position(Response::has_focus) else { return };
    let step = ui.input(|input| {
        i32::from(input.key_pressed(Key::ArrowDown)) - i32::from(input.key_pressed(Key::ArrowUp))
    });
    let to = if step > 0 { at.saturating_add(1) } else { at.saturating_sub(1) };
    if let (true, Some(response)) = (step != 0 && to != at, responses.get(to)) {
        response.request_focus();
    }
}

fn candidate(ui: &mut Ui, row: &CandidateRow, generation: u64, index: usize) -> Response {
    let t = theme::tokens();
    let mut written = Written::new(ui);
    written.line(ui, &row.name, theme::bold(Size::Lead), t.text);
    let cells = [(row.born.as_str(), 0.42), (row.gender.as_str(), 0.2), (row.number.as_str(), 0.38)];
    written.row(ui, &cells, &theme::regular(Size::Body), t.text);
    written.chips(ui, &row.marks);
    let id = Id::unique(("cpis candidate", generation, index));
    let response = choice(ui, &row.spoken, Some(id), written);
    // The arrows move in the list and nowhere else.
    let filter = EventFilter { vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    response
}
