//! The disk below the database: how much of it is free, the alert when that is little, and a reserve.
//!
//! The reserve is a file beside the database that takes real blocks. When the disk is full it is given up in
//! portions, so that views, refusals and their audit entries go on being written for a while; loads are refused
//! first. It is made again when there is room.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::limits;
use crate::config::hub::DiskSettings;

/// What is known about the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiskState {
    /// Bytes that the hub may still use, beside its reserve.
    pub free_bytes: u64,
    /// Bytes of the whole file system.
    pub total_bytes: u64,
    /// Less is free than the configured percentage. Also where nobody can tell.
    pub is_low: bool,
    /// Bytes held in reserve now.
    pub reserve_bytes: u64,
    /// Bytes that are to be held in reserve.
    pub reserve_wanted_bytes: u64,
}

impl DiskState {
    /// Whether a part of the reserve is used up, or was never to be had.
    #[must_use]
    pub fn is_on_reserve(self) -> bool {
        self.reserve_bytes < self.reserve_wanted_bytes
    }
}

/// The disk of one database. Clones share it.
#[derive(Debug, Clone)]
pub struct Disk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    directory: PathBuf,
    reserve: PathBuf,
    wanted: u64,
    is_served: bool,
    alert_percent: u8,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    file: Option<File>,
    bytes: u64,
    state: DiskState,
    alert_said: Option<Instant>,
    reserve_said: bool,
}

impl Disk {
    /// The disk of a database that this process serves, with its reserve to come.
    #[must_use]
    pub fn of_served(database: &Path, settings: DiskSettings) -> Self {
        let wanted = u64::from(settings.reserve_mb).saturating_mul(1024 * 1024);
        Self::new(database, settings.alert_percent, wanted, true)
    }

    /// The disk of a database that another process may serve: its reserve is left alone.
    #[must_use]
    pub fn of(database: &Path) -> Self {
        Self::new(database, DiskSettings::default().alert_percent, 0, false)
    }

    fn new(database: &Path, alert_percent: u8, wanted: u64, is_served: bool) -> Self {
        Self(Arc::new(Inner {
            directory: directory_of(database),
            reserve: beside(database, ".reserve"),
            wanted,
            is_served,
            alert_percent,
            held: Mutex::new(Held::default()),
        }))
    }

    /// What was known when the disk was last looked at.
    #[must_use]
    pub fn state(&self) -> DiskState {
        self.held().state
    }

    /// Whether there is so little room that nothing may be kept that need not be: as when it was last looked at.
    pub(super) fn is_scarce(&self) -> bool {
        let state = self.state();
        self.0.is_served && (state.is_on_reserve() || state.free_bytes < limits::LOAD_FREE_BYTES)
    }

    /// Whether something large can be written without coming near the reserve.
    #[must_use]
    pub fn has_room_for_loads(&self) -> bool {
        self.has_room_for(0)
    }

    /// The same of something of this size.
    pub(super) fn has_room_for(&self, bytes: u64) -> bool {
        let needed = limits::LOAD_FREE_BYTES.saturating_add(bytes);
        space(&self.0.directory).is_none_or(|space| space.free >= needed)
    }

    /// Whether something could be written without coming near the reserve if so much went.
    pub(super) fn would_have_room(&self, bytes: u64) -> bool {
        space(&self.0.directory)
            .is_none_or(|space| space.free.saturating_add(bytes) >= limits::LOAD_FREE_BYTES)
    }

    /// Looks at the disk, says what has changed, and makes the reserve where there is room for it.
    pub fn look(&self) {
        let mut held = self.held();
        if self.0.wanted > 0 {
            self.make_reserve(&mut held);
        } else if self.0.is_served {
            // What was there before no reserve was configured.
            let _ = std::fs::remove_file(&self.0.reserve);
        }
        self.measure(&mut held);
        self.say(&mut held);
    }

