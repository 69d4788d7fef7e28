//! The link of a local authority: it asks for what it is told, remembers what came, and says what it did with it.

use std::collections::BTreeMap;

use cpis::exchange::notice::{self, Event, Item, Mark, NoticeId, Outcome};

use super::filing::{From, Given, Notice};
use super::machine::{digits, moment};
use super::play::{Differs, Play, agree};
use super::script::{AUTHORITIES, LinkAsks};
use super::world::Who;

const LINKS: [Who; AUTHORITIES.len()] = [
    Who { name: "authority:E06000030", organisation: AUTHORITIES[0], codes: &[] },
    Who { name: "authority:E09000002", organisation: AUTHORITIES[1], codes: &[] },
    Who { name: "authority:E10000013", organisation: AUTHORITIES[2], codes: &[] },
];

/// What a link has.
#[derive(Debug, Default)]
pub(super) struct Link {
    /// The last that came: everything up to it did.
    have: u32,
    /// The ids that the hub made up, for good.
    ids: BTreeMap<u32, NoticeId>,
}

impl Play {
    pub(super) async fn fetch(&mut self, authority: usize, ask: LinkAsks, is_lost: bool) -> Differs {
        let (link, who) = (&self.links[authority], LINKS[authority]);
        let have = link.ids.get(&link.have).map(|id| Mark { number: link.have, id: id.clone() });
        let (from, have, above) = match (ask, have) {
            (LinkAsks::Again(back), _) => {
                let number = link.have.saturating_sub(back);
                (From::Again(number), None, Some(number))
            }
            (LinkAsks::Next, Some(have)) => (From::Behind(have.number), Some(have), None),
            (LinkAsks::Next | LinkAsks::Unfiled, _) => (From::Unfiled, None, None),
        };
        let document = self.hub.notices(who.organisation, have.as_ref(), above).await;
        let expected = self.model.fetch(&who, from);
        let (heading, items) = notice::read(&document).map_err(|_| "it cannot be read".to_owned())?;
        let not_over = heading.not_over.map(|of| (of.without_receipt, of.on_list));
        let Given { notices, last, unfiled, not_over: left } = expected;
        let left = left.map(|(without, on_list)| (without.try_into().unwrap(), on_list.try_into().unwrap()));
        let got = (heading.last, heading.unfiled.map(|mark| mark.number), not_over);
        agree!(got, (last, unfiled, left), "the heading");
        let told: Vec<String> = items.iter().map(told).collect();
        let expected: Vec<String> = notices.iter().map(|notice| self.expected(notice)).collect();
        agree!(told, expected, "what the authority is told");
        if is_lost {
            return Ok(());
        }
        let link = &mut self.links[authority];
        for item in &items {
            let Mark { number, id } = item.mark();
            let known = link.ids.entry(*number).or_insert_with(|| id.clone());
            agree!(id, &*known, "the id of a number");
            link.have = link.have.max(*number);
        }
        Ok(())
    }

    pub(super) async fn file(&mut self, authority: usize, back: usize, outcome: usize) -> Differs {
        let link = &self.links[authority];
        let Some((number, id)) = link.ids.iter().rev().nth(back) else { return Ok(()) };
        let mark = Mark { number: *number, id: id.clone() };
        let (outcome, word) = [
            (Outcome::Documented, "documented"),
            (Outcome::Triage, "triage"),
            (Outcome::DealtWith, "dealt-with"),
        ][outcome];
        self.hub.filed(LINKS[authority].organisation, &mark, outcome).await;
        self.model.filed(&LINKS[authority], mark.number, word);
        Ok(())
    }

    fn expected(&self, notice: &Notice) -> String {
        match notice {
            Notice::Of(message) => format!(
                "{} {} {} {} {} {} {} {} {} {}",
                message.told.number,
                if message.is_correction { "in error" } else { "opened" },
                moment(message.at),
                self.references[message.view],
                self.references[message.attendance],
                message.attendance == message.view,
                digits(message.number),
                message.who.name,
                message.who.organisation,
                message.department.unwrap_or("-"),
            ),
            Notice::Number(told) => format!(
                "{} {} {} {}",
                told.told.number,
                moment(told.at),
                digits(told.number),
                told.replaced_by.map_or("-".to_owned(), digits),
            ),
        }
    }
}

/// What is told, in a line.
fn told(item: &Item) -> String {
    match item {
        Item::Notice(notice) => format!(
            "{} {} {} {} {} {} {} {} {} {}",
            notice.mark.number,
            if notice.event == Event::OpenedInError { "in error" } else { "opened" },
            notice.at,
            notice.reference.as_str(),
            notice.attendance.as_str(),
            notice.is_first,
            notice.number.digits(),
            notice.name,
            notice.organisation_code,
            notice.place.as_ref().map_or("-", |place| place.department.as_str()),
        ),
        Item::Inactive(told) => format!(
            "{} {} {} {}",
            told.mark.number,
            told.at,
            told.number.digits(),
            told.replaced_by.map_or("-".to_owned(), |number| number.digits()),
        ),
        Item::Unreadable(mark, _) => format!("{} cannot be read", mark.number),
    }
}
