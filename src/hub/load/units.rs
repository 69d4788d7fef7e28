//! What is applied, one after the other, each with the place at which the next begins.
//!
//! This runs on a thread of its own: the writer does not wait for the parsing.

use super::index::{At, Index};
use super::lines::Lines;
use super::{IsA, LineError, LoadError, LoadedPerson, LoadedPlan, Read, Source, Superseded, kind, read_line};
use crate::domain::NhsNumber;
use crate::hub::limits;

/// Where a load goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Position {
    /// 0 people, 1 superseded numbers, 2 plans, 3 ended identities, 4 the end.
    pub(crate) phase: u8,
    /// Of people lines of the file, otherwise places in the index.
    pub(crate) next: usize,
    /// Bytes of the file, for people.
    pub(crate) offset: u64,
}

/// What is applied at once.
pub(crate) enum Unit {
    Person(Box<Arrival>),
    Superseded(Superseded),
    Plan(Box<LoadedPlan>),
    End(usize, NhsNumber),
    Bad(usize, String),
    /// Only the place has changed.
    Nothing,
}

/// A person, with what must be known as soon as they are.
pub(crate) struct Arrival {
    pub(crate) person: LoadedPerson,
    /// Numbers that theirs replaces.
    pub(crate) replaces: Vec<Superseded>,
    /// Plans that are theirs, or what is wrong with one.
    pub(crate) plans: Vec<Result<LoadedPlan, LineError>>,
}

/// Reads on from a position.
pub(super) struct Units<'a> {
    index: &'a Index,
    people: Lines,
    others: Lines,
    at: Position,
}

impl<'a> Units<'a> {
    pub(super) fn from(source: &Source, index: &'a Index, at: Position) -> Result<Self, LoadError> {
        let mut people = source.open()?;
        if at.phase == 0 {
            people.go_to(at.next, at.offset)?;
        }
        Ok(Self { index, people, others: source.open()?, at })
    }

    /// The next unit and the place after it; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<(Unit, Position)>, LoadError> {
        let phase = self.at.phase;
        let place = self.at.next;
        let unit = match phase {
            0 => return self.next_of_people().map(Some),
            1 => self.index.replacements.get(place).copied().map(|at| self.replacement(at)).transpose()?,
            2 => self.index.plans.get(place).map(|plan| plan.at).map(|at| self.plan(at)).transpose()?,
            3 => self.index.ends.get(place).copied().map(|at| self.end(at)).transpose()?,
            _ => return Ok(None),
        };
        self.at = match &unit {
            Some(_) => Position { next: place + 1, ..self.at },
            None => Position { phase: phase + 1, next: 0, offset: 0 },
        };
        Ok(Some((unit.unwrap_or(Unit::Nothing), self.at)))
    }

    fn next_of_people(&mut self) -> Result<(Unit, Position), LoadError> {
        loop {
            let unit = match self.people.next()? {
                None => {
                    self.at = Position { phase: 1, next: 0, offset: 0 };
                    return Ok((Unit::Nothing, self.at));
                }
                Some(line) if line.is_too_long => {
                    Some(Unit::Bad(line.number, format!("longer than {} bytes", limits::LOAD_LINE_BYTES)))
                }
                Some(line) => match kind(line.bytes) {
                    Ok(None | Some(IsA::CareTeam)) => None,
                    Ok(Some(IsA::Patient)) => match read_line(line.number, line.bytes) {
                        Ok(Read::Person(person)) => Some(self.arrival(*person)?),
                        Ok(Read::Superseded(_) | Read::Plan(_) | Read::Nothing) => None,
                        Err(why) => Some(Unit::Bad(line.number, why)),
                    },
                    Err(why) => Some(Unit::Bad(line.number, why)),
                },
            };
            let (next, offset) = self.people.place();
            self.at = Position { phase: 0, next, offset };
            if let Some(unit) = unit {
                return Ok((unit, self.at));
            }
        }
    }

    /// A person together with the numbers and plans that the file brings for them.
    fn arrival(&mut self, person: LoadedPerson) -> Result<Unit, LoadError> {
        if self.index.is_doubled(person.number) {
            return Ok(Unit::Bad(person.line, DOUBLED.to_owned()));
        }
        let index = self.index;
        let mut replaces = Vec::new();
        for at in index.replacements_by(person.number) {
            if let Unit::Superseded(link) = self.replacement(at)? {
                replaces.push(link);
            }
        }
        let mut plans = Vec::new();
        // One more than can be held shows that they are too many.
        for at in index.plans_of(person.number).take(limits::PLANS_SHOWN + 1) {
            match self.plan(at)? {
                Unit::Plan(plan) => plans.push(Ok(*plan)),
                Unit::Bad(line, why) => plans.push(Err(LineError::new(line, why))),
                Unit::Person(_) | Unit::Superseded(_) | Unit::End(..) | Unit::Nothing => {}
            }
        }
        Ok(Unit::Person(Box::new(Arrival { person, replaces, plans })))
    }

    fn again(&mut self, at: At) -> Result<Result<Read, String>, LoadError> {
        self.others.go_to(at.line as usize - 1, at.offset)?;
        match self.others.next()? {
            Some(line) => Ok(read_line(line.number, line.bytes)),
            None => Err(LoadError::Changed),
        }
    }

    fn plan(&mut self, at: At) -> Result<Unit, LoadError> {
        Ok(match self.again(at)? {
            Ok(Read::Plan(plan)) => match self.index.judge(&plan) {
                Ok(()) => Unit::Plan(plan),
                Err(why) => Unit::Bad(plan.line, why.to_owned()),
            },
            Ok(Read::Nothing | Read::Person(_) | Read::Superseded(_)) => return Err(LoadError::Changed),
            Err(why) => Unit::Bad(at.line as usize, why),
        })
    }

    fn replacement(&mut self, at: At) -> Result<Unit, LoadError> {
        Ok(match self.again(at)? {
            Ok(Read::Superseded(link)) if self.index.is_doubled(link.old) => {
                Unit::Bad(link.line, DOUBLED.to_owned())
            }
            Ok(Read::Superseded(link)) if !self.index.is_followed(link.old) => {
                Unit::Bad(link.line, TOO_MANY_REPLACED.to_owned())
            }
            Ok(Read::Superseded(link)) => Unit::Superseded(link),
            Ok(Read::Nothing | Read::Person(_) | Read::Plan(_)) | Err(_) => return Err(LoadError::Changed),
        })
    }

    fn end(&mut self, at: At) -> Result<Unit, LoadError> {
        Ok(match self.again(at)? {
            // It is named already.
            Ok(Read::Person(person)) if self.index.is_doubled(person.number) => Unit::Nothing,
            Ok(Read::Person(person)) => Unit::End(person.line, person.number),
            Ok(Read::Nothing | Read::Superseded(_) | Read::Plan(_)) | Err(_) => {
                return Err(LoadError::Changed);
            }
        })
    }
}

const DOUBLED: &str = "another line describes the same NHS number";
const TOO_MANY_REPLACED: &str = "too many numbers are replaced by the same one";
