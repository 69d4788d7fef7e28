//! The patient on the desk, and how far the question about them has come.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::{
    AccessReference, AccessStatus, Answer, CareSetting, ConfirmedPatient, Failure, HistoryReading,
    PostcodeCheck,
};

/// A patient on the desk.
#[derive(Debug, Clone)]
pub struct PatientStage {
    /// Who, with the proof that a human matched them.
    pub patient: ConfirmedPatient,
    /// Another number was typed, and has been replaced by this one.
    pub number_was_replaced: bool,
    /// How the typed postcode compares with the one held.
    pub postcode: PostcodeCheck,
    /// When they came onto the desk: opening is refused for a moment after.
    pub arrived: Duration,
    /// The child protection information.
    pub record: Record,
    /// The answered views of this patient since they came onto the desk, newest first.
    pub views: Vec<AccessReference>,
    /// When the first of them was answered.
    pub first_view: Option<Duration>,
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
    /// As what it is asked: fixed with the view, whatever the session is switched to meanwhile.
    pub care: CareSetting,
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
    /// How many times the history was asked for.
    pub history_tries: u8,
    /// The last copy.
    pub copying: Copying,
}

/// A copy: recorded by the hub first, then made.
#[derive(Clone, PartialEq, Eq)]
pub enum Copying {
    /// None was asked for.
    No,
    /// Being recorded.
    Recording {
        /// The question's number.
        ask: u64,
        /// What is to be copied.
        text: String,
    },
    /// Recorded, and on its way to the clipboard.
    Putting(u64),
    /// On the clipboard.
    Done,
    /// The hub could not record it.
    NotRecorded(Failure),
    /// Recorded, and the clipboard refused.
    NoClipboard,
}

impl std::fmt::Debug for Copying {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Copying(hidden)")
    }
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
