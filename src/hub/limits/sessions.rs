//! The limits of sessions that go on, and of the streams that say so.

use std::time::Duration;

/// How often the sessions of which somebody waits for the end are looked at, whether their time is up.
pub const SESSIONS_LOOK: Duration = Duration::from_secs(1);

/// How often all of them are; then it is also written who has been at work.
pub const SESSIONS_LOOK_ALL: Duration = Duration::from_secs(60);

/// Sessions of which that is written in one commit.
pub const SESSIONS_NOTED: usize = 500;

/// Event streams at once: one for each viewer in which somebody is signed in. Never more than half of the connections
/// that there may be.
pub const EVENT_STREAMS: usize = 10_000;

/// Event streams of one session; with a further one the oldest ends.
pub const EVENT_STREAMS_EACH: usize = 2;

/// How often an event stream says that it is there.
pub const EVENT_HEARTBEAT: Duration = Duration::from_secs(5);

/// Proofs of one key that are remembered at once.
pub const PROOFS_OF_ONE_KEY: usize = 10_000;
