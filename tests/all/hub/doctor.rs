//! `cpis-hub doctor`: each thing that is wrong is one line that says so, and nothing is changed.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use super::support::data::{CHILD_PROTECTION, changed, child, lines, number, person, plan};
use super::support::program::Place;

/// Exit code, and the lines of a check.
fn doctor(place: &Place) -> (Option<i32>, Vec<(String, String, String)>) {
    let output = place.run(&["doctor", "--config", "hub.toml", "--json"]);
    (output.status.code(), read(&output.stdout))
}

fn read(printed: &[u8]) -> Vec<(String, String, String)> {
    let found: Value = serde_json::from_slice(printed).unwrap();
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let found = found.as_array().unwrap().iter();
    found.map(|finding| (text(finding, "check"), text(finding, "verdict"), text(finding, "says"))).collect()
}

pub(super) fn said(place: &Place, check: &str) -> (String, String) {
    let (_, found) = doctor(place);
    let of = found.iter().find(|(name, verdict, _)| name == check && verdict != "ok");
    let of = of.or_else(|| found.iter().find(|(name, ..)| name == check));
    of.map(|(_, verdict, says)| (verdict.clone(), says.clone()))
        .unwrap_or_else(|| panic!("{check} in {found:?}"))
}

pub(super) fn mended(place: &Place, check: &str, expected: &str) {
    let (verdict, says) = said(place, check);
    assert!(verdict == "mend" && says.contains(expected), "{check}: {verdict} {says}");
    assert_eq!(doctor(place).0, Some(1));
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

const OPERATOR: &str = "[operator]\nlisten = \"127.0.0.1:9470\"";

#[test]
fn a_hub_that_is_well_has_nothing_to_mend_and_one_line_for_each_check() {
    let place = Place::with(&child());
    place.configure(OPERATOR);
    let (_, found) = doctor(&place);
    // Of the machine that runs the tests nothing is assumed.
    let own =
        found.iter().filter(|(check, ..)| !["clock sync", "disk", "open files"].contains(&check.as_str()));
    for (check, verdict, says) in own {
        assert!(verdict == "ok" || check == "file system", "{check}: {verdict} {says}");
    }
    let output = place.run(&["doctor", "--config", "hub.toml"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), found.len());
    assert!(
        text.lines()
            .all(|line| ["ok ", "soon ", "mend ", "cannot tell "].iter().any(|word| line.starts_with(word)))
    );
    for check in ["certificate", "time zone", "schema", "sites", "authorities", "address", "signing key"] {
        assert!(found.iter().any(|(found, ..)| found == check), "{check}");
    }
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let place = Place::with(&child());
    place.configure("");
    mended(&place, "operator", "nothing can watch");
    place.configure(OPERATOR);
    mode(&place.path("key.pem"), 0o604);
    mended(&place, "signing key", "chmod 600");
    for command in ["serve", "check-config"] {
        let refused = place.run(&[command, "--config", "hub.toml"]);
        assert!(!refused.status.success(), "{command}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains("open to every user"));
    }
    mode(&place.path("key.pem"), 0o640);
    assert_eq!(said(&place, "signing key").0, "ok");
    mode(&place.path("hub.db"), 0o644);
    mended(&place, "database", "chmod 600");
    mode(&place.path("hub.db"), 0o600);
    let db = place.database();
    let audit = "INSERT INTO audit (at_ms, kind, outcome, user_id, user_name, role, organisation_code, organisation,
                                    session, request) VALUES (32503680000000, '', '', '', '', '', '', '', '', '')";
    db.execute_batch(audit).unwrap();
    mended(&place, "clock", "set the clock before serving");
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    db.pragma_update(None, "user_version", version + 1).unwrap();
    mended(&place, "schema", "later hub");
    db.pragma_update(None, "user_version", version).unwrap();
    drop(db);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = std::fs::read_to_string(place.path("hub.toml")).unwrap();
    let taken = config.replace("127.0.0.1:0", &listener.local_addr().unwrap().to_string());
    std::fs::write(place.path("hub.toml"), taken).unwrap();
    mended(&place, "address", "nobody answers");
    std::fs::write(place.path("hub.toml"), config.split("[[site]]").next().unwrap()).unwrap();
    mended(&place, "sites", "no [[site]]");
    std::fs::write(place.path("hub.toml"), "listen = 5").unwrap();
    mended(&place, "configuration", "hub.toml");
}

#[test]
fn a_damaged_database_and_an_authority_without_a_number_are_found_and_nothing_is_changed() {
    let silent = changed(
        plan(2, CHILD_PROTECTION, "2026-01-05", "", "E10000013"),
        serde_json::json!({ "telecom": [] }),
    );
    let place = Place::with(&lines(&[person(2, "Verysecret", "Quentin", "2012-01-01"), silent]));
    place.configure(OPERATOR);
    mended(&place, "authorities", "1 lack a number to ring");
    let before = std::fs::read(place.path("hub.db")).unwrap();
    let output = place.run(&["doctor", "--config", "hub.toml"]);
    assert_eq!(std::fs::read(place.path("hub.db")).unwrap(), before);
    let said = String::from_utf8_lossy(&output.stdout).to_lowercase();
    assert!(!said.contains("verysecret") && !said.contains(&number(2).digits()), "{said}");
    let mut damaged = before;
    let middle = damaged.len() / 2;
    damaged[middle..middle + 8192].fill(0xff);
    std::fs::write(place.path("hub.db"), damaged).unwrap();
    let (verdict, says) = super::doctor::said(&place, "database");
    assert!(verdict == "mend" && (says.contains("damaged") || says.contains("cannot be read")), "{says}");
}

#[test]
fn an_empty_database_is_well_only_before_the_first_start() {
    let place = Place::empty(OPERATOR);
    let first_start = |check: &str, expected: &str| {
        let output = place.run(&["doctor", "--config", "hub.toml", "--first-start"]);
        let text = String::from_utf8(output.stdout).unwrap();
        let mut lines = text.lines().filter(|line| line.starts_with("ok") && line.contains(check));
        assert!(lines.any(|line| line.contains(expected)), "{text}");
    };
    mended(&place, "database", "is not there");
    first_start("database", "is not there yet");
    drop(place.serve());
    mended(&place, "people", "names the right file");
    first_start("people", "nobody is held yet");
}

#[test]
fn what_only_the_service_has_or_raises_is_not_to_be_mended() {
    let place = Place::with(&child());
    place.configure(&format!("{OPERATOR}\n[limits]\nconnections = 100"));
    let (_, says) = said(&place, "open files");
    assert!(says.contains("164 are needed"), "{says}");
    let config = std::fs::read_to_string(place.path("hub.toml")).unwrap();
    let key = config.lines().find(|line| line.starts_with("signing_key")).unwrap().to_owned();
    let handed_over = "signing_key = \"/run/credentials/cpis-hub.service/signing-key\"";
    std::fs::write(place.path("hub.toml"), config.replace(&key, handed_over)).unwrap();
    let (verdict, says) = said(&place, "signing key");
    assert!(verdict == "cannot-tell" && says.contains("only while the service runs"), "{verdict} {says}");
    let provider = "[provider]\nissuer = \"https://login.example\"\nclient_id = \"hub\"\nkey_id = \"one\"\n\
                    key = \"/run/credentials/cpis-hub.service/provider-key\"\n\
                    [[provider.level]]\nacr = \"a\"\nidle_minutes = 15\nwhole_hours = 12\n\
                    [[provider.demand]]\nclaim = \"c\"\nvalues = [\"3\"]\n";
    let issuer = format!("issuer = \"{}\"", super::support::ISSUER);
    let config = config.replace(&issuer, "issuer = \"https://hub.example\"");
    std::fs::write(place.path("hub.toml"), format!("{config}\n{provider}")).unwrap();
    let (verdict, says) = said(&place, "provider");
    assert!(verdict == "cannot-tell" && says.contains("only while the service runs"), "{verdict} {says}");
    // What is wrong besides can be told all the same.
    std::fs::write(place.path("authorities.pem"), "nothing of the kind").unwrap();
    let provider = provider.replacen("[[provider", "ca = \"authorities.pem\"\n[[provider", 1);
    std::fs::write(place.path("hub.toml"), format!("{config}\n{provider}")).unwrap();
    let (verdict, says) = said(&place, "provider");
    assert!(verdict == "mend" && says.contains("provider.ca"), "{verdict} {says}");
}

#[test]
fn a_provider_that_lets_in_more_people_than_it_should_is_to_be_mended() {
    let place = Place::with(&child());
    place.configure(OPERATOR);
    let config = std::fs::read_to_string(place.path("hub.toml")).unwrap();
    let issuer = format!("issuer = \"{}\"", super::support::ISSUER);
    let config = config.replace(&issuer, "issuer = \"https://hub.example\"");
    std::fs::write(place.path("secret"), "a secret").unwrap();
    std::fs::set_permissions(place.path("secret"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    let strict = "[provider]\nissuer = \"https://login.example\"\nclient_id = \"hub\"\nsecret = \"secret\"\n\
                  [[provider.level]]\nacr = \"a\"\nidle_minutes = 15\nwhole_hours = 12\n\
                  [[provider.demand]]\nclaim = \"c\"\nvalues = [\"3\"]\n";
    let demand = strict.split_once("[[provider.demand]]").unwrap().1;
    for (from, to, words) in [
        ("", "", None),
        (&format!("[[provider.demand]]{demand}"), "", Some("no [[provider.demand]]")),
        ("acr = \"a\"", "acr = \"\"", Some("acr = \"\"")),
        ("client_id", "auth_time_may_be_missing = true\nclient_id", Some("auth_time_may_be_missing")),
    ] {
        std::fs::write(place.path("hub.toml"), format!("{config}\n{}", strict.replacen(from, to, 1)))
            .unwrap();
        let (verdict, says) = said(&place, "provider");
        assert_eq!(verdict, if words.is_some() { "mend" } else { "ok" }, "{to}: {says}");
        assert!(words.is_none_or(|words| says.contains(words)), "{to}: {says}");
    }
}

#[test]
fn an_address_that_a_hub_answers_is_told_from_one_that_is_taken() {
    let place = Place::with(&child());
    place.configure(OPERATOR);
    let program = place.serve();
    let config = std::fs::read_to_string(place.path("hub.toml")).unwrap();
    let address = program.base.strip_prefix("http://").unwrap();
    std::fs::write(place.path("hub.toml"), config.replace("127.0.0.1:0", address)).unwrap();
    let (verdict, says) = said(&place, "address");
    assert!(verdict == "ok" && says.contains("a hub that is well"), "{says}");
}

/// A `timedatectl` that says this, before the machine's own.
fn with_timedatectl(place: &Place, script: &str) -> Vec<(String, String, String)> {
    let bin = place.path("bin");
    std::fs::create_dir_all(&bin).unwrap();
    // Under another name first: what is being written cannot be run.
    let new = bin.join("new");
    std::fs::write(&new, format!("#!/bin/sh\n{script}\n")).unwrap();
    mode(&new, 0o755);
    std::fs::rename(new, bin.join("timedatectl")).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_cpis-hub"))
        .args(["doctor", "--config", "hub.toml", "--json"])
        .env("PATH", path)
        .current_dir(place.directory.path())
        .output()
        .unwrap();
    read(&output.stdout)
}

#[test]
fn a_clock_that_nobody_sets_is_to_be_mended() {
    let place = Place::with(&child());
    place.configure(OPERATOR);
    for (script, verdict, expected) in [
        ("echo no", "mend", "start systemd-timesyncd or chrony"),
        ("echo yes", "ok", "synchronised"),
        ("exit 1", "cannot-tell", "compare with `date -u`"),
        ("echo perhaps", "cannot-tell", "compare with `date -u`"),
    ] {
        let found = with_timedatectl(&place, script);
        let (_, was, says) = found.iter().find(|(check, ..)| check == "clock sync").unwrap();
        assert!(was == verdict && says.contains(expected), "{script}: {was} {says}");
    }
}

#[test]
fn a_backup_that_was_not_made_for_long_or_failed_is_to_be_mended() {
    let place = Place::with(&child());
    place.configure(OPERATOR);
    assert_eq!(
        said(&place, "backup"),
        ("ok".to_owned(), "none yet: the first is due within a day".to_owned())
    );
    let missing = place.run(&["backup", "nowhere/a.db", "--config", "hub.toml"]);
    assert!(!missing.status.success());
    mended(&place, "backup", "the last one was not made; one failed at ");
    let made = place.run(&["backup", "a.db", "--config", "hub.toml"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (verdict, says) = said(&place, "backup");
    assert!(verdict == "ok" && says.starts_with("the last one is of 20"), "{verdict} {says}");
    // As if two days had gone by since everything that was written.
    let older = "DROP TRIGGER audit_is_never_changed; UPDATE audit SET at_ms = at_ms - 172800000;";
    place.database().execute_batch(older).unwrap();
    mended(&place, "backup", "find out why it is not run daily");
    place.database().execute_batch("UPDATE audit SET kind = 'none' WHERE kind = 'backup'").unwrap();
    mended(&place, "backup", "none was ever made: run `cpis-hub backup`");
    // Where nobody is held there is nothing to lose.
    place.database().execute_batch("DELETE FROM plan; DELETE FROM nhs_number; DELETE FROM person").unwrap();
    assert_eq!(said(&place, "backup").0, "ok");
}

#[test]
fn a_removal_that_stands_still_is_to_be_mended_where_anything_is_to_be_removed() {
    let place = Place::with(&child());
    place.configure(OPERATOR);
    let days_ago = |days: i64| {
        let at = cpis::hub::clock::Clock::system().now().as_millisecond() - days * 86_400_000;
        let run = format!("INSERT OR REPLACE INTO retention_run (id, at_ms) VALUES (1, {at})");
        place.database().execute_batch(&run).unwrap();
    };
    days_ago(2);
    assert_eq!(said(&place, "retention").1, "nothing is ever removed: no [retention]");
    place.configure(&format!("{OPERATOR}\n[retention]\nplans_days = 400"));
    mended(&place, "retention", "run `cpis-hub retention --today` with the day of today");
    days_ago(1);
    assert_eq!(said(&place, "retention"), ("ok".to_owned(), "up to date".to_owned()));
    place.database().execute_batch("DELETE FROM retention_run").unwrap();
    assert_eq!(said(&place, "retention").0, "ok", "the hub was begun today");
    let older = "DROP TRIGGER audit_is_never_changed; UPDATE audit SET at_ms = at_ms - 172800000;";
    place.database().execute_batch(older).unwrap();
    mended(&place, "retention", "nothing was ever removed");
}

#[test]
fn an_older_schema_without_room_for_its_copy_is_to_be_mended_before_the_next_start() {
    let place = Place::empty(OPERATOR);
    super::schemas::make(&place.path("hub.db"), super::schemas::FIRST);
    mode(&place.path("hub.db"), 0o600);
    let (verdict, says) = said(&place, "schema");
    assert!(verdict == "ok" && says.contains("version 1; the next start brings it to "), "{verdict} {says}");
    // Much larger than any disk, and without a block of its own.
    let file = std::fs::File::options().write(true).open(place.path("hub.db")).unwrap();
    if file.set_len(1 << 42).is_ok() {
        mended(&place, "schema", "make room, else it does not start");
    }
}
