//! Finds views worth a question. Users one after the other, each by the index of the audit log: the memory that
//! it takes is that of one user's period, and bounded.
//!
//! Where an organisation asks, what was done elsewhere is not read at all: no count, day or hour of it can show in what
//! is told.
//!
//! A person is whom the number stands for. An ended identity is a person of its own, joined with nobody.

mod activity;
mod families;
mod hours;
mod searching;
mod views;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;

use super::audit::{self, Entry, Kind};
use super::error::{Fault, StoreError};
use super::turns::Turn;
use super::writer::Work;
use super::{Audited, Store};
use crate::domain::{Caller, ConcernsPermit};
use crate::hub::concerns::{Concern, ConcernKind, ConcernQuestion, ConcernReport};
use crate::hub::limits;

/// The strongest of each kind, and how many there were.
#[derive(Default)]
struct Found(BTreeMap<ConcernKind, (Vec<Concern>, u64)>);

impl Found {
    fn add(&mut self, concern: Concern) {
        let (kept, count) = self.0.entry(concern.kind).or_default();
        *count += 1;
        kept.push(concern);
        // Now and then, so that it costs little: twice the limit is a limit too.
        if kept.len() >= 2 * limits::CONCERNS_PRINTED {
            strongest_first(kept);
            kept.truncate(limits::CONCERNS_PRINTED);
        }
    }

    fn into_parts(self) -> (Vec<Concern>, Vec<(ConcernKind, u64)>) {
        let (mut all, mut more) = (Vec::new(), Vec::new());
        for (kind, (mut kept, count)) in self.0 {
            strongest_first(&mut kept);
            kept.truncate(limits::CONCERNS_PRINTED);
            let left = count.saturating_sub(kept.len() as u64);
            if left > 0 {
                more.push((kind, left));
            }
            all.extend(kept);
        }
        strongest_first(&mut all);
        (all, more)
    }
}

/// Equally strong ones stay in an order that is the same each time.
fn strongest_first(concerns: &mut [Concern]) {
    concerns.sort_by(|a, b| {
        b.strength
            .cmp(&a.strength)
            .then(b.times.cmp(&a.times))
            .then_with(|| (a.first, &a.who.user, a.kind).cmp(&(b.first, &b.who.user, b.kind)))
    });
}

/// What became of a privacy officer's question.
#[derive(Debug)]
pub enum ConcernsRead {
    /// The views worth a question, and that the asking is on disk.
    Found(Audited<()>, ConcernReport),
    /// There was more than could be read in the time. Nothing of it is told: half of it would look like all.
    TooMuch,
}

/// A place for a privacy officer's report: one of each organisation at a time, and of all as many as may.
pub struct ConcernsPlace {
    permit: ConcernsPermit,
    held: Places,
}

/// What others wait for. Kept to the end, also where the client is gone and a reader still reads.
struct Places {
    _of_all: OwnedSemaphorePermit,
    _of_organisation: Turn,
}

impl std::fmt::Debug for ConcernsPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConcernsPlace")
    }
}

impl Store {
    /// Looks for views worth a question. That it is looked at is written to the audit log, and committed,
    /// first; then a reader reads.
    ///
    /// # Errors
    /// The database refused.
    pub fn concerns(&self, reader: Caller, question: ConcernQuestion) -> Result<ConcernReport, StoreError> {
        let written = self
            .write_blocking(move |work| audit::append(work, &reader, &reading(question, "command line")))?;
        let mut walk = Walk::new(question, written.at(), None);
        self.read(move |db| {
            while walk.step(db)? {}
            Ok(walk.report())
        })
    }

