//! Searching people: matched on a connection that only reads, audited for every person that is returned.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, params, params_from_iter};

use super::audit::{self, Entry, Kind};
use super::error::{Fault, StoreError};
use super::people::{self, Found};
use super::search_keys;
use super::{Audited, Store, volume};
use crate::domain::SearchPermit;
use crate::hub::folding::folded;
use crate::hub::limits::{self, Volume};
use crate::hub::metrics::Shed;
use crate::hub::search::{self, Compared, PersonQuery, Score};

/// What a search found.
#[derive(Debug)]
pub enum SearchOutcome {
    /// These, best first; possibly none.
    Found(Vec<Found>),
    /// More than may be returned: nobody is.
    TooMany,
    /// The user's searches have come to their volume: nobody is looked for, and for how long not.
    VolumeReached(Duration),
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
        most: Volume,
    ) -> Result<Audited<SearchOutcome>, StoreError> {
        // Kept to the end, also where the client is gone and the matching still runs.
        let acquire = || Arc::clone(&self.0.searches).try_acquire_owned();
        let place = acquire().or_else(|_| {
            self.0.readers.forget_abandoned();
            acquire()
        });
        let place = Arc::new(place.map_err(|_| {
            self.metrics().shed(Shed::Searches);
            StoreError::Busy
        })?);
        let (user, now_ms) = (permit.caller().user.clone(), self.0.clock.now().as_millisecond());
        let asked = query.asked.clone();
        let find = move |db: &Connection| {
            // Whose volume is reached costs no search.
            let outcome = match volume::wait(db, &user, now_ms, most)? {
                Some(wait) => Err(wait),
                None => Ok(find(db, &query)?),
            };
            Ok((outcome, Arc::clone(&place)))
        };
        self.read_people_then_write(find, move |work, (outcome, _place)| {
            let entry = |outcome, person: Option<&(i64, Found)>| Entry {
                person: person.map(|(id, _)| *id),
                number: person.map(|(_, found)| found.candidate.person.number),
                detail: Some(asked.clone()),
                ..Entry::new(Kind::Search, outcome, &request)
            };
            let caller = permit.caller();
            // Here, where searches of one user come one after the other.
            if let Some(wait) = volume::wait(work.db, &caller.user, work.now_ms(), most)? {
                return Ok(SearchOutcome::VolumeReached(wait));
            }
            let found = match outcome {
                Ok(found) => found,
                // It was over in the very moment, and nobody was looked for: ask again.
                Err(wait) => return Ok(SearchOutcome::VolumeReached(wait)),
            };
            let Some(found) = found else {
                volume::add(work, &caller.user, 0)?;
                audit::append(work, caller, &entry("too-many", None))?;
                return Ok(SearchOutcome::TooMany);
            };
            volume::add(work, &caller.user, found.len())?;
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
}

/// The matches with their ids, best first; `None` for too many.
fn find(db: &Connection, query: &PersonQuery) -> Result<Option<Vec<(i64, Found)>>, Fault> {
    let Some(ids) = candidates(db, query)? else { return Ok(None) };
    let (ids, people) = compared(db, &ids)?;
    let chosen = search::choose(query, &people);
    if chosen.len() > query.most {
        return Ok(None);
    }
    let mut matches = Vec::with_capacity(chosen.len());
    for (place, score) in chosen {
        if let Some(id) = ids.get(place) {
            matches.extend(found(db, query, *id, score)?);
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

/// A match as it is returned. What decides whether it may be is read from the record, not from the index.
fn found(db: &Connection, query: &PersonQuery, id: i64, score: Score) -> Result<Option<(i64, Found)>, Fault> {
    let Some(mut found) = people::load_current(db, id)? else { return Ok(None) };
    if found.candidate.person.restricted && query.postcode.is_some() {
        return Ok(None);
    }
    found.candidate.score = u16::try_from(score.thousandths).unwrap_or(0);
    found.candidate.matched_previous_name = score.previous_name;
    Ok(Some((id, found)))
}

/// Who stands under the keys of a search; `None` where more do than are compared.
fn candidates(db: &Connection, query: &PersonQuery) -> Result<Option<Vec<i64>>, Fault> {
    let mut statement = db.prepare_cached(
        "SELECT detail, person_id FROM search_key
         WHERE key = ?1 AND detail BETWEEN ?2 AND ?3",
    )?;
    let (mut ids, mut seen) = (Vec::new(), HashSet::new());
    // Rows of which nobody is read count too: nothing makes a search walk through an index.
    let mut left = limits::SEARCH_ROWS;
    for probe in search::probes(query) {
        let mut rows = statement.query(params![probe.key, probe.low, probe.high])?;
        while let Some(row) = rows.next()? {
            left = left.saturating_sub(1);
            let id: i64 = row.get(1)?;
            if probe.takes(row.get(0)?) && seen.insert(id) {
                ids.push(id);
            }
            if left == 0 || ids.len() > limits::SEARCH_COMPARED {
                return Ok(None);
            }
        }
    }
    Ok(Some(ids))
}

/// What is compared of these people, so many at a time.
fn compared(db: &Connection, ids: &[i64]) -> Result<(Vec<i64>, Vec<Compared>), Fault> {
    const AT_ONCE: usize = 32;
    let places = vec!["?"; AT_ONCE].join(",");
    let mut statement = db.prepare_cached(&format!(
        "SELECT person_id, compared FROM search_person WHERE person_id IN ({places})"
    ))?;
    let (mut found, mut people) = (Vec::with_capacity(ids.len()), Vec::with_capacity(ids.len()));
    for some in ids.chunks(AT_ONCE) {
        // No person has the id 0.
        let padded = some.iter().copied().chain(std::iter::repeat(0)).take(AT_ONCE);
        let mut rows = statement.query(params_from_iter(padded))?;
        while let Some(row) = rows.next()? {
            let text: String = row.get(1)?;
            found.push(row.get(0)?);
            people.push(search_keys::read(&text)?);
        }
    }
    Ok((found, people))
}
