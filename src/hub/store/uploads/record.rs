//! One record of an upload, taken as a whole or not at all: everything is looked at before anything is written.
//!
//! An authority changes only its own plans. What it takes back may be under any number that it was sent under, the
//! number of an identity that has ended included; what is to be held has to be the person's whom the record describes.

use std::collections::HashMap;

use jiff::civil::Date;
use rusqlite::params;

use super::TakenFile;
use crate::domain::{BirthDate, Caller, NhsNumber, PlanKind, dates};
use crate::exchange::RecordCode;
use crate::exchange::upload::{Ended, Plan, Record, RecordFault, TakenBack, WithoutTeam};
use crate::hub::folding::folded;
use crate::hub::limits;
use crate::hub::store::audit::{self, Entry, Kind};
use crate::hub::store::error::Fault;
use crate::hub::store::held;
use crate::hub::store::people::{self, Resolved};
use crate::hub::store::writer::Work;

/// Why a record was not taken, in words that hold nothing of it.
pub(super) struct Refused {
    pub(super) code: RecordCode,
    pub(super) why: &'static str,
    pub(super) replaced_by: Option<NhsNumber>,
}

impl Refused {
    pub(super) fn of(fault: RecordFault) -> Self {
        Self { code: fault.code, why: fault.why, replaced_by: None }
    }

    fn new(code: RecordCode, why: &'static str) -> Self {
        Self { code, why, replaced_by: None }
    }
}

/// Applies a record.
pub(super) fn apply(
    work: &Work<'_>,
    by: &Caller,
    file: &TakenFile,
    record: &Record,
    is_marked: bool,
) -> Result<Result<(), Refused>, Fault> {
    let mut taken_back: Vec<(i64, &TakenBack)> = Vec::with_capacity(record.taken_back.len());
    for plan in &record.taken_back {
        let key = (plan.number, plan.kind, plan.start);
        let is_repeated = taken_back.iter().any(|(_, known)| (known.number, known.kind, known.start) == key);
        if !is_repeated && let Some(held) = held_by(work, file, record, key)? {
            taken_back.push((held, plan));
        }
    }
    // What was sent in error goes, and what ends ends, whoever it is about: nobody has to be traced for it.
    let person = match record.plans.as_slice() {
        [] => None,
        [_, ..] => match fitting(work, file, record, &taken_back, is_marked)? {
            Ok(person) => Some(person),
            Err(refused) => {
                audit_tracing(work, by, record, &refused)?;
                return Ok(Err(refused));
            }
        },
    };
    for (person, plan) in taken_back {
        take_back(work, by, file, person, plan)?;
    }
    for plan in &record.ended {
        if let Some(person) = held_by(work, file, record, (plan.number, plan.kind, plan.start))? {
            end(work, file, person, plan)?;
        }
    }
    for plan in &record.without_team {
        if let Some(person) = held_by(work, file, record, (plan.number, plan.kind, plan.start))? {
            take_team_off(work, file, person, plan)?;
        }
    }
    if let Some(person) = person {
        for plan in &record.plans {
            let row = held::Row {
                person,
                authority_code: &file.authority_code,
                kind: plan.kind,
                period: plan.period,
                number: record.number,
                local_id: &record.local_id,
                upload: file.upload,
                sent_ms: Some(file.sent_ms),
                team: plan.team.as_ref(),
            };
            held::write_plan(work, &row, held::Over::Always)?;
        }
    }
    Ok(Ok(()))
}

