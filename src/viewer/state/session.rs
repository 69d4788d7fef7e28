//! What is fixed while the program runs, and who is signed in.

use crate::domain::{CareSetting, Failure, NotSignedIn, SessionOver, SiteAdvice};

/// What the command line types into the search. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Prefill {
    /// NHS number.
    pub nhs_number: String,
    /// Date of birth.
    pub date_of_birth: String,
}

impl std::fmt::Debug for Prefill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Prefill(hidden)")
    }
}

/// What does not change while the program runs.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// The demonstration: says so on every screen.
    pub demonstration: bool,
    /// Where the demonstration's local authority has its page.
    pub page: Option<String>,
    /// This program can start the demonstration.
    pub can_demonstrate: bool,
    /// People sign in at this hub, with a browser.
    pub hub: Option<String>,
    /// The desk is one person's own, and so is their account at this computer: a session may be kept in the keychain.
    pub private_desk: bool,
    /// Who can sign in.
    pub personas: Vec<Persona>,
    /// NHS number and date of birth to begin with, from the command line.
    pub prefill: Option<Prefill>,
    /// What the site's configuration says to do beside ringing the plan's authority.
    pub site: SiteAdvice,
}

/// Whose session is kept in the keychain. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Remembered {
    /// Name.
    pub name: String,
    /// Role.
    pub role: String,
    /// Organisation.
    pub organisation: String,
}

impl std::fmt::Debug for Remembered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Remembered(hidden)")
    }
}

/// What is known of a session that is kept here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Kept {
    /// None: the desk is shared, or nobody's is there.
    #[default]
    Nobody,
    /// The keychain is being asked.
    Looking,
    /// Theirs: nothing of it is used until they say that it is them.
    Somebody(Remembered),
}

/// What could not be ended of a session that was to be over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// The kept session of whom somebody else has followed: the hub was not told.
    AtTheHub,
    /// What the keychain keeps.
    InTheKeychain,
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

/// The signed-in person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The id by which the hub knows them.
    pub user: String,
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
    /// A switch is under way: the question's number, and to what.
    pub switching: Option<(u64, CareSetting)>,
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

/// Why nobody is signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedOutBecause {
    /// By their own wish.
    Asked,
    /// By their own wish, and the hub could not be told.
    NotTold,
    /// By their own wish, here; where they signed in, their browser ends it.
    AskedThere {
        /// Whether a browser could be opened.
        has_browser: bool,
    },
    /// Somebody locked the viewer.
    Locked,
    /// The computer was locked, put to sleep or handed to another user.
    ComputerLocked,
    /// The keychain did not answer whoever wanted to go on.
    KeychainIsSilent,
    /// Signing in failed.
    Failed(Failure),
    /// Nobody came back signed in from the browser.
    NotSignedIn(NotSignedIn),
    /// The session ended without their doing.
    Ended(SessionOver),
}
