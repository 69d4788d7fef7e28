//! The rules of domain.md, said once more: what is answered, and what is written before.

use super::super::dates::from_days;
use super::world::{
    Access, Born, Entry, HOUR, MINUTE, Person, Plan, Standing, Status, View, Who, World, gender, given,
    postcode,
};

/// What the hub answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// A refusal, in the words `status code`.
    Refused(&'static str),
    /// The plans of a person under the number in use, by the reference of a view.
    Plans { view: usize, number: usize, plans: Vec<Plan> },
    /// Newest first; whether it is the caller's present view.
    History { number: usize, rows: Vec<(Access, bool)> },
    /// The people found, by the numbers in use.
    Found(Vec<usize>),
    /// One person.
    Person(usize),
    /// How the telling of a view stands.
    Status { view: usize, silent: bool, notices: Vec<(&'static str, &'static str, i64)> },
    /// Done, without a body.
    Done(u16),
}

const NOT_ALLOWED: Answer = Answer::Refused("403 ACCESS_DENIED");
const NOT_KNOWN: Answer = Answer::Refused("404 RESOURCE_NOT_FOUND");
const ENDED: Answer = Answer::Refused("404 INVALIDATED_RESOURCE");
const PRECONDITION: Answer = Answer::Refused("400 PRECONDITION_FAILED");

/// One asking for plans.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask {
    pub(super) who: Who,
    pub(super) number: usize,
    pub(super) trace: u128,
    /// What the request says of the care.
    pub(super) unscheduled: bool,
    pub(super) site: Option<&'static str>,
}

/// Who is searched for; what is not said may be anything.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sought {
    pub(super) family: &'static str,
    /// The first and the last day of birth.
    pub(super) days: (i64, i64),
    pub(super) given: Option<&'static str>,
    pub(super) gender: Option<&'static str>,
    pub(super) postcode: Option<&'static str>,
}

impl World {
    pub(super) fn view(&mut self, ask: &Ask) -> Answer {
        let Ask { who, number, trace, .. } = *ask;
        let department = match (ask.site, who.organisation) {
            (None, _) => None,
            (Some("ed"), "RN3") => Some("Adult ED"),
            // Not a site of the caller's organisation.
            (Some(_), _) => return PRECONDITION,
        };
        if !who.may("B0107") && !who.may("B0170") {
            return self.not_allowed(&who, Some(number), Some(trace));
        }
        let recorded = self.is_recorded(ask);
        let opening = if recorded { "view" } else { "silent-view" };
        let person = match self.numbers.get(&number).copied() {
            None => return self.audited(&who, (opening, "not-found"), None, ask, NOT_KNOWN),
            Some(alias) if self.has_ended(alias.person) => {
                return self.audited(&who, (opening, "invalidated"), Some(alias.person), ask, ENDED);
            }
            Some(alias) => alias.person,
        };
        let plans = self.shown(person);
        let held = !plans.is_empty();
        let outcome = if held { "held" } else { "nothing-held" };
        let now = self.now;
        let earlier = self.views.iter().position(|view| view.who.is(&who) && view.trace == trace);
        let (view, kind) = match earlier {
            None => {
                let status_said = None;
                let in_error = false;
                self.views.push(View { who, trace, person, at: now, recorded, held, in_error, status_said });
                (self.views.len() - 1, opening)
            }
            Some(at) if self.views[at].person != person => {
                let said = ("refused", "trace-of-another-person");
                return self.audited(&who, said, Some(person), ask, PRECONDITION);
            }
            Some(at) if self.views[at].in_error || now - self.views[at].at > 10 * MINUTE => {
                return self.audited(&who, ("refused", "trace-used-up"), Some(person), ask, PRECONDITION);
            }
            Some(at) => {
                let view = &mut self.views[at];
                // What was recorded never becomes silent, what was shown never unshown.
                (view.recorded, view.held) = (view.recorded || recorded, view.held || held);
                (at, "repeated-view")
            }
        };
        let entry = self.write(&who, kind, outcome);
        (entry.view, entry.person, entry.number, entry.request) =
            (Some(view), Some(person), Some(number), Some(trace));
        if self.views[view].recorded && held {
            if !self.history.iter().any(|access| access.view == view) {
                self.history.push(Access { view, person, who, at: now });
            }
            self.tell(view, &plans, department);
        }
        Answer::Plans { view, number: self.number_of(person).unwrap(), plans }
    }

    /// B0107 alone: always recorded. B0170 alone: always silent. Both: recorded, unless the session was switched
    /// to scheduled within 12 hours and the request says so too.
    fn is_recorded(&self, ask: &Ask) -> bool {
        let is_switched = self
            .settings
            .iter()
            .any(|(who, scheduled, at)| who.is(&ask.who) && *scheduled && *at >= self.now - 12 * HOUR);
        let is_scheduled = is_switched && !ask.unscheduled;
        ask.who.may("B0107") && !(ask.who.may("B0170") && is_scheduled)
    }