/// The person for whom all of a record's plans can be held.
fn fitting(
    work: &Work<'_>,
    file: &TakenFile,
    record: &Record,
    taken_back: &[(i64, &TakenBack)],
    is_marked: bool,
) -> Result<Result<i64, Refused>, Fault> {
    let person = match traced(work, record, is_marked)? {
        Ok(person) => person,
        Err(refused) => return Ok(Err(refused)),
    };
    if joins_an_ended_identity(work, file, record)? {
        let why = "an NHS number that is no longer in use was sent under this local id, and nothing of the two may be joined: \
                   give this person a local id of their own, and take back what the old number has by itself";
        return Ok(Err(Refused::new(RecordCode::Other, why)));
    }
    for plan in &record.plans {
        if ends_anothers(work, file, record, person, plan)? {
            let why = "this plan is held under another local id, with a later end: only under that one it can end sooner";
            return Ok(Err(Refused::new(RecordCode::Other, why)));
        }
    }
    Ok(too_much(work, file, record, person, taken_back)?.map_or(Ok(person), Err))
}

/// Whether what is to be held would stand beside what is, or was, an ended identity's: in one record, or under one local id.
fn joins_an_ended_identity(work: &Work<'_>, file: &TakenFile, record: &Record) -> Result<bool, Fault> {
    let taken_back = record.taken_back.iter().map(|plan| plan.number);
    let ended = record.ended.iter().map(|plan| plan.number);
    for number in taken_back.chain(ended).chain(record.without_team.iter().map(|plan| plan.number)) {
        if let Resolved::Ended { .. } = people::resolve(work, number)? {
            return Ok(true);
        }
    }
    Ok(work
        .db
        .prepare_cached(
            "SELECT 1 FROM plan JOIN nhs_number ON nhs_number.person_id = plan.person_id AND standing = 'ended'
             WHERE authority_code = ?1 AND local_id = ?2",
        )?
        .exists(params![file.authority_code, record.local_id])?)
}

/// Another local id may take a plan over, and show it for longer; to end it sooner, it has to be its own already.
fn ends_anothers(
    work: &Work<'_>,
    file: &TakenFile,
    record: &Record,
    person: i64,
    plan: &Plan,
) -> Result<bool, Fault> {
    let Some(end) = plan.period.end else { return Ok(false) };
    Ok(work
        .db
        .prepare_cached(
            "SELECT 1 FROM plan WHERE person_id = ?1 AND authority_code = ?2 AND kind = ?3 AND start_day = ?4
             AND local_id <> ?5 AND (end_day IS NULL OR end_day > ?6)",
        )?
        .exists(params![
            person,
            file.authority_code,
            plan.kind.snomed(),
            plan.period.start.to_string(),
            record.local_id,
            end.to_string()
        ])?)
}

/// The person of a record: number, date of birth, family name and given names agree with what is known.
fn traced(work: &Work<'_>, record: &Record, is_marked: bool) -> Result<Result<i64, Refused>, Fault> {
    match (is_marked, record.number.is_test_range()) {
        (true, false) => {
            return Ok(Err(Refused::new(
                RecordCode::Other,
                "this hub takes only numbers for tests, which begin with 9",
            )));
        }
        (false, true) => {
            return Ok(Err(Refused::new(
                RecordCode::Other,
                "numbers that begin with 9 are for tests, and nobody has one",
            )));
        }
        (true, true) | (false, false) => {}
    }
    let (id, number) = match people::resolve(work, record.number)? {
        Resolved::NotKnown => {
            return Ok(Err(Refused::new(
                RecordCode::NoMatch,
                "nobody is known by this NHS number: trace it",
            )));
        }
        // Nothing of any other number: the two are never joined.
        Resolved::Ended { .. } => {
            return Ok(Err(Refused::new(
                RecordCode::NoMatch,
                "this NHS number is no longer in use: trace it",
            )));
        }
        Resolved::Person { id, number } => (id, number),
    };
    let person = people::load(work.db, id)?.candidate.person;
    let born = person.born.zip(record.born);
    let born = born.is_some_and(|(born, sent)| born.agrees_with(BirthDate::Day(sent)));
    let is_whose = born
        && is_same(&record.family, &person.name.family)
        && given_names_match(&record.given, &person.name.given);
    if !is_whose {
        return Ok(Err(Refused::new(RecordCode::Demographics, DIFFERS)));
    }
    if number != record.number {
        // Only to whoever knows whose number it was.
        let why = "this NHS number was superseded: record the new one";
        return Ok(Err(Refused { replaced_by: Some(number), ..Refused::new(RecordCode::Superseded, why) }));
    }
    Ok(Ok(id))
}

