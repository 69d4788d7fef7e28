//! The viewer: reads the command line, then the library.

// Without it Windows opens a terminal beside the window, and whoever closes that ends the viewer.
#![cfg_attr(windows, windows_subsystem = "windows")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cpis::config::viewer::ViewerConfig;
use cpis::viewer::run::{Start, SystemBrowser, SystemClipboard, hub_of, setup_of, window};
use cpis::viewer::state::Prefill;

/// Child protection information for emergency staff. Not affiliated with the NHS.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// Look around with synthetic people; needs nothing else.
    #[arg(long, conflicts_with = "config")]
    demo: bool,
    /// The file that says which hub to use.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Begin with this NHS number typed in (nothing is searched or opened by itself).
    #[arg(long, value_name = "N", requires = "date_of_birth")]
    nhs_number: Option<String>,
    /// Begin with this date of birth typed in.
    #[arg(long, value_name = "D", requires = "nhs_number")]
    date_of_birth: Option<String>,
}

impl Arguments {
    fn prefill(&self) -> Option<Prefill> {
        Some(Prefill { nhs_number: self.nhs_number.clone()?, date_of_birth: self.date_of_birth.clone()? })
    }
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(usage) => return explain(&usage),
    };
    cpis::viewer::run::hide_panics();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            say(&sentence);
            ExitCode::FAILURE
        }
    }
}

/// What is wrong with the command line, or what `--help` and `--version` ask for.
fn explain(usage: &clap::Error) -> ExitCode {
    if has_terminal() {
        usage.exit();
    }
    say(&usage.to_string());
    ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2))
}

#[expect(clippy::print_stderr, reason = "the one place where this program speaks to a terminal")]
fn say(sentence: &str) {
    if has_terminal() {
        eprintln!("{sentence}");
    } else {
        window::say(sentence);
    }
}

/// Windows gives a program with a window none, unless what has started it takes what it says.
#[cfg(windows)]
fn has_terminal() -> bool {
    use std::os::windows::io::AsRawHandle as _;
    !std::io::stderr().as_raw_handle().is_null()
}

#[cfg(not(windows))]
fn has_terminal() -> bool {
    true
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .thread_name("cpis-viewer")
        .build()
        .map_err(|_| window::WindowError::NoThreads.to_string())?;
    if arguments.demo {
        return demonstrate(arguments, &runtime);
    }
    let config = match &arguments.config {
        Some(path) => Some(
            ViewerConfig::read(path).map_err(|error| format!("The configuration was not taken: {error}"))?,
        ),
        None => None,
    };
    let start = || {
        let mut setup = config.clone().map(setup_of).unwrap_or_default();
        setup.prefill = arguments.prefill();
        setup.can_demonstrate = cfg!(feature = "demo");
        Start {
            setup,
            hub: config.as_ref().map(hub_of),
            clipboard: Box::<SystemClipboard>::default(),
            browser: std::sync::Arc::new(SystemBrowser),
        }
    };
    window::show(start, runtime.handle()).map_err(|error| error.to_string())
}

#[cfg(feature = "demo")]
fn demonstrate(arguments: &Arguments, runtime: &tokio::runtime::Runtime) -> Result<(), String> {
    use cpis::demo::Demonstration;
    window::check_display().map_err(|error| error.to_string())?;
    let mut demonstration = runtime
        .block_on(Demonstration::start(cpis::hub::clock::Clock::system().now()))
        .map_err(|error| error.to_string())?;
    runtime.block_on(demonstration.start_link()).map_err(|error| error.to_string())?;
    runtime.block_on(async { demonstration.end_when_told() });
    let start = || demonstration.viewer(arguments.prefill(), Box::<SystemClipboard>::default());
    window::show(start, runtime.handle()).map_err(|error| error.to_string())
}

#[cfg(not(feature = "demo"))]
fn demonstrate(_: &Arguments, _: &tokio::runtime::Runtime) -> Result<(), String> {
    Err("This viewer was built without the demonstration".to_owned())
}
