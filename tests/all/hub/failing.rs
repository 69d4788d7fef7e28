//! Must hold 2: when the audit log cannot be written, no plan leaves the hub.

use std::process::Command;
use std::time::Duration;

use rusqlite::Connection;
use uuid::Uuid;

use super::support::answer::Answer;
use super::support::data::{CHILD_PROTECTION, child, lines, number, person, plan, plans_of};
use super::support::program::{Place, Program, is_there};
use super::support::{TestHub, midwife, nurse, proofs, rows};
use cpis::domain::{Caller, NhsNumber};

async fn ask(place: &Place, program: &Program, caller: &Caller, number: NhsNumber) -> Answer {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let bearer = place.token(caller);
    let request = http
        .get(format!("{}{}", program.base, plans_of(number)))
        .header("TraceID", Uuid::new_v4().to_string());
    Answer::read(proofs::send(request, &bearer).await.unwrap()).await
}

#[tokio::test]
async fn a_trigger_that_aborts_any_part_of_what_is_logged_keeps_the_plans_in() {
    let hub = TestHub::with(&child()).await;
    let db = Connection::open(&hub.database).unwrap();
    for table in ["audit", "view", "history", "outbox"] {
        let before = (hub.count("SELECT 1 FROM view"), hub.count("SELECT 1 FROM outbox"));
        let abort =
            format!("CREATE TRIGGER refuse BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END");
        db.execute_batch(&abort).unwrap();
        hub.view(&nurse(), number(1)).await.assert_failed_without_detail();
        if table == "audit" {
            hub.view(&midwife(), number(1)).await.assert_failed_without_detail();
            hub.people(&nurse(), &format!("/{}", number(1).digits())).await.assert_failed_without_detail();
            hub.people(&nurse(), "?family=Bennett&birthdate=2019-03-12").await.assert_failed_without_detail();
            hub.people(&nurse(), "?family=Nobody&birthdate=2019-03-12").await.assert_failed_without_detail();
            hub.history(&midwife(), number(1)).await.assert_failed_without_detail();
        }
        // All or nothing: no part of a view that failed stays.
        assert_eq!((hub.count("SELECT 1 FROM view"), hub.count("SELECT 1 FROM outbox")), before, "{table}");
        db.execute_batch("DROP TRIGGER refuse").unwrap();
    }
    assert_eq!(hub.view(&nurse(), number(1)).await.total(), 1, "and goes on afterwards");
}

#[tokio::test]
async fn one_request_that_fails_in_a_shared_commit_fails_alone() {
    let mut people = child();
    people.extend(lines(&[
        person(2, "Bad", "Tom", "2019-03-12"),
        plan(2, CHILD_PROTECTION, "2026-01-05", "", "E06000030"),
    ]));
    let hub = TestHub::with(&people).await;
    let db = Connection::open(&hub.database).unwrap();
    let abort = format!(
        "CREATE TRIGGER refuse BEFORE INSERT ON audit WHEN NEW.number = '{}' BEGIN SELECT RAISE(ABORT, 'no'); END",
        number(2).digits()
    );
    db.execute_batch(&abort).unwrap();
    let who = nurse();
    for _ in 0..20 {
        let (good, bad, also_good) =
            tokio::join!(hub.view(&who, number(1)), hub.view(&who, number(2)), hub.view(&who, number(1)));
        assert_eq!((good.total(), also_good.total()), (1, 1));
        bad.assert_failed_without_detail();
    }
    assert_eq!(hub.count("SELECT 1 FROM view"), 40);
}

/// While somebody else holds the lock, three views come; a first one is in the writer's hands already, so that
/// the three wait together and share the next commit. A writer waits two seconds for the lock.
async fn three_that_share_a_commit(hub: &TestHub, seeds: [u64; 3]) -> [Answer; 3] {
    let lock = Connection::open(&hub.database).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let who = nurse();
    let release = async {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        lock.execute_batch("ROLLBACK").unwrap();
    };
    let view = async |seed| {
        tokio::time::sleep(Duration::from_millis(500)).await;
        hub.view(&who, number(seed)).await
    };
    let [a, b, c] = seeds;
    let first = hub.view(&who, number(1));
    let (_, a, b, c, ()) = tokio::join!(first, view(a), view(b), view(c), release);
    [a, b, c]
}

