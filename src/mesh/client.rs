//! A mailbox over MESH's own interface.

use std::collections::HashSet;
use std::fmt::Write as _;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Certificate, Identity, Method, RequestBuilder, Response, StatusCode};

use super::limits::{
    MESH_ANSWER, MESH_ANSWER_BYTES, MESH_CHUNK, MESH_CHUNK_PAUSE, MESH_CHUNK_TRIES, MESH_CONNECT, MESH_INBOX,
    MESH_PAGES,
};
use super::parcels::{self, Unpacked};
use super::proof::Prover;
use super::{
    Header, Kind, MailboxId, MeshError, MessageId, Outgoing, Secret, Sink, Standing, answers, secret,
};
use crate::config::mesh::RestSettings;

/// The version of MESH's answers that is understood.
const MEDIA_TYPE: &str = "application/vnd.mesh.v2+json";

/// Reads the time. This module has no clock of its own.
pub type Now = Box<dyn Fn() -> Timestamp + Send + Sync>;

/// A mailbox, and a connection to MESH.
pub struct Client {
    http: reqwest::Client,
    address: String,
    mailbox: MailboxId,
    prover: Prover,
    chunk_bytes: u64,
    now: Now,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({})", self.mailbox.as_str())
    }
}

impl Client {
    /// Reads certificate, key, password and shared key. Nothing is sent yet.
    ///
    /// # Errors
    /// One of the files cannot be used.
    pub fn new(mailbox: &MailboxId, settings: &RestSettings, now: Now) -> Result<Self, MeshError> {
        let unusable =
            |path: &std::path::Path, why: &str| MeshError::Local(format!("{}: {why}", path.display()));
        let mut own = secret::read(&settings.certificate)?;
        own.push(b'\n');
        own.extend_from_slice(&secret::read_private(&settings.key)?);
        let own = Identity::from_pem(&own).map_err(|_| {
            unusable(&settings.certificate, "with the key this is no certificate (PEM) that can be shown")
        })?;
        let mut builder = reqwest::Client::builder().use_rustls_tls();
        if let Some(path) = &settings.certificate_authority {
            let authorities = Certificate::from_pem_bundle(&secret::read(path)?).unwrap_or_default();
            if authorities.is_empty() {
                return Err(unusable(path, "there is no certificate (PEM) in it"));
            }
            // MESH's own issuer and nobody else.
            builder = builder.tls_certs_only(authorities);
        }
        let http = builder
            .https_only(true)
            .identity(own)
            .connect_timeout(MESH_CONNECT)
            // A redirect would carry children's names elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("cpis/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| unusable(&settings.certificate, "certificate and key do not belong together"))?;
        let password = Secret::read(&settings.password_file)?;
        let shared_key = Secret::read(&settings.shared_key_file)?;
        Ok(Self {
            http,
            address: settings.address.clone(),
            mailbox: mailbox.clone(),
            prover: Prover::new(mailbox.clone(), password, shared_key),
            chunk_bytes: settings.chunk_bytes,
            now,
        })
    }

    /// Whose mailbox it is.
    #[must_use]
    pub fn mailbox(&self) -> &MailboxId {
        &self.mailbox
    }

    fn asked(&self, method: Method, url: String) -> RequestBuilder {
        let mut proof = HeaderValue::from_str(&self.prover.header((self.now)()))
            .unwrap_or_else(|_| HeaderValue::from_static(""));
        proof.set_sensitive(true);
        self.http
            .request(method, url)
            .header("authorization", proof)
            .header("accept", MEDIA_TYPE)
            .timeout(MESH_ANSWER)
    }

