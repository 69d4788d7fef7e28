//! Where it is decided anew who is alerted: because others may see a case now, or it is another, or what was read is read no more.

use rusqlite::{Transaction, params};

use super::{MAY_SEE, Register, RegisterError};

impl Register {
    /// Others may see a case now: what somebody was alerted of, and nobody has read, may be for nobody's eyes who was. It is
    /// decided anew, and e-mail to those who may no longer see it does not leave.
    pub(in crate::authority::register) fn route_unread_again(
        work: &Transaction<'_>,
        local_id: &str,
    ) -> Result<(), RegisterError> {
        const UNREAD: &str = "SELECT part.notice_id FROM part JOIN note ON note.id = part.note_id
            WHERE ?1 IN (note.local_id, note.told_as) AND note.standing <> 'settled'
              AND EXISTS (SELECT 1 FROM alert WHERE alert.note_id = note.id AND is_over = 0)
              AND NOT EXISTS (SELECT 1 FROM read_mark WHERE read_mark.note_id = note.id AND as_duty = 0
                              AND up_to >= part.part)";
        let alerts = format!("SELECT id FROM alert WHERE notice_id IN ({UNREAD})");
        work.execute(&format!("UPDATE notice SET routed_ms = NULL WHERE id IN ({UNREAD})"), [local_id])?;
        // Also of what has been read: that needs to be told to nobody. One that is leaving at this moment is not tried again.
        work.execute(
            "DELETE FROM mail WHERE state IN ('waiting', 'sending') AND alert_id IN
                 (SELECT alert.id FROM alert JOIN note ON note.id = alert.note_id WHERE ?1 IN (note.local_id, note.told_as))",
            [local_id],
        )?;
        // What somebody did not recognise, and nobody has looked into, comes before those who may see it now: the e-mail to whoever might
        // before has gone with the others.
        work.execute(
            "UPDATE not_recognised SET told_ms = NULL WHERE settled_by IS NULL
               AND note_id IN (SELECT id FROM note WHERE ?1 IN (local_id, told_as))",
            [local_id],
        )?;
        // Whoever came last for it does so by the new holders, or not at all.
        work.execute(
            "DELETE FROM let_in WHERE note_id IN (SELECT id FROM note WHERE ?1 IN (local_id, told_as))",
            [local_id],
        )?;
        // Last, since what is over counts no more.
        work.execute(&format!("UPDATE alert SET is_over = 1 WHERE id IN ({alerts})"), [local_id])?;
        Ok(())
    }

    /// Somebody who came last for a restricted case no longer does: that they were alerted of it counts no more, and what nobody has
    /// read is decided anew. Whoever holds the case besides is still one of its holders.
    pub(in crate::authority::register) fn shut_out(
        work: &Transaction<'_>,
        note: &str,
        user: &str,
    ) -> Result<(), RegisterError> {
        work.execute("DELETE FROM let_in WHERE note_id = ?1 AND user = ?2", [note, user])?;
        let may_see =
            format!("SELECT 1 FROM note WHERE note.id = ?1 AND {}", MAY_SEE.replace(":reader", "?2"));
        if work.prepare_cached(&may_see)?.exists([note, user])? {
            return Ok(());
        }
        const THEIRS: &str = "note_id = ?1 AND user = ?2 AND role = 'holder' AND is_over = 0";
        work.execute(
            &format!(
                "UPDATE notice SET routed_ms = NULL WHERE id IN (SELECT notice_id FROM alert WHERE {THEIRS})
                   AND NOT EXISTS (SELECT 1 FROM note WHERE note.id = ?1 AND standing = 'settled')
                   AND NOT EXISTS (SELECT 1 FROM read_mark JOIN part ON part.note_id = read_mark.note_id
                                   WHERE part.notice_id = notice.id AND as_duty = 0 AND up_to >= part.part)"
            ),
            [note, user],
        )?;
        // They may be the only one who heard of what somebody did not recognise.
        work.execute(
            &format!(
                "UPDATE not_recognised SET told_ms = NULL
                 WHERE note_id = ?1 AND settled_by IS NULL AND EXISTS (SELECT 1 FROM alert WHERE {THEIRS})"
            ),
            [note, user],
        )?;
        work.execute(
            &format!("DELETE FROM mail WHERE alert_id IN (SELECT id FROM alert WHERE {THEIRS})"),
            [note, user],
        )?;
        work.execute(&format!("UPDATE alert SET is_over = 1 WHERE {THEIRS}"), [note, user])?;
        Ok(())
    }

    /// Nobody was alerted of what came while an earlier part was unread; now that is read, and it is not: it is decided anew.
    pub(in crate::authority::register) fn route_what_came_since(
        work: &Transaction<'_>,
        note: &str,
        up_to: u32,
    ) -> Result<(), RegisterError> {
        work.execute(
            "UPDATE notice SET routed_ms = NULL
             WHERE id IN (SELECT notice_id FROM part WHERE part.note_id = ?1 AND part.part > ?2
                          AND NOT EXISTS (SELECT 1 FROM read_mark WHERE read_mark.note_id = ?1 AND as_duty = 0
                                          AND up_to >= part.part))
               AND EXISTS (SELECT 1 FROM alert WHERE alert.note_id = ?1 AND is_over = 0)
               AND NOT EXISTS (SELECT 1 FROM alert WHERE alert.notice_id = notice.id AND is_over = 0)",
            params![note, up_to],
        )?;
        Ok(())
    }

    /// The case of a note on the list is another now: it is decided anew who is alerted.
    pub(in crate::authority::register) fn route_again(
        work: &Transaction<'_>,
        note: &str,
    ) -> Result<(), RegisterError> {
        work.execute("UPDATE notice SET routed_ms = NULL WHERE note_id = ?1", [note])?;
        work.execute("UPDATE alert SET is_over = 1 WHERE note_id = ?1", [note])?;
        Ok(())
    }
}
