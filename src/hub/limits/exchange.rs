//! The limits of what local authorities and the hub send each other.

use std::time::Duration;

/// Bytes of an authority's upload; a million records are about half of it.
pub const UPLOAD_BYTES: u64 = 4096 * 1024 * 1024;

/// Time for an upload to arrive, from its headers on; then 408. Less than [`super::CONNECTION`].
pub const UPLOAD: Duration = Duration::from_secs(10 * 60);

/// Time for which nothing of an upload may arrive; then 408.
pub const UPLOAD_QUIET: Duration = Duration::from_secs(10);

/// Uploads that arrive at once; more are answered 503 with `Retry-After`.
pub const UPLOADS_AT_ONCE: usize = 8;

/// Bytes of all uploads that wait or arrive, of all authorities; more are answered 503 with `Retry-After`.
pub const UPLOADS_BYTES: u64 = 8192 * 1024 * 1024;

/// Times that it is tried to go on with an upload, before its authority is told that it is lost: some ten minutes.
pub const UPLOAD_TRIES: u32 = 120;

/// Uploads of one authority that wait to be applied; more are answered 503 with `Retry-After`.
pub const UPLOADS_WAITING: i64 = 4;

/// Uploads of one authority of which the rejected records are kept.
pub const UPLOADS_KEPT: i64 = 2;

/// Records that are parsed together.
pub const UPLOAD_CHUNK: usize = 256;
/// Time for which a slice of an upload works within the writer: views share its commit.
pub const UPLOAD_SLICE: Duration = Duration::from_millis(5);
/// Where views wait it works no longer than this: so much more they wait, and an upload still comes to its end.
pub const UPLOAD_SLICE_LEAST: Duration = Duration::from_millis(1);
/// Time between two slices.
pub const UPLOAD_PAUSE: Duration = Duration::from_millis(2);
/// How soon an upload is gone on with that could not be, and how often it is looked whether one waits.
pub const UPLOAD_AGAIN: Duration = Duration::from_secs(5);

/// After this an authority of which nothing could be taken is an operator's alert.
pub const UPLOAD_MISSED: Duration = Duration::from_secs(48 * 60 * 60);
/// When that is said again in the log.
pub const UPLOAD_MISSED_AGAIN: Duration = Duration::from_secs(24 * 60 * 60);

/// How often it is looked whether local authorities are told in time, and send.
pub const NOTICES_LOOK: Duration = Duration::from_secs(60);

/// Authorities that such an alert names, each in a line; so does one of those that do not send.
pub const NOTICES_SAID: usize = 20;

/// The longest pause between two rounds with MESH, and until a message is tried again or asked after.
pub const MESH_PAUSE: Duration = Duration::from_secs(5 * 60);

/// How often the hub's mailbox shakes hands with MESH, which wants it once a day.
pub const MESH_HANDSHAKE: Duration = Duration::from_secs(6 * 60 * 60);

/// Messages of one kind that a round sends, or asks after: of notifications, to one authority.
pub const MESH_PARCELS: u32 = 50;

/// After this a notification that was delivered by MESH and has no receipt is sent again: the link may have lost it.
pub const MESH_UNFILED_AGAIN: Duration = Duration::from_secs(4 * 60 * 60);
/// Until an upload by MESH is looked at again for which there was no room.
pub const MESH_ROOM_AGAIN: Duration = Duration::from_secs(60);
/// Authorities to which notifications go by MESH at once.
pub const MESH_AT_ONCE: usize = 16;
/// So long after MESH took a message it may say that it does not know it, or not all of it.
pub const MESH_LAG: Duration = Duration::from_secs(5 * 60);
/// Acknowledgements of one authority's uploads that are under way by MESH; the oldest are given up.
pub const MESH_ANSWERS: i64 = 100;
/// So long a round takes messages from MESH, or sends one authority's: the rest with the next.
pub const MESH_TURN: Duration = Duration::from_secs(10);
/// So long a hub that ends waits for threads that wait for a file client's share.
pub const MESH_HANGS: Duration = Duration::from_secs(5);
