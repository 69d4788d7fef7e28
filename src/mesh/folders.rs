//! A mailbox through the folders of MESH's own file client: pairs of `.dat` and `.ctl` in `in`, `out`, `sent` and `error` (in small or
//! capital letters). The client carries them; here is no network and no secret.
//!
//! A pair is there once its control file is whole and its data file is there; what is written here appears all at once, data first.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::control::{self, Control};
use super::limits::{MESH_AT_REST, MESH_CONTROL_BYTES, MESH_INBOX, MESH_LONG_AT_REST, MESH_ODD};
use super::parcels::Unpacked;
use super::{Content, Header, Kind, MailboxId, MeshError, MessageId, Outgoing, Sink, Standing, apart};

/// Read at once.
const PART: usize = 256 * 1024;

/// What every compressed file begins with; none of our documents does.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A file as it was, and since when.
struct Seen {
    length: u64,
    changed: SystemTime,
    since: Instant,
}

/// Data that may still be written: a mailbox is opened anew with each round.
static SEEN: Mutex<BTreeMap<PathBuf, Seen>> = Mutex::new(BTreeMap::new());

/// One writes at a time.
static PUTTING: Mutex<()> = Mutex::new(());

/// The folders of one mailbox.
#[derive(Debug, Clone)]
pub struct Folders {
    mailbox: MailboxId,
    inbox: PathBuf,
    outbox: PathBuf,
    sent: PathBuf,
    error: PathBuf,
    /// What nothing can be made of, as far as was looked.
    odd: Arc<Mutex<HashSet<PathBuf>>>,
}

impl Folders {
    /// Looks for the folders; `in` and `out` have to be there.
    ///
    /// # Errors
    /// One is not: the file client makes them, or a share is not mounted.
    pub fn open(mailbox: &MailboxId, root: &Path) -> Result<Self, MeshError> {
        let named = |name: &str| {
            let capital = root.join(name.to_ascii_uppercase());
            if capital.is_dir() { capital } else { root.join(name) }
        };
        let folders = Self {
            mailbox: mailbox.clone(),
            inbox: named("in"),
            outbox: named("out"),
            sent: named("sent"),
            error: named("error"),
            odd: Arc::default(),
        };
        for folder in [&folders.inbox, &folders.outbox] {
            if !folder.is_dir() {
                let why = format!("there is no folder {}: is the share mounted?", folder.display());
                return Err(MeshError::Local(why));
            }
        }
        Ok(folders)
    }

    /// The pairs of a workflow that are whole, oldest first.
    pub(super) fn inbox(&self, workflow: &str) -> Result<Vec<MessageId>, MeshError> {
        let files = fs::read_dir(&self.inbox).map_err(|error| failed(&self.inbox, &error))?;
        let mut found: Vec<(SystemTime, MessageId)> = Vec::new();
        for file in files.filter_map(Result::ok) {
            let path = file.path();
            if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ctl")) {
                continue;
            }
            let at = changed(&path).unwrap_or(SystemTime::UNIX_EPOCH);
            let id = path.file_stem().and_then(|stem| MessageId::parse(stem.to_str()?));
            let control = control_in(&path);
            let (Some(id), Some(control)) = (id, control) else {
                self.note_odd(path, at);
                continue;
            };
            if !self.is_own(&control) || control.header.workflow != workflow {
                continue;
            }
            if control.header.kind == Kind::Data {
                let Some(data) = changed(&self.at(&id, "dat")) else {
                    self.note_odd(path, at);
                    continue;
                };
                // Whoever writes the data first is done with it. Where it is the newer one, it may still be growing.
                if data > at && !self.rests(&self.at(&id, "dat"), data) {
                    continue;
                }
            }
            found.push((at, id));
        }
        found.sort();
        found.dedup_by(|one, other| one.1 == other.1);
        Ok(found.into_iter().take(MESH_INBOX).map(|(_, id)| id).collect())
    }

    /// Control files that cannot be read, have a name that is none, or no data, though they were there for a while.
    pub(super) fn odd(&self) -> usize {
        self.odd.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn note_odd(&self, path: PathBuf, at: SystemTime) {
        if is_at_rest(at, MESH_ODD) {
            self.odd.lock().unwrap_or_else(PoisonError::into_inner).insert(path);
        }
    }

    /// Whether a file is done with: as it is, it was seen before, by this computer's clock. The share's may be another: only what
    /// it says to be long ago is believed, for a program that looks once.
    fn rests(&self, path: &Path, changed: SystemTime) -> bool {
        let length = fs::metadata(path).map_or(0, |file| file.len());
        let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|_, file| file.since.elapsed() < MESH_LONG_AT_REST);
        let now = Instant::now();
        let file = seen.entry(path.to_owned()).or_insert(Seen { length, changed, since: now });
        if (file.length, file.changed) != (length, changed) {
            *file = Seen { length, changed, since: now };
        }
        file.since.elapsed() >= MESH_AT_REST || is_at_rest(changed, MESH_LONG_AT_REST)
    }

    /// A file of a message, whichever letters its ending has.
    fn at(&self, id: &MessageId, extension: &str) -> PathBuf {
        let named = |extension: &str| self.inbox.join(format!("{}.{extension}", id.as_str()));
        let capital = named(&extension.to_ascii_uppercase());
        if capital.is_file() { capital } else { named(extension) }
    }

    fn is_own(&self, control: &Control) -> bool {
        control.to.as_ref().is_none_or(|to| *to == self.mailbox)
    }

    /// The control file of a message for this mailbox.
    fn control(&self, id: &MessageId) -> Option<Control> {
        control_in(&self.at(id, "ctl")).filter(|control| self.is_own(control))
    }

    pub(super) async fn fetch(
        &self,
        id: &MessageId,
        wants: impl Fn(&Header) -> bool,
        sink: &mut impl Sink,
    ) -> Result<Header, MeshError> {
        let (folders, of) = (self.clone(), id.clone());
        let header =
            apart(move || folders.control(&of).map(|control| control.header).ok_or(MeshError::Gone)).await?;
        if header.kind != Kind::Data || !wants(&header) {
            return Ok(header);
        }
        let (folders, of) = (self.clone(), id.clone());
        let mut data = apart(move || Data::open(folders.at(&of, "dat"))).await?;
        let taken = data.read(sink).await;
        // What grows while it is read is not damaged: it is not yet there.
        apart(move || data.checked()).await?;
        taken.map(|()| header)
    }

    /// The data first: it holds people, and without it the rest is nothing.
    pub(super) fn acknowledge(&self, id: &MessageId) -> Result<(), MeshError> {
        for extension in ["dat", "ctl"] {
            let path = self.at(id, extension);
            match fs::remove_file(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(&path, &error)),
            }
        }
        Ok(())
    }

    /// What stands beside a message that is to go, and its name.
    pub(super) fn control_for(&self, what: &Outgoing<'_>) -> Result<(MessageId, String), MeshError> {
        let name = MessageId::parse(what.local_id);
        let name = name.ok_or(MeshError::NotUnderstood("a local id is no file's name"))?;
        Ok((name, control::write(&self.mailbox, what.to, what.workflow, what.local_id)))
    }

    pub(super) fn send(
        &self,
        (name, control): (MessageId, String),
        content: Content,
    ) -> Result<(), MeshError> {
        self.put(&format!("{}.dat", name.as_str()), content)?;
        self.put(&format!("{}.ctl", name.as_str()), Content::Bytes(control.into_bytes()))
    }

    /// A file that is not there, and then is there whole.
    fn put(&self, name: &str, content: Content) -> Result<(), MeshError> {
        let path = self.outbox.join(name);
        let new = self.outbox.join(format!(".{name}.part"));
        // One that was given up because the share hung may still be writing this very file.
        let _turn = PUTTING.lock().unwrap_or_else(PoisonError::into_inner);
        let put = || -> io::Result<()> {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true);
            // The file client runs as somebody else, of the same group.
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o660);
            let mut file = options.open(&new)?;
            match content {
                Content::Bytes(bytes) => file.write_all(&bytes)?,
                Content::File(mut from) => drop(io::copy(&mut from, &mut file)?),
            }
            file.sync_all()?;
            fs::rename(&new, &path)?;
            // Not every share lets a directory be flushed.
            let _ = File::open(&self.outbox).and_then(|folder| folder.sync_all());
            Ok(())
        };
        put().map_err(|error| failed(&self.outbox, &error))
    }

    /// As far as the folders say. Whether it was acknowledged they do not.
    pub(super) fn standing_of(&self, local_id: &str) -> Standing {
        let name = MessageId::parse(local_id).map_or(String::new(), |id| format!("{}.ctl", id.as_str()));
        let is_in = |folder: &Path| !name.is_empty() && folder.join(&name).is_file();
        if is_in(&self.error) {
            Standing::NotDelivered
        } else if is_in(&self.outbox) || is_in(&self.sent) {
            Standing::Accepted(None)
        } else {
            Standing::NotThere
        }
    }
}

