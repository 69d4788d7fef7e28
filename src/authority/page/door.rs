//! Who is let in. On this computer whoever has the start token, once: it is exchanged for a cookie. Behind the authority's
//! proxy whomever the proxy names, if it proves itself with the shared secret: without that its header is anybody's.
//!
//! Secrets are never kept as they are shown, and compared in constant time. Nothing here is logged.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::{constant_time, digest, hmac};
use axum::http::{HeaderMap, HeaderName};
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::super::register::Reader;
use super::limits::{PAGE_IDLE, PAGE_SESSION, PAGE_SESSIONS, PAGE_START, PAGE_STARTS};

/// Least characters of the shared secret.
pub const SECRET_CHARACTERS: usize = 32;

/// Somebody at the page. `Debug` names nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// Under which name what they do is recorded, and what they may see: the one that the authority's own systems know them by.
    pub reader: Reader,
    /// What their forms have to bring.
    pub(super) form: String,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person(hidden)")
    }
}

/// How people get in.
pub enum Way {
    /// With a start token, on this computer: always the same person.
    Start {
        /// Who.
        reader: Reader,
    },
    /// Behind the authority's proxy.
    Proxy {
        /// The header in which the proxy says who it is.
        user_header: HeaderName,
        /// The header in which it proves itself.
        secret_header: HeaderName,
        /// With what.
        secret: Zeroizing<String>,
    },
}

/// The door.
pub(super) struct Door {
    way: Way,
    key: hmac::Key,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    /// Start tokens that were not used yet, by their digest, with the end of their time; the oldest first.
    starts: Vec<(Digest, Timestamp)>,
    /// Browsers that were let in, by the digest of their cookie.
    sessions: HashMap<Digest, Session>,
}

struct Session {
    begun: Timestamp,
    seen: Timestamp,
}

type Digest = [u8; 32];

/// What random numbers could not be had for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this computer gives no random numbers")]
pub struct NoRandom;

impl Door {
    pub(super) fn new(way: Way) -> Result<Self, NoRandom> {
        let mut key = Zeroizing::new([0; 32]);
        aws_lc_rs::rand::fill(key.as_mut_slice()).map_err(|_| NoRandom)?;
        Ok(Self { way, key: hmac::Key::new(hmac::HMAC_SHA256, key.as_slice()), inside: Mutex::default() })
    }

    /// A start token: good once, and for a while. None where people come through a proxy.
    pub(super) fn start_token(&self, now: Timestamp) -> Result<Option<Zeroizing<String>>, NoRandom> {
        if matches!(self.way, Way::Proxy { .. }) {
            return Ok(None);
        }
        let token = random()?;
        let mut inside = self.inside();
        inside.starts.retain(|(_, until)| *until > now);
        if inside.starts.len() >= PAGE_STARTS {
            inside.starts.remove(0);
        }
        let until = now.saturating_add(PAGE_START).unwrap_or(Timestamp::MAX);
        inside.starts.push((digest_of(&token), until));
        Ok(Some(token))
    }

