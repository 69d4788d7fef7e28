//! Notifications that wait in the mailbox, and receipts.

use super::Mesh;
use super::state::{Noted, beside};
use crate::exchange::TransportError;
use crate::exchange::notice::{Collected, DOCUMENT_BYTES, Mailbox, Mark};
use crate::mesh::{Content, Header, Kind, Outgoing, Standing};

impl Mailbox for Mesh {
    fn collect(&mut self, _have: Option<&Mark>) -> Result<Collected, TransportError> {
        if self.inbox.is_none() {
            let workflows = self.workflows.clone();
            self.inbox = Some(self.look(&[&workflows.notification, &workflows.receipt])?);
        }
        while let Some(id) = self.inbox.as_mut().and_then(std::collections::VecDeque::pop_front) {
            let hub = self.hub.clone();
            let workflow = self.workflows.notification.clone();
            let wants = |header: &Header| header.from.as_ref() == Some(&hub) && header.workflow == workflow;
            let mut document = (Vec::new(), DOCUMENT_BYTES);
            let header = match self.runtime.block_on(self.client.fetch(&id, wants, &mut document)) {
                Ok(header) => header,
                Err(error) => {
                    self.leave(&id, error)?;
                    continue;
                }
            };
            match header.kind {
                Kind::Data if wants(&header) => {
                    self.current = Some(id);
                    return Ok(Collected::Document(document.0));
                }
                Kind::Data => self.refuse(header.from.as_ref(), &id)?,
                // Anything else that says to be a report is of no message of ours.
                Kind::Report { .. } if header.from.is_some() || header.workflow != self.workflows.receipt => {
                    self.ask(self.client.acknowledge(&id))?;
                }
                Kind::Report { .. } => {
                    // Receipts that the hub did not fetch for days.
                    self.current = Some(id);
                    return Ok(Collected::ReceiptsLost);
                }
            }
        }
        Ok(Collected::NothingMore)
    }

    /// They come by themselves: MESH keeps what is not acknowledged, and gives it back to the hub, which sends it again.
    fn collect_again(&mut self, _above: u32) -> Result<Collected, TransportError> {
        Ok(Collected::NothingMore)
    }

    fn is_kept(&mut self) -> Result<(), TransportError> {
        match self.current.take() {
            Some(id) => self.ask(self.client.acknowledge(&id)),
            None => Ok(()),
        }
    }

    /// It stays in the mailbox; if nothing better comes of it, MESH tells the hub.
    fn set_aside(&mut self) -> bool {
        if let Some(id) = self.current.take() {
            self.left.insert(id);
        }
        true
    }

    fn refused(&mut self) -> Vec<String> {
        std::mem::take(&mut self.refused)
    }

    fn under_way(&mut self) -> Result<Option<Vec<u8>>, TransportError> {
        let path = beside(&self.beside, ".mesh-receipts");
        let Some(mut noted) = Noted::read(&path)? else { return Ok(None) };
        match self.ask(self.client.standing_of(&noted.local_id))? {
            Standing::NotThere => self.post(&noted)?,
            Standing::Accepted(_) | Standing::Acknowledged => {}
            Standing::Uploading | Standing::NotDelivered => {
                noted = Noted::new(noted.of);
                noted.write(&path)?;
                self.post(&noted)?;
            }
        }
        Ok(Some(noted.of))
    }

    fn is_noted(&mut self) -> Result<(), TransportError> {
        let path = beside(&self.beside, ".mesh-receipts");
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(super::state::failed(&path, &error)),
        }
    }

    fn file(&mut self, receipts: &[u8]) -> Result<(), TransportError> {
        let noted = Noted::new(receipts.to_vec());
        noted.write(&beside(&self.beside, ".mesh-receipts"))?;
        self.post(&noted)
    }
}

impl Mesh {
    fn post(&self, noted: &Noted) -> Result<(), TransportError> {
        let outgoing = Outgoing {
            to: &self.hub,
            workflow: &self.workflows.receipt,
            local_id: &noted.local_id,
            file_name: "cpis-receipts.json",
            content: Content::Bytes(noted.of.clone()),
        };
        self.ask(self.client.send(outgoing)).map(drop)
    }
}
