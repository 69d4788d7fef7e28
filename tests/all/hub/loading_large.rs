//! Loads of files that take several slices: killed and gone on with, in any order of lines, beside a hub that
//! serves, and their reports.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cpis::hub::load::{self, LoadAsk, LoadReport, Source, Watch};
use cpis::hub::sample::{self, SampleAsk, SamplePerson};
use jiff::civil::date;
use uuid::Uuid;

use super::support::data::{child, person, plans_of};
use super::support::program::{Place, Program, is_there};
use super::support::{TestHub, at, caller, nurse, proofs, rows};

fn people(of: u64, flagged: u64) -> Vec<SamplePerson> {
    let ask = SampleAsk { people: of, flagged, seed: 4, today: date(2026, 11, 22) };
    sample::people(ask).unwrap().collect()
}

/// Their lines, with some bad ones, in an order that has nothing to do with theirs.
fn shuffled(people: &[SamplePerson]) -> String {
    let mut lines: Vec<String> = people
        .iter()
        .flat_map(|person| person.lines().lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    lines.extend(["{".to_owned(), "[]".to_owned(), "{\"resourceType\":\"Patient\",\"id\":\"1\"}".to_owned()]);
    lines.extend((0..5).map(|bad| format!("{{\"resourceType\":\"CareTeam\",\"name\":\"Council {bad}\"}}")));
    let doubled = lines.first().unwrap().clone();
    lines.push(doubled);
    let mut chance = sample::Chance::new(9, 9);
    lines.sort_by_cached_key(|_| chance.bits());
    lines.join("\n")
}

fn started(place: &Place, more: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cpis-hub"));
    command.args(["load", "people.ndjson", "--config", "hub.toml", "--synthetic"]).args(more);
    command.current_dir(place.directory.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn finished(place: &Place) -> (bool, String, String) {
    let output =
        place.run(&["load", "people.ndjson", "--config", "hub.toml", "--synthetic", "--report", "report"]);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.success(),
        text(&output.stdout) + &text(&output.stderr),
        fs::read_to_string(place.path("report")).unwrap(),
    )
}

/// Rows of a database that is perhaps not made yet.
fn try_rows(place: &Place, sql: &str) -> Vec<String> {
    if place.database().prepare(sql).is_ok() { rows(&place.database(), sql) } else { Vec::new() }
}

/// All that was loaded, without the ids that the order of the lines gives.
fn held(place: &Place) -> Vec<String> {
    let db = place.database();
    [
        "SELECT number, standing, gender, born, multiple_birth, deceased, restricted, postcode
         FROM nhs_number JOIN person ON person.id = person_id ORDER BY number",
        "SELECT number, is_current, family, given, title FROM person_name
         JOIN nhs_number USING (person_id) WHERE standing = 'current' ORDER BY 1, 2, 3, 4",
        "SELECT number, authority_code, kind, start_day, end_day, local_id, number_uploaded, sent_ms, team_name
         FROM plan JOIN nhs_number USING (person_id) WHERE standing = 'current' ORDER BY 1, 2, 3, 4",
        "SELECT code, name, office, emergency_duty, office_days, (SELECT count(*) FROM upload WHERE
         authority_code = code) FROM authority ORDER BY code",
    ]
    .iter()
    .flat_map(|sql| rows(&db, sql))
    .collect()
}

#[test]
fn h26_a_load_that_is_killed_again_and_again_ends_as_one_that_was_not() {
    let people = people(4_000, 400);
    let file = shuffled(&people);
    let (left_alone, killed) = (Place::empty(""), Place::empty(""));
    for place in [&left_alone, &killed] {
        fs::write(place.path("people.ndjson"), &file).unwrap();
    }
    let (is_good, said, report) = finished(&left_alone);
    assert!(!is_good, "some lines are bad");
    let position = || {
        let is_there = killed.path("hub.db").exists();
        let rows = |sql| if is_there { try_rows(&killed, sql) } else { Vec::new() };
        rows("SELECT phase, next FROM load").join("")
    };
    let mut positions = vec![String::new()];
    let mut is_told = false;
    for _ in 0..5 {
        let mut load = started(&killed, &["--report", "report"]);
        let deadline = Instant::now() + Duration::from_secs(30);
        // Killed as soon as it has come further than the last one.
        while position() == *positions.last().unwrap() && Instant::now() < deadline && !is_told {
            std::thread::sleep(Duration::from_millis(1));
            is_told = load.try_wait().unwrap().is_some();
        }
        is_told |= load.try_wait().unwrap().is_some();
        let _ = load.kill();
        let _ = load.wait();
        if is_told {
            break;
        }
        positions.push(position());
    }
    positions.dedup();
    assert!(positions.len() >= 3, "killed on the way: {positions:?}");
    if !is_told {
        let resumed = finished(&killed).1;
        let figures = |said: &str| said.lines().find(|line| line.starts_with("Loaded")).map(str::to_owned);
        assert!(resumed.contains("Went on"), "{resumed}");
        assert_eq!(figures(&resumed), figures(&said));
    }
    let again = fs::read_to_string(killed.path("report")).unwrap();
    let (one, other) = (held(&killed), held(&left_alone));
    assert_eq!(one.iter().zip(&other).find(|(one, other)| one != other), None, "the first row that differs");
    assert_eq!(one.len(), other.len());
    assert_eq!(again, report);
    assert_eq!(report.lines().count(), 3 + 5 + 2, "{report}");
    assert!(people.iter().all(|person| !said.contains(&person.number.digits())), "no number is repeated");
}

#[test]
fn a_file_that_changed_is_not_gone_on_with_and_starting_over_is_always_possible() {
    let place = Place::empty("");
    let people = people(3_000, 300);
    let lines: String = people.iter().map(SamplePerson::lines).collect();
    fs::write(place.path("people.ndjson"), &lines).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut load = started(&place, &[]);
    let is_under_way = || {
        place.path("hub.db").exists()
            && place.database().prepare("SELECT 1 FROM load").is_ok()
            && !rows(&place.database(), "SELECT 1 FROM load WHERE phase > 0 OR next > 0").is_empty()
    };
    while !is_under_way() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(2));
    }
    load.kill().unwrap();
    load.wait().unwrap();
    assert_eq!(rows(&place.database(), "SELECT state FROM load"), ["running"]);
    let part = rows(&place.database(), "SELECT 1 FROM person").len();
    assert!(part > 0 && part < people.len(), "{part}");
    fs::write(place.path("people.ndjson"), format!("{lines}\n")).unwrap();
    let (is_good, said, _) = finished(&place);
    assert!(!is_good && said.contains("the file has changed since"), "{said}");
    assert_eq!(rows(&place.database(), "SELECT 1 FROM person").len(), part);
    let mut over = started(&place, &["--restart"]);
    assert!(over.wait().unwrap().success());
    assert_eq!(rows(&place.database(), "SELECT 1 FROM person").len(), people.len());
    assert_eq!(rows(&place.database(), "SELECT state FROM load ORDER BY id"), ["dropped", "told"]);
    let audited = rows(&place.database(), "SELECT outcome FROM audit WHERE kind = 'load'");
    assert_eq!(audited, ["begun", "refused", "begun", "applied"]);
}

