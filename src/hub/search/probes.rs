//! Where a search looks: ranges of the index, best first, each with how much of whom it brings is worth reading.

use jiff::civil::Date;
use jiff::{Span, ToSpan};

use super::keys::{self, Kind, day_number, hash};
use super::query::PersonQuery;
use super::{limits, names, weigh};

/// A range of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::hub) struct Probe {
    pub(in crate::hub) key: i64,
    pub(in crate::hub) low: i64,
    pub(in crate::hub) high: i64,
    narrowed: Narrowed,
}

/// What the detail beside a key must say for the person to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Narrowed {
    /// Everybody is.
    Not,
    /// The detail is the letters of a name, which must be much like these.
    Letters(u32),
    /// The detail is a day of birth that a slip makes of this one.
    Slip(Date),
}

impl Probe {
    fn point(kind: Kind, parts: &[&str]) -> Self {
        Self { key: hash(kind, parts), low: i64::MIN, high: i64::MAX, narrowed: Narrowed::Not }
    }

    fn born(kind: Kind, sound: &str, born: i64) -> Self {
        Self { key: keys::hash_born(kind, sound, born), ..Self::point(kind, &[]) }
    }

    fn days(self, from: i64, to: i64) -> Self {
        Self { low: from, high: to, ..self }
    }

    fn narrowed(self, narrowed: Narrowed) -> Self {
        Self { narrowed, ..self }
    }

    /// Whether a row of the range is worth reading.
    pub(in crate::hub) fn takes(&self, detail: i64) -> bool {
        match self.narrowed {
            Narrowed::Not => true,
            Narrowed::Letters(asked) => u32::try_from(detail).is_ok_and(|held| share_letters(asked, held)),
            Narrowed::Slip(asked) => {
                keys::day_of(detail).is_some_and(|held| weigh::slip(asked, held).is_some())
            }
        }
    }
}

/// Whether two names have enough letters in common to be worth comparing; a name that is not there has.
fn share_letters(asked: u32, held: u32) -> bool {
    let (both, either) = ((asked & held).count_ones(), (asked | held).count_ones());
    asked == 0 || held == 0 || both * 2 >= either
}

/// Where a search looks.
pub(in crate::hub) fn of_query(query: &PersonQuery) -> Vec<Probe> {
    if query.fuzzy { fuzzy(query) } else { exact(query) }
}

/// Days of a range as details; and of estimates, which are found under the first day that they can mean.
fn ranges(query: &PersonQuery) -> ((i64, i64), (i64, i64)) {
    let (first, last) = query.born;
    let year_before = first.checked_sub(Span::new().days(366)).unwrap_or(first);
    ((day_number(first), day_number(last)), (day_number(year_before), day_number(last)))
}

fn in_range(kinds: (Kind, Kind), parts: &[&str], query: &PersonQuery) -> [Probe; 2] {
    let (days, estimates) = ranges(query);
    [
        Probe::point(kinds.0, parts).days(days.0, days.1),
        Probe::point(kinds.1, parts).days(estimates.0, estimates.1),
    ]
}

fn exact(query: &PersonQuery) -> Vec<Probe> {
    let Some(family) = &query.family else { return Vec::new() };
    let probes = if family.is_pattern() {
        in_range((Kind::Beginning, Kind::BeginningEstimated), &[keys::beginning(family.whole())], query)
    } else {
        in_range((Kind::Family, Kind::FamilyEstimated), &[family.whole()], query)
    };
    probes.to_vec()
}

/// What a fuzzy search asks, as sounds.
struct Sounds {
    family: Vec<String>,
    given: Vec<String>,
    other_given: Vec<String>,
    family_letters: u32,
    given_letters: u32,
}

impl Sounds {
    fn of(query: &PersonQuery) -> Self {
        let family_parts = query.family.as_ref().map(|family| family.parts().to_vec()).unwrap_or_default();
        let given_parts = query.given_parts();
        let named = !names::is_unnamed(&given_parts);
        let given = if named { keys::asked_given_sounds(&given_parts) } else { Vec::new() };
        let other_given = if named { keys::other_given_sounds(&given_parts) } else { Vec::new() };
        let first = given_parts.first().filter(|_| named);
        Self {
            family_letters: names::letters(&family_parts.concat()),
            given_letters: first.map(|first| names::letters(first)).unwrap_or_default(),
            family: keys::asked_family_sounds(&family_parts),
            given,
            other_given,
        }
    }
}

fn fuzzy(query: &PersonQuery) -> Vec<Probe> {
    let sounds = Sounds::of(query);
    let mut probes = Vec::new();
    if let Some(family) = &query.family {
        probes.extend(in_range((Kind::Family, Kind::FamilyEstimated), &[family.whole()], query));
    }
    match query.day() {
        Some(day) => {
            on_the_day(&mut probes, query, &sounds, day);
            if sounds.given.is_empty() {
                // A family name alone brings too many strangers of other days.
                weigh::day_and_month_swapped(day)
                    .into_iter()
                    .for_each(|day| near_day(&mut probes, &sounds, day));
            } else {
                slips(day).into_iter().for_each(|day| near_day(&mut probes, &sounds, day));
            }
            same_names(&mut probes, &sounds, day);
        }
        None => within(&mut probes, query, &sounds),
    }
    probes
}

