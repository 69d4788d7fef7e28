//! TLS over real sockets: who is answered, and that slow and hostile ones harm nobody there either.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cpis::hub::limits;

use super::support::certificates::{Authority, TLS, ask, connect, secure, until_closed};
use super::support::data::{child, number, plans_of};
use super::support::program::{Place, Program, is_there};
use super::support::{nurse, proofs};

/// A hub with a certificate, and the authority that issued it.
fn hub(more: &str) -> (Place, Authority) {
    let (place, authority) = (Place::with(&child()), Authority::new("Trust of the tests"));
    authority.for_hub().put(place.directory.path());
    place.configure(&format!("{TLS}{more}"));
    (place, authority)
}

/// A view of the child, as a client writes it, without its last empty line.
fn view(place: &Place, nonce: &str) -> String {
    let bearer = place.token(&nurse());
    let (path, trace) = (plans_of(number(1)), uuid::Uuid::new_v4());
    let proved = proofs::head("GET", &path, &bearer, nonce);
    format!("GET {path} HTTP/1.1\r\nHost: hub\r\n{proved}TraceID: {trace}\r\n")
}

/// What the proofs of a view have to carry.
fn nonce(program: &Program, authority: &Authority) -> String {
    proofs::nonce_from(secure(&program.base, &authority.usual()).unwrap())
}

#[track_caller]
fn is_answered(place: &Place, program: &Program, authority: &Authority) {
    let answer = ask(&program.base, &authority.usual(), &view(place, &nonce(program, authority)));
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer:?}");
}

#[test]
fn tls_1_2_and_1_3_are_answered_with_http_1_1_and_every_answer_says_to_come_by_nothing_else() {
    let (place, authority) = hub("");
    let program = place.serve();
    let nonce = nonce(&program, &authority);
    assert!(program.base.starts_with("https://"));
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let config = authority.client(&[version], None, &["h2", "http/1.1"]);
        let mut stream = secure(&program.base, &config).unwrap();
        assert_eq!(stream.conn.protocol_version(), Some(version.version));
        assert_eq!(stream.conn.alpn_protocol(), Some(b"http/1.1".as_slice()));
        // More than one request on a connection, and each has the header.
        let asked = format!("{}\r\n{}Connection: close\r\n\r\n", view(&place, &nonce), view(&place, &nonce));
        stream.write_all(asked.as_bytes()).unwrap();
        let answers = until_closed(&mut stream);
        assert_eq!(answers.matches("HTTP/1.1 200 OK\r\n").count(), 2, "{answers}");
        assert_eq!(
            answers.matches("strict-transport-security: max-age=31536000\r\n").count(),
            2,
            "{answers}"
        );
    }
    // A client that names no protocol, and one that speaks none of the hub's.
    let of = |alpn: &[&str]| {
        ask(&program.base, &authority.client(rustls::ALL_VERSIONS, None, alpn), &view(&place, &nonce))
    };
    assert!(of(&[]).starts_with("HTTP/1.1 200 OK"));
    assert_eq!(of(&["h2"]), "");
    for (head, status) in [
        ("GET /nowhere HTTP/1.1\r\nHost: h\r\n", "404"),
        ("GET /access/ABCD-EFGH HTTP/1.1\r\nHost: h\r\n", "401"),
        ("GET /metadata HTTP/1.1\r\nHost: h\r\n", "200"),
        ("DELETE /healthz HTTP/1.1\r\nHost: h\r\n", "405"),
        ("GET /openapi.json HTTP/1.1\r\nHost: h\r\n", "200"),
    ] {
        let answer = ask(&program.base, &authority.usual(), head);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{head}: {answer}");
        assert!(answer.contains("strict-transport-security: max-age=31536000\r\n"), "{head}: {answer}");
    }
}

