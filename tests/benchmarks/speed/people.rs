//! The synthetic people of `cpis-hub sample`, and those of them who are asked for.

use cpis::domain::{BirthDate, NhsNumber};
use cpis::hub::sample::{self, SampleAsk, SamplePerson};

/// From this day ages and plans count, whenever it is measured, so that a database can be kept.
const DAY: jiff::civil::Date = jiff::civil::date(2026, 11, 22);

/// So many are asked for, and so many of those with a plan: more than any cache of the hub's holds.
const ASKED: usize = 50_000;

/// Somebody who is asked for.
pub(crate) struct Person {
    pub(crate) number: NhsNumber,
    /// Ready for an address.
    pub(crate) family: String,
    /// The same with a letter that is another: as heard.
    pub(crate) heard: String,
    pub(crate) given: String,
    pub(crate) born: jiff::civil::Date,
}

/// Spread evenly over everybody.
pub(crate) struct Asked {
    pub(crate) anybody: Vec<Person>,
    /// With a plan that has no end yet.
    pub(crate) flagged: Vec<Person>,
}

impl Asked {
    /// Of the first so many of all people.
    pub(crate) fn of(all: usize, people: usize, seed: u64) -> Self {
        let (every, mut asked) = (people.div_ceil(ASKED), Self { anybody: Vec::new(), flagged: Vec::new() });
        let every_flagged = (people / 10).div_ceil(ASKED).max(1);
        let mut flagged_so_far = 0_usize;
        for (place, person) in made(all, seed).take(people).enumerate() {
            if place.is_multiple_of(every) {
                asked.anybody.extend(Person::of(&person));
            }
            if person.plans.iter().any(|plan| plan.period.end.is_none()) {
                flagged_so_far += 1;
                if flagged_so_far.is_multiple_of(every_flagged) {
                    asked.flagged.extend(Person::of(&person));
                }
            }
        }
        asked
    }
}

impl Person {
    /// `None` of whom nobody could ask so: without a name, a day of birth, or an open record.
    fn of(person: &SamplePerson) -> Option<Self> {
        let BirthDate::Day(born) = person.born else { return None };
        let given = person.name.given.first()?;
        let family = &person.name.family;
        if family.is_empty() || person.restricted {
            return None;
        }
        let heard = family.replacen(['a', 'o'], "e", 1);
        let ready = |name: &str| name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        Some(Self {
            number: person.number,
            family: ready(family),
            heard: ready(&heard),
            given: ready(given),
            born,
        })
    }
}

/// Everybody, a tenth of them with a plan.
pub(crate) fn made(people: usize, seed: u64) -> sample::People {
    let people = u64::try_from(people).expect("a number of people");
    sample::people(SampleAsk { people, flagged: people / 10, seed, today: DAY }).expect("that many fit")
}
