//! Who opened the information before, and what became of this view.

use jiff::Timestamp;

/// One access from unscheduled care, as the history lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// When it was opened.
    pub at: Timestamp,
    /// The viewer's name; empty where none came.
    pub name: String,
    /// Their role; empty where none came.
    pub role: String,
    /// Their organisation; empty where none came.
    pub organisation: String,
    /// The view that is on screen now.
    pub is_present_view: bool,
}

/// The access history as read: at most 25, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistoryReading {
    /// The readable accesses.
    pub accesses: Vec<Access>,
    /// How many received entries could not be read.
    pub unreadable: usize,
}

/// The reference under which the hub logged a view: shown, quoted on the telephone, carried in the
/// notification.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccessReference(String);

impl AccessReference {
    /// Reads a reference as received: 4 to 40 letters, digits and dashes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits =
            (4..=40).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        fits.then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How far the telling of one authority has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoticeState {
    /// On disk at the hub, not yet sent.
    Queued,
    /// The authority's mailbox acknowledged it.
    Delivered,
    /// The authority's link put it on the child's record.
    Filed,
    /// It came back undelivered.
    Returned,
    /// An earlier view of the same person by the same user told them within the last 30 minutes.
    ToldEarlier,
}

/// What one authority was, or will be, told of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The authority's name.
    pub authority: String,
    /// How far it has come.
    pub state: NoticeState,
    /// When that state was reached.
    pub at: Timestamp,
}

/// What became of a view, from the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessStatus {
    /// The view.
    pub reference: AccessReference,
    /// When it was recorded.
    pub recorded: Timestamp,
    /// A silent view (scheduled care): nobody is told.
    pub silent: bool,
    /// One for each authority that holds a plan; empty where nothing is held.
    pub notices: Vec<Notice>,
}
