//! Synthetic people in any number: pure, streamed, the same for the same seed, number and day.
//!
//! For measuring and practising. Nobody in it is real: names are drawn from lists that were written for this
//! (`assets/names`), numbers begin with 9, postcodes are of areas that do not exist, authorities are made up and
//! their telephone numbers are those that Ofcom keeps for drama.
//!
//! What is like England: the mix of cultures among its children, common names that very many share and a long
//! tail of rare ones, families of one address, twins, newborns without a name, the ages of looked-after children
//! and of children with protection plans. What is not: children are over-represented (about two in five), and
//! names do not follow years or places.

mod chance;
mod cultures;
mod household;
mod lines;
mod naming;
mod numbers;
mod plans;

use std::collections::VecDeque;

use jiff::civil::Date;

use crate::domain::{BirthDate, Deceased, Gender, NhsNumber, PersonName};

pub use chance::Chance;
pub use cultures::{Culture, Style};
pub use numbers::Numbers;
pub use plans::{COUNCILS, Council, SamplePlan};

/// Each so-manieth person's number replaced another.
const SUPERSEDED_EACH: u64 = 400;

/// So many earlier people are kept for namesakes.
const REMEMBERED: usize = 16;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct SampleAsk {
    /// How many people.
    pub people: u64,
    /// For how many of them a plan is held.
    pub flagged: u64,
    /// Another seed gives other people.
    pub seed: u64,
    /// The day from which ages and plans count.
    pub today: Date,
}

/// Why it cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SampleError {
    /// Nobody.
    #[error("a sample has at least one person")]
    Nobody,
    /// There are not enough numbers.
    #[error("there are NHS numbers that are never issued for {fit} synthetic people, not for {asked}")]
    TooMany {
        /// Asked for.
        asked: u64,
        /// At most.
        fit: u64,
    },
    /// More than there are people.
    #[error("of {fit} people at most {fit} can be flagged, not {asked}")]
    TooManyFlagged {
        /// Asked for.
        asked: u64,
        /// At most.
        fit: u64,
    },
}

/// What somebody is in their household.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Of the children, or expecting one.
    Mother,
    /// Of the children.
    Father,
    /// Somebody's child at home; a few are grown up.
    Child,
    /// Anybody else.
    Adult,
}

/// A synthetic person, with everything that the load format says of one. `Debug` shows nothing of them: their
/// kind of record does not go into logs, made up or not.
#[derive(Clone, PartialEq, Eq)]
pub struct SamplePerson {
    /// The number in use.
    pub number: NhsNumber,
    /// One that it replaced.
    pub superseded: Option<NhsNumber>,
    /// Who live together have the same.
    pub household: u64,
    /// What they are in it.
    pub role: Role,
    /// The culture of the household.
    pub culture: &'static str,
    /// The family name of the mother of the household's children, listed or not.
    pub mothers_family: String,
    /// The current name.
    pub name: PersonName,
    /// Names before that.
    pub previous_names: Vec<PersonName>,
    /// When they were born.
    pub born: BirthDate,
    /// Administrative gender.
    pub gender: Gender,
    /// Born together with others, and which; 0 where the order is not known.
    pub multiple_birth: Option<u32>,
    /// Whether they died.
    pub deceased: Deceased,
    /// A restricted record.
    pub restricted: bool,
    /// Where they live.
    pub postcode: String,
    /// Plans; of whoever is flagged there is at least one, current or in its tail.
    pub plans: Vec<SamplePlan>,
}

impl std::fmt::Debug for SamplePerson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SamplePerson(hidden)")
    }
}

/// The people, one after the other, household by household. Holds one household and the last few people,
/// however many are asked for.
#[derive(Debug, Clone)]
pub struct People {
    ask: SampleAsk,
    numbers: Numbers,
    household: u64,
    /// People and flagged people of the households so far.
    people: u64,
    flagged: u64,
    given: u64,
    ready: VecDeque<SamplePerson>,
    remembered: VecDeque<SamplePerson>,
}

