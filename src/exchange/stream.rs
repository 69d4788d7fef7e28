//! A bundle, read and written entry by entry.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufReader, Read, Write};
use std::ops::ControlFlow;
use std::rc::Rc;

use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::ENTRY_BYTES;
use super::wire::{BundleHead, Entry};

/// Read ahead of what is being looked at.
const AHEAD: usize = 64 * 1024;

/// Why a bundle was not read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StreamFault {
    /// It cannot be read at all.
    Io(io::ErrorKind),
    /// Not JSON, not a bundle, or broken off.
    NotABundle,
    /// This entry, or what stands before the first, is longer than any can be.
    TooLong,
    /// Whoever was handed the entries wants no more.
    Stopped,
}

/// What a bundle says beside its entries.
#[derive(Debug, Default)]
pub(super) struct Outside {
    pub(super) resource_type: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) timestamp: Option<String>,
}

/// Ends where an entry is longer than any can be.
struct Bounded<R> {
    source: R,
    left: Rc<Cell<usize>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        let left = self.left.get().checked_sub(read).ok_or(io::ErrorKind::FileTooLarge)?;
        self.left.set(left);
        Ok(read)
    }
}

type Each<'a> = &'a mut dyn FnMut(&RawValue) -> ControlFlow<()>;

/// Hands over each entry's resource, in order.
pub(super) fn read(source: impl Read, each: Each<'_>) -> Result<Outside, StreamFault> {
    let left = Rc::new(Cell::new(ENTRY_BYTES + AHEAD));
    let source = BufReader::with_capacity(AHEAD, Bounded { source, left: Rc::clone(&left) });
    let mut json = serde_json::Deserializer::from_reader(source);
    let mut stopped = false;
    let whole = Whole { left: &left, stopped: &mut stopped, each };
    let read = whole.deserialize(&mut json).and_then(|outside| json.end().map(|()| outside));
    match read {
        Ok(outside) => Ok(outside),
        Err(_) if stopped => Err(StreamFault::Stopped),
        Err(error) => Err(match error.io_error_kind() {
            Some(io::ErrorKind::FileTooLarge) => StreamFault::TooLong,
            // Broken off within a string: said as an end of the file.
            Some(io::ErrorKind::UnexpectedEof) | None => StreamFault::NotABundle,
            Some(kind) => StreamFault::Io(kind),
        }),
    }
}

struct Whole<'a, 'e> {
    left: &'a Cell<usize>,
    stopped: &'a mut bool,
    each: Each<'e>,
}

impl<'de> DeserializeSeed<'de> for Whole<'_, '_> {
    type Value = Outside;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Outside, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Whole<'_, '_> {
    type Value = Outside;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bundle")
    }

    fn visit_map<M: MapAccess<'de>>(mut self, mut map: M) -> Result<Outside, M::Error> {
        let mut outside = Outside::default();
        let mut has_entries = false;
        while let Some(key) = map.next_key::<String>()? {
            let part = match key.as_str() {
                "resourceType" => &mut outside.resource_type,
                "type" => &mut outside.kind,
                "timestamp" => &mut outside.timestamp,
                "entry" if has_entries => return Err(M::Error::custom("two lists of entries")),
                "entry" => {
                    has_entries = true;
                    map.next_value_seed(Entries(&mut self))?;
                    self.left.set(ENTRY_BYTES + AHEAD);
                    continue;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if part.is_some() {
                return Err(M::Error::custom("said twice"));
            }
            *part = Some(map.next_value()?);
        }
        Ok(outside)
    }
}

struct Entries<'w, 'a, 'e>(&'w mut Whole<'a, 'e>);

impl<'de> DeserializeSeed<'de> for Entries<'_, '_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("entries")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut entries: S) -> Result<(), S::Error> {
        self.0.left.set(ENTRY_BYTES + AHEAD);
        while let Some(entry) = entries.next_element::<Box<RawValue>>()? {
            self.0.left.set(ENTRY_BYTES + AHEAD);
            let resource: Entry<'_> = serde_json::from_str(entry.get())
                .map_err(|_| S::Error::custom("an entry without resource"))?;
            if entry.get().len() > ENTRY_BYTES {
                return Err(S::Error::custom("too long"));
            }
            if (self.0.each)(resource.resource).is_break() {
                *self.0.stopped = true;
                return Err(S::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

/// Writes a bundle of the type `message`.
pub(super) struct Writer<W: Write> {
    out: W,
    is_first: bool,
}

impl<W: Write> Writer<W> {
    pub(super) fn begin(mut out: W, head: &BundleHead) -> io::Result<Self> {
        let head = serde_json::to_string(head)?;
        let open = head.strip_suffix('}').unwrap_or(&head);
        write!(out, "{open},\"entry\":[")?;
        Ok(Self { out, is_first: true })
    }

    /// An entry under the address of its own.
    pub(super) fn entry(&mut self, full_url: &str, resource: &impl Serialize) -> io::Result<()> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Written<'a, T> {
            full_url: &'a str,
            resource: &'a T,
        }
        self.out.write_all(if self.is_first { b"\n" } else { b",\n" })?;
        self.is_first = false;
        serde_json::to_writer(&mut self.out, &Written { full_url, resource })?;
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        self.out.write_all(b"\n]}\n")?;
        self.out.flush()?;
        Ok(self.out)
    }
}
