//! What is asked about a child, as it comes out at a reception desk: one or two errors, of the kinds that the
//! literature finds in children's records. Knows nothing of how the hub searches: its lists and rules are its own.

use cpis::domain::{BirthDate, Gender};
use cpis::hub::sample::{Chance, SamplePerson};
use jiff::ToSpan;
use jiff::civil::Date;

use super::spelling;

/// What is asked. The given name is what is typed: mostly the first alone.
#[derive(Clone, PartialEq)]
pub(super) struct Asked {
    pub(super) family: String,
    pub(super) given: String,
    pub(super) born: Date,
    pub(super) gender: Option<Gender>,
}

/// The kinds of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Typing,
    ByEar,
    Transliteration,
    Hyphen,
    Patronymic,
    MothersSurname,
    Unnamed,
    Nickname,
    DayAndMonth,
    YearSlip,
    DateSlip,
    Exchanged,
    Twin,
}

/// Every kind, with its name, and its share of a realistic mix in thousandths.
pub(super) const KINDS: &[(Kind, &str, u64)] = &[
    (Kind::Typing, "typing slip in a name", 170),
    (Kind::ByEar, "spelt by ear", 110),
    (Kind::Transliteration, "other transliteration", 100),
    (Kind::Hyphen, "hyphen, double barrel", 100),
    (Kind::Patronymic, "patronymic, particle, ending", 80),
    (Kind::MothersSurname, "mother's surname", 110),
    (Kind::Unnamed, "unnamed newborn", 60),
    (Kind::Nickname, "short form of the name", 90),
    (Kind::DayAndMonth, "day and month swapped", 50),
    (Kind::YearSlip, "year slip", 40),
    (Kind::DateSlip, "other slip in the date", 40),
    (Kind::Exchanged, "names exchanged", 30),
    (Kind::Twin, "twin, with a slip", 20),
];

/// In so many of a thousand there is a second error, of another kind.
const SECOND: u64 = 200;

/// What is asked about this child with this kind of error; `None` where the kind does not fit the child.
pub(super) fn corrupted(chance: &mut Chance, child: &SamplePerson, kind: Kind) -> Option<Asked> {
    let BirthDate::Day(born) = child.born else { return None };
    let true_one = Asked {
        family: child.name.family.clone(),
        given: child.name.given.first().cloned().unwrap_or_default(),
        born,
        gender: if chance.in_a_thousand(500) { Some(child.gender) } else { None },
    };
    let mut asked = true_one.clone();
    apply(chance, child, kind, &mut asked)?;
    if chance.in_a_thousand(SECOND) {
        let second = match kind {
            Kind::Typing | Kind::ByEar | Kind::Twin => {
                [Kind::DateSlip, Kind::Nickname][usize::from(chance.in_a_thousand(500))]
            }
            Kind::Unnamed => Kind::MothersSurname,
            Kind::Transliteration
            | Kind::Hyphen
            | Kind::Patronymic
            | Kind::MothersSurname
            | Kind::Nickname
            | Kind::DayAndMonth
            | Kind::YearSlip
            | Kind::DateSlip
            | Kind::Exchanged => [Kind::Typing, Kind::ByEar][usize::from(chance.in_a_thousand(500))],
        };
        let mut worse = asked.clone();
        if apply(chance, child, second, &mut worse).is_some() {
            asked = worse;
        }
    }
    (asked != true_one && !asked.family.trim().is_empty()).then_some(asked)
}

