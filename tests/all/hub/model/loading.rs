//! What a load file does: people first, then superseded numbers, plans and ended identities; a line that does not
//! fit is refused alone.

use std::collections::BTreeMap;

use super::world::{Alias, Born, HOUR, Kind, Person, Plan, Standing, Who, World};

/// One line of a load file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// What it does not say stays as it is held.
    Person {
        number: usize,
        family: Option<&'static str>,
        born: Option<Born>,
        restricted: Option<bool>,
    },
    Superseded {
        old: usize,
        new: usize,
    },
    Ended {
        number: usize,
    },
    Plan {
        number: usize,
        authority: &'static str,
        kind: Kind,
        start: i64,
        end: Option<i64>,
        sent: Option<i64>,
    },
}

/// People, superseded numbers, ended identities, plans, outdated plans, refused lines.
pub(super) type Report = (usize, usize, usize, usize, usize, usize);

/// A line is refused, alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused;

type Loaded<T> = Result<T, Refused>;

/// What is true of a file as a whole.
struct File<'a> {
    operator: Who,
    lines: &'a [Line],
    /// Which number leads to which.
    links: BTreeMap<usize, usize>,
    /// The upload of each authority.
    uploads: BTreeMap<&'static str, usize>,
    report: Report,
}

impl World {
    pub(super) fn load(&mut self, operator: &Who, lines: &[Line]) -> Report {
        let (links, uploads) = (BTreeMap::new(), BTreeMap::new());
        let mut file = File { operator: *operator, lines, links, uploads, report: (0, 0, 0, 0, 0, 0) };
        // A line that is refused leads nowhere.
        file.links = lines.iter().filter(|line| !file.is_doubled(line)).filter_map(link).collect();
        for line in lines {
            let outcome = self.person_line(line, &mut file);
            file.count(outcome);
        }
        for line in lines {
            let outcome = self.superseded_line(line, &mut file);
            file.count(outcome);
        }
        for line in lines {
            let outcome = self.plan_line(line, &mut file);
            file.count(outcome);
        }
        for line in lines {
            let outcome = self.ended_line(line, &mut file);
            file.count(outcome);
        }
        let (people, superseded, ended, plans, outdated, refused) = file.report;
        let nothing = people + superseded + ended + plans + outdated == 0;
        self.write(operator, "load", if nothing && refused > 0 { "refused" } else { "applied" });
        file.report
    }

    /// A person comes with the numbers that theirs replaces and with their plans. Somebody new is refused if a plan is.
    fn person_line(&mut self, line: &Line, file: &mut File<'_>) -> Loaded<()> {
        let number = match line {
            Line::Person { number, .. } | Line::Ended { number } => *number,
            Line::Superseded { .. } | Line::Plan { .. } => return Ok(()),
        };
        if file.is_doubled(line) {
            return Err(Refused);
        }
        let is_new = !self.numbers.contains_key(&number);
        let before = (self.clone(), file.uploads.clone(), file.report);
        let mut lifted = false;
        match line {
            Line::Person { family, born, restricted, .. } => {
                lifted = *restricted == Some(false);
                self.person(number, *family, *born, *restricted)?;
            }
            // Somebody who ended and was never known is made, so that the number says so.
            Line::Ended { .. } if is_new => self.person(number, None, None, None)?,
            Line::Ended { .. } | Line::Superseded { .. } | Line::Plan { .. } => return Ok(()),
        }
        file.report.0 += 1;
        let links: Vec<_> =
            file.lines.iter().filter(|line| !file.is_doubled(line)).filter_map(link).collect();
        let mut replaced = Vec::new();
        for (old, _) in links {
            if file.last(old) == Some(number) {
                replaced.push(old);
                // What is wrong is said in its own turn.
                let _ = self.supersede(old, lifted, file);
            }
        }
        let person = self.known(number)?;
        let stays_behind = replaced.iter().any(|&old| {
            self.known(old)
                .is_ok_and(|other| other != person && self.plans.iter().any(|plan| plan.person == other))
        });
        let is_refused = self.early_plans(number, file).is_err() || stays_behind;
        if is_refused && is_new {
            (*self, file.uploads, file.report) = before;
            return Err(Refused);
        }
        Ok(())
    }

    fn early_plans(&mut self, number: usize, file: &mut File<'_>) -> Loaded<()> {
        let person = self.known(number)?;
        let mut outcome = Ok(());
        for line in file.lines {
            let Line::Plan { number: under, .. } = line else { continue };
            if file.last(*under).unwrap_or(*under) != number {
                continue;
            }
            let plan = self.read(line, person).filter(|_| !file.is_doubled(line));
            match (plan, self.known(*under)) {
                (Some(_), Ok(other)) if other != person => {}
                (Some(plan), Ok(_)) if self.may_be_held(&plan).is_ok() => {
                    let is_written = self.plan(plan, file);
                    file.report.3 += usize::from(is_written);
                    self.tell_of(*under, person, is_written, file);
                }
                (Some(_) | None, Ok(_) | Err(Refused)) => outcome = Err(Refused),
            }
        }
        outcome
    }

