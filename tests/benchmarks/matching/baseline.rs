//! Published practice: who has a family name that sounds alike (Soundex) and was born on that very day.

use std::collections::HashMap;

use cpis::domain::BirthDate;
use cpis::hub::sample::SamplePerson;

use super::corrupt::Asked;

/// Everybody by sound of the family name and birth date.
#[derive(Default)]
pub(super) struct Baseline(HashMap<(String, BirthText), Vec<(u64, String)>>);

type BirthText = String;

impl Baseline {
    pub(super) fn add(&mut self, place: u64, person: &SamplePerson) {
        let BirthDate::Day(born) = person.born else { return };
        let given = person.name.given.first().cloned().unwrap_or_default().to_lowercase();
        self.0.entry((soundex(&person.name.family), born.to_string())).or_default().push((place, given));
    }

    /// The people found, the likest given name first.
    pub(super) fn find(&self, asked: &Asked) -> Vec<u64> {
        let key = (soundex(&asked.family), asked.born.to_string());
        let given = asked.given.to_lowercase();
        let mut found: Vec<(u64, f64)> = self
            .0
            .get(&key)
            .into_iter()
            .flatten()
            .map(|(place, held)| (*place, strsim::jaro_winkler(held, &given)))
            .collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1));
        found.into_iter().map(|(place, _)| place).collect()
    }
}

/// American Soundex of the Latin letters, accents apart.
fn soundex(name: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let letters: Vec<char> =
        name.nfd().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect();
    let digit = |c: char| match c {
        'b' | 'f' | 'p' | 'v' => '1',
        'c' | 'g' | 'j' | 'k' | 'q' | 's' | 'x' | 'z' => '2',
        'd' | 't' => '3',
        'l' => '4',
        'm' | 'n' => '5',
        'r' => '6',
        'h' | 'w' => '-',
        _ => '0',
    };
    let Some(first) = letters.first() else { return name.to_lowercase() };
    let mut code = String::from(*first);
    let mut last = digit(*first);
    for c in letters.iter().skip(1) {
        let this = digit(*c);
        if this == '-' {
            continue;
        }
        if this != '0' && this != last {
            code.push(this);
        }
        last = this;
    }
    code.chars().chain("000".chars()).take(4).collect()
}
