//! A mailbox, whichever way it is reached: hub and link know no other.

use super::{Client, Folders, Header, MailboxId, MeshError, MessageId, Now, Outgoing, Sink, Standing};
use crate::config::mesh::MeshWay;

/// A mailbox.
#[derive(Debug)]
pub enum Post {
    /// Over MESH's own interface.
    Rest(Box<Client>),
    /// Through the folders of MESH's own file client.
    Folders(Folders),
}

impl Post {
    /// As configured. Nothing is sent yet.
    ///
    /// # Errors
    /// A file or folder cannot be used.
    pub fn open(mailbox: &str, way: &MeshWay, now: Now) -> Result<Self, MeshError> {
        let no_name = || MeshError::Local("a mailbox has no name".to_owned());
        let mailbox = MailboxId::parse(mailbox).ok_or_else(no_name)?;
        match way {
            MeshWay::Rest(rest) => Ok(Self::Rest(Box::new(Client::new(&mailbox, rest, now)?))),
            MeshWay::Folder(folder) => Folders::open(&mailbox, folder).map(Self::Folders),
        }
    }

    /// Whether it can be learnt that a recipient has acknowledged a message.
    #[must_use]
    pub fn is_tracked(&self) -> bool {
        match self {
            Self::Rest(_) => true,
            Self::Folders(_) => false,
        }
    }

    /// See [`Client::handshake`]; the file client does it by itself.
    ///
    /// # Errors
    /// MESH is not reached, or does not believe who asks.
    pub async fn handshake(&self) -> Result<(), MeshError> {
        match self {
            Self::Rest(client) => client.handshake().await,
            Self::Folders(_) => Ok(()),
        }
    }

    /// See [`Client::inbox`].
    ///
    /// # Errors
    /// It cannot be looked into.
    pub async fn inbox(&self, workflow: &str) -> Result<Vec<MessageId>, MeshError> {
        match self {
            Self::Rest(client) => client.inbox(workflow).await,
            Self::Folders(folders) => folders.inbox(workflow),
        }
    }

    /// See [`Client::fetch`].
    ///
    /// # Errors
    /// It does not come whole, or who takes it is in the way.
    pub async fn fetch(
        &self,
        id: &MessageId,
        wants: impl Fn(&Header) -> bool,
        sink: &mut impl Sink,
    ) -> Result<Header, MeshError> {
        match self {
            Self::Rest(client) => client.fetch(id, wants, sink).await,
            Self::Folders(folders) => folders.fetch(id, wants, sink).await,
        }
    }

    /// See [`Client::acknowledge`]; of folders the pair is removed.
    ///
    /// # Errors
    /// It comes again.
    pub async fn acknowledge(&self, id: &MessageId) -> Result<(), MeshError> {
        match self {
            Self::Rest(client) => client.acknowledge(id).await,
            Self::Folders(folders) => folders.acknowledge(id),
        }
    }

    /// See [`Client::send`]; through folders MESH's name of it is not known.
    ///
    /// # Errors
    /// Where the error is passing it may have been taken: ask for how it stands before it is sent again.
    pub async fn send(&self, what: Outgoing<'_>) -> Result<Option<MessageId>, MeshError> {
        match self {
            Self::Rest(client) => client.send(what).await.map(Some),
            Self::Folders(folders) => folders.send(what).map(|()| None),
        }
    }

    /// See [`Client::standing_of`].
    ///
    /// # Errors
    /// It is not known.
    pub async fn standing_of(&self, local_id: &str) -> Result<Standing, MeshError> {
        match self {
            Self::Rest(client) => client.standing_of(local_id).await,
            Self::Folders(folders) => Ok(folders.standing_of(local_id)),
        }
    }

    /// See [`Client::standing_of_message`]; folders do not know MESH's names.
    ///
    /// # Errors
    /// It is not known.
    pub async fn standing_of_message(&self, id: &MessageId) -> Result<Standing, MeshError> {
        match self {
            Self::Rest(client) => client.standing_of_message(id).await,
            Self::Folders(_) => Ok(Standing::Accepted(None)),
        }
    }
}
