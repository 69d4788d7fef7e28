//! One record of an upload, taken as a whole or not at all: everything is looked at before anything is written.
//!
//! An authority changes only its own plans. What it takes back may be under any number that it was sent under, the
//! number of an identity that has ended included; what is to be held has to be the person's whom the record describes.

use rusqlite::params;

use super::TakenFile;
use crate::domain::{BirthDate, Caller, NhsNumber, PlanKind};
use crate::exchange::RecordCode;
use crate::exchange::upload::{Plan, Record, RecordFault, TakenBack};
use crate::hub::folding::folded;
use crate::hub::limits;
use crate::hub::store::audit::{self, Entry, Kind};
use crate::hub::store::error::Fault;
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
    let mut taken_back = Vec::with_capacity(record.taken_back.len());
    for plan in &record.taken_back {
        if let Some(held) = held_by(work, &file.authority_code, &record.local_id, plan)? {
            taken_back.push((held, plan));
        }
    }
    // What was sent in error goes, whoever it was about: nobody has to be traced for it.
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
    if let Some(person) = person {
        for plan in &record.plans {
            hold(work, file, record, person, plan)?;
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
    Ok(too_much(work, file, record, person, taken_back)?.map_or(Ok(person), Err))
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
    let id = match people::resolve(work, record.number)? {
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
        Resolved::Person { number, .. } if number != record.number => {
            let why = "this NHS number was superseded: record the new one";
            return Ok(Err(Refused {
                replaced_by: Some(number),
                ..Refused::new(RecordCode::Superseded, why)
            }));
        }
        Resolved::Person { id, .. } => id,
    };
    let person = people::load(work.db, id)?.candidate.person;
    let born = person.born.is_some_and(|born| born.agrees_with(BirthDate::Day(record.born)));
    let why = if !born {
        "the date of birth is another than this NHS number's: check both, and trace again"
    } else if !is_same(&record.family, &person.name.family) {
        "the family name is another than this NHS number's: check both, and trace again"
    } else if !given_names_match(&record.given, &person.name.given) {
        "none of the given names begins this NHS number's: check both, and trace again"
    } else {
        return Ok(Ok(id));
    };
    Ok(Err(Refused::new(RecordCode::Demographics, why)))
}

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

/// The person for whom a plan that is taken back is held by this authority under this local id, if it is. Where another local
/// id has taken the plan over, it is not this one's any more.
fn held_by(work: &Work<'_>, authority: &str, local_id: &str, plan: &TakenBack) -> Result<Option<i64>, Fault> {
    let person = match people::resolve(work, plan.number)? {
        Resolved::Person { id, .. } | Resolved::Ended { id } => id,
        Resolved::NotKnown => return Ok(None),
    };
    let is_held = work
        .db
        .prepare_cached(
            "SELECT 1 FROM plan WHERE person_id = ?1 AND authority_code = ?2 AND kind = ?3 AND start_day = ?4
             AND local_id = ?5",
        )?
        .exists(params![person, authority, plan.kind.snomed(), plan.start.to_string(), local_id])?;
    Ok(is_held.then_some(person))
}

fn is_held(
    work: &Work<'_>,
    authority: &str,
    person: i64,
    kind: PlanKind,
    start: jiff::civil::Date,
) -> Result<bool, Fault> {
    Ok(work
        .db
        .prepare_cached(
            "SELECT 1 FROM plan WHERE person_id = ?1 AND authority_code = ?2 AND kind = ?3 AND start_day = ?4",
        )?
        .exists(params![person, authority, kind.snomed(), start.to_string()])?)
}

/// Whether the person would have more plans than can be. Who became restricted later keeps what is held, and it may still be
/// changed: it only must not become more.
fn too_much(
    work: &Work<'_>,
    file: &TakenFile,
    record: &Record,
    person: i64,
    taken_back: &[(i64, &TakenBack)],
) -> Result<Option<Refused>, Fault> {
    let mut new = 0_usize;
    for plan in &record.plans {
        if !is_held(work, &file.authority_code, person, plan.kind, plan.period.start)? {
            new += 1;
        }
    }
    let gone = taken_back.iter().filter(|(of, _)| *of == person).count();
    if new > gone && people::is_restricted(work, person)? {
        let why = "the person's record is restricted: no plan can be held, and no hospital will see it";
        return Ok(Some(Refused::new(RecordCode::Restricted, why)));
    }
    let held: i64 = work
        .db
        .prepare_cached("SELECT count(*) FROM plan WHERE person_id = ?1")?
        .query_row([person], |row| row.get(0))?;
    let held = usize::try_from(held).unwrap_or(usize::MAX);
    let after = held.saturating_add(new).saturating_sub(gone);
    let why = "as many plans as one person can have are held already";
    Ok((after > limits::PLANS_PER_PERSON).then(|| Refused::new(RecordCode::Other, why)))
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

/// Another local id may take a plan over, and show it for longer; to end it sooner, it has to be its own already.
fn hold(work: &Work<'_>, file: &TakenFile, record: &Record, person: i64, plan: &Plan) -> Result<(), Fault> {
    let team = plan.team.as_ref();
    work.db
        .prepare_cached(
            "INSERT INTO plan (person_id, authority_code, kind, start_day, end_day, number_uploaded, local_id,
                               upload_id, sent_ms, team_name, team_telephone)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (person_id, authority_code, kind, start_day) DO UPDATE SET
                end_day = excluded.end_day, number_uploaded = excluded.number_uploaded,
                local_id = excluded.local_id, upload_id = excluded.upload_id, sent_ms = excluded.sent_ms,
                team_name = excluded.team_name, team_telephone = excluded.team_telephone
             WHERE plan.local_id = excluded.local_id OR excluded.end_day IS NULL
                OR excluded.end_day IS plan.end_day OR excluded.end_day > plan.end_day",
        )?
        .execute(params![
            person,
            file.authority_code,
            plan.kind.snomed(),
            plan.period.start.to_string(),
            plan.period.end.map(|end| end.to_string()),
            record.number.digits(),
            record.local_id,
            file.upload,
            file.sent_ms,
            team.map(|team| team.name.as_str()),
            team.and_then(|team| team.telephone.as_ref()).map(|telephone| telephone.as_sent())
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