fn two_children() -> Vec<String> {
    let mut people = child();
    people.extend(lines(&[
        person(2, "Bad", "Tom", "2019-03-12"),
        plan(2, CHILD_PROTECTION, "2026-01-05", "", "E06000030"),
    ]));
    people
}

#[tokio::test]
async fn a_commit_that_fails_fails_all_that_shared_it_and_shows_that_they_did() {
    let hub = TestHub::with(&two_children()).await;
    // Nobody notices before COMMIT that the view of the second person points nowhere.
    let db = Connection::open(&hub.database).unwrap();
    db.execute_batch(&format!(
        "CREATE TABLE parent (id INTEGER PRIMARY KEY);
         CREATE TABLE broken (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);
         CREATE TRIGGER break AFTER INSERT ON audit WHEN NEW.number = '{}'
         BEGIN INSERT INTO broken VALUES (7); END",
        number(2).digits()
    ))
    .unwrap();
    for answer in three_that_share_a_commit(&hub, [1, 2, 1]).await {
        answer.assert_failed_without_detail();
    }
    assert_eq!(hub.count("SELECT 1 FROM view"), 1, "only the one that came before them");
    for answer in three_that_share_a_commit(&hub, [1, 1, 1]).await {
        assert_eq!(answer.total(), 1, "and the next commit goes on");
    }
}

#[tokio::test]
async fn one_that_fails_in_a_commit_that_is_surely_shared_fails_alone() {
    let hub = TestHub::with(&two_children()).await;
    let db = Connection::open(&hub.database).unwrap();
    db.execute_batch(&format!(
        "CREATE TRIGGER refuse BEFORE INSERT ON audit WHEN NEW.number = '{}' BEGIN SELECT RAISE(ABORT, 'no'); END",
        number(2).digits()
    ))
    .unwrap();
    let [good, bad, also_good] = three_that_share_a_commit(&hub, [1, 2, 1]).await;
    assert_eq!((good.total(), also_good.total()), (1, 1));
    bad.assert_failed_without_detail();
    assert_eq!(hub.count("SELECT 1 FROM view"), 3);
}

#[tokio::test]
async fn a_client_that_leaves_before_the_work_leaves_no_view_and_one_that_leaves_after_it_does() {
    let hub = TestHub::with(&child()).await;
    let who = nurse();
    let lock = Connection::open(&hub.database).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let gone = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        // The writer waits for the lock with the first view in hand; this one waits behind it, and leaves.
        let left = tokio::time::timeout(Duration::from_millis(400), hub.view(&who, number(1))).await;
        assert!(left.is_err(), "the client left without an answer");
        tokio::time::sleep(Duration::from_millis(400)).await;
        lock.execute_batch("ROLLBACK").unwrap();
    };
    // Of the first nobody can tell any more whether its client waits: the work has begun.
    let first = tokio::time::timeout(Duration::from_millis(700), hub.view(&who, number(1)));
    let (first, ()) = tokio::join!(first, gone);
    assert!(first.is_err());
    assert_eq!(hub.view(&who, number(1)).await.total(), 1);
    assert_eq!(hub.count("SELECT 1 FROM view"), 2, "the one whose work had begun, and the last");
    assert_eq!(hub.count("SELECT 1 FROM audit WHERE kind = 'view'"), 2);
}

#[tokio::test]
async fn a_database_that_another_process_has_locked_keeps_the_plans_in() {
    let hub = TestHub::with(&child()).await;
    let db = Connection::open(&hub.database).unwrap();
    db.execute_batch("BEGIN EXCLUSIVE").unwrap();
    hub.view(&nurse(), number(1)).await.assert_failed_without_detail();
    db.execute_batch("ROLLBACK").unwrap();
    assert_eq!(hub.count("SELECT 1 FROM view"), 0);
    assert_eq!(hub.view(&nurse(), number(1)).await.total(), 1);
}

