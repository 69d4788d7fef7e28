//! What ends a session ends it at once, whatever the disk does, and for every hub that starts later.

use std::time::Duration;

use cpis::domain::TailDays;
use cpis::hub::clock::Clock;
use cpis::hub::{Hub, SessionTimes};
use cpis::identity::dpop::ProofKey;
use cpis::identity::token::SigningKey;
use jiff::SignedDuration;
use rusqlite::Connection;

use super::signing_in_attacks::Scene;
use super::support::data::{child, until};
use super::support::program::Place;
use super::support::signing_in::Viewer;
use super::support::{ISSUER, configuration, nurse};

/// Somebody who has signed in: their code and tokens, and the stream that tells of the end.
struct Working {
    scene: Scene,
    code: String,
    access: String,
    refresh: String,
    stream: reqwest::Response,
}

/// How the disk takes the entry of an end.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Disk {
    /// It takes it.
    Works,
    /// Somebody holds the lock.
    Hangs,
    /// It is full.
    IsFull,
}

const FULL: &str = "CREATE TRIGGER full BEFORE INSERT ON audit WHEN NEW.kind = 'session-ended'
                    BEGIN SELECT RAISE(ABORT, 'full'); END";

impl Working {
    async fn new() -> Self {
        let mut scene = Scene::new().await;
        let code = scene.code().await;
        let told = scene.viewer.change(&code).await.json();
        let text = |name: &str| told[name].as_str().unwrap().to_owned();
        let (access, refresh) = (text("access_token"), text("refresh_token"));
        assert_eq!(scene.viewer.metadata_with(&access).await, 200);
        let (nonce, now) = (scene.hub.hub.proof_nonce(), scene.hub.clock.now().as_second());
        let address = format!("{ISSUER}/events");
        let proof = scene.viewer.key.prove("GET", &address, Some(&access), Some(&nonce), now).unwrap();
        let request = scene.hub.http.get(format!("{}/events", scene.hub.base)).header("DPoP", proof);
        let stream = request.header("Authorization", format!("DPoP {access}")).send().await.unwrap();
        assert_eq!(stream.status().as_u16(), 200);
        Self { scene, code, access, refresh, stream }
    }

    /// Does what ends the session; the status.
    async fn end(scene: &Scene, by: &str, code: &str, refresh: &str) -> u16 {
        let (viewer, stranger) = (&scene.viewer, ProofKey::generate().unwrap());
        let renewal = format!("grant_type=refresh_token&refresh_token={refresh}");
        let revocation = format!("token={refresh}");
        let answer = match by {
            "provider" => scene.logged_out(scene.provider.logout(|_| ())).await,
            "signed-out" => viewer.post("/revoke", &revocation).await,
            "other-key" => viewer.post_as(&stranger, "/revoke", &revocation).await,
            "other-key at /token" => viewer.post_as(&stranger, "/token", &renewal).await,
            "reused" => viewer.post("/token", &renewal).await,
            "code-replayed" => viewer.change(code).await,
            other => panic!("{other}"),
        };
        answer.status
    }
}

/// What the stream says besides that somebody is there.
async fn told(stream: &mut reqwest::Response) -> String {
    while let Some(said) = stream.chunk().await.unwrap() {
        let said = String::from_utf8(said.to_vec()).unwrap();
        if said.contains("event: ended") {
            return said;
        }
    }
    panic!("it ended without a word");
}

