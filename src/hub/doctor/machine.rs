//! The machine: its clock, its disk, its limits, and who has the address.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

use super::Finding;
use super::certificate::secure;
use crate::config::hub::HubConfig;
use crate::hub::clock::Clock;
use crate::hub::disk::{directory_of, space};
use crate::hub::limits::{self, Limits};
use crate::hub::tls::{Facts, Tls};

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
    vec![of_space((space.free, space.total), alert_percent), file_system(directory)]
}

fn of_space((free, total): (u64, u64), alert_percent: u8) -> Finding {
    let percent = free.saturating_mul(100).checked_div(total).unwrap_or(0);
    let said = format!("{percent} % free ({} MB)", free / 1_000_000);
    if percent < u64::from(alert_percent) {
        Finding::mend("disk", format!("{said}: make room or enlarge it before nothing can be written"))
    } else {
        Finding::ok("disk", said)
    }
}

#[cfg(not(target_os = "linux"))]
fn file_system(_directory: &Path) -> Finding {
    Finding::cannot_tell("file system", "make sure that it is a disk of this machine")
}

#[cfg(target_os = "linux")]
fn file_system(directory: &Path) -> Finding {
    match rustix::fs::statfs(directory) {
        Ok(found) => of_kind(u32::try_from(found.f_type & 0xffff_ffff).unwrap_or(0)),
        Err(_) => Finding::cannot_tell("file system", "it does not say what it is"),
    }
}

/// SQLite's write-ahead log needs memory that is shared between processes of one machine.
#[cfg(target_os = "linux")]
fn of_kind(kind: u32) -> Finding {
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
    let connected = TcpStream::connect_timeout(&listen, limits::DOCTOR_ANSWER).ok();
    let stream = connected.filter(|stream| stream.set_read_timeout(Some(limits::DOCTOR_ANSWER)).is_ok());
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_disk_with_less_free_than_is_wanted_is_to_be_mended() {
        let gigabyte = 1_000_000_000;
        let full = of_space((4 * gigabyte, 100 * gigabyte), 5);
        assert_eq!(full.verdict, Verdict::Mend);
        assert_eq!(full.says, "4 % free (4000 MB): make room or enlarge it before nothing can be written");
        assert_eq!(of_space((5 * gigabyte, 100 * gigabyte), 5).verdict, Verdict::Ok);
        assert_eq!(of_space((0, 0), 5).verdict, Verdict::Mend, "nothing of nothing");
    }

    #[test]
    fn a_database_on_a_network_is_to_be_moved_and_one_behind_fuse_is_to_be_looked_at() {
        // As Linux names them (`statfs(2)`): NFS, SMB, CIFS, SMB2, Ceph, AFS, 9P; then FUSE; then ext4, XFS, tmpfs, overlayfs.
        for network in [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x00c3_6400, 0x5346_414f, 0x0102_1997] {
            let found = of_kind(network);
            assert_eq!(found.verdict, Verdict::Mend, "{network:x}");
            assert!(found.says.contains("move the database to a disk of this machine"), "{}", found.says);
        }
        assert_eq!(of_kind(0x6573_5546).verdict, Verdict::CannotTell);
        for own in [0xef53, 0x5846_5342, 0x0102_1994, 0x794c_7630] {
            assert_eq!(of_kind(own), Finding::ok("file system", "of this machine"), "{own:x}");
        }
    }
}
