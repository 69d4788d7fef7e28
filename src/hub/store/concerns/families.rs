//! Whether viewer and person share a family name, and how common it is among the people that are held.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;

use rusqlite::Connection;

use super::super::error::Fault;
use super::activity::Person;
use crate::hub::folding::folded;
use crate::hub::limits;

/// A name that both have.
pub(super) struct Shared {
    /// As the person's record writes it.
    name: String,
    /// Not one that they no longer use.
    is_current: bool,
    /// How many people have it now, as a whole or in full with others.
    people: u64,
    /// Of how many.
    of: u64,
}

/// How many people are held, and have a name: counted when it is first needed, and once. Of a common name that walks
/// through all who have it.
#[derive(Default)]
pub(super) struct Held {
    people: OnceCell<u64>,
    named: RefCell<HashMap<String, u64>>,
}

impl Held {
    fn people(&self, db: &Connection) -> Result<u64, Fault> {
        if let Some(people) = self.people.get() {
            return Ok(*people);
        }
        let people = count(db, "SELECT count(*) FROM nhs_number WHERE standing = 'current'", [])?;
        Ok(*self.people.get_or_init(|| people))
    }

    /// Who has it now: nobody whose identity ended, and nobody who had it once.
    fn named(&self, db: &Connection, part: &str) -> Result<u64, Fault> {
        if let Some(people) = self.named.borrow().get(part) {
            return Ok(*people);
        }
        let people = count(
            db,
            "SELECT count(DISTINCT person_id) FROM person_name
             WHERE family_folded = ?1 AND is_current
               AND EXISTS (SELECT 1 FROM nhs_number AS held
                           WHERE held.person_id = person_name.person_id AND held.standing = 'current')",
            [part],
        )?;
        let mut named = self.named.borrow_mut();
        if named.len() < limits::CONCERN_NAMES {
            named.insert(part.to_owned(), people);
        }
        Ok(people)
    }
}

/// Particles and the like: they say nothing by themselves.
const SHORTEST_PART: usize = 3;

/// The family names that a viewer's name may hold, folded: what stands before a comma, else what is written in
/// capitals, else the last word; and the parts of a double-barrelled one.
pub(super) fn of_viewer(name: &str) -> Vec<String> {
    let words: Vec<&str> = name.split_whitespace().filter(|word| !word.starts_with('(')).collect();
    let is_capital = |word: &&&str| word.chars().count() > 1 && !word.chars().any(char::is_lowercase);
    let family: Vec<&str> = if let Some((family, _)) = name.split_once(',') {
        family.split_whitespace().collect()
    } else if words.iter().any(|word| is_capital(&word)) && !words.iter().all(|word| is_capital(&word)) {
        words.iter().filter(is_capital).copied().collect()
    } else {
        words.last().copied().into_iter().collect()
    };
    parts(&family.join(" "))
}

/// A family name as a whole and its parts, folded.
fn parts(family: &str) -> Vec<String> {
    let mut parts = vec![folded(family)];
    let each = family.split(|c: char| c.is_whitespace() || matches!(c, '-' | '\u{2010}' | '\u{2011}' | '/'));
    parts.extend(each.map(folded).filter(|part| part.chars().count() >= SHORTEST_PART));
    parts.retain(|part| !part.is_empty());
    parts.sort_unstable();
    parts.dedup();
    parts
}

/// The rarest name that the viewer shares with a person: a present one, or else a previous one.
pub(super) fn shared(
    db: &Connection,
    held: &Held,
    viewer: &[String],
    person: Person,
) -> Result<Option<Shared>, Fault> {
    let mut statement =
        db.prepare_cached("SELECT family, is_current FROM person_name WHERE person_id = ?1")?;
    let mut rows = statement.query([person])?;
    let mut rarest: Option<Shared> = None;
    while let Some(row) = rows.next()? {
        let (family, is_current): (String, bool) = (row.get(0)?, row.get(1)?);
        for part in parts(&family) {
            if !viewer.contains(&part) {
                continue;
            }
            // Whoever has only a part of it has at least one bearer: this person.
            let people = held.named(db, &part)?.max(1);
            let is_better =
                rarest.as_ref().is_none_or(|known| (is_current, known.people) > (known.is_current, people));
            if is_better {
                rarest = Some(Shared { name: family.clone(), is_current, people, of: held.people(db)? });
            }
        }
    }
    Ok(rarest)
}

fn count(db: &Connection, sql: &str, values: impl rusqlite::Params) -> Result<u64, Fault> {
    let count: i64 = db.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

impl Shared {
    /// In a sentence. A name that is no longer used is not said, nor the present one of a record that is restricted: it may
    /// hold more than what they share. How many have the name is said roughly: the exact numbers are of people of the whole
    /// country, whom the reader has nothing to do with.
    pub(super) fn seen(&self, is_restricted: bool) -> String {
        let rare = match self.rarity() {
            Rarity::Common => "one in 100 of the people held here, or more, have it now",
            Rarity::OneInHundred => "fewer than one in 100 of the people held here have it now",
            Rarity::OneInThousand => "fewer than one in 1,000 of the people held here have it now",
            Rarity::OneInTenThousand => "fewer than one in 10,000 of the people held here have it now",
        };
        match (self.is_current, is_restricted) {
            (true, false) => {
                let name = &self.name;
                format!("the viewer's name and the patient's family name, {name}, have it in common; {rare}")
            }
            (true, true) => {
                format!("the viewer's name and the patient's family name have it in common; {rare}")
            }
            (false, _) => format!(
                "the viewer's family name is one that the patient had before and no longer uses; {rare}"
            ),
        }
    }

    /// The fewer have it, the less it is by chance.
    pub(super) fn strength(&self) -> u8 {
        match self.rarity() {
            Rarity::Common => 25,
            Rarity::OneInHundred => 50,
            Rarity::OneInThousand => 75,
            Rarity::OneInTenThousand => 95,
        }
    }

    fn rarity(&self) -> Rarity {
        match self.of / self.people.max(1) {
            0..=99 => Rarity::Common,
            100..=999 => Rarity::OneInHundred,
            1_000..=9_999 => Rarity::OneInThousand,
            10_000.. => Rarity::OneInTenThousand,
        }
    }
}

/// One in how many has a name: about so many, or fewer.
enum Rarity {
    Common,
    OneInHundred,
    OneInThousand,
    OneInTenThousand,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewers_family_name_is_found_however_their_name_is_written() {
        let check = |name: &str, expected: &[&str]| assert_eq!(of_viewer(name), expected, "{name}");
        check("Sam Okafor", &["okafor"]);
        check("OKAFOR Sam (Mr)", &["okafor"]);
        check("Okafor, Sam James", &["okafor"]);
        check("Anna Smith-Jones", &["jones", "smith", "smithjones"]);
        check("de la Cruz, Maria", &["cruz", "delacruz"]);
        check("SAM OKAFOR", &["okafor"]);
        check("Li Ng", &["ng"]);
        check("Siân O’Brien", &["obrien"]);
        check("", &[]);
    }
}
