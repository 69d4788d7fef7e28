//! Whether one row can be meant, and what it means. Everything that is wrong with it is said at once.

use jiff::ToSpan;
use jiff::civil::Date;

use super::table::Record;
use super::{Finding, Problem, dates};
use crate::config::authority::{Column, Mapping, More};
use crate::domain::{NhsNumber, PlanKind, PlanPeriod, TeamContact, birth};

/// Characters of a local id or a name.
const NAME_CHARACTERS: usize = 100;

/// Days for which a child is newborn.
pub(in crate::authority) const NEWBORN_DAYS: i32 = 28;

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
    /// Who works on the case, and which team has it: never sent to anybody, but for [`Meant::contact`].
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

/// A row that cannot be sent, as far as it can be read. `Debug` shows nothing of whoever it is about.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Refused {
    /// As a spreadsheet counts it.
    pub row: u64,
    /// The authority's own id of the person.
    pub local_id: Option<String>,
    /// The person's number.
    pub number: Option<NhsNumber>,
    /// Kind of plan.
    pub kind: Option<PlanKind>,
    /// First day.
    pub start: Option<Date>,
    /// Last day; nothing too where the plan goes on.
    pub end: Option<Date>,
    /// Who works on the case, and which team has it: never sent to anybody.
    pub worker: Option<String>,
    /// See above.
    pub team: Option<String>,
    /// The worker is away.
    pub worker_is_away: bool,
    /// Whether the case is restricted; `None` where the extract does not say.
    pub is_restricted: Option<bool>,
    /// What is to be mended, in the order of the columns.
    pub problems: Vec<Problem>,
}

impl std::fmt::Debug for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Refused(hidden)")
    }
}

impl Refused {
    /// The same row as one in which the file breaks off: that it has no mark says nothing.
    pub(super) fn doubted(self) -> Self {
        Self { is_restricted: self.is_restricted.filter(|is_restricted| *is_restricted), ..self }
    }
}

impl Meant {
    /// The contact of its team, which goes up with the plan. Of a restricted case there is none: whoever rings a team speaks with people
    /// who may not know of it.
    #[must_use]
    pub fn contact<'a>(&self, mapping: &'a Mapping) -> Option<&'a TeamContact> {
        if self.keeps_team_back(mapping) { None } else { mapping.contacts.of(self.team.as_deref()?) }
    }

    /// The team, where contacts of teams are configured and this one has none.
    pub(super) fn team_without_contact(&self, mapping: &Mapping) -> Option<&str> {
        let is_meant = !mapping.contacts.is_empty() && !self.keeps_team_back(mapping);
        self.team.as_deref().filter(|team| is_meant && mapping.contacts.of(team).is_none())
    }

    /// The worker and the team, where there is a routing table and it does not name them.
    pub(super) fn unnamed<'a>(&'a self, mapping: &Mapping) -> impl Iterator<Item = (More, &'a str)> {
        let named = mapping.named.as_ref();
        let worker = self.worker.as_deref().filter(|name| named.is_some_and(|named| !named.has_worker(name)));
        let team = self.team.as_deref().filter(|name| named.is_some_and(|named| !named.has_team(name)));
        worker.map(|name| (More::Worker, name)).into_iter().chain(team.map(|name| (More::Team, name)))
    }

    fn keeps_team_back(&self, mapping: &Mapping) -> bool {
        // A row that does not say, though there is such a column, could be meant either way.
        let is_marked = self.is_restricted.unwrap_or(mapping.more_name(More::Restricted).is_some());
        is_marked || mapping.contacts.keeps_back(&self.local_id)
    }

    /// The same row as one in which the file breaks off: that it has no mark says nothing.
    pub(super) fn doubted(self) -> Self {
        Self { is_restricted: self.is_restricted.filter(|is_restricted| *is_restricted), ..self }
    }

    /// The same row, where it cannot be sent for another reason than what it says.
    pub(super) fn refused(self, row: u64, finding: Finding) -> Box<Refused> {
        let problem = Problem { row, column: None, local_id: Some(self.local_id.clone()), finding };
        Box::new(Refused {
            row,
            local_id: Some(self.local_id),
            number: Some(self.number),
            kind: Some(self.kind),
            start: Some(self.period.start),
            end: self.period.end,
            worker: self.worker,
            team: self.team,
            worker_is_away: self.worker_is_away,
            is_restricted: self.is_restricted,
            problems: vec![problem],
        })
    }
}

/// What a row means.
///
/// # Errors
/// The row cannot be sent.
pub(super) fn judged(record: &Record, mapping: &Mapping, today: Date) -> Result<Meant, Box<Refused>> {
    let local_id = record.text(Column::LocalId).ok().filter(|id| !id.is_empty()).map(str::to_owned);
    let problem = |column: Option<Column>, finding: Finding| Problem {
        row: record.row,
        column,
        local_id: local_id.clone(),
        finding,
    };
    if let Err(finding) = &record.fields {
        let problems = vec![problem(None, finding.clone())];
        return Err(Box::new(Refused { row: record.row, problems, ..Refused::default() }));
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
        (_, number, _, _, _, kind, start, end) => {
            // What contradicts another column is not known.
            let is_wrong = |column| problems.iter().any(|problem| problem.column == Some(column));
            Err(Box::new(Refused {
                row: record.row,
                local_id: local_id.clone(),
                number,
                kind,
                start: start.filter(|_| !is_wrong(Column::Start)),
                end: end.flatten().filter(|_| !is_wrong(Column::End)),
                worker: record.further(More::Worker),
                team: record.further(More::Team),
                worker_is_away: record.mark(More::WorkerAway, mapping).unwrap_or(false),
                is_restricted: record.mark(More::Restricted, mapping),
                problems,
            }))
        }
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
            return Err(if self.is_newborn() { Finding::Newborn } else { Finding::NoNumber });
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

    fn is_newborn(&self) -> bool {
        let newest = self.today.checked_sub(NEWBORN_DAYS.days()).unwrap_or(Date::MIN);
        self.past(Column::DateOfBirth).is_ok_and(|born| born > newest)
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
