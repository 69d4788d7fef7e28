//! A register with made-up accesses, the page before it on a clock of the test's, and somebody who asks it byte by byte.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::HeaderName;
use cpis::authority::notices::CasesOfExtract;
use cpis::authority::page::door::Way;
use cpis::authority::page::guard::Address;
use cpis::authority::page::{self, Page, Settings};
use cpis::authority::register::{Case, Cases, Reader, Register, Responsible};
use cpis::domain::{AccessReference, ContactMode, NhsNumber, OfficeHours};
use cpis::exchange::notice::{Event, Heading, Item, Mark, Notice, NoticeId, Place};
use jiff::civil::{Time, Weekday};
use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;
use zeroize::Zeroizing;

pub(in crate::authority) const AUTHORITY: &str = "E06000030";
pub(in crate::authority) const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A name as nobody should have.
pub(in crate::authority) const SCRIPT: &str = "<script>alert(1)</script>";

/// A Sunday night.
pub(in crate::authority) fn now() -> Timestamp {
    "2026-11-22T02:15:00Z".parse().unwrap()
}

pub(in crate::authority) fn reader(user: &str) -> Reader {
    Reader::named(user).unwrap()
}

/// The id of the notification with this number, and of the note that begins with it.
pub(in crate::authority) fn id(number: u32) -> String {
    format!("{number:032x}")
}

struct NotD4;

impl Cases for NotD4 {
    fn case(&self, local_id: &str, _at: Timestamp) -> Result<Case, String> {
        let is_open = local_id != "D4";
        Ok(if is_open {
            Case::Open
        } else {
            Case::NotOpen("no case with this local id is in the last extract")
        })
    }
}

fn notice(number: u32, local_id: &str, attendance: &str, at: Timestamp) -> Notice {
    Notice {
        mark: Mark { number, id: NoticeId::parse(&id(number)).unwrap() },
        event: Event::Opened,
        at,
        reference: AccessReference::parse(attendance).unwrap(),
        attendance: AccessReference::parse(attendance).unwrap(),
        is_first: true,
        number: NhsNumber::synthetic(u64::from(number)),
        local_id: local_id.to_owned(),
        upload: None,
        name: "Sam Okafor".to_owned(),
        role: "Staff nurse".to_owned(),
        organisation: "Great Western Hospitals".to_owned(),
        organisation_code: "RN3".to_owned(),
        place: Some(Place {
            setting: "Emergency department".to_owned(),
            site: "Great Western Hospital".to_owned(),
            department: "Children's emergency unit".to_owned(),
            call_back: Some("01793 604 020".to_owned()),
            contact: ContactMode::InPerson,
        }),
    }
}

fn item(notice: Notice) -> Item {
    Item::Notice(Box::new(notice))
}

/// A1 twice and a correction, B2 by somebody with a bad name, C3 restricted to anna.holt, D4 without an open case, and one that
/// cannot be read.
fn items(now: Timestamp) -> Vec<Item> {
    let ago = |minutes| now - SignedDuration::from_mins(minutes);
    let again = Notice {
        name: "Dr Priya Nair".to_owned(),
        role: "Emergency doctor".to_owned(),
        is_first: false,
        ..notice(2, "A1", "7KQM-4T2X", ago(3000))
    };
    let in_error =
        Notice { event: Event::OpenedInError, is_first: false, ..notice(3, "A1", "7KQM-4T2X", ago(2990)) };
    let called = Notice {
        name: SCRIPT.to_owned(),
        role: "\" onmouseover=\"alert(1)".to_owned(),
        organisation: "'; DROP TABLE note; --".to_owned(),
        place: Some(Place {
            setting: "NHS 111".to_owned(),
            site: String::new(),
            department: "Call centre".to_owned(),
            call_back: None,
            contact: ContactMode::ByTelephone,
        }),
        ..notice(4, "B2", "8HRT-2MWC", ago(30))
    };
    let hidden = Notice { name: "Ida Hidden".to_owned(), ..notice(5, "C3", "9JRT-2MWD", ago(20)) };
    vec![
        item(notice(1, "A1", "7KQM-4T2X", ago(3010))),
        item(again),
        item(in_error),
        item(called),
        item(hidden),
        item(notice(6, "D4", "2JRT-2MWE", ago(10))),
        Item::Unreadable(
            Mark { number: 7, id: NoticeId::parse(&id(7)).unwrap() },
            "{\"status\":7}".to_owned(),
        ),
    ]
}

