//! Everything that is on the screen, as finished words: what presenters make and `ui` draws.
//!
//! No colours, no sizes, no toolkit types; and no decision is left to the drawing code but how wide things
//! are. Every text that stands for an answer begins with one of the five words.

mod patient;

use crate::domain::Gender;
use crate::viewer::command::{Command, Field};

pub use patient::{
    AccessRow, AnswerPanel, AnswerSlot, Banner, ContactCard, Fact, History, Patient, PhoneLine, PlanCard,
    PlanTone, Receipt,
};

/// The whole screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Screen {
    /// Changes whenever what was typed or shown of a patient must be forgotten: ids of text fields and scroll
    /// areas contain it, so that undo history, focus and scroll position of the last patient are gone.
    pub generation: u64,
    /// Said above everything, on every screen: "Demonstration: synthetic people".
    pub strip: Option<String>,
    /// Beside it.
    pub strip_action: Option<Action>,
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
    /// The choice of gender.
    Gender,
    /// A candidate of the list.
    Candidate(usize),
    /// The first primary button.
    PrimaryButton,
    /// The answer: a node that is named by the answer's kind alone, since it is read out by itself (H29).
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
    /// What this session goes without on this computer, and what to do about it.
    pub note: Option<String>,
    /// Hide patient (where there is one), switch care (where allowed), Help, Lock, Sign out.
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
    /// What the page in the browser shows too, while it is open, and what to do where it does not.
    pub number: Option<(String, String)>,
    /// Why the last session ended, or why signing in failed.
    pub message: Option<String>,
    /// The message is news that nobody here asked for.
    pub interrupts: bool,
    /// One button each.
    pub personas: Vec<PersonaButton>,
    /// Where people sign in with a browser: what there is to press.
    pub actions: Vec<Action>,
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
    /// Stands over the fields for a patient whose number is not known.
    pub without_number: String,
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
    /// Under an outcome that is a failure: what to do whatever it is (999, whom to ring).
    pub next_steps: Vec<String>,
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

/// The list of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Help {
    /// Heading.
    pub heading: String,
    /// Key, command, what it does.
    pub rows: Vec<(String, String, String)>,
}
