//! Who uses a database: two locks beside it, which the operating system takes back when a process ends, however.
//!
//! Everybody holds a share of the one; whoever changes the schema or puts another database in place holds all of it.
//! The other is held by the one hub that serves.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Instant;

use super::OpenError;
use crate::hub::{disk, limits};

/// A lock that is held as long as this lives.
#[derive(Debug)]
pub(in crate::hub) struct Held(#[expect(dead_code, reason = "held, not read")] File);

/// How a lock is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Take {
    Share,
    All,
}

const USED: &str = ".used";
const SERVED: &str = ".served";

/// Takes the lock of those who use a database; `None` where another holds it in the way, now.
pub(super) fn try_use(database: &Path, take: Take) -> Result<Option<Held>, OpenError> {
    try_lock(database, USED, take)
}

/// The same, waiting a while.
pub(super) fn use_alone(database: &Path) -> Result<Held, OpenError> {
    wait(|| try_use(database, Take::All))?.ok_or_else(|| OpenError::InUse { path: database.to_owned() })
}

/// Takes the lock of the hub that serves a database.
pub(in crate::hub) fn serve(database: &Path) -> Result<Held, OpenError> {
    wait(|| try_lock(database, SERVED, Take::All))?
        .ok_or_else(|| OpenError::Served { path: database.to_owned() })
}

/// Asks again until there is an answer or the time is over.
pub(super) fn wait<T>(mut ask: impl FnMut() -> Result<Option<T>, OpenError>) -> Result<Option<T>, OpenError> {
    let since = Instant::now();
    loop {
        match ask()? {
            None if since.elapsed() < limits::IN_USE_WAIT => std::thread::sleep(limits::IN_USE_POLL),
            answer => return Ok(answer),
        }
    }
}

fn try_lock(database: &Path, which: &str, take: Take) -> Result<Option<Held>, OpenError> {
    let path = disk::beside(database, which);
    let unusable = |error: &std::io::Error| OpenError::Unusable {
        path: database.to_owned(),
        reason: format!("the lock {} cannot be taken: {}", path.display(), error.kind()),
    };
    let file = disk::open_private(&path).map_err(|error| unusable(&error))?;
    let taken = match take {
        Take::Share => file.try_lock_shared(),
        Take::All => file.try_lock(),
    };
    match taken {
        Ok(()) => Ok(Some(Held(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(unusable(&error)),
    }
}
