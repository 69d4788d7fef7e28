//! Whether viewer and person share a family name, and how common it is among the people that are held.

use std::cell::OnceCell;

use rusqlite::Connection;

use super::super::error::Fault;
use super::activity::Person;
use crate::hub::folding::folded;

/// A name that both have.
pub(super) struct Shared {
    /// As the person's record writes it; `None` where it is one that they no longer use, which is not said.
    name: Option<String>,
    /// How many people have it now, as a whole or in full with others.
    people: u64,
    /// Of how many.
    of: u64,
}

/// How many people are held: counted when it is first needed.
#[derive(Default)]
pub(super) struct Held(OnceCell<u64>);

impl Held {
    fn people(&self, db: &Connection) -> Result<u64, Fault> {
        if let Some(people) = self.0.get() {
            return Ok(*people);
        }
        let people = count(db, "SELECT count(*) FROM nhs_number WHERE standing = 'current'", [])?;
        Ok(*self.0.get_or_init(|| people))
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
            // Who has it now: nobody whose identity ended, and nobody who had it once.
            let people = count(
                db,
                "SELECT count(DISTINCT person_id) FROM person_name
                 WHERE family_folded = ?1 AND is_current
                   AND EXISTS (SELECT 1 FROM nhs_number AS held
                               WHERE held.person_id = person_name.person_id AND held.standing = 'current')",
                [part.as_str()],
            )?;
            // Whoever has only a part of it has at least one bearer: this person.
            let people = people.max(1);
            let is_better = rarest.as_ref().is_none_or(|known| {
                let known_is_current = known.name.is_some();
                (is_current, known.people) > (known_is_current, people)
            });
            if is_better {
                let name = is_current.then(|| family.clone());
                rarest = Some(Shared { name, people, of: held.people(db)? });
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
    /// In a sentence.
    pub(super) fn seen(&self) -> String {
        let rare = format!("{} of {} people held here have it now", self.people, self.of);
        match &self.name {
            Some(name) => {
                format!("the viewer's name and the patient's family name, {name}, have it in common; {rare}")
            }
            None => format!(
                "the viewer's family name is one that the patient had before and no longer uses; {rare}"
            ),
        }
    }

    /// One in so many people have it: the fewer, the less it is by chance.
    pub(super) fn strength(&self) -> u8 {
        match self.of / self.people.max(1) {
            0..=99 => 25,
            100..=999 => 50,
            1_000..=9_999 => 75,
            10_000.. => 95,
        }
    }
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
