//! How probable it is that somebody alike is the one who is meant: the weights of a fuzzy search.
//!
//! After Fellegi and Sunter: each item that is compared adds a weight in bits, the logarithm of how much more often
//! it comes out like this for the same person than for two. The weights are rounded from what is published of
//! British names and birth dates, and are the same for a rare name and a common one. The table is in the manual.

use jiff::civil::Date;
use strsim::{jaro_winkler, osa_distance};

use super::compared::{Compared, ComparedName};
use super::query::PersonQuery;
use super::{names, variants};
use crate::domain::{BirthDate, Gender};

/// From here on a given name decides between twins.
pub(super) const DECIDES: f64 = 5.0;

/// What speaks for somebody, in bits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Weight {
    pub(super) bits: f64,
    /// Of these, what names and birth date gave.
    pub(super) by_name_and_birth: f64,
    /// Of these, what the given name gave.
    pub(super) given: f64,
    /// Gender or postcode speak against it: however well the rest agrees, somebody else may be meant.
    pub(super) is_contradicted: bool,
    pub(super) previous_name: bool,
}

/// What was asked, taken apart once for everybody who is compared with it.
pub(super) struct Weighing<'a> {
    query: &'a PersonQuery,
    family: Option<&'a [String]>,
    given: Vec<String>,
}

impl<'a> Weighing<'a> {
    pub(super) fn of(query: &'a PersonQuery) -> Self {
        let family = query.family.as_ref().map(super::AskedText::parts);
        Self { query, family, given: query.given_parts() }
    }

    /// What speaks for a person; `None` where the birth date cannot be meant, or the record may not be found so.
    pub(super) fn weigh(&self, person: &Compared) -> Option<Weight> {
        let query = self.query;
        if person.restricted && query.postcode.is_some() {
            return None;
        }
        let born = born(query, person.born?)?;
        let (gender, postcode) = (gender(query.gender, person.gender), postcode(query, person));
        let best = person.names.iter().map(|name| (self.weigh_name(name), !name.is_current));
        let ((family, given), previous_name) = best.reduce(|best, other| {
            let worth = |((family, given), previous): ((f64, f64), bool)| {
                family + given - f64::from(u8::from(previous)) * 0.5
            };
            if worth(other) > worth(best) { other } else { best }
        })?;
        let by_name_and_birth = born + family + given;
        Some(Weight {
            bits: by_name_and_birth + gender + postcode,
            by_name_and_birth,
            given,
            is_contradicted: gender < 0.0 || postcode < 0.0,
            previous_name,
        })
    }

    /// Weights of family and given names, as asked or in each other's place.
    fn weigh_name(&self, held: &ComparedName) -> (f64, f64) {
        let held_given = held.given_parts();
        let Some(asked_family) = self.family else { return (0.0, given(&self.given, &held_given)) };
        let mut as_asked = (family(asked_family, &held.family), given(&self.given, &held_given));
        if as_asked.0 < FAMILY_ELSEWHERE && has_common(asked_family, &self.given, held, &held_given) {
            as_asked.0 = FAMILY_ELSEWHERE;
        }
        let is_named = !names::is_unnamed(&self.given) && !names::is_unnamed(&held_given);
        if as_asked.0 + as_asked.1 >= 12.0 || !is_named {
            return as_asked;
        }
        let exchanged = (family(&self.given, &held.family), given(asked_family, &held_given));
        let exchanged = (exchanged.0 + EXCHANGED, exchanged.1);
        let both_alike = exchanged.0 > 0.0 && exchanged.1 > 0.0;
        if both_alike && exchanged.0 + exchanged.1 > as_asked.0 + as_asked.1 { exchanged } else { as_asked }
    }
}

/// Family name and given names changed places.
const EXCHANGED: f64 = -2.5;

/// The family name is the other record's given name: a patronymic, or a father's name.
const FAMILY_ELSEWHERE: f64 = 2.0;

