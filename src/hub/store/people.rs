//! People: search and retrieve, each audited for every person that is returned.
//!
//! An ended identity is in no search, and a retrieve of its number says only that it ended. A superseded
//! number leads to the person who has it now.

use std::sync::Arc;

use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::audit::{self, Entry, Kind};
use super::codec;
use super::error::{Fault, StoreError};
use super::writer::Work;
use super::{Audited, Store};
use crate::domain::{
    BirthDate, Candidate, Gender, NhsNumber, Person, PersonName, PostcodeCheck, SearchPermit,
};
use crate::hub::folding::folded;
use crate::hub::limits;
use crate::hub::matching;
use crate::hub::metrics::Shed;

/// What is searched for, already checked. Names and postcode are folded.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonQuery {
    /// Family name.
    pub family: String,
    /// Given names; each must be one of the person's.
    pub given: Vec<String>,
    /// Gender.
    pub gender: Option<Gender>,
    /// First and last day of birth.
    pub born: (Date, Date),
    /// Postcode.
    pub postcode: Option<String>,
    /// Sound-alike and transposed names too.
    pub fuzzy: bool,
    /// Names that are no longer used too.
    pub history: bool,
    /// Only matches of score 1.
    pub exact_only: bool,
    /// More matches than this are too many.
    pub most: usize,
    /// The parameters as they came, for the audit log.
    pub asked: serde_json::Value,
}

impl std::fmt::Debug for PersonQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PersonQuery(hidden)")
    }
}

/// A person that a search or retrieve returns.
#[derive(Debug, Clone)]
pub struct Found {
    /// The person, the score, and whether a previous name matched.
    pub candidate: Candidate,
    /// The home postcode; never of a restricted person.
    pub postcode: Option<String>,
}

/// What a search found.
#[derive(Debug)]
pub enum SearchOutcome {
    /// These, best first; possibly none.
    Found(Vec<Found>),
    /// More than may be returned: nobody is.
    TooMany,
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
    /// Searches people; an audit entry for each one returned.
    ///
    /// # Errors
    /// The database refused: nobody is returned.
    pub async fn search(
        &self,
        permit: SearchPermit,
        query: PersonQuery,
        request: String,
    ) -> Result<Audited<SearchOutcome>, StoreError> {
        // Kept to the end, also where the client is gone and the matching still runs.
        let place = Arc::clone(&self.0.searches).try_acquire_owned().map_err(|_| {
            self.metrics().shed(Shed::Searches);
            StoreError::Busy
        })?;
        let (outcome, query, _place) =
            self.read_elsewhere(move |db| Ok((find(db, &query)?, query, place))).await?;
        self.write(move |work| {
            let entry = |outcome, person: Option<&(i64, Found)>| Entry {
                person: person.map(|(id, _)| *id),
                number: person.map(|(_, found)| found.candidate.person.number),
                detail: Some(query.asked.clone()),
                ..Entry::new(Kind::Search, outcome, &request)
            };
            let caller = permit.caller();
            let Some(found) = outcome else {
                audit::append(work, caller, &entry("too-many", None))?;
                return Ok(SearchOutcome::TooMany);
            };
            let found = still_found(work, &query, found)?;
            if found.is_empty() {
                audit::append(work, caller, &entry("none", None))?;
            }
            for one in &found {
                audit::append(work, caller, &entry("returned", Some(one)))?;
            }
            Ok(SearchOutcome::Found(found.into_iter().map(|(_, found)| found).collect()))
        })
        .await
    }

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
                    let (found, _) = load(work.db, id)?;
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

/// Of the matches, who may still be returned: the identity may have ended, the number been superseded or the
/// record restricted since they were matched.
fn still_found(
    work: &Work<'_>,
    query: &PersonQuery,
    found: Vec<(i64, Found)>,
) -> Result<Vec<(i64, Found)>, Fault> {
    let mut still = Vec::with_capacity(found.len());
    for (id, mut found) in found {
        match resolve(work, found.candidate.person.number)? {
            Resolved::Person { id: now, number } if now == id && number == found.candidate.person.number => {}
            Resolved::Person { .. } | Resolved::Ended { .. } | Resolved::NotKnown => continue,
        }
        if !found.candidate.person.restricted && is_restricted(work, id)? {
            if query.postcode.is_some() {
                continue;
            }
            found.candidate.person.restricted = true;
            found.postcode = None;
        }
        still.push((id, found));
    }
    Ok(still)
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

/// The person of an id, under the number in use, and the postcode by which they may be found.
pub(super) fn load(db: &Connection, id: i64) -> Result<(Found, Option<String>), Fault> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {PERSON_COLUMNS} FROM person
         JOIN nhs_number ON nhs_number.person_id = person.id AND nhs_number.standing = 'current'
         WHERE person.id = ?1"
    ))?;
    let mut rows = statement.query([id])?;
    match rows.next()? {
        Some(row) => read_person(db, row),
        None => Err(Fault::Corrupt("a person without a number in use")),
    }
}

