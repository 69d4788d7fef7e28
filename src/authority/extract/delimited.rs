//! CSV into named fields. A quote that is not closed swallows rows, and with them children, so that a text which goes over several
//! lines is believed only in a column that is configured for it, and only where none of its lines looks like a row.

use std::io::{self, Read};

use super::table::{FileFault, Record, decoded, unreadable};
use super::watch::{Standing, Watched};
use super::{Finding, ROWS, dates};
use crate::config::authority::{Mapping, More};
use crate::domain::{NhsNumber, text};

/// The head: where what is read stands.
struct Head {
    names: Vec<String>,
    delimiter: char,
    columns: [usize; 8],
    further: [Option<usize>; 4],
    multi_line: Vec<usize>,
    /// The last column that is read.
    last: usize,
}

/// Hands over each row.
pub(super) fn each(
    source: impl Read,
    mapping: &Mapping,
    delimiter: u8,
    then: &mut dyn FnMut(Record),
) -> Result<(), FileFault> {
    let (watched, standing) = Watched::new(source, delimiter);
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(watched);
    let mut fields = csv::ByteRecord::new();
    let mut next = |row: u64, fields: &mut csv::ByteRecord| {
        standing.next_row();
        reader.read_byte_record(fields).map_err(|error| fault(row, &error, &standing))
    };
    if !next(1, &mut fields)? {
        return Err(FileFault::Empty);
    }
    let head = Head::of(&fields, mapping, delimiter)?;
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
        head.holds_no_rows(row, &fields)?;
        then(head.record(row, &fields, mapping, standing.breaks_off()));
    }
    Ok(())
}

/// Bytes, and rows of any number of fields: nothing else than reading can fail.
fn fault(row: u64, error: &csv::Error, standing: &Standing) -> FileFault {
    let csv::ErrorKind::Io(error) = error.kind() else {
        return FileFault::Unreadable("it is not CSV".to_owned());
    };
    match standing.open_quote() {
        Some(row) => FileFault::OpenQuote(row),
        None if error.kind() == io::ErrorKind::FileTooLarge => FileFault::RowTooLong(row),
        None => unreadable(error),
    }
}

/// Whether a text goes over several lines. Line ends around it hide nothing.
fn has_lines(field: &[u8]) -> bool {
    field.trim_ascii().iter().any(|byte| matches!(byte, b'\r' | b'\n'))
}

impl Head {
    fn of(fields: &csv::ByteRecord, mapping: &Mapping, delimiter: u8) -> Result<Self, FileFault> {
        // A column's name may go over several lines, but has no columns in it.
        if fields.iter().any(|name| has_lines(name) && name.contains(&delimiter)) {
            return Err(FileFault::SwallowedRows(1));
        }
        let names: Vec<String> = fields
            .iter()
            .map(|name| decoded(name, mapping.encoding).unwrap_or_default().trim().to_owned())
            .collect();
        let mut missing = Vec::new();
        let mut columns = [0; 8];
        for (place, name) in columns.iter_mut().zip(&mapping.columns) {
            *place = found(&names, name, &mut missing)?;
        }
        let mut further = [None; 4];
        for (place, name) in further.iter_mut().zip(&mapping.more) {
            *place = name.as_ref().map(|name| found(&names, name, &mut missing)).transpose()?;
        }
        let mut multi_line = Vec::new();
        for name in &mapping.multi_line {
            multi_line.push(found(&names, name, &mut missing)?);
        }
        if !missing.is_empty() {
            return Err(no_columns(&names, mapping, delimiter, missing));
        }
        let last = columns.iter().chain(further.iter().flatten()).copied().max().unwrap_or(0);
        if let Some((_, name)) = multi_line.iter().zip(&mapping.multi_line).find(|(place, _)| **place < last)
        {
            return Err(FileFault::MultiLineBefore(text::visible(name)));
        }
        Ok(Self { names, delimiter: char::from(delimiter), columns, further, multi_line, last })
    }

