//! Sentences that more than one screen says, and the words for every failure.

use std::borrow::Cow;

use crate::domain::{Failure, NotSignedIn, SessionOver};
use crate::viewer::state::Left;

/// What failed, as the middle of a sentence.
#[must_use]
pub fn cause(failure: Failure) -> &'static str {
    match failure {
        Failure::NameNotFound => "the CP-IS service's name was not found on the network",
        Failure::NoConnection => "there is no connection to the CP-IS service",
        Failure::NotSecure => "the connection to the CP-IS service is not secure, so it was not used",
        Failure::NotTrusted => {
            "this computer does not trust the certificate of the CP-IS service, so nothing was sent to it"
        }
        Failure::OtherName => {
            "the certificate of the CP-IS service is for another address than the one set up here, so nothing was sent to it"
        }
        Failure::OutOfDate => {
            "the certificate of the CP-IS service is out of date, or this computer's clock is wrong, so nothing was sent to it"
        }
        Failure::TimedOut => "the CP-IS service did not answer in time",
        Failure::CutShort => "the connection broke before the whole answer was here",
        Failure::TooLarge => "the answer was far too large to be one",
        Failure::Unreadable => "the answer could not be read",
        Failure::NoReference => "the answer did not say under which reference this view was recorded",
        Failure::SessionEnded => "your session has ended",
        Failure::Unattended => "nobody has used this computer for a while, so it was not asked for",
        Failure::Refused => "the CP-IS service refused: your role may not do this",
        Failure::NotKnown => "the CP-IS service does not know this NHS number",
        Failure::NoLongerInUse => "this NHS number is no longer in use",
        Failure::NotAccepted => "the CP-IS service did not accept the question",
        Failure::AskedTooOften { .. } => "you have asked the CP-IS service too often in a short time",
        Failure::Busy => "the CP-IS service is too busy",
        Failure::HubFailed => "the CP-IS service has a fault",
        Failure::OtherPerson => "the answer was about another person, so it is not shown",
        Failure::NoTime => "the answer did not say when it was made",
    }
}

/// What the clinician can do about it, beside ringing.
#[must_use]
pub fn remedy(failure: Failure) -> Cow<'static, str> {
    Cow::Borrowed(match failure {
        Failure::AskedTooOften { seconds } => {
            return Cow::Owned(format!("Wait {}, then try once more", how_long(seconds)));
        }
        Failure::SessionEnded => "Sign in again and search again",
        Failure::Refused => "Ask the nurse in charge or your safeguarding lead to check for you",
        Failure::NotKnown | Failure::NoLongerInUse => {
            "Check the number with the patient's records, or search by name and date of birth"
        }
        Failure::NotSecure
        | Failure::NotTrusted
        | Failure::OtherName
        | Failure::OutOfDate
        | Failure::NameNotFound
        | Failure::NotAccepted
        | Failure::TooLarge => "Try once more; if it stays so, tell your IT help desk what this says",
        Failure::NoConnection
        | Failure::TimedOut
        | Failure::CutShort
        | Failure::Unattended
        | Failure::Unreadable
        | Failure::NoReference
        | Failure::Busy
        | Failure::HubFailed
        | Failure::OtherPerson
        | Failure::NoTime => "Try once more",
    })
}

/// That a session is over, why, and the way back.
#[must_use]
pub fn session_over(over: SessionOver, has_kept: bool) -> String {
    let why = match over {
        SessionOver::Unsaid => "Your session has ended",
        SessionOver::SignedOut => "Your session has ended: it was signed out elsewhere",
        SessionOver::Idle => "Your session has ended because nothing was done in it for too long",
        SessionOver::Over => "Your session has ended because it has lasted as long as a session may",
        SessionOver::Copied => {
            "Your session has ended because somebody else tried to use it: tell your IT help desk"
        }
        SessionOver::LoggedOut => {
            "Your session has ended because your organisation signed you out, as when a smartcard is taken out"
        }
        SessionOver::Restored => "Your session has ended because the CP-IS service was restored",
    };
    let kept = if has_kept { "; what you had typed is kept for you for 2 minutes" } else { "" };
    format!("{why}. Nothing of the patient is left here. Sign in again to go on{kept}")
}

/// That the computer was locked, and with it the session is over.
#[must_use]
pub fn computer_locked(is_unread: bool) -> String {
    let why = "The computer was locked, asleep or with another user";
    let what = "You are signed out, and nothing of the last session is left in this viewer";
    let unread = if is_unread { format!(". {REMOVED_UNREAD}") } else { String::new() };
    format!("{why}. {what}{unread}")
}

