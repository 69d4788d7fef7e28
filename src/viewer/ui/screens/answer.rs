//! One of the five answers in its frame: headline, warnings as loud as it, what it means, what can be done.

use std::sync::Arc;

use eframe::egui::{
    FontSelection, Galley, Pos2, Rect, RichText, Role, Sense, TextWrapMode, Ui, Vec2, WidgetInfo, WidgetText,
};

use crate::domain::AnswerKind;
use crate::viewer::present::screen::{Action, AnswerPanel, FocusTarget};
use crate::viewer::ui::theme::{self, Size, space};
use crate::viewer::ui::turn::{Turn, actions_height};
use crate::viewer::ui::widgets::{Icon, Look, card, draw_icon, headline, line, panel, panel_margin, short};

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

/// How much of an answer stands in its frame. What does not is left to [`rest`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Framed {
    /// The headline alone.
    Headline,
    /// Warnings and buttons too.
    Buttons,
    /// And what it means.
    Everything,
}

impl Framed {
    /// What there is room for where everything scrolls.
    pub(crate) fn usual(ui: &Ui) -> Self {
        if short(ui) { Self::Buttons } else { Self::Everything }
    }

    /// As much as stays within a height.
    pub(crate) fn within(most: f32, ui: &Ui, answer: &AnswerPanel, actions: &[Action]) -> Self {
        let fits = |framed: &Self| *framed <= Self::usual(ui) && height(ui, answer, actions, *framed) <= most;
        [Self::Everything, Self::Buttons].into_iter().find(fits).unwrap_or(Self::Headline)
    }
}

/// Draws the answer with its buttons.
pub(crate) fn draw(ui: &mut Ui, answer: &AnswerPanel, actions: &[Action], framed: Framed, turn: &mut Turn) {
    let sign = panel(ui, look(answer.kind), answer.kind.word(), |ui| {
        ui.spacing_mut().item_spacing.y = gap(ui);
        // The time stands at the right of the first line.
        let room = ui.available_width();
        let stamp = Stamp::beside(ui, answer, room);
        let first_line = ui.max_rect().right_top();
        headline(ui, 2, &answer.headline, headline_size(ui), headline_width(room, stamp.as_ref()));
        match (stamp, &answer.checked) {
            (Some(stamp), _) => stamp.draw(ui, first_line),
            (None, Some(checked)) => {
                line(ui, theme::soft(checked, Size::Small));
            }
            (None, None) => {}
        }
        if framed == Framed::Headline {
            return;
        }
        warnings(ui, answer);
        if framed == Framed::Everything {
            meaning(ui, answer);
        }
        if !actions.is_empty() {
            ui.add_space(if short(ui) { 0.0 } else { space::XS });
            turn.actions(ui, actions);
        }
    });
    turn.offer_focus(FocusTarget::Answer, &sign);
}

/// What did not fit into the frame, to be read before anything else that scrolls.
pub(crate) fn rest(ui: &mut Ui, answer: &AnswerPanel, actions: &[Action], framed: Framed, turn: &mut Turn) {
    match framed {
        Framed::Everything => {}
        Framed::Buttons => meaning(ui, answer),
        Framed::Headline => {
            card(ui, |ui| {
                warnings(ui, answer);
                turn.actions(ui, actions);
                meaning(ui, answer);
            });
            ui.add_space(space::S);
        }
    }
}

fn headline_size(ui: &Ui) -> Size {
    if short(ui) { Size::Title } else { Size::Headline }
}

fn warning_size(ui: &Ui) -> Size {
    if short(ui) { Size::Lead } else { Size::Title }
}

/// Between the lines in the frame.
fn gap(ui: &Ui) -> f32 {
    if short(ui) { 6.0 } else { space::S }
}

/// The headline keeps clear of the time at its right.
fn headline_width(room: f32, stamp: Option<&Stamp<'_>>) -> f32 {
    room - stamp.map_or(0.0, |stamp| stamp.size.x + space::L)
}

/// How high the frame becomes, before it is drawn.
fn height(ui: &Ui, answer: &AnswerPanel, actions: &[Action], framed: Framed) -> f32 {
    let margin = panel_margin(ui).sum();
    let room = ui.available_width() - margin.x;
    let stamp = Stamp::beside(ui, answer, room);
    let font = theme::bold(headline_size(ui));
    let width = headline_width(room, stamp.as_ref());
    let headline = ui.painter().layout(answer.headline.clone(), font, theme::tokens().text, width);
    let mut lines: Vec<RichText> = Vec::new();
    if stamp.is_none() {
        lines.extend(answer.checked.as_ref().map(|checked| theme::soft(checked, Size::Small)));
    }
    if framed > Framed::Headline {
        lines.extend(answer.warnings.iter().map(|warning| theme::strong(warning, warning_size(ui))));
    }
    if framed == Framed::Everything {
        lines.extend(answer.lines.iter().map(|words| theme::text(words, Size::Body)));
    }
    let line = |words: RichText| {
        let wrap = Some(TextWrapMode::Wrap);
        WidgetText::from(words).into_galley(ui, wrap, room, FontSelection::Default).size().y + gap(ui)
    };
    let buttons = if framed > Framed::Headline && !actions.is_empty() {
        actions_height(ui, actions, room) + gap(ui) + space::XS
    } else {
        0.0
    };
    margin.y + headline.size().y + lines.into_iter().map(line).sum::<f32>() + buttons
}

fn warnings(ui: &mut Ui, answer: &AnswerPanel) {
    for warning in &answer.warnings {
        line(ui, theme::strong(warning, warning_size(ui)));
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
    size: Vec2,
}

impl<'a> Stamp<'a> {
    const SIGN: f32 = 16.0;

    /// Where there is room for it.
    fn beside(ui: &Ui, answer: &'a AnswerPanel, room: f32) -> Option<Self> {
        let words = answer.checked.as_deref().filter(|_| room > ROOM_FOR_TIME)?;
        let ink = theme::tokens().text;
        let galley = ui.painter().layout_no_wrap(words.to_owned(), theme::regular(Size::Body), ink);
        let size = Vec2::new(Self::SIGN + space::S + galley.size().x, 32.0);
        Some(Self { words, galley, size })
    }

    fn draw(self, ui: &Ui, right_top: Pos2) {
        let t = theme::tokens();
        let rect = Rect::from_min_size(right_top - Vec2::new(self.size.x + space::S, 0.0), self.size);
        let response = ui.interact(rect, ui.unique_id().with("checked"), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, self.words));
        let start = rect.left_center();
        let square =
            Rect::from_center_size(start + Vec2::new(Self::SIGN / 2.0, 0.0), Vec2::splat(Self::SIGN));
        draw_icon(ui.painter(), square, Icon::Clock, t.text_soft, t.surface);
        let at = start + Vec2::new(Self::SIGN + space::S, -self.galley.size().y / 2.0);
        ui.painter().galley(at, self.galley, t.text);
    }
}
