//! Sessions go on with refresh tokens that are used once, and end at once and for good (manual, chapter "Proving who
//! asks").

use std::time::Duration;

use cpis::config::hub::HubConfig;
use cpis::domain::TailDays;
use cpis::hub::{Granted, Hub, SessionTimes, limits};
use cpis::identity::dpop::ProofKey;
use jiff::SignedDuration;
use serde_json::Value;

use super::support::answer::{ANNOUNCED, Answer, UNANNOUNCED};
use super::support::data::{child, number, plans_of};
use super::support::{ISSUER, TestHub, configuration, nurse};

const CHAPTER: &str = include_str!("../../../src/manual/proving.md");
const FORM: &str = "application/x-www-form-urlencoded";

const TIMES: SessionTimes =
    SessionTimes { idle: SignedDuration::from_mins(30), whole: SignedDuration::from_hours(12) };

/// A hub, and somebody who is signed in there.
struct Scene {
    hub: TestHub,
    key: ProofKey,
    access: String,
    refresh: String,
}

/// What is sent to `/token`.
struct Sent {
    proof: Option<String>,
    kind: &'static str,
    body: String,
}

fn renewal(refresh: &str) -> String {
    format!("grant_type=refresh_token&refresh_token={refresh}")
}

impl Scene {
    async fn new() -> Self {
        Self::in_hub(TestHub::with(&child()).await).await
    }

    async fn in_hub(hub: TestHub) -> Self {
        let key = ProofKey::generate().unwrap();
        let granted = hub.hub.begin_session(nurse(), key.thumbprint(), TIMES).await.unwrap();
        let (access, refresh) = texts(&granted);
        Self { hub, key, access, refresh }
    }

    fn proof(&self, key: &ProofKey, path: &str) -> String {
        let (nonce, now) = (self.hub.hub.proof_nonce(), self.hub.clock.now().as_second());
        key.prove("POST", &format!("{ISSUER}{path}"), None, Some(&nonce), now).unwrap()
    }

    fn sent(&self, key: &ProofKey, body: String) -> Sent {
        Sent { proof: Some(self.proof(key, "/token")), kind: FORM, body }
    }

    async fn post(&self, path: &str, sent: Sent) -> Answer {
        let mut headers = vec![("Content-Type", sent.kind)];
        headers.extend(sent.proof.as_deref().map(|proof| ("DPoP", proof)));
        self.hub.send("POST", path, None, &headers, Some(sent.body)).await
    }

    /// Renews with a token; the next two.
    async fn renew(&self, refresh: &str) -> (String, String) {
        let answer = self.post("/token", self.sent(&self.key, renewal(refresh))).await;
        let granted = answer.json();
        assert_eq!(
            (answer.status, &granted["token_type"], &granted["expires_in"]),
            (200, &"DPoP".into(), &600.into())
        );
        let text = |name: &str| granted[name].as_str().unwrap().to_owned();
        (text("access_token"), text("refresh_token"))
    }

    async fn view_with(&self, access: &str) -> Answer {
        let path = plans_of(number(1));
        let (nonce, now) = (self.hub.hub.proof_nonce(), self.hub.clock.now().as_second());
        let address = format!("{ISSUER}/cpis/FHIR/R4/CareTeam");
        let proof = self.key.prove("GET", &address, Some(access), Some(&nonce), now).unwrap();
        let (shown, trace) = (format!("DPoP {access}"), uuid::Uuid::new_v4().to_string());
        let headers = [("Authorization", shown.as_str()), ("DPoP", &proof), ("TraceID", &trace)];
        self.hub.send("GET", &path, None, &headers, None).await
    }

    async fn get(&self, path: &str, access: &str) -> Answer {
        let (nonce, now) = (self.hub.hub.proof_nonce(), self.hub.clock.now().as_second());
        let proof =
            self.key.prove("GET", &format!("{ISSUER}{path}"), Some(access), Some(&nonce), now).unwrap();
        let shown = format!("DPoP {access}");
        self.hub.send("GET", path, None, &[("Authorization", &shown), ("DPoP", &proof)], None).await
    }

    /// Waits until the audit log says that sessions ended for this, and for nothing else.
    async fn until_said(&self, ended_by: &[&str]) {
        let said = "SELECT outcome FROM audit WHERE kind = 'session-ended'";
        super::support::data::until(|| self.hub.rows(said) == ended_by).await;
    }

