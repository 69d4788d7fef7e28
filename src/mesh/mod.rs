//! MESH, the NHS's message exchange, as a mailbox's owner speaks it: hub and link use the same.
//!
//! | Part | What it is for |
//! |---|---|
//! | [`Post`] | a mailbox, whichever way it is reached |
//! | [`Client`] | MESH's own interface over HTTPS, with the mailbox's certificate, password and shared key |
//! | [`Folders`] | the folders of MESH's own file client; `control` reads and writes what stands beside each file |
//! | `proof` | the header with which each request is proved |
//! | `answers` | what comes back, read as from a stranger |
//! | [`Resting`] | messages that could not be taken, and for how long each rests |
//! | `secret` | password and shared key: read from files, shown nowhere |
//!
//! It knows nothing of what the messages say. Sending is not idempotent at MESH: whoever is not sure whether a message was
//! taken asks [`Client::standing_of`] with the local id before anything is sent again. Nothing that MESH says is repeated in an error's text.

mod answers;
mod client;
mod control;
mod folders;
#[cfg(any(all(test, feature = "demo"), feature = "fuzzing"))]
pub(crate) mod fuzzing;
pub mod limits;
mod parcels;
mod post;
mod proof;
mod resting;
mod secret;
#[cfg(test)]
mod tests;

use tokio::sync::Semaphore;

pub use answers::{Header, Kind, Standing};
pub use client::{Client, Now};
pub use folders::Folders;
pub use parcels::{Content, Outgoing, Sink};
pub use post::Post;
pub use resting::{Fault, Resting};
pub use secret::Secret;
#[cfg(feature = "authority")]
pub(crate) use secret::open_to_others;

/// Threads that wait for a share at once: where it hangs, they stay until it does not, and the rest of the program needs its own.
static APART: Semaphore = Semaphore::const_new(limits::MESH_APART);

/// Does work on a thread that may wait: for a disk, a share, or the processor. Nobody else's work waits for it, and not for ever: a share
/// that hangs is as a MESH that does not answer.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, MeshError> + Send + 'static,
) -> Result<T, MeshError> {
    let broken_off = || MeshError::Local("work for MESH broke off".to_owned());
    let done = async {
        let turn = APART.acquire().await.map_err(|_| broken_off())?;
        let work = move || {
            let done = work();
            // Not when nobody waits for it any more: when it is over.
            drop(turn);
            done
        };
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(broken_off()))
    };
    match tokio::time::timeout(limits::MESH_CHUNK, done).await {
        Ok(done) => done,
        Err(_) => Err(MeshError::NotReached("a disk or share did not answer in time")),
    }
}

/// A mailbox's name: capital letters and digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MailboxId(String);

impl MailboxId {
    /// Of a text, as configured or as received.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_uppercase();
        let fits = (1..=limits::MAILBOX_CHARACTERS).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        fits.then_some(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// MESH's own name of a message: fit for a path and a file's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(String);

impl MessageId {
    /// Of a text as received.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=limits::MESSAGE_ID_CHARACTERS).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        fits.then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why MESH did not do what it was asked: one sentence each, without anything of a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MeshError {
    /// Nobody was reached, or the connection broke off: it may have been done.
    #[error("MESH could not be reached: {0}")]
    NotReached(&'static str),
    /// It is busy or fails: it may have been done.
    #[error("MESH cannot do it at present (status {0})")]
    NotNow(u16),
    /// It does not believe who asks.
    #[error(
        "MESH refuses the mailbox's proof (403): see mailbox, password, shared key and this computer's clock"
    )]
    NotAllowed,
    /// Nobody has the mailbox to which it goes.
    #[error("MESH knows no mailbox of that name to which the message goes (417, code 12)")]
    NoSuchMailbox,
    /// It takes no such message, for good.
    #[error("MESH does not take the message (status {0})")]
    Refused(u16),
    /// There is no such message, or no longer.
    #[error("MESH does not have the message any more")]
    Gone,
    /// What came back cannot be meant.
    #[error("MESH's answer cannot be understood: {0}")]
    NotUnderstood(&'static str),
    /// Whoever writes it has not yet done so; in the folders of MESH's file client.
    #[error("a message in the file client's folder is still being written")]
    Unfinished,
    /// It is longer than any of its kind can be.
    #[error("a message of MESH is too long: nothing of it was taken")]
    TooLong,
    /// A file of this machine, or who takes a message, is in the way.
    #[error("{0}")]
    Local(String),
}

impl MeshError {
    /// Whether it may go better in a while.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::NotReached(_) | Self::NotNow(_) => true,
            Self::NotAllowed
            | Self::NoSuchMailbox
            | Self::Refused(_)
            | Self::Gone
            | Self::NotUnderstood(_)
            | Self::Unfinished
            | Self::TooLong
            | Self::Local(_) => false,
        }
    }

    /// Whether it is a fault of one message, or of the mailbox to which it goes, so that others may well go by.
    #[must_use]
    pub fn is_of_one(&self) -> bool {
        match self {
            Self::NoSuchMailbox
            | Self::Refused(_)
            | Self::Gone
            | Self::NotUnderstood(_)
            | Self::Unfinished
            | Self::TooLong => true,
            Self::NotReached(_) | Self::NotNow(_) | Self::NotAllowed | Self::Local(_) => false,
        }
    }
}