/// Whether a family name stands among the other's given names: beyond the first, which would be an exchange.
fn has_common(
    asked_family: &[String],
    asked_given: &[String],
    held: &ComparedName,
    held_given: &[String],
) -> bool {
    let among = |family: &[String], given: &[String]| {
        names::core(family)
            .iter()
            .any(|part| part.len() > 2 && given.iter().skip(1).any(|given| given == part))
    };
    among(asked_family, held_given) || among(&held.family, asked_given)
}

fn family(asked: &[String], held: &[String]) -> f64 {
    let (asked_whole, held_whole) = (asked.concat(), held.concat());
    if asked_whole.is_empty() || held_whole.is_empty() {
        return -1.0;
    }
    if asked_whole == held_whole {
        return 9.0;
    }
    let (asked_core, held_core) = (names::core(asked), names::core(held));
    let common = asked_core.iter().filter(|part| held_core.contains(part)).count();
    if common > 0 && common == asked_core.len() && common == held_core.len() {
        return 8.5;
    }
    if common > 0 || is_prefixed(&asked_whole, &held_whole) {
        return 7.0;
    }
    let mut pairs = vec![(asked_whole.as_str(), held_whole.as_str())];
    pairs.extend(asked_core.iter().flat_map(|asked| held_core.iter().map(move |held| (*asked, *held))));
    pairs.into_iter().filter_map(|(asked, held)| alike(asked, held)).fold(FAMILY_DIFFERS, f64::max)
}

const FAMILY_DIFFERS: f64 = -3.5;

/// Whether one is the other with a prefix that is often left out or run together.
fn is_prefixed(asked: &str, held: &str) -> bool {
    names::stripped(asked) == Some(held)
        || names::stripped(held) == Some(asked)
        || names::stripped(asked).is_some_and(|rest| names::stripped(held) == Some(rest))
}

/// Names that are not the same, by letters and sound; `None` for names that are not alike at all.
fn alike(asked: &str, held: &str) -> Option<f64> {
    let shorter = asked.chars().count().min(held.chars().count());
    let similarity = jaro_winkler(asked, held);
    if similarity < 0.5 {
        // No one or two slips make so much of a difference; most pairs end here.
        return None;
    }
    // A sound takes longer to find than all the rest: only where it decides.
    let sounds_alike = || similarity >= 0.65 && names::sound(asked) == names::sound(held);
    let slips = osa_distance(asked, held);
    let bits = if (shorter >= 4 && slips == 1) || similarity >= 0.94 {
        6.5
    } else if similarity >= 0.9 || (similarity >= 0.8 && sounds_alike()) {
        5.5
    } else if (shorter >= 7 && slips == 2) || (shorter == 3 && slips == 1) {
        5.0
    } else if sounds_alike() {
        4.5
    } else if similarity >= 0.84 {
        2.5
    } else if similarity >= 0.76 {
        0.0
    } else if similarity >= 0.68 {
        -1.5
    } else {
        return None;
    };
    Some(bits)
}

fn given(asked: &[String], held: &[String]) -> f64 {
    if names::is_unnamed(asked) || names::is_unnamed(held) {
        return 0.0;
    }
    let (Some(asked_first), Some(held_first)) = (asked.first(), held.first()) else { return 0.0 };
    if asked_first == held_first || asked.concat() == held.concat() || asked.concat() == *held_first {
        return 8.0;
    }
    if *asked_first == held.concat() || variants::same(asked_first, held_first) {
        return 6.5;
    }
    if held.contains(asked_first) || asked.contains(held_first) {
        return 6.0;
    }
    let near = alike(asked_first, held_first).map_or(GIVEN_DIFFERS, |bits| bits - 0.5);
    let near = near.max(shortened(asked_first, held_first));
    let any_variant = held.iter().any(|held| variants::same(asked_first, held));
    if any_variant { near.max(5.0) } else { near }
}

const GIVEN_DIFFERS: f64 = -6.0;

