//! Whether a person is what was asked: every parameter that was given agrees.
//!
//! Never a score of 1 for something that is not exactly what was asked: a birth date that is held as an estimate,
//! a star that stands for letters, or half of a given name, scores less. A previous name is what was asked where
//! previous names were asked for; that it is one is said beside the score.

use super::compared::{Compared, ComparedName};
use super::query::{AskedText, PersonQuery};
use super::{FULL, Score};

/// Score of a match that agrees in everything, but where the date of birth that is held is an estimate.
const ESTIMATE: u32 = 900;

/// What a star in a name takes off.
const NAME_PATTERN: u32 = 900;

/// What given names take off that are only parts of those held: `Ann` of `Mary-Ann`.
const GIVEN_PART: u32 = 990;

/// What a star in a postcode takes off.
const POSTCODE_PATTERN: u32 = 965;

/// The score of a person; `None` does not fit.
pub(super) fn score(query: &PersonQuery, person: &Compared) -> Option<Score> {
    if query.gender.is_some_and(|asked| asked != person.gender) {
        return None;
    }
    let mut score = born(query, person)? * postcode(query, person)? / FULL;
    // The current name comes first, so that nothing is said about a previous one where both fit.
    let names = || person.names.iter().filter(|name| name.is_current || query.history || query.fuzzy);
    let best = |is_current: bool| {
        let those = names().filter(|name| name.is_current == is_current);
        those.filter_map(|name| fits(query, name)).max()
    };
    let (of_name, previous_name) = match best(true) {
        Some(of_name) => (of_name, false),
        None => (best(false)?, true),
    };
    score = score * of_name / FULL;
    if query.family.iter().chain(&query.given).any(AskedText::is_pattern) {
        score = score * NAME_PATTERN / FULL;
    }
    Some(Score { thousandths: score, previous_name })
}

/// The postcode's part of the score. Restricted people are never found by one.
fn postcode(query: &PersonQuery, person: &Compared) -> Option<u32> {
    let Some(asked) = &query.postcode else { return Some(FULL) };
    let held = person.postcode.as_deref().filter(|_| !person.restricted)?;
    asked.fits(held).then_some(if asked.is_pattern() { POSTCODE_PATTERN } else { FULL })
}

fn born(query: &PersonQuery, person: &Compared) -> Option<u32> {
    let (first, last) = person.born?.range();
    let (asked_first, asked_last) = query.born;
    if first >= asked_first && last <= asked_last {
        return Some(FULL);
    }
    (first <= asked_last && last >= asked_first).then_some(ESTIMATE)
}

/// How well a name fits; `None` does not.
fn fits(query: &PersonQuery, name: &ComparedName) -> Option<u32> {
    let family = name.whole_family();
    if query.family.as_ref().is_some_and(|asked| !asked.fits(&family)) {
        return None;
    }
    given_fits(&query.given, name)
}

/// Whether each given name that was asked is one of those held, as a whole, or at least made of their parts.
/// `Mary Jane` may be held as one name or as two.
fn given_fits(asked: &[AskedText], name: &ComparedName) -> Option<u32> {
    let held: Vec<String> = name.given.iter().map(|parts| parts.concat()).collect();
    let all = held.concat();
    let is_held = |(place, asked): (usize, &AskedText)| {
        if asked.is_pattern() {
            // As published: the start of the first name, or of the first names run together.
            return match place {
                0 => held.first().is_some_and(|first| asked.fits(first)) || asked.fits(&all),
                _ => held.iter().skip(1).any(|held| asked.fits(held)),
            };
        }
        held.iter().any(|held| asked.fits(held))
    };
    let whole: String = asked.iter().map(AskedText::whole).collect();
    if asked.iter().enumerate().all(is_held) || whole == all || held.contains(&whole) {
        return Some(FULL);
    }
    let parts = name.given_parts();
    let is_made_of_parts =
        |asked: &AskedText| !asked.is_pattern() && asked.parts().iter().all(|part| parts.contains(part));
    asked
        .iter()
        .enumerate()
        .all(|(place, asked)| is_held((place, asked)) || is_made_of_parts(asked))
        .then_some(GIVEN_PART)
}