fn apply(chance: &mut Chance, child: &SamplePerson, kind: Kind, asked: &mut Asked) -> Option<()> {
    match kind {
        Kind::Typing => {
            let slips = 1 + u64::from(chance.in_a_thousand(200));
            for _ in 0..slips {
                // Long names are mistyped more often.
                let (family, given) = (asked.family.chars().count(), asked.given.chars().count());
                let at = chance.below(u64::try_from(family + given).ok()?);
                let name =
                    if at < u64::try_from(family).ok()? { &mut asked.family } else { &mut asked.given };
                *name = spelling::typing_slip(chance, name)?;
            }
        }
        Kind::ByEar => either(chance, asked, spelling::by_ear)?,
        Kind::Transliteration => either(chance, asked, spelling::transliterated)?,
        Kind::Hyphen => asked.family = hyphen(chance, child, &asked.family)?,
        Kind::Patronymic => asked.family = patronymic(chance, child, &asked.family)?,
        Kind::MothersSurname => {
            if same(&child.mothers_family, &child.name.family) {
                return None;
            }
            asked.family = child.mothers_family.clone();
        }
        Kind::Unnamed => unnamed(chance, child, asked)?,
        Kind::Nickname => asked.given = spelling::nickname(chance, &asked.given)?,
        Kind::DayAndMonth => {
            let (day, month) = (asked.born.day(), asked.born.month());
            asked.born = Date::new(asked.born.year(), day, month).ok().filter(|_| day != month)?;
        }
        Kind::YearSlip => asked.born = year_slip(chance, asked.born)?,
        Kind::DateSlip => asked.born = date_slip(chance, asked.born)?,
        Kind::Exchanged => {
            if asked.given.is_empty() {
                return None;
            }
            std::mem::swap(&mut asked.family, &mut asked.given);
        }
        Kind::Twin => {
            child.multiple_birth?;
            let slip = [Kind::Typing, Kind::DayAndMonth, Kind::ByEar, Kind::DateSlip];
            let kind = *chance.pick(&slip)?;
            apply(chance, child, kind, asked)?;
        }
    }
    Some(())
}

