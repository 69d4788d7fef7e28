//! What local authorities are to be told: rows of the outbox, written in the commit of the view, or of what a load has changed
//! about a number.
//!
//! Each authority that holds a plan is told of each recorded view, but not twice of one view, and not again
//! by the same person (user and organisation) within 30 minutes. Views of one person at one organisation
//! within 12 hours are one attendance. A notification that was said to be in error counts for neither.

mod filed;
mod give;
pub(super) mod numbers;
mod registers;
mod waiting;

use jiff::SignedDuration;
use rusqlite::{OptionalExtension, named_params, params};

use super::codec;
use super::disclose::{HeldRecord, View};
use super::error::Fault;
use super::writer::Work;
pub(super) use give::page_of;
pub(in crate::hub) use give::{Ask, Given, Page};
pub use registers::{Bound, Move, Moved};
pub use waiting::Waiting;
pub(super) use waiting::waiting;

use crate::domain::{AccessReference, AccessStatus, Caller, Notice, NoticeState, Site, ViewMode};

/// "Check again" within this time of one's own notification is not told again.
const TOLD: SignedDuration = SignedDuration::from_mins(30);

/// Less than this after the first is the same attendance.
const ATTENDANCE: SignedDuration = SignedDuration::from_hours(12);

/// Longer than any attendance: twelve hours from its first, and some minutes where the first is said to be in error.
const ATTENDANCE_LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// Writes what is due for a recorded view of held plans.
pub(super) fn tell(
    work: &Work<'_>,
    caller: &Caller,
    view: &View,
    site: Option<&Site>,
    plans: &[HeldRecord],
) -> Result<(), Fault> {
    let mut told: Vec<&str> = Vec::new();
    // Of an authority's plans the one that it sent last says under what it knows the person.
    let mut by_upload: Vec<&HeldRecord> = plans.iter().collect();
    by_upload.sort_by_key(|record| std::cmp::Reverse((record.source.upload, record.id)));
    for record in by_upload {
        let authority = record.source.authority_code.as_str();
        if told.contains(&authority) || is_told_of_this_view(work, view, authority)? {
            continue;
        }
        told.push(authority);
        match told_before(work, caller, view, authority)? {
            Some(earlier) => {
                work.db
                    .prepare_cached(
                        "INSERT INTO told_earlier (view_id, authority_code, outbox_id) VALUES (?1, ?2, ?3)",
                    )?
                    .execute(params![view.id, authority, earlier])?;
            }
            None => queue(work, caller, view, site, record)?,
        }
    }
    Ok(())
}

fn is_told_of_this_view(work: &Work<'_>, view: &View, authority: &str) -> Result<bool, Fault> {
    Ok(work
        .db
        .prepare_cached(
            "SELECT 1 FROM outbox WHERE view_id = ?1 AND authority_code = ?2 AND kind = 'notification'
             UNION ALL SELECT 1 FROM told_earlier WHERE view_id = ?1 AND authority_code = ?2",
        )?
        .exists(params![view.id, authority])?)
}

/// The notification by which the same person told this authority of the same child just before.
fn told_before(work: &Work<'_>, caller: &Caller, view: &View, authority: &str) -> Result<Option<i64>, Fault> {
    let since = work.now_ms().saturating_sub(i64::try_from(TOLD.as_millis()).unwrap_or(0));
    Ok(work
        .db
        .prepare_cached(
            "SELECT outbox.id FROM outbox JOIN view ON view.id = outbox.view_id
             WHERE outbox.person_id = ?1 AND outbox.authority_code = ?2 AND outbox.kind = 'notification'
               AND outbox.user_id = ?3 AND outbox.organisation_code = ?4 AND outbox.at_ms >= ?5
               AND view.opened_in_error IS NULL
             ORDER BY outbox.at_ms DESC LIMIT 1",
        )?
        .query_row(params![view.person, authority, caller.user, caller.organisation_code, since], |row| {
            row.get(0)
        })
        .optional()?)
}

