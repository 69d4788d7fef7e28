//! Everything that is on the screen, as finished words: what presenters make and `ui` draws.
//!
//! No colours, no sizes, no toolkit types; and no decision is left to the drawing code but how wide things
//! are. Every text that stands for an answer begins with one of the five words.

use crate::domain::{AnswerKind, Gender};
use crate::viewer::command::{Command, Field};

/// The whole screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Screen {
    /// Changes whenever what was typed or shown of a patient must be forgotten: ids of text fields and scroll
    /// areas contain it, so that undo history, focus and scroll position of the last patient are gone.
    pub generation: u64,
    /// Said above everything, on every screen: "Demonstration: synthetic people".
    pub strip: Option<String>,
    /// The live region's text.
    pub announcement: Announcement,
    /// Where the keyboard goes; acted on once for each new `serial`.
    pub focus: Focus,
    /// Who is signed in; `None` before signing in.
    pub session: Option<SessionBar>,
    /// The rest.
    pub body: Body,
    /// The list of keys, while shown.
    pub help: Option<Help>,
}

/// What a screen reader says by itself. Patient data is never in it: it is heard across the desk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Announcement {
    /// The text; empty for nothing.
    pub text: String,
    /// Interrupts what is being said: alerts and failures.
    pub assertive: bool,
}

/// A request to move the keyboard focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Focus {
    /// A new number is a new request.
    pub serial: u64,
    /// Where to.
    pub target: FocusTarget,
}

/// What can be focused on request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FocusTarget {
    /// Leave the focus where it is.
    #[default]
    Nowhere,
    /// A field of the search form.
    Field(Field),
    /// A candidate of the list.
    Candidate(usize),
    /// The first primary button.
    PrimaryButton,
    /// The answer's headline (focusable so that it is read).
    Answer,
    /// The first persona.
    SignIn,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// Words on it and accessible name.
    pub label: String,
    /// What it does.
    pub command: Command,
    /// Its key, to be shown beside it.
    pub shortcut: Option<String>,
    /// How it stands out.
    pub prominence: Prominence,
}

impl Action {
    /// A button for a command with the command's own label and key.
    #[must_use]
    pub fn new(command: Command, prominence: Prominence) -> Self {
        Self {
            label: command.label().to_owned(),
            shortcut: command.shortcut().map(crate::viewer::command::Shortcut::shown),
            command,
            prominence,
        }
    }
}

/// How a button stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prominence {
    /// The one thing to do next.
    Primary,
    /// Other things to do.
    Secondary,
    /// There, without asking for attention.
    Quiet,
}

/// The signed-in person. Region "Session".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionBar {
    /// Name.
    pub name: String,
    /// Role.
    pub role: String,
    /// Organisation.
    pub organisation: String,
    /// "Unscheduled care: social care is told" or "Scheduled care: social care is not told".
    pub care: String,
    /// The care setting is one that tells nobody: shown differently.
    pub care_is_silent: bool,
    /// "2 found, not opened".
    pub found_not_opened: Option<String>,
    /// Hide patient (where there is one), switch care (where allowed), Help, Sign out.
    pub actions: Vec<Action>,
}

/// The body of the screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// A page with a heading, some text and buttons: no configuration, cannot start.
    Notice(Notice),
    /// Choose who signs in.
    SignIn(SignIn),
    /// The search, with its results.
    Search(Search),
    /// A patient, opened or not.
    Patient(Patient),
}

/// A page with a heading, some text and buttons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Heading.
    pub heading: String,
    /// Paragraphs.
    pub text: Vec<String>,
    /// Buttons.
    pub actions: Vec<Action>,
}

/// Choose who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// Heading.
    pub heading: String,
    /// What this is and is not.
    pub intro: Vec<String>,
    /// Why the last session ended, or why signing in failed.
    pub message: Option<String>,
    /// One button each.
    pub personas: Vec<PersonaButton>,
}

/// A persona to sign in as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonaButton {
    /// Accessible name: "Sign in as Sam Okafor, staff nurse, Great Western Hospital".
    pub label: String,
    /// Name.
    pub name: String,
    /// Role.
    pub role: String,
    /// Organisation.
    pub organisation: String,
    /// What this persona may do, in a few words.
    pub note: String,
    /// What pressing does.
    pub command: Command,
}

/// The search form and what came of the search.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// Heading.
    pub heading: String,
    /// "NHS number and date of birth" fields, then "without the number" fields.
    pub fields: Vec<FormField>,
    /// Gender chosen (for a search by name).
    pub gender: Option<Gender>,
    /// Said at the gender choice, such as that it is needed for an estimated date.
    pub gender_error: Option<String>,
    /// Said under the form, such as that a name is not used where a number is given.
    pub form_note: Option<String>,
    /// Find patient.
    pub find: Action,
    /// "Searching…", while it is under way.
    pub progress: Option<String>,
    /// Clear, and whatever else.
    pub actions: Vec<Action>,
    /// No match, mismatch, failure: one of the five answers.
    pub outcome: Option<AnswerPanel>,
    /// "3 people match exactly. Choose by name, date of birth and NHS number", where there are candidates.
    pub candidates_heading: Option<String>,
    /// The people to choose from.
    pub candidates: Vec<CandidateRow>,
    /// What to do about the outcome: search for similar names, try again.
    pub outcome_actions: Vec<Action>,
    /// Where nothing was searched yet: what one can do here. In the demonstration the people to try.
    pub guidance: Vec<String>,
}

/// A text field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormField {
    /// Which; its label is the accessible name.
    pub field: Field,
    /// The text in it.
    pub text: String,
    /// An example of what to type.
    pub hint: String,
    /// What is wrong with it, in words.
    pub error: Option<String>,
}

/// A person of the result list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateRow {
    /// Accessible name: the whole row as a sentence.
    pub spoken: String,
    /// `FAMILY, Given (Title)`.
    pub name: String,
    /// `Born 14-Jul-2019 (7y 4m)`.
    pub born: String,
    /// `Female`.
    pub gender: String,
    /// `999 000 0018`.
    pub number: String,
    /// "Twin: check the given name", "Same name as another in this list", "Matches a previous name".
    pub marks: Vec<String>,
    /// Taking this person.
    pub command: Command,
}

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
    /// One per authority; "No local authority was told"; "This is not a referral. Nobody has been rung."
    pub lines: Vec<String>,
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

/// The list of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Help {
    /// Heading.
    pub heading: String,
    /// Key, command, what it does.
    pub rows: Vec<(String, String, String)>,
}
