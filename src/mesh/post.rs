//! A mailbox, whichever way it is reached: hub and link know no other.

use super::{Client, Folders, Header, MailboxId, MeshError, MessageId, Now, Outgoing, Sink, Standing, apart};
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
            Self::Folders(folders) => {
                let (folders, workflow) = (folders.clone(), workflow.to_owned());
                apart(move || folders.inbox(&workflow)).await
            }
        }
    }

    /// How many files in the file client's `in` nothing can be made of: they are left alone, and somebody has to look.
    #[must_use]
    pub fn odd(&self) -> usize {
        match self {
            Self::Rest(_) => 0,
            Self::Folders(folders) => folders.odd(),
        }
    }

    /// See [`Client::look_up`]; nothing where there are only folders.
    ///
    /// # Errors
    /// MESH is not reached, or its answer is none.
    pub async fn look_up(
        &self,
        organisation: &str,
        workflow: &str,
    ) -> Result<Option<Vec<MailboxId>>, MeshError> {
        match self {
            Self::Rest(client) => client.look_up(organisation, workflow).await.map(Some),
            Self::Folders(_) => Ok(None),
        }
    }

    /// What MESH says of a mailbox of an organisation that is to take these workflows: a sentence for each that it does not know for
    /// it, or knows otherwise. Nothing where there are only folders.
    ///
    /// # Errors
    /// MESH is not reached, or its answer is none.
    pub async fn compared(
        &self,
        organisation: &str,
        mailbox: &str,
        workflows: &[&str],
    ) -> Result<Vec<String>, MeshError> {
        let mut said = Vec::new();
        for workflow in workflows {
            let Some(found) = self.look_up(organisation, workflow).await? else { break };
            if found.is_empty() {
                said.push(format!(
                    "MESH knows no mailbox of {organisation} for {workflow}; configured is {mailbox}"
                ));
            } else if !found.iter().any(|one| one.as_str().eq_ignore_ascii_case(mailbox)) {
                let found: Vec<&str> = found.iter().take(5).map(MailboxId::as_str).collect();
                let found = found.join(", ");
                said.push(format!(
                    "for {organisation} and {workflow} MESH names {found}; configured is {mailbox}"
                ));
            }
        }
        Ok(said)
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
            Self::Folders(folders) => {
                let (folders, id) = (folders.clone(), id.clone());
                apart(move || folders.acknowledge(&id)).await
            }
        }
    }

    /// See [`Client::send`]; through folders MESH's name of it is not known.
    ///
    /// # Errors
    /// Where the error is passing it may have been taken: ask for how it stands before it is sent again.
    pub async fn send(&self, what: Outgoing<'_>) -> Result<Option<MessageId>, MeshError> {
        match self {
            Self::Rest(client) => client.send(what).await.map(Some),
            Self::Folders(folders) => {
                let control = folders.control_for(&what)?;
                let (folders, content) = (folders.clone(), what.content);
                apart(move || folders.send(control, content)).await.map(|()| None)
            }
        }
    }

    /// See [`Client::standing_of`].
    ///
    /// # Errors
    /// It is not known.
    pub async fn standing_of(&self, local_id: &str) -> Result<Standing, MeshError> {
        match self {
            Self::Rest(client) => client.standing_of(local_id).await,
            Self::Folders(folders) => {
                let (folders, local_id) = (folders.clone(), local_id.to_owned());
                apart(move || Ok(folders.standing_of(&local_id))).await
            }
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
