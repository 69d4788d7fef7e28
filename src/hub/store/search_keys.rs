//! The search index: kept with every change of a person, in the same transaction, and made for people who were
//! there before it.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::error::Fault;
use super::{codec, log};
use crate::domain::{Gender, PersonName};
use crate::hub::limits;
use crate::hub::search::{Compared, Described, keys};

/// Writes what a person is found by; what was there before goes.
pub(super) fn replace(db: &Connection, person: i64, described: &Described<'_>) -> Result<(), Fault> {
    let compared = described.compared();
    let text = compared.text();
    let mut wanted = keys::of_person(&compared);
    if let Some(before) = held(db, person)? {
        if before == text {
            return Ok(());
        }
        // The keys that stay are not written again.
        for key in keys::of_person(&read(&before)?) {
            match wanted.binary_search(&key) {
                Ok(place) => {
                    wanted.remove(place);
                }
                Err(_) => delete(db, person, key)?,
            }
        }
    }
    write(db, person, &text, &wanted)
}

/// The same of a person who has just been made: nothing can be there before.
pub(super) fn add(db: &Connection, person: i64, described: &Described<'_>) -> Result<(), Fault> {
    let compared = described.compared();
    write(db, person, &compared.text(), &keys::of_person(&compared))
}

/// Reads a person as they are now, and writes what they are found by.
pub(super) fn refresh(db: &Connection, person: i64) -> Result<(), Fault> {
    with_person(db, person, |described| replace(db, person, &described))
}

/// Nobody finds this person any more: the identity ended, or was joined to another.
pub(super) fn remove(db: &Connection, person: i64) -> Result<(), Fault> {
    if let Some(before) = held(db, person)? {
        for key in keys::of_person(&read(&before)?) {
            delete(db, person, key)?;
        }
        db.prepare_cached("DELETE FROM search_person WHERE person_id = ?1")?.execute([person])?;
    }
    Ok(())
}

pub(super) fn read(text: &str) -> Result<Compared, Fault> {
    Compared::read(text).ok_or(Fault::Corrupt("what is compared of a person"))
}

fn held(db: &Connection, person: i64) -> Result<Option<String>, Fault> {
    Ok(db
        .prepare_cached("SELECT compared FROM search_person WHERE person_id = ?1")?
        .query_row([person], |row| row.get(0))
        .optional()?)
}

fn delete(db: &Connection, person: i64, key: keys::Key) -> Result<(), Fault> {
    db.prepare_cached("DELETE FROM search_key WHERE key = ?1 AND detail = ?2 AND person_id = ?3")?
        .execute(params![key.key, key.detail, person])?;
    Ok(())
}

fn write(db: &Connection, person: i64, text: &str, keys: &[keys::Key]) -> Result<(), Fault> {
    db.prepare_cached("INSERT OR REPLACE INTO search_person (person_id, compared) VALUES (?1, ?2)")?
        .execute(params![person, text])?;
    let mut insert =
        db.prepare_cached("INSERT OR IGNORE INTO search_key (key, detail, person_id) VALUES (?1, ?2, ?3)")?;
    for key in keys {
        insert.execute(params![key.key, key.detail, person])?;
    }
    Ok(())
}

fn with_person<T>(
    db: &Connection,
    person: i64,
    then: impl FnOnce(Described<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let (born, gender, restricted, postcode): (Option<String>, String, bool, Option<String>) = db
        .prepare_cached("SELECT born, gender, restricted, postcode FROM person WHERE id = ?1")?
        .query_row([person], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let born = match born {
        None => None,
        Some(text) => Some(codec::born(&text).ok_or(Fault::Corrupt("a date of birth"))?),
    };
    let names: Vec<(bool, PersonName)> = super::people::names(db, person)?;
    let gender = Gender::from_code(&gender);
    then(Described { born, gender, restricted, postcode: postcode.as_deref(), names: &names })
}

/// Whether everybody has keys of this version.
pub(super) fn are_made(db: &Connection) -> Result<bool, Fault> {
    Ok(matches!(state(db)?, (keys::VERSION, _, true)))
}

/// Version, up to whom, and whether that is all.
fn state(db: &Connection) -> Result<(i64, i64, bool), rusqlite::Error> {
    db.query_row("SELECT version, up_to, is_complete FROM search_made", [], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })
}

/// Makes the keys of everybody who has none of this version, in transactions of their own, so that it goes on where
/// it was interrupted.
pub(super) fn make(db: &mut Connection) -> Result<(), Fault> {
    while !make_some(db)? {
        log::keep_short_alone(db)?;
    }
    Ok(())
}

/// True when everybody has keys.
fn make_some(db: &mut Connection) -> Result<bool, Fault> {
    if are_made(db)? {
        return Ok(true);
    }
    let work = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (version, mut up_to, is_complete) = state(&work)?;
    if version == keys::VERSION && is_complete {
        return Ok(true);
    }
    if version != keys::VERSION {
        work.execute_batch("DELETE FROM search_key; DELETE FROM search_person")?;
        up_to = 0;
    }
    let people: Vec<i64> = work
        .prepare_cached(
            "SELECT person.id FROM person
             WHERE person.id > ?1 ORDER BY person.id LIMIT ?2",
        )?
        .query_map(params![up_to, limits::KEYS_MADE_AT_ONCE], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for person in &people {
        let is_findable = work
            .prepare_cached("SELECT 1 FROM nhs_number WHERE person_id = ?1 AND standing = 'current'")?
            .exists([person])?;
        if is_findable {
            refresh(&work, *person)?;
        }
    }
    work.execute(
        "UPDATE search_made SET version = ?1, up_to = ?2, is_complete = ?3",
        params![keys::VERSION, people.last().copied().unwrap_or(up_to), people.is_empty()],
    )?;
    work.commit()?;
    Ok(people.is_empty())
}
