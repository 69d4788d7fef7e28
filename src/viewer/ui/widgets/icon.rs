//! The signs of the five answers, painted by code: no picture to load, none to be missing, sharp at every zoom.
//!
//! Each has an outline of its own, so that it is told apart without colour. None is a tick, and none is green.

use eframe::egui::{CornerRadius, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Vec2};

use crate::viewer::ui::theme::Colour;

/// What is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Icon {
    /// Alert: the stop sign's octagon with an exclamation mark.
    Octagon,
    /// Past plan: an hourglass that has run out.
    Hourglass,
    /// Nothing held: an empty ring.
    Ring,
    /// Not checked: a closed envelope, drawn in dashes.
    Sealed,
    /// Could not check: a triangle with a cross.
    Triangle,
    /// A telephone handset, before a number.
    Telephone,
    /// The hour hand at nine: a time.
    Clock,
}

/// Draws a sign into a square: `ink` on `paper`.
pub(crate) fn draw(painter: &Painter, square: Rect, icon: Icon, ink: Colour, paper: Colour) {
    match icon {
        Icon::Octagon => octagon(painter, square, ink, paper),
        Icon::Hourglass => hourglass(painter, square, ink),
        Icon::Ring => {
            let width = square.width() * 0.13;
            painter.circle_stroke(
                square.center(),
                square.width() / 2.0 - width / 2.0,
                Stroke::new(width, ink),
            );
        }
        Icon::Sealed => sealed(painter, square, ink),
        Icon::Triangle => triangle(painter, square, ink, paper),
        Icon::Telephone => telephone(painter, square, ink),
        Icon::Clock => {
            let width = (square.width() * 0.1).max(1.5);
            let c = square.center();
            let r = square.width() / 2.0;
            let stroke = Stroke::new(width, ink);
            painter.circle_stroke(c, r - width / 2.0, stroke);
            painter.line_segment([c, c - Vec2::new(0.0, r * 0.6)], stroke);
            painter.line_segment([c, c + Vec2::new(r * 0.45, 0.0)], stroke);
        }
    }
}

/// A point of a square by fractions of its side.
fn at(square: Rect, x: f32, y: f32) -> Pos2 {
    square.min + Vec2::new(square.width() * x, square.height() * y)
}

fn octagon(painter: &Painter, square: Rect, ink: Colour, paper: Colour) {
    const CUT: f32 = 0.293;
    let corners = [
        (CUT, 0.0),
        (1.0 - CUT, 0.0),
        (1.0, CUT),
        (1.0, 1.0 - CUT),
        (1.0 - CUT, 1.0),
        (CUT, 1.0),
        (0.0, 1.0 - CUT),
        (0.0, CUT),
    ];
    let points = corners.map(|(x, y)| at(square, x, y)).to_vec();
    painter.add(Shape::convex_polygon(points, ink, Stroke::NONE));
    exclamation(painter, square, paper);
}

fn exclamation(painter: &Painter, square: Rect, ink: Colour) {
    let half = square.width() * 0.075;
    let bar = [(0.5, 0.18), (0.5, 0.62)].map(|(x, y)| at(square, x, y));
    let [top, bottom] = bar;
    let stem = vec![
        top + Vec2::new(-half * 1.15, 0.0),
        top + Vec2::new(half * 1.15, 0.0),
        bottom + Vec2::new(half * 0.8, 0.0),
        bottom + Vec2::new(-half * 0.8, 0.0),
    ];
    painter.add(Shape::convex_polygon(stem, ink, Stroke::NONE));
    painter.circle_filled(at(square, 0.5, 0.77), half * 1.1, ink);
}

fn hourglass(painter: &Painter, square: Rect, ink: Colour) {
    let cap = |y: f32| Rect::from_min_max(at(square, 0.14, y), at(square, 0.86, y + 0.11));
    painter.rect_filled(cap(0.0), CornerRadius::same(1), ink);
    painter.rect_filled(cap(0.89), CornerRadius::same(1), ink);
    let width = square.width() * 0.075;
    let stroke = Stroke::new(width, ink);
    let upper = [(0.24, 0.14), (0.24, 0.26), (0.5, 0.5), (0.76, 0.26), (0.76, 0.14)];
    let lower = [(0.24, 0.86), (0.24, 0.74), (0.5, 0.5), (0.76, 0.74), (0.76, 0.86)];
    painter.line(upper.map(|(x, y)| at(square, x, y)).to_vec(), stroke);
    painter.line(lower.map(|(x, y)| at(square, x, y)).to_vec(), stroke);
    // All the sand is below: it has ended.
    let sand = [(0.3, 0.86), (0.33, 0.75), (0.5, 0.66), (0.67, 0.75), (0.7, 0.86)];
    painter.add(Shape::convex_polygon(sand.map(|(x, y)| at(square, x, y)).to_vec(), ink, Stroke::NONE));
}

