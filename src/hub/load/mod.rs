//! Loading people and plans from a file: NDJSON of FHIR `Patient` and `CareTeam` lines (manual, "The hub").
//!
//! All or nothing: the whole file is read and judged first, and applied in one commit; a refused file says
//! for each bad line what is wrong with it, without repeating what stands in it, and is audited. The order of the lines does
//! not matter: people come first, then superseded numbers, plans, and ended identities.

mod careteam;
mod patient;

use std::collections::HashMap;
use std::io::{BufRead, Read};

use serde_json::Value;

use super::limits;
use super::store::{Audited, Store, StoreError};
use crate::domain::{
    Authority, BirthDate, Caller, Deceased, Gender, NhsNumber, PersonName, PlanKind, PlanPeriod,
};

/// A bad line: its number from 1 (0 is the file itself), and why, in words that hold nothing of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError {
    /// Line number.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

impl LineError {
    pub(super) fn new(line: usize, why: impl Into<String>) -> Self {
        Self { line, why: why.into() }
    }
}

impl std::fmt::Display for LineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => write!(f, "{}", self.why),
            line => write!(f, "line {line}: {}", self.why),
        }
    }
}

/// Why nothing was loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file has bad lines.
    #[error("nothing was loaded: {}", listed(.0))]
    Lines(Vec<LineError>),
    /// The file cannot be read.
    #[error("nothing was loaded: the file cannot be read: {0}")]
    Unreadable(String),
    /// The database refused.
    #[error("nothing was loaded: {0}")]
    Store(StoreError),
}

fn listed(errors: &[LineError]) -> String {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

/// What a load did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LoadReport {
    /// People made or brought up to date.
    pub people: usize,
    /// Numbers that now lead to another.
    pub superseded: usize,
    /// Identities that ended.
    pub ended: usize,
    /// Plans made or brought up to date.
    pub plans: usize,
    /// Plans left as they are, because what is held was sent later.
    pub outdated: usize,
}

/// Everything of a file, read and judged line by line.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) synthetic: bool,
    pub(super) people: Vec<LoadedPerson>,
    pub(super) superseded: Vec<Superseded>,
    pub(super) ended: Vec<(usize, NhsNumber)>,
    pub(super) plans: Vec<LoadedPlan>,
}

pub(super) struct LoadedPerson {
    pub(super) line: usize,
    pub(super) number: NhsNumber,
    /// The line says that the identity ended: it makes a person only where there is none.
    pub(super) is_ended: bool,
    pub(super) name: Option<PersonName>,
    pub(super) previous_names: Vec<PersonName>,
    // `None` is not said: what is held stays.
    pub(super) gender: Option<Gender>,
    pub(super) born: Option<BirthDate>,
    pub(super) multiple_birth: Option<u32>,
    pub(super) deceased: Option<Deceased>,
    pub(super) restricted: Option<bool>,
    pub(super) postcode: Option<String>,
}

pub(super) struct Superseded {
    pub(super) line: usize,
    pub(super) old: NhsNumber,
    pub(super) new: NhsNumber,
}

pub(super) struct LoadedPlan {
    pub(super) line: usize,
    pub(super) number: NhsNumber,
    pub(super) local_id: String,
    pub(super) kind: PlanKind,
    pub(super) period: PlanPeriod,
    pub(super) authority_code: String,
    pub(super) authority: Authority,
    pub(super) sent_ms: Option<i64>,
}

/// Loads a file from a thread that may block. `synthetic` marks an empty database for good.
///
/// # Errors
/// The file is refused as a whole, or the database refused.
pub fn load(
    store: &Store,
    reader: impl BufRead,
    synthetic: bool,
    by: Caller,
) -> Result<LoadReport, LoadError> {
    let loaded = match read(reader, synthetic) {
        Ok(batch) => store.apply_blocking(by.clone(), batch).map(Audited::into_value).map_err(store_error),
        Err(error) => Err(error),
    };
    // Before anybody is told which lines.
    if let Err(LoadError::Lines(lines)) = &loaded {
        store.load_refused_blocking(by, lines.len()).map_err(LoadError::Store)?;
    }
    loaded
}

/// The same for callers that run on the hub's own threads (the demonstration, tests).
///
/// # Errors
/// The file is refused as a whole, or the database refused.
pub async fn load_text(
    store: &Store,
    text: &str,
    synthetic: bool,
    by: Caller,
) -> Result<LoadReport, LoadError> {
    let loaded = match read(text.as_bytes(), synthetic) {
        Ok(batch) => store.apply(by.clone(), batch).await.map(Audited::into_value).map_err(store_error),
        Err(error) => Err(error),
    };
    if let Err(LoadError::Lines(lines)) = &loaded {
        store.load_refused(by, lines.len()).await.map_err(LoadError::Store)?;
    }
    loaded
}

