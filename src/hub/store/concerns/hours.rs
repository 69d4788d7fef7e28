//! A viewer's usual hours, from their own history before the period. Where there is too little of it, nothing is
//! guessed.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use rusqlite::{Connection, params};

use super::super::codec;
use super::super::error::Fault;
use super::activity::Activity;
use crate::domain::dates;
use crate::hub::concerns::{Concern, ConcernKind, ConcernQuestion};
use crate::hub::limits;

/// How far back history counts.
const BACK: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Entries and days that there must be.
const ENTRIES_LEAST: u64 = 60;
const DAYS_LEAST: usize = 10;

/// An hour is unusual if it and its neighbours hold less than one in so many entries.
const ONE_IN: u64 = 100;

/// What is known of a viewer's hours.
pub(super) enum Usual {
    TooLittle,
    Known(Option<Concern>),
}

pub(super) fn concerns(
    db: &Connection,
    activity: &Activity,
    question: ConcernQuestion,
) -> Result<Usual, Fault> {
    if activity.views.is_empty() {
        return Ok(Usual::Known(None));
    }
    let since = question.since.as_millisecond();
    let from = since.saturating_sub(i64::try_from(BACK.as_millis()).unwrap_or(i64::MAX));
    let mut statement = db.prepare_cached(
        "SELECT at_ms FROM audit WHERE user_id = ?1 AND at_ms >= ?2 AND at_ms < ?3
         ORDER BY at_ms DESC LIMIT ?4",
    )?;
    let most = i64::try_from(limits::CONCERN_HISTORY).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![activity.who.user, from, since, most])?;
    let (mut by_hour, mut days, mut entries) = ([0_u64; 24], BTreeSet::new(), 0_u64);
    while let Some(row) = rows.next()? {
        let local = dates::in_london(codec::moment(row.get(0)?)?);
        if let Some(count) = usize::try_from(local.hour()).ok().and_then(|hour| by_hour.get_mut(hour)) {
            *count += 1;
        }
        days.insert(local.date());
        entries += 1;
    }
    if entries < ENTRIES_LEAST || days.len() < DAYS_LEAST {
        return Ok(Usual::TooLittle);
    }
    let around = |hour: usize| -> u64 {
        [hour + 23, hour, hour + 1].iter().filter_map(|hour| by_hour.get(hour % 24)).sum()
    };
    let unusual: Vec<_> = activity
        .views
        .iter()
        .filter(|(at, _)| {
            let hour = usize::try_from(dates::in_london(*at).hour()).unwrap_or(0);
            around(hour).saturating_mul(ONE_IN) < entries
        })
        .collect();
    let (Some((first, _)), Some((last, _))) = (unusual.first(), unusual.last()) else {
        return Ok(Usual::Known(None));
    };
    Ok(Usual::Known(Some(Concern {
        kind: ConcernKind::UnusualHour,
        strength: 45,
        who: activity.who.clone(),
        number: None,
        seen: format!(
            "{} of {} views were at hours at which this viewer hardly ever works ({entries} entries of {} days before)",
            unusual.len(),
            activity.views.len(),
            days.len()
        ),
        first: *first,
        last: *last,
        times: unusual.len() as u64,
        references: unusual
            .iter()
            .map(|(_, reference)| reference.clone())
            .filter(|reference| !reference.is_empty())
            .take(limits::CONCERN_REFERENCES)
            .collect(),
    })))
}
