//! Connections: idle, slow and hostile ones harm nobody.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use super::support::data::{child, number, plans_of};
use super::support::program::{Place, Program};
use super::support::{nurse, proofs};

fn connect(program: &Program) -> TcpStream {
    let address = program.base.strip_prefix("http://").unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// A view of the child, as a client writes it.
fn view(place: &Place, nonce: &str, more: &str) -> String {
    let (path, trace) = (plans_of(number(1)), uuid::Uuid::new_v4());
    let proved = proofs::head("GET", &path, &bearer(place), nonce);
    format!("GET {path} HTTP/1.1\r\nHost: hub\r\n{proved}TraceID: {trace}\r\n{more}\r\n")
}

fn bearer(place: &Place) -> String {
    place.token(&nurse())
}

/// The status lines and bodies of answers, one after the other, as long as there are any.
fn answers(stream: &TcpStream, most: usize) -> Vec<(String, String)> {
    let mut reader = BufReader::new(stream);
    let mut answers = Vec::new();
    while answers.len() < most {
        let mut status = String::new();
        if reader.read_line(&mut status).unwrap_or(0) == 0 {
            break;
        }
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) <= 2 {
                break;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        let _ = reader.read_exact(&mut body);
        let status = status.trim().strip_prefix("HTTP/1.1 ").or(status.trim().strip_prefix("HTTP/1.0 "));
        answers.push((status.unwrap_or("?")[..3].to_owned(), String::from_utf8_lossy(&body).into_owned()));
    }
    answers
}

fn statuses(stream: &TcpStream, most: usize) -> Vec<String> {
    answers(stream, most).into_iter().map(|(status, _)| status).collect()
}

/// One good view on a connection of its own.
fn good_view(place: &Place, nonce: &str, program: &Program) -> Vec<String> {
    let mut stream = connect(program);
    stream.write_all(view(place, nonce, "Connection: close\r\n").as_bytes()).unwrap();
    statuses(&stream, 2)
}

fn is_closed(stream: &TcpStream) -> bool {
    let mut byte = [0];
    // A reset counts as closed.
    !matches!((&*stream).read(&mut byte), Ok(1))
}

#[test]
fn idle_and_slow_connections_make_room_for_good_ones_and_a_request_under_way_never_does() {
    let place = Place::with(&child());
    place.configure("[limits]\nconnections = 64\nidle_seconds = 600\n");
    let program = place.serve();
    let nonce = proofs::nonce(&program.base);
    // A request under way: its body is still to come.
    let mut under_way = connect(&program);
    let path = "/cpis/FHIR/R4/AuditEvent";
    let proved = proofs::head("POST", path, &bearer(&place), &nonce);
    let post = format!("POST {path} HTTP/1.1\r\nHost: h\r\n{proved}Content-Length: 2\r\n\r\n{{");
    under_way.write_all(post.as_bytes()).unwrap();
    // One that has had an answer, and one with half a request: idle both.
    let mut answered = connect(&program);
    answered.write_all(view(&place, &nonce, "").as_bytes()).unwrap();
    assert_eq!(statuses(&answered, 1), ["200"]);
    let mut half = connect(&program);
    half.write_all(b"GET /healthz HTT").unwrap();
    // Six hundred more than there are places for, and good clients among them.
    let mut idle = Vec::new();
    for turn in 0..600 {
        idle.push(connect(&program));
        if turn % 60 == 0 {
            assert_eq!(good_view(&place, &nonce, &program), ["200"], "after {turn} idle connections");
        }
    }
    assert_eq!(good_view(&place, &nonce, &program), ["200"]);
    assert!(is_closed(&answered) && is_closed(&half) && is_closed(&idle[0]), "the longest idle have gone");
    under_way.write_all(b"}").unwrap();
    assert_eq!(statuses(&under_way, 1), ["400"], "the one with a request was waited for");
    let last = idle.last_mut().unwrap();
    last.write_all(view(&place, &nonce, "").as_bytes()).unwrap();
    assert_eq!(statuses(last, 1), ["200"], "the least idle are still there");
    drop(idle);
}

#[test]
fn a_client_that_does_not_take_its_answers_is_cut_off_and_harms_nobody() {
    let place = Place::with(&child());
    let program = place.serve();
    let nonce = proofs::nonce(&program.base);
    let slow = connect(&program);
    slow.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
    // More requests than the system keeps answers for, and none is read.
    let request: String = (0..64).map(|_| view(&place, &nonce, "")).collect();
    let asked_until_cut_off = std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            for _ in 0..100_000 {
                if (&slow).write_all(request.as_bytes()).is_err() {
                    return true;
                }
            }
            false
        });
        while !asking.is_finished() {
            assert_eq!(good_view(&place, &nonce, &program), ["200"]);
            std::thread::sleep(Duration::from_millis(200));
        }
        asking.join().unwrap()
    });
    assert!(asked_until_cut_off);
}

