//! Finds views worth a question. Users one after the other, each by the index of the audit log: the memory that
//! it takes is that of one user's period, and bounded.
//!
//! A person is whom the number stands for. An ended identity is a person of its own, joined with nobody.

mod activity;
mod families;
mod hours;
mod searching;
mod views;

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use serde_json::json;

use super::Store;
use super::audit::{self, Entry, Kind};
use super::error::{Fault, StoreError};
use crate::domain::Caller;
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

impl Store {
    /// Looks for views worth a question. That it is looked at is written to the audit log, and committed,
    /// first; then a reader reads.
    ///
    /// # Errors
    /// The database refused.
    pub fn concerns(&self, reader: Caller, question: ConcernQuestion) -> Result<ConcernReport, StoreError> {
        let written = self.write_blocking(move |work| {
            let mut entry = Entry::new(Kind::ConcernsRead, "returned", "command line");
            entry.detail = Some(json!({
                "since": question.since.to_string(),
                "until": question.until.to_string(),
            }));
            audit::append(work, &reader, &entry)
        })?;
        let asked = written.at();
        self.read(move |db| report(db, question, asked))
    }
}

fn report(db: &Connection, question: ConcernQuestion, asked: Timestamp) -> Result<ConcernReport, Fault> {
    let mut found = Found::default();
    let (mut users, mut too_little_history, mut not_all_looked_at) = (0, 0, 0);
    let held = families::Held::default();
    let mut user = next_user(db, "")?;
    while let Some(id) = user {
        if let Some(activity) = activity::read(db, &id, question)? {
            users += 1;
            not_all_looked_at += u64::from(activity.is_cut);
            let views = views::concerns(db, &activity, &held, asked)?;
            views.into_iter().for_each(|concern| found.add(concern));
            searching::concerns(&activity).into_iter().for_each(|concern| found.add(concern));
            match hours::concerns(db, &id, &activity, question)? {
                hours::Usual::TooLittle => too_little_history += 1,
                hours::Usual::Known(concern) => concern.into_iter().for_each(|concern| found.add(concern)),
            }
        }
        user = next_user(db, &id)?;
    }
    let (concerns, more) = found.into_parts();
    Ok(ConcernReport { question, asked, concerns, more, users, too_little_history, not_all_looked_at })
}

/// The next user by id: one look into the index, however much each of them did.
fn next_user(db: &Connection, after: &str) -> Result<Option<String>, Fault> {
    let next: Option<Option<String>> = db
        .prepare_cached("SELECT min(user_id) FROM audit WHERE user_id > ?1")?
        .query_row([after], |row| row.get(0))
        .optional()?;
    Ok(next.flatten())
}