    /// Before so many requests are written in one commit: gives up as much of the reserve as is missing.
    pub(super) fn make_room(&self, requests: usize) {
        if self.0.wanted == 0 {
            return;
        }
        let each = limits::COMMIT_FREE_BYTES_EACH.saturating_mul(u64::try_from(requests).unwrap_or(u64::MAX));
        let needed = limits::COMMIT_FREE_BYTES.saturating_add(each);
        let missing = space(&self.0.directory).map_or(0, |space| needed.saturating_sub(space.free));
        if missing > 0 {
            self.give_up(missing);
        }
    }

    /// After something could not be written because the disk was full.
    pub(super) fn give_up_a_portion(&self) {
        self.give_up(limits::RESERVE_PORTION_BYTES);
    }

    fn give_up(&self, bytes: u64) {
        let mut held = self.held();
        let rest = held.bytes.saturating_sub(bytes);
        if let Some(file) = held.file.as_ref().filter(|_| held.bytes > 0) {
            match file.set_len(rest) {
                Ok(()) => held.bytes = rest,
                Err(error) => tracing::error!(reason = %error.kind(), "the reserve cannot be given up"),
            }
        }
        self.measure(&mut held);
        self.say(&mut held);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make_reserve(&self, held: &mut Held) {
        if held.file.is_none() {
            match open_private(&self.0.reserve) {
                // What an earlier run left.
                Ok(file) => {
                    held.bytes = file.metadata().map_or(0, |data| data.len());
                    held.file = Some(file);
                }
                Err(error) => {
                    tracing::error!(reason = %error.kind(), "the reserve's file cannot be made");
                    return;
                }
            }
        }
        let Some(file) = &held.file else { return };
        let missing = self.0.wanted.saturating_sub(held.bytes);
        let needed = missing.saturating_add(limits::LOAD_FREE_BYTES.min(self.0.wanted));
        let has_room = space(&self.0.directory).is_some_and(|space| space.free > needed);
        // A smaller reserve was configured, or a part is missing and there is room for it.
        if held.bytes > self.0.wanted || (missing > 0 && has_room) {
            match take_blocks(file, self.0.wanted) {
                Ok(()) => held.bytes = self.0.wanted,
                Err(error) => {
                    tracing::warn!(reason = %error.kind(), "the reserve cannot be made");
                    held.bytes = file.set_len(held.bytes).map_or(0, |()| held.bytes);
                }
            }
        }
    }

    fn measure(&self, held: &mut Held) {
        let space = space(&self.0.directory);
        let is_low = space.is_none_or(|space| {
            u128::from(space.free) * 100 < u128::from(space.total) * u128::from(self.0.alert_percent)
        });
        let (free, total) = space.map_or((0, 0), |space| (space.free, space.total));
        held.state = DiskState {
            free_bytes: free,
            total_bytes: total,
            is_low,
            reserve_bytes: held.bytes,
            reserve_wanted_bytes: self.0.wanted,
        };
    }

    /// Once when it begins, each hour while it lasts, and once when it is over.
    fn say(&self, held: &mut Held) {
        let state = held.state;
        let is_due = held.alert_said.is_none_or(|said| said.elapsed() >= limits::DISK_ALERT_AGAIN);
        if state.is_low && is_due {
            held.alert_said = Some(Instant::now());
            tracing::error!(
                free_bytes = state.free_bytes,
                total_bytes = state.total_bytes,
                alert_percent = self.0.alert_percent,
                "the disk of the database is nearly full"
            );
        } else if !state.is_low && held.alert_said.take().is_some() {
            tracing::info!(free_bytes = state.free_bytes, "the disk of the database has room again");
        }
        if state.is_on_reserve() != held.reserve_said {
            held.reserve_said = state.is_on_reserve();
            if held.reserve_said {
                tracing::error!(
                    reserve_bytes = state.reserve_bytes,
                    free_bytes = state.free_bytes,
                    "the disk is full: the hub lives on its reserve and refuses loads"
                );
            } else {
                tracing::info!(reserve_bytes = state.reserve_bytes, "the reserve is whole");
            }
        }
    }
}

/// What a file system has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Space {
    pub(super) free: u64,
    pub(super) total: u64,
}

