//! A database of every schema that there was is brought to today's: nothing of it is lost, and it answers as before. No migration
//! that has landed is changed.

use std::path::Path;

use cpis::hub::store::AuditQuestion;
use rusqlite::Connection;
use uuid::Uuid;

use super::support::data::{child, number};
use super::support::program::Place;
use super::support::{TestHub, at, caller, midwife, nurse, rows};

/// The first schema with rows in every table, made once by the hub of its time.
pub(super) const FIRST: &str = include_str!("schemas/0001.sql");

/// Rows for what later schemas brought, behind a line `-- after NNNN` each.
const ROWS: &str = include_str!("schemas/rows.sql");

/// The migrations as they landed: `sha256sum *.sql`.
const LANDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/hub/schemas/landed.sha256");

/// What a start makes anew: search keys from people, who is expected to send from the configuration; and a cut-off of the audit
/// log, which never stays.
const MADE: [&str; 5] = ["search_person", "search_key", "search_made", "audit_removal", "authority_expected"];

/// The migrations in their order: name and statements.
fn migrations() -> Vec<(String, String)> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/src/hub/store/migrations");
    let mut all: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    all.sort();
    all
}

/// Each schema that there was, with rows in every table: its version, and what makes it. The first as it was; each further one by
/// the migration that leads to it, and rows for what that brought.
fn every_schema() -> Vec<(usize, String)> {
    let mut made = format!("{FIRST}\n");
    let mut all = vec![(1, made.clone())];
    for (before, (name, statements)) in migrations().iter().enumerate().skip(1) {
        let number = name.trim_end_matches(".sql");
        let rows = ROWS.split("-- after ").find_map(|part| part.strip_prefix(number)).unwrap_or("");
        made.push_str(&format!("{statements}\nPRAGMA user_version = {};\n{rows}\n", before + 1));
        all.push((before + 1, made.clone()));
    }
    all
}

/// The TraceID of the last view in them.
const LAST_VIEW: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

