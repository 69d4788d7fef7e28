//! What a sign-in gave, and how each request proves it: the token, the key that the token is bound to, and a
//! proof for every single request (DPoP, RFC 9449).
//!
//! Both are in memory only, and no `Debug` shows them. The time in a proof is the hub's, as its last answer said
//! it: a computer whose clock is wrong can work all the same.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Request, StatusCode, Url};
use zeroize::Zeroizing;

use super::errors;
use super::since::Since;
use super::transfer::Received;
use crate::domain::{Failure, SessionOver};
use crate::identity::dpop::ProofKey;

const PROOF: &str = "dpop";
const NONCE: &str = "dpop-nonce";

/// Seconds before its end at which a token is renewed.
const SPARE_SECONDS: i64 = 60;

/// What somebody does at the computer is told to the hub, by a renewal, if it has heard nothing of them for so long.
const INPUT_TOLD: Duration = Duration::from_secs(120);

/// Characters of a nonce that are kept; the hub's have 32.
const NONCE_CHARACTERS: usize = 200;

/// What a sign-in gave.
#[derive(Clone)]
pub struct Access {
    tokens: Tokens,
    key: ProofKey,
    hub: String,
}

/// The access token, and what gives the next one.
#[derive(Clone)]
struct Tokens {
    access: Zeroizing<String>,
    refresh: Option<Zeroizing<String>>,
    /// Seconds for which the access token is good, until the hub's time is known.
    lifetime: i64,
    /// The hub's second after which it is not.
    expires: Option<i64>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Access(hidden)")
    }
}

impl Access {
    /// A token, the key that it is bound to, and the name that the hub goes by: the address under which it issued
    /// the token, which every proof names.
    #[must_use]
    pub fn new(token: String, key: ProofKey, hub: &str) -> Self {
        let tokens = Tokens { access: Zeroizing::new(token), refresh: None, lifetime: 0, expires: None };
        Self { tokens, key, hub: hub.trim_end_matches('/').to_owned() }
    }

    /// With what gives the next token, and the seconds after which it is wanted.
    #[must_use]
    pub fn renewable(mut self, refresh: String, lifetime: i64) -> Self {
        self.tokens.refresh = Some(Zeroizing::new(refresh));
        self.tokens.lifetime = lifetime;
        self
    }
}

/// Keeps the refresh token beyond this process.
pub trait Keeps: Send + Sync {
    /// Keeps this one in place of the last. Comes back when it is kept, or when it is clear that it will not be.
    fn keep<'a>(&'a self, refresh: &'a str) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
}

/// Proves requests, and keeps what the hub's answers say for the next proof.
pub(super) struct Prover {
    key: ProofKey,
    hub: String,
    tokens: Mutex<Tokens>,
    /// Held by whoever renews: the others wait for what comes of it.
    pub(super) renewing: tokio::sync::Mutex<()>,
    /// What the address of every request begins with, and the hub's name for itself stands for.
    base: String,
    heard: Mutex<Heard>,
    /// Why the session is over, once any question has met that.
    over: Mutex<Option<SessionOver>>,
    /// It was not the hub that said so.
    is_concluded: AtomicBool,
    /// When the hub last heard of somebody at this computer, and whether it is just being told.
    told: Mutex<Instant>,
    telling: AtomicBool,
    /// Signed out: nothing is asked for again.
    leaves: AtomicBool,
    /// Since when the hub may have given the next tokens without anybody here having heard of it.
    in_doubt: Mutex<Option<Since>>,
    /// Where each new refresh token is kept before it is used.
    pub(super) keeper: OnceLock<Arc<dyn Keeps>>,
}

/// What the last answer said. Before the first there is neither: then the hub refuses, and says both.
#[derive(Default)]
struct Heard {
    nonce: Option<String>,
    time: Option<(Timestamp, Instant)>,
}

