//! Where a search looks: ranges of the index, best first, each with how much of whom it brings is worth reading.
//!
//! A fuzzy search looks twice. The first look finds whoever differs in one thing from what was asked, and brings few. The
//! second finds those who differ in two, and brings many: it is left out where the first has found somebody who fits.

use jiff::ToSpan;
use jiff::civil::Date;

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

/// Where a search looks at first, and where it looks if that finds nobody who fits.
pub(in crate::hub) fn of_query(query: &PersonQuery) -> [Vec<Probe>; 2] {
    if query.fuzzy { fuzzy(query) } else { [exact(query), Vec::new()] }
}

/// Days of a range as details; and of estimates that can mean one of them, which stand under the first day of their month
/// or year.
fn in_range((exact, estimated): (Kind, Kind), parts: &[&str], query: &PersonQuery) -> Vec<Probe> {
    let (first, last) = query.born;
    let days = |from: Date, to: Date| (day_number(from), day_number(to));
    let (of_month, of_year) = (first.first_of_month(), first.first_of_year());
    let estimates = match query.day() {
        Some(_) if of_month == of_year => vec![days(of_year, of_year)],
        Some(_) => vec![days(of_month, of_month), days(of_year, of_year)],
        None => vec![days(of_year, last)],
    };
    let (from, to) = days(first, last);
    let mut probes = vec![Probe::point(exact, parts).days(from, to)];
    probes.extend(estimates.into_iter().map(|(from, to)| Probe::point(estimated, parts).days(from, to)));
    probes
}

fn exact(query: &PersonQuery) -> Vec<Probe> {
    let Some(family) = &query.family else { return Vec::new() };
    if family.is_pattern() {
        in_range((Kind::Beginning, Kind::BeginningEstimated), &[keys::beginning(family.whole())], query)
    } else {
        in_range((Kind::Family, Kind::FamilyEstimated), &[family.whole()], query)
    }
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

fn fuzzy(query: &PersonQuery) -> [Vec<Probe>; 2] {
    let sounds = Sounds::of(query);
    let (mut first, mut then) = (Vec::new(), Vec::new());
    if let Some(family) = &query.family {
        first.extend(in_range((Kind::Family, Kind::FamilyEstimated), &[family.whole()], query));
    }
    match query.day() {
        Some(day) => {
            on_the_day(&mut first, &sounds, day);
            same_names(&mut first, &sounds, day);
            same_family(&mut then, &sounds, day);
            otherwise_on_the_day(&mut then, query, &sounds, day);
            if sounds.given.is_empty() {
                // A family name alone brings too many strangers of other days.
                weigh::day_and_month_swapped(day)
                    .into_iter()
                    .for_each(|day| near_day(&mut then, &sounds, day));
            } else {
                slips(day).into_iter().for_each(|day| near_day(&mut then, &sounds, day));
            }
        }
        None => within(&mut first, query, &sounds),
    }
    [first, then]
}

/// Born on that day, or held with an estimate that holds it: one name sounds alike, and the other has most letters in common or
/// is another form of the asked one.
fn on_the_day(probes: &mut Vec<Probe>, sounds: &Sounds, day: Date) {
    let (family, given) = (Narrowed::Letters(sounds.family_letters), Narrowed::Letters(sounds.given_letters));
    for born in keys::born_numbers(day) {
        probes.extend(
            sounds.family.iter().map(|sound| Probe::born(Kind::FamilyBorn, sound, born).narrowed(given)),
        );
        probes.extend(
            sounds.given.iter().map(|sound| Probe::born(Kind::GivenBorn, sound, born).narrowed(family)),
        );
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
}

/// Born on that day: one name may be anything, or both sound otherwise.
fn otherwise_on_the_day(probes: &mut Vec<Probe>, query: &PersonQuery, sounds: &Sounds, day: Date) {
    let [on_day, ..] = keys::born_numbers(day);
    probes.extend(sounds.family.iter().map(|sound| Probe::born(Kind::FamilyBorn, sound, on_day)));
    probes.extend(sounds.given.iter().map(|sound| Probe::born(Kind::GivenBorn, sound, on_day)));
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
    let (near, far) = (in_other_years(day, 1), in_other_years(day, limits::YEARS_SLIPPED));
    for family in &sounds.family {
        for given in &sounds.given {
            slipped(probes, [family, given], day, &far);
            slipped(probes, [given, family], day, &near);
        }
    }
}

/// The same of other forms of the given name.
fn same_family(probes: &mut Vec<Probe>, sounds: &Sounds, day: Date) {
    let near = in_other_years(day, 1);
    for family in &sounds.family {
        sounds.other_given.iter().for_each(|given| slipped(probes, [family, given], day, &near));
    }
}

/// Born on any day of the year that a slip makes of the asked one, or on one of these days of others. Where many have such names
/// nobody else is walked past.
fn slipped(probes: &mut Vec<Probe>, names: [&str; 2], day: Date, others: &[i64]) {
    let (names, year) = (Probe::point(Kind::Names, &names), i64::from(day.year()) * 512);
    probes.push(names.days(year, year + 511).narrowed(Narrowed::Slip(day)));
    probes.extend(others.iter().map(|day| names.days(*day, *day)));
}

/// The days of other years, so many before and after, that a slip makes of one.
fn in_other_years(day: Date, years: i16) -> Vec<i64> {
    let mut days: Vec<Date> = (-years..=years)
        .filter_map(|years| Date::new(day.year().checked_add(years)?, day.month(), day.day()).ok())
        .collect();
    days.extend(day.tomorrow().into_iter().chain(day.yesterday()));
    // The year's last digit and the month's first in each other's place.
    let changed = |years: i16, months: i8| {
        Date::new(day.year().checked_add(years)?, day.month().checked_add(months)?, day.day()).ok()
    };
    days.extend(changed(1, -10).into_iter().chain(changed(-1, 10)));
    days.retain(|other| other.year() != day.year() && weigh::slip(day, *other).is_some());
    let mut numbers: Vec<i64> = days.into_iter().map(day_number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_that_a_slip_makes_of_one_is_walked_through() {
        for day in [(2010, 11, 5), (2011, 1, 5), (2019, 12, 31), (2020, 1, 1), (2016, 2, 29), (2009, 10, 20)]
        {
            let day = Date::new(day.0, day.1, day.2).unwrap();
            let years = limits::YEARS_SLIPPED;
            let found = in_other_years(day, years);
            let mut other = Date::new(day.year() - years, 1, 1).unwrap();
            let mut slips = 0;
            while other.year() <= day.year() + years {
                let is_slip = weigh::slip(day, other).is_some();
                if other.year() != day.year() {
                    assert_eq!(is_slip, found.contains(&day_number(other)), "{day} {other}");
                    slips += usize::from(is_slip);
                }
                other = other.tomorrow().unwrap();
            }
            assert_eq!(slips, found.len());
        }
    }
}
