//! What `cpis-hub doctor` says of the certificate.

use std::io::Write;

use cpis::hub::clock::Clock;
use jiff::ToSpan;
use jiff::civil::date;

use super::doctor::{mended, said};
use super::support::certificates::{Authority, TLS, put};
use super::support::data::child;
use super::support::program::Place;

/// For so many days from now, and some hours.
fn days_left(authority: &Authority, days: i64) -> super::support::certificates::Issued {
    let today = Clock::system().now().to_zoned(jiff::tz::TimeZone::UTC).date();
    authority.between(&["hub.example", "127.0.0.1"], date(2020, 1, 1), today + (days + 1).days())
}

fn hub() -> (Place, Authority) {
    let (place, authority) = (Place::with(&child()), Authority::new("Trust"));
    place.configure(&format!("{TLS}[operator]\nlisten = \"127.0.0.1:9470\""));
    (place, authority)
}

#[test]
fn the_days_that_a_certificate_has_left_decide() {
    let (place, authority) = hub();
    for (days, verdict, expected) in [
        (400, "ok", "valid for 400 days, until "),
        (30, "ok", "valid for 30 days"),
        (29, "soon", "valid for 29 days"),
        (7, "soon", "renew it, and find out why"),
        (6, "mend", "valid for 6 days"),
        (0, "mend", "renew it now"),
        (-2, "mend", "viewers refuse it; renew it now"),
    ] {
        days_left(&authority, days).put(place.directory.path());
        let (was, says) = said(&place, "certificate");
        assert!(was == verdict && says.contains(expected), "{days}: {was} {says}");
        assert_eq!(said(&place, "names").1, "the certificate is for hub.example, 127.0.0.1");
    }
    let early = authority.between(&["hub.example"], date(2090, 1, 1), date(2091, 1, 1));
    early.put(place.directory.path());
    mended(&place, "certificate", "valid only from 2090-01-01");
    // What is only to be done soon wakes no script.
    days_left(&authority, 20).put(place.directory.path());
    let output = place.run(&["doctor", "--config", "hub.toml"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.lines().any(|line| line.starts_with("soon         certificate")), "{text}");
    let mends = text.lines().filter(|line| line.starts_with("mend")).count();
    assert_eq!(output.status.success(), mends == 0, "{text}");
}

#[test]
fn a_certificate_that_viewers_would_refuse_or_that_cannot_be_served_is_to_be_mended() {
    let (place, authority) = hub();
    authority.issue(&[], |_| ()).put(place.directory.path());
    mended(&place, "certificate", "it names no host (subjectAltName)");
    let own = authority.issue(&["hub.example"], |params| {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    });
    own.put(place.directory.path());
    mended(&place, "certificate", "CA:TRUE");
    put(place.directory.path(), "hub-key.pem", &authority.for_hub().key.serialize_pem());
    mended(&place, "certificate", "does not belong to the first certificate in");
    let handed_over = TLS.replace("hub-key.pem", "/run/credentials/cpis-hub.service/key");
    place.configure(&handed_over);
    assert_eq!(said(&place, "certificate").0, "cannot-tell");
    place.configure("");
    assert_eq!(said(&place, "certificate").1, "none: plain HTTP, on a loopback address");
}

#[test]
fn a_hub_that_serves_what_is_on_the_disk_is_told_from_one_that_does_not() {
    let (place, authority) = hub();
    let config = std::fs::read_to_string(place.path("hub.toml")).unwrap();
    authority.for_hub().put(place.directory.path());
    let mut program = place.serve();
    let address = program.base.strip_prefix("https://").unwrap().to_owned();
    let there = |more: &str| {
        let config = config.replace("127.0.0.1:0", &address).replace(TLS, &format!("{TLS}{more}"));
        std::fs::write(place.path("hub.toml"), config).unwrap();
    };
    there("");
    let (verdict, says) = said(&place, "address");
    assert!(verdict == "ok" && says.contains("a hub that is well"), "{says}");
    program.kill();
    // Callers have to show a certificate: the hub's own is as far as one sees.
    put(place.directory.path(), "callers.pem", &authority.pem());
    there("client_ca = \"callers.pem\"\nclient_certificates = \"required\"\n");
    let mut program = place.serve();
    let (verdict, says) = said(&place, "address");
    assert!(verdict == "cannot-tell" && says.contains("wants one of the caller"), "{says}");
    assert!(said(&place, "callers").1.starts_with("must show a certificate of "));
    program.kill();
    // A socket that is there, and nobody behind it: that is not the certificate's fault.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = config.replace("127.0.0.1:0", &listener.local_addr().unwrap().to_string());
    std::fs::write(place.path("hub.toml"), taken).unwrap();
    mended(&place, "address", "nobody answers");
    // Somebody else has the address. The one who asked before still stands in its line.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for stream in listener.incoming().take(3) {
                let _ = stream.unwrap().write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            }
        });
        mended(&place, "address", "does not answer with the certificate on the disk");
    });
}

#[test]
fn the_authority_of_callers_certificates_that_ends_is_said_in_time() {
    let (place, authority) = hub();
    authority.for_hub().put(place.directory.path());
    let clients = "client_ca = \"callers.pem\"\nclient_certificates = \"offered\"\n";
    place.configure(&format!("{TLS}{clients}[operator]\nlisten = \"127.0.0.1:9470\""));
    for (days, verdict, expected) in [
        (400, "ok", "may show a certificate of "),
        (20, "soon", "ends in 20 days"),
        (3, "mend", "ends in 3 days"),
        (-2, "mend", "put the new one in its place"),
    ] {
        // The one that has long to go beside it hides nothing.
        let both =
            format!("{}{}", days_left(&authority, 500).certificate, days_left(&authority, days).certificate);
        put(place.directory.path(), "callers.pem", &both);
        let (was, says) = said(&place, "callers");
        assert!(was == verdict && says.contains(expected), "{days}: {was} {says}");
    }
}
