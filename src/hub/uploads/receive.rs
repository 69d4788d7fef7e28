//! A file on its way in: written to the disk and looked through while it arrives. Nothing of it is applied before all of
//! it is there, counted, and taken under its number.

use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use aws_lc_rs::digest::{Context, SHA256};
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::json;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::spool::{self, Spool};
use super::{Sender, caller, tell};
use crate::exchange::acknowledgement::Apart;
use crate::exchange::upload::{self, Document, DocumentFault, Header, Record, RecordFault, Sink};
use crate::exchange::{Acknowledgement, FileCode, codes};
use crate::hub::error::ApiError;
use crate::hub::metrics::Uploaded;
use crate::hub::store::{Arrived, Taken};
use crate::hub::{Hub, limits, negotiation, respond};

/// `POST /exchange/uploads`
pub(in crate::hub) async fn receive(
    State(hub): State<Hub>,
    sender: Sender,
    request: Request,
) -> Result<Response, ApiError> {
    negotiation::check_body(request.headers())?;
    let announced = request.body().size_hint().lower();
    if announced > limits::UPLOAD_BYTES {
        return Err(ApiError::TOO_LARGE);
    }
    if !has_room(&hub, announced) {
        return Err(ApiError::NO_ROOM);
    }
    let _place = hub.uploads().place(&sender).ok_or(ApiError::BUSY)?;
    let (database, run, code) = (hub.database().to_owned(), hub.uploads().run, sender.code().to_owned());
    let (parts, waiting) = mpsc::channel(16);
    let looking = tokio::task::spawn_blocking(move || look_through(&database, run, &code, waiting));
    let digest = carry(&hub, request.into_body(), parts).await?;
    let looked =
        looking.await.map_err(|_| ApiError::inside("upload", "the reading of an upload panicked"))?;
    match looked {
        Looked::Failed(why) => Err(ApiError::inside("upload", &why.to_string())),
        Looked::Other { named } => other_authority(&hub, &sender, &named).await,
        Looked::Refused { fault, header } => refused(&hub, &sender, &fault, header.as_ref(), digest).await,
        Looked::Whole { document, spool } => {
            // Whoever hangs up now does not undo it: what is taken is on the disk, and stays there.
            let taking = async move { taken(&hub, &sender, *document, digest, spool).await };
            tokio::spawn(taking)
                .await
                .map_err(|_| ApiError::inside("upload", "the taking of an upload panicked"))?
        }
    }
}

/// Whether so much more may arrive: beside what waits, and with as much again for what is made of it.
fn has_room(hub: &Hub, bytes: u64) -> bool {
    let waiting = spool::bytes(hub.database());
    waiting.saturating_add(bytes) <= limits::UPLOADS_BYTES && hub.has_room_for(bytes.saturating_mul(2))
}

/// Hands over each part of a body, in time, and returns the digest of all of it. Whoever takes them may have seen enough: the rest
/// is read all the same, so that the sender hears why.
async fn carry(
    hub: &Hub,
    mut body: Body,
    parts: mpsc::Sender<io::Result<Bytes>>,
) -> Result<String, ApiError> {
    let mut digest = Context::new(&SHA256);
    let (mut length, mut looked_at): (u64, u64) = (0, 0);
    loop {
        let next = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context));
        let Ok(next) = tokio::time::timeout(limits::UPLOAD_QUIET, next).await else {
            let _ = parts.send(Err(io::ErrorKind::TimedOut.into())).await;
            return Err(ApiError::TIMED_OUT);
        };
        let frame = match next {
            None => return Ok(hexadecimal(digest.finish().as_ref())),
            Some(Ok(frame)) => frame,
            Some(Err(_)) => {
                let _ = parts.send(Err(io::ErrorKind::ConnectionReset.into())).await;
                return Err(ApiError::invalid_value("The body did not arrive as announced"));
            }
        };
        let Ok(part) = frame.into_data() else { continue };
        length = length.saturating_add(part.len() as u64);
        if length > limits::UPLOAD_BYTES {
            let _ = parts.send(Err(io::ErrorKind::FileTooLarge.into())).await;
            return Err(ApiError::TOO_LARGE);
        }
        // Whoever did not say how much is coming fills the disk of nobody.
        if length - looked_at > limits::LOAD_FREE_BYTES / 4 {
            looked_at = length;
            if !has_room(hub, 0) {
                let _ = parts.send(Err(io::ErrorKind::StorageFull.into())).await;
                return Err(ApiError::NO_ROOM);
            }
        }
        digest.update(&part);
        let _ = parts.send(Ok(part)).await;
    }
}

/// What was seen of a file.
enum Looked {
    /// All of it, and it contradicts nothing.
    Whole { document: Box<Document>, spool: Spool },
    /// It names another authority than its sender.
    Other { named: String },
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
        (Err(DocumentFault::Stopped), Some(header)) => Looked::Other { named: header.authority_code },
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
async fn other_authority(hub: &Hub, sender: &Sender, named: &str) -> Result<Response, ApiError> {
    hub.metrics().uploaded(Uploaded::OtherAuthority);
    tracing::error!(
        authority = sender.code(),
        named,
        "an upload names another authority than its certificate"
    );
    let detail = json!({ "named": named });
    hub.store().upload_refused(caller(sender.code()), "other-authority", detail).await?;
    Err(ApiError::OTHER_AUTHORITY)
}

async fn refused(
    hub: &Hub,
    sender: &Sender,
    fault: &DocumentFault,
    header: Option<&Header>,
    digest: String,
) -> Result<Response, ApiError> {
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
    let mut response = tell::at_once(&what, audited.at())?;
    respond::mark(&mut response, &audited);
    Ok(response)
}

async fn taken(
    hub: &Hub,
    sender: &Sender,
    document: Document,
    digest: String,
    spool: Spool,
) -> Result<Response, ApiError> {
    let (sequence, records) = (document.header.sequence, document.header.records);
    let arrived = Arrived { document, digest: digest.clone(), spool: spool.name().to_owned() };
    let audited = hub.store().upload_take(caller(sender.code()), arrived).await?;
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
        tell::at_once(&what, audited.at())
    };
    let mut response = match audited.value() {
        Taken::Now => {
            spool.keep();
            hub.metrics().uploaded(Uploaded::Taken);
            hub.uploads().came.notify_one();
            accepted(sequence)
        }
        Taken::Already => {
            hub.metrics().uploaded(Uploaded::Repeated);
            accepted(sequence)
        }
        Taken::TooMany => return Err(ApiError::BUSY),
        Taken::Overtaken(last) => not_met(
            *last,
            format!(
                "a file with the sequence number {last} was taken already, and this one is another and has {sequence}; \
                 send everything under a higher number"
            ),
        )?,
        Taken::Apart(0) => not_met(
            0,
            "no file of this authority is known here, and this one follows an earlier one; send everything"
                .to_owned(),
        )?,
        Taken::Apart(last) => not_met(
            *last,
            format!(
                "the last file that is known here, {last}, is not the one that this one follows, or was lost; send everything"
            ),
        )?,
    };
    respond::mark(&mut response, &audited);
    Ok(response)
}

/// It is on disk; what becomes of it is told at its own address.
fn accepted(sequence: u32) -> Response {
    let mut response = respond::json(StatusCode::ACCEPTED, &json!({ "sequence": sequence }));
    let location = format!("{}/{sequence}", codes::UPLOADS);
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response.headers_mut().insert(HeaderName::from_static("retry-after"), HeaderValue::from_static("1"));
    response
}
