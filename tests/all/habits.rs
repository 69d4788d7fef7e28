//! Habits that no lint holds: module documentation, sizes, colours, `unwrap`.

use super::source::{self, Kind, Source, none_of};

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;

/// Files that may be longer, each with its reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// Functions that may be longer, as `file::function`, each with its reason.
const LONG_FUNCTIONS: &[(&str, &str)] = &[];

/// The only files with `unsafe`, each with its reason.
const UNSAFE_FILES: &[(&str, &str)] = &[
    ("src/viewer/run/locked/centre.rs", "macOS calls back through Objective-C"),
    ("src/viewer/run/locked/session.rs", "Windows calls back a procedure of C"),
];

/// The only files that make colours.
const THEME: &str = "src/viewer/ui/theme";

fn undocumented(source: &Source) -> Vec<String> {
    let opens = source.text.lines().find(|line| !line.trim().is_empty());
    match opens {
        Some(line) if line.starts_with("//!") => Vec::new(),
        _ => vec![format!("{}:1: opens without a `//!` that says what the module is for", source.path)],
    }
}

fn too_long(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let lines = source.text.lines().count();
    if lines > FILE_LINES_MAX && !listed(LONG_FILES, &source.path) {
        found.push(format!("{}: {lines} lines, {FILE_LINES_MAX} at most", source.path));
    }
    for (name, line, lines) in source.functions() {
        if lines > FUNCTION_LINES_MAX && !listed(LONG_FUNCTIONS, &format!("{}::{name}", source.path)) {
            found.push(format!(
                "{}:{line}: `{name}` has {lines} lines, {FUNCTION_LINES_MAX} at most",
                source.path
            ));
        }
    }
    found
}

fn listed(list: &[(&str, &str)], entry: &str) -> bool {
    list.iter().any(|(listed, _)| *listed == entry)
}

fn colours(source: &Source) -> Vec<String> {
    if source.path.starts_with(THEME) {
        return Vec::new();
    }
    let makes = |word: &str| {
        matches!(word, "Color32" | "Rgba" | "Hsva")
            || word.starts_with("from_rgb")
            || word.starts_with("hex_color")
    };
    source
        .tokens
        .iter()
        .filter(|token| token.kind == Kind::Word && makes(&token.text))
        .map(|token| format!("{}:{}: `{}` outside {THEME}*", source.path, token.line, token.text))
        .collect()
}

fn unwraps(source: &Source) -> Vec<String> {
    source
        .tokens
        .windows(4)
        .filter_map(|window| match window {
            [dot, name, open, close]
                if !dot.in_test && dot.is(".") && name.is("unwrap") && open.is("(") && close.is(")") =>
            {
                Some(format!("{}:{}: `.unwrap()` outside tests", source.path, name.line))
            }
            _ => None,
        })
        .collect()
}

fn unsafes(source: &Source) -> Vec<String> {
    if listed(UNSAFE_FILES, &source.path) {
        return Vec::new();
    }
    let is_unsafe = |word: &str| matches!(word, "unsafe" | "unsafe_code");
    let found = source.tokens.iter().filter(|token| token.kind == Kind::Word && is_unsafe(&token.text));
    found.map(|token| format!("{}:{}: `{}` outside its files", source.path, token.line, token.text)).collect()
}

#[test]
fn only_what_has_to_is_unsafe() {
    none_of(source::all().iter().flat_map(unsafes).collect());
}

#[test]
fn every_module_says_what_it_is_for() {
    none_of(source::all().iter().flat_map(undocumented).collect());
}

#[test]
fn no_file_and_no_function_is_too_long() {
    none_of(source::all().iter().flat_map(too_long).collect());
}

#[test]
fn an_exception_that_is_not_needed_any_more_is_taken_off_its_list() {
    let mut needed = Vec::new();
    for source in source::all() {
        if source.text.lines().count() > FILE_LINES_MAX {
            needed.push(source.path.clone());
        }
        let long = source.functions().into_iter().filter(|(_, _, lines)| *lines > FUNCTION_LINES_MAX);
        needed.extend(long.map(|(name, _, _)| format!("{}::{name}", source.path)));
        if source.tokens.iter().any(|token| token.kind == Kind::Word && token.text == "unsafe") {
            needed.push(source.path.clone());
        }
    }
    let all = LONG_FILES.iter().chain(LONG_FUNCTIONS).chain(UNSAFE_FILES);
    none_of(
        all.filter(|(entry, reason)| !needed.iter().any(|needed| needed == entry) || reason.is_empty())
            .map(|(entry, _)| format!("{entry}: short or safe enough now, gone, or listed without a reason"))
            .collect(),
    );
}

#[test]
fn only_the_theme_makes_colours() {
    none_of(source::all().iter().flat_map(colours).collect());
}

#[test]
fn nothing_but_a_test_unwraps() {
    none_of(source::all().iter().flat_map(unwraps).collect());
}

#[test]
fn each_habit_is_seen_to_fail() {
    let bad = Source::new("src/hub/bad.rs", "use a;\nfn f() { Color32::from_rgb(1, 2, 3); x.unwrap(); }\n");
    assert_eq!(undocumented(&bad).len(), 1);
    assert_eq!(
        colours(&bad),
        [
            "src/hub/bad.rs:2: `Color32` outside src/viewer/ui/theme*",
            "src/hub/bad.rs:2: `from_rgb` outside src/viewer/ui/theme*"
        ]
    );
    assert_eq!(unwraps(&bad), ["src/hub/bad.rs:2: `.unwrap()` outside tests"]);
    let bad = Source::new("src/hub/bad.rs", "//! unsafe\nfn f() { unsafe { g() } }\n");
    assert_eq!(unsafes(&bad), ["src/hub/bad.rs:2: `unsafe` outside its files"]);

    let long =
        Source::new("src/hub/long.rs", &format!("//! x\nfn f() {{{}}}\n", "\n".repeat(FILE_LINES_MAX)));
    assert_eq!(
        too_long(&long),
        ["src/hub/long.rs: 402 lines, 400 at most", "src/hub/long.rs:2: `f` has 401 lines, 70 at most"]
    );

    let good = "//! x\nfn f() { x.unwrap_or(1); }\n#[cfg(test)] mod tests { fn t() { x.unwrap(); } }\n";
    let good =
        Source::new("src/viewer/ui/theme/tokens.rs", &format!("{good}const C: Color32 = Color32::RED;"));
    assert!([undocumented(&good), too_long(&good), colours(&good), unwraps(&good)].concat().is_empty());
}