    /// `goes on`, or `ended: ` and by what, as the database and the audit log say it alike.
    fn state(&self) -> String {
        // Both of one moment.
        let state = self.hub.rows(
            "SELECT coalesce(ended_by, '-'), (SELECT coalesce(group_concat(outcome), '-') FROM audit
             WHERE kind = 'session-ended') FROM session WHERE chain != x''",
        );
        let [state] = state.as_slice() else { panic!("{state:?}") };
        match state.split_once('|').unwrap() {
            ("-", "-") => "goes on".to_owned(),
            (by, said) => {
                assert_eq!(by, said);
                format!("ended: `{by}`")
            }
        }
    }
}

fn texts(granted: &Granted) -> (String, String) {
    (granted.access.secret().to_owned(), granted.refresh.secret().to_string())
}

/// As OAuth says it, or the status alone.
fn told(answer: &Answer) -> String {
    match answer.json()["error"].as_str() {
        Some(error) => format!("{} `{error}`", answer.status),
        None => answer.status.to_string(),
    }
}

/// What is shown, in a session of its own each time; as the table of the chapter says it.
async fn shown(name: &str, scene: &Scene) -> Answer {
    let other = ProofKey::generate().unwrap();
    let made_up = |id: &str| format!("{id}.{}", "A".repeat(43));
    let (id, _) = scene.refresh.split_once('.').unwrap();
    let with = |key: &ProofKey, body: String| scene.sent(key, body);
    let own = renewal(&scene.refresh);
    let sent = match name {
        "the refresh token, with its key" => with(&scene.key, own),
        "the one before, within a minute, its successor unused" => {
            let (_, successor) = scene.renew(&scene.refresh).await;
            scene.hub.clock.turn_to(scene.hub.clock.now() + SignedDuration::from_secs(60));
            let answer = scene.post("/token", with(&scene.key, own)).await;
            assert_eq!(answer.json()["refresh_token"], successor.as_str());
            return answer;
        }
        "the one before, after a minute" => {
            scene.renew(&scene.refresh).await;
            scene.hub.clock.turn_to(scene.hub.clock.now() + SignedDuration::from_secs(61));
            with(&scene.key, own)
        }
        "the one before, its successor used" | "an older one" => {
            let (_, second) = scene.renew(&scene.refresh).await;
            let (_, third) = scene.renew(&second).await;
            if name == "an older one" {
                scene.renew(&third).await;
            }
            with(&scene.key, own)
        }
        "the refresh token, with another key" => with(&other, own),
        "the one before, with another key" => {
            scene.renew(&scene.refresh).await;
            with(&other, own)
        }
        "an older one, with another key" => {
            let (_, second) = scene.renew(&scene.refresh).await;
            scene.renew(&second).await;
            with(&other, own)
        }
        "a made-up one of the session, with another key" => with(&other, renewal(&made_up(id))),
        "a made-up one of no session" => with(&scene.key, renewal(&made_up(&"0".repeat(32)))),
        "the refresh token, without a proof" => Sent { proof: None, ..with(&scene.key, own) },
        "the refresh token, with a proof that was shown before" => {
            let sent = with(&scene.key, own.clone());
            let proof = sent.proof.clone();
            assert_eq!(scene.post("/token", sent).await.status, 200);
            Sent { proof, ..with(&scene.key, own) }
        }
        "the refresh token, without a nonce" => {
            let now = scene.hub.clock.now().as_second();
            let proof = scene.key.prove("POST", &format!("{ISSUER}/token"), None, None, now).unwrap();
            Sent { proof: Some(proof), ..with(&scene.key, own) }
        }
        "the access token" => with(&scene.key, renewal(&scene.access)),
        "nothing" => with(&scene.key, String::new()),
        "the refresh token twice" => with(&scene.key, format!("{own}&refresh_token={}", scene.refresh)),
        "the refresh token, as JSON" => Sent { kind: "application/json", ..with(&scene.key, own) },
        ANNOUNCED => return Answer::to_announced(&scene.hub.base, "/token", 100 * 1024).await,
        UNANNOUNCED => {
            return Answer::to_unannounced(&scene.hub.base, "/token", limits::FORM_BYTES + 1).await;
        }
        "the refresh token, for another grant" => {
            with(&scene.key, own.replace("=refresh_token", "=password"))
        }
        "the refresh token, after nothing was asked for too long" => {
            scene.hub.turn(31);
            with(&scene.key, own)
        }
        "the refresh token, after the session's whole time" => {
            let mut refresh = scene.refresh.clone();
            for _ in 0..36 {
                scene.hub.turn(20);
                if scene.hub.clock.now() < super::support::at(super::support::NOW) + TIMES.whole {
                    (_, refresh) = scene.renew(&refresh).await;
                }
            }
            with(&scene.key, renewal(&refresh))
        }
        other => panic!("the chapter knows what this test does not: {other}"),
    };
    scene.post("/token", sent).await
}

