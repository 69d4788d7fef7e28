//! The hub's command line. Parses arguments and says in one sentence what is wrong; the library does the work.

mod audit;
mod backup;
mod common;
mod concerns;
mod doctor;
mod load;
mod outbox;
mod register;
mod retention;
mod sample;
mod serve;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use cpis::config::hub::LogFormat;
use cpis::hub::logging;

#[derive(Parser)]
#[command(
    name = "cpis-hub",
    version,
    about = "The exchange of child protection information: answers, logs every view, tells the local authority"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until told to stop
    Serve(WithConfig),
    /// Read the configuration and the key, and say whether the hub would start
    CheckConfig(WithConfig),
    /// Look for what keeps the hub from serving, and say what to do; changes nothing
    Doctor {
        #[command(flatten)]
        config: WithConfig,
        /// The hub has never been started: there need be no database, and nobody in it
        #[arg(long)]
        first_start: bool,
        /// Look at every page of the database, however large it is
        #[arg(long)]
        thorough: bool,
        /// Ask MESH, too: whether it believes the hub's mailbox, and knows those of the authorities
        #[arg(long)]
        mesh: bool,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Load people and plans from a file of FHIR lines; broken off, the same command goes on
    Load(load::Load),
    /// Write synthetic people as a file that can be loaded, for measuring and practising
    Sample(sample::Sample),
    /// Print the audit log; this is itself audited
    #[command(group(clap::ArgGroup::new("which").required(true).multiple(true).args(["person", "user", "since"])))]
    Audit {
        #[command(flatten)]
        config: WithConfig,
        /// Entries about the person of this NHS number
        #[arg(long)]
        person: Option<String>,
        /// Entries of this user
        #[arg(long)]
        user: Option<String>,
        /// Entries since this moment, such as 2026-11-22T00:00:00Z
        #[arg(long)]
        since: Option<String>,
        /// Tab-separated columns, or FHIR AuditEvents, one a line
        #[arg(long, value_enum, default_value_t = audit::Format::Text)]
        format: audit::Format,
    },
    /// Print views worth a question, for a privacy officer; this is itself audited
    Concerns {
        #[command(flatten)]
        config: WithConfig,
        /// From this moment, such as 2026-11-22T00:00:00Z; without it a week before the end
        #[arg(long)]
        since: Option<String>,
        /// Until before this moment; without it now
        #[arg(long)]
        until: Option<String>,
        /// For a person or for a program
        #[arg(long, value_enum, default_value = "text")]
        format: concerns::Format,
    },
    /// Print what each local authority has not been told, or has not filed, and who sends nothing: counts and ages, nobody's data
    Outbox(WithConfig),
    /// Print with which register each local authority's link is told, or move that to another one; this is audited
    Register(register::Register),
    /// Copy the database to a file, while the hub serves; this is audited
    Backup {
        /// Where to; refused if it is there
        file: PathBuf,
        #[command(flatten)]
        config: WithConfig,
    },
    /// Put a backup in the database's place, while no hub serves; what was there is moved aside
    Restore {
        /// A file that `cpis-hub backup` made
        backup: PathBuf,
        #[command(flatten)]
        config: WithConfig,
    },
    /// Remove what is over the time in [retention], as the serving hub does daily
    Retention {
        #[command(flatten)]
        config: WithConfig,
        /// Only say how much would go
        #[arg(long)]
        dry_run: bool,
        /// The day of today, where it is a month after the last removal: a clock that is wrong would remove for good
        #[arg(long, value_name = "YYYY-MM-DD", conflicts_with = "dry_run")]
        today: Option<jiff::civil::Date>,
    },
}

#[derive(clap::Args)]
struct WithConfig {
    /// The hub's configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

fn main() -> ExitCode {
    logging::say_only_where_panics_are();
    let arguments = Arguments::parse();
    match run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // Nothing is left to do where standard error is gone.
            let _ = writeln!(std::io::stderr(), "cpis-hub: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Lines of whatever runs; `serve` has its configuration say how they look.
fn log(format: LogFormat) -> Result<(), String> {
    logging::start(std::env::var("RUST_LOG").ok().as_deref(), format)
}

fn run(command: Command) -> Result<(), String> {
    if !matches!(command, Command::Serve(_)) {
        log(LogFormat::Text)?;
    }
    match command {
        Command::Serve(with) => serve::serve_hub(&with.config),
        Command::CheckConfig(with) => serve::check_config(&with.config),
        Command::Doctor { config, first_start, thorough, mesh, json } => {
            let asked = cpis::hub::doctor::Asked { first_start, thorough, mesh };
            doctor::doctor(&config.config, asked, json)
        }
        Command::Load(what) => load::load_file(&what),
        Command::Sample(what) => sample::write(&what),
        Command::Audit { config, person, user, since, format } => {
            audit::audit(&config.config, person.as_deref(), user, since.as_deref(), format)
        }
        Command::Concerns { config, since, until, format } => {
            concerns::concerns(&config.config, since.as_deref(), until.as_deref(), format)
        }
        Command::Outbox(with) => outbox::outbox(&with.config),
        Command::Register(what) => register::register(&what),
        Command::Backup { file, config } => backup::backup(&file, &config.config),
        Command::Restore { backup, config } => backup::restore(&backup, &config.config),
        Command::Retention { config, dry_run, today } => retention::retention(&config.config, dry_run, today),
    }
}
