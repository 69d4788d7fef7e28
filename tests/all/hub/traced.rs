//! Must hold 1, the disk's half: a killed process's page cache survives, a power cut's does not. So under
//! strace every answer that discloses must follow a flush that returned after its request reached the
//! database's log; and with `synchronous = "normal"` the same check must fail.

use std::collections::HashMap;
use std::process::Command;

use super::support::data::{child, history_of, number, person, plans_of};
use super::support::program::{Place, is_there};
use super::support::{caller, proofs, receptionist};
use uuid::Uuid;

/// Times that each kind of answer is asked for, and how many kinds there are.
const ROUNDS: usize = 10;
const KINDS: usize = 8;

/// A system call as traced: its thread, name and arguments, begun at one line and returned at another.
struct Call {
    thread: String,
    name: String,
    arguments: String,
    begun: usize,
    returned: usize,
}

#[tokio::test]
async fn every_answer_that_discloses_follows_a_flush_of_its_own_log_entry() {
    let (answered, late) = answers_before_their_flush("").await;
    assert_eq!(answered, ROUNDS * KINDS, "every answer was seen in the trace");
    assert_eq!(late, Vec::<String>::new());
}

#[tokio::test]
async fn the_same_check_fails_where_commits_are_not_flushed() {
    let (answered, late) = answers_before_their_flush("[store]\nsynchronous = \"normal\"\n").await;
    assert_eq!(answered, ROUNDS * KINDS);
    assert!(!late.is_empty(), "synchronous = normal passes: the check checks nothing");
}

#[test]
fn a_connection_whose_other_end_acknowledges_nothing_is_given_up_after_seconds() {
    assert!(is_there("strace"), "strace is needed (Debian package strace; tests/run installs it)");
    let place = Place::with(&child());
    let mut command = Command::new("strace");
    command.args(["-f", "-o", "trace", "-e", "trace=setsockopt", "-e", "signal=none"]);
    command.arg(env!("CARGO_BIN_EXE_cpis-hub")).args(["serve", "--config", "hub.toml"]);
    let mut program = place.serve_with(command);
    for _ in 0..3 {
        proofs::nonce(&program.base);
    }
    stop(&mut program);
    let trace = std::fs::read_to_string(place.path("trace")).unwrap();
    let expected = format!("TCP_USER_TIMEOUT, [{}]", cpis::hub::limits::UNHEARD.as_millis());
    assert_eq!(trace.matches(&expected).count(), 3, "{trace}");
}

/// How many answers the trace shows, and those that were sent before their log entry was flushed.
async fn answers_before_their_flush(configuration: &str) -> (usize, Vec<String>) {
    assert!(is_there("strace"), "strace is needed (Debian package strace; tests/run installs it)");
    let mut people = child();
    people.push(person(2, "Nobody", "Tom", "2019-03-12").to_string());
    let place = Place::with(&people);
    place.configure(configuration);
    let mut command = Command::new("strace");
    command.args(["-f", "-o", "trace", "-s", "65536"]);
    command.args([
        "-e",
        "trace=openat,close,read,recvfrom,write,writev,sendto,sendmsg,pwrite64,fdatasync,fsync",
        "-e",
        "signal=none",
    ]);
    command.arg(env!("CARGO_BIN_EXE_cpis-hub")).args(["serve", "--config", "hub.toml"]);
    let mut program = place.serve_with(command);
    let marks = ask(&place, &program.base).await;
    stop(&mut program);
    let calls = calls(&std::fs::read_to_string(place.path("trace")).unwrap());
    let log_files = log_files(&calls);
    let is_log =
        |call: &Call| log_files.iter().any(|(known, from)| known == descriptor(call) && *from < call.begun);
    let flushes: Vec<&Call> = calls
        .iter()
        .filter(|call| matches!(call.name.as_str(), "fdatasync" | "fsync") && is_log(call))
        .collect();
    let mut answered = 0;
    let mut late = Vec::new();
    for mark in marks {
        // What is asked says its mark; the answer is the next thing that goes out on the same connection.
        let is_request = |call: &&Call| {
            matches!(call.name.as_str(), "read" | "recvfrom")
                && call.arguments.contains("HTTP/1.1")
                && call.arguments.contains(&mark)
        };
        let Some(request) = calls.iter().rfind(is_request) else { continue };
        let is_answer = |call: &&Call| {
            matches!(call.name.as_str(), "write" | "writev" | "sendto" | "sendmsg")
                && call.begun > request.returned
                && descriptor(call) == descriptor(request)
                && call.arguments.contains("HTTP/1.1 ")
        };
        let Some(answer) = calls.iter().find(is_answer) else { continue };
        answered += 1;
        let is_entry = |call: &&Call| {
            matches!(call.name.as_str(), "write" | "pwrite64")
                && is_log(call)
                && call.begun > request.returned
                && call.arguments.contains(&mark)
        };
        let Some(entry) = calls.iter().filter(is_entry).map(|call| call.returned).min() else {
            late.push(format!("{mark} was never written"));
            continue;
        };
        if !flushes.iter().any(|flush| flush.begun > entry && flush.returned < answer.begun) {
            late.push(mark);
        }
    }
    (answered, late)
}

