//! `cpis-authority upload`.

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use cpis::authority::extract::{Checked, Problem};
use cpis::authority::https::Https;
use cpis::authority::memory::{Change, Changes, Memory, NotVisible, Settled};
use cpis::authority::upload::{self, Ask};
use cpis::config::authority::Mapping;
use indicatif::{ProgressBar, ProgressStyle};

use super::common::{PRINTED, counted, line, linked, moment};
use super::lists;

#[derive(clap::Args)]
pub(super) struct Upload {
    /// The extract
    file: PathBuf,
    #[command(flatten)]
    config: super::WithConfig,
    /// Say what would go up, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Send everything again, not only what differs
    #[arg(long)]
    full: bool,
    /// The number of the last file that the hub took: only where the link's memory was put back from a backup
    #[arg(long, value_name = "NUMBER")]
    after: Option<u32>,
    /// The day on which the extract is looked at, such as 2026-11-22; today unless given
    #[arg(long, value_name = "DAY")]
    day: Option<String>,
}

pub(super) fn upload(what: &Upload) -> Result<ExitCode, String> {
    let (config, link) = linked(&what.config.config)?;
    let (now, today) = moment(what.day.as_deref())?;
    let mut memory = Memory::open(&link.memory, &link.code).map_err(|error| error.to_string())?;
    let ask = Ask { settings: &link, mapping: &config.extract, today, now, is_full: what.full };
    let name = what.file.display();
    let file = File::open(&what.file).map_err(|error| format!("cannot read {name}: {}", error.kind()))?;
    let source = BufReader::with_capacity(256 * 1024, file);
    if what.dry_run {
        let difference =
            upload::dry_run(&mut memory, source, ask).map_err(|error| format!("{name}: {error}"))?;
        let said = told_dry(&difference, &config.extract);
        print(&said)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(after) = what.after {
        memory.skip_to(after).map_err(|error| error.to_string())?;
    }
    let mut transport = Https::new(&link.hub).map_err(|error| error.to_string())?;
    let bar = bar();
    let mut progress = |doing: &'static str, done: u64, of: u64| {
        if of > 0 {
            bar.set_length(of);
        }
        bar.set_position(done);
        bar.set_message(doing);
    };
    let earlier = upload::settle(&mut memory, &mut transport, now, &mut progress);
    let earlier = earlier.map_err(|error| format!("the file of an earlier upload: {error}"))?;
    let uploaded = upload::upload(&mut memory, &mut transport, source, ask, &mut progress);
    bar.finish_and_clear();
    let uploaded = uploaded.map_err(|error| format!("{name}: {error}"))?;
    let hidden = memory.not_visible().map_err(|error| error.to_string())?;
    let not_sent = memory.not_sent(today).map_err(|error| error.to_string())?;
    let absent = memory.absent().map_err(|error| error.to_string())?;
    let mut said = lists::first_line(hidden, not_sent);
    if let Some(earlier) = earlier {
        said.push_str(&format!("The file of an earlier upload came first. {}", settled(&earlier)));
    }
    said.push_str(&settled(&uploaded.settled));
    said.push_str(&of_changes(&uploaded.changes, "taken back"));
    said.push_str(&of_rows(&uploaded.checked, &config.extract));
    said.push_str(&of_absent(absent.iter().filter(|absent| absent.decision.is_none()).count()));
    print(&said)?;
    let is_well = uploaded.settled.why.is_none() && hidden == 0 && not_sent == 0;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn told_dry(difference: &upload::Difference, mapping: &Mapping) -> String {
    let upload::Difference { checked, changes, not_visible, not_sent } = difference;
    let mut said = lists::first_line(*not_visible, *not_sent);
    let records = counted(changes.records, "record", "records");
    said.push_str(&format!("Nothing was sent. Would go up: {records}.\n"));
    said.push_str(&of_changes(changes, "to be taken back"));
    for (local_id, change) in changes.named.iter().take(PRINTED) {
        said.push_str(&format!("local id {local_id}: {}\n", words(*change)));
    }
    let more = changes.named.len().saturating_sub(PRINTED);
    if more > 0 {
        said.push_str(&format!("and {more} more, or more than that\n"));
    }
    said.push_str(&of_rows(checked, mapping));
    said
}

fn words(change: Change) -> &'static str {
    match change {
        Change::New => "a plan that the hub does not hold",
        Change::OtherEnd => "another end",
        Change::OtherNumber => "another NHS number: every plan moves to it",
        Change::Corrected => "another start or kind: the plan that was sent before is taken back",
        Change::Decided => "as was decided about a plan that is no longer in the extract",
        Change::Again => "nothing has changed; sent again",
    }
}

fn settled(settled: &Settled) -> String {
    let Settled { sequence, code, why, records, rejected } = settled;
    if let Some(why) = why {
        return format!("File {sequence} was refused ({}): {why}\n", code.code());
    }
    let taken = records - rejected;
    let records = counted(*records, "record", "records");
    format!("File {sequence} ({}): {records} sent, {taken} taken, {rejected} rejected.\n", code.code())
}

fn of_changes(changes: &Changes, verb: &str) -> String {
    if changes.taken_back == 0 {
        return String::new();
    }
    format!("Plans {verb} because another takes their place: {}.\n", changes.taken_back)
}

fn of_rows(checked: &Checked, mapping: &Mapping) -> String {
    if checked.refused == 0 {
        return String::new();
    }
    let rows = counted(checked.rows, "row", "rows");
    let mut said = format!("{} of {rows} cannot be sent:\n", checked.refused);
    for problem in checked.problems.iter().take(PRINTED) {
        let problem: &Problem = problem;
        said.push_str(&format!("{}\n", line(problem, mapping)));
    }
    let more = checked.further + checked.problems.len().saturating_sub(PRINTED) as u64;
    if more > 0 {
        said.push_str(&format!("{more} more findings: use `cpis-authority check --report FILE`.\n"));
    }
    said
}

fn of_absent(count: usize) -> String {
    match count {
        0 => String::new(),
        count => format!(
            "Held by the hub and no longer in the extract: {}. They stay until somebody decides: `cpis-authority absent`.\n",
            counted(count as u64, "plan", "plans")
        ),
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:<10} [{bar:40}] {pos}/{len}");
    let bar = ProgressBar::new(0);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

pub(super) fn print(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).map_err(|error| format!("cannot print: {}", error.kind()))
}

pub(super) fn of_hidden(hidden: &NotVisible) -> String {
    let NotVisible { local_id, plan, since, code, why, shows_older } = hidden;
    let plan = plan.map(|(kind, start)| format!(", {} from {start}", kind.label())).unwrap_or_default();
    let code = code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
    let older = if *shows_older { "; hospitals still see what was sent before" } else { "" };
    let who = if local_id.starts_with("row ") { local_id.clone() } else { format!("local id {local_id}") };
    format!("since {since}: {who}{plan}{code}: {why}{older}\n")
}