/// One is the beginning of the other, or only its initial.
fn shortened(asked: &str, held: &str) -> f64 {
    let (short, long) = if asked.len() < held.len() { (asked, held) } else { (held, asked) };
    match short.chars().count() {
        0 => GIVEN_DIFFERS,
        1 if long.starts_with(short) => 2.5,
        2.. if long.starts_with(short) => 5.0,
        _ => GIVEN_DIFFERS,
    }
}

fn gender(asked: Option<Gender>, held: Gender) -> f64 {
    let is_binary = |gender| matches!(gender, Gender::Male | Gender::Female);
    match asked {
        Some(asked) if asked == held => 1.0,
        Some(asked) if is_binary(asked) && is_binary(held) => -3.0,
        Some(_) | None => 0.0,
    }
}

fn postcode(query: &PersonQuery, person: &Compared) -> f64 {
    let (Some(asked), Some(held)) = (&query.postcode, &person.postcode) else { return 0.0 };
    // The last three are the street's; what is before them is the district.
    let district = |code: &str| code.get(..code.len().saturating_sub(3)).map(str::to_owned);
    if asked.fits(held) {
        7.0
    } else if district(asked.whole()).is_some_and(|asked| !asked.is_empty() && Some(asked) == district(held))
    {
        2.5
    } else {
        -1.0
    }
}

/// The birth date's weight: most where day agrees with day.
fn born(query: &PersonQuery, held: BirthDate) -> Option<f64> {
    let (first, last) = held.range();
    let (asked_first, asked_last) = query.born;
    if first <= asked_last && last >= asked_first {
        let days = |from: Date, to: Date| f64::from(from.until(to).map_or(1, |span| span.get_days()) + 1);
        let width = days(asked_first, asked_last).max(days(first, last));
        return Some((13.0 - width.log2()).max(2.0));
    }
    match (query.day(), held) {
        (Some(asked), BirthDate::Day(held)) => slip(asked, held),
        _ => None,
    }
}

/// The weight of a birth date that a slip makes of another; `None` where none does.
pub(super) fn slip(asked: Date, held: Date) -> Option<f64> {
    if asked == held {
        return Some(13.0);
    }
    if day_and_month_swapped(asked) == Some(held) {
        return Some(9.0);
    }
    let (a, h) = (digits(asked), digits(held));
    let mut different = Vec::with_capacity(DIGITS);
    different.extend((0..DIGITS).filter(|place| a.get(*place) != h.get(*place)));
    let same_year = asked.year() == held.year();
    let years = (asked.year() - held.year()).abs();
    match different.as_slice() {
        // One digit: of a day or month, or of a year.
        [4..=7] => Some(7.0),
        [_] if years == 1 || years == 10 => Some(7.0),
        [_] if years < 100 => Some(5.0),
        // Two neighbours changed places.
        [one, two] if *two == one + 1 && a.get(*one) == h.get(*two) && a.get(*two) == h.get(*one) => {
            Some(7.0)
        }
        _ if asked.tomorrow().ok() == Some(held) || asked.yesterday().ok() == Some(held) => Some(7.0),
        // The whole month or day is another.
        [4, 5] | [6, 7] if same_year => Some(5.0),
        _ if asked.day() == held.day() && asked.month() == held.month() => match years {
            1 | 10 => Some(7.0),
            2 | 9 | 11 | 20 => Some(5.0),
            _ => None,
        },
        _ => None,
    }
}

const DIGITS: usize = 8;

/// Year, month and day, digit by digit.
fn digits(day: Date) -> [i16; DIGITS] {
    let (year, month, of_month) = (day.year(), i16::from(day.month()), i16::from(day.day()));
    let tens = |number: i16| (number / 10 % 10, number % 10);
    let (year, month, of_month) = ((tens(year / 100), tens(year)), tens(month), tens(of_month));
    [year.0.0, year.0.1, year.1.0, year.1.1, month.0, month.1, of_month.0, of_month.1]
}

/// The day that a slip of day and month gives, where there is one.
pub(super) fn day_and_month_swapped(day: Date) -> Option<Date> {
    if day.day() == day.month() {
        return None;
    }
    Date::new(day.year(), day.day(), day.month()).ok()
}
