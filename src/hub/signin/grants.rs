//! What waits in memory on the way to a session: people whom the page asks, codes that nobody has changed yet, and
//! addresses that end a session at the provider. All of people who were proven; all bounded, all short-lived, each used once.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::asked::Asked;
use crate::domain::Caller;
use crate::hub::limits;
use crate::hub::provider::{Logout, Proven};
use crate::hub::sessions::SessionTimes;
use crate::hub::store::{EndedBy, Origin};
use crate::identity::dpop::Thumbprint;
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
    /// When the provider said that they are signed in, in seconds of its clock.
    pub(super) issued: i64,
    pub(super) origin: Origin,
    pub(super) until: Timestamp,
}

/// What became of a code.
enum Code {
    Waits(Box<Grant>),
    /// It was changed; what is heard of it until its session is on disk ends that.
    Changed {
        origin: Origin,
        key: Option<Thumbprint>,
        issued: i64,
        until: Timestamp,
        /// What ends the session that begins with it.
        spoilt: Option<EndedBy>,
    },
}

impl Code {
    fn origin(&self) -> &Origin {
        match self {
            Self::Waits(grant) => &grant.origin,
            Self::Changed { origin, .. } => origin,
        }
    }

    /// The key that it is for, if it is a viewer's.
    fn key(&self) -> Option<&Thumbprint> {
        match self {
            Self::Waits(grant) => grant.asked.program.key(),
            Self::Changed { key, .. } => key.as_ref(),
        }
    }

