//! Removes what is over its time: in slices that hold the writer shortly, each with its own entry of the audit log.
//!
//! What must go is found by a reader and judged again by the writer. Kept, however old: what a plan that is shown needs,
//! the rows that the access history still lists, notifications that were not sent, and an attendance of which
//! a part is younger.

mod numbers;
mod views;

use std::time::Instant;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};
use rusqlite::{Connection, params};
use serde_json::json;

use super::audit::{self, Entry, Kind};
use super::error::{Fault, StoreError};
use super::writer::Work;
use super::{Store, codec};
use crate::config::hub::Retention;
use crate::domain::plan::standing;
use crate::domain::{Caller, PlanKind, PlanPeriod, Standing, TailDays, birth, dates};
use crate::hub::limits;

/// A clock that is this far ahead of the last removal may be wrong.
const CLOCK_AHEAD: SignedDuration = SignedDuration::from_hours(31 * 24);

/// How much was removed, or would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removed {
    /// Plans.
    pub plans: u64,
    /// Views.
    pub views: u64,
    /// Rows of the access history.
    pub history: u64,
    /// Notifications and corrections, and notes that one was spared.
    pub notices: u64,
    /// Entries of the audit log.
    pub audit: u64,
}

impl std::fmt::Display for Removed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} plans, {} views, {} rows of the access history, {} notifications, {} entries of the audit log",
            self.plans, self.views, self.history, self.notices, self.audit
        )
    }
}

impl Removed {
    fn add(&mut self, other: Self) {
        self.plans += other.plans;
        self.views += other.views;
        self.history += other.history;
        self.notices += other.notices;
        self.audit += other.audit;
    }
}

/// What goes: rows of one kind, and until when.
#[derive(Debug, Clone, Copy)]
enum Cut {
    Views {
        before_ms: i64,
        now_ms: i64,
    },
    /// Notices of numbers, which have no view.
    Numbers {
        before_ms: i64,
    },
    /// Plans that were gone already on this day.
    Plans {
        gone_by: Date,
        tails: TailDays,
    },
    Audit {
        before_ms: i64,
        now_ms: i64,
    },
}

/// What a reader found: rows to be judged again, and where to go on.
struct Slice {
    due: Vec<i64>,
    would_go: Removed,
    next: Option<i64>,
}

impl Store {
    /// Removes what is over its time, unless the clock is a month ahead of the last removal (before the first one: of the
    /// first entry of the audit log) and nobody says with `today` that it is right: then nothing, and `None`, since what
    /// is removed by a wrong clock is gone. Entries that were written since say nothing: the same clock wrote them.
    ///
    /// # Errors
    /// The database refused; what was removed before stays removed and is audited.
    pub async fn retain(
        &self,
        policy: Retention,
        by: Caller,
        today: Option<Date>,
    ) -> Result<Option<Removed>, StoreError> {
        let now = self.0.clock.now();
        let last = self
            .read_elsewhere(|db| {
                let last = "SELECT coalesce((SELECT at_ms FROM retention_run),
                                            (SELECT at_ms FROM audit ORDER BY id LIMIT 1))";
                Ok(db.query_row(last, [], |row| row.get::<_, Option<i64>>(0))?)
            })
            .await?;
        let ahead = i64::try_from(CLOCK_AHEAD.as_millis()).unwrap_or(i64::MAX);
        let is_ahead = last.is_some_and(|last| now.as_millisecond().saturating_sub(last) > ahead);
        if is_ahead && today != Some(dates::london_day(now)) {
            return Ok(None);
        }
        let removed = self.remove_as_of(now, policy, by, false).await?;
        self.write(move |work| {
            work.db
                .prepare_cached("INSERT OR REPLACE INTO retention_run (id, at_ms) VALUES (1, ?1)")?
                .execute([now.as_millisecond()])?;
            Ok(())
        })
        .await?;
        Ok(Some(removed))
    }

    /// Removes what is over its time whatever the clock says, or only counts it.
    ///
    /// # Errors
    /// The database refused; what was removed before stays removed and is audited.
    pub async fn remove(&self, policy: Retention, by: Caller, dry_run: bool) -> Result<Removed, StoreError> {
        self.remove_as_of(self.0.clock.now(), policy, by, dry_run).await
    }

    async fn remove_as_of(
        &self,
        now: Timestamp,
        policy: Retention,
        by: Caller,
        dry_run: bool,
    ) -> Result<Removed, StoreError> {
        let now_ms = now.as_millisecond();
        let before = |days: u32| now_ms.saturating_sub(i64::from(days) * 86_400_000);
        let mut cuts = Vec::new();
        if let Some(days) = policy.views_days {
            cuts.push(Cut::Views { before_ms: before(days), now_ms });
            cuts.push(Cut::Numbers { before_ms: before(days) });
        }
        if let Some(days) = policy.plans_days {
            let gone_by = dates::london_day(now).checked_sub(i64::from(days).days()).unwrap_or(Date::MIN);
            cuts.push(Cut::Plans { gone_by, tails: self.tails() });
        }
        if let Some(years) = policy.audit_years {
            // With every leap day, and one more.
            cuts.push(Cut::Audit { before_ms: before(years.saturating_mul(36_525) / 100 + 1), now_ms });
        }
        let mut all = Removed::default();
        for cut in cuts {
            let mut from = Some(0);
            while let Some(cursor) = from {
                let slice = self.read_elsewhere(move |db| find(db, cut, cursor)).await?;
                from = slice.next;
                if dry_run {
                    all.add(slice.would_go);
                } else {
                    all.add(self.remove_slice(cut, slice.due, &by).await?);
                }
            }
        }
        Ok(all)
    }

    async fn remove_slice(&self, cut: Cut, mut due: Vec<i64>, by: &Caller) -> Result<Removed, StoreError> {
        let mut all = Removed::default();
        while !due.is_empty() {
            let (asked, by) = (due.clone(), by.clone());
            match self.write(move |work| remove(work, cut, &asked, &by)).await {
                Ok(done) => {
                    let (removed, judged) = done.into_value();
                    all.add(removed);
                    due.drain(..judged.clamp(1, due.len()));
                }
                // Everything else goes first.
                Err(StoreError::Busy) => {}
                Err(error) => return Err(error),
            }
            tokio::time::sleep(limits::RETENTION_PAUSE).await;
        }
        Ok(all)
    }
}

