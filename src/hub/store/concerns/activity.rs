//! What one user did in a period, as the audit log has it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, Row, params};

use super::super::codec;
use super::super::error::Fault;
use crate::domain::{NhsNumber, dates};
use crate::hub::concerns::{ConcernQuestion, Who};
use crate::hub::limits;

/// The row id of a person.
pub(super) type Person = i64;

/// One user's period.
#[derive(Debug, Default)]
pub(super) struct Activity {
    pub(super) who: Who,
    /// Views of plans, and retrieves of restricted records, by person.
    pub(super) opened: BTreeMap<Person, Opened>,
    /// What was found and asked for, by London day.
    pub(super) days: BTreeMap<Date, Day>,
    /// Moments of views, to compare with usual hours.
    pub(super) views: Vec<(Timestamp, String)>,
    /// Refusals by rates and volumes: when, what, how many.
    pub(super) refused: Vec<(Timestamp, String, u64)>,
    /// There was more than is looked at.
    pub(super) is_cut: bool,
}

/// What was opened of one person.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) number: NhsNumber,
    pub(super) is_restricted: bool,
    /// Each view: when, where, and its reference.
    pub(super) views: Vec<View>,
    /// Moments of retrieves.
    pub(super) retrieved: Vec<Timestamp>,
}

#[derive(Debug)]
pub(super) struct View {
    pub(super) at: Timestamp,
    pub(super) organisation_code: String,
    pub(super) reference: String,
}

/// One day of a user.
#[derive(Debug, Default)]
pub(super) struct Day {
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    /// People whom searches and retrieves returned.
    pub(super) found: BTreeSet<Person>,
    /// People whose plans were opened.
    pub(super) opened: BTreeSet<Person>,
    /// Numbers asked for by retrieve or view, and whether they were known.
    pub(super) numbers: BTreeMap<NhsNumber, bool>,
}

/// Reads a user's period; nothing where they did nothing that is looked at.
pub(super) fn read(
    db: &Connection,
    user: &str,
    question: ConcernQuestion,
) -> Result<Option<Activity>, Fault> {
    let mut statement = db.prepare_cached(
        "SELECT audit.at_ms, audit.kind, audit.outcome, audit.user_name, audit.role,
                audit.organisation_code, audit.organisation, coalesce(audit.reference, ''), audit.number,
                coalesce(nhs_number.person_id, audit.person_id), person.restricted, audit.detail
         FROM audit
         LEFT JOIN nhs_number ON nhs_number.number = audit.number
         LEFT JOIN person ON person.id = coalesce(nhs_number.person_id, audit.person_id)
         WHERE audit.user_id = ?1 AND audit.at_ms >= ?2 AND audit.at_ms < ?3
           AND audit.kind IN ('search', 'retrieve', 'view', 'silent-view', 'refused')
         ORDER BY audit.at_ms, audit.id",
    )?;
    let (since, until) = (question.since.as_millisecond(), question.until.as_millisecond());
    let mut rows = statement.query(params![user, since, until])?;
    let mut activity =
        Activity { who: Who { user: user.to_owned(), ..Who::default() }, ..Activity::default() };
    let (mut is_there, mut people) = (false, BTreeSet::new());
    while let Some(row) = rows.next()? {
        is_there = true;
        let person: Option<Person> = row.get(9)?;
        if people.len() >= limits::CONCERN_PEOPLE && person.is_some_and(|person| !people.contains(&person)) {
            activity.is_cut = true;
            continue;
        }
        people.extend(person);
        activity.note(row, person)?;
    }
    Ok(is_there.then_some(activity))
}

impl Activity {
    fn note(&mut self, row: &Row<'_>, person: Option<Person>) -> Result<(), Fault> {
        let at = codec::moment(row.get(0)?)?;
        let (kind, outcome): (String, String) = (row.get(1)?, row.get(2)?);
        self.who.name = row.get(3)?;
        self.who.role = row.get(4)?;
        self.who.organisation_code = row.get(5)?;
        self.who.organisation = row.get(6)?;
        let number: Option<String> = row.get(8)?;
        let number = number.as_deref().map(codec::number).transpose()?;
        let day = self.days.entry(dates::london_day(at)).or_default();
        day.first.get_or_insert(at);
        day.last = Some(at);
        let is_view = kind == "view" || kind == "silent-view";
        if let (Some(number), true) = (number, is_view || kind == "retrieve") {
            let is_known = outcome != "not-found";
            // An ended number is nobody whom a walk would have found.
            day.numbers.insert(number, is_known);
        }
        match (kind.as_str(), outcome.as_str(), person, number) {
            ("refused", "too-many-requests", ..) => {
                let detail: Option<String> = row.get(11)?;
                let detail = detail.and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
                let word = |key: &str| detail.as_ref().and_then(|detail| detail.get(key));
                let asked = word("asked").and_then(|asked| asked.as_str()).unwrap_or_default().to_owned();
                self.refused.push((at, asked, word("count").and_then(|count| count.as_u64()).unwrap_or(1)));
            }
            ("search" | "retrieve", "returned", Some(person), number) => {
                day.found.insert(person);
                let is_restricted: bool = row.get::<_, Option<bool>>(10)?.unwrap_or(false);
                if let (Some(number), true) = (number, is_restricted && kind == "retrieve") {
                    self.opened(person, number, is_restricted).retrieved.push(at);
                }
            }
            (_, "held" | "nothing-held", Some(person), Some(number)) if is_view => {
                day.opened.insert(person);
                let is_restricted: bool = row.get::<_, Option<bool>>(10)?.unwrap_or(false);
                let view = View {
                    at,
                    organisation_code: self.who.organisation_code.clone(),
                    reference: row.get(7)?,
                };
                self.views.push((at, view.reference.clone()));
                self.opened(person, number, is_restricted).views.push(view);
            }
            _ => {}
        }
        Ok(())
    }

    fn opened(&mut self, person: Person, number: NhsNumber, is_restricted: bool) -> &mut Opened {
        self.opened.entry(person).or_insert_with(|| Opened {
            number,
            is_restricted,
            views: Vec::new(),
            retrieved: Vec::new(),
        })
    }
}
