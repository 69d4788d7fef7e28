//! The five answers' frames: the same place and size on the screen, each with an outline, a sign and a pattern of
//! its own, so that none is taken for another without colour or at arm's length.
//!
//! It refuses to choose which: that was decided before anything was drawn.

use eframe::egui::{
    Margin, Painter, Rect, Response, Role, Sense, Shape, Stroke, Ui, UiBuilder, Vec2, WidgetInfo,
};

use super::icon::{self, Icon};
use crate::viewer::ui::theme::{self, space};

/// Which of the five.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Look {
    /// A thick square frame, an octagon.
    Alert,
    /// A frame with a corner cut off, an hourglass.
    Past,
    /// A thin frame with round corners, an empty ring.
    Nothing,
    /// A dashed frame, a closed envelope in dashes.
    NotChecked,
    /// A frame with striped ends, a triangle.
    CouldNot,
}

/// How far the sign keeps from the top: enough for the focus ring around it.
const SIGN_TOP: f32 = space::S + space::XS;

/// How large the sign is.
fn sign_side(ui: &Ui) -> f32 {
    if super::layout::short(ui) { 32.0 } else { 56.0 }
}

/// What the frame and its sign take of the room around what is written in it.
pub(crate) fn panel_margin(ui: &Ui) -> Margin {
    let above = if super::layout::short(ui) { space::S } else { space::M };
    Margin {
        left: super::layout::whole(sign_side(ui) + 3.0 * space::M),
        right: super::layout::whole(space::M),
        top: super::layout::whole(above),
        bottom: super::layout::whole(above),
    }
}

/// Draws the frame with its sign around what it says. The keyboard can be sent to the sign, which is named by the
/// answer's kind alone: what the keyboard goes to is read out by itself, and heard across the desk.
pub(crate) fn panel(ui: &mut Ui, look: Look, kind: &str, contents: impl FnOnce(&mut Ui)) -> Response {
    let side = sign_side(ui);
    let gutter = side + 2.0 * space::M;
    let ground = ui.painter().add(Shape::Noop);
    let sign_ground = ui.painter().clone();
    let top_left = ui.cursor().min;
    let inside = panel_margin(ui);
    // Before what is written, so that it is read and reached before it.
    let square = Rect::from_min_size(top_left + Vec2::new(space::M, SIGN_TOP), Vec2::splat(side));
    let response = ui.interact(square, ui.unique_id().with("sign"), Sense::focusable_noninteractive());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, kind));
    let width = ui.available_width();
    let max = Rect::from_min_size(top_left, Vec2::new(width, ui.available_height().max(side)));
    let body = max - inside;
    let mut child = ui.new_child(UiBuilder::new().id_salt("answer").max_rect(body));
    contents(&mut child);
    let used = child.min_rect();
    let height =
        (used.height() + f32::from(inside.top) + f32::from(inside.bottom)).max(side + 2.0 * SIGN_TOP);
    let whole = Rect::from_min_size(top_left, Vec2::new(width, height));
    ui.allocate_rect(whole, Sense::hover());
    let column = Rect::from_min_size(whole.min, Vec2::new(gutter, whole.height()));
    ui.painter().set(ground, frame(whole, look));
    sign(&sign_ground, whole, column, square, look);
    // Around the sign and not over it: its outline is what tells the answers apart.
    super::button::focus_ring(ui, square.expand(theme::FOCUS_REACH), &response);
    response
}

fn frame(whole: Rect, look: Look) -> Shape {
    let t = theme::tokens();
    match look {
        Look::Alert => icon::boxed(whole, 0, t.surface, Stroke::new(4.0, t.alert)),
        Look::Past => icon::cut_corner(whole.shrink(1.5), space::L, t.surface, Stroke::new(3.0, t.past)),
        Look::Nothing => icon::boxed(whole, 16, t.surface, Stroke::new(2.0, t.neutral)),
        Look::NotChecked => {
            let mut shapes = vec![icon::boxed(whole, 0, t.surface, Stroke::NONE)];
            let dashes = Stroke::new(2.0, t.text);
            shapes.extend(Shape::dashed_line(&icon::outline(whole.shrink(1.0)), dashes, 10.0, 6.0));
            Shape::Vec(shapes)
        }
        Look::CouldNot => icon::boxed(whole, 0, t.surface, Stroke::new(3.0, t.text)),
    }
}

fn sign(painter: &Painter, whole: Rect, column: Rect, square: Rect, look: Look) {
    let t = theme::tokens();
    match look {
        Look::Alert => {
            painter.rect_filled(column, 0.0, t.alert);
            icon::draw(painter, square, Icon::Octagon, t.on_strong, t.alert);
        }
        Look::Past => {
            painter.rect_filled(column, 0.0, t.past);
            icon::draw(painter, square, Icon::Hourglass, t.on_strong, t.past);
        }
        Look::Nothing => icon::draw(painter, square.shrink(2.0), Icon::Ring, t.neutral, t.surface),
        Look::NotChecked => icon::draw(painter, square, Icon::Sealed, t.text, t.surface),
        Look::CouldNot => {
            icon::stripes(painter, column.shrink(3.0), 14.0, t.caution, t.text);
            painter.rect_filled(square.expand(space::XS), theme::RADIUS, t.caution);
            icon::draw(painter, square, Icon::Triangle, t.text, t.caution);
            let end = Rect::from_min_max(whole.right_top() - Vec2::new(space::M, 0.0), whole.right_bottom());
            icon::stripes(painter, end.shrink(3.0), 7.0, t.caution, t.text);
        }
    }
}

/// The same place while an answer is being waited for: none of the five, and nothing that moves.
pub(crate) fn waiting<R>(ui: &mut Ui, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let t = theme::tokens();
    eframe::egui::Frame::new()
        .fill(t.surface)
        .stroke(Stroke::new(2.0, t.hairline))
        .inner_margin(Margin::same(super::layout::whole(space::L)))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            contents(ui)
        })
        .inner
}
