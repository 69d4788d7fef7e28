//! The clipboard: copies are kept out of clipboard histories, and taken back when the patient goes.

use std::sync::{Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use crate::viewer::present::SUMMARY_BEGINS;

/// Empties the system's clipboard of a patient's summary that an earlier run of this program, which was ended without a word,
/// has left there. In the background: a clipboard may take seconds to answer.
pub(super) fn forget_earlier() {
    let forget = || {
        let Ok(mut clipboard) = arboard::Clipboard::new() else { return };
        if clipboard.get_text().map(Zeroizing::new).is_ok_and(|text| is_summary(&text)) {
            // Nothing more can be done where the system refuses.
            let _ = clipboard.clear();
        }
    };
    // Where no thread starts, it stays.
    let _ = std::thread::Builder::new().name("cpis-clipboard".to_owned()).spawn(forget);
}

fn is_summary(text: &str) -> bool {
    text.starts_with(SUMMARY_BEGINS)
}

/// Where copies go.
pub trait Clipboard {
    /// Puts a text there. Returns whether it is there.
    fn put(&mut self, text: &str) -> bool;

    /// Empties it, if it still holds what [`Clipboard::put`] put there last.
    fn forget(&mut self);
}

/// The operating system's clipboard, opened at the first copy.
#[derive(Default)]
pub struct SystemClipboard {
    open: Option<arboard::Clipboard>,
}

/// What this program put there last: also whoever ends it without its window takes that out.
static OURS: Mutex<Option<Zeroizing<String>>> = Mutex::new(None);

fn ours() -> MutexGuard<'static, Option<Zeroizing<String>>> {
    OURS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Empties the system's clipboard where it still holds what was put there last, from whatever thread it has to be done.
pub(super) fn forget_ours() {
    SystemClipboard::default().forget();
}

impl SystemClipboard {
    fn open(&mut self) -> Option<&mut arboard::Clipboard> {
        if self.open.is_none() {
            self.open = arboard::Clipboard::new().ok();
        }
        self.open.as_mut()
    }
}

impl Clipboard for SystemClipboard {
    fn put(&mut self, text: &str) -> bool {
        #[cfg(target_vendor = "apple")]
        use arboard::SetExtApple as _;
        #[cfg(all(unix, not(target_vendor = "apple")))]
        use arboard::SetExtLinux as _;
        #[cfg(windows)]
        use arboard::SetExtWindows as _;

        let Some(clipboard) = self.open() else { return false };
        // Windows keeps a clipboard history and sends it to the cloud; others have managers that do alike.
        let set = clipboard.set().exclude_from_history();
        #[cfg(windows)]
        let set = set.exclude_from_cloud().exclude_from_monitoring();
        let is_there = set.text(text).is_ok();
        if is_there {
            *ours() = Some(Zeroizing::new(text.to_owned()));
        }
        is_there
    }

    fn forget(&mut self) {
        let Some(ours) = ours().take() else { return };
        let Some(clipboard) = self.open() else { return };
        let now = clipboard.get_text().map(Zeroizing::new);
        if now.is_ok_and(|now| *now == *ours) {
            // Nothing more can be done where the system refuses: the text is then no longer ours to reach.
            let _ = clipboard.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_run_left_is_known_by_how_it_begins_and_nothing_else_is() {
        let summary = format!("{SUMMARY_BEGINS}\r\nCP-IS checked");
        assert!(is_summary(&summary) && is_summary(SUMMARY_BEGINS));
        for other in
            ["", "SAFEGUARDING", "see: SAFEGUARDING: hide from online and proxy access", "0118 496 0999"]
        {
            assert!(!is_summary(other), "{other}");
        }
    }
}
