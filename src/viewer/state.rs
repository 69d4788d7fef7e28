//! Everything the viewer knows. Changed only in [`super::update`].
//!
//! States are enums that carry their own data: what is not in the current state does not exist, so a patient
//! who was left is gone from memory. Holds nothing on disk and reads no clock.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::command::Field;
use super::present::screen::Focus;
use crate::domain::{
    AccessReference, AccessStatus, Answer, BirthDateError, Candidate, CareSetting, ConfirmedPatient, Failure,
    Gender, HistoryReading, NhsNumber, NhsNumberError, SearchQuery, SiteAdvice, dates,
};

/// What does not change while the program runs.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// The demonstration: says so on every screen.
    pub demonstration: bool,
    /// This program can start the demonstration.
    pub can_demonstrate: bool,
    /// Who can sign in.
    pub personas: Vec<Persona>,
    /// NHS number and date of birth to begin with, from the command line.
    pub prefill: Option<(String, String)>,
    /// What the site's configuration says to do beside ringing the plan's authority.
    pub site: SiteAdvice,
}

/// Somebody who can sign in (the demonstration's people; real sign-in has its own way).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Persona {
    /// Name.
    pub name: String,
    /// Job role.
    pub role: String,
    /// Organisation, with the department.
    pub organisation: String,
    /// What this persona shows.
    pub note: String,
}

/// When something happens: a clock that never goes back, and the computer's own, which is not trusted for
/// anything but a first guess of the day.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// Since the program started.
    pub tick: Duration,
    /// The computer's clock.
    pub wall: Timestamp,
    /// A new random id, for a view that begins now.
    pub fresh: Uuid,
}

/// The hub's clock, carried on by ours.
#[derive(Debug, Clone, Copy)]
pub struct HubClock {
    /// What the hub said.
    pub at: Timestamp,
    /// When it said it.
    pub tick: Duration,
}

/// Everything.
#[derive(Debug, Clone)]
pub struct State {
    /// Fixed at the start.
    pub setup: Setup,
    /// Where in the program we are.
    pub phase: Phase,
    /// See [`super::present::Screen::generation`].
    pub generation: u64,
    /// The last request to move the focus.
    pub focus: Focus,
    /// The list of keys is shown.
    pub help: bool,
    /// The hub said that it holds synthetic people.
    pub synthetic: bool,
    /// The hub's clock, once it has answered anything.
    pub hub_clock: Option<HubClock>,
    /// The number of the last question: an answer to an earlier one is thrown away.
    pub last_ask: u64,
}

/// Where in the program we are.
#[derive(Debug, Clone)]
pub enum Phase {
    /// Started without a configuration: offers to open one, or the demonstration.
    NoConfiguration {
        /// Why the chosen file was refused.
        problem: Option<String>,
    },
    /// Nobody is signed in.
    SignedOut {
        /// Why.
        why: Option<SignedOutBecause>,
        /// A sign-in is under way.
        signing_in: bool,
    },
    /// Somebody is signed in.
    Desk(Box<Desk>),
}

/// Why nobody is signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedOutBecause {
    /// By their own wish.
    Asked,
    /// Signing in failed.
    Failed(Failure),
}

/// A signed-in person's desk.
#[derive(Debug, Clone)]
pub struct Desk {
    /// Who.
    pub session: Session,
    /// What is typed.
    pub form: Form,
    /// What is on the desk.
    pub stage: Stage,
    /// Found and left without opening: how many, and nothing more (kept in memory only).
    pub found_not_opened: HashSet<NhsNumber>,
}

/// The signed-in person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Name.
    pub name: String,
    /// Role.
    pub role: String,
    /// Organisation.
    pub organisation: String,
    /// May view, recorded.
    pub may_notify: bool,
    /// May view silently.
    pub may_view_silently: bool,
    /// What the session is switched to; the hub has the last word.
    pub care: CareSetting,
    /// The hub did not accept a switch.
    pub care_problem: Option<Failure>,
}

impl Session {
    /// Whether this role can open at all.
    #[must_use]
    pub fn may_open(&self) -> bool {
        self.may_notify || self.may_view_silently
    }

    /// Whether the next view tells nobody (domain rule of B0107 and B0170).
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.may_view_silently && (!self.may_notify || self.care == CareSetting::Scheduled)
    }
}

