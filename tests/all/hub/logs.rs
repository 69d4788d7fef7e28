//! Must hold 6, the hub's half: no NHS number, name or token in any log line, with `RUST_LOG=trace` and every
//! failure provoked.

use rusqlite::Connection;
use uuid::Uuid;

use super::support::data::{
    CHILD_PROTECTION, NO_CODES, child, history_of, lines, number, person, plan, plans_of,
    plans_without_codes, superseded,
};
use super::support::program::{Place, Program};
use super::support::signing_in::Viewer;
use super::support::{ISSUER, caller, configuration, midwife, nurse, proofs, receptionist};
use cpis::domain::Caller;

struct Asking<'a> {
    place: &'a Place,
    program: &'a Program,
    http: reqwest::Client,
}

impl Asking<'_> {
    async fn ask(&self, method: &str, path: &str, who: &Caller, headers: &[(&str, &str)], body: &str) -> u16 {
        let bearer = self.place.token(who);
        let trace = Uuid::new_v4().to_string();
        let mut request = self
            .http
            .request(method.parse().unwrap(), format!("{}{path}", self.program.base))
            .header("X-Request-ID", &trace);
        if !headers.iter().any(|(name, _)| *name == "TraceID") {
            request = request.header("TraceID", &trace);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        // Of an oversized body the hub reads no more than it wants, and closes.
        proofs::send(request.body(body.to_owned()), &bearer)
            .await
            .map_or(413, |response| response.status().as_u16())
    }
}

#[cfg(unix)]
#[tokio::test]
async fn no_number_name_or_token_reaches_the_log_when_the_disk_is_full() {
    let place = Place::with(&child());
    let mut command = std::process::Command::new("sh");
    let script = format!(
        "trap '' XFSZ; ulimit -f 300; exec '{}' serve --config hub.toml",
        env!("CARGO_BIN_EXE_cpis-hub")
    );
    command.args(["-c", &script]);
    let program = place.serve_with(command);
    let asking = Asking { place: &place, program: &program, http: reqwest::Client::new() };
    let mut failed = 0;
    for _ in 0..60 {
        failed += usize::from(asking.ask("GET", &plans_of(number(1)), &nurse(), &[], "").await == 500);
    }
    assert!(failed > 0, "the disk never was full");
    let log = place.log();
    assert!(log.contains("a request failed inside the hub"));
    for secret in ["bennett", "okafor", "eyj", "e06000030", &number(1).digits()] {
        assert!(!log.to_lowercase().contains(secret), "{secret} in the log");
    }
    for line in log.lines() {
        assert!(line.contains(" cpis"), "a foreign line: {line}");
    }
}

