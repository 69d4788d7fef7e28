//! How many children a search misses, and how often it puts another one first, on what is asked with errors.
//!
//! `cargo bench --no-default-features --features hub --bench matching -- --people 100000 [--children 20000] [--seed 7]`
//!
//! Makes synthetic people, loads them into a database file as a hub does, takes children, corrupts what is asked, and
//! searches as the viewer does. What corrupts (`corrupt`, `spelling`) knows nothing of what searches. The weights
//! and cut-offs were chosen on the seed 1; report others.

#![expect(clippy::print_stdout, reason = "the report")]
#![expect(clippy::indexing_slicing, reason = "a measurement that cannot be made ends")]

mod baseline;
mod corrupt;
mod spelling;
mod table;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use cpis::config::hub::Synchronous;
use cpis::domain::{Activity, BirthDate, Caller, NhsNumber, Rights, SearchPermit, TailDays};
use cpis::hub::clock::Clock;
use cpis::hub::disk::Disk;
use cpis::hub::limits::Volume;
use cpis::hub::load::{self, LoadAsk, Source, Watch};
use cpis::hub::sample::{self, Chance, Role, SampleAsk, SamplePerson};
use cpis::hub::search::{AskedText, PersonQuery};
use cpis::hub::store::{SearchOutcome, Store, StoreSettings};

use jiff::civil::date;

use baseline::Baseline;
use corrupt::{Asked, KINDS};
use table::{Column, Outcome};

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Parser)]
struct Options {
    /// People in the database.
    #[arg(long, default_value_t = 100_000)]
    people: u64,
    /// Children who are asked for.
    #[arg(long, default_value_t = 20_000)]
    children: usize,
    /// Another seed gives other people and other errors.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Prints so many of the misses and wrong ones, all synthetic.
    #[arg(long, default_value_t = 0)]
    show: usize,
    /// Two thousand children among ten thousand people.
    #[arg(long)]
    quick: bool,
    /// What cargo adds.
    #[arg(long, hide = true)]
    bench: bool,
}

/// One child, what is asked about them, and what came of it.
struct Trial {
    child: u64,
    kind: usize,
    asked: Asked,
}

fn main() -> Result<(), Failure> {
    let mut options = Options::parse();
    if options.quick {
        (options.people, options.children) = (options.people.min(10_000), options.children.min(2_000));
    }
    let folder = tempfile::tempdir()?;
    let started = Instant::now();
    let (store, people, baseline) = prepared(&options, folder.path().join("hub.db"))?;
    println!("{} people loaded in {:.0} s", options.people, started.elapsed().as_secs_f64());
    let trials = trials(&options, &people);
    let numbers: Arc<HashMap<NhsNumber, u64>> =
        Arc::new(people.iter().zip(0..).map(|(person, place)| (person.number, place)).collect());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let trials = Arc::new(trials);
    let (mut viewer, mut fuzzy, mut sounds) = (Vec::new(), Vec::new(), Vec::new());
    let found = runtime.block_on(ask_all(&store, &trials, &numbers))?;
    let mut shown = 0;
    for (trial, (as_viewer, alone, took)) in trials.iter().zip(found) {
        let outcome = |found: &[u64]| Outcome::of(trial.kind, trial.child, found);
        let one = outcome(&alone);
        if (one.missed || one.wrong_first) && shown < options.show {
            shown += 1;
            show(trial, &people, &alone);
        }
        viewer.push(outcome(&as_viewer));
        fuzzy.push(Outcome { took, ..one });
        sounds.push(outcome(&baseline.find(&trial.asked)));
    }
    table::print(&[
        Column { name: "exact, then fuzzy", outcomes: viewer },
        Column { name: "fuzzy alone", outcomes: fuzzy },
        Column { name: "sound-alike surname + birth date (run here)", outcomes: sounds },
    ]);
    Ok(())
}

/// The people, in a database file and beside it.
fn prepared(options: &Options, path: PathBuf) -> Result<(Store, Vec<SamplePerson>, Baseline), Failure> {
    let today = date(2026, 11, 22);
    let ask = SampleAsk { people: options.people, flagged: options.people / 10, seed: options.seed, today };
    let clock = Clock::standing_at("2026-11-22T14:00:00Z".parse()?);
    let disk = Disk::of(&path);
    let mut settings =
        StoreSettings { path, synchronous: Synchronous::Full, tails: TailDays::default(), disk };
    let mut baseline = Baseline::default();
    let mut people = Vec::new();
    {
        let store = Store::open(&settings, clock.clone())?;
        let mut lines = String::new();
        for (place, person) in (0..).zip(sample::people(ask)?) {
            baseline.add(place, &person);
            // The people alone: plans have no part in a search.
            lines.push_str(&person.person_line().to_string());
            lines.push('\n');
            people.push(person);
        }
        let ask = LoadAsk { source: Source::Text(lines.into()), synthetic: true, restart: false };
        load::load(&store, &ask, &caller(), &mut Watch::default())?;
    }
    // Only loading needs to be safe.
    settings.synchronous = Synchronous::Normal;
    Ok((Store::open(&settings, clock)?, people, baseline))
}

