//! Searching people: matched on a connection that only reads, audited for every person that is returned.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rusqlite::{Connection, params, params_from_iter};
use tokio::sync::OwnedSemaphorePermit;

use super::audit::{self, Entry, Kind};
use super::error::{Fault, StoreError};
use super::people::{self, Found};
use super::readers::People;
use super::search_keys;
use super::turns::Turn;
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
        let now_ms = self.0.clock.now().as_millisecond();
        let asked = Arc::new(Asked { permit, query, request, most });
        if asked.query.is_narrow() {
            let (narrow, place) = (Arc::clone(&asked), self.search_place()?);
            let answered = self.write(move |work| {
                let answered = narrow.at_once(work);
                drop(place);
                answered
            });
            let answered = answered.await?;
            if let Some(answered) = answered.transpose() {
                return Ok(answered);
            }
        }
        // Before the place among all: whoever asks for much at once keeps nobody else out.
        let turn = self.0.searching.wait(&asked.permit.caller().user).await?;
        let search = Arc::new(Search { asked, _place: self.search_place()?, _turn: turn });
        for times in 0..limits::SEARCH_TURNS {
            let [first, again, then] = [(); 3].map(|()| Arc::clone(&search));
            let reading = People {
                read: move |db: &Connection| first.asked.find(db, now_ms),
                again: move |db: &Connection, found| again.asked.find_again(db, now_ms, found, times > 0),
            };
            let answered = self
                .read_people_then_write(reading, move |work, found| then.asked.answer(work, found))
                .await?;
            if let Some(answered) = answered.transpose() {
                return Ok(answered);
            }
        }
        // People are changed faster than they can be read: a load, which ends.
        self.metrics().shed(Shed::Searches);
        Err(StoreError::Busy)
    }

    fn search_place(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let acquire = || Arc::clone(&self.0.searches).try_acquire_owned();
        let place = acquire().or_else(|_| {
            self.0.readers.forget_abandoned();
            acquire()
        });
        place.map_err(|_| {
            self.metrics().shed(Shed::Searches);
            StoreError::Busy
        })
    }
}

/// A search for which a reader looks.
struct Search {
    asked: Arc<Asked>,
    // Kept to the end, also where the client is gone and the matching still runs.
    _place: OwnedSemaphorePermit,
    _turn: Turn,
}

/// What is searched, and for whom.
struct Asked {
    permit: SearchPermit,
    query: PersonQuery,
    request: String,
    most: Volume,
}

/// Whom a search matches; or how long its user has to wait, because their searches have come to the volume.
type Looked = Result<Matches, Duration>;

