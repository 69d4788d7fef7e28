//! Brings a database to this version's schema, in one transaction; one that holds people is copied first.
//!
//! A step back would lose what came after, so there is none: the copy is the way back.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite_migration::Migrations;

use super::lock::{self, Held, Take};
use super::{OpenError, StoreSettings, checkpoint, copy, error};
use crate::hub::disk;

/// A restore that was broken off leaves this beside the database.
pub(super) const RESTORING: &str = ".restoring";

/// Opens a database that is, or is made, of the version that `steps` lead to.
pub(super) fn open(
    settings: &StoreSettings,
    steps: &Migrations<'_>,
    latest: usize,
) -> Result<(Connection, Held), OpenError> {
    let path = &settings.path;
    let in_use = || OpenError::InUse { path: path.clone() };
    // Twice: whoever brings it to this version opens it anew.
    for _ in 0..2 {
        settle(settings)?;
        let held = lock::wait(|| lock::try_use(path, Take::Share))?.ok_or_else(in_use)?;
        if disk::beside(path, RESTORING).exists() {
            return Err(OpenError::Restoring { path: path.clone() });
        }
        let db = connect(settings)?;
        checkpoint::what_can_be(&db).or_else(unless_full).map_err(|error| unsettled(path, &error))?;
        let found = version(&db).map_err(|error| unusable(path, &error))?;
        if found == latest {
            return Ok((db, held));
        }
        if found > latest {
            let reason = "its schema is of a later version of the hub".to_owned();
            return Err(OpenError::Unusable { path: path.clone(), reason });
        }
        drop((db, held));
        // Nobody else may use it meanwhile; who waited for the same finds it done.
        let _alone = lock::use_alone(path)?;
        upgrade(settings, steps, latest)?;
    }
    Err(in_use())
}

/// Before the first commit, where nobody else uses the database: moves its log into it. What an earlier process could
/// not flush is in the operating system's memory and is read from there as if it were on the disk; a commit behind
/// it would be lost with it in a power cut. Moved, it is written anew, and flushed. Beside others nobody is waited
/// for: whoever opened the database first has done this.
fn settle(settings: &StoreSettings) -> Result<(), OpenError> {
    let path = &settings.path;
    if !path.exists() || disk::beside(path, RESTORING).exists() {
        return Ok(());
    }
    let Some(_alone) = lock::try_use(path, Take::All)? else { return Ok(()) };
    let db = connect(settings)?;
    match checkpoint::whole(&db) {
        Ok(true) => Ok(()),
        Ok(false) => {
            tracing::warn!("another program uses the database: what is in its log stays there");
            Ok(())
        }
        Err(error) => unless_full(error)
            .and_then(|()| checkpoint::write_anew(&db, &disk::beside(path, "-wal")))
            .map_err(|error| unsettled(path, &error)),
    }
}

/// A full disk is no failed flush: a hub lives on its reserve.
fn unless_full(error: rusqlite::Error) -> Result<(), rusqlite::Error> {
    if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull) { Ok(()) } else { Err(error) }
}

fn unsettled(path: &Path, error: &rusqlite::Error) -> OpenError {
    let reason = error::reason(error);
    OpenError::Unusable {
        path: path.to_owned(),
        reason: format!("what is in its log could not be moved into it: {reason}"),
    }
}

fn upgrade(settings: &StoreSettings, steps: &Migrations<'_>, latest: usize) -> Result<(), OpenError> {
    let path = &settings.path;
    let mut db = connect(settings)?;
    let found = version(&db).map_err(|error| unusable(path, &error))?;
    if found == latest {
        return Ok(());
    }
    let copied = if found < latest && holds_people(&db, found).map_err(|error| unusable(path, &error))? {
        Some(copy_before(&db, path, latest)?)
    } else {
        None
    };
    let reason = match steps.to_latest(&mut db) {
        Ok(()) => return Ok(()),
        Err(error) => super::migration(&error),
    };
    // Nothing has changed, and a service manager tries again: copies must not fill the disk.
    if let Some(copied) = copied {
        let _ = std::fs::remove_file(copied);
    }
    Err(OpenError::Unusable { path: path.clone(), reason })
}

