//! What differs between an extract and what the hub holds, as records.
//!
//! Everything is decided for one local id at a time. Absence never deletes: a plan that is no longer in the extract is taken
//! back only where another stands in its place from one extract to the next, or where all of the local id's plans are under another number now; those
//! go with them, in the same record. Of somebody else's plans, who had the local id before, neither is ever concluded.

use jiff::civil::Date;
use rusqlite::{Transaction, params};

use super::rows::Groups;
use super::{HELD, Held, MemoryError, day, pairing, persons, rows, turned_away};
use crate::exchange::RECORD_PLANS;

/// What happens to one local id; of several things the last of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Change {
    /// Nothing: sent again all the same, in a full refresh.
    Again,
    /// Another contact of the team, or none any more.
    OtherContact,
    /// A plan that the hub does not hold.
    New,
    /// Another end.
    OtherEnd,
    /// No end any more: the plan goes on.
    NoEnd,
    /// Somebody decided about a plan that is no longer in the extract.
    Decided,
    /// A plan stood under another start or kind.
    Corrected,
    /// The number was another: every plan moves.
    OtherNumber,
}

/// What differs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Records that are to be sent.
    pub records: u64,
    /// Plans to be held.
    pub plans: u64,
    /// Plans that are taken back.
    pub taken_back: u64,
    /// Plans that only end.
    pub ended: u64,
    /// Plans that have an end, and had none or another.
    pub other_end: u64,
    /// Plans that had an end and have none any more.
    pub goes_on_again: u64,
    /// Plans whose team has another contact.
    pub other_contact: u64,
    /// The first local ids with what happens to them.
    pub named: Vec<(String, Change)>,
    /// All of it was rejected before, but for one plan that goes along.
    pub(super) is_only_rejected: bool,
}

impl Changes {
    /// Whether all of it was rejected before.
    #[must_use]
    pub fn is_only_rejected(&self) -> bool {
        self.is_only_rejected
    }

    /// Notes what happens to one more local id, unless something is noted of it already.
    pub(super) fn name(&mut self, local_id: &str, change: Change) {
        if self.named.len() < NAMED && !self.named.iter().any(|(named, _)| named == local_id) {
            self.named.push((local_id.to_owned(), change));
        }
    }
}

/// So many local ids are named.
const NAMED: usize = 1_000;

/// What is to be sent of one local id.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) holds: Vec<Held>,
    pub(super) takes_back: Vec<Held>,
    pub(super) ends: Vec<Held>,
    pub(super) why: Option<Change>,
}

impl Sent {
    fn because(&mut self, change: Change) {
        self.why = self.why.max(Some(change));
    }
}

/// Finds what differs, and writes it down as records.
pub(super) fn find(work: &Transaction<'_>, today: Date, is_full: bool) -> Result<Changes, MemoryError> {
    work.execute("DELETE FROM outgoing_plan", [])?;
    let unclear = Unclear::of(work)?;
    let mut extract = work.prepare(&format!("SELECT {HELD} FROM extract ORDER BY local_id, row"))?;
    let mut held = work.prepare(&rows::held_but_restricted_teams())?;
    let (mut extract, mut held) = (Groups::of(&mut extract)?, Groups::of(&mut held)?);
    let mut changes = Changes::default();
    loop {
        let next = [extract.local_id(), held.local_id()].into_iter().flatten().min().map(str::to_owned);
        let Some(local_id) = next else { break };
        let (mut now, all_before) = (extract.take(&local_id)?, held.take(&local_id)?);
        let mut before = Vec::with_capacity(all_before.len());
        for held in all_before {
            if !is_taken_over(work, &held)? {
                before.push(held);
            }
        }
        let (before, of_others): (Vec<Held>, Vec<Held>) =
            before.into_iter().partition(|held| persons::is_own(held, &now));
        for plan in &mut now {
            take_over(work, plan)?;
            if !is_full {
                turned_away::leave(work, today, plan, &before)?;
            }
        }
        let is_unclear = unclear.covers(work, &local_id)?;
        let mut sent = differing(work, &now, &before, (is_unclear, is_full))?;
        for plan in &sent.holds {
            let is_known = |held: &&Held| held.number == plan.number && is_same(held, plan);
            let Some(known) = before.iter().find(is_known) else { continue };
            changes.other_contact += u64::from(known.has_other_contact(plan));
            if known.end == plan.end {
                continue;
            }
            changes.goes_on_again += u64::from(known.end.is_some() && plan.end.is_none());
            changes.other_end += u64::from(plan.end.is_some());
        }
        decided(work, &now, &before, (today, is_unclear), &mut sent)?;
        write_down(work, &mut changes, local_id.clone(), &before, sent)?;
        // In records of their own: nothing joins two people.
        for of_one in of_others.chunk_by(|one, other| one.number == other.number) {
            let mut sent = Sent::default();
            decided(work, &[], of_one, (today, is_unclear), &mut sent)?;
            write_down(work, &mut changes, local_id.clone(), of_one, sent)?;
        }
    }
    Ok(changes)
}