    /// At an address behind the mailbox's own.
    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let mailbox = self.mailbox.as_str();
        self.asked(method, format!("{}/messageexchange/{mailbox}{path}", self.address))
    }

    /// Shows MESH that the mailbox is in use: at least once a day.
    ///
    /// # Errors
    /// MESH is not reached, or does not believe who asks.
    pub async fn handshake(&self) -> Result<(), MeshError> {
        let request = self
            .ask(Method::POST, "")
            .header("mex-clientversion", concat!("cpis==", env!("CARGO_PKG_VERSION")))
            .header("mex-osname", std::env::consts::OS)
            .header("mex-osversion", "N/A")
            .header("mex-osarchitecture", std::env::consts::ARCH);
        done(request.send().await).await.map(drop)
    }

    /// The messages of a workflow that wait, oldest first; of more than can be looked at in one round the oldest.
    ///
    /// # Errors
    /// MESH is not reached, or its answer is none.
    pub async fn inbox(&self, workflow: &str) -> Result<Vec<MessageId>, MeshError> {
        let (mut found, mut known) = (Vec::new(), HashSet::new());
        let mut query = format!("workflow_filter={}", escaped(workflow));
        for _ in 0..MESH_PAGES {
            let answer = done(self.ask(Method::GET, &format!("/inbox?{query}")).send().await).await?;
            let (ids, next) = answers::inbox(&short(answer).await?)?;
            found.extend(ids.into_iter().filter(|id| known.insert(id.clone())));
            // Of what it says only where to go on: its address could lead anywhere.
            let Some(rest) = next.as_deref().and_then(|next| next.split_once('?')) else { break };
            if found.len() >= MESH_INBOX || rest.1 == query {
                break;
            }
            query = rest.1.to_owned();
        }
        found.truncate(MESH_INBOX);
        Ok(found)
    }

    /// What stands over a message, and all of it, part by part; a report has nothing but what stands over it. `wants` may end it
    /// before anything of the content comes.
    ///
    /// # Errors
    /// It does not come whole, or who takes it is in the way.
    pub async fn fetch(
        &self,
        id: &MessageId,
        wants: impl Fn(&Header) -> bool,
        sink: &mut impl Sink,
    ) -> Result<Header, MeshError> {
        let first = self.chunk(id, 1).await?;
        let header = answers::header(first.headers())?;
        if header.kind != Kind::Data || !wants(&header) {
            return Ok(header);
        }
        unpack(first, sink).await?;
        for number in 2..=header.chunks {
            let next = match self.chunk_behind(id, number).await {
                // The first is there: that one is not is no sign that the message was acknowledged.
                Err(MeshError::Gone) => {
                    return Err(MeshError::NotUnderstood("a part of a message is missing"));
                }
                next => next?,
            };
            // Who sent it and what it is stands over the first alone.
            if !answers::is_chunk(next.headers(), number, header.chunks) {
                return Err(MeshError::NotUnderstood("a message changes on its way"));
            }
            unpack(next, sink).await?;
        }
        Ok(header)
    }

    /// A chunk behind the first: one failure must not begin a long message anew.
    async fn chunk_behind(&self, id: &MessageId, number: u32) -> Result<Response, MeshError> {
        for _ in 1..MESH_CHUNK_TRIES {
            match self.chunk(id, number).await {
                Err(error) if error.is_passing() => tokio::time::sleep(MESH_CHUNK_PAUSE).await,
                answered => return answered,
            }
        }
        self.chunk(id, number).await
    }

    async fn chunk(&self, id: &MessageId, number: u32) -> Result<Response, MeshError> {
        let behind = if number == 1 { String::new() } else { format!("/{number}") };
        let request = self.ask(Method::GET, &format!("/inbox/{}{behind}", id.as_str()));
        let answer = request.header("accept-encoding", "gzip").timeout(MESH_CHUNK).send();
        // A chunk may take its time to come; that it begins may not.
        match tokio::time::timeout(MESH_ANSWER, answer).await {
            Ok(answer) => done(answer).await,
            Err(_) => Err(MeshError::NotReached("it did not answer in time")),
        }
    }

    /// Tells MESH that a message is where it belongs: it does not come again. One that has gone is acknowledged already.
    ///
    /// # Errors
    /// It may or may not have been said: saying it again changes nothing.
    pub async fn acknowledge(&self, id: &MessageId) -> Result<(), MeshError> {
        let request = self.ask(Method::PUT, &format!("/inbox/{}/status/acknowledged", id.as_str()));
        match done(request.send().await).await {
            Ok(_) | Err(MeshError::Gone) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Sends a message, chunk by chunk.
    ///
    /// # Errors
    /// Where the error is passing it may have been taken: ask [`Client::standing_of`] before it is sent again.
    pub async fn send(&self, what: Outgoing<'_>) -> Result<MessageId, MeshError> {
        let length = what.content.length()?;
        let chunks = parcels::chunks(length, self.chunk_bytes)?;
        // What is short keeps nobody waiting behind it for long.
        let within = if length <= MESH_ANSWER_BYTES as u64 { MESH_ANSWER } else { MESH_CHUNK };
        let request = self
            .ask(Method::POST, "/outbox")
            .header("mex-from", self.mailbox.as_str())
            .header("mex-to", what.to.as_str())
            .header("mex-workflowid", what.workflow)
            .header("mex-localid", what.local_id)
            .header("mex-filename", what.file_name);
        let (mut content, first) = what.content.packed(self.chunk_bytes).await?;
        let answer = done(chunk_of(request, 1, chunks, first).timeout(within).send().await).await?;
        let id = answers::sent(&short(answer).await?);
        let id = id.ok_or(MeshError::NotReached("it does not say under what name it took a message"))?;
        for number in 2..=chunks {
            let part;
            (content, part) = content.packed(self.chunk_bytes).await?;
            self.send_chunk(&id, number, chunks, &part).await?;
        }
        Ok(id)
    }

    /// A chunk behind the first is the same however often it is sent. One failure must not begin a file of a million records anew.
    async fn send_chunk(
        &self,
        id: &MessageId,
        number: u32,
        chunks: u32,
        part: &[u8],
    ) -> Result<(), MeshError> {
        let mut failed = None;
        for time in 0..MESH_CHUNK_TRIES {
            if time > 0 {
                tokio::time::sleep(MESH_CHUNK_PAUSE).await;
            }
            let request = self.ask(Method::POST, &format!("/outbox/{}/{number}", id.as_str()));
            match done(chunk_of(request, number, chunks, part.to_vec()).send().await).await {
                Ok(_) => return Ok(()),
                Err(error) if error.is_passing() => failed = Some(error),
                // It may have been taken the time before, as the last of all: whoever asks for the message's standing learns it.
                Err(error) => return Err(failed.unwrap_or(error)),
            }
        }
        Err(failed.unwrap_or(MeshError::NotReached("a chunk was not taken")))
    }

    /// How a message stands that was sent, or may have been, under a local id.
    ///
    /// # Errors
    /// It is not known: nothing is to be sent again.
    pub async fn standing_of(&self, local_id: &str) -> Result<Standing, MeshError> {
        let request = self.ask(Method::GET, &format!("/outbox/tracking/{}", escaped(local_id)));
        self.standing(request).await
    }

    /// How a message stands, by MESH's own name of it.
    ///
    /// # Errors
    /// It is not known.
    pub async fn standing_of_message(&self, id: &MessageId) -> Result<Standing, MeshError> {
        self.standing(self.ask(Method::GET, &format!("/outbox/tracking?messageID={}", id.as_str()))).await
    }

    async fn standing(&self, request: RequestBuilder) -> Result<Standing, MeshError> {
        let answer = request.send().await.map_err(|error| not_reached(&error))?;
        match answer.status() {
            // More than one of this name: it was sent.
            StatusCode::MULTIPLE_CHOICES => Ok(Standing::Accepted(None)),
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(Standing::NotThere),
            _ => answers::standing(&short(done(Ok(answer)).await?).await?),
        }
    }

    /// Which mailboxes of an organisation take a workflow.
    ///
    /// # Errors
    /// MESH is not reached, or its answer is none.
    pub async fn look_up(&self, organisation: &str, workflow: &str) -> Result<Vec<MailboxId>, MeshError> {
        let (organisation, workflow) = (escaped(organisation), escaped(workflow));
        let url = format!("{}/messageexchange/endpointlookup/{organisation}/{workflow}", self.address);
        answers::found(&short(done(self.asked(Method::GET, url).send().await).await?).await?)
    }
}

fn chunk_of(request: RequestBuilder, number: u32, chunks: u32, part: Vec<u8>) -> RequestBuilder {
    request
        .header("content-type", "application/octet-stream")
        .header("content-encoding", "gzip")
        .header("mex-chunk-range", format!("{number}:{chunks}"))
        .timeout(MESH_CHUNK)
        .body(part)
}

/// An answer that says that it was done.
async fn done(answer: Result<Response, reqwest::Error>) -> Result<Response, MeshError> {
    let answer = answer.map_err(|error| not_reached(&error))?;
    let status = answer.status();
    match status {
        StatusCode::OK | StatusCode::ACCEPTED | StatusCode::PARTIAL_CONTENT => Ok(answer),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(MeshError::NotAllowed),
        StatusCode::NOT_FOUND | StatusCode::GONE => Err(MeshError::Gone),
        StatusCode::EXPECTATION_FAILED => Err(match short(answer).await {
            Ok(body) if answers::is_of_no_mailbox(&body) => MeshError::NoSuchMailbox,
            Ok(_) | Err(_) => MeshError::Refused(status.as_u16()),
        }),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Err(MeshError::NotNow(status.as_u16()))
        }
        status if status.is_server_error() => Err(MeshError::NotNow(status.as_u16())),
        status => Err(MeshError::Refused(status.as_u16())),
    }
}

