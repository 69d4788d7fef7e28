//! CSV or NDJSON into named fields. What is wrong with the file as a whole ends it; what is wrong with a row stays with
//! the row.

use std::fmt;
use std::io::{self, BufRead, Read};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::{Finding, ROW_BYTES, ROWS, delimited};
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
        "a quote is opened in row {0} and never closed: what stands behind it cannot be told from a text. Mend that row, or have the export \
         write a quote within a text twice"
    )]
    OpenQuote(u64),
    /// Or as much as is between it and the next quote.
    #[error(
        "row {0}: a text in quotes goes over several lines, and they look like further rows: a quote is not closed in it. Mend that row, or \
         have the export write a quote within a text twice"
    )]
    SwallowedRows(u64),
    /// Nobody can tell a long comment from swallowed rows.
    #[error(
        "row {row}: the text in the column {column:?} goes over several lines. If a quote is not closed there, mend it. If texts of that \
         column may go over several lines, and it is not read, put it behind the columns that are, and name it in `extract.multi_line`; or \
         leave it out of the extract"
    )]
    LineBreak {
        /// Which.
        row: u64,
        /// As the head calls it.
        column: String,
    },
    /// What is swallowed there could be the beginning of a row.
    #[error(
        "the column {0:?}, which `extract.multi_line` names, has to stand behind all columns that are read"
    )]
    MultiLineBefore(String),
    /// No longer than a text.
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
    /// The file ends in it: whether it is whole nobody can tell.
    pub(super) breaks_off: bool,
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
        Form::Csv { delimiter } => delimited::each(source, mapping, delimiter, then),
        Form::Ndjson => ndjson(source, mapping, then),
    }
}

pub(super) fn unreadable(error: &io::Error) -> FileFault {
    FileFault::Unreadable(error.kind().to_string())
}

pub(super) fn decoded(field: &[u8], encoding: Encoding) -> Result<String, Finding> {
    match encoding {
        Encoding::Utf8 => std::str::from_utf8(field).map(str::to_owned).map_err(|_| Finding::Encoding),
        Encoding::Windows1252 => {
            Ok(encoding_rs::WINDOWS_1252.decode_without_bom_handling(field).0.into_owned())
        }
    }
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
        then(Record { row, breaks_off: false, fields, more });
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

    /// A further field that is a mark: anything but nothing and the words for no, and what cannot be read. `None` where there is no such
    /// column, or the row does not have it.
    pub(super) fn mark(&self, which: More, mapping: &Mapping) -> Option<bool> {
        let place = More::ALL.iter().position(|one| *one == which)?;
        mapping.more.get(place)?.as_ref()?;
        self.more.get(place)?.as_ref()?;
        let text = self.further(which).unwrap_or_default().to_lowercase();
        Some(!["", "no", "n", "false", "0"].contains(&text.as_str()))
    }
}

/// Characters of a worker's or a team's name.
const NAME_CHARACTERS: usize = 100;
