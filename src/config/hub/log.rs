//! `[log]`: how the hub's lines look. Where they go is standard error, and how much they say is `RUST_LOG`.

use serde::Deserialize;

/// How the lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The table, word for word.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogTable {
    #[serde(default)]
    pub(super) format: LogFormat,
}
