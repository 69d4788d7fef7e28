//! Applies the files that wait, oldest first, in slices that let views go first. How far it has come is in the
//! same commit as what was applied, so that it goes on there whenever it was broken off.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use aws_lc_rs::digest::{Context, SHA256};

use super::arrival::hexadecimal;
use super::{caller, spool};
use crate::exchange::upload::{self, Header, Record, RecordFault, Sink};
use crate::hub::metrics::Uploaded;
use crate::hub::store::{FileState, Records, StoreError, TakenFile};
use crate::hub::{Hub, limits};

/// Runs until the hub stops. A file that cannot be gone on with holds up nobody but its own authority.
pub(in crate::hub) async fn keep(hub: Hub) {
    if hub.uploads().authorities.is_empty() {
        return;
    }
    while let Err(error) = begin(&hub).await {
        tracing::warn!(reason = %error, "it is not known which uploads wait; it is tried again");
        tokio::time::sleep(limits::UPLOAD_AGAIN).await;
    }
    let mut stuck: Stuck = HashMap::new();
    loop {
        let rests = |(code, known): (&String, &Tried)| (known.until > Instant::now()).then(|| code.clone());
        match hub.store().upload_next(stuck.iter().filter_map(rests).collect()).await {
            Ok(Some(file)) => {
                let (applying, sequence, code) = (hub.clone(), file.sequence, file.authority_code.clone());
                let tried =
                    stuck.get(&code).filter(|known| known.file == file.id).map_or(0, |known| known.times);
                let id = file.id;
                let applied = tokio::task::spawn_blocking(move || apply(&applying, file, tried)).await;
                let (reason, counts) = match applied {
                    Ok(Ok(())) => {
                        stuck.remove(&code);
                        continue;
                    }
                    // Not the file's fault: it waits as long as it takes.
                    Ok(Err(error @ (StoreError::NoRoom | StoreError::Busy | StoreError::Closed))) => {
                        (error.to_string(), 0)
                    }
                    Ok(Err(error @ (StoreError::Failed { .. } | StoreError::LoadRefused(_)))) => {
                        (error.to_string(), 1)
                    }
                    Err(_) => ("the work panicked".to_owned(), 1),
                };
                tracing::warn!(
                    reason,
                    authority = code,
                    sequence,
                    "an upload was broken off; it is gone on with"
                );
                let until = Instant::now() + limits::UPLOAD_AGAIN;
                stuck.insert(code, Tried { file: id, times: tried.saturating_add(counts), until });
            }
            Ok(None) => {
                let _ = tokio::time::timeout(limits::UPLOAD_AGAIN, hub.uploads().came.notified()).await;
            }
            Err(_) => tokio::time::sleep(limits::UPLOAD_AGAIN).await,
        }
    }
}

/// Authorities whose next file cannot be gone on with at present.
type Stuck = HashMap<String, Tried>;

struct Tried {
    file: i64,
    times: u32,
    until: Instant,
}

async fn begin(hub: &Hub) -> Result<(), StoreError> {
    hub.store().expect_authorities(hub.uploads().codes()).await?;
    let waiting = hub.store().upload_spools().await?;
    spool::tidy(hub.database(), hub.uploads().run, &waiting);
    Ok(())
}