#[test]
fn what_could_hide_a_second_request_hides_none() {
    let place = Place::with(&child());
    let program = place.serve();
    let nonce = proofs::nonce(&program.base);
    let hidden = "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
    let path = "/cpis/FHIR/R4/AuditEvent";
    let post = format!("POST {path} HTTP/1.1\r\nHost: h\r\nPROVED\r\n");
    let proved =
        |sent: &str| sent.replace("PROVED\r\n", &proofs::head("POST", path, &bearer(&place), &nonce));
    let check = |sent: String, expected: &[&str]| {
        let mut stream = connect(&program);
        stream.write_all(proved(&sent).as_bytes()).unwrap();
        assert_eq!(statuses(&stream, 5), expected, "{sent}");
    };
    let chunked = "Transfer-Encoding: chunked\r\n";
    // Both lengths: the body ends where the chunks end, and so does the connection.
    check(format!("{post}Content-Length: 6\r\n{chunked}\r\n0\r\n\r\n{hidden}"), &["400"]);
    check(format!("{post}{chunked}Content-Length: 6\r\n\r\n0\r\n\r\n{hidden}"), &["400"]);
    // Lengths that contradict each other, signs, lists, encodings that are none, an obsolete fold.
    for length in [
        "Content-Length: 2\r\nContent-Length: 3\r\n",
        "Content-Length: +2\r\n",
        "Content-Length: 2, 3\r\n",
        "Content-Length: 0x2\r\n",
        "Content-Length : 2\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "X-Folded: a\r\n Content-Length: 2\r\n",
    ] {
        check(format!("{post}{length}\r\n{{}}{hidden}"), &["400"]);
    }
    // Chunks that are none: a size that overflows, that is negative, none at all, or extensions without end.
    for chunk in ["FFFFFFFFFFFFFFFFF\r\n", "-1\r\n", "\r\n\r\n", "zz\r\n"] {
        check(format!("{post}{chunked}\r\n{chunk}{hidden}"), &["400"]);
    }
    // Thousands of chunks of one byte are a body like another, within its limit.
    check(
        format!("{post}{chunked}Connection: close\r\n\r\n{}0\r\n\r\n", "1\r\n \r\n".repeat(5_000)),
        &["400"],
    );
    // Beyond it, and chunks that say more than their size without end, are refused: with an answer, if the client
    // stops sending to read it.
    for (body, expected) in
        [("1\r\n \r\n".repeat(70_000), "413"), (format!("1;{}\r\n", "x".repeat(70_000)), "400")]
    {
        let mut too_much = connect(&program);
        let _ = too_much.write_all(proved(&format!("{post}{chunked}\r\n{body}0\r\n\r\n")).as_bytes());
        let told = statuses(&too_much, 5);
        assert!(told.is_empty() || told == [expected], "{told:?}");
    }
    assert_eq!(good_view(&place, &nonce, &program), ["200"]);
}

#[test]
fn nobody_known_gets_one_answer_on_a_connection() {
    let place = Place::with(&child());
    let program = place.serve();
    for open in ["/openapi.json", "/healthz", "/nowhere", "/metadata"] {
        let mut stream = connect(&program);
        stream.write_all(format!("GET {open} HTTP/1.1\r\nHost: h\r\n\r\n").repeat(5).as_bytes()).unwrap();
        assert_eq!(statuses(&stream, 5).len(), 1, "{open}");
    }
}

#[test]
fn old_and_hurried_clients_are_answered_in_order() {
    let place = Place::with(&child());
    let program = place.serve();
    let nonce = proofs::nonce(&program.base);
    // HTTP/1.0 has no chunks and no Host, and its connection ends with the answer.
    let mut old = connect(&program);
    old.write_all(view(&place, &nonce, "").replace("HTTP/1.1", "HTTP/1.0").as_bytes()).unwrap();
    assert_eq!(statuses(&old, 2), ["200"]);
    // Ten at once: ten answers, in order, each view logged once.
    let mut hurried = connect(&program);
    let asked: String =
        (0..10)
            .map(|turn| {
                if turn == 4 { "GET /nowhere HTTP/1.1\r\n\r\n".to_owned() } else { view(&place, &nonce, "") }
            })
            .collect();
    hurried.write_all(asked.as_bytes()).unwrap();
    let answered = statuses(&hurried, 10);
    assert_eq!(answered, ["200", "200", "200", "200", "404", "200", "200", "200", "200", "200"]);
    assert_eq!(super::support::rows(&place.database(), "SELECT 1 FROM view").len(), 10);
}

#[test]
fn where_the_system_allows_few_files_there_are_fewer_connections_and_a_warning() {
    let place = Place::with(&child());
    let limited = |files: &str| {
        let mut command = Command::new("sh");
        let script = format!("{files}; exec '{}' serve --config hub.toml", env!("CARGO_BIN_EXE_cpis-hub"));
        command.args(["-c", &script]).process_group(0);
        place.serve_with(command)
    };
    let warned = || place.log().contains("raise LimitNOFILE");
    // The soft limit is raised by the hub itself, and it takes as many as it is to.
    place.configure("[limits]\nconnections = 300\n");
    let program = limited("ulimit -S -n 100");
    let nonce = proofs::nonce(&program.base);
    let open: Vec<_> = (0..250).map(|_| connect(&program)).collect();
    assert_eq!(good_view(&place, &nonce, &program), ["200"]);
    assert!(open.iter().all(|stream| stream.set_nonblocking(true).is_ok() && !is_over(stream)) && !warned());
    drop((open, program));
    // The hard limit it cannot raise: fewer, and good clients are answered all the same.
    let program = limited("ulimit -n 100");
    let nonce = proofs::nonce(&program.base);
    let open: Vec<_> = (0..250).map(|_| connect(&program)).collect();
    assert_eq!(good_view(&place, &nonce, &program), ["200"]);
    assert!(warned() && !place.log().contains("could not be accepted"));
    drop(open);
}

/// Whether the other end has closed; of a connection that does not block.
fn is_over(stream: &TcpStream) -> bool {
    let mut byte = [0];
    match (&*stream).read(&mut byte) {
        Ok(read) => read == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}
