//! CSV or NDJSON into named fields. What is wrong with the file as a whole ends it; what is wrong with a row stays with
//! the row.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::{Finding, ROW_BYTES, ROWS};
use crate::config::authority::{Column, Encoding, Form, Mapping, More};
use crate::domain::text;

/// Why nothing of a file is believed: one sentence each.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// The operating system says so.
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
    /// Not even a head.
    #[error("the file is empty")]
    Empty,
    /// Two bytes a letter.
    #[error("the file is UTF-16: save it as \"CSV UTF-8\"")]
    Utf16,
    /// Columns that are configured are not in the first row.
    #[error(
        "the first row has {columns} columns, and none of them is called {}: correct `[extract.columns]`, or is the first row not the head?",
        quoted(missing)
    )]
    NoColumns {
        /// As configured.
        missing: Vec<String>,
        /// In the first row.
        columns: usize,
    },
    /// Nobody knows which is meant.
    #[error("two columns are called {0:?}")]
    TwoColumns(String),
    /// Another delimiter than is configured.
    #[error("the columns are parted by {seen:?}: set `delimiter` in the configuration")]
    Delimiter {
        /// What is in the first row.
        seen: char,
    },
    /// A quote that is never closed swallows the rest of a file.
    #[error(
        "row {0} is longer than any can be: look for a quote that is not closed, in it or in the row before it"
    )]
    RowTooLong(u64),
    /// More rows than any authority has.
    #[error("the file has more than {ROWS} rows")]
    TooManyRows,
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

/// A row's fields, in the order of [`Column::ALL`], or what is wrong with the row.
pub(super) struct Record {
    pub(super) row: u64,
    pub(super) fields: Result<[Result<String, Finding>; 8], Finding>,
    /// In the order of [`More::ALL`]; nothing where a column is not configured, or cannot be read.
    pub(super) more: [Option<String>; 4],
}

/// Hands over each row.
pub(super) fn each(
    mut source: impl BufRead,
    mapping: &Mapping,
    then: &mut dyn FnMut(Record),
) -> Result<(), FileFault> {
    let begin = source.fill_buf().map_err(|error| unreadable(&error))?;
    if begin.starts_with(&[0xff, 0xfe]) || begin.starts_with(&[0xfe, 0xff]) {
        return Err(FileFault::Utf16);
    }
    if begin.starts_with(&[0xef, 0xbb, 0xbf]) {
        source.consume(3);
    }
    match mapping.form {
        Form::Csv { delimiter } => csv(source, mapping, delimiter, then),
        Form::Ndjson => ndjson(source, mapping, then),
    }
}

fn unreadable(error: &io::Error) -> FileFault {
    FileFault::Unreadable(error.kind().to_string())
}

/// Ends where a row is longer than any can be.
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

/// What may be read before a row has come to its end: the row, and what is read ahead.
const READ_FOR_ROW: usize = ROW_BYTES + 16 * 1024;

fn csv(
    source: impl Read,
    mapping: &Mapping,
    delimiter: u8,
    then: &mut dyn FnMut(Record),
) -> Result<(), FileFault> {
    let left = Rc::new(Cell::new(READ_FOR_ROW));
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(Bounded { source, left: Rc::clone(&left) });
    let mut fields = csv::ByteRecord::new();
    let mut next = |row: u64, fields: &mut csv::ByteRecord| {
        left.set(READ_FOR_ROW);
        reader.read_byte_record(fields).map_err(|error| {
            // Bytes, and rows of any number of fields: nothing else than reading can fail.
            let csv::ErrorKind::Io(error) = error.kind() else {
                return FileFault::Unreadable("it is not CSV".to_owned());
            };
            let is_too_long = error.kind() == io::ErrorKind::FileTooLarge;
            if is_too_long { FileFault::RowTooLong(row) } else { unreadable(error) }
        })
    };
    if !next(1, &mut fields)? {
        return Err(FileFault::Empty);
    }
    let head: Vec<String> = fields
        .iter()
        .map(|name| decoded(name, mapping.encoding).unwrap_or_default().trim().to_owned())
        .collect();
    let (places, further) = places(&head, mapping, delimiter)?;
    for row in 2.. {
        if row > ROWS + 1 {
            return Err(FileFault::TooManyRows);
        }
        if !next(row, &mut fields)? {
            break;
        }
        // A spreadsheet's rows below the last one.
        if fields.iter().all(|field| field.trim_ascii().is_empty()) {
            continue;
        }
        let is_whole = fields.len() == head.len();
        let text = |place: usize| decoded(fields.get(place).unwrap_or_default(), mapping.encoding).ok();
        let more = further.map(|place| place.filter(|_| is_whole).and_then(text));
        let fields = if is_whole {
            Ok(places.map(|place| decoded(fields.get(place).unwrap_or_default(), mapping.encoding)))
        } else {
            Err(Finding::Fields { found: fields.len(), expected: head.len() })
        };
        then(Record { row, fields, more });
    }
    Ok(())
}

fn decoded(field: &[u8], encoding: Encoding) -> Result<String, Finding> {
    match encoding {
        Encoding::Utf8 => std::str::from_utf8(field).map(str::to_owned).map_err(|_| Finding::Encoding),
        Encoding::Windows1252 => {
            Ok(encoding_rs::WINDOWS_1252.decode_without_bom_handling(field).0.into_owned())
        }
    }
}

/// Where each column is, and each further one that is configured.
type Places = ([usize; 8], [Option<usize>; 4]);

