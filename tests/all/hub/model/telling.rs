//! Whom the hub tells of a view, what it spares them, and what it takes back.

use super::world::{HOUR, MINUTE, Message, Plan, Spared, View, Who, World};

impl World {
    /// Each authority that holds a plan is told of a recorded view, once; not again by the same person within half
    /// an hour.
    pub(super) fn tell(&mut self, view: usize, plans: &[Plan], department: Option<&'static str>) {
        let View { who, person, .. } = self.views[view].clone();
        // Of an authority's plans the one that it sent last.
        let mut latest: Vec<&Plan> = plans.iter().collect();
        latest.sort_by_key(|plan| std::cmp::Reverse((plan.upload, plan.id)));
        for plan in latest {
            let authority = plan.authority;
            let is_told =
                self.notifications().any(|(_, told)| (told.view, told.authority) == (view, authority))
                    || self.spared.iter().any(|spared| (spared.view, spared.authority) == (view, authority));
            if is_told {
                continue;
            }
            let just_told = self.notifications().filter(|(_, told)| {
                (told.person, told.authority) == (person, authority)
                    && told.who.is(&who)
                    && told.at >= self.now - 30 * MINUTE
                    && !self.views[told.view].in_error
            });
            match just_told.max_by_key(|(by, told)| (told.at, *by)).map(|(by, _)| by) {
                Some(by) => self.spared.push(Spared { view, authority, by }),
                None => {
                    let attendance = self.attendance(person, authority, &who).unwrap_or(view);
                    self.outbox.push(Message {
                        told: self.queued(authority),
                        is_correction: false,
                        view,
                        person,
                        authority,
                        who,
                        at: self.now,
                        since: self.now,
                        attendance,
                        upload: plan.upload,
                        number: plan.number,
                        department,
                    });
                }
            }
        }
    }

    fn notifications(&self) -> impl Iterator<Item = (usize, &Message)> {
        self.outbox.iter().enumerate().filter(|(_, message)| !message.is_correction)
    }

    /// Views of one child at one organisation within 12 hours of the first are one attendance. What was in error
    /// counts neither as the first nor as a part of it.
    fn attendance(&self, person: usize, authority: &str, who: &Who) -> Option<usize> {
        let long_ago = self.now - 12 * HOUR;
        let counts = |told: &Message| told.authority == authority && !self.views[told.view].in_error;
        let began_long_ago = |attendance: usize| {
            let mut of_it = self.notifications().filter(|(_, told)| told.attendance == attendance);
            of_it.any(|(_, told)| counts(told) && told.at <= long_ago)
        };
        self.notifications()
            .filter(|(_, told)| {
                counts(told)
                    && told.person == person
                    && told.who.organisation == who.organisation
                    && told.at > long_ago
                    && !began_long_ago(told.attendance)
            })
            .max_by_key(|(id, told)| (told.at, *id))
            .map(|(_, told)| told.attendance)
    }

    /// A correction follows each notification of the view, and what the view had spared others is told after all.
    pub(super) fn take_back(&mut self, view: usize) {
        self.views[view].in_error = true;
        let told: Vec<(usize, Message)> = (self.notifications())
            .filter(|(_, told)| told.view == view)
            .map(|(id, told)| (id, told.clone()))
            .collect();
        for (_, told) in &told {
            let (at, since, queued) = (self.now, self.now, self.queued(told.authority));
            self.outbox.push(Message { told: queued, is_correction: true, at, since, ..told.clone() });
        }
        let mut spared: Vec<Spared> = (self.spared.iter())
            .filter(|spared| told.iter().any(|(id, _)| *id == spared.by) && !self.views[spared.view].in_error)
            .cloned()
            .collect();
        spared.sort_by_key(|spared| (self.views[spared.view].at, spared.view));
        let mut done: Vec<&str> = Vec::new();
        for Spared { view, authority, by } in spared {
            if done.contains(&authority) {
                continue;
            }
            done.push(authority);
            let spared_by = self.outbox[by].clone();
            let attendance =
                self.attendance(self.views[view].person, authority, &spared_by.who).unwrap_or(view);
            let (at, since, told) = (self.views[view].at, self.now, self.queued(authority));
            self.outbox.push(Message { told, view, at, since, attendance, ..spared_by });
            let now_told = self.outbox.len() - 1;
            self.spared.retain(|spared| (spared.view, spared.authority) != (view, authority));
            self.spared.iter_mut().filter(|spared| spared.by == by).for_each(|spared| spared.by = now_told);
        }
    }

    pub(super) fn notices(&self, view: usize) -> Vec<(&'static str, &'static str, i64)> {
        let told = self.notifications().filter(|(_, told)| told.view == view);
        let mut notices: Vec<_> =
            told.map(|(_, told)| (told.authority, told.told.state, told.since)).collect();
        let spared = self.spared.iter().filter(|spared| spared.view == view);
        notices.extend(spared.map(|spared| (spared.authority, "told-earlier", self.outbox[spared.by].at)));
        notices.sort_unstable();
        notices
    }
}
