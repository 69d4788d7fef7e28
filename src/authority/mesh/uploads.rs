//! The upload document on its way to the hub's mailbox, and its acknowledgement in ours.

use std::fs::File;
use std::io::{BufReader, Seek, Write};
use std::path::Path;
use std::time::Instant;

use super::Mesh;
use super::state::{Noted, beside, digest, failed, private};
use crate::exchange::{Delivery, FileCode, Transport, TransportError, acknowledgement};
use crate::mesh::{Content, Header, Kind, MeshError, MessageId, Outgoing, Sink, Standing};

/// Bytes of an acknowledgement: of two million records that are all rejected.
const ACKNOWLEDGEMENT_BYTES: u64 = 2 * 1024 * 1024 * 1024;

impl Transport for Mesh {
    fn send(&mut self, document: &Path, sequence: u32) -> Result<(), TransportError> {
        let of = named(document, sequence)?;
        self.named = Some((sequence, of.clone()));
        let path = beside(&self.beside, ".mesh-upload");
        let mut noted = match Noted::read(&path)?.filter(|noted| noted.of == of) {
            None => Noted::new(of),
            Some(known) => match self.ask(self.client.standing_of(&known.local_id))? {
                Standing::NotThere => known,
                Standing::Accepted(_) | Standing::Acknowledged => return Ok(()),
                // Nobody will get that one.
                Standing::Uploading | Standing::NotDelivered => Noted::new(of),
            },
        };
        noted.write(&path)?;
        let outgoing = Outgoing {
            to: &self.hub,
            workflow: &self.workflows.upload,
            local_id: &std::mem::take(&mut noted.local_id),
            file_name: "cpis-upload.json",
            content: Content::File(File::open(document).map_err(|error| failed(document, &error))?),
        };
        self.ask(self.client.send(outgoing)).map(drop)
    }

    fn acknowledgement(&mut self, sequence: u32) -> Result<Delivery, TransportError> {
        // A mailbox is not to be asked several times a second.
        if let Some(looked) = self.looked {
            std::thread::sleep(self.every.saturating_sub(looked.elapsed()));
        }
        self.looked = Some(Instant::now());
        let document = beside(&self.beside, ".outgoing");
        if !document.exists() {
            return Ok(Delivery::NotArrived);
        }
        // Of two million records it is long: it is looked through once, and not with each question.
        let of = match &self.named {
            Some((known, of)) if *known == sequence => of.clone(),
            Some(_) | None => named(&document, sequence)?,
        };
        self.named = Some((sequence, of.clone()));
        if let Some(said) = self.said_of(&of)? {
            return Ok(Delivery::Acknowledged(Box::new(BufReader::new(said))));
        }
        if self.not_unpacked.len() > 1 {
            let why = "the hub cannot unpack what comes from this mailbox, or it is too long: ask the hub's operator";
            return Err(TransportError::Local(why.to_owned()));
        }
        let path = beside(&self.beside, ".mesh-upload");
        let Some(noted) = Noted::read(&path)?.filter(|noted| noted.of == of) else {
            return Ok(Delivery::NotArrived);
        };
        Ok(match self.ask(self.client.standing_of(&noted.local_id))? {
            Standing::NotThere | Standing::Uploading | Standing::NotDelivered => Delivery::NotArrived,
            Standing::Accepted(_) | Standing::Acknowledged => Delivery::UnderWay { done: 0 },
        })
    }

    fn is_settled(&mut self) -> Result<(), TransportError> {
        let _ = std::fs::remove_file(beside(&self.beside, ".mesh-acknowledgement"));
        if let Some(id) = &self.current {
            self.ask(self.client.acknowledge(id))?;
        }
        self.current = None;
        Ok(())
    }
}

/// Which file it is: its number and digest.
fn named(document: &Path, sequence: u32) -> Result<Vec<u8>, TransportError> {
    Ok(format!("{sequence} {}", digest(document)?).into_bytes())
}

impl Mesh {
    /// What the hub says of this very file, if that has come. What it says of others is of no use any more.
    fn said_of(&mut self, of: &[u8]) -> Result<Option<File>, TransportError> {
        let workflows = self.workflows.clone();
        // MESH's reports of uploads that were not delivered come under the workflow of these.
        for id in self.look(&[&workflows.acknowledgement, &workflows.upload])? {
            let Some(mut said) = self.fetched(&id)? else { continue };
            let again = |error: std::io::Error| failed(&self.beside, &error);
            said.rewind().map_err(again)?;
            let reading = said.try_clone().map_err(again)?;
            let what = acknowledgement::read(BufReader::new(reading), &mut |_| {});
            let (mut is_ours, mut is_not_unpacked) = (false, false);
            if let Ok(what) = what {
                let digest = what.digest.unwrap_or_default();
                is_ours = !digest.is_empty() && of.ends_with(format!(" {digest}").as_bytes());
                // Of a file that it could not unpack the hub knows nothing but whose it was. One at a time is under way.
                is_not_unpacked =
                    what.code == FileCode::Corrupt && digest.is_empty() && what.sequence.is_none();
            }
            if is_ours {
                said.rewind().map_err(again)?;
                self.current = Some(id);
                return Ok(Some(said));
            }
            if is_not_unpacked {
                self.not_unpacked(&id)?;
            }
            self.done_with(&id)?;
        }
        Ok(None)
    }

    /// What went was damaged on its way: it goes once more, under another name. The second time somebody has to look.
    fn not_unpacked(&mut self, id: &MessageId) -> Result<(), TransportError> {
        if self.not_unpacked.contains(id) {
            return Ok(());
        }
        let path = beside(&self.beside, ".mesh-upload");
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&path, &error)),
        }
        self.not_unpacked.insert(id.clone());
        Ok(())
    }

    /// An acknowledgement in a file that only its owner can read; nothing where the message is none.
    fn fetched(&mut self, id: &MessageId) -> Result<Option<File>, TransportError> {
        let path = beside(&self.beside, ".mesh-acknowledgement");
        let out = private(&path).map_err(|error| failed(&path, &error))?;
        let mut sink = Into { out, left: ACKNOWLEDGEMENT_BYTES };
        let (hub, workflow) = (self.hub.clone(), self.workflows.acknowledgement.clone());
        let wants = |header: &Header| header.from.as_ref() == Some(&hub) && header.workflow == workflow;
        let header = match self.runtime.block_on(self.client.fetch(id, wants, &mut sink)) {
            Ok(header) => header,
            // It cannot be kept here.
            Err(MeshError::Local(why)) => return Err(TransportError::Local(why)),
            Err(error) => return self.leave(id, error).map(|()| None),
        };
        match header.kind {
            Kind::Data if wants(&header) => Ok(Some(sink.out)),
            Kind::Data => self.refuse(header.from.as_ref(), id).map(|()| None),
            // That it was not delivered is what MESH says of it when it is asked.
            Kind::Report { .. } => self.done_with(id).map(|()| None),
        }
    }
}

/// A file that is written as it comes.
struct Into {
    out: File,
    left: u64,
}

impl Sink for Into {
    async fn take(&mut self, part: Vec<u8>) -> Result<(), MeshError> {
        let left = self.left.checked_sub(part.len() as u64);
        self.left = left.ok_or(MeshError::TooLong)?;
        self.out
            .write_all(&part)
            .map_err(|error| MeshError::Local(format!("an acknowledgement cannot be kept: {}", error.kind())))
    }
}
