//! Certificate and key that are replaced while the hub serves: taken up without a connection lost, or refused and
//! the old ones served on.

use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use cpis::config::hub::{ClientCertificates, TlsSettings};
use jiff::civil::date;
use rustls_pki_types::CertificateDer;

use super::metrics::series;
use super::support::certificates::{Authority, Issued, Secured, TLS, put, secure, until_closed};
use super::support::data::{child, number, plans_of};
use super::support::program::{Place, Program};
use super::support::{TestHub, nurse, proofs};

/// Longer than this nobody waits for a new certificate.
const SOON: Duration = Duration::from_secs(8);

fn view(place: &Place, nonce: &str, more: &str) -> String {
    let bearer = place.token(&nurse());
    let (path, trace) = (plans_of(number(1)), uuid::Uuid::new_v4());
    let proved = proofs::head("GET", &path, &bearer, nonce);
    format!("GET {path} HTTP/1.1\r\nHost: hub\r\n{proved}TraceID: {trace}\r\n{more}\r\n")
}

/// What the proofs of a request have to carry.
fn nonce(program: &Program, authority: &Authority) -> String {
    proofs::nonce_from(secure(&program.base, &authority.usual()).unwrap())
}

/// The certificate that a new connection gets.
fn served(base: &str, authority: &Authority) -> CertificateDer<'static> {
    let stream = secure(base, &authority.usual()).unwrap();
    stream.conn.peer_certificates().unwrap()[0].clone().into_owned()
}

