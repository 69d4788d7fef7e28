//! From notes to alerts: of each notification it is decided once who is alerted, in one commit with the e-mails to them; of
//! what nobody reads, who is next.

mod anew;
mod disputes;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use super::accesses::{IS_RESTRICTED, MAY_SEE};
use super::notes::{self, Cases};
use super::{Reader, Register, RegisterError, moment};
use crate::authority::routing::{Access, Alert, Decided, Earlier, Made, Role, State, decide, escalate};
use crate::config::authority::Routing;
use crate::exchange::notice::Event;

/// What routing did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Routed {
    /// Alerts that were made.
    pub alerts: u64,
    /// Of these, because nobody had read what others were alerted of.
    pub unread: u64,
}

/// A notification of which nobody was alerted yet, in its note.
struct Waiting {
    notice: String,
    note: String,
    part: u32,
    local_id: String,
    told_as: String,
    standing: String,
    document: Vec<u8>,
}

impl Register {
    /// Brings what is known of restricted cases and of who is responsible up to date: before anything is placed or shown.
    ///
    /// # Errors
    /// The register cannot be written. What cannot be known now is the inner error: nothing may be placed then.
    pub fn refresh_cases(
        &mut self,
        cases: &dyn Cases,
        listed: &BTreeMap<String, BTreeSet<Reader>>,
        holders: &BTreeSet<Reader>,
    ) -> Result<Result<(), String>, RegisterError> {
        let known = cases.extract().and_then(|extract| Ok((extract, cases.restricted()?)));
        let (extract, marked) = match known {
            Ok(known) => known,
            Err(why) => return Ok(Err(why)),
        };
        // Where it cannot be known a mark stays.
        let unmarked = |local_id: &str| cases.is_unrestricted(local_id).unwrap_or(false);
        self.note_restricted(listed, &marked, &unmarked, holders)?;
        let seen: Option<i64> = self.db.query_row("SELECT extract_seen FROM link", [], |row| row.get(0))?;
        if seen == Some(extract) {
            return Ok(Ok(()));
        }
        let ids: Vec<String> = {
            let mut statement = self.db.prepare("SELECT DISTINCT local_id FROM note")?;
            statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?
        };
        for local_id in ids {
            match cases.who(&local_id) {
                Ok(who) => self.note_responsible(&local_id, &who.responsible)?,
                Err(why) => return Ok(Err(why)),
            }
        }
        self.db.execute("UPDATE link SET extract_seen = ?1", [extract])?;
        Ok(Ok(()))
    }