#[tokio::test]
async fn every_row_of_the_chapters_table_is_so() {
    let part = CHAPTER.split("| Shown at `/token` |").nth(1).unwrap().split("\n\n").next().unwrap();
    let rows: Vec<Vec<&str>> = part
        .lines()
        .filter_map(|line| Some(line.strip_prefix("| ")?.trim_end_matches(" |").split(" | ").collect()))
        .filter(|cells: &Vec<&str>| cells.len() == 3 && cells[1].starts_with(char::is_numeric))
        .collect();
    assert!(rows.len() >= 19, "{rows:?}");
    for row in rows {
        let scene = Scene::new().await;
        let calls = scene.hub.hub.unproven().count();
        let answer = shown(row[0], &scene).await;
        assert_eq!(told(&answer), row[1].split(',').next().unwrap(), "{}", row[0]);
        assert_eq!(scene.state(), row[2], "{}", row[0]);
        assert!(answer.header("dpop-nonce").is_some(), "{}", row[0]);
        // Whoever is refused is noted as nobody, and of an ended session no token is good.
        let is_refused = answer.status != 200;
        let is_malformed = row[1].contains("invalid_request") || row[1].contains("unsupported");
        assert_eq!(scene.hub.hub.unproven().count() > calls, is_refused && !is_malformed, "{}", row[0]);
        if row[2] != "goes on" {
            let refused = scene.view_with(&scene.access).await;
            assert_eq!(refused.told(), "401 ACCESS_DENIED", "{}", row[0]);
            let again = scene.post("/token", scene.sent(&scene.key, renewal(&scene.refresh))).await;
            assert_eq!(told(&again), "400 `invalid_grant`", "{}", row[0]);
        } else if [400, 413].contains(&answer.status) && row[0] != "an older one, with another key" {
            scene.renew(&scene.refresh).await;
        }
    }
}

#[tokio::test]
async fn a_session_goes_on_with_each_token_after_the_other() {
    let scene = Scene::new().await;
    let (mut access, mut refresh) = (scene.access.clone(), scene.refresh.clone());
    for _ in 0..20 {
        assert_eq!(scene.view_with(&access).await.status, 200);
        scene.hub.turn(11);
        assert_eq!(scene.view_with(&access).await.status, 401, "it lives ten minutes");
        let next = scene.renew(&refresh).await;
        assert!(next.0 != access && next.1 != refresh);
        (access, refresh) = next;
    }
    assert_eq!(scene.hub.rows("SELECT kind FROM audit WHERE kind LIKE 'session%'"), ["session-begun"]);
    let written = scene
        .hub
        .rows("SELECT hex(chain) || hex(current) || hex(previous) FROM session WHERE chain != x''")
        .concat();
    assert_eq!(written.len(), 3 * 64, "hashes, and nothing that could be shown");
}

#[tokio::test]
async fn what_is_asked_keeps_a_session_from_being_idle() {
    let scene = Scene::new().await;
    scene.hub.turn(9);
    assert_eq!(scene.view_with(&scene.access).await.status, 200);
    scene.hub.turn(29);
    scene.renew(&scene.refresh).await;
    assert_eq!(scene.state(), "goes on");
}