fn descriptor(call: &Call) -> &str {
    call.arguments.split([',', ')']).next().unwrap_or_default()
}

/// Every kind of answer that depends on a person's record, several at once; returns what marks each request and
/// its log entry alike.
async fn ask(place: &Place, base: &str) -> Vec<String> {
    let mut marks = Vec::new();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let token_of = |who| place.token(&who);
    let (nurse, nobody) =
        (token_of(caller("Sam Okafor", "RN3", &["B0264", "B0107"])), token_of(receptionist()));
    let get = async |path: String, bearer: &str, expected: u16| {
        let id = Uuid::new_v4().to_string();
        let request = http.get(format!("{base}{path}"));
        let request = request.header("TraceID", &id).header("X-Request-ID", &id);
        let answer = proofs::send(request, bearer).await.unwrap();
        assert_eq!(answer.status().as_u16(), expected, "{path}");
        (id, answer)
    };
    let patients = "/personal-demographics/FHIR/R4/Patient";
    for _ in 0..ROUNDS {
        let (held, nothing, unknown, refused, search, retrieve) = tokio::join!(
            get(plans_of(number(1)), &nurse, 200),
            get(plans_of(number(2)), &nurse, 200),
            get(plans_of(number(9)), &nurse, 404),
            get(plans_of(number(1)), &nobody, 403),
            get(format!("{patients}?family=Bennett&birthdate=2019-03-12"), &nurse, 200),
            get(format!("{patients}/{}", number(1).digits()), &nurse, 200),
        );
        let reference = held.1.headers()["x-access-reference"].to_str().unwrap().to_owned();
        let (history, _) = get(history_of(number(1)), &nurse, 200).await;
        get(format!("/access/{reference}"), &nurse, 200).await;
        marks.extend([held.0, nothing.0, unknown.0, refused.0, search.0, retrieve.0, history, reference]);
    }
    marks
}

/// Ends the hub below strace; strace then writes the rest of its trace and ends too.
fn stop(program: &mut super::support::program::Program) {
    let children = format!("/proc/{0}/task/{0}/children", program.child.id());
    let hub = std::fs::read_to_string(children).unwrap();
    let status = Command::new("sh").args(["-c", &format!("kill -TERM {}", hub.trim())]).status().unwrap();
    assert!(status.success());
    program.child.wait().unwrap();
}

/// The descriptors of the database's log, each with the line from which on it was that.
fn log_files(calls: &[Call]) -> Vec<(String, usize)> {
    let opened = calls.iter().filter(|call| call.name == "openat" && call.arguments.contains("hub.db-wal\""));
    let descriptor = |call: &Call| {
        let value = call.arguments.rsplit("= ").next().unwrap_or_default().trim().to_owned();
        (value, call.returned)
    };
    opened.map(descriptor).collect()
}

/// Joins what strace splits into `<unfinished ...>` and `resumed`.
fn calls(trace: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut unfinished: HashMap<String, Call> = HashMap::new();
    for (line, text) in trace.lines().enumerate() {
        let Some((thread, rest)) = text.split_once(' ') else { continue };
        let (thread, rest) = (thread.to_owned(), rest.trim_start());
        if let Some((name, arguments)) =
            rest.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>"))
        {
            if let Some(mut call) = unfinished.remove(&thread).filter(|call| call.name == name) {
                call.arguments.push_str(arguments);
                call.returned = line;
                calls.push(call);
            }
        } else if let Some((name, arguments)) = rest.split_once('(') {
            let is_whole = !rest.ends_with("<unfinished ...>");
            let arguments = arguments.trim_end_matches("<unfinished ...>").trim_end();
            let call = Call {
                thread: thread.clone(),
                name: name.to_owned(),
                arguments: arguments.to_owned(),
                begun: line,
                returned: line,
            };
            if is_whole {
                calls.push(call);
            } else {
                unfinished.insert(call.thread.clone(), call);
            }
        }
    }
    calls.sort_by_key(|call| call.begun);
    calls
}
