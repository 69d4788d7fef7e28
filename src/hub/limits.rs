//! Every limit of the hub, in one place. Nothing in it grows without one of these. The manual's chapter
//! `limits.md` says of each why it is so and what happens at it; a test holds the two together.

mod concerns;
mod exchange;
mod force;
mod operating;
mod sessions;
mod signing_in;

use std::time::Duration;

pub use concerns::*;
pub use exchange::*;
pub use force::{Limits, Rate, Volume};
pub use operating::*;
pub use sessions::*;
pub use signing_in::*;

/// Views a minute of one user at one organisation, for as long as it goes on. A person opens one in a minute
/// on a bad night; a client in a loop is still bounded.
pub const VIEWS_PER_MINUTE: u32 = 60;

/// Views that may come at once before that rate counts.
pub const VIEWS_AT_ONCE: u32 = 300;

/// Retrieves by number a minute, of one user at one organisation.
pub const RETRIEVES_PER_MINUTE: u32 = 60;

/// Retrieves that may come at once.
pub const RETRIEVES_AT_ONCE: u32 = 120;

/// Searches a minute, of one user at one organisation.
pub const SEARCHES_PER_MINUTE: u32 = 30;

/// Searches that may come at once.
pub const SEARCHES_AT_ONCE_PER_CALLER: u32 = 60;

/// Other requests a minute, of one user at one organisation: history, progress, reports.
pub const OTHERS_PER_MINUTE: u32 = 300;

/// Other requests that may come at once.
pub const OTHERS_AT_ONCE: u32 = 600;

/// Searches of one user within 60 minutes, at whatever organisation.
pub const SEARCHES_PER_HOUR: u32 = 300;

/// People that the searches of one user return within 60 minutes, after which no search begins. Retrieves and
/// views do not count and are never refused by it.
pub const PEOPLE_PER_HOUR: u32 = 1_000;

/// Callers whose rates are remembered; of further ones no rate is known, and they pass.
pub const CALLERS_REMEMBERED: usize = 100_000;

/// Callers refused by a rate within a minute of whom the audit log says so.
pub const CALLERS_REFUSED: usize = 1_000;

/// Bytes of a request's line and headers together; more closes the connection with 431.
pub const HEADER_BYTES: usize = 16 * 1024;

/// Number of request headers; more closes the connection with 431.
pub const HEADER_COUNT: usize = 64;

/// Time within which a request's headers must have arrived, from their first byte; then the connection is closed.
pub const HEADER_READ: Duration = Duration::from_secs(5);

/// Time within which the handshake of TLS must be done, from its first byte; then the connection is closed.
pub const HANDSHAKE: Duration = Duration::from_secs(5);

/// How often certificate and key are looked at, whether they have changed.
pub const CERTIFICATE_LOOK: Duration = Duration::from_secs(1);

/// Bytes of a file with certificates or a key.
pub const CERTIFICATE_BYTES: u64 = 1024 * 1024;

/// Time for which a connection may stay open without a request.
pub const IDLE: Duration = Duration::from_secs(60);

/// Time after which a connection is closed whose other end acknowledges nothing of what was sent, as of a computer that was
/// switched off. Longer than [`WRITE`], which is for those who do. Linux counts one so, too, that acknowledges its probes and has
/// no room for anything else (a window of zero); behind a proxy the other end is the proxy, and viewers are its business.
pub const UNHEARD: Duration = Duration::from_secs(20);

/// Time for which a client may take nothing of its answer; then the connection is closed.
pub const WRITE: Duration = Duration::from_secs(10);

/// Time for which a connection that ends with a refusal is read on, and thrown away: whoever is still sending the request would lose
/// the answer with it.
pub const LINGER: Duration = Duration::from_secs(2);

/// Bytes that are read so.
pub const LINGER_BYTES: usize = 1024 * 1024;

/// Bytes of a request's body; more is a 413, and one that breaks off a 400.
pub const BODY_BYTES: usize = 64 * 1024;

/// Bytes of a form at `/token` and `/revoke`, which anybody can send.
pub const FORM_BYTES: usize = 4096;

