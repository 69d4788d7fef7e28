//! Password and shared key: read from files that not every user of the machine can read, wiped when they go, shown nowhere.

use std::path::Path;

use zeroize::Zeroizing;

use super::MeshError;
use super::limits::MESH_FILE_BYTES;

/// Something that only this program and MESH know. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Of a text.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        Self(Zeroizing::new(text.to_vec()))
    }

    /// Reads a file; white space at its end is an editor's.
    ///
    /// # Errors
    /// It cannot be read, is empty, or is open to every user of this machine.
    pub fn read(path: &Path) -> Result<Self, MeshError> {
        let bytes = read_private(path)?;
        let secret = bytes.trim_ascii_end();
        if secret.is_empty() {
            return Err(MeshError::Local(format!("{} is empty", path.display())));
        }
        Ok(Self::of(secret))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// The same of a file that not every user of this machine can read.
pub(super) fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, MeshError> {
    let bytes = read(path)?;
    open_to_others(path).map_or(Ok(bytes), |why| Err(MeshError::Local(why)))
}

/// What to do about a file with a secret that every user of this machine can read; nothing where they cannot.
pub(crate) fn open_to_others(path: &Path) -> Option<String> {
    let path = is_open_to_others(path).then(|| path.display())?;
    Some(format!("{path} is open to every user of this machine: chmod 600 {path}"))
}

/// A whole file that cannot be large.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, MeshError> {
    let unreadable = |why: &str| MeshError::Local(format!("cannot read {}: {why}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| unreadable(&error.kind().to_string()))?.len();
    if size > MESH_FILE_BYTES {
        return Err(unreadable("it is too large"));
    }
    std::fs::read(path).map(Zeroizing::new).map_err(|error| unreadable(&error.kind().to_string()))
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).is_ok_and(|file| file.mode() & 0o007 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_path: &Path) -> bool {
    false
}