/// The same whichever differs, and whoever it is: field by field one could find out who somebody is whose record is restricted, and by another
/// sentence for them alone, that it is.
const DIFFERS: &str = "date of birth, family name or given names are another than this NHS number's: compare all of them with the NHS's details, and \
     trace again";

fn is_same(one: &str, other: &str) -> bool {
    let one = folded(one);
    !one.is_empty() && one == folded(other)
}

/// All are equal, or the first word is the first given name, or any of them (published rule).
fn given_names_match(sent: &str, held: &[String]) -> bool {
    let first = sent.split_whitespace().next().unwrap_or_default();
    is_same(sent, &held.concat())
        || held.iter().any(|name| is_same(first, name))
        || held.iter().flat_map(|name| name.split_whitespace()).any(|word| is_same(first, word))
}

/// The person for whom a plan that is taken back, or ends, is held by this authority under this local id, if it is. Where another
/// local id has taken the plan over, it is not this one's any more.
fn held_by(
    work: &Work<'_>,
    file: &TakenFile,
    record: &Record,
    (number, kind, start): (NhsNumber, PlanKind, Date),
) -> Result<Option<i64>, Fault> {
    let person = match people::resolve(work, number)? {
        Resolved::Person { id, .. } | Resolved::Ended { id } => id,
        Resolved::NotKnown => return Ok(None),
    };
    let is_held = work
        .db
        .prepare_cached(
            "SELECT 1 FROM plan WHERE person_id = ?1 AND authority_code = ?2 AND kind = ?3 AND start_day = ?4
             AND local_id = ?5",
        )?
        .exists(params![person, file.authority_code, kind.snomed(), start.to_string(), record.local_id])?;
    Ok(is_held.then_some(person))
}

/// What an authority holds of a person: how many plans in all, how many that go on, and how many that count.
#[derive(Clone, Copy)]
struct Amount {
    all: usize,
    current: usize,
    counted: usize,
}

/// Plans of one authority for a person, by kind and first day, with their ends.
type Ends = HashMap<(String, String), Option<String>>;

fn amount(plans: &Ends, today: &str, counted_since: &str) -> Amount {
    let until = |day: &str| plans.values().filter(|end| end.as_deref().is_none_or(|end| end >= day)).count();
    Amount { all: plans.len(), current: until(today), counted: until(counted_since) }
}

/// Whether the person would have more plans of this authority than can be. Who became restricted later keeps what is held, and it
/// may still be changed: it only must not become more.
fn too_much(
    work: &Work<'_>,
    file: &TakenFile,
    record: &Record,
    person: i64,
    taken_back: &[(i64, &TakenBack)],
) -> Result<Option<Refused>, Fault> {
    let mut statement = work.db.prepare_cached(
        "SELECT kind, start_day, end_day FROM plan WHERE person_id = ?1 AND authority_code = ?2",
    )?;
    let rows = statement.query_map(params![person, file.authority_code], |row| {
        Ok(((row.get(0)?, row.get(1)?), row.get(2)?))
    })?;
    let mut plans: Ends = rows.collect::<Result<_, _>>()?;
    let (today, since) = (dates::london_day(work.now).to_string(), held::counted_since(work.now));
    let before = amount(&plans, &today, &since);
    let key = |kind: PlanKind, start: Date| (kind.snomed().to_owned(), start.to_string());
    for (_, plan) in taken_back.iter().filter(|(of, _)| *of == person) {
        plans.remove(&key(plan.kind, plan.start));
    }
    for plan in &record.plans {
        let end = plan.period.end.map(|end| end.to_string());
        plans.insert(key(plan.kind, plan.period.start), end);
    }
    let after = amount(&plans, &today, &since);
    if (after.all > before.all || after.current > before.current) && people::is_restricted(work, person)? {
        let why = "the person's record is restricted: no plan can be held, and no hospital will see it";
        return Ok(Some(Refused::new(RecordCode::Restricted, why)));
    }
    let why = "as many plans as one person can have of one authority are held already";
    let is_more = after.counted > before.counted && after.counted > limits::PLANS_PER_PERSON;
    Ok(is_more.then(|| Refused::new(RecordCode::Other, why)))
}