fn sealed(painter: &Painter, square: Rect, ink: Colour) {
    let frame = Rect::from_min_max(at(square, 0.0, 0.16), at(square, 1.0, 0.84));
    let stroke = Stroke::new((square.width() * 0.07).max(2.0), ink);
    let dash = square.width() * 0.14;
    painter.extend(Shape::dashed_line(&outline(frame), stroke, dash, dash * 0.7));
    let flap = [(0.0, 0.16), (0.5, 0.56), (1.0, 0.16)].map(|(x, y)| at(square, x, y));
    painter.line(flap.to_vec(), stroke);
}

fn triangle(painter: &Painter, square: Rect, ink: Colour, paper: Colour) {
    let points = [(0.5, 0.02), (1.0, 0.93), (0.0, 0.93)].map(|(x, y)| at(square, x, y)).to_vec();
    painter.add(Shape::convex_polygon(points, ink, Stroke::NONE));
    let stroke = Stroke::new(square.width() * 0.1, paper);
    painter.line_segment([at(square, 0.37, 0.48), at(square, 0.63, 0.8)], stroke);
    painter.line_segment([at(square, 0.63, 0.48), at(square, 0.37, 0.8)], stroke);
}

fn telephone(painter: &Painter, square: Rect, ink: Colour) {
    // A handset: two ends and the bow between them.
    let bow = [(0.2, 0.26), (0.27, 0.52), (0.48, 0.73), (0.74, 0.8)].map(|(x, y)| at(square, x, y));
    painter.line(bow.to_vec(), Stroke::new(square.width() * 0.17, ink));
    for (x, y) in [(0.22, 0.2), (0.8, 0.78)] {
        painter.circle_filled(at(square, x, y), square.width() * 0.17, ink);
    }
}

/// The closed outline of a rectangle.
pub(crate) fn outline(rect: Rect) -> [Pos2; 5] {
    [rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom(), rect.left_top()]
}

/// Fills a rectangle with slanting stripes of two colours.
pub(crate) fn stripes(painter: &Painter, rect: Rect, width: f32, one: Colour, other: Colour) {
    let painter = painter.with_clip_rect(rect.intersect(painter.clip_rect()));
    painter.rect_filled(rect, CornerRadius::ZERO, one);
    let slant = rect.height();
    let mut x = rect.left() - slant;
    // Bounded by the window's width over the stripe's.
    while x < rect.right() {
        let points = vec![
            Pos2::new(x, rect.bottom()),
            Pos2::new(x + width, rect.bottom()),
            Pos2::new(x + width + slant, rect.top()),
            Pos2::new(x + slant, rect.top()),
        ];
        painter.add(Shape::convex_polygon(points, other, Stroke::NONE));
        x += 2.0 * width;
    }
}

/// A rectangle with its upper right corner cut off: the outline of what is past.
pub(crate) fn cut_corner(rect: Rect, cut: f32, fill: Colour, stroke: Stroke) -> Shape {
    let points = vec![
        rect.left_top(),
        rect.right_top() - Vec2::new(cut, 0.0),
        rect.right_top() + Vec2::new(0.0, cut),
        rect.right_bottom(),
        rect.left_bottom(),
    ];
    Shape::convex_polygon(points, fill, stroke)
}

/// A plain frame.
pub(crate) fn boxed(rect: Rect, radius: u8, fill: Colour, stroke: Stroke) -> Shape {
    eframe::egui::epaint::RectShape::new(rect, CornerRadius::same(radius), fill, stroke, StrokeKind::Inside)
        .into()
}

/// Thin slanting lines over a rectangle, as one shape.
pub(crate) fn slants(rect: Rect, width: f32, step: f32, ink: Colour) -> Shape {
    let mut lines = Vec::new();
    let slant = rect.height();
    let mut x = rect.left() - slant;
    while x < rect.right() {
        // Cut at the sides by hand: a shape that is put in later has no clip of its own.
        let from = Pos2::new(x.max(rect.left()), rect.bottom() - (rect.left() - x).max(0.0));
        let over = (x + slant - rect.right()).max(0.0);
        let to = Pos2::new(x + slant - over, rect.top() + over);
        lines.push(Shape::line_segment([from, to], Stroke::new(width, ink)));
        x += step;
    }
    Shape::Vec(lines)
}
