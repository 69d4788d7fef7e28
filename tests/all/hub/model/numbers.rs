//! Whom the model tells that a number is no longer in use: each authority that holds a current plan under it, once.

use super::world::{NumberTold, Who, World};

/// Authority, number and the newest upload of current plans.
pub(super) type Uploaded = Vec<(&'static str, usize, usize)>;

impl World {
    pub(super) fn uploaded(&self, person: usize) -> Uploaded {
        let today = self.today();
        let current = |end: Option<i64>| end.is_none_or(|end| end >= today);
        let mut all: Uploaded = Vec::new();
        for plan in self.plans.iter().filter(|plan| plan.person == person && current(plan.end)) {
            match all
                .iter_mut()
                .find(|(authority, number, _)| (*authority, *number) == (plan.authority, plan.number))
            {
                Some((_, _, upload)) => *upload = (*upload).max(plan.upload),
                None => all.push((plan.authority, plan.number, plan.upload)),
            }
        }
        // As the local ids of the lines stand.
        all.sort_by_key(|(authority, number, _)| (*authority, format!("local-{number}")));
        all
    }

    pub(super) fn tell_numbers(&mut self, operator: &Who, person: usize, uploaded: &Uploaded) {
        let in_use = self.number_of(person).filter(|_| !self.has_ended(person));
        for &(authority, number, upload) in uploaded {
            let same = |told: &&NumberTold| {
                (told.person, told.authority, told.number) == (person, authority, number)
            };
            let last = self.numbers_told.iter().rev().find(same).map(|told| told.replaced_by);
            if in_use == Some(number) || last == Some(in_use) {
                continue;
            }
            let (at, told, replaced_by) = (self.now, self.queued(authority), in_use);
            self.numbers_told.push(NumberTold {
                told,
                person,
                authority,
                number,
                replaced_by,
                upload,
                at,
                since: at,
            });
            let entry =
                self.write(operator, "number-told", if in_use.is_some() { "superseded" } else { "ended" });
            (entry.person, entry.number) = (Some(person), Some(number));
        }
    }
}
