//! Which proofs were shown, and which nonces are good. In memory: after a restart there are other nonces, so that
//! no proof from before it is good.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};

use uuid::Uuid;

use super::check::seconds;
use super::{ProofError, ProofLimits};

/// Seconds of proofs that are forgotten together, and by which the clock may go back without consequence.
const STEP: i64 = 10;

/// The state of one hub. `Debug` shows no nonce.
pub(super) struct Seen {
    limits: ProofLimits,
    /// The latest second that anybody named.
    latest: i64,
    nonce: String,
    nonce_before: String,
    /// Since when there is this nonce.
    since: i64,
    /// By the [`STEP`] in which they were made: a hash of each proof's key and id, which nobody outside can
    /// foresee.
    proofs: BTreeMap<i64, HashMap<u64, u64>>,
    count: usize,
    /// How many of them are of each key, by a hash of it.
    shares: HashMap<u64, usize>,
    hasher: RandomState,
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Seen({})", self.count)
    }
}

fn fresh() -> String {
    Uuid::new_v4().simple().to_string()
}

impl Seen {
    pub(super) fn new(limits: ProofLimits) -> Self {
        Self {
            limits,
            latest: i64::MIN,
            nonce: fresh(),
            nonce_before: fresh(),
            since: i64::MIN,
            proofs: BTreeMap::new(),
            count: 0,
            shares: HashMap::new(),
            hasher: RandomState::new(),
        }
    }

    /// Time goes on: old nonces end, old proofs are forgotten, since nobody can show them any more. Where the clock
    /// was set back, what was forgotten could be shown again: then all proofs so far lose their nonce.
    fn at(&mut self, now: i64) {
        let is_set_back = now < self.latest.saturating_sub(STEP);
        if is_set_back {
            (self.nonce, self.nonce_before, self.since) = (fresh(), fresh(), now);
            self.latest = now;
            self.proofs.clear();
            self.shares.clear();
            self.count = 0;
            return;
        }
        self.latest = self.latest.max(now);
        let age = now.saturating_sub(self.since);
        let turn = seconds(self.limits.nonce);
        if age >= turn {
            let kept = if age < turn.saturating_mul(2) { std::mem::take(&mut self.nonce) } else { fresh() };
            (self.nonce, self.nonce_before, self.since) = (fresh(), kept, now);
        }
        let oldest =
            self.latest.saturating_sub(seconds(self.limits.age).saturating_add(STEP)).div_euclid(STEP);
        while let Some(step) = self.proofs.first_entry()
            && *step.key() < oldest
        {
            for key in step.remove().into_values() {
                self.count = self.count.saturating_sub(1);
                if let Some(share) = self.shares.get_mut(&key) {
                    *share = share.saturating_sub(1);
                }
            }
            self.shares.retain(|_, share| *share > 0);
        }
    }

    /// How many proofs are remembered.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The newest nonce.
    pub(super) fn nonce(&mut self, now: i64) -> &str {
        self.at(now);
        &self.nonce
    }

    /// Whether a proof may carry this nonce.
    pub(super) fn is_good(&mut self, nonce: &str, now: i64) -> bool {
        self.at(now);
        nonce == self.nonce || nonce == self.nonce_before
    }

    /// Remembers a proof that was made in this second; refuses one that is known.
    pub(super) fn admit(&mut self, proof: (&str, &str), made: i64) -> Result<(), ProofError> {
        if self.count >= self.limits.remembered {
            return Err(ProofError::Full);
        }
        let (known, key) = (self.hasher.hash_one(proof), self.hasher.hash_one(proof.0));
        let step = self.proofs.entry(made.div_euclid(STEP)).or_default();
        if step.contains_key(&known) {
            return Err(ProofError::Replayed);
        }
        let share = self.shares.entry(key).or_default();
        if *share >= self.limits.of_one_key {
            return Err(ProofError::Full);
        }
        *share += 1;
        step.insert(known, key);
        self.count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const LIMITS: ProofLimits = ProofLimits {
        age: Duration::from_secs(60),
        ahead: Duration::from_secs(10),
        nonce: Duration::from_secs(300),
        remembered: 1000,
        of_one_key: 900,
    };

    #[test]
    fn a_nonce_is_good_until_the_next_but_one_and_no_longer() {
        let mut seen = Seen::new(LIMITS);
        let first = seen.nonce(1000).to_owned();
        assert_eq!(seen.nonce(1299), first);
        assert_ne!(seen.nonce(1300), first);
        assert!(seen.is_good(&first, 1599) && !seen.is_good(&first, 1600));
        assert!(!seen.is_good("", 1600));
        let second = seen.nonce(1600).to_owned();
        assert!(!seen.is_good(&second, 1600 + 600), "nobody asked for as long");
    }

    #[test]
    fn a_proof_is_known_for_as_long_as_it_could_be_shown_and_then_makes_room() {
        let mut seen = Seen::new(LIMITS);
        seen.at(1000);
        for (proof, expected) in [
            (("key", "a"), Ok(())),
            (("key", "a"), Err(ProofError::Replayed)),
            (("other", "a"), Ok(())),
            (("key", "b"), Ok(())),
        ] {
            assert_eq!(seen.admit(proof, 1000), expected, "{proof:?}");
        }
        seen.at(1060);
        assert_eq!(seen.admit(("key", "a"), 1000), Err(ProofError::Replayed));
        seen.at(1080);
        assert_eq!(seen.count, 0);
        for proof in 0..900 {
            assert_eq!(seen.admit(("key", &proof.to_string()), 1080), Ok(()));
        }
        // One key does not take the others' room.
        assert_eq!(seen.admit(("key", "one more"), 1080), Err(ProofError::Full));
        for proof in 0..100 {
            assert_eq!(seen.admit(("other", &proof.to_string()), 1080), Ok(()));
        }
        assert_eq!(seen.admit(("third", "one more"), 1080), Err(ProofError::Full));
        seen.at(1200);
        assert!(seen.shares.is_empty());
        assert_eq!(seen.admit(("key", "one more"), 1200), Ok(()));
        assert_eq!(format!("{seen:?}"), "Seen(1)");
    }

    #[test]
    fn a_clock_that_is_set_back_brings_no_old_nonce_back() {
        let mut seen = Seen::new(LIMITS);
        let early = seen.nonce(1000).to_owned();
        seen.at(1120);
        assert_eq!(seen.nonce(1115), early, "a little: two requests that met");
        assert_ne!(seen.nonce(1000), early);
        assert!(!seen.is_good(&early, 1000));
    }
}
