//! What stands between viewer and hub and misbehaves: it reads raw HTTP, passes it on to the real hub, and
//! cuts, changes, holds up or replaces what it is told to.
//!
//! One request per connection, on plain threads: where exactly a connection breaks is the whole point.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, sleep};
use std::time::Duration;

use serde_json::Value;

/// No step of a scripted connection takes longer.
const PATIENCE: Duration = Duration::from_secs(20);
const TICK: Duration = Duration::from_millis(5);

/// What happens to a request.
pub(crate) enum Act {
    /// It is passed on, and so is the answer.
    Pass,
    /// The hub never hears of it; this is the answer, byte for byte, and the connection ends.
    Say(Vec<u8>),
    /// The hub answers, and its answer is changed on the way.
    Change(Box<dyn FnOnce(&mut Message) + Send>),
    /// The hub gets this many bytes of it; then both connections are cut.
    CutRequest(usize),
    /// The hub gets all of it and answers; of the answer this much arrives before the cut.
    CutAnswer(Cut),
    /// The hub gets all of it and both connections are cut without waiting for its answer.
    CutUnheard,
    /// This is said; then, for as long as anybody listens, a byte now and then.
    Drip(Vec<u8>),
    /// Passed on; the connection is kept open after the answer, and cut by the next request on it.
    Linger,
    /// Passed on; the answer waits until the gate is opened.
    Hold(Gate),
    /// The same, but a refusal does not wait.
    HoldGranted(Gate),
    /// The hub answers, and of an answer that is no refusal this much arrives before the cut.
    CutGranted(Cut),
}

/// Where an answer is cut.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cut {
    Nothing,
    StatusLine,
    InsideHeaders,
    Headers,
    Body(f64),
    AllButTheLastByte,
}

impl Cut {
    fn bytes(self, message: &Message) -> usize {
        let whole = message.bytes().len();
        let head = whole - message.body.len();
        match self {
            Cut::Nothing => 0,
            Cut::StatusLine => message.first.len() + 2,
            Cut::InsideHeaders => head / 2,
            Cut::Headers => head,
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of a small length"
            )]
            Cut::Body(share) => head + (message.body.len() as f64 * share) as usize,
            Cut::AllButTheLastByte => whole - 1,
        }
    }
}

/// Opened once.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<AtomicBool>);

impl Gate {
    pub(crate) fn open(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn wait(&self) {
        let mut waited = Duration::ZERO;
        while !self.0.load(Ordering::SeqCst) && waited < PATIENCE {
            sleep(TICK);
            waited += TICK;
        }
    }
}

/// A request or an answer.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) first: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Message {
    pub(crate) fn without(&mut self, header: &str) {
        self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(header));
    }

    pub(crate) fn with(&mut self, header: &str, value: &str) {
        self.without(header);
        self.headers.push((header.to_owned(), value.to_owned()));
    }

    /// Changes the JSON of the body.
    pub(crate) fn json(&mut self, change: impl FnOnce(&mut Value)) {
        let mut value: Value = serde_json::from_slice(&self.body).unwrap();
        change(&mut value);
        self.set_body(&value.to_string());
    }

    pub(crate) fn set_body(&mut self, body: &str) {
        self.body = body.as_bytes().to_vec();
        let length = self.body.len().to_string();
        self.with("content-length", &length);
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    fn bytes(&self) -> Vec<u8> {
        let headers: String =
            self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let mut bytes = format!("{}\r\n{headers}\r\n", self.first).into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Reads one message, with the body that its content-length promises.
    fn read(stream: &mut TcpStream) -> Option<Self> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read(&mut byte).ok()? == 0 {
                return None;
            }
            head.push(byte[0]);
        }
        let text = String::from_utf8(head).ok()?;
        let mut lines = text.trim_end().split("\r\n");
        let first = lines.next()?.to_owned();
        let header =
            |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
        let headers = lines.map(header).collect::<Option<Vec<_>>>()?;
        let mut message = Self { first, headers, body: Vec::new() };
        let length = message.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        message.body = vec![0; length];
        stream.read_exact(&mut message.body).ok()?;
        Some(message)
    }
}

