//! What else a signed-in person does: refusals, reports of copies, "opened in error", scheduled care.

use jiff::SignedDuration;
use rusqlite::{OptionalExtension, params};

use super::audit::{self, Entry, Kind};
use super::error::{Fault, StoreError};
use super::notices;
use super::people::{self, Resolved};
use super::writer::Work;
use super::{Audited, Store};
use crate::domain::{AccessReference, AccessStatus, Caller, CareSetting, NhsNumber};

/// "Opened in error" can be said for this long.
const IN_ERROR: SignedDuration = SignedDuration::from_mins(10);

/// What a session said about scheduled care is kept for this long; no session lives longer.
const SETTING_KEPT: SignedDuration = SignedDuration::from_hours(24);

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

    /// How far the telling of the caller's own view has come.
    ///
    /// # Errors
    /// The database refused.
    pub async fn status(
        &self,
        caller: Caller,
        reference: AccessReference,
    ) -> Result<Option<AccessStatus>, StoreError> {
        self.read_elsewhere(move |db| notices::status(db, &caller, &reference)).await
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

    /// What the caller's session has said about scheduled care; unscheduled unless it said otherwise.
    ///
    /// # Errors
    /// The database refused.
    pub async fn care_setting(&self, caller: &Caller) -> Result<CareSetting, StoreError> {
        let (session, user) = (caller.session.clone(), caller.user.clone());
        self.read_elsewhere(move |db| {
            let setting: Option<String> = db
                .prepare_cached(
                    "SELECT care_setting FROM session_setting WHERE session = ?1 AND user_id = ?2",
                )?
                .query_row(params![session, user], |row| row.get(0))
                .optional()?;
            Ok(match setting.as_deref() {
                Some("scheduled") => CareSetting::Scheduled,
                Some(_) | None => CareSetting::Unscheduled,
            })
        })
        .await
    }

    /// Notes what the caller's session says about scheduled care.
    ///
    /// # Errors
    /// The database refused: the session stays as it was.
    pub async fn set_care_setting(
        &self,
        caller: Caller,
        setting: CareSetting,
    ) -> Result<Audited<()>, StoreError> {
        self.write(move |work| {
            let text = match setting {
                CareSetting::Scheduled => "scheduled",
                CareSetting::Unscheduled => "unscheduled",
            };
            let kept = i64::try_from(SETTING_KEPT.as_millis()).unwrap_or(i64::MAX);
            work.db
                .prepare_cached("DELETE FROM session_setting WHERE at_ms < ?1")?
                .execute([work.now_ms().saturating_sub(kept)])?;
            work.db
                .prepare_cached(
                    "INSERT INTO session_setting (session, user_id, care_setting, at_ms) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (session, user_id)
                     DO UPDATE SET care_setting = excluded.care_setting, at_ms = excluded.at_ms",
                )?
                .execute(params![caller.session, caller.user, text, work.now_ms()])?;
            audit::append(work, &caller, &Entry::new(Kind::CareSetting, text, ""))
        })
        .await
    }

    /// Reads off the threads that serve connections: SQLite may have to wait for a lock.
    async fn read_elsewhere<T: Send + 'static>(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || store.read(work)).await.unwrap_or(Err(StoreError::Closed))
    }
}

/// A view of the caller's own.
struct OwnView {
    id: i64,
    person: i64,
    at_ms: i64,
    opened_in_error: bool,
    trace: String,
}

fn own_view(work: &Work<'_>, caller: &Caller, reference: &AccessReference) -> Result<Option<OwnView>, Fault> {
    Ok(work
        .db
        .prepare_cached(
            "SELECT id, person_id, at_ms, opened_in_error IS NOT NULL, trace_id FROM view
             WHERE reference = ?1 AND user_id = ?2 AND organisation_code = ?3",
        )?
        .query_row(params![reference.as_str(), caller.user, caller.organisation_code], |row| {
            Ok(OwnView {
                id: row.get(0)?,
                person: row.get(1)?,
                at_ms: row.get(2)?,
                opened_in_error: row.get(3)?,
                trace: row.get(4)?,
            })
        })
        .optional()?)
}

fn log_own(
    work: &Work<'_>,
    caller: &Caller,
    kind: Kind,
    outcome: &str,
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
