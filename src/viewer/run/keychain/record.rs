//! What is kept of a session, sealed for one computer and one hub. Whoever copies the keychain, and not what this computer
//! calls itself, has nothing that opens; whoever asks for another hub finds nothing.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::domain::{Right, SignedInPerson};
use crate::identity::dpop::ProofKey;

/// What it is sealed for besides computer and hub: another version's is not read.
const PURPOSE: &[u8] = b"cpis-viewer kept session 1";

/// Bytes of an entry; Windows takes no more.
const MOST_BYTES: usize = 2_560;

/// A session that can go on. `Debug` hides it.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(in crate::viewer::run) struct Record {
    user: String,
    pub(in crate::viewer::run) name: String,
    pub(in crate::viewer::run) role: String,
    pub(in crate::viewer::run) organisation: String,
    organisation_code: String,
    rights: Vec<String>,
    key: String,
    pub(in crate::viewer::run) refresh: String,
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Record(hidden)")
    }
}

impl Record {
    /// Of a session that has begun.
    pub(in crate::viewer::run) fn of(person: &SignedInPerson, refresh: &str, key: &ProofKey) -> Self {
        Self {
            user: person.user.clone(),
            name: person.name.clone(),
            role: person.role.clone(),
            organisation: person.organisation.clone(),
            organisation_code: person.organisation_code.clone(),
            rights: person.rights.iter().map(|right| right.word().to_owned()).collect(),
            key: STANDARD_NO_PAD.encode(key.document()),
            refresh: refresh.to_owned(),
        }
    }

    /// Who.
    pub(in crate::viewer::run) fn person(&self) -> SignedInPerson {
        SignedInPerson {
            user: self.user.clone(),
            name: self.name.clone(),
            role: self.role.clone(),
            organisation: self.organisation.clone(),
            organisation_code: self.organisation_code.clone(),
            rights: self.rights.iter().filter_map(|word| Right::from_word(word)).collect(),
        }
    }

    /// The key that the session is bound to.
    pub(in crate::viewer::run) fn key(&self) -> Option<ProofKey> {
        let document = Zeroizing::new(STANDARD_NO_PAD.decode(&self.key).ok()?);
        ProofKey::restore(&document).ok()
    }

    /// As letters, since not every keychain keeps other bytes.
    pub(in crate::viewer::run) fn seal(&self, machine: &str, hub: &str) -> Option<Zeroizing<String>> {
        let mut text = Zeroizing::new(serde_json::to_vec(self).ok()?);
        let nonce = key(machine, hub)?.seal_in_place_append_tag(Aad::from(hub), &mut *text).ok()?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.extend_from_slice(&text);
        let letters = Zeroizing::new(STANDARD_NO_PAD.encode(sealed));
        (letters.len() <= MOST_BYTES).then_some(letters)
    }

    /// What was sealed for this computer and this hub, and nothing else.
    pub(super) fn open(sealed: &Option<Zeroizing<Vec<u8>>>, machine: &str, hub: &str) -> Option<Self> {
        let letters = sealed.as_ref().filter(|letters| letters.len() <= MOST_BYTES)?;
        let mut sealed = Zeroizing::new(STANDARD_NO_PAD.decode(letters.as_slice()).ok()?);
        if sealed.len() < NONCE_LEN {
            return None;
        }
        let (nonce, text) = sealed.split_at_mut(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let text = key(machine, hub)?.open_in_place(nonce, Aad::from(hub), text).ok()?;
        serde_json::from_slice(text).ok()
    }
}

fn key(machine: &str, hub: &str) -> Option<RandomizedNonceKey> {
    let drawn = Salt::new(HKDF_SHA256, PURPOSE).extract(machine.as_bytes());
    let info = [hub.as_bytes()];
    let mut key = Zeroizing::new([0; 32]);
    drawn.expand(&info, &AES_256_GCM).ok()?.fill(key.as_mut_slice()).ok()?;
    RandomizedNonceKey::new(&AES_256_GCM, key.as_slice()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUB: &str = "https://hub.example.nhs.uk";

    fn record() -> Record {
        let person = SignedInPerson {
            user: "555021935107".to_owned(),
            name: "Sam Okafor".to_owned(),
            role: "Staff nurse".to_owned(),
            organisation: "Wexcombe General Hospital".to_owned(),
            organisation_code: "ZZ901".to_owned(),
            rights: [Right::ViewAndNotify].into_iter().collect(),
        };
        Record::of(&person, "session.secret", &ProofKey::generate().unwrap())
    }

    fn bytes(sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
        Some(Zeroizing::new(sealed.as_bytes().to_vec()))
    }

    #[test]
    fn a_kept_session_opens_for_its_own_computer_and_hub_alone() {
        let record = record();
        let sealed = record.seal("this computer", HUB).unwrap();
        for secret in ["Sam", "session", "secret", "Okafor", record.key.as_str()] {
            assert!(!sealed.contains(secret), "{secret}");
        }
        let open = |sealed: &str, machine, hub| Record::open(&bytes(sealed), machine, hub);
        let again = open(&sealed, "this computer", HUB).unwrap();
        assert_eq!((again.refresh.as_str(), again.person()), ("session.secret", record.person()));
        assert_eq!(again.key().unwrap().thumbprint(), record.key().unwrap().thumbprint());
        assert!(open(&sealed, "another computer", HUB).is_none());
        assert!(open(&sealed, "", HUB).is_none());
        assert!(open(&sealed, "this computer", "https://hub.example.nhs.uk.example.org").is_none());
        // Nor what is not whole, or is something else.
        for at in [0, 20, sealed.len() - 1] {
            let mut other = sealed.to_string();
            other.replace_range(at..=at, if other[at..].starts_with('A') { "B" } else { "A" });
            assert!(open(&other, "this computer", HUB).is_none(), "{at}");
            assert!(open(&sealed[..at], "this computer", HUB).is_none(), "{at}");
        }
        assert!(Record::open(&None, "this computer", HUB).is_none());
        assert!(open("a password of somebody's", "this computer", HUB).is_none());
        assert_eq!(format!("{record:?}"), "Record(hidden)");
    }
}
