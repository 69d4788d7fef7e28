//! Whether one row can be meant, and what it means. Everything that is wrong with it is said at once.

use jiff::ToSpan;
use jiff::civil::Date;

use super::table::Record;
use super::{Finding, Problem, dates};
use crate::config::authority::{Column, Mapping, More};
use crate::domain::{NhsNumber, PlanKind, PlanPeriod, birth};

/// Characters of a local id or a name.
const NAME_CHARACTERS: usize = 100;

/// A row that can be sent. `Debug` shows nothing of whoever it is about.
#[derive(Clone, PartialEq, Eq)]
pub struct Meant {
    /// The authority's own id of the person.
    pub local_id: String,
    /// The person's number.
    pub number: NhsNumber,
    /// Family name.
    pub family_name: String,
    /// Given names, between spaces.
    pub given_names: String,
    /// Date of birth.
    pub born: Date,
    /// Kind of plan.
    pub kind: PlanKind,
    /// First and last day.
    pub period: PlanPeriod,
    /// Who works on the case, and which team has it: never sent to anybody.
    pub worker: Option<String>,
    /// See above.
    pub team: Option<String>,
    /// The worker is away.
    pub worker_is_away: bool,
    /// Whether the case is restricted; `None` where the extract does not say.
    pub is_restricted: Option<bool>,
}

impl std::fmt::Debug for Meant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meant(hidden)")
    }
}

/// What a row means.
///
/// # Errors
/// What is to be mended, in the order of the columns.
pub(super) fn judged(record: &Record, mapping: &Mapping, today: Date) -> Result<Meant, Vec<Problem>> {
    let local_id = record.text(Column::LocalId).ok().filter(|id| !id.is_empty()).map(str::to_owned);
    let problem = |column: Option<Column>, finding: Finding| Problem {
        row: record.row,
        column,
        local_id: local_id.clone(),
        finding,
    };
    if let Err(finding) = &record.fields {
        return Err(vec![problem(None, finding.clone())]);
    }
    let mut problems = Vec::new();
    let mut note = |column: Column, finding: Finding| problems.push(problem(Some(column), finding));
    let read = Read { record, mapping, today };
    let id = noted(read.name(Column::LocalId), Column::LocalId, &mut note);
    let number = noted(read.number(), Column::NhsNumber, &mut note);
    let family = noted(read.name(Column::FamilyName), Column::FamilyName, &mut note);
    let given = noted(read.name(Column::GivenNames), Column::GivenNames, &mut note);
    let born = noted(read.past(Column::DateOfBirth), Column::DateOfBirth, &mut note);
    let kind = noted(read.kind(), Column::PlanKind, &mut note);
    let start = noted(read.day(Column::Start), Column::Start, &mut note);
    let end = noted(read.end(), Column::End, &mut note);
    if let (Some(start), Some(end)) = (start, end) {
        in_order(kind, born, PlanPeriod { start, end }, today, &mut note);
    }
    match (id, number, family, given, born, kind, start, end) {
        (
            Some(id),
            Some(number),
            Some(family),
            Some(given),
            Some(born),
            Some(kind),
            Some(start),
            Some(end),
        ) if problems.is_empty() => Ok(Meant {
            local_id: id,
            number,
            family_name: family,
            given_names: given,
            born,
            kind,
            period: PlanPeriod { start, end },
            worker: record.further(More::Worker),
            team: record.further(More::Team),
            worker_is_away: record.mark(More::WorkerAway, mapping).unwrap_or(false),
            is_restricted: record.mark(More::Restricted, mapping),
        }),
        _ => Err(problems),
    }
}

fn noted<T>(read: Result<T, Finding>, column: Column, note: &mut impl FnMut(Column, Finding)) -> Option<T> {
    read.map_err(|finding| note(column, finding)).ok()
}

/// What the days say of each other. Of an unborn plan the person is the mother: her age never matters.
fn in_order(
    kind: Option<PlanKind>,
    born: Option<Date>,
    period: PlanPeriod,
    today: Date,
    note: &mut impl FnMut(Column, Finding),
) {
    if period.end.is_some_and(|end| end < period.start) {
        note(Column::End, Finding::EndsBeforeStart);
    }
    if kind == Some(PlanKind::UnbornChildProtection) && period.end.is_none() {
        note(Column::End, Finding::NoDueDate);
    }
    let (Some(kind), Some(born)) = (kind, born) else { return };
    match kind {
        PlanKind::UnbornChildProtection => {}
        PlanKind::ChildProtection | PlanKind::LookedAfter => {
            let adult = birth::birthday(born, 18);
            if period.start < born {
                note(Column::Start, Finding::StartsBeforeBirth);
            } else if period.start >= adult {
                note(Column::Start, Finding::Adult(kind));
            } else if period.end.map_or(today >= adult, |end| end > adult) {
                note(Column::End, Finding::Adult(kind));
            }
        }
    }
}

struct Read<'a> {
    record: &'a Record,
    mapping: &'a Mapping,
    today: Date,
}

impl Read<'_> {
    fn name(&self, column: Column) -> Result<String, Finding> {
        let text = self.record.text(column)?;
        if text.is_empty() {
            return Err(Finding::Empty);
        }
        if text.chars().count() > NAME_CHARACTERS {
            return Err(Finding::LongText(NAME_CHARACTERS));
        }
        Ok(text.to_owned())
    }

    fn number(&self) -> Result<NhsNumber, Finding> {
        let text = self.record.text(Column::NhsNumber)?;
        if text.is_empty() {
            return Err(Finding::NoNumber);
        }
        // 9.43477E+09
        if text.contains(['e', 'E']) && text.contains(|c: char| c.is_ascii_digit()) {
            return Err(Finding::Rounded);
        }
        let number = NhsNumber::parse(text).map_err(Finding::Number)?;
        match (number.is_test_range(), self.mapping.takes_test_numbers) {
            (true, false) => Err(Finding::TestNumber),
            (false, true) => Err(Finding::RealNumber),
            (true, true) | (false, false) => Ok(number),
        }
    }

    fn kind(&self) -> Result<PlanKind, Finding> {
        let text = self.record.text(Column::PlanKind)?;
        if text.is_empty() {
            return Err(Finding::Empty);
        }
        self.mapping.kinds.of(text).ok_or(Finding::Kind)
    }

    fn day(&self, column: Column) -> Result<Date, Finding> {
        let text = self.record.text(column)?;
        if text.is_empty() {
            return Err(Finding::Empty);
        }
        let day = dates::parse(text)?;
        let first = self.today.checked_sub(130.years()).unwrap_or(Date::MIN);
        let last = self.today.checked_add(20.years()).unwrap_or(Date::MAX);
        if day < first {
            Err(Finding::TooLongAgo)
        } else if day > last {
            Err(Finding::TooFarAhead)
        } else {
            Ok(day)
        }
    }

    fn past(&self, column: Column) -> Result<Date, Finding> {
        let day = self.day(column)?;
        if day > self.today { Err(Finding::InTheFuture) } else { Ok(day) }
    }

    fn end(&self) -> Result<Option<Date>, Finding> {
        if self.record.text(Column::End)?.is_empty() {
            return Ok(None);
        }
        self.day(Column::End).map(Some)
    }
}