    fn issued(&self) -> i64 {
        match self {
            Self::Waits(grant) => grant.issued,
            Self::Changed { issued, .. } => *issued,
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

/// Whether somebody waits for the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waits {
    Now,
    /// The person has signed out at the provider meanwhile.
    HasEnded,
    TooMany,
}

#[derive(Default)]
struct Held {
    waiting: HashMap<String, Waiting>,
    /// By the session that is to begin.
    codes: HashMap<String, Code>,
    tickets: HashMap<String, (String, Timestamp)>,
    /// What the provider has ended, as long as somebody on the way could be meant: until when.
    ended: VecDeque<(Logout, Timestamp)>,
}

impl Held {
    /// Whether the provider has said since that this person's session there has ended.
    fn has_ended(&self, subject: &str, session: Option<&str>, issued: i64) -> bool {
        self.ended.iter().any(|(logout, _)| logout.is_of(subject, session, issued))
    }
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

/// For how long after it somebody on the way could be meant by a logout: at the provider, at the page, with a code.
const ON_THE_WAY: std::time::Duration =
    limits::SIGN_IN.saturating_add(limits::SIGN_IN_PAGE).saturating_add(limits::CODE);

impl Grants {
    fn held(&self) -> MutexGuard<'_, Held> {
        // Nothing that is done under the lock leaves half a state behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets somebody wait for the page; not where there are too many.
    pub(super) fn wait(&self, attempt: &str, one: Waiting, now: Timestamp) -> Waits {
        let mut held = self.held();
        held.waiting.retain(|_, one| one.until > now);
        let Proven { subject, session, issued, .. } = one.proven.as_ref();
        let has_ended = held.has_ended(subject, session.as_deref(), *issued);
        if has_ended {
            return Waits::HasEnded;
        }
        if held.waiting.len() >= limits::SIGN_INS {
            return Waits::TooMany;
        }
        held.waiting.insert(attempt.to_owned(), one);
        Waits::Now
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
        let Origin { subject, session, .. } = &grant.origin;
        if held.codes.len() >= limits::SIGN_INS || held.has_ended(subject, session.as_deref(), grant.issued) {
            return false;
        }
        held.codes.insert(grant.caller.session.clone(), Code::Waits(Box::new(grant)));
        true
    }

    /// Of a code that is known here, whatever came of it: the key that it is for, if it is a viewer's.
    pub(super) fn key(&self, code: &RefreshToken) -> Option<Option<Thumbprint>> {
        let held = self.held();
        let known = held.codes.get(code.session()).filter(|known| known.origin().code == code.hash());
        known.map(|known| known.key().cloned())
    }

    /// Takes what a code is changed for: once.
    pub(super) fn take(&self, code: &RefreshToken, now: Timestamp) -> Taken {
        let mut held = self.held();
        let Some(known) = held.codes.get_mut(code.session()) else { return Taken::Unknown };
        if known.origin().code != code.hash() {
            return Taken::Unknown;
        }
        let until = now.checked_add(CHANGED_KNOWN).unwrap_or(Timestamp::MAX);
        let (origin, key, issued) = (known.origin().clone(), known.key().cloned(), known.issued());
        match std::mem::replace(known, Code::Changed { origin, key, issued, until, spoilt: None }) {
            Code::Waits(grant) => Taken::Grant(grant),
            Code::Changed { origin, key, issued, until, spoilt } => {
                let spoilt = spoilt.or(Some(EndedBy::CodeReplayed));
                *known = Code::Changed { origin, key, issued, until, spoilt };
                Taken::Again
            }
        }
    }

    /// Why the session of a code ends before it has begun: the code was shown again since it was taken, or its person signed
    /// out at the provider. Of both the first.
    pub(super) fn spoilt(&self, session: &str) -> Option<EndedBy> {
        match self.held().codes.get(session) {
            Some(Code::Changed { spoilt, .. }) => *spoilt,
            Some(Code::Waits(_)) | None => None,
        }
    }

    /// Somebody has signed out at the provider: neither page nor code of theirs is good any more, nor is one that only
    /// now comes of what the provider said before. The sessions that began, or are beginning, with such a code.
    pub(super) fn end(&self, logout: &Logout, now: Timestamp) -> Vec<String> {
        let mut held = self.held();
        held.ended.retain(|(_, until)| *until > now);
        if !held.ended.iter().any(|(known, _)| known == logout) {
            if held.ended.len() >= limits::LOGOUTS_REMEMBERED {
                held.ended.pop_front();
            }
            let until = now.checked_add(ON_THE_WAY).unwrap_or(Timestamp::MAX);
            held.ended.push_back((logout.clone(), until));
        }
        held.waiting.retain(|_, one| {
            let proven = &one.proven;
            !logout.is_of(&proven.subject, proven.session.as_deref(), proven.issued)
        });
        let mut begun = Vec::new();
        for (session, code) in &mut held.codes {
            let (origin, key, issued) = (code.origin().clone(), code.key().cloned(), code.issued());
            if !logout.is_of(&origin.subject, origin.session.as_deref(), issued) {
                continue;
            }
            let (until, spoilt) = match code {
                Code::Waits(grant) => (grant.until, None),
                Code::Changed { until, spoilt, .. } => {
                    begun.push(session.clone());
                    (*until, *spoilt)
                }
            };
            let spoilt = spoilt.or(Some(EndedBy::Provider));
            *code = Code::Changed { origin, key, issued, until, spoilt };
        }
        begun
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::provider::Person;
    use jiff::SignedDuration;

    const TIMES: SessionTimes =
        SessionTimes { idle: SignedDuration::from_mins(15), whole: SignedDuration::from_hours(12) };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn person() -> Person {
        let text = || "a".to_owned();
        Person { user: text(), name: text(), roles: Vec::new(), unusable: Vec::new(), selected: None }
    }

    fn waiting(issued: i64) -> Waiting {
        let proven = Proven {
            person: person(),
            subject: "a".to_owned(),
            session: None,
            id_token: String::new(),
            times: TIMES,
            since: at(issued),
            issued,
        };
        let asked = super::super::asked::tests::fitting();
        Waiting { asked, proven: std::sync::Arc::new(proven), form: String::new(), until: at(issued + 300) }
    }

    fn grant(issued: i64, session: &str) -> (Grant, RefreshToken) {
        let code = RefreshToken::first(session).unwrap();
        let text = || "a".to_owned();
        let origin = Origin {
            provider: text(),
            subject: text(),
            session: None,
            id_token: text(),
            code: code.hash(),
            device: None,
        };
        let caller = Caller {
            user: text(),
            name: text(),
            role: text(),
            role_profile: text(),
            organisation_code: text(),
            organisation: text(),
            activities: Vec::new(),
            session: session.to_owned(),
            client: None,
        };
        let asked = super::super::asked::tests::fitting();
        let until = at(issued + 60);
        (Grant { asked, caller, times: TIMES, since: at(issued), issued, origin, until }, code)
    }

    #[test]
    fn a_logout_meets_whoever_is_on_the_way_wherever_they_are() {
        let grants = Grants::default();
        let session = || uuid::Uuid::new_v4().simple().to_string();
        let (early, late) = (session(), session());
        let (given, code) = grant(1000, &early);
        assert_eq!(grants.wait("page", waiting(1000), at(1000)), Waits::Now);
        assert!(grants.give(given, at(1000)));
        assert!(matches!(grants.take(&code, at(1000)), Taken::Grant(_)), "its session is being written");
        let logout = Logout { subject: Some("a".to_owned()), session: None, made: 1000, id: "1".to_owned() };
        assert_eq!(grants.end(&logout, at(1001)), std::slice::from_ref(&early));
        assert_eq!(grants.spoilt(&early), Some(EndedBy::Provider));
        assert!(matches!(grants.take(&code, at(1001)), Taken::Again));
        assert_eq!(grants.spoilt(&early), Some(EndedBy::Provider), "of two reasons the first");
        assert!(grants.waiting("page", at(1001)).is_none());
        // What the provider said before is no good when it comes only now; what it says since is.
        assert_eq!(grants.wait("behind", waiting(1000), at(1002)), Waits::HasEnded);
        assert!(!grants.give(grant(1000, &late).0, at(1002)));
        assert_eq!(grants.wait("since", waiting(1001), at(1002)), Waits::Now);
        assert!(grants.give(grant(1001, &late).0, at(1002)));
        // The same word again is one.
        grants.end(&logout, at(1003));
        assert_eq!(grants.held().ended.len(), 1);
    }
}
