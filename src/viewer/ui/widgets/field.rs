//! A text field with its label above, what is wrong with it in words, and an example of what to type.
//!
//! Its id carries the generation of the patient: egui keeps what was typed for Ctrl+Z by id, and the next
//! patient's field must not give back the last one's. It refuses to hold the text itself.

use eframe::egui::{self, Frame, Id, Margin, Rect, Response, Stroke, TextEdit, Ui, Vec2};

use crate::viewer::ui::theme::{self, Size, space};

/// A field about to be drawn.
#[must_use = "call show"]
pub(crate) struct Field<'a> {
    label: &'a str,
    hint: &'a str,
    error: Option<&'a str>,
    width: f32,
    id: Id,
}

/// More than any name or scan has; a paste of a whole document stops here.
const MOST_CHARACTERS: usize = 256;

impl<'a> Field<'a> {
    /// A field whose accessible name is exactly its label.
    pub(crate) fn new(label: &'a str, generation: u64) -> Self {
        Self { label, hint: "", error: None, width: 240.0, id: Self::id(label, generation) }
    }

    /// The id of the field with this label for one generation of the patient.
    pub(crate) fn id(label: &str, generation: u64) -> Id {
        Id::unique(("cpis field", label, generation))
    }

    /// An example or a note under the label.
    pub(crate) fn hint(mut self, hint: &'a str) -> Self {
        self.hint = hint;
        self
    }

    /// What is wrong, in words.
    pub(crate) fn error(mut self, error: Option<&'a str>) -> Self {
        self.error = error;
        self
    }

    /// How wide the box is.
    pub(crate) fn width(mut self, width: f32) -> Self {
        self.width = width;
        self
    }

    /// Draws it over the text it edits.
    pub(crate) fn show(self, ui: &mut Ui, text: &mut String) -> Response {
        let t = theme::tokens();
        let indent = if self.error.is_some() { space::M } else { 0.0 };
        let scope = ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = space::XS;
            ui.horizontal_top(|ui| {
                ui.add_space(indent);
                ui.vertical(|ui| {
                    let width = self.width - indent;
                    ui.set_width(width);
                    self.column(ui, text, width)
                })
                .inner
            })
            .inner
        });
        if self.error.is_some() {
            let bar =
                Rect::from_min_size(scope.response.rect.min, Vec2::new(4.0, scope.response.rect.height()));
            ui.painter().rect_filled(bar, 0.0, t.alert);
        }
        scope.inner
    }

    fn column(&self, ui: &mut Ui, text: &mut String, width: f32) -> Response {
        let t = theme::tokens();
        // Painted only: in the accessibility tree the field itself bears this name, once.
        let label = ui.painter().layout_no_wrap(self.label.to_owned(), theme::bold(Size::Body), t.text);
        let (rect, _) = ui.allocate_exact_size(label.size(), egui::Sense::hover());
        ui.painter().galley(rect.min, label, t.text);
        if !self.hint.is_empty() {
            super::text::line(ui, theme::soft(self.hint, Size::Small));
        }
        if let Some(error) = self.error {
            let said = super::text::line(ui, theme::strong(error, Size::Body).color(t.alert));
            return self.input(ui, text, width, Some((said.id, error)));
        }
        self.input(ui, text, width, None)
    }

    fn input(&self, ui: &mut Ui, text: &mut String, width: f32, error: Option<(Id, &str)>) -> Response {
        let t = theme::tokens();
        let edge = if error.is_some() { Stroke::new(3.0, t.alert) } else { Stroke::new(2.0, t.edge) };
        let inset = Margin::symmetric(10, 6) - Margin::from(edge.width);
        let frame =
            Frame::new().fill(t.surface).stroke(edge).corner_radius(theme::RADIUS).inner_margin(inset);
        let response = ui.add(
            TextEdit::singleline(text)
                .id(self.id)
                .font(theme::regular(Size::Lead))
                .text_color(t.text)
                .frame(frame)
                .desired_width(width)
                .min_size(Vec2::new(width, theme::CONTROL))
                .align(egui::Align2::LEFT_CENTER)
                .char_limit(MOST_CHARACTERS)
                // Enter searches, and the field keeps the keyboard: a mistake is mended where it was made.
                .return_key(None),
        );
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_label(self.label);
            match error {
                Some((id, words)) => {
                    node.set_invalid(egui::accesskit::Invalid::True);
                    node.set_error_message(id.accesskit_id());
                    node.set_description(words);
                }
                None if !self.hint.is_empty() => node.set_description(self.hint),
                None => {}
            }
        });
        super::button::focus_ring(ui, response.rect, &response);
        response
    }
}
