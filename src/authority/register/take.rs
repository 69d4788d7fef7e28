//! Notifications as they come: each is taken once, by its id; numbers that are passed over are noted.

use jiff::Timestamp;
use rusqlite::{Transaction, TransactionBehavior, params};

use super::{Register, RegisterError};
use crate::exchange::notice::{self, Heading, Item, Mark, NotOver};

/// Numbers that are noted as missing at most: more is another kind of trouble.
const MISSING: u32 = 1000;

/// First pause before a missing number is asked for again, which doubles, and the longest.
const AGAIN_MS: i64 = 5_000;
const AGAIN_MOST_MS: i64 = 3_600_000;

/// A moment further off than the longest pause is of a clock that was ahead.
const DUE: &str = "next_ms NOT BETWEEN ?1 + 1 AND ?1 + ?2";

/// What a document brought.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Notifications that were not here before.
    pub new: u64,
    /// Those that were.
    pub again: u64,
    /// Numbers that were passed over.
    pub missing: u64,
}

impl Register {
    /// Takes what a document holds, in one commit: only then may anybody hear that it came.
    ///
    /// # Errors
    /// The register cannot be written: nothing of it was taken.
    pub fn take(
        &mut self,
        heading: &Heading,
        items: &[Item],
        now: Timestamp,
    ) -> Result<Taken, RegisterError> {
        self.take_sent(heading, items, true, now)
    }

    /// Takes a document that came before, and that nobody has sent again: it says nothing of receipts.
    ///
    /// # Errors
    /// The register cannot be written: nothing of it was taken.
    pub fn take_same(
        &mut self,
        heading: &Heading,
        items: &[Item],
        now: Timestamp,
    ) -> Result<Taken, RegisterError> {
        self.take_sent(heading, items, false, now)
    }

    fn take_sent(
        &mut self,
        heading: &Heading,
        items: &[Item],
        is_sent_again: bool,
        now: Timestamp,
    ) -> Result<Taken, RegisterError> {
        let have = self.have()?;
        let work = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut taken = Taken::default();
        let mut next = have.as_ref().map(|have| have.number.saturating_add(1));
        // By a way on which the hub does not say where it begins, a new register's numbers begin with the first: the message with the first
        // ones may be the one that is not there.
        if next.is_none() && heading.unfiled.is_none() && is_new(&work)? {
            next = Some(1);
        }
        for item in items {
            let mark = item.mark();
            if let Some(next) = next {
                taken.missing += note_missing(&work, next, mark.number, now)?;
            }
            let again = taken.again;
            keep(&work, heading, item, now, &mut taken)?;
            // By a way on which the hub cannot say of what it has no receipt, that it sends it again says so.
            if is_sent_again && taken.again > again && heading.unfiled.is_none() {
                work.prepare_cached("UPDATE notice SET told = NULL WHERE id = ?1")?
                    .execute([mark.id.as_str()])?;
            }
            next = Some(mark.number.saturating_add(1));
        }
        match items.last() {
            Some(last) => reach(&work, last.mark())?,
            // What was given and does not come is missing too.
            None => {
                if let Some(next) = next {
                    taken.missing += note_missing(&work, next, heading.last.saturating_add(1), now)?;
                }
            }
        }
        forget_receipts(&work, heading, now)?;
        if let (Some(have), Some(not_over)) = (&have, heading.not_over) {
            tell_lost_again(&work, have.number, not_over, now)?;
        }
        taken.missing += note_rest(&work, now)?;
        work.commit()?;
        Ok(taken)
    }

    /// Takes what was asked for again because it was missing; how far the link has come does not change by it.
    ///
    /// # Errors
    /// The register cannot be written.
    pub fn take_again(
        &mut self,
        heading: &Heading,
        items: &[Item],
        now: Timestamp,
    ) -> Result<Taken, RegisterError> {
        let work = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut taken = Taken::default();
        for item in items {
            keep(&work, heading, item, now, &mut taken)?;
        }
        work.commit()?;
        Ok(taken)
    }

