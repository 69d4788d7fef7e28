//! What is held and whom to ring: a card per plan, a card per local authority.

use eframe::egui::{Rect, Stroke, StrokeKind, Ui, Vec2};

use crate::viewer::present::screen::{ContactCard, PlanCard, PlanTone};
use crate::viewer::ui::theme::{self, Size, space};
use crate::viewer::ui::turn::Turn;
use crate::viewer::ui::widgets::{Icon, card, chip, draw_icon, heading, line, phone, value};

/// Draws a plan.
pub(crate) fn plan(ui: &mut Ui, plan: &PlanCard) {
    let t = theme::tokens();
    let drawn = card(ui, |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = space::S + space::XS;
            let (square, _) = ui.allocate_exact_size(Vec2::splat(24.0), eframe::egui::Sense::hover());
            match plan.tone {
                PlanTone::Alert => draw_icon(ui.painter(), square, Icon::Octagon, t.alert, t.on_strong),
                PlanTone::Past => draw_icon(ui.painter(), square, Icon::Hourglass, t.past, t.on_strong),
            }
            heading(ui, 3, &plan.title, Size::Title);
            match plan.tone {
                PlanTone::Alert => chip(ui, &plan.standing, t.alert, t.on_strong, t.alert),
                PlanTone::Past => chip(ui, &plan.standing, t.surface, t.past, t.past),
            };
        });
        line(ui, theme::text(&plan.about, Size::Body));
        ui.add_space(space::XS);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = Vec2::new(space::XL, space::S);
            for fact in &plan.facts {
                value(ui, &fact.label, &fact.value, &fact.spoken, Size::Lead);
            }
        });
        for note in &plan.notes {
            line(ui, theme::text(note, Size::Body));
        }
    });
    let edge = Rect::from_min_size(drawn.response.rect.min, Vec2::new(6.0, drawn.response.rect.height()));
    match plan.tone {
        PlanTone::Alert => ui.painter().rect_filled(edge, theme::RADIUS, t.alert),
        PlanTone::Past => {
            ui.painter().rect(edge, theme::RADIUS, t.surface, Stroke::new(2.0, t.past), StrokeKind::Inside)
        }
    };
}

/// Draws whom to ring.
pub(crate) fn contact(ui: &mut Ui, contact: &ContactCard, turn: &mut Turn) {
    card(ui, |ui| {
        heading(ui, 3, &contact.heading, Size::Lead);
        if let Some(why) = &contact.why_both {
            line(ui, theme::text(why, Size::Body));
        }
        for entry in &contact.lines {
            ui.add_space(space::S);
            let pressed = phone(ui, entry);
            if let (Some(action), Some(response)) = (&entry.copy, pressed) {
                turn.press(&response, &action.command);
            }
        }
    });
}
