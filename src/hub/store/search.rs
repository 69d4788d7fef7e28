//! Searching people: matched on a connection that only reads, audited for every person that is returned.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rusqlite::{Connection, params, params_from_iter};
use tokio::sync::OwnedSemaphorePermit;

use super::audit::{self, Entry, Kind};
use super::error::{Fault, StoreError};
use super::people::{self, Found};
use super::search_keys;
use super::writer::Work;
use super::{Audited, Store, volume};
use crate::domain::SearchPermit;
use crate::hub::folding::folded;
use crate::hub::limits::{self, Volume};
use crate::hub::metrics::Shed;
use crate::hub::search::{self, Choosing, Compared, PersonQuery, Probe, Score};

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
        let place = place.map_err(|_| {
            self.metrics().shed(Shed::Searches);
            StoreError::Busy
        })?;
        let now_ms = self.0.clock.now().as_millisecond();
        let search = Arc::new(Search { permit, query, request, most, _place: place });
        if search.query.is_narrow() {
            let narrow = Arc::clone(&search);
            let answered = self.write(move |work| narrow.at_once(work)).await?;
            if let Some(answered) = answered.transpose() {
                return Ok(answered);
            }
        }
        for _ in 0..limits::SEARCH_TURNS {
            let (first, then) = (Arc::clone(&search), Arc::clone(&search));
            let find = move |db: &Connection| first.find(db, now_ms);
            let answered =
                self.read_people_then_write(find, move |work, found| then.answer(work, found)).await?;
            if let Some(answered) = answered.transpose() {
                return Ok(answered);
            }
        }
        // People are changed faster than they can be read: a load, which ends.
        self.metrics().shed(Shed::Searches);
        Err(StoreError::Busy)
    }
}

/// A search under way.
struct Search {
    permit: SearchPermit,
    query: PersonQuery,
    request: String,
    most: Volume,
    _place: OwnedSemaphorePermit,
}

impl Search {
    /// How long its user has to wait, if their searches have come to the volume.
    fn wait(&self, db: &Connection, now_ms: i64) -> Result<Option<Duration>, Fault> {
        volume::wait(db, &self.permit.caller().user, now_ms, self.most)
    }

    /// All of it in the commit itself, where only few can stand under its keys: that is less work than to hand it from
    /// thread to thread. `None` where more do.
    fn at_once(&self, work: &Work<'_>) -> Result<Option<SearchOutcome>, Fault> {
        if let Some(wait) = self.wait(work.db, work.now_ms())? {
            return Ok(Some(SearchOutcome::VolumeReached(wait)));
        }
        match find(work.db, &self.query, limits::SEARCH_ROWS_AT_ONCE)? {
            Matches::Of(found) => Ok(Some(self.note(work, Matches::Of(found))?)),
            Matches::TooMany => Ok(None),
        }
    }

    /// Looks, unless the user's volume is reached: that costs no search.
    fn find(&self, db: &Connection, now_ms: i64) -> Result<Result<Matches, Duration>, Fault> {
        match self.wait(db, now_ms)? {
            Some(wait) => Ok(Err(wait)),
            None => Ok(Ok(find(db, &self.query, limits::SEARCH_ROWS)?)),
        }
    }

    /// Here, where searches of one user come one after the other.
    fn answer(&self, work: &Work<'_>, found: Result<Matches, Duration>) -> Result<SearchOutcome, Fault> {
        match found {
            Ok(found) => match self.wait(work.db, work.now_ms())? {
                Some(wait) => Ok(SearchOutcome::VolumeReached(wait)),
                None => self.note(work, found),
            },
            // It was reached in the very moment, and nobody was looked for: ask again.
            Err(wait) => Ok(SearchOutcome::VolumeReached(wait)),
        }
    }