/// Copies a database that holds people to `<database>.before-<version>`.
fn copy_before(db: &Connection, path: &Path, latest: usize) -> Result<PathBuf, OpenError> {
    let refused = |why: String| OpenError::Unusable {
        path: path.to_owned(),
        reason: format!(
            "its schema is to be brought to version {latest}, and it could not be copied before that: {why}"
        ),
    };
    let target = (1..10)
        .map(|turn| match turn {
            1 => disk::beside(path, &format!(".before-{latest}")),
            turn => disk::beside(path, &format!(".before-{latest}-{turn}")),
        })
        .find(|target| !target.exists())
        .ok_or_else(|| refused("there are nine copies already; move them away".to_owned()))?;
    tracing::warn!(to_version = latest, "copying the database before its schema is changed");
    // Of an attempt that was ended on its way. Nobody else uses the database now.
    for stale in [".partial", ".partial-journal"] {
        let _ = std::fs::remove_file(disk::beside(&target, stale));
    }
    copy::to_file(db, &target).map_err(|error| refused(error.to_string()))?;
    tracing::warn!(
        to_version = latest,
        "the schema is changed; the copy beside the database holds people: delete it once all is well"
    );
    Ok(target)
}

fn holds_people(db: &Connection, version: usize) -> Result<bool, rusqlite::Error> {
    if version == 0 {
        return Ok(false);
    }
    db.query_row("SELECT EXISTS (SELECT 1 FROM person)", [], |row| row.get(0))
}

/// The version of the schema that a database has.
pub(super) fn version(db: &Connection) -> Result<usize, rusqlite::Error> {
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

pub(super) fn connect(settings: &StoreSettings) -> Result<Connection, OpenError> {
    super::private_file(&settings.path);
    super::connect(&settings.path, settings.synchronous).map_err(|error| unusable(&settings.path, &error))
}

fn unusable(path: &Path, error: &rusqlite::Error) -> OpenError {
    OpenError::Unusable { path: path.to_owned(), reason: error::reason(error) }
}

#[cfg(test)]
mod tests {
    use rusqlite_migration::M;

    use super::*;
    use crate::config::hub::Synchronous;
    use crate::domain::TailDays;
    use crate::hub::disk::Disk;

    const FIRST: &str = include_str!("migrations/0001.sql");

    fn settings(directory: &Path) -> StoreSettings {
        let path = directory.join("hub.db");
        let disk = Disk::of(&path);
        StoreSettings { path, synchronous: Synchronous::Full, tails: TailDays::default(), disk }
    }

    fn files(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_migration_that_fails_half_way_leaves_the_old_schema_and_no_copy() {
        let directory = tempfile::tempdir().unwrap();
        let settings = settings(directory.path());
        let first = [M::up(FIRST)];
        let (db, held) = open(&settings, &Migrations::from_slice(&first), 1).unwrap();
        db.execute("INSERT INTO person (gender, deceased, restricted) VALUES ('female', 'no', 0)", [])
            .unwrap();
        drop((db, held));
        let broken = [
            M::up(FIRST),
            M::up("CREATE TABLE new (id INTEGER) STRICT; UPDATE person SET gender = 'other';"),
            M::up("CREATE TABLE newer (id INTEGER) STRICT; DROP TABLE person_name; SELECT * FROM nowhere;"),
        ];
        let refused = open(&settings, &Migrations::from_slice(&broken), 3).unwrap_err().to_string();
        assert!(refused.contains("could not be brought to this version"), "{refused}");
        let db = connect(&settings).unwrap();
        assert_eq!(version(&db).unwrap(), 1);
        let fresh = Connection::open_in_memory().unwrap();
        fresh.execute_batch(FIRST).unwrap();
        assert_eq!(copy::statements(&db).unwrap(), copy::statements(&fresh).unwrap());
        let gender: String = db.query_row("SELECT gender FROM person", [], |row| row.get(0)).unwrap();
        assert_eq!(gender, "female");
        drop(db);
        assert_eq!(files(directory.path()), ["hub.db", "hub.db.used"]);
        let (db, _held) = open(&settings, &Migrations::from_slice(&first), 1).unwrap();
        assert_eq!(version(&db).unwrap(), 1, "and the version before still opens it");
    }

    #[test]
    fn two_that_open_a_new_database_at_once_both_find_it_made() {
        let directory = tempfile::tempdir().unwrap();
        let settings = settings(directory.path());
        let first = [M::up(FIRST)];
        let steps = Migrations::from_slice(&first);
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| open(&settings, &steps, 1).map(|(db, _held)| version(&db).unwrap())))
                .collect();
            for one in all {
                assert_eq!(one.join().unwrap().unwrap(), 1);
            }
        });
    }
}