fn take_back(
    work: &Work<'_>,
    by: &Caller,
    file: &TakenFile,
    person: i64,
    plan: &TakenBack,
) -> Result<(), Fault> {
    let gone = work
        .db
        .prepare_cached(
            "DELETE FROM plan WHERE person_id = ?1 AND authority_code = ?2 AND kind = ?3 AND start_day = ?4",
        )?
        .execute(params![person, file.authority_code, plan.kind.snomed(), plan.start.to_string()])?;
    if gone == 0 {
        // Said twice in one record.
        return Ok(());
    }
    let detail = serde_json::json!({
        "kind": plan.kind.snomed(),
        "start": plan.start.to_string(),
        "decided": plan.decided.to_string(),
        "sequence": file.sequence,
    });
    let entry = Entry {
        person: Some(person),
        number: Some(plan.number),
        detail: Some(detail),
        ..Entry::new(Kind::PlanTakenBack, "taken-back", "upload")
    };
    audit::append(work, by, &entry)
}

/// It only ends sooner: to show it for longer, its person has to be found.
fn end(work: &Work<'_>, file: &TakenFile, person: i64, plan: &Ended) -> Result<(), Fault> {
    work.db
        .prepare_cached(
            "UPDATE plan SET end_day = ?5, sent_ms = ?6
             WHERE person_id = ?1 AND authority_code = ?2 AND kind = ?3 AND start_day = ?4
             AND (end_day IS NULL OR end_day > ?5)",
        )?
        .execute(params![
            person,
            file.authority_code,
            plan.kind.snomed(),
            plan.start.to_string(),
            plan.end.to_string(),
            file.sent_ms
        ])?;
    Ok(())
}

/// Nothing else of it changes. A load of an older file does not bring the team back.
fn take_team_off(work: &Work<'_>, file: &TakenFile, person: i64, plan: &WithoutTeam) -> Result<(), Fault> {
    work.db
        .prepare_cached(
            "UPDATE plan SET team_name = NULL, team_telephone = NULL, sent_ms = ?5
             WHERE person_id = ?1 AND authority_code = ?2 AND kind = ?3 AND start_day = ?4",
        )?
        .execute(params![
            person,
            file.authority_code,
            plan.kind.snomed(),
            plan.start.to_string(),
            file.sent_ms
        ])?;
    Ok(())
}

/// What the authority learns of somebody by a rejection is logged before it is told.
fn audit_tracing(work: &Work<'_>, by: &Caller, record: &Record, refused: &Refused) -> Result<(), Fault> {
    let (outcome, person) = match refused.code {
        RecordCode::Restricted => ("restricted", people::resolve(work, record.number)?),
        RecordCode::Demographics => ("differs", people::resolve(work, record.number)?),
        RecordCode::Superseded => ("superseded", people::resolve(work, record.number)?),
        RecordCode::NoMatch | RecordCode::OldStyle | RecordCode::Success | RecordCode::Other => {
            ("not-matched", Resolved::NotKnown)
        }
    };
    let person = match person {
        Resolved::Person { id, .. } => Some(id),
        Resolved::Ended { .. } | Resolved::NotKnown => None,
    };
    let entry =
        Entry { person, number: Some(record.number), ..Entry::new(Kind::RecordRejected, outcome, "upload") };
    audit::append(work, by, &entry)
}
