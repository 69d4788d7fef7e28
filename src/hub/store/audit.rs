//! The audit log: append-only, written in the same transaction as what it logs.

use rusqlite::{named_params, params};

use super::codec;
use super::error::{Fault, StoreError};
use super::writer::Work;
use super::{Audited, Store};
use crate::domain::{Caller, NhsNumber};
use crate::hub::limits;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Search,
    Retrieve,
    View,
    SilentView,
    RepeatedView,
    HistoryRead,
    Refused,
    StatusRead,
    OpenedInError,
    CareSetting,
    CopyNumber,
    CopySummary,
    Print,
    Export,
    Load,
    AuditRead,
}

impl Kind {
    pub(super) fn code(self) -> &'static str {
        match self {
            Kind::Search => "search",
            Kind::Retrieve => "retrieve",
            Kind::View => "view",
            Kind::SilentView => "silent-view",
            Kind::RepeatedView => "repeated-view",
            Kind::HistoryRead => "history-read",
            Kind::Refused => "refused",
            Kind::StatusRead => "status-read",
            Kind::OpenedInError => "opened-in-error",
            Kind::CareSetting => "care-setting",
            Kind::CopyNumber => "copy-number",
            Kind::CopySummary => "copy-summary",
            Kind::Print => "print",
            Kind::Export => "export",
            Kind::Load => "load",
            Kind::AuditRead => "audit-read",
        }
    }
}

/// One entry. What is not known stays out.
pub(super) struct Entry<'a> {
    pub(super) kind: Kind,
    pub(super) outcome: &'a str,
    /// TraceID or X-Request-ID.
    pub(super) request: &'a str,
    pub(super) reference: Option<&'a str>,
    pub(super) person: Option<i64>,
    pub(super) number: Option<NhsNumber>,
    pub(super) detail: Option<serde_json::Value>,
}

impl<'a> Entry<'a> {
    pub(super) fn new(kind: Kind, outcome: &'a str, request: &'a str) -> Self {
        Self { kind, outcome, request, reference: None, person: None, number: None, detail: None }
    }
}

/// Appends an entry.
pub(super) fn append(work: &Work<'_>, caller: &Caller, entry: &Entry<'_>) -> Result<(), Fault> {
    work.db
        .prepare_cached(
            "INSERT INTO audit (at_ms, kind, outcome, user_id, user_name, role, organisation_code, organisation,
                                session, request, reference, person_id, number, detail)
             VALUES (:at, :kind, :outcome, :user, :name, :role, :code, :organisation,
                     :session, :request, :reference, :person, :number, :detail)",
        )?
        .execute(named_params! {
            ":at": work.now_ms(),
            ":kind": entry.kind.code(),
            ":outcome": entry.outcome,
            ":user": caller.user,
            ":name": caller.name,
            ":role": caller.role,
            ":code": caller.organisation_code,
            ":organisation": caller.organisation,
            ":session": caller.session,
            ":request": entry.request,
            ":reference": entry.reference,
            ":person": entry.person,
            ":number": entry.number.map(NhsNumber::digits),
            ":detail": entry.detail.as_ref().map(serde_json::Value::to_string),
        })?;
    Ok(())
}

/// Which entries to read; all that are given must hold.
#[derive(Debug, Clone, Default)]
pub struct AuditQuestion {
    /// Entries about the person of this number, under whatever number they were asked for. An ended identity
    /// is never joined with another.
    pub person: Option<NhsNumber>,
    /// Entries of this user.
    pub user: Option<String>,
    /// Entries since then.
    pub since: Option<jiff::Timestamp>,
}

/// An entry as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// When, as an ISO text in UTC.
    pub at: String,
    /// The columns kind, outcome, user, name, role, organisation code, organisation, request, reference,
    /// NHS number and detail, in this order; empty where nothing is held.
    pub columns: [String; 11],
}

impl Store {
    /// Reads the audit log, which is itself written to it first.
    ///
    /// # Errors
    /// The database refused.
    pub fn audit_rows(
        &self,
        reader: Caller,
        question: AuditQuestion,
    ) -> Result<Audited<Vec<AuditRow>>, StoreError> {
        self.write_blocking(move |work| {
            let mut entry = Entry::new(Kind::AuditRead, "returned", "command line");
            entry.number = question.person;
            entry.detail = Some(serde_json::json!({
                "user": question.user,
                "since": question.since.map(|at| at.to_string()),
            }));
            append(work, &reader, &entry)?;
            rows(work, &question)
        })
    }
}

fn rows(work: &Work<'_>, question: &AuditQuestion) -> Result<Vec<AuditRow>, Fault> {
    let mut statement = work.db.prepare_cached(
        "SELECT at_ms, kind, outcome, user_id, user_name, role, organisation_code, organisation,
                request, coalesce(reference, ''), coalesce(number, ''), coalesce(detail, '')
         FROM audit
         WHERE (?1 IS NULL OR number = ?1
                OR person_id IN (SELECT person_id FROM nhs_number WHERE nhs_number.number = ?1)
                OR number IN (SELECT other.number FROM nhs_number AS asked
                              JOIN nhs_number AS other USING (person_id) WHERE asked.number = ?1))
           AND (?2 IS NULL OR user_id = ?2)
           AND at_ms >= ?3
         ORDER BY id LIMIT ?4",
    )?;
    let most = i64::try_from(limits::AUDIT_PRINTED).unwrap_or(i64::MAX);
    let since = question.since.map_or(i64::MIN, jiff::Timestamp::as_millisecond);
    let mut found =
        statement.query(params![question.person.map(NhsNumber::digits), question.user, since, most])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let mut columns: [String; 11] = std::array::from_fn(|_| String::new());
        for (index, column) in columns.iter_mut().enumerate() {
            *column = row.get(index + 1)?;
        }
        rows.push(AuditRow { at: codec::moment(row.get(0)?)?.to_string(), columns });
    }
    Ok(rows)
}
