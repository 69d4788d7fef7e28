//! A message on its way: cut into chunks and compressed as it goes, unpacked as it comes.

use std::fs::File;
use std::future::Future;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::write::{GzDecoder, GzEncoder};

use super::limits::{MESH_CHUNKS, MESH_UNPACKED_PART};
use super::{MailboxId, MeshError};

/// What goes out.
pub struct Outgoing<'a> {
    /// To which mailbox.
    pub to: &'a MailboxId,
    /// Under which workflow.
    pub workflow: &'a str,
    /// By what it is known here: asked for before anything is sent again.
    pub local_id: &'a str,
    /// What it is called; says nothing of anybody.
    pub file_name: &'a str,
    /// All of it.
    pub content: Content,
}

/// Where a message's content is.
pub enum Content {
    /// In memory.
    Bytes(Vec<u8>),
    /// In a file, from its beginning.
    File(File),
}

/// Takes a message part by part.
pub trait Sink: Send {
    /// Takes the next part. The text of an error says nothing of it.
    fn take(&mut self, part: Vec<u8>) -> impl Future<Output = Result<(), MeshError>> + Send;
}

/// Takes a message that is short.
impl Sink for (Vec<u8>, usize) {
    async fn take(&mut self, part: Vec<u8>) -> Result<(), MeshError> {
        if self.0.len().saturating_add(part.len()) > self.1 {
            return Err(MeshError::TooLong);
        }
        self.0.extend_from_slice(&part);
        Ok(())
    }
}

impl Content {
    /// Its length.
    pub(super) fn length(&self) -> Result<u64, MeshError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.len() as u64),
            Self::File(file) => file.metadata().map(|file| file.len()).map_err(|error| unreadable(&error)),
        }
    }

    /// The next chunk, and what is left: megabytes are compressed where nobody waits for it.
    pub(super) async fn packed(mut self, most: u64) -> Result<(Self, Vec<u8>), MeshError> {
        super::apart(move || {
            let packed = self.next(most)?;
            Ok((self, packed))
        })
        .await
    }

    /// The next chunk of at most so many bytes, compressed.
    pub(super) fn next(&mut self, most: u64) -> Result<Vec<u8>, MeshError> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        let copied = match self {
            Self::Bytes(bytes) => {
                let length = usize::try_from(most).unwrap_or(usize::MAX).min(bytes.len());
                let rest = bytes.split_off(length);
                packed.write_all(&std::mem::replace(bytes, rest))
            }
            Self::File(file) => std::io::copy(&mut file.take(most), &mut packed).map(drop),
        };
        copied.and_then(|()| packed.finish()).map_err(|error| unreadable(&error))
    }
}

fn unreadable(error: &std::io::Error) -> MeshError {
    MeshError::Local(format!("what is to be sent cannot be read: {}", error.kind()))
}

/// Into how many chunks a length is cut; a message has at least one.
pub(super) fn chunks(length: u64, chunk: u64) -> Result<u32, MeshError> {
    let chunks = length.div_ceil(chunk.max(1)).max(1);
    u32::try_from(chunks)
        .ok()
        .filter(|chunks| *chunks <= MESH_CHUNKS)
        .ok_or_else(|| MeshError::Local("a message is too long for MESH: see `mesh.chunk_kb`".to_owned()))
}

/// Unpacks a chunk as it comes: never more at once than a small part can hold.
pub(super) enum Unpacked {
    /// As it is.
    Plain,
    /// Compressed.
    Gzip(Box<GzDecoder<Vec<u8>>>),
}

impl Unpacked {
    pub(super) fn of(is_compressed: bool) -> Self {
        if is_compressed { Self::Gzip(Box::new(GzDecoder::new(Vec::new()))) } else { Self::Plain }
    }

    /// Hands on what a part holds.
    pub(super) async fn take(&mut self, part: &[u8], sink: &mut impl Sink) -> Result<(), MeshError> {
        match self {
            Self::Plain => sink.take(part.to_vec()).await,
            Self::Gzip(gzip) => {
                for part in part.chunks(MESH_UNPACKED_PART) {
                    gzip.write_all(part).map_err(|_| damaged())?;
                    let unpacked = std::mem::take(gzip.get_mut());
                    if !unpacked.is_empty() {
                        sink.take(unpacked).await?;
                    }
                }
                Ok(())
            }
        }
    }

    pub(super) async fn finish(self, sink: &mut impl Sink) -> Result<(), MeshError> {
        match self {
            Self::Plain => Ok(()),
            Self::Gzip(gzip) => {
                let rest = gzip.finish().map_err(|_| damaged())?;
                if rest.is_empty() { Ok(()) } else { sink.take(rest).await }
            }
        }
    }
}

fn damaged() -> MeshError {
    MeshError::NotUnderstood("a compressed message is damaged")
}