/// The data of a message as it is read.
struct Data {
    path: PathBuf,
    file: File,
    changed: Option<SystemTime>,
    read: u64,
}

impl Data {
    fn open(path: PathBuf) -> Result<Self, MeshError> {
        let file = File::open(&path).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound { MeshError::Gone } else { failed(&path, &error) }
        })?;
        let changed = changed(&path);
        Ok(Self { path, file, changed, read: 0 })
    }

    /// Hands all of it on.
    async fn read(&mut self, sink: &mut impl Sink) -> Result<(), MeshError> {
        let mut unpacked = None;
        loop {
            let mut file = self.file.try_clone().map_err(|error| failed(&self.path, &error))?;
            let path = self.path.clone();
            let part = apart(move || {
                let mut part = vec![0; PART];
                let length = file.read(&mut part).map_err(|error| failed(&path, &error))?;
                part.truncate(length);
                Ok(part)
            });
            let part = part.await?;
            if part.is_empty() {
                break;
            }
            self.read = self.read.saturating_add(part.len() as u64);
            let is_compressed = part.starts_with(&GZIP);
            unpacked.get_or_insert_with(|| Unpacked::of(is_compressed)).take(&part, sink).await?;
        }
        match unpacked {
            Some(unpacked) => unpacked.finish(sink).await,
            None => Ok(()),
        }
    }

    fn checked(self) -> Result<(), MeshError> {
        let length = fs::metadata(&self.path).map(|file| file.len());
        let is_whole = length.is_ok_and(|length| length >= self.read) && changed(&self.path) == self.changed;
        if is_whole { Ok(()) } else { Err(MeshError::Unfinished) }
    }
}

/// A control file, if it is whole.
fn control_in(path: &Path) -> Option<Control> {
    let mut text = String::new();
    let file = File::open(path).ok()?;
    file.take(MESH_CONTROL_BYTES as u64 + 1).read_to_string(&mut text).ok()?;
    control::read(&text)
}

/// When a file was last written; nothing where it is not there.
fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok().filter(fs::Metadata::is_file)?.modified().ok()
}

/// Whether a file was not written for so long. One that a share's clock has in the future is believed to rest.
fn is_at_rest(changed: SystemTime, time: Duration) -> bool {
    changed.elapsed().map_or_else(|ahead| ahead.duration() > time, |elapsed| elapsed >= time)
}

fn failed(path: &Path, error: &io::Error) -> MeshError {
    MeshError::Local(format!("{}: {}", path.display(), error.kind()))
}