    /// Whether it was ever known which cases are restricted.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn knows_cases(&self) -> Result<bool, RegisterError> {
        Ok(self.db.query_row("SELECT extract_seen IS NOT NULL FROM link", [], |row| row.get(0))?)
    }

    /// Decides of every notification that stands in a note, and of which that was not done, who is alerted.
    ///
    /// # Errors
    /// The register cannot be written. What cannot be known now is the inner error: it is decided the next time.
    pub fn route(
        &mut self,
        table: &Routing,
        cases: &dyn Cases,
        now: Timestamp,
    ) -> Result<Result<Routed, String>, RegisterError> {
        let mut routed = Routed::default();
        while let Some(waiting) = self.not_routed()? {
            let access = match self.access_of(&waiting, table, cases)? {
                Ok(access) => access,
                Err(why) => return Ok(Err(why)),
            };
            self.note_responsible(
                &waiting.local_id,
                &super::Responsible { worker: access.worker.clone(), team: access.team.clone() },
            )?;
            let earlier = self.earlier(&waiting)?;
            let work = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            if let Decided::Alert(alerts) = decide(&access, &earlier, table, now) {
                for alert in &alerts {
                    routed.alerts += make(&work, table, &waiting, alert, now)?;
                }
            }
            work.prepare_cached("UPDATE notice SET routed_ms = ?2 WHERE id = ?1")?
                .execute(params![waiting.notice, now.as_millisecond()])?;
            work.commit()?;
        }
        match self.tell_of_disputes(table, cases, now)? {
            Ok(disputed) => routed.alerts += disputed,
            Err(why) => return Ok(Err(why)),
        }
        match self.escalate(table, cases, now)? {
            Ok(unread) => Ok(Ok(Routed { alerts: routed.alerts + unread, unread })),
            Err(why) => Ok(Err(why)),
        }
    }

    fn not_routed(&self) -> Result<Option<Waiting>, RegisterError> {
        Ok(self
            .db
            .prepare_cached(&format!(
                "{WAITING} WHERE notice.routed_ms IS NULL ORDER BY notice.number, notice.came_ms LIMIT 1"
            ))?
            .query_row([], waiting)
            .optional()?)
    }

    fn access_of(
        &self,
        waiting: &Waiting,
        table: &Routing,
        cases: &dyn Cases,
    ) -> Result<Result<Access, String>, RegisterError> {
        let notice = notes::read(&waiting.document);
        let who = match cases.who(&waiting.local_id) {
            Ok(who) => who,
            Err(why) => return Ok(Err(why)),
        };
        let state = match (&notice, waiting.standing.as_str()) {
            (None, _) => State::Unreadable,
            (Some(_), "record") => State::Open,
            (Some(_), _) => State::NotOpen,
        };
        Ok(Ok(Access {
            state,
            at: notice.as_ref().map(|notice| notice.at),
            organisation: notice.map(|notice| notice.organisation_code).unwrap_or_default(),
            worker: who.responsible.worker,
            worker_is_away: who.worker_is_away,
            team: who.responsible.team,
            kinds: who.kinds,
            holders: self.holders_of(waiting, table)?,
        }))
    }

    /// The holders of a restricted case by their names in the configuration: of every restricted case that the note concerns.
    fn holders_of(&self, waiting: &Waiting, table: &Routing) -> Result<Option<Vec<String>>, RegisterError> {
        let of = [self.holders(&waiting.local_id)?, self.holders(&waiting.told_as)?];
        let mut held = of.into_iter().flatten();
        let Some(first) = held.next() else { return Ok(None) };
        let users =
            held.fold(first, |users, other| users.into_iter().filter(|user| other.contains(user)).collect());
        let is_holder = |user: &Option<String>| user.as_ref().is_some_and(|user| users.contains(user));
        let names = table.people.iter().filter(|(_, person)| is_holder(&person.user));
        Ok(Some(names.map(|(name, _)| name.clone()).collect()))
    }

    /// What came before a notification in its note.
    fn earlier(&self, waiting: &Waiting) -> Result<Earlier, RegisterError> {
        let mut statement = self.db.prepare_cached(
            "SELECT notice.document FROM part JOIN notice ON notice.id = part.notice_id
             WHERE part.note_id = ?1 AND part.part < ?2",
        )?;
        let documents = statement.query_map(params![waiting.note, waiting.part], |row| row.get(0))?;
        let mut organisations = Vec::new();
        for document in documents {
            let document: Vec<u8> = document?;
            let notice = notes::read(&document).filter(|notice| notice.event == Event::Opened);
            organisations.extend(notice.map(|notice| notice.organisation_code));
        }
        let last: Option<u32> = self
            .db
            .prepare_cached("SELECT max(part) FROM alert WHERE note_id = ?1 AND part < ?2 AND is_over = 0")?
            .query_row(params![waiting.note, waiting.part], |row| row.get(0))?;
        let read = |as_duty: bool| -> Result<bool, RegisterError> {
            Ok(self
                .db
                .prepare_cached(
                    "SELECT 1 FROM read_mark WHERE note_id = ?1 AND up_to >= ?2 AND as_duty = ?3",
                )?
                .exists(params![waiting.note, last, as_duty])?)
        };
        Ok(Earlier {
            organisations,
            was_alerted: last.is_some(),
            was_read: read(false)?,
            was_read_by_duty: read(true)?,
        })
    }

    /// Alerts of what nobody has read for hours of the office, one step for each note.
    fn escalate(
        &mut self,
        table: &Routing,
        cases: &dyn Cases,
        now: Timestamp,
    ) -> Result<Result<u64, String>, RegisterError> {
        let mut made = 0;
        // A clock that was ahead when an alert was made keeps its next step waiting for no longer than one that is made now. When it was made
        // stays as it was noted: it may be this clock that is wrong.
        self.db
            .prepare_cached(
                "UPDATE alert SET ahead_ms = ?1 WHERE made_ms > ?1 AND (ahead_ms IS NULL OR ahead_ms > ?1) AND is_over = 0",
            )?
            .execute([now.as_millisecond()])?;
        for waiting in self.unread()? {
            let steps = self.steps(&waiting.note, now)?;
            let access = match self.access_of(&waiting, table, cases)? {
                Ok(access) => access,
                Err(why) => return Ok(Err(why)),
            };
            let alerts = escalate(&access, &steps, table, now);
            if alerts.is_empty() {
                continue;
            }
            let work = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for alert in &alerts {
                made += make(&work, table, &waiting, alert, now)?;
            }
            work.commit()?;
        }
        Ok(Ok(made))
    }

    /// The last notification of each note of which somebody was alerted and that nobody has read. What a person has dealt
    /// with from the list is read.
    fn unread(&self) -> Result<Vec<Waiting>, RegisterError> {
        let mut statement = self.db.prepare_cached(&format!(
            "{WAITING} WHERE note.standing <> 'settled' AND part.part =
                 (SELECT max(alert.part) FROM alert WHERE alert.note_id = note.id AND is_over = 0)
               AND NOT EXISTS (SELECT 1 FROM read_mark WHERE read_mark.note_id = note.id AND as_duty = 0
                               AND up_to >= part.part)
               AND ({IS_RESTRICTED} OR NOT EXISTS (SELECT 1 FROM alert WHERE alert.note_id = note.id AND role = 'fall-back'
                               AND is_over = 0 AND alert.part > (SELECT coalesce(max(up_to), 0) FROM read_mark WHERE read_mark.note_id = note.id
                                                 AND as_duty = 0)))"
        ))?;
        Ok(statement.query_map([], waiting)?.collect::<Result<_, _>>()?)
    }

    /// Alerts of a note that nobody has read. Of one that lay ahead of the clock when that was noticed, that moment counts, unless it was
    /// before the access itself by the hub's clock: then it was this one that was behind.
    fn steps(&self, note: &str, now: Timestamp) -> Result<Vec<Made>, RegisterError> {
        let mut statement = self.db.prepare_cached(
            "SELECT role, CASE WHEN made_ms > ?2 THEN coalesce(ahead_ms, ?2)
                               WHEN ahead_ms >= (SELECT at_ms FROM part WHERE part.notice_id = alert.notice_id) THEN ahead_ms
                               ELSE made_ms END, name
             FROM alert WHERE note_id = ?1 AND is_over = 0 AND part >
                 (SELECT coalesce(max(up_to), 0) FROM read_mark WHERE note_id = ?1 AND as_duty = 0)",
        )?;
        let mut rows = statement.query(params![note, now.as_millisecond()])?;
        let mut steps = Vec::new();
        while let Some(row) = rows.next()? {
            let role = Role::from_code(&row.get::<_, String>(0)?);
            let role = role.ok_or(RegisterError::Damaged("as whom somebody was alerted"))?;
            steps.push(Made { role, name: row.get(2)?, at: moment(row.get(1)?)? });
        }
        Ok(steps)
    }
}

