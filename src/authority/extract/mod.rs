//! The extract of a case management system: read as the configuration maps it, and every row checked before
//! anything is sent.
//!
//! | Part | What it is for |
//! |---|---|
//! | `table` | CSV or NDJSON into named fields |
//! | `row` | whether one row can be meant, and what it means |
//! | `dates` | the ways in which extracts write days |
//! | `whole` | whether rows contradict each other |
//! | `finding` | what to mend, in words |
//!
//! Names and numbers of people are in no finding: a report is passed on, printed and mailed. The local id is, or
//! nobody could find the row's person.

mod dates;
mod finding;
mod row;
mod table;
mod whole;

use std::io::BufRead;

use jiff::civil::Date;

use crate::config::authority::Mapping;

pub use finding::{Finding, Problem, Remedy};
pub use row::Meant;
pub use table::FileFault;

/// Most findings that are kept for a report; further ones are counted.
pub const FINDINGS_KEPT: usize = 10_000;

/// Most rows of one file.
pub const ROWS: u64 = 2_000_000;

/// Most bytes of one row.
pub const ROW_BYTES: usize = 64 * 1024;

/// What is known of a file after every row was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Rows, without the head.
    pub rows: u64,
    /// Rows that can be sent.
    pub right: u64,
    /// Different people among those.
    pub people: u64,
    /// Rows that say the same as an earlier one.
    pub repeated: u64,
    /// Rows that are not sent: something is to be mended.
    pub refused: u64,
    /// Of those, rows that no hospital can see until somebody traces the NHS number.
    pub without_number: u64,
    /// What to mend, by row; at most [`FINDINGS_KEPT`].
    pub problems: Vec<Problem>,
    /// How many more there are.
    pub further: u64,
    /// Rows that are right by themselves and are not sent all the same: they contradict others.
    pub contradicting: Vec<u64>,
    /// Rows that say what an earlier one said.
    pub again: Vec<u64>,
}

/// Looks at every row of a file, on the London day `today`.
///
/// # Errors
/// The file cannot be read as it is configured: nothing of it is believed.
pub fn check(source: impl BufRead, mapping: &Mapping, today: Date) -> Result<Checked, FileFault> {
    check_each(source, mapping, today, &mut |_, _| ())
}

/// The same, and hands over each row that is right by itself; which of them are not to be sent is known at the end.
///
/// # Errors
/// The file cannot be read as it is configured: nothing of it is believed, whatever was handed over.
pub fn check_each(
    source: impl BufRead,
    mapping: &Mapping,
    today: Date,
    then: &mut dyn FnMut(u64, &Meant),
) -> Result<Checked, FileFault> {
    let mut whole = whole::Whole::default();
    table::each(source, mapping, &mut |record| match row::judged(&record, mapping, today) {
        Ok(meant) => {
            then(record.row, &meant);
            whole.add(record.row, &meant);
        }
        Err(problems) => whole.refuse(problems),
    })?;
    Ok(whole.checked())
}
