//! Whether a proof is genuine, and for this request (RFC 9449, 4.3).

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, EllipticCurveKeyParameters, EllipticCurveKeyType,
    Jwk,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::Thumbprint;
use super::address::normal;
use super::seen::Seen;
use crate::identity::token::Shown;

/// What a proof says it is.
pub(super) const TYPE: &str = "dpop+jwt";

/// Bytes of a coordinate on P-256.
const COORDINATE_BYTES: usize = 32;

/// Characters of what makes a proof unlike every other; a UUID has 36.
const ID_CHARACTERS: usize = 200;

/// Why a proof proves nothing. Carries nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// None, or more than one, or a longer one than is read.
    #[error("there is no proof")]
    Missing,
    /// Not a proof, of another algorithm, with a key that is not a public one on P-256, or not signed with it.
    #[error("the proof is not genuine")]
    NotGenuine,
    /// Of another key than the token's: whoever shows the token may have stolen it.
    #[error("the proof is of another key than the token's")]
    OtherKey,
    /// For another method or another address.
    #[error("the proof is for another request")]
    OtherRequest,
    /// For another token, or for none.
    #[error("the proof is for another token")]
    OtherToken,
    /// Without the hub's nonce, or with one that is too old: the answer carries a new one.
    #[error("the proof lacks the hub's nonce")]
    NoNonce,
    /// Made too long ago, or in the future.
    #[error("the proof is not of this time")]
    NotNow,
    /// It was shown before.
    #[error("the proof was shown before")]
    Replayed,
    /// So many proofs are remembered that no further one can be told from a replayed one.
    #[error("too many proofs are remembered")]
    Full,
}

/// For how long proofs and nonces are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProofLimits {
    /// Time for which a proof can be shown.
    pub age: Duration,
    /// Time by which the clock of whoever makes proofs may be ahead.
    pub ahead: Duration,
    /// Time after which there is a new nonce; the one before is good for as long again.
    pub nonce: Duration,
    /// Proofs that are remembered at once, to know them again.
    pub remembered: usize,
    /// The same of one key: nobody takes the others' room.
    pub of_one_key: usize,
}

/// The request that a proof has to be for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, as it was sent.
    pub path: &'a str,
    /// The access token that is shown with it; none where one is still to be given.
    pub token: Option<&'a Shown>,
    /// The only key whose proofs are remembered; none for any key. Of others nothing has to be told from a replay.
    pub remembered: Option<&'a Thumbprint>,
}

/// Looks at proofs, remembers which were shown, and gives out nonces.
#[derive(Debug)]
pub struct Proofs {
    /// Before every path: the hub's own URL, whatever name a request gives to its host.
    hub: String,
    limits: ProofLimits,
    seen: Mutex<Seen>,
}

#[derive(Deserialize)]
struct ProofHeader {
    typ: String,
    alg: String,
    jwk: ProofJwk,
    /// What has to be understood; nothing of that kind is.
    crit: Option<IgnoredAny>,
}

/// A key of whatever kind. Members that only a private or a symmetric one has are looked for by name.
#[derive(Deserialize)]
struct ProofJwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
    d: Option<IgnoredAny>,
    k: Option<IgnoredAny>,
    p: Option<IgnoredAny>,
    q: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct ProofClaims {
    jti: String,
    htm: String,
    htu: String,
    iat: f64,
    ath: Option<String>,
    nonce: Option<String>,
}