impl Heard {
    fn now(&self) -> i64 {
        let Some((said, heard)) = self.time else { return 0 };
        let since = i64::try_from(heard.elapsed().as_secs()).unwrap_or(i64::MAX);
        said.as_second().saturating_add(since)
    }
}

impl Prover {
    pub(super) fn new(access: Access, base: &Url) -> Self {
        Self {
            key: access.key,
            hub: access.hub,
            tokens: Mutex::new(access.tokens),
            renewing: tokio::sync::Mutex::default(),
            base: base.path().to_owned(),
            heard: Mutex::default(),
            over: Mutex::default(),
            is_concluded: AtomicBool::new(false),
            told: Mutex::new(Instant::now()),
            telling: AtomicBool::new(false),
            leaves: AtomicBool::new(false),
            in_doubt: Mutex::default(),
            keeper: OnceLock::new(),
        }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        // Nothing that is done under the lock leaves half a state behind.
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The access token as it is now.
    pub(super) fn token(&self) -> Zeroizing<String> {
        self.tokens().access.clone()
    }

    /// Gives a request the token, and a proof of its own.
    pub(super) fn prove(&self, request: &mut Request) -> Result<(), Failure> {
        let token = self.token();
        self.prove_with(request, Some(&token))?;
        let mut shown =
            HeaderValue::from_str(&format!("DPoP {}", token.as_str())).map_err(|_| Failure::NotAccepted)?;
        shown.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, shown);
        Ok(())
    }

    /// Gives a request a proof for this token, or for none.
    pub(super) fn prove_with(&self, request: &mut Request, token: Option<&str>) -> Result<(), Failure> {
        let path = request.url().path();
        let address = format!("{}/{}", self.hub, path.strip_prefix(self.base.as_str()).unwrap_or(path));
        let (nonce, now) = {
            let heard = self.heard();
            (heard.nonce.clone(), heard.now())
        };
        let proof = self
            .key
            .prove(request.method().as_str(), &address, token, nonce.as_deref(), now)
            .map_err(|_| Failure::NotAccepted)?;
        let mut proof = HeaderValue::from_str(&proof).map_err(|_| Failure::NotAccepted)?;
        proof.set_sensitive(true);
        request.headers_mut().insert(PROOF, proof);
        Ok(())
    }

    /// The refresh token as the body of a form, if there is one; and a proof of the key for the request.
    pub(super) fn ask_with_refresh(&self, request: &mut Request, before: &str) -> Result<(), Failure> {
        let refresh = self.tokens().refresh.clone().ok_or(Failure::SessionEnded)?;
        // Both are letters that need no escape.
        *request.body_mut() = Some(format!("{before}{}", refresh.as_str()).into());
        self.prove_with(request, None)
    }

    /// The refresh token, and the key that it is bound to.
    pub(super) fn kept(&self) -> Option<(Zeroizing<String>, ProofKey)> {
        Some((self.tokens().refresh.clone()?, self.key.clone()))
    }

    /// Whether the token is about to expire, and another can be had.
    pub(super) fn is_old(&self) -> bool {
        self.is_spent_in(SPARE_SECONDS)
    }

    /// Whether the token has expired, and another can be had.
    pub(super) fn is_spent(&self) -> bool {
        self.is_spent_in(0)
    }

    fn is_spent_in(&self, seconds: i64) -> bool {
        let now = self.heard().now();
        let tokens = self.tokens();
        tokens.refresh.is_some() && tokens.expires.is_some_and(|expires| now >= expires - seconds)
    }

    /// The hub does not take this token, whatever it said of its time: then it is as spent.
    pub(super) fn is_refused(&self, token: &str) {
        let mut tokens = self.tokens();
        if tokens.access.as_str() == token {
            tokens.expires = Some(0);
        }
    }

