//! The event stream: that hub and session are there, and at once that the session has ended, and why.

use std::time::{Duration, Instant};

use cpis::hub::store::EndedBy;
use cpis::hub::{Granted, SessionTimes, limits};
use cpis::identity::dpop::ProofKey;
use jiff::SignedDuration;

use super::support::data::child;
use super::support::{ISSUER, TestHub, nurse};

const HERE: &str = "event: here\ndata: {}\n\n";

const TIMES: SessionTimes =
    SessionTimes { idle: SignedDuration::from_mins(15), whole: SignedDuration::from_hours(12) };

struct Scene {
    hub: TestHub,
    key: ProofKey,
    granted: Granted,
}

impl Scene {
    async fn new() -> Self {
        let (hub, key) = (TestHub::with(&child()).await, ProofKey::generate().unwrap());
        let granted = hub.hub.begin_session(nurse(), key.thumbprint(), TIMES).await.unwrap();
        Self { hub, key, granted }
    }

    fn proof(&self, method: &str, path: &str, token: Option<&str>) -> String {
        let (nonce, now) = (self.hub.hub.proof_nonce(), self.hub.clock.now().as_second());
        self.key.prove(method, &format!("{ISSUER}{path}"), token, Some(&nonce), now).unwrap()
    }

    async fn open(&self) -> reqwest::Response {
        self.open_with(self.granted.access.secret()).await
    }

    async fn open_with(&self, access: &str) -> reqwest::Response {
        let proof = self.proof("GET", "/events", Some(access));
        let request = self.hub.http.get(format!("{}/events", self.hub.base)).header("DPoP", proof);
        let request = request.header("Authorization", format!("DPoP {access}"));
        request.header("Accept", "text/event-stream").send().await.unwrap()
    }

    async fn post(&self, path: &str, body: String) -> u16 {
        let proof = self.proof("POST", path, None);
        let request = self.hub.http.post(format!("{}{path}", self.hub.base)).header("DPoP", proof);
        let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(body);
        request.send().await.unwrap().status().as_u16()
    }

    fn session(&self) -> String {
        self.hub.rows("SELECT id FROM session WHERE chain != x''")[0].clone()
    }

    fn refresh(&self) -> String {
        self.granted.refresh.secret().to_string()
    }
}

/// What comes next, and how long it took.
async fn next(stream: &mut reqwest::Response) -> (Option<String>, Duration) {
    let begun = Instant::now();
    let said = tokio::time::timeout(Duration::from_secs(20), stream.chunk()).await.expect("something");
    let said = said.ok().flatten().map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
    (said, begun.elapsed())
}

/// What comes besides that somebody is there, which has to come within two seconds.
async fn told(stream: &mut reqwest::Response) -> Option<String> {
    let begun = Instant::now();
    loop {
        let (said, _) = next(stream).await;
        if said.as_deref() != Some(HERE) {
            assert!(begun.elapsed() < Duration::from_secs(2), "{said:?} after {:?}", begun.elapsed());
            return said;
        }
    }
}

#[tokio::test]
async fn a_stream_says_that_it_is_there_at_once_and_every_five_seconds_for_as_long_as_it_likes() {
    let scene = Scene::new().await;
    let mut stream = scene.open().await;
    assert_eq!(
        (stream.status().as_u16(), stream.headers()["content-type"].to_str().unwrap()),
        (200, "text/event-stream")
    );
    assert_eq!(stream.headers()["cache-control"], "no-store");
    let (first, took) = next(&mut stream).await;
    assert!(first.as_deref() == Some(HERE) && took < Duration::from_secs(1), "{first:?} {took:?}");
    // Longer than a request may take.
    let begun = Instant::now();
    while begun.elapsed() < limits::REQUEST + Duration::from_secs(2) {
        let (said, took) = next(&mut stream).await;
        assert_eq!(said.as_deref(), Some(HERE));
        assert!(took < limits::EVENT_HEARTBEAT + Duration::from_secs(2), "{took:?}");
    }
    // Nothing of it is in the audit log, and it is no sign that somebody is at work.
    assert_eq!(scene.hub.rows("SELECT kind FROM audit WHERE kind LIKE 'session%'"), ["session-begun"]);
    scene.hub.turn(16);
    assert_eq!(told(&mut stream).await.as_deref(), Some("event: ended\ndata: {\"by\":\"idle\"}\n\n"));
}

#[tokio::test]
async fn a_stream_outlives_the_token_that_it_was_opened_with_for_as_long_as_the_session_is_renewed() {
    let scene = Scene::new().await;
    let (mut stream, first) = (scene.open().await, scene.granted.access.secret().to_string());
    let mut refresh = scene.refresh();
    // Two thirds of an hour: four times the token, and far beyond the idle time.
    for _ in 0..5 {
        scene.hub.turn(8);
        let proof = scene.proof("POST", "/token", None);
        let request = scene.hub.http.post(format!("{}/token", scene.hub.base)).header("DPoP", proof);
        let form = format!("grant_type=refresh_token&refresh_token={refresh}");
        let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(form);
        let renewed = request.send().await.unwrap();
        assert_eq!(renewed.status().as_u16(), 200);
        let renewed = serde_json::from_slice::<serde_json::Value>(&renewed.bytes().await.unwrap()).unwrap();
        refresh = renewed["refresh_token"].as_str().unwrap().to_string();
        assert_eq!(next(&mut stream).await.0.as_deref(), Some(HERE), "it goes on");
    }
    assert_eq!(scene.open_with(&first).await.status().as_u16(), 401, "that token is no longer good");
    scene.hub.hub.end_session(&scene.session(), EndedBy::Provider).await.unwrap();
    assert_eq!(told(&mut stream).await.as_deref(), Some("event: ended\ndata: {\"by\":\"provider\"}\n\n"));
}

