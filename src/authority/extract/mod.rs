//! The extract of a case management system: read as the configuration maps it, and every row checked before
//! anything is sent.
//!
//! | Part | What it is for |
//! |---|---|
//! | `table` | CSV or NDJSON into named fields |
//! | `delimited`, `watch` | the same of CSV, and whether a quote has swallowed rows, or the file breaks off |
//! | `row` | whether one row can be meant, and what it means |
//! | `dates` | the ways in which extracts write days |
//! | `whole` | whether rows contradict each other |
//! | `finding` | what to mend, in words |
//!
//! Names and numbers of people are in no finding: a report is passed on, printed and mailed. The local id is, or
//! nobody could find the row's person.

mod dates;
mod delimited;
mod finding;
mod row;
mod table;
mod watch;
mod whole;

use std::io::BufRead;

use jiff::civil::Date;

use crate::config::authority::{Mapping, More};

pub(in crate::authority) use finding::NEWBORN;
pub use finding::{Finding, Problem, Remedy};
pub(in crate::authority) use row::NEWBORN_DAYS;
pub use row::{Meant, Refused};
pub use table::FileFault;

/// Most findings that are kept for a report; further ones are counted.
pub const FINDINGS_KEPT: usize = 10_000;

/// Most rows of one file.
pub const ROWS: u64 = 2_000_000;

/// Most bytes of one row.
pub const ROW_BYTES: usize = 64 * 1024;

/// Extracts with fewer rows than this say little by how many of them are wrong, or missing.
pub(in crate::authority) const SHORT: u64 = 20;

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
    /// Rows whose plan goes up without a contact, as their team has none; nothing is wrong with the plan.
    pub without_contact: u64,
    /// Their teams, in the order of their first rows; at most [`FINDINGS_KEPT`].
    pub unknown_teams: Vec<UnknownTeam>,
    /// Workers and teams whom the routing table does not name: each column that has some. Nothing is wrong with their plans.
    pub unnamed: Vec<Unnamed>,
    /// Rows that say the same plan again, and another worker or team; at most [`FINDINGS_KEPT`]. Nothing is wrong with the plan.
    pub unlike: Vec<Unlike>,
}

/// Workers or teams whom the routing table does not name. Their names are not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unnamed {
    /// Workers, or teams.
    pub column: More,
    /// How many; at most [`FINDINGS_KEPT`] are told apart.
    pub names: u64,
    /// In so many rows.
    pub rows: u64,
    /// The first of these.
    pub first: u64,
    /// The local id in that row.
    pub local_id: String,
}

/// A row that says another worker, or team, of the same plan than an earlier one; the earlier one counts. Neither name is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlike {
    /// The row.
    pub row: u64,
    /// The earlier one.
    pub of: u64,
    /// What differs.
    pub column: More,
    /// The local id, where it is known by now.
    pub local_id: Option<String>,
}

/// A team of the extract that has no contact, although others have. Its name is not kept: in a column that was mapped by mistake
/// anything may stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownTeam {
    /// The first row that names it.
    pub row: u64,
    /// The local id in that row.
    pub local_id: String,
    /// How many rows name it.
    pub rows: u64,
}

impl Checked {
    /// Whether what is wrong with the file is wrong with single rows: something of it can be sent, and at least half of it unless it is short.
    #[must_use]
    pub fn is_mostly_right(&self) -> bool {
        let is_short = self.rows < SHORT && self.refused < self.rows;
        self.rows == 0 || is_short || self.refused <= self.rows / 2
    }
}

/// Looks at every row of a file, on the London day `today`.
///
/// # Errors
/// The file cannot be read as it is configured: nothing of it is believed.
pub fn check(source: impl BufRead, mapping: &Mapping, today: Date) -> Result<Checked, FileFault> {
    check_each(source, mapping, today, &|_| false, &mut |_| ())
}

/// A row as it was judged by itself.
#[derive(Debug)]
pub enum Row<'a> {
    /// It can be sent, unless others contradict it.
    Right(u64, &'a Meant),
    /// It cannot.
    Refused(&'a Refused),
}

/// The same, and hands over each row; which of those that are right by themselves are not to be sent is known at the end. A row in
/// which the file breaks off is believed only where `is_known` says that its plan is known just so; it is asked of no other row.
///
/// # Errors
/// The file cannot be read as it is configured: nothing of it is believed, whatever was handed over.
pub fn check_each(
    source: impl BufRead,
    mapping: &Mapping,
    today: Date,
    is_known: &dyn Fn(&Meant) -> bool,
    then: &mut dyn FnMut(Row<'_>),
) -> Result<Checked, FileFault> {
    let mut whole = whole::Whole::default();
    table::each(source, mapping, &mut |record| {
        let is_doubted = record.breaks_off && !mapping.ends_without_line_end;
        let judged = match row::judged(&record, mapping, today) {
            Ok(meant) if is_doubted => {
                let meant = meant.doubted();
                if is_known(&meant) { Ok(meant) } else { Err(meant.refused(record.row, Finding::BreaksOff)) }
            }
            Err(refused) if is_doubted => Err(Box::new(refused.doubted())),
            judged => judged,
        };
        match judged {
            Ok(meant) => {
                then(Row::Right(record.row, &meant));
                whole.add(record.row, &meant);
                for (column, name) in meant.unnamed(mapping) {
                    whole.note_unnamed(record.row, &meant.local_id, column, name);
                }
                if let Some(team) = meant.team_without_contact(mapping).filter(|_| !is_doubted) {
                    whole.note_team(record.row, &meant.local_id, team);
                }
            }
            Err(refused) => {
                then(Row::Refused(&refused));
                whole.refuse(refused.problems);
            }
        }
    })?;
    Ok(whole.checked())
}
