//! How a plan and the authority that holds it are written, whoever brings them: a load or an upload.

use jiff::{Span, Timestamp};
use rusqlite::{ToSql, named_params};

use super::codec;
use super::error::Fault;
use super::writer::Work;
use crate::domain::{Authority, NhsNumber, PlanKind, PlanPeriod, TeamContact, dates};

/// A plan as it is to be held.
pub(super) struct Row<'a> {
    pub(super) person: i64,
    pub(super) authority_code: &'a str,
    pub(super) kind: PlanKind,
    pub(super) period: PlanPeriod,
    pub(super) number: NhsNumber,
    pub(super) local_id: &'a str,
    pub(super) upload: i64,
    pub(super) sent_ms: Option<i64>,
    pub(super) team: Option<&'a TeamContact>,
}

/// When a plan that is held already is written over.
#[derive(Clone, Copy)]
pub(super) enum Over {
    /// Whoever asks has looked.
    Always,
    /// Where what is held was not sent later; what has no time of its own was sent at this moment. Of two lines of one file, sent
    /// at the same time under two numbers of the person, the higher number's stays, whichever comes first.
    UnlessLater(i64),
}

/// Holds a plan; whether it was written.
pub(super) fn write_plan(work: &Work<'_>, row: &Row<'_>, over: Over) -> Result<bool, Fault> {
    let (condition, at_ms) = match over {
        Over::Always => ("", 0),
        Over::UnlessLater(at_ms) => (
            "WHERE (coalesce(excluded.sent_ms, :at),
                    upload_id <> excluded.upload_id OR number_uploaded <= excluded.number_uploaded)
                >= (coalesce(sent_ms, (SELECT at_ms FROM upload WHERE upload.id = plan.upload_id)), 1)",
            at_ms,
        ),
    };
    let sql = format!(
        "INSERT INTO plan (person_id, authority_code, kind, start_day, end_day, number_uploaded, local_id,
                           upload_id, sent_ms, team_name, team_telephone)
         VALUES (:person, :authority, :kind, :start, :end, :number, :local_id, :upload, :sent, :team, :telephone)
         ON CONFLICT (person_id, authority_code, kind, start_day) DO UPDATE SET
            end_day = excluded.end_day, number_uploaded = excluded.number_uploaded,
            local_id = excluded.local_id, upload_id = excluded.upload_id, sent_ms = excluded.sent_ms,
            team_name = excluded.team_name, team_telephone = excluded.team_telephone
         {condition}"
    );
    let (start, end) = (row.period.start.to_string(), row.period.end.map(|end| end.to_string()));
    let telephone = row.team.and_then(|team| team.telephone.as_ref()).map(|telephone| telephone.as_sent());
    let (team, number) = (row.team.map(|team| team.name.as_str()), row.number.digits());
    let mut values: Vec<(&str, &dyn ToSql)> = vec![
        (":person", &row.person),
        (":authority", &row.authority_code),
        (":start", &start),
        (":end", &end),
        (":number", &number),
        (":local_id", &row.local_id),
        (":upload", &row.upload),
        (":sent", &row.sent_ms),
        (":team", &team),
        (":telephone", &telephone),
    ];
    let kind = row.kind.snomed();
    values.push((":kind", &kind));
    if !condition.is_empty() {
        values.push((":at", &at_ms));
    }
    Ok(work.db.prepare_cached(&sql)?.execute(values.as_slice())? > 0)
}

/// What is kept of an authority that is described again.
#[derive(Clone, Copy)]
pub(super) enum Describe {
    /// It is as it was described last; what it does not say it has not.
    Whole,
    /// A number that is not given is not erased: a nurse would have nobody to call.
    KeepingNumbers,
}

/// Notes how an authority is called and reached, unless it was described later.
pub(super) fn describe(
    work: &Work<'_>,
    code: &str,
    authority: &Authority,
    at_ms: i64,
    how: Describe,
) -> Result<(), Fault> {
    let hours = authority.hours.as_ref();
    let keeps_numbers = match how {
        Describe::Whole => false,
        Describe::KeepingNumbers => true,
    };
    work.db
        .prepare_cached(
            "INSERT INTO authority (code, name, office, emergency_duty, office_days, office_from, office_to,
                                    described_ms)
             VALUES (:code, :name, :office, :duty, :days, :from, :to, :at)
             ON CONFLICT (code) DO UPDATE SET
                name = excluded.name,
                office = coalesce(excluded.office, iif(:keeps, office, NULL)),
                emergency_duty = coalesce(excluded.emergency_duty, iif(:keeps, emergency_duty, NULL)),
                office_days = excluded.office_days, office_from = excluded.office_from,
                office_to = excluded.office_to, described_ms = excluded.described_ms
             WHERE :keeps OR excluded.described_ms >= authority.described_ms",
        )?
        .execute(named_params! {
            ":code": code,
            ":name": authority.name,
            ":office": authority.office.as_ref().map(|telephone| telephone.as_sent()),
            ":duty": authority.emergency_duty.as_ref().map(|telephone| telephone.as_sent()),
            ":days": hours.map(|hours| codec::days_text(&hours.days)),
            ":from": hours.map(|hours| codec::time_text(hours.from)),
            ":to": hours.map(|hours| codec::time_text(hours.to)),
            ":at": at_ms,
            ":keeps": keeps_numbers,
        })?;
    Ok(())
}

/// Plans that ended before this day count as nobody's any more: they are shown for less than a year.
pub(super) fn counted_since(now: Timestamp) -> String {
    dates::london_day(now).saturating_sub(Span::new().days(366)).to_string()
}
