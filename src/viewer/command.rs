//! What a person can tell the viewer to do. A command owns its label, its hint and its key, so that button,
//! help and keyboard cannot disagree.

use crate::domain::Gender;

/// A text field of the search form. Its label is also its accessible name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// NHS number.
    NhsNumber,
    /// Date of birth.
    DateOfBirth,
    /// Family name.
    FamilyName,
    /// Given name.
    GivenName,
    /// Postcode.
    Postcode,
}

impl Field {
    /// All of them, in tab order.
    pub const ALL: [Field; 5] =
        [Field::NhsNumber, Field::DateOfBirth, Field::FamilyName, Field::GivenName, Field::Postcode];

    /// Label and accessible name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Field::NhsNumber => "NHS number",
            Field::DateOfBirth => "Date of birth",
            Field::FamilyName => "Family name",
            Field::GivenName => "Given name",
            Field::Postcode => "Postcode",
        }
    }
}

/// A command. `Debug` says which, never what was typed.
#[derive(Clone, PartialEq, Eq)]
pub enum Command {
    /// Sign in as the persona with this index.
    SignIn(usize),
    /// Sign in with the system's browser.
    SignInByBrowser,
    /// Go on with the session that is kept here.
    Continue,
    /// End that session, and sign in.
    SignInAsSomebodyElse,
    /// Give up signing in.
    CancelSignIn,
    /// Copy the address at which to sign in.
    CopyAddress,
    /// End the session.
    SignOut,
    /// Leave the desk: end the session here and at the hub.
    Lock,
    /// Choose a configuration file in a native dialog.
    OpenConfiguration,
    /// Leave for the demonstration (offered only where there is no configuration).
    StartDemonstration,
    /// Open the local authority's page (offered in the demonstration only).
    OpenPage,
    /// The text of a field was changed to this.
    Typed(Field, String),
    /// The keyboard left a field.
    LeftField(Field),
    /// Gender chosen for the search; `None` is any.
    ChooseGender(Option<Gender>),
    /// Search.
    Find,
    /// Search for similar names.
    FindSimilar,
    /// Take the candidate with this index.
    Pick(usize),
    /// Open the child protection information.
    Open,
    /// Ask the hub again.
    CheckAgain,
    /// Clear everything of the patient and go back to the search.
    NewSearch,
    /// Cover the patient, or uncover within the time limit.
    HidePatient,
    /// Say that the record was opened in error.
    OpenedInError,
    /// Copy the number of the contact and line with these indexes.
    CopyNumber {
        /// Index of the contact.
        contact: usize,
        /// Index of the line within it.
        line: usize,
    },
    /// Copy the plain-text summary.
    CopySummary,
    /// Copy what the person selected of what they typed themselves.
    CopyTyped(String),
    /// Change between scheduled and unscheduled care (only offered to those who may do both).
    SwitchCare,
    /// Show or hide the help.
    Help,
}

/// A command as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Which.
    pub command: Command,
    /// By Enter, Space or another key, which a finger or a scanner can press without meaning to; not by
    /// pointing at it or through assistive software.
    pub keyed: bool,
}

/// A key, with modifiers, in words that both the help and the keyboard reading understand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortcut {
    /// Control held.
    pub control: bool,
    /// Shift held.
    pub shift: bool,
    /// The key as egui names it: `F1`, `Enter`, `Escape`, `C`, `1`.
    pub key: &'static str,
}

impl Shortcut {
    const fn plain(key: &'static str) -> Self {
        Self { control: false, shift: false, key }
    }

    const fn control(key: &'static str) -> Self {
        Self { control: true, shift: false, key }
    }

    const fn control_shift(key: &'static str) -> Self {
        Self { control: true, shift: true, key }
    }

    /// As people read it: `Ctrl+Shift+C`, `Esc`.
    #[must_use]
    pub fn shown(self) -> String {
        let key = if self.key == "Escape" { "Esc" } else { self.key };
        let control = if self.control { "Ctrl+" } else { "" };
        let shift = if self.shift { "Shift+" } else { "" };
        format!("{control}{shift}{key}")
    }
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Command({})", self.label())
    }
}

impl Command {
    /// Every command that has a key of its own, in the order in which the help lists them.
    pub const WITH_KEYS: [Command; 14] = [
        Command::Find,
        Command::FindSimilar,
        Command::Open,
        Command::CheckAgain,
        Command::NewSearch,
        Command::HidePatient,
        Command::CopyNumber { contact: 0, line: 0 },
        Command::CopySummary,
        Command::OpenedInError,
        Command::SwitchCare,
        Command::Lock,
        Command::SignOut,
        Command::OpenConfiguration,
        Command::Help,
    ];

