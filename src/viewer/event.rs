//! What happens to the viewer: commands of a person, answers to its questions, the passing of time.

use std::time::Duration;

use jiff::Timestamp;

use super::command::{Command, Given};
use super::state::{BrowserAt, Left, Remembered, Session, Setup};
use crate::domain::{
    AccessStatus, Candidate, Dated, Failure, HistoryReading, NotSignedIn, PlansAnswer, SearchReading,
    SessionOver,
};

/// Something that happened. Answers carry the number of the question.
#[derive(Debug, Clone)]
pub enum Event {
    /// A person told the viewer to do something, and how.
    Given(Given),
    /// Time passed.
    Tick,
    /// A configuration was chosen and read, or why it was refused.
    Configured(Result<Setup, String>),
    /// The sign-in of this number ended.
    SignedIn(u64, Result<Session, Failure>),
    /// The browser is at this address, or none could be opened there.
    BrowserAt(u64, BrowserAt),
    /// Whose session is kept here, if anybody's.
    Remembered(Option<Remembered>),
    /// Whether the session of whoever is signed in is kept; `None` where it is not to be.
    IsKept(Option<bool>),
    /// The computer was locked, put to sleep or handed to another user.
    ComputerLocked,
    /// Whether this computer says so.
    TellsLock(bool),
    /// Nobody came back signed in from the browser.
    NotSignedIn(u64, NotSignedIn),
    /// The session is over at the hub, whichever question met it.
    SessionOver(SessionOver),
    /// Hub and session were there at this moment of the viewer's clock: it may be taken up much later.
    HubIsHere(Duration),
    /// The hub is asked nothing until somebody does something, or is asked again.
    WaitsForInput(bool),
    /// The hub could not be told of a sign-out.
    SignOutNotTold,
    /// Something of a session that was to be over could not be ended.
    NotEnded(Left),
    /// It was said that this could not be ended, and now it has.
    EndedAfterAll(Left),
    /// Nobody can go on with the kept session just now: the keychain does not answer.
    KeychainIsSilent(u64),
    /// The browser was to end the session at the provider, too; whether there was one.
    SignsOutThere(bool),
    /// The hub says what time it is.
    HubTime(Timestamp),
    /// The hub says that it holds synthetic people.
    HubIsSynthetic,
    /// A search was answered.
    Searched(u64, Result<Dated<SearchReading>, Failure>),
    /// A person was retrieved.
    Retrieved(u64, Result<Dated<Candidate>, Failure>),
    /// A view was answered.
    Plans(u64, Result<PlansAnswer, Failure>),
    /// The history was answered.
    History(u64, Result<HistoryReading, Failure>),
    /// What became of a view.
    Status(u64, Result<AccessStatus, Failure>),
    /// "Opened in error" was taken or not.
    OpenedInError(u64, Result<(), Failure>),
    /// The care setting was switched or not.
    CareSwitched(u64, Result<(), Failure>),
    /// A copy was recorded or not.
    CopyRecorded(u64, Result<(), Failure>),
    /// A recorded copy is on the clipboard, or the clipboard refused.
    OnClipboard(u64, bool),
    /// The computer slept, or its clock was set.
    Slept,
    /// Somebody has typed or pointed, whether it did anything or not.
    SomebodyIsHere,
}

impl Event {
    /// The question of this session's that the hub answered, if this says that it did: then hub and session are there.
    #[must_use]
    pub fn answered(&self) -> Option<u64> {
        let (ask, is_answered) = match self {
            Event::Searched(ask, result) => (ask, result.is_ok()),
            Event::Retrieved(ask, result) => (ask, result.is_ok()),
            Event::Plans(ask, result) => (ask, result.is_ok()),
            Event::History(ask, result) => (ask, result.is_ok()),
            Event::Status(ask, result) => (ask, result.is_ok()),
            Event::OpenedInError(ask, result)
            | Event::CareSwitched(ask, result)
            | Event::CopyRecorded(ask, result) => (ask, result.is_ok()),
            Event::Given(_)
            | Event::Tick
            | Event::Configured(_)
            | Event::SignedIn(..)
            | Event::BrowserAt(..)
            | Event::NotSignedIn(..)
            | Event::Remembered(_)
            | Event::IsKept(_)
            | Event::ComputerLocked
            | Event::TellsLock(_)
            | Event::SessionOver(_)
            | Event::HubIsHere(_)
            | Event::WaitsForInput(_)
            | Event::SignOutNotTold
            | Event::NotEnded(_)
            | Event::EndedAfterAll(_)
            | Event::KeychainIsSilent(_)
            | Event::SignsOutThere(_)
            | Event::HubTime(_)
            | Event::HubIsSynthetic
            | Event::OnClipboard(..)
            | Event::Slept
            | Event::SomebodyIsHere => return None,
        };
        is_answered.then_some(*ask)
    }

    /// A command by pointing at it, or through assistive software.
    #[must_use]
    pub fn pointed(command: Command) -> Self {
        Event::Given(Given { command, keyed: false })
    }

    /// A command by a key.
    #[must_use]
    pub fn keyed(command: Command) -> Self {
        Event::Given(Given { command, keyed: true })
    }
}