/// An answer of a status with a body.
pub(crate) fn answer(status: u16, kind: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} Scripted\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

type Script = Arc<dyn Fn(usize) -> Act + Send + Sync>;

struct Shared {
    hub: SocketAddr,
    address: SocketAddr,
    /// Which addresses misbehave, how, and how often they have been asked for since.
    script: Mutex<Option<(&'static str, Script, usize)>>,
    /// The answers that were sent to the viewer in full or in part.
    sent: Mutex<Vec<u8>>,
    listens: AtomicBool,
    /// Nothing is passed on of an event stream, and nothing is closed.
    is_silent: AtomicBool,
    ends: AtomicBool,
}

/// See the module.
pub(crate) struct Proxy(Arc<Shared>);

impl Proxy {
    /// Stands before this hub.
    pub(crate) fn before(hub: &str) -> Self {
        let hub: SocketAddr = hub.trim_start_matches("http://").parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let shared = Arc::new(Shared {
            hub,
            address: listener.local_addr().unwrap(),
            script: Mutex::default(),
            sent: Mutex::default(),
            listens: AtomicBool::new(true),
            is_silent: AtomicBool::new(false),
            ends: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        Builder::new().name("proxy".to_owned()).spawn(move || accept(&serving, listener)).unwrap();
        Self(shared)
    }

    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// From now on requests whose address contains this part get what the script says: it is told how many
    /// there were before.
    pub(crate) fn on(&self, part: &'static str, script: impl Fn(usize) -> Act + Send + Sync + 'static) {
        *self.0.script.lock().unwrap() = Some((part, Arc::new(script), 0));
    }

    /// From now on event streams are open and say nothing; or they go on.
    pub(crate) fn silence_events(&self, is_silent: bool) {
        self.0.is_silent.store(is_silent, Ordering::SeqCst);
    }

    /// Everything is passed on again.
    pub(crate) fn heal(&self) {
        *self.0.script.lock().unwrap() = None;
    }

    /// Nobody listens at the port, or somebody does again.
    pub(crate) fn listen(&self, listens: bool) {
        self.0.listens.store(listens, Ordering::SeqCst);
        let mut waited = Duration::ZERO;
        while TcpStream::connect(self.0.address).is_ok() != listens {
            assert!(waited < PATIENCE, "the port does not change");
            sleep(TICK);
            waited += TICK;
        }
    }

    /// How often the script was asked.
    pub(crate) fn asked(&self) -> usize {
        self.0.script.lock().unwrap().as_ref().map_or(0, |(_, _, count)| *count)
    }

    /// Everything that was sent to the viewer so far, and forgets it.
    pub(crate) fn take_sent(&self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut *self.0.sent.lock().unwrap())).into_owned()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.0.ends.store(true, Ordering::SeqCst);
    }
}

fn accept(shared: &Arc<Shared>, listener: TcpListener) {
    let address = shared.address;
    let mut listener = Some(listener);
    while !shared.ends.load(Ordering::SeqCst) {
        if !shared.listens.load(Ordering::SeqCst) {
            listener = None;
        } else if listener.is_none() {
            listener = TcpListener::bind(address).ok();
        }
        let Some(listener) = &listener else {
            sleep(TICK);
            continue;
        };
        listener.set_nonblocking(true).unwrap();
        match listener.accept() {
            Ok((stream, _)) => {
                let shared = Arc::clone(shared);
                let serve = move || {
                    // Ends early where the other side does: that is what is being tried.
                    let _ = serve(&shared, stream);
                };
                Builder::new().name("proxied".to_owned()).spawn(serve).unwrap();
            }
            Err(_) => sleep(TICK),
        }
    }
}

fn serve(shared: &Shared, mut viewer: TcpStream) -> Option<()> {
    viewer.set_nonblocking(false).ok()?;
    viewer.set_read_timeout(Some(PATIENCE)).ok()?;
    viewer.set_nodelay(true).ok()?;
    let mut request = Message::read(&mut viewer)?;
    request.with("connection", "close");
    let act = {
        let mut script = shared.script.lock().unwrap();
        match &mut *script {
            Some((part, script, count)) if request.first.contains(*part) => {
                *count += 1;
                let script = Arc::clone(script);
                let before = *count - 1;
                script(before)
            }
            Some(_) | None => Act::Pass,
        }
    };
    let answer = match act {
        Act::Say(bytes) => bytes,
        Act::Drip(bytes) => return drip(shared, &mut viewer, &bytes),
        Act::CutRequest(bytes) => {
            let mut hub = TcpStream::connect(shared.hub).ok()?;
            let request = request.bytes();
            hub.write_all(&request[..bytes.min(request.len() - 1)]).ok()?;
            return hub.shutdown(Shutdown::Both).ok();
        }
        Act::CutUnheard => {
            let mut hub = TcpStream::connect(shared.hub).ok()?;
            hub.write_all(&request.bytes()).ok()?;
            return hub.shutdown(Shutdown::Both).ok();
        }
        Act::Pass if request.first.starts_with("GET /events") => return stream(shared, viewer, &request),
        Act::Pass => pass(shared, &request)?.bytes(),
        Act::Change(change) => {
            let mut message = pass(shared, &request)?;
            change(&mut message);
            message.bytes()
        }
        Act::CutAnswer(cut) => {
            let message = pass(shared, &request)?;
            let mut bytes = message.bytes();
            bytes.truncate(cut.bytes(&message));
            bytes
        }
        Act::Linger => {
            let mut message = pass(shared, &request)?;
            message.without("connection");
            viewer.write_all(&message.bytes()).ok()?;
            // What comes is not even read to its end.
            let _ = viewer.read(&mut [0; 16]);
            return viewer.shutdown(Shutdown::Both).ok();
        }
        Act::Hold(gate) => {
            let message = pass(shared, &request)?;
            gate.wait();
            message.bytes()
        }
        Act::HoldGranted(gate) => {
            let message = pass(shared, &request)?;
            if message.first.contains(" 200 ") {
                gate.wait();
            }
            message.bytes()
        }
        Act::CutGranted(cut) => {
            let message = pass(shared, &request)?;
            let mut bytes = message.bytes();
            if message.first.contains(" 200 ") {
                bytes.truncate(cut.bytes(&message));
            }
            bytes
        }
    };
    shared.sent.lock().unwrap().extend_from_slice(&answer);
    viewer.write_all(&answer).ok()?;
    viewer.shutdown(Shutdown::Both).ok()
}

/// The hub's own answer.
fn pass(shared: &Shared, request: &Message) -> Option<Message> {
    let mut hub = TcpStream::connect(shared.hub).ok()?;
    hub.set_read_timeout(Some(PATIENCE)).ok()?;
    hub.write_all(&request.bytes()).ok()?;
    Message::read(&mut hub)
}

/// An answer without an end, passed on as it comes.
fn stream(shared: &Shared, mut viewer: TcpStream, request: &Message) -> Option<()> {
    let mut hub = TcpStream::connect(shared.hub).ok()?;
    hub.write_all(&request.bytes()).ok()?;
    hub.set_read_timeout(Some(Duration::from_millis(50))).ok()?;
    let mut buffer = [0; 4096];
    while !shared.ends.load(Ordering::SeqCst) && shared.listens.load(Ordering::SeqCst) {
        match hub.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) if !shared.is_silent.load(Ordering::SeqCst) => viewer.write_all(&buffer[..read]).ok()?,
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    viewer.shutdown(Shutdown::Both).ok()
}

fn drip(shared: &Shared, viewer: &mut TcpStream, bytes: &[u8]) -> Option<()> {
    viewer.write_all(bytes).ok()?;
    while !shared.ends.load(Ordering::SeqCst) {
        sleep(Duration::from_millis(50));
        viewer.write_all(b" ").ok()?;
    }
    Some(())
}
