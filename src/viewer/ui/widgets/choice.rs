//! One of several things to pick: a person found, somebody to sign in as. A card that is pressed as a whole and
//! has one name, the sentence that its lines add up to.
//!
//! It refuses columns of its own nodes: no platform tells a screen reader how they belong together. It refuses to
//! cut anything off: it grows with what is written on it.

use std::sync::Arc;

use eframe::egui::{
    FontId, Galley, Id, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
};

use crate::viewer::ui::theme::{self, Colour, Size, space};

/// What is written on a choice: laid out before it is known how high the card is.
pub(crate) struct Written {
    width: f32,
    height: f32,
    parts: Vec<(Vec2, Arc<Galley>, Colour)>,
    chips: Vec<Rect>,
}

impl Written {
    /// Nothing yet, on a choice that takes all the room there is.
    pub(crate) fn new(ui: &Ui) -> Self {
        let width = (ui.available_width() - 2.0 * space::L).max(space::XXL);
        Self { width, height: 0.0, parts: Vec::new(), chips: Vec::new() }
    }

    /// A line below the others.
    pub(crate) fn line(&mut self, ui: &Ui, words: &str, font: FontId, ink: Colour) {
        let galley = ui.painter().layout(words.to_owned(), font, ink, self.width);
        let at = Vec2::new(0.0, self.height);
        self.height += galley.size().y + space::XS;
        self.parts.push((at, galley, ink));
    }

    /// Values beside each other, each with its share of the width; the shares add up to one.
    pub(crate) fn row(&mut self, ui: &Ui, cells: &[(&str, f32)], font: &FontId, ink: Colour) {
        let mut left = 0.0;
        let mut tallest: f32 = 0.0;
        for (words, share) in cells {
            let width = self.width * share;
            let galley = ui.painter().layout((*words).to_owned(), font.clone(), ink, width - space::S);
            tallest = tallest.max(galley.size().y);
            self.parts.push((Vec2::new(left, self.height), galley, ink));
            left += width;
        }
        self.height += tallest + space::XS;
    }

    /// Marks in frames, as many in a line as there is room for.
    pub(crate) fn chips(&mut self, ui: &Ui, marks: &[String]) {
        if marks.is_empty() {
            return;
        }
        let t = theme::tokens();
        let pad = Vec2::new(space::S, space::XS);
        let mut at = Vec2::new(0.0, self.height + space::XS);
        let mut bottom = at.y;
        for mark in marks {
            let room = self.width - 2.0 * pad.x;
            let galley = ui.painter().layout(mark.clone(), theme::bold(Size::Small), t.text, room);
            let size = galley.size() + 2.0 * pad;
            if at.x > 0.0 && at.x + size.x > self.width {
                at = Vec2::new(0.0, bottom + space::XS);
            }
            self.chips.push(Rect::from_min_size(at.to_pos2(), size));
            self.parts.push((at + pad, galley, t.text));
            at.x += size.x + space::S;
            bottom = bottom.max(at.y + size.y);
        }
        self.height = bottom + space::XS;
    }
}

/// Draws a choice with this accessible name. `id` is for the keyboard to be sent to.
pub(crate) fn choice(ui: &mut Ui, name: &str, id: Option<Id>, written: Written) -> Response {
    let t = theme::tokens();
    let pad = Vec2::new(space::L, space::S + space::XS);
    let size = Vec2::new(ui.available_width(), written.height - space::XS + 2.0 * pad.y);
    let (_, rect) = ui.allocate_space(size);
    let id = id.unwrap_or_else(|| ui.unique_id().with(("choice", name)));
    let response = ui.interact(rect, id, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name));
    if ui.is_rect_visible(rect) {
        let lit = response.hovered() || response.is_pointer_button_down_on();
        let fill = if lit { t.picked } else { t.surface };
        ui.painter().rect(rect, theme::RADIUS, fill, Stroke::new(1.0, t.edge), StrokeKind::Inside);
        let origin = rect.min + pad;
        for chip in written.chips {
            ui.painter().rect_filled(chip.translate(origin.to_vec2()), theme::RADIUS, t.notice);
        }
        for (at, galley, ink) in written.parts {
            ui.painter().galley(origin + at, galley, ink);
        }
    }
    super::button::focus_ring(ui, rect, &response);
    response
}
