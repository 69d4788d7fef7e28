//! What else a signed-in person does: refusals, reports of copies, the status of a view, "opened in error".

use jiff::SignedDuration;
use rusqlite::{OptionalExtension, params};

use super::audit::{self, Entry, Kind};
use super::error::{Fault, StoreError};
use super::notices;
use super::people::{self, Resolved};
use super::writer::Work;
use super::{Audited, Store};
use crate::domain::{AccessReference, AccessStatus, Caller, NhsNumber, ViewPermit};

/// "Opened in error" can be said for this long.
const IN_ERROR: SignedDuration = SignedDuration::from_mins(10);

/// For this long the status of a view is told.
const STATUS_TOLD: SignedDuration = SignedDuration::from_hours(24);

/// A request of a proven caller that their role does not allow.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// What was asked for: `search`, `view` …
    pub asked: &'static str,
    /// The person's number, where one was given.
    pub number: Option<NhsNumber>,
    /// TraceID or X-Request-ID.
    pub request: String,
}

/// What a viewer reports that it did with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportedKind {
    /// A telephone number was copied.
    CopyNumber,
    /// The summary was copied.
    CopySummary,
    /// The record was printed.
    Print,
    /// The record was written to a file.
    Export,
}

impl ReportedKind {
    /// Of the code that travels.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        match code.trim() {
            "copy-number" => Some(Self::CopyNumber),
            "copy-summary" => Some(Self::CopySummary),
            "print" => Some(Self::Print),
            "export" => Some(Self::Export),
            _ => None,
        }
    }
}

/// What became of "opened in error".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenedInError {
    /// Logged, and a correction queued for each authority that was told; also when said before.
    Logged,
    /// No view of this caller.
    NotKnown,
    /// The ten minutes are over.
    TooLate,
}

impl Store {
    /// Logs a refusal.
    ///
    /// # Errors
    /// The database refused.
    pub async fn refuse(&self, caller: Caller, refusal: Refusal) -> Result<Audited<()>, StoreError> {
        self.write(move |work| {
            let person = match refusal.number.map(|number| people::resolve(work, number)).transpose()? {
                Some(Resolved::Person { id, .. } | Resolved::Ended { id }) => Some(id),
                Some(Resolved::NotKnown) | None => None,
            };
            let entry = Entry {
                person,
                number: refusal.number,
                detail: Some(serde_json::json!({ "asked": refusal.asked })),
                ..Entry::new(Kind::Refused, "not-allowed", &refusal.request)
            };
            audit::append(work, &caller, &entry)
        })
        .await
    }

    /// Logs that a caller asked too often, this many times.
    ///
    /// # Errors
    /// The database refused.
    pub async fn refuse_rate(
        &self,
        caller: Caller,
        asked: &'static str,
        count: u64,
    ) -> Result<Audited<()>, StoreError> {
        self.write(move |work| {
            let entry = Entry {
                detail: Some(serde_json::json!({ "asked": asked, "count": count })),
                ..Entry::new(Kind::Refused, "too-many-requests", "")
            };
            audit::append(work, &caller, &entry)
        })
        .await
    }

    /// Logs what a viewer did with the caller's own view; `false` where the caller has no such view.
    ///
    /// # Errors
    /// The database refused: the viewer must not do it.
    pub async fn report(
        &self,
        caller: Caller,
        kind: ReportedKind,
        reference: AccessReference,
    ) -> Result<Audited<bool>, StoreError> {
        self.write(move |work| {
            let view = own_view(work, &caller, &reference)?;
            let kind = match kind {
                ReportedKind::CopyNumber => Kind::CopyNumber,
                ReportedKind::CopySummary => Kind::CopySummary,
                ReportedKind::Print => Kind::Print,
                ReportedKind::Export => Kind::Export,
            };
            let outcome = if view.is_some() { "reported" } else { "no-such-view" };
            log_own(work, &caller, kind, outcome, &reference, view.as_ref())?;
            Ok(view.is_some())
        })
        .await
    }

    /// How far the telling of the caller's own view has come; `None` where there is no such view, where it is
    /// older than a day, or where the identity has ended. The viewer asks every few seconds: audited are the
    /// first answer and each one that says something else than the one before.
    ///
    /// # Errors
    /// The database refused: nothing is told.
    pub async fn status(
        &self,
        permit: ViewPermit,
        reference: AccessReference,
    ) -> Result<Audited<Option<AccessStatus>>, StoreError> {
        self.write(move |work| status(work, permit.caller(), &reference)).await
    }

