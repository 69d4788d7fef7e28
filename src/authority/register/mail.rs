//! Alerts on their way out by e-mail. That one is about to leave is on the disk before it does; whether it left is on the disk
//! before the next one does. Where the link ends in between, it is sent again under the same Message-ID.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use super::accesses::{IS_RESTRICTED, MAY_SEE};
use super::{Register, RegisterError, moment};

/// First pause before an e-mail is tried again, which doubles, and the longest.
const AGAIN_MS: i64 = 30_000;
const AGAIN_MOST_MS: i64 = 3_600_000;

/// So often the server refuses one, within some ten hours, until it is given up and a person has to look.
const REFUSED: i64 = 16;

/// For so long one is tried that the server neither takes nor refuses: five days.
const LATER_MS: i64 = 5 * 24 * 3_600_000;

/// An e-mail that is to be sent. `Debug` shows nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its id, the same for good.
    pub id: String,
    /// To whom.
    pub address: String,
    /// The case; `None` where even that may not be said.
    pub local_id: Option<String>,
    /// As whom they are alerted.
    pub role: String,
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outgoing(hidden)")
    }
}

/// How e-mail stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MailFigures {
    /// Sent.
    pub sent: u64,
    /// Not sent yet.
    pub waiting: u64,
    /// When the oldest of these was made.
    pub oldest: Option<Timestamp>,
    /// Refused, and tried again; and why the last one was.
    pub refused: Option<(u64, String)>,
    /// Given up in the last 30 days, and why the last one was.
    pub given_up: Option<(u64, String)>,
    /// Why nothing leaves, and since when.
    pub trouble: Option<(String, Timestamp)>,
}

/// Thirty days.
const GIVEN_UP_MS: i64 = 30 * 24 * 3_600_000;

pub(super) fn queue(
    work: &Transaction<'_>,
    alert: i64,
    address: &str,
    now: Timestamp,
) -> Result<(), RegisterError> {
    work.prepare_cached(
        "INSERT INTO mail (id, alert_id, address, state, made_ms) VALUES (lower(hex(randomblob(16))), ?1, ?2, 'waiting', ?3)
         ON CONFLICT DO NOTHING",
    )?
    .execute(params![alert, address, now.as_millisecond()])?;
    Ok(())
}

/// Which e-mails may leave: of an alert that still stands and, where the case is restricted, to those who may see it; and to the
/// fall-back, who hears no more than that there is something.
fn may_leave() -> String {
    let may_see = MAY_SEE.replace(":reader", "alert.user");
    format!(
        "alert.is_over = 0
         AND (NOT {IS_RESTRICTED} OR alert.role = 'fall-back' OR (alert.role = 'holder' AND alert.user IS NOT NULL AND {may_see}))"
    )
}