    /// Why the session is over, if it is.
    pub(super) fn over(&self) -> Option<SessionOver> {
        *self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session is over. The first reason that anybody says stays.
    pub(super) fn end(&self, over: SessionOver) {
        let mut known = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none_or(|known| known == SessionOver::Unsaid) {
            *known = Some(over);
        }
    }

    /// Nothing can be asked in the session any more. The hub has not said so: it may go on there.
    pub(super) fn conclude(&self) {
        self.is_concluded.store(true, Ordering::Release);
        self.end(SessionOver::Unsaid);
    }

    /// Whether the hub knows that the session is over, as far as is known here.
    pub(super) fn is_over_there(&self) -> bool {
        let is_concluded = self.is_concluded.load(Ordering::Acquire);
        self.over().is_some_and(|over| over != SessionOver::Unsaid || !is_concluded)
    }

    /// The hub has heard of somebody at this computer.
    pub(super) fn told(&self) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Whether something that is done here is to be told to the hub; if so, whoever asks has to do it.
    pub(super) fn is_to_tell(&self) -> bool {
        let since = self.told.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
        let can = self.over().is_none() && !self.leaves() && self.tokens().refresh.is_some();
        can && (since >= INPUT_TOLD || self.is_old()) && !self.telling.swap(true, Ordering::AcqRel)
    }

    /// It has been told, or could not be: then after a pause it is tried again.
    pub(super) fn has_told(&self) {
        self.telling.store(false, Ordering::Release);
    }

    /// The hub may have given the next tokens to a question of then, and nobody has heard of it.
    pub(super) fn doubt(&self, asked: Since) {
        self.in_doubt.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(asked);
    }

    /// For how long that has been so.
    pub(super) fn in_doubt_for(&self) -> Option<Duration> {
        let since = *self.in_doubt.lock().unwrap_or_else(PoisonError::into_inner);
        since.map(Since::elapsed)
    }

    /// The name that the hub goes by.
    pub(super) fn hub(&self) -> &str {
        &self.hub
    }

    pub(super) fn leave(&self) {
        self.leaves.store(true, Ordering::Release);
    }

    pub(super) fn leaves(&self) -> bool {
        self.leaves.load(Ordering::Acquire)
    }

    /// Whether the hub refused the token, and another can be had.
    pub(super) fn wants_renewal(&self, received: &Received) -> bool {
        errors::is_of_token(received) && self.tokens().refresh.is_some()
    }

    /// Keeps what a renewal gave; the refresh token before it is forgotten only now.
    pub(super) fn renewed(&self, access: String, refresh: String, lifetime: i64) {
        self.told();
        *self.in_doubt.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let now = self.heard().now();
        let expires = Some(now.saturating_add(lifetime));
        *self.tokens() = Tokens {
            access: Zeroizing::new(access),
            refresh: Some(Zeroizing::new(refresh)),
            lifetime,
            expires,
        };
    }

    /// Keeps what an answer says for the next proof.
    pub(super) fn learn(&self, received: &Received, time: Option<Timestamp>) {
        let nonce = received.header(NONCE).filter(|nonce| nonce.len() <= NONCE_CHARACTERS);
        let mut heard = self.heard();
        if let Some(nonce) = nonce
            && heard.nonce.as_deref() != Some(nonce)
        {
            heard.nonce = Some(nonce.to_owned());
        }
        let Some(time) = time else { return };
        heard.time = Some((time, Instant::now()));
        drop(heard);
        let mut tokens = self.tokens();
        if tokens.expires.is_none() && tokens.refresh.is_some() {
            tokens.expires = Some(time.as_second().saturating_add(tokens.lifetime));
        }
    }

    /// Whether the hub refused the proof alone: another one, with what its answer says, may do.
    pub(super) fn wants_another(&self, received: &Received) -> bool {
        let challenge = received.header(WWW_AUTHENTICATE.as_str()).unwrap_or_default();
        received.status == StatusCode::UNAUTHORIZED
            && received.header(NONCE).is_some()
            && ["use_dpop_nonce", "invalid_dpop_proof"].iter().any(|error| challenge.contains(error))
    }
}
