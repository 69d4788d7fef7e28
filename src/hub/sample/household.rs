//! One household: who lives in it, how old they are, and for whom a plan is held.

use jiff::civil::Date;

use super::chance::Chance;
use super::cultures::Cultures;
use super::naming::{self, Parents};
use super::plans::{COUNCILS, Holder, back};
use super::{Role, SamplePerson};
use crate::domain::{BirthDate, Deceased, Gender, NhsNumber, PersonName, PlanKind};

/// The most people of one household.
pub(super) const LARGEST: u64 = 8;

const YEAR: i64 = 365;

/// What a household has to be.
#[derive(Clone, Copy)]
pub(super) struct Wish {
    /// The household's own number: what its chance comes from.
    pub(super) household: u64,
    pub(super) seed: u64,
    pub(super) today: Date,
    /// People of it at most.
    pub(super) most: u64,
    /// For so many of them plans are held, exactly.
    pub(super) flagged: u64,
    /// Everybody in it is flagged: nothing else can be afforded any more.
    pub(super) only_flagged: bool,
}

/// Ages of children with a plan, in England's statistics: years from and to, and how many of a thousand.
const LOOKED_AFTER: [(i64, i64, u64); 5] =
    [(0, 1, 50), (1, 5, 140), (5, 10, 180), (10, 16, 390), (16, 18, 240)];
const PROTECTED: [(i64, i64, u64); 5] = [(0, 1, 100), (1, 5, 240), (5, 10, 280), (10, 16, 330), (16, 18, 50)];

/// A person before their name.
struct Member {
    role: Role,
    born: Date,
    is_female: bool,
    multiple_birth: Option<u32>,
    kind: Option<PlanKind>,
}

struct Maker<'a> {
    wish: Wish,
    chance: &'a mut Chance,
    members: Vec<Member>,
}

/// The people of a household; their numbers come later.
pub(super) fn make(wish: Wish) -> Vec<SamplePerson> {
    let mut chance = Chance::new(wish.seed, wish.household);
    let mut maker = Maker { wish, chance: &mut chance, members: Vec::new() };
    if wish.flagged > 0 {
        maker.with_plans();
    } else if maker.chance.in_a_thousand(550) && wish.most > 1 {
        maker.family();
    } else {
        maker.adults();
    }
    let members = maker.members;
    named(wish, &mut chance, members)
}

