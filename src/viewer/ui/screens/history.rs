//! Who opened the record before: a summary that leaps out where it should, and a table read row by row.

use eframe::egui::{Role, Ui, UiBuilder};

use crate::viewer::present::screen::{AccessRow, History};
use crate::viewer::ui::theme::{self, Size, space};
use crate::viewer::ui::widgets::{Row, card, heading, line, notice_box, region, table};

const HEAD: [&str; 4] = ["When", "Name", "Role", "Organisation"];
const SHARES: [f32; 4] = [0.24, 0.21, 0.24, 0.31];

/// Draws it.
pub(crate) fn draw(ui: &mut Ui, history: &History) {
    region(ui, "Access history", |ui| {
        card(ui, |ui| {
            heading(ui, 3, &history.heading, Size::Lead);
            if let Some(summary) = &history.summary {
                if history.summary_is_loud {
                    notice_box(ui, summary);
                } else {
                    line(ui, theme::strong(summary, Size::Body));
                }
            }
            line(ui, theme::soft(&history.intro, Size::Small));
            if let Some(state) = &history.state {
                line(ui, theme::text(state, Size::Body));
            }
            if !history.rows.is_empty() {
                ui.add_space(space::XS);
                rows(ui, &history.rows);
            }
        });
    });
}

fn rows(ui: &mut Ui, rows: &[AccessRow]) {
    let builder = UiBuilder::new().accessibility_role(Role::List).accessibility_label("Accesses");
    ui.scope_builder(builder, |ui| {
        let names: Vec<String> = rows
            .iter()
            .map(|row| match &row.mark {
                Some(mark) => format!("{}\n{mark}", row.who),
                None => row.who.clone(),
            })
            .collect();
        let rows: Vec<Row<'_>> = rows
            .iter()
            .zip(&names)
            .map(|(row, name)| Row {
                cells: vec![&row.when, name, &row.role, &row.organisation],
                spoken: &row.spoken,
                marked: row.mark.is_some(),
            })
            .collect();
        table(ui, &HEAD, &SHARES, &rows);
    });
}
