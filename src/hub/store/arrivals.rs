//! A person of a load, with the numbers that theirs replaces and with their plans: all at once, so that nobody is known
//! before their plans are. Of somebody new either every plan is taken, or the person is refused too; so they are where
//! plans stay behind under a number that could not be joined.

use super::apply::{self, Applied, Applying};
use super::error::Fault;
use super::identities::{self, Restriction};
use super::people::{self, Resolved};
use super::writer::Work;
use crate::domain::NhsNumber;
use crate::hub::load::{Arrival, LineError, LoadedPlan};

/// Applies a person's line with all that belongs to it.
pub(super) fn arrive(work: &Work<'_>, arrival: &Arrival, applying: &mut Applying<'_>) -> Result<(), Fault> {
    let person = &arrival.person;
    if !applying.fits(person.line, person.number) {
        return Ok(());
    }
    let is_new = matches!(people::resolve(work, person.number)?, Resolved::NotKnown);
    if !is_new || (arrival.plans.is_empty() && arrival.replaces.is_empty()) {
        // What is wrong with a plan or a number is said in its own turn.
        return together(work, arrival, applying).map(drop);
    }
    let counts = applying.counts.clone();
    let codes = arrival.plans.iter().flatten().map(|plan| &plan.authority_code);
    let fresh: Vec<&String> = codes.filter(|code| !applying.uploads.contains_key(*code)).collect();
    let audited = work.entries.borrow().len();
    savepoint(work, "SAVEPOINT arrival")?;
    let refused = together(work, arrival, applying)?;
    if let Some(first) = refused.first() {
        savepoint(work, "ROLLBACK TO arrival")?;
        // What was audited of it is not, and nobody counts it.
        work.entries.borrow_mut().truncate(audited);
        *applying.counts = counts;
        for code in fresh {
            applying.uploads.remove(code);
        }
        applying.refuse(
            person.line,
            &format!("nobody is known without their plans, and one of this person's is refused ({first})"),
        );
    }
    savepoint(work, "RELEASE arrival")
}

fn savepoint(work: &Work<'_>, what: &str) -> Result<(), Fault> {
    work.db.prepare_cached(what)?.execute([])?;
    Ok(())
}

/// The person, the numbers and the plans; returns the plans that cannot be held, and the numbers that keep theirs.
fn together(
    work: &Work<'_>,
    arrival: &Arrival,
    applying: &mut Applying<'_>,
) -> Result<Vec<LineError>, Fault> {
    let mut refused = Vec::new();
    let Some(id) = apply::apply_person(work, &arrival.person, applying)? else { return Ok(refused) };
    applying.counts.people += 1;
    let is_lifted = arrival.person.restricted == Some(false);
    let restriction = if is_lifted { Restriction::Lifted } else { Restriction::Stays };
    for link in &arrival.replaces {
        if applying.fits(link.line, link.old) && applying.fits(link.line, link.new) {
            identities::supersede(work, link, restriction, applying)?;
        }
        if keeps_plans(work, link.old, id)? {
            refused.push(LineError::new(
                link.line,
                "plans are held under this number, and it could not be joined",
            ));
        }
    }
    for plan in &arrival.plans {
        match plan {
            Ok(plan) => refused.extend(early_plan(work, plan, id, applying)?),
            Err(error) => refused.push(error.clone()),
        }
    }
    Ok(refused)
}

/// Whether a number is still somebody else's, for whom plans are held. Of an identity that ended nothing is asked.
fn keeps_plans(work: &Work<'_>, number: NhsNumber, person: i64) -> Result<bool, Fault> {
    match people::resolve(work, number)? {
        Resolved::Person { id, .. } if id != person => {
            Ok(work.db.prepare_cached("SELECT 1 FROM plan WHERE person_id = ?1")?.exists([id])?)
        }
        Resolved::Person { .. } | Resolved::Ended { .. } | Resolved::NotKnown => Ok(false),
    }
}

/// A plan together with its person, under whatever number that is joined by now.
fn early_plan(
    work: &Work<'_>,
    plan: &LoadedPlan,
    person: i64,
    applying: &mut Applying<'_>,
) -> Result<Option<LineError>, Fault> {
    let why = match people::resolve(work, plan.number)? {
        Resolved::Person { id, number } if id == person => {
            let why = apply::refusal(work, plan, person, applying)?;
            if why.is_none()
                && let Applied::Written = apply::write_plan(work, plan, person, applying)?
            {
                applying.counts.plans += 1;
                apply::tell_of_number(work, plan, (person, number), applying)?;
            }
            why
        }
        // Theirs only if the file could join the two.
        Resolved::Person { .. } => return Ok(None),
        Resolved::Ended { .. } => Some(apply::ENDED),
        Resolved::NotKnown => Some(apply::NOT_KNOWN),
    };
    Ok(why.map(|why| LineError::new(plan.line, why)))
}
