//! Applies the files that wait, oldest first, in slices that let views go first. How far it has come is in the
//! same commit as what was applied, so that it goes on there whenever it was broken off.

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use aws_lc_rs::digest::{Context, SHA256};

use super::receive::hexadecimal;
use super::{caller, spool};
use crate::exchange::upload::{self, Header, Record, RecordFault, Sink};
use crate::hub::metrics::Uploaded;
use crate::hub::store::{FileState, Records, StoreError, TakenFile};
use crate::hub::{Hub, limits};

/// Runs until the hub stops.
pub(in crate::hub) async fn keep(hub: Hub) {
    if hub.uploads().authorities.is_empty() {
        return;
    }
    while let Err(error) = begin(&hub).await {
        tracing::warn!(reason = %error, "it is not known which uploads wait; it is tried again");
        tokio::time::sleep(limits::UPLOAD_AGAIN).await;
    }
    loop {
        match hub.store().upload_next().await {
            Ok(Some(file)) => {
                let (applying, sequence) = (hub.clone(), file.sequence);
                let applied = tokio::task::spawn_blocking(move || apply(&applying, file)).await;
                let Ok(Err(error)) = applied else { continue };
                tracing::warn!(reason = %error, sequence, "an upload was broken off; it is gone on with");
                tokio::time::sleep(limits::UPLOAD_AGAIN).await;
            }
            Ok(None) => {
                let _ = tokio::time::timeout(limits::UPLOAD_AGAIN, hub.uploads().came.notified()).await;
            }
            Err(_) => tokio::time::sleep(limits::UPLOAD_AGAIN).await,
        }
    }
}

async fn begin(hub: &Hub) -> Result<(), StoreError> {
    hub.store().expect_authorities(hub.uploads().codes()).await?;
    let waiting = hub.store().upload_spools().await?;
    spool::tidy(hub.database(), hub.uploads().run, &waiting);
    Ok(())
}

/// Applies a file to its end.
fn apply(hub: &Hub, file: TakenFile) -> Result<(), StoreError> {
    let by = caller(&file.authority_code);
    let path = spool::path(hub.database(), &file.spool);
    if !is_the_same(&path, &file.digest) {
        tracing::error!(
            authority = file.authority_code,
            sequence = file.sequence,
            "an upload that waited is lost"
        );
        hub.metrics().uploaded(Uploaded::Lost);
        return hub.store().upload_end(&by, &file, FileState::Lost);
    }
    let mut applying = Applying { hub, file, waiting: Vec::new(), broken_off: None };
    let read = File::open(&path).map(|source| upload::read(source, &mut applying));
    if let Ok(Ok(_)) = read {
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

/// Whether what waits is what was taken.
fn is_the_same(path: &Path, digest: &str) -> bool {
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
    hashed().is_ok_and(|found| found == digest)
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
