//! Applying a load file: one transaction, refused as a whole with the lines that do not fit what is held.
//!
//! A plan belongs to a person, under whatever number it came.

use std::collections::HashMap;

use rusqlite::params;

use super::audit::{self, Entry, Kind};
use super::error::{Fault, StoreError};
use super::identities;
use super::people::{self, Resolved};
use super::search_keys;
use super::writer::Work;
use super::{Audited, Store, codec};
use crate::domain::{Caller, Gender, NhsNumber, PersonName};
use crate::hub::folding::folded;
use crate::hub::limits;
use crate::hub::load::{Batch, LineError, LoadReport, LoadedPerson, LoadedPlan};
use crate::hub::search::Described;

impl Store {
    pub(in crate::hub) async fn apply(
        &self,
        by: Caller,
        batch: Batch,
    ) -> Result<Audited<LoadReport>, StoreError> {
        self.room_for_loads()?;
        self.write(move |work| apply(work, &by, &batch)).await
    }

    pub(in crate::hub) fn apply_blocking(
        &self,
        by: Caller,
        batch: Batch,
    ) -> Result<Audited<LoadReport>, StoreError> {
        self.room_for_loads()?;
        self.write_blocking(move |work| apply(work, &by, &batch))
    }

    /// The last of a disk is for views.
    fn room_for_loads(&self) -> Result<(), StoreError> {
        if self.0.disk.has_room_for_loads() { Ok(()) } else { Err(StoreError::NoRoom) }
    }

    /// Notes that a file was refused, in a commit of its own: that of the file was taken back.
    pub(in crate::hub) async fn load_refused(
        &self,
        by: Caller,
        lines: usize,
    ) -> Result<Audited<()>, StoreError> {
        self.write(move |work| note_refused(work, &by, lines)).await
    }

    pub(in crate::hub) fn load_refused_blocking(
        &self,
        by: Caller,
        lines: usize,
    ) -> Result<Audited<()>, StoreError> {
        self.write_blocking(move |work| note_refused(work, &by, lines))
    }
}

/// What does not fit, collected so that a file is refused once, not once for each line.
pub(super) struct Refusals(Vec<LineError>);

impl Refusals {
    pub(super) fn add(&mut self, line: usize, why: &str) {
        if self.0.len() < limits::LOAD_ERRORS {
            self.0.push(LineError::new(line, why));
        }
    }
}

fn note_refused(work: &Work<'_>, by: &Caller, lines: usize) -> Result<(), Fault> {
    let detail = Some(serde_json::json!({ "bad_lines_named": lines }));
    audit::append(work, by, &Entry { detail, ..Entry::new(Kind::Load, "refused", "load") })
}

fn apply(work: &Work<'_>, by: &Caller, batch: &Batch) -> Result<LoadReport, Fault> {
    let mut refusals = Refusals(Vec::new());
    marking(work, batch, &mut refusals)?;
    let mut report = LoadReport::default();
    for person in &batch.people {
        report.people += usize::from(apply_person(work, person, &mut refusals)?);
    }
    let links: HashMap<NhsNumber, NhsNumber> =
        batch.superseded.iter().map(|superseded| (superseded.old, superseded.new)).collect();
    for superseded in &batch.superseded {
        report.superseded += usize::from(identities::supersede(work, superseded, &links, &mut refusals)?);
    }
    let mut uploads: HashMap<&str, i64> = HashMap::new();
    for plan in &batch.plans {
        match apply_plan(work, plan, &mut uploads, &mut refusals)? {
            Applied::Written => report.plans += 1,
            Applied::Outdated => report.outdated += 1,
            Applied::Refused => {}
        }
    }
    for (line, number) in &batch.ended {
        report.ended += usize::from(identities::end(work, *line, *number, &mut refusals)?);
    }
    if !refusals.0.is_empty() {
        refusals.0.sort_by_key(|error| error.line);
        return Err(Fault::LoadRefused(refusals.0));
    }
    let detail = serde_json::json!({
        "people": report.people,
        "superseded": report.superseded,
        "plans": report.plans,
        "outdated": report.outdated,
        "ended": report.ended,
        "synthetic": batch.synthetic,
    });
    audit::append(work, by, &Entry { detail: Some(detail), ..Entry::new(Kind::Load, "applied", "load") })?;
    Ok(report)
}

