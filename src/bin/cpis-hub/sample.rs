//! `cpis-hub sample`.

use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use cpis::domain::dates;
use cpis::hub::clock::Clock;
use cpis::hub::sample::{self, SampleAsk};

#[derive(clap::Args)]
pub(super) struct Sample {
    /// How many people
    #[arg(long)]
    people: u64,
    /// For how many of them a plan is held
    #[arg(long)]
    flagged: u64,
    /// Another seed gives other people
    #[arg(long)]
    seed: u64,
    /// The day from which ages and plans count, such as 2026-11-22; today unless given
    #[arg(long, value_name = "DAY")]
    day: Option<String>,
    /// Write to this file, which must not be there yet, instead of to standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn write(what: &Sample) -> Result<(), String> {
    let today = match &what.day {
        Some(day) => day.parse().map_err(|_| "--day: a day such as 2026-11-22".to_owned())?,
        None => dates::london_day(Clock::system().now()),
    };
    let ask = SampleAsk { people: what.people, flagged: what.flagged, seed: what.seed, today };
    let people = sample::people(ask).map_err(|error| error.to_string())?;
    let out: Box<dyn Write> = match &what.out {
        Some(path) => {
            let made = OpenOptions::new().write(true).create_new(true).open(path);
            Box::new(made.map_err(|error| format!("cannot write {}: {}", path.display(), error.kind()))?)
        }
        None => Box::new(std::io::stdout().lock()),
    };
    let mut out = BufWriter::with_capacity(256 * 1024, out);
    let bar = super::load::bar();
    bar.set_length(what.people);
    bar.set_message("writing people");
    for (count, person) in (1..).zip(people) {
        out.write_all(person.lines().as_bytes())
            .map_err(|error| format!("cannot write: {}", error.kind()))?;
        if count % 1_000 == 0 {
            bar.set_position(count);
        }
    }
    out.flush().map_err(|error| format!("cannot write: {}", error.kind()))?;
    bar.finish_and_clear();
    Ok(())
}