    pub(super) fn read_history(&mut self, who: Who, number: usize, trace: u128) -> Answer {
        if !who.may("B0107") && !who.may("B0170") {
            return self.not_allowed(&who, Some(number), Some(trace));
        }
        let ask = Ask { who, number, trace, unscheduled: true, site: None };
        let person = match self.numbers.get(&number).copied() {
            None => return self.audited(&who, ("history-read", "not-found"), None, &ask, NOT_KNOWN),
            Some(alias) if self.has_ended(alias.person) => {
                return self.audited(&who, ("history-read", "invalidated"), Some(alias.person), &ask, ENDED);
            }
            Some(alias) => alias.person,
        };
        let recently = self.now - 30 * MINUTE;
        let own: Vec<&View> = (self.views.iter())
            .filter(|view| {
                view.who.is(&who) && view.person == person && view.at >= recently && !view.in_error
            })
            .collect();
        if own.is_empty() {
            let said = ("refused", "history-without-own-view");
            return self.audited(&who, said, Some(person), &ask, NOT_ALLOWED);
        }
        let may_read = own.iter().any(|view| view.held) && !self.shown(person).is_empty();
        let rows = if may_read { self.listed(&who, person) } else { Vec::new() };
        let outcome = if rows.is_empty() { "none" } else { "returned" };
        let number = self.number_of(person).unwrap();
        self.audited(&who, ("history-read", outcome), Some(person), &ask, Answer::History { number, rows })
    }

    /// Of each person at an organisation the first of each 24 hours, and the caller's present view; the newest 25.
    fn listed(&self, who: &Who, person: usize) -> Vec<(Access, bool)> {
        let mut rows: Vec<&Access> = self.history.iter().filter(|access| access.person == person).collect();
        rows.sort_by_key(|access| (access.at, access.view));
        let present =
            rows.iter().rposition(|access| access.who.is(who) && access.at >= self.now - 30 * MINUTE);
        let mut windows: Vec<(Who, i64)> = Vec::new();
        let mut listed = Vec::new();
        for (place, access) in rows.into_iter().enumerate() {
            let window = windows.iter_mut().find(|(of, _)| of.is(&access.who));
            let is_first = match window {
                None => {
                    windows.push((access.who, access.at));
                    true
                }
                Some((_, start)) if access.at - *start >= 24 * HOUR => {
                    *start = access.at;
                    true
                }
                Some(_) => false,
            };
            if is_first || present == Some(place) {
                listed.push((access.clone(), present == Some(place)));
            }
        }
        listed.reverse();
        if listed.len() > 25 {
            let own = listed.iter().position(|(_, is_present)| *is_present);
            match own {
                Some(own) if own >= 25 => {
                    let own = listed.remove(own);
                    listed.truncate(24);
                    listed.push(own);
                }
                Some(_) | None => listed.truncate(25),
            }
        }
        listed
    }

    pub(super) fn search(&mut self, who: Who, asked: &Sought, request: u128) -> Answer {
        let Sought { family, days: (first, last), .. } = *asked;
        if !who.may("B0264") {
            return self.not_allowed(&who, None, Some(request));
        }
        // Of an estimate every day that it can mean.
        let can_be = |held: Option<Born>| match held {
            None => false,
            Some(Born::Day(day)) => (first..=last).contains(&day),
            Some(Born::Year(year)) => (first..=last).any(|day| from_days(day).0 == year),
        };
        // Whoever is restricted is found by no postcode.
        let agrees = |number: usize, person: &Person| {
            asked.given.is_none_or(|asked| given(number) == asked)
                && asked.gender.is_none_or(|asked| gender(number) == asked)
                && asked.postcode.is_none_or(|asked| postcode(number) == asked && !person.restricted)
        };
        let fits = |number: usize, person: &Person| {
            person.family == family && can_be(person.born) && agrees(number, person)
        };
        let mut found: Vec<(usize, usize)> = (self.numbers.iter())
            .filter(|(number, alias)| {
                alias.standing == Standing::InUse && fits(**number, &self.people[alias.person])
            })
            .map(|(number, alias)| (*number, alias.person))
            .collect();
        // Best first: who was surely born that day, then who may have been.
        found.sort_by_key(|(number, person)| {
            (matches!(self.people[*person].born, Some(Born::Year(_))), given(*number), *number)
        });
        if found.is_empty() {
            self.write(&who, "search", "none").request = Some(request);
        }
        for (number, person) in &found {
            let entry = self.write(&who, "search", "returned");
            (entry.person, entry.number, entry.request) = (Some(*person), Some(*number), Some(request));
        }
        Answer::Found(found.into_iter().map(|(number, _)| number).collect())
    }

