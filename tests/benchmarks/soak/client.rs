//! A client that does what viewers, other people's software and broken programs do.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use uuid::Uuid;

use super::hub::{Access, Hub, name, number};

/// What came of a request.
pub(crate) enum Got {
    /// The answer that it should be.
    Right,
    /// Ask again.
    Shed,
    /// Another one, or none.
    Wrong,
}

/// Somebody with a connection.
pub(crate) struct Client {
    address: String,
    connection: Option<BufReader<TcpStream>>,
    access: Access,
    without_right: Access,
    nonce: String,
    random: u64,
    last_view: Option<(u64, Uuid)>,
}

impl Client {
    pub(crate) fn new(hub: &Hub, index: usize) -> Self {
        Self {
            address: hub.address.clone(),
            connection: None,
            access: hub.token(index, &["B0264", "B0107"]),
            without_right: hub.token(10_000 + index, &[]),
            nonce: String::new(),
            random: 0x9e37_79b9_7f4a_7c15 ^ ((index as u64 + 1) << 20),
            last_view: None,
        }
    }

    fn next(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    /// One request of the mix.
    pub(crate) fn ask(&mut self) -> Got {
        let (dice, person) = (self.next() % 100, self.next());
        let (request, expected): (Request, &[u16]) = match dice {
            0..40 => {
                self.last_view = Some((person, Uuid::new_v4()));
                (self.view(Who::Nurse), &[200])
            }
            40..55 => {
                self.last_view.get_or_insert((person, Uuid::new_v4()));
                (self.view(Who::Nurse), &[200])
            }
            55..70 => {
                let (family, born) = name(person);
                (self.people(&format!("?family={family}&birthdate=eq{born}")), &[200])
            }
            70..80 => (self.people(&format!("/{}", number(person))), &[200]),
            80..84 => (self.people("/9990000018"), &[200, 404]),
            84..88 => {
                let view = self.last_view.replace((person, Uuid::new_v4()));
                let refused = self.view(Who::WithoutRight);
                self.last_view = view;
                (refused, &[403])
            }
            88..91 => (self.view(Who::Nobody), &[401]),
            91..93 => (self.people("?family=X"), &[400]),
            93..95 => (self.people("/123"), &[400]),
            95..97 => (self.get("/nowhere", "", Who::Nurse), &[404]),
            97..99 => (self.post("{\"resourceType\":\"AuditEvent\"}"), &[400]),
            _ => (self.post("{"), &[400]),
        };
        match self.send(&request) {
            Some(status) if expected.contains(&status) => Got::Right,
            // Told to ask again.
            Some(503) => Got::Shed,
            Some(_) | None => Got::Wrong,
        }
    }

    /// A new view, and nothing else.
    pub(crate) fn view_somebody(&mut self) -> bool {
        let person = self.next();
        self.last_view = Some((person, Uuid::new_v4()));
        let request = self.view(Who::Nurse);
        self.send(&request) == Some(200)
    }

    fn view(&self, who: Who) -> Request {
        let (person, trace) = self.last_view.unwrap_or((0, Uuid::nil()));
        let path = format!(
            "/cpis/FHIR/R4/CareTeam?patient:identifier=https://fhir.nhs.uk/Id/nhs-number%7C{}",
            number(person)
        );
        self.get(&path, &format!("TraceID: {trace}\r\n"), who)
    }

    fn people(&self, rest: &str) -> Request {
        let headers = format!("X-Request-ID: {}\r\n", Uuid::new_v4());
        self.get(&format!("/personal-demographics/FHIR/R4/Patient{rest}"), &headers, Who::Nurse)
    }

    fn get(&self, path: &str, headers: &str, who: Who) -> Request {
        Request { method: "GET", path: path.to_owned(), who, rest: format!("{headers}\r\n") }
    }

    fn post(&self, body: &str) -> Request {
        let rest = format!("Content-Length: {}\r\n\r\n{body}", body.len());
        Request { method: "POST", path: "/cpis/FHIR/R4/AuditEvent".to_owned(), who: Who::Nurse, rest }
    }

    /// The bytes of a request, with a proof of its own each time it is sent.
    fn written(&self, Request { method, path, who, rest }: &Request) -> String {
        let proved = match who {
            Who::Nurse => self.access.proved(method, path, &self.nonce),
            Who::WithoutRight => self.without_right.proved(method, path, &self.nonce),
            Who::Nobody => "Authorization: DPoP nobody\r\n".to_owned(),
        };
        format!("{method} {path} HTTP/1.1\r\nHost: hub\r\n{proved}{rest}")
    }

    /// Status of the answer, which is read to its end. A connection that was kept too long is opened anew, and
    /// whoever lacks the hub's nonce asks again with it, as every client does.
    fn send(&mut self, request: &Request) -> Option<u16> {
        let was_kept = self.connection.is_some();
        let nonce = self.nonce.clone();
        match self.try_send(request) {
            None if was_kept => self.try_send(request),
            Some(401) if self.nonce != nonce => self.try_send(request),
            answered => answered,
        }
    }

    fn try_send(&mut self, request: &Request) -> Option<u16> {
        let request = self.written(request);
        if self.connection.is_none() {
            let stream = TcpStream::connect(&self.address).ok()?;
            stream.set_nodelay(true).ok()?;
            stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
            self.connection = Some(BufReader::new(stream));
        }
        let answered = exchange(self.connection.as_mut()?, &request);
        if answered.as_ref().is_none_or(|answered| answered.closes) {
            self.connection = None;
        }
        let answered = answered?;
        self.nonce = answered.nonce.unwrap_or_else(|| std::mem::take(&mut self.nonce));
        Some(answered.status)
    }
}

/// Who asks.
#[derive(Clone, Copy)]
enum Who {
    Nurse,
    WithoutRight,
    Nobody,
}

/// A request that is still to be proved.
struct Request {
    method: &'static str,
    path: String,
    who: Who,
    /// What follows the proof, to the request's end.
    rest: String,
}

/// What was answered, but for its body.
struct Answered {
    status: u16,
    closes: bool,
    nonce: Option<String>,
}

fn exchange(connection: &mut BufReader<TcpStream>, request: &str) -> Option<Answered> {
    connection.get_mut().write_all(request.as_bytes()).ok()?;
    let mut line = String::new();
    connection.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let status = line.get(9..12)?.parse().ok()?;
    let (mut length, mut closes, mut nonce) = (0, false, None);
    loop {
        line.clear();
        if connection.read_line(&mut line).ok()? <= 2 {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if let Some(value) = lower.strip_prefix("dpop-nonce:") {
            nonce = Some(value.trim().to_owned());
        }
        closes |= lower.starts_with("connection: close");
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).ok()?;
    Some(Answered { status, closes, nonce })
}