/// A view of a number, as its total, or why not.
async fn view(program: &Program, place: &Place, number: cpis::domain::NhsNumber) -> Result<u64, String> {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let bearer = place.token(&nurse());
    let asked = http
        .get(format!("{}{}", program.base, plans_of(number)))
        .header("TraceID", Uuid::new_v4().to_string());
    let answer = proofs::send(asked, &bearer).await.map_err(|error| error.to_string())?;
    let status = answer.status().as_u16();
    let body: serde_json::Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    body["total"]
        .as_u64()
        .ok_or_else(|| format!("{status} {}", body["issue"][0]["details"]["coding"][0]["code"]))
}

#[tokio::test]
async fn h26_views_are_answered_during_a_load_and_nobody_is_known_before_their_plans_are() {
    assert!(at("2026-11-22T00:00:00Z") > jiff::Timestamp::UNIX_EPOCH);
    let place = Place::empty("");
    let people = people(4_000, 800);
    // People first, all plans after them: at no moment may a flagged child be known without a plan.
    let persons = people.iter().map(|person| person.person_line().to_string());
    let plans = people.iter().flat_map(SamplePerson::plan_lines).map(|line| line.to_string());
    let lines: Vec<String> = persons.chain(plans).collect();
    fs::write(place.path("people.ndjson"), lines.join("\n")).unwrap();
    let flagged: Vec<_> = people.iter().filter(|person| !person.plans.is_empty()).collect();
    let program = place.serve();
    let mut load = started(&place, &[]);
    let mut answered = (0, 0);
    let mut chance = sample::Chance::new(1, 1);
    while load.try_wait().unwrap().is_none() {
        let person = chance.pick(&flagged).unwrap();
        match view(&program, &place, person.number).await {
            Ok(0) => panic!("nothing held, said of somebody for whom the same file brings a plan"),
            Ok(_) => answered.0 += 1,
            Err(why) if why.starts_with("404") => answered.1 += 1,
            Err(why) => panic!("a view was not answered during a load: {why}"),
        }
    }
    assert!(load.wait().unwrap().success());
    assert!(answered.0 + answered.1 >= 20, "{answered:?}");
    for person in flagged.iter().take(20) {
        assert!(view(&program, &place, person.number).await.unwrap() >= 1);
    }
}