/// Waits until new connections get this certificate; every one on the way is served.
#[track_caller]
fn becomes(base: &str, authority: &Authority, expected: &Issued) {
    let begun = Instant::now();
    while served(base, authority) != expected.der {
        assert!(begun.elapsed() < SOON, "the new certificate is not served");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// One answer on a connection that stays open, whose end is known by its length.
fn answered(stream: &mut Secured) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    head.lines().next().unwrap().to_owned()
}

/// A request whose body is still to come.
fn begun_request(place: &Place, program: &Program, authority: &Authority) -> Secured {
    let nonce = nonce(program, authority);
    let mut under_way = secure(&program.base, &authority.usual()).unwrap();
    let bearer = place.token(&nurse());
    let path = "/cpis/FHIR/R4/AuditEvent";
    let proved = proofs::head("POST", path, &bearer, &nonce);
    let post = format!("POST {path} HTTP/1.1\r\nHost: h\r\n{proved}Content-Length: 2\r\n\r\n{{");
    under_way.write_all(post.as_bytes()).unwrap();
    under_way
}

/// What is kept open and under way goes on while `change` replaces the first certificate by the second.
fn goes_on_through(place: &Place, authority: &Authority, change: impl FnOnce(&Program) -> Issued) {
    let program = place.serve();
    let nonce = nonce(&program, authority);
    let mut kept = secure(&program.base, &authority.usual()).unwrap();
    kept.write_all(view(place, &nonce, "").as_bytes()).unwrap();
    assert_eq!(answered(&mut kept), "HTTP/1.1 200 OK");
    let mut under_way = begun_request(place, &program, authority);
    let new = change(&program);
    becomes(&program.base, authority, &new);
    under_way.write_all(b"}").unwrap();
    assert_eq!(answered(&mut under_way), "HTTP/1.1 400 Bad Request");
    kept.write_all(view(place, &nonce, "Connection: close\r\n").as_bytes()).unwrap();
    assert!(until_closed(&mut kept).starts_with("HTTP/1.1 200 OK"));
    assert!(place.log().contains("serving with this certificate"));
    assert!(!place.log().contains("refused, and the old one"), "{}", place.log());
}

#[test]
fn files_that_are_renamed_into_their_place_are_served_and_no_connection_is_lost() {
    let (place, authority) = (Place::with(&child()), Authority::new("Trust"));
    authority.for_hub().put(place.directory.path());
    place.configure(TLS);
    goes_on_through(&place, &authority, |_| {
        let new = authority.for_hub();
        new.put(place.directory.path());
        new
    });
}

/// As Kubernetes and certbot have it: the files are links into a directory, and what is switched is a link.
#[test]
fn a_symbolic_link_that_is_switched_is_seen_too() {
    let (place, authority) = (Place::with(&child()), Authority::new("Trust"));
    let root = place.directory.path();
    let version = |name: &str| {
        let issued = authority.for_hub();
        std::fs::create_dir(root.join(name)).unwrap();
        issued.put(&root.join(name));
        issued
    };
    version("..1");
    symlink("..1", root.join("..data")).unwrap();
    for file in ["hub.pem", "hub-key.pem"] {
        symlink(Path::new("..data").join(file), root.join(file)).unwrap();
    }
    place.configure(TLS);
    goes_on_through(&place, &authority, |_| {
        let new = version("..2");
        symlink("..2", root.join("..data_tmp")).unwrap();
        std::fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
        std::fs::remove_dir_all(root.join("..1")).unwrap();
        new
    });
}

#[test]
fn a_hub_that_is_told_to_reload_looks_at_once_and_one_without_a_certificate_lives_on() {
    let (place, authority) = (Place::with(&child()), Authority::new("Trust"));
    authority.for_hub().put(place.directory.path());
    place.configure(TLS);
    goes_on_through(&place, &authority, |program| {
        program.signal("-HUP");
        wait_for_line(&place, "the certificate has not changed");
        let new = authority.for_hub();
        new.put(place.directory.path());
        program.signal("-HUP");
        new
    });
    place.configure("");
    let mut program = place.serve();
    program.signal("-HUP");
    wait_for_line(&place, "told to reload, and there is no certificate");
    program.terminate();
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
}

fn wait_for_line(place: &Place, line: &str) {
    let begun = Instant::now();
    while !place.log().contains(line) {
        assert!(begun.elapsed() < SOON, "{line} in {}", place.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_pair_that_does_not_fit_is_refused_in_one_line_and_the_old_one_is_served_on() {
    let (place, authority) = (Place::with(&child()), Authority::new("Trust"));
    let old = authority.for_hub();
    old.put(place.directory.path());
    place.configure(TLS);
    let program = place.serve();
    let said = |words: &str| {
        let log = place.log();
        log.lines().filter(|line| line.contains("ERROR") && line.contains(words)).count()
    };
    // The key of another.
    let other = authority.for_hub();
    put(place.directory.path(), "hub-key.pem", &other.key.serialize_pem());
    wait_for_line(&place, "does not belong to the first certificate in");
    assert_eq!(served(&program.base, &authority), old.der);
    // Half a certificate, and none.
    put(place.directory.path(), "hub.pem", &other.certificate[..200]);
    wait_for_line(&place, "holds no certificate in PEM");
    std::fs::remove_file(place.path("hub.pem")).unwrap();
    wait_for_line(&place, "hub.pem cannot be read");
    assert_eq!(served(&program.base, &authority), old.der);
    // One that has ended, while the old one has not.
    authority.between(&["localhost"], date(2020, 1, 1), date(2021, 1, 1)).put(place.directory.path());
    wait_for_line(&place, "the one that is served still is");
    assert_eq!(served(&program.base, &authority), old.der);
    // A key that everybody can read.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(place.path("hub-key.pem"), mode).unwrap();
    wait_for_line(&place, "open to every user");
    // What was served all the time is no new one.
    old.put(place.directory.path());
    wait_for_line(&place, "the certificate on the disk is again the one that is served");
    other.put(place.directory.path());
    becomes(&program.base, &authority, &other);
    for words in
        ["does not belong to", "holds no certificate", "cannot be read", "still is", "open to every user"]
    {
        assert_eq!(said(words), 1, "{words} in {}", place.log());
    }
    assert!(!place.log().contains("PRIVATE KEY"));
}

#[tokio::test]
async fn the_operator_sees_that_a_certificate_was_refused_and_for_how_long_the_served_one_is_valid() {
    let (authority, directory) = (Authority::new("Trust"), tempfile::tempdir().unwrap());
    // The hub's clock stands at 14:00 on 22 November 2026.
    authority.between(&["localhost"], date(2020, 1, 1), date(2026, 12, 2)).put(directory.path());
    let tls = TlsSettings {
        certificate: directory.path().join("hub.pem"),
        key: directory.path().join("hub-key.pem"),
        clients: ClientCertificates::Off,
    };
    let hub = TestHub::with_tls(tls).await;
    let read = async |name: &str| series(&hub.hub.metrics_text().await)[&format!("cpis_hub_{name}")];
    let until = async |name: &str, expected: f64| {
        let begun = Instant::now();
        while read(name).await != expected {
            assert!(begun.elapsed() < SOON, "{name}: {}", read(name).await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    const LEFT: &str = "certificate_seconds_left{of=\"hub\"}";
    assert_eq!(read(LEFT).await, (9 * 24 + 10) as f64 * 3600.0);
    assert_eq!(read("certificate_refused").await, 0.0);
    put(directory.path(), "hub-key.pem", "none");
    until("certificate_refused", 1.0).await;
    assert_eq!(read("certificate_reloads_total{outcome=\"refused\"}").await, 1.0);
    authority.between(&["localhost"], date(2020, 1, 1), date(2027, 1, 1)).put(directory.path());
    until("certificate_refused", 0.0).await;
    until("certificate_reloads_total{outcome=\"taken\"}", 1.0).await;
    assert_eq!(read(LEFT).await, (39 * 24 + 10) as f64 * 3600.0);
    hub.turn(60 * 24 * 60);
    assert!(read(LEFT).await < 0.0, "one that has ended counts below zero");
}
