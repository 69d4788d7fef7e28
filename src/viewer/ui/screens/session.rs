//! The session bar: who is signed in and as what, whether social care is told, and the ways out.

use std::sync::Arc;

use eframe::egui::text::LayoutJob;
use eframe::egui::{
    Align, FontId, Frame, Galley, Layout, Margin, Panel, Rect, Response, Role, Sense, Ui, UiBuilder, Vec2,
    WidgetInfo, pos2,
};

use crate::viewer::present::screen::SessionBar;
use crate::viewer::ui::theme::{self, Size, space};
use crate::viewer::ui::turn::{Turn, button, room_for_keys};
use crate::viewer::ui::widgets::{Kind, chip, chip_size, line, narrow, region, side_margin, whole};

const HEIGHT: f32 = 56.0;
/// The least room for name, role and organisation in one line with the rest.
const LEAST_WHO: f32 = 240.0;

/// Draws it over the whole width.
pub(crate) fn draw(ui: &mut Ui, session: &SessionBar, turn: &mut Turn) {
    let t = theme::tokens();
    let room = ui.available_width() - 2.0 * side_margin(ui);
    let others = LEAST_WHO + space::XL + chips_width(ui, session);
    // Keys go first where room is short, then everything stands in two lines.
    let keys = room_for_keys(ui) && others + buttons_width(ui, session, true) <= room;
    let buttons = buttons_width(ui, session, keys);
    let two_lines = narrow(ui) || others + buttons > room;
    let above = if two_lines { 2.0 * space::XS + chips_height(ui, session, room) } else { 0.0 };
    let below = if two_lines { space::XS } else { 0.0 };
    let height = if two_lines { above + theme::CONTROL_SMALL + below } else { HEIGHT };
    let frame = Frame::new().fill(t.brand).inner_margin(Margin::symmetric(whole(side_margin(ui)), 0));
    Panel::top("session").exact_size(height).show_separator_line(false).frame(frame).show(ui, |ui| {
        region(ui, "Session", |ui| {
            let whole = Rect::from_min_size(ui.max_rect().min, Vec2::new(ui.available_width(), height));
            let (upper, lower) = whole.split_top_bottom_at_y(whole.top() + above);
            let bar = Rect::from_min_max(lower.min, lower.max - Vec2::new(0.0, below));
            // The buttons keep their room, the words give way; read and reached in the order seen.
            let (words, buttons) = bar.split_left_right_at_x((bar.right() - buttons).max(bar.left()));
            if two_lines {
                chips(ui, session, upper);
                let words = Rect::from_min_max(words.min, words.max - Vec2::new(space::S, 0.0));
                who(ui, session, words, false);
            } else {
                wide_words(ui, session, words);
            }
            let mut right = child(ui, buttons, "ways out", Layout::left_to_right(Align::Center));
            for action in &session.actions {
                turn.button(&mut right, action, Kind::OnBar, keys);
            }
        });
    });
}

/// What this session goes without here, in a line under the bar.
pub(crate) fn note(ui: &mut Ui, words: &str) {
    let t = theme::tokens();
    let frame = Frame::new().fill(t.notice).inner_margin(Margin::symmetric(whole(side_margin(ui)), 2));
    Panel::top("session note").show_separator_line(false).frame(frame).show(ui, |ui| {
        region(ui, "About this session", |ui| line(ui, theme::text(words, Size::Small)));
    });
}

fn buttons_width(ui: &Ui, session: &SessionBar, keys: bool) -> f32 {
    let widths =
        session.actions.iter().map(|action| button(ui, action, Kind::OnBar, keys).size(ui).x + space::S);
    widths.sum::<f32>() - space::S
}

fn chips_width(ui: &Ui, session: &SessionBar) -> f32 {
    chip_size(ui, &session.care, f32::INFINITY).x + space::S + count_width(ui, session)
}

fn chips_height(ui: &Ui, session: &SessionBar, room: f32) -> f32 {
    chip_size(ui, &session.care, room - count_width(ui, session)).y
}

