//! What a load file does: all or nothing; people first, then superseded numbers, plans and ended identities.

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

/// People, superseded numbers, ended identities, plans, outdated plans.
pub(super) type Report = (usize, usize, usize, usize, usize);

/// The file is refused as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileRefused;

type Loaded<T> = Result<T, FileRefused>;

impl World {
    pub(super) fn load(&mut self, operator: &Who, lines: &[Line]) -> Loaded<Report> {
        let mut loaded = self.clone();
        match loaded.try_load(lines) {
            Ok(report) => {
                *self = loaded;
                self.write(operator, "load", "applied");
                Ok(report)
            }
            Err(refused) => {
                self.write(operator, "load", "refused");
                Err(refused)
            }
        }
    }

    fn try_load(&mut self, lines: &[Line]) -> Loaded<Report> {
        no_number_and_no_plan_twice(lines)?;
        let mut report = (0, 0, 0, 0, 0);
        for line in lines {
            match line {
                Line::Person { number, family, born, restricted } => {
                    self.person(*number, *family, *born, *restricted)?;
                    report.0 += 1;
                }
                // Somebody who ended and was never known is made, so that the number says so.
                Line::Ended { number } if !self.numbers.contains_key(number) => {
                    self.person(*number, None, None, None)?;
                    report.0 += 1;
                }
                Line::Ended { .. } | Line::Superseded { .. } | Line::Plan { .. } => {}
            }
        }
        let links: BTreeMap<usize, usize> = lines.iter().filter_map(link).collect();
        for (old, new) in lines.iter().filter_map(link) {
            report.1 += usize::from(self.supersede(old, new, &links)?);
        }
        let mut uploads: BTreeMap<&'static str, usize> = BTreeMap::new();
        for line in lines {
            if let Line::Plan { number, authority, kind, start, end, sent } = line {
                let plan = Plan {
                    person: self.known(*number)?,
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
                let is_written = self.plan(plan, &mut uploads)?;
                *(if is_written { &mut report.3 } else { &mut report.4 }) += 1;
            }
        }
        for line in lines {
            if let Line::Ended { number } = line {
                report.2 += usize::from(self.end(*number)?);
            }
        }
        Ok(report)
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
            Some(Alias { standing: Standing::Superseded | Standing::Ended, .. }) => return Err(FileRefused),
        }
        Ok(())
    }

    /// Whose number this is; an unknown one and one whose identity ended take nothing.
    fn known(&self, number: usize) -> Loaded<usize> {
        let alias = self.numbers.get(&number).ok_or(FileRefused)?;
        if self.has_ended(alias.person) { Err(FileRefused) } else { Ok(alias.person) }
    }

    fn supersede(&mut self, old: usize, new: usize, links: &BTreeMap<usize, usize>) -> Loaded<bool> {
        let mut seen = vec![old];
        let mut last = new;
        loop {
            if seen.contains(&last) {
                return Err(FileRefused);
            }
            seen.push(last);
            match links.get(&last) {
                Some(next) => last = *next,
                None => break,
            }
        }
        let new = self.known(last)?;
        let Some(alias) = self.numbers.get(&old).copied() else {
            self.numbers.insert(old, Alias { person: new, standing: Standing::Superseded });
            return Ok(true);
        };
        match alias.standing {
            _ if self.has_ended(alias.person) => Err(FileRefused),
            // It is the number that the other one leads to.
            Standing::InUse if alias.person == new => Err(FileRefused),
            Standing::InUse => {
                self.merge(alias.person, new);
                Ok(true)
            }
            Standing::Superseded if alias.person == new => Ok(false),
            Standing::Superseded | Standing::Ended => Err(FileRefused),
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
            .chain(self.outbox.iter_mut().map(|message| &mut message.person));
        people.filter(|person| **person == old).for_each(|person| *person = new);
        for alias in self.numbers.values_mut().filter(|alias| alias.person == old) {
            *alias = Alias { person: new, standing: Standing::Superseded };
        }
    }

    /// Whether it is written: what was sent before what is held changes nothing.
    fn plan(&mut self, mut plan: Plan, uploads: &mut BTreeMap<&'static str, usize>) -> Loaded<bool> {
        let held =
            self.plans.iter().position(|held| held.person == plan.person && held.is_the_same_plan(&plan));
        let is_of_the_future = plan.sent.is_some_and(|sent| sent > self.now + HOUR);
        let may_not_be_held = self.people[plan.person].restricted && held.is_none();
        let ends_before_it_starts = plan.end.is_some_and(|end| end < plan.start);
        let never_ends = plan.kind == Kind::Unborn && plan.end.is_none();
        if is_of_the_future || may_not_be_held || ends_before_it_starts || never_ends {
            return Err(FileRefused);
        }
        plan.upload = *uploads.entry(plan.authority).or_insert_with(|| {
            self.uploads += 1;
            self.uploads
        });
        match held {
            None => {
                self.plans_ever += 1;
                plan.id = self.plans_ever;
                self.plans.push(plan);
                Ok(true)
            }
            Some(held) if plan.when() >= self.plans[held].when() => {
                plan.id = self.plans[held].id;
                self.plans[held] = plan;
                Ok(true)
            }
            Some(_) => Ok(false),
        }
    }

    fn end(&mut self, number: usize) -> Loaded<bool> {
        let alias = self.numbers.get_mut(&number).ok_or(FileRefused)?;
        match alias.standing {
            Standing::InUse => {
                alias.standing = Standing::Ended;
                Ok(true)
            }
            Standing::Ended => Ok(false),
            Standing::Superseded => Err(FileRefused),
        }
    }
}

fn link(line: &Line) -> Option<(usize, usize)> {
    match line {
        Line::Superseded { old, new } => Some((*old, *new)),
        Line::Person { .. } | Line::Ended { .. } | Line::Plan { .. } => None,
    }
}

fn no_number_and_no_plan_twice(lines: &[Line]) -> Loaded<()> {
    let key = |line: &Line| match line {
        Line::Person { number, .. } | Line::Ended { number } => (*number, None),
        Line::Superseded { old, .. } => (*old, None),
        Line::Plan { number, authority, kind, start, .. } => (*number, Some((*authority, *kind, *start))),
    };
    let mut keys: Vec<_> = lines.iter().map(key).collect();
    keys.sort_unstable();
    let all = keys.len();
    keys.dedup();
    if keys.len() == all { Ok(()) } else { Err(FileRefused) }
}