    /// Logs that the caller's own view was opened in error, and queues the corrections.
    ///
    /// # Errors
    /// The database refused.
    pub async fn opened_in_error(
        &self,
        caller: Caller,
        reference: AccessReference,
    ) -> Result<Audited<OpenedInError>, StoreError> {
        self.write(move |work| {
            let view = own_view(work, &caller, &reference)?;
            let latest = i64::try_from(IN_ERROR.as_millis()).unwrap_or(0);
            let (outcome, logged) = match &view {
                None => ("no-such-view", OpenedInError::NotKnown),
                Some(view) if view.opened_in_error => ("said-before", OpenedInError::Logged),
                Some(view) if work.now_ms().saturating_sub(view.at_ms) > latest => {
                    ("too-late", OpenedInError::TooLate)
                }
                Some(view) => {
                    work.db
                        .prepare_cached("UPDATE view SET opened_in_error = ?2 WHERE id = ?1")?
                        .execute(params![view.id, work.now_ms()])?;
                    notices::correct(work, view.id)?;
                    notices::tell_spared(work, &caller, view.id)?;
                    ("logged", OpenedInError::Logged)
                }
            };
            log_own(work, &caller, Kind::OpenedInError, outcome, &reference, view.as_ref())?;
            Ok(logged)
        })
        .await
    }
}

/// A view of the caller's own.
struct OwnView {
    id: i64,
    person: i64,
    at_ms: i64,
    opened_in_error: bool,
    trace: String,
    status_read: Option<String>,
}

/// The status as told, audited if it says something else than before.
fn status(
    work: &Work<'_>,
    caller: &Caller,
    reference: &AccessReference,
) -> Result<Option<AccessStatus>, Fault> {
    let Some(view) = own_view(work, caller, reference)? else {
        log_own(work, caller, Kind::StatusRead, "no-such-view", reference, None)?;
        return Ok(None);
    };
    let oldest = i64::try_from(STATUS_TOLD.as_millis()).unwrap_or(0);
    let (outcome, told) = if people::has_ended(work, view.person)? {
        ("invalidated", None)
    } else if work.now_ms().saturating_sub(view.at_ms) > oldest {
        ("too-late", None)
    } else {
        ("returned", Some(notices::status(work.db, view.id)?))
    };
    let said = match &told {
        None => outcome.to_owned(),
        Some(status) => status.notices.iter().fold(format!("silent {}", status.silent), |said, notice| {
            format!("{said}; {:?} {} {}", notice.state, notice.at, notice.authority)
        }),
    };
    if view.status_read.as_deref() != Some(said.as_str()) {
        work.db
            .prepare_cached("UPDATE view SET status_read = ?2 WHERE id = ?1")?
            .execute(params![view.id, said])?;
        log_own(work, caller, Kind::StatusRead, outcome, reference, Some(&view))?;
    }
    Ok(told)
}

fn own_view(work: &Work<'_>, caller: &Caller, reference: &AccessReference) -> Result<Option<OwnView>, Fault> {
    Ok(work
        .db
        .prepare_cached(
            "SELECT id, person_id, at_ms, opened_in_error IS NOT NULL, trace_id, status_read FROM view
             WHERE reference = ?1 AND user_id = ?2 AND organisation_code = ?3",
        )?
        .query_row(params![reference.as_str(), caller.user, caller.organisation_code], |row| {
            Ok(OwnView {
                id: row.get(0)?,
                person: row.get(1)?,
                at_ms: row.get(2)?,
                opened_in_error: row.get(3)?,
                trace: row.get(4)?,
                status_read: row.get(5)?,
            })
        })
        .optional()?)
}

fn log_own(
    work: &Work<'_>,
    caller: &Caller,
    kind: Kind,
    outcome: &'static str,
    reference: &AccessReference,
    view: Option<&OwnView>,
) -> Result<(), Fault> {
    let person = view.map(|view| view.person);
    let entry = Entry {
        reference: Some(reference.as_str()),
        person,
        number: person.map(|id| people::number_in_use(work, id)).transpose()?.flatten(),
        ..Entry::new(kind, outcome, view.map_or("", |view| view.trace.as_str()))
    };
    audit::append(work, caller, &entry)
}
