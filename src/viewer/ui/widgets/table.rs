//! A table whose rows are read as sentences. Columns are for the eye; a screen reader gets one node a row, because
//! no platform adapter carries table semantics.
//!
//! It refuses sorting and selection: it is a short list in the order it was given.

use eframe::egui::{Rect, Role, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2};

use crate::viewer::ui::theme::{self, Size, space};

/// One row.
pub(crate) struct Row<'a> {
    /// What each column shows.
    pub(crate) cells: Vec<&'a str>,
    /// What is read out, a whole sentence.
    pub(crate) spoken: &'a str,
    /// Set in bold with a bar at its left.
    pub(crate) marked: bool,
}

/// Draws the table. `shares` are the widths of the columns, adding up to one.
pub(crate) fn table(ui: &mut Ui, head: &[&str], shares: &[f32], rows: &[Row<'_>]) {
    let t = theme::tokens();
    ui.spacing_mut().item_spacing.y = 0.0;
    let spoken = head.join(", ");
    let cells: Vec<&str> = head.to_vec();
    row(ui, &cells, shares, &spoken, Role::Label, false, true);
    for (number, entry) in rows.iter().enumerate() {
        let rect = row(ui, &entry.cells, shares, entry.spoken, Role::ListItem, entry.marked, false);
        if number > 0 {
            ui.painter().hline(rect.x_range(), rect.top(), Stroke::new(1.0, t.hairline));
        }
    }
}

fn row(
    ui: &mut Ui,
    cells: &[&str],
    shares: &[f32],
    spoken: &str,
    role: Role,
    marked: bool,
    head: bool,
) -> Rect {
    let t = theme::tokens();
    let width = ui.available_width();
    let size = if head { Size::Small } else { Size::Body };
    let galleys: Vec<_> = cells
        .iter()
        .zip(shares)
        .map(|(cell, share)| {
            let font = if head || marked { theme::bold(size) } else { theme::regular(size) };
            let ink = if head { t.text_soft } else { t.text };
            ui.painter().layout((*cell).to_owned(), font, ink, (width * share - space::M).max(space::XL))
        })
        .collect();
    let tallest = galleys.iter().map(|galley| galley.size().y).fold(0.0, f32::max);
    let pad = if head { space::XS } else { space::S };
    let (rect, response) = ui.allocate_exact_size(Vec2::new(width, tallest + 2.0 * pad), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(role, true, spoken));
    if ui.is_rect_visible(rect) {
        if marked {
            ui.painter().rect_filled(rect, 0.0, t.picked);
            ui.painter().rect_filled(
                Rect::from_min_size(rect.min, Vec2::new(4.0, rect.height())),
                0.0,
                t.brand,
            );
        }
        if head {
            ui.painter().hline(rect.x_range(), rect.bottom() - 1.0, Stroke::new(2.0, t.edge));
        }
        let mut left = rect.left() + space::S + space::XS;
        for (galley, share) in galleys.into_iter().zip(shares) {
            ui.painter().galley(pos2(left, rect.top() + pad), galley, t.text);
            left += width * share;
        }
    }
    rect
}