    /// No text swallows rows.
    fn holds_no_rows(&self, row: u64, fields: &csv::ByteRecord) -> Result<(), FileFault> {
        for (place, field) in fields.iter().enumerate().filter(|(_, field)| has_lines(field)) {
            if fields.len() != self.names.len() {
                return Err(FileFault::SwallowedRows(row));
            }
            if !self.multi_line.contains(&place) {
                let column = self.names.get(place).map(|name| text::visible(name)).unwrap_or_default();
                return Err(FileFault::LineBreak { row, column });
            }
            // What cannot be read has its letters all the same where it matters: digits and delimiters.
            let field = String::from_utf8_lossy(field);
            let mut further_lines = field.split(['\r', '\n']).skip(1);
            if further_lines.any(|line| self.looks_like_a_row(line)) {
                return Err(FileFault::SwallowedRows(row));
            }
        }
        Ok(())
    }

    /// Whether a line has all columns that are read, and a day or an NHS number in one of them: hardly any sentence does.
    fn looks_like_a_row(&self, line: &str) -> bool {
        let parts: Vec<&str> = line.split(self.delimiter).map(|part| part.trim().trim_matches('"')).collect();
        let is_of_a_row = |part: &&str| {
            let is_day = matches!(dates::parse(part), Ok(_) | Err(Finding::ShortYear | Finding::SerialDay));
            is_day || NhsNumber::parse(part).is_ok()
        };
        parts.len() > self.last && parts.iter().any(is_of_a_row)
    }

    fn record(&self, row: u64, fields: &csv::ByteRecord, mapping: &Mapping, is_last: bool) -> Record {
        let is_whole = fields.len() == self.names.len();
        let text = |place: usize| decoded(fields.get(place).unwrap_or_default(), mapping.encoding).ok();
        let mut more = self.further.map(|place| place.filter(|_| is_whole).and_then(text));
        for ((which, place), field) in More::ALL.into_iter().zip(self.further).zip(&mut more) {
            // A mark that cannot be read is none that is missing.
            if which == More::Restricted && field.is_none() && is_whole && place.is_some() {
                *field = Some(char::REPLACEMENT_CHARACTER.to_string());
            }
        }
        // Where a column follows all that are read, these are whole.
        let breaks_off = is_last && !(is_whole && self.last + 1 < self.names.len());
        let fields = if is_whole {
            Ok(self.columns.map(|place| decoded(fields.get(place).unwrap_or_default(), mapping.encoding)))
        } else if breaks_off && fields.len() < self.names.len() {
            Err(Finding::BreaksOff)
        } else {
            Err(Finding::Fields { found: fields.len(), expected: self.names.len() })
        };
        Record { row, breaks_off, fields, more }
    }
}

/// Where a column is. One that is missing is noted.
fn found(head: &[String], name: &str, missing: &mut Vec<String>) -> Result<usize, FileFault> {
    let is = |(_, column): &(usize, &String)| column.to_lowercase() == name.to_lowercase();
    let places: Vec<usize> = head.iter().enumerate().filter(is).map(|(place, _)| place).collect();
    match places.as_slice() {
        [only] => Ok(*only),
        [] => {
            missing.push(name.to_owned());
            Ok(0)
        }
        [_, _, ..] => Err(FileFault::TwoColumns(text::visible(name))),
    }
}

fn no_columns(head: &[String], mapping: &Mapping, delimiter: u8, missing: Vec<String>) -> FileFault {
    let seen = [',', ';', '\t', '|'].into_iter().find(|seen| {
        u32::from(*seen) != u32::from(delimiter)
            && matches!(head, [only] if only.split(*seen).count() >= mapping.columns.len())
    });
    match seen {
        Some(seen) => FileFault::Delimiter { seen },
        None => FileFault::NoColumns { missing, columns: head.len() },
    }
}
