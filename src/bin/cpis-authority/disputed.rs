//! `cpis-authority not-recognised`: accesses that somebody did not recognise, until somebody has said what came of it.

use std::fmt::Write as _;
use std::process::ExitCode;

use cpis::authority::register::{ACCESSES, Access, ID_SHOWN, Marked, Reader, Register, Wanted};
use cpis::domain::dates;

use super::common::counted;
use super::listen::now;
use super::upload::print;

#[derive(clap::Args)]
pub(super) struct Disputed {
    #[command(flatten)]
    config: super::WithConfig,
    /// Settle this access, as the list shows it: the beginning of its note's id, a colon, and which part it is
    #[arg(value_name = "NOTE:PART", requires = "outcome", requires = "user")]
    access: Option<String>,
    /// What came of it
    #[arg(long, value_name = "WORDS", requires = "access")]
    outcome: Option<String>,
    /// As this user: with restricted cases that they hold; needed to settle
    #[arg(long = "as", value_name = "USER")]
    user: Option<String>,
}

pub(super) fn disputed(what: &Disputed) -> Result<ExitCode, String> {
    let (mut register, _) = super::status::look(&what.config)?;
    let reader = match &what.user {
        None => Reader::nobody(),
        Some(user) => Reader::named(user).ok_or("--as: a user name without spaces")?,
    };
    let list = all(&register, &reader)?;
    if let (Some(access), Some(outcome)) = (&what.access, &what.outcome) {
        return settle(&mut register, &reader, &list, (access, outcome));
    }
    let figures = register.figures().map_err(|error| error.to_string())?;
    let mut said =
        format!("Not recognised, and not settled: {}.\n", counted(list.len() as u64, "access", "accesses"));
    let hidden = figures.not_recognised.saturating_sub(list.len() as u64);
    if hidden > 0 {
        let _ = writeln!(
            said,
            "Of restricted cases, for their holders (`--as`), or beyond the newest: {hidden} more."
        );
    }
    for access in &list {
        show(&mut said, access);
    }
    if !list.is_empty() {
        said.push_str("\nSettle with `cpis-authority not-recognised NOTE:PART --as USER --outcome WORDS`.\n");
    }
    print(&said)?;
    Ok(if figures.not_recognised == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn all(register: &Register, reader: &Reader) -> Result<Vec<Access>, String> {
    let wanted = Wanted { only_disputed: true, most: ACCESSES, ..Wanted::default() };
    register.accesses(reader, &wanted).map_err(|error| error.to_string())
}

fn show(said: &mut String, of: &Access) {
    let note = of.note.get(..ID_SHOWN).unwrap_or(&of.note);
    let restricted = if of.is_restricted { ", restricted" } else { "" };
    let _ = writeln!(said, "\n{note}:{}, local id {}{restricted}\n{}", of.part, of.local_id, of.words);
    if let Some(by) = &of.not_recognised {
        let words = if by.words.is_empty() { "no words" } else { &by.words };
        let _ = writeln!(said, "Not recognised by {} {}: {words}", by.by, dates::day_and_time(by.at));
    }
}

fn settle(
    register: &mut Register,
    reader: &Reader,
    list: &[Access],
    (access, outcome): (&str, &str),
) -> Result<ExitCode, String> {
    let wrong = "NOTE:PART as the list shows it, for example 1a2b3c4d:2";
    let (note, part) = access.split_once(':').ok_or(wrong)?;
    let part: u32 = part.parse().map_err(|_| wrong)?;
    if outcome.trim().is_empty() {
        return Err("--outcome: what came of it".to_owned());
    }
    let mut fitting = list
        .iter()
        .filter(|of| note.len() >= ID_SHOWN && of.note.starts_with(note) && of.part == part)
        .map(|of| of.note.clone());
    let (Some(note), None) = (fitting.next(), fitting.next()) else {
        return Err("no access on the list is this one, or more than one".to_owned());
    };
    match register
        .settle_not_recognised(reader, &note, part, outcome, now())
        .map_err(|error| error.to_string())?
    {
        Marked::Done | Marked::Read(_) => {
            print("Settled: what came of it stands beside the access.\n")?;
            Ok(ExitCode::SUCCESS)
        }
        Marked::NotThere | Marked::Parts(_) => Err("somebody else has settled it meanwhile".to_owned()),
        Marked::Nobody => Err("--as: who settles it".to_owned()),
    }
}
