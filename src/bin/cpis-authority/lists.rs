//! `cpis-authority not-visible`, `absent` and `decide`: what waits for a person.

use std::process::ExitCode;

use cpis::authority::memory::{Absent, Decided, Decision, Made, Memory, Which};
use cpis::authority::register::Reader;
use cpis::domain::{NhsNumber, PlanKind, dates};

use super::common::{counted, linked, moment};
use super::upload::{of_hidden, print};

#[derive(clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    config: super::WithConfig,
}

#[derive(clap::Args)]
pub(super) struct ListAbsent {
    #[command(flatten)]
    config: super::WithConfig,
    /// Show what was decided, and by whom, the newest first
    #[arg(long)]
    decisions: bool,
}

#[derive(clap::Args)]
pub(super) struct Decide {
    /// Whose plans are no longer in the extract, or have a row that cannot be sent
    local_id: String,
    /// Only plans of this kind
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// Only the plan with this first day, such as 2026-01-05
    #[arg(long, value_name = "DAY")]
    start: Option<String>,
    /// Only plans under this NHS number, where several people have had the local id
    #[arg(long, value_name = "NUMBER")]
    number: Option<String>,
    /// Who decides it: a user name
    #[arg(long, value_name = "USER")]
    by: String,
    #[command(flatten)]
    config: super::WithConfig,
    #[command(flatten)]
    what: What,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct What {
    /// They ended on this day, such as 2026-11-22
    #[arg(long, value_name = "DAY")]
    ended: Option<String>,
    /// They should never have been sent, or are on another person's number: they are taken back
    #[arg(long)]
    in_error: bool,
    /// They stay as they are, and are no longer listed
    #[arg(long)]
    leave: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Kind {
    ChildProtection,
    LookedAfter,
    UnbornChildProtection,
}

impl From<Kind> for PlanKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::ChildProtection => PlanKind::ChildProtection,
            Kind::LookedAfter => PlanKind::LookedAfter,
            Kind::UnbornChildProtection => PlanKind::UnbornChildProtection,
        }
    }
}

/// What the data officer sees first.
pub(super) fn first_line(hidden: u64, not_sent: u64, numbers: &str) -> String {
    let mut said = match hidden {
        0 => String::new(),
        1 => "Not visible to hospitals, or not as it is: 1 plan. See `cpis-authority not-visible`.\n"
            .to_owned(),
        many => {
            format!(
                "Not visible to hospitals, or not as they are: {many} plans. See `cpis-authority not-visible`.\n"
            )
        }
    };
    if not_sent > 0 {
        let plans = counted(not_sent, "plan", "plans");
        said.push_str(&format!("Not sent yet, or not acknowledged by the hub: {plans}.\n"));
    }
    said.push_str(numbers);
    if said.is_empty() { "Hospitals see every current plan of the extract.\n".to_owned() } else { said }
}

fn memory(config: &super::WithConfig) -> Result<Memory, String> {
    let (_, link) = linked(&config.config)?;
    Memory::open(&link.memory, &link.code).map_err(|error| error.to_string())
}

