//! How what an authority is told becomes delivered, and over: by what its link says.

use super::world::{Message, NumberTold, Told, Who, World};

/// From where a link asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// It knows no better.
    Unfiled,
    /// Everything up to this number is on its disk.
    Behind(u32),
    /// Behind this number once more.
    Again(u32),
}

/// One thing that an authority is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Notice {
    Of(Message),
    Number(NumberTold),
}

/// What a link is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) notices: Vec<Notice>,
    pub(super) last: u32,
    pub(super) unfiled: Option<u32>,
    /// Of those that it has: without a receipt, and on its list.
    pub(super) not_over: Option<(usize, usize)>,
}

/// So many are given at once.
const PAGE: usize = 50;

impl World {
    /// Where something new for an authority stands.
    pub(super) fn queued(&self, authority: &str) -> Told {
        let number = u32::try_from(self.told_so_far(authority).count()).unwrap() + 1;
        Told { number, state: "queued", outcome: None }
    }

    fn told_so_far(&self, authority: &str) -> impl Iterator<Item = Told> {
        let messages = self.outbox.iter().map(|message| (message.authority, message.told));
        let numbers = self.numbers_told.iter().map(|told| (told.authority, told.told));
        messages.chain(numbers).filter(move |(of, _)| *of == authority).map(|(_, told)| told)
    }

    fn told_mut(&mut self, authority: &str) -> impl Iterator<Item = (&mut Told, &mut i64)> {
        let messages = self.outbox.iter_mut().map(|m| (m.authority, &mut m.told, &mut m.since));
        let numbers = self.numbers_told.iter_mut().map(|t| (t.authority, &mut t.told, &mut t.since));
        messages.chain(numbers).filter(move |(of, ..)| *of == authority).map(|(_, told, since)| (told, since))
    }

    /// A link asks: what it says it has is delivered, and what comes behind is given and audited.
    pub(super) fn fetch(&mut self, link: &Who, from: From) -> Given {
        let (authority, now) = (link.organisation, self.now);
        let all: Vec<Told> = self.told_so_far(authority).collect();
        let last = u32::try_from(all.len()).unwrap();
        let first =
            |which: fn(&Told) -> bool| all.iter().filter(|told| which(told)).map(|told| told.number).min();
        let behind = match from {
            From::Again(number) | From::Behind(number) => number,
            From::Unfiled => first(|told| told.outcome.is_none() || told.outcome == Some("triage"))
                .map_or(last, |number| number - 1),
        };
        if let From::Behind(have) = from {
            for (told, since) in self.told_mut(authority) {
                if told.number <= have && told.outcome.is_none() && told.state == "queued" {
                    (told.state, *since) = ("delivered", now);
                }
            }
        }
        let messages = self.outbox.iter().filter(|message| message.authority == authority);
        let numbers = self.numbers_told.iter().filter(|told| told.authority == authority);
        let mut notices: Vec<(u32, Notice)> = messages
            .map(|message| (message.told.number, Notice::Of(message.clone())))
            .chain(numbers.map(|told| (told.told.number, Notice::Number(told.clone()))))
            .filter(|(number, _)| *number > behind)
            .collect();
        notices.sort_by_key(|(number, _)| *number);
        notices.truncate(PAGE);
        if !notices.is_empty() {
            self.write(link, "notifications", "given");
        }
        let count = |have: u32, outcome: Option<&str>| {
            all.iter().filter(|told| told.number <= have && told.outcome == outcome).count()
        };
        let not_over = match from {
            From::Behind(have) => Some((count(have, None), count(have, Some("triage")))),
            From::Unfiled | From::Again(_) => None,
        };
        let notices = notices.into_iter().map(|(_, notice)| notice).collect();
        Given { notices, last, unfiled: first(|told| told.outcome.is_none()), not_over }
    }

    /// A receipt. What is on the child's record stays there, and what was seen to is on no list again.
    pub(super) fn filed(&mut self, link: &Who, number: u32, outcome: &'static str) {
        let now = self.now;
        let told = self.told_mut(link.organisation).find(|(told, _)| told.number == number);
        let Some((told, since)) = told else { return };
        let stays = match told.outcome {
            None | Some("triage") => false,
            Some("dealt-with") => outcome == "triage",
            Some(_) => true,
        };
        if stays || told.outcome == Some(outcome) {
            return;
        }
        told.outcome = Some(outcome);
        told.state = if outcome == "documented" { "filed" } else { "delivered" };
        *since = now;
        self.write(link, "notifications", "filed");
    }
}
