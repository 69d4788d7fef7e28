//! The blockings: under which keys a person can be found, and which keys a search looks under.
//!
//! A key is a number made of a kind and of what has to agree; beside it stands a detail that narrows (a day of
//! birth, or the letters of the other name), so that most of whom a key brings are told apart without reading them.
//!
//! | Kind | What has to agree | Detail | Finds |
//! |---|---|---|---|
//! | `Family` | the whole family name | day of birth | exact searches, of ranges too |
//! | `Beginning` | the first two letters of the family name | day of birth | wildcards; slips later in the name |
//! | `FamilyBorn` | sound of a family name's part, birth date | letters of the given name | other or no given name |
//! | `GivenBorn` | sound of the first given name, birth date | letters of the family name | other family name |
//! | `Names` | sounds of family part and first given name | day of birth | wrong birth date |

use std::collections::HashSet;

use jiff::civil::Date;

use crate::domain::BirthDate;

use super::compared::{Compared, ComparedName};
use super::{limits, names, variants};

/// Of the keys as they are stored: a change of this module, of `names`, or of the sound codes needs a higher one,
/// and then every hub makes its keys anew when it opens its database.
pub(in crate::hub) const VERSION: i64 = 2;

/// One row of the index: key and detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::hub) struct Key {
    pub(in crate::hub) key: i64,
    pub(in crate::hub) detail: i64,
}

/// What a key stands for. The letter goes into the key; an estimated birth date has kinds of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Family,
    FamilyEstimated,
    Beginning,
    BeginningEstimated,
    FamilyBorn,
    GivenBorn,
    Names,
    NamesEstimated,
}

impl Kind {
    fn letter(self) -> u8 {
        match self {
            Kind::Family => b'E',
            Kind::FamilyEstimated => b'e',
            Kind::Beginning => b'W',
            Kind::BeginningEstimated => b'w',
            Kind::FamilyBorn => b'F',
            Kind::GivenBorn => b'G',
            Kind::Names => b'N',
            Kind::NamesEstimated => b'n',
        }
    }

    /// The kind for a birth date that is held exactly, or as an estimate.
    fn of(self, is_exact: bool) -> Self {
        match (self, is_exact) {
            (Kind::Family, false) => Kind::FamilyEstimated,
            (Kind::Beginning, false) => Kind::BeginningEstimated,
            (Kind::Names, false) => Kind::NamesEstimated,
            (kind, _) => kind,
        }
    }
}

/// FNV-1a over kind and parts. Stored: it never changes. Should two differ in parts and agree in this, the
/// comparison tells them apart.
pub(super) fn hash(kind: Kind, parts: &[&str]) -> i64 {
    const PRIME: u64 = 0x0100_0000_01b3;
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(PRIME);
    add(kind.letter());
    for part in parts {
        add(0xff);
        part.bytes().for_each(&mut add);
    }
    hash.cast_signed()
}

/// The key of a sound and a birth date. The date stands last: the days that a slip makes of one are beside each
/// other in the index, and a search finds them on the same few pages.
pub(super) fn hash_born(kind: Kind, sound: &str, born: i64) -> i64 {
    const DATE_BITS: u32 = 24;
    (hash(kind, &[sound]) << DATE_BITS) | (born & ((1 << DATE_BITS) - 1))
}

/// A birth date as a number: of an estimate, one that no day has.
fn born_number(born: BirthDate) -> i64 {
    match born {
        BirthDate::Day(day) => day_number(day),
        BirthDate::Month(year, month) => i64::from(year) * 512 + i64::from(month) * 32,
        BirthDate::Year(year) => i64::from(year) * 512,
    }
}

/// A day as a number that grows with it.
pub(super) fn day_number(day: Date) -> i64 {
    i64::from(day.year()) * 512 + i64::from(day.month()) * 32 + i64::from(day.day())
}

/// The day of such a number.
pub(super) fn day_of(number: i64) -> Option<Date> {
    let part = |number: i64| i8::try_from(number).ok();
    Date::new(i16::try_from(number / 512).ok()?, part(number / 32 % 16)?, part(number % 32)?).ok()
}

/// Every key of a person, as far as there is room for them; none of one without a birth date, whom no search can
/// find.
pub(in crate::hub) fn of_person(person: &Compared) -> Vec<Key> {
    let Some(born) = person.born else { return Vec::new() };
    let first = day_number(born.range().0);
    let born_exactly = born.is_exact();
    let born = born_number(born);
    // The most important first: all of the current name, then whole family names, then what others sound like.
    let mut keys = Vec::new();
    for is_current in [true, false] {
        for name in person.names.iter().filter(|name| name.is_current == is_current) {
            keys.extend(whole_family_keys(name, born_exactly, first));
            if is_current {
                keys.extend(sound_keys(name, born, born_exactly, first));
            }
        }
    }
    for name in person.names.iter().filter(|name| !name.is_current) {
        keys.extend(sound_keys(name, born, born_exactly, first));
    }
    let mut seen = HashSet::new();
    keys.retain(|key| seen.insert(*key));
    keys.truncate(limits::KEYS_PER_PERSON);
    keys.sort_unstable();
    keys
}

