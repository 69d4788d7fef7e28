//! What the commands share.

use std::path::Path;

use cpis::authority::extract::Problem;
use cpis::config::authority::{AuthorityConfig, LinkSettings, Mapping};
use cpis::domain::dates;
use jiff::Timestamp;
use jiff::civil::Date;

/// So many findings are printed.
pub(super) const PRINTED: usize = 100;

/// The configuration of a command that speaks of uploads.
pub(super) fn linked(path: &Path) -> Result<(AuthorityConfig, LinkSettings), String> {
    let config = AuthorityConfig::read(path).map_err(|error| error.to_string())?;
    let link = config.link.clone();
    let link = link
        .ok_or("the configuration says only how an extract is read: add `memory`, [authority] and [hub]")?;
    Ok((config, link))
}

/// This moment, and the day that counts.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the link's command line asks what time it is"
)]
pub(super) fn moment(day: Option<&str>) -> Result<(Timestamp, Date), String> {
    let now = Timestamp::now();
    let today = match day {
        Some(day) => day.parse().map_err(|_| "--day: a day such as 2026-11-22".to_owned())?,
        None => dates::london_day(now),
    };
    Ok((now, today))
}

/// A finding as one line.
pub(super) fn line(problem: &Problem, mapping: &Mapping) -> String {
    let Problem { row, column, local_id, finding } = problem;
    let column = column.map(|column| format!(", {}", mapping.name(column))).unwrap_or_default();
    let local_id = local_id.as_ref().map(|id| format!(" (local id {id})")).unwrap_or_default();
    format!("row {row}{column}{local_id}: {finding}")
}

/// `1 row`, `2 rows`.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}
