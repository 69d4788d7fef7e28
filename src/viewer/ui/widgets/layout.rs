//! Where things stand: named regions, cards, and two columns that become one when the window is narrow.
//!
//! It refuses egui's automatic columns, which forget that 200 % zoom leaves 683 points.

use eframe::egui::{
    Align, Frame, InnerResponse, Key, Layout, Margin, Rect, Role, ScrollArea, Sense, Stroke, Ui, UiBuilder,
    Vec2, pos2,
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

/// Below this width, what stood side by side stands one above the other.
const ONE_COLUMN: f32 = 820.0;

/// How far what is written keeps from the window's sides.
pub(crate) fn side_margin(ui: &Ui) -> f32 {
    if narrow(ui) { space::M } else { space::XL }
}

/// What is too long for the window: it scrolls with the wheel, with Page Up and Page Down, with Home and End held
/// with Ctrl, and to whatever the keyboard goes to. The text keeps its width whether or not the bar is there.
pub(crate) fn scroll<R>(
    ui: &mut Ui,
    id: impl std::hash::Hash + std::fmt::Debug,
    contents: impl FnOnce(&mut Ui) -> R,
) -> R {
    let side = side_margin(ui);
    let width = ui.available_width() - 2.0 * side;
    let page = ui.available_height() * 0.85;
    let by = ui.input(|input| {
        let pages = |key| f32::from(u8::from(input.key_pressed(key)));
        let ends = f32::from(u8::from(input.modifiers.command)) * 1.0e6;
        (pages(Key::PageUp) - pages(Key::PageDown)) * page + (pages(Key::Home) - pages(Key::End)) * ends
    });
    ScrollArea::vertical()
        .id_salt(id)
        .auto_shrink(false)
        .show(ui, |ui| {
            if by != 0.0 {
                ui.scroll_with_delta(Vec2::new(0.0, by));
            }
            let pad = Margin { left: whole(side), right: 0, top: whole(space::S), bottom: whole(space::L) };
            Frame::new()
                .inner_margin(pad)
                .show(ui, |ui| {
                    ui.set_width(width);
                    contents(ui)
                })
                .inner
        })
        .inner
}

/// Margins are whole points.
#[expect(clippy::cast_possible_truncation, reason = "the distances of the theme are small whole numbers")]
pub(crate) fn whole(points: f32) -> i8 {
    points as i8
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
    if ui.available_width() < ONE_COLUMN {
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

/// Something to be read before going on: pale, with a bar at its left.
pub(crate) fn notice_box(ui: &mut Ui, words: &str) {
    let t = theme::tokens();
    let frame = Frame::new().fill(t.notice).inner_margin(Margin { left: 20, right: 16, top: 12, bottom: 12 });
    let drawn = frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        super::text::line(ui, theme::text(words, theme::Size::Body));
    });
    let bar = Rect::from_min_size(drawn.response.rect.min, Vec2::new(6.0, drawn.response.rect.height()));
    ui.painter().rect_filled(bar, 0.0, t.caution);
}

/// A line between two parts of a card.
pub(crate) fn rule(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 1.0), Sense::hover());
    ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(1.0, theme::tokens().hairline));
}
