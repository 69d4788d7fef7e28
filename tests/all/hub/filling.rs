//! A real disk that fills up below the real hub: it says so, refuses loads, and goes on with views on its reserve;
//! a flush that fails ends it, a file system that turns read-only does not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use uuid::Uuid;

use super::support::answer::Answer;
use super::support::data::{child, number, person, plans_of};
use super::support::program::{Place, Program, is_there};
use super::support::{caller, proofs, rows, skipped};

const MEGABYTE: u64 = 1024 * 1024;

/// A file system of its own, taken down again whatever happens.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where this user cannot mount: only root can, outside a container that forbids it.
    fn mounted_at(path: PathBuf, megabytes: u64) -> Option<Self> {
        fs::create_dir(&path).unwrap();
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&path).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(path))
    }

    /// Fills it to the last block, as another program would.
    fn fill(&self) {
        let zeros = vec![0_u8; usize::try_from(MEGABYTE).unwrap()];
        let mut file = fs::File::options().create(true).append(true).open(self.filler()).unwrap();
        let mut length = zeros.len();
        while length > 0 {
            if std::io::Write::write(&mut file, &zeros[..length]).is_err() {
                length /= 2;
            }
        }
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Whoever asks here. Made once, before anything is to fail: making it opens the database, and where the hub has ended by
/// then, whoever closes it last empties its log.
fn token(place: &Place) -> String {
    place.token(&caller("Sam Okafor", "RN3", &["B0264", "B0107"]))
}

async fn view(bearer: &str, program: &Program) -> Option<Answer> {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http
        .get(format!("{}{}", program.base, plans_of(number(1))))
        .header("TraceID", Uuid::new_v4().to_string());
    Answer::read_or_gone(proofs::send(request, bearer).await.ok()?).await
}

/// Fills the disk below a hub; returns how many of the views that follow were answered, of those asked.
async fn answered_on_a_full_disk(
    reserve_mb: u64,
    views: usize,
    beside_another: bool,
) -> Option<(usize, String)> {
    let place = Place::empty("");
    let disk = SmallDisk::mounted_at(place.path("disk"), 128)?;
    let rates = "[limits]\nviews_per_minute = 60000\nviews_at_once = 10000\n";
    let configure = format!("[disk]\nreserve_mb = {reserve_mb}\n{rates}");
    let toml = |text: String| text.replace("database = \"hub.db\"", "database = \"disk/hub.db\"");
    place.configure(&configure);
    fs::write(place.path("hub.toml"), toml(fs::read_to_string(place.path("hub.toml")).unwrap())).unwrap();
    fs::write(place.path("people.ndjson"), child().join("\n")).unwrap();
    let load = ["load", "people.ndjson", "--config", "hub.toml"];
    let loaded = place.run(&[&load[..], &["--synthetic"]].concat());
    assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));
    let bearer = token(&place);
    let mut program = place.serve();
    assert_eq!(view(&bearer, &program).await.unwrap().total(), 1);
    disk.fill();
    let mut answered = Vec::new();
    for _ in 0..views {
        let answer = view(&bearer, &program).await.unwrap();
        if answer.status == 200 {
            answered.push(answer.reference().to_owned());
        } else {
            answer.assert_failed_without_detail();
        }
        // Whatever becomes free is taken by another.
        if beside_another {
            disk.fill();
        }
    }
    fs::write(place.path("more.ndjson"), person(2, "Bennett", "Tom", "2019-03-12").to_string()).unwrap();
    let refused = place.run(&["load", "more.ndjson", "--config", "hub.toml"]);
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && why.contains("nearly full"), "{why}");
    let log = place.log();
    fs::remove_file(disk.filler()).unwrap();
    if reserve_mb > 0 {
        is_whole_again(&disk.0.join("hub.db.reserve"), reserve_mb * MEGABYTE).await;
    }
    assert_eq!(view(&bearer, &program).await.unwrap().total(), 1, "and it goes on when there is room");
    program.kill();
    let db = rusqlite::Connection::open(disk.0.join("hub.db")).unwrap();
    let logged = rows(&db, "SELECT reference FROM audit WHERE kind = 'view'");
    for reference in &answered {
        assert!(logged.contains(reference), "{reference} was answered and is not logged");
    }
    Some((answered.len(), log))
}

