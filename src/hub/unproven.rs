//! Callers who are nobody: why, and the bounded log of their calls.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

use super::clients::CertificateError;
use super::limits;
use super::seldom::Seldom;
use crate::identity::dpop::ProofError;
use crate::identity::token::TokenError;

/// Why a caller is nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// No token, not shown as one that is bound to something, or more than one.
    Missing,
    /// A token that proves nobody.
    Token(TokenError),
    /// A genuine token, and no proof that whoever shows it holds its key.
    Proof(ProofError),
    /// A genuine token or refresh token, and no certificate that proves that whoever shows it may.
    Certificate(CertificateError),
    /// A genuine token with its key, of a session that has ended.
    Ended,
    /// A genuine token with its key, of a session that the database does not know: one that was begun after the backup
    /// from which it was restored.
    UnknownSession,
    /// A refresh token that renews nothing.
    Refresh,
    /// Headers or a form that are too long to hold any token.
    TooLong,
    /// Somebody on the way to a session, or the provider: the word is the label's value.
    SignIn(&'static str),
    /// Whether there is such a session could not be read.
    Unread,
}

impl Why {
    /// All of them: each has its line in the metrics from the start, so that a first one is seen as a rise.
    pub const ALL: &[Self] = &[
        Self::Missing,
        Self::Token(TokenError::NotGenuine),
        Self::Token(TokenError::NotNow),
        Self::Token(TokenError::Incomplete),
        Self::Token(TokenError::Unbound),
        Self::Proof(ProofError::Missing),
        Self::Proof(ProofError::NotGenuine),
        Self::Proof(ProofError::OtherKey),
        Self::Proof(ProofError::OtherRequest),
        Self::Proof(ProofError::OtherToken),
        Self::Proof(ProofError::NoNonce),
        Self::Proof(ProofError::NotNow),
        Self::Proof(ProofError::Replayed),
        Self::Certificate(CertificateError::Missing),
        Self::Certificate(CertificateError::Other),
        Self::Certificate(CertificateError::OfNoClient),
        Self::Ended,
        Self::UnknownSession,
        Self::Refresh,
        Self::TooLong,
        Self::SignIn("sign-in-other-browser"),
        Self::SignIn("sign-in-other-state"),
        Self::SignIn("sign-in-late"),
        Self::SignIn("sign-in-again"),
        Self::SignIn("sign-in-ended"),
        Self::SignIn("sign-in-error-there"),
        Self::SignIn("sign-in-too-many"),
        Self::SignIn("sign-in-other-issuer"),
        Self::SignIn("sign-in-unreadable"),
        Self::SignIn("sign-in-forged"),
        Self::SignIn("code"),
        Self::SignIn("code-refused"),
        Self::SignIn("id-token-missing"),
        Self::SignIn("id-token-too-long"),
        Self::SignIn("id-token-not-genuine"),
        Self::SignIn("id-token-unknown-key"),
        Self::SignIn("id-token-other-issuer"),
        Self::SignIn("id-token-other-audience"),
        Self::SignIn("id-token-not-now"),
        Self::SignIn("id-token-other-nonce"),
        Self::SignIn("id-token-unreadable"),
        Self::SignIn("user-info-other-person"),
        Self::SignIn("user-info-unreadable"),
        Self::SignIn("said-twice"),
        Self::SignIn("sign-out-ticket"),
        Self::SignIn("logout-not-genuine"),
        Self::SignIn("logout-unknown-key"),
        Self::SignIn("logout-other-issuer"),
        Self::SignIn("logout-other-audience"),
        Self::SignIn("logout-not-now"),
        Self::SignIn("logout-no-logout"),
        Self::SignIn("logout-nobody"),
        Self::SignIn("logout-no-id"),
        Self::SignIn("logout-replayed"),
    ];

    /// The label's value in the metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Token(TokenError::NotGenuine) => "not-genuine",
            Self::Token(TokenError::NotNow) => "not-now",
            Self::Token(TokenError::Incomplete) => "incomplete",
            Self::Token(TokenError::Unbound) => "unbound",
            Self::Proof(ProofError::Missing) => "proof-missing",
            Self::Proof(ProofError::NotGenuine) => "proof-not-genuine",
            Self::Proof(ProofError::OtherKey) => "proof-other-key",
            Self::Proof(ProofError::OtherRequest) => "proof-other-request",
            Self::Proof(ProofError::OtherToken) => "proof-other-token",
            Self::Proof(ProofError::NoNonce) => "proof-no-nonce",
            Self::Proof(ProofError::NotNow) => "proof-not-now",
            Self::Proof(ProofError::Replayed) => "proof-replayed",
            // Told to ask again, and counted with what is shed.
            Self::Proof(ProofError::Full) => "proof-full",
            Self::Certificate(CertificateError::Missing) => "certificate-missing",
            Self::Certificate(CertificateError::Other) => "certificate-other",
            Self::Certificate(CertificateError::OfNoClient) => "certificate-of-no-client",
            Self::Ended => "session-ended",
            Self::UnknownSession => "session-unknown",
            // Told to ask again.
            Self::Unread => "session-unread",
            Self::Refresh => "refresh",
            Self::TooLong => "too-long",
            Self::SignIn(word) => word,
        }
    }
}

/// A call of somebody who never proved who they are: when, at which address, and why not. Nothing of what
/// they sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnprovenCall {
    /// When.
    pub at: Timestamp,
    /// The route; empty where it was not read.
    pub path: String,
    /// Why not.
    pub why: Why,
}

/// The bounded log of such calls: in memory, so that an outsider cannot fill the disk.
#[derive(Debug, Default)]
pub struct UnprovenLog {
    count: AtomicU64,
    recent: Mutex<VecDeque<UnprovenCall>>,
    lines: Seldom,
    failures: Seldom,
}

impl UnprovenLog {
    pub(super) fn note(&self, call: UnprovenCall) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut recent = self.recent.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if recent.len() >= limits::REFUSALS_REMEMBERED {
            recent.pop_front();
        }
        recent.push_back(call);
    }

    /// Counts a call for the log; says how many there were when a line about them is due: in each minute, with
    /// the first one.
    pub(super) fn due(&self, now: Timestamp) -> Option<u64> {
        self.lines.due(now)
    }

    /// The same of answers that say that the hub failed: anybody can cause some of these, too.
    pub(super) fn failure_due(&self, now: Timestamp) -> Option<u64> {
        self.failures.due(now)
    }

    /// How many since the start.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// The last ones, oldest first.
    #[must_use]
    pub fn recent(&self) -> Vec<UnprovenCall> {
        self.recent.lock().unwrap_or_else(std::sync::PoisonError::into_inner).iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_nobody_known_are_one_line_a_minute_with_their_count() {
        let log = UnprovenLog::default();
        let at = |second: i64| log.due(Timestamp::from_second(second).unwrap());
        assert_eq!(at(60), Some(1));
        for second in 60..120 {
            assert_eq!(at(second), None);
        }
        assert_eq!(at(120), Some(61));
        assert_eq!(at(300), Some(1));
    }
}
