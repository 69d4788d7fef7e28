//! Where things stand: named regions, cards, and two columns that become one when the window is narrow.
//!
//! It refuses egui's automatic columns, which forget that 200 % zoom leaves 683 points.

use eframe::egui::{
    Align, Frame, InnerResponse, Layout, Margin, Rect, Role, Sense, Stroke, Ui, UiBuilder, Vec2, pos2,
};

use crate::viewer::ui::theme::{self, space};

/// A part of the screen with a name that a screen reader can jump to.
pub(crate) fn region<R>(ui: &mut Ui, name: &str, contents: impl FnOnce(&mut Ui) -> R) -> InnerResponse<R> {
    let builder = UiBuilder::new().id_salt(name).accessibility_role(Role::Region).accessibility_label(name);
    ui.scope_builder(builder, contents)
}

/// White paper on the page, as wide as there is room.
pub(crate) fn card<R>(ui: &mut Ui, contents: impl FnOnce(&mut Ui) -> R) -> InnerResponse<R> {
    let t = theme::tokens();
    Frame::new()
        .fill(t.surface)
        .stroke(Stroke::new(1.0, t.hairline))
        .corner_radius(theme::RADIUS)
        .inner_margin(Margin::same(if narrow(ui) { 12 } else { 20 }))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            contents(ui)
        })
}

/// Whether there is room for one column only.
pub(crate) fn narrow(ui: &Ui) -> bool {
    ui.ctx().content_rect().width() < 960.0
}

/// Whether there is so little height that what stays put must be kept small: 200 % zoom on a small screen.
pub(crate) fn short(ui: &Ui) -> bool {
    ui.ctx().content_rect().height() < 560.0
}

/// Two things beside each other, the first taking `share` of the width; above each other when narrow.
pub(crate) fn two_columns<S>(
    ui: &mut Ui,
    share: f32,
    state: &mut S,
    left: impl FnOnce(&mut Ui, &mut S),
    right: impl FnOnce(&mut Ui, &mut S),
) {
    if narrow(ui) {
        left(ui, state);
        ui.add_space(space::S);
        right(ui, state);
        return;
    }
    let whole = ui.available_rect_before_wrap();
    let left_width = ((whole.width() - space::L) * share).floor();
    let first = Rect::from_min_size(whole.min, Vec2::new(left_width, whole.height()));
    let second = Rect::from_min_max(pos2(first.right() + space::L, whole.top()), whole.max);
    let column = |salt: &str, rect: Rect| {
        UiBuilder::new().id_salt(salt).max_rect(rect).layout(Layout::top_down(Align::Min))
    };
    let mut child = ui.new_child(column("left", first));
    left(&mut child, state);
    let mut bottom = child.min_rect().bottom();
    let mut child = ui.new_child(column("right", second));
    right(&mut child, state);
    bottom = bottom.max(child.min_rect().bottom());
    ui.allocate_rect(Rect::from_min_max(whole.min, pos2(whole.right(), bottom)), Sense::hover());
}
