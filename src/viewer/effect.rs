//! What the viewer wants done outside itself, as data. `run` does it and answers with an event.

use std::time::Duration;

use crate::domain::{AccessReference, CareSetting, NhsNumber, Report, SearchQuery, View};

/// Something to be done. Questions carry a number, which the answer brings back.
#[derive(Clone, PartialEq, Eq)]
pub enum Effect {
    /// Sign in as this persona. What comes of it waits under the number until it is kept or revoked.
    SignIn(u64, usize),
    /// From now on everything is asked with what the sign-in of this number gave.
    KeepSignIn(u64),
    /// Nobody wants what the sign-in of this number gave: its tokens, and no others, are revoked.
    RevokeSignIn(u64),
    /// Sign in with the system's browser.
    SignInByBrowser(u64),
    /// Look whether a session is kept here.
    LookForKept,
    /// Go on with it.
    Continue(u64),
    /// End it at the hub, and take it out of the keychain.
    EndKept,
    /// The same where the desk is shared, and was not before.
    EndEarlier,
    /// Give up that sign-in.
    CancelSignIn,
    /// End the session: here, at the hub, and at the provider by a page in the browser.
    SignOut,
    /// End the session here and at the hub, where it may go on although nothing can be asked in it here.
    Lock,
    /// Forget the session here, and leave it where it is kept.
    SetAside,
    /// Show a native dialog for a configuration file.
    ChooseConfiguration,
    /// Leave for the demonstration.
    StartDemonstration,
    /// Open the local authority's page in the browser.
    OpenPage(String),
    /// Search people.
    Search(u64, SearchQuery),
    /// Retrieve a person, and compare the typed postcode.
    Retrieve(u64, NhsNumber, Option<String>),
    /// Ask for plans: a recorded view.
    OpenPlans(u64, View),
    /// Ask who opened it before.
    History(u64, View),
    /// The same again after it failed. Nobody has done anything for it.
    HistoryAgain(u64, View),
    /// Ask what became of a view.
    Status(u64, AccessReference),
    /// Say that these views were in error, in this order.
    OpenedInError(u64, Vec<AccessReference>),
    /// Switch between scheduled and unscheduled care.
    SwitchCare(u64, CareSetting),
    /// Report a copy to the audit log; only then may it be made.
    ReportCopy(u64, AccessReference, Report),
    /// Put a text on the clipboard, to be forgotten with the patient.
    PutOnClipboard {
        /// The number of the question that recorded it; `None` for what the person typed themselves.
        ask: Option<u64>,
        /// The text.
        text: String,
    },
    /// Empty the clipboard if it still holds what was copied from here.
    ForgetClipboard,
    /// Come back with a tick after this time at the latest.
    WakeAfter(Duration),
}

impl std::fmt::Debug for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Effect::SignIn(..) => "SignIn",
            Effect::KeepSignIn(_) => "KeepSignIn",
            Effect::RevokeSignIn(_) => "RevokeSignIn",
            Effect::SignInByBrowser(_) => "SignInByBrowser",
            Effect::LookForKept => "LookForKept",
            Effect::Continue(_) => "Continue",
            Effect::EndKept => "EndKept",
            Effect::EndEarlier => "EndEarlier",
            Effect::Lock => "Lock",
            Effect::SetAside => "SetAside",
            Effect::CancelSignIn => "CancelSignIn",
            Effect::SignOut => "SignOut",
            Effect::ChooseConfiguration => "ChooseConfiguration",
            Effect::StartDemonstration => "StartDemonstration",
            Effect::OpenPage(_) => "OpenPage",
            Effect::Search(..) => "Search",
            Effect::Retrieve(..) => "Retrieve",
            Effect::OpenPlans(..) => "OpenPlans",
            Effect::History(..) => "History",
            Effect::HistoryAgain(..) => "HistoryAgain",
            Effect::Status(..) => "Status",
            Effect::OpenedInError(..) => "OpenedInError",
            Effect::SwitchCare(..) => "SwitchCare",
            Effect::ReportCopy(..) => "ReportCopy",
            Effect::PutOnClipboard { .. } => "PutOnClipboard",
            Effect::ForgetClipboard => "ForgetClipboard",
            Effect::WakeAfter(_) => "WakeAfter",
        })
    }
}
