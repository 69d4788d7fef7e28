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
            ui.spacing_mut().item_spacing.x = 0.0;
            ui.add_space(side);
            ui.spacing_mut().item_spacing.x = space::S;
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
        ground.set(pattern, icon::slants(whole, 4.0, 18.0, t.deceased_stripe));
    }
    let line = Rect::from_min_max(whole.left_bottom() - Vec2::new(0.0, 3.0), whole.max);
    ui.painter().rect_filled(line, 0.0, t.brand_dark);
}

/// Evenly spread where everything fits on one line. Where it does not, the facts keep to one line and the name,
/// which is never cut off, goes on below.
fn columns(ui: &mut Ui, banner: &Banner, short: bool, side: f32) {
    let t = theme::tokens();
    let room = ui.available_width() - side;
    let fact_size = if short { Size::Body } else { Size::Lead };
    let width = |words: &str, font| ui.painter().layout_no_wrap(words.to_owned(), font, t.text).size().x;
    let facts: Vec<f32> = banner
        .facts
        .iter()
        .map(|fact| {
            let label = width(&fact.label, theme::regular(Size::Small));
            width(&fact.value, theme::bold(fact_size)).max(label) + 2.0
        })
        .collect();
    let rest = room - facts.iter().map(|width| width + space::M).sum::<f32>();
    let mut name_size = if short { Size::Lead } else { Size::Title };
    let mut name_width = width(&banner.name, theme::bold(name_size)) + 2.0;
    let mut gap = space::M;
    if name_width <= rest {
        gap += ((rest - name_width) / f32::from(u16::try_from(facts.len()).unwrap_or(1).max(1))).floor();
    } else {
        name_size = if short { Size::Body } else { Size::Lead };
        name_width = rest.max(space::XXL);
    }
    let label_height = Size::Small.points() + space::XS;
    ui.vertical(|ui| {
        ui.set_width(name_width);
        // On one line with the values, not with their labels.
        ui.add_space(label_height - (name_size.points() - fact_size.points()));
        text::as_heading_text(ui, 1, &banner.name, theme::bold(name_size), name_width);
    });
    for (fact, width) in banner.facts.iter().zip(facts) {
        ui.add_space(gap);
        ui.vertical(|ui| {
            ui.set_width(width);
            text::value(ui, &fact.label, &fact.value, &fact.spoken, fact_size);
        });
    }
}