#[test]
fn an_older_file_does_not_bring_an_authoritys_older_numbers_back() {
    let place = Place::empty("");
    let people = people(20, 20);
    let load = |file: &str, sent: &str, office: &str| {
        let with = |line: serde_json::Value| {
            let office = line.to_string().replace("01632 960", office);
            let mut line: serde_json::Value = serde_json::from_str(&office).unwrap();
            line["meta"]["lastUpdated"] = sent.into();
            line.to_string()
        };
        let plans = people.iter().flat_map(SamplePerson::plan_lines).map(with);
        let persons = people.iter().map(|person| person.person_line().to_string());
        fs::write(place.path(file), persons.chain(plans).collect::<Vec<_>>().join("\n")).unwrap();
        let loaded = place.run(&["load", file, "--config", "hub.toml", "--synthetic"]);
        assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));
        let offices = rows(&place.database(), "SELECT DISTINCT substr(office, 1, 9) FROM authority");
        offices.join(" ")
    };
    assert_eq!(load("first", "2026-11-10T02:00:00Z", "01632 960"), "01632 960");
    assert_eq!(load("older", "2026-11-09T02:00:00Z", "01632 111"), "01632 960");
    assert_eq!(load("newer", "2026-11-11T02:00:00Z", "01632 222"), "01632 222");
}

