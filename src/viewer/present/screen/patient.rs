//! A patient on the screen: banner, answer, plans, contacts, receipt and history.

use super::Action;
use crate::domain::AnswerKind;

/// A patient: banner, answer and what goes with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Patient {
    /// Fixed at the top. Region "Patient banner".
    pub banner: Banner,
    /// Region "Child protection information".
    pub answer: AnswerSlot,
    /// Under the answer: Open, or Check again, New search, Copy summary, Opened in error.
    pub actions: Vec<Action>,
    /// What to do whatever the answer: immediate danger, the safeguarding lead.
    pub next_steps: Vec<String>,
    /// One card per plan.
    pub plans: Vec<PlanCard>,
    /// Region "Social care contact"; one per authority, where there is any.
    pub contacts: Vec<ContactCard>,
    /// What was recorded and who is told; "This is not a referral. Nobody has been rung."
    pub receipt: Option<Receipt>,
    /// Region "Access history", after opening.
    pub history: Option<History>,
}

/// The patient banner, in reading order: name, born with age, gender, NHS number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Banner {
    /// `FAMILY, Given (Title)`.
    pub name: String,
    /// The rest, in order.
    pub facts: Vec<Fact>,
    /// Deceased, restricted, number replaced, born together with others.
    pub marks: Vec<String>,
    /// Changes background and pattern.
    pub deceased: bool,
}

/// A labelled value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Label, without a colon.
    pub label: String,
    /// Value.
    pub value: String,
    /// Both as a sentence fragment for a voice: "Date of birth 14 July 2019, aged 7 years".
    pub spoken: String,
}

impl Fact {
    /// A fact that is spoken as it is written.
    #[must_use]
    pub fn new(label: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        Self { label: label.to_owned(), spoken: format!("{label} {value}"), value }
    }
}

/// Where the answer is, or will be.
#[derive(Debug, Clone, PartialEq)]
pub enum AnswerSlot {
    /// Under way: what is being waited for.
    Asking(String),
    /// One of the five answers.
    Answered(AnswerPanel),
}

/// One of the five answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerPanel {
    /// Which: gives shape, icon and colour.
    pub kind: AnswerKind,
    /// Begins with the answer's word; the largest text of the screen (22 to 26 pt bold).
    pub headline: String,
    /// As loud as the headline: "1 record could not be read: ring …".
    pub warnings: Vec<String>,
    /// What it means and what to do, most important first.
    pub lines: Vec<String>,
    /// "Checked 14:32".
    pub checked: Option<String>,
}

/// One plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanCard {
    /// Heading, the label of the kind.
    pub title: String,
    /// How it is marked.
    pub tone: PlanTone,
    /// The mark in words: "Current", "Ended", …
    pub standing: String,
    /// "About this patient" or "About this patient's unborn baby, not about this patient".
    pub about: String,
    /// Started, ends, local authority.
    pub facts: Vec<Fact>,
    /// What else must be said of it.
    pub notes: Vec<String>,
}

/// How a plan is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanTone {
    /// Current, or an unborn plan in its tail, or of an unknown kind.
    Alert,
    /// Ended.
    Past,
}

/// Whom to ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactCard {
    /// The authority.
    pub heading: String,
    /// Why both numbers are offered alike, where they are.
    pub why_both: Option<String>,
    /// In the order in which to ring.
    pub lines: Vec<PhoneLine>,
}

/// A telephone line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneLine {
    /// "Ring now: emergency duty team", "Office hours", "Family support team".
    pub label: String,
    /// As sent, or what is said in place of a missing one.
    pub number: String,
    /// Largest: the one to ring now.
    pub is_first: bool,
    /// "until 08:30 Monday", "This does not look like a telephone number".
    pub note: Option<String>,
    /// The whole as a sentence for a voice.
    pub spoken: String,
    /// Copying it, where there is a number.
    pub copy: Option<Action>,
}

/// What was recorded, and who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// "Recorded 14:33, reference K7QM-3XHD".
    pub headline: String,
    /// One per authority; "No local authority was told".
    pub told: Vec<String>,
    /// As loud as the headline: "This is not a referral. Nobody has been rung".
    pub warning: String,
    /// What was done since: copied, said to be in error.
    pub notes: Vec<String>,
}

/// Who opened it before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// "Opened by".
    pub heading: String,
    /// What the list is and is not.
    pub intro: String,
    /// "Opened 7 times, about 4 visits, 3 organisations".
    pub summary: Option<String>,
    /// The summary calls for attention.
    pub summary_is_loud: bool,
    /// Loading, failed, or that nobody opened it before.
    pub state: Option<String>,
    /// Newest first.
    pub rows: Vec<AccessRow>,
}

/// One access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRow {
    /// `21-Nov-2026 02:14`.
    pub when: String,
    /// Name.
    pub who: String,
    /// Role.
    pub role: String,
    /// Organisation.
    pub organisation: String,
    /// "You, now" for the present view.
    pub mark: Option<String>,
    /// The row as a sentence for a voice.
    pub spoken: String,
}
