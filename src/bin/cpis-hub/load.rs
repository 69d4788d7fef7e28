//! `cpis-hub load`.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

use cpis::hub::load::{self, LoadAsk, LoadReport, Progress, Source, Watch};
use indicatif::{ProgressBar, ProgressStyle};

use super::common::{open_store, operator, print};

#[derive(clap::Args)]
pub(super) struct Load {
    /// NDJSON of FHIR Patient and CareTeam lines
    file: PathBuf,
    #[command(flatten)]
    config: super::WithConfig,
    /// Mark an empty database as synthetic, for good
    #[arg(long)]
    synthetic: bool,
    /// Write every refused line's number and reason to this file
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Start over, where an earlier load of the file was broken off
    #[arg(long)]
    restart: bool,
}

pub(super) fn load_file(what: &Load) -> Result<(), String> {
    let store = open_store(&what.config.config)?;
    let is_same = |report: &PathBuf| {
        report.canonicalize().is_ok_and(|report| what.file.canonicalize().is_ok_and(|file| file == report))
    };
    if what.report.as_ref().is_some_and(is_same) {
        return Err("the report would overwrite the file: name another".to_owned());
    }
    let report = what
        .report
        .as_ref()
        .map(|path| {
            let made = File::create(path);
            made.map_err(|error| format!("cannot write {}: {}", path.display(), error.kind()))
        })
        .transpose()?;
    let on_disk = report.as_ref().map(File::try_clone).transpose();
    let on_disk = on_disk.map_err(|error| format!("cannot write the report: {}", error.kind()))?;
    let mut keep = || on_disk.as_ref().map_or(Ok(()), File::sync_all);
    let mut report = report.map(BufWriter::new);
    let ask =
        LoadAsk { source: Source::File(what.file.clone()), synthetic: what.synthetic, restart: what.restart };
    let bar = bar();
    let mut progress = |at: Progress| {
        bar.set_length(at.of);
        bar.set_position(at.done);
        bar.set_message(at.doing);
    };
    let mut watch = Watch {
        report: report.as_mut().map(|report| report as &mut dyn std::io::Write),
        keep_report: Some(&mut keep),
        progress: Some(&mut progress),
    };
    let loaded = load::load(&store, &ask, &operator(), &mut watch);
    bar.finish_and_clear();
    let loaded = loaded.map_err(|error| format!("{}: {error}", what.file.display()))?;
    told(&loaded, what)
}

fn told(loaded: &LoadReport, what: &Load) -> Result<(), String> {
    if loaded.resumed {
        print("Went on where an earlier load of this file was broken off; the figures are of both\n")?;
    }
    print(&format!(
        "Loaded {} people, {} superseded numbers, {} plans, {} ended identities\n",
        loaded.people, loaded.superseded, loaded.plans, loaded.ended
    ))?;
    if loaded.outdated > 0 {
        print(&format!("Left {} plans as they are: what is held was sent later\n", loaded.outdated))?;
    }
    if loaded.refused == 0 {
        return Ok(());
    }
    let named: Vec<String> = loaded.named.iter().map(|line| format!("\n  {line}")).collect();
    let more = match (loaded.refused.saturating_sub(loaded.named.len()), &what.report) {
        (0, _) => String::new(),
        (more, Some(report)) => format!("\n  and {more} more: see {}", report.display()),
        (more, None) => {
            format!("\n  and {more} more: mend these first, or load again with --report FILE for all")
        }
    };
    Err(format!("{} lines were refused; the others are loaded:{}{more}", loaded.refused, named.concat()))
}

/// Nothing where there is no terminal.
pub(super) fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {percent}% {elapsed} (about {eta} more)");
    let bar = ProgressBar::new(1);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