fn caller() -> Caller {
    Caller {
        user: "benchmark".to_owned(),
        name: "Benchmark".to_owned(),
        role: "Benchmark".to_owned(),
        role_profile: "0".to_owned(),
        organisation_code: "X26".to_owned(),
        organisation: "Benchmark".to_owned(),
        activities: ["B0264"].iter().filter_map(|code| Activity::from_code(code)).collect(),
        session: "benchmark".to_owned(),
        client: None,
    }
}

/// Children in the order of chance, each with an error drawn by its share among those that fit.
fn trials(options: &Options, people: &[SamplePerson]) -> Vec<Trial> {
    let mut chance = Chance::new(options.seed, u64::MAX);
    let children: Vec<u64> = people
        .iter()
        .zip(0..)
        .filter(|(person, _)| person.role == Role::Child && matches!(person.born, BirthDate::Day(_)))
        .map(|(_, place)| place)
        .collect();
    let shares: Vec<u64> = KINDS.iter().map(|(_, _, share)| *share).collect();
    let mut trials = Vec::new();
    while trials.len() < options.children {
        // The kind first, then a child whom it can happen to: the mix stays as it is written.
        let kind = chance.weighted(&shares);
        let (Some((what, _, _)), true) = (KINDS.get(kind), !children.is_empty()) else { break };
        let fitting = (0..20_000).find_map(|_| {
            let place = *chance.pick(&children)?;
            let child = people.get(usize::try_from(place).ok()?)?;
            Some((place, corrupt::corrupted(&mut chance, child, *what)?))
        });
        if let Some((child, asked)) = fitting {
            trials.push(Trial { child, kind, asked });
        }
    }
    trials
}

type Answers = (Vec<u64>, Vec<u64>, Duration);

async fn ask_all(
    store: &Store,
    trials: &Arc<Vec<Trial>>,
    numbers: &Arc<HashMap<NhsNumber, u64>>,
) -> Result<Vec<Answers>, Failure> {
    const AT_ONCE: usize = 8;
    let mut tasks = Vec::new();
    for first in 0..AT_ONCE {
        let (store, trials, numbers) = (store.clone(), Arc::clone(trials), Arc::clone(numbers));
        tasks.push(tokio::spawn(async move {
            let mut answers = Vec::new();
            for (place, trial) in trials.iter().enumerate().skip(first).step_by(AT_ONCE) {
                let exact = ask(&store, &numbers, query(&trial.asked, false)).await?;
                let started = Instant::now();
                let fuzzy = ask(&store, &numbers, query(&trial.asked, true)).await?;
                let took = started.elapsed();
                let as_viewer = if exact.is_empty() { fuzzy.clone() } else { exact };
                answers.push((place, (as_viewer, fuzzy, took)));
            }
            Ok::<_, Failure>(answers)
        }));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await??);
    }
    all.sort_by_key(|(place, _)| *place);
    Ok(all.into_iter().map(|(_, answers)| answers).collect())
}

/// The benchmark asks more than any caller may.
const UNLIMITED: Volume = Volume { searches: u32::MAX, people: u32::MAX };

async fn ask(
    store: &Store,
    numbers: &HashMap<NhsNumber, u64>,
    query: Option<PersonQuery>,
) -> Result<Vec<u64>, Failure> {
    let Some(query) = query else { return Ok(Vec::new()) };
    let permit = SearchPermit::of(&caller(), &Rights::national()).map_err(|_| "not allowed")?;
    let answer = store.search(permit, query, "benchmark".to_owned(), UNLIMITED).await?;
    Ok(match answer.value() {
        SearchOutcome::Found(found) => {
            found.iter().filter_map(|found| numbers.get(&found.candidate.person.number).copied()).collect()
        }
        // Nobody is shown.
        SearchOutcome::TooMany | SearchOutcome::VolumeReached(_) => Vec::new(),
    })
}

/// As the viewer asks: family name, given name, birth date, gender where it was chosen.
fn query(asked: &Asked, fuzzy: bool) -> Option<PersonQuery> {
    Some(PersonQuery {
        family: Some(AskedText::read(&asked.family)?),
        given: AskedText::read(&asked.given).into_iter().collect(),
        gender: asked.gender,
        born: (asked.born, asked.born),
        postcode: None,
        fuzzy,
        history: false,
        exact_only: false,
        most: 20,
        asked: serde_json::Value::Null,
    })
}

fn show(trial: &Trial, people: &[SamplePerson], found: &[u64]) {
    let name = |place: u64| {
        usize::try_from(place).ok().and_then(|place| people.get(place)).map_or_else(String::new, |person| {
            format!("{} / {} {:?}", person.name.family, person.name.given.join(" "), person.born)
        })
    };
    let kind = KINDS.get(trial.kind).map_or("", |(_, name, _)| name);
    println!(
        "{kind}: asked {} / {} {} {:?}",
        trial.asked.family, trial.asked.given, trial.asked.born, trial.asked.gender
    );
    println!(
        "    held {}; {} found, first {}",
        name(trial.child),
        found.len(),
        found.first().map_or_else(String::new, |first| name(*first))
    );
}