/// The given or the family name, or both, written otherwise.
fn either(
    chance: &mut Chance,
    asked: &mut Asked,
    write: impl Fn(&mut Chance, &str) -> Option<String>,
) -> Option<()> {
    let (family, given) = (write(chance, &asked.family), write(chance, &asked.given));
    match (family, given, chance.below(10)) {
        (Some(family), Some(given), 0..=1) => (asked.family, asked.given) = (family, given),
        (Some(family), None, _) | (Some(family), Some(_), 2..=5) => asked.family = family,
        (_, Some(given), _) => asked.given = given,
        (None, None, _) => return None,
    }
    Some(())
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// Double barrels come apart, change places, lose a half; or are made where there was one name.
fn hyphen(chance: &mut Chance, child: &SamplePerson, family: &str) -> Option<String> {
    let halves: Vec<&str> = family.split(['-', ' ']).filter(|half| !half.is_empty()).collect();
    if let [first, .., last] = halves.as_slice() {
        return Some(match chance.below(5) {
            0 => (*first).to_owned(),
            1 => (*last).to_owned(),
            2 => format!("{last}-{first}"),
            3 => format!("{last} {first}"),
            _ => halves.concat(),
        })
        .filter(|changed| !same(&changed.replace(['-', ' '], ""), &family.replace(['-', ' '], "")));
    }
    if same(&child.mothers_family, family) || child.mothers_family.contains([' ', '-']) {
        return None;
    }
    Some(if chance.in_a_thousand(500) {
        format!("{}-{family}", child.mothers_family)
    } else {
        format!("{family}-{}", child.mothers_family)
    })
}

/// The father's name for the family's, other endings for daughters, particles that go and come.
fn patronymic(chance: &mut Chance, child: &SamplePerson, family: &str) -> Option<String> {
    const ENDINGS: &[(&str, &str)] = &[
        ("ski", "ska"),
        ("cki", "cka"),
        ("ov", "ova"),
        ("ev", "eva"),
        ("in", "ina"),
        ("skyi", "ska"),
        ("yy", "aya"),
    ];
    for (his, hers) in ENDINGS {
        if let Some(stem) = family.strip_suffix(hers) {
            return Some(format!("{stem}{his}"));
        }
        if let Some(stem) = family.strip_suffix(his).filter(|stem| stem.chars().count() > 2) {
            return Some(format!("{stem}{hers}"));
        }
    }
    const PARTICLES: &[&str] =
        &["O'", "Mac", "Mc", "Al-", "El-", "Al ", "bin ", "de la ", "da ", "dos ", "de ", "van ", "van der "];
    for particle in PARTICLES {
        let rest =
            family.strip_prefix(particle).filter(|rest| rest.chars().next().is_some_and(char::is_uppercase));
        if let Some(rest) = rest {
            return Some(match (*particle, chance.below(2)) {
                ("Mac", 0) => format!("Mc{rest}"),
                ("Mc", 0) => format!("Mac{rest}"),
                ("Al-", 0) => format!("El {rest}"),
                ("O'", 0) => format!("O {rest}"),
                _ => rest.to_owned(),
            });
        }
    }
    let is_arabic = ["Arabic", "Pakistani", "Bangladeshi", "Somali", "Afghan", "Turkish and Kurdish"]
        .contains(&child.culture);
    let father = child.name.given.get(1);
    match (is_arabic, father, chance.below(3)) {
        // A father's name that stands among the given ones is taken for the family's.
        (_, Some(father), 0..=1) if is_arabic || child.culture == "Eritrean and Ethiopian" => {
            Some(father.clone())
        }
        (true, _, 2) => Some(format!("bin {family}")),
        (true, _, _) => Some(format!("Al-{family}")),
        _ => None,
    }
}

/// Held without a name and asked with one, or held with one and asked as the baby that it was.
fn unnamed(chance: &mut Chance, child: &SamplePerson, asked: &mut Asked) -> Option<()> {
    let is_new = child.born.range().0 > Date::constant(2026, 5, 1);
    let held_unnamed = ["baby", "infant", "twin", "boy", "girl", "triplet"]
        .contains(&asked.given.to_lowercase().split(' ').next().unwrap_or_default());
    if held_unnamed {
        asked.given = (*chance
            .pick(&["Oliver", "Amina", "Noah", "Zofia", "Muhammad", "Ivy", "Aarav", "Maya"])?)
        .to_owned();
        return Some(());
    }
    if !is_new {
        return None;
    }
    asked.given = match chance.below(6) {
        0 => "Baby".to_owned(),
        1 => format!("Baby of {}", child.mothers_family),
        2 => "Infant".to_owned(),
        3 if child.multiple_birth.is_some() => "Twin 1".to_owned(),
        3 => if child.gender == Gender::Female { "Baby Girl" } else { "Baby Boy" }.to_owned(),
        4 => String::new(),
        _ => "Baby".to_owned(),
    };
    Some(())
}

fn year_slip(chance: &mut Chance, born: Date) -> Option<Date> {
    let off = *chance.pick(&[1, 1, 1, -1, -1, -1, 10, -10, 2, -2])?;
    // A digit before its neighbour, now and then.
    let year = if chance.in_a_thousand(100) {
        let (tens, ones) = (born.year() / 10 % 10, born.year() % 10);
        born.year() / 100 * 100 + ones * 10 + tens
    } else {
        born.year() + off
    };
    Date::new(year, born.month(), born.day()).ok().filter(|other| *other != born && year <= 2026)
}

fn date_slip(chance: &mut Chance, born: Date) -> Option<Date> {
    match chance.below(5) {
        0 => born.checked_add(1.day()).ok(),
        1 => born.checked_sub(1.day()).ok(),
        2 => Date::new(born.year(), i8::try_from(chance.between(1, 12)).ok()?, born.day()).ok(),
        // One digit of the day, whatever it becomes.
        3 => Date::new(
            born.year(),
            born.month(),
            born.day() / 10 * 10 + i8::try_from(chance.between(0, 9)).ok()?,
        )
        .ok(),
        _ => Date::new(
            born.year(),
            born.month(),
            i8::try_from(chance.between(0, 3)).ok()? * 10 + born.day() % 10,
        )
        .ok(),
    }
    .filter(|other| *other != born)
}
