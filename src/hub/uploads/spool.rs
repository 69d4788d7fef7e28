//! The files that wait beside the database. They hold people, as the database does: nobody but the hub's own user can
//! read them, and each is removed once it is applied.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::hub::disk;

/// What stands between the database's name and a file's own.
const MARK: &str = ".upload-";

/// A file that is removed again unless it is kept.
pub(super) struct Spool {
    path: PathBuf,
    name: String,
    is_kept: bool,
}

impl Spool {
    /// An empty one of this run of the hub.
    pub(super) fn new(database: &Path, run: Uuid) -> io::Result<(Self, File)> {
        let name = format!("{}-{}", run.simple(), Uuid::new_v4().simple());
        let path = path(database, &name);
        let file = disk::create_private(&path)?;
        Ok((Self { path, name, is_kept: false }, file))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// It waits to be applied from now on.
    pub(super) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Where a file waits.
pub(super) fn path(database: &Path, name: &str) -> PathBuf {
    disk::beside(database, &format!("{MARK}{name}"))
}

/// Bytes of all files that wait or arrive.
pub(super) fn bytes(database: &Path) -> u64 {
    let start = disk::beside(database, MARK);
    let Some(start) = start.file_name().and_then(|name| name.to_str()) else { return 0 };
    let Ok(files) = fs::read_dir(disk::directory_of(database)) else { return 0 };
    let own = files.filter_map(Result::ok);
    let own = own.filter(|file| file.file_name().to_str().is_some_and(|name| name.starts_with(start)));
    own.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
}

/// Brings a file and its name to the disk.
pub(super) fn sync(file: &File, database: &Path) -> io::Result<()> {
    file.sync_all()?;
    File::open(disk::directory_of(database))?.sync_all()
}

/// Removes what nobody waits for: the rest of files that were arriving when an earlier run of the hub ended. Those of this
/// run may be arriving now.
pub(super) fn tidy(database: &Path, run: Uuid, waiting: &[String]) {
    let start = disk::beside(database, MARK);
    let run = run.simple().to_string();
    let Some(start) = start.file_name().and_then(|name| name.to_str()) else { return };
    let Ok(files) = fs::read_dir(disk::directory_of(database)) else { return };
    for file in files.filter_map(Result::ok) {
        let name = file.file_name();
        let Some(own) = name.to_str().and_then(|name| name.strip_prefix(start)) else { continue };
        if !own.starts_with(&run) && !waiting.iter().any(|waits| waits == own) {
            let _ = fs::remove_file(file.path());
        }
    }
}
