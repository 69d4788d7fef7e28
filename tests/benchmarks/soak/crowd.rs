//! Those who do harm if they can: idle connections, and slow ones of three kinds.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::hub::{self, Access, Hub};

/// How often a slow one sends a byte, and the closed are opened anew.
const TURN: Duration = Duration::from_millis(500);

/// Turns after which the crowd asks what its proofs have to carry.
const NONCE_TURNS: u64 = 100;

const PATH: &str = "/cpis/FHIR/R4/AuditEvent";

/// A crowd, until it is dropped.
pub(crate) struct Crowd {
    is_over: Arc<AtomicBool>,
    open: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

enum Kind {
    /// Nothing is ever sent.
    Silent,
    /// One request and its answer, then nothing.
    Answered,
    /// A byte of a header now and then.
    Header,
    /// A byte of a body now and then.
    Body,
    /// Requests, and no answer is read.
    Deaf,
}

struct One {
    kind: Kind,
    stream: Option<TcpStream>,
}

impl Crowd {
    pub(crate) fn gather(hub: &Hub, idle: usize, slow: usize) -> Self {
        let (address, access) = (hub.address.clone(), hub.token(20_000, &["B0264", "B0107"]));
        let is_over = Arc::new(AtomicBool::new(false));
        let open = Arc::new(AtomicUsize::new(0));
        let (over, counted) = (Arc::clone(&is_over), Arc::clone(&open));
        let thread = std::thread::Builder::new().name("crowd".to_owned()).spawn(move || {
            let mut crowd: Vec<One> = (0..idle)
                .map(|n| if n % 2 == 0 { Kind::Silent } else { Kind::Answered })
                .chain((0..slow).map(|n| {
                    [Kind::Header, Kind::Body, Kind::Deaf].into_iter().nth(n % 3).unwrap_or(Kind::Header)
                }))
                .map(|kind| One { kind, stream: None })
                .collect();
            let (mut nonce, mut turns) = (String::new(), 0_u64);
            while !over.load(Ordering::Relaxed) {
                let mut there = 0;
                if turns.is_multiple_of(NONCE_TURNS) {
                    nonce = hub::nonce(&address).unwrap_or(nonce);
                }
                turns += 1;
                for one in &mut crowd {
                    one.turn(&address, &access, &nonce);
                    there += usize::from(one.stream.is_some());
                }
                counted.store(there, Ordering::Relaxed);
                std::thread::sleep(TURN);
            }
        });
        Self { is_over, open, thread: thread.ok() }
    }

    /// How many were connected at the last turn.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl One {
    fn turn(&mut self, address: &str, access: &Access, nonce: &str) {
        let is_gone =
            self.stream.as_ref().is_none_or(|stream| is_closed(stream, matches!(self.kind, Kind::Deaf)));
        if is_gone {
            self.stream = TcpStream::connect(address).ok();
        }
        let Some(stream) = &mut self.stream else { return };
        let _ = stream.set_nonblocking(false);
        let _ = stream.set_write_timeout(Some(Duration::from_millis(1)));
        let begun = |method: &str| {
            let proved = access.proved(method, PATH, nonce);
            format!("{method} {PATH} HTTP/1.1\r\nHost: h\r\n{proved}")
        };
        let sent = match self.kind {
            Kind::Silent => String::new(),
            Kind::Answered if is_gone => "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n".to_owned(),
            Kind::Answered => String::new(),
            Kind::Header if is_gone => "GET /healthz HTTP/1.1\r\nX-Slow: ".to_owned(),
            Kind::Header => "x".to_owned(),
            Kind::Body if is_gone => format!("{}Content-Length: 1000\r\n\r\n", begun("POST")),
            Kind::Body => " ".to_owned(),
            Kind::Deaf => (0..20).map(|_| begun("GET") + "\r\n").collect(),
        };
        let _ = stream.write_all(sent.as_bytes());
    }
}

/// Whether the hub has closed; whoever does not listen notices only by an error.
fn is_closed(stream: &TcpStream, is_deaf: bool) -> bool {
    let _ = stream.set_nonblocking(true);
    let mut bytes = [0; 1024];
    let looked = if is_deaf { stream.peek(&mut bytes) } else { (&*stream).read(&mut bytes) };
    match looked {
        Ok(read) => read == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}
