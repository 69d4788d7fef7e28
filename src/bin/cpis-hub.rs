//! The hub's command line. Parses arguments and says in one sentence what is wrong; the library does the work.

use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use cpis::config::hub::HubConfig;
use cpis::domain::{Caller, NhsNumber, text};
use cpis::hub::clock::Clock;
use cpis::hub::store::{AuditQuestion, Store, StoreSettings};
use cpis::hub::{Hub, load, logging, serve};
use cpis::identity::token::SigningKey;

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
    /// Load people and plans from a file of FHIR lines; all or nothing
    Load {
        /// NDJSON of FHIR Patient and CareTeam lines
        file: PathBuf,
        #[command(flatten)]
        config: WithConfig,
        /// Mark an empty database as synthetic, for good
        #[arg(long)]
        synthetic: bool,
    },
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
    let rust_log = std::env::var("RUST_LOG").ok();
    let done = logging::start(rust_log.as_deref()).and_then(|()| run(arguments.command));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // Nothing is left to do where standard error is gone.
            let _ = writeln!(std::io::stderr(), "cpis-hub: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), String> {
    match command {
        Command::Serve(with) => serve_hub(&with.config),
        Command::CheckConfig(with) => check_config(&with.config),
        Command::Load { file, config, synthetic } => load_file(&file, &config.config, synthetic),
        Command::Audit { config, person, user, since } => {
            audit(&config.config, person.as_deref(), user, since.as_deref())
        }
    }
}

fn serve_hub(path: &Path) -> Result<(), String> {
    let config = read(path)?;
    let key = signing_key(&config)?;
    let hub = Hub::open(&config, key, Clock::system()).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("hub")
        .build()
        .map_err(|error| format!("cannot start: {}", error.kind()))?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(config.listen)
            .await
            .map_err(|error| format!("cannot listen on {}: {}", config.listen, error.kind()))?;
        let address = listener.local_addr().map_err(|error| error.kind().to_string())?;
        print(&format!("cpis-hub listens on http://{address}\n"))?;
        serve(listener, hub, stopped()).await.map_err(|error| error.to_string())
    })
}

/// Interrupted, or told to end by the service manager.
async fn stopped() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}

fn check_config(path: &Path) -> Result<(), String> {
    let config = read(path)?;
    signing_key(&config)?;
    let sites = config.sites.len();
    print(&format!(
        "The configuration is valid: listens on {}, issuer {}, database {}, {sites} sites\n",
        config.listen,
        config.issuer,
        config.database.display()
    ))
}

fn load_file(file: &Path, config: &Path, synthetic: bool) -> Result<(), String> {
    let store = open_store(config)?;
    let opened = std::fs::File::open(file)
        .map_err(|error| format!("cannot read {}: {}", file.display(), error.kind()))?;
    let report =
        load::load(&store, BufReader::new(opened), synthetic, operator()).map_err(|error| match error {
            load::LoadError::Lines(lines) => {
                let lines: Vec<String> = lines.iter().map(|line| format!("\n  {line}")).collect();
                format!("nothing was loaded from {}:{}", file.display(), lines.concat())
            }
            other @ (load::LoadError::Unreadable(_) | load::LoadError::Store(_)) => other.to_string(),
        })?;
    print(&format!(
        "Loaded {} people, {} superseded numbers, {} plans, {} ended identities\n",
        report.people, report.superseded, report.plans, report.ended
    ))?;
    if report.outdated == 0 {
        return Ok(());
    }
    print(&format!("Left {} plans as they are: what is held was sent later\n", report.outdated))
}

fn audit(
    config: &Path,
    person: Option<&str>,
    user: Option<String>,
    since: Option<&str>,
) -> Result<(), String> {
    let person = person
        .map(|text| NhsNumber::parse(text).map_err(|error| format!("--person: {error}")))
        .transpose()?;
    let since = since
        .map(|text| text.parse().map_err(|_| "--since: a moment such as 2026-11-22T00:00:00Z".to_owned()))
        .transpose()?;
    let store = open_store(config)?;
    let read = store
        .audit_rows(operator(), AuditQuestion { person, user, since })
        .map_err(|error| error.to_string())?;
    let heading = "at\tkind\toutcome\tuser\tname\trole\torganisation code\torganisation\trequest\treference\tNHS number\tdetail\n";
    let mut out = heading.to_owned();
    for row in read.rows {
        // A tab or line break in a value would read as another column or row, an escape sequence would drive the
        // terminal, and a change of direction would let a line read as another one.
        let columns: Vec<String> = row.columns.iter().map(|value| text::visible(value)).collect();
        out.push_str(&format!("{}\t{}\n", row.at, columns.join("\t")));
    }
    print(&out)?;
    if read.more > 0 {
        let more = format!(
            "cpis-hub: {} older entries are not printed: narrow it with --person, --user or a later --since\n",
            read.more
        );
        let _ = std::io::stderr().write_all(more.as_bytes());
    }
    Ok(())
}

/// Who works at the command line: the operating system's user, under whom the audit log notes it.
fn operator() -> Caller {
    let user = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let user = user.filter(|user| !user.trim().is_empty()).unwrap_or_else(|| "unknown".to_owned());
    Caller {
        user: format!("operating system: {}", user_id().unwrap_or_else(|| user.clone())),
        name: user,
        role: "operator".to_owned(),
        role_profile: String::new(),
        organisation_code: String::new(),
        organisation: String::new(),
        activities: Vec::new(),
        session: String::new(),
    }
}

/// The number of the user: the environment's name can be set to anything.
#[cfg(target_os = "linux")]
fn user_id() -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").ok().map(|process| format!("uid {}", process.uid()))
}

#[cfg(not(target_os = "linux"))]
fn user_id() -> Option<String> {
    None
}

fn open_store(config: &Path) -> Result<Store, String> {
    let config = read(config)?;
    let settings =
        StoreSettings { path: config.database, synchronous: config.synchronous, tails: config.tails };
    Store::open(&settings, Clock::system()).map_err(|error| error.to_string())
}

fn read(path: &Path) -> Result<HubConfig, String> {
    HubConfig::read(path).map_err(|error| error.to_string())
}

fn signing_key(config: &HubConfig) -> Result<SigningKey, String> {
    let path = config.signing_key.display();
    let pem = std::fs::read_to_string(&config.signing_key)
        .map_err(|error| format!("cannot read the signing key {path}: {}", error.kind()))?;
    SigningKey::from_pem(&pem).map_err(|error| format!("the signing key {path}: {error}"))
}

fn print(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| error.kind().to_string())
}