    /// Exchanges a start token for what the cookie has to say.
    pub(super) fn exchange(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Zeroizing<String>>, NoRandom> {
        let shown = digest_of(token);
        let cookie = random()?;
        let mut inside = self.inside();
        let Some(place) = inside.starts.iter().position(|(known, _)| is_same(known, &shown)) else {
            return Ok(None);
        };
        // Used or too late: either way it is gone.
        let (_, until) = inside.starts.remove(place);
        if until <= now {
            return Ok(None);
        }
        inside.sessions.retain(|_, session| session.is_good(now));
        if inside.sessions.len() >= PAGE_SESSIONS {
            let idle = inside.sessions.iter().min_by_key(|(_, session)| session.seen).map(|(id, _)| *id);
            if let Some(idle) = idle {
                inside.sessions.remove(&idle);
            }
        }
        inside.sessions.insert(digest_of(&cookie), Session { begun: now, seen: now });
        Ok(Some(cookie))
    }

    /// Who is asking, if they are let in. `cookie` is what the page's own cookie says.
    pub(super) fn let_in(&self, cookie: Option<&str>, headers: &HeaderMap, now: Timestamp) -> Option<Person> {
        match &self.way {
            Way::Start { reader } => {
                let id = digest_of(cookie?);
                let mut inside = self.inside();
                let session = inside.sessions.get_mut(&id)?;
                if !session.is_good(now) {
                    inside.sessions.remove(&id);
                    return None;
                }
                session.seen = now;
                drop(inside);
                Some(Person { reader: reader.clone(), form: self.form(&id) })
            }
            Way::Proxy { user_header, secret_header, secret } => {
                let shown = only(headers, secret_header)?;
                if !is_same(&digest_of(shown), &digest_of(secret)) {
                    return None;
                }
                let user = only(headers, user_header)?;
                if user.chars().any(crate::domain::text::is_unprintable) {
                    return None;
                }
                let reader = Reader::named(user)?;
                let form = self.form(&digest_of(reader.user()));
                Some(Person { reader, form })
            }
        }
    }

    /// Forgets a browser.
    pub(super) fn leave(&self, cookie: &str) {
        self.inside().sessions.remove(&digest_of(cookie));
    }

    /// Whether people come in with a cookie, and can be let out.
    pub(super) fn has_sessions(&self) -> bool {
        matches!(self.way, Way::Start { .. })
    }

    /// What the forms of a browser, or of somebody behind the proxy, have to bring.
    fn form(&self, whose: &Digest) -> String {
        hex(hmac::sign(&self.key, whose).as_ref())
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        // Nothing that is done under the lock leaves half a state behind.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Person {
    /// Whether a form is one that was given to this person.
    pub(super) fn gave(&self, form: &str) -> bool {
        is_same(&digest_of(form), &digest_of(&self.form))
    }
}

impl Session {
    fn is_good(&self, now: Timestamp) -> bool {
        let within = |since: Timestamp, time: std::time::Duration| {
            since.saturating_add(time).is_ok_and(|until| now < until)
        };
        within(self.begun, PAGE_SESSION) && within(self.seen, PAGE_IDLE)
    }
}

/// A header that is there once, and is text.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let (one, None) = (values.next()?, values.next()) else { return None };
    std::str::from_utf8(one.as_bytes()).ok()
}

fn random() -> Result<Zeroizing<String>, NoRandom> {
    let mut bytes = Zeroizing::new([0; 32]);
    aws_lc_rs::rand::fill(bytes.as_mut_slice()).map_err(|_| NoRandom)?;
    Ok(Zeroizing::new(hex(bytes.as_slice())))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digest_of(text: &str) -> Digest {
    let mut of = Digest::default();
    of.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    of
}

fn is_same(one: &Digest, other: &Digest) -> bool {
    constant_time::verify_slices_are_equal(one, other).is_ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T02:15:00Z".parse().unwrap()
    }

    fn door() -> Door {
        Door::new(Way::Start { reader: Reader::named("jo.marsh").unwrap() }).unwrap()
    }

    #[test]
    fn a_start_token_is_good_once_and_for_a_while_and_a_cookie_until_it_is_idle_or_old() {
        let (door, nobody) = (door(), HeaderMap::new());
        let token = door.start_token(now()).unwrap().unwrap();
        assert_eq!(door.exchange(&"0".repeat(64), now()).unwrap(), None);
        let cookie = door.exchange(&token, now()).unwrap().unwrap();
        assert_eq!(door.exchange(&token, now()).unwrap(), None, "a second time");
        let late = door.start_token(now()).unwrap().unwrap();
        assert_eq!(door.exchange(&late, now() + PAGE_START).unwrap(), None);
        assert_eq!(door.exchange(&late, now()).unwrap(), None, "what came too late is gone");
        let in_at = |at| door.let_in(Some(cookie.as_str()), &nobody, at).is_some();
        assert!(door.let_in(None, &nobody, now()).is_none());
        assert!(door.let_in(Some(token.as_str()), &nobody, now()).is_none());
        let mut at = now();
        // Kept alive, until it is old in any case.
        while at < now() + PAGE_SESSION {
            assert!(in_at(at));
            at += PAGE_IDLE - Duration::from_secs(1);
        }
        assert!(!in_at(at) && !in_at(now()), "it is forgotten");
        let token = door.start_token(now()).unwrap().unwrap();
        let cookie = door.exchange(&token, now()).unwrap().unwrap();
        assert!(door.let_in(Some(cookie.as_str()), &nobody, now() + PAGE_IDLE).is_none());
        let token = door.start_token(now()).unwrap().unwrap();
        let cookie = door.exchange(&token, now()).unwrap().unwrap();
        door.leave(&cookie);
        assert!(door.let_in(Some(cookie.as_str()), &nobody, now()).is_none());
    }

    #[test]
    fn tokens_and_browsers_have_an_end_in_number() {
        let (door, nobody) = (door(), HeaderMap::new());
        let first = door.start_token(now()).unwrap().unwrap();
        let tokens: Vec<_> = (0..PAGE_STARTS).map(|_| door.start_token(now()).unwrap().unwrap()).collect();
        assert_eq!(door.exchange(&first, now()).unwrap(), None);
        let mut cookies: Vec<_> =
            tokens.iter().map(|token| door.exchange(token, now()).unwrap().unwrap()).collect();
        let token = door.start_token(now()).unwrap().unwrap();
        for cookie in cookies.iter().skip(1) {
            assert!(door.let_in(Some(cookie.as_str()), &nobody, now() + Duration::from_secs(1)).is_some());
        }
        cookies.push(door.exchange(&token, now()).unwrap().unwrap());
        let is_in = |cookie: &Zeroizing<String>| {
            door.let_in(Some(cookie.as_str()), &nobody, now() + Duration::from_secs(2)).is_some()
        };
        let inside: Vec<bool> = cookies.iter().map(is_in).collect();
        assert_eq!(inside.iter().filter(|is_in| **is_in).count(), PAGE_SESSIONS);
        assert!(!inside[0], "the one that was idle for longest");
    }

    #[test]
    fn whom_the_proxy_names_counts_only_with_its_secret_and_each_once() {
        let secret = "s".repeat(SECRET_CHARACTERS);
        let door = Door::new(Way::Proxy {
            user_header: HeaderName::from_static("x-user"),
            secret_header: HeaderName::from_static("x-secret"),
            secret: Zeroizing::new(secret.clone()),
        })
        .unwrap();
        let check = |headers: &[(&'static str, &str)], expected: Option<&str>| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(*name, axum::http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            let person = door.let_in(None, &map, now());
            assert_eq!(person.as_ref().map(|person| person.reader.user()), expected, "{headers:?}");
        };
        check(&[("x-user", "jo"), ("x-secret", &secret)], Some("jo"));
        check(
            &[("x-user", "Zoë.Marsh@wexcombe.example"), ("x-secret", &secret)],
            Some("zoë.marsh@wexcombe.example"),
        );
        check(&[("x-user", "jo marsh"), ("x-secret", &secret)], None);
        check(&[("x-user", "jo")], None);
        check(&[("x-user", "jo"), ("x-secret", "")], None);
        check(&[("x-user", "jo"), ("x-secret", &secret[1..])], None);
        check(&[("x-user", "jo"), ("x-secret", &secret), ("x-secret", "other")], None);
        check(&[("x-user", "jo"), ("x-user", "anna"), ("x-secret", &secret)], None);
        check(&[("x-secret", &secret)], None);
        check(&[("x-user", " "), ("x-secret", &secret)], None);
        check(&[("x-user", "a\u{202e}b"), ("x-secret", &secret)], None);
        check(&[("x-user", &"a".repeat(101)), ("x-secret", &secret)], None);
        assert!(door.start_token(now()).unwrap().is_none(), "there is no second way in");
    }

    #[test]
    fn a_form_is_of_one_browser() {
        let (door, nobody) = (door(), HeaderMap::new());
        let person = || {
            let token = door.start_token(now()).unwrap().unwrap();
            let cookie = door.exchange(&token, now()).unwrap().unwrap();
            door.let_in(Some(cookie.as_str()), &nobody, now()).unwrap()
        };
        let (one, other) = (person(), person());
        assert!(one.gave(&one.form) && !one.gave(&other.form) && !one.gave(""));
    }
}
