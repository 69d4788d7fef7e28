//! The audit log: append-only, written in the same transaction as what it logs.

use rusqlite::{Connection, ToSql};

use super::codec;
use super::error::{Fault, StoreError};
use super::writer::Work;
use super::{Audited, Store};
use crate::domain::{AuditPermit, Caller, NhsNumber};
use crate::hub::limits;
use crate::hub::metrics::{Metrics, Viewed};

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
    SessionBegun,
    SessionEnded,
    SignInRefused,
    RolePicked,
    CopyNumber,
    CopySummary,
    Print,
    Export,
    Load,
    AuditRead,
    ConcernsRead,
    Backup,
    Restore,
    Retention,
    Upload,
    PlanTakenBack,
    RecordRejected,
    Notices,
    NumberTold,
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
            Kind::SessionBegun => "session-begun",
            Kind::SessionEnded => "session-ended",
            Kind::SignInRefused => "sign-in-refused",
            Kind::RolePicked => "role-picked",
            Kind::CopyNumber => "copy-number",
            Kind::CopySummary => "copy-summary",
            Kind::Print => "print",
            Kind::Export => "export",
            Kind::Load => "load",
            Kind::AuditRead => "audit-read",
            Kind::ConcernsRead => "concerns-read",
            Kind::Backup => "backup",
            Kind::Restore => "restore",
            Kind::Retention => "retention",
            Kind::Upload => "upload",
            Kind::PlanTakenBack => "plan-taken-back",
            Kind::RecordRejected => "record-rejected",
            Kind::Notices => "notifications",
            Kind::NumberTold => "number-told",
        }
    }
}

/// One entry. What is not known stays out.
pub(super) struct Entry<'a> {
    pub(super) kind: Kind,
    /// A word of this program's.
    pub(super) outcome: &'static str,
    /// TraceID or X-Request-ID.
    pub(super) request: &'a str,
    pub(super) reference: Option<&'a str>,
    pub(super) person: Option<i64>,
    pub(super) number: Option<NhsNumber>,
    pub(super) detail: Option<serde_json::Value>,
}

impl<'a> Entry<'a> {
    pub(super) fn new(kind: Kind, outcome: &'static str, request: &'a str) -> Self {
        Self { kind, outcome, request, reference: None, person: None, number: None, detail: None }
    }
}

/// Appends an entry.
pub(super) fn append(work: &Work<'_>, caller: &Caller, entry: &Entry<'_>) -> Result<(), Fault> {
    append_about(work, caller, entry, [(entry.person, entry.number)])
}

/// Appends the same entry about each of several people: what is the same in all is written out once.
pub(super) fn append_about(
    work: &Work<'_>,
    caller: &Caller,
    entry: &Entry<'_>,
    people: impl IntoIterator<Item = (Option<i64>, Option<NhsNumber>)>,
) -> Result<(), Fault> {
    // A restore writes into databases of older schemas too, which know of no program: there none asks.
    let (column, place) = if caller.client.is_some() { (", client", ", ?15") } else { ("", "") };
    let mut insert = work.db.prepare_cached(&format!(
        "INSERT INTO audit (person_id, number, at_ms, kind, outcome, user_id, user_name, role, organisation_code,
                            organisation, session, request, reference, detail{column})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14{place})"
    ))?;
    let detail = entry.detail.as_ref().map(serde_json::Value::to_string);
    let same: [&dyn ToSql; 12] = [
        &work.now_ms(),
        &entry.kind.code(),
        &entry.outcome,
        &caller.user,
        &caller.name,
        &caller.role,
        &caller.organisation_code,
        &caller.organisation,
        &caller.session,
        &entry.request,
        &entry.reference,
        &detail,
    ];
    for (value, place) in same.into_iter().zip(3..) {
        insert.raw_bind_parameter(place, value)?;
    }
    if let Some(client) = &caller.client {
        insert.raw_bind_parameter(15, client)?;
    }
    for (person, number) in people {
        insert.raw_bind_parameter(1, person)?;
        insert.raw_bind_parameter(2, number.map(NhsNumber::digits))?;
        insert.raw_execute()?;
        work.entries.borrow_mut().push((entry.kind, entry.outcome));
    }
    Ok(())
}

/// Counts an entry that is on disk.
pub(super) fn count(metrics: &Metrics, kind: Kind, outcome: &'static str) {
    metrics.audited(kind.code(), outcome);
    let viewed = match kind {
        Kind::View => Viewed::Recorded,
        Kind::SilentView => Viewed::Silent,
        Kind::RepeatedView => Viewed::Repeated,
        Kind::Search
        | Kind::Retrieve
        | Kind::HistoryRead
        | Kind::Refused
        | Kind::StatusRead
        | Kind::OpenedInError
        | Kind::CareSetting
        | Kind::SessionBegun
        | Kind::SessionEnded
        | Kind::SignInRefused
        | Kind::RolePicked
        | Kind::CopyNumber
        | Kind::CopySummary
        | Kind::Print
        | Kind::Export
        | Kind::Load
        | Kind::AuditRead
        | Kind::ConcernsRead
        | Kind::Backup
        | Kind::Restore
        | Kind::Retention
        | Kind::Upload
        | Kind::PlanTakenBack
        | Kind::RecordRejected
        | Kind::Notices
        | Kind::NumberTold => return,
    };
    // What was asked of a number that is not known is no view.
    if matches!(outcome, "held" | "nothing-held") {
        metrics.viewed(viewed);
    }
}

