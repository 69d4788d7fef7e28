//! Lines of a file with their places in it; none is longer than its limit in memory, however long it is.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::time::SystemTime;

use aws_lc_rs::digest::{Context, SHA256};

use super::{LoadError, Source};
use crate::hub::limits;

pub(super) trait Seekable: Read + Seek + Send {}
impl<T: Read + Seek + Send> Seekable for T {}

/// How a file looked when it was read first. A change of either means that it was written to.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    size: u64,
    changed: Option<SystemTime>,
}

impl Source {
    pub(super) fn open(&self) -> Result<Lines, LoadError> {
        let reader: Box<dyn Seekable> = match self {
            Source::File(path) => Box::new(File::open(path).map_err(unreadable)?),
            Source::Text(text) => Box::new(Cursor::new(Shared(std::sync::Arc::clone(text)))),
        };
        Ok(Lines {
            reader: BufReader::with_capacity(128 * 1024, reader),
            number: 0,
            offset: 0,
            line: Vec::new(),
            digest: None,
        })
    }

    pub(super) fn stamp(&self) -> Result<Stamp, LoadError> {
        Ok(match self {
            Source::File(path) => {
                let about = std::fs::metadata(path).map_err(unreadable)?;
                if !about.is_file() {
                    return Err(LoadError::Unreadable("it is not a file".to_owned()));
                }
                Stamp { size: about.len(), changed: about.modified().ok() }
            }
            Source::Text(text) => Stamp { size: text.len() as u64, changed: None },
        })
    }

    /// Under which an unfinished load of it is known.
    pub(super) fn name(&self) -> String {
        match self {
            Source::File(path) => {
                path.canonicalize().unwrap_or_else(|_| path.clone()).to_string_lossy().into_owned()
            }
            Source::Text(_) => String::new(),
        }
    }
}

impl Stamp {
    pub(super) fn size(&self) -> u64 {
        self.size
    }
}

/// Text that several readers share.
struct Shared(std::sync::Arc<str>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

pub(super) fn unreadable(error: io::Error) -> LoadError {
    LoadError::Unreadable(error.kind().to_string())
}

/// A reader of lines.
pub(super) struct Lines {
    reader: BufReader<Box<dyn Seekable>>,
    number: usize,
    offset: u64,
    line: Vec<u8>,
    digest: Option<Context>,
}

/// A line: its number from 1, where it begins, and what stands in it.
pub(super) struct Line<'a> {
    pub(super) number: usize,
    pub(super) offset: u64,
    /// Without what is beyond the limit.
    pub(super) bytes: &'a [u8],
    pub(super) is_too_long: bool,
}

impl Lines {
    /// Also hashes all that is read.
    pub(super) fn hashed(mut self) -> Self {
        self.digest = Some(Context::new(&SHA256));
        self
    }

    /// The hash of all that was read, in hexadecimal digits.
    pub(super) fn digest(self) -> String {
        let digest = self.digest.map(Context::finish);
        digest
            .map(|digest| digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
            .unwrap_or_default()
    }

    /// Where the next line begins, and how many there were before it.
    pub(super) fn place(&self) -> (usize, u64) {
        (self.number, self.offset)
    }

    /// Goes on at a place; `number` lines are before it.
    pub(super) fn go_to(&mut self, number: usize, offset: u64) -> Result<(), LoadError> {
        let by = i64::try_from(offset)
            .unwrap_or(i64::MAX)
            .saturating_sub(i64::try_from(self.offset).unwrap_or(i64::MAX));
        // Relative, so that what is in the buffer already is used.
        if by != 0 {
            self.reader.seek_relative(by).map_err(unreadable)?;
        }
        (self.number, self.offset) = (number, offset);
        Ok(())
    }

    pub(super) fn next(&mut self) -> Result<Option<Line<'_>>, LoadError> {
        let offset = self.offset;
        self.line.clear();
        let most = limits::LOAD_LINE_BYTES as u64 + 1;
        let mut rest = Vec::new();
        let read = self.reader.by_ref().take(most).read_until(b'\n', &mut self.line).map_err(unreadable)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.advance(false, &rest, read);
        let is_too_long = read > limits::LOAD_LINE_BYTES;
        if is_too_long && self.line.last() != Some(&b'\n') {
            loop {
                rest.clear();
                let more =
                    self.reader.by_ref().take(most).read_until(b'\n', &mut rest).map_err(unreadable)?;
                self.advance(true, &rest, more);
                if more == 0 || rest.last() == Some(&b'\n') {
                    break;
                }
            }
        }
        Ok(Some(Line { number: self.number, offset, bytes: self.line.trim_ascii_end(), is_too_long }))
    }

    fn advance(&mut self, is_rest: bool, rest: &[u8], read: usize) {
        self.offset += read as u64;
        if let Some(digest) = &mut self.digest {
            digest.update(if is_rest { rest } else { &self.line });
        }
    }
}
