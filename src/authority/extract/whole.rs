//! Whether rows contradict each other. Where they do, none of them is sent, so that it does not matter which comes first.
//! Of each row 56 bytes are kept, however long it is.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use super::row::Meant;
use super::{Checked, FINDINGS_KEPT, Finding, Problem, Remedy, UnknownTeam, Unlike, Unnamed};
use crate::config::authority::{Column, More};
use crate::domain::PlanKind;

/// Everything that was said of a file.
#[derive(Default)]
pub(super) struct Whole {
    hashes: RandomState,
    kept: Vec<Kept>,
    /// Rows with plans for unborn children: few.
    unborn: HashSet<u64>,
    /// Teams without a contact, as hashes.
    teams: HashMap<u64, UnknownTeam>,
    /// Names that the routing table does not have, as hashes.
    unnamed: HashSet<(More, u64)>,
    checked: Checked,
}

/// A row, as hashes: of two that differ, one in 2^64 looks the same.
#[derive(Clone, Copy)]
struct Kept {
    row: u64,
    local_id: u64,
    number: u64,
    /// Who the row says it is, but for the given names, which are written in many ways.
    person: u64,
    plan: u64,
    end: u64,
    /// Who works on it and which team has it, 0 where the row does not say: of two that differ, one in 2^32 looks the same.
    worker: u32,
    team: u32,
}

impl Whole {
    /// A row that can be sent by itself.
    pub(super) fn add(&mut self, row: u64, meant: &Meant) {
        if meant.kind == PlanKind::UnbornChildProtection {
            self.unborn.insert(row);
        }
        let hashes = &self.hashes;
        let short = |name: &Option<String>| match name {
            Some(name) => {
                u32::try_from(hashes.hash_one(name.to_lowercase()) >> 32).map_or(1, |hash| hash.max(1))
            }
            None => 0,
        };
        self.kept.push(Kept {
            worker: short(&meant.worker),
            team: short(&meant.team),
            row,
            local_id: hashes.hash_one(&meant.local_id),
            number: hashes.hash_one(meant.number),
            person: hashes.hash_one((meant.number, meant.born, meant.family_name.to_lowercase())),
            plan: hashes.hash_one((meant.number, meant.kind, meant.period.start)),
            end: hashes.hash_one(meant.period.end),
        });
        self.checked.rows += 1;
    }

    /// A row whose team has no contact.
    pub(super) fn note_team(&mut self, row: u64, local_id: &str, team: &str) {
        self.checked.without_contact += 1;
        let team = self.hashes.hash_one(team.to_lowercase());
        if let Some(known) = self.teams.get_mut(&team) {
            known.rows += 1;
        } else if self.teams.len() < FINDINGS_KEPT {
            self.teams.insert(team, UnknownTeam { row, local_id: local_id.to_owned(), rows: 1 });
        }
    }

    /// A row with a worker or a team whom the routing table does not name.
    pub(super) fn note_unnamed(&mut self, row: u64, local_id: &str, column: More, name: &str) {
        let words: Vec<&str> = name.split_whitespace().collect();
        let name = (column, self.hashes.hash_one(words.join(" ").to_lowercase()));
        let is_new = self.unnamed.len() < FINDINGS_KEPT && self.unnamed.insert(name);
        let all = &mut self.checked.unnamed;
        match all.iter_mut().find(|known| known.column == column) {
            Some(known) => {
                known.names += u64::from(is_new);
                known.rows += 1;
            }
            None => {
                all.push(Unnamed { column, names: 1, rows: 1, first: row, local_id: local_id.to_owned() })
            }
        }
    }

    /// A row that cannot.
    pub(super) fn refuse(&mut self, problems: Vec<Problem>) {
        self.checked.rows += 1;
        self.checked.refused += 1;
        let is_without_number = problems.iter().any(|problem| problem.finding.remedy() == Remedy::Trace);
        self.checked.without_number += u64::from(is_without_number);
        problems.into_iter().for_each(|problem| self.note(problem));
    }