    fn superseded_line(&mut self, line: &Line, file: &mut File<'_>) -> Loaded<()> {
        let Line::Superseded { old, .. } = line else { return Ok(()) };
        if file.is_doubled(line) { Err(Refused) } else { self.supersede(*old, false, file) }
    }

    /// A plan that came with its person is not looked at again.
    fn plan_line(&mut self, line: &Line, file: &mut File<'_>) -> Loaded<()> {
        let Line::Plan { number, .. } = line else { return Ok(()) };
        if file.is_doubled(line) {
            return Err(Refused);
        }
        let person = self.known(*number);
        let plan = self.read(line, person.unwrap_or_default()).ok_or(Refused)?;
        person?;
        let held = self.plans.iter().find(|held| held.person == plan.person && held.is_the_same_plan(&plan));
        let is_of_the_future = plan.sent.is_some_and(|sent| sent > self.now + HOUR);
        if !is_of_the_future
            && held.is_some_and(|held| {
                file.uploads.get(held.authority) == Some(&held.upload) && held.number == *number
            })
        {
            return Ok(());
        }
        self.may_be_held(&plan)?;
        let is_written = self.plan(plan, file);
        *(if is_written { &mut file.report.3 } else { &mut file.report.4 }) += 1;
        self.tell_of(*number, self.known(*number)?, is_written, file);
        Ok(())
    }

    /// A plan that came under a superseded number.
    fn tell_of(&mut self, under: usize, person: usize, is_written: bool, file: &File<'_>) {
        if is_written && self.number_of(person) != Some(under) {
            let uploaded = self.uploaded(person);
            self.tell_numbers(&file.operator, person, &uploaded);
        }
    }

    fn ended_line(&mut self, line: &Line, file: &mut File<'_>) -> Loaded<()> {
        match line {
            // Refused already.
            Line::Ended { .. } if file.is_doubled(line) => Ok(()),
            Line::Ended { number } => {
                // Who was to be made for it and was refused is refused once.
                if self.numbers.contains_key(number) {
                    file.report.2 += usize::from(self.end(&file.operator, *number)?);
                }
                Ok(())
            }
            Line::Person { .. } | Line::Superseded { .. } | Line::Plan { .. } => Ok(()),
        }
    }

    /// A plan that can be meant.
    fn read(&self, line: &Line, person: usize) -> Option<Plan> {
        let Line::Plan { number, authority, kind, start, end, sent } = line else { return None };
        let plan = Plan {
            person,
            authority,
            kind: *kind,
            start: *start,
            end: *end,
            number: *number,
            sent: *sent,
            loaded: self.now,
            upload: 0,
            id: 0,
        };
        can_be_meant(line).then_some(plan)
    }

    fn person(
        &mut self,
        number: usize,
        family: Option<&'static str>,
        born: Option<Born>,
        restricted: Option<bool>,
    ) -> Loaded<()> {
        match self.numbers.get(&number).copied() {
            None => {
                let (family, restricted) = (family.unwrap_or(""), restricted == Some(true));
                self.people.push(Person { family, born, restricted });
                let alias = Alias { person: self.people.len() - 1, standing: Standing::InUse };
                self.numbers.insert(number, alias);
            }
            Some(Alias { person, standing: Standing::InUse }) => {
                let held = &mut self.people[person];
                held.family = family.unwrap_or(held.family);
                held.born = born.or(held.born);
                held.restricted = restricted.unwrap_or(held.restricted);
            }
            Some(Alias { standing: Standing::Superseded | Standing::Ended, .. }) => return Err(Refused),
        }
        Ok(())
    }

    /// Whose number this is; an unknown one and one whose identity ended take nothing.
    fn known(&self, number: usize) -> Loaded<usize> {
        let alias = self.numbers.get(&number).ok_or(Refused)?;
        if self.has_ended(alias.person) { Err(Refused) } else { Ok(alias.person) }
    }

    /// A chain is joined from its end: what cannot be joined holds up all that leads to it.
    fn supersede(&mut self, old: usize, lifted: bool, file: &mut File<'_>) -> Loaded<()> {
        let last = file.last(old).ok_or(Refused)?;
        let new = self.known(last)?;
        let mut way = vec![old];
        while let Some(next) =
            way.last().and_then(|number| file.links.get(number)).filter(|next| **next != last)
        {
            way.push(*next);
        }
        for number in way.into_iter().rev() {
            file.report.1 += usize::from(self.join(&file.operator, number, new, lifted)?);
        }
        Ok(())
    }

    fn join(&mut self, operator: &Who, old: usize, new: usize, lifted: bool) -> Loaded<bool> {
        let Some(alias) = self.numbers.get(&old).copied() else {
            self.numbers.insert(old, Alias { person: new, standing: Standing::Superseded });
            return Ok(true);
        };
        match alias.standing {
            _ if self.has_ended(alias.person) => Err(Refused),
            // It is the number that the other one leads to.
            Standing::InUse if alias.person == new => Err(Refused),
            Standing::InUse => {
                self.people[new].restricted |= self.people[alias.person].restricted && !lifted;
                let uploaded = self.uploaded(alias.person);
                self.merge(alias.person, new);
                self.tell_numbers(operator, new, &uploaded);
                Ok(true)
            }
            Standing::Superseded if alias.person == new => Ok(false),
            Standing::Superseded | Standing::Ended => Err(Refused),
        }
    }