/// The whole of an answer that cannot be long.
async fn short(mut answer: Response) -> Result<Vec<u8>, MeshError> {
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(|error| not_reached(&error))? {
        if body.len().saturating_add(part.len()) > MESH_ANSWER_BYTES {
            return Err(MeshError::NotUnderstood("it is too long"));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// Hands on a chunk.
async fn unpack(mut answer: Response, sink: &mut impl Sink) -> Result<(), MeshError> {
    let is_compressed = is_compressed(answer.headers())?;
    let mut unpacked = Unpacked::of(is_compressed);
    while let Some(part) = answer.chunk().await.map_err(|error| not_reached(&error))? {
        unpacked.take(&part, sink).await?;
        // A long message leaves others their turn.
        tokio::task::yield_now().await;
    }
    unpacked.finish(sink).await
}

fn is_compressed(headers: &HeaderMap) -> Result<bool, MeshError> {
    match headers.get("content-encoding").map(HeaderValue::as_bytes) {
        None | Some(b"" | b"identity") => Ok(false),
        Some(b"gzip") => Ok(true),
        Some(_) => Err(MeshError::NotUnderstood("a message is packed in an unknown way")),
    }
}

/// Why nobody was reached. The library's text holds an address and more: only its kind is told.
fn not_reached(error: &reqwest::Error) -> MeshError {
    MeshError::NotReached(if error.is_timeout() {
        "it did not answer in time"
    } else if error.is_connect() {
        "no connection, or its certificate or ours is not taken"
    } else {
        "the connection broke off"
    })
}

/// A text as a part of an address.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            escaped.push(char::from(byte));
        } else {
            // Writing into a String does not fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}