impl Maker<'_> {
    fn room(&self) -> u64 {
        self.wish.most.min(LARGEST).saturating_sub(u64::try_from(self.members.len()).unwrap_or(LARGEST))
    }

    /// Born `days` ago.
    fn ago(&self, days: i64) -> Date {
        back(self.wish.today, days)
    }

    fn add(&mut self, role: Role, born: Date, is_female: bool) {
        self.members.push(Member { role, born, is_female, multiple_birth: None, kind: None });
    }

    fn adults(&mut self) {
        let years = [(18, 30, 260), (30, 50, 300), (50, 70, 270), (70, 85, 140), (85, 101, 30)];
        let days = self.age(&years);
        let is_female = self.chance.in_a_thousand(510);
        self.add(Role::Adult, self.ago(days), is_female);
        if self.room() > 0 && self.chance.in_a_thousand(600) {
            let other = (days + self.chance.between(-6 * YEAR, 6 * YEAR)).max(18 * YEAR + 10);
            self.add(Role::Adult, self.ago(other), !is_female);
        }
    }

    /// An age in days, drawn from a table of years.
    fn age(&mut self, table: &[(i64, i64, u64)]) -> i64 {
        let weights: Vec<u64> = table.iter().map(|(_, _, weight)| *weight).collect();
        let (from, to, _) = table.get(self.chance.weighted(&weights)).copied().unwrap_or((0, 18, 1));
        // A few days before a birthday, so that leap years make nobody 18.
        self.chance.between(from * YEAR, to * YEAR - 1)
    }

    /// Children from the youngest on, `count` at least and at most those that fit; none is older than `oldest`.
    fn children(&mut self, youngest: i64, count: u64, oldest: i64) {
        let mut days = youngest;
        let mut left = count.min(self.room());
        while left > 0 && days <= oldest {
            // 16 of 1,000 births are of twins, one in 2,500 of triplets.
            let together = match self.chance.below(10_000) {
                0..=3 => 3,
                4..=163 => 2,
                _ => 1,
            };
            let together = together.min(left);
            let born = self.ago(days);
            let orders_known = self.chance.in_a_thousand(900);
            for order in 1..=together {
                let is_female = self.chance.in_a_thousand(488);
                self.add(Role::Child, born, is_female);
                if let Some(member) = self.members.last_mut().filter(|_| together > 1) {
                    member.multiple_birth =
                        Some(if orders_known { u32::try_from(order).unwrap_or(0) } else { 0 });
                }
            }
            left -= together;
            days += 300 + self.chance.days(650);
        }
    }

    fn oldest_child(&self) -> Option<Date> {
        self.members.iter().filter(|member| member.role == Role::Child).map(|member| member.born).min()
    }

    /// A mother and mostly a father for the children that are there.
    fn parents(&mut self) {
        let Some(first_born) = self.oldest_child() else { return };
        let years = [(16, 20, 50), (20, 25, 190), (25, 30, 280), (30, 35, 300), (35, 40, 150), (40, 44, 30)];
        if self.room() == 0 {
            return;
        }
        let at_birth = self.age(&years);
        let born = back(first_born, at_birth);
        self.add(Role::Mother, born, true);
        if self.room() > 0 && self.chance.in_a_thousand(720) {
            let older = self.chance.between(-3 * YEAR, 8 * YEAR);
            let born = back(first_born, (at_birth + older).max(16 * YEAR));
            self.add(Role::Father, born, false);
        }
    }

    fn family_size(&mut self) -> u64 {
        1 + u64::try_from(self.chance.weighted(&[440, 380, 130, 40, 10])).unwrap_or(0)
    }

    fn family(&mut self) {
        let count = self.family_size().min(self.room().saturating_sub(1)).max(1);
        let youngest = self.chance.between(0, 18 * YEAR - 1);
        self.children(youngest, count, 24 * YEAR);
        self.parents();
    }

    /// A household in which exactly so many are flagged as were asked for.
    fn with_plans(&mut self) {
        let wanted = self.wish.flagged;
        let kind = if self.wish.only_flagged { 0 } else { self.chance.weighted(&[570, 390, 40]) };
        match kind {
            0 => self.placed_together(wanted),
            1 => self.protected_family(wanted),
            _ => self.expecting(wanted),
        }
    }

    /// Looked after: brothers and sisters with their carers, who are not of the family and not listed.
    fn placed_together(&mut self, wanted: u64) {
        while self.flaggable() < wanted && self.room() > 0 {
            let missing = wanted - self.flaggable();
            let youngest = self.age(&LOOKED_AFTER);
            self.children(youngest, missing, 18 * YEAR - 1);
        }
        self.flag(PlanKind::LookedAfter, wanted);
    }

    fn protected_family(&mut self, wanted: u64) {
        let count = self.family_size().max(wanted).min(self.room().saturating_sub(1)).max(wanted);
        while self.flaggable() < wanted && self.room() > 0 {
            let youngest = self.age(&PROTECTED);
            let missing = count.saturating_sub(self.flaggable()).max(1);
            self.children(youngest, missing, 18 * YEAR - 1);
        }
        self.parents();
        self.flag(PlanKind::ChildProtection, wanted);
    }

    /// A mother of 15 to 45 who carries a child with a plan, sometimes with children who have one too.
    fn expecting(&mut self, wanted: u64) {
        let years = [(15, 18, 80), (18, 22, 230), (22, 28, 310), (28, 35, 260), (35, 45, 120)];
        let age = self.age(&years);
        self.add(Role::Mother, self.ago(age), true);
        if let Some(mother) = self.members.last_mut() {
            mother.kind = Some(PlanKind::UnbornChildProtection);
        }
        let mut others = wanted - 1;
        let oldest = age - 16 * YEAR;
        while others > 0 && self.room() > 0 {
            let before = self.flaggable();
            if oldest < YEAR {
                // Too young for children: brothers and sisters of hers.
                let youngest = self.age(&PROTECTED);
                self.children(youngest, others, 18 * YEAR - 1);
            } else {
                let youngest = self.chance.between(300, oldest.min(17 * YEAR));
                self.children(youngest, others, oldest.min(18 * YEAR - 1));
            }
            others = others.saturating_sub(self.flaggable() - before);
        }
        self.flag(PlanKind::ChildProtection, wanted - 1);
    }

    fn flaggable(&self) -> u64 {
        let minors = self.members.iter().filter(|member| member.role == Role::Child);
        u64::try_from(minors.count()).unwrap_or(0)
    }

    fn flag(&mut self, kind: PlanKind, wanted: u64) {
        let children = self.members.iter_mut().filter(|member| member.role == Role::Child);
        for child in children.take(usize::try_from(wanted).unwrap_or(0)) {
            child.kind = Some(kind);
        }
    }
}