/// The keys of a whole family name: those of exact searches and of wildcards.
fn whole_family_keys(name: &ComparedName, born_exactly: bool, first: i64) -> Vec<Key> {
    let whole = name.whole_family();
    if whole.is_empty() {
        return Vec::new();
    }
    vec![
        Key { key: hash(Kind::Family.of(born_exactly), &[&whole]), detail: first },
        Key { key: hash(Kind::Beginning.of(born_exactly), &[beginning(&whole)]), detail: first },
    ]
}

/// The keys of how a name sounds.
fn sound_keys(name: &ComparedName, born: i64, born_exactly: bool, first: i64) -> Vec<Key> {
    let given = first_given(name);
    let given_letters = i64::from(given.map(names::letters).unwrap_or_default());
    let family = family_sounds(&name.family);
    let mut keys: Vec<Key> = family
        .iter()
        .map(|sound| Key { key: hash_born(Kind::FamilyBorn, sound, born), detail: given_letters })
        .collect();
    let Some(given) = given else { return keys };
    let sound = names::sound(given);
    let detail = i64::from(names::letters(&name.whole_family()));
    keys.push(Key { key: hash_born(Kind::GivenBorn, &sound, born), detail });
    for family in &family {
        keys.push(Key { key: hash(Kind::Names.of(born_exactly), &[family, &sound]), detail: first });
    }
    keys
}

/// The first two letters.
pub(super) fn beginning(whole: &str) -> &str {
    whole.char_indices().nth(2).map_or(whole, |(end, _)| whole.get(..end).unwrap_or(whole))
}

/// The first part of the first given name, unless it says that there is none.
fn first_given(name: &ComparedName) -> Option<&str> {
    let first = name.given.first()?;
    if names::is_unnamed(first) { None } else { first.first().map(String::as_str) }
}

/// The sounds under which a family name is found: of its parts, and of the whole where there is a particle, which
/// others run together with it.
pub(super) fn family_sounds(parts: &[String]) -> Vec<String> {
    let core = names::core(parts);
    let mut sounds: Vec<String> = core.iter().take(3).map(|part| names::sound(part)).collect();
    if core.len() < parts.len() {
        sounds.push(names::sound(&parts.concat()));
    }
    sounds.sort();
    sounds.dedup();
    sounds
}

/// The sounds under which a search looks for a family name: also of the parts run together, and without a prefix.
pub(super) fn asked_family_sounds(parts: &[String]) -> Vec<String> {
    let mut sounds = family_sounds(parts);
    let whole = parts.concat();
    if parts.len() > 1 {
        sounds.push(names::sound(&whole));
    }
    for part in names::core(parts) {
        sounds.extend(names::stripped(part).map(names::sound));
    }
    sounds.sort();
    sounds.dedup();
    sounds
}

/// The sounds under which a search looks for a given name: of its first two parts.
pub(super) fn asked_given_sounds(given: &[String]) -> Vec<String> {
    let mut sounds: Vec<String> = given.iter().take(2).map(|part| names::sound(part)).collect();
    sounds.dedup();
    sounds
}

/// The sounds of the first given name's short and long forms and other spellings.
pub(super) fn other_given_sounds(given: &[String]) -> Vec<String> {
    let own = asked_given_sounds(given);
    let mut sounds: Vec<String> = Vec::new();
    for other in given.first().into_iter().flat_map(|first| variants::others(first)) {
        let sound = names::sound(other);
        if sounds.len() < limits::VARIANTS_SEARCHED && !own.contains(&sound) && !sounds.contains(&sound) {
            sounds.push(sound);
        }
    }
    sounds
}

/// The numbers that stand for a birth date that can be this day: the day itself and the estimates that hold it.
pub(super) fn born_numbers(day: Date) -> [i64; 3] {
    [
        born_number(BirthDate::Day(day)),
        born_number(BirthDate::Month(day.year(), day.month())),
        born_number(BirthDate::Year(day.year())),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::compared::Described;
    use super::*;
    use crate::domain::{Gender, PersonName};

    fn name(family: &str, given: &str) -> PersonName {
        PersonName { family: family.to_owned(), given: vec![given.to_owned()], title: None }
    }

    #[test]
    fn whoever_has_more_keys_than_there_is_room_for_keeps_those_of_the_name_they_have_now() {
        let born = BirthDate::Day(jiff::civil::date(2015, 3, 12));
        let described = |names: &[(bool, PersonName)]| {
            Described { born: Some(born), gender: Gender::Female, restricted: false, postcode: None, names }
                .compared()
        };
        // Whatever their hashes are: of many current names none may lose a key.
        for current in ["Aldred-Becket-Corrigan", "Smith", "van Zyl-Wright", "Quill", "Ng", "O'Hara"] {
            let mut names = vec![(true, name(current, "Mary"))];
            let alone = of_person(&described(&names));
            for before in ["Dunmore", "Eastwood", "Farrell", "Gadsden", "Hartley", "Ibbotson", "Jackman"] {
                let family = format!("de {before}-{before}son-{before}worth");
                names.push((false, name(&family, &format!("{before}ina"))));
            }
            let person = described(&names);
            let keys = of_person(&person);
            assert_eq!(keys.len(), limits::KEYS_PER_PERSON, "{current}");
            assert!(keys.is_sorted(), "the store looks for them by halves");
            for key in alone {
                assert!(keys.binary_search(&key).is_ok(), "{current}");
            }
            for name in &person.names {
                let whole = hash(Kind::Family, &[&name.whole_family()]);
                assert!(keys.iter().any(|key| key.key == whole), "{current}: {:?}", name.family);
            }
        }
    }
}
