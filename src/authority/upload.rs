//! From the extract to the hub and back: what differs goes up as one document, under a number of its own, and only what the
//! hub acknowledges is remembered.
//!
//! A file that was under way when the link ended is settled before anything else: the very same document is sent again,
//! and the hub knows it.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufWriter};
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::civil::Date;

use super::extract::Checked;
use super::memory::{
    Absent, Changes, Comparison, Decided, Hashed, Memory, MemoryError, SettleError, Settled,
};
use super::patience::Patience;
use crate::config::authority::{LinkSettings, Mapping};
use crate::exchange::upload::{Header, Writer};
use crate::exchange::{Delivery, Transport, TransportError};

/// So many files at most: what differs, all of it where hub and link do not meet, and what that brought to light.
const MOST_FILES: usize = 5;

/// How often the hub is asked how far it has come.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// So long a hub may work on a file without a record more before the link gives up asking for now.
const NO_PROGRESS: Duration = Duration::from_secs(10 * 60);

/// Why nothing, or not everything, was sent: one sentence each.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The extract, or the memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The extract cannot be read.
    #[error("{0}")]
    Extract(String),
    /// The document cannot be written.
    #[error("the document cannot be written beside the link's memory: {0}")]
    Document(String),
    /// The hub could not be reached, or refuses the link. What is under way is sent first by the next upload.
    #[error("{0}; the file waits, and the next upload sends it first")]
    Transport(#[from] TransportError),
    /// What came back settles nothing.
    #[error("{0}; the file waits, and the next upload sends it first")]
    Settle(#[from] SettleError),
}

/// What an upload begins with.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Which authority.
    pub settings: &'a LinkSettings,
    /// How the extract is to be read.
    pub mapping: &'a Mapping,
    /// The London day.
    pub today: Date,
    /// The moment, for the document.
    pub now: Timestamp,
    /// Everything goes up, not only what differs.
    pub is_full: bool,
    /// An extract that has hardly anything of what the last one had is right.
    pub accepts_fewer: bool,
}

/// What a comparison without sending says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What is right and wrong with the extract.
    pub checked: Checked,
    /// What would go up.
    pub changes: Changes,
    /// How many plans hospitals do not see, as far as the extract says.
    pub not_visible: u64,
    /// How many current plans the hub does not hold as the extract has them, beside those.
    pub not_sent: u64,
    /// What is held and no longer in the extract.
    pub absent: Vec<Absent>,
    /// Decisions that would go, as the extract has the plans again.
    pub dropped: Vec<Decided>,
}

/// What an upload did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uploaded {
    /// What is right and wrong with the extract.
    pub checked: Checked,
    /// What went up, file by file, and what became of it. There is more than one where hub and link did not know the same.
    pub files: Vec<(Changes, Settled)>,
    /// Decisions that went, as the extract has the plans again.
    pub dropped: Vec<Decided>,
    /// No file went: most rows of the extract cannot be sent, nothing that can is new, and a file without records would say that all is well.
    pub kept_silent: bool,
}

