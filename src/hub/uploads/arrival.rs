//! A file as it arrives, whichever way: written to the disk and looked through part by part, and then taken under its number, or
//! refused whole.

use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use axum::body::Bytes;
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::spool::{self, Spool};
use super::{Sender, caller};
use crate::domain::OdsCode;
use crate::exchange::acknowledgement::Apart;
use crate::exchange::upload::{self, Document, DocumentFault, Header, Record, RecordFault, Sink};
use crate::exchange::{Acknowledgement, FileCode};
use crate::hub::error::ApiError;
use crate::hub::metrics::Uploaded;
use crate::hub::store::{Arrived, Audited, Taken};
use crate::hub::{Hub, limits};

/// What becomes of a file that has arrived.
pub(in crate::hub) enum Received {
    /// It is on the disk, and its acknowledgement follows.
    Waits {
        /// Its number.
        sequence: u32,
    },
    /// It is refused whole; this is its acknowledgement.
    Refused(Box<Acknowledgement>, Timestamp),
    /// It names another authority than whoever sends it: refused whole too. By its number and digest, as far as they are known.
    OtherAuthority {
        /// Which.
        named: String,
        /// Its number.
        sequence: u32,
        /// Its SHA-256.
        digest: String,
    },
}

/// A file on its way in.
pub(in crate::hub) struct Arrival {
    parts: mpsc::Sender<io::Result<Bytes>>,
    digest: Context,
    length: u64,
    looked_at: u64,
    looking: JoinHandle<Looked>,
}

impl Arrival {
    /// Of an authority that proved who it is.
    pub(in crate::hub) fn begin(hub: &Hub, sender: &Sender) -> Self {
        let (database, run) = (hub.database().to_owned(), hub.uploads().run);
        let code = sender.code().to_owned();
        let (parts, waiting) = mpsc::channel(16);
        let looking = tokio::task::spawn_blocking(move || look_through(&database, run, &code, waiting));
        Self { parts, digest: Context::new(&SHA256), length: 0, looked_at: 0, looking }
    }

    /// Takes a part. Whoever looks through it may have seen enough: the rest is taken all the same, so that the sender hears why.
    pub(in crate::hub) async fn part(&mut self, hub: &Hub, part: Bytes) -> Result<(), ApiError> {
        self.length = self.length.saturating_add(part.len() as u64);
        if self.length > limits::UPLOAD_BYTES {
            self.broken_off(io::ErrorKind::FileTooLarge).await;
            return Err(ApiError::TOO_LARGE);
        }
        // Whoever did not say how much is coming fills the disk of nobody.
        if self.length - self.looked_at > limits::LOAD_FREE_BYTES / 4 {
            self.looked_at = self.length;
            if !has_room(hub, 0) {
                self.broken_off(io::ErrorKind::StorageFull).await;
                return Err(ApiError::NO_ROOM);
            }
        }
        self.digest.update(&part);
        let _ = self.parts.send(Ok(part)).await;
        Ok(())
    }

    /// No more comes of it.
    pub(in crate::hub) async fn broken_off(&self, why: io::ErrorKind) {
        let _ = self.parts.send(Err(why.into())).await;
    }

    /// All of it is here: it is taken, or refused. Neither is answered before it is on the disk.
    pub(in crate::hub) async fn whole(
        self,
        hub: &Hub,
        sender: &Sender,
    ) -> Result<Audited<Received>, ApiError> {
        let Self { parts, digest, looking, .. } = self;
        drop(parts);
        let digest = hexadecimal(digest.finish().as_ref());
        let looked =
            looking.await.map_err(|_| ApiError::inside("upload", "the reading of an upload panicked"))?;
        match looked {
            Looked::Failed(why) => Err(ApiError::inside("upload", &why.to_string())),
            Looked::Other { named, sequence } => other_authority(hub, sender, named, sequence, digest).await,
            Looked::Refused { fault, header } => refused(hub, sender, &fault, header.as_ref(), digest).await,
            Looked::Whole { document, spool } => {
                // Whoever hangs up now does not undo it: what is taken is on the disk, and stays there.
                let (hub, sender) = (hub.clone(), sender.clone());
                let taking = async move { taken(&hub, &sender, *document, digest, spool).await };
                tokio::spawn(taking)
                    .await
                    .map_err(|_| ApiError::inside("upload", "the taking of an upload panicked"))?
            }
        }
    }
}

/// Whether so much more may arrive: beside what waits, and with as much again for what is made of it.
pub(in crate::hub) fn has_room(hub: &Hub, bytes: u64) -> bool {
    let waiting = spool::bytes(hub.database());
    waiting.saturating_add(bytes) <= limits::UPLOADS_BYTES && hub.has_room_for(bytes.saturating_mul(2))
}

/// What was seen of a file.
enum Looked {
    /// All of it, and it contradicts nothing.
    Whole { document: Box<Document>, spool: Spool },
    /// It names another authority than its sender.
    Other { named: String, sequence: u32 },
    /// Nothing of it is believed.
    Refused { fault: DocumentFault, header: Option<Header> },
    /// It cannot be written here.
    Failed(io::Error),
}

fn look_through(
    database: &Path,
    run: Uuid,
    sender: &str,
    waiting: mpsc::Receiver<io::Result<Bytes>>,
) -> Looked {
    match Spool::new(database, run) {
        Ok((spool, file)) => look_into(database.to_owned(), sender, waiting, spool, file),
        Err(error) => Looked::Failed(error),
    }
}

