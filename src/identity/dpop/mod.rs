//! Proofs that whoever shows a token holds the key that it is bound to (DPoP, RFC 9449): a stolen token alone
//! is of no use.
//!
//! The viewer makes a [`ProofKey`] in memory and a proof for each request; the hub's [`Proofs`] looks at it.
//! A proof is for one method and address, one token, one nonce of the hub's, one minute, and for one use.
//! ES256 and nothing else.

mod address;
mod check;
mod key;
mod seen;

pub use check::{ProofError, ProofLimits, Proofs, Wanted};
pub use key::{ProofKey, Thumbprint};

#[cfg(any(all(test, feature = "demo"), feature = "fuzzing"))]
pub(super) use check::ath;