fn find(db: &Connection, cut: Cut, after: i64) -> Result<Slice, Fault> {
    match cut {
        Cut::Views { before_ms, now_ms } => views::find(db, (before_ms, now_ms), after),
        Cut::Numbers { before_ms } => numbers::find(db, before_ms, after),
        Cut::Plans { gone_by, tails } => {
            let (due, next) = find_plans(db, gone_by, tails, after)?;
            let would_go = Removed { plans: due.len() as u64, ..Removed::default() };
            Ok(Slice { due, would_go, next })
        }
        Cut::Audit { before_ms, now_ms } => {
            let (due, next) = older(db, "audit", (before_ms, now_ms), after)?;
            let would_go = Removed { audit: due.len() as u64, ..Removed::default() };
            Ok(Slice { due, would_go, next })
        }
    }
}

/// The next rows of a table that grows with time, up to the first one that is young: from the cut-off until now. One of
/// a day to come was written by a clock that was wrong, and does not hide what is behind it.
fn older(
    db: &Connection,
    table: &str,
    (before_ms, now_ms): (i64, i64),
    after: i64,
) -> Result<(Vec<i64>, Option<i64>), Fault> {
    let mut statement =
        db.prepare_cached(&format!("SELECT id, at_ms FROM {table} WHERE id > ?1 ORDER BY id LIMIT ?2"))?;
    let mut rows = statement.query(params![after, limits::RETENTION_ROWS as i64])?;
    let (mut found, mut next) = (Vec::new(), None);
    while let Some(row) = rows.next()? {
        let (id, at_ms): (i64, i64) = (row.get(0)?, row.get(1)?);
        if (before_ms..=now_ms).contains(&at_ms) {
            return Ok((found, None));
        }
        if at_ms < before_ms {
            found.push(id);
        }
        next = Some(id);
    }
    Ok((found, next))
}

