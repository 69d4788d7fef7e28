//! The limits of what is said to MESH and taken from it. Each stands in the manual's chapter "Limits".

use std::time::Duration;

/// Characters of a mailbox's name.
pub const MAILBOX_CHARACTERS: usize = 30;
/// Characters of MESH's name of a message.
pub const MESSAGE_ID_CHARACTERS: usize = 100;
/// Characters of a header of a message that is kept.
pub const MESH_HEADER_CHARACTERS: usize = 300;
/// Bytes of an answer that is no message.
pub const MESH_ANSWER_BYTES: usize = 1024 * 1024;
/// Messages of an inbox that are looked at in one round.
pub const MESH_INBOX: usize = 500;
/// Pages of an inbox that are asked for in one round.
pub const MESH_PAGES: usize = 20;
/// Chunks of a message.
pub const MESH_CHUNKS: u32 = 1_000;
/// Bytes of a compressed part that are unpacked at once.
pub const MESH_UNPACKED_PART: usize = 4 * 1024;
/// Time to connect.
pub const MESH_CONNECT: Duration = Duration::from_secs(10);
/// Time for a question and its answer.
pub const MESH_ANSWER: Duration = Duration::from_secs(30);
/// Time for a chunk to go, or to come.
pub const MESH_CHUNK: Duration = Duration::from_secs(600);
/// How often a chunk behind the first is tried.
pub const MESH_CHUNK_TRIES: u32 = 5;
/// Pause before it is tried again.
pub const MESH_CHUNK_PAUSE: Duration = Duration::from_secs(1);
/// Bytes of a control file of MESH's file client.
pub const MESH_CONTROL_BYTES: usize = 64 * 1024;
/// Bytes of a file with a secret, a certificate or a key.
pub const MESH_FILE_BYTES: u64 = 1024 * 1024;
/// In the file client's folder, data that is newer than its control file is taken once it was seen unchanged for so long.
pub const MESH_AT_REST: Duration = Duration::from_secs(10);
/// Or once it was last written so long ago by the share's own clock, which may be another.
pub const MESH_LONG_AT_REST: Duration = Duration::from_secs(10 * 60);
/// A control file there that nothing can be made of is told of once it was not written for so long.
pub const MESH_ODD: Duration = Duration::from_secs(60);
/// A message that could not be taken again and again rests so long at first, and then twice as long each time.
pub const MESH_LEFT_LEAST: Duration = Duration::from_secs(60);
/// No message rests longer.
pub const MESH_LEFT_MOST: Duration = Duration::from_secs(60 * 60);
/// Threads at once that wait for a disk, a share or the processor.
pub const MESH_APART: usize = 32;
