//! What the hub's and the link's configuration files have in common: how they are read, and what can be wrong.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// Bytes of a configuration file that are read.
const FILE_BYTES: u64 = 1024 * 1024;

/// Why a program does not start with its configuration: one sentence each.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: {why}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        why: String,
    },
    /// Not TOML, or a key that the program does not know.
    #[error("the configuration {path} is not valid: {why}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The parser's reason, with line and column.
        why: String,
    },
    /// A setting that cannot be meant.
    #[error("`{key}` in the configuration: {why}")]
    Setting {
        /// The key.
        key: String,
        /// What is wrong with it.
        why: String,
    },
}

/// The whole text of a configuration file.
pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    let unreadable =
        |why: &dyn std::fmt::Display| ConfigError::Unreadable { path: path.to_owned(), why: why.to_string() };
    let size = std::fs::metadata(path).map_err(|error| unreadable(&error))?.len();
    if size > FILE_BYTES {
        return Err(unreadable(&format!("it is larger than {FILE_BYTES} bytes")));
    }
    std::fs::read_to_string(path).map_err(|error| unreadable(&error))
}

/// What the text of the file at `path` says.
pub(super) fn parse<T: DeserializeOwned>(text: &str, path: &Path) -> Result<T, ConfigError> {
    toml::from_str(text)
        .map_err(|error| ConfigError::Invalid { path: path.to_owned(), why: error.to_string() })
}

/// A setting that cannot be meant.
pub(super) fn setting(key: &str, why: &str) -> ConfigError {
    ConfigError::Setting { key: key.to_owned(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_too_long_is_refused_and_never_cut() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("long.toml");
        let most = usize::try_from(FILE_BYTES).unwrap();
        std::fs::write(&path, "#".repeat(most)).unwrap();
        assert_eq!(read(&path).unwrap().len(), most);
        std::fs::write(&path, "#".repeat(most + 1)).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("it is larger than 1048576 bytes"));
    }
}
