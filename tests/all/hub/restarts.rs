//! Stop and start in the middle of load, with the real program, on a socket that outlives it.

use std::collections::HashMap;
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::support::data::{child, number, plans_of};
use super::support::program::{Place, Program};
use super::support::{caller, nurse, proofs, rows};
use uuid::Uuid;

const CLIENTS: usize = 32;
const RESTARTS: usize = 5;

fn socket() -> (TcpListener, String) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", socket.local_addr().unwrap());
    (socket, base)
}

/// Waits for the end of a hub that was told to stop; its exit code.
fn ended(program: &mut Program) -> Option<i32> {
    program.child.wait().unwrap().code()
}

/// One clinician: opens the child again and again; what got no answer is asked again under its TraceID.
struct Client {
    http: reqwest::Client,
    url: String,
    bearer: String,
    answered: HashMap<Uuid, String>,
    broken: Arc<AtomicUsize>,
    /// What the hub says meanwhile.
    log: PathBuf,
}

impl Client {
    async fn view(&mut self, trace: Uuid) -> String {
        loop {
            let request = self.http.get(&self.url).header("TraceID", trace.to_string());
            match proofs::send(request, &self.bearer).await {
                Ok(response) => {
                    let said = || std::fs::read_to_string(&self.log).unwrap_or_default();
                    assert_eq!(response.status(), 200, "no request is answered wrongly: {}", said());
                    let reference = response.headers()["x-access-reference"].to_str().unwrap().to_owned();
                    // The status line alone is an answer already, whatever becomes of the body.
                    let earlier = self.answered.insert(trace, reference.clone());
                    assert!(earlier.is_none_or(|earlier| earlier == reference), "a repeat has its reference");
                    return reference;
                }
                Err(error) => {
                    assert!(!error.is_connect(), "refused: {error:?}");
                    self.broken.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_in_the_middle_of_load_refuses_nobody_and_loses_and_doubles_nothing() {
    let place = Place::with(&child());
    let (socket, base) = socket();
    let stop = Arc::new(AtomicBool::new(false));
    let broken = Arc::new(AtomicUsize::new(0));
    let mut program = place.serve_on(&socket, &[]);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|index| {
            let who = caller(&format!("Nurse {index}"), "RN3", &["B0264", "B0107"]);
            let mut client = Client {
                http: reqwest::Client::builder().no_proxy().build().unwrap(),
                url: format!("{base}{}", plans_of(number(1))),
                bearer: place.token(&who),
                answered: HashMap::new(),
                broken: Arc::clone(&broken),
                log: place.path("log"),
            };
            let stop = Arc::clone(&stop);
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    client.view(Uuid::new_v4()).await;
                }
                client
            })
        })
        .collect();
    for _ in 0..RESTARTS {
        tokio::time::sleep(Duration::from_millis(300)).await;
        program.terminate();
        assert_eq!(tokio::task::block_in_place(|| ended(&mut program)), Some(0), "{}", place.log());
        let wal = std::fs::metadata(place.path("hub.db-wal")).map_or(0, |file| file.len());
        assert_eq!(wal, 0, "nothing is left to recover");
        program = place.serve_on(&socket, &[]);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    stop.store(true, Ordering::Relaxed);
    let mut all = 0;
    let in_database: HashMap<String, String> = {
        let mut answered = HashMap::new();
        for client in clients {
            let mut client = client.await.unwrap();
            all += client.answered.len();
            // A repeat after the restarts has its reference.
            let repeated = *client.answered.keys().next().unwrap();
            client.view(repeated).await;
            answered
                .extend(client.answered.into_iter().map(|(trace, reference)| (reference, trace.to_string())));
        }
        answered
    };
    program.terminate();
    assert_eq!(ended(&mut program), Some(0));
    assert!(all > 200, "{all} views: too few to mean anything");
    let db = place.database();
    let written: HashMap<String, String> = rows(&db, "SELECT reference, trace_id FROM view")
        .into_iter()
        .map(|row| row.split_once('|').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap())
        .collect();
    assert_eq!(written, in_database, "every view that was answered, and no other");
    assert_eq!(rows(&db, "SELECT 1 FROM audit WHERE kind = 'view'").len(), all, "each is logged once");
    assert_eq!(rows(&db, "PRAGMA integrity_check"), ["ok"]);
    let broken = broken.load(Ordering::Relaxed);
    // An idle connection may be closed just as the next question is sent on it.
    assert!(broken <= CLIENTS * RESTARTS, "{broken} broken connections for {all} views");
}

/// Views that wait for the writer because somebody else holds the lock, and a hub that is told to stop.
async fn views_that_wait(
    place: &Place,
    program: &Program,
) -> Vec<tokio::task::JoinHandle<reqwest::Result<reqwest::Response>>> {
    let bearer = place.token(&nurse());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let views = (0..10)
        .map(|_| {
            let request = http
                .get(format!("{}{}", program.base, plans_of(number(1))))
                .header("TraceID", Uuid::new_v4().to_string());
            let bearer = bearer.clone();
            tokio::spawn(async move { proofs::send(request, &bearer).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(400)).await;
    program.terminate();
    tokio::time::sleep(Duration::from_millis(400)).await;
    views
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_taken_is_answered_before_the_end_and_its_connection_closed() {
    let place = Place::with(&child());
    let mut program = place.serve();
    let lock = place.database();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let views = views_that_wait(&place, &program).await;
    assert!(program.child.try_wait().unwrap().is_none(), "it waits for them");
    lock.execute_batch("ROLLBACK").unwrap();
    drop(lock);
    for view in views {
        let response = view.await.unwrap().unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["connection"], "close");
    }
    assert_eq!(tokio::task::block_in_place(|| ended(&mut program)), Some(0));
    assert_eq!(rows(&place.database(), "SELECT 1 FROM view").len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_it_at_once() {
    let place = Place::with(&child());
    let mut program = place.serve();
    let lock = place.database();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let views = views_that_wait(&place, &program).await;
    let told = Instant::now();
    program.terminate();
    assert_eq!(tokio::task::block_in_place(|| ended(&mut program)), Some(1));
    assert!(told.elapsed() < Duration::from_secs(1));
    for view in views {
        assert!(view.await.unwrap().is_err(), "nobody was answered");
    }
    lock.execute_batch("ROLLBACK").unwrap();
    assert!(rows(&lock, "SELECT 1 FROM view").is_empty());
}

#[test]
fn it_says_ready_after_something_was_written_alive_while_it_can_write_and_stopping_when_told() {
    let place = Place::with(&child());
    let manager = UnixDatagram::bind(place.path("notify")).unwrap();
    let heard = |within: u64| {
        manager.set_read_timeout(Some(Duration::from_millis(within))).unwrap();
        let mut said = [0; 256];
        manager
            .recv(&mut said)
            .ok()
            .map(|length| String::from_utf8(said[..length].to_vec()).unwrap().trim().to_owned())
    };
    let (socket, _) = socket();
    let notify = place.path("notify").display().to_string();
    let lock = place.database();
    assert!(rows(&lock, "SELECT 1 FROM probe").is_empty());
    let environment = [("NOTIFY_SOCKET", notify.as_str()), ("WATCHDOG_USEC", "400000")];
    let mut program = place.serve_on(&socket, &environment);
    assert_eq!(heard(5_000).as_deref(), Some("READY=1"));
    assert_eq!(rows(&lock, "SELECT 1 FROM probe").len(), 1);
    assert_eq!(heard(2_000).as_deref(), Some("WATCHDOG=1"));
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    // One may be on its way.
    let _ = heard(300);
    assert_eq!(heard(1_200), None, "it cannot write");
    lock.execute_batch("ROLLBACK").unwrap();
    assert_eq!(heard(4_000).as_deref(), Some("WATCHDOG=1"));
    program.terminate();
    while let Some(said) = heard(2_000) {
        if said == "STOPPING=1" {
            assert_eq!(ended(&mut program), Some(0));
            return;
        }
    }
    panic!("it never said that it stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_alive_while_views_are_written_even_if_its_own_try_has_no_place() {
    let place = Place::with(&child());
    let manager = UnixDatagram::bind(place.path("notify")).unwrap();
    manager.set_read_timeout(Some(Duration::from_millis(1_500))).unwrap();
    let heard = || {
        let mut said = [0; 256];
        let length = manager.recv(&mut said).ok()?;
        Some(String::from_utf8(said[..length].to_vec()).unwrap().trim().to_owned())
    };
    let (socket, base) = socket();
    let notify = place.path("notify").display().to_string();
    let program = place.serve_on(&socket, &[("NOTIFY_SOCKET", notify.as_str()), ("WATCHDOG_USEC", "600000")]);
    assert_eq!(tokio::task::block_in_place(heard).as_deref(), Some("READY=1"));
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON probe BEGIN SELECT RAISE(ABORT, 'no'); END";
    place.database().execute_batch(refuse).unwrap();
    let mut client = Client {
        http: reqwest::Client::builder().no_proxy().build().unwrap(),
        url: format!("{base}{}", plans_of(number(1))),
        bearer: place.token(&nurse()),
        answered: HashMap::new(),
        broken: Arc::default(),
        log: place.path("log"),
    };
    let viewing = tokio::spawn(async move {
        for _ in 0..30 {
            client.view(Uuid::new_v4()).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    for _ in 0..5 {
        assert_eq!(tokio::task::block_in_place(heard).as_deref(), Some("WATCHDOG=1"));
    }
    viewing.await.unwrap();
    while tokio::task::block_in_place(heard).is_some() {}
    drop(program);
}

#[test]
fn a_hub_that_cannot_write_or_is_handed_another_socket_does_not_start() {
    let place = Place::with(&child());
    let lock = place.database();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    // One that starts all the same is ended, and the test with it.
    let mut command = Command::new("timeout");
    command.args(["60", env!("CARGO_BIN_EXE_cpis-hub"), "serve", "--config", "hub.toml"]);
    let refused = command.current_dir(place.directory.path()).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("cannot be written"), "{said}");
    assert!(refused.stdout.is_empty());
    drop(lock);
    let config = std::fs::read_to_string(place.path("hub.toml")).unwrap();
    std::fs::write(place.path("hub.toml"), config.replace("127.0.0.1:0", "127.0.0.1:1")).unwrap();
    let (socket, _) = socket();
    let handed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| place.serve_on(&socket, &[])));
    assert!(handed.is_err() && place.log().contains("handed over something else"), "{}", place.log());
}