/// What is typed. `Debug` hides it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// NHS number.
    pub nhs_number: String,
    /// Date of birth.
    pub date_of_birth: String,
    /// Family name.
    pub family_name: String,
    /// Given name.
    pub given_name: String,
    /// Postcode.
    pub postcode: String,
    /// Gender.
    pub gender: Option<Gender>,
    /// What is wrong, per field, since it was left or searched with.
    pub problems: Vec<(Field, Problem)>,
    /// A gender is needed for an estimated date.
    pub gender_needed: bool,
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Form(hidden)")
    }
}

impl Form {
    /// The text of a field.
    #[must_use]
    pub fn text(&self, field: Field) -> &str {
        match field {
            Field::NhsNumber => &self.nhs_number,
            Field::DateOfBirth => &self.date_of_birth,
            Field::FamilyName => &self.family_name,
            Field::GivenName => &self.given_name,
            Field::Postcode => &self.postcode,
        }
    }

    /// The text of a field, to be changed.
    pub fn text_mut(&mut self, field: Field) -> &mut String {
        match field {
            Field::NhsNumber => &mut self.nhs_number,
            Field::DateOfBirth => &mut self.date_of_birth,
            Field::FamilyName => &mut self.family_name,
            Field::GivenName => &mut self.given_name,
            Field::Postcode => &mut self.postcode,
        }
    }

    /// What is wrong with a field.
    #[must_use]
    pub fn problem(&self, field: Field) -> Option<Problem> {
        self.problems.iter().find(|(at, _)| *at == field).map(|(_, problem)| *problem)
    }

    /// Whether nothing is typed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        Field::ALL.iter().all(|field| self.text(*field).trim().is_empty()) && self.gender.is_none()
    }
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// The NHS number.
    NhsNumber(NhsNumberError),
    /// The date of birth.
    BirthDate(BirthDateError),
    /// Neither number nor family name.
    NumberOrName,
}

/// What is on the desk.
#[derive(Debug, Clone)]
pub enum Stage {
    /// Searching, or about to.
    Search(SearchStage),
    /// A patient.
    Patient(Box<PatientStage>),
    /// Covered; shown again by the same key until the time is up, then gone.
    Hidden {
        /// What was on the desk.
        under: Box<Stage>,
        /// Since when.
        since: Duration,
    },
}

/// A search.
#[derive(Debug, Clone)]
pub enum SearchStage {
    /// Nothing asked yet.
    Idle,
    /// Under way.
    UnderWay {
        /// Its number.
        ask: u64,
        /// What was asked.
        question: Question,
    },
    /// Answered: nobody, too many, or not to be shown.
    NotFound {
        /// What was asked.
        question: Question,
        /// Why there is nobody.
        why: NotFound,
    },
    /// People to choose from.
    Choose {
        /// What was asked.
        question: Question,
        /// Best first.
        candidates: Vec<Candidate>,
        /// How many could not be read.
        unreadable: usize,
        /// Why a human has to choose.
        why: WhyChoose,
        /// When the answer came.
        answered: Duration,
    },
}

/// What was searched by. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub enum Question {
    /// NHS number and date of birth.
    Number(NhsNumber, crate::domain::BirthDate),
    /// Name and date of birth.
    Name(SearchQuery),
}

impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Question(hidden)")
    }
}

/// Why nobody is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotFound {
    /// The search found nobody.
    Nobody,
    /// Too many to list.
    TooMany,
    /// Number and date of birth do not belong together: nothing of the person is shown.
    DoNotBelongTogether,
    /// The number is not known.
    NumberNotKnown,
    /// The number is no longer in use, and nothing joins it to another.
    NumberNoLongerInUse,
    /// The question failed.
    Failed(Failure),
}

/// Why a human has to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyChoose {
    /// Found by name.
    ByName,
    /// Found by number, and born together with somebody.
    MultipleBirth,
    /// Found by number, and a date of birth is not exact.
    EstimatedDate,
}

/// A patient on the desk.
#[derive(Debug, Clone)]
pub struct PatientStage {
    /// Who, with the proof that a human matched them.
    pub patient: ConfirmedPatient,
    /// Another number was typed, and has been replaced by this one.
    pub number_was_replaced: bool,
    /// When they came onto the desk: opening is refused for a moment after.
    pub arrived: Duration,
    /// The child protection information.
    pub record: Record,
}