    fn note(&mut self, problem: Problem) {
        if self.checked.problems.len() < FINDINGS_KEPT {
            self.checked.problems.push(problem);
        } else {
            self.checked.further += 1;
        }
    }

    /// After the last row.
    pub(super) fn checked(mut self) -> Checked {
        let mut contradicted: HashSet<u64> = HashSet::new();
        let rows = std::mem::take(&mut self.kept);
        let mut contradict = |whole: &mut Self, column: Column, found: Vec<(u64, Finding)>| {
            for (row, finding) in found {
                if contradicted.insert(row) {
                    whole.checked.refused += 1;
                }
                whole.note(Problem { row, column: Some(column), local_id: None, finding });
            }
        };
        let persons = differing(&rows, |row| row.local_id, |row| row.person, Finding::OtherPerson);
        contradict(&mut self, Column::LocalId, persons);
        let mut ids = differing(&rows, |row| row.number, |row| row.local_id, Finding::OtherLocalId);
        for (row, finding) in &mut ids {
            if let Finding::OtherLocalId(other) = *finding
                && (self.unborn.contains(row) || self.unborn.contains(&other))
            {
                *finding = Finding::UnbornElsewhere(other);
            }
        }
        contradict(&mut self, Column::NhsNumber, ids);
        let ends = differing(&rows, |row| row.plan, |row| row.end, Finding::OtherPlan);
        contradict(&mut self, Column::End, ends);
        let (mut people, mut plans) = (HashSet::new(), HashSet::new());
        for row in rows.iter().filter(|row| !contradicted.contains(&row.row)) {
            people.insert(row.number);
            if plans.insert(row.plan) {
                self.checked.right += 1;
            } else {
                self.checked.repeated += 1;
                self.checked.again.push(row.row);
            }
        }
        self.checked.unlike = unlike(&rows, &self.checked.again);
        self.checked.contradicting = contradicted.into_iter().collect();
        self.checked.people = u64::try_from(people.len()).unwrap_or(u64::MAX);
        self.checked.problems.sort_by_key(|problem| problem.row);
        self.checked.unknown_teams = self.teams.into_values().collect();
        self.checked.unknown_teams.sort_by_key(|team| team.row);
        self.checked
    }
}

/// Which of the rows that say a plan again say another worker or team than the first that says one. The rows are in their order.
fn unlike(rows: &[Kept], again: &[u64]) -> Vec<Unlike> {
    let mut found = Vec::new();
    let repeated: HashSet<u64> = again.iter().copied().collect();
    let plans: HashSet<u64> =
        rows.iter().filter(|row| repeated.contains(&row.row)).map(|row| row.plan).collect();
    let mut first: HashMap<(u64, More), (u64, u32)> = HashMap::new();
    for row in rows.iter().filter(|row| plans.contains(&row.plan)) {
        for (column, name) in [(More::Worker, row.worker), (More::Team, row.team)] {
            if name == 0 {
                continue;
            }
            let (of, known) = *first.entry((row.plan, column)).or_insert((row.row, name));
            if known != name && found.len() < FINDINGS_KEPT {
                found.push(Unlike { row: row.row, of, column, local_id: None });
            }
        }
    }
    found
}

/// Of the rows that are the same in one thing: those among which another differs, each with the first that does.
fn differing(
    rows: &[Kept],
    same: impl Fn(&Kept) -> u64,
    differs: impl Fn(&Kept) -> u64,
    finding: impl Fn(u64) -> Finding,
) -> Vec<(u64, Finding)> {
    let mut sorted: Vec<&Kept> = rows.iter().collect();
    sorted.sort_by_key(|row| (same(row), row.row));
    let mut found = Vec::new();
    for group in sorted.chunk_by(|one, other| same(one) == same(other)) {
        let Some((first, others)) = group.split_first() else { continue };
        let is_other = |row: &&&Kept| differs(row) != differs(first);
        let Some(other) = others.iter().find(is_other) else { continue };
        for one in group {
            let against = if differs(one) == differs(first) { other.row } else { first.row };
            found.push((one.row, finding(against)));
        }
    }
    found
}
