//! What an upload costs (manual, "Speed"): the 99th percentile of views while a million rows arrive and are applied, beside the same
//! without; how fast 100,000 records are applied, beside what the disk and SQLite alone allow; the memory of hub and link, when all
//! is taken and when all is rejected.
//!
//! `tests/bench` builds the programs and runs this and the other measurements; alone:
//! `cargo bench --bench uploads -- --hub PATH --link PATH [--people N] [--rows N] [--records N] [--rate N] [--quick]`.

#![expect(clippy::print_stdout, reason = "the report")]
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a measurement that cannot be made ends")]

#[path = "../speed/client.rs"]
#[expect(dead_code, reason = "of the client only its chance and its percentiles")]
mod client;
mod ends;
#[path = "../speed/hub.rs"]
#[expect(dead_code, reason = "the hub of the other measurement, of which this needs a part")]
mod hub;
#[path = "../speed/people.rs"]
#[expect(dead_code, reason = "the people of the other measurement")]
mod people;
mod rates;
mod views;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use client::percentile;
use ends::{Ends, Phase};
use views::{View, Views};

/// Resident memory that neither end may exceed.
const MEMORY_MIB: u64 = 200;

/// So many times the 99th percentile without an upload it may be with one.
const SLOWER: f64 = 2.0;

/// Measures uploads.
#[derive(Parser)]
struct Options {
    /// People in the hub's database.
    #[arg(long, default_value_t = 1_000_000)]
    people: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Rows of the upload beside which views are measured.
    #[arg(long, default_value_t = 1_000_000)]
    rows: usize,
    /// Records of the upload whose rate is measured.
    #[arg(long, default_value_t = 100_000)]
    records: usize,
    /// Views a second, at even distances whatever becomes of the last one.
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// Seconds of views without an upload.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Twenty thousand people and rows.
    #[arg(long)]
    quick: bool,
    /// This alone.
    #[arg(long)]
    only: Option<Part>,
    /// The hub's release program.
    #[arg(long)]
    hub: Option<PathBuf>,
    /// The link's.
    #[arg(long)]
    link: Option<PathBuf>,
    /// Where the databases are kept.
    #[arg(long, default_value = "target/speed")]
    folder: PathBuf,
    /// Cargo says so.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Rate,
    Views,
    Rejected,
}

