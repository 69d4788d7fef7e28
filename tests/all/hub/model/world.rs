//! The model's world: what the hub holds and has written, as plain lists. Time is in milliseconds, days are
//! counted from 1970, people and views are known by their place in a list.

use std::collections::BTreeMap;

use super::super::dates::{from_days, london_day, to_days};

pub(super) const MINUTE: i64 = 60_000;
pub(super) const HOUR: i64 = 60 * MINUTE;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) name: &'static str,
    pub(super) organisation: &'static str,
    /// Activity codes.
    pub(super) codes: &'static [&'static str],
}

impl Who {
    pub(super) fn may(&self, code: &str) -> bool {
        self.codes.contains(&code)
    }

    /// One person at one organisation: what "the same user" means in every rule.
    pub(super) fn is(&self, other: &Who) -> bool {
        (self.name, self.organisation) == (other.name, other.organisation)
    }
}

/// An NHS number leads to a person; at most one of a person's numbers is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Alias {
    pub(super) person: usize,
    pub(super) standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    InUse,
    Superseded,
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Born {
    Day(i64),
    Year(i64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) family: &'static str,
    pub(super) born: Option<Born>,
    pub(super) restricted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    ChildProtection,
    LookedAfter,
    Unborn,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) person: usize,
    pub(super) authority: &'static str,
    pub(super) kind: Kind,
    pub(super) start: i64,
    pub(super) end: Option<i64>,
    pub(super) number: usize,
    /// When the authority sent it; without that, when it was loaded.
    pub(super) sent: Option<i64>,
    pub(super) loaded: i64,
    pub(super) upload: usize,
    /// The order in which plans were first held.
    pub(super) id: usize,
}

impl Plan {
    /// The later of two says what holds.
    pub(super) fn when(&self) -> i64 {
        self.sent.unwrap_or(self.loaded)
    }

    /// Of two lines of one file that were sent at the same time the higher number's holds.
    pub(super) fn goes_before(&self, held: &Plan) -> bool {
        let is_higher = self.upload != held.upload || self.number >= held.number;
        (self.when(), is_higher) >= (held.when(), true)
    }

    pub(super) fn is_the_same_plan(&self, other: &Plan) -> bool {
        (self.authority, self.kind, self.start) == (other.authority, other.kind, other.start)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    pub(super) who: Who,
    pub(super) trace: u128,
    pub(super) person: usize,
    pub(super) at: i64,
    pub(super) recorded: bool,
    pub(super) held: bool,
    pub(super) in_error: bool,
    /// What its status said when it was last told.
    pub(super) status_said: Option<Status>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Status {
    Ended,
    TooLate,
    Told { silent: bool, notices: Vec<(&'static str, &'static str, i64)> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Access {
    pub(super) view: usize,
    pub(super) person: usize,
    pub(super) who: Who,
    pub(super) at: i64,
}

/// What has become of something that an authority is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    /// Of its authority: 1, 2, 3 …
    pub(super) number: u32,
    pub(super) state: &'static str,
    /// What the authority's link said of it last.
    pub(super) outcome: Option<&'static str>,
}

/// A row of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) told: Told,
    pub(super) is_correction: bool,
    pub(super) view: usize,
    pub(super) person: usize,
    pub(super) authority: &'static str,
    pub(super) who: Who,
    pub(super) at: i64,
    /// Since when it is in its state.
    pub(super) since: i64,
    /// The view whose notification was the first of the attendance.
    pub(super) attendance: usize,
    pub(super) upload: usize,
    pub(super) number: usize,
    pub(super) department: Option<&'static str>,
}

/// A row of the outbox that says that a number is no longer in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NumberTold {
    pub(super) told: Told,
    pub(super) person: usize,
    pub(super) authority: &'static str,
    pub(super) number: usize,
    pub(super) replaced_by: Option<usize>,
    pub(super) upload: usize,
    pub(super) at: i64,
    pub(super) since: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spared {
    pub(super) view: usize,
    pub(super) authority: &'static str,
    /// The message that spared it, by its place in the outbox.
    pub(super) by: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) at: i64,
    pub(super) kind: &'static str,
    pub(super) outcome: &'static str,
    pub(super) name: &'static str,
    pub(super) organisation: &'static str,
    /// TraceID or X-Request-ID.
    pub(super) request: Option<u128>,
    pub(super) view: Option<usize>,
    pub(super) person: Option<usize>,
    pub(super) number: Option<usize>,
}

/// Everything. Numbers are small: the data behind them is in `script`.
#[derive(Debug, Clone, Default)]
pub(super) struct World {
    pub(super) now: i64,
    pub(super) numbers: BTreeMap<usize, Alias>,
    pub(super) people: Vec<Person>,
    pub(super) plans: Vec<Plan>,
    pub(super) plans_ever: usize,
    pub(super) uploads: usize,
    pub(super) views: Vec<View>,
    pub(super) history: Vec<Access>,
    pub(super) outbox: Vec<Message>,
    pub(super) numbers_told: Vec<NumberTold>,
    pub(super) spared: Vec<Spared>,
    pub(super) settings: Vec<(Who, bool, i64)>,
    pub(super) audit: Vec<Entry>,
}

impl World {
    pub(super) fn today(&self) -> i64 {
        london_day(self.now.div_euclid(1000))
    }

