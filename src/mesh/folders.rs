//! A mailbox through the folders of MESH's own file client: pairs of `.dat` and `.ctl` in `in`, `out`, `sent` and `error` (in small or
//! capital letters). The client carries them; here is no network and no secret.
//!
//! A pair is there once its control file is whole and its data file is there; what is written here appears all at once, data first.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::control::{self, Control};
use super::limits::{MESH_CONTROL_BYTES, MESH_INBOX};
use super::parcels::Unpacked;
use super::{Content, Header, Kind, MailboxId, MeshError, MessageId, Outgoing, Sink, Standing};

/// Read at once.
const PART: usize = 64 * 1024;

/// What every compressed file begins with; none of our documents does.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The folders of one mailbox.
#[derive(Debug)]
pub struct Folders {
    mailbox: MailboxId,
    inbox: PathBuf,
    outbox: PathBuf,
    sent: PathBuf,
    error: PathBuf,
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
            let is_control = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ctl"));
            let Some(id) = path.file_stem().and_then(|stem| MessageId::parse(stem.to_str()?)) else {
                continue;
            };
            let Some(control) = is_control.then(|| self.control(&id)).flatten() else { continue };
            let is_there = control.header.kind != Kind::Data || self.at(&id, "dat").is_file();
            if control.header.workflow == workflow && is_there {
                let at = file.metadata().and_then(|file| file.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
                found.push((at, id));
            }
        }
        found.sort();
        Ok(found.into_iter().take(MESH_INBOX).map(|(_, id)| id).collect())
    }

    fn at(&self, id: &MessageId, extension: &str) -> PathBuf {
        self.inbox.join(format!("{}.{extension}", id.as_str()))
    }

    /// The control file of a message for this mailbox.
    fn control(&self, id: &MessageId) -> Option<Control> {
        let mut text = String::new();
        let file = File::open(self.at(id, "ctl")).ok()?;
        file.take(MESH_CONTROL_BYTES as u64 + 1).read_to_string(&mut text).ok()?;
        control::read(&text).filter(|control| control.to.as_ref().is_none_or(|to| *to == self.mailbox))
    }

    pub(super) async fn fetch(
        &self,
        id: &MessageId,
        wants: impl Fn(&Header) -> bool,
        sink: &mut impl Sink,
    ) -> Result<Header, MeshError> {
        let header = self.control(id).ok_or(MeshError::Gone)?.header;
        if header.kind != Kind::Data || !wants(&header) {
            return Ok(header);
        }
        let path = self.at(id, "dat");
        let mut file = File::open(&path).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound { MeshError::Gone } else { failed(&path, &error) }
        })?;
        let (mut unpacked, mut part) = (None, vec![0; PART]);
        loop {
            let read = file.read(&mut part).map_err(|error| failed(&path, &error))?;
            let Some(part) = part.get(..read).filter(|part| !part.is_empty()) else { break };
            let is_compressed = part.starts_with(&GZIP);
            unpacked.get_or_insert_with(|| Unpacked::of(is_compressed)).take(part, sink).await?;
        }
        if let Some(unpacked) = unpacked {
            unpacked.finish(sink).await?;
        }
        Ok(header)
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

    pub(super) fn send(&self, what: Outgoing<'_>) -> Result<(), MeshError> {
        let name = MessageId::parse(what.local_id);
        let name = name.ok_or(MeshError::NotUnderstood("a local id is no file's name"))?;
        let control = control::write(&self.mailbox, what.to, what.workflow, what.local_id);
        self.put(&format!("{}.dat", name.as_str()), what.content)?;
        self.put(&format!("{}.ctl", name.as_str()), Content::Bytes(control.into_bytes()))
    }

    /// A file that is not there, and then is there whole.
    fn put(&self, name: &str, content: Content) -> Result<(), MeshError> {
        let path = self.outbox.join(name);
        let new = self.outbox.join(format!(".{name}.part"));
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

fn failed(path: &Path, error: &io::Error) -> MeshError {
    MeshError::Local(format!("{}: {}", path.display(), error.kind()))
}