/// Local ids of which a part cannot be read: what is missing of them may be in those rows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unclear {
    Nobody,
    Some,
    /// Of rows without a local id nobody knows whose they are.
    All,
}

impl Unclear {
    fn of(work: &Transaction<'_>) -> Result<Self, MemoryError> {
        let is_there = |what: &str| work.prepare(&format!("SELECT 1 FROM refused_row{what}"))?.exists([]);
        Ok(match (is_there("")?, is_there(" WHERE local_id IS NULL")?) {
            (_, true) => Self::All,
            (true, false) => Self::Some,
            (false, false) => Self::Nobody,
        })
    }

    fn covers(self, work: &Transaction<'_>, local_id: &str) -> Result<bool, MemoryError> {
        Ok(match self {
            Self::All => true,
            Self::Nobody => false,
            Self::Some => {
                work.prepare_cached("SELECT 1 FROM refused_row WHERE local_id = ?1")?.exists([local_id])?
            }
        })
    }
}

pub(super) fn is_same(one: &Held, other: &Held) -> bool {
    one.kind == other.kind && one.start == other.start
}

/// Whether the extract has this plan under another local id now: then it is that one's, and nothing of it is taken back.
fn is_taken_over(work: &Transaction<'_>, held: &Held) -> Result<bool, MemoryError> {
    Ok(work
        .prepare_cached(
            "SELECT 1 FROM extract WHERE number = ?1 AND kind = ?2 AND start_day = ?3 AND local_id <> ?4",
        )?
        .exists(params![held.number, held.kind, held.start, held.local_id])?)
}

/// A plan of another local id is taken over with the end that it has: the hub takes an end only from whose plan it is. The
/// next upload brings the new end.
fn take_over(work: &Transaction<'_>, plan: &mut Held) -> Result<(), MemoryError> {
    if plan.end.is_none() {
        return Ok(());
    }
    let mut find = work.prepare_cached(
        "SELECT end_day, max(local_id = ?4) FROM held WHERE number = ?1 AND kind = ?2 AND start_day = ?3
         HAVING count(*) > 0",
    )?;
    let mut rows = find.query(params![plan.number, plan.kind, plan.start, plan.local_id])?;
    let Some(row) = rows.next()? else { return Ok(()) };
    let is_own: bool = row.get(1)?;
    if !is_own {
        plan.end = row.get(0)?;
    }
    Ok(())
}

/// What is to be sent of a local id that the extract has: its rows, beside what is held.
fn differing(
    work: &Transaction<'_>,
    now: &[Held],
    before: &[Held],
    (is_unclear, is_full): (bool, bool),
) -> Result<Sent, MemoryError> {
    let mut sent = Sent::default();
    let Some(first) = now.first() else { return Ok(sent) };
    for plan in now {
        let known = before.iter().find(|held| held.number == plan.number && is_same(held, plan));
        let why = match known {
            None => Change::New,
            Some(held) if held.end.is_some() && plan.end.is_none() => Change::NoEnd,
            Some(held) if held.end != plan.end => Change::OtherEnd,
            Some(held) if held.has_other_contact(plan) => Change::OtherContact,
            Some(_) if is_full => Change::Again,
            Some(_) => continue,
        };
        sent.because(why);
        // By itself: whatever has become of the number or the names, what is over must not stay on the screen.
        let only_ends = known.is_some_and(|held| is_sooner(plan, held));
        if only_ends {
            sent.ends.push(plan.clone());
        }
        if is_full || !only_ends {
            sent.holds.push(plan.clone());
        }
    }
    let new: Vec<&Held> = now.iter().filter(|plan| !before.iter().any(|held| is_same(held, plan))).collect();
    for held in before {
        let is_there = now.iter().any(|plan| is_same(plan, held));
        // Of what only the hub knew nobody can tell what came after it: whatever is there now.
        let is_replaced = !is_there
            && !is_unclear
            && !was_missing(work, held)?
            && if held.family.is_empty() {
                replaced(held, &now.iter().collect::<Vec<_>>())?
            } else {
                replaced(held, &new)?
            };
        if held.number != first.number {
            sent.because(Change::OtherNumber);
            sent.takes_back.push(held.clone());
            if !is_there && !is_replaced {
                sent.holds.push(Held {
                    number: first.number.clone(),
                    family: first.family.clone(),
                    given: first.given.clone(),
                    born: first.born.clone(),
                    ..held.clone()
                });
            }
        } else if is_replaced {
            sent.because(Change::Corrected);
            sent.takes_back.push(held.clone());
        }
    }
    Ok(sent)
}

