//! Text that others wrote, before it is shown or believed.

/// Whether a character has no look of its own but changes how others look: control characters, line and
/// paragraph separators, and those that change the direction of reading.
#[must_use]
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The text with every such character shown as what cannot be shown.
#[must_use]
pub fn visible(text: &str) -> String {
    text.chars().map(|c| if is_unprintable(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_change_how_a_line_reads_is_shown_as_what_it_is() {
        let check = |text: &str, expected: &str| assert_eq!(visible(text), expected, "{text:?}");
        check("Zoë O'Brien, 王小明", "Zoë O'Brien, 王小明");
        check("a\tb\nc\rd", "a\u{fffd}b\u{fffd}c\u{fffd}d");
        check("\u{1b}[2Jgone", "\u{fffd}[2Jgone");
        check("\u{202e}desrever", "\u{fffd}desrever");
        check("a\u{2066}b\u{2069}\u{200f}\u{85}", "a\u{fffd}b\u{fffd}\u{fffd}\u{fffd}");
    }
}
