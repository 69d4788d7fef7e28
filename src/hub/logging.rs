//! The log: to standard error, of this project's own lines; of foreign crates warnings and errors only,
//! whatever `RUST_LOG` says.
//!
//! Foreign crates print addresses, headers and bodies at their lower levels, and an address here holds an NHS
//! number. So they are capped by what they are, not by a list of names that would have to be complete.

use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging. `directives` is what `RUST_LOG` holds; without it `info`.
///
/// # Errors
/// The directives cannot be read, or something logs already.
pub fn start(directives: Option<&str>) -> Result<(), String> {
    let wanted = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .parse(directives.unwrap_or_default())
        .map_err(|_| "RUST_LOG cannot be read: it takes a level such as `info`".to_owned())?;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_filter(wanted.and(filter_fn(may_be_logged)));
    tracing_subscriber::registry().with(lines).try_init().map_err(|_| "something logs already".to_owned())
}

fn may_be_logged(line: &Metadata<'_>) -> bool {
    let target = line.target();
    let is_own = target == "cpis" || target.starts_with("cpis::") || target.starts_with("cpis_");
    is_own || *line.level() <= tracing::Level::WARN
}

/// Panics say where they were, never what they say: that may hold a patient's name.
pub fn say_only_where_panics_are() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|at| (at.file(), at.line()));
        let (file, line) = place.unwrap_or(("unknown", 0));
        tracing::error!(file, line, "a panic");
    }));
}
