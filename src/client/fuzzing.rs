//! What must hold of what the hub and the browser bring to the viewer's session, whatever arrives (see the crate's `fuzzing`).
//! What FHIR says is read elsewhere.

use std::sync::OnceLock;

use super::events::{Said, said, take_event};
use super::session::Granted;
use super::signin::{Brought, SigningIn};
use super::status::StatusWire;

/// As the event stream: the same is heard however it is cut, and a session ends by an event that says so alone.
pub(crate) fn events(data: &[u8]) {
    let heard = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let (mut read, mut heard) = (Vec::new(), Vec::new());
        for piece in pieces {
            read.extend_from_slice(piece);
            while let Some(event) = take_event(&mut read) {
                heard.push(said(&event));
            }
        }
        (heard, read)
    };
    let whole = heard(&mut std::iter::once(data));
    assert_eq!(heard(&mut data.chunks(1)), whole, "one byte after the other");
    assert_eq!(heard(&mut data.chunks(7)), whole);
    let ended = whole.0.iter().filter(|event| matches!(event, Said::Ended(_))).count();
    let words = String::from_utf8_lossy(data).matches("event").count();
    assert!(ended <= words, "a session that nothing ended");
}

/// As each answer in JSON that is not FHIR.
pub(crate) fn answers(data: &[u8]) {
    let _ = serde_json::from_slice::<Granted>(data);
    let Ok(status) = serde_json::from_slice::<StatusWire>(data) else { return };
    let said = String::from_utf8_lossy(data);
    if let Some(status) = status.read() {
        assert!((4..=40).contains(&status.reference.as_str().len()));
        assert!(status.notices.len() <= said.matches("authority").count() + said.matches("\\u").count());
    }
}

/// As what a browser asks for on this computer: a code is taken from the answer to this sign-in alone.
pub(crate) fn returned(data: &[u8]) {
    static BEGUN: OnceLock<Option<SigningIn>> = OnceLock::new();
    let Some(begun) = BEGUN.get_or_init(SigningIn::for_fuzzing) else { return };
    let Ok(target) = std::str::from_utf8(data) else { return };
    match begun.read(target) {
        Brought::Code(code) => assert!(!code.is_empty() && target.contains("signed-in")),
        Brought::Refused(_) => assert!(target.contains("signed-in")),
        Brought::Stray => {}
    }
}
