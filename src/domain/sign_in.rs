//! Signing in through the organisation's page in a browser: who came back, and why somebody did not.

use super::{Failure, Right};

/// Whoever signed in, as the hub says it.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedInPerson {
    /// Their id at the identity service.
    pub user: String,
    /// Name.
    pub name: String,
    /// Job role.
    pub role: String,
    /// Organisation.
    pub organisation: String,
    /// Its code.
    pub organisation_code: String,
    /// What the role may do.
    pub rights: Vec<Right>,
}

impl std::fmt::Debug for SignedInPerson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignedInPerson(hidden)")
    }
}

/// Why nobody is signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotSignedIn {
    /// The person pressed "Do not sign in", did not sign in at the provider, or may not.
    Denied,
    /// The organisation's provider, or the hub, cannot just now.
    NotAvailable,
    /// The hub refused what this viewer asked.
    Refused,
    /// What came back is not of this hub.
    OtherHub,
    /// No port of this computer could be listened on.
    NoPort,
    /// Nobody came back in time.
    TooLate,
    /// The computer was left meanwhile.
    Left,
    /// The hub did not answer.
    Hub(Failure),
}
