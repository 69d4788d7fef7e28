//! `cpis-authority upload`.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use cpis::authority::extract::{Checked, Problem};
use cpis::authority::memory::{Absent, Change, Changes, Decided, Memory, NotMet, NotVisible, Settled, Who};
use cpis::authority::patience::Patience;
use cpis::authority::upload::{self, Ask, Step};
use cpis::authority::way;
use cpis::config::authority::Mapping;
use indicatif::{ProgressBar, ProgressStyle};

use super::common::{
    PRINTED, counted, keep_restricted_back, line, linked, moment, unlike, unnamed, without_contact,
};
use super::lists;

/// How often a terminal shows that it goes on.
const TICK: Duration = Duration::from_millis(500);

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
    /// The extract is right, although it has no rows, or fewer than half of what the last one had
    #[arg(long)]
    fewer_rows: bool,
    /// The day on which the extract is looked at, such as 2026-11-22; today unless given
    #[arg(long, value_name = "DAY")]
    day: Option<String>,
}

pub(super) fn upload(what: &Upload) -> Result<ExitCode, String> {
    let (mut config, link) = linked(&what.config.config)?;
    let kept_back = keep_restricted_back(&mut config);
    let (now, today) = moment(what.day.as_deref())?;
    let mut memory = Memory::open(&link.memory, &link.code).map_err(|error| error.to_string())?;
    let (is_full, accepts_fewer) = (what.full, what.fewer_rows);
    let ask = Ask { settings: &link, mapping: &config.extract, today, now, is_full, accepts_fewer };
    let name = what.file.display();
    let mut open = || -> Result<Box<dyn BufRead>, String> {
        let file = File::open(&what.file).map_err(|error| format!("cannot be read: {}", error.kind()))?;
        Ok(Box::new(BufReader::with_capacity(256 * 1024, file)))
    };
    let bar = bar();
    if what.dry_run {
        let mut progress = |step: Step<'_>| show(&bar, &step);
        let difference = open().and_then(|source| {
            upload::dry_run(&mut memory, source, ask, &mut progress).map_err(|error| error.to_string())
        });
        bar.finish_and_clear();
        let numbers = super::numbers::open(&config, &link);
        let difference = difference.map_err(|error| format!("{name}: {error}"))?;
        let said = told_dry(&difference, &config.extract, &super::numbers::line(&numbers)) + &kept_back;
        print(&said)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut transport =
        way::transport(&link.hub, &link.memory, super::listen::now).map_err(|error| error.to_string())?;
    let patience = Patience::of(link.hub.try_for);
    let mut has_said = false;
    let mut progress = |step: Step<'_>| {
        show(&bar, &step);
        match step {
            Step::Doing(..) => has_said = false,
            Step::Waiting(why, _) if !has_said => {
                has_said = true;
                bar.suspend(|| say_waiting(&why.to_string(), link.hub.try_for));
            }
            Step::Waiting(..) => {}
        }
    };
    drop(open().map_err(|error| format!("{name}: {error}"))?);
    let earlier = upload::settle(&mut memory, transport.as_mut(), now, patience, &mut progress);
    let earlier = earlier.map_err(|error| format!("the file of an earlier upload: {error}"))?;
    let uploaded = upload::upload(&mut memory, transport.as_mut(), &mut open, ask, patience, &mut progress);
    bar.finish_and_clear();
    let uploaded = uploaded.map_err(|error| format!("{name}: {error}"))?;
    let hidden = memory.not_visible().map_err(|error| error.to_string())?;
    let not_sent = memory.not_sent(today).map_err(|error| error.to_string())?;
    let absent = memory.absent().map_err(|error| error.to_string())?;
    let numbers = super::numbers::open(&config, &link);
    let mut said = lists::first_line(hidden, not_sent, &super::numbers::line(&numbers));
    if let Some(earlier) = earlier {
        said.push_str(&format!("The file of an earlier upload came first. {}", settled(&earlier)));
    }
    for (changes, of_it) in &uploaded.files {
        said.push_str(&settled(of_it));
        said.push_str(&if of_it.why.is_none() { of_changes(changes, "taken back") } else { String::new() });
    }
    said.push_str(&of_silence(uploaded.kept_silent, "was sent"));
    said.push_str(&of_rows(&uploaded.checked, &config.extract));
    said.push_str(&kept_back);
    said.push_str(&of_dropped(&uploaded.dropped));
    said.push_str(&of_absent(&absent));
    print(&said)?;
    let is_taken = uploaded.files.last().is_some_and(|(_, of_it)| of_it.why.is_none());
    let is_well = is_taken && hidden == 0 && not_sent == 0 && numbers.is_ok_and(|open| open.is_empty());
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How far it has come. Where nobody knows of how much, or one request has all of it, that it goes on and for how long.
fn show(bar: &ProgressBar, step: &Step<'_>) {
    let Step::Doing(doing, done, of) = step else { return };
    let template = match (done, of) {
        (_, 0) => "{spinner} {msg:<10} {human_pos}  {elapsed}",
        (0, _) => "{spinner} {msg:<10} {human_len}  {elapsed}",
        (_, _) => "{spinner} {msg:<10} [{bar:40}] {human_pos}/{human_len}  {elapsed}",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_length(*of);
    bar.set_position(*done);
    bar.set_message(*doing);
}

fn told_dry(difference: &upload::Difference, mapping: &Mapping, numbers: &str) -> String {
    let upload::Difference { checked, changes, not_visible, not_sent, absent, dropped } = difference;
    let mut said = lists::first_line(*not_visible, *not_sent, numbers);
    let records = counted(changes.records, "record", "records");
    said.push_str(&format!("Nothing was sent. Would go up: {records}.\n"));
    said.push_str(&of_silence(upload::would_be_silent(changes, checked), "would be sent"));
    said.push_str(&of_changes(changes, "to be taken back"));
    for (local_id, change) in changes.named.iter().take(PRINTED) {
        said.push_str(&format!("local id {local_id}: {}\n", words(*change)));
    }
    let more = changes.named.len().saturating_sub(PRINTED);
    if more > 0 {
        said.push_str(&format!("and {more} more, or more than that\n"));
    }
    said.push_str(&of_rows(checked, mapping));
    said.push_str(&of_dropped(dropped));
    said.push_str(&of_absent(absent));
    for absent in absent.iter().filter(|absent| absent.decision.is_none()).take(PRINTED) {
        said.push_str(&lists::of_absent(absent, false));
    }
    said
}

fn words(change: Change) -> &'static str {
    match change {
        Change::New => "a plan that the hub does not hold",
        Change::OtherContact => "another contact of the team",
        Change::OtherEnd => "another end",
        Change::NoEnd => "no end any more: the plan goes on again",
        Change::OtherNumber => "another NHS number: every plan moves to it",
        Change::Corrected => "another start or kind: the plan that was sent before is taken back",
        Change::Decided => "as was decided about a plan that is no longer in the extract",
        Change::Again => "nothing has changed; sent again",
    }
}

fn settled(settled: &Settled) -> String {
    let Settled { sequence, code, why, records, rejected, not_met, is_full } = settled;
    if let Some(not_met) = not_met {
        return of_not_met(*not_met);
    }
    if let Some(why) = why {
        return format!("File {sequence} was refused ({}): {why}\n", code.code());
    }
    let taken = records - rejected;
    let records = counted(*records, "record", "records");
    let all = if *is_full { " Everything was in it." } else { "" };
    format!("File {sequence} ({}): {records} sent, {taken} taken, {rejected} rejected.{all}\n", code.code())
}

/// Why everything went up again.
fn of_not_met(not_met: NotMet) -> String {
    let files = |last: u32| if last == 0 { "none".to_owned() } else { format!("file {last}") };
    match not_met {
        NotMet::HubIsOlder { last, ours } => format!(
            "The hub has lost what it had acknowledged (the last it has: {}; the last that this link sent: {}). It was probably put \
             back from a backup. Everything was sent again, and what had been taken back was taken back again.\n",
            files(last),
            files(ours)
        ),
        NotMet::LinkIsOlder { last } => format!(
            "The hub has files that this link does not know of (the last it has: {}). The link's memory is probably new, or was put \
             back from a backup. Everything was sent again.\n",
            files(last)
        ),
        NotMet::Lost { sequence } => format!(
            "The hub lost file {sequence} before all of it was taken. Everything was sent again, and what had been taken back was \
             taken back again.\n"
        ),
    }
}

fn of_changes(changes: &Changes, verb: &str) -> String {
    let mut said = String::new();
    let ends = changes.other_end + changes.ended;
    for (count, what) in [
        (ends, "Plans that end, or end on another day".to_owned()),
        (
            changes.goes_on_again,
            "Plans whose end is gone from the extract, so that they go on again".to_owned(),
        ),
        (
            changes.other_contact,
            "Plans whose team has another contact for hospitals, or none any more".to_owned(),
        ),
        (changes.taken_back, format!("Plans {verb} because another takes their place, or as was decided")),
    ] {
        if count > 0 {
            said.push_str(&format!("{what}: {count}.\n"));
        }
    }
    said
}

fn of_silence(kept_silent: bool, what: &str) -> String {
    if !kept_silent {
        return String::new();
    }
    format!(
        "No file {what}: most rows of this extract cannot be sent, and a file without them would tell the hub that all is well. Mend the \
         extract: after two days without a file the hub's operator is alerted.\n"
    )
}

fn of_dropped(dropped: &[Decided]) -> String {
    let mut said = String::new();
    for Decided { local_id, kind, start } in dropped.iter().take(PRINTED) {
        said.push_str(&format!(
            "Decided about, and in the extract again: local id {local_id}, {} from {start}. The decision was not carried out, and is forgotten.\n",
            kind.label()
        ));
    }
    said
}

#[expect(
    clippy::print_stderr,
    reason = "the night's log shows why it takes so long; what is printed at the end is the result"
)]
fn say_waiting(why: &str, try_for: Duration) {
    let minutes = counted(try_for.as_secs() / 60, "minute", "minutes");
    eprintln!(
        "cpis-authority: {why}; it is tried again for up to {minutes}. It may be stopped (Ctrl+C): nothing is lost, and the next \
         upload goes on"
    );
}

