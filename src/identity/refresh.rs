//! Refresh tokens: with one a session gets its next access token, and the refresh token after it.
//!
//! Each follows from the one before by a key of the session's ([`RefreshToken::successor`]). So the hub, which keeps
//! hashes alone, can give the same successor again to whoever did not receive it, and nobody who reads its database
//! can make one.

use std::fmt;

use aws_lc_rs::{digest, hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::token::KeyError;

/// Bytes of a secret.
const SECRET_BYTES: usize = 32;

/// Letters of a session's id: a UUID without its hyphens.
const ID_LETTERS: usize = 32;

/// A refresh token: the session's id, and a secret. `Debug` shows neither; the secret is wiped when it is dropped.
#[derive(Clone)]
pub struct RefreshToken {
    session: String,
    secret: Zeroizing<[u8; SECRET_BYTES]>,
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(hidden)")
    }
}

impl RefreshToken {
    /// The first one of a session.
    ///
    /// # Errors
    /// The machine gave no random numbers.
    pub fn first(session: &str) -> Result<Self, KeyError> {
        Ok(Self { session: session.to_owned(), secret: Zeroizing::new(random()?) })
    }

    /// Reads one; `None` where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (session, secret) = text.split_once('.')?;
        let is_id = session.len() == ID_LETTERS && session.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
        let length = URL_SAFE_NO_PAD.decode_slice(secret, bytes.as_mut_slice()).ok()?;
        (is_id && length == SECRET_BYTES).then(|| Self { session: session.to_owned(), secret: bytes })
    }

    /// The text that the viewer keeps, in memory alone.
    #[must_use]
    pub fn secret(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(format!("{}.", self.session));
        URL_SAFE_NO_PAD.encode_string(self.secret.as_slice(), &mut text);
        text
    }

    /// The session that it is of.
    #[must_use]
    pub fn session(&self) -> &str {
        &self.session
    }

    /// What the hub keeps of it.
    #[must_use]
    pub fn hash(&self) -> Vec<u8> {
        digest::digest(&digest::SHA256, self.secret.as_slice()).as_ref().to_vec()
    }

    /// The one after it, in the session with this key.
    #[must_use]
    pub fn successor(&self, chain: &[u8]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, chain);
        let tag = hmac::sign(&key, self.secret.as_slice());
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        secret.iter_mut().zip(tag.as_ref()).for_each(|(byte, made)| *byte = *made);
        Self { session: self.session.clone(), secret }
    }
}

/// The key by which a session's refresh tokens follow from each other.
///
/// # Errors
/// The machine gave no random numbers.
pub fn chain() -> Result<[u8; SECRET_BYTES], KeyError> {
    random()
}

fn random() -> Result<[u8; SECRET_BYTES], KeyError> {
    let mut bytes = [0; SECRET_BYTES];
    rand::fill(&mut bytes).map_err(|_| KeyError::NotMade)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_token_is_read_as_it_was_written_and_its_successor_follows_by_the_sessions_key_alone() {
        let first = RefreshToken::first(SESSION).unwrap();
        let read = RefreshToken::parse(&first.secret()).unwrap();
        assert_eq!((read.session(), read.hash()), (SESSION, first.hash()));
        let (ours, others) = (chain().unwrap(), chain().unwrap());
        let hash_after = |chain: &[u8]| first.successor(chain).hash();
        assert_eq!(hash_after(&ours), read.successor(&ours).hash());
        assert_ne!(hash_after(&ours), hash_after(&others));
        assert_ne!(hash_after(&ours), first.hash());
        assert_eq!(format!("{first:?}"), "RefreshToken(hidden)");
    }

    #[test]
    fn what_is_no_refresh_token_is_none() {
        let good = RefreshToken::first(SESSION).unwrap().secret().to_string();
        assert!(RefreshToken::parse(&good).is_some());
        let secret = good.split_once('.').unwrap().1;
        for bad in [
            "",
            ".",
            SESSION,
            &format!("{SESSION}."),
            &format!("{SESSION}.{secret}A"),
            &format!("{SESSION}.{}", &secret[1..]),
            &format!("{SESSION}x.{secret}"),
            &format!("{}.{secret}", SESSION.replace('0', "g")),
            &format!("{SESSION}.{secret}.{secret}"),
            &format!("{SESSION}.{}", "é".repeat(22)),
        ] {
            assert!(RefreshToken::parse(bad).is_none(), "{bad}");
        }
    }
}
