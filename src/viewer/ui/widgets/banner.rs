//! The patient banner, after the NHS Common User Interface: name, date of birth with age, gender, NHS number, in
//! this order, which is also the order of reading; labels without colons, values heavier than labels.
//!
//! It refuses an address, a next of kin and a second patient, and it never scrolls away.

use eframe::egui::{Rect, Shape, Stroke, Ui, Vec2, pos2};

use super::{icon, layout, text};
use crate::viewer::present::screen::Banner;
use crate::viewer::ui::theme::{self, Size, space};

/// Draws it over the whole width that is left.
pub(crate) fn banner(ui: &mut Ui, banner: &Banner) {
    let t = theme::tokens();
    let short = layout::short(ui);
    let ground = ui.painter().clone();
    let fill = ground.add(Shape::Noop);
    let pattern = ground.add(Shape::Noop);
    let top = ui.cursor().min;
    let side = layout::side_margin(ui);
    let pad = if short { space::XS } else { space::S + space::XS };
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.add_space(pad);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.add_space(side);
        columns(ui, banner, short, side);
    });
    if !banner.marks.is_empty() {
        ui.add_space(space::XS);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = space::S;
            ui.add_space(side - space::S);
            for mark in &banner.marks {
                text::chip(ui, mark, t.notice, t.text, t.edge);
            }
        });
    }
    ui.add_space(pad + 3.0);
    let whole = Rect::from_min_max(top, pos2(ui.max_rect().right(), ui.cursor().top()));
    let colour = if banner.deceased { t.deceased } else { t.surface };
    ground.set(fill, icon::boxed(whole, 0, colour, Stroke::NONE));
    if banner.deceased {
        ground.set(pattern, icon::slants(whole, 2.0, 18.0, t.deceased_stripe));
    }
    let line = Rect::from_min_max(whole.left_bottom() - Vec2::new(0.0, 3.0), whole.max);
    ui.painter().rect_filled(line, 0.0, t.brand_dark);
}

/// The name takes what it needs, up to half; the facts share the rest as their lengths ask.
fn columns(ui: &mut Ui, banner: &Banner, short: bool, side: f32) {
    let room = ui.available_width() - side;
    let name_size = if short { Size::Lead } else { Size::Title };
    let fact_size = if short { Size::Body } else { Size::Lead };
    let share = if layout::narrow(ui) { 0.36 } else { 0.4 };
    let label_height = Size::Small.points() + space::XS;
    ui.vertical(|ui| {
        ui.set_width((room * share).floor());
        // On one line with the values, not with their labels.
        ui.add_space(label_height - (name_size.points() - fact_size.points()));
        let width = ui.available_width() - space::M;
        text::named(ui, &banner.name, &banner.name, theme::bold(name_size), width);
    });
    let rest = room * (1.0 - share);
    let lengths: Vec<f32> = banner.facts.iter().map(|fact| weight(&fact.value)).collect();
    let total: f32 = lengths.iter().sum::<f32>().max(1.0);
    for (fact, length) in banner.facts.iter().zip(lengths) {
        ui.vertical(|ui| {
            ui.set_width((rest * length / total).floor());
            text::value(ui, &fact.label, &fact.value, &fact.spoken, fact_size);
        });
    }
}

/// How much room a value asks for; short ones still get a column's worth.
fn weight(value: &str) -> f32 {
    f32::from(u8::try_from(value.chars().count()).unwrap_or(u8::MAX)).max(9.0)
}
