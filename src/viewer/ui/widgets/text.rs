//! Text: headings that a screen reader can jump between, lines, named values, and the one live region.
//!
//! It refuses egui's own heading, which reads as a plain label.

use std::sync::Arc;

use eframe::egui::{
    self, FontId, Galley, Id, Label, Pos2, Rect, Response, Role, Sense, Ui, Vec2, WidgetInfo, accesskit,
};

use crate::viewer::ui::theme::{self, Colour, Size, space};

/// A heading of a level: 1 for the screen, 2 for the answer, 3 for what it consists of.
pub(crate) fn heading(ui: &mut Ui, level: u32, text: &str, size: Size) -> Response {
    let response = ui.add(Label::new(theme::strong(text, size)).wrap());
    as_heading(ui, response.id, level, text);
    response
}

/// The answer's heading, which Tab goes to so that it is read out when somebody wants to hear it.
pub(crate) fn headline(ui: &mut Ui, level: u32, text: &str, size: Size, width: f32) -> Response {
    let t = theme::tokens();
    let galley = cell(ui, text, theme::bold(size), t.text, width);
    let (rect, response) = ui.allocate_exact_size(galley.size(), Sense::focusable_noninteractive());
    as_heading(ui, response.id, level, text);
    ui.painter().galley(rect.min, galley, t.text);
    super::button::focus_ring(ui, rect.expand(2.0), &response);
    response
}

fn as_heading(ui: &Ui, id: Id, level: u32, text: &str) {
    ui.ctx().accesskit_node_builder(id, |node| {
        node.set_role(Role::Heading);
        node.clear_value();
        node.set_label(text);
        node.set_level(usize::try_from(level).unwrap_or(1));
    });
}

/// One paragraph.
pub(crate) fn line(ui: &mut Ui, text: egui::RichText) -> Response {
    let spoken = text.text().replace(theme::GLUE, " ");
    let response = ui.add(Label::new(text).wrap());
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_value(spoken));
    response
}

/// A value under its label, read as one: `spoken` is a whole fragment ("Date of birth 14 July 2019"), because
/// no platform tells a screen reader which label belongs to which value.
pub(crate) fn value(ui: &mut Ui, label: &str, shown: &str, spoken: &str, size: Size) -> Response {
    let t = theme::tokens();
    let width = ui.available_width().max(1.0);
    let label = ui.painter().layout_no_wrap(label.to_owned(), theme::regular(Size::Small), t.text_soft);
    let shown = ui.painter().layout(shown.to_owned(), theme::bold(size), t.text, width);
    let wide = label.size().x.max(shown.size().x);
    let (rect, response) =
        ui.allocate_exact_size(Vec2::new(wide, label.size().y + 2.0 + shown.size().y), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, spoken));
    if ui.is_rect_visible(rect) {
        let below = rect.min + Vec2::new(0.0, label.size().y + 2.0);
        ui.painter().galley(rect.min, label, t.text_soft);
        ui.painter().galley(below, shown, t.text);
    }
    response
}

fn cell(ui: &Ui, text: &str, font: FontId, colour: Colour, width: f32) -> Arc<Galley> {
    ui.painter().layout(text.to_owned(), font, colour, width.max(space::XL))
}

/// How urgently a change of the live region is said.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Politeness {
    /// When the screen reader is done with what it is saying.
    Polite,
    /// At once: an alert or a failure.
    Assertive,
}

/// The one live region. It is drawn on every screen with the same id and only its text changes: a node that
/// comes and goes is announced twice by some screen readers and not at all by others.
pub(crate) fn live(ui: &mut Ui, text: &str, politeness: Politeness) {
    let rect = Rect::from_min_size(Pos2::ZERO, Vec2::splat(1.0));
    let id = Id::unique("cpis live region");
    let response = ui.interact(rect, id, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    ui.ctx().accesskit_node_builder(id, |node| {
        node.set_live(match politeness {
            Politeness::Polite => accesskit::Live::Polite,
            Politeness::Assertive => accesskit::Live::Assertive,
        });
        node.set_live_atomic();
    });
}

/// Text in a font that is read out in other words than it is written: a name in the order it is spoken, a number
/// digit by digit.
pub(crate) fn named(ui: &mut Ui, shown: &str, spoken: &str, font: FontId, width: f32) -> Response {
    let t = theme::tokens();
    let galley = cell(ui, shown, font, t.text, width);
    let (rect, response) = ui.allocate_exact_size(galley.size(), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, spoken));
    if ui.is_rect_visible(rect) {
        ui.painter().galley(rect.min, galley, t.text);
    }
    response
}

/// A short word in a frame: a plan's standing, a mark on a person. `fill` and `ink` come from the theme. Never cut off:
/// where there is no room it goes on in the next line.
pub(crate) fn chip(ui: &mut Ui, words: &str, fill: Colour, ink: Colour, edge: Colour) -> Response {
    let wraps = ui.layout().main_wrap;
    let room = if wraps { ui.max_rect().width() } else { ui.available_width() };
    let (galley, pad) = chip_words(ui, words, room);
    let (rect, response) = ui.allocate_exact_size(galley.size() + 2.0 * pad, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, words));
    if ui.is_rect_visible(rect) {
        ui.painter().rect(rect, theme::RADIUS, fill, egui::Stroke::new(1.0, edge), egui::StrokeKind::Inside);
        ui.painter().galley(rect.min + pad, galley, ink);
    }
    response
}

/// How large a chip will be where there is so much room.
pub(crate) fn chip_size(ui: &Ui, words: &str, room: f32) -> Vec2 {
    let (galley, pad) = chip_words(ui, words, room);
    galley.size() + 2.0 * pad
}

fn chip_words(ui: &Ui, words: &str, room: f32) -> (Arc<Galley>, Vec2) {
    let pad = Vec2::new(if super::layout::narrow(ui) { 6.0 } else { space::S }, space::XS);
    let room = (room - 2.0 * pad.x).max(space::XXL);
    // The colour is given when it is painted.
    (ui.painter().layout(words.to_owned(), theme::bold(Size::Small), Colour::PLACEHOLDER, room), pad)
}

/// A heading in any font and width.
pub(crate) fn as_heading_text(ui: &mut Ui, level: u32, text: &str, font: FontId, width: f32) -> Response {
    let response = named(ui, text, text, font, width);
    as_heading(ui, response.id, level, text);
    response
}

/// Text for the eye alone: something beside it is read out with these words in it.
pub(crate) fn silent(ui: &mut Ui, words: &str, font: FontId, ink: Colour) {
    let galley = cell(ui, words, font, ink, ui.available_width());
    let (rect, _) = ui.allocate_exact_size(galley.size(), Sense::hover());
    ui.painter().galley(rect.min, galley, ink);
}
