//! One of several things to pick: a person found, somebody to sign in as. A card that is pressed as a whole and
//! has one name, the sentence that its lines add up to.
//!
//! It refuses columns of its own nodes: no platform tells a screen reader how they belong together.

use eframe::egui::{Id, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo};

use crate::viewer::ui::theme::{self, space};

/// A choice about to be drawn.
#[must_use = "call show"]
pub(crate) struct Choice<'a> {
    name: &'a str,
    height: f32,
    id: Option<Id>,
}

impl<'a> Choice<'a> {
    /// A choice with this accessible name.
    pub(crate) fn new(name: &'a str) -> Self {
        Self { name, height: 64.0, id: None }
    }

    /// An id of its own, for the keyboard to be sent to.
    pub(crate) fn id(mut self, id: Id) -> Self {
        self.id = Some(id);
        self
    }

    /// How high it is.
    pub(crate) fn height(mut self, height: f32) -> Self {
        self.height = height;
        self
    }

    /// Draws it as wide as there is room; `paint` fills the inside and names nothing.
    pub(crate) fn show(self, ui: &mut Ui, paint: impl FnOnce(&Ui, Rect)) -> Response {
        let t = theme::tokens();
        let (rect, response) =
            ui.allocate_exact_size(Vec2::new(ui.available_width(), self.height), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), self.name));
        if ui.is_rect_visible(rect) {
            let lit = response.hovered() || response.is_pointer_button_down_on();
            let fill = if lit { t.picked } else { t.surface };
            ui.painter().rect(rect, theme::RADIUS, fill, Stroke::new(1.0, t.edge), StrokeKind::Inside);
            paint(ui, rect.shrink2(Vec2::new(space::L, space::S)));
        }
        super::button::focus_ring(ui, rect, &response);
        response
    }
}
