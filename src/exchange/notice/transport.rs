//! How notifications get to an authority's link, and receipts back.

use super::super::TransportError;
use super::Mark;

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Collected {
    /// A document, possibly without a notification. There may be more.
    Document(Vec<u8>),
    /// The other end does not know the notification with which the link said where it is: its numbers are others now. What
    /// has no receipt is to be asked for from its beginning.
    OtherNumbers,
    /// Nothing more waits: whatever comes, comes by itself.
    NothingMore,
    /// Receipts did not arrive: those that went under this name are to be sent again; where it is not known, all.
    ReceiptsLost(Option<String>),
}

/// Receipts whose sending was broken off, and that have gone now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// Their document.
    pub receipts: Vec<u8>,
    /// Under which name.
    pub name: String,
}

/// Carries notifications to the link and receipts to the hub. HTTPS asks; with MESH, documents wait in a mailbox: it has no
/// need of what the link says it has, and acknowledges to MESH what [`Mailbox::is_kept`] says.
pub trait Mailbox {
    /// The next document. `have` is the last notification up to which all are on this machine's disk; without it the other
    /// end begins with the first of which it has no receipt.
    ///
    /// # Errors
    /// Nothing came.
    fn collect(&mut self, have: Option<&Mark>) -> Result<Collected, TransportError>;

    /// The notifications with numbers above this one again, whatever has become of them: some were missing.
    ///
    /// # Errors
    /// Nothing came.
    fn collect_again(&mut self, above: u32) -> Result<Collected, TransportError>;

    /// What was collected last is on this machine's disk.
    ///
    /// # Errors
    /// It could not be said: the same comes again.
    fn is_kept(&mut self) -> Result<(), TransportError>;

    /// Sends receipts. The same may be sent again. Under which name they went, where they may yet come back by that.
    ///
    /// # Errors
    /// They may have arrived or not.
    fn file(&mut self, receipts: &[u8]) -> Result<Option<String>, TransportError>;

    /// Whether what was collected last came before and could not be let go: the other end has not sent it again.
    fn is_same(&self) -> bool {
        false
    }

    /// What was collected last cannot be taken, and stays where it is. Whether what is behind it can be collected all the same.
    fn set_aside(&mut self) -> bool {
        false
    }

    /// How many documents were set aside earlier, stay where they are, and were not looked at this time.
    fn resting(&self) -> usize {
        0
    }

    /// What was refused since it was last asked, a sentence each: from somebody else than the hub.
    fn refused(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// Receipts whose sending was broken off, and that have gone now.
    ///
    /// # Errors
    /// They may have gone or not.
    fn under_way(&mut self) -> Result<Option<Gone>, TransportError> {
        Ok(None)
    }

    /// That the receipts which went last have gone is on this machine's disk.
    ///
    /// # Errors
    /// It could not be noted: they are told to have gone once more.
    fn is_noted(&mut self) -> Result<(), TransportError> {
        Ok(())
    }
}