/// Time for such a form to arrive; then 400.
pub const FORM: Duration = Duration::from_secs(2);

/// Time for a whole request, from its headers to its answer; then 408.
pub const REQUEST: Duration = Duration::from_secs(10);

/// Time for which one connection may stay open, however lively.
pub const CONNECTION: Duration = Duration::from_secs(15 * 60);

/// Open connections. For a further one the connection that has been without a request for longest is closed;
/// where all have one under way, it waits in the operating system's queue.
pub const CONNECTIONS: usize = 12_000;

/// Open files that are kept for other things than connections.
pub const FILES_KEPT: usize = 64;

/// Time after which a further connection is closed for one that still waits for its place.
pub const ROOM_WAIT: Duration = Duration::from_millis(20);

/// Time to wait where a connection cannot be accepted.
pub const ACCEPT_WAIT: Duration = Duration::from_millis(50);

/// Time that open requests get to finish when the hub is told to stop.
pub const SHUTDOWN: Duration = Duration::from_secs(5);

/// Time between two probes of the writer; half the service manager's watchdog where that is shorter.
pub const HEARTBEAT: Duration = Duration::from_secs(20);

/// Views that wait for the writer, and as many other requests; more are answered 503 with `Retry-After`.
pub const WRITER_QUEUE: usize = 256;

/// Requests that share one commit.
pub const COMMIT_GROUP: usize = 64;

/// Of these, what other requests get however many views wait.
pub const COMMIT_GROUP_OTHERS: usize = 8;

/// Time after which a writer without work looks whether another process has marked the database synthetic.
pub const WRITER_IDLE: Duration = Duration::from_secs(1);

/// Pages of the database's log after which it is moved into the database.
pub const LOG_PAGES: i64 = 4000;

/// Pages from which the writer waits until it is moved: the disk moves it more slowly than it grows.
pub const LOG_PAGES_MOST: i64 = 16_000;

/// The same as `LOG_PAGES` where the disk is nearly full, or the hub lives on its reserve.
pub const LOG_PAGES_SCARCE: i64 = 250;

/// Bytes that the log's file keeps when it is begun anew: it is written over then.
pub const LOG_FILE_BYTES: i64 = 64 * 1024 * 1024;

/// Bytes of the database that each connection keeps in memory. SQLite's usual two mebibytes are
/// little beside the indexes of a million people.
pub const PAGE_CACHE_BYTES: i64 = 16 * 1024 * 1024;

/// Connections that only read (matching of searches, the audit log, health).
pub const READERS: usize = 2;

/// For so long readers who have begun are waited for, so that the log can be begun anew; further ones wait meanwhile.
pub const READERS_HELD: Duration = Duration::from_millis(10);

/// For so long a reader reads of one moment of the database, so that the pages it holds stay of use. Whether people's
/// details have changed since is looked at for every search.
pub const MOMENT_KEPT: Duration = Duration::from_secs(1);

/// For so long after its beginning a commit repeats searches of which people's details have changed meanwhile; then they
/// are a reader's work again, so that views in the same commit do not wait.
pub const READ_AGAIN: Duration = Duration::from_millis(20);

/// After so long without anything to read it lets go of the moment: the log is not held for nobody.
pub const MOMENT_IDLE: Duration = Duration::from_millis(50);

/// So often, meanwhile, it looks whether the log is to be begun anew.
pub const MOMENT_POLL: Duration = Duration::from_millis(1);

/// Readings that wait for a reader: searches, health, and what commands ask. More are answered 503.
pub const READERS_QUEUE: usize = 256;

/// Searches under way at once; more are answered 503 with `Retry-After`.
pub const SEARCHES_AT_ONCE: usize = 128;

/// Searches of one user that are looked for at once; their further ones wait. There are two readers: one is always there
/// for others.
pub const SEARCHES_OF_ONE_USER: usize = 1;

/// Given names in one search.
pub const GIVEN_WORDS: usize = 5;