/// Why nobody came back signed in, and the way on.
#[must_use]
pub fn not_signed_in(why: NotSignedIn) -> String {
    let why = match why {
        NotSignedIn::Denied => {
            "it was declined, or your organisation did not let you in. Ask your IT help desk if you do not know why"
        }
        NotSignedIn::NotAvailable => "your organisation's sign-in does not answer just now",
        NotSignedIn::Refused => "the CP-IS service did not accept it",
        NotSignedIn::OtherHub => {
            "the answer did not come from the CP-IS service that is set up here. Tell your IT help desk"
        }
        NotSignedIn::NoPort => "this computer does not let the browser come back to this window",
        NotSignedIn::TooLate => "nobody came back from the browser within 10 minutes",
        NotSignedIn::Left => "this computer was locked, asleep or with another user meanwhile",
        NotSignedIn::Hub(failure) => cause(failure),
    };
    format!("You are not signed in: {why}")
}

/// Said where nobody could be signed in.
pub const NOT_SIGNED_IN_YET: &str =
    "You do not have an answer about any patient. If you are worried about a child, do not wait for this:";
/// Said after a sign-out.
pub const SIGNED_OUT: &str = "You are signed out. Nothing of the last session is left in this viewer";
/// Said where the hub could not be told: then it could not say either where the browser signs out.
pub const SIGNED_OUT_UNHEARD: &str = "You are signed out here. The CP-IS service could not be told, and ends your session by itself. Take out your smartcard, or close your web browser: the next person here might be signed in as you";

/// Said after a sign-out here, while whoever it was may still be signed in at the provider.
#[must_use]
pub fn signed_out_there(has_browser: bool) -> String {
    let there = if has_browser {
        "If your web browser asks whether to sign you out, say yes"
    } else {
        "Your web browser could not be opened to sign you out there, too: take out your smartcard, or close it"
    };
    format!("{SIGNED_OUT}. {there}: otherwise the next person here might be signed in as you")
}

/// `a minute`, `40 minutes`: never less than it is.
fn how_long(seconds: u32) -> String {
    match seconds.div_ceil(60) {
        0 | 1 => "a minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}

/// Whether only those who mend computers can help.
#[must_use]
pub fn is_for_it_help(failure: Failure) -> bool {
    matches!(
        failure,
        Failure::NotSecure
            | Failure::NotTrusted
            | Failure::OtherName
            | Failure::OutOfDate
            | Failure::NameNotFound
            | Failure::NotAccepted
            | Failure::TooLarge
    )
}

/// Said where something of the last session is not over.
#[must_use]
pub fn left(left: Left) -> &'static str {
    match left {
        Left::AtTheHub => {
            "The CP-IS service could not be told that the session that was kept here is over: it ends it by itself"
        }
        Left::InTheKeychain => {
            "The last session could not be taken out of this computer's keychain, and may be offered again: unlock the keychain and sign in here; if it is offered, choose Sign in as somebody else. If neither helps, tell your IT help desk"
        }
    }
}

/// Said where somebody wants to go on with what the keychain does not give.
pub const KEYCHAIN_IS_SILENT: &str =
    "This computer's keychain does not answer: unlock it and press again, or sign in as somebody else";
/// Said where somebody has left the desk.
pub const LOCKED: &str = "Locked. You are signed out, and nothing of the last session is left in this viewer";
/// Said where the session is not kept: no keychain answers, or it takes no entry as long as this.
pub const NOT_KEPT: &str =
    "This computer cannot keep you signed in: you sign in again each time the viewer starts";
/// Said where nothing tells that the screen is locked.
pub const LOCK_NOT_TOLD: &str =
    "This computer does not tell the viewer when its screen is locked: press Ctrl+L before you leave it";
/// Said on every *Could not check*.
pub const NO_ANSWER: &str = "You do not have an answer. Treat it as unknown, never as no plan";
/// Said where nothing is heard of the hub.
pub const HUB_LOST: &str = "Connection to the hub lost";
/// Said where that is so because nobody has done anything for a while.
pub const PRESS_A_KEY: &str = "Press a key to connect again";
/// Said where searches by name are refused for a while: numbers are not.
pub const BY_NUMBER: &str = "To find a patient meanwhile, use the NHS number";
/// Said where a view may have been recorded although nothing came of it.
pub const MAYBE_RECORDED: &str = "This view may already have been recorded";
/// Said where a record went that nobody here has read. Nothing of the patient: anybody may read it.
pub const REMOVED_UNREAD: &str = "A record was removed from this screen before anybody read it. A view may have been recorded: look the patient up again";
/// Said after every view.
pub const NOT_A_REFERRAL: &str = "This is not a referral. Nobody has been rung";

/// `1 record`, `2 records`.
#[must_use]
pub fn count(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

/// The first letter as a capital.
#[must_use]
pub fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// `A`, `A and B`, `A, B and C`.
#[must_use]
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
