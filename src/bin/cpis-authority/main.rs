//! The local authority's link: its command line.

mod check;
mod common;
mod disputed;
mod duty;
mod listen;
mod lists;
mod numbers;
mod serve;
mod status;
mod upload;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The local authority's link: checks the extract of a case management system, sends the plans in it to the hub, and puts
/// every access on the child's record.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Look at every row of an extract, and say what is to be mended. Nothing is sent
    Check(check::Check),
    /// Send what is right in an extract and differs from what the hub holds
    Upload(upload::Upload),
    /// List the current plans that hospitals do not see, since when, and what to mend
    NotVisible(lists::List),
    /// List the plans that the hub holds and that are no longer in the extract
    Absent(lists::ListAbsent),
    /// Give up the file that is under way; the next upload sends everything
    Abandon(lists::List),
    /// Decide about plans that are no longer in the extract; the next upload carries it to the hub
    Decide(lists::Decide),
    /// Hear of accesses and put them on the children's records, until told to stop
    Listen(listen::Listen),
    /// The same, once
    Fetch(listen::Listen),
    /// Serve the page on which social workers read of accesses, until told to stop. It works beside `listen`
    Serve(serve::Serve),
    /// Say who opened which child's page
    Looks(serve::Looks),
    /// Say how hearing of accesses stands, and what somebody has to look at
    Status(status::Status),
    /// Show the latest case notes with their words: who may see them is for you to say
    Notes(status::Notes),
    /// List the case notes that have to be worked off by hand, or settle one
    Triage(status::Triage),
    /// List the accesses that somebody did not recognise, or say what came of one
    NotRecognised(disputed::Disputed),
    /// Show every access since the office closed, as a handover to print
    Duty(duty::Duty),
    /// Settle numbers of notifications that do not come, once somebody has looked into them
    Missing(duty::Missing),
    /// Look whether the configuration can be used, and everybody is named who has to be
    CheckConfig(duty::CheckConfig),
}

#[derive(clap::Args)]
struct WithConfig {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Nothing can be said about the file.
const NOT_DONE: u8 = 2;

#[expect(clippy::print_stderr, reason = "the one place where this program speaks of its own failures")]
fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    let done = match command {
        Command::Check(what) => check::check(&what),
        Command::Upload(what) => upload::upload(&what),
        Command::NotVisible(what) => lists::not_visible(&what),
        Command::Absent(what) => lists::absent(&what),
        Command::Abandon(what) => lists::abandon(&what),
        Command::Decide(what) => lists::decide(&what),
        Command::Listen(what) => listen::listen(&what),
        Command::Fetch(what) => listen::fetch(&what),
        Command::Serve(what) => serve::serve(&what),
        Command::Looks(what) => serve::looks(&what),
        Command::Status(what) => status::status(&what),
        Command::Notes(what) => status::notes(&what),
        Command::Triage(what) => status::triage(&what),
        Command::NotRecognised(what) => disputed::disputed(&what),
        Command::Duty(what) => duty::duty(&what),
        Command::Missing(what) => duty::missing(&what),
        Command::CheckConfig(what) => duty::check_config(&what),
    };
    done.unwrap_or_else(|error| {
        eprintln!("cpis-authority: {error}");
        ExitCode::from(NOT_DONE)
    })
}
