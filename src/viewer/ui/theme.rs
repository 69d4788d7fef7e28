//! The look of the window in one place: colours, type, distances, and egui's own style made from them.
//!
//! It refuses to know what is drawn with them. Nowhere else in the crate is a colour made; whoever needs one
//! takes it from [`Tokens`] by what it means, so that a dark and a high-contrast theme are two more tables.

use eframe::egui::{
    self, Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, RichText, Stroke,
    Vec2,
    style::{ScrollAnimation, ScrollStyle, WidgetVisuals},
};

/// A colour, for the rest of the drawing to hand around and never to make.
pub(crate) type Colour = Color32;

/// What a colour is for. The values are the NHS identity's.
pub(crate) struct Tokens {
    /// Behind everything.
    pub(crate) page: Color32,
    /// Cards, fields, the patient banner.
    pub(crate) surface: Color32,
    /// Lines that only decorate. Never the only edge of a control: too pale for that.
    pub(crate) hairline: Color32,
    /// The edge of a control.
    pub(crate) edge: Color32,
    /// What is read first.
    pub(crate) text: Color32,
    /// Labels and second lines; still 6.4 to 1 on white.
    pub(crate) text_soft: Color32,
    /// Text selected in a field, with `text` on it.
    pub(crate) selection: Color32,
    /// What can be pressed, and the session bar.
    pub(crate) brand: Color32,
    /// The same, pressed or edged.
    pub(crate) brand_dark: Color32,
    /// Text on `brand` and on every strong fill.
    pub(crate) on_strong: Color32,
    /// A row or choice under the pointer or picked.
    pub(crate) picked: Color32,
    /// Alert, and errors at a field.
    pub(crate) alert: Color32,
    /// Past plan.
    pub(crate) past: Color32,
    /// Nothing held and Not checked: no colour at all, on purpose.
    pub(crate) neutral: Color32,
    /// Could not check: one of two stripes, the other is `text`.
    pub(crate) caution: Color32,
    /// Notices to be read before going on, with `text` on it.
    pub(crate) notice: Color32,
    /// The ring inside the black edge of what has the keyboard.
    pub(crate) focus: Color32,
    /// The banner of somebody who has died.
    pub(crate) deceased: Color32,
    /// The stripes across that banner.
    pub(crate) deceased_stripe: Color32,
    /// The demonstration's strip.
    pub(crate) demonstration: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    let [_, red, green, blue] = hex.to_be_bytes();
    Color32::from_rgb(red, green, blue)
}

const LIGHT: Tokens = Tokens {
    page: rgb(0xf0f4f5),
    surface: rgb(0xffffff),
    hairline: rgb(0xd8dde0),
    edge: rgb(0x4c6272),
    text: rgb(0x212b32),
    text_soft: rgb(0x4c6272),
    selection: rgb(0xaeb7bd),
    brand: rgb(0x005eb8),
    brand_dark: rgb(0x003087),
    on_strong: rgb(0xffffff),
    picked: rgb(0xf0f4f5),
    alert: rgb(0xd5281b),
    past: rgb(0x330072),
    neutral: rgb(0x4c6272),
    caution: rgb(0xffb81c),
    notice: rgb(0xfff9c4),
    focus: rgb(0xffeb3b),
    deceased: rgb(0xd8dde0),
    deceased_stripe: rgb(0xf0f4f5),
    demonstration: rgb(0xffb81c),
};

/// The colours of the theme in use.
pub(crate) fn tokens() -> &'static Tokens {
    &LIGHT
}

/// Distances. Nothing is placed by another number.
pub(crate) mod space {
    /// Between a label and its value.
    pub(crate) const XS: f32 = 4.0;
    /// Between things that belong together.
    pub(crate) const S: f32 = 8.0;
    /// Inside a card; between controls.
    pub(crate) const M: f32 = 16.0;
    /// Between cards.
    pub(crate) const L: f32 = 24.0;
    /// Between sections.
    pub(crate) const XL: f32 = 32.0;
    /// Around a page that has little on it.
    pub(crate) const XXL: f32 = 40.0;
}

/// The height of a control that is reached for in a hurry.
pub(crate) const CONTROL: f32 = 40.0;
/// The least height of any control.
pub(crate) const CONTROL_SMALL: f32 = 32.0;
/// Corners of cards and controls.
pub(crate) const RADIUS: CornerRadius = CornerRadius::same(4);
/// How far the focus ring reaches beyond its control; neighbours keep more than this away.
pub(crate) const FOCUS_REACH: f32 = 4.0;

/// The type scale.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// 14: labels, hints, footers. Never an identifier.
    Small,
    /// 16: running text.
    Body,
    /// 19: what a card says first.
    Lead,
    /// 22: a plan's title, the patient's name.
    Title,
    /// 26: the answer.
    Headline,
    /// 36: the number to ring.
    Display,
}

