//! What one user did in a period, as the audit log has it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

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

/// One user's period. Whoever has two organisations, or roles, did each thing in one of them: `who` is said of each.
#[derive(Debug, Default)]
pub(super) struct Activity {
    /// Views of plans, and retrieves of restricted records, by person.
    pub(super) opened: BTreeMap<Person, Opened>,
    /// What was found and asked for, by London day.
    pub(super) days: BTreeMap<Date, Day>,
    /// Moments of views, to compare with usual hours.
    pub(super) views: Vec<View>,
    /// Refusals by rates and volumes.
    pub(super) refused: Vec<Refused>,
    /// There was more than is looked at.
    pub(super) is_cut: bool,
    /// As whom the user came, each once.
    known: Vec<Rc<Who>>,
}

/// What was opened of one person.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) number: NhsNumber,
    pub(super) is_restricted: bool,
    /// Each view: when, as whom, and its reference.
    pub(super) views: Vec<View>,
    /// Retrieves: when, and as whom.
    pub(super) retrieved: Vec<View>,
}

/// Something done to one record. A retrieve has no reference.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) at: Timestamp,
    pub(super) who: Rc<Who>,
    pub(super) reference: Rc<str>,
}

/// Refused by a rate or a volume, so many times.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) at: Timestamp,
    pub(super) who: Rc<Who>,
    pub(super) is_volume: bool,
    pub(super) count: u64,
}

/// One day of a user.
#[derive(Debug, Default)]
pub(super) struct Day {
    /// From when to when, and as whom, by organisation.
    pub(super) places: BTreeMap<String, (Rc<Who>, Timestamp, Timestamp)>,
    /// People whom searches and retrieves returned, each with the organisation.
    pub(super) found: BTreeMap<Person, Rc<Who>>,
    /// People whose plans were opened.
    pub(super) opened: BTreeSet<Person>,
    /// Numbers asked for by retrieve or view, whether they were known, and at which organisation.
    pub(super) numbers: BTreeMap<NhsNumber, (bool, Rc<Who>)>,
}

/// Things done by one user, by organisation: what each of them may ask about.
pub(super) fn by_organisation<T>(all: impl IntoIterator<Item = T>, who: impl Fn(&T) -> &Who) -> Vec<Vec<T>> {
    let mut groups: BTreeMap<String, Vec<T>> = BTreeMap::new();
    for one in all {
        let code = who(&one).organisation_code.clone();
        groups.entry(code).or_default().push(one);
    }
    groups.into_values().collect()
}

/// Reads a user's period, at one organisation or all; nothing where they did nothing there that is looked at.
pub(super) fn read(
    db: &Connection,
    user: &str,
    question: ConcernQuestion,
    organisation: Option<&str>,
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
           AND (?4 IS NULL OR audit.organisation_code = ?4)
         ORDER BY audit.at_ms, audit.id",
    )?;
    let (since, until) = (question.since.as_millisecond(), question.until.as_millisecond());
    let mut rows = statement.query(params![user, since, until, organisation])?;
    let mut activity = Activity::default();
    let (mut entries, mut people) = (0, BTreeSet::new());
    while let Some(row) = rows.next()? {
        entries += 1;
        if entries > limits::CONCERN_ENTRIES {
            activity.is_cut = true;
            break;
        }
        let person: Option<Person> = row.get(9)?;
        if people.len() >= limits::CONCERN_PEOPLE && person.is_some_and(|person| !people.contains(&person)) {
            activity.is_cut = true;
            continue;
        }
        people.extend(person);
        activity.note(user, row, person)?;
    }
    Ok((entries > 0).then_some(activity))
}

impl Activity {
    fn note(&mut self, user: &str, row: &Row<'_>, person: Option<Person>) -> Result<(), Fault> {
        let at = codec::moment(row.get(0)?)?;
        let (kind, outcome): (String, String) = (row.get(1)?, row.get(2)?);
        let who = self.known(Who {
            user: user.to_owned(),
            name: row.get(3)?,
            role: row.get(4)?,
            organisation_code: row.get(5)?,
            organisation: row.get(6)?,
        });
        let number: Option<String> = row.get(8)?;
        let number = number.as_deref().map(codec::number).transpose()?;
        let day = self.days.entry(dates::london_day(at)).or_default();
        let place = day.places.entry(who.organisation_code.clone());
        place.and_modify(|(_, _, last)| *last = at).or_insert_with(|| (Rc::clone(&who), at, at));
        let is_view = kind == "view" || kind == "silent-view";
        if let (Some(number), true) = (number, is_view || kind == "retrieve") {
            let is_known = outcome != "not-found";
            // An ended number is nobody whom a walk would have found.
            day.numbers.insert(number, (is_known, Rc::clone(&who)));
        }
        match (kind.as_str(), outcome.as_str(), person, number) {
            ("refused", "too-many-requests", ..) => {
                let detail: Option<String> = row.get(11)?;
                let detail = detail.and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
                let word = |key: &str| detail.as_ref().and_then(|detail| detail.get(key));
                let is_volume = word("asked").and_then(|asked| asked.as_str()) == Some("search-volume");
                let count = word("count").and_then(|count| count.as_u64()).unwrap_or(1);
                self.refused.push(Refused { at, who, is_volume, count });
            }
            ("search" | "retrieve", "returned", Some(person), number) => {
                day.found.insert(person, Rc::clone(&who));
                let is_restricted: bool = row.get::<_, Option<bool>>(10)?.unwrap_or(false);
                if let (Some(number), true) = (number, is_restricted && kind == "retrieve") {
                    self.opened(person, number, is_restricted).retrieved.push(View {
                        at,
                        who,
                        reference: Rc::default(),
                    });
                }
            }
            (_, "held" | "nothing-held", Some(person), Some(number)) if is_view => {
                day.opened.insert(person);
                let is_restricted: bool = row.get::<_, Option<bool>>(10)?.unwrap_or(false);
                let reference: String = row.get(7)?;
                let view = View { at, who, reference: reference.into() };
                self.views.push(view.clone());
                self.opened(person, number, is_restricted).views.push(view);
            }
            _ => {}
        }
        Ok(())
    }

    /// Each once, however often they come. The latest first: mostly it is the same.
    fn known(&mut self, who: Who) -> Rc<Who> {
        if let Some(known) = self.known.iter().rev().find(|known| ***known == who) {
            return Rc::clone(known);
        }
        let who = Rc::new(who);
        if self.known.len() >= limits::CONCERN_ROLES {
            self.known.remove(0);
        }
        self.known.push(Rc::clone(&who));
        who
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