fn read_person(db: &Connection, row: &Row<'_>) -> Result<(Found, Option<String>), Fault> {
    let id: i64 = row.get(0)?;
    let number: String = row.get(1)?;
    let gender: String = row.get(2)?;
    let born: Option<String> = row.get(3)?;
    let deceased: String = row.get(5)?;
    let restricted: bool = row.get(6)?;
    // A restricted person cannot be found by postcode either.
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
    Ok((Found { candidate, postcode: postcode.clone() }, postcode))
}

/// A person's names and whether each is current.
fn names(db: &Connection, person: i64) -> Result<Vec<(bool, PersonName)>, Fault> {
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

/// The matches with their ids, best first; `None` for too many.
fn find(db: &Connection, query: &PersonQuery) -> Result<Option<Vec<(i64, Found)>>, Fault> {
    let Some(ids) = (if query.fuzzy { born_near(db, query)? } else { of_family(db, query)? }) else {
        return Ok(None);
    };
    let mut matches: Vec<(i64, Found)> = Vec::new();
    for id in ids {
        let (mut found, postcode) = load(db, id)?;
        let score = matching::score(query, &found.candidate.person, postcode.as_deref(), &names(db, id)?);
        let Some(score) = score.filter(|score| score.thousandths == 1000 || !query.exact_only) else {
            continue;
        };
        found.candidate.score = score.thousandths;
        found.candidate.matched_previous_name = score.previous_name;
        matches.push((id, found));
        if matches.len() > query.most {
            return Ok(None);
        }
    }
    // The number is the last resort, so that the same search lists people in the same order each time.
    matches.sort_by_cached_key(|(_, found)| {
        let person = &found.candidate.person;
        (
            std::cmp::Reverse(found.candidate.score),
            folded(&person.name.family),
            person.name.given.join(" ").to_lowercase(),
            person.number.digits(),
        )
    });
    Ok(Some(matches))
}

/// People who have or had the family name and can have been born then.
fn of_family(db: &Connection, query: &PersonQuery) -> Result<Option<Vec<i64>>, Fault> {
    let mut statement = db.prepare_cached(
        "SELECT DISTINCT person.id FROM person_name
         JOIN person ON person.id = person_name.person_id
         JOIN nhs_number ON nhs_number.person_id = person.id AND nhs_number.standing = 'current'
         WHERE person_name.family_folded = ?1 AND (person_name.is_current = 1 OR ?2)
           AND person.born_first <= ?4 AND person.born_last >= ?3
         LIMIT ?5",
    )?;
    let (first, last) = query.born;
    let rows = statement.query_map(
        params![query.family, query.history, first.to_string(), last.to_string(), compared()],
        |row| row.get(0),
    )?;
    within_limit(rows.collect::<Result<_, _>>()?)
}

/// People who can have been born then, or on the day that a slip of day and month would give.
fn born_near(db: &Connection, query: &PersonQuery) -> Result<Option<Vec<i64>>, Fault> {
    let mut statement = db.prepare_cached(
        "SELECT person.id FROM person
         JOIN nhs_number ON nhs_number.person_id = person.id AND nhs_number.standing = 'current'
         WHERE (person.born_first <= ?2 AND person.born_last >= ?1)
            OR (person.born_first <= ?3 AND person.born_last >= ?3)
         LIMIT ?4",
    )?;
    let (first, last) = query.born;
    let swapped = matching::day_and_month_swapped(query.born).map(|day| day.to_string());
    let rows = statement
        .query_map(params![first.to_string(), last.to_string(), swapped, compared()], |row| row.get(0))?;
    within_limit(rows.collect::<Result<_, _>>()?)
}

fn compared() -> i64 {
    i64::try_from(limits::FUZZY_COMPARED).unwrap_or(i64::MAX).saturating_add(1)
}

fn within_limit(ids: Vec<i64>) -> Result<Option<Vec<i64>>, Fault> {
    Ok((ids.len() <= limits::FUZZY_COMPARED).then_some(ids))
}

/// First and last day that a date of birth can mean, as the database compares them.
pub(super) fn born_range(born: Option<BirthDate>) -> (Option<String>, Option<String>) {
    match born.map(BirthDate::range) {
        Some((first, last)) => (Some(first.to_string()), Some(last.to_string())),
        None => (None, None),
    }
}
