//! Concerns about views: shared names, restricted records, several days, nobody else.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};

use super::super::error::Fault;
use super::activity::{Activity, Opened, Person, View};
use super::families;
use crate::domain::dates;
use crate::hub::concerns::{Concern, ConcernKind};
use crate::hub::limits;

/// Days on which one record is opened before it is a concern.
const MANY_DAYS: usize = 3;

/// Within this time of a view somebody else at the organisation would have opened the record too.
const ELSE_WITHIN: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn concerns(
    db: &Connection,
    activity: &Activity,
    asked: Timestamp,
) -> Result<Vec<Concern>, Fault> {
    let viewer = families::of_viewer(&activity.who.name);
    let mut concerns = Vec::new();
    // By organisation: at each of them others work.
    let mut alone: BTreeMap<&str, Vec<&View>> = BTreeMap::new();
    for (person, opened) in &activity.opened {
        concerns.extend(restricted(activity, opened));
        if opened.views.is_empty() {
            continue;
        }
        concerns.extend(many_days(activity, opened));
        if let Some(shared) = families::shared(db, &viewer, *person)? {
            let seen = format!(
                "the viewer's name and the patient's family name, {}, have it in common; {} of {} people held here have it",
                shared.name, shared.people, shared.of
            );
            concerns.extend(of_person(
                activity,
                opened,
                ConcernKind::SameFamilyName,
                shared.strength(),
                seen,
            ));
        }
        for view in &opened.views {
            let is_over = asked.duration_since(view.at) >= ELSE_WITHIN;
            if is_over && !somebody_else(db, activity, *person, view)? {
                alone.entry(&view.organisation_code).or_default().push(view);
            }
        }
    }
    for (code, views) in alone {
        concerns.extend(only_viewer(activity, code, &views));
    }
    Ok(concerns)
}

fn of_person(
    activity: &Activity,
    opened: &Opened,
    kind: ConcernKind,
    strength: u8,
    seen: String,
) -> Option<Concern> {
    let moments = || opened.views.iter().map(|view| view.at).chain(opened.retrieved.iter().copied());
    Some(Concern {
        kind,
        strength,
        who: activity.who.clone(),
        number: Some(opened.number),
        seen,
        first: moments().min()?,
        last: moments().max()?,
        times: moments().count() as u64,
        references: references(&opened.views.iter().collect::<Vec<_>>()),
    })
}

fn references(views: &[&View]) -> Vec<String> {
    let known = views.iter().filter(|view| !view.reference.is_empty());
    known.take(limits::CONCERN_REFERENCES).map(|view| view.reference.clone()).collect()
}

fn restricted(activity: &Activity, opened: &Opened) -> Option<Concern> {
    if !opened.is_restricted {
        return None;
    }
    let seen = format!(
        "the patient's record is restricted; the plans were asked for {} and the person looked up by number {}",
        times(opened.views.len()),
        times(opened.retrieved.len())
    );
    of_person(activity, opened, ConcernKind::Restricted, 60, seen)
}

fn times(count: usize) -> String {
    match count {
        0 => "not once".to_owned(),
        1 => "once".to_owned(),
        more => format!("{more} times"),
    }
}

fn many_days(activity: &Activity, opened: &Opened) -> Option<Concern> {
    let days: BTreeSet<_> = opened.views.iter().map(|view| dates::london_day(view.at)).collect();
    if days.len() < MANY_DAYS {
        return None;
    }
    let strength = 40 + u8::try_from(days.len().min(10)).unwrap_or(10) * 3;
    let seen = format!("the plans were opened on {} different days", days.len());
    of_person(activity, opened, ConcernKind::ManyDays, strength, seen)
}

/// Whether another user at the organisation opened the record, under whatever number of the same person.
fn somebody_else(db: &Connection, activity: &Activity, person: Person, view: &View) -> Result<bool, Fault> {
    let mut statement = db.prepare_cached(
        "SELECT 1 FROM nhs_number JOIN audit ON audit.number = nhs_number.number
         WHERE nhs_number.person_id = ?1 AND audit.at_ms BETWEEN ?2 AND ?3
           AND audit.organisation_code = ?4 AND audit.user_id <> ?5
           AND audit.kind IN ('view', 'silent-view') AND audit.outcome IN ('held', 'nothing-held')",
    )?;
    let (from, to) = (view.at.saturating_sub(ELSE_WITHIN), view.at.saturating_add(ELSE_WITHIN));
    let ms = |at: Result<Timestamp, jiff::Error>| at.map(Timestamp::as_millisecond).unwrap_or(i64::MAX);
    Ok(statement.exists(params![person, ms(from), ms(to), view.organisation_code, activity.who.user])?)
}

/// One concern for all of them: each by itself says next to nothing.
fn only_viewer(activity: &Activity, code: &str, views: &[&View]) -> Option<Concern> {
    let mut views = views.to_vec();
    views.sort_by_key(|view| view.at);
    let all = activity.views.len().max(1);
    let strength = 5 + u8::try_from(15 * views.len().min(all) / all).unwrap_or(15);
    let mut who = activity.who.clone();
    if who.organisation_code != code {
        who.organisation_code = code.to_owned();
        who.organisation = String::new();
    }
    Some(Concern {
        kind: ConcernKind::OnlyViewer,
        strength,
        who,
        number: None,
        seen: format!(
            "{} of this viewer's {} views are of patients whose record nobody else at {code} opened within 24 hours before or after",
            views.len(),
            activity.views.len()
        ),
        first: views.first()?.at,
        last: views.last()?.at,
        times: views.len() as u64,
        references: references(&views),
    })
}