fn main() -> ExitCode {
    let mut options = Options::parse();
    let (Some(hub), Some(link)) = (options.hub.clone(), options.link.clone()) else {
        println!(
            "uploads: which programs? --hub target/release/cpis-hub --link target/release/cpis-authority"
        );
        return ExitCode::SUCCESS;
    };
    if options.quick {
        options.people = options.people.min(20_000);
        (options.rows, options.records) = (options.rows.min(20_000), options.records.min(5_000));
        options.seconds = options.seconds.min(5);
    }
    let ends = Ends::new(&options.folder, options.people, options.seed, (hub, link));
    let is_wanted = |part: Part| options.only.is_none_or(|only| only == part);
    let mut held = true;
    if is_wanted(Part::Rate) {
        held &= rate(&ends, &options);
    }
    if is_wanted(Part::Views) {
        held &= beside_views(&ends, &options);
    }
    if is_wanted(Part::Rejected) {
        held &= rejected(&ends, &options);
    }
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How fast records are applied while nobody asks, beside what the machine allows.
fn rate(ends: &Ends, options: &Options) -> bool {
    println!("An upload of {} records, and nothing else", options.records);
    let flushes = rates::flushes(&options.folder);
    let hub = ends.afresh();
    let before = rates::Rows::of(&ends.database());
    let extract = ends.extract(options.records, false);
    let sent = ends.upload(&extract, &hub, &mut |_| ());
    let applied = sent.applied();
    let by_hub = sent.records as f64 / applied.as_secs_f64();
    drop(hub);
    let (rows, bare) = before.written_bare(ends);
    let bare_records = sent.records as f64 / bare.as_secs_f64();
    println!("{:<46}{flushes:>10.0} /s", "flushes of 4 KiB");
    println!(
        "{:<46}{bare_records:>10.0} records/s  ({rows} rows in {:.1} s, {} to a commit)",
        "SQLite alone, the same rows",
        bare.as_secs_f64(),
        rates::GROUP
    );
    println!(
        "{:<46}{by_hub:>10.0} records/s  ({} in {:.1} s, {} rejected)",
        "the hub, from taken to applied",
        sent.records,
        applied.as_secs_f64(),
        sent.rejected
    );
    println!(
        "{:<46}{:>10.0} records/s  ({:.1} s)",
        "the link, from its start to its end",
        sent.records as f64 / sent.took.as_secs_f64(),
        sent.took.as_secs_f64()
    );
    println!(
        "{:<46}{:>10.2}\n{:<46}{:>10.2}",
        "hub / SQLite alone",
        by_hub / bare_records,
        "records for each flush that the disk gives",
        by_hub / flushes
    );
    memory(&sent)
}

/// The 99th percentile of views with and without an upload.
fn beside_views(ends: &Ends, options: &Options) -> bool {
    println!("\nAn upload of {} rows beside {} views a second", options.rows, options.rate);
    let hub = ends.afresh();
    let extract = ends.extract(options.rows, false);
    let over = Arc::new(AtomicBool::new(false));
    let views = Views::new(ends, &hub.address, options.people, options.seed);
    let begun = Instant::now();
    let (asking_over, rate) = (Arc::clone(&over), options.rate);
    let asking = std::thread::Builder::new()
        .name("views".to_owned())
        .spawn(move || views.ask(rate, begun, &asking_over))
        .expect("a thread");
    // What is asked first finds nothing in any cache.
    let warm = Duration::from_secs(options.seconds / 5);
    std::thread::sleep(warm + Duration::from_secs(options.seconds));
    let mut phases = vec![(warm, Phase::Quiet), (begun.elapsed(), Phase::Prepared)];
    let sent = ends.upload(&extract, &hub, &mut |phase| phases.push((begun.elapsed(), phase)));
    let end = begun.elapsed();
    over.store(true, Ordering::Release);
    let seen = asking.join().expect("views");
    println!(
        "{:<34}{:>8}{:>9}{:>9}{:>9}{:>9}{:>9}{:>8}",
        "milliseconds", "seconds", "views", "median", "99th", "99th*", "longest", "failed"
    );
    let mut p99 = Vec::new();
    for (place, (from, phase)) in phases.iter().enumerate() {
        let to = phases.get(place + 1).map_or(end, |(to, _)| *to);
        line(phase.name(), (*from, to), &seen);
    }
    let at = |phase: Phase| phases.iter().find(|(_, one)| *one == phase).map(|(at, _)| *at);
    let quiet = (at(Phase::Quiet).unwrap_or_default(), at(Phase::Prepared).unwrap_or(end));
    let loud = (at(Phase::Arrives).unwrap_or(end), end);
    for (name, during) in [("without", quiet), ("with it at the hub", loud)] {
        p99.push(line(name, during, &seen));
    }
    let all_are_well = seen.iter().all(|view| view.is_well);
    println!("* without the time until the commit was on disk (`Server-Timing`)");
    let slower = p99[1] / p99[0];
    println!(
        "{:<46}{slower:>10.2}  (at most {SLOWER})\n{:<46}{:>10.0} records/s  ({:.1} s, {} rejected)",
        "99th percentile with / without",
        "the hub, from taken to applied",
        sent.records as f64 / sent.applied().as_secs_f64(),
        sent.applied().as_secs_f64(),
        sent.rejected
    );
    memory(&sent) && slower <= SLOWER && all_are_well
}

/// One line of views of a time; their 99th percentile.
fn line(name: &str, (from, to): (Duration, Duration), seen: &[View]) -> f64 {
    let of_it = |view: &&View| view.at >= from && view.at < to;
    let sorted = |of: fn(&View) -> u32| {
        let mut all: Vec<u32> = seen.iter().filter(of_it).filter(|view| view.is_well).map(of).collect();
        all.sort_unstable();
        all
    };
    let (total, without) = (sorted(|view| view.total), sorted(|view| view.without_commit));
    let failed = seen.iter().filter(of_it).filter(|view| !view.is_well).count();
    println!(
        "{name:<34}{:>8.1}{:>9}{:>9.2}{:>9.2}{:>9.2}{:>9.1}{failed:>8}",
        (to.saturating_sub(from)).as_secs_f64(),
        total.len(),
        percentile(&total, 50),
        percentile(&total, 99),
        percentile(&without, 99),
        percentile(&total, 100),
    );
    percentile(&total, 99)
}

/// All of it rejected: the acknowledgement is as long as the file.
fn rejected(ends: &Ends, options: &Options) -> bool {
    println!("\nAn upload of {} rows that are all rejected", options.rows);
    let hub = ends.afresh();
    let extract = ends.extract(options.rows, true);
    let sent = ends.upload(&extract, &hub, &mut |_| ());
    println!("{:<46}{:>10} of {}", "rejected", sent.rejected, sent.records);
    memory(&sent)
}

fn memory(sent: &ends::Sent) -> bool {
    println!(
        "{:<46}{:>10} MiB hub, {} MiB link (below {MEMORY_MIB})",
        "resident memory at most", sent.hub_mib, sent.link_mib
    );
    sent.hub_mib < MEMORY_MIB && sent.link_mib < MEMORY_MIB
}
