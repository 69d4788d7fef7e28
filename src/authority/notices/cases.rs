//! Which cases are open, by what the last extract said. The link's memory is looked into beside an upload that may work with
//! it; nothing of it is changed.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::numbers;
use crate::authority::register::{Case, Cases, Inactive, Who};
use crate::domain::{PlanKind, dates};

/// For so long an upload is waited for that writes its memory at this moment.
const BUSY: Duration = Duration::from_secs(2);

/// After its end a plan for an unborn child is an alert for this long: somebody is responsible still.
const UNBORN_TAIL_DAYS: i32 = 28;

/// The memory of uploads, asked for cases.
#[derive(Debug, Clone)]
pub struct CasesOfExtract {
    /// The memory of uploads.
    pub memory: PathBuf,
    /// The extract is of some teams only: a case that is not in it, and whose plan the hub holds, is open.
    pub is_partial: bool,
}

impl Cases for CasesOfExtract {
    fn case(&self, local_id: &str, at: Timestamp) -> Result<Case, String> {
        if !self.memory.exists() {
            return Ok(Case::NotOpen("no extract was uploaded yet: it is not known which cases are open"));
        }
        self.look(local_id, at).map_err(|error| unread(&error))
    }

    fn is_of_other_child(&self, local_id: &str, number: &str) -> Result<bool, String> {
        Ok(self.fits(local_id, number)? == Fits::OtherChild)
    }

    fn who(&self, local_id: &str) -> Result<Who, String> {
        if !self.memory.exists() {
            return Ok(Who::default());
        }
        self.look_who(local_id).map_err(|error| unread(&error))
    }

    fn extract(&self) -> Result<i64, String> {
        if !self.memory.exists() {
            return Ok(0);
        }
        let read =
            |db: Connection| db.query_row("SELECT extracts FROM link", [], |row| row.get(0)).optional();
        Ok(self.open().and_then(read).map_err(|error| unread(&error))?.unwrap_or(0))
    }

    fn restricted(&self) -> Result<BTreeSet<String>, String> {
        if !self.memory.exists() {
            return Ok(BTreeSet::new());
        }
        let read = |db: Connection| {
            let mut statement = db.prepare(
                "SELECT local_id FROM extract WHERE is_restricted = 1
                 UNION SELECT local_id FROM refused_row WHERE is_restricted = 1 AND local_id IS NOT NULL",
            )?;
            statement.query_map([], |row| row.get(0))?.collect()
        };
        self.open().and_then(read).map_err(|error| unread(&error))
    }

    fn is_unrestricted(&self, local_id: &str) -> Result<bool, String> {
        if !self.memory.exists() {
            return Ok(false);
        }
        // Of a row whose local id cannot be read nobody knows whose mark it has.
        // An extract that has the local id for another child says nothing of the one before, whose notes are under it: uploads know.
        let sql = "SELECT count(*) > 0 AND count(*) = count(*) FILTER (WHERE is_restricted = 0)
                          AND NOT EXISTS (SELECT 1 FROM restricted_case WHERE local_id = ?1 AND by_mark = 1)
                   FROM (SELECT is_restricted FROM extract WHERE local_id = ?1
                         UNION ALL SELECT is_restricted FROM refused_row WHERE local_id = ?1)
                   WHERE NOT EXISTS (SELECT 1 FROM refused_row WHERE local_id IS NULL)";
        let read = |db: Connection| db.query_row(sql, [local_id], |row| row.get(0));
        self.open().and_then(read).map_err(|error| unread(&error))
    }

    fn mended(&self, numbers: &[Inactive], now: Timestamp) -> Result<Vec<bool>, String> {
        if !self.memory.exists() {
            return Ok(vec![false; numbers.len()]);
        }
        self.open().and_then(|db| numbers::mended(&db, numbers, now)).map_err(|error| unread(&error))
    }
}

fn unread(error: &rusqlite::Error) -> String {
    let code = error.sqlite_error_code().map(|code| format!(" ({code:?})")).unwrap_or_default();
    format!("the link's memory of uploads cannot be read at present{code}")
}