    /// Writes down what was found, for everybody who is returned.
    fn note(&self, work: &Work<'_>, found: Matches) -> Result<SearchOutcome, Fault> {
        let entry = |outcome| Entry {
            detail: Some(self.query.asked.clone()),
            ..Entry::new(Kind::Search, outcome, &self.request)
        };
        let caller = self.permit.caller();
        let found = match found {
            Matches::Of(found) => found,
            Matches::TooMany => {
                volume::add(work, &caller.user, 0)?;
                audit::append(work, caller, &entry("too-many"))?;
                return Ok(SearchOutcome::TooMany);
            }
        };
        volume::add(work, &caller.user, found.len())?;
        if found.is_empty() {
            audit::append(work, caller, &entry("none"))?;
        } else {
            let people = found.iter().map(|(id, found)| (Some(*id), Some(found.candidate.person.number)));
            audit::append_about(work, caller, &entry("returned"), people)?;
        }
        Ok(SearchOutcome::Found(found.into_iter().map(|(_, found)| found).collect()))
    }
}

/// Whom a search matches.
enum Matches {
    /// These, with their ids, best first; possibly none.
    Of(Vec<(i64, Found)>),
    /// More than are looked at, or than may be returned.
    TooMany,
}

/// Whom a search matches, looking at no more than so many rows of the index.
fn find(db: &Connection, query: &PersonQuery, rows: usize) -> Result<Matches, Fault> {
    let (mut candidates, mut ids) = (Candidates::of(query, rows), Vec::new());
    let mut choosing = Choosing::of(query);
    for probes in search::looks(query).into_iter().filter(|probes| !probes.is_empty()) {
        let Some(more) = candidates.at(db, &probes)? else { return Ok(Matches::TooMany) };
        for some in more.chunks(COMPARED_AT_ONCE) {
            compare(db, some, |id, person| {
                ids.push(id);
                choosing.compare(person);
            })?;
            if choosing.are_too_many() {
                return Ok(Matches::TooMany);
            }
        }
        if choosing.is_sure() {
            break;
        }
    }
    let chosen = choosing.chosen();
    if chosen.len() > query.most {
        return Ok(Matches::TooMany);
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
    Ok(Matches::Of(matches))
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

/// Who stands under the keys of a search.
struct Candidates {
    seen: HashSet<i64>,
    /// Rows that may still be looked at. Those of which nobody is read count too: nothing makes a search walk through an
    /// index.
    rows: usize,
    /// People who may be compared.
    compared: usize,
}

impl Candidates {
    /// Of an exact search everybody is compared who stands in those rows: who is asked for by a common name is one of many
    /// namesakes, and one line is read for each.
    fn of(query: &PersonQuery, rows: usize) -> Self {
        let compared = if query.fuzzy { limits::SEARCH_COMPARED } else { rows };
        Self { seen: HashSet::new(), rows, compared }
    }

    /// Who stands there and was not seen before; `None` where more do than are looked at or compared.
    fn at(&mut self, db: &Connection, probes: &[Probe]) -> Result<Option<Vec<i64>>, Fault> {
        let mut statement = db.prepare_cached(
            "SELECT detail, person_id FROM search_key
             WHERE key = ?1 AND detail BETWEEN ?2 AND ?3",
        )?;
        let mut ids = Vec::new();
        for probe in probes {
            let mut rows = statement.query(params![probe.key, probe.low, probe.high])?;
            while let Some(row) = rows.next()? {
                self.rows = self.rows.saturating_sub(1);
                let id: i64 = row.get(1)?;
                if probe.takes(row.get(0)?) && self.seen.insert(id) {
                    ids.push(id);
                }
                if self.rows == 0 || self.seen.len() > self.compared {
                    return Ok(None);
                }
            }
        }
        Ok(Some(ids))
    }
}

/// So many people are read at once.
const COMPARED_AT_ONCE: usize = 32;

/// Hands on what is compared of these people, at most [`COMPARED_AT_ONCE`].
fn compare(db: &Connection, ids: &[i64], mut each: impl FnMut(i64, Compared)) -> Result<(), Fault> {
    static READ: LazyLock<String> = LazyLock::new(|| {
        let places = vec!["?"; COMPARED_AT_ONCE].join(",");
        format!("SELECT person_id, compared FROM search_person WHERE person_id IN ({places})")
    });
    let mut statement = db.prepare_cached(&READ)?;
    // No person has the id 0.
    let padded = ids.iter().copied().chain(std::iter::repeat(0)).take(COMPARED_AT_ONCE);
    let mut rows = statement.query(params_from_iter(padded))?;
    while let Some(row) = rows.next()? {
        each(row.get(0)?, search_keys::read(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?);
    }
    Ok(())
}