/// Whether a plan was no longer in the extract before this one: then what stands in this one was not written in its place. Whoever decides about it
/// does, or has done.
fn was_missing(work: &Transaction<'_>, held: &Held) -> Result<bool, MemoryError> {
    Ok(work
        .prepare_cached(
            "SELECT 1 FROM absent WHERE local_id = ?1 AND number = ?2 AND kind = ?3 AND start_day = ?4",
        )?
        .exists(params![held.local_id, held.number, held.kind, held.start])?)
}

/// Whether a plan ends before it did. Days are ISO texts, which sort as days do.
fn is_sooner(plan: &Held, held: &Held) -> bool {
    plan.end.as_ref().is_some_and(|end| held.end.as_ref().is_none_or(|before| end < before))
}

/// Whether one of the new plans stands in the place of one that is gone from the extract: of the same kind, and not one that
/// began after the other's end; or from the same day on and of another kind.
pub(super) fn replaced(gone: &Held, new: &[&Held]) -> Result<bool, MemoryError> {
    let end = gone.end.as_deref().map(day).transpose()?;
    for plan in new {
        let start = day(&plan.start)?;
        let is_later = end.is_some_and(|end| end < start);
        if (plan.kind == gone.kind && !is_later) || (plan.start == gone.start && plan.kind != gone.kind) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What somebody decided about plans of a local id that are no longer in the extract.
fn decided(
    work: &Transaction<'_>,
    now: &[Held],
    before: &[Held],
    (today, is_unclear): (Date, bool),
    sent: &mut Sent,
) -> Result<(), MemoryError> {
    // What the extract may have in a row that cannot be read is not as it was when somebody decided; unless they knew of that row.
    let mut find = work.prepare_cached(
        "SELECT decision, end_day FROM absent
         WHERE local_id = ?1 AND number = ?2 AND kind = ?3 AND start_day = ?4 AND decision IN ('ended', 'in-error')
           AND (despite_row = 1 OR NOT ?5)",
    )?;
    for held in before {
        if now.iter().any(|plan| plan.kind == held.kind && plan.start == held.start) {
            continue;
        }
        let mut found = find.query(params![held.local_id, held.number, held.kind, held.start, is_unclear])?;
        let Some(row) = found.next()? else { continue };
        let is_sent = sent
            .holds
            .iter()
            .chain(&sent.takes_back)
            .chain(&sent.ends)
            .any(|plan| plan.number == held.number && plan.kind == held.kind && plan.start == held.start);
        let (decision, end): (String, Option<String>) = (row.get(0)?, row.get(1)?);
        match (is_sent, decision.as_str()) {
            (true, _) => {}
            (false, "ended") => {
                let end = end.or_else(|| Some(today.to_string()));
                sent.because(Change::Decided);
                sent.ends.push(Held { end, ..held.clone() });
            }
            (false, _) => {
                sent.because(Change::Decided);
                sent.takes_back.push(held.clone());
            }
        }
    }
    Ok(())
}

/// As records of no more plans than one can have; what is taken back stands first, beside what takes its place. What only ends
/// goes by itself: whatever is wrong with the others is no reason to leave a flag.
pub(super) fn write_down(
    work: &Transaction<'_>,
    changes: &mut Changes,
    local_id: String,
    before: &[Held],
    sent: Sent,
) -> Result<(), MemoryError> {
    let Sent { holds, takes_back, ends, why } = sent;
    let Some(why) = why else { return Ok(()) };
    changes.plans += holds.len() as u64;
    changes.taken_back += takes_back.len() as u64;
    changes.ended += ends.len() as u64;
    if changes.named.len() < NAMED {
        changes.named.push((local_id, why));
    }
    let person = holds.first().or(takes_back.first()).cloned();
    let mut insert = work.prepare_cached(&format!(
        "INSERT INTO outgoing_plan (place, nth, what, of_person, {HELD})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
    ))?;
    let ends: Vec<pairing::Part> = ends.into_iter().map(|plan| ("end", plan)).collect();
    let ends = ends.chunk_by(|(_, one), (_, other)| one.number == other.number);
    let ends = ends
        .flat_map(|of_one| of_one.chunks(RECORD_PLANS))
        .map(|record| (record.first().map(|(_, plan)| plan.clone()), record.to_vec()));
    let others = pairing::records(takes_back, holds, before)?;
    for (person, record) in others.into_iter().map(|record| (person.clone(), record)).chain(ends) {
        let Some(person) = person else { continue };
        changes.records += 1;
        for (nth, (what, plan)) in (0_i64..).zip(record) {
            insert.execute(params![
                i64::try_from(changes.records).unwrap_or(i64::MAX),
                nth,
                what,
                person.number,
                plan.local_id,
                plan.number,
                plan.kind,
                plan.start,
                plan.end,
                person.family,
                person.given,
                person.born,
                plan.contact_name,
                plan.contact_telephone
            ])?;
        }
    }
    Ok(())
}