fn find_plans(
    db: &Connection,
    gone_by: Date,
    tails: TailDays,
    after: i64,
) -> Result<(Vec<i64>, Option<i64>), Fault> {
    let mut statement = db.prepare_cached("SELECT id FROM plan WHERE id > ?1 ORDER BY id LIMIT ?2")?;
    let all: Vec<i64> = statement
        .query_map(params![after, limits::RETENTION_ROWS as i64], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let next = all.last().copied();
    let mut due = Vec::new();
    for id in all {
        if is_gone(db, id, gone_by, tails)? {
            due.push(id);
        }
    }
    Ok((due, next))
}

/// Whether a plan was shown to nobody any more already on a day, and was held then already.
///
/// Never by a birth date alone, which may be a placeholder or a slip, and be put right tomorrow: a plan that ended is
/// judged by its own dates too, and one that did not end must have begun before the 18th birthday, else one of the two
/// dates is wrong and nobody knows which.
fn is_gone(db: &Connection, plan: i64, day: Date, tails: TailDays) -> Result<bool, Fault> {
    let mut statement = db.prepare_cached(
        "SELECT plan.kind, plan.start_day, plan.end_day, person.born, max(upload.at_ms, coalesce(plan.sent_ms, 0))
         FROM plan JOIN person ON person.id = plan.person_id JOIN upload ON upload.id = plan.upload_id
         WHERE plan.id = ?1",
    )?;
    let mut rows = statement.query([plan])?;
    let Some(row) = rows.next()? else { return Ok(false) };
    let (kind, start): (String, String) = (row.get(0)?, row.get(1)?);
    let (end, born): (Option<String>, Option<String>) = (row.get(2)?, row.get(3)?);
    let kind = PlanKind::from_code(&kind).ok_or(Fault::Corrupt("a plan's kind"))?;
    let period = PlanPeriod { start: codec::day(&start)?, end: end.as_deref().map(codec::day).transpose()? };
    let born = match born {
        None => None,
        Some(text) => Some(codec::born(&text).ok_or(Fault::Corrupt("a date of birth"))?.range().1),
    };
    let was_held = dates::london_day(codec::moment(row.get(4)?)?) < day && period.start < day;
    let is_over = match (period.end, born) {
        (Some(_), _) => standing(kind, period, None, day, tails) == Standing::Gone,
        (None, Some(born)) => period.start < birth::birthday(born, 18),
        (None, None) => false,
    };
    Ok(was_held && is_over && standing(kind, period, born, day, tails) == Standing::Gone)
}

/// Removes those of the rows that still have to go, as many as there is time for; says how many were judged.
fn remove(work: &Work<'_>, cut: Cut, due: &[i64], by: &Caller) -> Result<(Removed, usize), Fault> {
    let since = Instant::now();
    let mut removed = Removed::default();
    let mut judged = 0;
    let detail = match cut {
        Cut::Views { before_ms, now_ms: _ } => {
            let mut judge = views::Judge::new(before_ms);
            for id in due {
                removed.add(judge.remove(work.db, *id)?);
                judged += 1;
                if since.elapsed() >= limits::RETENTION_SLICE {
                    break;
                }
            }
            json!({ "views": removed.views, "history": removed.history, "notices": removed.notices,
                    "before": codec::moment(before_ms)?.to_string() })
        }
        Cut::Numbers { before_ms } => {
            for id in due {
                removed.notices += numbers::remove(work.db, *id, before_ms)?;
                judged += 1;
                if since.elapsed() >= limits::RETENTION_SLICE {
                    break;
                }
            }
            json!({ "notices": removed.notices, "before": codec::moment(before_ms)?.to_string() })
        }
        Cut::Plans { gone_by, tails } => {
            for id in due {
                if is_gone(work.db, *id, gone_by, tails)? {
                    removed.plans +=
                        work.db.prepare_cached("DELETE FROM plan WHERE id = ?1")?.execute([id])? as u64;
                }
                judged += 1;
                if since.elapsed() >= limits::RETENTION_SLICE {
                    break;
                }
            }
            json!({ "plans": removed.plans, "gone_by": gone_by.to_string() })
        }
        Cut::Audit { before_ms, now_ms: _ } => {
            removed.audit = remove_audit(work, before_ms, due, by)?;
            return Ok((removed, due.len()));
        }
    };
    if removed != Removed::default() {
        let entry = Entry { detail: Some(detail), ..Entry::new(Kind::Retention, "removed", "retention") };
        audit::append(work, by, &entry)?;
    }
    Ok((removed, judged))
}

/// The entry first: the database lets nothing go without it.
fn remove_audit(work: &Work<'_>, before_ms: i64, due: &[i64], by: &Caller) -> Result<u64, Fault> {
    let (Some(first), Some(last)) = (due.first(), due.last()) else { return Ok(0) };
    let rows = "audit WHERE id BETWEEN ?1 AND ?2 AND at_ms < ?3";
    let count: i64 = work
        .db
        .prepare_cached(&format!("SELECT count(*) FROM {rows}"))?
        .query_row(params![first, last, before_ms], |row| row.get(0))?;
    if count == 0 {
        return Ok(0);
    }
    let detail = json!({ "audit": count, "audit_before_ms": before_ms,
                         "before": codec::moment(before_ms)?.to_string() });
    let entry = Entry { detail: Some(detail), ..Entry::new(Kind::Retention, "removed", "retention") };
    audit::append(work, by, &entry)?;
    work.db
        .prepare_cached("INSERT INTO audit_removal (id, before_ms, entry) VALUES (1, ?1, ?2)")?
        .execute([before_ms, work.db.last_insert_rowid()])?;
    let gone =
        work.db.prepare_cached(&format!("DELETE FROM {rows}"))?.execute(params![first, last, before_ms])?;
    work.db.prepare_cached("DELETE FROM audit_removal")?.execute([])?;
    if i64::try_from(gone).ok() == Some(count) {
        Ok(gone as u64)
    } else {
        Err(Fault::Corrupt("entries of the audit log that were counted"))
    }
}