#[tokio::test]
async fn signing_out_ends_the_session_at_once_and_for_good() {
    let scene = Scene::new().await;
    assert_eq!(scene.view_with(&scene.access).await.status, 200);
    let revoke = |token: &str| Sent {
        proof: Some(scene.proof(&scene.key, "/revoke")),
        kind: FORM,
        body: format!("token={token}"),
    };
    // Of somebody else's, of nothing, and of nobody's the answer is the same.
    for other in ["x", &format!("{}.{}", "0".repeat(32), "A".repeat(43))] {
        assert_eq!(scene.post("/revoke", revoke(other)).await.status, 200);
    }
    assert_eq!(scene.view_with(&scene.access).await.status, 200);
    let ended = scene.post("/revoke", revoke(&scene.refresh)).await;
    assert_eq!((ended.status, ended.body.as_str()), (200, "{}"));
    assert_eq!(scene.state(), "ended: `signed-out`");
    let refused = scene.view_with(&scene.access).await;
    assert_eq!(refused.header("www-authenticate"), Some("DPoP error=\"invalid_token\", algs=\"ES256\""));
    assert_eq!(scene.hub.hub.unproven().recent().pop().unwrap().why.code(), "session-ended");
    assert_eq!(scene.hub.count("SELECT 1 FROM view"), 2);
    // Another session of the same person goes on.
    let other = scene.hub.hub.begin_session(nurse(), scene.key.thumbprint(), TIMES).await.unwrap();
    assert_eq!(scene.view_with(&texts(&other).0).await.status, 200);
}

#[tokio::test]
async fn whoever_has_the_sessions_key_signs_out_with_whichever_token_they_have() {
    for which in ["the one before", "an older one", "a made-up one"] {
        let scene = Scene::new().await;
        let (_, second) = scene.renew(&scene.refresh).await;
        let token = match which {
            "an older one" => {
                scene.renew(&second).await;
                scene.refresh.clone()
            }
            "the one before" => scene.refresh.clone(),
            _ => format!("{}.{}", scene.refresh.split_once('.').unwrap().0, "A".repeat(43)),
        };
        let stranger = ProofKey::generate().unwrap();
        let sent = |key: &ProofKey| Sent {
            proof: Some(scene.proof(key, "/revoke")),
            kind: FORM,
            body: format!("token={token}"),
        };
        if which != "the one before" {
            // Whoever has neither the key nor a token that is known ends nothing.
            assert_eq!(scene.post("/revoke", sent(&stranger)).await.status, 200);
            assert_eq!(scene.state(), "goes on", "{which}");
        }
        assert_eq!(scene.post("/revoke", sent(&scene.key)).await.status, 200);
        assert_eq!(scene.state(), "ended: `signed-out`", "{which}");
        assert_eq!(scene.view_with(&scene.access).await.status, 401, "{which}");
    }
}

#[tokio::test]
async fn whoever_signs_out_and_hangs_up_is_signed_out() {
    let scene = Scene::new().await;
    let lock = rusqlite::Connection::open(&scene.hub.database).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let body = format!("token={}", scene.refresh);
    let sent = Sent { proof: Some(scene.proof(&scene.key, "/revoke")), kind: FORM, body };
    // The entry has to wait for the lock, and its caller does not wait.
    let hung_up = tokio::time::timeout(Duration::from_millis(500), scene.post("/revoke", sent)).await;
    assert!(hung_up.is_err());
    lock.execute_batch("ROLLBACK").unwrap();
    while scene.state() == "goes on" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(scene.view_with(&scene.access).await.status, 401);
}

#[tokio::test]
async fn whoever_renews_and_hangs_up_has_been_at_work() {
    let scene = Scene::new().await;
    let access = long_token(&scene);
    scene.hub.turn(20);
    let lock = rusqlite::Connection::open(&scene.hub.database).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let sent = scene.sent(&scene.key, renewal(&scene.refresh));
    let hung_up = tokio::time::timeout(Duration::from_millis(500), scene.post("/token", sent)).await;
    assert!(hung_up.is_err());
    lock.execute_batch("ROLLBACK").unwrap();
    let rotated = "SELECT 'yes' FROM session WHERE previous IS NOT NULL";
    super::support::data::until(|| scene.hub.rows(rotated) == ["yes"]).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    scene.hub.turn(20);
    assert_eq!(scene.view_with(&access).await.status, 200, "idle since the renewal, and not since before it");
}

#[tokio::test]
async fn nobodys_form_is_short_and_keeps_no_connection() {
    let scene = Scene::new().await;
    let long = format!("token={}", "x".repeat(cpis::hub::limits::FORM_BYTES));
    let sent = Sent { proof: None, kind: FORM, body: long };
    assert_eq!(scene.post("/revoke", sent).await.status, 413);
    let sent = Sent { proof: None, kind: FORM, body: "token=x".to_owned() };
    let answer = scene.post("/revoke", sent).await;
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
}