#[tokio::test]
async fn what_ends_a_session_ends_it_at_once_also_where_the_disk_hangs_or_is_full() {
    let ways = ["provider", "signed-out", "other-key", "other-key at /token", "reused", "code-replayed"];
    let disks = [Disk::Works, Disk::Hangs, Disk::IsFull];
    for (disk, by) in disks.into_iter().flat_map(|disk| ways.map(|by| (disk, by))) {
        let Working { scene, code, access, refresh, mut stream } = Working::new().await;
        if by == "reused" {
            let renewal = format!("grant_type=refresh_token&refresh_token={refresh}");
            assert_eq!(scene.viewer.post("/token", &renewal).await.status, 200);
            scene.hub.turn(2);
        }
        let db = Connection::open(&scene.hub.database).unwrap();
        let spoilt = match disk {
            Disk::Works => "",
            Disk::Hangs => "BEGIN IMMEDIATE",
            Disk::IsFull => FULL,
        };
        db.execute_batch(spoilt).unwrap();
        let heard = async {
            let told = tokio::time::timeout(Duration::from_secs(2), told(&mut stream)).await;
            let told = told.unwrap_or_else(|_| panic!("{by}, the disk {disk:?}: nothing within two seconds"));
            let word = by.split(' ').next().unwrap();
            assert_eq!(told, format!("event: ended\ndata: {{\"by\":\"{word}\"}}\n\n"), "{by} {disk:?}");
            assert_eq!(scene.viewer.metadata_with(&access).await, 401, "{by} {disk:?}");
            if disk != Disk::Works {
                assert_eq!(scene.sessions(), ["-"], "{by} {disk:?}: nothing of it is written");
            }
            if disk == Disk::Hangs {
                db.execute_batch("ROLLBACK").unwrap();
            }
        };
        let (status, ()) = tokio::join!(Working::end(&scene, by, &code, &refresh), heard);
        if disk == Disk::IsFull {
            // Whoever ended it is not told that it is on disk, also when they ask again.
            assert!(status >= 500, "{by}: {status}");
            if by == "provider" || by == "signed-out" {
                let again = Working::end(&scene, by, &code, &refresh).await;
                assert!(again >= 500, "{by}, again: {again}");
            }
            db.execute_batch("DROP TRIGGER full").unwrap();
        }
        let word = by.split(' ').next().unwrap();
        let ended = "SELECT outcome FROM audit WHERE kind = 'session-ended'";
        until(|| scene.sessions() == [word]).await;
        assert_eq!(scene.hub.rows(ended), [word], "{by} {disk:?}: once");
        if by == "provider" || by == "signed-out" {
            // The hub may not have heard of its own writing yet.
            let mut status = 0;
            for _ in 0..40 {
                status = Working::end(&scene, by, &code, &refresh).await;
                if status == 200 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            assert_eq!(status, 200, "{by}: now it is");
        }
        assert_eq!(scene.hub.rows(ended), [word], "{by} {disk:?}: once");
    }
}

#[tokio::test]
async fn a_session_that_ends_while_it_is_being_written_is_audited_as_what_ended_it() {
    for by in ["provider", "code-replayed"] {
        let mut scene = Scene::new().await;
        let code = scene.code().await;
        let db = Connection::open(&scene.hub.database).unwrap();
        db.execute_batch("BEGIN IMMEDIATE").unwrap();
        let begins = scene.viewer.change(&code);
        let ends = async {
            // The code is taken by now, and its session waits for the disk.
            tokio::time::sleep(Duration::from_millis(500)).await;
            let ended = async {
                match by {
                    "provider" => drop(scene.logged_out(scene.provider.logout(|_| ())).await),
                    _ => assert_eq!(scene.viewer.change(&code).await.status, 400),
                }
            };
            let goes_on = async {
                tokio::time::sleep(Duration::from_millis(500)).await;
                db.execute_batch("ROLLBACK").unwrap();
            };
            tokio::join!(ended, goes_on);
        };
        let (begun, ()) = tokio::join!(begins, ends);
        assert_eq!(begun.status, 400, "{by}: {}", begun.body);
        until(|| scene.sessions() == [by]).await;
        assert_eq!(scene.hub.rows("SELECT outcome FROM audit WHERE kind = 'session-ended'"), [by]);
    }
}

/// How many proofs the hub remembers, as its operator sees it.
async fn proofs(scene: &Scene) -> u64 {
    let text = scene.hub.hub.metrics_text().await;
    let line = text.lines().find(|line| line.starts_with("cpis_hub_places{") && line.contains("\"proofs\""));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_else(|| panic!("{text}"))
}

#[tokio::test]
async fn whoever_knows_a_sessions_id_and_not_its_code_causes_no_work_and_is_not_remembered() {
    let Working { scene, code, .. } = Working::new().await;
    let made_up = scene.viewer.form(&format!("{}.{}", code.split_once('.').unwrap().0, "A".repeat(43)));
    let noted = || scene.hub.hub.unproven().recent().pop().unwrap().why.code();
    // The code is known for ten minutes after it was changed, and its session for longer.
    for minutes in [0, 11] {
        scene.hub.turn(minutes);
        let before = proofs(&scene).await;
        let db = Connection::open(&scene.hub.database).unwrap();
        db.execute_batch("BEGIN IMMEDIATE").unwrap();
        for _ in 0..20 {
            let stranger = ProofKey::generate().unwrap();
            let begun = std::time::Instant::now();
            let answer = scene.viewer.post_as(&stranger, "/token", &made_up).await;
            assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some("invalid_grant")));
            assert_eq!(noted(), "code");
            assert!(begun.elapsed() < Duration::from_secs(1), "it waits for the database");
        }
        db.execute_batch("ROLLBACK").unwrap();
        assert!(proofs(&scene).await <= before);
    }
    // Whoever has the code and not the key ends the session, once; of them no proof is remembered either.
    assert_eq!(scene.sessions(), ["-"]);
    let before = proofs(&scene).await;
    for _ in 0..20 {
        let thief = ProofKey::generate().unwrap();
        assert_eq!(scene.viewer.post_as(&thief, "/token", &scene.viewer.form(&code)).await.status, 400);
    }
    assert!(proofs(&scene).await <= before);
    assert_eq!(scene.sessions(), ["code-replayed"]);
}