    /// Behind which number what is missing begins and the last of it, if it is time to ask again; that it was is noted.
    ///
    /// # Errors
    /// The register cannot be written.
    pub fn missing_due(&mut self, now: Timestamp) -> Result<Option<(u32, u32)>, RegisterError> {
        let now_ms = now.as_millisecond();
        let due: (Option<u32>, Option<u32>) = self.db.query_row(
            &format!("SELECT min(number), max(number) FROM missing WHERE settled_ms IS NULL AND {DUE}"),
            params![now_ms, AGAIN_MOST_MS],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let (Some(first), Some(last)) = due else { return Ok(None) };
        self.db.execute(
            &format!("UPDATE missing SET tries = tries + 1, next_ms = ?1 + min(?3 << min(tries, 20), ?2) WHERE {DUE}"),
            params![now_ms, AGAIN_MOST_MS, AGAIN_MS],
        )?;
        Ok(Some((first.saturating_sub(1), last)))
    }
}

/// Keeps one of a document: new, or the same again.
fn keep(
    work: &Transaction<'_>,
    heading: &Heading,
    item: &Item,
    now: Timestamp,
    taken: &mut Taken,
) -> Result<(), RegisterError> {
    let mark = item.mark();
    let document = match item {
        Item::Unreadable(_, entry) => entry.clone().into_bytes(),
        Item::Inactive(_) => notice::write_items(heading, std::slice::from_ref(item), now),
        Item::Notice(notice) => notice::write(heading, std::slice::from_ref(notice.as_ref()), now),
    };
    let kept = work
        .prepare_cached(
            "INSERT INTO notice (id, number, document, came_ms) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![mark.id.as_str(), mark.number, document, now.as_millisecond()])?;
    work.prepare_cached("DELETE FROM missing WHERE number = ?1")?.execute([mark.number])?;
    if kept == 1 {
        taken.new += 1
    } else {
        taken.again += 1
    }
    Ok(())
}

fn is_new(work: &Transaction<'_>) -> Result<bool, RegisterError> {
    Ok(!work.prepare_cached("SELECT 1 FROM notice LIMIT 1")?.exists([])?)
}

fn reach(work: &Transaction<'_>, mark: &Mark) -> Result<(), RegisterError> {
    work.execute("UPDATE link SET have_number = ?1, have_id = ?2", params![mark.number, mark.id.as_str()])?;
    Ok(())
}

/// Notes the numbers from one on up to before another that are not here.
fn note_missing(
    work: &Transaction<'_>,
    from: u32,
    before: u32,
    now: Timestamp,
) -> Result<u64, RegisterError> {
    let mut missing = 0;
    for number in (from..before).take(MISSING as usize) {
        missing += work
            .prepare_cached(
                "INSERT INTO missing (number, since_ms)
                 SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM notice WHERE number = ?1)
                 ON CONFLICT (number) DO NOTHING",
            )?
            .execute(params![number, now.as_millisecond()])?;
    }
    // The rest is noted once these have come, or somebody has looked into them.
    if before.saturating_sub(from) > MISSING {
        work.execute(
            "UPDATE link SET missing_next = min(coalesce(missing_next, ?1), ?1), missing_to = max(coalesce(missing_to, 0), ?2)",
            params![from.saturating_add(MISSING), before.saturating_sub(1)],
        )?;
    }
    Ok(missing as u64)
}

/// Notes the next of a gap that is larger than what is noted at once.
fn note_rest(work: &Transaction<'_>, now: Timestamp) -> Result<u64, RegisterError> {
    let (next, to, is_busy): (Option<u32>, Option<u32>, bool) = work.query_row(
        "SELECT missing_next, missing_to, EXISTS (SELECT 1 FROM missing WHERE settled_ms IS NULL) FROM link",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let (Some(next), Some(to), false) = (next, to, is_busy) else { return Ok(0) };
    work.execute("UPDATE link SET missing_next = NULL, missing_to = NULL", [])?;
    note_missing(work, next, to.saturating_add(1), now)
}

/// Receipts are all sent again at most so often, and where that does not help rests twice as long each time.
const TOLD_AGAIN_MS: i64 = 3_600_000;
const TOLD_AGAIN_MOST_MS: i64 = 24 * TOLD_AGAIN_MS;

/// The hub says how many notifications, of those up to the last that this link has, are not over. Where that is more than it can be by
/// what the hub was told, it has lost receipts, wherever among them: it was put back so that its numbers stayed the same.
fn tell_lost_again(
    work: &Transaction<'_>,
    have: u32,
    not_over: NotOver,
    now: Timestamp,
) -> Result<(), RegisterError> {
    // What never came here has no receipt either.
    let (untold, listed): (u32, u32) = work.query_row(
        "SELECT (SELECT count(*) FROM notice WHERE number <= ?1 AND told IS NULL)
              + (SELECT count(*) FROM missing WHERE number <= ?1)
              + (SELECT coalesce(max(min(missing_to, ?1) - missing_next + 1, 0), 0) FROM link),
                (SELECT count(*) FROM notice WHERE number <= ?1 AND told = 'triage')",
        [have],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let all = not_over.without_receipt.saturating_add(not_over.on_list);
    let lost = not_over
        .without_receipt
        .saturating_sub(untold)
        .max(all.saturating_sub(untold.saturating_add(listed)));
    if lost == 0 {
        return Ok(());
    }
    // As many as the last time: sending them did not help. More, or long after that: it is another time.
    let is_due = work.execute(
        "UPDATE link SET told_again_ms = ?1, told_again_count = ?4,
                         told_again_rest_ms = CASE WHEN ?4 <> told_again_count OR ?1 - told_again_ms NOT BETWEEN 0 AND 2 * ?3 THEN ?2
                                                   ELSE min(coalesce(2 * told_again_rest_ms, ?2), ?3) END
         WHERE told_again_ms IS NULL OR ?1 - told_again_ms NOT BETWEEN 0 AND
             CASE WHEN ?4 > told_again_count THEN ?2 ELSE coalesce(told_again_rest_ms, ?2) END - 1",
        params![now.as_millisecond(), TOLD_AGAIN_MS, TOLD_AGAIN_MOST_MS, lost],
    )?;
    if is_due > 0 {
        work.execute("UPDATE notice SET told = NULL WHERE told IS NOT NULL", [])?;
    }
    Ok(())
}

/// The hub says of which notification it has no receipt. If it had one, it has forgotten it and those after it: it was put
/// back from a backup. They are sent again.
fn forget_receipts(work: &Transaction<'_>, heading: &Heading, now: Timestamp) -> Result<(), RegisterError> {
    let Some(unfiled) = &heading.unfiled else { return Ok(()) };
    // One that never came here, behind what did: no receipt can end it, so it is asked for.
    work.prepare_cached(
        "INSERT INTO missing (number, since_ms)
         SELECT ?1, ?3 FROM link WHERE have_number >= ?1 AND NOT EXISTS (SELECT 1 FROM notice WHERE id = ?2)
         ON CONFLICT (number) DO NOTHING",
    )?
    .execute(params![unfiled.number, unfiled.id.as_str(), now.as_millisecond()])?;
    let was_told = work
        .prepare_cached("SELECT 1 FROM notice WHERE id = ?1 AND told IS NOT NULL")?
        .exists([unfiled.id.as_str()])?;
    if was_told {
        work.execute("UPDATE notice SET told = NULL WHERE number >= ?1", [unfiled.number])?;
    }
    Ok(())
}
