//! The five answers, and how what was read becomes one of them.
//!
//! "Nothing held" is a positive statement by the hub: no failure, partial reading or restriction becomes it.

use jiff::Timestamp;
use jiff::civil::Date;

use super::birth;
use super::contact::Authority;
use super::failure::Failure;
use super::person::Person;
use super::plan::{PlanKind, PlanPeriod};

/// The name of an answer: one of five.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnswerKind {
    /// At least one plan is current, or an unborn plan is in its tail.
    Alert,
    /// Only ended plans, still shown.
    PastPlan,
    /// The hub said that nothing is held.
    NothingHeld,
    /// Nobody has asked.
    NotChecked,
    /// Asked, without an answer that can be relied on.
    CouldNotCheck,
}

impl AnswerKind {
    /// The word that begins everything shown or spoken about the answer.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            AnswerKind::Alert => "Alert",
            AnswerKind::PastPlan => "Past plan",
            AnswerKind::NothingHeld => "Nothing held",
            AnswerKind::NotChecked => "Not checked",
            AnswerKind::CouldNotCheck => "Could not check",
        }
    }
}

/// A plan as the hub sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldPlan {
    /// Its kind; `None` for a code that this viewer does not know, or a kind that came without dates.
    pub kind: Option<PlanKind>,
    /// First and last day; `None` where no start came.
    pub period: Option<PlanPeriod>,
    /// Whom to ring.
    pub authority: Authority,
    /// When the authority last sent it, where the hub says so.
    pub sent: Option<Timestamp>,
}

/// Why a received entry could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// Not a plan, or one without the parts that make it one.
    NotAPlan,
    /// Dates that no calendar has, or an end before its start.
    Dates,
    /// Carries another person's NHS number.
    OtherPerson,
    /// The bundle said that there are more or fewer entries than came.
    CountDiffers,
}

/// What a bundle of plans held: nothing that was received is left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlansReading {
    /// The readable ones.
    pub plans: Vec<HeldPlan>,
    /// One for each that could not be read.
    pub unreadable: Vec<Unreadable>,
}

/// Where a shown plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownStanding {
    /// Current.
    Current,
    /// An unborn plan past its end: the baby may be about to be born or just have been.
    UnbornTail,
    /// Ended.
    Ended,
    /// Of a kind that this viewer does not know, or without dates.
    NotKnown,
}

impl ShownStanding {
    fn is_alert(self) -> bool {
        match self {
            ShownStanding::Current | ShownStanding::UnbornTail | ShownStanding::NotKnown => true,
            ShownStanding::Ended => false,
        }
    }
}

/// A plan and where it stands on the day of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownPlan {
    /// The plan.
    pub plan: HeldPlan,
    /// Where it stands.
    pub standing: ShownStanding,
}

/// What "nothing held" must add for this person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NothingHeldNotes {
    /// Under twelve weeks: a plan made before birth may still be under the mother's number.
    pub may_be_under_mother: bool,
    /// 18 or over: only unborn plans are shown for adults.
    pub adult: bool,
}

/// What the hub's answer means for this person. (*Not checked* is a state of the viewer: nobody asked.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// At least one plan calls for attention.
    Alert {
        /// Current first, then past ones; by kind within.
        plans: Vec<ShownPlan>,
        /// How many entries could not be read: as loud as the alert.
        unreadable: usize,
    },
    /// Only ended plans.
    PastPlan {
        /// By kind.
        plans: Vec<ShownPlan>,
    },
    /// The hub holds nothing.
    NothingHeld(NothingHeldNotes),
    /// No answer that can be relied on.
    CouldNotCheck(WhyNot),
}

/// Why there is no answer that can be relied on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyNot {
    /// The question failed.
    Failed(Failure),
    /// Some entries could not be read, and no readable one is an alert.
    PartlyReadable {
        /// The readable ones, listed below.
        readable: Vec<ShownPlan>,
        /// How many could not be read.
        unreadable: usize,
    },
    /// A restricted record: CP-IS cannot hold plans for this person.
    Restricted,
}

impl Answer {
    /// Which of the five it is.
    #[must_use]
    pub fn kind(&self) -> AnswerKind {
        match self {
            Answer::Alert { .. } => AnswerKind::Alert,
            Answer::PastPlan { .. } => AnswerKind::PastPlan,
            Answer::NothingHeld(_) => AnswerKind::NothingHeld,
            Answer::CouldNotCheck(_) => AnswerKind::CouldNotCheck,
        }
    }

    /// What `reading` means for `person` on the London day `today` (of the hub's clock).
    #[must_use]
    pub fn of(person: &Person, reading: PlansReading, today: Date) -> Self {
        let unreadable = reading.unreadable.len();
        let mut plans: Vec<ShownPlan> = reading
            .plans
            .into_iter()
            .map(|plan| ShownPlan { standing: shown_standing(&plan, today), plan })
            .collect();
        plans.sort_by_key(|shown| (!shown.standing.is_alert(), shown.plan.kind.is_none(), shown.plan.kind));
        if plans.iter().any(|shown| shown.standing.is_alert()) {
            return Answer::Alert { plans, unreadable };
        }
        if unreadable > 0 {
            return Answer::CouldNotCheck(WhyNot::PartlyReadable { readable: plans, unreadable });
        }
        if !plans.is_empty() {
            return Answer::PastPlan { plans };
        }
        if person.restricted {
            return Answer::CouldNotCheck(WhyNot::Restricted);
        }
        Answer::NothingHeld(NothingHeldNotes {
            may_be_under_mother: person.born.is_some_and(|born| birth::is_under_twelve_weeks(born, today)),
            adult: person.born.is_some_and(|born| birth::years_old(born.range().0, today) >= 18),
        })
    }
}

