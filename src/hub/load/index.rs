//! The first reading of a file: its hash, where its lines are that people do not bring with them, and what can
//! only be judged over several lines. Bounded: four bytes for each person, thirty for each plan.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::lines::Lines;
use super::{LineError, LoadError, LoadedPlan, Progress, Read, Source, Superseded, Watch, read_line};
use crate::domain::{Authority, NhsNumber};
use crate::hub::limits;

/// A line that is read again by itself.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) line: u32,
    pub(super) offset: u64,
}

/// A plan's line, and the number under which its person is known at the end of the load.
#[derive(Clone, Copy)]
pub(super) struct PlanAt {
    pub(super) at: At,
    under: u32,
}

/// How the file describes an authority.
#[derive(Clone)]
pub(super) struct Described {
    fingerprint: u64,
    is_conflicting: bool,
    /// The times of its lines, each once where they follow each other; `None` where a line has no time.
    sent_ms: Option<Vec<i64>>,
}

/// The authorities of a file, by their codes: when each sent its lines; `None` where one does not say.
pub(crate) type Authorities = HashMap<String, Option<Vec<i64>>>;

/// What is known of a file before anything of it is loaded.
pub(super) struct Index {
    pub(super) digest: String,
    pub(super) lines: usize,
    /// Plan lines in the file's order, those that cannot be read too.
    pub(super) plans: Vec<PlanAt>,
    pub(super) replacements: Vec<At>,
    pub(super) ends: Vec<At>,
    /// Of the replacements that can be followed.
    pub(super) links: HashMap<NhsNumber, NhsNumber>,
    /// The first line with a number that is not for tests.
    pub(super) first_real: Option<usize>,
    /// Places in `plans`, by person.
    by_person: Vec<u32>,
    /// Places in `replacements`, by the last number of their chains.
    by_last: Vec<(u32, u32)>,
    doubled_people: HashSet<u32>,
    doubled_plans: HashSet<u64>,
    authorities: HashMap<String, Described>,
}

/// Numbers without their check digit: they fit into four bytes.
fn short(number: NhsNumber) -> u32 {
    number.digits().get(..9).and_then(|digits| digits.parse().ok()).unwrap_or(u32::MAX)
}

/// Of nobody.
const NOBODY: u32 = u32::MAX;