/// What the count takes, with its distance.
fn count_width(ui: &Ui, session: &SessionBar) -> f32 {
    let count = session.found_not_opened.as_ref();
    count.map_or(0.0, |words| chip_size(ui, words, f32::INFINITY).x.ceil() + space::S)
}

fn wide_words(ui: &mut Ui, session: &SessionBar, room: Rect) {
    let post = format!("{}, {}", session.role, session.organisation);
    let needed =
        ui.painter().layout_no_wrap(post, theme::regular(Size::Small), theme::tokens().text).size().x;
    let spare = (room.width() - chips_width(ui, session) - space::XL).max(LEAST_WHO);
    let width = (needed + space::S).clamp(LEAST_WHO, spare);
    who(ui, session, Rect::from_min_size(room.min, Vec2::new(width, room.height())), true);
    chips(ui, session, Rect::from_min_max(pos2(room.left() + width + space::M, room.top()), room.max));
}

/// Whether social care is told, whole however long it is, and how many were found and not opened.
fn chips(ui: &mut Ui, session: &SessionBar, room: Rect) {
    let t = theme::tokens();
    let count = count_width(ui, session);
    let (left, right) = room.split_left_right_at_x(room.right() - count);
    let mut left = child(ui, left, "care", Layout::left_to_right(Align::Center));
    let care = care(&mut left, session);
    if let Some(words) = &session.found_not_opened {
        let beside = right.translate(Vec2::new(care.rect.right() + space::S - right.left(), 0.0));
        let mut beside = child(ui, beside, "found", Layout::left_to_right(Align::Center));
        chip(&mut beside, words, t.surface, t.text, t.surface);
    }
}

fn child(ui: &mut Ui, rect: Rect, salt: &str, layout: Layout) -> Ui {
    let mut child = ui.new_child(UiBuilder::new().id_salt(salt).max_rect(rect).layout(layout));
    child.spacing_mut().item_spacing.x = space::S;
    child
}

/// One node, the whole for the ear; cut off for the eye where there is no room, with no tooltip: that would cover
/// the patient.
fn who(ui: &mut Ui, session: &SessionBar, rect: Rect, two_lines: bool) {
    let t = theme::tokens();
    let spoken = format!("Signed in: {}, {}, {}", session.name, session.role, session.organisation);
    let response = ui.allocate_rect(rect, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
    let post = format!("{}, {}", session.role, session.organisation);
    if two_lines {
        block(ui, rect, &session.name, &post);
    } else {
        let font = theme::regular(Size::Small);
        let galley = at_most(ui, &format!("{}, {post}", session.name), font, 2, rect.width());
        let at = pos2(rect.left(), rect.center().y - galley.size().y / 2.0);
        ui.painter().galley(at, galley, t.on_strong);
    }
}

/// So many lines and no more.
fn at_most(ui: &Ui, words: &str, font: FontId, rows: usize, width: f32) -> Arc<Galley> {
    let mut job = LayoutJob::simple(words.to_owned(), font, theme::tokens().on_strong, width);
    job.wrap.max_rows = rows;
    ui.painter().layout_job(job)
}

/// The name, and under it what goes on into a second line before it is cut off.
fn block(ui: &Ui, rect: Rect, name: &str, post: &str) {
    let ink = theme::tokens().on_strong;
    let name = at_most(ui, name, theme::bold(Size::Body), 1, rect.width());
    let post = at_most(ui, post, theme::regular(Size::Small), 2, rect.width());
    let height = name.size().y + 2.0 + post.size().y;
    let at = pos2(rect.left(), rect.center().y - height / 2.0);
    let below = at + Vec2::new(0.0, name.size().y + 2.0);
    ui.painter().galley(at, name, ink);
    ui.painter().galley(below, post, ink);
}

fn care(ui: &mut Ui, session: &SessionBar) -> Response {
    let t = theme::tokens();
    // Telling nobody is the exception and must not look like the rule.
    if session.care_is_silent {
        chip(ui, &session.care, t.caution, t.text, t.text)
    } else {
        chip(ui, &session.care, t.brand_dark, t.on_strong, t.on_strong)
    }
}
