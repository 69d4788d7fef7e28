//! What is noted before a message is sent, so that MESH can be asked about it whatever ends in between: its local id, and what it is of.
//! And which messages were kept that MESH has not let go.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use uuid::Uuid;

use crate::authority::files;
pub(super) use crate::authority::files::beside;
use crate::exchange::TransportError;
use crate::mesh::MessageId;
use crate::mesh::limits::MESH_INBOX;

/// Bytes of such a file: receipts of one message, and their name.
const MOST_BYTES: u64 = 2 * 1024 * 1024;

/// A message that is under way.
pub(super) struct Noted {
    /// By what MESH knows it.
    pub(super) local_id: String,
    /// What it says, or the digest of that.
    pub(super) of: Vec<u8>,
}

impl Noted {
    /// Under a name that was never used.
    pub(super) fn new(of: Vec<u8>) -> Self {
        Self { local_id: format!("cpis-{}", Uuid::new_v4().simple()), of }
    }

    /// Reads what was noted; nothing where there is none. What was cut was never sent.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, TransportError> {
        match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(path, &error)),
            Ok(file) if file.len() > MOST_BYTES => {
                return Err(TransportError::Local(format!("{} is too large", path.display())));
            }
            Ok(_) => {}
        }
        let text = std::fs::read(path).map_err(|error| failed(path, &error))?;
        let end = text.iter().position(|byte| *byte == b'\n');
        let parts = end.and_then(|end| Some((text.get(..end)?, text.get(end + 1..)?)));
        Ok(parts.and_then(|(local_id, of)| {
            let local_id = std::str::from_utf8(local_id).ok().filter(|id| id.starts_with("cpis-"))?;
            Some(Self { local_id: local_id.to_owned(), of: of.to_vec() })
        }))
    }

    /// Notes it: all of it is on the disk, under its name, before anything is sent.
    pub(super) fn write(&self, path: &Path) -> Result<(), TransportError> {
        let new = beside(path, ".new");
        let written = || -> std::io::Result<()> {
            let mut file = private(&new)?;
            file.write_all(self.local_id.as_bytes())?;
            file.write_all(b"\n")?;
            file.write_all(&self.of)?;
            file.sync_all()?;
            std::fs::rename(&new, path)?;
            let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            // Not every system lets a directory be flushed.
            let _ = File::open(directory.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
            Ok(())
        };
        written().map_err(|error| failed(path, &error))
    }
}

/// An empty file that only its owner can read.
pub(super) fn private(path: &Path) -> std::io::Result<File> {
    let file = files::private(path)?;
    file.set_len(0)?;
    Ok(file)
}

pub(super) fn failed(path: &Path, error: &std::io::Error) -> TransportError {
    TransportError::Local(format!("{}: {}", path.display(), error.kind()))
}

/// SHA-256 of a file, as acknowledgements name it.
pub(super) fn digest(path: &Path) -> Result<String, TransportError> {
    let mut file = File::open(path).map_err(|error| failed(path, &error))?;
    let mut hash = Hashing(Context::new(&SHA256));
    std::io::copy(&mut file, &mut hash).map_err(|error| failed(path, &error))?;
    Ok(hash.0.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

struct Hashing(Context);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Messages that are in the register, and of which MESH did not take the acknowledgement. They come again, though the hub did not send
/// them again. They are taken like any other, since the register may have been put back from a backup meanwhile.
#[derive(Debug, Default)]
pub(super) struct Kept(Vec<MessageId>);

impl Kept {
    /// Reads them. Where that cannot be, none: then receipts go once more.
    pub(super) fn read(path: &Path) -> Self {
        let text = match std::fs::metadata(path) {
            Ok(file) if file.len() <= MOST_BYTES => std::fs::read_to_string(path).unwrap_or_default(),
            Ok(_) | Err(_) => String::new(),
        };
        Self(text.lines().take(MESH_INBOX).filter_map(MessageId::parse).collect())
    }

    pub(super) fn holds(&self, id: &MessageId) -> bool {
        self.0.contains(id)
    }

    /// Notes one; of more than an inbox can show the first are forgotten.
    pub(super) fn add(&mut self, id: &MessageId, path: &Path) {
        if !self.holds(id) {
            if self.0.len() >= MESH_INBOX {
                self.0.remove(0);
            }
            self.0.push(id.clone());
            self.write(path);
        }
    }

    /// MESH has let it go.
    pub(super) fn remove(&mut self, id: &MessageId, path: &Path) {
        if self.holds(id) {
            self.0.retain(|known| known != id);
            self.write(path);
        }
    }

    fn write(&self, path: &Path) {
        let text: String = self.0.iter().flat_map(|id| [id.as_str(), "\n"]).collect();
        // Where it cannot be written receipts go once more.
        let _ = private(path).and_then(|mut file| file.write_all(text.as_bytes()));
    }
}
