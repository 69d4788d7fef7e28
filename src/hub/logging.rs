//! The log: to standard error, of this project's own lines; of foreign crates warnings and errors only,
//! whatever `RUST_LOG` says.
//!
//! Foreign crates print addresses, headers and bodies at their lower levels, and an address here holds an NHS
//! number. So they are capped by what they are, not by a list of names that would have to be complete.

use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::hub::LogFormat;

/// Starts logging. `directives` is what `RUST_LOG` holds; without it `info`.
///
/// # Errors
/// The directives cannot be read, or something logs already.
pub fn start(directives: Option<&str>, format: LogFormat) -> Result<(), String> {
    subscriber(directives.unwrap_or_default(), format, std::io::stderr)?
        .try_init()
        .map_err(|_| "something logs already".to_owned())
}

fn subscriber<W>(
    directives: &str,
    format: LogFormat,
    writer: W,
) -> Result<impl Subscriber + Send + Sync + 'static, String>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let wanted = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .parse(directives)
        .map_err(|_| "RUST_LOG cannot be read: it takes a level such as `info`".to_owned())?;
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    let lines = lines.with_filter(wanted.and(filter_fn(may_be_logged)));
    Ok(tracing_subscriber::registry().with(lines))
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn foreign_crates_never_log_below_warn_whatever_rust_log_says() {
        for directives in ["trace", "hyper=trace,tokio=debug", "trace,hyper=trace", "[{path}]=trace", ""] {
            let lines = Lines::default();
            let writer = lines.clone();
            let subscriber = subscriber(directives, LogFormat::Text, move || writer.clone()).unwrap();
            tracing::subscriber::with_default(subscriber, || {
                tracing::trace!(target: "hyper::proto", path = "/secret", "foreign");
                tracing::debug!(target: "tokio", "foreign");
                tracing::info!(target: "cpisnot", "foreign");
                tracing::info_span!(target: "hyper", "foreign", path = "/secret").in_scope(|| {
                    tracing::error!("own");
                });
                tracing::warn!(target: "hyper", "warned");
            });
            let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
            assert!(!text.contains("foreign") && !text.contains("secret"), "{directives}: {text}");
            if directives == "trace" {
                assert!(text.contains("own") && text.contains("warned"), "{text}");
            }
        }
        assert!(subscriber("a=b=c", LogFormat::Json, std::io::stderr).is_err());
    }
}
