//! Scheduled or unscheduled: what a session has said. It counts for the user, in that session, at that
//! organisation, and for no longer than a session lives.

use jiff::SignedDuration;
use rusqlite::{OptionalExtension, params};

use super::audit::{self, Entry, Kind};
use super::error::{Fault, StoreError};
use super::writer::Work;
use super::{Audited, Store};
use crate::domain::{Caller, CareSetting, CareSettingPermit};

/// For this long it counts; no session lives longer.
const COUNTS: SignedDuration = SignedDuration::from_hours(12);

impl Store {
    /// Notes what the caller's session says about scheduled care.
    ///
    /// # Errors
    /// The database refused: the session stays as it was.
    pub async fn set_care_setting(
        &self,
        permit: CareSettingPermit,
        setting: CareSetting,
    ) -> Result<Audited<()>, StoreError> {
        self.write(move |work| {
            let caller = permit.caller();
            let text = match setting {
                CareSetting::Scheduled => "scheduled",
                CareSetting::Unscheduled => "unscheduled",
            };
            work.db
                .prepare_cached("DELETE FROM session_setting WHERE at_ms < ?1")?
                .execute([oldest(work)])?;
            work.db
                .prepare_cached(
                    "INSERT INTO session_setting (session, user_id, organisation_code, care_setting, at_ms)
                     VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (session, user_id, organisation_code)
                     DO UPDATE SET care_setting = excluded.care_setting, at_ms = excluded.at_ms",
                )?
                .execute(params![
                    caller.session,
                    caller.user,
                    caller.organisation_code,
                    text,
                    work.now_ms()
                ])?;
            audit::append(work, caller, &Entry::new(Kind::CareSetting, text, ""))
        })
        .await
    }
}

/// What the caller's session has said; unscheduled unless it said otherwise.
pub(super) fn of_session(work: &Work<'_>, caller: &Caller) -> Result<CareSetting, Fault> {
    let setting: Option<String> = work
        .db
        .prepare_cached(
            "SELECT care_setting FROM session_setting
             WHERE session = ?1 AND user_id = ?2 AND organisation_code = ?3 AND at_ms >= ?4",
        )?
        .query_row(params![caller.session, caller.user, caller.organisation_code, oldest(work)], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(match setting.as_deref() {
        Some("scheduled") => CareSetting::Scheduled,
        Some(_) | None => CareSetting::Unscheduled,
    })
}

fn oldest(work: &Work<'_>) -> i64 {
    work.now_ms().saturating_sub(i64::try_from(COUNTS.as_millis()).unwrap_or(0))
}
