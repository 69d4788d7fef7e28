//! The local authority's link: its command line, which says that the link is not part of this version.

use std::process::ExitCode;

use clap::Parser;

/// The local authority's link: sends plans up, and puts every access on the child's record.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {}

#[expect(clippy::print_stderr, reason = "the one place where this program speaks to a terminal")]
fn main() -> ExitCode {
    let Arguments {} = Arguments::parse();
    eprintln!("This version does not contain the local authority's link yet: it does nothing.");
    ExitCode::FAILURE
}