/// Whoever asks a hub that starts with the database as it is on disk now.
async fn asked_after_a_restart(scene: &Scene, access: &str) -> (u16, String) {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("hub.db");
    let live = Connection::open(&scene.hub.database).unwrap();
    live.execute("VACUUM INTO ?1", [database.to_str().unwrap()]).unwrap();
    let config = configuration(database, TailDays::default());
    let signing = SigningKey::from_pem(&scene.hub.pem).unwrap();
    let hub = Hub::open(&config, signing, scene.hub.clock.clone()).unwrap();
    let (nonce, now) = (hub.proof_nonce(), scene.hub.clock.now().as_second());
    let address = format!("{ISSUER}/metadata");
    let proof = scene.viewer.key.prove("GET", &address, Some(access), Some(&nonce), now).unwrap();
    let request = axum::http::Request::get("/metadata").header("DPoP", proof);
    let request = request.header("Authorization", format!("DPoP {access}"));
    let request = request.body(axum::body::Body::empty()).unwrap();
    let answer = tower::ServiceExt::oneshot(cpis::hub::router(hub.clone()), request).await.unwrap();
    let why = hub.unproven().recent().pop().map_or("", |call| call.why.code()).to_owned();
    hub.store().close().await;
    (answer.status().as_u16(), why)
}

#[tokio::test]
async fn an_access_token_of_a_session_that_has_ended_is_no_good_to_a_hub_that_starts() {
    for by in ["provider", "signed-out", "other-key"] {
        let Working { scene, code, access, refresh, stream: _stream } = Working::new().await;
        assert_eq!(asked_after_a_restart(&scene, &access).await, (200, String::new()), "{by}: not yet");
        Working::end(&scene, by, &code, &refresh).await;
        assert_eq!(asked_after_a_restart(&scene, &access).await, (401, "session-ended".to_owned()), "{by}");
    }
}

#[tokio::test]
async fn a_program_that_was_killed_right_after_a_sign_out_knows_of_it_when_it_starts() {
    let place = Place::with(&child());
    let clock = Clock::system();
    let mut viewer = Viewer::of("", ISSUER, clock.clone());
    let hub = Hub::open(&configuration(place.path("hub.db"), TailDays::default()), place.key.clone(), clock)
        .unwrap();
    let times = SessionTimes { idle: SignedDuration::from_mins(15), whole: SignedDuration::from_hours(12) };
    let (ends, goes_on) = (
        hub.begin_session(nurse(), viewer.key.thumbprint(), times).await.unwrap(),
        hub.begin_session(nurse(), viewer.key.thumbprint(), times).await.unwrap(),
    );
    hub.store().close().await;
    drop(hub);
    let mut program = place.serve();
    viewer.hub.clone_from(&program.base);
    for granted in [&ends, &goes_on] {
        assert_eq!(viewer.metadata_with(granted.access.secret()).await, 200);
    }
    let token = format!("token={}", ends.refresh.secret().as_str());
    assert_eq!(viewer.post("/revoke", &token).await.status, 200);
    program.kill();
    let program = place.serve();
    viewer.hub.clone_from(&program.base);
    assert_eq!(viewer.metadata_with(ends.access.secret()).await, 401);
    assert_eq!(viewer.metadata_with(goes_on.access.secret()).await, 200);
}