/// Synthetic or real: decided once, for the whole database, and every number must agree.
fn marking(work: &Work<'_>, batch: &Batch, refusals: &mut Refusals) -> Result<(), Fault> {
    let mut is_marked = super::read_marking(work.db)?;
    if batch.synthetic && !is_marked {
        let is_empty = !work.db.prepare_cached("SELECT 1 FROM nhs_number")?.exists([])?;
        if is_empty {
            work.db.execute("INSERT INTO marking (what, at_ms) VALUES ('synthetic', ?1)", [work.now_ms()])?;
            is_marked = true;
        } else {
            refusals.add(0, "only an empty database can be marked synthetic, and this one holds people");
            return Ok(());
        }
    }
    let numbers = (batch.people.iter().map(|person| (person.line, person.number)))
        .chain(batch.superseded.iter().flat_map(|link| [(link.line, link.old), (link.line, link.new)]))
        .chain(batch.plans.iter().map(|plan| (plan.line, plan.number)));
    for (line, number) in numbers {
        match (is_marked, number.is_test_range()) {
            (true, false) => refusals.add(line, "a synthetic database takes only numbers that begin with 9"),
            (false, true) => {
                refusals.add(
                    line,
                    "numbers that begin with 9 are for tests: this database is not marked synthetic",
                );
            }
            (true, true) | (false, false) => {}
        }
    }
    Ok(())
}

