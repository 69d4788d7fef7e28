//! Concerns about views: shared names, restricted records, several days, nobody else.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};

use super::super::error::Fault;
use super::activity::{Activity, Opened, Person, View, by_organisation};
use super::families;
use crate::domain::dates;
use crate::hub::concerns::{Concern, ConcernKind, Who};
use crate::hub::limits;

/// Days on which one record is opened before it is a concern.
const MANY_DAYS: usize = 3;

/// Within this time of a view somebody else at the organisation would have opened the record too.
const ELSE_WITHIN: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn concerns(
    db: &Connection,
    activity: &Activity,
    held: &families::Held,
    asked: Timestamp,
) -> Result<Vec<Concern>, Fault> {
    let mut concerns = Vec::new();
    let mut alone: Vec<&View> = Vec::new();
    for (person, opened) in &activity.opened {
        let days: BTreeSet<_> = opened.views.iter().map(|view| dates::london_day(view.at)).collect();
        let all = opened.views.iter().chain(&opened.retrieved);
        // By organisation: each asks about what was done there.
        for there in by_organisation(all, |view| &view.who) {
            concerns.extend(restricted(opened, &there));
            let views: Vec<&View> = there.iter().copied().filter(|view| !is_retrieve(opened, view)).collect();
            let Some(last) = views.last() else { continue };
            concerns.extend(many_days(opened, &views, days.len()));
            let viewer = families::of_viewer(&last.who.name);
            if let Some(shared) = families::shared(db, held, &viewer, *person)? {
                let (kind, strength) = (ConcernKind::SameFamilyName, shared.strength());
                let seen = shared.seen(opened.is_restricted);
                concerns.extend(of_person(opened, &views, kind, strength, seen));
            }
        }
        for view in &opened.views {
            let is_over = asked.duration_since(view.at) >= ELSE_WITHIN;
            if is_over && !somebody_else(db, *person, view)? {
                alone.push(view);
            }
        }
    }
    for views in by_organisation(alone, |view| &view.who) {
        concerns.extend(only_viewer(activity, &views));
    }
    Ok(concerns)
}

fn is_retrieve(opened: &Opened, view: &View) -> bool {
    opened.retrieved.iter().any(|retrieved| std::ptr::eq(retrieved, view))
}

/// Of one organisation's views, and retrieves, of one person.
fn of_person(
    opened: &Opened,
    there: &[&View],
    kind: ConcernKind,
    strength: u8,
    seen: String,
) -> Option<Concern> {
    let last = there.iter().max_by_key(|view| view.at)?;
    Some(Concern {
        kind,
        strength,
        who: Who::clone(&last.who),
        number: Some(opened.number),
        seen,
        first: there.iter().map(|view| view.at).min()?,
        last: last.at,
        times: there.len() as u64,
        references: references(there),
    })
}

fn references(views: &[&View]) -> Vec<String> {
    let known = views.iter().filter(|view| !view.reference.is_empty());
    known.take(limits::CONCERN_REFERENCES).map(|view| view.reference.to_string()).collect()
}

fn restricted(opened: &Opened, there: &[&View]) -> Option<Concern> {
    if !opened.is_restricted {
        return None;
    }
    let retrieved = there.iter().filter(|view| is_retrieve(opened, view)).count();
    let seen = format!(
        "the patient's record is restricted; the plans were asked for {} and the person looked up by number {}",
        times(there.len() - retrieved),
        times(retrieved)
    );
    of_person(opened, there, ConcernKind::Restricted, 60, seen)
}

fn times(count: usize) -> String {
    match count {
        0 => "not once".to_owned(),
        1 => "once".to_owned(),
        more => format!("{more} times"),
    }
}

/// The days are those at all organisations.
fn many_days(opened: &Opened, views: &[&View], days: usize) -> Option<Concern> {
    if days < MANY_DAYS {
        return None;
    }
    let strength = 40 + u8::try_from(days.min(10)).unwrap_or(10) * 3;
    let elsewhere = opened.views.len() - views.len();
    let elsewhere = if elsewhere > 0 { ", at this and another organisation" } else { "" };
    let seen = format!("the plans were opened on {days} different days{elsewhere}");
    of_person(opened, views, ConcernKind::ManyDays, strength, seen)
}

/// Whether another user at the organisation opened the record, under whatever number of the same person.
fn somebody_else(db: &Connection, person: Person, view: &View) -> Result<bool, Fault> {
    let mut statement = db.prepare_cached(
        "SELECT 1 FROM nhs_number JOIN audit ON audit.number = nhs_number.number
         WHERE nhs_number.person_id = ?1 AND audit.at_ms BETWEEN ?2 AND ?3
           AND audit.organisation_code = ?4 AND audit.user_id <> ?5
           AND audit.kind IN ('view', 'silent-view') AND audit.outcome IN ('held', 'nothing-held')",
    )?;
    let (from, to) = (view.at.saturating_sub(ELSE_WITHIN), view.at.saturating_add(ELSE_WITHIN));
    let ms = |at: Result<Timestamp, jiff::Error>| at.map(Timestamp::as_millisecond).unwrap_or(i64::MAX);
    Ok(statement.exists(params![person, ms(from), ms(to), view.who.organisation_code, view.who.user])?)
}

/// One concern for all of them: each by itself says next to nothing.
fn only_viewer(activity: &Activity, views: &[&View]) -> Option<Concern> {
    let mut views = views.to_vec();
    views.sort_by_key(|view| view.at);
    let all = activity.views.len().max(1);
    let strength = 5 + u8::try_from(15 * views.len().min(all) / all).unwrap_or(15);
    let who = Who::clone(&views.last()?.who);
    let code = &who.organisation_code;
    Some(Concern {
        kind: ConcernKind::OnlyViewer,
        strength,
        number: None,
        seen: format!(
            "{} of this viewer's {} views are of patients whose record nobody else at {code} opened within 24 hours before or after",
            views.len(),
            activity.views.len()
        ),
        who,
        first: views.first()?.at,
        last: views.last()?.at,
        times: views.len() as u64,
        references: references(&views),
    })
}