/// Whether a note may be put under a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fits {
    /// The case is this child's.
    Yes,
    /// Neither the last extract nor the hub has such a local id.
    NoSuchCase,
    /// The case is of somebody with another NHS number.
    OtherChild,
}

impl CasesOfExtract {
    /// Whether a note of a child with this NHS number belongs under a local id: a slip would put it on another child's record. Where the
    /// extract has the local id, what the hub holds under it counts only as the same person's (names and date of birth), whose number is
    /// about to change there, or as an unborn child's plan, which is under its mother's number: it may have been another child's before.
    ///
    /// # Errors
    /// It cannot be known at present.
    pub fn fits(&self, local_id: &str, number: &str) -> Result<Fits, String> {
        if !self.memory.exists() {
            return Ok(Fits::NoSuchCase);
        }
        let read = |db: Connection| {
            db.query_row(
                "SELECT count(*), count(*) FILTER (WHERE number = ?2)
                 FROM (SELECT number FROM extract WHERE local_id = ?1
                       UNION ALL SELECT number FROM held WHERE local_id = ?1
                           AND (NOT EXISTS (SELECT 1 FROM extract WHERE local_id = ?1) OR held.kind = ?3
                                OR EXISTS (SELECT 1 FROM extract WHERE local_id = ?1 AND extract.born = held.born
                                           AND extract.family = held.family AND extract.given = held.given)))",
                [local_id, number, PlanKind::UnbornChildProtection.snomed()],
                |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
            )
        };
        let (all, same) = self.open().and_then(read).map_err(|error| unread(&error))?;
        Ok(match (all, same) {
            (0, _) => Fits::NoSuchCase,
            (_, 0) => Fits::OtherChild,
            (_, _) => Fits::Yes,
        })
    }