fn hash(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

fn key(plan: &LoadedPlan) -> u64 {
    hash((plan.number, &plan.authority_code, plan.kind, plan.period.start))
}

/// What an authority says of itself, whatever team it names.
fn fingerprint(authority: &Authority) -> u64 {
    let hours = authority.hours.as_ref();
    let days = hours.map(|hours| hours.days.iter().map(|day| day.to_monday_one_offset()).collect::<Vec<_>>());
    let times = hours.map(|hours| (hours.from, hours.to));
    hash((&authority.name, &authority.office, &authority.emergency_duty, days, times))
}

/// What is collected while reading.
#[derive(Default)]
struct Collected {
    people: Vec<u32>,
    plan_keys: Vec<u64>,
    plans: Vec<(At, Option<NhsNumber>)>,
    replacements: Vec<(At, NhsNumber)>,
    ends: Vec<At>,
    links: HashMap<NhsNumber, NhsNumber>,
    first_real: Option<usize>,
    authorities: HashMap<String, Described>,
}

impl Index {
    pub(super) fn of(source: &Source, size: u64, watch: &mut Watch<'_>) -> Result<Self, LoadError> {
        let mut lines = source.open()?.hashed();
        let mut collected = Collected::default();
        let mut count = 0;
        while let Some(line) = lines.next()? {
            count = line.number;
            if count > limits::LOAD_LINES {
                return Err(too_many("lines", limits::LOAD_LINES));
            }
            let at = At { line: u32::try_from(line.number).unwrap_or(u32::MAX), offset: line.offset };
            if !line.is_too_long {
                collected.take(at, line.bytes)?;
            }
            if count % 4096 == 0
                && let Some(progress) = &mut watch.progress
            {
                progress(Progress { doing: "reading", done: lines.place().1, of: size });
            }
        }
        Ok(collected.finish(count, lines))
    }

    /// The plans of a person, as places in the file: those under a number that this one replaces too.
    pub(super) fn plans_of(&self, number: NhsNumber) -> impl Iterator<Item = At> {
        let under = short(number);
        let place = |place: &u32| self.plans.get(*place as usize);
        let first = self.by_person.partition_point(|at| place(at).is_some_and(|plan| plan.under < under));
        self.by_person
            .get(first..)
            .unwrap_or_default()
            .iter()
            .filter_map(move |at| self.plans.get(*at as usize))
            .take_while(move |plan| plan.under == under)
            .map(|plan| plan.at)
    }

    /// The replacements that lead to a number.
    pub(super) fn replacements_by(&self, number: NhsNumber) -> impl Iterator<Item = At> {
        let last = short(number);
        let first = self.by_last.partition_point(|(under, _)| *under < last);
        self.by_last
            .get(first..)
            .unwrap_or_default()
            .iter()
            .take_while(move |(under, _)| *under == last)
            .filter_map(|(_, place)| self.replacements.get(*place as usize).copied())
    }

    pub(super) fn is_doubled(&self, number: NhsNumber) -> bool {
        self.doubled_people.contains(&short(number))
    }

    pub(super) fn is_followed(&self, old: NhsNumber) -> bool {
        self.links.contains_key(&old)
    }

    /// What is wrong with a plan beside the others of its file.
    pub(super) fn judge(&self, plan: &LoadedPlan) -> Result<(), &'static str> {
        if self.doubled_plans.contains(&key(plan)) {
            Err("another line describes the same plan")
        } else if self.authorities.get(&plan.authority_code).is_some_and(|authority| authority.is_conflicting)
        {
            Err("another line names or reaches the same authority differently")
        } else {
            Ok(())
        }
    }

    pub(super) fn authorities(&self) -> Authorities {
        self.authorities.iter().map(|(code, described)| (code.clone(), described.sent_ms.clone())).collect()
    }
}

fn too_many(what: &str, most: usize) -> LoadError {
    LoadError::Refused(LineError::new(0, format!("more than {most} {what}: split the file")))
}

impl Collected {
    fn take(&mut self, at: At, bytes: &[u8]) -> Result<(), LoadError> {
        let line = at.line as usize;
        let real = |number: NhsNumber| (!number.is_test_range()).then_some(line);
        match read_line(line, bytes) {
            Ok(Read::Nothing) => {}
            Ok(Read::Person(person)) => {
                self.first_real = self.first_real.or(real(person.number));
                self.people.push(short(person.number));
                if person.is_ended {
                    self.ends.push(at);
                }
            }
            Ok(Read::Superseded(Superseded { old, new, .. })) => {
                self.first_real = self.first_real.or(real(old)).or(real(new));
                self.people.push(short(old));
                self.replacements.push((at, old));
                self.links.insert(old, new);
            }
            Ok(Read::Plan(plan)) => {
                self.first_real = self.first_real.or(real(plan.number));
                self.plans.push((at, Some(plan.number)));
                self.plan_keys.push(key(&plan));
                self.authority(&plan);
            }
            // Named with the others, later.
            Err(_) => {
                if matches!(super::kind(bytes), Ok(Some(super::IsA::CareTeam))) {
                    self.plans.push((at, super::careteam::number(bytes)));
                }
            }
        }
        let check = |what, found: usize, most| if found > most { Err(too_many(what, most)) } else { Ok(()) };
        check("plans", self.plans.len(), limits::LOAD_PLANS)?;
        check("superseded numbers", self.replacements.len(), limits::LOAD_REPLACEMENTS)?;
        check("ended identities", self.ends.len(), limits::LOAD_REPLACEMENTS)?;
        check("authorities", self.authorities.len(), limits::LOAD_AUTHORITIES)
    }