    pub(super) fn retrieve(&mut self, who: Who, number: usize, request: u128) -> Answer {
        if !who.may("B0264") {
            return self.not_allowed(&who, Some(number), Some(request));
        }
        let ask = Ask { who, number, trace: request, unscheduled: true, site: None };
        match self.numbers.get(&number).copied() {
            None => self.audited(&who, ("retrieve", "not-found"), None, &ask, NOT_KNOWN),
            Some(alias) if self.has_ended(alias.person) => {
                self.audited(&who, ("retrieve", "invalidated"), Some(alias.person), &ask, ENDED)
            }
            Some(alias) => {
                let answer = Answer::Person(self.number_of(alias.person).unwrap());
                self.audited(&who, ("retrieve", "returned"), Some(alias.person), &ask, answer)
            }
        }
    }

    pub(super) fn switch(&mut self, who: Who, scheduled: bool) -> Answer {
        if !(who.may("B0107") && who.may("B0170")) {
            return self.not_allowed(&who, None, None);
        }
        // What no longer counts is forgotten when somebody says something.
        let oldest = self.now - 12 * HOUR;
        self.settings.retain(|(of, _, at)| *at >= oldest && !of.is(&who));
        self.settings.push((who, scheduled, self.now));
        self.write(&who, "care-setting", if scheduled { "scheduled" } else { "unscheduled" });
        Answer::Done(204)
    }

    /// The caller's own view, if it is theirs.
    fn own(&self, who: &Who, view: usize) -> Option<usize> {
        self.views[view].who.is(who).then_some(view)
    }

    pub(super) fn opened_in_error(&mut self, who: Who, asked: usize) -> Answer {
        let Some(view) = self.own(&who, asked) else {
            return self.of_own(&who, ("opened-in-error", "no-such-view"), None, asked, NOT_KNOWN);
        };
        let (outcome, answer) = if self.views[view].in_error {
            ("said-before", Answer::Done(204))
        } else if self.now - self.views[view].at > 10 * MINUTE {
            ("too-late", Answer::Refused("409 TOO_LATE"))
        } else {
            self.take_back(view);
            ("logged", Answer::Done(204))
        };
        self.of_own(&who, ("opened-in-error", outcome), Some(view), asked, answer)
    }

    pub(super) fn status(&mut self, who: Who, asked: usize) -> Answer {
        if !who.may("B0107") && !who.may("B0170") {
            return self.not_allowed(&who, None, None);
        }
        let Some(view) = self.own(&who, asked) else {
            return self.of_own(&who, ("status-read", "no-such-view"), None, asked, NOT_KNOWN);
        };
        let said = if self.has_ended(self.views[view].person) {
            Status::Ended
        } else if self.now - self.views[view].at > 24 * HOUR {
            Status::TooLate
        } else {
            Status::Told { silent: !self.views[view].recorded, notices: self.notices(view) }
        };
        let (outcome, answer) = match said.clone() {
            Status::Ended => ("invalidated", NOT_KNOWN),
            Status::TooLate => ("too-late", NOT_KNOWN),
            Status::Told { silent, notices } => ("returned", Answer::Status { view, silent, notices }),
        };
        // The viewer asks every few seconds: audited is what says something else than before.
        if self.views[view].status_said.as_ref() == Some(&said) {
            return answer;
        }
        self.views[view].status_said = Some(said);
        self.of_own(&who, ("status-read", outcome), Some(view), asked, answer)
    }

    pub(super) fn report(&mut self, who: Who, asked: usize) -> Answer {
        let own = self.own(&who, asked);
        let (outcome, answer) =
            if own.is_some() { ("reported", Answer::Done(201)) } else { ("no-such-view", NOT_KNOWN) };
        self.of_own(&who, ("copy-number", outcome), own, asked, answer)
    }

    fn not_allowed(&mut self, who: &Who, number: Option<usize>, request: Option<u128>) -> Answer {
        let person = number.and_then(|number| self.numbers.get(&number)).map(|alias| alias.person);
        let entry = self.write(who, "refused", "not-allowed");
        (entry.person, entry.number, entry.request) = (person, number, request);
        NOT_ALLOWED
    }

    /// Answers about a person, audited under the number that was asked for.
    fn audited(
        &mut self,
        who: &Who,
        (kind, outcome): (&'static str, &'static str),
        person: Option<usize>,
        ask: &Ask,
        answer: Answer,
    ) -> Answer {
        let entry = self.write(who, kind, outcome);
        (entry.person, entry.number, entry.request) = (person, Some(ask.number), Some(ask.trace));
        answer
    }

    /// Answers about a view, audited under its reference, whoever asked.
    fn of_own(
        &mut self,
        who: &Who,
        (kind, outcome): (&'static str, &'static str),
        own: Option<usize>,
        asked: usize,
        answer: Answer,
    ) -> Answer {
        let person = own.map(|view| self.views[view].person);
        let number = person.and_then(|person| self.number_of(person));
        let request = own.map(|view| self.views[view].trace);
        let entry: &mut Entry = self.write(who, kind, outcome);
        (entry.view, entry.person, entry.number, entry.request) = (Some(asked), person, number, request);
        answer
    }
}
