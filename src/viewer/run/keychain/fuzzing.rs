//! What must hold of what lies in the keychain, whatever does (see the crate's `fuzzing`).

use zeroize::Zeroizing;

use super::record::Record;

const HUB: &str = "https://hub.example.nhs.uk";

/// As an entry: nobody sealed it, and it opens for nobody. As what was sealed: opened again alike, by this computer for
/// this hub.
pub(crate) fn kept(data: &[u8]) {
    let entry = Some(Zeroizing::new(data.to_vec()));
    assert!(Record::open(&entry, "this computer", HUB).is_none(), "what nobody sealed");
    let Ok(record) = serde_json::from_slice::<Record>(data) else { return };
    assert_eq!(format!("{record:?}"), "Record(hidden)");
    let (person, key) = (record.person(), record.key());
    let Some(sealed) = record.seal("this computer", HUB) else { return };
    let sealed = Some(Zeroizing::new(sealed.as_bytes().to_vec()));
    let opened = Record::open(&sealed, "this computer", HUB);
    assert!(opened.is_some_and(|again| {
        again.person() == person
            && again.refresh == record.refresh
            && again.key().map(|key| key.thumbprint().as_str().to_owned())
                == key.map(|key| key.thumbprint().as_str().to_owned())
    }));
    assert!(Record::open(&sealed, "another computer", HUB).is_none());
    assert!(Record::open(&sealed, "this computer", "https://other.example.nhs.uk").is_none());
}