/// How often SQLite asks whether another process's lock is free. Its own way of asking waits longer each time, up
/// to 100 ms, and would miss the pauses of a load.
pub const LOCK_POLL: Duration = Duration::from_millis(1);

/// Time that SQLite waits for another process's lock.
pub const LOCK_WAIT: Duration = Duration::from_secs(2);

/// Matches that a search returns unless it asks for fewer or more.
pub const SEARCH_RESULTS_USUAL: usize = 50;

/// Matches that a search may ask for.
pub const SEARCH_RESULTS_MOST: usize = 50;

/// People that a fuzzy search compares; more than that is "too many". An exact one compares all whose rows it looks at; but
/// within a commit, where people have changed meanwhile, no more than this: with more a reader looks again.
pub const SEARCH_COMPARED: usize = 500;

/// Rows of the search index that a search looks at; more than that is "too many".
pub const SEARCH_ROWS: usize = 10_000;

/// The same of a search that is done in its commit; with more it leaves the writer to views, and a reader looks.
pub const SEARCH_ROWS_AT_ONCE: usize = 100;

/// Names of one person that they are found by, the current one first.
pub const NAMES_SEARCHED: usize = 8;

/// Rows of the search index that one person has at most.
pub const KEYS_PER_PERSON: usize = 48;

/// Other forms of a given name, by sound, that a fuzzy search looks for.
pub const VARIANTS_SEARCHED: usize = 12;

/// Days of a range of birth dates on which a fuzzy search looks for alike names; in a longer range it finds those
/// whose names sound alike.
pub const DAYS_SEARCHED: usize = 366;

/// Years by which a slip may put a birth date off.
pub const YEARS_SLIPPED: i16 = 12;

/// People whose search keys are made in one commit when a database of an earlier version is opened.
pub const KEYS_MADE_AT_ONCE: i64 = 5_000;

/// Characters of one search parameter.
pub const PARAMETER_CHARACTERS: usize = 100;

/// Rows of the access history that are returned (published rule).
pub const HISTORY_RETURNED: usize = 25;

/// Rows of the access history that are looked at to find them.
pub const HISTORY_READ: usize = 5_000;

/// Plans of one person that one authority may have held, current or ended within the last year: none keeps another's out.
pub const PLANS_PER_PERSON: usize = 50;

/// Plans of one person that an answer carries: twenty authorities' most.
pub const PLANS_SHOWN: usize = 1_000;

/// Refusals of callers who never proved who they are that are remembered; older ones are only counted.
pub const REFUSALS_REMEMBERED: usize = 1_000;

/// Bytes of a token.
pub const TOKEN_BYTES: usize = 8 * 1024;

/// Bytes of a proof that the caller has the token's key.
pub const PROOF_BYTES: usize = 4 * 1024;

/// Time after it was made for which a proof can be shown, once.
pub const PROOF_AGE: Duration = Duration::from_secs(60);

/// Time by which the clock of whoever makes proofs may be ahead of the hub's.
pub const PROOF_AHEAD: Duration = Duration::from_secs(10);

/// Time after which proofs need another nonce; the one before is taken for as long again.
pub const NONCE_TURN: Duration = Duration::from_secs(5 * 60);

/// Proofs that are remembered, so that none is taken twice; each takes some thirty bytes for a minute.
pub const PROOFS_REMEMBERED: usize = 2_000_000;

/// Time for which an access token is good; the session's next request after it gets another one first.
pub const ACCESS_TOKEN: Duration = Duration::from_secs(10 * 60);

/// Time within which a refresh token that was used is answered again as before, if nobody has used its successor.
pub const REFRESH_AGAIN: Duration = Duration::from_secs(60);

/// Sessions that are known at once, those that ended within a day among them.
pub const SESSIONS: usize = 200_000;

/// Bytes of one line of a load file.
pub const LOAD_LINE_BYTES: usize = 256 * 1024;

/// Lines of a load file; each takes four bytes while it is loaded. More go into several files.
pub const LOAD_LINES: usize = 20_000_000;

/// Plans in a load file; each takes some forty bytes while it is loaded.
pub const LOAD_PLANS: usize = 2_000_000;

