//! Tokens that were proved already: a signature is reckoned once, not for each request of its caller.
//!
//! A token is known by its SHA-256 alone; its text is not kept. What is known is only that the signature, the
//! issuer and the claims are good: whether it is valid *now* is asked each time. There is no way yet to take a
//! token back before it expires; whoever adds one has to ask here too.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest;

use super::binding::Binding;
use crate::domain::Caller;

/// Tokens that are known at once. Where there are more, those that have expired go, and then all: they are
/// proved again.
const MOST: usize = 4096;

/// The hash of a token.
pub(super) type Hash = [u8; digest::SHA256_OUTPUT_LEN];

/// Whom a genuine token names, to what it is bound, and for which seconds it was issued.
#[derive(Debug, Clone)]
pub(super) struct Proved {
    pub(super) caller: Caller,
    pub(super) binding: Binding,
    pub(super) issued: i64,
    pub(super) expires: i64,
}

/// The tokens that were proved. `Debug` says how many.
#[derive(Default)]
pub(super) struct ProvedTokens(Mutex<HashMap<Hash, Proved>>);

impl std::fmt::Debug for ProvedTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ProvedTokens({})", self.known().len())
    }
}

/// `None` where the library's hash is of another length, which it is not.
pub(super) fn hash(token: &str) -> Option<Hash> {
    digest::digest(&digest::SHA256, token.as_bytes()).as_ref().try_into().ok()
}

impl ProvedTokens {
    fn known(&self) -> MutexGuard<'_, HashMap<Hash, Proved>> {
        // Nothing that is done under the lock leaves half a state behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, hash: &Hash) -> Option<Proved> {
        self.known().get(hash).cloned()
    }

    pub(super) fn forget(&self, hash: &Hash) {
        self.known().remove(hash);
    }

    pub(super) fn keep(&self, hash: Hash, proved: Proved, now: i64) {
        let mut known = self.known();
        if known.len() >= MOST {
            known.retain(|_, proved| proved.expires > now);
        }
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(hash, proved);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_tokens_are_known_than_there_is_room_for_and_the_expired_go_first() {
        let tokens = ProvedTokens::default();
        let proved = |expires| Proved {
            caller: Caller {
                user: "1".to_owned(),
                name: "Sam Okafor".to_owned(),
                role: "Staff nurse".to_owned(),
                role_profile: "2".to_owned(),
                organisation_code: "RN3".to_owned(),
                organisation: "Great Western Hospital".to_owned(),
                activities: Vec::new(),
                session: "s".to_owned(),
                client: None,
            },
            binding: Binding::of_certificate(&[0; 32]),
            issued: 0,
            expires,
        };
        let named = |name: usize| hash(&name.to_string()).unwrap();
        for token in 0..MOST {
            tokens.keep(named(token), proved(if token < 10 { 5 } else { 100 }), 10);
        }
        assert_eq!(format!("{tokens:?}"), "ProvedTokens(4096)");
        tokens.keep(named(MOST), proved(100), 10);
        assert_eq!(format!("{tokens:?}"), "ProvedTokens(4087)");
        assert!(tokens.get(&named(3)).is_none() && tokens.get(&named(11)).is_some());
        for token in MOST..2 * MOST {
            tokens.keep(named(token), proved(100), 10);
        }
        assert!(tokens.known().len() <= MOST);
    }
}