/// Born on that day, or held with an estimate that holds it: one name may be anything.
fn on_the_day(probes: &mut Vec<Probe>, query: &PersonQuery, sounds: &Sounds, day: Date) {
    let (family, given) = (Narrowed::Letters(sounds.family_letters), Narrowed::Letters(sounds.given_letters));
    for (index, born) in keys::born_numbers(day).into_iter().enumerate() {
        let is_day = index == 0;
        for sound in &sounds.family {
            let probe = Probe::born(Kind::FamilyBorn, sound, born);
            probes.push(if is_day { probe } else { probe.narrowed(given) });
        }
        for sound in &sounds.given {
            let probe = Probe::born(Kind::GivenBorn, sound, born);
            probes.push(if is_day { probe } else { probe.narrowed(family) });
        }
    }
    let [on_day, ..] = keys::born_numbers(day);
    // Family and given name in each other's place.
    for sound in &sounds.given {
        probes.push(Probe::born(Kind::FamilyBorn, sound, on_day).narrowed(family));
    }
    for sound in &sounds.family {
        probes.push(Probe::born(Kind::GivenBorn, sound, on_day).narrowed(given));
    }
    for sound in &sounds.other_given {
        probes.push(Probe::born(Kind::GivenBorn, sound, on_day).narrowed(family));
    }
    if let Some(family) = &query.family {
        let mut beginnings: Vec<&str> = vec![keys::beginning(family.whole())];
        beginnings.extend(names::core(family.parts()).into_iter().map(keys::beginning));
        beginnings.sort_unstable();
        beginnings.dedup();
        let on = day_number(day);
        probes.extend(
            beginnings
                .iter()
                .take(4)
                .map(|beginning| Probe::point(Kind::Beginning, &[beginning]).days(on, on)),
        );
    }
}

/// Born on a day that a slip makes of the one asked: one name may be written otherwise.
fn near_day(probes: &mut Vec<Probe>, sounds: &Sounds, day: Date) {
    let [born, ..] = keys::born_numbers(day);
    for sound in &sounds.family {
        let probe = Probe::born(Kind::FamilyBorn, sound, born);
        probes.push(probe.narrowed(Narrowed::Letters(sounds.given_letters)));
    }
    for sound in &sounds.given {
        let probe = Probe::born(Kind::GivenBorn, sound, born);
        probes.push(probe.narrowed(Narrowed::Letters(sounds.family_letters)));
    }
}

/// Both names sound alike: the birth date may have any slip.
fn same_names(probes: &mut Vec<Probe>, sounds: &Sounds, day: Date) {
    let slip = Narrowed::Slip(day);
    let years = |from: i16, to: i16| {
        let (from, to) = (day.year().saturating_add(from), day.year().saturating_add(to));
        (i64::from(from) * 512, i64::from(to) * 512 + 511)
    };
    let (near, far) = (years(-1, 1), years(-limits::YEARS_SLIPPED, limits::YEARS_SLIPPED));
    let mut both: Vec<(&str, &str, bool)> = Vec::new();
    for family in &sounds.family {
        for given in &sounds.given {
            both.push((family, given, true));
            both.push((given, family, false));
        }
        both.extend(sounds.other_given.iter().map(|given| (family.as_str(), given.as_str(), false)));
    }
    for (family, given, is_as_asked) in both {
        let (from, to) = if is_as_asked { far } else { near };
        probes.push(Probe::point(Kind::Names, &[family, given]).days(from, to).narrowed(slip));
    }
}

/// Born within a range: each day of a short one; of a long one only where both names sound alike.
fn within(probes: &mut Vec<Probe>, query: &PersonQuery, sounds: &Sounds) {
    for family in &sounds.family {
        for given in sounds.given.iter().chain(&sounds.other_given) {
            probes.extend(in_range((Kind::Names, Kind::NamesEstimated), &[family, given], query));
        }
    }
    let (first, last) = query.born;
    let mut day = first;
    for _ in 0..limits::DAYS_SEARCHED {
        let [born, month, year] = keys::born_numbers(day);
        let mut dates = vec![born];
        if day == first || day.day() == 1 {
            dates.push(month);
        }
        if day == first || day.day_of_year() == 1 {
            dates.push(year);
        }
        for born in dates {
            probes.extend(sounds.family.iter().map(|sound| {
                Probe::born(Kind::FamilyBorn, sound, born).narrowed(Narrowed::Letters(sounds.given_letters))
            }));
            if !sounds.given.is_empty() {
                probes.extend(sounds.given.iter().map(|sound| {
                    Probe::born(Kind::GivenBorn, sound, born)
                        .narrowed(Narrowed::Letters(sounds.family_letters))
                }));
            }
        }
        match day.tomorrow() {
            Ok(next) if next <= last => day = next,
            Ok(_) | Err(_) => return,
        }
    }
}

/// The days that the commonest slips make of one: exchanged day and month, another month, another digit of the day,
/// the days and years beside it.
fn slips(day: Date) -> Vec<Date> {
    let mut days: Vec<Date> = Vec::new();
    days.extend(weigh::day_and_month_swapped(day));
    for span in [1.day(), 1.year(), 10.years()] {
        days.extend(day.checked_add(span).ok());
        days.extend(day.checked_sub(span).ok());
    }
    days.extend((1..=12).filter_map(|month| Date::new(day.year(), month, day.day()).ok()));
    let (tens, ones) = (day.day() / 10, day.day() % 10);
    let digits = (0..=9).map(|digit| tens * 10 + digit).chain((0..=3).map(|digit| digit * 10 + ones));
    days.extend(digits.filter_map(|number| Date::new(day.year(), day.month(), number).ok()));
    days.sort_unstable();
    days.dedup();
    days.retain(|other| *other != day);
    days
}
