//! A backup is made while views go on, and what it holds can be put back; nothing is ever destroyed by it.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rusqlite::Connection;
use uuid::Uuid;

use super::support::answer::Answer;
use super::support::data::{CHILD_PROTECTION, child, lines, number, person, plan, plans_of};
use super::support::program::{Place, Program, is_there};
use super::support::{caller, proofs, rows};

/// Several hundred people, so that a copy takes a while.
fn many() -> Vec<String> {
    let mut people = child();
    for seed in 2..600 {
        people.extend(lines(&[
            person(seed, "Bennett", "Tom", "2019-03-12"),
            plan(seed, CHILD_PROTECTION, "2026-01-05", "", "E06000030"),
        ]));
    }
    people
}

async fn view(place: &Place, program: &Program, who: &str) -> Answer {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let bearer = place.token(&caller(who, "RN3", &["B0107"]));
    let request = http
        .get(format!("{}{}", program.base, plans_of(number(1))))
        .header("TraceID", Uuid::new_v4().to_string());
    Answer::read(proofs::send(request, &bearer).await.unwrap()).await
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn run(place: &Place, command: &str, file: &str) -> Output {
    place.run(&[command, file, "--config", "hub.toml"])
}

fn backup(place: &Place, file: &str) -> String {
    let output = run(place, "backup", file);
    assert!(output.status.success(), "{}", said(&output));
    said(&output)
}

/// Every row that a view leaves, of the views up to one.
fn rows_of_views(db: &Connection, up_to: &str) -> Vec<String> {
    let mut all = Vec::new();
    for sql in [
        format!("SELECT * FROM view WHERE id <= {up_to} ORDER BY id"),
        format!("SELECT * FROM history WHERE view_id <= {up_to} ORDER BY view_id"),
        format!("SELECT * FROM outbox WHERE view_id <= {up_to} ORDER BY id"),
        format!(
            "SELECT audit.* FROM audit JOIN view USING (reference) WHERE view.id <= {up_to} ORDER BY audit.id"
        ),
    ] {
        let found = rows(db, &sql);
        assert!(!found.is_empty(), "{sql}");
        all.extend(found);
    }
    all
}

fn everything(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .filter(|(name, _)| ["-shm", ".used", ".served"].iter().all(|end| !name.ends_with(end)))
        .collect();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_view_answered_before_a_backup_is_in_it_row_by_row_and_views_go_on_meanwhile() {
    let place = Place::with(&many());
    let mut program = place.serve();
    for who in ["Ann One", "Ben Two", "Cat Three"] {
        assert_eq!(view(&place, &program, who).await.total(), 1);
    }
    let last = rows(&place.database(), "SELECT max(id) FROM view").concat();
    let (stop, meanwhile) = (AtomicBool::new(false), AtomicUsize::new(0));
    let viewing = async {
        while !stop.load(Ordering::Relaxed) {
            let who = format!("Nurse {}", meanwhile.load(Ordering::Relaxed));
            assert_eq!(view(&place, &program, &who).await.total(), 1);
            meanwhile.fetch_add(1, Ordering::Relaxed);
        }
    };
    let backing_up = async {
        let said = tokio::task::block_in_place(|| backup(&place, "backup.db"));
        stop.store(true, Ordering::Relaxed);
        said
    };
    let ((), told) = tokio::join!(viewing, backing_up);
    assert!(meanwhile.load(Ordering::Relaxed) > 0, "no view was answered while the backup was made");
    assert!(told.contains("It holds 599 people, 599 plans") && told.contains("; schema "), "{told}");
    view(&place, &program, "After It").await;
    program.kill();
    let before = rows_of_views(&place.database(), &last);
    let present = rows(&place.database(), "SELECT count(*) FROM view").concat();
    let backed_up = rows(&Connection::open(place.path("backup.db")).unwrap(), "SELECT max(id) FROM view");
    let missing: u64 = present.parse::<u64>().unwrap() - backed_up.concat().parse::<u64>().unwrap();
    let restored = run(&place, "restore", "backup.db");
    assert!(restored.status.success(), "{}", said(&restored));
    assert_eq!(rows_of_views(&place.database(), &last), before);
    assert!(said(&restored).contains(&format!("Missing are {missing} views, ")), "{}", said(&restored));
    assert!(said(&restored).contains("some of them for the second time"));
    let aside = everything(place.directory.path()).into_iter().map(|(name, _)| name);
    let aside = aside.filter(|name| !name.ends_with("-wal")).find(|name| name.contains("aside"));
    let aside = aside.map(|name| place.path(&name));
    let aside = Connection::open(aside.unwrap()).unwrap();
    assert_eq!(rows(&aside, "SELECT count(*) FROM view").concat(), present, "with its log");
    drop(aside);
    let told = rows(&place.database(), "SELECT kind, outcome FROM audit ORDER BY id DESC LIMIT 1");
    assert_eq!(told, ["restore|restored"]);
    assert!(
        !rows(&place.database(), "SELECT 1 FROM audit WHERE kind = 'backup'").is_empty(),
        "its own entry"
    );
    let program = place.serve();
    let told = view(&place, &program, "Ann One").await.told();
    assert_eq!(told, "401 ACCESS_DENIED", "what became of her session since, nobody knows");
    assert_eq!(view(&place, &program, "Ann Two").await.total(), 1, "and the hub goes on with it");
}

#[tokio::test]
async fn a_database_that_is_gone_or_damaged_is_restored_and_what_is_left_of_it_is_kept() {
    let place = Place::with(&child());
    backup(&place, "backup.db");
    let audit = rows(&place.database(), "SELECT count(*) FROM audit WHERE kind <> 'session-ended'").concat();
    fs::write(place.path("hub.db"), "no database at all").unwrap();
    let _ = fs::remove_file(place.path("hub.db-wal"));
    let _ = fs::remove_file(place.path("hub.db-shm"));
    let restored = run(&place, "restore", "backup.db");
    assert!(said(&restored).contains("how many is not known"), "{}", said(&restored));
    let is_kept = everything(place.directory.path())
        .iter()
        .any(|(name, content)| name.contains("aside") && content == b"no database at all");
    assert!(is_kept);
    fs::remove_file(place.path("hub.db")).unwrap();
    let restored = run(&place, "restore", "backup.db");
    assert!(said(&restored).contains("There was no database before"), "{}", said(&restored));
    assert_eq!(
        rows(&place.database(), "SELECT count(*) FROM audit WHERE kind <> 'session-ended'").concat(),
        audit
    );
    assert_eq!(mode(&place.path("hub.db")), 0o600);
}

#[test]
fn a_backup_that_is_not_whole_is_refused_and_nothing_is_touched() {
    let place = Place::with(&child());
    backup(&place, "backup.db");
    let good = fs::read(place.path("backup.db")).unwrap();
    let flip = |at: usize| {
        let mut bad = good.clone();
        bad[at] ^= 1;
        bad
    };
    let name = good.windows(7).position(|word| word == b"Bennett").unwrap();
    let mut longer = good.clone();
    longer.extend_from_slice(b"more");
    let foreign = place.path("foreign.db");
    Connection::open(&foreign)
        .unwrap()
        .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
        .unwrap();
    let files: &[(&str, Vec<u8>, &str)] = &[
        ("empty", Vec::new(), "the file is empty"),
        ("cut", good[..good.len() / 2].to_vec(), "its end is missing"),
        ("one byte less", good[..good.len() - 1].to_vec(), "its end is missing"),
        ("longer", longer, "its end is missing"),
        ("a letter of a name", flip(name), "its checksum does not fit"),
        ("the first byte", flip(0), "its checksum does not fit"),
        ("the checksum", flip(good.len() - 3), "its checksum does not fit"),
        ("foreign", fs::read(&foreign).unwrap(), "not a backup made by cpis-hub"),
        ("sealed foreign", sealed(&fs::read(&foreign).unwrap()), "its tables are not a hub's"),
        ("sealed text", sealed(b"no database"), "it is not sound"),
        ("the database itself", fs::read(place.path("hub.db")).unwrap(), "not a backup made by cpis-hub"),
    ];
    for (what, content, expected) in files {
        fs::write(place.path("bad.db"), content).unwrap();
        let before = everything(place.directory.path());
        let refused = run(&place, "restore", "bad.db");
        let told = said(&refused);
        assert!(!refused.status.success() && told.contains(expected), "{what}: {told}");
        assert!(told.starts_with("cpis-hub: nothing was restored from bad.db: "), "{what}: {told}");
        assert_eq!(names(&everything(place.directory.path())), names(&before), "{what}");
        assert!(everything(place.directory.path()) == before, "{what}: something was touched");
    }
    let refused = run(&place, "restore", "nowhere.db");
    assert!(said(&refused).contains("nowhere.db cannot be read"), "{}", said(&refused));
}

/// With a checksum that fits, as somebody would have to make it on purpose.
fn sealed(content: &[u8]) -> Vec<u8> {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content);
    let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    [content, format!("\ncpis-hub copy 1 sha256 {digest}\n").as_bytes()].concat()
}

fn names(files: &[(String, Vec<u8>)]) -> Vec<&str> {
    files.iter().map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn nothing_is_restored_and_no_second_hub_starts_while_one_serves() {
    let place = Place::with(&child());
    backup(&place, "backup.db");
    let mut program = place.serve();
    for command in [&["restore", "backup.db", "--config", "hub.toml"][..], &["serve", "--config", "hub.toml"]]
    {
        let refused = place.run(command);
        assert!(
            !refused.status.success() && said(&refused).contains("another hub serves"),
            "{}",
            said(&refused)
        );
    }
    assert_eq!(view(&place, &program, "Ann One").await.total(), 1);
    // Nor under another name of the database.
    fs::create_dir(place.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink("../hub.db", place.path("elsewhere/linked.db")).unwrap();
    let usual = fs::read_to_string(place.path("hub.toml")).unwrap();
    fs::write(place.path("linked.toml"), usual.replace("hub.db", "elsewhere/linked.db")).unwrap();
    let refused = place.run(&["serve", "--config", "linked.toml"]);
    assert!(said(&refused).contains("another hub serves"), "{}", said(&refused));
    program.kill();
    // A command that still works on the database stops a restore too.
    let used = fs::File::create(place.path("hub.db.used")).unwrap();
    used.lock_shared().unwrap();
    let refused = run(&place, "restore", "backup.db");
    assert!(said(&refused).contains("stop the others first"), "{}", said(&refused));
    drop(used);
    assert!(run(&place, "restore", "backup.db").status.success());
    assert_eq!(rows(&place.database(), "SELECT 1 FROM view"), Vec::<String>::new());
}

#[test]
fn a_restore_that_was_broken_off_lets_nobody_open_the_database_until_it_is_run_again() {
    let place = Place::with(&child());
    backup(&place, "backup.db");
    fs::copy(place.path("hub.db"), place.path("hub.db.restoring")).unwrap();
    // What a restore leaves that dies while it writes into the database to come.
    let journal = place.path("hub.db.unpacked-journal");
    fs::write(&journal, "of another database").unwrap();
    for command in [&["serve", "--config", "hub.toml"][..], &["backup", "b.db", "--config", "hub.toml"]] {
        let refused = place.run(command);
        assert!(said(&refused).contains("run `cpis-hub restore` again"), "{}", said(&refused));
    }
    assert!(run(&place, "restore", "backup.db").status.success());
    assert!(!journal.exists(), "or it would be taken for the next one's");
    backup(&place, "b.db");
}

/// A restore that dies at a system call on a file.
#[cfg(target_os = "linux")]
fn broken_off(place: &Place, call: &str, file: &str) {
    assert!(is_there("strace"), "strace is needed (Debian package strace; tests/run installs it)");
    let mut command = std::process::Command::new("strace");
    command.args(["-f", "-o", "trace", "-P", file, "-e", &format!("inject={call}")]);
    command.arg(env!("CARGO_BIN_EXE_cpis-hub")).args(["restore", "backup.db", "--config", "hub.toml"]);
    let output = command.current_dir(place.directory.path()).output().unwrap();
    assert!(!output.status.success(), "{call} of {file}: {}", said(&output));
    assert!(place.path("hub.db.restoring").exists(), "{call} of {file}: {}", said(&output));
}

/// The main files of what was moved aside, oldest first.
#[cfg(target_os = "linux")]
fn asides(place: &Place) -> Vec<String> {
    let all = everything(place.directory.path()).into_iter().map(|(name, _)| name);
    all.filter(|name| name.starts_with("hub.db.aside-") && !name.ends_with("-wal")).collect()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_restore_after_one_that_died_names_what_that_moved_aside_and_what_it_held() {
    for (call, file, is_gone) in [
        ("linkat:error=EIO:signal=KILL", "hub.db-wal", false),
        ("unlink:error=EIO:signal=KILL", "hub.db-wal", false),
        ("unlink:error=EIO:signal=KILL", "hub.db", false),
        ("rename:error=EIO:signal=KILL", "hub.db.restoring", true),
    ] {
        let place = Place::with(&child());
        backup(&place, "backup.db");
        // Of a restore long ago.
        assert!(run(&place, "restore", "backup.db").status.success());
        let mut program = place.serve();
        assert_eq!(view(&place, &program, "Ann One").await.total(), 1);
        program.kill();
        broken_off(&place, call, file);
        assert_eq!(place.path("hub.db").exists(), !is_gone, "{call} of {file}");
        let restored = run(&place, "restore", "backup.db");
        let told = said(&restored);
        assert!(restored.status.success(), "{told}");
        let kept = asides(&place);
        assert_eq!(kept.len(), 2, "{call} of {file}: no second one of the same: {kept:?}");
        assert!(told.contains(&format!("kept as {}: ", kept[1])), "{call} of {file}: {told}");
        assert!(told.contains("Missing are 1 views, 1 notifications and "), "{call} of {file}: {told}");
        let aside = Connection::open(place.path(&kept[1])).unwrap();
        assert_eq!(rows(&aside, "SELECT 1 FROM view").len(), 1, "{call} of {file}: with its log");
        assert_eq!(rows(&place.database(), "SELECT 1 FROM view"), Vec::<String>::new());
        assert!(!place.path("hub.db.restoring").exists());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_came_to_the_databases_name_after_a_restore_died_is_moved_aside_too() {
    let place = Place::with(&child());
    backup(&place, "backup.db");
    broken_off(&place, "rename:error=EIO:signal=KILL", "hub.db.restoring");
    let first = asides(&place);
    fs::write(place.path("hub.db"), "another").unwrap();
    let told = said(&run(&place, "restore", "backup.db"));
    let kept = asides(&place);
    assert_eq!((first.len(), kept.len()), (1, 2), "{told}");
    assert!(told.contains(&format!("kept as {}: ", kept[1])), "{told}");
    assert_eq!(fs::read(place.path(&kept[1])).unwrap(), b"another");
    assert_eq!(rows(&Connection::open(place.path(&kept[0])).unwrap(), "SELECT 1 FROM person").len(), 1);
}

#[test]
fn a_backup_overwrites_nothing_and_is_for_its_owner_alone() {
    let place = Place::with(&child());
    backup(&place, "backup.db");
    assert_eq!(mode(&place.path("backup.db")), 0o600);
    let before = fs::read(place.path("backup.db")).unwrap();
    let refused = run(&place, "backup", "backup.db");
    assert!(
        said(&refused).contains("backup.db is there already and is not overwritten"),
        "{}",
        said(&refused)
    );
    assert!(fs::read(place.path("backup.db")).unwrap() == before);
    fs::write(place.path("other.db.partial"), "").unwrap();
    let refused = run(&place, "backup", "other.db");
    assert!(
        said(&refused).contains("another copy is being made, or one was broken off"),
        "{}",
        said(&refused)
    );
    let refused = run(&place, "backup", "nowhere/backup.db");
    assert!(!refused.status.success() && said(&refused).contains("no backup was made"), "{}", said(&refused));
    let told = rows(&place.database(), "SELECT outcome FROM audit WHERE kind = 'backup' ORDER BY id");
    assert_eq!(told, ["begun", "made", "begun", "failed", "begun", "failed"]);
    let left = everything(place.directory.path());
    assert_eq!(names(&left).iter().filter(|name| name.contains("partial")).count(), 1, "{:?}", names(&left));
}

#[test]
fn a_damaged_database_is_not_backed_up_as_if_it_were_sound() {
    let place = Place::with(&many());
    // A row that refers to nothing, as a damaged index or a careless hand leaves it.
    place
        .database()
        .execute_batch("PRAGMA foreign_keys = OFF; UPDATE plan SET person_id = 4711 WHERE id = 1")
        .unwrap();
    let refused = run(&place, "backup", "backup.db");
    assert!(said(&refused).contains("rows refer to others that are not there"), "{}", said(&refused));
    assert!(!place.path("backup.db").exists() && !place.path("backup.db.partial").exists());
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[cfg(not(unix))]
fn mode(_path: &Path) -> u32 {
    0o600
}