/// Superseded numbers, and ended identities, in a load file.
pub const LOAD_REPLACEMENTS: usize = 500_000;

/// Numbers of a load file that one and the same number replaces.
pub const LOAD_REPLACED_BY_ONE: usize = 50;

/// Authorities in a load file. England has 153.
pub const LOAD_AUTHORITIES: usize = 1_000;

/// A file of so many lines is applied in one commit; a longer one in slices.
pub const LOAD_AT_ONCE: usize = 1_000;

/// Time for which a slice of a load works within the writer; with its commit it holds it for less than 50 ms.
pub const LOAD_SLICE: Duration = Duration::from_millis(25);

/// Time between two slices, in which a hub in another process gets its turn: it asks every [`LOCK_POLL`].
pub const LOAD_PAUSE: Duration = Duration::from_millis(4);

/// How often a slice is tried that the database did not take.
pub const LOAD_TRIES: usize = 5;

/// Lines that are parsed together, and such groups that wait for the writer.
pub const LOAD_CHUNK: usize = 1_024;
/// See [`LOAD_CHUNK`].
pub const LOAD_CHUNKS: usize = 4;

/// Refused lines that are named on the screen.
pub const LOAD_ERRORS: usize = 20;

/// Refused lines at which a load is given up.
pub const LOAD_REFUSED: usize = 100_000;

/// Rows that `cpis-hub audit` prints.
pub const AUDIT_PRINTED: usize = 10_000;

/// Entries of the audit log on one page for who reads their organisation's.
pub const AUDIT_RETURNED: usize = 1000;

/// Routes that have lines of their own in the metrics; the rest share one.
pub const METRIC_ROUTES: usize = 64;

/// Authorities that have a line in the metrics. England has 153.
pub const METRIC_AUTHORITIES: usize = 400;

/// Bytes of a database up to which `cpis-hub doctor` looks at every page without being asked to.
pub const DOCTOR_BYTES: u64 = 1024 * 1024 * 1024;

/// For this long the database's figures in the metrics are not read anew, however often somebody asks.
pub const FIGURES_EVERY: Duration = Duration::from_secs(10);

/// Connections of the operator's listener.
pub const OPERATOR_CONNECTIONS: usize = 8;

/// Numbers that lead from a superseded number to the one in use.
pub const REPLACEMENTS_FOLLOWED: usize = 16;

/// How often the disk of the database is looked at.
pub const DISK_LOOK: Duration = Duration::from_secs(5);

/// After this long the alert of a disk that is nearly full is said again.
pub const DISK_ALERT_AGAIN: Duration = Duration::from_secs(60 * 60);

/// Bytes that must be free for a commit, and for each request in it: a view writes some 20 pages. What is missing is
/// taken from the reserve first, and no more than that, since whatever fills the disk takes what is free.
pub const COMMIT_FREE_BYTES: u64 = 256 * 1024;

/// See [`COMMIT_FREE_BYTES`].
pub const COMMIT_FREE_BYTES_EACH: u64 = 128 * 1024;

/// Bytes of the reserve that are given up after a write that failed all the same.
pub const RESERVE_PORTION_BYTES: u64 = 1024 * 1024;

/// Bytes that must be free for a load, which is refused before the reserve is touched.
pub const LOAD_FREE_BYTES: u64 = 64 * 1024 * 1024;

/// Time that a command waits for others who use the same database.
pub const IN_USE_WAIT: Duration = Duration::from_secs(2);

/// How often what is over its time is removed.
pub const RETENTION_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// Time after its start for which a hub removes nothing.
pub const RETENTION_FIRST: Duration = Duration::from_secs(10 * 60);

/// Rows that a slice of a removal has at most.
pub const RETENTION_ROWS: usize = 500;

/// Time for which a slice of a removal works within the writer; with its commit it holds it for less than 50 ms.
pub const RETENTION_SLICE: Duration = Duration::from_millis(20);

/// Time between two slices, in which everything else is written.
pub const RETENTION_PAUSE: Duration = Duration::from_millis(50);
