//! Groups, savepoints, and what a failed commit does.

use super::super::mover::Mover;
use super::*;
use crate::hub::metrics::Scraped;

fn database() -> Connection {
    let mut db = Connection::open_in_memory().unwrap();
    super::super::MIGRATIONS.to_latest(&mut db).unwrap();
    db.execute_batch("CREATE TABLE written (what TEXT)").unwrap();
    db
}

fn write(what: &'static str, then: &'static str) -> (Box<dyn Job>, Reply<()>) {
    let (reply, receiver) = oneshot::channel();
    let written = job(reply, move |work: &Work<'_>| {
        work.db.execute("INSERT INTO written VALUES (?1)", [what])?;
        work.db.execute_batch(then)?;
        Ok(())
    });
    (written, receiver)
}

/// What each of the group was answered, and what is in the table afterwards.
fn served(db: &Connection, steps: [&'static str; 3]) -> (Vec<bool>, i64, Known) {
    let known = Known::default();
    let (jobs, replies): (Vec<_>, Vec<_>) = steps.map(|step| write("one", step)).into_iter().unzip();
    serve(db, jobs, false, &Clock::system(), &known);
    let answered = replies.into_iter().map(|mut reply| reply.try_recv().unwrap().is_ok()).collect();
    let written = db.query_row("SELECT count(*) FROM written", [], |row| row.get(0)).unwrap();
    assert!(db.is_autocommit(), "no transaction stays open");
    (answered, written, known)
}

/// Whether an operator sees so many groups that could not be written, for this phase.
fn seen_failing(known: &Known, phase: &str, times: u32) -> bool {
    let line = format!("cpis_hub_commit_failures_total{{phase=\"{phase}\"}} {times}\n");
    known.metrics.text(&Scraped::default()).contains(&line)
}

#[test]
fn a_request_that_fails_fails_alone() {
    let (answered, written, known) = served(&database(), ["", "SELECT * FROM nowhere", ""]);
    assert_eq!((answered, written), (vec![true, false, true], 2));
    assert!(!known.failing.load(Ordering::Acquire));
}

#[test]
fn where_a_request_can_neither_be_kept_nor_taken_back_nothing_of_its_group_is_kept() {
    // Its savepoint is gone: RELEASE fails after success, ROLLBACK TO after failure.
    for lost in ["RELEASE request", "RELEASE request; SELECT * FROM nowhere", "ROLLBACK"] {
        let (answered, written, known) = served(&database(), ["", lost, ""]);
        assert_eq!((answered, written), (vec![false, false, false], 0), "{lost}");
        assert!(known.failing.load(Ordering::Acquire) && seen_failing(&known, "work", 1));
    }
}

#[test]
fn a_commit_that_fails_fails_all_of_its_group_and_the_next_one_goes_on() {
    let db = database();
    db.execute_batch(
        "PRAGMA foreign_keys = ON; CREATE TABLE parent (id INTEGER PRIMARY KEY);
         CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)",
    )
    .unwrap();
    // Nobody notices before COMMIT that there is no such parent.
    let (answered, written, known) = served(&db, ["", "INSERT INTO child VALUES (7)", ""]);
    assert_eq!((answered, written), (vec![false, false, false], 0));
    assert!(known.failing.load(Ordering::Acquire) && seen_failing(&known, "commit", 1));
    let (answered, written, known) = served(&db, ["", "", ""]);
    assert_eq!((answered, written), (vec![true, true, true], 3));
    assert!(seen_failing(&known, "commit", 0));
}

#[test]
fn whoever_left_before_the_work_is_dropped_and_whoever_left_after_it_is_kept() {
    let db = database();
    let queue = Queue::default();
    let (gone, _) = write("gone before", "");
    let (stays, mut reply) = write("stays", "");
    for job in [gone, stays] {
        assert!(queue.push(super::super::queue::Line::Others, job).is_ok());
    }
    queue.close();
    let known = Arc::default();
    let log = Log::new(Mover::start(database(), &known).unwrap(), Arc::default());
    run(&db, log, &queue, &Clock::system(), &known, &Disk::of(std::path::Path::new("hub.db")));
    assert!(reply.try_recv().unwrap().is_ok());
    let (leaves, reply) = write("left after", "");
    let leaving = std::sync::Mutex::new(Some(reply));
    let (reply, _receiver) = oneshot::channel::<Result<Audited<()>, StoreError>>();
    let last = job(reply, move |_: &Work<'_>| {
        drop(leaving.lock().unwrap().take());
        Ok(())
    });
    serve(&db, vec![leaves, last], false, &Clock::system(), &Known::default());
    let kept: Vec<String> = db
        .prepare("SELECT what FROM written ORDER BY rowid")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(kept, ["stays", "left after"]);
}

#[test]
fn a_marking_that_cannot_be_read_lets_nothing_out() {
    let db = database();
    db.execute_batch("DROP TABLE marking").unwrap();
    let (answered, written, known) = served(&db, ["", "", ""]);
    assert_eq!((answered, written), (vec![false, false, false], 0));
    assert!(known.failing.load(Ordering::Acquire) && seen_failing(&known, "marking", 1));
}