fn apply_person(work: &Work<'_>, person: &LoadedPerson, refusals: &mut Refusals) -> Result<bool, Fault> {
    let id = match people::resolve(work, person.number)? {
        Resolved::Ended { .. } => {
            if !person.is_ended {
                refusals.add(person.line, "the identity of this number ended, for good");
            }
            return Ok(false);
        }
        // What an ended identity was called stays as it was.
        Resolved::Person { .. } if person.is_ended => return Ok(false),
        Resolved::Person { number, .. } if number != person.number => {
            refusals.add(person.line, "this number was superseded");
            return Ok(false);
        }
        Resolved::Person { id, .. } => Some(id),
        Resolved::NotKnown => None,
    };
    let is_known = id.is_some();
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
                id,
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
    work.db
        .prepare_cached(
            "INSERT INTO nhs_number (number, person_id, standing) VALUES (?1, ?2, 'current')
             ON CONFLICT (number) DO NOTHING",
        )?
        .execute(params![person.number.digits(), id])?;
    for (is_current, is_said) in [(true, person.name.is_some()), (false, !person.previous_names.is_empty())] {
        if is_said {
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
    find_by(work, id, is_known, person)?;
    Ok(true)
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
enum Applied {
    Written,
    /// What is held was sent later.
    Outdated,
    Refused,
}

/// By so much an authority's clock may run ahead of the hub's: an hour.
const CLOCKS_DIFFER_MS: i64 = 60 * 60 * 1000;

fn apply_plan<'a>(
    work: &Work<'_>,
    plan: &'a LoadedPlan,
    uploads: &mut HashMap<&'a str, i64>,
    refusals: &mut Refusals,
) -> Result<Applied, Fault> {
    let person = match people::resolve(work, plan.number)? {
        Resolved::Person { id, .. } => id,
        Resolved::Ended { .. } => {
            refusals.add(plan.line, "the identity of this number ended: it takes no plan");
            return Ok(Applied::Refused);
        }
        Resolved::NotKnown => {
            refusals.add(plan.line, "no person of this NHS number is known");
            return Ok(Applied::Refused);
        }
    };
    if plan.sent_ms.is_some_and(|sent| sent > work.now_ms().saturating_add(CLOCKS_DIFFER_MS)) {
        // It would stand in the way of everything that is sent until then.
        refusals.add(plan.line, "`meta.lastUpdated` is in the future");
        return Ok(Applied::Refused);
    }
    if people::is_restricted(work, person)? && !is_held(work, plan, person)? {
        refusals.add(plan.line, "a plan cannot be held for a restricted person");
        return Ok(Applied::Refused);
    }
    let upload = match uploads.get(plan.authority_code.as_str()) {
        Some(upload) => *upload,
        None => {
            let upload = begin_upload(work, plan)?;
            uploads.insert(&plan.authority_code, upload);
            upload
        }
    };
    let team = plan.authority.team.as_ref();
    // Without a time of its own the moment of loading counts.
    let written = work
        .db
        .prepare_cached(
            "INSERT INTO plan (person_id, authority_code, kind, start_day, end_day, number_uploaded, local_id,
                               upload_id, sent_ms, team_name, team_telephone)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (person_id, authority_code, kind, start_day) DO UPDATE SET
                end_day = excluded.end_day, number_uploaded = excluded.number_uploaded,
                local_id = excluded.local_id, upload_id = excluded.upload_id, sent_ms = excluded.sent_ms,
                team_name = excluded.team_name, team_telephone = excluded.team_telephone
             WHERE coalesce(excluded.sent_ms, ?12) >= coalesce(
                sent_ms, (SELECT at_ms FROM upload WHERE upload.id = plan.upload_id))",
        )?
        .execute(params![
            person,
            plan.authority_code,
            plan.kind.snomed(),
            plan.period.start.to_string(),
            plan.period.end.map(|end| end.to_string()),
            plan.number.digits(),
            plan.local_id,
            upload,
            plan.sent_ms,
            team.map(|team| team.name.as_str()),
            team.and_then(|team| team.telephone.as_ref()).map(|telephone| telephone.as_sent()),
            work.now_ms()
        ])?;
    Ok(if written == 0 { Applied::Outdated } else { Applied::Written })
}

/// Whether this very plan is held already: who became restricted later keeps it, and its authority may still
/// change or end it.
fn is_held(work: &Work<'_>, plan: &LoadedPlan, person: i64) -> Result<bool, Fault> {
    Ok(work
        .db
        .prepare_cached(
            "SELECT 1 FROM plan WHERE person_id = ?1 AND authority_code = ?2 AND kind = ?3 AND start_day = ?4",
        )?
        .exists(params![person, plan.authority_code, plan.kind.snomed(), plan.period.start.to_string()])?)
}

/// The authority as this file names and reaches it, and the id of this upload.
fn begin_upload(work: &Work<'_>, plan: &LoadedPlan) -> Result<i64, Fault> {
    let authority = &plan.authority;
    let hours = authority.hours.as_ref();
    work.db
        .prepare_cached(
            "INSERT INTO authority (code, name, office, emergency_duty, office_days, office_from, office_to)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (code) DO UPDATE SET
                name = excluded.name, office = excluded.office, emergency_duty = excluded.emergency_duty,
                office_days = excluded.office_days, office_from = excluded.office_from,
                office_to = excluded.office_to",
        )?
        .execute(params![
            plan.authority_code,
            authority.name,
            authority.office.as_ref().map(|telephone| telephone.as_sent()),
            authority.emergency_duty.as_ref().map(|telephone| telephone.as_sent()),
            hours.map(|hours| codec::days_text(&hours.days)),
            hours.map(|hours| codec::time_text(hours.from)),
            hours.map(|hours| codec::time_text(hours.to))
        ])?;
    work.db
        .prepare_cached("INSERT INTO upload (authority_code, at_ms) VALUES (?1, ?2)")?
        .execute(params![plan.authority_code, work.now_ms()])?;
    Ok(work.db.last_insert_rowid())
}
