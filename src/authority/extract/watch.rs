//! Watches a CSV file while it is read: how long a row becomes, and whether the file ends within a quote or within a row. The
//! reader of CSV says neither: it closes quotes and rows at the end by itself.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use super::ROW_BYTES;

/// What may be read before a row has come to its end: the row, and what is read ahead.
const READ_FOR_ROW: usize = ROW_BYTES + 16 * 1024;

/// Where in a row a byte stands, by the rules of RFC 4180 as the reader of CSV has them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    /// Before a row's first byte.
    Row,
    /// Before a field's first byte.
    Field,
    Text,
    /// Within quotes.
    Quoted,
    /// After a quote within quotes: it closes them, or is the first of two.
    Quote,
}

impl At {
    fn after(self, byte: u8, delimiter: u8) -> Self {
        match (self, byte) {
            (At::Quoted, b'"') => At::Quote,
            (At::Quoted, _) | (At::Row | At::Field | At::Quote, b'"') => At::Quoted,
            (At::Row | At::Field | At::Text | At::Quote, b'\r' | b'\n') => At::Row,
            (At::Row | At::Field | At::Text | At::Quote, byte) if byte == delimiter => At::Field,
            (At::Row | At::Field | At::Text | At::Quote, _) => At::Text,
        }
    }
}

/// What was seen so far.
#[derive(Clone, Copy)]
struct Seen {
    at: At,
    /// Rows that have begun; lines that are quite empty are none.
    rows: u64,
    /// The row in which the last quote was opened.
    opened: u64,
    /// Bytes that may still be read for this row.
    left: usize,
    is_over: bool,
}

/// How the reading stands.
#[derive(Clone)]
pub(super) struct Standing(Rc<Cell<Seen>>);

impl Standing {
    /// A row has come to its end, and the next may be as long.
    pub(super) fn next_row(&self) {
        self.0.set(Seen { left: READ_FOR_ROW, ..self.0.get() });
    }

    /// The row in which a quote is open where the file is over.
    pub(super) fn open_quote(&self) -> Option<u64> {
        let Seen { at, opened, is_over, .. } = self.0.get();
        (is_over && at == At::Quoted).then_some(opened)
    }

    /// Whether the file is over and its last row has no line end. A field in quotes that are closed is whole all the same.
    pub(super) fn breaks_off(&self) -> bool {
        let Seen { at, is_over, .. } = self.0.get();
        is_over && matches!(at, At::Text | At::Field)
    }
}

/// A file that is watched.
pub(super) struct Watched<R> {
    source: R,
    delimiter: u8,
    standing: Standing,
}

impl<R: Read> Watched<R> {
    pub(super) fn new(source: R, delimiter: u8) -> (Self, Standing) {
        let seen = Seen { at: At::Row, rows: 0, opened: 0, left: READ_FOR_ROW, is_over: false };
        let standing = Standing(Rc::new(Cell::new(seen)));
        (Self { source, delimiter, standing: standing.clone() }, standing)
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        let mut seen = self.standing.0.get();
        seen.left = seen.left.checked_sub(read).ok_or(io::ErrorKind::FileTooLarge)?;
        for byte in buffer.iter().take(read) {
            let at = seen.at.after(*byte, self.delimiter);
            seen.rows += u64::from(seen.at == At::Row && at != At::Row);
            if at == At::Quoted && matches!(seen.at, At::Row | At::Field) {
                seen.opened = seen.rows;
            }
            seen.at = at;
        }
        // Of an empty buffer nothing can be read into.
        seen.is_over = read == 0 && !buffer.is_empty();
        self.standing.0.set(seen);
        if seen.is_over && seen.at == At::Quoted {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sees_quotes_as_the_reader_of_csv_does() {
        let check = |text: &str, expected: (Option<u64>, bool)| {
            let (watched, standing) = Watched::new(text.as_bytes(), b',');
            let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(watched);
            let rows: u64 = reader.byte_records().map(|row| u64::from(row.is_ok())).sum();
            assert_eq!((standing.open_quote(), standing.breaks_off()), expected, "{text:?}");
            if expected.0.is_none() {
                assert_eq!(standing.0.get().rows, rows, "{text:?}");
            }
        };
        check("a,b\n1,2\n", (None, false));
        check("a,b\r\n\r\n1,2", (None, true));
        check("a,b\n1,", (None, true));
        check("a,b\n1,\"2\"", (None, false));
        check("a,b\n1,\"2\n3\"\n", (None, false));
        check("a,b\n1,\"2\n3,4\n", (Some(2), false));
        check("a,b\n1,2\n\n\"3,4\n5,6", (Some(3), false));
        check("a,b\n1,\"say \"\"2\n", (Some(2), false));
        check("a,b\n1,2\"\n3,4\n", (None, false));
        check("a,b\n1, \"2\n3,4\n", (None, false));
        check("a,b\n\"1\"2,\"3\n", (Some(2), false));
        check("", (None, false));
    }
}
