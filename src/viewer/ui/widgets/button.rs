//! Buttons. The name that a screen reader says is the label and nothing else; the key that does the same is
//! shown in a cap beside it.
//!
//! Drawn here and not by egui, which shows focus and pressed alike and makes them 20 points high.

use std::sync::Arc;

use eframe::egui::{
    self, Align2, Galley, Pos2, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
};

use crate::viewer::ui::theme::{self, Colour, Size, space};

/// How much a button asks to be pressed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The one thing to do next on this screen.
    Primary,
    /// Something else that can be done.
    Secondary,
    /// Reads as a link.
    Quiet,
    /// On the session bar.
    OnBar,
}

/// A button about to be drawn.
#[must_use = "call show"]
pub(crate) struct Button<'a> {
    label: &'a str,
    name: &'a str,
    shortcut: Option<&'a str>,
    kind: Kind,
    height: f32,
}

impl<'a> Button<'a> {
    /// A button with this label, which is also its accessible name.
    pub(crate) fn new(label: &'a str, kind: Kind) -> Self {
        let height =
            if matches!(kind, Kind::Quiet | Kind::OnBar) { theme::CONTROL_SMALL } else { theme::CONTROL };
        Self { label, name: label, shortcut: None, kind, height }
    }

    /// An accessible name that says more than the label, and begins with it.
    pub(crate) fn named(mut self, name: &'a str) -> Self {
        self.name = name;
        self
    }

    /// Shows the key that does the same.
    pub(crate) fn shortcut(mut self, shortcut: Option<&'a str>) -> Self {
        self.shortcut = shortcut;
        self
    }

    /// The least height that a control may have.
    pub(crate) fn small(mut self) -> Self {
        self.height = theme::CONTROL_SMALL;
        self
    }

    /// How large it will be.
    pub(crate) fn size(&self, ui: &Ui) -> Vec2 {
        self.lay_out(ui).size
    }

    fn lay_out(&self, ui: &Ui) -> LaidOut {
        let (pad, font) = match self.kind {
            Kind::Quiet => (space::XS, theme::regular(Size::Body)),
            // The bar of a narrow window has to hold the words beside its buttons.
            Kind::OnBar if super::layout::narrow(ui) => (space::S, theme::bold(Size::Small)),
            Kind::Primary | Kind::Secondary | Kind::OnBar => (space::M, theme::bold(Size::Body)),
        };
        let ink = ink(self.kind);
        let label = ui.painter().layout_no_wrap(self.label.to_owned(), font, ink);
        let small = || theme::regular(Size::Small);
        let cap = self.shortcut.map(|key| ui.painter().layout_no_wrap(key.to_owned(), small(), ink));
        let cap_width = cap.as_ref().map_or(0.0, |cap| cap.size().x + 2.0 * space::XS + 2.0 + space::S);
        let size = Vec2::new(label.size().x + cap_width + 2.0 * pad, self.height);
        LaidOut { label, cap, cap_width, size }
    }

    /// Draws it.
    pub(crate) fn show(self, ui: &mut Ui) -> Response {
        let ink = ink(self.kind);
        let LaidOut { label, cap, cap_width, size } = self.lay_out(ui);
        let (_, rect) = ui.allocate_space(size);
        // By name and not by place: when a screen changes under the keyboard, the next Enter must not press what has
        // come to stand where the last button stood.
        let id = ui.unique_id().with(("button", self.name));
        let response = ui.interact(rect, id, Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), self.name));
        if let Some(key) = self.shortcut {
            ui.ctx().accesskit_node_builder(response.id, |node| node.set_keyboard_shortcut(key));
        }
        if ui.is_rect_visible(rect) {
            let pressed = response.is_pointer_button_down_on();
            surface(ui, rect, self.kind, &response);
            let nudge = if pressed { 1.0 } else { 0.0 };
            let start = rect.center().x - (label.size().x + cap_width) / 2.0;
            let label_rect =
                Align2::LEFT_CENTER.anchor_size(Pos2::new(start, rect.center().y + nudge), label.size());
            if self.kind == Kind::Quiet {
                let y = label_rect.bottom() - 1.0;
                ui.painter().hline(label_rect.x_range(), y, Stroke::new(1.0, ink));
            }
            let cap_left = label_rect.right() + space::S;
            ui.painter().galley(label_rect.min, label, ink);
            if let Some(cap) = cap {
                let inner = Align2::LEFT_CENTER
                    .anchor_size(Pos2::new(cap_left + space::XS + 1.0, rect.center().y + nudge), cap.size());
                let outer = inner.expand2(Vec2::new(space::XS, 1.0));
                ui.painter().rect_stroke(outer, theme::RADIUS, Stroke::new(1.0, ink), StrokeKind::Inside);
                ui.painter().galley(inner.min, cap, ink);
            }
        }
        focus_ring(ui, rect, &response);
        response
    }
}

struct LaidOut {
    label: Arc<Galley>,
    cap: Option<Arc<Galley>>,
    cap_width: f32,
    size: Vec2,
}

fn ink(kind: Kind) -> Colour {
    let t = theme::tokens();
    match kind {
        Kind::Primary | Kind::OnBar => t.on_strong,
        Kind::Secondary | Kind::Quiet => t.brand,
    }
}

fn surface(ui: &Ui, rect: Rect, kind: Kind, response: &Response) {
    let t = theme::tokens();
    let painter = ui.painter();
    let lit = response.hovered() || response.is_pointer_button_down_on();
    match kind {
        Kind::Primary => {
            painter.rect_filled(rect, theme::RADIUS, t.brand_dark);
            if !lit {
                // The dark lower edge says "a button" without relying on the fill.
                let face = Rect::from_min_max(rect.min, rect.max - Vec2::new(0.0, 3.0));
                painter.rect_filled(face, theme::RADIUS, t.brand);
            }
        }
        Kind::Secondary => {
            let fill = if lit { t.picked } else { t.surface };
            painter.rect(rect, theme::RADIUS, fill, Stroke::new(2.0, t.brand), StrokeKind::Inside);
        }
        Kind::Quiet => {
            if lit {
                painter.rect_filled(rect, theme::RADIUS, t.hairline);
            }
        }
        Kind::OnBar => {
            let fill = if lit { t.brand_dark } else { t.brand };
            painter.rect(rect, theme::RADIUS, fill, Stroke::new(1.0, t.on_strong), StrokeKind::Inside);
        }
    }
}

/// Marks what has the keyboard: a black edge outside, a yellow ring inside it, so that it is seen on any ground
/// and is not taken for being pressed. Brings it into view when it was reached by Tab.
pub(crate) fn focus_ring(ui: &Ui, rect: Rect, response: &Response) {
    if !response.has_focus() {
        return;
    }
    if response.gained_focus() {
        response.scroll_to_me(None);
    }
    let t = theme::tokens();
    let outer = rect.expand(theme::FOCUS_REACH);
    // Beyond a scroll area's own padding the ring would be cut off; its layer's clip is the window's.
    let painter = ui.painter();
    painter.rect_stroke(outer, egui::CornerRadius::same(6), Stroke::new(4.0, t.text), StrokeKind::Inside);
    painter.rect_stroke(rect, theme::RADIUS, Stroke::new(3.0, t.focus), StrokeKind::Inside);
}
