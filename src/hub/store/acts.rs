//! What else a signed-in person does: refusals, reports of copies, "opened in error", scheduled care.

use jiff::SignedDuration;
use rusqlite::{OptionalExtension, params};

use super::audit::{self, Entry, Kind};
use super::error::{Fault, StoreError};
use super::notices;
use super::people::{self, Resolved};
use super::{Audited, Store};
use crate::domain::{AccessReference, AccessStatus, CareSetting, Caller, NhsNumber};

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
    /// The summary was copied.
    Copy,
    /// The record was printed.
    Print,
    /// The record was written to a file.
    Export,
}

/// A report of a viewer.
#[derive(Debug, Clone)]
pub struct ReportedAct {
    /// What was done.
    pub kind: ReportedKind,
    /// The view in which it was done.
    pub reference: AccessReference,
    /// The person.
    pub number: NhsNumber,
    /// TraceID.
    pub request: String,
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

    /// Logs what a viewer did with the caller's own view; `false` where there is no such view of this person.
    ///
    /// # Errors
    /// The database refused: the viewer must not do it.
    pub async fn report(&self, caller: Caller, act: ReportedAct) -> Result<Audited<bool>, StoreError> {
        self.write(move |work| {
            let viewed: Option<i64> = work
                .db
                .prepare_cached(
                    "SELECT person_id FROM view WHERE reference = ?1 AND user_id = ?2 AND organisation_code = ?3",
                )?
                .query_row(params![act.reference.as_str(), caller.user, caller.organisation_code], |row| row.get(0))
                .optional()?;
            let person = match people::resolve(work, act.number)? {
                Resolved::Person { id, .. } | Resolved::Ended { id } => Some(id),
                Resolved::NotKnown => None,
            };
            let is_own = person.is_some() && viewed == person;
            let kind = match act.kind {
                ReportedKind::Copy => Kind::Copy,
                ReportedKind::Print => Kind::Print,
                ReportedKind::Export => Kind::Export,
            };
            let entry = Entry {
                reference: Some(act.reference.as_str()),
                person,
                number: Some(act.number),
                ..Entry::new(kind, if is_own { "reported" } else { "no-such-view" }, &act.request)
            };
            audit::append(work, &caller, &entry)?;
            Ok(is_own)
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
            let view: Option<(i64, i64, i64, Option<i64>, String)> = work
                .db
                .prepare_cached(
                    "SELECT id, person_id, at_ms, opened_in_error, trace_id FROM view
                     WHERE reference = ?1 AND user_id = ?2 AND organisation_code = ?3",
                )?
                .query_row(params![reference.as_str(), caller.user, caller.organisation_code], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
                })
                .optional()?;
            let (outcome, logged) = match &view {
                None => ("no-such-view", OpenedInError::NotKnown),
                Some((_, _, _, Some(_), _)) => ("said-before", OpenedInError::Logged),
                Some((_, _, at, None, _))
                    if work.now_ms().saturating_sub(*at) > i64::try_from(IN_ERROR.as_millis()).unwrap_or(0) =>
                {
                    ("too-late", OpenedInError::TooLate)
                }
                Some((id, ..)) => {
                    work.db
                        .prepare_cached("UPDATE view SET opened_in_error = ?2 WHERE id = ?1")?
                        .execute(params![id, work.now_ms()])?;
                    notices::correct(work, *id)?;
                    ("logged", OpenedInError::Logged)
                }
            };
            let trace = view.as_ref().map_or("", |view| view.4.as_str());
            let person = view.as_ref().map(|view| view.1);
            let entry = Entry {
                reference: Some(reference.as_str()),
                person,
                number: person.map(|id| people::number_in_use(work, id)).transpose()?.flatten(),
                ..Entry::new(Kind::OpenedInError, outcome, trace)
            };
            audit::append(work, &caller, &entry)?;
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
                .prepare_cached("SELECT care_setting FROM session_setting WHERE session = ?1 AND user_id = ?2")?
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
    pub async fn set_care_setting(&self, caller: Caller, setting: CareSetting) -> Result<Audited<()>, StoreError> {
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
