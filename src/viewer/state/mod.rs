//! Everything the viewer knows. Changed only in [`super::update`].
//!
//! States are enums that carry their own data: what is not in the current state does not exist, so a patient
//! who was left is gone from memory. Holds nothing on disk and reads no clock.

mod form;
mod record;
mod session;

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::present::screen::Focus;
use crate::domain::{BirthDate, Candidate, Failure, Gender, NhsNumber, SearchQuery, dates};

pub use form::{Form, Problem};
pub use record::{Asked, Copying, InError, Opened, PatientStage, Record, ViewId};
pub use session::{Kept, Left, Persona, Prefill, Remembered, Session, Setup, SignedOutBecause};

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
    /// Where the browser is to sign in, while it does.
    pub browser: Option<BrowserAt>,
    /// Whose session is kept here.
    pub kept: Kept,
    /// Whether the session of whoever is signed in is kept; `None` where it is not to be.
    pub is_kept: Option<bool>,
    /// What could not be ended of the last session; said to whoever is there.
    pub left: Vec<Left>,
    /// The viewer or the computer was locked: nobody is offered what is kept, however late it comes, before they have signed in.
    pub is_locked: bool,
    /// Whether this computer says when its screen is locked; `None` as long as that is not known.
    pub tells_lock: Option<bool>,
    /// A record was removed that nobody here has read, and a view of it may be on the books: said until somebody looks for
    /// a patient again.
    pub removed_unread: bool,
    /// The number of the last question: an answer to an earlier one is thrown away.
    pub last_ask: u64,
    /// The number of the last sign-in, from the same count: what an earlier one brings is nobody's.
    pub last_sign_in: u64,
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
        /// What somebody whose session ended had typed.
        kept: Option<Box<KeptForm>>,
    },
    /// Somebody is signed in.
    Desk(Box<Desk>),
}

/// The browser, while somebody signs in with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserAt {
    /// The address, to be copied.
    pub address: String,
    /// The number that the hub's page shows for this sign-in, too.
    pub number: String,
    /// Whether a browser was opened there.
    pub has_opened: bool,
}

/// What somebody had typed when their session ended: for them alone, and for a short time.
#[derive(Debug, Clone)]
pub struct KeptForm {
    /// Whose it is.
    pub user: String,
    /// What they had typed.
    pub form: Form,
    /// Since when.
    pub since: Duration,
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
    /// When hub and session last said that they are there.
    pub hub_heard: Duration,
    /// When somebody last typed or pointed.
    pub touched: Duration,
    /// Nothing is heard of the hub because it is asked nothing until somebody does something.
    pub waits_for_input: bool,
    /// When a cover was taken off without anybody's doing, or never.
    pub uncovered: Option<Duration>,
    /// The patient's record was answered under the cover, and has not been shown since.
    pub answered_covered: bool,
    /// Found and left without opening: how many, and nothing more (kept in memory only).
    pub found_not_opened: HashSet<NhsNumber>,
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
        /// Why.
        why: Cover,
    },
}

/// Why the desk is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cover {
    /// Somebody asked for it.
    Asked,
    /// Nothing was heard of hub and session for too long.
    HubIsLost,
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
    Number {
        /// The number.
        number: NhsNumber,
        /// The date of birth.
        born: BirthDate,
        /// The gender, where one was chosen.
        gender: Option<Gender>,
        /// The postcode to compare.
        postcode: Option<String>,
    },
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
    /// Nor do number and gender, where the date of birth is not exact.
    GenderDiffers,
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

impl Phase {
    /// Nobody is signed in, and nothing is kept.
    #[must_use]
    pub fn signed_out(why: Option<SignedOutBecause>) -> Self {
        Phase::SignedOut { why, signing_in: false, kept: None }
    }
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
            browser: None,
            kept: Kept::Nobody,
            is_kept: None,
            left: Vec::new(),
            is_locked: false,
            tells_lock: None,
            removed_unread: false,
            last_ask: 0,
            last_sign_in: 0,
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
    pub fn new(session: Session, now: Now) -> Self {
        Self {
            session,
            hub_heard: now.tick,
            touched: now.tick,
            waits_for_input: false,
            uncovered: None,
            answered_covered: false,
            form: Form::default(),
            stage: Stage::Search(SearchStage::Idle),
            found_not_opened: HashSet::new(),
        }
    }

    /// Whether a view of the patient may be on the books although nobody here has read what it brought.
    #[must_use]
    pub fn may_hold_unread_view(&self) -> bool {
        let (stage, is_covered) = match &self.stage {
            Stage::Hidden { under, .. } => (under.as_ref(), true),
            stage @ (Stage::Search(_) | Stage::Patient(_)) => (stage, false),
        };
        match stage {
            Stage::Patient(patient) => match &patient.record {
                Record::NotOpened => false,
                Record::Opening { .. } => true,
                Record::Failed { maybe_recorded, .. } => *maybe_recorded,
                Record::Opened(_) => is_covered && self.answered_covered,
            },
            Stage::Search(_) | Stage::Hidden { .. } => false,
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