/// The attendance that this view belongs to: the reference of its first notification, if there was one. It
/// lasts from the first of it that was not in error, and outlives a first that was.
fn attendance(
    work: &Work<'_>,
    caller: &Caller,
    view: &View,
    authority: &str,
) -> Result<Option<String>, Fault> {
    let before = |moment: i64, time: SignedDuration| {
        moment.saturating_sub(i64::try_from(time.as_millis()).unwrap_or(0))
    };
    let after = before(work.now_ms(), ATTENDANCE);
    // Of a child who is looked at every half-hour of a year nobody reads the year.
    let longest = before(after, ATTENDANCE_LONGEST);
    Ok(work
        .db
        .prepare_cached(
            "SELECT outbox.attendance FROM outbox JOIN view ON view.id = outbox.view_id
             WHERE outbox.person_id = ?1 AND outbox.authority_code = ?2 AND outbox.kind = 'notification'
               AND outbox.organisation_code = ?3 AND outbox.at_ms > ?4 AND view.opened_in_error IS NULL
               AND NOT EXISTS (
                   SELECT 1 FROM outbox AS early JOIN view AS early_view ON early_view.id = early.view_id
                   WHERE early.person_id = ?1 AND early.authority_code = ?2
                     AND early.attendance = outbox.attendance AND early.kind = 'notification'
                     AND early.at_ms <= ?4 AND early.at_ms > ?5
                     AND early_view.opened_in_error IS NULL)
             ORDER BY outbox.at_ms DESC, outbox.id DESC LIMIT 1",
        )?
        .query_row(params![view.person, authority, caller.organisation_code, after, longest], |row| {
            row.get(0)
        })
        .optional()?)
}

fn queue(
    work: &Work<'_>,
    caller: &Caller,
    view: &View,
    site: Option<&Site>,
    record: &HeldRecord,
) -> Result<(), Fault> {
    let source = &record.source;
    let first = attendance(work, caller, view, &source.authority_code)?;
    let sequence = if first.is_some() { "repeat" } else { "first" };
    work.db
        .prepare_cached(
            "INSERT INTO outbox (kind, view_id, person_id, authority_code, authority_name, upload_id, local_id,
                                 number_uploaded, at_ms, user_id, user_name, role, organisation_code,
                                 organisation, setting, site, department, call_back, contact, sequence,
                                 attendance, reference, state, state_ms)
             VALUES ('notification', :view, :person, :authority, :authority_name, :upload, :local_id,
                     :number, :at, :user, :name, :role, :organisation_code,
                     :organisation, :setting, :site, :department, :call_back, :contact, :sequence,
                     :attendance, :reference, 'queued', :at)",
        )?
        .execute(named_params! {
            ":view": view.id,
            ":person": view.person,
            ":authority": source.authority_code,
            ":authority_name": record.plan.authority.name,
            ":upload": source.upload,
            ":local_id": source.local_id,
            ":number": source.number_uploaded,
            ":at": work.now_ms(),
            ":user": caller.user,
            ":name": caller.name,
            ":role": caller.role,
            ":organisation_code": caller.organisation_code,
            ":organisation": caller.organisation,
            ":setting": site.map(|site| site.setting.as_str()),
            ":site": site.map(|site| site.name.as_str()),
            ":department": site.map(|site| site.department.as_str()),
            ":call_back": site.and_then(|site| site.call_back.as_ref()).map(|number| number.as_sent()),
            ":contact": site.map(|site| site.contact.code()),
            ":sequence": sequence,
            ":attendance": first.as_deref().unwrap_or(&view.reference),
            ":reference": view.reference,
        })?;
    Ok(())
}

/// One correction for each authority that was told of a view; the same columns, said again.
pub(super) fn correct(work: &Work<'_>, view: i64) -> Result<(), Fault> {
    work.db
        .prepare_cached(
            "INSERT INTO outbox (kind, view_id, person_id, authority_code, authority_name, upload_id, local_id,
                                 number_uploaded, at_ms, user_id, user_name, role, organisation_code,
                                 organisation, setting, site, department, call_back, contact, sequence,
                                 attendance, reference, state, state_ms)
             SELECT 'correction', view_id, person_id, authority_code, authority_name, upload_id, local_id,
                    number_uploaded, ?2, user_id, user_name, role, organisation_code,
                    organisation, setting, site, department, call_back, contact, sequence,
                    attendance, reference, 'queued', ?2
             FROM outbox WHERE view_id = ?1 AND kind = 'notification'
             ON CONFLICT (view_id, authority_code, kind) DO NOTHING",
        )?
        .execute(params![view, work.now_ms()])?;
    Ok(())
}

