//! Concerns: views worth a question, for a privacy officer. What was seen, why it may be innocent, what to ask.
//!
//! It reports and never blocks, and never says that anybody did wrong. What is found is found in
//! [`super::store`]; here are its words.

mod words;

use jiff::{SignedDuration, Timestamp};

use crate::domain::NhsNumber;

/// The period that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConcernQuestion {
    /// From this moment.
    pub since: Timestamp,
    /// Until before this one.
    pub until: Timestamp,
}

impl ConcernQuestion {
    /// How long a period is where nobody says since when: a week.
    pub const USUAL: SignedDuration = SignedDuration::from_hours(7 * 24);
}

/// What kind of question a concern is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConcernKind {
    /// The viewer and the person share a family name, or a part of one.
    SameFamilyName,
    /// A record that is restricted was opened or retrieved.
    Restricted,
    /// Numbers that follow each other were asked for.
    WalkingNumbers,
    /// Somebody's searches came to the volume of an hour, or their requests to a rate.
    SearchVolume,
    /// Many people were found and none of them opened.
    FoundNotOpened,
    /// The same viewer opened the same record on three or more days.
    ManyDays,
    /// At an hour at which this viewer hardly ever works.
    UnusualHour,
    /// Nobody else at the organisation opened the record within 24 hours.
    OnlyViewer,
}

impl ConcernKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::SameFamilyName,
        Self::Restricted,
        Self::WalkingNumbers,
        Self::SearchVolume,
        Self::FoundNotOpened,
        Self::ManyDays,
        Self::UnusualHour,
        Self::OnlyViewer,
    ];
}

/// One view, or several that belong together, worth a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concern {
    /// What kind.
    pub kind: ConcernKind,
    /// From 0 to 100: how far it stands out. Not how likely it is that anything was wrong.
    pub strength: u8,
    /// Who.
    pub who: Who,
    /// The person, under the number that was asked for; of concerns about many people nobody.
    pub number: Option<NhsNumber>,
    /// What was seen, in a sentence.
    pub seen: String,
    /// The first time.
    pub first: Timestamp,
    /// The last time.
    pub last: Timestamp,
    /// How many times.
    pub times: u64,
    /// References of the views; the first of them.
    pub references: Vec<String>,
}

/// Whose views they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Who {
    /// The user's id.
    pub user: String,
    /// The name, as the last token said.
    pub name: String,
    /// The role.
    pub role: String,
    /// The organisation's code.
    pub organisation_code: String,
    /// The organisation.
    pub organisation: String,
}

/// What was found in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConcernReport {
    /// The period.
    pub question: ConcernQuestion,
    /// When it was asked, on the hub's clock.
    pub asked: Timestamp,
    /// Strongest first.
    pub concerns: Vec<Concern>,
    /// How many more of each kind there are than are listed.
    pub more: Vec<(ConcernKind, u64)>,
    /// Users whose views were looked at.
    pub users: u64,
    /// Of these, who has too little history for usual hours to be known.
    pub too_little_history: u64,
    /// Users of whom not everything was looked at, because there was too much.
    pub not_all_looked_at: u64,
}