/// What the file system of a directory has; `None` where nobody can tell.
#[cfg(unix)]
pub(super) fn space(directory: &Path) -> Option<Space> {
    let found = rustix::fs::statvfs(directory).ok()?;
    let of = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Some(Space { free: of(found.f_bavail), total: of(found.f_blocks) })
}

#[cfg(not(unix))]
pub(super) fn space(_directory: &Path) -> Option<Space> {
    None
}

/// The directory that holds a file.
pub(super) fn directory_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}

/// A file whose name is another's with something behind it.
pub(super) fn beside(file: &Path, more: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(more);
    PathBuf::from(name)
}

/// A file of the hub's own, readable by its owner alone.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    private(&mut options);
    options.open(path)
}

/// The same, of a file that must not be there yet.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    private(&mut options);
    options.open(path)
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600);
}

#[cfg(not(unix))]
fn private(_options: &mut OpenOptions) {}

/// Makes a file this long, of blocks that nobody else can take.
#[cfg(unix)]
fn take_blocks(file: &File, bytes: u64) -> io::Result<()> {
    file.set_len(file.metadata()?.len().min(bytes))?;
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::OPNOTSUPP) => write_blocks(file, bytes),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(unix))]
fn take_blocks(file: &File, bytes: u64) -> io::Result<()> {
    write_blocks(file, bytes)
}

/// Where blocks cannot be asked for: written, with what no file system packs into less.
fn write_blocks(file: &File, bytes: u64) -> io::Result<()> {
    use std::io::{Seek, SeekFrom, Write};
    let mut file = file;
    let mut at = file.seek(SeekFrom::End(0))?;
    let mut random: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut block = [0_u8; 4096];
    while at < bytes {
        for word in block.chunks_exact_mut(8) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            word.copy_from_slice(&random.to_le_bytes());
        }
        file.write_all(&block)?;
        at += 4096;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(reserve_mb: u16, alert_percent: u8) -> DiskSettings {
        DiskSettings { alert_percent, reserve_mb }
    }

    #[test]
    fn the_reserve_takes_real_blocks_and_is_given_up_in_portions() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("hub.db");
        let disk = Disk::of_served(&database, settings(20, 1));
        disk.look();
        let reserve = directory.path().join("hub.db.reserve");
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, PermissionsExt};
            let data = std::fs::metadata(&reserve).unwrap();
            assert!(data.blocks() * 512 >= 20 * 1024 * 1024, "{} blocks", data.blocks());
            assert_eq!(data.permissions().mode() & 0o777, 0o600);
        }
        assert!(!disk.state().is_on_reserve());
        let length = || std::fs::metadata(&reserve).unwrap().len() / (1024 * 1024);
        let lengths: Vec<u64> = (0..21)
            .map(|_| {
                disk.give_up_a_portion();
                length()
            })
            .collect();
        assert_eq!(lengths[..3], [19, 18, 17]);
        assert_eq!(lengths[18..], [1, 0, 0]);
        assert!(disk.state().is_on_reserve());
        disk.look();
        assert_eq!(length(), 20, "made again where there is room");
        assert!(!disk.state().is_on_reserve());
        let again = Disk::of_served(&database, settings(16, 1));
        again.look();
        assert_eq!(
            (length(), again.state().reserve_bytes),
            (16, 16 * 1024 * 1024),
            "what an earlier run left"
        );
    }

    #[test]
    fn where_blocks_cannot_be_asked_for_they_are_written() {
        let file = tempfile::tempfile().unwrap();
        write_blocks(&file, 1024 * 1024).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 1024 * 1024);
    }

    #[test]
    fn a_disk_of_which_nobody_can_tell_is_low() {
        let disk = Disk::of_served(Path::new("/nowhere/at/all/hub.db"), settings(0, 5));
        disk.look();
        assert!(disk.state().is_low && disk.state().total_bytes == 0);
    }
}