/// A view said to be in error may have spared a later, deliberate one its notification: that one is told now,
/// as of when it was. Further ones that were spared are then spared by it.
pub(super) fn tell_spared(work: &Work<'_>, caller: &Caller, in_error: i64) -> Result<(), Fault> {
    let mut statement = work.db.prepare_cached(
        "SELECT told_earlier.authority_code, outbox.id, view.id, view.reference, view.person_id
         FROM told_earlier
         JOIN outbox ON outbox.id = told_earlier.outbox_id
         JOIN view ON view.id = told_earlier.view_id
         WHERE outbox.view_id = ?1 AND view.opened_in_error IS NULL
         ORDER BY view.at_ms, view.id",
    )?;
    let rows = statement.query_map([in_error], |row| {
        let view =
            View { id: row.get(2)?, reference: row.get(3)?, person: row.get(4)?, mode: ViewMode::Recorded };
        Ok((row.get(0)?, row.get(1)?, view))
    })?;
    let spared: Vec<(String, i64, View)> = rows.collect::<Result<_, _>>()?;
    let mut told: Vec<&str> = Vec::new();
    for (authority, outbox, view) in &spared {
        if told.contains(&authority.as_str()) {
            continue;
        }
        told.push(authority);
        let first = attendance(work, caller, view, authority)?;
        work.db
            .prepare_cached(
                "INSERT INTO outbox (kind, view_id, person_id, authority_code, authority_name, upload_id,
                                     local_id, number_uploaded, at_ms, user_id, user_name, role,
                                     organisation_code, organisation, setting, site, department, call_back,
                                     contact, sequence, attendance, reference, state, state_ms)
                 SELECT kind, view.id, outbox.person_id, authority_code, authority_name, upload_id,
                        local_id, number_uploaded, view.at_ms, outbox.user_id, user_name, role,
                        outbox.organisation_code, organisation, setting, site, department, call_back,
                        contact, ?3, ?4, view.reference, 'queued', ?5
                 FROM outbox JOIN view ON view.id = ?2 WHERE outbox.id = ?1",
            )?
            .execute(params![
                outbox,
                view.id,
                if first.is_some() { "repeat" } else { "first" },
                first.as_deref().unwrap_or(&view.reference),
                work.now_ms()
            ])?;
        let now_told = work.db.last_insert_rowid();
        work.db.execute(
            "DELETE FROM told_earlier WHERE view_id = ?1 AND authority_code = ?2",
            params![view.id, authority],
        )?;
        work.db
            .execute("UPDATE told_earlier SET outbox_id = ?2 WHERE outbox_id = ?1", [*outbox, now_told])?;
    }
    Ok(())
}

/// How far the telling of a view has come.
pub(super) fn status(db: &rusqlite::Connection, view: i64) -> Result<AccessStatus, Fault> {
    let (reference, at, mode): (String, i64, String) = db
        .prepare_cached("SELECT reference, at_ms, mode FROM view WHERE id = ?1")?
        .query_row([view], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut statement = db.prepare_cached(
        "SELECT authority_name, state, state_ms FROM outbox WHERE view_id = ?1 AND kind = 'notification'
         UNION ALL
         SELECT outbox.authority_name, 'told-earlier', outbox.at_ms
         FROM told_earlier JOIN outbox ON outbox.id = told_earlier.outbox_id WHERE told_earlier.view_id = ?1
         ORDER BY 1",
    )?;
    let mut rows = statement.query([view])?;
    let mut notices = Vec::new();
    while let Some(row) = rows.next()? {
        let state: String = row.get(1)?;
        let state = match state.as_str() {
            "queued" => NoticeState::Queued,
            "delivered" => NoticeState::Delivered,
            "filed" => NoticeState::Filed,
            "returned" => NoticeState::Returned,
            "told-earlier" => NoticeState::ToldEarlier,
            _ => return Err(Fault::Corrupt("the state of a notification")),
        };
        notices.push(Notice { authority: row.get(0)?, state, at: codec::moment(row.get(2)?)? });
    }
    Ok(AccessStatus {
        reference: AccessReference::parse(&reference).ok_or(Fault::Corrupt("a reference"))?,
        recorded: codec::moment(at)?,
        silent: mode == "silent",
        notices,
    })
}