/// The child protection information of the patient on the desk.
#[derive(Debug, Clone)]
pub enum Record {
    /// Nobody asked.
    NotOpened,
    /// Under way.
    Opening {
        /// Its number.
        ask: u64,
        /// The view's id.
        view: ViewId,
        /// An earlier try may have been recorded.
        maybe_recorded: bool,
    },
    /// No answer.
    Failed {
        /// Why.
        failure: Failure,
        /// The view's id, kept for the retry.
        view: ViewId,
        /// The view may have been recorded all the same.
        maybe_recorded: bool,
    },
    /// Answered.
    Opened(Box<Opened>),
}

/// One view's id, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewId {
    /// Sent as `TraceID`.
    pub trace: Uuid,
    /// When it was made.
    pub since: Duration,
}

/// An answered view.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The answer.
    pub answer: Answer,
    /// Under what it was logged.
    pub reference: AccessReference,
    /// The hub's clock.
    pub at: Timestamp,
    /// When it came.
    pub tick: Duration,
    /// The view's id.
    pub view: ViewId,
    /// Nobody is told.
    pub silent: bool,
    /// Who opened it before.
    pub history: Asked<HistoryReading>,
    /// What became of this view.
    pub status: Asked<AccessStatus>,
    /// When its state was last asked for.
    pub status_asked: Duration,
    /// "Opened in error".
    pub in_error: InError,
    /// What was copied last, or why not.
    pub copied: Option<Result<(), Failure>>,
}

/// Something fetched.
#[derive(Debug, Clone)]
pub enum Asked<T> {
    /// Under way; what was there before stays until the answer is here.
    UnderWay {
        /// Its number.
        ask: u64,
        /// The last answer.
        before: Option<T>,
    },
    /// Here.
    Here(T),
    /// Not to be had.
    Failed(Failure),
}

impl<T> Asked<T> {
    /// The last answer, if there is any.
    #[must_use]
    pub fn latest(&self) -> Option<&T> {
        match self {
            Asked::UnderWay { before, .. } => before.as_ref(),
            Asked::Here(value) => Some(value),
            Asked::Failed(_) => None,
        }
    }
}

/// "Opened in error".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InError {
    /// Not said.
    No,
    /// Being said.
    Saying(u64),
    /// The hub has it.
    Said,
    /// The hub did not take it.
    Failed(Failure),
}

impl State {
    /// The state at the start.
    #[must_use]
    pub fn new(setup: Setup, phase: Phase) -> Self {
        Self {
            setup,
            phase,
            generation: 1,
            focus: Focus::default(),
            help: false,
            synthetic: false,
            hub_clock: None,
            last_ask: 0,
        }
    }

    /// What time it is for the hub; before it ever answered, the computer's guess.
    #[must_use]
    pub fn hub_now(&self, now: Now) -> Timestamp {
        match self.hub_clock {
            None => now.wall,
            Some(clock) => {
                let elapsed = now.tick.saturating_sub(clock.tick);
                clock.at.saturating_add(elapsed).unwrap_or(clock.at)
            }
        }
    }

    /// The London day on the hub's clock.
    #[must_use]
    pub fn today(&self, now: Now) -> Date {
        dates::london_day(self.hub_now(now))
    }

    /// The desk, where somebody is signed in.
    #[must_use]
    pub fn desk(&self) -> Option<&Desk> {
        match &self.phase {
            Phase::Desk(desk) => Some(desk),
            Phase::NoConfiguration { .. } | Phase::SignedOut { .. } => None,
        }
    }

    /// The desk, to be changed.
    pub fn desk_mut(&mut self) -> Option<&mut Desk> {
        match &mut self.phase {
            Phase::Desk(desk) => Some(desk),
            Phase::NoConfiguration { .. } | Phase::SignedOut { .. } => None,
        }
    }
}

impl Desk {
    /// A fresh desk.
    #[must_use]
    pub fn new(session: Session) -> Self {
        Self {
            session,
            form: Form::default(),
            stage: Stage::Search(SearchStage::Idle),
            found_not_opened: HashSet::new(),
        }
    }

    /// The patient on the desk, covered or not.
    pub fn patient_mut(&mut self) -> Option<&mut PatientStage> {
        match self.stage.uncovered_mut() {
            Stage::Patient(patient) => Some(patient),
            Stage::Search(_) | Stage::Hidden { .. } => None,
        }
    }
}

impl Stage {
    /// What is under the cover, or the stage itself.
    pub fn uncovered_mut(&mut self) -> &mut Stage {
        match self {
            Stage::Hidden { under, .. } => under,
            Stage::Search(_) | Stage::Patient(_) => self,
        }
    }
}