/// Gives the members names, an address, and what else a record holds.
fn named(wish: Wish, chance: &mut Chance, members: Vec<Member>) -> Vec<SamplePerson> {
    let Some(culture) = Cultures::get().draw(chance) else { return Vec::new() };
    let parents = Parents::draw(chance, culture);
    let council = chance.below(COUNCILS).min(chance.below(COUNCILS));
    let postcode = postcode(chance, council);
    let mut siblings: Vec<PersonName> = Vec::new();
    let mut people = Vec::with_capacity(members.len());
    for member in members {
        let age = (wish.today - member.born).get_days();
        let mut previous_names = Vec::new();
        let name = match member.role {
            Role::Mother => {
                previous_names.extend(parents.maiden.clone());
                parents.mother.clone()
            }
            Role::Father => parents.father.clone(),
            Role::Child if age <= 42 && chance.in_a_thousand(550) => {
                parents.newborn(chance, member.is_female, member.multiple_birth)
            }
            Role::Child => {
                let name = parents.child(chance, member.is_female, &siblings);
                if chance.in_a_thousand(30) {
                    let family = parents.mother.family.clone();
                    previous_names.push(PersonName { family, ..name.clone() });
                }
                name
            }
            Role::Adult => {
                let name = naming::adult(chance, culture, member.is_female, i64::from(age) > 52 * YEAR);
                if member.is_female && chance.in_a_thousand(300) {
                    let maiden = naming::adult(chance, culture, true, true).family;
                    previous_names.push(PersonName { family: maiden, title: None, ..name.clone() });
                }
                name
            }
        };
        if member.role == Role::Child {
            siblings.push(name.clone());
        }
        previous_names.retain(|previous| previous.family != name.family);
        let plans = member.kind.map_or_else(Vec::new, |kind| {
            // One in ten is held by another authority than that of the address.
            let holder = if chance.in_a_thousand(100) { chance.below(COUNCILS) } else { council };
            Holder { born: member.born, council: holder, today: wish.today }.plans(chance, kind)
        });
        people.push(SamplePerson {
            // The iterator gives everybody their own.
            number: NhsNumber::synthetic(0),
            superseded: None,
            household: wish.household,
            role: member.role,
            culture: culture.label,
            mothers_family: parents.mother.family.clone(),
            name,
            previous_names,
            born: birth_date(chance, culture.label, &member, i64::from(age)),
            gender: gender(chance, member.is_female),
            multiple_birth: member.multiple_birth,
            deceased: deceased(chance, wish.today, i64::from(age), !plans.is_empty()),
            restricted: plans.is_empty() && chance.in_a_thousand(4),
            postcode: postcode.clone(),
            plans,
        });
    }
    people
}

fn gender(chance: &mut Chance, is_female: bool) -> Gender {
    match (chance.below(2_000), is_female) {
        (0, _) => Gender::Unknown,
        (1, _) => Gender::Other,
        (_, true) => Gender::Female,
        (_, false) => Gender::Male,
    }
}

/// Mostly a day. Of those who fled without papers often 1 January, or only a year.
fn birth_date(chance: &mut Chance, culture: &str, member: &Member, age: i64) -> BirthDate {
    let (year, month) = (member.born.year(), member.born.month());
    let without_papers = matches!(culture, "Afghan" | "Somali" | "Eritrean and Ethiopian");
    // Nobody becomes 18, or leaves a twin alone, by an estimate.
    let may_be_estimated = member.multiple_birth.is_none() && !(16 * YEAR..=19 * YEAR).contains(&age);
    match chance.below(1_000) {
        0..60 if without_papers && may_be_estimated && age > YEAR => {
            Date::new(year, 1, 1).map_or(BirthDate::Day(member.born), BirthDate::Day)
        }
        60..75 if without_papers && may_be_estimated => BirthDate::Year(year),
        998 if may_be_estimated => BirthDate::Year(year),
        999 if may_be_estimated => BirthDate::Month(year, month),
        _ => BirthDate::Day(member.born),
    }
}

/// The old die more often; nobody who is flagged has.
fn deceased(chance: &mut Chance, today: Date, age: i64, is_flagged: bool) -> Deceased {
    let in_a_thousand = if age > 75 * YEAR { 60 } else { 1 };
    if is_flagged || !chance.in_a_thousand(in_a_thousand) {
        Deceased::No
    } else if chance.in_a_thousand(100) {
        Deceased::DateNotKnown
    } else {
        Deceased::On(back(today, chance.between(0, age.min(2_000))))
    }
}

/// A postcode in an area that does not exist: none begins with Q, V or X.
fn postcode(chance: &mut Chance, council: u64) -> String {
    const SECOND: &[u8] = b"ABCDEFGHKLMNOPQRSTUVWXY";
    const INWARD: &[u8] = b"ABDEFGHJLNPQRSTUWXYZ";
    let letter = |list: &[u8], at: u64| {
        usize::try_from(at).ok().and_then(|at| list.get(at).copied()).map_or('A', char::from)
    };
    let first = letter(b"QVX", council / 23 % 3);
    let second = letter(SECOND, council % 23);
    // Twenty districts, of which another authority with the same letters has the other half.
    let district = 1 + council / 69 * 20 + chance.below(20);
    let sector = chance.below(10);
    let unit = (letter(INWARD, chance.below(8)), letter(INWARD, chance.below(20)));
    format!("{first}{second}{district} {sector}{}{}", unit.0, unit.1)
}