impl Size {
    /// In points.
    pub(crate) const fn points(self) -> f32 {
        match self {
            Self::Small => 14.0,
            Self::Body => 16.0,
            Self::Lead => 19.0,
            Self::Title => 22.0,
            Self::Headline => 26.0,
            Self::Display => 36.0,
        }
    }

    /// From one baseline to the next: running text needs air, large type does not.
    pub(crate) const fn line(self) -> f32 {
        match self {
            Self::Small => 19.0,
            Self::Body => 22.0,
            Self::Lead => 26.0,
            Self::Title => 28.0,
            Self::Headline => 32.0,
            Self::Display => 40.0,
        }
    }
}

const REGULAR: &str = "Liberation Sans";
const BOLD: &str = "Liberation Sans Bold";

/// A font of the regular weight.
pub(crate) const fn regular(size: Size) -> FontId {
    FontId::new(size.points(), FontFamily::Proportional)
}

/// A font of the bold weight: a family of its own, because egui has no weights.
pub(crate) fn bold(size: Size) -> FontId {
    FontId::new(size.points(), FontFamily::Name(BOLD.into()))
}

/// Keeps groups of digits on one line: a telephone number broken in two is read, and dialled, wrong.
fn glue(content: String) -> String {
    let mut glued = String::with_capacity(content.len());
    let mut letters = content.chars().peekable();
    while let Some(letter) = letters.next() {
        let between = letter == ' '
            && glued.ends_with(|before: char| before.is_ascii_digit())
            && letters.peek().is_some_and(char::is_ascii_digit);
        glued.push(if between { GLUE } else { letter });
    }
    glued
}

/// A space that no line ends at. It is for the eye; what is read out gets its plain spaces back.
pub(crate) const GLUE: char = '\u{a0}';

/// Running text.
pub(crate) fn text(content: impl Into<String>, size: Size) -> RichText {
    RichText::new(glue(content.into()))
        .font(regular(size))
        .line_height(Some(size.line()))
        .color(tokens().text)
}

/// Text of the bold weight.
pub(crate) fn strong(content: impl Into<String>, size: Size) -> RichText {
    RichText::new(glue(content.into())).font(bold(size)).line_height(Some(size.line())).color(tokens().text)
}

/// A label or a second line.
pub(crate) fn soft(content: impl Into<String>, size: Size) -> RichText {
    text(content, size).color(tokens().text_soft)
}

/// Gives a context the fonts and the style. Once, before the first frame.
///
/// Patient names come in every script: Liberation Sans covers Latin, Greek, Cyrillic and Hebrew, and what it
/// lacks is taken from the operating system's own fonts (eframe's `system_fonts`), never from a font that we
/// would have to ship for every script there is.
pub fn install(ctx: &egui::Context) {
    ctx.set_fonts(fonts());
    ctx.set_theme(egui::Theme::Light);
    ctx.all_styles_mut(restyle);
    // egui's Ctrl+Q ends the program, and lets Ctrl+Shift+Q through as the same: that key signs out.
    ctx.options_mut(|options| options.quit_shortcuts.clear());
}

fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::empty();
    let regular = FontData::from_static(include_bytes!("../../../assets/fonts/LiberationSans-Regular.ttf"));
    let bold = FontData::from_static(include_bytes!("../../../assets/fonts/LiberationSans-Bold.ttf"));
    fonts.font_data.insert(REGULAR.to_owned(), regular.into());
    fonts.font_data.insert(BOLD.to_owned(), bold.into());
    for family in [FontFamily::Proportional, FontFamily::Monospace] {
        fonts.families.insert(family, vec![REGULAR.to_owned()]);
    }
    fonts.families.insert(FontFamily::Name(BOLD.into()), vec![BOLD.to_owned(), REGULAR.to_owned()]);
    fonts
}

fn restyle(style: &mut egui::Style) {
    let t = tokens();
    style.visuals = egui::Visuals::light();
    style.text_styles = [
        (egui::TextStyle::Small, regular(Size::Small)),
        (egui::TextStyle::Body, regular(Size::Body)),
        (egui::TextStyle::Button, bold(Size::Body)),
        (egui::TextStyle::Heading, bold(Size::Title)),
        (egui::TextStyle::Monospace, regular(Size::Body)),
    ]
    .into();

    // An idle window draws nothing: forty of them share one VDI host.
    style.animation_time = 0.0;
    style.scroll_animation = ScrollAnimation::none();
    style.visuals.text_cursor.blink = false;
    style.visuals.text_cursor.stroke = Stroke::new(2.0, t.text);
    // Selecting text on Linux copies it to where every program can read it.
    style.interaction.selectable_labels = false;
    style.interaction.multi_widget_text_select = false;

    style.spacing.item_spacing = Vec2::splat(space::S);
    style.spacing.button_padding = Vec2::new(space::M, space::S);
    style.spacing.interact_size = Vec2::new(CONTROL_SMALL, CONTROL_SMALL);
    style.spacing.window_margin = Margin::same(16);
    style.spacing.scroll = scroll_bars();
    colour(&mut style.visuals, t);
    #[cfg(debug_assertions)]
    {
        // Marks of egui's own over the picture, in the build that the pictures are taken from.
        style.debug.show_unaligned = false;
    }
}