/// Makes the register; whoever holds the lock of the one link lets it go here.
pub(in crate::authority) fn register(path: &std::path::Path, more: u32, now: Timestamp) {
    let mut register = Register::open(path, AUTHORITY).unwrap();
    let mut items = items(now);
    let further = (0..more).map(|nth| {
        let number = 8 + nth;
        item(Notice {
            reference: AccessReference::parse("7KQM-4T2X").unwrap(),
            ..notice(
                number,
                &format!("M{nth}"),
                "7KQM-4T2X",
                now - SignedDuration::from_mins(5000 + i64::from(nth) * 60),
            )
        })
    });
    items.extend(further);
    for some in items.chunks(50) {
        let last = some.last().unwrap().mark().number;
        let heading = Heading {
            source: "https://hub.example".to_owned(),
            authority_code: AUTHORITY.to_owned(),
            last,
            unfiled: None,
            not_over: None,
        };
        register.take(&heading, some, now).unwrap();
    }
    register.make_notes(&NotD4, now).unwrap().unwrap();
    for (local_id, worker) in [("A1", "Marsh, Jo"), ("B2", "Iqbal, R. <b>")] {
        let who = Responsible { worker: Some(worker.to_owned()), team: Some("North".to_owned()) };
        register.note_responsible(local_id, &who).unwrap();
    }
    let holders = BTreeMap::from([("C3".to_owned(), BTreeSet::from([reader("anna.holt")]))]);
    register.note_restricted(&holders, &BTreeSet::new(), &|_| false, &BTreeSet::new()).unwrap();
}

/// A page that is served.
pub(in crate::authority) struct Room {
    register: PathBuf,
    _place: Option<tempfile::TempDir>,
    pub(in crate::authority) listen: SocketAddr,
    pub(in crate::authority) page: Page,
    clock: Arc<Mutex<Timestamp>>,
}

/// How people get in.
pub(in crate::authority) enum Through {
    Start(&'static str),
    Proxy,
}

impl Room {
    pub(in crate::authority) async fn open(through: Through) -> Self {
        Self::with(through, 0).await
    }

    /// With so many accesses more.
    pub(in crate::authority) async fn with(through: Through, more: u32) -> Self {
        Self::of(through, more, BTreeMap::new()).await
    }

    /// Whose users stand under these names in a routing table.
    pub(super) async fn known_as(through: Through, known_as: BTreeMap<String, Vec<String>>) -> Self {
        Self::of(through, 0, known_as).await
    }

    async fn of(through: Through, more: u32, known_as: BTreeMap<String, Vec<String>>) -> Self {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("notes.db");
        register(&path, more, now());
        let memory = place.path().join("memory.db");
        let room = Self::at((path, memory), through, Arc::new(Mutex::new(now())), known_as).await;
        Self { _place: Some(place), ..room }
    }

    /// Before a register that is there.
    pub(in crate::authority) async fn before(
        register: PathBuf,
        memory: PathBuf,
        through: Through,
        clock: Arc<Mutex<Timestamp>>,
    ) -> Self {
        Self::at((register, memory), through, clock, BTreeMap::new()).await
    }

