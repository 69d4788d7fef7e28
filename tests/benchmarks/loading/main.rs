//! How fast `load` is beside bare bulk inserts of the very same rows, with nothing parsed, judged or looked up: one with the same
//! schema, indexes, number of commits and flushes, and one as fast as SQLite can, in a single commit and without its checks.
//!
//! `cargo bench --no-default-features --features hub --bench loading -- --people 200000`

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use cpis::config::hub::Synchronous;
use cpis::domain::{Caller, TailDays};
use cpis::hub::clock::Clock;
use cpis::hub::disk::Disk;
use cpis::hub::load::{self, LoadAsk, Source, Watch};
use cpis::hub::sample::{self, SampleAsk};
use cpis::hub::store::{Store, StoreSettings};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// What a load writes for people and plans, in an order in which it can be written.
const TABLES: &[&str] = &["authority", "upload", "person", "nhs_number", "person_name", "plan"];

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    let people = argument("--people")?.unwrap_or(if is_quick { 20_000 } else { 1_000_000 });
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("people.ndjson");
    write_sample(&file, people)?;

    let loaded = directory.path().join("loaded.db");
    let (load_time, report) = timed_load(&loaded, &file)?;
    let memory = resident_most();
    let [bare, plain] = ["bare.db", "plain.db"].map(|name| directory.path().join(name));
    drop(open(&bare)?);
    let commits = report.commits.max(1);
    let (bare_time, rows) = timed_bare(&loaded, &bare, commits, Way::AsLoadWrites)?;
    std::fs::remove_file(&bare)?;
    drop(open(&plain)?);
    let (plain_time, _) = timed_bare(&loaded, &plain, commits, Way::AsFastAsItGoes)?;

    let rate = |time: Duration| rows as f64 / time.as_secs_f64();
    let (load_rate, bare_rate, plain_rate) = (rate(load_time), rate(bare_time), rate(plain_time));
    let is_fast = load_rate / bare_rate >= LEAST;
    say(&format!(
        "{people} people, {} plans, {rows} rows, {} commits\n\
         bare bulk insert     {bare_rate:>10.0} rows/s  ({:.1} s)\n\
         load                 {load_rate:>10.0} rows/s  ({:.1} s)\n\
         load / bare          {:>10.2}          (at least {LEAST:.2}: {})\n\
         bulk, one commit     {plain_rate:>10.0} rows/s  ({:.1} s)\n\
         load / bulk          {:>10.2}          (nothing is promised of this one)\n\
         resident at most     {:>10}          (below 150 MB at a million)\n",
        report.plans,
        report.commits,
        bare_time.as_secs_f64(),
        load_time.as_secs_f64(),
        load_rate / bare_rate,
        if is_fast { "holds" } else { "DOES NOT HOLD" },
        plain_time.as_secs_f64(),
        load_rate / plain_rate,
        memory.map_or_else(|| "not known".to_owned(), |bytes| format!("{} MB", bytes / 1_000_000)),
    ))?;
    if is_fast { Ok(()) } else { Err("a load is slower than half of a bare insert".into()) }
}

/// The least share of a bare bulk insert's speed that a load may have.
const LEAST: f64 = 0.5;

/// How rows are inserted.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// In as many commits, each flushed, with all that a hub's database checks.
    AsLoadWrites,
    /// All in one commit, nothing checked and nothing wiped.
    AsFastAsItGoes,
}

fn argument(name: &str) -> Outcome<Option<u64>> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name).skip(1);
    Ok(arguments.next().map(|value| value.parse()).transpose()?)
}

fn say(text: &str) -> Outcome<()> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

fn write_sample(file: &Path, people: u64) -> Outcome<()> {
    let today = jiff::civil::date(2026, 11, 22);
    let ask = SampleAsk { people, flagged: people / 10, seed: 1, today };
    let mut out = std::io::BufWriter::new(std::fs::File::create(file)?);
    for person in sample::people(ask)? {
        out.write_all(person.lines().as_bytes())?;
    }
    Ok(out.flush()?)
}

fn open(database: &Path) -> Outcome<Store> {
    let settings = StoreSettings {
        path: database.to_owned(),
        synchronous: Synchronous::Full,
        tails: TailDays::default(),
        disk: Disk::of(database),
    };
    Ok(Store::open(&settings, Clock::system())?)
}

