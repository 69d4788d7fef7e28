//! The manual's chapter on limits says of every limit what the code says.

use crate::source::none_of;

const CODE: &str = concat!(
    include_str!("../../../src/hub/limits.rs"),
    include_str!("../../../src/hub/limits/concerns.rs"),
    include_str!("../../../src/hub/limits/exchange.rs"),
    include_str!("../../../src/hub/limits/operating.rs"),
    include_str!("../../../src/hub/limits/sessions.rs"),
    include_str!("../../../src/hub/limits/signing_in.rs"),
    include_str!("../../../src/mesh/limits.rs"),
    include_str!("../../../src/authority/page/limits.rs")
);
const CHAPTER: &str = include_str!("../../../src/manual/limits.md");
const SETTINGS: &str = include_str!("../../../src/config/hub/limits.rs");

/// The constants of the code: name and value as the manual writes it.
fn constants(code: &str) -> Vec<(String, String)> {
    let constant = |line: &str| {
        let (name, rest) = line.strip_prefix("pub const ")?.split_once(':')?;
        let (_, value) = rest.split_once('=')?;
        Some((name.to_owned(), written(value.trim().trim_end_matches(';'))))
    };
    code.lines().filter_map(constant).collect()
}

/// `16 * 1024` is 16 KiB, `Duration::from_secs(5)` 5 s, `12_000` 12,000.
fn written(value: &str) -> String {
    let product = |text: &str| -> u64 {
        text.split('*').map(|factor| factor.trim().replace('_', "").parse::<u64>().unwrap()).product()
    };
    let inside = |call: &str| value.strip_prefix(call).and_then(|rest| rest.strip_suffix(')'));
    if let Some(seconds) = inside("Duration::from_secs(") {
        let seconds = product(seconds);
        return if seconds % 3600 == 0 {
            format!("{} h", seconds / 3600)
        } else if seconds % 60 == 0 {
            format!("{} min", seconds / 60)
        } else {
            format!("{seconds} s")
        };
    }
    if let Some(milliseconds) = inside("Duration::from_millis(") {
        return format!("{} ms", product(milliseconds));
    }
    if value == "1024 * 1024" || value.ends_with("* 1024 * 1024") {
        return format!("{} MiB", product(value) / 1024 / 1024);
    }
    if value.ends_with("* 1024") {
        return format!("{} KiB", product(value) / 1024);
    }
    let digits = product(value).to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The chapter's rows: name and value.
fn rows(chapter: &str) -> Vec<(String, String)> {
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
        let name = cells.next()?.trim_end_matches('`').to_owned();
        let value = cells.next()?.to_owned();
        let [why, what_then] = [cells.next()?, cells.next()?];
        let is_constant = name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        assert!(!is_constant || (why.len() > 3 && !what_then.is_empty()), "{name}: why, and what happens");
        is_constant.then_some((name, value))
    };
    chapter.lines().filter_map(row).collect()
}

#[test]
fn every_limit_is_in_the_manual_with_its_value() {
    let (mut code, mut manual) = (constants(CODE), rows(CHAPTER));
    assert!(code.len() > 40, "{code:?}");
    code.sort();
    manual.sort();
    let only = |here: &[(String, String)], there: &[(String, String)]| -> Vec<String> {
        here.iter()
            .filter(|row| !there.contains(row))
            .map(|(name, value)| format!("{name} = {value}"))
            .collect()
    };
    assert_eq!(
        (only(&code, &manual), only(&manual, &code)),
        (vec![], vec![]),
        "in the code, in the manual only"
    );
}

/// Times and lengths that a source says itself, line by line; its own tests may.
fn said_outside(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let is_digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let says = |line: &str| {
        let time = ["Duration::from_secs(", "Duration::from_millis("].iter().any(|call| {
            let mut calls = line.match_indices(call);
            calls.any(|(at, _)| !line[..at].ends_with("Signed") && is_digit(&line[at + call.len()..]))
        });
        let length = line
            .split_once("pairs_within(")
            .is_some_and(|(_, rest)| rest.split(", ").last().is_some_and(is_digit));
        time || length
    };
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//") && says(line))
        .map(str::to_owned)
        .collect()
}

#[test]
fn no_time_and_no_length_of_what_comes_from_outside_stands_elsewhere() {
    let mut found = Vec::new();
    for source in crate::source::all() {
        let is_limits = source.path.contains("/limits") || source.path.ends_with("tests.rs");
        if source.path.starts_with("src/hub/") && !is_limits && !source.path.ends_with("fuzzing.rs") {
            let said = said_outside(&source.text).into_iter();
            found.extend(said.map(|line| format!("{}: {line}", source.path)));
        }
    }
    none_of(found);
    assert_eq!(said_outside("const A: Duration = Duration::from_secs(5);").len(), 1);
    assert_eq!(said_outside("query::pairs_within(Some(form), 300)").len(), 1);
    assert_eq!(
        said_outside("const A: SignedDuration = SignedDuration::from_secs(5); Duration::from_secs(seconds)")
            .len(),
        0
    );
}

#[test]
fn every_setting_is_in_the_manual() {
    let fields =
        SETTINGS.lines().filter_map(|line| line.trim().strip_prefix("pub ")?.strip_suffix(": Option<u32>,"));
    let missing: Vec<_> = fields.filter(|field| !CHAPTER.contains(&format!("`{field}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_value_is_written_as_people_write_it() {
    for (code, expected) in [
        ("16 * 1024", "16 KiB"),
        ("12_000", "12,000"),
        ("1_000_000", "1,000,000"),
        ("512", "512"),
        ("Duration::from_secs(15 * 60)", "15 min"),
        ("Duration::from_secs(5)", "5 s"),
        ("Duration::from_millis(20)", "20 ms"),
    ] {
        assert_eq!(written(code), expected);
    }
}