#[test]
fn without_tls_nobody_is_told_of_it() {
    let place = Place::with(&child());
    let program = place.serve();
    let nonce = proofs::nonce(&program.base);
    let mut stream = connect(&program.base);
    stream.write_all(format!("{}Connection: close\r\n\r\n", view(&place, &nonce)).as_bytes()).unwrap();
    let answer = until_closed(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(!answer.to_lowercase().contains("strict-transport-security"), "{answer}");
}

#[test]
fn older_versions_plain_http_and_rubbish_get_nothing_and_harm_nobody() {
    assert!(is_there("openssl"), "Debian package openssl");
    let (place, authority) = hub("");
    let program = place.serve();
    let (_, address) = program.base.split_once("://").unwrap();
    let shakes = |version: &str| {
        // Without the lowest level of security this client would not even ask for 1.1.
        let cipher = if version == "-tls1_1" { "DEFAULT@SECLEVEL=0" } else { "DEFAULT" };
        let output = Command::new("openssl")
            .args(["s_client", "-connect", address, version, "-cipher", cipher])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (said.contains("BEGIN CERTIFICATE"), said)
    };
    assert!(shakes("-tls1_2").0, "the client of the tests works");
    let (is_done, said) = shakes("-tls1_1");
    assert!(!is_done && said.contains("SSL alert number"), "{said}");
    for rubbish in [
        "GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n".as_bytes(),
        b"SSH-2.0-OpenSSH_9.2\r\n",
        &[0; 600],
        &[0x16, 0x03, 0x01, 0xff, 0xff, 0x01],
        b"\n",
    ] {
        let mut stream = connect(&program.base);
        stream.write_all(rubbish).unwrap();
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let answer = until_closed(&mut stream);
        assert!(!answer.contains("HTTP") && answer.len() < 20, "{answer:?}");
        is_answered(&place, &program, &authority);
    }
}

/// The first message of a client, as it goes over the network.
fn first_message(authority: &Authority) -> Vec<u8> {
    let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
    let mut client = rustls::ClientConnection::new(authority.usual(), name).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}

/// Sends byte after byte until the other end has closed; for how long that went.
fn drip(stream: &mut std::net::TcpStream, bytes: &[u8]) -> Duration {
    let begun = Instant::now();
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    for byte in bytes {
        let mut answered = [0];
        // The time between two bytes is that for which it is looked whether the hub has closed.
        let is_closed = match stream.read(&mut answered) {
            Ok(read) => read == 0,
            Err(error) => {
                !matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
            }
        };
        if is_closed || stream.write_all(&[*byte]).is_err() {
            return begun.elapsed();
        }
    }
    panic!("{} bytes were taken in {:?}", bytes.len(), begun.elapsed());
}

#[test]
fn whoever_drips_a_handshake_or_a_request_within_tls_is_cut_off() {
    let (place, authority) = hub("");
    let program = place.serve();
    let nonce = nonce(&program, &authority);
    let slack = Duration::from_secs(4);
    let message = first_message(&authority);
    assert!(message.len() > 150);
    let mut dripping = connect(&program.base);
    // The record of a whole request, whose bytes come one by one: nothing can be read of it before its last.
    let mut shaken = secure(&program.base, &authority.usual()).unwrap();
    shaken.conn.writer().write_all(format!("{}\r\n", view(&place, &nonce)).as_bytes()).unwrap();
    let mut record = Vec::new();
    shaken.conn.write_tls(&mut record).unwrap();
    // One that has begun nothing after its handshake is idle, and stays.
    let mut idle = secure(&program.base, &authority.usual()).unwrap();
    let (handshake, request) = std::thread::scope(|scope| {
        let handshake = scope.spawn(|| drip(&mut dripping, &message));
        let request = scope.spawn(|| drip(&mut shaken.sock, &record));
        is_answered(&place, &program, &authority);
        (handshake.join().unwrap(), request.join().unwrap())
    });
    assert!(handshake >= limits::HANDSHAKE && handshake < limits::HANDSHAKE + slack, "{handshake:?}");
    assert!(request >= limits::HEADER_READ && request < limits::HEADER_READ + slack, "{request:?}");
    idle.write_all(format!("{}Connection: close\r\n\r\n", view(&place, &nonce)).as_bytes()).unwrap();
    assert!(until_closed(&mut idle).starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn connections_without_a_request_make_room_wherever_their_handshake_is() {
    let (place, authority) = hub("[limits]\nconnections = 64\nidle_seconds = 600\n");
    let program = place.serve();
    let nonce = nonce(&program, &authority);
    let message = first_message(&authority);
    // A request under way: its body is still to come.
    let mut under_way = secure(&program.base, &authority.usual()).unwrap();
    let bearer = place.token(&nurse());
    let path = "/cpis/FHIR/R4/AuditEvent";
    let proved = proofs::head("POST", path, &bearer, &nonce);
    let post = format!("POST {path} HTTP/1.1\r\nHost: h\r\n{proved}Content-Length: 2\r\n\r\n{{");
    under_way.write_all(post.as_bytes()).unwrap();
    let mut shaken = Vec::new();
    let mut others = Vec::new();
    for turn in 0..100 {
        others.push(connect(&program.base));
        let mut half = connect(&program.base);
        half.write_all(&message[..100]).unwrap();
        others.push(half);
        shaken.push(secure(&program.base, &authority.usual()).unwrap());
        if turn % 20 == 0 {
            is_answered(&place, &program, &authority);
        }
    }
    assert_eq!(until_closed(&mut shaken[0]), "", "the longest idle has gone");
    let last = shaken.last_mut().unwrap();
    last.write_all(format!("{}Connection: close\r\n\r\n", view(&place, &nonce)).as_bytes()).unwrap();
    assert!(until_closed(last).starts_with("HTTP/1.1 200 OK"), "the least idle is still there");
    under_way.write_all(b"}").unwrap();
    let mut answer = [0; 12];
    under_way.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 400", "the one with a request was waited for");
}

#[test]
fn a_client_that_does_not_take_its_answers_is_cut_off_and_harms_nobody() {
    let (place, authority) = hub("");
    let program = place.serve();
    let nonce = nonce(&program, &authority);
    let mut slow = secure(&program.base, &authority.usual()).unwrap();
    slow.sock.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
    let request: String = (0..64).map(|_| format!("{}\r\n", view(&place, &nonce))).collect();
    let asked_until_cut_off = std::thread::scope(|scope| {
        let asking = scope.spawn(|| (0..100_000).any(|_| slow.write_all(request.as_bytes()).is_err()));
        while !asking.is_finished() {
            is_answered(&place, &program, &authority);
            std::thread::sleep(Duration::from_millis(200));
        }
        asking.join().unwrap()
    });
    assert!(asked_until_cut_off);
}

#[cfg(unix)]
#[test]
fn a_certificate_that_cannot_be_served_refuses_the_start_with_its_file_and_what_to_do() {
    use std::os::unix::fs::PermissionsExt;
    let (place, authority) = hub("");
    let path = |name: &str| place.path(name);
    let refused = |expected: &[&str]| {
        // In this order: a hub that serves in spite of it would not end.
        for command in ["check-config", "serve"] {
            let output = place.run(&[command, "--config", "hub.toml"]);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(1), "{command}: {said}");
            let last = said.trim().lines().last().unwrap_or_default();
            assert!(expected.iter().all(|words| last.contains(words)), "{command}: {last}");
            assert!(!said.contains("PRIVATE KEY-----") && !said.contains("panic"), "{said}");
        }
    };
    let good = || authority.for_hub().put(place.directory.path());
    std::fs::set_permissions(path("hub-key.pem"), PermissionsExt::from_mode(0o644)).unwrap();
    refused(&["hub-key.pem", "open to every user", "chmod o="]);
    good();
    std::fs::remove_file(path("hub.pem")).unwrap();
    refused(&["hub.pem", "cannot be read"]);
    super::support::certificates::put(place.directory.path(), "hub.pem", "nothing of the kind");
    refused(&["hub.pem", "holds no certificate in PEM"]);
    let broken = authority.for_hub().certificate.replacen("MII", "MIJ", 1);
    super::support::certificates::put(place.directory.path(), "hub.pem", &broken);
    refused(&["hub.pem", "cannot be read: have it issued anew"]);
    super::support::certificates::put(place.directory.path(), "hub.pem", &authority.for_hub().certificate);
    refused(&["hub-key.pem", "does not belong to the first certificate in", "hub.pem"]);
    super::support::certificates::put(place.directory.path(), "hub-key.pem", "nothing of the kind");
    refused(&["hub-key.pem", "holds no private key in PEM"]);
    good();
    place.configure(&format!("{TLS}client_ca = \"ca.pem\"\nclient_certificates = \"required\"\n"));
    refused(&["ca.pem", "cannot be read"]);
    place.configure("");
    let config = std::fs::read_to_string(path("hub.toml")).unwrap();
    std::fs::write(path("hub.toml"), config.replace("127.0.0.1:0", "0.0.0.0:0")).unwrap();
    refused(&["`listen`", "loopback addresses only: add a table [tls]"]);
    // With a certificate it listens where it is told to.
    place.configure(TLS);
    let config = std::fs::read_to_string(path("hub.toml")).unwrap();
    std::fs::write(path("hub.toml"), config.replace("127.0.0.1:0", "0.0.0.0:0")).unwrap();
    let program = place.serve();
    let nonce = nonce(&program, &authority);
    let local = program.base.replace("0.0.0.0", "127.0.0.1");
    assert!(ask(&local, &authority.usual(), &view(&place, &nonce)).starts_with("HTTP/1.1 200 OK"));
}

#[cfg(unix)]
#[test]
fn a_socket_that_the_service_manager_hands_over_is_served_with_tls() {
    let (place, authority) = hub("");
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("https://{}", socket.local_addr().unwrap());
    let program = place.serve_on(&socket, &[]);
    assert_eq!(program.base, base);
    is_answered(&place, &program, &authority);
}
