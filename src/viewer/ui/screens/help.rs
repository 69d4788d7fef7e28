//! The list of keys, beside what it is about: it covers nothing and swallows no key.

use eframe::egui::{Frame, Margin, Panel, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo};

use crate::viewer::present::screen::Help;
use crate::viewer::ui::theme::{self, Size, space};
use crate::viewer::ui::widgets::{card, heading, region, scroll};

const WIDTH: f32 = 400.0;

/// Draws it at the right of the window, below the banner.
pub(crate) fn beside(ui: &mut Ui, help: &Help) {
    let t = theme::tokens();
    let frame = Frame::new().fill(t.surface).stroke(Stroke::new(1.0, t.edge)).inner_margin(Margin::ZERO);
    Panel::right("help")
        .resizable(false)
        .exact_size(WIDTH)
        .show_separator_line(false)
        .frame(frame)
        .show(ui, |ui| scroll(ui, "help", |ui| list(ui, help)));
}

/// Draws it where a narrow window has room for it: in place of what scrolls.
pub(crate) fn instead(ui: &mut Ui, help: &Help) {
    scroll(ui, "help", |ui| card(ui, |ui| list(ui, help)));
}

fn list(ui: &mut Ui, help: &Help) {
    region(ui, &help.heading, |ui| {
        heading(ui, 2, &help.heading, Size::Title);
        ui.add_space(space::S);
        for (key, command, does) in &help.rows {
            row(ui, key, command, does);
        }
    });
}

fn row(ui: &mut Ui, key: &str, command: &str, does: &str) {
    let t = theme::tokens();
    let width = ui.available_width();
    let key_text = ui.painter().layout_no_wrap(key.to_owned(), theme::bold(Size::Small), t.text);
    let name = ui.painter().layout(command.to_owned(), theme::bold(Size::Body), t.text, width);
    let what = ui.painter().layout(does.to_owned(), theme::regular(Size::Small), t.text_soft, width);
    let cap = key_text.size() + Vec2::new(2.0 * space::S, 2.0 * space::XS);
    let beside = cap.x + space::S + name.size().x <= width;
    let name_at = if beside { Vec2::new(cap.x + space::S, 3.0) } else { Vec2::new(0.0, cap.y + space::XS) };
    let what_at = Vec2::new(0.0, (name_at.y + name.size().y).max(cap.y) + space::XS);
    let size = Vec2::new(width, what_at.y + what.size().y + space::S);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{key}: {command}. {does}")));
    if ui.is_rect_visible(rect) {
        let cap = eframe::egui::Rect::from_min_size(rect.min, cap);
        ui.painter().rect(cap, theme::RADIUS, t.page, Stroke::new(1.0, t.edge), StrokeKind::Inside);
        ui.painter().galley(cap.min + Vec2::new(space::S, space::XS), key_text, t.text);
        ui.painter().galley(rect.min + name_at, name, t.text);
        ui.painter().galley(rect.min + what_at, what, t.text_soft);
    }
}