    fn authority(&mut self, plan: &LoadedPlan) {
        let fingerprint = fingerprint(&plan.authority);
        let sent_ms = plan.sent_ms;
        let described = self.authorities.entry(plan.authority_code.clone()).or_insert(Described {
            fingerprint,
            is_conflicting: false,
            sent_ms: Some(Vec::new()),
        });
        described.is_conflicting |= described.fingerprint != fingerprint;
        // Without a time the moment of loading counts, which is the latest.
        match (sent_ms, &mut described.sent_ms) {
            (None, sent) => *sent = None,
            (Some(at), Some(sent)) if sent.last() != Some(&at) => sent.push(at),
            (Some(_), Some(_) | None) => {}
        }
    }

    /// The replacements by where they lead. Where too many lead to one number, none of them does.
    fn by_last(&mut self, doubled: &HashSet<u32>) -> Vec<(u32, u32)> {
        let mut by_last: Vec<(u32, u32)> = (0_u32..)
            .zip(&self.replacements)
            .filter(|(_, (_, old))| !doubled.contains(&short(*old)))
            .filter_map(|(place, (_, old))| Some((short(follow(*old, &self.links)?), place)))
            .collect();
        by_last.sort_unstable();
        let (fit, too_many): (Vec<_>, Vec<_>) = by_last
            .chunk_by(|one, other| one.0 == other.0)
            .partition(|chunk| chunk.len() <= limits::LOAD_REPLACED_BY_ONE);
        for (_, place) in too_many.concat() {
            if let Some((_, old)) = self.replacements.get(place as usize) {
                self.links.remove(old);
            }
        }
        fit.concat()
    }

    fn finish(mut self, lines: usize, read: Lines) -> Index {
        let doubled_people = doubled(&mut self.people);
        let doubled_plans = doubled(&mut self.plan_keys);
        // Those lines are refused: they lead nowhere.
        self.links.retain(|old, _| !doubled_people.contains(&short(*old)));
        let by_last = self.by_last(&doubled_people);
        let links = &self.links;
        let last = |number| follow(number, links).unwrap_or(number);
        let plans: Vec<PlanAt> = self
            .plans
            .iter()
            .map(|(at, number)| PlanAt {
                at: *at,
                under: number.map_or(NOBODY, |number| short(last(number))),
            })
            .collect();
        let under = |at: &u32| plans.get(*at as usize).map_or(NOBODY, |plan| plan.under);
        let mut by_person: Vec<u32> = (0_u32..).zip(&plans).map(|(place, _)| place).collect();
        by_person.sort_by_key(under);
        Index {
            digest: read.digest(),
            lines,
            plans,
            replacements: self.replacements.into_iter().map(|(at, _)| at).collect(),
            ends: self.ends,
            first_real: self.first_real,
            by_person,
            by_last,
            doubled_people,
            doubled_plans,
            authorities: self.authorities,
            links: self.links,
        }
    }
}

/// Those that are there more than once.
fn doubled<T: Ord + Copy + Hash>(all: &mut Vec<T>) -> HashSet<T> {
    all.sort_unstable();
    let doubled = all.windows(2).filter_map(|pair| match pair {
        [one, other] if one == other => Some(*one),
        _ => None,
    });
    let doubled = doubled.collect();
    *all = Vec::new();
    doubled
}

/// The last number of a chain of replacements within the file; `None` for a loop.
fn follow(number: NhsNumber, links: &HashMap<NhsNumber, NhsNumber>) -> Option<NhsNumber> {
    way(number, links).map(|way| way.last().copied().unwrap_or(number))
}

/// The numbers that follow one in a chain of replacements within the file; `None` for a loop.
pub(crate) fn way(number: NhsNumber, links: &HashMap<NhsNumber, NhsNumber>) -> Option<Vec<NhsNumber>> {
    let mut way = Vec::new();
    for _ in 0..limits::REPLACEMENTS_FOLLOWED {
        let Some(next) = links.get(way.last().unwrap_or(&number)) else { return Some(way) };
        if *next == number || way.contains(next) {
            return None;
        }
        way.push(*next);
    }
    None
}
