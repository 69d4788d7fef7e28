//! A telephone number: whose it is and when it answers, the number as large as anything on the screen, a button
//! that copies it.
//!
//! It refuses to format: a number is shown exactly as it was sent.

use eframe::egui::{Label, Rect, Response, Sense, Ui, Vec2};

use super::{button, icon, text};
use crate::viewer::ui::theme::{self, Size, space};

/// What is shown.
pub(crate) struct Phone<'a> {
    /// "Emergency duty team"
    pub(crate) label: &'a str,
    /// As sent.
    pub(crate) number: &'a str,
    /// The whole fragment that is read out.
    pub(crate) spoken: &'a str,
    /// "until 08:30 Monday"; empty when there is nothing to say.
    pub(crate) note: &'a str,
    /// The largest type there is, for the number to ring now.
    pub(crate) now: bool,
}

/// Draws it. The answer is that of the button that copies; there is none without a number.
pub(crate) fn phone(ui: &mut Ui, phone: &Phone<'_>, copy: Option<&str>) -> Option<Response> {
    let t = theme::tokens();
    let size = if phone.now { Size::Display } else { Size::Title };
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = space::XS;
        let label = if phone.now {
            theme::strong(phone.label, Size::Body)
        } else {
            theme::soft(phone.label, Size::Body)
        };
        ui.add(Label::new(label).wrap());
        let font = theme::bold(size);
        let mut copied = None;
        ui.horizontal_wrapped(|ui| {
            if phone.now {
                // As high as the number, so that both stand on one line.
                let (room, _) = ui.allocate_exact_size(Vec2::new(30.0, size.points() * 1.15), Sense::hover());
                let square = Rect::from_center_size(room.center(), Vec2::splat(30.0));
                icon::draw(ui.painter(), square, icon::Icon::Telephone, t.brand, t.surface);
            }
            let width = ui.available_width();
            text::named(ui, phone.number, phone.spoken, font, width);
            if let Some(label) = copy {
                ui.add_space(space::S);
                copied = Some(button::Button::new(label, button::Kind::Secondary).small().show(ui));
            }
        });
        if !phone.note.is_empty() {
            ui.add(Label::new(theme::text(phone.note, Size::Body)).wrap());
        }
        copied
    })
    .inner
}