/// How many people there are numbers for, with those that were superseded.
#[must_use]
pub fn most_people() -> u64 {
    let all = Numbers::all();
    let most = all / (SUPERSEDED_EACH + 1) * SUPERSEDED_EACH + all % (SUPERSEDED_EACH + 1);
    // A rest of a whole period would need one number more than there is.
    most - u64::from(all % (SUPERSEDED_EACH + 1) == SUPERSEDED_EACH)
}

/// Synthetic people.
///
/// # Errors
/// There are not so many, or not so many who could be flagged.
pub fn people(ask: SampleAsk) -> Result<People, SampleError> {
    let fit = most_people();
    if ask.people == 0 {
        return Err(SampleError::Nobody);
    }
    if ask.people > fit {
        return Err(SampleError::TooMany { asked: ask.people, fit });
    }
    if ask.flagged > ask.people {
        return Err(SampleError::TooManyFlagged { asked: ask.flagged, fit: ask.people });
    }
    Ok(People {
        ask,
        numbers: Numbers::new(ask.seed),
        household: 0,
        people: 0,
        flagged: 0,
        given: 0,
        ready: VecDeque::new(),
        remembered: VecDeque::new(),
    })
}

impl People {
    /// The next household, with its share of the flagged.
    fn household(&mut self) {
        let left = self.ask.people - self.people;
        let owed = self.ask.flagged - self.flagged;
        // As many are flagged by now as there should be, evenly over all people, are they not?
        let due = u128::from(self.people + 1) * u128::from(self.ask.flagged) / u128::from(self.ask.people);
        let is_behind = due > u128::from(self.flagged);
        let mut chance = Chance::new(self.ask.seed, !self.household);
        // While this holds, any household can be afforded: what is owed still fits after it.
        let only_flagged = owed > 0 && owed + household::LARGEST > left;
        let flagged = if only_flagged || is_behind {
            // Brothers and sisters mostly together.
            let together = 1 + u64::try_from(chance.weighted(&[560, 260, 120, 60])).unwrap_or(0);
            together.min(owed).min(left)
        } else {
            0
        };
        let most = if only_flagged { flagged } else { left };
        let people = household::make(household::Wish {
            household: self.household,
            seed: self.ask.seed,
            today: self.ask.today,
            most,
            flagged,
            only_flagged,
        });
        self.household += 1;
        self.people += u64::try_from(people.len()).unwrap_or(0);
        self.flagged += flagged;
        self.ready.extend(people);
        self.namesake(&mut chance);
    }

    /// Sometimes a child has the name and the birthday of a child elsewhere.
    fn namesake(&mut self, chance: &mut Chance) {
        let is_single = |person: &SamplePerson| person.role == Role::Child && person.multiple_birth.is_none();
        let Some(child) = self.ready.iter_mut().find(|person| is_single(person)) else { return };
        if chance.in_a_thousand(2)
            && child.plans.is_empty()
            && let Some(other) = chance.pick(self.remembered.make_contiguous())
        {
            child.name = other.name.clone();
            child.born = other.born;
            child.gender = other.gender;
            child.previous_names.clear();
        } else if child.deceased == Deceased::No {
            self.remembered.push_back(child.clone());
            if self.remembered.len() > REMEMBERED {
                self.remembered.pop_front();
            }
        }
    }
}

impl Iterator for People {
    type Item = SamplePerson;

    fn next(&mut self) -> Option<SamplePerson> {
        if self.given == self.ask.people {
            return None;
        }
        if self.ready.is_empty() {
            self.household();
        }
        let mut person = self.ready.pop_front()?;
        person.number = self.numbers.next()?;
        self.given += 1;
        if self.given.is_multiple_of(SUPERSEDED_EACH) {
            person.superseded = self.numbers.next();
        }
        Some(person)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.ask.people - self.given).unwrap_or(usize::MAX);
        (left, Some(left))
    }
}

#[cfg(test)]
mod tests;
