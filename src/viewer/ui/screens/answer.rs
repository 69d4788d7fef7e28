//! One of the five answers in its frame: headline, warnings as loud as it, what it means, what can be done.

use eframe::egui::{Align, Layout, Ui};

use crate::domain::AnswerKind;
use crate::viewer::present::screen::{Action, AnswerPanel, FocusTarget};
use crate::viewer::ui::theme::{self, Size, space};
use crate::viewer::ui::turn::Turn;
use crate::viewer::ui::widgets::{Icon, Look, draw_icon, headline, line, panel, short};

/// Which frame goes with which answer.
fn look(kind: AnswerKind) -> Look {
    match kind {
        AnswerKind::Alert => Look::Alert,
        AnswerKind::PastPlan => Look::Past,
        AnswerKind::NothingHeld => Look::Nothing,
        AnswerKind::NotChecked => Look::NotChecked,
        AnswerKind::CouldNotCheck => Look::CouldNot,
    }
}

/// Draws the answer with its buttons. Where the window is short, what it means is left to [`rest`], which
/// scrolls; answer, warnings and buttons stay.
pub(crate) fn draw(ui: &mut Ui, answer: &AnswerPanel, actions: &[Action], turn: &mut Turn) {
    panel(ui, look(answer.kind), |ui| {
        let short = short(ui);
        ui.spacing_mut().item_spacing.y = if short { space::XS } else { space::S };
        let size = if short { Size::Title } else { Size::Headline };
        // The time stands at the right of the first line; the headline keeps clear of it.
        ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
            if let Some(checked) = &answer.checked {
                stamp(ui, checked);
                ui.add_space(space::M);
            }
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                let response = headline(ui, 2, &answer.headline, size);
                turn.offer_focus(FocusTarget::Answer, &response);
            });
        });
        for warning in &answer.warnings {
            line(ui, theme::strong(warning, if short { Size::Lead } else { Size::Title }));
        }
        if !short {
            meaning(ui, &answer.lines);
        }
        if !actions.is_empty() {
            ui.add_space(if short { 0.0 } else { space::XS });
            turn.actions(ui, actions);
        }
    });
}

/// What the answer means, where it did not fit into its frame.
pub(crate) fn rest(ui: &mut Ui, answer: &AnswerPanel) {
    if short(ui) {
        meaning(ui, &answer.lines);
    }
}

fn meaning(ui: &mut Ui, lines: &[String]) {
    for (number, words) in lines.iter().enumerate() {
        let text = if number == 0 { theme::strong(words, Size::Body) } else { theme::text(words, Size::Body) };
        line(ui, text);
    }
}

fn stamp(ui: &mut Ui, checked: &str) {
    let t = theme::tokens();
    ui.horizontal(|ui| {
        let (square, _) = ui.allocate_exact_size(eframe::egui::Vec2::splat(16.0), eframe::egui::Sense::hover());
        draw_icon(ui.painter(), square, Icon::Clock, t.text_soft, t.surface);
        line(ui, theme::text(checked, Size::Body));
    });
}
