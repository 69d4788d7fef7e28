//! A view: the plans of a person, against the audit entry, the history row and the notifications.
//!
//! A view is identified by (user, organisation, `TraceID`). A repeat within ten minutes gets the same
//! reference and writes neither a second history row nor a second notification; what has become due since
//! (a plan is held now, the session is recorded now) is written under the same reference.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use super::audit::{self, Entry, Kind};
use super::error::{Fault, StoreError};
use super::notices;
use super::people::{self, Resolved};
use super::settings;
use super::shape::Shape;
use super::writer::Work;
use super::{Audited, Store, codec};
use crate::domain::plan::standing;
use crate::domain::{
    AccessReference, Authority, HeldPlan, NhsNumber, Person, PlanKind, PlanPeriod, Site, TailDays,
    TeamContact, Telephone, ViewMode, ViewPermit, dates,
};
use crate::hub::limits;

/// A repeat of a view is one for this long; then the TraceID is used up.
const REPEAT: SignedDuration = SignedDuration::from_mins(10);

/// What is asked for.
#[derive(Debug, Clone)]
pub struct ViewAsk {
    /// The number, possibly a superseded one.
    pub number: NhsNumber,
    /// The caller's UUID of this view.
    pub trace: Uuid,
    /// Where the caller works, as configured.
    pub site: Option<Site>,
}

/// What a view found.
#[derive(Debug)]
pub enum ViewOutcome {
    /// The number is known; the plans may be none.
    Disclosed(Box<Disclosed>),
    /// The number is not known to the hub: never "nothing held".
    NotKnown,
    /// The identity ended.
    Ended,
    /// The TraceID belongs to the view of another person.
    TraceOfAnotherPerson,
    /// The TraceID's ten minutes are over, or its view was said to be in error.
    TraceUsedUp,
}

/// A disclosed record.
#[derive(Debug)]
pub struct Disclosed {
    /// The reference under which the view is logged.
    pub reference: AccessReference,
    /// Whether anybody is told.
    pub mode: ViewMode,
    /// The person, under the number in use.
    pub person: Person,
    /// The plans that are shown today.
    pub plans: Vec<HeldRecord>,
}

/// A plan as held.
#[derive(Debug, Clone)]
pub struct HeldRecord {
    /// Row id.
    pub id: i64,
    /// The plan.
    pub plan: HeldPlan,
    /// What the authority's notification refers to.
    pub(super) source: Source,
}

/// Under what the authority sent a plan.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) authority_code: String,
    pub(super) upload: i64,
    pub(super) local_id: String,
    pub(super) number_uploaded: String,
}

/// A view's row.
pub(super) struct View {
    pub(super) id: i64,
    pub(super) reference: String,
    pub(super) person: i64,
    pub(super) mode: ViewMode,
}

impl Store {
    /// Discloses the plans of a person: audit entry, history row, notifications and the reading itself are
    /// one commit.
    ///
    /// # Errors
    /// The database refused: nothing is disclosed.
    pub async fn disclose(
        &self,
        permit: ViewPermit,
        ask: ViewAsk,
    ) -> Result<Audited<ViewOutcome>, StoreError> {
        self.disclose_as(permit, ask, Shape::CareTeam).await
    }

    /// The same, where the answer has another shape; the audit entry says which.
    ///
    /// # Errors
    /// The database refused: nothing is disclosed.
    pub async fn disclose_as(
        &self,
        permit: ViewPermit,
        ask: ViewAsk,
        shape: Shape,
    ) -> Result<Audited<ViewOutcome>, StoreError> {
        let tails = self.tails();
        self.write_first(move |work| disclose(work, &permit, &ask, shape, tails)).await
    }
}