#[test]
fn a_sample_is_written_as_asked_and_refused_where_it_cannot_be_had() {
    let place = Place::empty("");
    let run = |arguments: &[&str]| {
        let output = place.run(&[&["sample"], arguments].concat());
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let ask = ["--people", "50", "--flagged", "5", "--seed", "3", "--day", "2026-11-22"];
    let (is_good, lines) = run(&ask);
    assert!(is_good && lines.matches("\"Patient\"").count() == 50, "{lines}");
    assert_eq!(run(&ask).1, lines, "the same again");
    let (is_good, said) = run(&["--people", "50", "--flagged", "51", "--seed", "3"]);
    assert!(!is_good && said.contains("of 50 people at most 50 can be flagged, not 51"), "{said}");
    let (is_good, said) = run(&["--people", "99999999", "--flagged", "0", "--seed", "3"]);
    assert!(!is_good && said.contains(&sample::most_people().to_string()), "{said}");
    let to_file: Vec<&str> = ask.iter().copied().chain(["--out", "sample"]).collect();
    assert!(run(&to_file).0);
    assert_eq!(fs::read_to_string(place.path("sample")).unwrap(), lines);
    assert!(!run(&to_file).0, "what is there is not overwritten");
}

/// Loads a text of more lines than one commit takes, from a thread that may block.
async fn loaded(
    hub: &TestHub,
    text: String,
    watch: impl FnOnce(rusqlite::Connection) -> Watch<'static> + Send + 'static,
) -> Result<LoadReport, String> {
    loaded_from(hub, Source::Text(text.into()), true, watch).await
}

async fn loaded_from(
    hub: &TestHub,
    source: Source,
    synthetic: bool,
    watch: impl FnOnce(rusqlite::Connection) -> Watch<'static> + Send + 'static,
) -> Result<LoadReport, String> {
    let (store, by) = (hub.hub.store().clone(), caller("Operator", "", &[]));
    let other = rusqlite::Connection::open(&hub.database).unwrap();
    let ask = LoadAsk { source, synthetic, restart: false };
    let load = move || load::load(&store, &ask, &by, &mut watch(other)).map_err(|error| error.to_string());
    tokio::task::spawn_blocking(load).await.unwrap()
}

#[tokio::test]
async fn what_was_refused_is_forgotten_only_once_the_report_is_kept() {
    let hub = TestHub::empty().await;
    let text = "\n".repeat(1_100) + "{";
    let cannot = |other: rusqlite::Connection| {
        let keep = move || match rows(&other, "SELECT count(*) FROM load_refusal").concat().as_str() {
            "1" => Err(std::io::Error::from(std::io::ErrorKind::StorageFull)),
            _ => Ok(()),
        };
        Watch { keep_report: Some(Box::leak(Box::new(keep))), ..Watch::default() }
    };
    let refused = loaded(&hub, text.clone(), cannot).await.unwrap_err();
    assert!(refused.contains("the report cannot be written"), "{refused}");
    assert_eq!(hub.rows("SELECT state FROM load"), ["complete"]);
    let report = loaded(&hub, text, |_| Watch::default()).await.unwrap();
    assert_eq!((report.refused, report.named.len()), (1, 1), "told again");
    assert_eq!(hub.rows("SELECT state FROM load"), ["told"]);
}

#[tokio::test]
async fn of_two_commands_that_load_one_file_the_later_says_that_the_other_goes_on() {
    let hub = TestHub::empty().await;
    let overtaking = |other: rusqlite::Connection| {
        let progress = move |_| {
            other.execute("UPDATE load SET next = next + 1 WHERE state = 'running'", []).unwrap();
        };
        Watch { progress: Some(Box::leak(Box::new(progress))), ..Watch::default() }
    };
    let refused = loaded(&hub, "{\n".repeat(1_100), overtaking).await.unwrap_err();
    assert!(refused.contains("what was loaded stays"), "{refused}");
    assert_eq!(hub.rows("SELECT outcome FROM audit WHERE kind = 'load'"), ["begun"]);
}

#[tokio::test]
async fn h17_a_database_that_is_marked_during_a_load_takes_no_real_person_of_the_rest() {
    let hub = TestHub::empty().await;
    let real = |digits: &str| format!("{{\"resourceType\":\"Patient\",\"id\":\"{digits}\"}}\n");
    // One in the first slice, one after it.
    let text = real("5434765915") + &"\n".repeat(10) + &"{\n".repeat(1_100) + &real("5434765877");
    let marking = |other: rusqlite::Connection| {
        let progress = move |_| {
            let mark = "INSERT OR IGNORE INTO marking (what, at_ms) VALUES ('synthetic', 1)";
            other.execute(mark, []).unwrap();
        };
        Watch { progress: Some(Box::leak(Box::new(progress))), ..Watch::default() }
    };
    let report = loaded_from(&hub, Source::Text(text.into()), false, marking).await.unwrap();
    assert_eq!((report.people, report.refused), (1, 1_101), "{report:?}");
    assert_eq!(hub.rows("SELECT number FROM nhs_number"), ["5434765915"]);
    let why = hub.rows("SELECT json_extract(detail, '$.synthetic') FROM audit WHERE outcome = 'applied'");
    assert_eq!(why, ["1"]);
}

#[tokio::test]
async fn a_file_that_changes_between_two_slices_is_not_gone_on_with() {
    let hub = TestHub::empty().await;
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("people.ndjson");
    let line = |at: u64| format!("{}\n", person(at, "Bennett", "Ava", "2019-03-12"));
    let lines: String = (1..3_000).map(line).collect();
    fs::write(&file, &lines).unwrap();
    let (written, longer) = (file.clone(), lines + "\n");
    let writing = move |_: rusqlite::Connection| {
        let progress = move |_| fs::write(&written, &longer).unwrap();
        Watch { progress: Some(Box::leak(Box::new(progress))), ..Watch::default() }
    };
    let refused = loaded_from(&hub, Source::File(file), true, writing).await.unwrap_err();
    assert!(refused.contains("the file changed while it was loaded"), "{refused}");
    assert_eq!(hub.rows("SELECT state FROM load"), ["running"]);
    let loaded = hub.count("SELECT 1 FROM person");
    assert!(loaded > 0 && loaded < 2_999, "{loaded}");
}

/// The state of a process: `T` or `t` when it was stopped.
#[cfg(target_os = "linux")]
fn is_stopped(process: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.trim())).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with(['T', 't']))
}

