//! A choice among a few words, side by side: radio buttons that show all there is to choose at once.
//!
//! It refuses a drop-down list: that hides the choices and swallows keys while it is open.

use eframe::egui::{Response, Role, Sense, Stroke, StrokeKind, Ui, UiBuilder, Vec2, WidgetInfo, accesskit};

use crate::viewer::ui::theme::{self, Size, space};

/// Draws the choices under their label and answers what was done to each.
pub(crate) fn segment(
    ui: &mut Ui,
    label: &str,
    error: Option<&str>,
    choices: &[&str],
    picked: usize,
) -> Vec<Response> {
    let t = theme::tokens();
    let builder =
        UiBuilder::new().id_salt(label).accessibility_role(Role::RadioGroup).accessibility_label(label);
    ui.scope_builder(builder, |ui| {
        ui.spacing_mut().item_spacing.y = space::XS;
        let title = ui.painter().layout_no_wrap(label.to_owned(), theme::bold(Size::Body), t.text);
        let (rect, _) = ui.allocate_exact_size(title.size(), Sense::hover());
        ui.painter().galley(rect.min, title, t.text);
        if let Some(error) = error {
            let said = super::text::line(ui, theme::strong(error, Size::Body).color(t.alert)).id;
            ui.ctx().accesskit_node_builder(ui.unique_id(), |group| {
                group.set_invalid(accesskit::Invalid::True);
                group.set_error_message(said.accesskit_id());
                group.set_description(error);
            });
        }
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = Vec2::splat(space::S);
            choices.iter().enumerate().map(|(index, words)| one(ui, words, index == picked)).collect()
        })
        .inner
    })
    .inner
}

fn one(ui: &mut Ui, words: &str, picked: bool) -> Response {
    let t = theme::tokens();
    let font = if picked { theme::bold(Size::Body) } else { theme::regular(Size::Body) };
    let galley = ui.painter().layout_no_wrap(words.to_owned(), font, t.text);
    let dot = 20.0;
    let size = Vec2::new(galley.size().x + dot + space::S + 2.0 * space::S, theme::CONTROL_SMALL);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, ui.is_enabled(), picked, words));
    if ui.is_rect_visible(rect) {
        let fill = if response.hovered() { t.picked } else { t.surface };
        let edge = Stroke::new(1.0, if picked { t.brand } else { t.hairline });
        ui.painter().rect(rect, theme::RADIUS, fill, edge, StrokeKind::Inside);
        let centre = rect.left_center() + Vec2::new(space::S + dot / 2.0, 0.0);
        ui.painter().circle(centre, dot / 2.0 - 1.0, t.surface, Stroke::new(2.0, t.edge));
        if picked {
            ui.painter().circle_filled(centre, dot / 2.0 - 5.0, t.brand);
        }
        let text = rect.left_center() + Vec2::new(2.0 * space::S + dot, -galley.size().y / 2.0);
        ui.painter().galley(text, galley, t.text);
    }
    super::button::focus_ring(ui, rect, &response);
    response
}
