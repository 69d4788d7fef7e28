//! The limits of the link's page. Each has its row in the manual's chapter on limits.

use std::time::Duration;

/// Connections at once; further ones wait.
pub const PAGE_CONNECTIONS: usize = 64;

/// Bytes of a request's line and headers; then 431.
pub const PAGE_HEADER_BYTES: usize = 16 * 1024;

/// Headers of a request; then 431.
pub const PAGE_HEADERS: usize = 64;

/// Time in which a request's headers have to come, and for which a connection may be without a request.
pub const PAGE_HEADER_TIME: Duration = Duration::from_secs(15);

/// Bytes of a form; then 413.
pub const PAGE_BODY_BYTES: usize = 16 * 1024;

/// Time for a request, from its headers to its answer; then 503.
pub const PAGE_REQUEST: Duration = Duration::from_secs(20);

/// Time for which a connection is kept.
pub const PAGE_CONNECTION: Duration = Duration::from_secs(15 * 60);

/// Requests that look into the register at once; further ones wait.
pub const PAGE_READERS: usize = 8;

/// Time for which open requests may go on after the page is told to stop.
pub const PAGE_SHUTDOWN: Duration = Duration::from_secs(5);

/// Time for which a start token is good, once.
pub const PAGE_START: Duration = Duration::from_secs(10 * 60);

/// Start tokens that wait to be used; of more the oldest are forgotten.
pub const PAGE_STARTS: usize = 16;

/// Browsers that are let in at once; of more the one that has been idle for longest is signed out.
pub const PAGE_SESSIONS: usize = 16;

/// Time without a request after which a browser is not let in any more.
pub const PAGE_IDLE: Duration = Duration::from_secs(30 * 60);

/// Time after which it is not, in any case.
pub const PAGE_SESSION: Duration = Duration::from_secs(12 * 60 * 60);

/// Time for which nothing is heard of the hub until the page says that something may be missing.
pub const PAGE_HEARD: Duration = Duration::from_secs(15 * 60);

/// Accesses on one page.
pub const PAGE_ROWS: u32 = 25;

/// Accesses on a child's page: the newest.
pub const PAGE_CHILD: u32 = 200;

/// Accesses on the duty page and on a handover: the newest.
pub const PAGE_DUTY: u32 = 200;

/// Characters that somebody may write about an access.
pub const PAGE_WORDS: usize = 500;
