//! How fast the hub answers, beside what the machine itself can do (manual, "Speed").
//!
//! `tests/bench` runs this and the other measurements; alone:
//! `cargo bench --no-default-features --features hub --bench speed -- --hub PATH [--people N] [--seed S] [--quick]`.

#![expect(clippy::print_stdout, reason = "the report")]
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a measurement that cannot be made ends")]
#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "figures to be read by people")]

mod client;
mod hub;
mod machine;
mod people;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use client::{Chance, Measured, percentile};
use cpis::identity::dpop::ProofKey;
use hub::{NURSES, Place, Program};
use people::{Asked, Person};

/// Measures the hub.
#[derive(Parser)]
struct Options {
    /// People in the database; a tenth of them have a plan.
    #[arg(long, default_value_t = 1_000_000)]
    people: usize,
    /// Ask for the first so many alone: of a database whose loading was broken off there.
    #[arg(long)]
    among: Option<usize>,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Ten thousand people and a second for each figure.
    #[arg(long)]
    quick: bool,
    /// The hub's release program.
    #[arg(long)]
    hub: Option<PathBuf>,
    /// Where the databases are kept.
    #[arg(long, default_value = "target/speed")]
    folder: PathBuf,
    /// Seconds for each figure.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// This alone, without the machine's own limits: for a profiler.
    #[arg(long)]
    only: Option<Kind>,
    #[arg(long, hide = true)]
    echo: bool,
    /// Cargo says so.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let mut options = Options::parse();
    if options.echo {
        return machine::serve_echo();
    }
    let Some(program) = options.hub.clone() else {
        println!("speed: which hub? --hub target/release/cpis-hub (tests/bench does all of it)");
        return;
    };
    if options.quick {
        (options.people, options.seconds) = (options.people.min(10_000), 1);
    }
    let place = Place::new(&options.folder);
    place.people(options.people, options.seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(measure(&options, &place, &program));
}

async fn measure(options: &Options, place: &Place, program: &Path) {
    let time = Duration::from_secs(options.seconds);
    println!("{}", machine::cpu());
    println!(
        "{} people, {} of them with a plan; seed {}\n",
        options.people,
        options.people / 10,
        options.seed
    );

    let flushes = match options.only {
        Some(_) => 0.0,
        None => the_machine(place, time).await,
    };
    place.afresh(options.people, options.seed);

    place.raise_rates(program);
    let hub = place.hub(program);
    let asks = Asks::new(place, options);
    println!("\nThe hub (release), resident {} MiB when started", hub.memory().0);
    println!(
        "{:<32}{:>8}{:>9}{:>9}{:>9}{:>9}{:>9}{:>8}{:>11}",
        "milliseconds", "clients", "median", "99th", "99th*", "at most", "/s", "failed", "hub CPU us"
    );
    let mut at_64 = 0.0;
    let asked = [
        ("retrieve by number", Kind::Retrieve, [1, 64].as_slice()),
        ("search by name and birth date", Kind::Search, &[1, 64]),
        ("fuzzy search", Kind::Fuzzy, &[1, 64]),
        ("view (durable)", Kind::View, &[1, 8, 64]),
    ];
    let wanted = asked.into_iter().filter(|(_, kind, _)| options.only.is_none_or(|only| only == *kind));
    let wanted =
        wanted.flat_map(|(name, kind, clients)| clients.iter().map(move |&clients| (name, kind, clients)));
    for (name, kind, clients) in wanted {
        let before = hub.processor();
        let measured = asks.run(&hub.address, kind, clients, time).await;
        line((name, kind.target_ms()), clients, &measured, hub.processor() - before);
        at_64 = measured.per_second();
    }
    let target = (25.0 * flushes).min(5000.0);
    println!(
        "\n* without the time until the commit was on disk (`Server-Timing`); `at most` is of this one; an answer above it is marked !"
    );
    if options.only.is_none() {
        println!(
            "views at 64 clients: {at_64:.0}/s, of {target:.0}/s to be reached ({:.1} per flush)",
            at_64 / flushes
        );
    }
    let (now, most) = hub.memory();
    println!(
        "resident memory of the hub: {now} MiB, {most} MiB at most (below 143 MiB, 150 MB, at a million)"
    );
}

/// What the machine gives to anybody; its flushes a second.
async fn the_machine(place: &Place, time: Duration) -> f64 {
    println!("The machine itself");
    let flushes = machine::flushes(&place.folder, 4096, time);
    println!("{:<46}{flushes:>10.0} /s", "flushes of 4 KiB");
    println!("{:<46}{:>10.0} /s", "flushes of 128 KiB", machine::flushes(&place.folder, 128 * 1024, time));
    for group in [1, 8, 64] {
        let views = machine::grouped_commits(&place.folder.join("work.db"), group, time);
        println!("{:<46}{views:>10.0} views/s", format!("SQLite alone, a commit for {group}"));
    }
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.arg("--echo");
    let server = Program::start(command);
    for clients in [1, 64] {
        let echoed = machine::echo(&server.address, clients, time).await;
        let label = format!("a server that does nothing, {clients} clients");
        println!("{label:<46}{:>10.0} answers/s", echoed.per_second());
    }
    drop(server);
    flushes
}

fn line((name, target): (&str, Option<f64>), clients: usize, measured: &Measured, processor: u64) {
    let reached = percentile(&measured.without_commit, 99);
    // Nothing was measured where nothing was answered.
    let is_missed = measured.total.is_empty() || target.is_some_and(|target| reached > target);
    let target = target.map_or("-".to_owned(), |ms| format!("{ms:.0}{}", if is_missed { "!" } else { "" }));
    println!(
        "{name:<32}{clients:>8}{:>9.2}{:>9.2}{reached:>9.2}{target:>9}{:>9.0}{:>8}{:>11}",
        percentile(&measured.total, 50),
        percentile(&measured.total, 99),
        measured.per_second(),
        measured.failed,
        processor / (measured.total.len() + measured.failed).max(1) as u64
    );
    if measured.failed > 0 {
        println!("  one that failed: {}", measured.sample.lines().next().unwrap_or_default());
    }
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Retrieve,
    Search,
    Fuzzy,
    View,
}

impl Kind {
    /// What the 99th percentile is to stay below, without the commit; views are measured by their number.
    fn target_ms(self) -> Option<f64> {
        match self {
            Self::Retrieve | Self::Search => Some(5.0),
            Self::Fuzzy => Some(20.0),
            Self::View => None,
        }
    }