impl Asked {
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
        match find(work.db, &self.query, Bounds::AT_ONCE)? {
            Some(found) => Ok(Some(self.note(work, found)?)),
            None => Ok(None),
        }
    }

    /// Looks, unless the user's volume is reached: that costs no search.
    fn find(&self, db: &Connection, now_ms: i64) -> Result<Looked, Fault> {
        match self.wait(db, now_ms)? {
            Some(wait) => Ok(Err(wait)),
            None => {
                Ok(Ok(find(db, &self.query, Bounds::of_reader(&self.query))?.unwrap_or(Matches::TooMany)))
            }
        }
    }

    /// The same in the commit, where people have changed since: so much only as may keep the writer from views. Of more it
    /// is enough that it was so of a moment since it was asked, and that whoever is told of still is what was asked. `None`
    /// where that is not so, and a reader has to look again.
    fn find_again(
        &self,
        db: &Connection,
        now_ms: i64,
        found: Looked,
        is_since_asked: bool,
    ) -> Result<Option<Looked>, Fault> {
        if let Some(wait) = self.wait(db, now_ms)? {
            return Ok(Some(Err(wait)));
        }
        if let Some(again) = find(db, &self.query, Bounds::of_writer(&self.query))? {
            return Ok(Some(Ok(again)));
        }
        if self.query.fuzzy {
            // It compares no more anywhere.
            return Ok(Some(Ok(Matches::TooMany)));
        }
        match found {
            Ok(found) if is_since_asked => Ok(still(db, &self.query, found)?.map(Ok)),
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// Here, where searches of one user come one after the other.
    fn answer(&self, work: &Work<'_>, found: Looked) -> Result<SearchOutcome, Fault> {
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

/// How far one search may look.
#[derive(Clone, Copy)]
struct Bounds {
    /// Rows of the index. Those of which nobody is read count too: nothing makes a search walk through an index.
    rows: usize,
    /// People who are compared.
    compared: usize,
}

impl Bounds {
    /// Of a search that is done in its commit as a whole.
    const AT_ONCE: Self = Self { rows: limits::SEARCH_ROWS_AT_ONCE, compared: limits::SEARCH_ROWS_AT_ONCE };

    /// Of an exact search everybody is compared who stands in those rows: who is asked for by a common name is one of many
    /// namesakes, and one line is read for each.
    fn of_reader(query: &PersonQuery) -> Self {
        let rows = limits::SEARCH_ROWS;
        Self { rows, compared: if query.fuzzy { limits::SEARCH_COMPARED } else { rows } }
    }

    /// Where it is done again within a commit, for which views wait.
    fn of_writer(query: &PersonQuery) -> Self {
        let compared = limits::SEARCH_COMPARED;
        Self { rows: if query.fuzzy { limits::SEARCH_ROWS } else { compared }, compared }
    }
}

/// Whom a search matches; `None` where it would have to look further than it may.
fn find(db: &Connection, query: &PersonQuery, bounds: Bounds) -> Result<Option<Matches>, Fault> {
    let (mut candidates, mut ids) = (Candidates { seen: HashSet::new(), left: bounds }, Vec::new());
    let mut choosing = Choosing::of(query);
    for probes in search::looks(query).into_iter().filter(|probes| !probes.is_empty()) {
        let Some(more) = candidates.at(db, &probes)? else { return Ok(None) };
        for some in more.chunks(COMPARED_AT_ONCE) {
            compare(db, some, |id, person| {
                ids.push(id);
                choosing.compare(person);
            })?;
            if choosing.are_too_many() {
                return Ok(Some(Matches::TooMany));
            }
        }
        if choosing.is_sure() {
            break;
        }
    }
    returned(db, query, choosing, &ids).map(Some)
}

/// What an exact search found, if all of them still are what was asked.
fn still(db: &Connection, query: &PersonQuery, found: Matches) -> Result<Option<Matches>, Fault> {
    let Matches::Of(found) = found else { return Ok(Some(found)) };
    let (mut choosing, mut ids) = (Choosing::of(query), Vec::with_capacity(found.len()));
    for some in found.chunks(COMPARED_AT_ONCE) {
        let some: Vec<i64> = some.iter().map(|(id, _)| *id).collect();
        compare(db, &some, |id, person| {
            ids.push(id);
            choosing.compare(person);
        })?;
    }
    Ok(match returned(db, query, choosing, &ids)? {
        Matches::Of(still) if still.len() == found.len() => Some(Matches::Of(still)),
        Matches::Of(_) | Matches::TooMany => None,
    })
}

/// Whom a search returns of those who were compared, read from their records.
fn returned(
    db: &Connection,
    query: &PersonQuery,
    choosing: Choosing<'_>,
    ids: &[i64],
) -> Result<Matches, Fault> {
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
    /// What may still be looked at.
    left: Bounds,
}

impl Candidates {
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
                self.left.rows = self.left.rows.saturating_sub(1);
                let id: i64 = row.get(1)?;
                if probe.takes(row.get(0)?) && self.seen.insert(id) {
                    ids.push(id);
                }
                if self.left.rows == 0 || self.seen.len() > self.left.compared {
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

#[cfg(test)]
mod tests;