fn disclose(
    work: &Work<'_>,
    permit: &ViewPermit,
    ask: &ViewAsk,
    shape: Shape,
    tails: TailDays,
) -> Result<ViewOutcome, Fault> {
    let trace = ask.trace.to_string();
    // Within the transaction: what the session says counts at the very moment of the view.
    let mode = permit.mode(settings::of_session(work, permit.caller())?);
    let refuse = |outcome: &'static str, kind, person| {
        let entry = Entry {
            person,
            number: Some(ask.number),
            detail: shape.detail(),
            ..Entry::new(kind, outcome, &trace)
        };
        audit::append(work, permit.caller(), &entry)
    };
    let person = match people::resolve(work, ask.number)? {
        Resolved::Person { id, .. } => id,
        Resolved::NotKnown => {
            refuse("not-found", opening(mode), None)?;
            return Ok(ViewOutcome::NotKnown);
        }
        Resolved::Ended { id } => {
            refuse("invalidated", opening(mode), Some(id))?;
            return Ok(ViewOutcome::Ended);
        }
    };
    let (subject, plans) = shown(work, person, tails)?;
    let (view, kind) = match earlier(work, permit, &trace)? {
        None => (open(work, permit, mode, &trace, person, !plans.is_empty())?, opening(mode)),
        Some(earlier) if earlier.view.person != person => {
            refuse("trace-of-another-person", Kind::Refused, Some(person))?;
            return Ok(ViewOutcome::TraceOfAnotherPerson);
        }
        Some(earlier) if earlier.in_error || work.now.duration_since(earlier.at) > REPEAT => {
            refuse("trace-used-up", Kind::Refused, Some(person))?;
            return Ok(ViewOutcome::TraceUsedUp);
        }
        Some(earlier) => (renew(work, earlier.view, mode, !plans.is_empty())?, Kind::RepeatedView),
    };
    let entry = Entry {
        reference: Some(&view.reference),
        person: Some(person),
        number: Some(ask.number),
        detail: shape.detail(),
        ..Entry::new(kind, if plans.is_empty() { "nothing-held" } else { "held" }, &trace)
    };
    audit::append(work, permit.caller(), &entry)?;
    if view.mode == ViewMode::Recorded && !plans.is_empty() {
        write_history(work, permit, &view)?;
        notices::tell(work, permit.caller(), &view, ask.site.as_ref(), &plans)?;
    }
    let reference = AccessReference::parse(&view.reference).ok_or(Fault::Corrupt("a reference"))?;
    let disclosed = Disclosed { reference, mode: view.mode, person: subject, plans };
    Ok(ViewOutcome::Disclosed(Box::new(disclosed)))
}

fn opening(mode: ViewMode) -> Kind {
    match mode {
        ViewMode::Recorded => Kind::View,
        ViewMode::Silent => Kind::SilentView,
    }
}

pub(super) fn mode_text(mode: ViewMode) -> &'static str {
    match mode {
        ViewMode::Recorded => "recorded",
        ViewMode::Silent => "silent",
    }
}

/// The view that a TraceID already stands for.
struct Earlier {
    view: View,
    at: Timestamp,
    in_error: bool,
}

fn earlier(work: &Work<'_>, permit: &ViewPermit, trace: &str) -> Result<Option<Earlier>, Fault> {
    let caller = permit.caller();
    let found: Option<(View, i64, bool)> = work
        .db
        .prepare_cached(
            "SELECT id, reference, person_id, mode, at_ms, opened_in_error IS NOT NULL FROM view
             WHERE user_id = ?1 AND organisation_code = ?2 AND trace_id = ?3",
        )?
        .query_row(params![caller.user, caller.organisation_code, trace], |row| {
            let mode: String = row.get(3)?;
            let mode = if mode == "silent" { ViewMode::Silent } else { ViewMode::Recorded };
            let view = View { id: row.get(0)?, reference: row.get(1)?, person: row.get(2)?, mode };
            Ok((view, row.get(4)?, row.get(5)?))
        })
        .optional()?;
    found.map(|(view, at, in_error)| Ok(Earlier { view, at: codec::moment(at)?, in_error })).transpose()
}

fn open(
    work: &Work<'_>,
    permit: &ViewPermit,
    mode: ViewMode,
    trace: &str,
    person: i64,
    held: bool,
) -> Result<View, Fault> {
    let caller = permit.caller();
    let reference = fresh_reference(work)?;
    work.db
        .prepare_cached(
            "INSERT INTO view (reference, user_id, organisation_code, trace_id, person_id, at_ms, mode, held)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            reference,
            caller.user,
            caller.organisation_code,
            trace,
            person,
            work.now_ms(),
            mode_text(mode),
            held
        ])?;
    Ok(View { id: work.db.last_insert_rowid(), reference, person, mode })
}

/// A repeat: what was silent and is recorded now becomes recorded, never the reverse.
fn renew(work: &Work<'_>, view: View, mode: ViewMode, held: bool) -> Result<View, Fault> {
    let mode = match (view.mode, mode) {
        (ViewMode::Silent, ViewMode::Silent) => ViewMode::Silent,
        (ViewMode::Recorded, _) | (_, ViewMode::Recorded) => ViewMode::Recorded,
    };
    work.db
        .prepare_cached("UPDATE view SET mode = ?2, held = max(held, ?3) WHERE id = ?1")?
        .execute(params![view.id, mode_text(mode), held])?;
    Ok(View { mode, ..view })
}

/// One row for each view, whenever it becomes due.
fn write_history(work: &Work<'_>, permit: &ViewPermit, view: &View) -> Result<(), Fault> {
    let caller = permit.caller();
    work.db
        .prepare_cached(
            "INSERT INTO history (view_id, person_id, at_ms, user_id, user_name, role, role_profile,
                                  organisation_code, organisation)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (view_id) DO NOTHING",
        )?
        .execute(params![
            view.id,
            view.person,
            work.now_ms(),
            caller.user,
            caller.name,
            caller.role,
            caller.role_profile,
            caller.organisation_code,
            caller.organisation
        ])?;
    Ok(())
}