/// How far it has come.
#[derive(Debug)]
pub enum Step<'a> {
    /// What is done, how much, of how much.
    Doing(&'static str, u64, u64),
    /// It is tried again after this pause.
    Waiting(&'a TransportError, Duration),
}

/// Who wants to know.
pub type Progress<'a> = &'a mut dyn FnMut(Step<'_>);

/// Opens the extract, from its beginning.
pub type Open<'a> = &'a mut dyn FnMut() -> Result<Box<dyn BufRead>, String>;

/// Says what would go up, and remembers nothing.
///
/// # Errors
/// The extract cannot be believed, or the memory cannot be used.
pub fn dry_run(
    memory: &mut Memory,
    source: impl BufRead,
    ask: Ask<'_>,
    progress: Progress<'_>,
) -> Result<Difference, UploadError> {
    let how = (ask.is_full, ask.accepts_fewer);
    let comparison = memory.compare(source, ask.mapping, ask.today, how, &mut read_rows(progress))?;
    Ok(Difference {
        checked: comparison.checked.clone(),
        changes: comparison.changes.clone(),
        not_visible: comparison.not_visible()?,
        not_sent: comparison.not_sent()?,
        absent: comparison.absent()?,
        dropped: comparison.dropped.clone(),
    })
}

/// Whether no file goes for an extract: nothing differs, and most of it cannot be sent. Whoever watches that this authority's plans come
/// would hear a file as that all is well.
#[must_use]
pub fn would_be_silent(changes: &Changes, checked: &Checked) -> bool {
    changes.records == 0 && !checked.is_mostly_right()
}

fn read_rows(progress: Progress<'_>) -> impl FnMut(u64) {
    |rows| progress(Step::Doing("reading", rows, 0))
}

/// Settles the file that is under way, if there is one. The hub is asked first: it may have it already.
///
/// # Errors
/// The hub could not be reached, or refuses the link: the file is still under way.
pub fn settle(
    memory: &mut Memory,
    transport: &mut dyn Transport,
    now: Timestamp,
    patience: Patience,
    progress: Progress<'_>,
) -> Result<Option<Settled>, UploadError> {
    let Some(outgoing) = memory.outgoing()? else { return Ok(None) };
    let document = memory.document();
    let mut asked = Asked { sent: 0, done: 0, since: Instant::now() };
    loop {
        match patience.try_again(progress, || transport.acknowledgement(outgoing.sequence))? {
            Delivery::Acknowledged(said) => {
                let settled = memory.settle(said, now)?;
                // It is remembered: that the other end keeps it for longer harms nobody.
                let _ = patience.try_again(progress, || transport.is_settled());
                return Ok(Some(settled));
            }
            Delivery::UnderWay { done } => {
                progress(Step::Doing("applied", done, outgoing.records));
                if asked.stands_still(done) {
                    let why = "it has not gone on with the file for ten minutes".to_owned();
                    return Err(TransportError::NotNow(why, None).into());
                }
            }
            // Nobody has it any more: what it said is found anew.
            Delivery::NotArrived if !document.exists() => {
                memory.forget_outgoing()?;
                return Ok(None);
            }
            Delivery::NotArrived if asked.again() => {
                progress(Step::Doing("sending", 0, outgoing.records));
                patience.try_again(progress, || transport.send(&document, outgoing.sequence))?;
            }
            Delivery::NotArrived => {
                let why = "it took the file and does not know it".to_owned();
                return Err(TransportError::NotUnderstood(why).into());
            }
        }
        std::thread::sleep(ASK_EVERY);
    }
}

/// Sends what differs, and waits for what becomes of it. Where hub and link turn out not to know the same, everything is sent, and
/// then what that brought to light. A file under way has to be settled first.
///
/// # Errors
/// The extract cannot be believed and nothing was sent; or it is under way.
pub fn upload(
    memory: &mut Memory,
    transport: &mut dyn Transport,
    open: Open<'_>,
    ask: Ask<'_>,
    patience: Patience,
    progress: Progress<'_>,
) -> Result<Uploaded, UploadError> {
    let document = memory.document();
    let (mut files, mut asked_for): (Vec<(Changes, Settled)>, bool) = (Vec::new(), ask.is_full);
    let mut dropped = Vec::new();
    loop {
        let source = open().map_err(UploadError::Extract)?;
        let how = (std::mem::take(&mut asked_for), ask.accepts_fewer);
        let comparison = memory.compare(source, ask.mapping, ask.today, how, &mut read_rows(progress))?;
        let (checked, changes) = (comparison.checked.clone(), comparison.changes.clone());
        dropped.extend(comparison.dropped.iter().cloned());
        let was_full = files.last().is_some_and(|(_, settled)| settled.not_met.is_none());
        let is_nothing = was_full && (changes.records == 0 || changes.is_only_rejected());
        let kept_silent = files.is_empty() && would_be_silent(&changes, &checked);
        if is_nothing || kept_silent {
            comparison.note()?;
            return Ok(Uploaded { checked, files, dropped, kept_silent });
        }
        let digest = write(&comparison, &document, ask, progress)?;
        let outgoing = comparison.go(digest)?;
        progress(Step::Doing("sending", 0, changes.records));
        patience.try_again(progress, || transport.send(&document, outgoing.sequence))?;
        let settled = settle(memory, transport, ask.now, patience, progress)?;
        let settled = settled.ok_or(MemoryError::Damaged("no file is under way"))?;
        let goes_on = settled.not_met.is_some() || (settled.why.is_none() && settled.is_full);
        files.push((changes, settled));
        if !goes_on || files.len() == MOST_FILES {
            return Ok(Uploaded { checked, files, dropped, kept_silent: false });
        }
    }
}

/// Writes the document, all of it to the disk before its number is used.
fn write(
    comparison: &Comparison<'_>,
    path: &Path,
    ask: Ask<'_>,
    progress: Progress<'_>,
) -> Result<String, UploadError> {
    let failed = |error: std::io::Error| UploadError::Document(error.kind().to_string());
    let records = comparison.changes.records;
    let header = Header {
        authority_code: ask.settings.code.clone(),
        authority: ask.settings.authority.clone(),
        sequence: comparison.next_sequence()?,
        records,
        previous: comparison.previous.clone(),
        is_full: comparison.is_full,
    };
    // Of a file that was never numbered.
    let _ = std::fs::remove_file(path);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(failed)?;
    let mut writer = Writer::begin(Hashed::new(BufWriter::new(file)), &header, ask.now).map_err(failed)?;
    comparison.each_record(&mut |record| {
        let place = writer.record(record).map_err(|error| error.kind().to_string())?;
        if place.is_multiple_of(1_000) {
            progress(Step::Doing("writing", place, records));
        }
        Ok(())
    })?;
    let (out, digest) = writer.finish().map_err(failed)?.finish();
    let file: File = out.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Not every system lets a directory be flushed; where it cannot, the number is used up and the next upload says so.
    let _ = File::open(directory).and_then(|directory| directory.sync_all());
    Ok(digest)
}

/// How the asking goes.
struct Asked {
    sent: u32,
    done: u64,
    since: Instant,
}

impl Asked {
    fn stands_still(&mut self, done: u64) -> bool {
        if done > self.done {
            *self = Self { done, since: Instant::now(), ..*self };
        }
        // By the clock and not by turns: a mailbox is asked less often than a server.
        self.since.elapsed() >= NO_PROGRESS
    }

    /// Whether to send once more.
    fn again(&mut self) -> bool {
        self.sent += 1;
        self.sent <= 2
    }
}
