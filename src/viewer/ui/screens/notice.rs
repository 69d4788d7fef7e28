//! A page with a heading, some text and buttons: nothing configured, cannot start, patient hidden.

use eframe::egui::Ui;

use crate::viewer::present::screen::Notice;
use crate::viewer::ui::theme::{self, Size, space};
use crate::viewer::ui::turn::Turn;
use crate::viewer::ui::widgets::{card, heading, line, scroll};

/// A comfortable line is not longer.
const READING_WIDTH: f32 = 720.0;

/// Draws it.
pub(crate) fn draw(ui: &mut Ui, notice: &Notice, turn: &mut Turn) {
    scroll(ui, ("notice", turn.generation), |ui| {
        let spare = (ui.available_width() - READING_WIDTH).max(0.0);
        ui.add_space(if spare > 0.0 { space::XXL } else { space::S });
        ui.horizontal_top(|ui| {
            ui.add_space((spare / 2.0).floor());
            ui.vertical(|ui| {
                ui.set_width(ui.available_width().min(READING_WIDTH));
                card(ui, |ui| {
                    heading(ui, 1, &notice.heading, Size::Headline);
                    ui.add_space(space::XS);
                    for paragraph in &notice.text {
                        line(ui, theme::text(paragraph, Size::Body));
                    }
                    ui.add_space(space::S);
                    turn.actions(ui, &notice.actions);
                });
            });
        });
    });
}
