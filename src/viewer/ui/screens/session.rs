//! The session bar: who is signed in and as what, whether social care is told, and the ways out.

use eframe::egui::{Align, Color32, Frame, Label, Layout, Margin, Panel, Role, Ui, WidgetInfo};

use crate::viewer::present::screen::SessionBar;
use crate::viewer::ui::theme::{self, Size, space};
use crate::viewer::ui::turn::Turn;
use crate::viewer::ui::widgets::{Kind, chip, narrow, region, side_margin, whole};

/// Draws it over the whole width.
pub(crate) fn draw(ui: &mut Ui, session: &SessionBar, turn: &mut Turn) {
    let t = theme::tokens();
    let frame = Frame::new().fill(t.brand).inner_margin(Margin::symmetric(whole(side_margin(ui)), 6));
    Panel::top("session").show_separator_line(false).frame(frame).show(ui, |ui| {
        region(ui, "Session", |ui| {
            // The buttons first: they keep their room, the words give way.
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = space::S;
                for action in session.actions.iter().rev() {
                    turn.button(ui, action, Kind::OnBar);
                }
                ui.add_space(space::S);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| words(ui, session));
            });
        });
    });
}

fn words(ui: &mut Ui, session: &SessionBar) {
    let room = ui.available_width();
    if narrow(ui) {
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = space::XS;
            who(ui, session, false);
            ui.horizontal(|ui| care(ui, session));
        });
        return;
    }
    ui.vertical(|ui| {
        ui.set_max_width(room * 0.48);
        ui.spacing_mut().item_spacing.y = 0.0;
        who(ui, session, true);
    });
    ui.add_space(space::M);
    care(ui, session);
}

fn who(ui: &mut Ui, session: &SessionBar, two_lines: bool) {
    let t = theme::tokens();
    let spoken = format!("Signed in: {}, {}, {}", session.name, session.role, session.organisation);
    if two_lines {
        let first = Label::new(theme::strong(&session.name, Size::Body).color(t.on_strong)).truncate();
        spoken_label(ui, first, &session.name);
        let second = format!("{}, {}", session.role, session.organisation);
        let label = Label::new(theme::text(&second, Size::Small).color(t.on_strong)).truncate();
        spoken_label(ui, label, &second);
    } else {
        let line = format!("{}, {}, {}", session.name, session.role, session.organisation);
        let label = Label::new(theme::text(line, Size::Small).color(t.on_strong)).truncate();
        spoken_label(ui, label, &spoken);
    }
}

/// Cut off for the eye where there is no room, whole for the ear; no tooltip, which would cover the patient.
fn spoken_label(ui: &mut Ui, label: Label, spoken: &str) {
    let response = ui.add(label.show_tooltip_when_elided(false));
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, spoken));
}

fn care(ui: &mut Ui, session: &SessionBar) {
    let t = theme::tokens();
    // Telling nobody is the exception and must not look like the rule.
    if session.care_is_silent {
        chip(ui, &session.care, t.caution, t.text, t.text);
    } else {
        chip(ui, &session.care, t.brand_dark, t.on_strong, t.on_strong);
    }
    if let Some(count) = &session.found_not_opened {
        chip(ui, count, t.surface, t.text, Color32::TRANSPARENT);
    }
}