#[cfg(target_os = "linux")]
#[test]
fn a_short_file_that_changes_between_being_known_and_being_applied_is_not_loaded() {
    assert!(is_there("strace"), "strace is needed (Debian package strace; tests/run installs it)");
    let place = Place::with(&child());
    let line = |family: &str| person(2, family, "Ava", "2019-03-12").to_string();
    fs::write(place.path("short"), line("Before")).unwrap();
    // Stopped where it opens the file for the second time: to apply it.
    let mut command = Command::new("strace");
    command.args(["-o", "trace", "-P", "short", "-e", "trace=openat"]);
    command.args(["-e", "inject=openat:signal=STOP:when=2", env!("CARGO_BIN_EXE_cpis-hub")]);
    command.args(["load", "short", "--config", "hub.toml"]).current_dir(place.directory.path());
    let mut strace = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let children = format!("/proc/{0}/task/{0}/children", strace.id());
    let is_stopped = || {
        let is_there =
            fs::read_to_string(place.path("trace")).is_ok_and(|trace| trace.contains("stopped by"));
        let load = fs::read_to_string(&children).unwrap_or_default();
        (is_there && is_stopped(&load)).then_some(load)
    };
    let load = loop {
        if let Some(load) = is_stopped() {
            break load;
        }
        assert!(strace.try_wait().unwrap().is_none(), "it was not stopped");
        std::thread::yield_now();
    };
    // As long as before.
    fs::write(place.path("short"), line("Behind")).unwrap();
    assert!(Command::new("kill").args(["-CONT", load.trim()]).status().unwrap().success());
    let output = strace.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("the file changed while it was loaded"), "{said}");
    assert_eq!(rows(&place.database(), "SELECT family FROM person_name"), ["Bennett"]);
    assert!(place.run(&["load", "short", "--config", "hub.toml"]).status.success(), "and once it is still");
    assert_eq!(rows(&place.database(), "SELECT family FROM person_name ORDER BY 1"), ["Behind", "Bennett"]);
}