fn scroll_bars() -> ScrollStyle {
    let mut scroll = ScrollStyle::solid();
    // Always there and never over the text: somebody must see that there is more to read.
    scroll.bar_width = 10.0;
    scroll.bar_inner_margin = 2.0;
    scroll.handle_min_length = 32.0;
    scroll.foreground_color = true;
    scroll.fade.strength = 0.0;
    scroll.kinetic.rubber_band = false;
    scroll.active_background_opacity = 1.0;
    scroll.interact_background_opacity = 1.0;
    scroll.dormant_background_opacity = 1.0;
    scroll.dormant_handle_opacity = 1.0;
    scroll.active_handle_opacity = 1.0;
    scroll
}

fn colour(visuals: &mut egui::Visuals, t: &Tokens) {
    visuals.override_text_color = None;
    visuals.weak_text_color = Some(t.text_soft);
    visuals.panel_fill = t.page;
    visuals.window_fill = t.surface;
    visuals.window_stroke = Stroke::new(1.0, t.edge);
    visuals.window_corner_radius = RADIUS;
    visuals.extreme_bg_color = t.surface;
    visuals.faint_bg_color = t.page;
    visuals.selection.bg_fill = t.selection;
    visuals.selection.stroke = Stroke::new(1.0, t.text);
    visuals.hyperlink_color = t.brand;
    visuals.error_fg_color = t.alert;
    visuals.warn_fg_color = t.text;
    let plain = |fill: Color32, edge: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(1.0, edge),
        corner_radius: RADIUS,
        fg_stroke: Stroke::new(1.0, t.text),
        expansion: 0.0,
    };
    visuals.widgets.noninteractive = plain(t.surface, t.hairline);
    visuals.widgets.inactive = plain(t.surface, t.edge);
    visuals.widgets.hovered = plain(t.page, t.text);
    visuals.widgets.active = plain(t.hairline, t.text);
    visuals.widgets.open = plain(t.surface, t.edge);
    // The handle of a scroll bar takes its colour from here.
    visuals.widgets.inactive.fg_stroke.color = t.text_soft;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(colour: Colour) -> f32 {
        let linear = |part: u8| {
            let part = f32::from(part) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
    }

    fn contrast(one: Colour, other: Colour) -> f32 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn all_text_is_legible_on_every_ground_it_is_put_on() {
        let t = tokens();
        let grounds = [
            (
                t.text,
                vec![
                    t.surface,
                    t.page,
                    t.picked,
                    t.selection,
                    t.notice,
                    t.caution,
                    t.demonstration,
                    t.deceased,
                    t.deceased_stripe,
                ],
            ),
            (t.text_soft, vec![t.surface, t.page, t.picked, t.deceased, t.deceased_stripe]),
            (t.brand, vec![t.surface, t.page, t.picked]),
            (t.on_strong, vec![t.brand, t.brand_dark, t.alert, t.past]),
            (t.alert, vec![t.surface]),
            (t.past, vec![t.surface]),
        ];
        for (ink, papers) in grounds {
            for paper in papers {
                let ratio = contrast(ink, paper);
                assert!(ratio >= 4.5, "{ink:?} on {paper:?}: {ratio}");
            }
        }
    }

    #[test]
    fn edges_of_controls_and_the_focus_ring_are_seen() {
        let t = tokens();
        for (line, paper) in [
            (t.edge, t.surface),
            (t.brand, t.surface),
            (t.on_strong, t.brand),
            (t.text, t.surface),
            (t.text, t.page),
            (t.focus, t.text),
            (t.focus, t.brand),
        ] {
            assert!(contrast(line, paper) >= 3.0, "{line:?} on {paper:?}");
        }
    }

    #[test]
    fn a_number_is_not_broken_in_two() {
        assert_eq!(glue("Ring 01632 960101 now, 24 h".to_owned()), "Ring 01632\u{a0}960101 now, 24 h");
    }

    #[test]
    fn no_answer_is_green() {
        let t = tokens();
        for colour in [t.alert, t.past, t.neutral, t.caution, t.text] {
            let [red, green, blue, _] = colour.to_array();
            assert!(!(green > red && green > blue), "{colour:?}");
        }
    }
}
