//! The local authority's link: its command line.

mod check;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The local authority's link: checks the extract of a case management system. Sending it up, and putting every
/// access on the child's record, come with a later version.
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
    };
    done.unwrap_or_else(|error| {
        eprintln!("cpis-authority: {error}");
        ExitCode::from(NOT_DONE)
    })
}
