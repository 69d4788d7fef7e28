//! Names taken apart: parts, particles, sound codes, and the words that stand where a newborn has no name yet.

use rphonetic::{DoubleMetaphone, Encoder};

use crate::hub::folding::folded;

/// Words that belong to a family name without telling it from others.
const PARTICLES: &[&str] = &[
    "abu", "al", "ap", "ben", "bin", "bint", "bte", "da", "das", "de", "del", "della", "den", "der", "di",
    "do", "dos", "du", "e", "el", "fitz", "ibn", "la", "le", "mac", "mc", "o", "os", "st", "ten", "ter",
    "ul", "umm", "van", "von", "y",
];

/// Words that stand in the given name's place before there is one: `Baby of Khan`, `Twin 1`.
const UNNAMED: &[&str] = &[
    "baby", "babyboy", "babygirl", "boy", "child", "female", "foetus", "girl", "infant", "male", "newborn",
    "nk", "notknown", "triplet", "twin", "twin1", "twin2", "twina", "twinb", "twini", "twinii", "unknown",
    "unnamed",
];

/// Letters of a sound code.
const CODE_LETTERS: usize = 4;

/// The parts of a name, folded: `Smith-Jones` has two, `O'Brien` has `o` and `brien`. Joined they are the name as
/// it is compared for equality.
pub(super) fn parts(name: &str) -> Vec<String> {
    let is_quote = |c: char| matches!(c, '\'' | '\u{2019}' | '\u{2018}' | '`' | '\u{2bc}');
    let mut parts = Vec::new();
    for word in name
        .split(|c: char| c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '/' | '.' | ','))
    {
        match word.split_once(is_quote) {
            // Only what is a particle comes off: the sound within Sa'id is no border.
            Some((before, after))
                if matches!(folded(before).as_str(), "o" | "d" | "l" | "m" | "mc" | "al") =>
            {
                parts.push(folded(before));
                parts.push(folded(after));
            }
            Some(_) | None => parts.push(folded(word)),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// The parts that tell a family name from others; all of them where there are only particles.
pub(super) fn core(parts: &[String]) -> Vec<&str> {
    let core: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !PARTICLES.contains(part) && part.chars().count() > 1)
        .collect();
    if core.is_empty() { parts.iter().map(String::as_str).collect() } else { core }
}

/// What a family name may have been written as where its particle or prefix was left out or run together.
pub(super) fn stripped(name: &str) -> Option<&str> {
    const PREFIXES: &[&str] = &["mac", "mc", "al", "el", "fitz", "van", "abdul", "o", "de"];
    let rest = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix))?;
    (rest.len() >= 4).then_some(rest)
}

/// Whether the given names only say that there is none yet.
pub(super) fn is_unnamed(given: &[String]) -> bool {
    given.first().is_none_or(|word| UNNAMED.contains(&word.as_str()))
}

/// The sound of a folded part. What is not Latin stands for itself.
pub(super) fn sound(part: &str) -> String {
    if !part.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return part.chars().take(CODE_LETTERS * 2).collect();
    }
    // Hungarian, Polish and Ukrainian beginnings that English ears hear as one sound.
    const BEGINNINGS: &[(&str, &str)] = &[
        ("zs", "s"),
        ("sz", "s"),
        ("cs", "ch"),
        ("cz", "ch"),
        ("kh", "k"),
        ("gh", "g"),
        ("iu", "yu"),
        ("ia", "ya"),
        ("ye", "e"),
        ("ts", "s"),
        ("q", "k"),
        ("w", "v"),
    ];
    let (heard, rest) = BEGINNINGS
        .iter()
        .find_map(|(written, heard)| Some((*heard, part.strip_prefix(written)?)))
        .unwrap_or(("", part));
    let mut plain = heard.to_owned();
    for letter in rest.chars() {
        // A key held down.
        if !(plain.ends_with(letter) && plain.chars().rev().nth(1) == Some(letter)) {
            plain.push(letter);
        }
    }
    let code = DoubleMetaphone::new(Some(CODE_LETTERS)).encode(&plain);
    if code.is_empty() { part.chars().take(CODE_LETTERS).collect() } else { code }
}

/// Which letters a name has, as bits: what can be told from an index row without reading the person.
pub(super) fn letters(name: &str) -> u32 {
    name.bytes().filter(u8::is_ascii_lowercase).fold(0, |bits, byte| bits | 1 << (byte - b'a'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_apart_where_people_write_them_differently() {
        let check = |name: &str, expected: &[&str], expected_core: &[&str]| {
            let parts = parts(name);
            assert_eq!(parts, expected, "{name}");
            assert_eq!(core(&parts), expected_core, "{name}");
            assert_eq!(parts.concat(), folded(name), "joined, a name is what equality compares");
        };
        check("Smith-Jones", &["smith", "jones"], &["smith", "jones"]);
        check("O'Brien", &["o", "brien"], &["brien"]);
        check("Al-Hassan", &["al", "hassan"], &["hassan"]);
        check("bin Ahmed", &["bin", "ahmed"], &["ahmed"]);
        check("de la Cruz", &["de", "la", "cruz"], &["cruz"]);
        check("Sa'id", &["said"], &["said"]);
        check("Le", &["le"], &["le"]);
        check("Żółć", &["zołc"].map(|_| "zolc"), &["zolc"]);
    }

    #[test]
    fn names_that_sound_alike_have_one_code() {
        for (a, b) in [
            ("smith", "smyth"),
            ("mohammed", "muhamad"),
            ("macdonald", "mcdonald"),
            ("kowalski", "kowalska"),
            ("ivanov", "ivanova"),
            ("zsofia", "sofia"),
            ("catherine", "kathryn"),
            ("khan", "kahn"),
            ("wojcik", "vojcik"),
            ("hussain", "hussein"),
            ("oleksandr", "aleksander"),
        ] {
            assert_eq!(sound(a), sound(b), "{a} {b}");
        }
        assert_ne!(sound("smith"), sound("jones"));
        assert_eq!(sound("王小明"), "王小明");
    }

    /// Stored: whoever has to change this raises `keys::VERSION`.
    #[test]
    fn codes_are_those_that_databases_hold() {
        let codes =
            ["smith", "hassan", "oleksandr", "brien", "wojcik", "zsofia", "nguyen", "annabel", "王小明"]
                .map(sound);
        assert_eq!(codes, ["SM0", "HSN", "ALKS", "PRN", "FJSK", "SF", "NKN", "ANPL", "王小明"]);
    }

    #[test]
    fn a_newborn_without_a_name_is_known_by_what_stands_there() {
        let unnamed = |text: &str| is_unnamed(&parts(text));
        for text in ["Baby", "Baby of Khan", "Baby Boy", "Twin 1", "Infant", "BABY GIRL", "", "Male Infant"] {
            assert!(unnamed(text), "{text}");
        }
        for text in ["Babette", "Barnaby", "Bo", "A", "Tia"] {
            assert!(!unnamed(text), "{text}");
        }
    }
}