const WAITING: &str =
    "SELECT notice.id, note.id, part.part, note.local_id, note.told_as, note.standing, notice.document
    FROM notice JOIN part ON part.notice_id = notice.id JOIN note ON note.id = part.note_id";

fn waiting(row: &rusqlite::Row<'_>) -> Result<Waiting, rusqlite::Error> {
    Ok(Waiting {
        notice: row.get(0)?,
        note: row.get(1)?,
        part: row.get(2)?,
        local_id: row.get(3)?,
        told_as: row.get(4)?,
        standing: row.get(5)?,
        document: row.get(6)?,
    })
}

/// Makes an alert, and the e-mail to whoever is alerted; whether it is new.
fn make(
    work: &Transaction<'_>,
    table: &Routing,
    waiting: &Waiting,
    alert: &Alert,
    now: Timestamp,
) -> Result<u64, RegisterError> {
    let user = table.person(&alert.name).and_then(|(_, person)| Reader::named(person.user.as_deref()?));
    let user = user.as_ref().map(Reader::user);
    let made = work
        .prepare_cached(
            "INSERT INTO alert (note_id, notice_id, part, role, name, why, made_ms, user) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (notice_id, role, name) DO UPDATE SET is_over = 0, why = ?6, made_ms = ?7, ahead_ms = NULL, user = ?8
             WHERE is_over = 1",
        )?
        .execute(params![
            waiting.note,
            waiting.notice,
            waiting.part,
            alert.role.code(),
            alert.name,
            alert.why,
            now.as_millisecond(),
            user
        ])?;
    if made == 0 {
        return Ok(0);
    }
    if alert.role == Role::Holder && table.restricted.last.contains(&alert.name) {
        work.prepare_cached(
            "INSERT INTO let_in (note_id, user, at_ms) SELECT ?1, ?2, ?3 WHERE ?2 IS NOT NULL ON CONFLICT DO NOTHING",
        )?
        .execute(params![waiting.note, user, now.as_millisecond()])?;
    }
    let id: i64 = work
        .prepare_cached("SELECT id FROM alert WHERE notice_id = ?1 AND role = ?2 AND name = ?3")?
        .query_row(params![waiting.notice, alert.role.code(), alert.name], |row| row.get(0))?;
    let email = table.person(&alert.name).and_then(|(_, person)| person.email.as_ref());
    if let Some(address) = email.filter(|_| table.mail.is_some()) {
        super::mail::queue(work, id, address, now)?;
    }
    Ok(1)
}
