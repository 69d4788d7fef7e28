//! `cpis-authority check`.

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use cpis::authority::extract::{self, Checked};
use cpis::config::authority::{AuthorityConfig, Mapping, More};

use super::common::{
    NO_CONTACT, PRINTED, counted, line, moment, other_name, unlike, unnamed, without_contact,
};

#[derive(clap::Args)]
pub(super) struct Check {
    /// The extract
    file: PathBuf,
    #[command(flatten)]
    config: super::WithConfig,
    /// Write every finding to this CSV file
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// The day on which it is looked at, such as 2026-11-22; today unless given
    #[arg(long, value_name = "DAY")]
    day: Option<String>,
}

pub(super) fn check(what: &Check) -> Result<ExitCode, String> {
    let mapping = AuthorityConfig::read(&what.config.config).map_err(|error| error.to_string())?.extract;
    let (_, today) = moment(what.day.as_deref())?;
    let name = what.file.display();
    let file = File::open(&what.file).map_err(|error| format!("cannot read {name}: {}", error.kind()))?;
    let checked = extract::check(BufReader::with_capacity(256 * 1024, file), &mapping, today)
        .map_err(|fault| format!("{name}: {fault}"))?;
    if let Some(report) = &what.report {
        write_report(report, &checked, &mapping)
            .map_err(|why| format!("cannot write {}: {why}", report.display()))?;
    }
    print(&checked, &mapping, what.report.is_some())
        .map_err(|error| format!("cannot print: {}", error.kind()))?;
    Ok(if checked.refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What hospitals will not see comes first.
fn print(checked: &Checked, mapping: &Mapping, is_reported: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let Checked { rows, right, people, repeated, refused, without_number, .. } = checked;
    if *rows == 0 {
        writeln!(out, "There are no rows in this file: hospitals will see no plan by it.")?;
    } else if *refused == 0 {
        writeln!(out, "Every row can be sent: hospitals will see every plan in this file.")?;
    } else {
        writeln!(
            out,
            "{refused} of {} cannot be sent: no hospital will see the plan in {}.",
            rows_of(*rows),
            if *refused == 1 { "it" } else { "any of them" }
        )?;
        if *without_number > 0 {
            writeln!(out, "Without an NHS number, to be traced: {}.", rows_of(*without_number))?;
        }
    }
    writeln!(out, "Can be sent: {}, for {people} people.", rows_of(*right))?;
    if *repeated > 0 {
        writeln!(out, "Said twice: {}; nothing to mend.", rows_of(*repeated))?;
    }
    for problem in checked.problems.iter().take(PRINTED) {
        writeln!(out, "{}", line(problem, mapping))?;
    }
    let more = checked.further + checked.problems.len().saturating_sub(PRINTED) as u64;
    match (more, is_reported) {
        (0, _) => {}
        (more, true) => writeln!(out, "{more} more findings: the report has the first 10,000.")?,
        (more, false) => writeln!(out, "{more} more findings: use --report FILE.")?,
    }
    write!(out, "{}{}{}", without_contact(checked, mapping), unlike(checked, mapping), unnamed(checked))
}

fn rows_of(count: u64) -> String {
    counted(count, "row", "rows")
}

fn write_report(path: &PathBuf, checked: &Checked, mapping: &Mapping) -> Result<(), String> {
    let refused = |error: csv::Error| error.to_string();
    let made = File::options().write(true).create_new(true).open(path);
    let file = made.map_err(|error| error.kind().to_string())?;
    let mut out = csv::Writer::from_writer(file);
    out.write_record(["row", "column", "local id", "what to mend"]).map_err(refused)?;
    for problem in &checked.problems {
        let column = problem.column.map(|column| mapping.name(column)).unwrap_or_default();
        let local_id = problem.local_id.as_deref().unwrap_or_default();
        let row = problem.row.to_string();
        out.write_record([&row, &inert(column), &inert(local_id), &problem.finding.to_string()])
            .map_err(refused)?;
    }
    let column = mapping.more_name(More::Team).unwrap_or_default();
    for team in &checked.unknown_teams {
        let row = team.row.to_string();
        out.write_record([&row, &inert(column), &inert(&team.local_id), NO_CONTACT]).map_err(refused)?;
    }
    for one in &checked.unlike {
        let row = one.row.to_string();
        let column = mapping.more_name(one.column).unwrap_or_default();
        let local_id = one.local_id.as_deref().unwrap_or_default();
        out.write_record([&row, &inert(column), &inert(local_id), &other_name(one)]).map_err(refused)?;
    }
    out.flush().map_err(|error| error.kind().to_string())
}

/// A spreadsheet would take a text that begins so for a formula.
fn inert(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}
