//! How documents get from one end to the other: over HTTPS, or by MESH. Nothing above a [`Transport`] knows which it is.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

/// Carries an authority's documents to the hub, and what the hub says of them back.
pub trait Transport {
    /// Sends the document in a file under its sequence number. The same document may be sent again after any failure:
    /// the hub knows it by its number and content.
    ///
    /// # Errors
    /// Whether it arrived is said by the error.
    fn send(&mut self, document: &Path, sequence: u32) -> Result<(), TransportError>;

    /// What has become of a document.
    ///
    /// # Errors
    /// It could not be asked.
    fn acknowledgement(&mut self, sequence: u32) -> Result<Delivery, TransportError>;

    /// What was acknowledged is remembered: it need not be kept for this link any longer.
    ///
    /// # Errors
    /// It could not be said: the same acknowledgement comes again, and is of no use.
    fn is_settled(&mut self) -> Result<(), TransportError> {
        Ok(())
    }
}

/// What has become of a document that was sent.
pub enum Delivery {
    /// The hub does not know it: it never arrived whole.
    NotArrived,
    /// It arrived and is being worked on.
    UnderWay {
        /// Records that are done.
        done: u64,
    },
    /// The acknowledgement, to be read to its end.
    Acknowledged(Box<dyn Read>),
}

/// Why a document was not carried: one sentence each, without anything of it.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// Nobody was reached, or the connection broke off: it may have arrived. Trying again is safe.
    #[error("the hub could not be reached: {0}")]
    NotReached(String),
    /// The hub is busy, or cannot write: trying again is safe, and not before this time is over.
    #[error("the hub cannot take it at present: {0}")]
    NotNow(String, Option<Duration>),
    /// The hub refuses this sender.
    #[error("the hub refuses this authority's link: {0}")]
    NotAllowed(String),
    /// The hub tells this authority with another register.
    #[error(
        "the hub tells this authority with another register: a second link is refused, or everything would be documented and alerted \
         twice. Stop this link; or, where the other one was lost or replaced, have the hub's operator move to this one, by the \
         number that `cpis-authority status` says (`cpis-hub register`)"
    )]
    OtherRegister,
    /// What came back cannot be meant.
    #[error("the hub's answer cannot be understood: {0}")]
    NotUnderstood(String),
    /// A file of this machine cannot be read.
    #[error("{0}")]
    Local(String),
}

impl TransportError {
    /// The time that the hub asks for until the next try.
    #[must_use]
    pub fn after(&self) -> Option<Duration> {
        match self {
            Self::NotNow(_, after) => *after,
            Self::NotReached(_)
            | Self::NotAllowed(_)
            | Self::OtherRegister
            | Self::NotUnderstood(_)
            | Self::Local(_) => None,
        }
    }

    /// Whether it may go better in a while.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::NotReached(_) | Self::NotNow(..) => true,
            Self::NotAllowed(_) | Self::OtherRegister | Self::NotUnderstood(_) | Self::Local(_) => false,
        }
    }
}