    /// The words on its button, which are also its accessible name. (A persona's button names the persona.)
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Command::SignIn(_) => "Sign in",
            Command::SignInByBrowser => "Sign in",
            Command::Continue => "Continue",
            Command::SignInAsSomebodyElse => "Sign in as somebody else",
            Command::Lock => "Lock",
            Command::CancelSignIn => "Cancel",
            Command::CopyAddress => "Copy the address",
            Command::SignOut => "Sign out",
            Command::OpenConfiguration => "Open a configuration file…",
            Command::StartDemonstration => "Start the demonstration",
            Command::OpenPage => "See what the local authority sees",
            Command::Typed(field, _) | Command::LeftField(field) => field.label(),
            Command::ChooseGender(_) => "Gender",
            Command::Find => "Find patient",
            Command::FindSimilar => "Search for similar names",
            Command::Pick(_) => "This is the patient",
            Command::Open => "Open child protection information",
            Command::CheckAgain => "Check again",
            Command::NewSearch => "New search",
            Command::HidePatient => "Hide patient",
            Command::OpenedInError => "Opened in error",
            Command::CopyNumber { .. } => "Copy number",
            Command::CopySummary => "Copy summary",
            Command::CopyTyped(_) => "Copy",
            Command::SwitchCare => "Switch care setting",
            Command::Help => "Help",
        }
    }

    /// What it does, for the help.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Command::SignIn(_) => "Sign in for this role",
            Command::SignInByBrowser => "Sign in at your organisation's page, in your web browser",
            Command::Continue => "Go on with your session on this computer",
            Command::SignInAsSomebodyElse => "End the session that is kept here, and sign in",
            Command::Lock => {
                "Leave the desk: your session ends, and nothing of you or the patient stays here"
            }
            Command::CancelSignIn => "Do not sign in now",
            Command::CopyAddress => "Copy the address of the page at which to sign in",
            Command::SignOut => {
                "End your session here and at your organisation's sign-in; nothing of the patient stays"
            }
            Command::OpenConfiguration => "Choose the file that says which hub to use",
            Command::StartDemonstration => "Look around with synthetic people",
            Command::OpenPage => "Open the local authority's page in the web browser",
            Command::Typed(..) | Command::LeftField(_) => "Type what you know",
            Command::ChooseGender(_) => "Narrow a search by name",
            Command::Find => "Find the patient by number or name, and date of birth",
            Command::FindSimilar => {
                "After an exact search found nobody: names that sound alike or are swapped"
            }
            Command::Pick(_) => "Take the chosen person from the list; arrow keys move in it",
            Command::Open => "Ask CP-IS. Your name, role and organisation are recorded",
            Command::CheckAgain => "Ask CP-IS again about this patient",
            Command::NewSearch => "Clear everything and start with the next patient",
            Command::HidePatient => "Cover the patient at once; again to uncover",
            Command::OpenedInError => "Within 10 minutes: tell the hub that this was the wrong record",
            Command::CopyNumber { .. } => "Copy the first telephone number",
            Command::CopySummary => "Copy a short text for the patient's notes",
            Command::CopyTyped(_) => "Copy what is selected",
            Command::SwitchCare => {
                "Change between unscheduled and scheduled care, where your role may do both"
            }
            Command::Help => "Show or hide this list",
        }
    }

    /// Its key.
    #[must_use]
    pub fn shortcut(&self) -> Option<Shortcut> {
        match self {
            Command::SignOut => Some(Shortcut::control_shift("Q")),
            Command::Lock => Some(Shortcut::control("L")),
            Command::OpenConfiguration => Some(Shortcut::control("O")),
            Command::Find => Some(Shortcut::plain("Enter")),
            Command::FindSimilar => Some(Shortcut::plain("F6")),
            Command::Open => Some(Shortcut::control("Enter")),
            Command::CheckAgain => Some(Shortcut::plain("F5")),
            Command::NewSearch => Some(Shortcut::plain("Escape")),
            Command::HidePatient => Some(Shortcut::plain("F8")),
            Command::OpenedInError => Some(Shortcut::control_shift("E")),
            Command::CopyNumber { contact: 0, line: 0 } => Some(Shortcut::control_shift("N")),
            Command::CopySummary => Some(Shortcut::control_shift("C")),
            Command::SwitchCare => Some(Shortcut::control_shift("M")),
            Command::Help => Some(Shortcut::plain("F1")),
            Command::SignIn(_)
            | Command::SignInByBrowser
            | Command::Continue
            | Command::SignInAsSomebodyElse
            | Command::CancelSignIn
            | Command::CopyAddress
            | Command::StartDemonstration
            | Command::OpenPage
            | Command::Typed(..)
            | Command::LeftField(_)
            | Command::ChooseGender(_)
            | Command::Pick(_)
            | Command::CopyTyped(_)
            | Command::CopyNumber { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_with_a_key_has_its_own() {
        let keys: Vec<String> = Command::WITH_KEYS
            .iter()
            .map(|c| c.shortcut().map(Shortcut::shown).unwrap_or_default())
            .collect();
        for (i, key) in keys.iter().enumerate() {
            assert!(!key.is_empty(), "{:?}", Command::WITH_KEYS[i]);
            assert!(!keys[..i].contains(key), "{key} twice");
        }
    }
}
