//! How many files, and so connections, the system lets the hub have open.

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

/// Elsewhere nothing is known of such a limit.
#[cfg(not(unix))]
pub(super) fn connections_allowed(wanted: usize) -> usize {
    wanted
}
