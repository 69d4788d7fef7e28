//! How long a session lasts, whatever becomes of the machine's clock.

use cpis::domain::TailDays;
use cpis::hub::clock::Clock;
use cpis::hub::{Hub, SessionTimes};
use cpis::identity::dpop::ProofKey;
use cpis::identity::token::SigningKey;
use jiff::{SignedDuration, Timestamp};

use super::support::program::private_key_pem;
use super::support::{ISSUER, NOW, at, configuration, nurse};

const TIMES: SessionTimes =
    SessionTimes { idle: SignedDuration::from_mins(30), whole: SignedDuration::from_hours(12) };

/// A hub without a socket, and somebody who is signed in there. Only directory, key and tokens outlive it.
struct Scene {
    directory: tempfile::TempDir,
    pem: String,
    clock: Clock,
    hub: Hub,
    key: ProofKey,
    refresh: String,
}

fn open(directory: &tempfile::TempDir, pem: &str, clock: &Clock) -> Hub {
    let config = configuration(directory.path().join("hub.db"), TailDays::default());
    Hub::open(&config, SigningKey::from_pem(pem).unwrap(), clock.clone()).unwrap()
}

impl Scene {
    async fn new() -> Self {
        let (directory, pem) = (tempfile::tempdir().unwrap(), private_key_pem());
        let (clock, key) = (Clock::standing_at(at(NOW)), ProofKey::generate().unwrap());
        let hub = open(&directory, &pem, &clock);
        let granted = hub.begin_session(nurse(), key.thumbprint(), TIMES).await.unwrap();
        let refresh = granted.refresh.secret().to_string();
        Self { directory, pem, clock, hub, key, refresh }
    }

    /// Time goes by.
    fn pass(&self, minutes: i64) {
        self.clock.turn_to(self.clock.now() + SignedDuration::from_mins(minutes));
    }

    /// Somebody sets the clock, or the machine was put aside.
    fn set(&self, minutes: i64) {
        self.clock.set_to(self.clock.now() + SignedDuration::from_mins(minutes));
    }

    /// Whether somebody who is at work goes on.
    async fn works(&mut self) -> bool {
        let (nonce, now) = (self.hub.proof_nonce(), self.clock.now().as_second());
        let proof = self.key.prove("POST", &format!("{ISSUER}/token"), None, Some(&nonce), now).unwrap();
        let request = axum::http::Request::post("/token").header("DPoP", proof);
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        let form = format!("grant_type=refresh_token&refresh_token={}", self.refresh);
        let request = request.body(axum::body::Body::from(form)).unwrap();
        let answer = tower::ServiceExt::oneshot(cpis::hub::router(self.hub.clone()), request).await.unwrap();
        if answer.status().as_u16() != 200 {
            return false;
        }
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        let told: serde_json::Value = serde_json::from_slice(&body).unwrap();
        told["refresh_token"].as_str().unwrap().clone_into(&mut self.refresh);
        true
    }

    fn ended(&self) -> Vec<String> {
        let db = rusqlite::Connection::open(self.directory.path().join("hub.db")).unwrap();
        super::support::rows(&db, "SELECT ended_by FROM session WHERE ended_by IS NOT NULL")
    }

    /// The hub starts anew, on a machine that says that it is this time.
    async fn restart(&mut self, now: Timestamp) {
        self.hub.store().close().await;
        // Elsewhere: this one has the database for as long as it is there.
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("hub.db");
        let live = rusqlite::Connection::open(self.directory.path().join("hub.db")).unwrap();
        live.execute("VACUUM INTO ?1", [database.to_str().unwrap()]).unwrap();
        (self.directory, self.clock) = (directory, Clock::standing_at(now));
        self.hub = open(&self.directory, &self.pem, &self.clock);
    }

    /// Works for as long as it goes on, every twenty minutes; for how many.
    async fn worked(&mut self) -> i64 {
        for turn in 1..60 {
            self.pass(20);
            if !self.works().await {
                return turn * 20;
            }
        }
        panic!("it never ends");
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_ends_no_session_and_gives_none_more_time() {
    let mut scene = Scene::new().await;
    scene.pass(10);
    assert!(scene.works().await);
    scene.set(-5 * 60);
    assert!(scene.works().await, "it goes on");
    scene.pass(31);
    assert!(!scene.works().await, "idle, by the time that has gone by");
    assert_eq!(scene.ended(), ["idle"]);
    // Nor as a whole.
    let mut scene = Scene::new().await;
    scene.set(-5 * 60);
    assert_eq!(scene.worked().await, 12 * 60);
    assert_eq!(scene.ended(), ["over"]);
}

#[tokio::test]
async fn a_machine_that_was_put_aside_for_two_hours_comes_back_to_a_session_that_was_idle() {
    let mut scene = Scene::new().await;
    scene.pass(10);
    assert!(scene.works().await);
    scene.set(2 * 60);
    assert!(!scene.works().await);
    assert_eq!(scene.ended(), ["idle"]);
}

#[tokio::test]
async fn a_hub_that_starts_with_a_clock_that_was_set_back_gives_no_session_more_time() {
    let mut scene = Scene::new().await;
    scene.pass(20);
    assert!(scene.works().await);
    let back = at(NOW) - SignedDuration::from_hours(5);
    scene.restart(back).await;
    scene.pass(31);
    assert!(!scene.works().await, "idle");
    assert_eq!(scene.ended(), ["idle"]);
    let mut scene = Scene::new().await;
    scene.pass(20);
    assert!(scene.works().await);
    scene.restart(back).await;
    assert_eq!(scene.worked().await, 12 * 60 - 20, "over");
    // Nor one that began after the clock was set back.
    let mut scene = Scene::new().await;
    scene.pass(20);
    assert!(scene.works().await);
    scene.set(-5 * 60);
    let granted = scene.hub.begin_session(nurse(), scene.key.thumbprint(), TIMES).await.unwrap();
    scene.refresh = granted.refresh.secret().to_string();
    scene.restart(back).await;
    assert_eq!(scene.worked().await, 12 * 60, "over");
}
