//! What an authority is told of its file: that it is being worked on, or the acknowledgement, written as it is read
//! from the database, however many records were rejected.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use hyper::body::Frame;
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::mpsc;

use super::Sender;
use crate::exchange::Acknowledgement;
use crate::exchange::acknowledgement::{Apart, Writer};
use crate::hub::error::ApiError;
use crate::hub::store::{FileState, Store, TakenFile};
use crate::hub::{Hub, respond};

/// Bytes that are sent together.
const PART_BYTES: usize = 64 * 1024;

/// `GET /exchange/uploads/{sequence}`
pub(in crate::hub) async fn tell(
    State(hub): State<Hub>,
    sender: Sender,
    sequence: Result<Path<u32>, PathRejection>,
) -> Result<Response, ApiError> {
    let Ok(Path(sequence)) = sequence else { return Err(ApiError::NOT_KNOWN) };
    let file = hub.store().upload_file(sender.code().to_owned(), sequence).await?;
    let file = file.ok_or(ApiError::NOT_KNOWN)?;
    match file.state {
        FileState::Waiting => Ok(waiting(&file)),
        FileState::Complete | FileState::Lost => {
            if !hub.store().upload_is_kept(&file).await? {
                return Err(ApiError::NOT_KNOWN);
            }
            Ok(acknowledged(hub.store().clone(), file, hub.clock().now()))
        }
    }
}

fn waiting(file: &TakenFile) -> Response {
    let far = json!({ "sequence": file.sequence, "records": file.records, "done": file.done });
    let mut response = respond::json(StatusCode::ACCEPTED, &far);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// The acknowledgement of a file that was refused as a whole.
pub(super) fn at_once(what: &Acknowledgement, at: Timestamp) -> Result<Response, ApiError> {
    let written = Writer::begin(Vec::new(), what, at).and_then(Writer::finish);
    written
        .map(|body| fhir(Body::from(body)))
        .map_err(|_| ApiError::inside("upload", "an acknowledgement could not be written"))
}

fn fhir(body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(respond::FHIR_JSON));
    response
}

fn acknowledged(store: Store, file: TakenFile, at: Timestamp) -> Response {
    let (parts, waiting) = mpsc::channel(4);
    tokio::task::spawn_blocking(move || {
        let out = Parts { parts: parts.clone(), filled: Vec::with_capacity(PART_BYTES) };
        if let Err(error) = write(&store, &file, at, out) {
            // Broken off, so that nobody takes a part of it for all.
            let _ = parts.blocking_send(Err(error));
        }
    });
    fhir(Body::new(Sending(waiting)))
}

/// Writes what became of a file. From a thread that may block.
pub(in crate::hub) fn write(
    store: &Store,
    file: &TakenFile,
    at: Timestamp,
    out: impl Write,
) -> io::Result<()> {
    let is_lost = file.state == FileState::Lost;
    let lost =
        "The hub lost this file, or one before it, before all of it was applied: send everything again";
    let what = Acknowledgement {
        authority_code: file.authority_code.clone(),
        sequence: Some(file.sequence),
        records: Some(file.records),
        code: file.code(),
        why: is_lost.then(|| lost.to_owned()),
        digest: Some(file.digest.clone()),
        rejected: (!is_lost).then_some(file.rejected),
        apart: is_lost.then_some(Apart { last: file.sequence, is_lost }),
    };
    let mut writer = Writer::begin(out, &what, at)?;
    if is_lost {
        return writer.finish().map(drop);
    }
    let (mut after, mut told) = (0, 0);
    loop {
        let page = store.upload_rejections(file.id, after).map_err(io::Error::other)?;
        let Some(last) = page.last() else { break };
        after = last.place;
        for rejection in &page {
            told += 1;
            writer.rejection(rejection)?;
        }
    }
    if told != file.rejected {
        // Those of an older file are forgotten page by page: a part of them would read as if the others had been taken.
        return Err(io::Error::other("rejections of this file are forgotten"));
    }
    if file.is_full {
        write_still_held(store, file, &mut writer)?;
    }
    writer.finish().map(drop)
}

/// What is held of the authority, and was not in its full refresh.
fn write_still_held(store: &Store, file: &TakenFile, writer: &mut Writer<impl Write>) -> io::Result<()> {
    let mut after = 0;
    loop {
        let page = store.upload_still_held(file, after).map_err(io::Error::other)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = *last;
        for (_, plan) in &page {
            writer.still_held(plan)?;
        }
    }
}

/// Sends what is written in parts, and waits where nobody takes them.
struct Parts {
    parts: mpsc::Sender<io::Result<Bytes>>,
    filled: Vec<u8>,
}

impl Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.filled.extend_from_slice(bytes);
        if self.filled.len() >= PART_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let part = std::mem::replace(&mut self.filled, Vec::with_capacity(PART_BYTES));
        self.parts.blocking_send(Ok(part.into())).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

struct Sending(mpsc::Receiver<io::Result<Bytes>>);

impl HttpBody for Sending {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0.poll_recv(context).map(|part| part.map(|part| part.map(Frame::data)))
    }
}
