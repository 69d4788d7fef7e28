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

/// What memory may grow by with each request, from the run's second third on: a byte, for pages that are touched for the first
/// time; at 8,000 requests a second that is 0.7 GB a day, and what really leaks loses tens of bytes or more.
const GROWTH_BYTES: f64 = 1.0;

/// In a run that is too short for that, what it may grow by in any case.
const GROWTH_LEAST_KIB: f64 = 1024.0;

/// Of the crowd so many hundredths at least have to be connected, from before the good clients are measured until after.
const OPEN_PERCENT: usize = 99;

/// Beside the crowd the good clients get at least this much of their throughput, and wait at most this much longer.
const THROUGHPUT_LEAST: f64 = 0.8;
const WAIT_MOST: f64 = 1.5;

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
    // A little of each says whether it runs at all, and nothing of how memory and speed settle.
    let is_whole = part == 1;
    let level = memory(&hub, requests, is_whole);
    let harmless = connections(
        &hub,
        usize::try_from(idle).expect("fits"),
        usize::try_from(slow).expect("fits"),
        is_whole,
    );
    if level && harmless { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The long run: true if memory stayed level and every answer was as it should be.
fn memory(hub: &Hub, requests: u64, is_whole: bool) -> bool {
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
    let wrong = wrong.into_inner();
    let settled = &readings[readings.len() / 3..];
    let requests_each = tenth as f64;
    let growth = slope_kib(settled) * (settled.len().saturating_sub(1)) as f64;
    let bytes = growth * 1024.0 / (requests_each * settled.len().saturating_sub(1).max(1) as f64);
    let is_level = growth <= GROWTH_LEAST_KIB || bytes <= GROWTH_BYTES;
    println!(
        "growth from the second third on: {growth:.0} KiB, {bytes:.2} bytes a request (at most {GROWTH_BYTES}, or {GROWTH_LEAST_KIB:.0} KiB in all): {}",
        judged(is_level)
    );
    println!(
        "told to ask again: {}; wrong answers: {wrong} (none): {}",
        shed.into_inner(),
        judged(wrong == 0)
    );
    (is_level || !is_whole) && wrong == 0
}

/// By how much the readings grow from one to the next, by least squares: one high reading is not growth.
fn slope_kib(readings: &[u64]) -> f64 {
    let count = readings.len() as f64;
    let mean_x = (count - 1.0) / 2.0;
    let mean_y = readings.iter().map(|reading| *reading as f64).sum::<f64>() / count.max(1.0);
    let (mut above, mut below) = (0.0, 0.0);
    for (x, y) in readings.iter().enumerate() {
        let from_mean = x as f64 - mean_x;
        above += from_mean * (*y as f64 - mean_y);
        below += from_mean * from_mean;
    }
    if below > 0.0 { above / below } else { 0.0 }
}

fn judged(holds: bool) -> &'static str {
    if holds { "holds" } else { "DOES NOT HOLD" }
}

/// Good clients without a crowd, with it, and without it again: true if none of them was failed.
fn connections(hub: &Hub, idle: usize, slow: usize, is_whole: bool) -> bool {
    let before = good(hub);
    let crowd = Crowd::gather(hub, idle, slow);
    let started = Instant::now();
    let wanted = (idle + slow) * OPEN_PERCENT / 100;
    while crowd.open() < wanted && started.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(100));
    }
    let at_first = crowd.open();
    println!(
        "{at_first} of {} idle and slow connections are open; resident memory {} KiB",
        idle + slow,
        hub.memory()
    );
    let beside = good(hub);
    let at_last = crowd.open();
    println!("{at_last} of them at the end; resident memory {} KiB", hub.memory());
    let is_crowd = at_first.min(at_last) >= wanted;
    println!("the crowd was there (at least {wanted}): {}", judged(is_crowd));
    drop(crowd);
    let after = good(hub);
    let mean = |of: fn(&Measured) -> f64| (of(&before) + of(&after)) / 2.0;
    for (when, measured) in [("without", &before), ("with", &beside), ("without again", &after)] {
        println!(
            "{GOOD} good clients {when}: {:.0} views a second, 99th percentile {:.1} ms, failures {}",
            measured.rate, measured.slowest_ms, measured.failures
        );
    }
    let throughput = beside.rate / mean(|measured| measured.rate);
    let wait = beside.slowest_ms / mean(|measured| measured.slowest_ms);
    let (is_fast, is_soon) = (throughput >= THROUGHPUT_LEAST, wait <= WAIT_MOST);
    println!(
        "with over without: throughput {throughput:.2} (at least {THROUGHPUT_LEAST}): {}; 99th percentile {wait:.2} (at most {WAIT_MOST}): {}",
        judged(is_fast),
        judged(is_soon)
    );
    let failures = before.failures + beside.failures + after.failures;
    println!("good clients failed: {failures} (none): {}", judged(failures == 0));
    is_crowd && ((is_fast && is_soon) || !is_whole) && failures == 0
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
