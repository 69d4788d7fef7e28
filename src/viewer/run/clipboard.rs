//! The clipboard: copies are kept out of clipboard histories, and taken back when the patient goes.

use zeroize::Zeroizing;

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
    ours: Option<Zeroizing<String>>,
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
            self.ours = Some(Zeroizing::new(text.to_owned()));
        }
        is_there
    }

    fn forget(&mut self) {
        let Some(ours) = self.ours.take() else { return };
        let Some(clipboard) = self.open() else { return };
        let now = clipboard.get_text().map(Zeroizing::new);
        if now.is_ok_and(|now| *now == *ours) {
            // Nothing more can be done where the system refuses: the text is then no longer ours to reach.
            let _ = clipboard.clear();
        }
    }
}
