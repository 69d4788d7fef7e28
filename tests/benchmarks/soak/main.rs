//! A long run: memory stays level, and idle and slow connections harm nobody.
//!
//! `cargo bench --no-default-features --features hub --bench soak -- --requests 1000000`

#![expect(clippy::print_stdout, reason = "it prints what it measured")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a program of the tests: what fails ends it"
)]

mod client;
mod crowd;
mod hub;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use client::{Client, Got};
use crowd::Crowd;
use hub::Hub;

/// Connections of the long run.
const CLIENTS: usize = 64;

/// Good clients beside the crowd.
const GOOD: usize = 16;

/// The last third may be at most this much above the second: pages that are touched for the first time, not
/// something that grows with each request.
const GROWTH_KIB: u64 = 8 * 1024;

/// How long the good clients are measured each time.
const MEASURED: Duration = Duration::from_secs(15);

fn main() -> ExitCode {
    let number = |name: &str, usual: u64| {
        let mut arguments = std::env::args().skip_while(|argument| argument != name).skip(1);
        arguments.next().map_or(usual, |text| text.parse().expect("a number"))
    };
    let part = if std::env::args().any(|argument| argument == "--quick") { 50 } else { 1 };
    let requests = number("--requests", 1_000_000 / part);
    let (idle, slow) = (number("--idle", 10_000 / part), number("--slow", 200 / part));
    raise_open_files();
    let hub = Hub::start();
    let level = memory(&hub, requests);
    let harmless =
        connections(&hub, usize::try_from(idle).expect("fits"), usize::try_from(slow).expect("fits"));
    if level && harmless { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The long run: true if memory stayed level and every answer was as it should be.
fn memory(hub: &Hub, requests: u64) -> bool {
    println!(
        "{requests} mixed requests over {CLIENTS} connections; resident memory at start {} KiB",
        hub.memory()
    );
    let (done, shed, wrong) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let tenth = (requests / 10).max(1);
    let started = Instant::now();
    let mut readings = Vec::new();
    std::thread::scope(|scope| {
        for index in 0..CLIENTS {
            let (done, shed, wrong) = (&done, &shed, &wrong);
            scope.spawn(move || {
                let mut client = Client::new(hub, index);
                while done.fetch_add(1, Ordering::Relaxed) < requests {
                    match client.ask() {
                        Got::Right => 0,
                        Got::Shed => shed.fetch_add(1, Ordering::Relaxed),
                        Got::Wrong => wrong.fetch_add(1, Ordering::Relaxed),
                    };
                }
            });
        }
        while (readings.len() as u64) < requests / tenth {
            let so_far = done.load(Ordering::Relaxed);
            if so_far >= tenth * (readings.len() as u64 + 1) {
                readings.push(hub.memory());
                let seconds = started.elapsed().as_secs_f64();
                println!(
                    "{so_far:>9} requests {:>8} KiB {:>6.0} a second",
                    readings[readings.len() - 1],
                    so_far as f64 / seconds
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let third = readings.len() / 3;
    let most = |readings: &[u64]| readings.iter().copied().max().unwrap_or(0);
    let (second, last) = (most(&readings[third..2 * third]), most(&readings[2 * third..]));
    let wrong = wrong.into_inner();
    let growth = last.saturating_sub(second);
    println!("last third over second third: {growth} KiB (at most {GROWTH_KIB})");
    println!("told to ask again: {}; wrong answers: {wrong}", shed.into_inner());
    growth <= GROWTH_KIB && wrong == 0
}

/// Good clients without a crowd, with it, and without it again: true if none of them was failed.
fn connections(hub: &Hub, idle: usize, slow: usize) -> bool {
    let before = good(hub);
    let crowd = Crowd::gather(hub, idle, slow);
    let started = Instant::now();
    while crowd.open() < (idle + slow) * 99 / 100 && started.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(100));
    }
    println!(
        "{} of {} idle and slow connections are open; resident memory {} KiB",
        crowd.open(),
        idle + slow,
        hub.memory()
    );
    let beside = good(hub);
    println!("{} of them at the end; resident memory {} KiB", crowd.open(), hub.memory());
    drop(crowd);
    let after = good(hub);
    let mean = |of: fn(&Measured) -> f64| (of(&before) + of(&after)) / 2.0;
    for (when, measured) in [("without", &before), ("with", &beside), ("without again", &after)] {
        println!(
            "{GOOD} good clients {when}: {:.0} views a second, 99th percentile {:.1} ms, failures {}",
            measured.rate, measured.slowest_ms, measured.failures
        );
    }
    println!(
        "with over without: throughput {:.2}, 99th percentile {:.2}",
        beside.rate / mean(|measured| measured.rate),
        beside.slowest_ms / mean(|measured| measured.slowest_ms)
    );
    before.failures + beside.failures + after.failures == 0
}

struct Measured {
    rate: f64,
    slowest_ms: f64,
    failures: u64,
}

fn good(hub: &Hub) -> Measured {
    let is_over = AtomicBool::new(false);
    let started = Instant::now();
    let clients = std::thread::scope(|scope| {
        let running: Vec<_> = (0..GOOD)
            .map(|index| {
                let is_over = &is_over;
                scope.spawn(move || {
                    let mut client = Client::new(hub, 30_000 + index);
                    let (mut times, mut failures) = (Vec::new(), 0_u64);
                    while !is_over.load(Ordering::Relaxed) {
                        let asked = Instant::now();
                        failures += u64::from(!client.view_somebody());
                        times.push(asked.elapsed());
                    }
                    (times, failures)
                })
            })
            .collect();
        std::thread::sleep(MEASURED);
        is_over.store(true, Ordering::Relaxed);
        running.into_iter().map(|client| client.join().expect("a client")).collect::<Vec<_>>()
    });
    let seconds = started.elapsed().as_secs_f64();
    let mut times: Vec<Duration> = clients.iter().flat_map(|(times, _)| times.iter().copied()).collect();
    times.sort_unstable();
    let slowest = times.get(times.len() * 99 / 100).copied().unwrap_or_default();
    Measured {
        rate: times.len() as f64 / seconds,
        slowest_ms: slowest.as_secs_f64() * 1000.0,
        failures: clients.iter().map(|(_, failures)| failures).sum(),
    }
}

/// This program has the other end of every connection.
#[cfg(unix)]
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: now.maximum, maximum: now.maximum });
}

#[cfg(not(unix))]
fn raise_open_files() {}
