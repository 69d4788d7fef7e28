//! What a sign-in gave, and how each request proves it: the token, the key that the token is bound to, and a
//! proof for every single request (DPoP, RFC 9449).
//!
//! Both are in memory only, and no `Debug` shows them. The time in a proof is the hub's, as its last answer said
//! it: a computer whose clock is wrong can work all the same.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Request, StatusCode, Url};
use zeroize::Zeroizing;

use super::transfer::Received;
use crate::domain::Failure;
use crate::identity::dpop::ProofKey;

const PROOF: &str = "dpop";
const NONCE: &str = "dpop-nonce";

/// Characters of a nonce that are kept; the hub's have 32.
const NONCE_CHARACTERS: usize = 200;

/// What a sign-in gave.
#[derive(Clone)]
pub struct Access {
    token: Zeroizing<String>,
    key: ProofKey,
    hub: String,
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
        Self { token: Zeroizing::new(token), key, hub: hub.trim_end_matches('/').to_owned() }
    }
}

/// Proves requests, and keeps what the hub's answers say for the next proof.
pub(super) struct Prover {
    access: Access,
    /// What the address of every request begins with, and the hub's name for itself stands for.
    base: String,
    heard: Mutex<Heard>,
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
        Self { access, base: base.path().to_owned(), heard: Mutex::default() }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        // Nothing that is done under the lock leaves half a state behind.
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a request the token, and a proof of its own.
    pub(super) fn prove(&self, request: &mut Request) -> Result<(), Failure> {
        let Access { token, key, hub } = &self.access;
        let path = request.url().path();
        let address = format!("{hub}/{}", path.strip_prefix(self.base.as_str()).unwrap_or(path));
        let (nonce, now) = {
            let heard = self.heard();
            (heard.nonce.clone(), heard.now())
        };
        let proof = key
            .prove(request.method().as_str(), &address, Some(token), nonce.as_deref(), now)
            .map_err(|_| Failure::NotAccepted)?;
        let mut shown =
            HeaderValue::from_str(&format!("DPoP {}", token.as_str())).map_err(|_| Failure::NotAccepted)?;
        shown.set_sensitive(true);
        let mut proof = HeaderValue::from_str(&proof).map_err(|_| Failure::NotAccepted)?;
        proof.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, shown);
        request.headers_mut().insert(PROOF, proof);
        Ok(())
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
        if let Some(time) = time {
            heard.time = Some((time, Instant::now()));
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