    /// The number that a person has now, or had when the identity ended.
    pub(super) fn number_of(&self, person: usize) -> Option<usize> {
        let of_person = |alias: &Alias| alias.person == person && alias.standing != Standing::Superseded;
        self.numbers.iter().find(|(_, alias)| of_person(alias)).map(|(number, _)| *number)
    }

    pub(super) fn has_ended(&self, person: usize) -> bool {
        self.numbers.values().any(|alias| alias.person == person && alias.standing == Standing::Ended)
    }

    /// The dates table of domain.md.
    pub(super) fn is_shown(&self, plan: &Plan) -> bool {
        let today = self.today();
        let tail = if plan.kind == Kind::Unborn { 28 } else { 364 };
        let has_grown_up = match self.people[plan.person].born {
            // An unborn plan's person is the mother: her age never matters.
            _ if plan.kind == Kind::Unborn => false,
            None => false,
            Some(Born::Day(born)) => today >= eighteen(born),
            // The last day that it can mean: nobody is taken for an adult too early.
            Some(Born::Year(year)) => today >= eighteen(to_days(year, 12, 31)),
        };
        !has_grown_up && plan.start <= today && plan.end.is_none_or(|end| today <= end + tail)
    }

    pub(super) fn shown(&self, person: usize) -> Vec<Plan> {
        self.plans.iter().filter(|plan| plan.person == person && self.is_shown(plan)).cloned().collect()
    }

    pub(super) fn write(&mut self, who: &Who, kind: &'static str, outcome: &'static str) -> &mut Entry {
        self.audit.push(Entry {
            at: self.now,
            kind,
            outcome,
            name: who.name,
            organisation: who.organisation,
            request: None,
            view: None,
            person: None,
            number: None,
        });
        self.audit.last_mut().unwrap()
    }
}

/// The 18th birthday; born on 29 February: 1 March where there is none.
fn eighteen(born: i64) -> i64 {
    let (year, month, day) = from_days(born);
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (month, day) == (2, 29) && !is_leap(year + 18) {
        to_days(year + 18, 3, 1)
    } else {
        to_days(year + 18, month, day)
    }
}

/// What somebody is called first, by the number that they have.
pub(super) fn given(number: usize) -> &'static str {
    ["Ava", "Mia"][number % 2]
}

pub(super) fn gender(number: usize) -> &'static str {
    ["female", "male", "female"][number % 3]
}

pub(super) fn postcode(number: usize) -> &'static str {
    ["SN5 3AB", "SN5 3AB", "LS1 4AP", "M1 1AE"][number % 4]
}
