//! What nobody may guess, and the cookie in which a beginning of somebody's signing in waits in their own browser: sealed,
//! so that the hub keeps nothing for strangers.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{constant_time, digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::asked::Asked;
use crate::hub::limits;

const BYTES: usize = 32;

/// What binds a sealed text to what it is for.
const PURPOSE: &[u8] = b"cpis sign-in 1";

/// A text that nobody can guess; `None` where the machine gives no random numbers.
pub(super) fn unguessable() -> Option<String> {
    let mut bytes = Zeroizing::new([0_u8; BYTES]);
    rand::fill(bytes.as_mut_slice()).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes.as_slice()))
}

/// Whether two texts are the same, in a time that says nothing of where they differ.
pub(super) fn same(one: &str, other: &str) -> bool {
    constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

/// SHA-256 in base64url, as PKCE writes it.
pub(super) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

/// One attempt of somebody's to sign in, from the viewer's question to the hub's answer.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Attempt {
    /// Unlike any other's.
    pub(super) id: String,
    /// What the viewer asked.
    pub(super) asked: Asked,
    /// What the provider has to send back, and to write into the id token.
    pub(super) state: String,
    pub(super) nonce: String,
    /// Proves to the provider that it was the hub that asked.
    pub(super) verifier: String,
    /// When it began, in seconds.
    pub(super) begun: i64,
}

impl Attempt {
    pub(super) fn begin(asked: Asked, now: Timestamp) -> Option<Self> {
        Some(Self {
            id: unguessable()?,
            asked,
            state: unguessable()?,
            nonce: unguessable()?,
            verifier: unguessable()?,
            begun: now.as_second(),
        })
    }

    /// Whether the browser has come back in time.
    pub(super) fn is_in_time(&self, now: Timestamp) -> bool {
        let age = now.as_second().saturating_sub(self.begun);
        (0..=limits::SIGN_IN.as_secs().cast_signed()).contains(&age)
    }
}

/// Seals attempts with a key of this process: what was sealed before it started is none.
pub(super) struct Sealing(RandomizedNonceKey);

impl std::fmt::Debug for Sealing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealing(hidden)")
    }
}

impl Sealing {
    pub(super) fn new() -> Option<Self> {
        let mut key = Zeroizing::new([0_u8; BYTES]);
        rand::fill(key.as_mut_slice()).ok()?;
        RandomizedNonceKey::new(&AES_256_GCM, key.as_slice()).ok().map(Self)
    }

    pub(super) fn seal(&self, attempt: &Attempt) -> Option<String> {
        let mut text = serde_json::to_vec(attempt).ok()?;
        let nonce = self.0.seal_in_place_append_tag(Aad::from(PURPOSE), &mut text).ok()?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.extend_from_slice(&text);
        Some(URL_SAFE_NO_PAD.encode(sealed))
    }

    pub(super) fn open(&self, sealed: &str) -> Option<Attempt> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let text = self.0.open_in_place(nonce, Aad::from(PURPOSE), &mut text).ok()?;
        serde_json::from_slice(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_opened_by_its_own_key_alone_and_only_as_it_was() {
        let asked = super::super::asked::tests::fitting();
        let attempt = Attempt::begin(asked, Timestamp::UNIX_EPOCH).unwrap();
        let (sealing, other) = (Sealing::new().unwrap(), Sealing::new().unwrap());
        let sealed = sealing.seal(&attempt).unwrap();
        assert!(!sealed.contains(&attempt.state) && sealed.len() < 3000, "{}", sealed.len());
        assert_eq!(sealing.open(&sealed).unwrap().state, attempt.state);
        assert!(other.open(&sealed).is_none());
        let mut changed = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        changed[40] ^= 1;
        assert!(sealing.open(&URL_SAFE_NO_PAD.encode(changed)).is_none());
        for none in ["", "x", "AAAA", &sealed[..20]] {
            assert!(sealing.open(none).is_none());
        }
    }

    #[test]
    fn an_attempt_lasts_so_long_and_never_begins_later() {
        let asked = super::super::asked::tests::fitting();
        let attempt = Attempt::begin(asked, Timestamp::from_second(1000).unwrap()).unwrap();
        let at = |second| attempt.is_in_time(Timestamp::from_second(second).unwrap());
        assert!(at(1000) && at(1600) && !at(1601) && !at(999));
    }
}