fn of_rows(checked: &Checked, mapping: &Mapping) -> String {
    let of_teams = without_contact(checked, mapping) + &unlike(checked, mapping) + &unnamed(checked);
    if checked.refused == 0 {
        return of_teams;
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
    said + &of_teams
}

fn of_absent(absent: &[Absent]) -> String {
    let waiting = absent.iter().filter(|absent| absent.waits).count();
    let mut said = match absent.iter().filter(|absent| absent.decision.is_none()).count() {
        0 => String::new(),
        count => format!(
            "Held by the hub and no longer in the extract: {}. They stay until somebody decides: `cpis-authority absent`.\n",
            counted(count as u64, "plan", "plans")
        ),
    };
    if waiting > 0 {
        said.push_str(&format!(
            "Decided about, and not carried out as a row cannot be read that may be of them: {}. See `cpis-authority absent`.\n",
            counted(waiting as u64, "plan", "plans")
        ));
    }
    said
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    bar.enable_steady_tick(TICK);
    bar
}

pub(super) fn print(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).map_err(|error| format!("cannot print: {}", error.kind()))
}

pub(super) fn of_hidden(hidden: &NotVisible) -> String {
    let NotVisible { who, plan, since, code, why, shows_older } = hidden;
    let plan = plan.map(|(kind, start)| format!(", {} from {start}", kind.label())).unwrap_or_default();
    let code_said = code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
    let older = match (shows_older, who, code) {
        (false, _, _) => String::new(),
        (true, Who::LocalId(local_id), None) => format!(
            "; hospitals still see what was sent before. If that is on another person's number, take it off now: \
             `cpis-authority decide {local_id} --in-error --by USER`"
        ),
        (true, _, _) => "; hospitals still see what was sent before".to_owned(),
    };
    let who = match who {
        Who::LocalId(local_id) => format!("local id {local_id}"),
        Who::Row(row) => format!("row {row} of the extract of that day, without a local id"),
    };
    format!("since {since}: {who}{plan}{code_said}: {why}{older}\n")
}
