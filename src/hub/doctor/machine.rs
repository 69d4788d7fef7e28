//! The machine: its clock, its disk, its limits, and who has the address.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::Finding;
use super::certificate::secure;
use crate::config::hub::HubConfig;
use crate::hub::clock::Clock;
use crate::hub::disk::{directory_of, space};
use crate::hub::limits::{self, Limits};
use crate::hub::tls::{Facts, Tls};

/// For this long somebody who has the address may take to answer.
const ANSWER: Duration = Duration::from_secs(2);

pub(super) fn examine(config: &HubConfig, clock: &Clock) -> Vec<Finding> {
    let directory = directory_of(&config.database);
    let mut found = vec![synchronised(), zone()];
    found.extend(disk(&directory, config.disk.alert_percent));
    found.push(files(Limits::of(&config.limits).connections));
    // Where the certificate cannot be read, that has been said.
    let tls = config.tls.as_ref().map(|settings| Tls::read(settings, clock.clone()).ok());
    found.push(match tls {
        None => address(config.listen, None),
        Some(Some(tls)) => address(config.listen, Some(tls.facts())),
        Some(None) => Finding::cannot_tell("address", "the certificate has to be mended first"),
    });
    found.push(match config.operator {
        Some(operator) => Finding::ok("operator", format!("metrics on http://{operator}/metrics")),
        None => Finding::mend("operator", "no `[operator] listen`: nothing can watch this hub; add it"),
    });
    found
}

fn synchronised() -> Finding {
    let asked = std::process::Command::new("timedatectl")
        .args(["show", "--property=NTPSynchronized", "--value"])
        .stdin(std::process::Stdio::null())
        .output();
    let said = asked.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    match said.as_deref().map(<[u8]>::trim_ascii) {
        Some(b"yes") => Finding::ok("clock sync", "synchronised"),
        Some(b"no") => Finding::mend(
            "clock sync",
            "not synchronised: views get wrong times; start systemd-timesyncd or chrony",
        ),
        Some(_) | None => {
            Finding::cannot_tell("clock sync", "timedatectl does not say: compare with `date -u`")
        }
    }
}

/// London's rules are compiled in; this looks whether they are right.
fn zone() -> Finding {
    use crate::domain::dates::london_day;
    let summer = "2026-06-30T23:30:00Z".parse().map(london_day).map(|day| day.to_string());
    if summer.is_ok_and(|day| day == "2026-07-01") {
        Finding::ok("time zone", "Europe/London is compiled in")
    } else {
        Finding::mend("time zone", "Europe/London is not as it should be: this build must not be used")
    }
}

fn disk(directory: &Path, alert_percent: u8) -> Vec<Finding> {
    let Some(space) = space(directory) else {
        return vec![Finding::cannot_tell("disk", format!("{} cannot be looked at", directory.display()))];
    };
    let percent = space.free.saturating_mul(100).checked_div(space.total).unwrap_or(0);
    let free = format!("{percent} % free ({} MB)", space.free / 1_000_000);
    let space = if percent < u64::from(alert_percent) {
        Finding::mend("disk", format!("{free}: make room or enlarge it before nothing can be written"))
    } else {
        Finding::ok("disk", free)
    };
    vec![space, file_system(directory)]
}

#[cfg(not(target_os = "linux"))]
fn file_system(_directory: &Path) -> Finding {
    Finding::cannot_tell("file system", "make sure that it is a disk of this machine")
}