fn look_into(
    database: PathBuf,
    sender: &str,
    waiting: mpsc::Receiver<io::Result<Bytes>>,
    spool: Spool,
    file: File,
) -> Looked {
    let mut arriving = Arriving { waiting, part: Bytes::new(), file, failed: None };
    let mut seen = Seen { sender, header: None };
    let read = upload::read(&mut arriving, &mut seen);
    if let Some(error) = arriving.failed {
        return Looked::Failed(error);
    }
    match (read, seen.header) {
        (Err(DocumentFault::Stopped), Some(header)) => {
            Looked::Other { named: header.authority_code, sequence: header.sequence }
        }
        (Err(fault), header) => Looked::Refused { fault, header },
        (Ok(document), _) => match spool::sync(&arriving.file, &database) {
            Err(error) => Looked::Failed(error),
            Ok(()) => Looked::Whole { document: Box::new(document), spool },
        },
    }
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Keeps what is read.
struct Arriving {
    waiting: mpsc::Receiver<io::Result<Bytes>>,
    part: Bytes,
    file: File,
    /// The hub's own disk refused it: no fault of the file's.
    failed: Option<io::Error>,
}

impl Read for Arriving {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.part.is_empty() {
            match self.waiting.blocking_recv() {
                None => return Ok(0),
                Some(part) => self.part = part?,
            }
            if let Err(error) = self.file.write_all(&self.part) {
                let kind = error.kind();
                self.failed = Some(error);
                return Err(kind.into());
            }
        }
        let length = self.part.len().min(buffer.len());
        let taken = self.part.split_to(length);
        if let Some(place) = buffer.get_mut(..length) {
            place.copy_from_slice(&taken);
        }
        Ok(length)
    }
}

struct Seen<'a> {
    sender: &'a str,
    header: Option<Header>,
}

impl Sink for Seen<'_> {
    fn header(&mut self, header: &Header) -> ControlFlow<()> {
        self.header = Some(header.clone());
        if header.authority_code == self.sender { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn record(&mut self, _place: u64, _record: Result<Record, RecordFault>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Refused whole, and somebody has to look at it: either a link is set up wrongly, or it is not what it says.
async fn other_authority(
    hub: &Hub,
    sender: &Sender,
    named: String,
    sequence: u32,
    digest: String,
) -> Result<Audited<Received>, ApiError> {
    hub.metrics().uploaded(Uploaded::OtherAuthority);
    tracing::error!(
        authority = sender.code(),
        named = OdsCode::said(&named),
        "an upload names another authority than its sender"
    );
    let detail = json!({ "named": named });
    let audited = hub.store().upload_refused(caller(sender.code()), "other-authority", detail).await?;
    Ok(audited.map(|()| Received::OtherAuthority { named, sequence, digest }))
}

async fn refused(
    hub: &Hub,
    sender: &Sender,
    fault: &DocumentFault,
    header: Option<&Header>,
    digest: String,
) -> Result<Audited<Received>, ApiError> {
    hub.metrics().uploaded(Uploaded::Refused);
    let detail = json!({ "sequence": header.map(|header| header.sequence), "code": fault.code().code() });
    let audited = hub.store().upload_refused(caller(sender.code()), "refused", detail).await?;
    let is_count = matches!(fault, DocumentFault::Count { .. });
    let what = Acknowledgement {
        authority_code: sender.code().to_owned(),
        sequence: header.map(|header| header.sequence),
        records: header.filter(|_| is_count).map(|header| header.records),
        code: fault.code(),
        why: Some(format!("Nothing was uploaded: {fault}")),
        digest: Some(digest),
        rejected: None,
        apart: None,
    };
    let at = audited.at();
    Ok(audited.map(|()| Received::Refused(Box::new(what), at)))
}

async fn taken(
    hub: &Hub,
    sender: &Sender,
    document: Document,
    digest: String,
    spool: Spool,
) -> Result<Audited<Received>, ApiError> {
    let (sequence, records) = (document.header.sequence, document.header.records);
    let arrived = Arrived { document, digest: digest.clone(), spool: spool.name().to_owned() };
    let audited = hub.store().upload_take(caller(sender.code()), arrived).await?;
    let at = audited.at();
    let not_met = |last: u32, why: String| {
        hub.metrics().uploaded(Uploaded::Refused);
        let what = Acknowledgement {
            authority_code: sender.code().to_owned(),
            sequence: Some(sequence),
            records: Some(records),
            code: FileCode::NoneUploaded,
            why: Some(format!("Nothing was uploaded: {why}")),
            digest: Some(digest),
            rejected: None,
            apart: Some(Apart { last, is_lost: false }),
        };
        Received::Refused(Box::new(what), at)
    };
    let received = match audited.value() {
        Taken::Now => {
            spool.keep();
            hub.metrics().uploaded(Uploaded::Taken);
            hub.uploads().came.notify_one();
            Received::Waits { sequence }
        }
        Taken::Already => {
            hub.metrics().uploaded(Uploaded::Repeated);
            Received::Waits { sequence }
        }
        Taken::TooMany => return Err(ApiError::BUSY),
        Taken::Overtaken(last) => not_met(
            *last,
            format!(
                "a file with the sequence number {last} was taken already, and this one is another and has {sequence}; \
                 send everything under a higher number"
            ),
        ),
        Taken::Apart(0) => not_met(
            0,
            "no file of this authority is known here, and this one follows an earlier one; send everything"
                .to_owned(),
        ),
        Taken::Apart(last) => not_met(
            *last,
            format!(
                "the last file that is known here, {last}, is not the one that this one follows, or was lost; send everything"
            ),
        ),
    };
    Ok(audited.map(|_| received))
}
