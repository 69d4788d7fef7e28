//! How an extract is to be read: what its columns and its words are called.

use std::collections::{HashMap, HashSet};

use super::contacts::Contacts;
use crate::domain::PlanKind;

/// How a file is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// RFC 4180, with a head row.
    Csv {
        /// Between two fields.
        delimiter: u8,
    },
    /// One JSON object a line.
    Ndjson,
}

/// How a CSV file's letters are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// What Excel on a British Windows writes.
    Windows1252,
}

/// What the link needs of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    /// The authority's own id of the person.
    LocalId,
    /// NHS number.
    NhsNumber,
    /// Family name.
    FamilyName,
    /// Given names, between spaces.
    GivenNames,
    /// Date of birth.
    DateOfBirth,
    /// A word that stands for a kind of plan, or a legal status.
    PlanKind,
    /// First day.
    Start,
    /// Last day, or nothing.
    End,
}

impl Column {
    /// All of them, in the order in which they are kept.
    pub const ALL: [Column; 8] = [
        Column::LocalId,
        Column::NhsNumber,
        Column::FamilyName,
        Column::GivenNames,
        Column::DateOfBirth,
        Column::PlanKind,
        Column::Start,
        Column::End,
    ];

    /// Its key in the configuration.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Column::LocalId => "local_id",
            Column::NhsNumber => "nhs_number",
            Column::FamilyName => "family_name",
            Column::GivenNames => "given_names",
            Column::DateOfBirth => "date_of_birth",
            Column::PlanKind => "plan_kind",
            Column::Start => "start",
            Column::End => "end",
        }
    }

    pub(crate) fn place(self) -> usize {
        match self {
            Column::LocalId => 0,
            Column::NhsNumber => 1,
            Column::FamilyName => 2,
            Column::GivenNames => 3,
            Column::DateOfBirth => 4,
            Column::PlanKind => 5,
            Column::Start => 6,
            Column::End => 7,
        }
    }
}

/// What the link may take from a row beside that: nothing of it is sent to anybody, but for the contact of a team that has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum More {
    /// Who works on the case.
    Worker,
    /// That they are away.
    WorkerAway,
    /// Which team has it.
    Team,
    /// That the case is restricted.
    Restricted,
}

impl More {
    /// All of them, in the order in which they are kept.
    pub const ALL: [More; 4] = [More::Worker, More::WorkerAway, More::Team, More::Restricted];

    /// Its key in the configuration.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            More::Worker => "worker",
            More::WorkerAway => "worker_away",
            More::Team => "team",
            More::Restricted => "restricted",
        }
    }
}

/// Which words stand for which kind of plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kinds(HashMap<String, PlanKind>);

impl Kinds {
    /// Adds a word; false where it is there already.
    pub fn add(&mut self, word: &str, kind: PlanKind) -> bool {
        self.0.insert(folded(word), kind).is_none()
    }

    /// The kind that a word stands for. Capital and small letters are the same.
    #[must_use]
    pub fn of(&self, word: &str) -> Option<PlanKind> {
        self.0.get(&folded(word)).copied()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A word as it is looked for: however many spaces it has, in capital or small letters.
pub(super) fn folded(word: &str) -> String {
    word.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// How an extract is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// How the file is laid out.
    pub form: Form,
    /// How its letters are written.
    pub encoding: Encoding,
    /// What the columns are called, in the order of [`Column::ALL`].
    pub columns: [String; 8],
    /// What further columns are called, in the order of [`More::ALL`]; `None` where the extract has none.
    pub more: [Option<String>; 4],
    /// Which words stand for which kind.
    pub kinds: Kinds,
    /// Columns of a CSV file whose texts may go over several lines; none of them is read.
    pub multi_line: Vec<String>,
    /// The system never writes a line end behind the last row: that it has none says nothing.
    pub ends_without_line_end: bool,
    /// Numbers for tests are taken, and no others.
    pub takes_test_numbers: bool,
    /// The teams whose contact goes up with their plans.
    pub contacts: Contacts,
    /// Whom the routing table names; `None` where there is none.
    pub named: Option<Named>,
}

/// The workers and teams that the routing table names, as they are looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    workers: HashSet<String>,
    teams: HashSet<String>,
}

impl Named {
    /// Of a table with these.
    pub fn of<'a>(
        workers: impl Iterator<Item = &'a String>,
        teams: impl Iterator<Item = &'a String>,
    ) -> Self {
        Self {
            workers: workers.map(|name| folded(name)).collect(),
            teams: teams.map(|name| folded(name)).collect(),
        }
    }

    /// Whether the table names this worker. Capital and small letters are the same.
    #[must_use]
    pub fn has_worker(&self, name: &str) -> bool {
        self.workers.contains(&folded(name))
    }

    /// Whether it names this team.
    #[must_use]
    pub fn has_team(&self, name: &str) -> bool {
        self.teams.contains(&folded(name))
    }
}

impl Mapping {
    /// What a column is called in the file.
    #[must_use]
    pub fn name(&self, column: Column) -> &str {
        self.columns.get(column.place()).map_or("", String::as_str)
    }

    /// What a further column is called in the file, if it has it.
    #[must_use]
    pub fn more_name(&self, which: More) -> Option<&str> {
        let place = More::ALL.iter().position(|one| *one == which)?;
        self.more.get(place)?.as_deref()
    }
}
