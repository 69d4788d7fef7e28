//! Loading people and plans from a file: NDJSON of FHIR `Patient` and `CareTeam` lines (manual, "Loading").
//!
//! A file of any length is streamed. It is read once to know it: its content's hash, what its lines are about,
//! and what can only be judged over several lines. Then it is applied in slices that hold the writer shortly, and
//! how far it has come is written in the same commit. What is refused is named by line and reason, without
//! repeating what stands in it, and only after it was audited.
//!
//! The order of the lines does not matter: people come first, each together with their plans, so that nobody is
//! known before their plans are; then superseded numbers, the plans that are left, and ended identities.

mod careteam;
mod drive;
mod index;
mod lines;
mod patient;
mod units;

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;

use super::store::{Store, StoreError};
use crate::domain::{
    Authority, BirthDate, Caller, Deceased, Gender, NhsNumber, PersonName, PlanKind, PlanPeriod,
};

pub(super) use index::{Authorities, way};
pub(super) use units::{Arrival, Position, Unit};

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

/// Why a file was not loaded, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file as a whole is refused: nothing was loaded.
    #[error("nothing was loaded: {0}")]
    Refused(LineError),
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
    /// The report cannot be written.
    #[error("everything good was loaded, but the report cannot be written: {0}; run the same again for it")]
    Report(String),
    /// The file changed while it was loaded.
    #[error("the file changed while it was loaded: what was loaded stays; start over with --restart")]
    Changed,
    /// Another command goes on with the same file.
    #[error("another command loads the same file at this moment, and goes on with it: what was loaded stays")]
    Overtaken,
    /// Too many lines were refused.
    #[error("more than {0} lines were refused: what was good until then is loaded; mend the file")]
    TooManyRefused(usize),
    /// The database refused. What was loaded before stays, and the same again goes on from there.
    #[error("the load was broken off: {0}; run the same again, and it goes on from there")]
    Store(StoreError),
}

/// What a load did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
    /// Lines that were refused.
    pub refused: usize,
    /// The first of them.
    pub named: Vec<LineError>,
    /// It went on where an earlier one was broken off.
    pub resumed: bool,
    /// Commits that this took; of a load that went on, those since then.
    pub commits: usize,
}

/// How far a load has come.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// What it is doing.
    pub doing: &'static str,
    /// How far.
    pub done: u64,
    /// Of how much.
    pub of: u64,
}

/// What to load, and how.
#[derive(Debug, Clone)]
pub struct LoadAsk {
    /// Where the lines are.
    pub source: Source,
    /// Mark an empty database as synthetic, for good.
    pub synthetic: bool,
    /// Forget how far an earlier load of it had come.
    pub restart: bool,
}

/// Where the lines are.
#[derive(Debug, Clone)]
pub enum Source {
    /// In a file.
    File(PathBuf),
    /// In memory.
    Text(Arc<str>),
}

/// Where the whole report goes, and who wants to know how far it has come.
#[derive(Default)]
pub struct Watch<'a> {
    /// Every refused line, in order.
    pub report: Option<&'a mut dyn std::io::Write>,
    /// Brings the report to the disk, before the hub forgets what was refused.
    pub keep_report: Option<&'a mut dyn FnMut() -> std::io::Result<()>>,
    /// Told now and then.
    pub progress: Option<&'a mut dyn FnMut(Progress)>,
}

/// Loads from a thread that may block.
///
/// # Errors
/// The file is refused as a whole, or was not loaded to its end.
pub fn load(
    store: &Store,
    ask: &LoadAsk,
    by: &Caller,
    watch: &mut Watch<'_>,
) -> Result<LoadReport, LoadError> {
    let loaded = drive::load(store, ask, by, watch);
    // Before anybody is told why.
    if let Err(LoadError::Refused(_)) = &loaded {
        store.load_refused_blocking(by.clone()).map_err(LoadError::Store)?;
    }
    loaded
}

/// The same for callers that run on the hub's own threads (the demonstration, tests).
///
/// # Errors
/// The file is refused as a whole, or was not loaded to its end.
pub async fn load_text(
    store: &Store,
    text: &str,
    synthetic: bool,
    by: Caller,
) -> Result<LoadReport, LoadError> {
    let (store, ask) =
        (store.clone(), LoadAsk { source: Source::Text(text.into()), synthetic, restart: false });
    let loaded = tokio::task::spawn_blocking(move || load(&store, &ask, &by, &mut Watch::default()));
    loaded.await.unwrap_or(Err(LoadError::Store(StoreError::Closed)))
}

/// What a line says.
pub(super) enum Read {
    Nothing,
    Person(Box<LoadedPerson>),
    Superseded(Superseded),
    Plan(Box<LoadedPlan>),
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

#[derive(Clone, Copy)]
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

/// Of a line, what it is.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(rename = "resourceType", borrow)]
    resource_type: Option<std::borrow::Cow<'a, str>>,
}

/// The kind of a line's resource; `None` for a line that is neither, or is empty.
fn kind(bytes: &[u8]) -> Result<Option<IsA>, String> {
    if bytes.trim_ascii().is_empty() {
        return Ok(None);
    }
    if std::str::from_utf8(bytes).is_err() {
        return Err("not UTF-8".to_owned());
    }
    let neither = || "neither a Patient nor a CareTeam".to_owned();
    let kind: Kind<'_> = serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => neither(),
        serde_json::error::Category::Io
        | serde_json::error::Category::Syntax
        | serde_json::error::Category::Eof => format!("not JSON (column {} of the line)", error.column()),
    })?;
    match kind.resource_type.as_deref() {
        Some("Patient") => Ok(Some(IsA::Patient)),
        Some("CareTeam") => Ok(Some(IsA::CareTeam)),
        Some(_) | None => Err(neither()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum IsA {
    Patient,
    CareTeam,
}

/// How many units a text is applied in, for the fuzz target.
#[cfg(any(all(test, feature = "demo"), feature = "fuzzing"))]
pub(super) fn units_of(text: &str) -> Result<usize, LoadError> {
    let source = Source::Text(text.into());
    let index = index::Index::of(&source, text.len() as u64, &mut Watch::default())?;
    let mut units = units::Units::from(&source, &index, Position::default())?;
    let mut count = 0;
    while let Some((unit, _)) = units.next()? {
        count += usize::from(!matches!(unit, Unit::Nothing));
    }
    Ok(count)
}

pub(super) fn read_line(line: usize, bytes: &[u8]) -> Result<Read, String> {
    match kind(bytes)? {
        None => Ok(Read::Nothing),
        Some(IsA::Patient) => patient::read(line, bytes),
        Some(IsA::CareTeam) => Ok(Read::Plan(Box::new(careteam::read(line, bytes)?))),
    }
}

/// The NHS number of an identifier list and a resource id that must agree with it.
fn nhs_number(text: &str) -> Result<NhsNumber, String> {
    NhsNumber::parse(text).map_err(|error| format!("the NHS number is not valid: {error}"))
}

/// Text without the spaces around it; `None` where nothing is left.
fn text(value: Option<&str>) -> Option<String> {
    value.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}