/// Which entries to read; all that are given must hold.
#[derive(Debug, Clone)]
pub struct AuditQuestion {
    /// Entries about the person of this number, under whatever number they were asked for. An ended identity
    /// is never joined with another.
    pub person: Option<NhsNumber>,
    /// Entries of this user.
    pub user: Option<String>,
    /// Entries since then.
    pub since: Option<jiff::Timestamp>,
    /// Entries before the one with this place in the log: the next page.
    pub before: Option<i64>,
    /// So many at most, the newest.
    pub most: usize,
}

impl Default for AuditQuestion {
    fn default() -> Self {
        Self { person: None, user: None, since: None, before: None, most: limits::AUDIT_PRINTED }
    }
}

/// An entry as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its place in the log.
    pub id: i64,
    /// When, as an ISO text in UTC.
    pub at: String,
    /// The columns kind, outcome, user, name, role, organisation code, organisation, request, reference,
    /// NHS number, detail and registered program, in this order; empty where nothing is held.
    pub columns: [String; 12],
}

/// What was read: newest first, and how many more there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRead {
    /// At most as many as were asked for.
    pub rows: Vec<AuditRow>,
    /// How many older ones fit the question too.
    pub more: u64,
    /// How many fit it on all pages.
    pub total: u64,
}

impl Store {
    /// Reads the audit log. That it is read is written to it, and committed, first; then a reader reads it, so
    /// that nothing else waits for a long reading.
    ///
    /// # Errors
    /// The database refused.
    pub fn audit_rows(&self, reader: Caller, question: AuditQuestion) -> Result<AuditRead, StoreError> {
        let asked = question.clone();
        self.write_blocking(move |work| append(work, &reader, &reading(&asked, "command line")))?;
        self.read(move |db| rows(db, &question, None))
    }

    /// The same, of what people of the reader's own organisation did.
    ///
    /// # Errors
    /// The database refused.
    pub async fn audit_of_organisation(
        &self,
        permit: AuditPermit,
        question: AuditQuestion,
    ) -> Result<(Audited<()>, AuditRead), StoreError> {
        let (asked, reader) = (question.clone(), permit.caller().clone());
        let audited = self.write(move |work| append(work, &reader, &reading(&asked, "organisation"))).await?;
        let organisation = permit.caller().organisation_code.clone();
        let read = self.read_elsewhere(move |db| rows(db, &question, Some(&organisation))).await?;
        Ok((audited, read))
    }
}

/// That the log is read, by whom it was asked for, and from where.
fn reading<'a>(asked: &AuditQuestion, from: &'a str) -> Entry<'a> {
    let mut entry = Entry::new(Kind::AuditRead, "returned", from);
    entry.number = asked.person;
    entry.detail = Some(serde_json::json!({
        "user": asked.user,
        "since": asked.since.map(|at| at.to_string()),
    }));
    if let (Some(before), Some(detail)) = (asked.before, entry.detail.as_mut()) {
        detail["before"] = before.into();
    }
    entry
}

/// Each part of the union has an index of its own; an OR over them would have none. An ended identity has
/// nothing in common with another number.
const ABOUT_PERSON: &str = "id IN (
    SELECT id FROM audit WHERE number = :number
    UNION SELECT audit.id FROM nhs_number JOIN audit USING (person_id) WHERE nhs_number.number = :number
    UNION SELECT audit.id FROM nhs_number AS asked
        JOIN nhs_number AS other USING (person_id)
        JOIN audit ON audit.number = other.number
        WHERE asked.number = :number)";

fn rows(
    db: &Connection,
    question: &AuditQuestion,
    organisation: Option<&String>,
) -> Result<AuditRead, Fault> {
    let number = question.person.map(NhsNumber::digits);
    let since = question.since.map(jiff::Timestamp::as_millisecond);
    let mut conditions = Vec::new();
    let mut values: Vec<(&str, &dyn ToSql)> = Vec::new();
    if let Some(number) = &number {
        conditions.push(ABOUT_PERSON);
        values.push((":number", number));
    }
    if let Some(user) = &question.user {
        conditions.push("user_id = :user");
        values.push((":user", user));
    }
    if let Some(since) = &since {
        conditions.push("at_ms >= :since");
        values.push((":since", since));
    }
    if let Some(organisation) = &organisation {
        conditions.push("organisation_code = :organisation");
        values.push((":organisation", organisation));
    }
    let joined = |conditions: &[&str]| match conditions {
        [] => "TRUE".to_owned(),
        some => some.join(" AND "),
    };
    let count = |values: &[(&str, &dyn ToSql)], conditions: &str| -> Result<u64, Fault> {
        let count: i64 = db
            .prepare(&format!("SELECT count(*) FROM audit WHERE {conditions}"))?
            .query_row(values, |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    };
    let total = count(&values, &joined(&conditions))?;
    let mut left = total;
    if let Some(before) = &question.before {
        conditions.push("id < :before");
        values.push((":before", before));
        left = count(&values, &joined(&conditions))?;
    }
    let conditions = joined(&conditions);
    let mut statement = db.prepare(&format!(
        "SELECT id, at_ms, kind, outcome, user_id, user_name, role, organisation_code, organisation,
                request, coalesce(reference, ''), coalesce(number, ''), coalesce(detail, ''), coalesce(client, '')
         FROM audit WHERE {conditions} ORDER BY id DESC LIMIT {}",
        question.most
    ))?;
    let mut found = statement.query(values.as_slice())?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let mut columns: [String; 12] = std::array::from_fn(|_| String::new());
        for (index, column) in columns.iter_mut().enumerate() {
            *column = row.get(index + 2)?;
        }
        rows.push(AuditRow { id: row.get(0)?, at: codec::moment(row.get(1)?)?.to_string(), columns });
    }
    let more = left.saturating_sub(rows.len() as u64);
    Ok(AuditRead { rows, more, total })
}
