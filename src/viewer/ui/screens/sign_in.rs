//! Choosing who signs in.

use eframe::egui::Ui;

use crate::viewer::present::screen::{FocusTarget, PersonaButton, SignIn};
use crate::viewer::ui::theme::{self, Size, space};
use crate::viewer::ui::turn::Turn;
use crate::viewer::ui::widgets::{Written, choice, heading, line, notice_box, scroll};

const WIDTH: f32 = 960.0;

/// Draws it.
pub(crate) fn draw(ui: &mut Ui, sign_in: &SignIn, turn: &mut Turn) {
    scroll(ui, ("sign in", turn.generation), |ui| {
        let spare = (ui.available_width() - WIDTH).max(0.0);
        ui.add_space(if spare > 0.0 { space::XXL } else { space::S });
        ui.horizontal_top(|ui| {
            ui.add_space((spare / 2.0).floor());
            ui.vertical(|ui| {
                ui.set_width(ui.available_width().min(WIDTH));
                page(ui, sign_in, turn);
            });
        });
    });
}

fn page(ui: &mut Ui, sign_in: &SignIn, turn: &mut Turn) {
    heading(ui, 1, &sign_in.heading, Size::Display);
    for paragraph in &sign_in.intro {
        line(ui, theme::text(paragraph, Size::Body));
    }
    if let Some((number, otherwise)) = &sign_in.number {
        line(ui, theme::strong(number, Size::Lead));
        line(ui, theme::text(otherwise, Size::Body));
    }
    ui.add_space(space::S);
    if let Some(message) = &sign_in.message {
        notice_box(ui, message);
        ui.add_space(space::S);
    }
    turn.actions(ui, &sign_in.actions);
    let columns = if ui.available_width() < 640.0 { 1 } else { 2 };
    let width = (ui.available_width() - space::M * (columns as f32 - 1.0)) / columns as f32;
    for (row, pair) in sign_in.personas.chunks(columns).enumerate() {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = space::M;
            for (column, button) in pair.iter().enumerate() {
                ui.vertical(|ui| {
                    ui.set_width(width.floor());
                    persona(ui, button, row == 0 && column == 0, turn);
                });
            }
        });
        ui.add_space(space::S);
    }
}

fn persona(ui: &mut Ui, persona: &PersonaButton, first: bool, turn: &mut Turn) {
    let t = theme::tokens();
    let mut written = Written::new(ui);
    written.line(ui, &persona.name, theme::bold(Size::Lead), t.brand);
    written.line(ui, &persona.role, theme::regular(Size::Body), t.text);
    written.line(ui, &persona.organisation, theme::regular(Size::Body), t.text);
    written.line(ui, &persona.note, theme::regular(Size::Small), t.text_soft);
    let response = choice(ui, &persona.label, None, written);
    if first {
        turn.offer_focus(FocusTarget::SignIn, &response);
    }
    turn.press(&response, &persona.command);
}
