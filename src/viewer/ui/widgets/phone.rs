//! A telephone number: whose it is and when it answers, the number as large as anything on the screen, a button
//! that copies it.
//!
//! It refuses to format: a number is shown exactly as it was sent.

use eframe::egui::{Rect, Response, Sense, Ui, Vec2};

use super::{button, icon, text};
use crate::viewer::present::screen::PhoneLine;
use crate::viewer::ui::theme::{self, Size, space};

/// Draws it. The answer is that of the button that copies; there is none without a number.
pub(crate) fn phone(ui: &mut Ui, phone: &PhoneLine) -> Option<Response> {
    let t = theme::tokens();
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = space::XS;
        // Label and note are part of what the number is read out as; said once.
        if phone.is_first {
            text::silent(ui, &phone.label, theme::bold(Size::Body), t.text);
        } else {
            text::silent(ui, &phone.label, theme::regular(Size::Body), t.text_soft);
        }
        let copied = number(ui, phone);
        if let Some(note) = &phone.note {
            if phone.spoken.contains(note) {
                text::silent(ui, note, theme::regular(Size::Body), t.text);
            } else {
                text::line(ui, theme::text(note, Size::Body));
            }
        }
        copied
    })
    .inner
}

fn number(ui: &mut Ui, phone: &PhoneLine) -> Option<Response> {
    let t = theme::tokens();
    let Some(copy) = &phone.copy else {
        // Not a number but what is said in its place.
        let width = ui.available_width();
        text::named(ui, &phone.number, &phone.spoken, theme::bold(Size::Lead), width);
        return None;
    };
    let size = if phone.is_first { Size::Display } else { Size::Title };
    ui.horizontal_wrapped(|ui| {
        if phone.is_first {
            // As high as the number, so that both stand on one line.
            let (room, _) = ui.allocate_exact_size(Vec2::new(30.0, size.points() * 1.15), Sense::hover());
            let square = Rect::from_center_size(room.center(), Vec2::splat(30.0));
            icon::draw(ui.painter(), square, icon::Icon::Telephone, t.brand, t.surface);
        }
        let width = ui.available_width();
        text::named(ui, &phone.number, &phone.spoken, theme::bold(size), width);
        ui.add_space(space::S);
        // The number stands beside it; the button need not repeat it for the eye, only for the ear.
        let shown = copy.label.strip_suffix(phone.number.as_str()).unwrap_or(&copy.label).trim_end();
        let response =
            button::Button::new(shown, button::Kind::Secondary).named(&copy.label).small().show(ui);
        Some(response)
    })
    .inner
}