#[tokio::test]
async fn sessions_that_go_on_and_that_have_ended_are_so_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("hub.db");
    let pem = super::support::program::private_key_pem();
    let key = ProofKey::generate().unwrap();
    let clock = cpis::hub::clock::Clock::standing_at(super::support::at(super::support::NOW));
    let open = || {
        let config: HubConfig = configuration(database.clone(), TailDays::default());
        let signing = cpis::identity::token::SigningKey::from_pem(&pem).unwrap();
        Hub::open(&config, signing, clock.clone()).unwrap()
    };
    // Asked through the router: only the database outlives it.
    let ask = async |hub: &Hub, path: &str, body: String| -> (u16, Value) {
        let proof = key.prove(
            "POST",
            &format!("{ISSUER}{path}"),
            None,
            Some(&hub.proof_nonce()),
            clock.now().as_second(),
        );
        let request =
            axum::http::Request::post(path).header("DPoP", proof.unwrap()).header("Content-Type", FORM);
        let request = request.body(axum::body::Body::from(body)).unwrap();
        let response = tower::ServiceExt::oneshot(cpis::hub::router(hub.clone()), request).await.unwrap();
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    };
    let hub = open();
    let (goes_on, ends) = (
        hub.begin_session(nurse(), key.thumbprint(), TIMES).await.unwrap(),
        hub.begin_session(nurse(), key.thumbprint(), TIMES).await.unwrap(),
    );
    let ((_, first), (_, ended)) = (texts(&goes_on), texts(&ends));
    assert_eq!(ask(&hub, "/revoke", format!("token={ended}")).await.0, 200);
    let (_, granted) = ask(&hub, "/token", renewal(&first)).await;
    hub.store().close().await;
    drop(hub);
    let hub = open();
    assert_eq!(ask(&hub, "/token", renewal(&ended)).await.0, 400);
    // The answer to the renewal was lost with the hub: it is given again.
    let (status, again) = ask(&hub, "/token", renewal(&first)).await;
    assert_eq!((status, &again["refresh_token"]), (200, &granted["refresh_token"]));
    assert_eq!(ask(&hub, "/token", renewal(again["refresh_token"].as_str().unwrap())).await.0, 200);
    hub.store().close().await;
    tokio::time::sleep(Duration::ZERO).await;
}

/// A token of the session for an hour, as no viewer has one: so long nobody has to renew.
fn long_token(scene: &Scene) -> String {
    let caller = cpis::domain::Caller {
        session: scene.hub.rows("SELECT id FROM session WHERE chain != x''")[0].clone(),
        ..nurse()
    };
    let minter = cpis::identity::token::Minter::new(scene.hub.key.clone(), ISSUER);
    let hour = SignedDuration::from_hours(1);
    minter.mint(&caller, scene.key.thumbprint(), scene.hub.clock.now(), hour).unwrap().secret().to_owned()
}

#[tokio::test]
async fn a_session_in_which_nobody_is_at_work_ends_with_its_next_request_whoever_asks() {
    for (path, ends) in [("/metadata", true), ("/access/ABCD-EFGH", true), ("view", false)] {
        let scene = Scene::new().await;
        let access = long_token(&scene);
        let mut last = 0;
        for _ in 0..7 {
            scene.hub.turn(5);
            last = match path {
                "view" => scene.view_with(&access).await.status,
                path => scene.get(path, &access).await.status,
            };
        }
        assert_eq!(last == 401, ends, "{path}: {last}");
        scene.until_said(if ends { &["idle"] } else { &[] }).await;
        assert_eq!(scene.view_with(&access).await.status == 401, ends, "{path}");
    }
}

#[tokio::test]
async fn a_session_that_is_over_ends_although_somebody_is_at_work() {
    let scene = Scene::new().await;
    scene.hub.turn(12 * 60 - 1);
    // Nobody asked for twelve hours: it is over and idle, and over goes first.
    scene.hub.turn(1);
    assert_eq!(scene.view_with(&long_token(&scene)).await.status, 401);
    scene.until_said(&["over"]).await;
}

