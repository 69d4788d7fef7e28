//! Notifications that wait in the mailbox, and receipts.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::Mesh;
use super::state::{Kept, Noted, beside};
use crate::exchange::TransportError;
use crate::exchange::notice::{Collected, DOCUMENT_BYTES, Gone, Mailbox, Mark};
use crate::mesh::{Content, Fault, Header, Kind, MessageId, Outgoing, Standing};

/// So many control files of which nothing can be made this process has said to be there.
static ODD: AtomicUsize = AtomicUsize::new(0);

impl Mailbox for Mesh {
    fn collect(&mut self, _have: Option<&Mark>) -> Result<Collected, TransportError> {
        if self.inbox.is_none() {
            let workflows = self.workflows.clone();
            self.inbox = Some(self.look(&[&workflows.notification, &workflows.receipt])?);
            self.kept = Kept::read(&beside(&self.beside, ".mesh-kept"));
            let odd = self.client.odd();
            // Once, and not with each round.
            if odd > ODD.swap(odd, Ordering::AcqRel) {
                self.refused.push(format!(
                    "{odd} control files in the file client's folder `in` are not whole, have no data, or have a name that is none: \
                     they are left alone, and somebody has to look at them"
                ));
            }
        }
        while let Some(id) = self.inbox.as_mut().and_then(std::collections::VecDeque::pop_front) {
            let hub = self.hub.clone();
            let workflow = self.workflows.notification.clone();
            let wants = |header: &Header| header.from.as_ref() == Some(&hub) && header.workflow == workflow;
            let mut document = (Vec::new(), DOCUMENT_BYTES);
            let header = match self.runtime.block_on(self.client.fetch(&id, wants, &mut document)) {
                Ok(header) => header,
                Err(error) => {
                    let left = self.leave(&id, error);
                    self.unless_in_vain(left);
                    continue;
                }
            };
            match header.kind {
                Kind::Data if wants(&header) => {
                    self.is_same = self.kept.holds(&id);
                    self.current = Some(id);
                    return Ok(Collected::Document(document.0));
                }
                // The hub's own: it is not thrown away for a mistake in a configuration.
                Kind::Data if header.from.as_ref() == Some(&hub) => {
                    self.rest(id, Fault::Own);
                    self.refused.push(
                        "a message of the hub's came under the workflow of receipts and was left in the mailbox: compare \
                         `[mesh.workflows]` at both ends"
                            .to_owned(),
                    );
                }
                Kind::Data => {
                    let refused = self.refuse(header.from.as_ref(), &id);
                    self.unless_in_vain(refused);
                }
                // Anything else that says to be a report is of no message of ours.
                Kind::Report { .. } if header.from.is_some() || header.workflow != self.workflows.receipt => {
                    let done = self.done_with(&id);
                    self.unless_in_vain(done);
                }
                Kind::Report { local_id, .. } => {
                    // Receipts that the hub did not fetch for days.
                    self.current = Some(id);
                    return Ok(Collected::ReceiptsLost(local_id));
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
        if let Some(id) = self.current.take() {
            self.let_go(&id);
        }
        Ok(())
    }

    fn is_same(&self) -> bool {
        self.is_same
    }

    /// It stays in the mailbox; if nothing better comes of it, MESH tells the hub.
    fn set_aside(&mut self) -> bool {
        if let Some(id) = self.current.take() {
            self.rest(id, Fault::Own);
        }
        true
    }

    fn resting(&self) -> usize {
        self.resting
    }

    fn refused(&mut self) -> Vec<String> {
        std::mem::take(&mut self.refused)
    }

    fn under_way(&mut self) -> Result<Option<Gone>, TransportError> {
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
        Ok(Some(Gone { receipts: noted.of, name: noted.local_id }))
    }

    fn is_noted(&mut self) -> Result<(), TransportError> {
        let path = beside(&self.beside, ".mesh-receipts");
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(super::state::failed(&path, &error)),
        }
    }

    fn file(&mut self, receipts: &[u8]) -> Result<Option<String>, TransportError> {
        let noted = Noted::new(receipts.to_vec());
        noted.write(&beside(&self.beside, ".mesh-receipts"))?;
        self.post(&noted)?;
        Ok(Some(noted.local_id))
    }
}

impl Mesh {
    /// The inbox was listed: what is left in it is said, and receipts go all the same.
    fn unless_in_vain(&mut self, went: Result<(), TransportError>) {
        if let Err(why) = went {
            self.refused.push(format!("messages were left in the mailbox: {why}"));
            self.inbox = Some(std::collections::VecDeque::new());
        }
    }

    /// Tells MESH that a message is kept. Where MESH does not take that, it is noted: the message comes again.
    fn let_go(&mut self, id: &MessageId) {
        let path = beside(&self.beside, ".mesh-kept");
        let left = self.resting;
        let done = self.done_with(id);
        if done.is_ok() && self.resting == left {
            self.kept.remove(id, &path);
        } else {
            self.kept.add(id, &path);
        }
        self.unless_in_vain(done);
    }

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