pub(super) fn make(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

/// The statements of a schema in an order of their own, without what means nothing.
fn schema(db: &Connection) -> Vec<String> {
    let all = rows(db, "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema");
    let mut all: Vec<String> =
        all.iter().map(|sql| sql.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    all.sort();
    all
}

fn tables(db: &Connection) -> Vec<String> {
    rows(db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
}

/// Every row of every table, by the columns that it had then.
fn content(db: &Connection, of: &Connection) -> Vec<(String, Vec<String>)> {
    tables(of)
        .into_iter()
        .map(|table| {
            let columns = rows(of, &format!("SELECT name FROM pragma_table_info('{table}')")).join(", ");
            let mut all = rows(db, &format!("SELECT {columns} FROM {table}"));
            all.sort();
            (table, all)
        })
        .collect()
}

#[tokio::test]
async fn a_database_of_every_schema_keeps_all_its_rows_and_gets_todays_schema() {
    let fresh = TestHub::empty().await;
    let newest: usize =
        rows(&Connection::open(&fresh.database).unwrap(), "PRAGMA user_version").concat().parse().unwrap();
    let every = every_schema();
    assert_eq!(every.len(), newest, "a migration that the program does not know, or one without its file");
    for (version, sql) in &every {
        let directory = tempfile::tempdir().unwrap();
        let old_path = directory.path().join("old.db");
        make(&old_path, sql);
        let old = Connection::open(&old_path).unwrap();
        assert_eq!(rows(&old, "PRAGMA user_version"), [version.to_string()]);
        let mut before = content(&old, &old);
        before.retain(|(table, _)| !MADE.contains(&table.as_str()));
        for (table, rows) in &before {
            assert!(!rows.is_empty(), "schema {version}: {table} has no rows to lose");
        }
        // The same file: migrations make ids at random.
        let hub = TestHub::on(|path| assert!(std::fs::copy(&old_path, path).is_ok())).await;
        let new = Connection::open(&hub.database).unwrap();
        let mut after = content(&new, &old);
        after.retain(|(table, _)| !MADE.contains(&table.as_str()));
        for (table, rows) in &mut after {
            // Whoever asks in these tests has a session that began now.
            rows.retain(|row| table != "session" || row.starts_with("one-that-ended"));
        }
        assert_eq!(after, before, "schema {version}");
        assert_eq!(schema(&new), schema(&Connection::open(&fresh.database).unwrap()), "schema {version}");
        assert_eq!(rows(&new, "PRAGMA integrity_check"), ["ok"]);
        assert_eq!(rows(&new, "PRAGMA foreign_key_check"), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_database_of_every_schema_answers_views_history_and_audit_as_before() {
    for (version, sql) in &every_schema() {
        let hub = TestHub::on(|path| make(path, sql)).await;
        hub.clock.turn_to(at("2026-11-22T14:10:00Z"));
        let held = hub.rows("SELECT reference, trace_id FROM view ORDER BY id DESC LIMIT 1");
        let (reference, trace) = held[0].split_once('|').unwrap();
        assert_eq!(trace, LAST_VIEW);
        let (views, notices) = (hub.count("SELECT 1 FROM view"), hub.count("SELECT 1 FROM outbox"));
        let again = hub.view_again(&nurse(), number(1), trace.parse::<Uuid>().unwrap(), true).await;
        assert_eq!((again.total(), again.reference()), (1, reference), "schema {version}: a retry is one");
        let history = hub.history(&nurse(), number(1)).await;
        assert_eq!((history.status, history.total()), (200, 1));
        assert_eq!((hub.count("SELECT 1 FROM view"), hub.count("SELECT 1 FROM outbox")), (views, notices));
        let mut totals = Vec::new();
        for seed in [1, 2, 3, 4, 5, 8] {
            totals.push(hub.view(&midwife(), number(seed)).await.total());
        }
        assert_eq!(totals, [1, 2, 1, 1, 1, 0]);
        assert_eq!(hub.view(&midwife(), number(7)).await.told(), "404 INVALIDATED_RESOURCE");
        assert_eq!(hub.view(&midwife(), number(6)).await.total(), 0, "a restricted person");
        let found = hub.people(&nurse(), "?family=Ward-Khan&birthdate=2019-03-12").await;
        assert_eq!(found.total(), 1);
        let question = AuditQuestion { person: Some(number(5)), ..AuditQuestion::default() };
        let store = hub.hub.store().clone();
        let reader = caller("Privacy Officer", "", &[]);
        let read =
            tokio::task::spawn_blocking(move || store.audit_rows(reader, question)).await.unwrap().unwrap();
        let kinds: Vec<&str> = read.rows.iter().rev().map(|row| row.columns[0].as_str()).collect();
        assert_eq!(
            kinds,
            ["retrieve", "view", "view", "opened-in-error", "silent-view", "silent-view", "audit-read"],
            "schema {version}: of both numbers of one person"
        );
        // What was spared, corrected, delivered and filed then can still be told.
        for reference in hub.rows("SELECT reference FROM view WHERE user_id = 'user-sam-okafor'") {
            let status = hub.send("GET", &format!("/access/{reference}"), Some(&nurse()), &[], None).await;
            assert!([200, 404].contains(&status.status), "{reference}: {}", status.status);
        }
        hub.load(&child()).await;
    }
}

#[test]
fn no_migration_that_has_landed_is_changed() {
    let landed = std::fs::read_to_string(LANDED).unwrap();
    let now: Vec<String> = migrations()
        .iter()
        .map(|(name, statements)| {
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, statements.as_bytes());
            let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{hex}  {name}")
        })
        .collect();
    // A new one is entered here when it lands; one that is here is never changed and never goes.
    let landed: Vec<&str> = landed.lines().collect();
    assert_eq!(now, landed, "a migration that has landed was changed, or a new one has no line in {LANDED}");
}

#[test]
fn a_database_that_holds_people_is_copied_before_its_schema_changes_and_the_copy_can_be_restored() {
    let place = Place::empty("");
    make(&place.path("hub.db"), FIRST);
    let before = content(&place.database(), &place.database());
    // As one that was ended while it copied leaves them.
    let latest: usize =
        rows(&Place::with(&child()).database(), "PRAGMA user_version").concat().parse().unwrap();
    for stale in ["partial", "partial-journal"] {
        std::fs::write(place.path(&format!("hub.db.before-{latest}.{stale}")), "cut short").unwrap();
    }
    let mut program = place.serve();
    program.kill();
    let latest = rows(&place.database(), "PRAGMA user_version").concat();
    let copy = format!("hub.db.before-{latest}");
    let copied = Connection::open(place.path(&copy)).unwrap();
    assert_eq!(rows(&copied, "PRAGMA user_version"), ["1"]);
    assert_eq!(content(&copied, &copied), before);
    drop(copied);
    let mut program = place.serve();
    program.kill();
    assert!(!place.path(&format!("{copy}-2")).exists(), "only where the schema changes");
    let restored = place.run(&["restore", &copy, "--config", "hub.toml"]);
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    assert_eq!(rows(&place.database(), "PRAGMA user_version"), ["1"]);
    let mut program = place.serve();
    program.kill();
    assert_eq!(rows(&place.database(), "PRAGMA user_version"), [latest]);
    assert!(place.path(&format!("{copy}-2")).exists(), "no copy replaces another");
}

/// A restore writes into the database that it puts in place, before that has today's schema.
#[test]
fn the_copy_of_every_schema_with_sessions_can_be_restored_and_goes_on() {
    let every = every_schema();
    let latest = every.len();
    for (version, sql) in every.into_iter().filter(|(version, _)| (11..latest).contains(version)) {
        let place = Place::empty("");
        make(&place.path("hub.db"), &sql);
        // One that goes on: the restore ends it.
        let open = "UPDATE session SET ended_ms = NULL, ended_by = NULL";
        Connection::open(place.path("hub.db")).unwrap().execute_batch(open).unwrap();
        place.serve().kill();
        let restored = place.run(&["restore", &format!("hub.db.before-{latest}"), "--config", "hub.toml"]);
        assert!(restored.status.success(), "{version}: {}", String::from_utf8_lossy(&restored.stderr));
        assert_eq!(rows(&place.database(), "PRAGMA user_version"), [version.to_string()]);
        assert_eq!(rows(&place.database(), "SELECT ended_by FROM session"), ["restored"], "{version}");
        place.serve().kill();
        assert_eq!(rows(&place.database(), "PRAGMA user_version"), [latest.to_string()]);
    }
}

#[test]
fn a_database_without_people_is_not_copied_and_one_of_a_later_version_is_refused() {
    let place = Place::with(&child());
    let copies = || {
        let names = std::fs::read_dir(place.directory.path()).unwrap();
        names.filter(|name| name.as_ref().unwrap().file_name().to_string_lossy().contains("before")).count()
    };
    assert_eq!(copies(), 0);
    place.database().execute_batch("PRAGMA user_version = 4711").unwrap();
    for command in [&["serve", "--config", "hub.toml"][..], &["backup", "b.db", "--config", "hub.toml"][..]] {
        let refused = place.run(command);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains("of a later version of the hub"), "{said}");
    }
    assert_eq!(copies(), 0);
    assert!(!place.path("b.db").exists());
}

#[test]
fn an_older_database_that_somebody_uses_is_not_changed_under_them() {
    let place = Place::empty("");
    make(&place.path("hub.db"), FIRST);
    let used = std::fs::File::create(place.path("hub.db.used")).unwrap();
    used.lock_shared().unwrap();
    let refused = place.run(&["audit", "--config", "hub.toml", "--user", "nobody"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("stop the others first"), "{said}");
    assert_eq!(rows(&place.database(), "PRAGMA user_version"), ["1"]);
}

#[test]
fn search_keys_of_another_version_are_made_anew_while_nobody_else_uses_the_database() {
    let place = Place::with(&child());
    let mut program = place.serve();
    let made = "SELECT version, is_complete FROM search_made";
    let complete = rows(&place.database(), made);
    place.database().execute_batch("UPDATE search_made SET version = 4711").unwrap();
    let audit = ["audit", "--config", "hub.toml", "--user", "nobody"];
    let refused = place.run(&audit);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("stop the others first"), "{said}");
    assert_eq!(rows(&place.database(), made), ["4711|1"]);
    program.kill();
    assert!(place.run(&audit).status.success());
    assert_eq!(rows(&place.database(), made), complete);
}