#[tokio::test]
async fn a_genuine_token_of_a_session_that_the_database_does_not_know_is_nobodys() {
    let scene = Scene::new().await;
    let caller = cpis::domain::Caller { session: "0".repeat(32), ..nurse() };
    let minter = cpis::identity::token::Minter::new(scene.hub.key.clone(), ISSUER);
    let minted =
        minter.mint(&caller, scene.key.thumbprint(), scene.hub.clock.now(), SignedDuration::from_mins(5));
    let refused = scene.view_with(minted.unwrap().secret()).await;
    assert_eq!(refused.told(), "401 ACCESS_DENIED");
    assert_eq!(refused.header("www-authenticate"), Some("DPoP error=\"invalid_token\", algs=\"ES256\""));
    assert_eq!(scene.hub.hub.unproven().recent().pop().unwrap().why.code(), "session-unknown");
    assert_eq!(scene.hub.count("SELECT 1 FROM view"), 0);
}

#[tokio::test]
async fn whoever_knows_a_sessions_id_alone_uses_up_nothing_of_its_user() {
    let few = cpis::config::hub::LimitSettings { others_at_once: Some(60), ..super::support::generous() };
    let scene = Scene::in_hub(TestHub::with_limits(few, &child()).await).await;
    let (id, _) = scene.refresh.split_once('.').unwrap();
    let made_up = format!("{id}.{}", "A".repeat(43));
    for _ in 0..70 {
        let stranger = ProofKey::generate().unwrap();
        let answer = scene.post("/token", scene.sent(&stranger, renewal(&made_up))).await;
        assert_eq!(told(&answer), "400 `invalid_grant`");
        let sent = Sent {
            proof: Some(scene.proof(&stranger, "/revoke")),
            kind: FORM,
            body: format!("token={made_up}"),
        };
        assert_eq!(scene.post("/revoke", sent).await.status, 200);
    }
    scene.renew(&scene.refresh).await;
    // Who holds the session's key is its user.
    let mut last = 200;
    for _ in 0..70 {
        last = scene.post("/token", scene.sent(&scene.key, renewal(&scene.refresh))).await.status;
    }
    assert_eq!(last, 429);
}

#[tokio::test]
async fn a_stolen_refresh_token_that_is_shown_to_revoke_is_audited_as_what_it_was() {
    let scene = Scene::new().await;
    let thief = ProofKey::generate().unwrap();
    let sent = Sent {
        proof: Some(scene.proof(&thief, "/revoke")),
        kind: FORM,
        body: format!("token={}", scene.refresh),
    };
    assert_eq!(scene.post("/revoke", sent).await.status, 200);
    assert_eq!(scene.state(), "ended: `other-key`");
}

#[tokio::test]
async fn strangers_cost_no_signature_and_are_not_remembered() {
    let scene = Scene::new().await;
    let stranger = ProofKey::generate().unwrap();
    let made_up = renewal(&format!("{}.{}", "0".repeat(32), "A".repeat(43)));
    let sent = scene.sent(&stranger, made_up.clone());
    let proof = sent.proof.clone();
    assert_eq!(told(&scene.post("/token", sent).await), "400 `invalid_grant`");
    // A proof that had been looked at would be known now.
    let again = scene.post("/token", Sent { proof, ..scene.sent(&stranger, made_up) }).await;
    assert_eq!(told(&again), "400 `invalid_grant`");
    assert_eq!(scene.hub.hub.unproven().recent().pop().unwrap().why.code(), "refresh");
}

#[test]
fn after_a_restore_everybody_signs_in_again() {
    let place = super::support::program::Place::with(&child());
    let begin = |id: &str| {
        let sql = format!(
            "INSERT INTO session (id, user_id, user_name, role, role_profile, organisation_code, organisation, activities, key, chain, current, previous, rotated_ms, begun_ms, active_ms, idle_ms, over_ms, ended_ms, ended_by) VALUES ('{id}', 'u', 'n', 'r', 'p', 'RN3', 'o', 'B0107', 'k', x'00', x'00', NULL, 0, 0, 0, 1, 9e15, NULL, NULL)"
        );
        place.database().execute_batch(&sql.replace("9e15", "9000000000000000")).unwrap();
    };
    begin("a");
    let run = |arguments: &[&str]| {
        let output = place.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run(&["backup", "kept.db", "--config", "hub.toml"]);
    begin("b");
    run(&["restore", "kept.db", "--config", "hub.toml"]);
    let states =
        super::support::rows(&place.database(), "SELECT id, ended_by FROM session WHERE chain != x''");
    assert_eq!(states, ["a|restored"]);
    let said = "SELECT kind, outcome FROM audit WHERE kind LIKE 'session%' AND session = 'a'";
    assert_eq!(super::support::rows(&place.database(), said), ["session-ended|restored"]);
}
