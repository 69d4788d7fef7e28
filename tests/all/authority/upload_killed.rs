//! Must hold: whenever an upload is killed, numbers only rise, the next one goes on from there, and in the end the hub holds what the extract
//! says. The real program is killed as a power cut would, at a random moment of its work.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use uuid::Uuid;

use crate::hub::support::data::{lines, number, person};

use super::desk::{DAY, Desk, extract};

const CHILDREN: u64 = 60;
const ROUNDS: u32 = 100;

/// Random numbers below a bound.
fn below(bound: u64) -> u64 {
    Uuid::new_v4().as_u64_pair().0 % bound
}

/// Each child's row: one of two numbers that could be theirs, one of three starts, with or without an end.
fn rows() -> Vec<(u64, u64, bool)> {
    (1..=CHILDREN).map(|child| (child + CHILDREN * below(2), 5 + below(3), below(2) == 0)).collect()
}

fn written(rows: &[(u64, u64, bool)]) -> String {
    let rows: Vec<String> = (1..)
        .zip(rows)
        .map(|(child, (seed, start, ends))| {
            let end = if *ends { "20/11/2026" } else { "" };
            format!("A{child},{},Bennett,Ava,12/03/2019,CPP,0{start}/01/2026,{end}", number(*seed).digits())
        })
        .collect();
    extract(&rows.iter().map(String::as_str).collect::<Vec<_>>())
}

fn held(rows: &[(u64, u64, bool)]) -> Vec<String> {
    let mut held: Vec<String> = rows
        .iter()
        .map(|(seed, start, ends)| {
            let end = if *ends { "2026-11-20" } else { "-" };
            format!("{}|CPP|2026-01-0{start}|{end}", number(*seed).digits())
        })
        .collect();
    held.sort();
    held
}

#[tokio::test(flavor = "multi_thread")]
async fn h26_an_upload_that_is_killed_at_any_moment_loses_nothing_and_uses_no_number_twice() {
    let people: Vec<Value> =
        (1..=2 * CHILDREN).map(|seed| person(seed, "Bennett", "Ava", "2019-03-12")).collect();
    let desk = Desk::beside(&lines(&people)).await;
    let mut now = rows();
    fs::write(desk.path("extract.csv"), written(&now)).unwrap();
    // How long one takes on this machine: moments beyond that would test nothing.
    let begun = Instant::now();
    desk.run(&["upload", "extract.csv", "--day", DAY]).await.has("Hospitals see every current plan");
    let whole = u64::try_from(begun.elapsed().as_micros()).unwrap();
    let (mut last, mut killed, mut caught) = (1, 0, 0);
    for round in 0..ROUNDS {
        now = rows();
        fs::write(desk.path("extract.csv"), written(&now)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_cpis-authority"));
        command.args(["upload", "extract.csv", "--day", DAY, "--config", "authority.toml"]);
        command.current_dir(desk.path(".")).stdout(Stdio::null()).stderr(Stdio::null());
        let mut upload = command.spawn().unwrap();
        tokio::time::sleep(Duration::from_micros(below(whole))).await;
        if upload.try_wait().unwrap().is_none() {
            upload.kill().unwrap();
            killed += 1;
        }
        upload.wait().unwrap();
        let sequence: u32 = desk.remembered("SELECT sequence FROM link").concat().parse().unwrap();
        assert!(sequence >= last, "round {round}: the number falls from {last} to {sequence}");
        last = sequence;
        caught += desk.remembered("SELECT sequence FROM outgoing").len();
        if round % 10 == 9 {
            let said = desk.run(&["upload", "extract.csv", "--day", DAY]).await;
            said.has("Hospitals see every current plan")
                .has_not("was refused")
                .has_not("Everything was in it");
            assert_eq!(desk.held(), held(&now), "round {round}");
        }
    }
    assert!(
        killed > 0 && caught > 0,
        "{killed} killed, {caught} with a file under way: the moments test nothing"
    );
    let outcomes = desk.exchange.hub.rows("SELECT DISTINCT outcome FROM audit WHERE kind = 'upload'");
    for outcome in ["refused", "apart", "overtaken", "lost", "other-authority"] {
        assert!(!outcomes.contains(&outcome.to_owned()), "{outcomes:?}");
    }
    let numbers: Vec<u32> = desk
        .exchange
        .hub
        .rows("SELECT sequence FROM authority_file ORDER BY upload_id")
        .iter()
        .map(|number| number.parse().unwrap())
        .collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
}