/// Short enough to be read out on the telephone, without letters and digits that sound or look alike, and
/// not to be guessed. 30 to the power of 8 are enough; a collision is tried again.
fn fresh_reference(work: &Work<'_>) -> Result<String, Fault> {
    const LETTERS: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut taken = work.db.prepare_cached("SELECT 1 FROM view WHERE reference = ?1")?;
    for _ in 0..8 {
        // Two halves, so that no fixed bit of a version 4 UUID remains; the modulo's bias is negligible.
        let mut random = (Uuid::new_v4().as_u128() >> 64) ^ (Uuid::new_v4().as_u128() & u128::from(u64::MAX));
        let mut reference = String::with_capacity(9);
        for place in 0..8 {
            if place == 4 {
                reference.push('-');
            }
            let index = usize::try_from(random % 30).unwrap_or(0);
            reference.push(char::from(LETTERS.get(index).copied().unwrap_or(b'2')));
            random /= 30;
        }
        if !taken.exists([&reference])? {
            return Ok(reference);
        }
    }
    Err(Fault::Corrupt("no free reference"))
}

/// A person, and their plans that are shown today, on the London day of the hub's clock.
pub(super) fn shown(
    work: &Work<'_>,
    person: i64,
    tails: TailDays,
) -> Result<(Person, Vec<HeldRecord>), Fault> {
    let found = people::load(work.db, person)?;
    let subject = found.candidate.person;
    let born = subject.born.map(|born| born.range().1);
    let plans = shown_plans(work, person, born, tails)?;
    Ok((subject, plans))
}

fn shown_plans(
    work: &Work<'_>,
    person: i64,
    born: Option<Date>,
    tails: TailDays,
) -> Result<Vec<HeldRecord>, Fault> {
    let today = dates::london_day(work.now);
    let mut statement = work.db.prepare_cached(
        "SELECT plan.id, plan.kind, plan.start_day, plan.end_day, plan.sent_ms, plan.team_name,
                plan.team_telephone, authority.name, authority.code, authority.office,
                authority.emergency_duty, authority.office_days, authority.office_from, authority.office_to,
                plan.upload_id, plan.local_id, plan.number_uploaded
         FROM plan JOIN authority ON authority.code = plan.authority_code
         WHERE plan.person_id = ?1 ORDER BY plan.start_day DESC, plan.id",
    )?;
    let mut rows = statement.query([person])?;
    let mut plans = Vec::new();
    while let Some(row) = rows.next()? {
        let kind: String = row.get(1)?;
        let kind = PlanKind::from_code(&kind).ok_or(Fault::Corrupt("a plan's kind"))?;
        let start: String = row.get(2)?;
        let end: Option<String> = row.get(3)?;
        let period =
            PlanPeriod { start: codec::day(&start)?, end: end.as_deref().map(codec::day).transpose()? };
        if !standing(kind, period, born, today, tails).is_shown() {
            continue;
        }
        // An answer that left plans out would be wrong; one without end would be too large.
        if plans.len() == limits::PLANS_SHOWN {
            return Err(Fault::Corrupt("more plans than one person can have"));
        }
        plans.push(read_plan(row, kind, period)?);
    }
    Ok(plans)
}

fn read_plan(row: &rusqlite::Row<'_>, kind: PlanKind, period: PlanPeriod) -> Result<HeldRecord, Fault> {
    let telephone = |index: usize| -> Result<Option<Telephone>, Fault> {
        Ok(row.get::<_, Option<String>>(index)?.as_deref().and_then(Telephone::new))
    };
    let sent: Option<i64> = row.get(4)?;
    let team: Option<String> = row.get(5)?;
    let team = match team {
        Some(name) => Some(TeamContact { name, telephone: telephone(6)? }),
        None => None,
    };
    let code: String = row.get(8)?;
    let authority = Authority {
        name: row.get(7)?,
        code: Some(code.clone()),
        office: telephone(9)?,
        emergency_duty: telephone(10)?,
        hours: codec::hours(row.get(11)?, row.get(12)?, row.get(13)?)?,
        team,
    };
    let source = Source {
        authority_code: code,
        upload: row.get(14)?,
        local_id: row.get(15)?,
        number_uploaded: row.get(16)?,
    };
    let sent = sent.map(codec::moment).transpose()?;
    let plan = HeldPlan { kind: Some(kind), period: Some(period), authority, sent };
    Ok(HeldRecord { id: row.get(0)?, plan, source })
}
