//! Applying the lines of a load, one after the other: what does not fit what is held is refused by line.
//!
//! A plan belongs to a person, under whatever number it came.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, params};

use super::arrivals;
use super::codec;
use super::error::Fault;
use super::held;
use super::identities::{self, Restriction};
use super::notices::numbers;
use super::people::{self, Resolved};
use super::search_keys;
use super::writer::Work;
use crate::domain::{Caller, Gender, NhsNumber, PersonName};
use crate::hub::folding::folded;
use crate::hub::limits;
use crate::hub::load::{Authorities, LineError, LoadReport, LoadedPerson, LoadedPlan, Unit};
use crate::hub::search::Described;

/// What is known while a load is applied.
pub(super) struct Applying<'a> {
    /// Who loads.
    pub(super) by: &'a Caller,
    pub(super) load: Option<i64>,
    /// The moment that counts for all of it.
    pub(super) begun_ms: i64,
    /// The database takes only numbers for tests, or else none of them.
    pub(super) is_marked: bool,
    pub(super) authorities: &'a Authorities,
    pub(super) links: &'a HashMap<NhsNumber, NhsNumber>,
    /// The upload of each authority.
    pub(super) uploads: &'a mut HashMap<String, i64>,
    pub(super) counts: &'a mut LoadReport,
    pub(super) refusals: &'a mut Vec<LineError>,
}

pub(super) const ONLY_TESTS: &str = "a synthetic database takes only numbers that begin with 9";
const NO_TESTS: &str = "numbers that begin with 9 are for tests: this database is not marked synthetic";

pub(super) const ENDED: &str = "the identity of this number ended: it takes no plan";
pub(super) const NOT_KNOWN: &str = "no person of this NHS number is known";

impl Applying<'_> {
    pub(super) fn refuse(&mut self, line: usize, why: &str) {
        self.refusals.push(LineError::new(line, why));
    }

    /// Synthetic and real never mix.
    pub(super) fn fits(&mut self, line: usize, number: NhsNumber) -> bool {
        match (self.is_marked, number.is_test_range()) {
            (true, false) => self.refuse(line, ONLY_TESTS),
            (false, true) => self.refuse(line, NO_TESTS),
            (true, true) | (false, false) => return true,
        }
        false
    }
}

/// Applies a unit.
pub(super) fn unit(work: &Work<'_>, applying: &mut Applying<'_>, unit: &Unit) -> Result<(), Fault> {
    match unit {
        Unit::Person(arrival) => arrivals::arrive(work, arrival, applying)?,
        Unit::Superseded(link) => {
            if applying.fits(link.line, link.old) && applying.fits(link.line, link.new) {
                identities::supersede(work, link, Restriction::Stays, applying)?;
            }
        }
        Unit::Plan(plan) => {
            if applying.fits(plan.line, plan.number) {
                late_plan(work, plan, applying)?;
            }
        }
        Unit::End(line, number) => {
            if (applying.is_marked, number.is_test_range()) == (true, true)
                || (applying.is_marked, number.is_test_range()) == (false, false)
            {
                applying.counts.ended += usize::from(identities::end(work, *line, *number, applying)?);
            }
        }
        Unit::Bad(line, why) => applying.refuse(*line, why),
        Unit::Nothing => {}
    }
    Ok(())
}

/// A plan by itself, unless it came with its person.
fn late_plan(work: &Work<'_>, plan: &LoadedPlan, applying: &mut Applying<'_>) -> Result<(), Fault> {
    let (person, in_use) = match people::resolve(work, plan.number)? {
        Resolved::Person { id, number } => (id, number),
        Resolved::Ended { .. } => {
            applying.refuse(plan.line, ENDED);
            return Ok(());
        }
        Resolved::NotKnown => {
            applying.refuse(plan.line, NOT_KNOWN);
            return Ok(());
        }
    };
    if let Some(why) = refusal(work, plan, person, applying)? {
        applying.refuse(plan.line, why);
        return Ok(());
    }
    // A line that came with its person. One under another number of theirs has its own turn.
    if let Some((upload, number)) = held_from(work, plan, person)?
        && applying.uploads.get(&plan.authority_code) == Some(&upload)
        && number == plan.number.digits()
    {
        return Ok(());
    }
    match write_plan(work, plan, person, applying)? {
        Applied::Written => {
            applying.counts.plans += 1;
            tell_of_number(work, plan, (person, in_use), applying)?;
        }
        Applied::Outdated => applying.counts.outdated += 1,
    }
    Ok(())
}

