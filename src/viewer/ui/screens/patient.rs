//! One patient: the banner that never scrolls away, the answer that never scrolls away, and under them what is held,
//! whom to ring, what was recorded and who looked before.

use eframe::egui::{Frame, Margin, Panel, Ui};

use super::answer::{self, Framed};
use super::{history, plans};
use crate::viewer::present::screen::{self, AnswerSlot, Help, Patient, Receipt};
use crate::viewer::ui::theme::{self, Size, space};
use crate::viewer::ui::turn::Turn;
use crate::viewer::ui::widgets::{
    self, card, line, narrow, region, scroll, short, side_margin, two_columns, whole,
};

/// As much of the height below the banner as may not scroll, so that there is room for what does.
const STAYS: f32 = 0.6;

/// Draws the banner over the whole width.
pub(crate) fn banner(ui: &mut Ui, banner: &screen::Banner) {
    Panel::top("banner").show_separator_line(false).frame(Frame::new()).show(ui, |ui| {
        region(ui, "Patient banner", |ui| widgets::banner(ui, banner));
    });
}

/// Draws the rest; the help, where it is given, in place of what scrolls.
pub(crate) fn draw(ui: &mut Ui, patient: &Patient, help: Option<&Help>, turn: &mut Turn) {
    region(ui, "Child protection information", |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let side = whole(side_margin(ui));
        let above = whole(if short(ui) { space::S } else { space::L });
        let most = ui.available_height() * STAYS - f32::from(above) - space::S;
        let mut framed = Framed::Headline;
        Frame::new()
            .inner_margin(Margin { left: side, right: side, top: above, bottom: whole(space::S) })
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = space::S;
                match &patient.answer {
                    AnswerSlot::Asking(words) => asking(ui, words, patient, turn),
                    AnswerSlot::Answered(panel) => {
                        framed = Framed::within(most, ui, panel, &patient.actions);
                        answer::draw(ui, panel, &patient.actions, framed, turn);
                    }
                }
            });
        if let Some(help) = help {
            super::help::instead(ui, help);
            return;
        }
        scroll(ui, ("patient", turn.generation), |ui| {
            ui.spacing_mut().item_spacing.y = space::S;
            below(ui, patient, framed, turn);
        });
    });
}

fn asking(ui: &mut Ui, words: &str, patient: &Patient, turn: &mut Turn) {
    widgets::waiting(ui, |ui| {
        widgets::heading(ui, 2, words, if short(ui) { Size::Title } else { Size::Headline });
        turn.actions(ui, &patient.actions);
    });
}

fn below(ui: &mut Ui, patient: &Patient, framed: Framed, turn: &mut Turn) {
    if let AnswerSlot::Answered(panel) = &patient.answer {
        answer::rest(ui, panel, &patient.actions, framed, turn);
    }
    let left_empty = patient.plans.is_empty() && patient.receipt.is_none() && patient.history.is_none();
    let right_empty = patient.contacts.is_empty() && patient.next_steps.is_empty();
    if narrow(ui) || left_empty || right_empty {
        // One below the other, whom to ring first: the plan's name is in the answer above.
        contacts(ui, patient, turn);
        held(ui, patient);
        next_steps(ui, &patient.next_steps);
        looked(ui, patient);
    } else {
        two_columns(
            ui,
            0.58,
            turn,
            |ui, _| {
                held(ui, patient);
                looked(ui, patient);
            },
            |ui, turn| {
                contacts(ui, patient, turn);
                next_steps(ui, &patient.next_steps);
            },
        );
    }
}

fn looked(ui: &mut Ui, patient: &Patient) {
    if let Some(entries) = &patient.history {
        history::draw(ui, entries);
    }
}

fn held(ui: &mut Ui, patient: &Patient) {
    ui.spacing_mut().item_spacing.y = space::S;
    for entry in &patient.plans {
        plans::plan(ui, entry);
        ui.add_space(space::S);
    }
    if let Some(entry) = &patient.receipt {
        receipt(ui, entry);
    }
}

fn contacts(ui: &mut Ui, patient: &Patient, turn: &mut Turn) {
    if patient.contacts.is_empty() {
        return;
    }
    ui.spacing_mut().item_spacing.y = space::S;
    region(ui, "Social care contact", |ui| {
        for (number, entry) in patient.contacts.iter().enumerate() {
            if number > 0 {
                ui.add_space(space::S);
            }
            plans::contact(ui, entry, turn);
        }
    });
    ui.add_space(space::S);
}

/// What to do whatever the answer is.
pub(super) fn next_steps(ui: &mut Ui, steps: &[String]) {
    if steps.is_empty() {
        return;
    }
    ui.spacing_mut().item_spacing.y = space::S;
    card(ui, |ui| {
        for (number, step) in steps.iter().enumerate() {
            let text =
                if number == 0 { theme::strong(step, Size::Body) } else { theme::text(step, Size::Body) };
            line(ui, text);
        }
    });
    ui.add_space(space::S);
}

fn receipt(ui: &mut Ui, receipt: &Receipt) {
    card(ui, |ui| {
        line(ui, theme::strong(&receipt.headline, Size::Body));
        for words in &receipt.told {
            line(ui, theme::text(words, Size::Body));
        }
        line(ui, theme::strong(&receipt.warning, Size::Body));
        for words in &receipt.notes {
            line(ui, theme::text(words, Size::Body));
        }
    });
    ui.add_space(space::S);
}
