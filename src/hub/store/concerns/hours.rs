//! A viewer's usual hours, from their own history before the period. Where there is too little of it, nothing is
//! guessed.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use rusqlite::{Connection, params};

use super::super::codec;
use super::super::error::Fault;
use super::activity::{Activity, View, by_organisation};
use crate::domain::dates;
use crate::hub::concerns::{Concern, ConcernKind, ConcernQuestion, Who};
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
    Known(Vec<Concern>),
}

pub(super) fn concerns(
    db: &Connection,
    user: &str,
    activity: &Activity,
    question: ConcernQuestion,
    organisation: Option<&str>,
) -> Result<Usual, Fault> {
    if activity.views.is_empty() {
        return Ok(Usual::Known(Vec::new()));
    }
    let since = question.since.as_millisecond();
    let from = since.saturating_sub(i64::try_from(BACK.as_millis()).unwrap_or(i64::MAX));
    let mut statement = db.prepare_cached(
        "SELECT at_ms FROM audit WHERE user_id = ?1 AND at_ms >= ?2 AND at_ms < ?3
           AND (?5 IS NULL OR organisation_code = ?5)
         ORDER BY at_ms DESC LIMIT ?4",
    )?;
    let most = i64::try_from(limits::CONCERN_HISTORY).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![user, from, since, most, organisation])?;
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
    let unusual = activity.views.iter().filter(|view| {
        let hour = usize::try_from(dates::in_london(view.at).hour()).unwrap_or(0);
        around(hour).saturating_mul(ONE_IN) < entries
    });
    let of_organisation = |unusual: Vec<&View>| {
        let (first, last) = (unusual.first()?, unusual.last()?);
        let known = unusual.iter().map(|view| &view.reference).filter(|reference| !reference.is_empty());
        Some(Concern {
            kind: ConcernKind::UnusualHour,
            strength: 45,
            who: Who::clone(&last.who),
            number: None,
            seen: format!(
                "{} of {} views were at hours at which this viewer hardly ever works ({entries} entries of {} days before)",
                unusual.len(),
                activity.views.len(),
                days.len()
            ),
            first: first.at,
            last: last.at,
            times: unusual.len() as u64,
            references: known.map(ToString::to_string).take(limits::CONCERN_REFERENCES).collect(),
        })
    };
    let groups = by_organisation(unusual, |view| &view.who);
    Ok(Usual::Known(groups.into_iter().filter_map(of_organisation).collect()))
}