/// Why a plan cannot be held for a person.
pub(super) fn refusal(
    work: &Work<'_>,
    plan: &LoadedPlan,
    person: i64,
    applying: &Applying<'_>,
) -> Result<Option<&'static str>, Fault> {
    if is_from_the_future(plan, applying) {
        // It would stand in the way of everything that is sent until then.
        return Ok(Some("`meta.lastUpdated` is in the future"));
    }
    // Who became restricted later keeps a plan, and its authority may still change or end it.
    if held_from(work, plan, person)?.is_some() {
        return Ok(None);
    }
    let held: u32 = work
        .db
        .prepare_cached(
            "SELECT count(*) FROM plan WHERE person_id = ?1 AND authority_code = ?2
             AND (end_day IS NULL OR end_day >= ?3)",
        )?
        .query_row(params![person, plan.authority_code, held::counted_since(work.now)], |row| row.get(0))?;
    Ok(if people::is_restricted(work, person)? {
        Some("a plan cannot be held for a restricted person")
    } else if held as usize >= limits::PLANS_PER_PERSON {
        Some("as many plans as one person can have are held already")
    } else {
        None
    })
}

fn is_from_the_future(plan: &LoadedPlan, applying: &Applying<'_>) -> bool {
    plan.sent_ms.is_some_and(|sent| sent > applying.begun_ms.saturating_add(CLOCKS_DIFFER_MS))
}

pub(super) fn apply_person(
    work: &Work<'_>,
    person: &LoadedPerson,
    applying: &mut Applying<'_>,
) -> Result<Option<i64>, Fault> {
    let Some(known) = known(work, person, applying)? else { return Ok(None) };
    let (first, last) = people::born_range(person.born);
    // What the line does not say stays as it is held: absence never deletes.
    let id: i64 = work
        .db
        .prepare_cached(
            "INSERT INTO person (id, gender, born, born_first, born_last, multiple_birth, deceased, restricted,
                                 postcode)
             VALUES (?1, coalesce(?2, 'unknown'), ?3, ?4, ?5, ?6, coalesce(?7, 'no'), coalesce(?8, 0), ?9)
             ON CONFLICT (id) DO UPDATE SET
                gender = coalesce(?2, gender), born = coalesce(?3, born),
                born_first = coalesce(?4, born_first), born_last = coalesce(?5, born_last),
                multiple_birth = coalesce(?6, multiple_birth), deceased = coalesce(?7, deceased),
                restricted = coalesce(?8, restricted), postcode = coalesce(?9, postcode)
             RETURNING id",
        )?
        .query_row(
            params![
                known,
                person.gender.map(|gender| gender.code()),
                person.born.map(codec::born_text),
                first,
                last,
                person.multiple_birth,
                person.deceased.map(codec::deceased_text),
                person.restricted,
                person.postcode
            ],
            |row| row.get(0),
        )?;
    if known.is_none() {
        work.db
            .prepare_cached(
                "INSERT INTO nhs_number (number, person_id, standing) VALUES (?1, ?2, 'current')",
            )?
            .execute(params![person.number.digits(), id])?;
    }
    replace_names(work, id, known.is_some(), person)?;
    find_by(work, id, known.is_some(), person)?;
    Ok(Some(id))
}

/// The current name and the previous names are each replaced as a whole, if the line has any.
fn replace_names(work: &Work<'_>, id: i64, is_known: bool, person: &LoadedPerson) -> Result<(), Fault> {
    for (is_current, is_said) in [(true, person.name.is_some()), (false, !person.previous_names.is_empty())] {
        if is_said && is_known {
            work.db
                .prepare_cached("DELETE FROM person_name WHERE person_id = ?1 AND is_current = ?2")?
                .execute(params![id, is_current])?;
        }
    }
    for (is_current, name) in (person.name.iter().map(|name| (true, name)))
        .chain(person.previous_names.iter().map(|name| (false, name)))
    {
        insert_name(work, id, is_current, name)?;
    }
    Ok(())
}

/// Whom the line is about: somebody who is held, somebody new, or nobody whom it may change.
fn known(
    work: &Work<'_>,
    person: &LoadedPerson,
    applying: &mut Applying<'_>,
) -> Result<Option<Option<i64>>, Fault> {
    Ok(match people::resolve(work, person.number)? {
        Resolved::Ended { .. } => {
            if !person.is_ended {
                applying.refuse(person.line, "the identity of this number ended, for good");
            }
            None
        }
        // What an ended identity was called stays as it was.
        Resolved::Person { .. } if person.is_ended => None,
        Resolved::Person { number, .. } if number != person.number => {
            applying.refuse(person.line, "this number was superseded");
            None
        }
        Resolved::Person { id, .. } => Some(Some(id)),
        Resolved::NotKnown => Some(None),
    })
}

