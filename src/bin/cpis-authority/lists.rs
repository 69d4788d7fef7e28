//! `cpis-authority not-visible`, `absent` and `decide`: what waits for a person.

use std::process::ExitCode;

use cpis::authority::memory::{Absent, Decision, Memory};

use super::common::{counted, linked, moment};
use super::upload::{of_hidden, print};

#[derive(clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    config: super::WithConfig,
}

#[derive(clap::Args)]
pub(super) struct Decide {
    /// Whose plans are no longer in the extract
    local_id: String,
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
    /// They should never have been sent: they are taken back
    #[arg(long)]
    in_error: bool,
    /// They stay as they are, and are no longer listed
    #[arg(long)]
    leave: bool,
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

pub(super) fn absent(what: &List) -> Result<ExitCode, String> {
    let list = memory(&what.config)?.absent().map_err(|error| error.to_string())?;
    let count = counted(list.len() as u64, "plan", "plans");
    let mut said = format!("Held by the hub and no longer in the extract: {count}.\n");
    for Absent { local_id, kind, start, since, decision } in &list {
        let decided = match decision {
            None => String::new(),
            Some(Decision::Ended(day)) => format!("; decided: ended on {day}, with the next upload"),
            Some(Decision::InError) => "; decided: sent in error, taken back with the next upload".to_owned(),
            Some(Decision::Left) => "; decided: left".to_owned(),
        };
        said.push_str(&format!(
            "since {since}: local id {local_id}, {} from {start}{decided}\n",
            kind.label()
        ));
    }
    let is_open = list.iter().any(|absent| absent.decision.is_none());
    if is_open {
        said.push_str(
            "Decide with `cpis-authority decide LOCAL_ID --ended DAY`, `--in-error` or `--leave`.\n",
        );
    }
    print(&said)?;
    Ok(if is_open { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

pub(super) fn decide(what: &Decide) -> Result<ExitCode, String> {
    let decision = match &what.what {
        What { ended: Some(day), .. } => {
            Decision::Ended(day.parse().map_err(|_| "--ended: a day such as 2026-11-22".to_owned())?)
        }
        What { in_error: true, .. } => Decision::InError,
        What { .. } => Decision::Left,
    };
    let decided =
        memory(&what.config)?.decide(&what.local_id, decision).map_err(|error| error.to_string())?;
    if decided == 0 {
        return Err(
            "no plan of this local id is missing from the extract, or none that began before that day"
                .to_owned(),
        );
    }
    let plans = counted(decided as u64, "plan", "plans");
    print(&format!("Decided for {plans}; the next upload carries it to the hub.\n"))?;
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