fn places(head: &[String], mapping: &Mapping, delimiter: u8) -> Result<Places, FileFault> {
    let of = |name: &str| -> Vec<usize> {
        let is = |(_, column): &(usize, &String)| column.to_lowercase() == name.to_lowercase();
        head.iter().enumerate().filter(is).map(|(place, _)| place).collect()
    };
    let mut places = [0; 8];
    let mut missing = Vec::new();
    for (place, name) in places.iter_mut().zip(&mapping.columns) {
        match of(name).as_slice() {
            [only] => *place = *only,
            [] => missing.push(name.clone()),
            [_, _, ..] => return Err(FileFault::TwoColumns(text::visible(name))),
        }
    }
    let mut further = [None; 4];
    for (place, name) in further.iter_mut().zip(&mapping.more) {
        let Some(name) = name else { continue };
        match of(name).as_slice() {
            [only] => *place = Some(*only),
            [] => missing.push(name.clone()),
            [_, _, ..] => return Err(FileFault::TwoColumns(text::visible(name))),
        }
    }
    if missing.is_empty() {
        return Ok((places, further));
    }
    let seen = [',', ';', '\t', '|'].into_iter().find(|seen| {
        u32::from(*seen) != u32::from(delimiter)
            && matches!(head, [only] if only.split(*seen).count() >= mapping.columns.len())
    });
    Err(match seen {
        Some(seen) => FileFault::Delimiter { seen },
        None => FileFault::NoColumns { missing, columns: head.len() },
    })
}

fn ndjson(
    mut source: impl BufRead,
    mapping: &Mapping,
    then: &mut dyn FnMut(Record),
) -> Result<(), FileFault> {
    let mut line = Vec::new();
    let mut rows = 0;
    for row in 1.. {
        line.clear();
        let most = u64::try_from(ROW_BYTES).unwrap_or(u64::MAX);
        let read =
            source.by_ref().take(most).read_until(b'\n', &mut line).map_err(|error| unreadable(&error))?;
        if read == 0 {
            break;
        }
        if read == ROW_BYTES && line.last() != Some(&b'\n') {
            return Err(FileFault::RowTooLong(row));
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        rows += 1;
        if rows > ROWS {
            return Err(FileFault::TooManyRows);
        }
        let mut more = [const { None }; 4];
        let fields = match std::str::from_utf8(&line) {
            Ok(line) => object(line, mapping, &mut more),
            Err(_) => Err(Finding::Encoding),
        };
        then(Record { row, fields, more });
    }
    if rows == 0 { Err(FileFault::Empty) } else { Ok(()) }
}

/// The mapped fields of an object. One that stands there twice could mean either.
fn object(
    line: &str,
    mapping: &Mapping,
    more: &mut [Option<String>; 4],
) -> Result<[Result<String, Finding>; 8], Finding> {
    let pairs: Pairs = serde_json::from_str(line).map_err(|_| Finding::NotJson)?;
    let mut fields = [const { None }; 8];
    for (name, value) in pairs.0 {
        let place = mapping.columns.iter().position(|column| *column == name);
        let further = mapping.more.iter().position(|column| column.as_ref() == Some(&name));
        if place.is_none() && further.is_none() {
            continue;
        }
        let value = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Null => String::new(),
            Value::Bool(mark) if further.is_some() => mark.to_string(),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => return Err(Finding::NotJson),
        };
        let Some(place) = place else {
            match further.and_then(|place| more.get_mut(place)) {
                Some(field @ None) => *field = Some(value),
                Some(Some(_)) | None => return Err(Finding::NotJson),
            }
            continue;
        };
        match fields.get_mut(place) {
            Some(field @ None) => *field = Some(value),
            Some(Some(_)) | None => return Err(Finding::NotJson),
        }
    }
    Ok(fields.map(|field| field.ok_or(Finding::NoField)))
}

struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Pairs;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Pairs, M::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

impl Record {
    /// A field, without what stands around it.
    pub(super) fn text(&self, column: Column) -> Result<&str, Finding> {
        let fields = self.fields.as_ref().map_err(Clone::clone)?;
        let field = fields.get(column.place()).map_or(Ok(""), |field| match field {
            Ok(text) => Ok(text.trim()),
            Err(finding) => Err(finding.clone()),
        })?;
        if field.chars().any(text::is_unprintable) {
            return Err(Finding::Unprintable);
        }
        Ok(field)
    }

    /// A further field, cut to what a name has; nothing where it is empty.
    pub(super) fn further(&self, which: More) -> Option<String> {
        let place = More::ALL.iter().position(|one| *one == which)?;
        let text = self.more.get(place)?.as_deref()?.trim();
        let shown =
            text.chars().map(|c| if text::is_unprintable(c) { char::REPLACEMENT_CHARACTER } else { c });
        let shown: String = shown.take(NAME_CHARACTERS).collect();
        Some(shown).filter(|shown| !shown.is_empty())
    }

    /// A further field that is a mark: anything but nothing and the words for no. `None` where there is no such column.
    pub(super) fn mark(&self, which: More, mapping: &Mapping) -> Option<bool> {
        let place = More::ALL.iter().position(|one| *one == which)?;
        mapping.more.get(place)?.as_ref()?;
        let text = self.further(which).unwrap_or_default().to_lowercase();
        Some(!["", "no", "n", "false", "0"].contains(&text.as_str()))
    }
}

/// Characters of a worker's or a team's name.
const NAME_CHARACTERS: usize = 100;