#[tokio::test]
async fn the_health_of_the_hub_is_that_of_its_last_write() {
    let hub = TestHub::with(&child()).await;
    let health = async || hub.send("GET", "/healthz", None, &[], None).await;
    assert_eq!(health().await.status, 200);
    let db = Connection::open(&hub.database).unwrap();
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    hub.view(&nurse(), number(1)).await.assert_failed_without_detail();
    let ill = health().await;
    assert_eq!(ill.told(), "503 UNABLE_TO_CALL_SERVICE");
    assert!(ill.header("retry-after").is_some());
    db.execute_batch("ROLLBACK").unwrap();
    assert_eq!(health().await.status, 200, "asking tries a write of its own");
    db.execute_batch("CREATE TRIGGER refuse BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END")
        .unwrap();
    hub.view(&nurse(), number(1)).await.assert_failed_without_detail();
    db.execute_batch("DROP TRIGGER refuse").unwrap();
    assert_eq!(hub.view(&nurse(), number(1)).await.status, 200);
    assert_eq!(health().await.body, r#"{"status":"ok"}"#);
}

#[tokio::test]
async fn a_full_disk_keeps_the_plans_in_and_loses_no_view_that_was_answered() {
    let place = Place::with(&child());
    // No file may grow beyond 400 kB (blocks of 512 bytes), twice an empty database: after some views its log is
    // full.
    let mut command = Command::new("sh");
    let script = format!(
        "trap '' XFSZ; ulimit -f 800; exec '{}' serve --config hub.toml",
        env!("CARGO_BIN_EXE_cpis-hub")
    );
    command.args(["-c", &script]);
    let mut program = place.serve_with(command);
    let mut answered = Vec::new();
    let mut refused = 0;
    for _ in 0..60 {
        let answer = ask(&place, &program, &nurse(), number(1)).await;
        let health = reqwest::get(format!("{}/healthz", program.base)).await.unwrap().status();
        assert_eq!(health, if answer.status == 200 { 200 } else { 503 });
        if answer.status == 200 {
            answered.push(answer.reference().to_owned());
        } else {
            answer.assert_failed_without_detail();
            refused += 1;
        }
    }
    assert!(!answered.is_empty() && refused > 0, "{} answered, {refused} refused", answered.len());
    program.kill();
    let logged = rows(&place.database(), "SELECT reference FROM audit WHERE kind = 'view' ORDER BY id");
    for reference in &answered {
        assert!(logged.contains(reference), "{reference} was answered and is not logged");
    }
}

#[test]
fn a_database_that_can_only_be_read_does_not_start_a_hub() {
    let place = Place::with(&child());
    let path = |name: &str| place.path(name);
    let program = path("cpis-hub");
    std::fs::copy(env!("CARGO_BIN_EXE_cpis-hub"), &program).unwrap();
    for file in ["hub.db", "hub.toml", "key.pem"] {
        set_mode(&path(file), 0o444);
    }
    // A key that everybody may read is refused before the database is looked at.
    set_mode(&path("key.pem"), 0o400);
    set_mode(place.directory.path(), 0o555);
    // Root is not stopped by permissions: it becomes somebody who is.
    let is_root = std::fs::write(path("probe"), "").is_ok();
    let mut command = if is_root {
        assert!(is_there("setpriv"), "setpriv (package util-linux) is needed to stop being root");
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
        command
    } else {
        Command::new(&program)
    };
    if is_root {
        std::os::unix::fs::chown(path("key.pem"), Some(65534), None).unwrap();
    }
    let output = command.args(["serve", "--config", "hub.toml"]).current_dir(place.directory.path()).output();
    set_mode(place.directory.path(), 0o755);
    let output = output.unwrap();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && err.contains("cannot use the database"), "{err}");
}

fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}