/// SQLite's write-ahead log needs memory that is shared between processes of one machine.
#[cfg(target_os = "linux")]
fn file_system(directory: &Path) -> Finding {
    const NETWORK: [(u32, &str); 7] = [
        (0x6969, "NFS"),
        (0x517b, "SMB"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB2"),
        (0x00c3_6400, "Ceph"),
        (0x5346_414f, "AFS"),
        (0x0102_1997, "9P"),
    ];
    const FUSE: u32 = 0x6573_5546;
    let Ok(found) = rustix::fs::statfs(directory) else {
        return Finding::cannot_tell("file system", "it does not say what it is");
    };
    let kind = u32::try_from(found.f_type & 0xffff_ffff).unwrap_or(0);
    match NETWORK.iter().find(|(network, _)| *network == kind) {
        Some((_, name)) => {
            Finding::mend("file system", format!("{name}: move the database to a disk of this machine"))
        }
        None if kind == FUSE => {
            Finding::cannot_tell("file system", "FUSE: make sure that it is a disk of this machine")
        }
        None => Finding::ok("file system", "of this machine"),
    }
}

#[cfg(unix)]
fn files(connections: usize) -> Finding {
    let needed = (connections as u64).saturating_add(limits::FILES_KEPT as u64);
    // The hub raises the soft limit by itself: the hard one counts.
    match rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum {
        Some(limit) if limit < needed => Finding::mend(
            "open files",
            format!(
                "at most {limit} here, {needed} are needed: LimitNOFILE= in the unit, `ulimit -Hn` in a shell"
            ),
        ),
        Some(limit) => Finding::ok("open files", format!("at most {limit} here, {needed} are needed")),
        None => Finding::ok("open files", "without limit"),
    }
}

#[cfg(not(unix))]
fn files(_connections: usize) -> Finding {
    Finding::cannot_tell("open files", "this system does not say")
}

fn address(listen: SocketAddr, certificate: Option<Arc<Facts>>) -> Finding {
    if let Ok(listener) = TcpListener::bind(listen) {
        drop(listener);
        return Finding::ok("address", format!("{listen} is free: no hub runs"));
    }
    match ask(listen, certificate) {
        Answer::OtherCertificate => Finding::mend(
            "address",
            format!(
                "{listen} does not answer with the certificate on the disk: `systemctl reload cpis-hub`, and see its log"
            ),
        ),
        Answer::Silence => Finding::cannot_tell(
            "address",
            format!(
                "{listen} answers with the certificate on the disk, and says no more: it wants one of the caller, or it hangs; ask /healthz at `[operator] listen`"
            ),
        ),
        Answer::Text(answer) if answer.starts_with("HTTP/1.1 200") => {
            Finding::ok("address", format!("{listen} is answered by a hub that is well"))
        }
        Answer::Text(answer) if answer.contains("UNABLE_TO_CALL_SERVICE") => {
            Finding::mend("address", format!("{listen} is answered by a hub that cannot write: see its log"))
        }
        Answer::Text(_) => Finding::mend("address", format!("{listen} is taken by something that is no hub")),
        Answer::Nothing => {
            Finding::mend("address", format!("{listen} is taken, and nobody answers: see the hub's log"))
        }
    }
}

/// What came back of whoever has the address.
enum Answer {
    Nothing,
    /// The certificate that is on the disk, and then nothing.
    Silence,
    /// Not the certificate that is on the disk, or no TLS at all.
    OtherCertificate,
    Text(String),
}

fn ask(listen: SocketAddr, certificate: Option<Arc<Facts>>) -> Answer {
    let connected = TcpStream::connect_timeout(&listen, ANSWER).ok();
    let stream = connected.filter(|stream| stream.set_read_timeout(Some(ANSWER)).is_ok());
    let Some(stream) = stream else { return Answer::Nothing };
    let answer = match certificate {
        None => told(stream),
        Some(expected) => match secure(stream, listen, expected) {
            Ok(stream) => return told(stream).map_or(Answer::Silence, Answer::Text),
            // What rustls does not believe; anything else is a peer that is not there.
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => return Answer::OtherCertificate,
            Err(_) => return Answer::Nothing,
        },
    };
    answer.map_or(Answer::Nothing, Answer::Text)
}

fn told(mut stream: impl Read + Write) -> Option<String> {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    // What was read before an error counts.
    let _ = stream.take(limits::HEADER_BYTES as u64).read_to_end(&mut answer);
    (!answer.is_empty()).then(|| String::from_utf8_lossy(&answer).into_owned())
}