/// What the person is found by from now on.
fn find_by(work: &Work<'_>, id: i64, is_known: bool, person: &LoadedPerson) -> Result<(), Fault> {
    if is_known {
        // The line may leave out what is held.
        return search_keys::refresh(work.db, id);
    }
    let names: Vec<(bool, PersonName)> = (person.name.iter().map(|name| (true, name.clone())))
        .chain(person.previous_names.iter().map(|name| (false, name.clone())))
        .collect();
    let described = Described {
        born: person.born,
        gender: person.gender.unwrap_or(Gender::Unknown),
        restricted: person.restricted.unwrap_or(false),
        postcode: person.postcode.as_deref(),
        names: &names,
    };
    search_keys::add(work.db, id, &described)
}

fn insert_name(work: &Work<'_>, person: i64, is_current: bool, name: &PersonName) -> Result<(), Fault> {
    work.db
        .prepare_cached(
            "INSERT INTO person_name (person_id, is_current, family, given, title, family_folded)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            person,
            is_current,
            name.family,
            serde_json::json!(name.given).to_string(),
            name.title,
            folded(&name.family)
        ])?;
    Ok(())
}

/// What became of a plan's line.
pub(super) enum Applied {
    Written,
    /// What is held was sent later.
    Outdated,
}

/// By so much an authority's clock may run ahead of the hub's: an hour.
const CLOCKS_DIFFER_MS: i64 = 60 * 60 * 1000;

pub(super) fn write_plan(
    work: &Work<'_>,
    plan: &LoadedPlan,
    person: i64,
    applying: &mut Applying<'_>,
) -> Result<Applied, Fault> {
    let upload = match applying.uploads.get(plan.authority_code.as_str()) {
        Some(upload) => *upload,
        None => {
            let upload = begin_upload(work, plan, applying)?;
            applying.uploads.insert(plan.authority_code.clone(), upload);
            upload
        }
    };
    let row = held::Row {
        person,
        authority_code: &plan.authority_code,
        kind: plan.kind,
        period: plan.period,
        number: plan.number,
        local_id: &plan.local_id,
        upload,
        sent_ms: plan.sent_ms,
        team: plan.authority.team.as_ref(),
    };
    let is_written = held::write_plan(work, &row, held::Over::UnlessLater(applying.begun_ms))?;
    Ok(if is_written { Applied::Written } else { Applied::Outdated })
}

/// Of a plan that came under a superseded number its authority hears which one is in use.
pub(super) fn tell_of_number(
    work: &Work<'_>,
    plan: &LoadedPlan,
    (person, in_use): (i64, NhsNumber),
    applying: &Applying<'_>,
) -> Result<(), Fault> {
    if plan.number == in_use {
        return Ok(());
    }
    numbers::tell(work, applying.by, person, &numbers::uploaded(work, person)?)
}

/// The upload that this very plan is held from, and the number that it came under.
fn held_from(work: &Work<'_>, plan: &LoadedPlan, person: i64) -> Result<Option<(i64, String)>, Fault> {
    Ok(work
        .db
        .prepare_cached(
            "SELECT upload_id, number_uploaded FROM plan
             WHERE person_id = ?1 AND authority_code = ?2 AND kind = ?3 AND start_day = ?4",
        )?
        .query_row(
            params![person, plan.authority_code, plan.kind.snomed(), plan.period.start.to_string()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?)
}

/// The authority as this file names and reaches it, unless what is held was sent later, and the id of this upload.
fn begin_upload(work: &Work<'_>, plan: &LoadedPlan, applying: &Applying<'_>) -> Result<i64, Fault> {
    // A line from the future is refused: it says nothing.
    let is_refused = |sent: &&i64| **sent > applying.begun_ms.saturating_add(CLOCKS_DIFFER_MS);
    let sent = applying.authorities.get(&plan.authority_code).and_then(Option::as_ref);
    let sent_ms = sent.and_then(|sent| sent.iter().filter(|sent| !is_refused(sent)).max()).copied();
    // Without a time the moment of loading counts, and nothing counts as later than that.
    let described_ms = sent_ms.unwrap_or(applying.begun_ms).min(applying.begun_ms);
    held::describe(work, &plan.authority_code, &plan.authority, described_ms, held::Describe::Whole)?;
    work.db
        .prepare_cached("INSERT INTO upload (authority_code, at_ms, load_id) VALUES (?1, ?2, ?3)")?
        .execute(params![plan.authority_code, applying.begun_ms, applying.load])?;
    Ok(work.db.last_insert_rowid())
}