    async fn at(
        (register, memory): (PathBuf, PathBuf),
        through: Through,
        clock: Arc<Mutex<Timestamp>>,
        known_as: BTreeMap<String, Vec<String>>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listen = listener.local_addr().unwrap();
        let told = Arc::clone(&clock);
        let (way, origin) = match through {
            Through::Start(user) => (Way::Start { reader: reader(user) }, format!("http://{listen}")),
            Through::Proxy => (
                Way::Proxy {
                    user_header: HeaderName::from_static("x-remote-user"),
                    secret_header: HeaderName::from_static("x-cpis-proxy"),
                    secret: Zeroizing::new(SECRET.to_owned()),
                },
                "https://cpis.council.example".to_owned(),
            ),
        };
        let week =
            [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
        let settings = Settings {
            register: register.clone(),
            authority_code: AUTHORITY.to_owned(),
            authority: "Wexcombe Council".to_owned(),
            hours: Some(OfficeHours {
                days: week.to_vec(),
                from: Time::constant(8, 30, 0, 0),
                to: Time::constant(17, 0, 0, 0),
            }),
            address: Address::new(&origin).unwrap(),
            known_as,
            cases: CasesOfExtract { memory, is_partial: false },
            is_synthetic: false,
        };
        let page = Page::new(settings, way, Arc::new(move || *told.lock().unwrap())).unwrap();
        tokio::spawn(page::serve(listener, page.clone(), std::future::pending()));
        Self { register, _place: None, listen, page, clock }
    }

    pub(in crate::authority) fn turn(&self, by: SignedDuration) {
        *self.clock.lock().unwrap() += by;
    }

    pub(in crate::authority) fn database(&self) -> PathBuf {
        self.register.clone()
    }

    /// Only this user is to see the case.
    pub(in crate::authority) fn restrict(&self, local_id: &str, user: &str) {
        let mut register = Register::open(&self.database(), AUTHORITY).unwrap();
        let holders = BTreeMap::from([(local_id.to_owned(), BTreeSet::from([reader(user)]))]);
        register.note_restricted(&holders, &BTreeSet::new(), &|_| false, &BTreeSet::new()).unwrap();
    }

    pub(in crate::authority) fn rows(&self, sql: &str) -> Vec<String> {
        crate::hub::support::rows(&rusqlite::Connection::open(self.database()).unwrap(), sql)
    }

    /// A path that lets somebody in, once.
    pub(in crate::authority) fn start_path(&self) -> String {
        let address = self.page.start_address().unwrap().unwrap();
        address.strip_prefix(&format!("http://{}", self.listen)).unwrap().to_owned()
    }

    /// Gets in, as a browser does.
    pub(in crate::authority) async fn get_in(&self) -> Browser {
        let answer = self.ask("GET", &self.start_path(), &[], "").await;
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{answer:?}");
        let set = answer.header("set-cookie").unwrap();
        assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{set}");
        let cookie = set.split(';').next().unwrap().to_owned();
        Browser {
            listen: self.listen,
            headers: vec![("Cookie".to_owned(), cookie)],
            origin: format!("http://{}", self.listen),
        }
    }

    /// Somebody whom the proxy names.
    pub(in crate::authority) fn proxied(&self, user: &str) -> Browser {
        let headers = [("Host", "cpis.council.example"), ("X-Remote-User", user), ("X-Cpis-Proxy", SECRET)];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Browser { listen: self.listen, headers, origin: "https://cpis.council.example".to_owned() }
    }

    pub(in crate::authority) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        ask(self.listen, method, path, headers, body).await
    }
}

/// A browser that was let in.
pub(in crate::authority) struct Browser {
    listen: SocketAddr,
    pub(in crate::authority) headers: Vec<(String, String)>,
    pub(in crate::authority) origin: String,
}

impl Browser {
    fn own(&self) -> Vec<(&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    pub(in crate::authority) async fn get(&self, path: &str) -> Answer {
        ask(self.listen, "GET", path, &self.own(), "").await
    }

    /// The page, which has to be one.
    pub(in crate::authority) async fn read(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    }

    /// Sends a form as the page's own are sent.
    pub(in crate::authority) async fn post(&self, path: &str, body: &str) -> Answer {
        let mut headers = self.own();
        headers.push(("Origin", &self.origin));
        headers.push(("Content-Type", "application/x-www-form-urlencoded"));
        ask(self.listen, "POST", path, &headers, body).await
    }

    /// What the forms on a page have to bring.
    pub(in crate::authority) async fn form(&self, path: &str) -> String {
        let page = self.read(path).await;
        let (_, rest) = page.split_once("name=\"form\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }
}

/// What came back.
#[derive(Debug)]
pub(in crate::authority) struct Answer {
    pub(in crate::authority) status: u16,
    pub(in crate::authority) headers: Vec<(String, String)>,
    pub(in crate::authority) body: String,
}

impl Answer {
    pub(in crate::authority) fn header(&self, name: &str) -> Option<&str> {
        let mut found =
            self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let value = found.next();
        assert!(found.next().is_none(), "{name} is there twice");
        value
    }
}

/// Asks exactly so. `Host` is the page's own unless it is said otherwise; an empty one is left out.
pub(in crate::authority) async fn ask(
    listen: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut text = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        text.push_str(&format!("Host: {listen}\r\n"));
    }
    for (name, value) in headers.iter().filter(|(name, value)| *name != "Host" || !value.is_empty()) {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if method == "POST" || !body.is_empty() {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    text.push_str(body);
    raw(listen, text.into_bytes()).await
}

/// Sends these bytes, and reads what comes until the connection is closed.
pub(in crate::authority) async fn raw(listen: SocketAddr, bytes: Vec<u8>) -> Answer {
    let read = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(listen).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        // Whoever is refused early may have been closed upon.
        let _ = stream.write_all(&bytes);
        let mut read = Vec::new();
        let _ = stream.read_to_end(&mut read);
        read
    });
    let text = String::from_utf8(read.await.unwrap()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let header =
        |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    Answer { status: status.unwrap_or(0), headers: lines.filter_map(header).collect(), body: body.to_owned() }
}
