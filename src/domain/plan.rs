//! Plans: the three kinds, and when a plan is current, in its tail, or gone.
//!
//! Source of the dates table: CP-IS guides; the numbers of days are configured, since published sources
//! disagree (364, 365, "12 months").

use jiff::ToSpan;
use jiff::civil::Date;

use super::birth;

/// The kinds of plan that CP-IS holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PlanKind {
    /// Subject to a child protection plan.
    ChildProtection,
    /// Looked after by a local authority.
    LookedAfter,
    /// Held against the mother: her unborn child is subject to a child protection plan.
    UnbornChildProtection,
}

impl PlanKind {
    /// All kinds, in the order in which they are shown.
    pub const ALL: [PlanKind; 3] =
        [PlanKind::ChildProtection, PlanKind::LookedAfter, PlanKind::UnbornChildProtection];

    /// SNOMED CT code (England-ChildProtectionPlan value set).
    #[must_use]
    pub fn snomed(self) -> &'static str {
        match self {
            PlanKind::ChildProtection => "342191000000101",
            PlanKind::LookedAfter => "764841000000100",
            PlanKind::UnbornChildProtection => "818901000000100",
        }
    }

    /// SNOMED CT display.
    #[must_use]
    pub fn snomed_display(self) -> &'static str {
        match self {
            PlanKind::ChildProtection => "Subject to child protection plan",
            PlanKind::LookedAfter => "Looked after child",
            PlanKind::UnbornChildProtection => "Unborn child subject to child protection plan",
        }
    }

    /// The older V3 code, which some servers still send.
    #[must_use]
    pub fn v3(self) -> &'static str {
        match self {
            PlanKind::ChildProtection => "CPPI",
            PlanKind::LookedAfter => "LACI",
            PlanKind::UnbornChildProtection => "UCPI",
        }
    }

    /// The label on screen.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            PlanKind::ChildProtection => "Child Protection Plan",
            PlanKind::LookedAfter => "Looked After Child",
            PlanKind::UnbornChildProtection => "Unborn Child Protection Plan",
        }
    }

    /// The kind of a SNOMED CT or V3 code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let code = code.trim();
        Self::ALL.into_iter().find(|kind| kind.snomed() == code || kind.v3() == code)
    }
}

/// First and last London day of a plan. An unborn plan's end is the due date unless it was ended earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanPeriod {
    /// First day.
    pub start: Date,
    /// Last day, if one is set.
    pub end: Option<Date>,
}

/// How many days after its end a plan is still shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TailDays {
    /// Child protection and looked after, as past plans.
    pub child: u16,
    /// Unborn, still as an alert.
    pub unborn: u16,
}

impl Default for TailDays {
    fn default() -> Self {
        Self { child: 364, unborn: 28 }
    }
}

/// Where a plan stands on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Starts after today: not returned.
    NotYet,
    /// Started, and not ended.
    Current,
    /// Ended, and still shown.
    Tail,
    /// Never shown again.
    Gone,
}

impl Standing {
    /// Whether a plan of this standing is shown to anybody.
    #[must_use]
    pub fn is_shown(self) -> bool {
        match self {
            Standing::Current | Standing::Tail => true,
            Standing::NotYet | Standing::Gone => false,
        }
    }
}

/// Where a plan stands on the London day `today`, for a person born on `born` (the last possible day where
/// it is an estimate; `None` where no date of birth is held, which never hides a plan).
///
/// Child protection and looked-after plans are gone, tail and all, from 00:00 on the 18th birthday. For an
/// unborn plan the person is the mother: her age never matters.
#[must_use]
pub fn standing(
    kind: PlanKind,
    period: PlanPeriod,
    born: Option<Date>,
    today: Date,
    tails: TailDays,
) -> Standing {
    let (tail, has_age_limit) = match kind {
        PlanKind::ChildProtection | PlanKind::LookedAfter => (tails.child, true),
        PlanKind::UnbornChildProtection => (tails.unborn, false),
    };
    if has_age_limit && born.is_some_and(|born| today >= birth::birthday(born, 18)) {
        return Standing::Gone;
    }
    if period.start > today {
        return Standing::NotYet;
    }
    match period.end {
        None => Standing::Current,
        Some(end) if today <= end => Standing::Current,
        Some(end) => {
            let last = end.checked_add(i64::from(tail).days()).unwrap_or(Date::MAX);
            if today <= last { Standing::Tail } else { Standing::Gone }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn the_dates_table() {
        use PlanKind::{ChildProtection as Cp, LookedAfter as Lac, UnbornChildProtection as Unborn};
        let check = |kind, start, end, born, today, expected| {
            let got = standing(kind, PlanPeriod { start, end }, Some(born), today, TailDays::default());
            assert_eq!(got, expected, "{kind:?} {start} {end:?} born {born} on {today}");
        };
        let born = date(2015, 6, 1);
        let start = date(2025, 1, 10);
        check(Cp, start, None, born, date(2025, 1, 9), Standing::NotYet);
        check(Cp, start, None, born, date(2025, 1, 10), Standing::Current);
        let end = Some(date(2025, 3, 1));
        check(Lac, start, end, born, date(2025, 3, 1), Standing::Current);
        check(Lac, start, end, born, date(2025, 3, 2), Standing::Tail);
        check(Lac, start, end, born, date(2026, 2, 28), Standing::Tail);
        check(Lac, start, end, born, date(2026, 3, 1), Standing::Gone);
        // H12: a mother of 35.
        let mother = date(1990, 5, 5);
        check(Unborn, start, end, mother, date(2025, 2, 1), Standing::Current);
        check(Unborn, start, end, mother, date(2025, 3, 29), Standing::Tail);
        check(Unborn, start, end, mother, date(2025, 3, 30), Standing::Gone);
        // Eighteen tomorrow, today, and born on a leap day.
        check(Cp, start, None, date(2008, 5, 2), date(2026, 5, 1), Standing::Current);
        check(Cp, start, None, date(2008, 5, 1), date(2026, 5, 1), Standing::Gone);
        check(Lac, start, Some(date(2026, 2, 1)), date(2008, 2, 29), date(2026, 2, 28), Standing::Tail);
        check(Lac, start, Some(date(2026, 2, 1)), date(2008, 2, 29), date(2026, 3, 1), Standing::Gone);
    }
}
