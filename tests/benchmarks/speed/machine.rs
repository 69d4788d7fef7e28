//! What the machine itself can do, without the hub: flushes of this disk, SQLite's own grouped commits, and
//! answers of a server that does nothing.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use super::client::{self, Chance, Measured};

pub(crate) fn cpu() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": not known");
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{}, {cores} cores", model.trim_start_matches([' ', '\t', ':']))
}

/// Appended and flushed (`fdatasync`) so many times a second.
pub(crate) fn flushes(folder: &Path, bytes: usize, time: Duration) -> f64 {
    let path = folder.join("flushes");
    let mut file = std::fs::File::create(&path).expect("a file");
    let filler = vec![7_u8; bytes];
    let started = Instant::now();
    let mut flushes = 0_u32;
    while started.elapsed() < time {
        // Over and over the same megabytes, as a log that is written again from its start.
        if flushes.is_multiple_of(256) {
            std::io::Seek::rewind(&mut file).expect("the start");
        }
        file.write_all(&filler).expect("written");
        file.sync_data().expect("flushed");
        flushes += 1;
    }
    let rate = f64::from(flushes) / started.elapsed().as_secs_f64();
    let _ = std::fs::remove_file(path);
    rate
}

/// Views a second that SQLite alone writes in groups of this size: the same tables, rows and settings as the
/// hub's, by prepared statements, and nothing else.
pub(crate) fn grouped_commits(database: &Path, group: usize, time: Duration) -> f64 {
    let db = Connection::open(database).expect("a database");
    db.pragma_update(None, "journal_mode", "WAL").expect("WAL");
    db.pragma_update(None, "synchronous", "FULL").expect("FULL");
    db.pragma_update(None, "foreign_keys", true).expect("foreign keys");
    db.set_prepared_statement_cache_capacity(64);
    let people: i64 = db.query_row("SELECT max(id) FROM person", [], |row| row.get(0)).expect("people");
    let mut chance = Chance::new(99);
    let started = Instant::now();
    let mut views = 0_u32;
    while started.elapsed() < time {
        db.execute_batch("BEGIN IMMEDIATE").expect("begun");
        for _ in 0..group {
            write_a_view(&db, &mut chance, people);
            views += 1;
        }
        db.execute_batch("COMMIT").expect("committed");
    }
    f64::from(views) / started.elapsed().as_secs_f64()
}

fn write_a_view(db: &Connection, chance: &mut Chance, people: i64) {
    let trace = uuid::Uuid::new_v4().to_string();
    let reference = trace[..9].to_owned() + &trace[24..];
    let person = i64::try_from(chance.below(usize::try_from(people).unwrap_or(1))).unwrap_or(0) + 1;
    let user = format!("bare-{}", chance.below(64));
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        db.prepare_cached(sql).expect(sql).execute(values).expect(sql);
    };
    run(
        "INSERT INTO view (reference, user_id, organisation_code, trace_id, person_id, at_ms, mode, held)
         VALUES (?1, ?2, 'RN3', ?3, ?4, 1795356000000, 'recorded', 1)",
        params![reference, user, trace, person],
    );
    let view = db.last_insert_rowid();
    run(
        "INSERT INTO audit (at_ms, kind, outcome, user_id, user_name, role, organisation_code, organisation, session,
                            request, reference, person_id, number)
         VALUES (1795356000000, 'view', 'held', ?1, 'Nurse', 'Staff nurse', 'RN3', 'Great Western Hospital',
                 's', ?2, ?3, ?4, '9000000009')",
        params![user, trace, reference, person],
    );
    run(
        "INSERT INTO history VALUES (?1, ?2, 1795356000000, ?3, 'Nurse', 'Staff nurse', '555', 'RN3',
                                     'Great Western Hospital')",
        params![view, person, user],
    );
    run(
        "INSERT INTO outbox (kind, view_id, person_id, authority_code, authority_name, upload_id, local_id,
                             number_uploaded, at_ms, user_id, user_name, role, organisation_code, organisation,
                             sequence, attendance, reference, state, state_ms)
         VALUES ('notification', ?1, ?2, 'E00000001', 'Council 1', 1, 'local', '9000000009', 1795356000000, ?3,
                 'Nurse', 'Staff nurse', 'RN3', 'Great Western Hospital', 'first', ?4, ?4, 'queued',
                 1795356000000)",
        params![view, person, user, reference],
    );
}

/// The server that does nothing, in a process of its own: this program, called with `--echo`.
pub(crate) fn serve_echo() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("an address");
        println!("echo listens on http://{}", listener.local_addr().expect("an address"));
        let answer = "x".repeat(1000);
        let router = axum::Router::new().fallback(async move || answer);
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let _ = stream.set_nodelay(true);
            let service = hyper_util::service::TowerToHyperService::new(router.clone());
            tokio::spawn(async move {
                let io = hyper_util::rt::TokioIo::new(stream);
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
            });
        }
    });
}

pub(crate) async fn echo(address: &str, clients: usize, time: Duration) -> Measured {
    client::run(address, clients, time, "", |_, out| {
        out.extend_from_slice(b"GET /anything HTTP/1.1\r\nHost: echo\r\n\r\n");
    })
    .await
}
