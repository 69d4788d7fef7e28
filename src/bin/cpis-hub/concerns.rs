//! `cpis-hub concerns`.

use std::path::Path;

use clap::ValueEnum;
use cpis::hub::clock::Clock;
use cpis::hub::concerns::ConcernQuestion;
use jiff::Timestamp;

use super::common::{open_store, operator, print};

/// How the report is written.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Format {
    /// For a person
    Text,
    /// For a program
    Json,
}

pub(super) fn concerns(
    config: &Path,
    since: Option<&str>,
    until: Option<&str>,
    format: Format,
) -> Result<(), String> {
    let moment = |name: &str, text: Option<&str>| -> Result<Option<Timestamp>, String> {
        text.map(|text| text.parse().map_err(|_| format!("--{name}: a moment such as 2026-11-22T00:00:00Z")))
            .transpose()
    };
    let until = moment("until", until)?.unwrap_or_else(|| Clock::system().now());
    let since = moment("since", since)?.map_or_else(|| until.checked_sub(ConcernQuestion::USUAL), Ok);
    let since = since.map_err(|_| "--until: this is too long ago".to_owned())?;
    if since >= until {
        return Err("--since must be before --until".to_owned());
    }
    let store = open_store(config)?;
    let report =
        store.concerns(operator(), ConcernQuestion { since, until }).map_err(|error| error.to_string())?;
    match format {
        Format::Text => print(&report.text()),
        Format::Json => print(&format!("{:#}\n", report.json())),
    }
}
