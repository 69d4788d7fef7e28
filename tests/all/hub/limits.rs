//! Slow, oversized and too many: an answer or a closed connection, never a hang.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::support::data::child;
use super::support::program::{Place, Program};
use super::support::{TestHub, nurse, proofs};

fn connect(program: &Program) -> TcpStream {
    let address = program.base.strip_prefix("http://").unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// What comes until the connection is closed, and after how long.
fn until_closed(stream: &mut TcpStream) -> (String, Duration) {
    let started = Instant::now();
    let mut bytes = Vec::new();
    // A reset counts as closed.
    let _ = stream.read_to_end(&mut bytes);
    (String::from_utf8_lossy(&bytes).into_owned(), started.elapsed())
}

#[test]
fn slow_and_oversized_requests_end_with_an_outcome_or_a_closed_connection() {
    let place = Place::with(&child());
    place.configure("[limits]\nidle_seconds = 7\n");
    let program = place.serve();
    let bearer = place.token(&nurse());
    let nonce = proofs::nonce(&program.base);
    let path = "/cpis/FHIR/R4/AuditEvent";
    let proved = || format!("Host: hub\r\n{}", proofs::head("POST", path, &bearer, &nonce));
    std::thread::scope(|scope| {
        let check = |sent: String, expected: &'static str, seconds: std::ops::Range<u64>| {
            let mut stream = connect(&program);
            scope.spawn(move || {
                // The hub may close before everything is written.
                let _ = stream.write_all(sent.as_bytes());
                let (answer, after) = until_closed(&mut stream);
                let first: String = answer.lines().next().unwrap_or("closed").to_owned();
                assert!(first.starts_with(expected), "{expected}: {first}");
                let is_outcome = answer.contains("OperationOutcome");
                let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
                assert!(is_outcome || body.is_empty(), "an outcome or nothing: {body}");
                assert!(seconds.contains(&after.as_secs()), "{expected} after {after:?}");
            });
        };
        // Headers that never end, a connection on which nothing comes, a body that never comes.
        check("GET /healthz HTTP/1.1\r\nHost: h".to_owned(), "closed", 4..8);
        check(String::new(), "closed", 6..10);
        let post = || format!("POST {path} HTTP/1.1\r\n{}Connection: close\r\n", proved());
        check(format!("{}Content-Length: 100\r\n\r\n{{", post()), "HTTP/1.1 408", 9..13);
        let chunked = format!("{}Transfer-Encoding: chunked\r\n\r\nrubbish\r\n", post());
        check(chunked, "HTTP/1.1 400", 0..4);
        // Too much.
        check(format!("{}Content-Length: 70000\r\n\r\n{}", post(), " ".repeat(70_000)), "HTTP/1.1 413", 0..4);
        let close = "Connection: close\r\n";
        check(format!("GET /{} HTTP/1.1\r\n{close}\r\n", "x".repeat(20_000)), "HTTP/1.1 431", 0..8);
        check(
            format!("GET / HTTP/1.1\r\nX-Long: {}\r\n{close}\r\n", "x".repeat(20_000)),
            "HTTP/1.1 431",
            0..8,
        );
        check(format!("GET / HTTP/1.1\r\n{}{close}\r\n", "X-A: b\r\n".repeat(100)), "HTTP/1.1 431", 0..8);
        check("\0\u{1}\u{2}rubbish\r\n\r\n".to_owned(), "HTTP/1.1 400", 0..8);
    });
    let log = place.log();
    assert!(!log.contains("xxxx") && !log.contains("rubbish") && !log.contains(&bearer));
}

#[tokio::test]
async fn a_hub_listens_on_loopback_addresses_only() {
    let hub = TestHub::empty().await;
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = cpis::hub::serve(listener, hub.hub.clone(), std::future::pending()).await.unwrap_err();
    assert!(refused.to_string().contains("loopback"), "{refused}");
}

#[test]
fn whoever_still_sends_what_is_refused_reads_the_refusal() {
    let place = Place::with(&child());
    let program = place.serve();
    let path = "/cpis/FHIR/R4/AuditEvent";
    let proved = proofs::head("POST", path, &place.token(&nurse()), &proofs::nonce(&program.base));
    let mut stream = connect(&program);
    let head = format!("POST {path} HTTP/1.1\r\nHost: hub\r\n{proved}Content-Length: 300000\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    // As a client that does not look at an answer before it has sent everything, over a slow line.
    for _ in 0..30 {
        std::thread::sleep(Duration::from_millis(20));
        stream.write_all(&[b' '; 10_000]).unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("PAYLOAD_TOO_LARGE"), "{answer}");
}
