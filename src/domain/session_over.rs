//! Why a session is over, in the words with which the hub says it.

/// Why a session is over. What ended it is known where the hub said so; the rest is the same everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionOver {
    /// The hub did not say why.
    Unsaid,
    /// It was ended from elsewhere with its own refresh token.
    SignedOut,
    /// Nothing was asked for too long.
    Idle,
    /// It has lasted as long as a session may.
    Over,
    /// Somebody else showed a copy of what renews it.
    Copied,
    /// The organisation's identity provider ended it: a smartcard was taken out, say.
    LoggedOut,
    /// The hub's database was restored from a backup.
    Restored,
}

impl SessionOver {
    /// Of the hub's word. A word that is not known is no reason to go on.
    #[must_use]
    pub fn of_word(word: &str) -> Self {
        match word {
            "signed-out" => Self::SignedOut,
            "idle" => Self::Idle,
            "over" => Self::Over,
            "reused" | "other-key" | "code-replayed" => Self::Copied,
            "provider" => Self::LoggedOut,
            "restored" => Self::Restored,
            _ => Self::Unsaid,
        }
    }
}
