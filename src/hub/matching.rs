//! How well a person fits a search. Pure.
//!
//! Exact: every parameter that was given agrees. Fuzzy: the date of birth agrees, also with day and month
//! swapped, and the family name is alike or changed places with the given name. Never a score of 1 for
//! something that is not exactly what was asked.

use jiff::civil::Date;

use super::folding::folded;
use super::store::PersonQuery;
use crate::domain::{Gender, Person, PersonName};

/// Jaro-Winkler similarity from which family names are alike: `Smyth` and `Smith` are, `Smart` is not.
const ALIKE: f64 = 0.85;

/// The same for given names, which vary more ("Jon", "John").
const GIVEN_ALIKE: f64 = 0.80;

/// Score of a match that agrees in everything, but where the date of birth that is held is an estimate.
const ESTIMATE: u16 = 900;

/// How well somebody fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Score {
    /// 1000 is exactly what was asked.
    pub(super) thousandths: u16,
    /// A name that is no longer used matched better than the current one.
    pub(super) previous_name: bool,
}

/// The score of a person with these names (each with whether it is current); `None` does not fit.
pub(super) fn score(
    query: &PersonQuery,
    person: &Person,
    postcode: Option<&str>,
    names: &[(bool, PersonName)],
) -> Option<Score> {
    let gender_fits = query
        .gender
        .is_none_or(|asked| asked == person.gender || (query.fuzzy && person.gender == Gender::Unknown));
    let postcode_fits =
        query.postcode.as_deref().is_none_or(|asked| postcode.is_some_and(|held| folded(held) == asked));
    if !gender_fits || !postcode_fits {
        return None;
    }
    let birth = birth_score(query, person)?;
    let mut best: Option<Score> = None;
    for (is_current, name) in names {
        if !is_current && !query.history && !query.fuzzy {
            continue;
        }
        let Some(name_score) = name_score(query, name) else { continue };
        let score = Score {
            thousandths: u16::try_from(u32::from(birth) * u32::from(name_score) / 1000).unwrap_or(0),
            previous_name: !is_current,
        };
        // At the same score the current name is the reason, so that nothing is said about a previous one.
        let is_better = best.is_none_or(|best| {
            (score.thousandths, !score.previous_name) > (best.thousandths, !best.previous_name)
        });
        if is_better {
            best = Some(score);
        }
    }
    best.filter(|score| score.thousandths > 0)
}

fn birth_score(query: &PersonQuery, person: &Person) -> Option<u16> {
    let born = person.born?;
    let (first, last) = born.range();
    let (asked_first, asked_last) = query.born;
    if first >= asked_first && last <= asked_last {
        return Some(1000);
    }
    if first <= asked_last && last >= asked_first {
        return Some(ESTIMATE);
    }
    let swapped = day_and_month_swapped(query.born).is_some_and(|day| first <= day && day <= last);
    (query.fuzzy && swapped).then_some(900)
}

fn name_score(query: &PersonQuery, name: &PersonName) -> Option<u16> {
    let family = folded(&name.family);
    let given: Vec<String> = name.given.iter().map(|given| folded(given)).collect();
    // "Mary Jane" may be held as one given name or as two.
    let given_agrees = query.given.iter().all(|asked| given.contains(asked))
        || given.contains(&query.given.concat())
        || given.concat() == query.given.concat();
    if family == query.family && given_agrees {
        return Some(1000);
    }
    if !query.fuzzy {
        return None;
    }
    let alike = strsim::jaro_winkler(&query.family, &family);
    if alike >= ALIKE {
        let worst_given = query
            .given
            .iter()
            .map(|asked| given.iter().map(|held| strsim::jaro_winkler(asked, held)).fold(0.0, f64::max))
            .fold(1.0, f64::min);
        return (worst_given >= GIVEN_ALIKE).then(|| thousandths(alike * worst_given));
    }
    // Family and given name typed into each other's field.
    let is_transposed = given.contains(&query.family)
        && query.given.iter().any(|asked| strsim::jaro_winkler(asked, &family) >= ALIKE);
    is_transposed.then_some(800)
}

/// Below 1: what is only alike is never an exact match.
fn thousandths(similarity: f64) -> u16 {
    let scaled = (similarity * 990.0).clamp(1.0, 990.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 1..=990")]
    let whole = scaled as u16;
    whole
}

/// The day that a slip of day and month would give: only of a single day, and only where there is one.
pub(super) fn day_and_month_swapped((first, last): (Date, Date)) -> Option<Date> {
    if first != last || first.day() == first.month() {
        return None;
    }
    Date::new(first.year(), first.day(), first.month()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{BirthDate, Deceased, NhsNumber};
    use jiff::civil::date;

    fn name(family: &str, given: &[&str]) -> PersonName {
        PersonName {
            family: family.to_owned(),
            given: given.iter().map(|&g| g.to_owned()).collect(),
            title: None,
        }
    }

    fn check(
        asked: (&str, &[&str], Date),
        fuzzy: bool,
        history: bool,
        held: BirthDate,
        expected: Option<(u16, bool)>,
    ) {
        let (family, given, born) = asked;
        let query = PersonQuery {
            family: folded(family),
            given: given.iter().map(|g| folded(g)).collect(),
            gender: None,
            born: (born, born),
            postcode: None,
            fuzzy,
            history,
            exact_only: false,
            most: 20,
            asked: serde_json::Value::Null,
        };
        let person = Person {
            number: NhsNumber::synthetic(1),
            name: name("Smith", &["Jane", "Ann"]),
            born: Some(held),
            gender: Gender::Female,
            multiple_birth: None,
            deceased: Deceased::No,
            restricted: false,
        };
        let names = [(true, name("Smith", &["Jane", "Ann"])), (false, name("O'Neill", &["Jane"]))];
        let got = score(&query, &person, None, &names).map(|s| (s.thousandths, s.previous_name));
        assert_eq!(got, expected, "{family} {given:?} {born} fuzzy {fuzzy} history {history}");
    }

    #[test]
    fn only_what_was_asked_scores_a_thousand() {
        let day = date(2015, 3, 12);
        let held = BirthDate::Day(day);
        check(("SMITH", &[], day), false, false, held, Some((1000, false)));
        check(("smith", &["ann"], day), false, false, held, Some((1000, false)));
        check(("smith", &["anna"], day), false, false, held, None);
        check(("smith", &[], date(2015, 3, 13)), false, false, held, None);
        check(("ONeill", &[], day), false, false, held, None);
        check(("ONeill", &[], day), false, true, held, Some((1000, true)));
        check(("ONeill", &[], day), true, false, held, Some((1000, true)));
        check(("Smith", &[], day), false, false, BirthDate::Year(2015), Some((900, false)));
        check(("Smyth", &[], day), false, false, held, None);
        check(("Smyth", &[], day), true, false, held, Some((884, false)));
        check(("Jane", &["Smith"], day), true, false, held, Some((800, false)));
        check(("Smith", &["Zac"], day), true, false, held, None);
        check(("Jones", &[], day), true, false, held, None);
        check(("Smith", &[], date(2015, 12, 3)), true, false, held, Some((900, false)));
        check(("Smith", &[], date(2015, 12, 3)), false, false, held, None);
    }
}
