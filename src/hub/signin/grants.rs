//! What waits in memory on the way to a session: people whom the page asks, codes that nobody has changed yet, and
//! addresses that end a session at the provider. All of people who were proven; all bounded, all short-lived, each used once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::asked::Asked;
use crate::domain::Caller;
use crate::hub::limits;
use crate::hub::provider::{Logout, Proven};
use crate::hub::sessions::SessionTimes;
use crate::hub::store::Origin;
use crate::identity::refresh::RefreshToken;

/// Somebody whom the page asks whether to go on.
#[derive(Clone)]
pub(super) struct Waiting {
    pub(super) asked: Asked,
    pub(super) proven: std::sync::Arc<Proven>,
    /// What the page's form has to send back.
    pub(super) form: String,
    pub(super) until: Timestamp,
}

/// What a code is changed for.
#[derive(Clone)]
pub(super) struct Grant {
    pub(super) asked: Asked,
    /// Who, with the id of the session that is to begin.
    pub(super) caller: Caller,
    pub(super) times: SessionTimes,
    pub(super) since: Timestamp,
    pub(super) origin: Origin,
    pub(super) until: Timestamp,
}

/// What became of a code.
enum Code {
    Waits(Box<Grant>),
    /// It was changed; what is heard of it until its session is on disk ends that.
    Changed {
        origin: Origin,
        until: Timestamp,
        is_spoilt: bool,
    },
}

impl Code {
    fn origin(&self) -> &Origin {
        match self {
            Self::Waits(grant) => &grant.origin,
            Self::Changed { origin, .. } => origin,
        }
    }
}

/// What came of a code that was shown.
pub(super) enum Taken {
    Grant(Box<Grant>),
    /// It was changed before.
    Again,
    Unknown,
}

#[derive(Default)]
struct Held {
    waiting: HashMap<String, Waiting>,
    /// Attempts that have come back from the provider once, and until when their cookie could come again.
    spent: HashMap<String, Timestamp>,
    /// By the session that is to begin.
    codes: HashMap<String, Code>,
    tickets: HashMap<String, (String, Timestamp)>,
}

/// All of it. `Debug` shows nothing.
#[derive(Default)]
pub(super) struct Grants(Mutex<Held>);

impl std::fmt::Debug for Grants {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Grants(hidden)")
    }
}

/// For how long a changed code is known here; then the session on disk knows it.
const CHANGED_KNOWN: std::time::Duration = limits::SIGN_IN;

impl Grants {
    fn held(&self) -> MutexGuard<'_, Held> {
        // Nothing that is done under the lock leaves half a state behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets somebody wait for the page; not where there are too many.
    pub(super) fn wait(&self, attempt: &str, one: Waiting, now: Timestamp) -> bool {
        let mut held = self.held();
        held.waiting.retain(|_, one| one.until > now);
        held.spent.retain(|_, until| *until > now);
        let is_full = held.waiting.len() >= limits::SIGN_INS || held.spent.len() >= limits::SIGN_INS;
        if is_full || held.spent.contains_key(attempt) {
            return false;
        }
        let until = now.checked_add(limits::SIGN_IN).unwrap_or(Timestamp::MAX);
        held.spent.insert(attempt.to_owned(), until);
        held.waiting.insert(attempt.to_owned(), one);
        true
    }

    /// Whether an attempt has come back from the provider before.
    pub(super) fn is_spent(&self, attempt: &str) -> bool {
        self.held().spent.contains_key(attempt)
    }

    pub(super) fn waiting(&self, attempt: &str, now: Timestamp) -> Option<Waiting> {
        self.held().waiting.get(attempt).filter(|one| one.until > now).cloned()
    }

    /// Ends the waiting, for whoever comes first.
    pub(super) fn answered(&self, attempt: &str) -> bool {
        self.held().waiting.remove(attempt).is_some()
    }

    /// Keeps what a code is to be changed for.
    pub(super) fn give(&self, grant: Grant, now: Timestamp) -> bool {
        let mut held = self.held();
        let seconds = CHANGED_KNOWN.as_secs().cast_signed();
        held.codes.retain(|_, code| match code {
            // For longer than it is good: whoever comes late is told so in the audit log.
            Code::Waits(grant) => now.as_second() < grant.until.as_second().saturating_add(seconds),
            Code::Changed { until, .. } => now < *until,
        });
        if held.codes.len() >= limits::SIGN_INS {
            return false;
        }
        held.codes.insert(grant.caller.session.clone(), Code::Waits(Box::new(grant)));
        true
    }

    /// Whether a code is known here, whatever came of it.
    pub(super) fn knows(&self, code: &RefreshToken) -> bool {
        self.held().codes.get(code.session()).is_some_and(|known| known.origin().code == code.hash())
    }

    /// Takes what a code is changed for: once.
    pub(super) fn take(&self, code: &RefreshToken, now: Timestamp) -> Taken {
        let mut held = self.held();
        let Some(known) = held.codes.get_mut(code.session()) else { return Taken::Unknown };
        if known.origin().code != code.hash() {
            return Taken::Unknown;
        }
        let until = now.checked_add(CHANGED_KNOWN).unwrap_or(Timestamp::MAX);
        let changed = Code::Changed { origin: known.origin().clone(), until, is_spoilt: false };
        match std::mem::replace(known, changed) {
            Code::Waits(grant) => Taken::Grant(grant),
            Code::Changed { origin, until, .. } => {
                *known = Code::Changed { origin, until, is_spoilt: true };
                Taken::Again
            }
        }
    }

    /// Whether the code was shown again, or its person signed out at the provider, since it was taken.
    pub(super) fn is_spoilt(&self, session: &str) -> bool {
        matches!(self.held().codes.get(session), Some(Code::Changed { is_spoilt: true, .. }))
    }

    /// Somebody has signed out at the provider: neither page nor code of theirs is good any more.
    pub(super) fn end(&self, logout: &Logout) {
        let mut held = self.held();
        held.waiting.retain(|_, one| !is_of(logout, &one.proven.subject, one.proven.session.as_deref()));
        for code in held.codes.values_mut() {
            let (subject, session) = (code.origin().subject.clone(), code.origin().session.clone());
            if !is_of(logout, &subject, session.as_deref()) {
                continue;
            }
            let (origin, until) = match code {
                Code::Waits(grant) => (grant.origin.clone(), grant.until),
                Code::Changed { origin, until, .. } => (origin.clone(), *until),
            };
            *code = Code::Changed { origin, until, is_spoilt: true };
        }
    }

    /// Keeps an address to go to; a ticket for it.
    pub(super) fn ticket(&self, address: String, now: Timestamp) -> Option<String> {
        let ticket = super::secrets::unguessable()?;
        let until = now.checked_add(limits::SIGN_OUT_TICKET).ok()?;
        let mut held = self.held();
        held.tickets.retain(|_, (_, until)| *until > now);
        if held.tickets.len() >= limits::SIGN_OUT_TICKETS {
            return None;
        }
        held.tickets.insert(ticket.clone(), (address, until));
        Some(ticket)
    }

    /// Where a ticket leads: once.
    pub(super) fn redeem(&self, ticket: &str, now: Timestamp) -> Option<String> {
        let (address, until) = self.held().tickets.remove(ticket)?;
        (until > now).then_some(address)
    }
}

/// Whether a logout is about this person's session: by session where both name one, by person otherwise.
fn is_of(logout: &Logout, subject: &str, session: Option<&str>) -> bool {
    let is_person = logout.subject.as_deref().is_none_or(|ended| ended == subject);
    let is_session = logout.session.as_deref().is_none_or(|ended| session == Some(ended));
    is_person && is_session
}
