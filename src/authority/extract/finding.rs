//! What is wrong with a row, and what to mend: words for a data officer.

use std::fmt;

use crate::config::authority::Column;
use crate::domain::{NhsNumberError, PlanKind};

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The row has another number of fields than the head.
    Fields {
        /// That many.
        found: usize,
        /// In the head.
        expected: usize,
    },
    /// The file ends in the row: nobody can tell whether it is whole.
    BreaksOff,
    /// The line is not a JSON object, or a field in it is neither text nor a number.
    NotJson,
    /// Letters that the configured encoding does not have.
    Encoding,
    /// An object lacks a field that is configured: nobody knows whether it is empty or called otherwise.
    NoField,
    /// Nothing stands where something has to.
    Empty,
    /// Characters that cannot be shown.
    Unprintable,
    /// More characters than there can be.
    LongText(usize),
    /// No number yet: nobody can see the plan.
    NoNumber,
    /// The same of a child of a few days.
    Newborn,
    /// Not an NHS number.
    Number(NhsNumberError),
    /// A spreadsheet has rounded the number.
    Rounded,
    /// A number for tests.
    TestNumber,
    /// A real number where only tests are taken.
    RealNumber,
    /// Not a day.
    NotADay,
    /// The year has two digits.
    ShortYear,
    /// A spreadsheet's own number for a day.
    SerialDay,
    /// After today.
    InTheFuture,
    /// Longer ago than anybody lives.
    TooLongAgo,
    /// Further ahead than any plan goes.
    TooFarAhead,
    /// The word stands for no kind of plan.
    Kind,
    /// The plan ends before it starts.
    EndsBeforeStart,
    /// The plan starts before the child was born.
    StartsBeforeBirth,
    /// A plan for an unborn child without the due date.
    NoDueDate,
    /// The plan goes on, or starts, after the 18th birthday.
    Adult(PlanKind),
    /// Another row says of the same local id that it is somebody else.
    OtherPerson(u64),
    /// Another row has the same NHS number under another local id.
    OtherLocalId(u64),
    /// The same, and one of the two is a plan for an unborn child.
    UnbornElsewhere(u64),
    /// Another row says something else of the same plan.
    OtherPlan(u64),
}

/// Who can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Mend the record, and the next extract is right.
    Mend,
    /// Trace the NHS number: until then no hospital sees the plan.
    Trace,
}

/// Whatever is wrong with a newborn's number, it is mended by waiting for the right one, and meanwhile the mother's plan is all that is
/// seen.
pub(in crate::authority) const NEWBORN: &str = "a newborn's number is issued within a day of the birth's notification: trace it then, and do not end the \
     mother's plan for the unborn child before this one is up";

const BREAKS_OFF: &str = "the file ends in this row, without a line end: it may have been cut off, and the row with it. Export it again; if your \
     system never ends the last line, say so with `extract.ends_without_line_end`";

const NO_DUE_DATE: &str =
    "a plan for an unborn child ends on the due date, or earlier: without it the alert would never end";

impl Finding {
    /// Who can do something about it.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        if matches!(self, Finding::NoNumber | Finding::Newborn) { Remedy::Trace } else { Remedy::Mend }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Fields { found, expected } => write!(
                f,
                "this row has {found} fields and the first row has {expected}: look for a delimiter within a field that is not in quotes"
            ),
            Finding::BreaksOff => f.write_str(BREAKS_OFF),
            Finding::NotJson => {
                f.write_str("this line is not one JSON object whose fields are texts or numbers")
            }
            Finding::Encoding => f.write_str(
                "there are letters here that are not UTF-8: set `encoding` in the configuration, or save the file as UTF-8",
            ),
            Finding::NoField => f.write_str(
                "there is no such field in this line: write it with null where nothing is held, or correct `[extract.columns]`",
            ),
            Finding::Empty => f.write_str("nothing stands here, and something must"),
            Finding::Unprintable => f.write_str("there are characters here that cannot be seen: type it again"),
            Finding::LongText(most) => write!(f, "this is longer than {most} characters"),
            Finding::NoNumber => f.write_str(
                "there is no NHS number: no hospital can see this plan until the number is traced and recorded",
            ),
            Finding::Newborn => write!(f, "there is no NHS number, and no hospital can see this plan yet: {NEWBORN}"),
            Finding::Number(error) => f.write_str(&of_number(error)),
            Finding::Rounded => f.write_str(
                "a spreadsheet has rounded this number: export it again from the case management system, as text",
            ),
            Finding::TestNumber => f.write_str("numbers that begin with 9 are for tests, and nobody has one"),
            Finding::RealNumber => f.write_str("`synthetic = true`: only numbers that begin with 9 are taken"),
            Finding::NotADay => f.write_str("this is not a day; write 12/03/2015, 2015-03-12 or 12-Mar-2015"),
            Finding::ShortYear => f.write_str("write the year with four digits"),
            Finding::SerialDay => f.write_str(
                "this is a spreadsheet's own number for a day: export it again, formatted as a date or as text",
            ),
            Finding::InTheFuture => f.write_str("this day has not come yet"),
            Finding::TooLongAgo => f.write_str("this is longer ago than anybody lives; check the year"),
            Finding::TooFarAhead => f.write_str("this is more than twenty years ahead; check the year"),
            Finding::Kind => f.write_str(
                "no kind of plan is configured for this word: correct it, or add it to `[extract.kinds]`",
            ),
            Finding::EndsBeforeStart => f.write_str("the plan ends before it starts"),
            Finding::StartsBeforeBirth => f.write_str(
                "the plan starts before the date of birth; a plan for an unborn child is the mother's, of the kind for that",
            ),
            Finding::NoDueDate => f.write_str(NO_DUE_DATE),
            Finding::Adult(kind) => write!(
                f,
                "a plan of this kind ({}) ends on the day before the 18th birthday: end it, or check the date of birth",
                kind.label()
            ),
            Finding::OtherPerson(row) => write!(
                f,
                "row {row} has the same local id with another NHS number, date of birth or family name: neither is sent"
            ),
            Finding::OtherLocalId(row) => write!(
                f,
                "row {row} has the same NHS number under another local id: two records of one person, or a wrong number; neither is sent"
            ),
            Finding::UnbornElsewhere(row) => write!(
                f,
                "row {row} has the same NHS number under another local id. A plan for an unborn child is the mother's: write it under her own \
                 local id, beside any other plan of hers; neither is sent"
            ),
            Finding::OtherPlan(row) => {
                write!(f, "row {row} says another end of the same plan: neither is sent")
            }
        }
    }
}

fn of_number(error: &NhsNumberError) -> String {
    match error {
        NhsNumberError::CheckDigit => {
            "this is not an NHS number: its last digit does not fit the others; check for a mistyped digit, or trace it again".to_owned()
        }
        NhsNumberError::WrongLength(found) => format!("an NHS number has 10 digits; this has {found}"),
        NhsNumberError::NotDigits | NhsNumberError::Empty => {
            "an NHS number has only digits; this has other characters".to_owned()
        }
    }
}

/// A finding, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The row as a spreadsheet counts it (the head is 1), or the line of NDJSON.
    pub row: u64,
    /// The column, where it is one.
    pub column: Option<Column>,
    /// The authority's own id of the person, where the row has one that can be shown.
    pub local_id: Option<String>,
    /// What is wrong.
    pub finding: Finding,
}
