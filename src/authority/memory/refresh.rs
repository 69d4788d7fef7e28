//! What goes along that no difference asks for: what a hub that was put back from a backup has to hear again, and a plan by which
//! it is seen that something can be taken.

use rusqlite::{Transaction, params};

use super::changes::{self, Change, Changes, Sent};
use super::{HELD, Held, MemoryError};

/// What was taken back, and what is held and no longer in the extract, as records behind the others.
pub(super) fn find(work: &Transaction<'_>, changes: &mut Changes) -> Result<(), MemoryError> {
    // One number at a time: nothing may join two.
    let taken_back = format!(
        "SELECT local_id, number, kind, start_day, NULL, '', '', '', NULL, NULL FROM taken_back
         WHERE NOT EXISTS (SELECT 1 FROM extract WHERE {SAME_PLAN})
           AND NOT EXISTS (SELECT 1 FROM outgoing_plan AS sent WHERE {IS_SENT})
         ORDER BY local_id, number",
        SAME_PLAN = same("extract", "taken_back"),
        IS_SENT = same("sent", "taken_back"),
    );
    send(work, changes, &taken_back, |sent, plan| sent.takes_back.push(plan))?;
    let held = format!(
        "SELECT {HELD} FROM held
         WHERE NOT EXISTS (SELECT 1 FROM extract WHERE {SAME_PLAN})
           AND NOT EXISTS (SELECT 1 FROM outgoing_plan AS sent WHERE {IS_SENT})
         ORDER BY local_id, number",
        SAME_PLAN = same("extract", "held"),
        IS_SENT = same("sent", "held"),
    );
    send(work, changes, &held, |sent, plan| {
        if plan.end.is_some() {
            // By itself too: names may have changed since, and the end must reach the hub all the same.
            sent.ends.push(plan.clone());
        }
        if !plan.family.is_empty() {
            sent.holds.push(plan);
        }
    })
}

fn same(one: &str, other: &str) -> String {
    format!(
        "{one}.number = {other}.number AND {one}.kind = {other}.kind AND {one}.start_day = {other}.start_day"
    )
}

/// Writes down what a query finds, each local id's plans under one number together.
fn send(
    work: &Transaction<'_>,
    changes: &mut Changes,
    query: &str,
    put: impl Fn(&mut Sent, Held),
) -> Result<(), MemoryError> {
    let mut found: Vec<Held> = Vec::new();
    let mut statement = work.prepare(query)?;
    let mut rows = statement.query([])?;
    loop {
        let next = rows.next()?.map(Held::read).transpose()?;
        let is_other = |first: &Held| {
            next.as_ref()
                .is_none_or(|next| (&next.local_id, &next.number) != (&first.local_id, &first.number))
        };
        if let Some(first) = found.first().filter(|first| is_other(first)) {
            let local_id = first.local_id.clone();
            let mut sent = Sent { why: Some(Change::Again), ..Sent::default() };
            found.drain(..).for_each(|plan| put(&mut sent, plan));
            changes::write_down(work, changes, local_id, &[], sent)?;
        }
        match next {
            Some(plan) => found.push(plan),
            None => return Ok(()),
        }
    }
}

/// Whether everything that would go was rejected before.
pub(super) fn is_only_rejected(work: &Transaction<'_>, changes: &Changes) -> Result<bool, MemoryError> {
    if changes.records == 0 {
        return Ok(false);
    }
    let has_new = work
        .prepare(
            "SELECT 1 FROM outgoing_plan AS sent WHERE NOT EXISTS (
                SELECT 1 FROM not_visible WHERE not_visible.local_id = sent.local_id AND not_visible.code <> 'row'
                AND not_visible.plan = sent.kind || ' ' || sent.start_day)
             AND NOT EXISTS (
                SELECT 1 FROM turned_away WHERE turned_away.local_id = sent.local_id AND turned_away.number = sent.number
                AND turned_away.kind = sent.kind AND turned_away.start_day = sent.start_day)",
        )?
        .exists([])?;
    Ok(!has_new)
}

/// One plan that the hub holds as it is, whichever: if it is taken, what this authority sends can be; if not, no night is a good one.
pub(super) fn one_more(work: &Transaction<'_>, changes: &mut Changes) -> Result<(), MemoryError> {
    let mut find = work.prepare(&format!(
        "SELECT {HELD} FROM extract WHERE EXISTS (
            SELECT 1 FROM held WHERE {} AND held.local_id = extract.local_id AND held.end_day IS extract.end_day)
         AND NOT EXISTS (SELECT 1 FROM outgoing_plan AS sent WHERE {})
         ORDER BY random() LIMIT 1",
        same("held", "extract"),
        same("sent", "extract")
    ))?;
    let mut found = find.query(params![])?;
    let Some(plan) = found.next()?.map(Held::read).transpose()? else { return Ok(()) };
    let local_id = plan.local_id.clone();
    let sent = Sent { holds: vec![plan], why: Some(Change::Again), ..Sent::default() };
    changes::write_down(work, changes, local_id, &[], sent)
}