    /// Everything of the old person becomes the new one's; of the same plan under both the later stays.
    fn merge(&mut self, old: usize, new: usize) {
        let of_both = |plan: &&Plan| plan.person == old || plan.person == new;
        let both: Vec<Plan> = self.plans.iter().filter(of_both).cloned().collect();
        let rank = |plan: &Plan| (plan.when(), plan.upload, plan.id);
        self.plans.retain(|plan| {
            !of_both(&plan)
                || !both.iter().any(|other| other.is_the_same_plan(plan) && rank(other) > rank(plan))
        });
        let people = (self.plans.iter_mut().map(|plan| &mut plan.person))
            .chain(self.views.iter_mut().map(|view| &mut view.person))
            .chain(self.history.iter_mut().map(|access| &mut access.person))
            .chain(self.outbox.iter_mut().map(|message| &mut message.person))
            .chain(self.numbers_told.iter_mut().map(|told| &mut told.person));
        people.filter(|person| **person == old).for_each(|person| *person = new);
        for alias in self.numbers.values_mut().filter(|alias| alias.person == old) {
            *alias = Alias { person: new, standing: Standing::Superseded };
        }
    }

    /// Not what is sent in the future, and nothing new for a restricted person.
    fn may_be_held(&self, plan: &Plan) -> Loaded<()> {
        let mut held = self.plans.iter().filter(|held| held.person == plan.person);
        let is_held = held.any(|held| held.is_the_same_plan(plan));
        let is_of_the_future = plan.sent.is_some_and(|sent| sent > self.now + HOUR);
        let may_not = self.people[plan.person].restricted && !is_held;
        if is_of_the_future || may_not { Err(Refused) } else { Ok(()) }
    }

    /// Whether it is written: what was sent before what is held changes nothing.
    fn plan(&mut self, mut plan: Plan, file: &mut File<'_>) -> bool {
        plan.upload = *file.uploads.entry(plan.authority).or_insert_with(|| {
            self.uploads += 1;
            self.uploads
        });
        let held =
            self.plans.iter().position(|held| held.person == plan.person && held.is_the_same_plan(&plan));
        match held {
            None => {
                self.plans_ever += 1;
                plan.id = self.plans_ever;
                self.plans.push(plan);
                true
            }
            Some(held) if plan.goes_before(&self.plans[held]) => {
                plan.id = self.plans[held].id;
                self.plans[held] = plan;
                true
            }
            Some(_) => false,
        }
    }

    fn end(&mut self, operator: &Who, number: usize) -> Loaded<bool> {
        let alias = self.numbers.get_mut(&number).ok_or(Refused)?;
        match alias.standing {
            Standing::InUse => {
                alias.standing = Standing::Ended;
                let person = alias.person;
                let uploaded = self.uploaded(person);
                self.tell_numbers(operator, person, &uploaded);
                Ok(true)
            }
            Standing::Ended => Ok(false),
            Standing::Superseded => Err(Refused),
        }
    }
}

fn link(line: &Line) -> Option<(usize, usize)> {
    match line {
        Line::Superseded { old, new } => Some((*old, *new)),
        Line::Person { .. } | Line::Ended { .. } | Line::Plan { .. } => None,
    }
}

/// What a line describes: a number, or a plan.
fn described(line: &Line) -> (usize, Option<(&'static str, Kind, i64)>) {
    match line {
        Line::Person { number, .. } | Line::Ended { number } => (*number, None),
        Line::Superseded { old, .. } => (*old, None),
        Line::Plan { number, authority, kind, start, .. } => (*number, Some((*authority, *kind, *start))),
    }
}

/// A plan that ends before it starts is none, nor is an unborn one without an end.
fn can_be_meant(line: &Line) -> bool {
    match line {
        Line::Plan { kind, start, end, .. } => {
            end.is_none_or(|end| end >= *start) && !(*kind == Kind::Unborn && end.is_none())
        }
        Line::Person { .. } | Line::Superseded { .. } | Line::Ended { .. } => true,
    }
}

impl File<'_> {
    /// Described by two lines: nobody knows which is meant.
    fn is_doubled(&self, line: &Line) -> bool {
        let same = |other: &&Line| can_be_meant(other) && described(other) == described(line);
        can_be_meant(line) && self.lines.iter().filter(same).count() > 1
    }

    /// Where the replacements of a file lead to; nowhere if they lead back.
    fn last(&self, number: usize) -> Option<usize> {
        let mut seen = vec![number];
        let mut last = number;
        while let Some(next) = self.links.get(&last) {
            if seen.contains(next) {
                return None;
            }
            seen.push(*next);
            last = *next;
        }
        Some(last)
    }

    fn count(&mut self, outcome: Loaded<()>) {
        self.report.5 += usize::from(outcome.is_err());
    }
}