    /// Waits until those of other organisations are read; nothing where that takes longer, or another one of this
    /// organisation is read, or waits. Nothing is written of it.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn concerns_place(
        &self,
        permit: ConcernsPermit,
        wait: Duration,
    ) -> Result<Option<ConcernsPlace>, StoreError> {
        let Some(turn) = self.0.concerns_of.at_once(&permit.caller().organisation_code) else {
            return Ok(None);
        };
        let all = Arc::clone(&self.0.concerns).acquire_owned();
        let Ok(place) = tokio::time::timeout(wait, all).await else { return Ok(None) };
        let held = Places { _of_all: place.map_err(|_| StoreError::Closed)?, _of_organisation: turn };
        Ok(Some(ConcernsPlace { permit, held }))
    }

    /// The same as [`Store::concerns`], of what people of the reader's own organisation did there, and of nothing else. In
    /// slices, between which others read.
    ///
    /// # Errors
    /// The database refused.
    pub async fn concerns_of_organisation(
        &self,
        place: ConcernsPlace,
        question: ConcernQuestion,
        within: Duration,
    ) -> Result<ConcernsRead, StoreError> {
        let ConcernsPlace { permit, mut held } = place;
        let reader = permit.caller().clone();
        let organisation = reader.organisation_code.clone();
        let entry = move |work: &Work<'_>| audit::append(work, &reader, &reading(question, "organisation"));
        let audited = self.write(entry).await?;
        let begun = Instant::now();
        let mut walk = Walk::new(question, audited.at(), Some(organisation));
        let mut is_more = true;
        while is_more {
            if begun.elapsed() >= within {
                return Ok(ConcernsRead::TooMuch);
            }
            let slice = self.read_elsewhere(move |db| Ok((walk.slice(db)?, held)));
            ((walk, is_more), held) = slice.await?;
        }
        drop(held);
        Ok(ConcernsRead::Found(audited, walk.report()))
    }
}

/// That concerns are read, by whom it was asked for, and from where.
fn reading(asked: ConcernQuestion, from: &str) -> Entry<'_> {
    let mut entry = Entry::new(Kind::ConcernsRead, "returned", from);
    entry.detail = Some(json!({
        "since": asked.since.to_string(),
        "until": asked.until.to_string(),
    }));
    entry
}

/// On the way through all users.
struct Walk {
    question: ConcernQuestion,
    asked: Timestamp,
    /// Whose people's doings count; of everybody's without one.
    organisation: Option<String>,
    held: families::Held,
    found: Found,
    /// The user who was looked at last.
    last: String,
    users: u64,
    too_little_history: u64,
    not_all_looked_at: u64,
}

impl Walk {
    fn new(question: ConcernQuestion, asked: Timestamp, organisation: Option<String>) -> Self {
        let (held, found, last) = (families::Held::default(), Found::default(), String::new());
        let (users, too_little_history, not_all_looked_at) = (0, 0, 0);
        Self {
            question,
            asked,
            organisation,
            held,
            found,
            last,
            users,
            too_little_history,
            not_all_looked_at,
        }
    }

    /// As many users as there is time for, one at least; and whether there are more.
    fn slice(mut self, db: &Connection) -> Result<(Self, bool), Fault> {
        let begun = Instant::now();
        while self.step(db)? {
            if begun.elapsed() >= limits::CONCERNS_SLICE {
                return Ok((self, true));
            }
        }
        Ok((self, false))
    }

    /// The next user; false where there is none.
    fn step(&mut self, db: &Connection) -> Result<bool, Fault> {
        let Some(user) = next_user(db, &self.last)? else { return Ok(false) };
        let (question, organisation) = (self.question, self.organisation.as_deref());
        if let Some(activity) = activity::read(db, &user, question, organisation)? {
            self.users += 1;
            self.not_all_looked_at += u64::from(activity.is_cut);
            let mut concerns = views::concerns(db, &activity, &self.held, self.asked)?;
            concerns.extend(searching::concerns(&activity));
            match hours::concerns(db, &user, &activity, question, organisation)? {
                hours::Usual::TooLittle => self.too_little_history += 1,
                hours::Usual::Known(unusual) => concerns.extend(unusual),
            }
            concerns.into_iter().for_each(|concern| self.found.add(concern));
        }
        self.last = user;
        Ok(true)
    }

    fn report(self) -> ConcernReport {
        let Self { question, asked, users, too_little_history, not_all_looked_at, .. } = self;
        let (concerns, more) = self.found.into_parts();
        ConcernReport { question, asked, concerns, more, users, too_little_history, not_all_looked_at }
    }
}

/// The next user by id: one look into the index, however much each of them did.
fn next_user(db: &Connection, after: &str) -> Result<Option<String>, Fault> {
    let next: Option<Option<String>> = db
        .prepare_cached("SELECT min(user_id) FROM audit WHERE user_id > ?1")?
        .query_row([after], |row| row.get(0))
        .optional()?;
    Ok(next.flatten())
}
