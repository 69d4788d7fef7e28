//! What the commands share.

use std::path::Path;

use cpis::authority::extract::{Checked, Problem, UnknownTeam, Unlike, Unnamed};
use cpis::authority::notices::restricted_list;
use cpis::config::authority::{AuthorityConfig, LinkSettings, Mapping, More};
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

/// Keeps the teams of listed restricted cases back. Where the list cannot be read nobody knows which those are: no team goes up, and every
/// plan does; what to say of it. It is read though no team is configured: what the hub has of one is taken off there.
pub(super) fn keep_restricted_back(config: &mut AuthorityConfig) -> String {
    let Some(table) = &config.routing else { return String::new() };
    let contacts = &mut config.extract.contacts;
    match restricted_list(table) {
        Ok((listed, _)) => {
            contacts.keep_back(listed.into_keys());
            String::new()
        }
        Err(why) => {
            let said = if contacts.is_empty() {
                String::new()
            } else {
                format!("Plans go up without a team that hospitals can ring: {why}\n")
            };
            contacts.without_the_list();
            said
        }
    }
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

/// What to do about a row that says another worker or team of a plan.
pub(super) fn other_name(unlike: &Unlike) -> String {
    let what = match unlike.column {
        More::Worker | More::WorkerAway | More::Restricted => "worker",
        More::Team => "team",
    };
    format!(
        "row {} says another {what} of the same plan, and counts: alerts go by it. Write one row, or the same in both",
        unlike.of
    )
}

/// Rows that say a plan again, with another worker or team.
pub(super) fn unlike(checked: &Checked, mapping: &Mapping) -> String {
    let mut said = String::new();
    if checked.unlike.is_empty() {
        return said;
    }
    let rows = counted(checked.unlike.len() as u64, "time", "times");
    said.push_str(&format!(
        "The same plan with another worker or team: {rows}. The plan is sent all the same.\n"
    ));
    for one in checked.unlike.iter().take(PRINTED) {
        let column = mapping.more_name(one.column).unwrap_or_default();
        let local_id = one.local_id.as_ref().map(|id| format!(" (local id {id})")).unwrap_or_default();
        said.push_str(&format!("row {}, {column}{local_id}: {}\n", one.row, other_name(one)));
    }
    said
}

/// Workers and teams whom the routing table does not name: a note, since alerts find somebody all the same.
pub(super) fn unnamed(checked: &Checked) -> String {
    let said = |of: &Unnamed| {
        let (names, so) = match of.column {
            More::Team => (
                counted(of.names, "team", "teams"),
                "What their workers do not read goes to the manager, or the fall-back",
            ),
            More::Worker | More::WorkerAway | More::Restricted => (
                counted(of.names, "worker", "workers"),
                "They are alerted at the page alone, and known there by a user name that is their name",
            ),
        };
        let rows = counted(of.rows, "row", "rows");
        format!(
            "Not in the routing table: {names} in {rows}, first in row {} (local id {}). {so}.\n",
            of.first, of.local_id
        )
    };
    checked.unnamed.iter().map(said).collect()
}

/// What to do about teams without a contact.
pub(super) const NO_CONTACT: &str = "no contact is configured for this team";

/// Which plans go up without the contact of their team; nothing where that is so on purpose.
pub(super) fn without_contact(checked: &Checked, mapping: &Mapping) -> String {
    if checked.without_contact == 0 {
        return String::new();
    }
    let mut said = format!(
        "Without a team that hospitals can ring: {}. Their plans are sent all the same. Correct the team in the case management system, or add \
         it to the configuration ([[authority.team]]).\n",
        counted(checked.without_contact, "row", "rows")
    );
    let column = mapping.more_name(More::Team).unwrap_or_default();
    for UnknownTeam { row, local_id, rows } in checked.unknown_teams.iter().take(PRINTED) {
        let others = match rows - 1 {
            0 => String::new(),
            more => format!("; the same in {}", counted(more, "further row", "further rows")),
        };
        said.push_str(&format!("row {row}, {column} (local id {local_id}): {NO_CONTACT}{others}\n"));
    }
    said
}

/// `1 row`, `2 rows`.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}