    /// What is in the body of what was asked for, and of nothing else.
    fn answered(self) -> &'static str {
        match self {
            Self::Retrieve => "\"Patient\"",
            Self::Search | Self::Fuzzy | Self::View => "\"searchset\"",
        }
    }
}

/// Requests, each with a proof of its own: made before the clock runs, since making one costs as much of the machine as
/// answering it.
struct Asks<'a> {
    place: &'a Place,
    asked: Arc<Asked>,
    tokens: Arc<Vec<(String, ProofKey)>>,
}

/// Requests a second that are made beforehand: more than the hub has been seen to answer. Further ones are made when
/// they are sent, and take of the machine what the hub could have had.
const PREPARED: usize = 13_000;

/// A prepared proof is too old for the hub after a minute.
const PREPARED_SECONDS: u64 = 45;

impl<'a> Asks<'a> {
    fn new(place: &'a Place, options: &Options) -> Self {
        let tokens = (0..NURSES).map(|nurse| place.token(nurse)).collect();
        let asked = Asked::of(options.people, options.among.unwrap_or(options.people), options.seed);
        Self { place, asked: Arc::new(asked), tokens: Arc::new(tokens) }
    }

    async fn run(&self, address: &str, kind: Kind, clients: usize, time: Duration) -> Measured {
        let prover = self.place.prover(address);
        let (asked, tokens) = (self.asked.clone(), self.tokens.clone());
        let make = move |chance: &mut Chance| {
            let path = path(kind, &asked, chance);
            let header = if matches!(kind, Kind::View) { "TraceID" } else { "X-Request-ID" };
            let proved = prover.proved(&path, &tokens[chance.below(tokens.len())]);
            let id = uuid::Uuid::new_v4();
            format!("GET {path} HTTP/1.1\r\nHost: hub\r\n{proved}{header}: {id}\r\n\r\n").into_bytes()
        };
        let many = PREPARED * clients.min(4) / 4 * time.as_secs().min(PREPARED_SECONDS / 2) as usize;
        let (prepared, since) = (Rc::new(RefCell::new(prepared(many, &make))), Instant::now());
        client::run(address, clients, time, kind.answered(), move |chance, out| {
            let is_fresh = since.elapsed().as_secs() < PREPARED_SECONDS;
            let request = if is_fresh { prepared.borrow_mut().pop() } else { None };
            out.extend_from_slice(&request.unwrap_or_else(|| make(chance)));
        })
        .await
    }
}

/// As many requests, made by all the machine's processors.
fn prepared(many: usize, make: &(impl Fn(&mut Chance) -> Vec<u8> + Sync)) -> Vec<Vec<u8>> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        let made: Vec<_> = (0..threads)
            .map(|thread| {
                scope.spawn(move || {
                    let mut chance = Chance::new(1_000_000 + thread as u64);
                    (0..many / threads).map(|_| make(&mut chance)).collect::<Vec<_>>()
                })
            })
            .collect();
        made.into_iter().flat_map(|made| made.join().expect("requests made")).collect()
    })
}

fn path(kind: Kind, asked: &Asked, chance: &mut Chance) -> String {
    let among = if matches!(kind, Kind::View) { &asked.flagged } else { &asked.anybody };
    let Person { number, family, heard, given, born } = &among[chance.below(among.len())];
    let base = "/personal-demographics/FHIR/R4/Patient";
    match kind {
        Kind::Retrieve => format!("{base}/{}", number.digits()),
        Kind::Search => format!("{base}?family={family}&birthdate=eq{born}"),
        Kind::Fuzzy => {
            format!("{base}?family={heard}&given={given}&birthdate=eq{born}&_fuzzy-match=true")
        }
        Kind::View => format!(
            "/cpis/FHIR/R4/CareTeam?patient:identifier=https://fhir.nhs.uk/Id/nhs-number%7C{}",
            number.digits()
        ),
    }
}
