//! One of the five answers in its frame: headline, warnings as loud as it, what it means, what can be done.

use std::sync::Arc;

use eframe::egui::{Galley, Rect, Role, Sense, Ui, Vec2, WidgetInfo, pos2};

use crate::domain::AnswerKind;
use crate::viewer::present::screen::{Action, AnswerPanel, FocusTarget};
use crate::viewer::ui::theme::{self, Size, space};
use crate::viewer::ui::turn::Turn;
use crate::viewer::ui::widgets::{Icon, Look, draw_icon, headline, line, panel, short};

/// Narrower than this, the time stands under the headline.
const ROOM_FOR_TIME: f32 = 460.0;

/// Which frame goes with which answer.
fn look(kind: AnswerKind) -> Look {
    match kind {
        AnswerKind::Alert => Look::Alert,
        AnswerKind::PastPlan => Look::Past,
        AnswerKind::NothingHeld => Look::Nothing,
        AnswerKind::NotChecked => Look::NotChecked,
        AnswerKind::CouldNotCheck => Look::CouldNot,
    }
}

/// Draws the answer with its buttons. Where the window is short, what it means is left to [`rest`], which
/// scrolls; answer, warnings and buttons stay.
pub(crate) fn draw(ui: &mut Ui, answer: &AnswerPanel, actions: &[Action], turn: &mut Turn) {
    panel(ui, look(answer.kind), |ui| {
        let short = short(ui);
        ui.spacing_mut().item_spacing.y = if short { 6.0 } else { space::S };
        let size = if short { Size::Title } else { Size::Headline };
        let beside = answer.checked.as_deref().filter(|_| ui.available_width() > ROOM_FOR_TIME);
        // The time stands at the right of the first line; the headline keeps clear of it.
        let stamp = beside.map(|checked| Stamp::new(ui, checked));
        let width = ui.available_width() - stamp.as_ref().map_or(0.0, |stamp| stamp.rect.width() + space::L);
        let response = headline(ui, 2, &answer.headline, size, width);
        if let Some(stamp) = stamp {
            stamp.draw(ui);
        }
        turn.offer_focus(FocusTarget::Answer, &response);
        if let (Some(checked), None) = (&answer.checked, beside) {
            line(ui, theme::soft(checked, Size::Small));
        }
        for warning in &answer.warnings {
            line(ui, theme::strong(warning, if short { Size::Lead } else { Size::Title }));
        }
        if !short {
            meaning(ui, answer);
        }
        if !actions.is_empty() {
            ui.add_space(if short { 0.0 } else { space::XS });
            turn.actions(ui, actions);
        }
    });
}

/// What the answer means, where it did not fit into its frame.
pub(crate) fn rest(ui: &mut Ui, answer: &AnswerPanel) {
    if short(ui) {
        meaning(ui, answer);
    }
}

/// The first line stands out where no warning does: one thing is read first, not two.
fn meaning(ui: &mut Ui, answer: &AnswerPanel) {
    for (number, words) in answer.lines.iter().enumerate() {
        let first = number == 0 && answer.warnings.is_empty();
        line(ui, if first { theme::strong(words, Size::Body) } else { theme::text(words, Size::Body) });
    }
}

/// When the answer was had, at the right of the headline.
struct Stamp<'a> {
    words: &'a str,
    galley: Arc<Galley>,
    rect: Rect,
}

impl<'a> Stamp<'a> {
    const SIGN: f32 = 16.0;

    fn new(ui: &Ui, words: &'a str) -> Self {
        let ink = theme::tokens().text;
        let galley = ui.painter().layout_no_wrap(words.to_owned(), theme::regular(Size::Body), ink);
        let size = Vec2::new(Self::SIGN + space::S + galley.size().x, 32.0);
        let left = ui.max_rect().right() - size.x - space::S;
        Self { words, galley, rect: Rect::from_min_size(pos2(left, ui.cursor().top()), size) }
    }

    fn draw(self, ui: &Ui) {
        let t = theme::tokens();
        let response = ui.interact(self.rect, ui.unique_id().with("checked"), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, self.words));
        let start = self.rect.left_center();
        let square =
            Rect::from_center_size(start + Vec2::new(Self::SIGN / 2.0, 0.0), Vec2::splat(Self::SIGN));
        draw_icon(ui.painter(), square, Icon::Clock, t.text_soft, t.surface);
        let at = start + Vec2::new(Self::SIGN + space::S, -self.galley.size().y / 2.0);
        ui.painter().galley(at, self.galley, t.text);
    }
}
