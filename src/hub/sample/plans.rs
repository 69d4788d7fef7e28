//! Plans for flagged people, and the made-up authorities that hold them.
//!
//! Every plan for which somebody is flagged is shown on the day of the sample: current, or in its tail.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::chance::Chance;
use crate::domain::{PlanKind, PlanPeriod};

/// How many authorities there are; England has about as many.
pub const COUNCILS: u64 = 152;

/// A made-up local authority. Telephone numbers are of the ranges that Ofcom keeps for drama.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Council {
    /// Made-up organisation code.
    pub code: String,
    /// Made-up name.
    pub name: String,
    /// Office hours telephone.
    pub office: String,
    /// Out of hours telephone; a few hold none.
    pub emergency_duty: Option<String>,
    /// Whether its office hours (08:30 to 17:00, Monday to Friday) are known.
    pub hours_are_known: bool,
}

impl Council {
    /// The authority of this number, below [`COUNCILS`]; always the same.
    #[must_use]
    pub fn of(number: u64) -> Self {
        const FIRST: [&str; 16] = [
            "Ash", "Brack", "Cold", "Dun", "Elder", "Farn", "Gos", "Hazel", "Inge", "Kings", "Larch", "Mar",
            "North", "Oaken", "Pen", "Quarry",
        ];
        const SECOND: [&str; 10] =
            ["combe", "ford", "mere", "wick", "bury", "dale", "moor", "stead", "haven", "water"];
        const KINDS: [&str; 4] =
            ["Borough Council", "County Council", "City Council", "Metropolitan Borough Council"];
        let number = number % COUNCILS;
        let word = |list: &[&'static str], at: u64| {
            usize::try_from(at).ok().and_then(|at| list.get(at).copied()).unwrap_or_default()
        };
        Self {
            code: format!("ZY{:03}", number + 1),
            name: format!(
                "{}{} {}",
                word(&FIRST, number % 16),
                word(&SECOND, number / 16),
                word(&KINDS, number % 4)
            ),
            office: format!("01632 960{number:03}"),
            emergency_duty: (number % 37 != 5).then(|| format!("0117 496 0{number:03}")),
            hours_are_known: number % 29 != 7,
        }
    }
}

/// A plan of a flagged person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamplePlan {
    /// Who holds it, as a number for [`Council::of`].
    pub council: u64,
    /// Its kind.
    pub kind: PlanKind,
    /// Its first and last day.
    pub period: PlanPeriod,
    /// The authority's own id of the person.
    pub local_id: String,
    /// When the authority sent it.
    pub sent: Timestamp,
    /// Whether it names the team that knows the child.
    pub has_team: bool,
}

/// Whose plans, and when.
pub(super) struct Holder {
    pub(super) born: Date,
    pub(super) council: u64,
    pub(super) today: Date,
}

impl Holder {
    /// The plan for which somebody is flagged, and sometimes another.
    pub(super) fn plans(&self, chance: &mut Chance, kind: PlanKind) -> Vec<SamplePlan> {
        let mut plans = vec![self.plan(chance, kind, self.council)];
        let further = match kind {
            PlanKind::LookedAfter if chance.in_a_thousand(60) => Some(PlanKind::ChildProtection),
            PlanKind::ChildProtection if chance.in_a_thousand(20) => Some(PlanKind::LookedAfter),
            PlanKind::LookedAfter | PlanKind::ChildProtection | PlanKind::UnbornChildProtection => None,
        };
        if let Some(further) = further {
            // Of another authority half the time: the child was moved.
            let moved = if chance.in_a_thousand(500) { self.council + 1 } else { self.council };
            plans.push(self.plan(chance, further, moved % COUNCILS));
        }
        plans
    }

    fn plan(&self, chance: &mut Chance, kind: PlanKind, council: u64) -> SamplePlan {
        let period = match kind {
            PlanKind::ChildProtection => self.of_a_child(chance, 260, 180),
            PlanKind::LookedAfter => self.of_a_child(chance, 900, 120),
            PlanKind::UnbornChildProtection => self.of_an_unborn(chance),
        };
        SamplePlan {
            council,
            kind,
            period,
            local_id: format!("{}-{:07}", Council::of(council).code, chance.below(10_000_000)),
            sent: sent(self.today, council),
            has_team: chance.in_a_thousand(300),
        }
    }

    fn of_a_child(&self, chance: &mut Chance, mean_days: i64, ended_in_a_thousand: u64) -> PlanPeriod {
        let end = chance
            .in_a_thousand(ended_in_a_thousand)
            .then(|| back(self.today, chance.between(1, 350)))
            .filter(|end| *end > self.born);
        let start = back(end.unwrap_or(self.today), chance.days(mean_days)).max(self.born);
        PlanPeriod { start, end }
    }

    fn of_an_unborn(&self, chance: &mut Chance) -> PlanPeriod {
        let due = back(self.today, -chance.between(-25, 180));
        let start = back(due, chance.between(30, 160)).min(back(self.today, 1));
        PlanPeriod { start, end: Some(due) }
    }
}

/// Authorities send once a week, each on its own night.
fn sent(today: Date, council: u64) -> Timestamp {
    let night = back(today, 1 + i64::try_from(council % 7).unwrap_or(0));
    let two = night.at(2, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC);
    two.map_or(Timestamp::UNIX_EPOCH, |two| two.timestamp())
}

/// So many days before.
pub(super) fn back(day: Date, days: i64) -> Date {
    day.checked_sub(days.days()).unwrap_or(day)
}