fn timed_load(database: &Path, file: &Path) -> Outcome<(Duration, load::LoadReport)> {
    let store = open(database)?;
    let ask = LoadAsk { source: Source::File(file.to_owned()), synthetic: true, restart: false };
    let by = Caller {
        user: "benchmark".to_owned(),
        name: "Benchmark".to_owned(),
        role: "operator".to_owned(),
        role_profile: String::new(),
        organisation_code: String::new(),
        organisation: String::new(),
        activities: Vec::new(),
        session: String::new(),
        client: None,
    };
    let begun = Instant::now();
    let report = load::load(&store, &ask, &by, &mut Watch::default())?;
    let time = begun.elapsed();
    if report.refused > 0 {
        return Err(format!("{} lines of the sample were refused", report.refused).into());
    }
    Ok((time, report))
}

/// Inserts the rows of one database into another, in this way, person by person. Reading them is not timed.
fn timed_bare(from: &Path, to: &Path, commits: usize, way: Way) -> Outcome<(Duration, u64)> {
    let from = Connection::open(from)?;
    let db = Connection::open(to)?;
    db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "FULL")?;
    let is_checked = way == Way::AsLoadWrites;
    db.pragma_update(None, "foreign_keys", is_checked)?;
    db.pragma_update(None, "secure_delete", is_checked)?;
    db.pragma_update(None, "cache_size", -(cpis::hub::limits::PAGE_CACHE_BYTES / 1024))?;
    db.set_prepared_statement_cache_capacity(64);
    let people: i64 = from.query_row("SELECT max(id) FROM person", [], |row| row.get(0))?;
    let each = (people / i64::try_from(commits)? + 1).max(1);
    let tables = tables(&from)?;
    // Only so that reading them person by person does not take hours.
    from.execute_batch("CREATE INDEX IF NOT EXISTS read_by_person ON search_key (person_id)")?;
    let (mut time, mut rows) = (Duration::ZERO, 0_u64);
    let mut first = 1;
    while first <= people {
        let last = first + each - 1;
        let mut batch: Vec<(&str, Vec<Value>)> = Vec::new();
        for (name, select, insert) in &tables {
            // What belongs to nobody goes first, all at once.
            let is_of_people = select.contains("?1");
            if !is_of_people && first > 1 {
                continue;
            }
            let mut statement = from.prepare_cached(select)?;
            let columns = statement.column_count();
            let bounds: &[i64] = if is_of_people { &[first, last] } else { &[] };
            let mut found = statement.query(params_from_iter(bounds))?;
            while let Some(row) = found.next()? {
                let values: Result<Vec<Value>, _> = (0..columns).map(|column| row.get(column)).collect();
                batch.push((insert.as_str(), values.map_err(|error| format!("{name}: {error}"))?));
            }
        }
        rows += batch.len() as u64;
        let begun = Instant::now();
        if is_checked || first == 1 {
            db.execute_batch("BEGIN IMMEDIATE")?;
        }
        for (insert, values) in &batch {
            db.prepare_cached(insert)?.execute(params_from_iter(values))?;
        }
        first = last + 1;
        if is_checked || first > people {
            db.execute_batch("COMMIT")?;
        }
        time += begun.elapsed();
    }
    Ok((time, rows))
}

/// Each table that a load fills: how its rows are read, by person where they are somebody's, and written.
fn tables(db: &Connection) -> Outcome<Vec<(String, String, String)>> {
    let mut names: Vec<String> = TABLES.iter().map(|name| (*name).to_owned()).collect();
    let mut statement =
        db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'search_%'")?;
    for name in statement.query_map([], |row| row.get::<_, String>(0))? {
        names.push(name?);
    }
    let mut tables = Vec::new();
    for name in names {
        let columns: Vec<String> = db
            .prepare(&format!("SELECT name FROM pragma_table_info('{name}')"))?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let person = match columns.iter().find(|column| *column == "person_id") {
            Some(column) => Some(column.as_str()),
            None if name == "person" => Some("id"),
            None => None,
        };
        // What is not of people is only what the plans refer to; the search's own notes are made with the schema.
        if person.is_none() && name.starts_with("search_") {
            continue;
        }
        let of = person.map(|person| format!(" WHERE {person} BETWEEN ?1 AND ?2")).unwrap_or_default();
        let holes = vec!["?"; columns.len()].join(", ");
        let listed = columns.join(", ");
        tables.push((
            name.clone(),
            format!("SELECT {listed} FROM {name}{of}"),
            format!("INSERT INTO {name} ({listed}) VALUES ({holes})"),
        ));
    }
    Ok(tables)
}

/// The most memory that this process has had, where the system says so.
fn resident_most() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? * 1024)
}