/// The hub decides what is returned; of what is returned nothing is hidden here. A start in the future
/// counts as current: the hub would not have sent it without a reason.
fn shown_standing(plan: &HeldPlan, today: Date) -> ShownStanding {
    match (plan.kind, plan.period) {
        (Some(kind), Some(period)) => match period.end {
            Some(end) if end < today => match kind {
                PlanKind::UnbornChildProtection => ShownStanding::UnbornTail,
                PlanKind::ChildProtection | PlanKind::LookedAfter => ShownStanding::Ended,
            },
            Some(_) | None => ShownStanding::Current,
        },
        (None, _) | (_, None) => ShownStanding::NotKnown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::birth::BirthDate;
    use crate::domain::name::PersonName;
    use crate::domain::nhs_number::NhsNumber;
    use crate::domain::person::{Deceased, Gender};
    use jiff::civil::date;

    const TODAY: Date = date(2026, 11, 22);

    fn person(born: Date, restricted: bool) -> Person {
        Person {
            number: NhsNumber::synthetic(1),
            name: PersonName::default(),
            born: Some(BirthDate::Day(born)),
            gender: Gender::Unknown,
            multiple_birth: None,
            deceased: Deceased::No,
            restricted,
        }
    }

    fn plan(kind: Option<PlanKind>, end: Option<Date>) -> HeldPlan {
        let authority = Authority {
            name: String::new(),
            code: None,
            office: None,
            emergency_duty: None,
            hours: None,
            team: None,
        };
        HeldPlan { kind, period: Some(PlanPeriod { start: date(2026, 1, 1), end }), authority, sent: None }
    }

    #[test]
    fn what_was_read_becomes_one_of_the_five_answers() {
        use PlanKind::{ChildProtection as Cp, LookedAfter as Lac, UnbornChildProtection as Unborn};
        let child = date(2019, 1, 1);
        let ended = Some(date(2026, 11, 21));
        let check = |plans: Vec<HeldPlan>, unreadable: usize, restricted: bool, expected: AnswerKind| {
            let reading =
                PlansReading { plans: plans.clone(), unreadable: vec![Unreadable::NotAPlan; unreadable] };
            let got = Answer::of(&person(child, restricted), reading, TODAY).kind();
            assert_eq!(
                got,
                expected,
                "{} plans, {unreadable} unreadable, restricted {restricted}",
                plans.len()
            );
        };
        check(vec![plan(Some(Cp), None)], 0, false, AnswerKind::Alert);
        check(vec![plan(Some(Cp), Some(TODAY))], 0, false, AnswerKind::Alert);
        check(vec![plan(Some(Unborn), ended)], 0, false, AnswerKind::Alert);
        check(vec![plan(None, ended)], 0, false, AnswerKind::Alert);
        check(vec![HeldPlan { period: None, ..plan(Some(Lac), None) }], 0, false, AnswerKind::Alert);
        check(vec![plan(Some(Lac), ended), plan(Some(Cp), None)], 1, false, AnswerKind::Alert);
        check(vec![plan(Some(Lac), ended)], 0, false, AnswerKind::PastPlan);
        check(vec![plan(Some(Lac), ended)], 1, false, AnswerKind::CouldNotCheck);
        check(vec![], 0, false, AnswerKind::NothingHeld);
        check(vec![], 1, false, AnswerKind::CouldNotCheck);
        check(vec![], 0, true, AnswerKind::CouldNotCheck);
        check(vec![plan(Some(Cp), None)], 0, true, AnswerKind::Alert);
    }

    #[test]
    fn nothing_held_warns_for_newborns_and_adults() {
        let notes = |born| {
            let answer = Answer::of(&person(born, false), PlansReading::default(), TODAY);
            let Answer::NothingHeld(notes) = answer else { panic!("{answer:?}") };
            notes
        };
        assert!(notes(date(2026, 8, 31)).may_be_under_mother);
        assert!(!notes(date(2026, 8, 30)).may_be_under_mother);
        assert!(notes(date(2008, 11, 22)).adult);
        assert!(!notes(date(2008, 11, 23)).adult);
    }

    #[test]
    fn current_plans_come_first_and_then_by_kind() {
        use PlanKind::{ChildProtection as Cp, LookedAfter as Lac, UnbornChildProtection as Unborn};
        let plans = vec![
            plan(Some(Cp), Some(date(2026, 2, 1))),
            plan(Some(Unborn), None),
            plan(None, None),
            plan(Some(Lac), None),
        ];
        let reading = PlansReading { plans, unreadable: vec![] };
        let Answer::Alert { plans, .. } = Answer::of(&person(date(2019, 1, 1), false), reading, TODAY) else {
            panic!("an alert")
        };
        let kinds: Vec<_> = plans.iter().map(|shown| shown.plan.kind).collect();
        assert_eq!(kinds, [Some(Lac), Some(Unborn), None, Some(Cp)]);
    }
}