#[tokio::test]
async fn no_number_name_or_token_reaches_the_log_whatever_fails() {
    let mut people = child();
    people.extend(lines(&[
        superseded(2, 1),
        person(3, "Verysecret", "Quentin", "2012-01-01"),
        plan(3, CHILD_PROTECTION, "2026-01-05", "", "E06000030"),
    ]));
    let place = Place::with(&people);
    let now_ms = cpis::hub::clock::Clock::system().now().as_millisecond();
    place.database().execute_batch(&plans_without_codes(number(3), now_ms)).unwrap();
    let program = place.serve();
    // A connection each: an oversized body ends its own.
    let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
    let asking = Asking { place: &place, program: &program, http };
    let who = caller("Zebedee Quux", "RN3", &["B0264", "B0107", "B0170"]);
    let patients = "/personal-demographics/FHIR/R4/Patient";
    let get = async |path: &str, who: &Caller, expected: u16| {
        assert_eq!(asking.ask("GET", path, who, &[], "").await, expected, "{path}");
    };
    get(&plans_of(number(3)), &who, 200).await;
    // Nobody has fetched it for hours: the hub says so by itself within a minute or so.
    place.database().execute_batch("UPDATE outbox SET at_ms = at_ms - 36000000").unwrap();
    get(&plans_of(number(2)), &midwife(), 200).await;
    get(&history_of(number(3)), &who, 200).await;
    get(&plans_of(number(3)), &receptionist(), 403).await;
    get(&history_of(number(1)), &nurse(), 403).await;
    get(&plans_of(number(9)), &who, 404).await;
    get(&format!("{patients}/{}", number(3).digits()), &who, 200).await;
    get(&format!("{patients}/{}", number(9).digits()), &who, 404).await;
    get(&format!("{patients}/{}x", number(3).digits()), &who, 400).await;
    get(&format!("{patients}?family=Verysecret&birthdate=2012-01-01"), &who, 200).await;
    get(&format!("{patients}?family=Verysecret&birthdate=Verysecret"), &who, 400).await;
    get(&format!("/nowhere/Verysecret/{}", number(3).digits()), &who, 404).await;
    get("/access/Verysecret", &who, 404).await;
    let trace = Uuid::new_v4().to_string();
    let headers = [("TraceID", trace.as_str())];
    assert_eq!(asking.ask("GET", &plans_of(number(3)), &who, &headers, "").await, 200);
    assert_eq!(asking.ask("GET", &plans_of(number(1)), &who, &headers, "").await, 400);
    let bad = [("TraceID", "Verysecret"), ("X-Site", "Verysecret")];
    assert_eq!(asking.ask("GET", &plans_of(number(1)), &who, &bad, "").await, 400);
    let site = [("X-Site", "Verysecret")];
    assert_eq!(asking.ask("GET", &plans_of(number(1)), &who, &site, "").await, 400);
    for (method, path) in [("POST", "/cpis/FHIR/R4/AuditEvent"), ("PUT", "/session/care-setting")] {
        assert_eq!(asking.ask(method, path, &who, &[], "{\"Verysecret\": \"Verysecret\"}").await, 400);
        assert_eq!(asking.ask(method, path, &who, &[], &"Verysecret".repeat(10_000)).await, 413);
    }
    assert_eq!(asking.ask("VERYSECRET", "/metadata", &who, &[], "").await, 405);
    let nobody = caller("Zebedee Quux", "", &[]);
    get(&plans_of(number(3)), &nobody, 401).await;
    // Failures inside: an aborting trigger, a row that cannot be read, a lock.
    let db = Connection::open(place.path("hub.db")).unwrap();
    db.execute_batch(
        "CREATE TRIGGER refuse BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'Verysecret'); END",
    )
    .unwrap();
    get(&plans_of(number(3)), &who, 500).await;
    db.execute_batch("DROP TRIGGER refuse; UPDATE plan SET kind = 'Verysecret', start_day = 'Verysecret'")
        .unwrap();
    get(&plans_of(number(3)), &who, 500).await;
    db.execute_batch("UPDATE person SET born = 'Verysecret', deceased = 'Verysecret'").unwrap();
    get(&plans_of(number(3)), &who, 500).await;
    get(&format!("{patients}?family=Verysecret&birthdate=2012-01-01"), &who, 500).await;
    db.execute_batch("BEGIN EXCLUSIVE").unwrap();
    get(&plans_of(number(3)), &who, 500).await;
    db.execute_batch("ROLLBACK").unwrap();
    // What is not HTTP, and what is cut off.
    for sent in [
        "Verysecret\r\n\r\n".to_owned(),
        format!("GET /{} HTTP/1.1\r\n\r\n", "Verysecret".repeat(2_000)),
        "GET /Verysecret HTTP/9.9\r\n\r\n".to_owned(),
        "POST /session/care-setting HTTP/1.1\r\nHost: h\r\nContent-Length: 99\r\n\r\n{\"Verysecret"
            .to_owned(),
        "GET / HTTP/1.1\r\nVerysecret".to_owned(),
    ] {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(program.base.strip_prefix("http://").unwrap()).unwrap();
        let _ = stream.write_all(sent.as_bytes());
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    }
    let overdue = std::time::Instant::now();
    while !place.log().contains("ring the authority") {
        assert!(overdue.elapsed().as_secs() < 300, "an overdue notification was never said");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    assert!(
        place.log().lines().any(|line| line.contains("ring the authority") && line.contains("\"other\""))
    );
    // A bad file to load.
    std::fs::write(place.path("bad"), person(3, "Verysecret", "Quentin", "Verysecret").to_string()).unwrap();
    let loaded = place.run(&["load", "bad", "--config", "hub.toml"]);
    let log = format!("{}{}", place.log(), String::from_utf8_lossy(&loaded.stderr));
    drop(program);
    let started = log.lines().filter(|line| line.contains("cpis::hub")).count();
    assert!(started > 25, "the log has its own lines");
    assert!(log.contains("a request failed inside the hub"));
    for secret in ["verysecret", "quentin", "bennett", "zebedee", "quux", "okafor", "marsh", "eyj", "bearer"]
    {
        assert!(!log.to_lowercase().contains(secret), "{secret} in the log");
    }
    for odd in NO_CODES {
        assert!(!log.contains(odd), "{odd} in the log");
    }
    // An authority is named where it has to be rung, and nowhere else.
    for line in log.lines().filter(|line| !line.contains("ring the authority")) {
        assert!(!line.contains("E06000030"), "{line}");
    }
    for seed in [1, 2, 3, 9] {
        assert!(!log.contains(&number(seed).digits()), "an NHS number in the log");
    }
    // Foreign crates may warn, of nothing that has happened here: every line is one of our own.
    for line in place.log().lines() {
        assert!(line.contains(" cpis"), "a foreign line: {line}");
    }
}

#[tokio::test]
async fn no_token_code_or_ticket_of_signing_in_reaches_the_log() {
    use cpis::domain::TailDays;
    use cpis::hub::{Hub, SessionTimes};
    use jiff::SignedDuration;

    let place = Place::with(&child());
    let clock = cpis::hub::clock::Clock::system();
    let mut viewer = Viewer::of("", ISSUER, clock.clone());
    let config = configuration(place.path("hub.db"), TailDays::default());
    let hub = Hub::open(&config, place.key.clone(), clock).unwrap();
    let times = SessionTimes { idle: SignedDuration::from_mins(15), whole: SignedDuration::from_hours(12) };
    let mut secrets = vec!["Verysecret".to_owned(), "Okafor".to_owned(), "eyJ".to_owned()];
    let mut begun = Vec::new();
    for _ in 0..3 {
        let granted = hub.begin_session(nurse(), viewer.key.thumbprint(), times).await.unwrap();
        secrets.push(granted.access.secret().to_owned());
        secrets.push(granted.refresh.secret().to_string());
        begun.push(granted.refresh.secret().to_string());
    }
    hub.store().close().await;
    drop(hub);
    let program = place.serve();
    viewer.hub.clone_from(&program.base);
    let renewal = |refresh: &str| format!("grant_type=refresh_token&refresh_token={refresh}");
    // Renewed, and ended for each reason that somebody's token can have.
    let renewed = viewer.post("/token", &renewal(&begun[0])).await.json();
    for name in ["access_token", "refresh_token"] {
        secrets.push(renewed[name].as_str().unwrap().to_owned());
    }
    let next = renewed["refresh_token"].as_str().unwrap();
    assert_eq!(viewer.post("/token", &renewal(next)).await.status, 200);
    assert_eq!(viewer.post("/token", &renewal(&begun[0])).await.status, 400, "reused");
    let thief = cpis::identity::dpop::ProofKey::generate().unwrap();
    assert_eq!(viewer.post_as(&thief, "/token", &renewal(&begun[1])).await.status, 400, "other-key");
    assert_eq!(viewer.post("/revoke", &format!("token={}", begun[2])).await.status, 200);
    // What somebody made up, and what is no form at all.
    let made_up = format!("{}.{}", "0".repeat(32), "Verysecret".repeat(5).split_at(43).0);
    for form in [
        renewal(&made_up),
        viewer.form(&made_up),
        format!("{}&prompt=Verysecret", viewer.form(&made_up)),
        "grant_type=Verysecret".to_owned(),
        "Verysecret=%zz".to_owned(),
    ] {
        assert_eq!(viewer.post("/token", &form).await.status, 400, "{form}");
    }
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let http = http.pool_max_idle_per_host(0).build().unwrap();
    for path in [
        "/authorize?client_id=Verysecret".to_owned(),
        viewer.address("login_hint=Verysecret").strip_prefix(&viewer.hub).unwrap().to_owned(),
        "/sign-in/back?code=Verysecret&state=Verysecret".to_owned(),
        "/sign-in?Verysecret".to_owned(),
        "/sign-out?ticket=Verysecret".to_owned(),
    ] {
        let cookie = "cpis-sign-in=Verysecret";
        let request = http.get(format!("{}{path}", program.base)).header("Cookie", cookie);
        assert!(request.send().await.unwrap().status().as_u16() >= 300, "{path}");
    }
    for (path, body) in [
        ("/sign-in", "form=Verysecret&answer=Verysecret"),
        ("/backchannel-logout", "logout_token=eyJVerysecret.eyJVerysecret.Verysecret"),
    ] {
        let request = http.post(format!("{}{path}", program.base)).body(body);
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        assert_eq!(request.send().await.unwrap().status().as_u16(), 400, "{path}");
    }
    drop(program);
    let log = place.log();
    assert!(log.contains("reused") && log.contains("calls of nobody known"), "{log}");
    for secret in secrets.iter().chain([&viewer.state, &viewer.verifier]) {
        assert!(!log.contains(secret.as_str()), "{secret} in the log");
    }
}