impl Proofs {
    /// For the hub at the URL `issuer`, which every proof has to name.
    #[must_use]
    pub fn new(issuer: &str, limits: ProofLimits) -> Self {
        Self { hub: issuer.to_owned(), limits, seen: Mutex::new(Seen::new(limits)) }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Nothing that is done under the lock leaves half a state behind.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many proofs are remembered at the moment, and how many may be.
    #[must_use]
    pub fn remembered(&self) -> (usize, usize) {
        (self.seen().count(), self.limits.remembered)
    }

    /// The nonce that proofs have to carry from now on.
    #[must_use]
    pub fn nonce(&self, now: Timestamp) -> String {
        self.seen().nonce(now.as_second()).to_owned()
    }

    /// Passes a proof that is genuine, made with the token's key, for this request, and shown for the first time; says
    /// which key it is.
    ///
    /// # Errors
    /// What it lacks. The key comes first: whoever has another one costs no signature, and learns nothing more.
    pub fn check(&self, proof: &str, wanted: &Wanted<'_>, now: Timestamp) -> Result<Thumbprint, ProofError> {
        let (message, signature) = proof.rsplit_once('.').ok_or(ProofError::NotGenuine)?;
        let (header, claims) = message.split_once('.').ok_or(ProofError::NotGenuine)?;
        let jwk = public_key(decoded(header)?)?;
        let thumbprint = Thumbprint::of(&jwk).ok_or(ProofError::NotGenuine)?;
        if wanted.token.is_some_and(|token| token.binding.key() != Some(&thumbprint)) {
            return Err(ProofError::OtherKey);
        }
        let key = DecodingKey::from_jwk(&jwk).map_err(|_| ProofError::NotGenuine)?;
        let is_signed = jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, Algorithm::ES256);
        if !is_signed.unwrap_or(false) {
            return Err(ProofError::NotGenuine);
        }
        let claims: ProofClaims = decoded(claims)?;
        if claims.jti.is_empty() || claims.jti.chars().count() > ID_CHARACTERS {
            return Err(ProofError::NotGenuine);
        }
        let asked = normal(&format!("{}{}", self.hub, wanted.path));
        if claims.htm != wanted.method || asked.is_none() || normal(&claims.htu) != asked {
            return Err(ProofError::OtherRequest);
        }
        let is_of_token = |token: &Shown| claims.ath.as_deref() == Some(ath(&token.hash).as_str());
        if !wanted.token.is_none_or(is_of_token) {
            return Err(ProofError::OtherToken);
        }
        let mut seen = self.seen();
        let now = now.as_second();
        let nonce = claims.nonce.as_deref().unwrap_or_default();
        if !seen.is_good(nonce, now) {
            return Err(ProofError::NoNonce);
        }
        let made = whole_seconds(claims.iat).ok_or(ProofError::NotGenuine)?;
        let earliest = now.saturating_sub(seconds(self.limits.age));
        if made < earliest || made > now.saturating_add(seconds(self.limits.ahead)) {
            return Err(ProofError::NotNow);
        }
        if wanted.remembered.is_none_or(|key| *key == thumbprint) {
            seen.admit((thumbprint.as_str(), &claims.jti), made)?;
        }
        Ok(thumbprint)
    }
}

/// How a proof names the token that it is for.
pub(in crate::identity) fn ath(hash: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(hash)
}

fn decoded<T: DeserializeOwned>(part: &str) -> Result<T, ProofError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| ProofError::NotGenuine)?;
    serde_json::from_slice(&bytes).map_err(|_| ProofError::NotGenuine)
}

/// The key that a proof carries, if it is a public one on P-256 and nothing else.
fn public_key(header: ProofHeader) -> Result<Jwk, ProofError> {
    let ProofJwk { kty, crv, x, y, d, k, p, q } = header.jwk;
    let is_point = [&x, &y].into_iter().all(|coordinate| {
        URL_SAFE_NO_PAD.decode(coordinate).is_ok_and(|bytes| bytes.len() == COORDINATE_BYTES)
    });
    let is_public = d.is_none() && k.is_none() && p.is_none() && q.is_none();
    let fits = header.typ.eq_ignore_ascii_case(TYPE)
        && header.alg == "ES256"
        && header.crit.is_none()
        && (kty.as_str(), crv.as_str()) == ("EC", "P-256");
    if !(fits && is_public && is_point) {
        return Err(ProofError::NotGenuine);
    }
    let key =
        EllipticCurveKeyParameters { key_type: EllipticCurveKeyType::EC, curve: EllipticCurve::P256, x, y };
    Ok(Jwk { common: CommonParameters::default(), algorithm: AlgorithmParameters::EllipticCurve(key) })
}

/// Whole seconds of a limit.
pub(super) fn seconds(limit: Duration) -> i64 {
    i64::try_from(limit.as_secs()).unwrap_or(i64::MAX)
}

/// Others' software may write fractions of a second.
fn whole_seconds(seconds: f64) -> Option<i64> {
    const MOST: f64 = 1e15;
    #[expect(clippy::cast_possible_truncation, reason = "within what an i64 holds exactly")]
    (seconds.abs() < MOST).then(|| seconds.floor() as i64)
}