async fn is_whole_again(reserve: &Path, bytes: u64) {
    for _ in 0..200 {
        if fs::metadata(reserve).is_ok_and(|data| data.len() == bytes) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the reserve was not made again");
}

#[tokio::test]
async fn on_a_full_disk_the_reserve_keeps_views_answered_and_audited_and_without_it_they_fail() {
    const VIEWS: usize = 60;
    let Some((with, log)) = answered_on_a_full_disk(32, VIEWS, true).await else {
        skipped("the reserve on a full disk: only root can mount a small file system");
        return;
    };
    assert_eq!(with, VIEWS);
    let said = |what: &str| log.matches(what).count();
    assert_eq!(said("the disk of the database is nearly full"), 1, "once, then hourly");
    assert_eq!(said("the hub lives on its reserve and refuses loads"), 1);
    let (without, _) = answered_on_a_full_disk(0, VIEWS, true).await.unwrap();
    assert!(without < VIEWS, "{without} of {VIEWS} without a reserve: the disk was not full");
    // The least reserve outlives many moves of the log.
    let (with_little, _) = answered_on_a_full_disk(16, 1500, false).await.unwrap();
    assert_eq!(with_little, 1500);
}

/// A hub below strace, which does not take it along when it is killed.
struct Traced(Program);

impl Traced {
    fn kill(&mut self) {
        let strace = self.0.child.id();
        let hub = fs::read_to_string(format!("/proc/{strace}/task/{strace}/children")).unwrap_or_default();
        for process in hub.split_whitespace() {
            let _ = Command::new("kill").args(["-KILL", process]).status();
        }
        self.0.kill();
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Serves under strace, which lets some system calls fail.
fn serve_with_failing(place: &Place, inject: &str) -> Traced {
    assert!(is_there("strace"), "strace is needed (Debian package strace; tests/run installs it)");
    let mut command = Command::new("strace");
    command.args([
        "-f",
        "-o",
        "trace",
        "-e",
        "trace=fdatasync,fsync,pwrite64",
        "-e",
        "signal=none",
        "-e",
        inject,
    ]);
    command.arg(env!("CARGO_BIN_EXE_cpis-hub")).args(["serve", "--config", "hub.toml"]);
    Traced(place.serve_with(command))
}

#[tokio::test]
async fn a_flush_that_fails_ends_the_hub_and_the_next_one_starts_with_all_that_was_answered() {
    let place = Place::with(&child());
    place.configure("[disk]\nreserve_mb = 0\n");
    let bearer = token(&place);
    // Of each thread the eighth flush and all after it: the writer's.
    let mut program = serve_with_failing(&place, "inject=fdatasync,fsync:error=EIO:when=8+");
    let mut answered = Vec::new();
    for _ in 0..40 {
        match view(&bearer, &program.0).await {
            Some(answer) if answer.status == 200 => answered.push(answer.reference().to_owned()),
            Some(answer) => answer.assert_failed_without_detail(),
            None => break,
        }
    }
    assert!(!answered.is_empty(), "the first flushes work");
    let ended = async {
        loop {
            if let Some(ended) = program.0.child.try_wait().unwrap() {
                return ended;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(30), ended).await.expect("the hub ends");
    assert!(!ended.success(), "the service manager sees that it failed");
    let log = place.log();
    assert!(log.contains("the disk refused to flush the database's log: the hub ends"), "{log}");
    assert!(log.contains("cpis-hub: the database cannot be written any more"), "{log}");
    let again = place.serve();
    assert_eq!(view(&bearer, &again).await.unwrap().total(), 1);
    let logged = rows(&place.database(), "SELECT reference FROM audit WHERE kind = 'view'");
    for reference in &answered {
        assert!(logged.contains(reference), "{reference} was answered and is not logged");
    }
}

/// A hub of which no flush of the database itself works; those of its log do.
fn strace_without_flushes_of_the_database(place: &Place) -> Command {
    assert!(is_there("strace"), "strace is needed (Debian package strace; tests/run installs it)");
    let mut command = Command::new("strace");
    command.args(["-f", "-o", "trace", "-e", "trace=fdatasync,fsync", "-e", "signal=none"]);
    command.args(["-e", "inject=fdatasync,fsync:error=EIO", "-P"]).arg(place.path("hub.db"));
    command.arg(env!("CARGO_BIN_EXE_cpis-hub")).args(["serve", "--config", "hub.toml"]);
    command
}

fn end_of(program: &mut Traced) -> std::process::ExitStatus {
    for _ in 0..600 {
        if let Some(ended) = program.0.child.try_wait().unwrap() {
            return ended;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the hub does not end");
}

#[tokio::test]
async fn a_log_that_cannot_be_moved_into_the_database_ends_the_hub_and_no_other_starts_until_it_can() {
    let place = Place::with(&child());
    place.configure("[disk]\nreserve_mb = 0\n[limits]\nviews_per_minute = 60000\nviews_at_once = 10000\n");
    let bearer = token(&place);
    let mut program = Traced(place.serve_with(strace_without_flushes_of_the_database(&place)));
    let mut answered = Vec::new();
    for _ in 0..2000 {
        match view(&bearer, &program.0).await {
            Some(answer) if answer.status == 200 => answered.push(answer.reference().to_owned()),
            Some(answer) => answer.assert_failed_without_detail(),
            None => break,
        }
    }
    assert!(!end_of(&mut program).success() && answered.len() > 10, "{} answered", answered.len());
    let said = place.log();
    assert!(said.contains("the disk refused to flush the database's log: the hub ends"), "{said}");
    // What is in the log is in memory only, for all that anybody knows: nothing is written behind it.
    let mut command = strace_without_flushes_of_the_database(&place);
    let refused = command.current_dir(place.directory.path()).output().unwrap();
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && why.contains("what is in its log could not be moved into it"),
        "{why}"
    );
    let mut again = place.serve();
    assert_eq!(fs::metadata(place.path("hub.db-wal")).unwrap().len() / (300 * 1024), 0, "begun anew");
    again.kill();
    let logged = rows(&place.database(), "SELECT reference FROM audit WHERE kind = 'view'");
    for reference in &answered {
        assert!(logged.contains(reference), "{reference} was answered and is not logged");
    }
}

#[tokio::test]
async fn a_log_that_cannot_be_moved_at_the_end_is_told_to_the_service_manager() {
    let place = Place::with(&child());
    let bearer = token(&place);
    let mut program = Traced(place.serve_with(strace_without_flushes_of_the_database(&place)));
    assert_eq!(view(&bearer, &program.0).await.unwrap().status, 200);
    let strace = program.0.child.id();
    let hub = fs::read_to_string(format!("/proc/{strace}/task/{strace}/children")).unwrap();
    assert!(Command::new("kill").args(["-TERM", hub.trim()]).status().unwrap().success());
    assert!(!end_of(&mut program).success());
    assert!(place.log().contains("cpis-hub: the database cannot be written any more"), "{}", place.log());
}

#[tokio::test]
async fn a_file_system_that_is_read_only_for_a_while_keeps_the_plans_in_and_the_hub_goes_on_afterwards() {
    let place = Place::with(&child());
    place.configure("[disk]\nreserve_mb = 0\n");
    let bearer = token(&place);
    let mut program = serve_with_failing(&place, "inject=pwrite64:error=EROFS:when=200..220");
    let (mut answered, mut refused) = (Vec::new(), 0);
    for _ in 0..60 {
        let answer = view(&bearer, &program.0).await.unwrap();
        if answer.status == 200 {
            answered.push(answer.reference().to_owned());
        } else {
            answer.assert_failed_without_detail();
            refused += 1;
        }
    }
    assert!(refused > 0 && !answered.is_empty(), "{refused} refused, {} answered", answered.len());
    assert_eq!(view(&bearer, &program.0).await.unwrap().status, 200, "it goes on");
    program.kill();
    let logged = rows(&place.database(), "SELECT reference FROM audit WHERE kind = 'view'");
    for reference in &answered {
        assert!(logged.contains(reference), "{reference} was answered and is not logged");
    }
    assert_eq!(rows(&place.database(), "PRAGMA integrity_check"), ["ok"]);
}