pub(super) fn not_visible(what: &List) -> Result<ExitCode, String> {
    let (config, link) = linked(&what.config.config)?;
    let memory = Memory::open(&link.memory, &link.code).map_err(|error| error.to_string())?;
    let numbers = super::numbers::open(&config, &link);
    let count = memory.not_visible().map_err(|error| error.to_string())?;
    let (_, today) = moment(None)?;
    let not_sent = memory.not_sent(today).map_err(|error| error.to_string())?;
    if memory.sequence().map_err(|error| error.to_string())? == 0 {
        print("No extract was sent yet.\n")?;
        return Ok(ExitCode::FAILURE);
    }
    print(&first_line(count, not_sent, &super::numbers::line(&numbers)))?;
    memory.each_not_visible(&mut |hidden| print(&of_hidden(hidden))).map_err(|error| error.to_string())?;
    let has_none = numbers.as_ref().is_ok_and(Vec::is_empty);
    print(&super::numbers::each(&numbers.unwrap_or_default()))?;
    Ok(if count == 0 && not_sent == 0 && has_none { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) fn absent(what: &ListAbsent) -> Result<ExitCode, String> {
    let memory = memory(&what.config)?;
    if what.decisions {
        return decisions(&memory);
    }
    let list = memory.absent().map_err(|error| error.to_string())?;
    let count = counted(list.len() as u64, "plan", "plans");
    let mut said = format!("Held by the hub and no longer in the extract, or decided about: {count}.\n");
    list.iter().for_each(|absent| said.push_str(&of_absent(absent, true)));
    let is_open = list.iter().any(|absent| absent.decision.is_none());
    if is_open {
        said.push_str(
            "Decide with `cpis-authority decide LOCAL_ID --by USER` and `--ended DAY`, `--in-error` or `--leave`; of one plan of several with \
             `--kind` or `--start`, of one person of several under this local id with `--number`.\n",
        );
    }
    print(&said)?;
    Ok(if is_open { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A plan that is held and no longer in the extract, as a line. Where the local id does not say whose it is, its NHS number does, in the one list
/// that is asked for to decide.
pub(super) fn of_absent(absent: &Absent, is_asked_for: bool) -> String {
    let Absent { local_id, kind, start, since, decision, by, waits, number, is_of_other } = absent;
    let whose = match number.filter(|_| is_asked_for) {
        Some(number) => format!(", NHS number {}", number.digits()),
        None => String::new(),
    };
    let other = if *is_of_other { ": this local id is somebody else's now" } else { "" };
    let by = by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let how = if *waits {
        "; it waits: the plan may be in a row that cannot be read. Mend that row, or decide again"
    } else {
        ", with the next upload"
    };
    let decided = match decision {
        None => String::new(),
        Some(decision) => format!("; decided{by}: {}{how}", words(*decision)),
    };
    format!("since {since}: local id {local_id}{whose}, {} from {start}{other}{decided}\n", kind.label())
}

fn words(decision: Decision) -> String {
    match decision {
        Decision::Ended(day) => format!("ended on {day}"),
        Decision::InError => "sent in error, to be taken back".to_owned(),
        Decision::Left => "left as it is".to_owned(),
    }
}

fn decisions(memory: &Memory) -> Result<ExitCode, String> {
    let list = memory.decisions().map_err(|error| error.to_string())?;
    let mut said = format!("Decided: {}.\n", counted(list.len() as u64, "time", "times"));
    for Made { at, by, plan: Decided { local_id, kind, start }, decision } in &list {
        said.push_str(&format!(
            "{} by {by}: local id {local_id}, {} from {start}: {}\n",
            dates::day_and_time(*at),
            kind.label(),
            words(*decision)
        ));
    }
    print(&said)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn decide(what: &Decide) -> Result<ExitCode, String> {
    let decision = match &what.what {
        What { ended: Some(day), .. } => {
            Decision::Ended(day.parse().map_err(|_| "--ended: a day such as 2026-11-22".to_owned())?)
        }
        What { in_error: true, .. } => Decision::InError,
        What { .. } => Decision::Left,
    };
    let by = Reader::named(&what.by).ok_or("--by: a user name without spaces")?;
    let start = what.start.as_deref().map(str::parse).transpose();
    let start = start.map_err(|_| "--start: a day such as 2026-01-05".to_owned())?;
    let number = what.number.as_deref().map(NhsNumber::parse).transpose();
    let number =
        number.map_err(|_| "--number: an NHS number, as `cpis-authority absent` lists it".to_owned())?;
    let which = Which { local_id: what.local_id.clone(), kind: what.kind.map(PlanKind::from), start, number };
    let (now, today) = moment(None)?;
    let decided = memory(&what.config)?.decide(&which, decision, by.user(), now, today);
    let decided = decided.map_err(|error| error.to_string())?;
    if decided.is_empty() {
        return Err(
            "by the last upload no such plan of this local id is missing from the extract, or none that began before that day. Of a plan whose row cannot be sent \
             only `--in-error` can be decided; else mend the row"
                .to_owned(),
        );
    }
    let plans = counted(decided.len() as u64, "plan", "plans");
    let mut said = format!("Decided for {plans}; the next upload carries it to the hub.\n");
    for Decided { local_id, kind, start } in &decided {
        said.push_str(&format!("local id {local_id}, {} from {start}\n", kind.label()));
    }
    print(&said)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn abandon(what: &List) -> Result<ExitCode, String> {
    let given_up = memory(&what.config)?.abandon().map_err(|error| error.to_string())?;
    let Some(sequence) = given_up else {
        print("No file is under way.\n")?;
        return Ok(ExitCode::SUCCESS);
    };
    print(&format!(
        "File {sequence} is given up here; whether the hub has taken it is not known. The next upload sends everything.\n"
    ))?;
    Ok(ExitCode::SUCCESS)
}
