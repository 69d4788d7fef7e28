//! Moving a database aside, and going on with a move that was broken off. Nothing is ever without a name.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::copy::{self, CopyError};
use super::schema;
use crate::hub::disk;

/// What a database is kept in, with its main file first.
const PARTS: [&str; 3] = ["", "-wal", "-shm"];

/// Where a restore that was broken off has moved the database, or was about to: then what is left to name is named.
/// `None` where nothing was broken off, or nothing was moved.
pub(super) fn left(path: &Path) -> Result<Option<PathBuf>, CopyError> {
    if !disk::beside(path, schema::RESTORING).exists() {
        return Ok(None);
    }
    let Some(aside) = newest(path)? else { return Ok(None) };
    // What has come to this name since is another database: it is moved by itself.
    if !PARTS.iter().all(|part| is_moved(path, &aside, part)) {
        return Ok(None);
    }
    name_rest(path, &aside)?;
    Ok(Some(aside))
}

/// Gives the database and its log a second name each, and then takes the first away. The pair is complete under one
/// of the two at every moment. `left` is where an earlier move has brought them.
pub(super) fn move_aside(
    path: &Path,
    left: Option<PathBuf>,
    now: Timestamp,
) -> Result<Option<PathBuf>, CopyError> {
    let parts = PARTS.map(|part| disk::beside(path, part));
    let aside = match left {
        Some(aside) => aside,
        None if parts.iter().any(|part| part.exists()) => {
            // Always as long: the newest is the last by name.
            let stamp: String = format!("{now:.9}").chars().filter(char::is_ascii_alphanumeric).collect();
            let aside = disk::beside(path, &format!(".aside-{stamp}"));
            name_rest(path, &aside)?;
            aside
        }
        None => return Ok(None),
    };
    // The log first: without it the file is an older state of the same; with it below another file, it is poison.
    parts.iter().rev().try_for_each(|part| super::backup::remove(part))?;
    Ok(Some(aside))
}

/// Gives a second name to each part that has none yet.
fn name_rest(path: &Path, aside: &Path) -> Result<(), CopyError> {
    for part in PARTS {
        let (from, to) = (disk::beside(path, part), disk::beside(aside, part));
        if from.exists() && !is_same(&from, &to) {
            std::fs::hard_link(&from, &to).map_err(copy::in_file(&to, "cannot be made"))?;
        }
    }
    copy::flush_directory(&disk::directory_of(path))
}

/// Whether a part has its second name already, or can be given it beside a main file that has.
fn is_moved(path: &Path, aside: &Path, part: &str) -> bool {
    let (from, to) = (disk::beside(path, part), disk::beside(aside, part));
    !from.exists() || is_same(&from, &to) || (!to.exists() && is_same(path, aside))
}

/// The newest database that was moved aside.
fn newest(path: &Path) -> Result<Option<PathBuf>, CopyError> {
    let directory = disk::directory_of(path);
    let start = disk::beside(path, ".aside-");
    let start = start.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let unreadable = copy::in_file(&directory, "cannot be read");
    let mut newest: Option<String> = None;
    for entry in std::fs::read_dir(&directory).map_err(&unreadable)? {
        let name = entry.map_err(&unreadable)?.file_name().to_string_lossy().into_owned();
        let is_one = name
            .strip_prefix(&start)
            .is_some_and(|stamp| stamp.chars().all(|letter| letter.is_ascii_alphanumeric()));
        if is_one && newest.as_ref().is_none_or(|newest| *newest < name) {
            newest = Some(name);
        }
    }
    Ok(newest.map(|name| path.with_file_name(name)))
}

/// Whether two names are of one file; where nobody can tell, they are not.
#[cfg(unix)]
fn is_same(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let of = |path: &Path| std::fs::metadata(path).map(|about| (about.dev(), about.ino())).ok();
    of(one).is_some_and(|one| of(other) == Some(one))
}

#[cfg(not(unix))]
fn is_same(_one: &Path, _other: &Path) -> bool {
    false
}
