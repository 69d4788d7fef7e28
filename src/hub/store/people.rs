//! People: the retrieve, audited, and what everything else asks of a person.
//!
//! A retrieve of an ended identity's number says only that it ended. A superseded
//! number leads to the person who has it now.

use rusqlite::{Connection, OptionalExtension, Row};

use super::audit::{self, Entry, Kind};
use super::codec;
use super::error::{Fault, StoreError};
use super::writer::Work;
use super::{Audited, Store};
use crate::domain::{
    BirthDate, Candidate, Gender, NhsNumber, Person, PersonName, PostcodeCheck, SearchPermit,
};

/// A person that a search or retrieve returns.
#[derive(Debug, Clone)]
pub struct Found {
    /// The person, the score, and whether a previous name matched.
    pub candidate: Candidate,
    /// The home postcode; never of a restricted person.
    pub postcode: Option<String>,
}

/// What a retrieve found.
#[derive(Debug)]
pub enum Retrieved {
    /// The person, under the number in use.
    Person(Box<Found>),
    /// The number is not known.
    NotKnown,
    /// The identity ended.
    Ended,
}

/// Whom a number stands for.
pub(super) enum Resolved {
    Person { id: i64, number: NhsNumber },
    Ended { id: i64 },
    NotKnown,
}

impl Store {
    /// Retrieves the person of a number.
    ///
    /// # Errors
    /// The database refused: nobody is returned.
    pub async fn retrieve(
        &self,
        permit: SearchPermit,
        number: NhsNumber,
        request: String,
    ) -> Result<Audited<Retrieved>, StoreError> {
        self.write(move |work| {
            let (outcome, person, retrieved) = match resolve(work, number)? {
                Resolved::NotKnown => ("not-found", None, Retrieved::NotKnown),
                Resolved::Ended { id } => ("invalidated", Some(id), Retrieved::Ended),
                Resolved::Person { id, .. } => {
                    let found = load(work.db, id)?;
                    ("returned", Some(id), Retrieved::Person(Box::new(found)))
                }
            };
            let entry =
                Entry { person, number: Some(number), ..Entry::new(Kind::Retrieve, outcome, &request) };
            audit::append(work, permit.caller(), &entry)?;
            Ok(retrieved)
        })
        .await
    }
}

/// Whether the record of a person is restricted.
pub(super) fn is_restricted(work: &Work<'_>, person: i64) -> Result<bool, Fault> {
    Ok(work
        .db
        .prepare_cached("SELECT restricted FROM person WHERE id = ?1")?
        .query_row([person], |row| row.get(0))?)
}

/// Whom a number stands for now.
pub(super) fn resolve(work: &Work<'_>, number: NhsNumber) -> Result<Resolved, Fault> {
    let found: Option<(i64, String, String)> = work
        .db
        .prepare_cached(
            "SELECT asked.person_id, used.number, used.standing
             FROM nhs_number AS asked
             JOIN nhs_number AS used ON used.person_id = asked.person_id AND used.standing <> 'superseded'
             WHERE asked.number = ?1",
        )?
        .query_row([number.digits()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    match found {
        None => Ok(Resolved::NotKnown),
        Some((id, _, standing)) if standing == "ended" => Ok(Resolved::Ended { id }),
        Some((id, used, _)) => Ok(Resolved::Person { id, number: codec::number(&used)? }),
    }
}

/// Whether the identity of a person has ended.
pub(super) fn has_ended(work: &Work<'_>, person: i64) -> Result<bool, Fault> {
    Ok(work
        .db
        .prepare_cached("SELECT 1 FROM nhs_number WHERE person_id = ?1 AND standing = 'ended'")?
        .exists([person])?)
}

/// The number that a person has now, or had when the identity ended.
pub(super) fn number_in_use(work: &Work<'_>, person: i64) -> Result<Option<NhsNumber>, Fault> {
    let number: Option<String> = work
        .db
        .prepare_cached("SELECT number FROM nhs_number WHERE person_id = ?1 AND standing <> 'superseded'")?
        .query_row([person], |row| row.get(0))
        .optional()?;
    number.as_deref().map(codec::number).transpose()
}

const PERSON_COLUMNS: &str =
    "person.id, nhs_number.number, person.gender, person.born, person.multiple_birth,
    person.deceased, person.restricted, person.postcode";

/// The person of an id, under the number in use.
pub(super) fn load(db: &Connection, id: i64) -> Result<Found, Fault> {
    load_current(db, id)?.ok_or(Fault::Corrupt("a person without a number in use"))
}

/// The same, of somebody whose identity may have ended.
pub(super) fn load_current(db: &Connection, id: i64) -> Result<Option<Found>, Fault> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {PERSON_COLUMNS} FROM person
         JOIN nhs_number ON nhs_number.person_id = person.id AND nhs_number.standing = 'current'
         WHERE person.id = ?1"
    ))?;
    let mut rows = statement.query([id])?;
    rows.next()?.map(|row| read_person(db, row)).transpose()
}

fn read_person(db: &Connection, row: &Row<'_>) -> Result<Found, Fault> {
    let id: i64 = row.get(0)?;
    let number: String = row.get(1)?;
    let gender: String = row.get(2)?;
    let born: Option<String> = row.get(3)?;
    let deceased: String = row.get(5)?;
    let restricted: bool = row.get(6)?;
    // Where a restricted person lives is told to nobody.
    let postcode: Option<String> = row.get::<_, Option<String>>(7)?.filter(|_| !restricted);
    let born = match born {
        None => None,
        Some(text) => Some(codec::born(&text).ok_or(Fault::Corrupt("a date of birth"))?),
    };
    let name = names(db, id)?.into_iter().find(|(is_current, _)| *is_current).map(|(_, name)| name);
    let person = Person {
        number: codec::number(&number)?,
        name: name.unwrap_or_default(),
        born,
        gender: Gender::from_code(&gender),
        multiple_birth: row.get(4)?,
        deceased: codec::deceased(&deceased)?,
        restricted,
    };
    let candidate =
        Candidate { person, score: 1000, matched_previous_name: false, postcode: PostcodeCheck::NotAsked };
    Ok(Found { candidate, postcode })
}

/// A person's names and whether each is current.
pub(super) fn names(db: &Connection, person: i64) -> Result<Vec<(bool, PersonName)>, Fault> {
    let mut statement = db.prepare_cached(
        "SELECT is_current, family, given, title FROM person_name WHERE person_id = ?1 ORDER BY rowid",
    )?;
    let mut rows = statement.query([person])?;
    let mut names = Vec::new();
    while let Some(row) = rows.next()? {
        let given: String = row.get(2)?;
        let given = serde_json::from_str(&given).map_err(|_| Fault::Corrupt("given names"))?;
        names.push((row.get(0)?, PersonName { family: row.get(1)?, given, title: row.get(3)? }));
    }
    Ok(names)
}

/// First and last day that a date of birth can mean, as the database compares them.
pub(super) fn born_range(born: Option<BirthDate>) -> (Option<String>, Option<String>) {
    match born.map(BirthDate::range) {
        Some((first, last)) => (Some(first.to_string()), Some(last.to_string())),
        None => (None, None),
    }
}
