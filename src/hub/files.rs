//! What the system is asked for: how many files, and so connections, may be open, and when one is given up.

#[cfg(unix)]
use super::limits;

/// Raises what the system allows as far as it goes, and says how many connections can be had of those wanted.
#[cfg(unix)]
pub(super) fn connections_allowed(wanted: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let kept = u64::try_from(limits::FILES_KEPT).unwrap_or(u64::MAX);
    let needed = u64::try_from(wanted).unwrap_or(u64::MAX).saturating_add(kept);
    let allowed = getrlimit(Resource::Nofile);
    // None is "without limit".
    let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed);
    if enough(allowed.current) {
        return wanted;
    }
    let raised = if enough(allowed.maximum) { Some(needed) } else { allowed.maximum };
    let wished = Rlimit { current: raised, maximum: allowed.maximum };
    let now = if setrlimit(Resource::Nofile, wished).is_ok() { raised } else { allowed.current };
    if enough(now) {
        return wanted;
    }
    let files = now.unwrap_or(u64::MAX);
    let fewer = usize::try_from(files.saturating_sub(kept)).unwrap_or(wanted).clamp(1, wanted);
    tracing::warn!(
        wanted,
        connections = fewer,
        files,
        "the system allows too few open files for the connections wanted: raise LimitNOFILE"
    );
    fewer
}

/// What was sent and never acknowledged closes a connection in time: a computer that was switched off says nothing, and each
/// heartbeat of its stream would wait in the kernel for a quarter of an hour. (Probes of a quiet connection would not help:
/// this one is never quiet.) Where the system refuses, the connection is as good as any.
#[cfg(target_os = "linux")]
pub(super) fn give_up_unheard(stream: &tokio::net::TcpStream) {
    let time = u32::try_from(limits::UNHEARD.as_millis()).unwrap_or(u32::MAX);
    let _ = rustix::net::sockopt::set_tcp_user_timeout(stream, time);
}

/// Elsewhere the system decides.
#[cfg(not(target_os = "linux"))]
pub(super) fn give_up_unheard(_stream: &tokio::net::TcpStream) {}

/// Elsewhere nothing is known of such a limit.
#[cfg(not(unix))]
pub(super) fn connections_allowed(wanted: usize) -> usize {
    wanted
}