/// Applies a file to its end. What was tried so often in vain is lost: its authority sends everything again.
fn apply(hub: &Hub, file: TakenFile, tried: u32) -> Result<(), StoreError> {
    let path = spool::path(hub.database(), &file.spool);
    let unreadable = |error: io::Error| StoreError::Failed {
        phase: "upload",
        reason: format!("a file that waits cannot be read: {}", error.kind()),
    };
    let is_there = is_the_same(&path, &file.digest);
    if tried >= limits::UPLOAD_TRIES || matches!(is_there, Ok(false)) || !hub.store().upload_follows(&file)? {
        return lose(hub, &file);
    }
    is_there.map_err(unreadable)?;
    if !hub.has_room_for(0) && make_room(hub)? {
        return Ok(());
    }
    let by = caller(&file.authority_code);
    let mut applying = Applying { hub, file, waiting: Vec::new(), broken_off: None };
    let source = File::open(&path).map_err(unreadable)?;
    if upload::read(source, &mut applying).is_ok() {
        applying.hand_over();
    }
    if let Some(error) = applying.broken_off {
        return Err(error);
    }
    let file = applying.file;
    if file.done != file.records {
        // It was whole a moment ago.
        let reason = "a file that waits could not be read to its end".to_owned();
        return Err(StoreError::Failed { phase: "upload", reason });
    }
    hub.store().upload_end(&by, &file, FileState::Complete)?;
    let (records, rejected) = (file.records, file.rejected);
    tracing::info!(
        authority = file.authority_code,
        sequence = file.sequence,
        records,
        rejected,
        "an upload was applied"
    );
    let _ = std::fs::remove_file(path);
    while hub.store().upload_forget(&file.authority_code)? {
        std::thread::sleep(limits::RETENTION_PAUSE);
    }
    Ok(())
}

/// Gives a file up: its authority is told, and sends everything again.
fn lose(hub: &Hub, file: &TakenFile) -> Result<(), StoreError> {
    tracing::error!(
        authority = file.authority_code,
        sequence = file.sequence,
        "an upload that waited is lost"
    );
    hub.metrics().uploaded(Uploaded::Lost);
    hub.store().upload_end(&caller(&file.authority_code), file, FileState::Lost)?;
    let _ = std::fs::remove_file(spool::path(hub.database(), &file.spool));
    Ok(())
}

/// Where the disk is so full that nothing can be applied, the files that wait would wait for each other for ever: the newest goes,
/// if that helps. Whether one went.
fn make_room(hub: &Hub) -> Result<bool, StoreError> {
    let newest = hub.store().upload_newest()?.filter(|_| hub.would_have_room(spool::bytes(hub.database())));
    newest.map_or(Ok(false), |newest| lose(hub, &newest).map(|()| true))
}

/// Whether what waits is what was taken. Where it cannot be read nobody knows.
fn is_the_same(path: &Path, digest: &str) -> io::Result<bool> {
    let hashed = || -> io::Result<String> {
        let (mut file, mut hash) = (File::open(path)?, Context::new(&SHA256));
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = file.read(&mut buffer)?;
            let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else { break };
            hash.update(part);
        }
        Ok(hexadecimal(hash.finish().as_ref()))
    };
    match hashed() {
        Ok(found) => Ok(found == digest),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

struct Applying<'a> {
    hub: &'a Hub,
    file: TakenFile,
    waiting: Records,
    broken_off: Option<StoreError>,
}

impl Applying<'_> {
    /// Applies what was read, slice by slice.
    fn hand_over(&mut self) {
        let by = caller(&self.file.authority_code);
        let records = Arc::new(std::mem::take(&mut self.waiting));
        let mut from = 0;
        while from < records.len() {
            if self.hub.uploads().stops.load(Ordering::Acquire) {
                self.broken_off = Some(StoreError::Closed);
                return;
            }
            match self.hub.store().upload_slice(&by, &self.file, &records, from) {
                Ok((file, done)) => (self.file, from) = (file, done),
                Err(error) => {
                    self.broken_off = Some(error);
                    return;
                }
            }
            std::thread::sleep(limits::UPLOAD_PAUSE);
        }
    }
}

impl Sink for Applying<'_> {
    fn header(&mut self, _header: &Header) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn record(&mut self, place: u64, record: Result<Record, RecordFault>) -> ControlFlow<()> {
        if place <= self.file.done {
            return ControlFlow::Continue(());
        }
        self.waiting.push((place, record));
        if self.waiting.len() >= limits::UPLOAD_CHUNK {
            self.hand_over();
        }
        if self.broken_off.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl super::Uploads {
    /// What is being applied ends after its slice.
    pub(in crate::hub) fn stop(&self) {
        self.stops.store(true, Ordering::Release);
    }
}