    fn open(&self) -> Result<Connection, rusqlite::Error> {
        let db = Connection::open_with_flags(
            &self.memory,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        db.busy_timeout(BUSY)?;
        Ok(db)
    }

    /// Rows that say nothing of a worker or team do not hide one that does; the first that does counts. A case that may stand in a row
    /// that cannot be read at all is still whose it was.
    fn look_who(&self, local_id: &str) -> Result<Who, rusqlite::Error> {
        let db = self.open()?;
        let mut statement = db.prepare(
            "SELECT worker, team, worker_is_away, kind, row AS nth FROM extract WHERE local_id = ?1
             UNION ALL SELECT worker, team, worker_is_away, kind, row FROM refused_row WHERE local_id = ?1
             UNION ALL SELECT worker, team, worker_is_away, NULL, 9223372036854775807 FROM last_worker WHERE local_id = ?1
                AND EXISTS (SELECT 1 FROM refused_row WHERE local_id IS NULL)
                AND NOT EXISTS (SELECT 1 FROM extract WHERE local_id = ?1)
             ORDER BY nth",
        )?;
        let mut rows = statement.query([local_id])?;
        let mut who = Who::default();
        while let Some(row) = rows.next()? {
            if who.responsible.worker.is_none() {
                who.responsible.worker = row.get(0)?;
                who.worker_is_away = row.get(2)?;
            }
            who.responsible.team = who.responsible.team.or(row.get(1)?);
            let kind: Option<String> = row.get(3)?;
            who.kinds.extend(kind.as_deref().and_then(PlanKind::from_code));
        }
        Ok(who)
    }

    fn look(&self, local_id: &str, at: Timestamp) -> Result<Case, rusqlite::Error> {
        let db = self.open()?;
        let day = dates::london_day(at);
        let of_unborn = day.checked_sub(UNBORN_TAIL_DAYS.days()).unwrap_or(day);
        // What a row that cannot be sent says counts too. Of an extract of some teams only, and where a row says nothing at all, what the hub holds
        // of us does, unless somebody has said that it ended.
        let (rows, open, held, unread): (i64, i64, i64, bool) = db.query_row(
            "SELECT count(*) FILTER (WHERE in_extract),
                    count(*) FILTER (WHERE in_extract AND (end_day IS NULL OR end_day >= ?2 OR (kind = ?4 AND end_day >= ?3))),
                    count(*) FILTER (WHERE NOT in_extract AND (end_day IS NULL OR end_day >= ?2 OR (kind = ?4 AND end_day >= ?3))),
                    EXISTS (SELECT 1 FROM refused_row WHERE local_id IS NULL)
             FROM (SELECT 1 AS in_extract, kind, end_day FROM extract WHERE local_id = ?1
                   UNION ALL SELECT 1, kind, end_day FROM refused_row WHERE local_id = ?1
                   UNION ALL
                   SELECT 0, kind, end_day FROM held WHERE local_id = ?1 AND NOT EXISTS
                       (SELECT 1 FROM absent WHERE absent.local_id = held.local_id AND absent.number = held.number
                        AND absent.kind = held.kind AND absent.start_day = held.start_day
                        AND absent.decision IN ('ended', 'in-error')))",
            params![
                local_id,
                day.to_string(),
                of_unborn.to_string(),
                PlanKind::UnbornChildProtection.snomed()
            ],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )?;
        Ok(match (rows, open) {
            (0, _) if (self.is_partial || unread) && held > 0 => Case::Open,
            (0, _) => {
                Case::NotOpen("no case with this local id is in the last extract: moved, or under another id")
            }
            (_, 0) => Case::NotOpen("the case with this local id has ended"),
            (_, _) => Case::Open,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::memory::Memory;

    const FIRST: &str = "9990000018";
    const SECOND: &str = "9990000026";

    #[test]
    fn h19_what_the_hub_holds_under_a_local_id_counts_as_the_same_persons_or_where_the_extract_has_none() {
        let place = tempfile::tempdir().unwrap();
        let cases = CasesOfExtract { memory: place.path().join("memory.db"), is_partial: false };
        let fits = |number| cases.fits("A1", number).unwrap();
        assert_eq!(fits(FIRST), Fits::NoSuchCase);
        drop(Memory::open(&cases.memory, "E06000030").unwrap());
        let db = Connection::open(&cases.memory).unwrap();
        let put = |into: &str, number: &str, given: &str, born: &str| {
            let sql = format!(
                "INSERT INTO {into} (local_id, number, kind, start_day, family, given, born{})
                 VALUES ('A1', ?1, '1', '2026-01-05', 'Bennett', ?2, ?3{})",
                if into == "extract" { ", row" } else { "" },
                if into == "extract" { ", 1" } else { "" }
            );
            db.execute(&format!("DELETE FROM {into}"), []).unwrap();
            db.execute(&sql, [number, given, born]).unwrap();
        };
        assert_eq!(fits(FIRST), Fits::NoSuchCase);
        put("held", FIRST, "Ava", "2019-03-12");
        assert_eq!((fits(FIRST), fits(SECOND)), (Fits::Yes, Fits::OtherChild));
        // The number is about to change: until the hub has heard of it accesses come under the one before.
        put("extract", SECOND, "Ava", "2019-03-12");
        assert_eq!((fits(FIRST), fits(SECOND)), (Fits::Yes, Fits::Yes));
        // The local id was given to another child.
        for (given, born) in [("Ben", "2019-03-12"), ("Ava", "2021-07-30")] {
            put("extract", SECOND, given, born);
            assert_eq!((fits(FIRST), fits(SECOND)), (Fits::OtherChild, Fits::Yes), "{given} {born}");
            assert_eq!(cases.is_of_other_child("A1", FIRST), Ok(true));
        }
        // Born since: the mother's plan is still shown for a while.
        db.execute("UPDATE held SET kind = ?1", [PlanKind::UnbornChildProtection.snomed()]).unwrap();
        assert_eq!((fits(FIRST), fits(SECOND)), (Fits::Yes, Fits::Yes));
        assert_eq!(cases.is_of_other_child("B2", FIRST), Ok(false), "that there is none is another answer");
    }
}