#[tokio::test]
async fn whatever_ends_a_session_is_told_at_once_and_the_stream_ends() {
    for by in ["signed-out", "other-key", "reused", "provider", "idle", "over"] {
        let scene = Scene::new().await;
        let mut stream = scene.open().await;
        assert_eq!(next(&mut stream).await.0.as_deref(), Some(HERE));
        let renewal = format!("grant_type=refresh_token&refresh_token={}", scene.refresh());
        match by {
            "signed-out" => {
                assert_eq!(scene.post("/revoke", format!("token={}", scene.refresh())).await, 200)
            }
            "other-key" => {
                let thief = ProofKey::generate().unwrap();
                let thief = Scene { hub: scene.hub, key: thief, granted: scene.granted };
                assert_eq!(thief.post("/token", renewal).await, 400);
                assert_eq!(
                    told(&mut stream).await.unwrap(),
                    format!("event: ended\ndata: {{\"by\":\"{by}\"}}\n\n")
                );
                continue;
            }
            "reused" => {
                assert_eq!(scene.post("/token", renewal.clone()).await, 200);
                scene.hub.turn(2);
                assert_eq!(scene.post("/token", renewal).await, 400);
            }
            "provider" => {
                scene.hub.hub.end_session(&scene.session(), EndedBy::Provider).await.unwrap();
            }
            "idle" => scene.hub.turn(16),
            "over" => scene.hub.turn(12 * 60),
            _ => unreachable!(),
        }
        assert_eq!(
            told(&mut stream).await.unwrap(),
            format!("event: ended\ndata: {{\"by\":\"{by}\"}}\n\n"),
            "{by}"
        );
        assert_eq!(next(&mut stream).await.0, None, "{by}: it is at its end");
        super::support::data::until(|| {
            scene.hub.rows("SELECT outcome FROM audit WHERE kind = 'session-ended'") == [by]
        })
        .await;
    }
}

#[tokio::test]
async fn of_one_session_the_newest_streams_stay_and_without_token_and_proof_there_is_none() {
    let scene = Scene::new().await;
    let mut oldest = scene.open().await;
    let mut others = vec![scene.open().await];
    for _ in 0..5 {
        others.push(scene.open().await);
    }
    assert_eq!(next(&mut oldest).await.0.as_deref(), Some(HERE));
    assert_eq!(next(&mut oldest).await.0, None);
    let mut newest = others.pop().unwrap();
    assert_eq!(next(&mut newest).await.0.as_deref(), Some(HERE));
    let bare = scene.hub.http.get(format!("{}/events", scene.hub.base)).send().await.unwrap();
    assert_eq!(bare.status().as_u16(), 401);
    scene.hub.hub.end_session(&scene.session(), EndedBy::Provider).await.unwrap();
    assert!(told(&mut newest).await.unwrap().contains("provider"));
    assert_eq!(scene.open().await.status().as_u16(), 401);
}

#[tokio::test]
async fn a_disk_that_hangs_keeps_nobody_from_hearing_of_an_end() {
    let first = Scene::new().await;
    first.hub.turn(10);
    let key = ProofKey::generate().unwrap();
    let granted = first.hub.hub.begin_session(nurse(), key.thumbprint(), TIMES).await.unwrap();
    let mut of_first = first.open().await;
    let second = Scene { key, granted, ..first };
    let mut of_second = second.open().await;
    let lock = rusqlite::Connection::open(&second.hub.database).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    second.hub.turn(6);
    assert!(told(&mut of_first).await.unwrap().contains("idle"));
    // That end waits for the lock by now.
    tokio::time::sleep(limits::SESSIONS_LOOK * 2).await;
    second.hub.turn(10);
    assert!(told(&mut of_second).await.unwrap().contains("idle"));
    lock.execute_batch("ROLLBACK").unwrap();
    super::support::data::until(|| {
        second.hub.rows("SELECT outcome FROM audit WHERE kind = 'session-ended'") == ["idle", "idle"]
    })
    .await;
}

#[tokio::test]
async fn streams_leave_half_of_the_connections_to_questions() {
    let few = cpis::config::hub::LimitSettings { connections: Some(16), ..super::support::generous() };
    let hub = TestHub::with_limits(few, &child()).await;
    let mut scene = {
        let key = ProofKey::generate().unwrap();
        let granted = hub.hub.begin_session(nurse(), key.thumbprint(), TIMES).await.unwrap();
        Scene { hub, key, granted }
    };
    let mut streams = Vec::new();
    for _ in 0..12 {
        streams.push(scene.open().await);
        scene.key = ProofKey::generate().unwrap();
        scene.granted = scene.hub.hub.begin_session(nurse(), scene.key.thumbprint(), TIMES).await.unwrap();
    }
    let statuses: Vec<u16> = streams.iter().map(|stream| stream.status().as_u16()).collect();
    assert_eq!(statuses, [[200; 8].as_slice(), &[503; 4]].concat());
}

#[tokio::test]
async fn a_hub_that_stops_does_not_wait_for_streams() {
    let scene = Scene::new().await;
    let mut stream = scene.open().await;
    assert_eq!(next(&mut stream).await.0.as_deref(), Some(HERE));
    let begun = Instant::now();
    drop(scene.hub);
    while next(&mut stream).await.0.is_some() {}
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}