impl Register {
    /// The next e-mail that is to be sent now: what was tried least first, and of these the oldest. One that never leaves keeps
    /// no other waiting.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn next_mail(&self, now: Timestamp) -> Result<Option<Outgoing>, RegisterError> {
        Ok(self
            .db
            .prepare_cached(&format!(
                "SELECT mail.id, mail.address, note.local_id, {IS_RESTRICTED}, alert.role
                 FROM mail JOIN alert ON alert.id = mail.alert_id JOIN note ON note.id = alert.note_id
                 WHERE mail.state IN ('waiting', 'sending') AND mail.next_ms NOT BETWEEN ?1 + 1 AND ?1 + ?2 AND {}
                 ORDER BY mail.tries, mail.made_ms, mail.id LIMIT 1",
                may_leave()
            ))?
            .query_row([now.as_millisecond(), AGAIN_MOST_MS], |row| {
                let (local_id, is_restricted): (String, bool) = (row.get(2)?, row.get(3)?);
                let role: String = row.get(4)?;
                // Of a restricted case its holders alone hear which it is.
                let may_be_said = !local_id.is_empty() && (!is_restricted || role == "holder");
                Ok(Outgoing {
                    id: row.get(0)?,
                    address: row.get(1)?,
                    local_id: Some(local_id).filter(|_| may_be_said),
                    role,
                })
            })
            .optional()?)
    }

    /// The same, and that it is about to leave is on the disk: in one commit, since the case may become restricted meanwhile. What may not
    /// leave any more goes.
    ///
    /// # Errors
    /// The register cannot be written: it must not leave.
    pub fn mail_to_leave(&mut self, now: Timestamp) -> Result<Option<Outgoing>, RegisterError> {
        self.db.execute_batch("BEGIN IMMEDIATE")?;
        let mail = self.drop_mail().and_then(|()| self.next_mail(now)).and_then(|mail| {
            if let Some(mail) = &mail {
                self.db.execute("UPDATE mail SET state = 'sending' WHERE id = ?1", [&mail.id])?;
            }
            Ok(mail)
        });
        self.db.execute_batch(if mail.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
        mail
    }

    fn drop_mail(&self) -> Result<(), RegisterError> {
        self.db
            .prepare_cached(&format!(
                "DELETE FROM mail WHERE state IN ('waiting', 'sending') AND alert_id NOT IN
                     (SELECT alert.id FROM mail JOIN alert ON alert.id = mail.alert_id JOIN note ON note.id = alert.note_id
                      WHERE mail.state IN ('waiting', 'sending') AND {})",
                may_leave()
            ))?
            .execute([])?;
        Ok(())
    }

    /// Notes that the mail server has taken it.
    ///
    /// # Errors
    /// The register cannot be written: it is sent again, under the same id.
    pub fn mail_sent(&mut self, id: &str, now: Timestamp) -> Result<(), RegisterError> {
        self.db.execute(
            "UPDATE mail SET state = 'sent', why = NULL, sent_ms = ?2 WHERE id = ?1",
            params![id, now.as_millisecond()],
        )?;
        Ok(())
    }

    /// Notes that the mail server refused this one: it is tried again, later each time, and given up in the end.
    ///
    /// # Errors
    /// The register cannot be written.
    pub fn mail_refused(&mut self, id: &str, why: &str, now: Timestamp) -> Result<(), RegisterError> {
        self.db.execute(
            "UPDATE mail SET tries = tries + 1, why = ?2, next_ms = ?3 + min(?4 << min(tries, 20), ?5),
                             state = CASE WHEN tries + 1 >= ?6 THEN 'given-up' ELSE 'waiting' END WHERE id = ?1",
            params![id, why, now.as_millisecond(), AGAIN_MS, AGAIN_MOST_MS, REFUSED],
        )?;
        Ok(())
    }

    /// Notes that the mail server neither took nor refused this one: it is tried again, later each time, for days.
    ///
    /// # Errors
    /// The register cannot be written.
    pub fn mail_later(&mut self, id: &str, why: &str, now: Timestamp) -> Result<(), RegisterError> {
        self.db.execute(
            "UPDATE mail SET tries = tries + 1, why = ?2, next_ms = ?3 + min(?4 << min(tries, 20), ?5),
                             state = CASE WHEN tries + 1 >= ?6 AND made_ms < ?3 - ?7 THEN 'given-up' ELSE 'waiting' END
             WHERE id = ?1",
            params![id, why, now.as_millisecond(), AGAIN_MS, AGAIN_MOST_MS, REFUSED, LATER_MS],
        )?;
        Ok(())
    }

    /// Notes that the mail server is away: nothing is tried for a while, and nothing is given up for that.
    ///
    /// # Errors
    /// The register cannot be written.
    pub fn mail_is_away(&mut self, now: Timestamp, pause_ms: i64) -> Result<(), RegisterError> {
        self.db.execute(
            "UPDATE mail SET next_ms = ?1 WHERE state IN ('waiting', 'sending') AND next_ms NOT BETWEEN ?1 AND ?2",
            params![
                now.as_millisecond().saturating_add(pause_ms.clamp(0, AGAIN_MOST_MS)),
                now.as_millisecond().saturating_add(AGAIN_MOST_MS)
            ],
        )?;
        Ok(())
    }

    /// How e-mail stands.
    ///
    /// # Errors
    /// The register cannot be read.
    pub fn mail_figures(&self, now: Timestamp) -> Result<MailFigures, RegisterError> {
        let (sent, waiting, oldest): (i64, i64, Option<i64>) = self.db.query_row(
            "SELECT count(*) FILTER (WHERE state = 'sent'), count(*) FILTER (WHERE state IN ('waiting', 'sending')),
                    min(made_ms) FILTER (WHERE state IN ('waiting', 'sending')) FROM mail",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        let (refused, refusal): (i64, Option<String>) = self.db.query_row(
            "SELECT count(*), max(why) FROM mail WHERE state IN ('waiting', 'sending') AND why IS NOT NULL",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let (given_up, why): (i64, Option<String>) = self.db.query_row(
            "SELECT count(*), max(why) FROM mail WHERE state = 'given-up' AND made_ms >= ?1",
            [now.as_millisecond().saturating_sub(GIVEN_UP_MS)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let (trouble, since): (Option<String>, Option<i64>) =
            self.db.query_row("SELECT mail_trouble, mail_since_ms FROM link", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        Ok(MailFigures {
            sent: sent.unsigned_abs(),
            waiting: waiting.unsigned_abs(),
            oldest: oldest.map(moment).transpose()?,
            refused: refusal.map(|why| (refused.unsigned_abs(), why)),
            given_up: why.map(|why| (given_up.unsigned_abs(), why)),
            trouble: trouble
                .zip(since)
                .map(|(why, since)| Ok::<_, RegisterError>((why, moment(since)?)))
                .transpose()?,
        })
    }
}