fn store_error(error: StoreError) -> LoadError {
    match error {
        StoreError::LoadRefused(lines) => LoadError::Lines(lines),
        error @ (StoreError::Busy | StoreError::Failed { .. } | StoreError::Closed | StoreError::NoRoom) => {
            LoadError::Store(error)
        }
    }
}

pub(super) fn read(mut reader: impl BufRead, synthetic: bool) -> Result<Batch, LoadError> {
    let mut batch = Batch { synthetic, ..Batch::default() };
    let mut errors = Vec::new();
    let mut line = 0;
    loop {
        let mut bytes = Vec::new();
        let most = u64::try_from(limits::LOAD_LINE_BYTES).unwrap_or(u64::MAX).saturating_add(1);
        let length = reader
            .by_ref()
            .take(most)
            .read_until(b'\n', &mut bytes)
            .map_err(|error| LoadError::Unreadable(error.kind().to_string()))?;
        if length == 0 {
            break;
        }
        line += 1;
        if length > limits::LOAD_LINE_BYTES || line > limits::LOAD_LINES {
            let why = format!(
                "longer than {} bytes, or more than {} lines",
                limits::LOAD_LINE_BYTES,
                limits::LOAD_LINES
            );
            errors.push(LineError::new(line, why));
            break;
        }
        if let Err(why) = read_line(line, &bytes, &mut batch) {
            errors.push(LineError::new(line, why));
            if errors.len() >= limits::LOAD_ERRORS {
                break;
            }
        }
    }
    judge_together(&batch, &mut errors);
    if line == 0 {
        errors.push(LineError::new(0, "the file is empty"));
    }
    if errors.is_empty() { Ok(batch) } else { Err(LoadError::Lines(errors)) }
}

fn read_line(line: usize, bytes: &[u8], batch: &mut Batch) -> Result<(), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?.trim();
    if text.is_empty() {
        return Ok(());
    }
    let value: Value = serde_json::from_str(text)
        .map_err(|error| format!("not JSON (column {} of the line)", error.column()))?;
    match value.get("resourceType").and_then(Value::as_str) {
        Some("Patient") => patient::read(line, value, batch),
        Some("CareTeam") => {
            batch.plans.push(careteam::read(line, value)?);
            Ok(())
        }
        Some(_) | None => Err("neither a Patient nor a CareTeam".to_owned()),
    }
}

/// What can only be judged over several lines.
fn judge_together(batch: &Batch, errors: &mut Vec<LineError>) {
    let mut described: HashMap<NhsNumber, usize> = HashMap::new();
    let numbers = (batch.people.iter().map(|person| (person.number, person.line)))
        .chain(batch.superseded.iter().map(|superseded| (superseded.old, superseded.line)));
    for (number, line) in numbers {
        if let Some(earlier) = described.insert(number, line) {
            errors.push(LineError::new(line, format!("line {earlier} already describes this NHS number")));
        }
    }
    let mut authorities: HashMap<&str, &LoadedPlan> = HashMap::new();
    let mut plans: HashMap<(NhsNumber, &str, PlanKind, jiff::civil::Date), usize> = HashMap::new();
    for plan in &batch.plans {
        let earlier = *authorities.entry(&plan.authority_code).or_insert(plan);
        let without_team = |plan: &LoadedPlan| Authority { team: None, ..plan.authority.clone() };
        if without_team(earlier) != without_team(plan) {
            let why = format!("line {} names or reaches the same authority differently", earlier.line);
            errors.push(LineError::new(plan.line, why));
        }
        let key = (plan.number, plan.authority_code.as_str(), plan.kind, plan.period.start);
        if let Some(earlier) = plans.insert(key, plan.line) {
            errors.push(LineError::new(plan.line, format!("line {earlier} already describes this plan")));
        }
    }
    errors.sort_by_key(|error| error.line);
    errors.truncate(limits::LOAD_ERRORS);
}

/// The NHS number of an identifier list and a resource id that must agree with it.
fn nhs_number(text: &str) -> Result<NhsNumber, String> {
    NhsNumber::parse(text).map_err(|error| format!("the NHS number is not valid: {error}"))
}

/// Text without the spaces around it; `None` where nothing is left.
fn text(value: Option<&str>) -> Option<String> {
    value.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}
