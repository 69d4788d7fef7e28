//! The link of one of the demonstration's local authorities, and its page: what a view in the viewer becomes at the other end. It
//! runs in this process, on a register of its own in the demonstration's directory, and hears of the hub without a network.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Time, Weekday};
use tokio::net::TcpListener;
use tokio::runtime::Handle;

use super::DemoError;
use super::records::WEXCOMBE;
use crate::authority::notes::RegisterAlone;
use crate::authority::notices::{self, Alerting, CasesOfExtract, Ends, Stop};
use crate::authority::page::door::Way;
use crate::authority::page::guard::Address;
use crate::authority::page::{self, Page, Settings};
use crate::authority::register::{Case, Cases, Reader, Register, Responsible, Who};
use crate::config::authority::{Person, Restricted, Routing};
use crate::domain::OfficeHours;
use crate::exchange::TransportError;
use crate::exchange::notice::{Collected, Mailbox, Mark};
use crate::hub::Hub;
use crate::hub::store::StoreError;
use crate::viewer::run::{Browser, SystemBrowser};

/// How often the hub is asked: somebody waits before the page.
const EVERY: Duration = Duration::from_secs(1);

/// Who looks at the page.
const READER: &str = "demo.worker";

/// A running link with its page; both end with it.
pub(super) struct Link {
    page: Page,
    address: String,
    stop: Stop,
    listening: Option<JoinHandle<()>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Link {
    /// Starts it on the runtime that this is called on.
    pub(super) async fn start(hub: &Hub, issuer: &str, directory: &Path) -> Result<Self, DemoError> {
        let path = directory.join("notes.db");
        let register = Register::open(&path, WEXCOMBE).map_err(|error| DemoError::Link(error.to_string()))?;
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(DemoError::Listen)?;
        let address = format!("http://{}", listener.local_addr().map_err(DemoError::Listen)?);
        let page = page(hub, &path, &address)?;
        let served = page::serve(listener, page.clone(), std::future::pending());
        let serving = tokio::spawn(async move {
            // It only ends with the demonstration.
            let _ = served.await;
        });
        let stop = Stop::default();
        let mailbox = Inside { hub: hub.clone(), issuer: issuer.to_owned(), runtime: Handle::current() };
        let until = stop.clone();
        let listening = std::thread::Builder::new()
            .name("demonstration-link".to_owned())
            .spawn(move || listen(register, mailbox, &until))
            .map_err(DemoError::Listen)?;
        Ok(Self { page, address, stop, listening: Some(listening), serving })
    }

    /// Where its page is.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Opens its page in the system's browser, and leaves every other address to `others`.
    pub(super) fn browser(&self, others: Arc<dyn Browser>) -> Arc<dyn Browser> {
        Arc::new(Opens { page: self.page.clone(), address: self.address.clone(), others })
    }

    /// Where somebody gets in, once.
    pub(super) fn start_address(&self) -> Option<String> {
        start_address(&self.page)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.serving.abort();
        self.stop.stop();
        if let Some(listening) = self.listening.take() {
            // Its register is deleted next.
            let _ = listening.join();
        }
    }
}

fn start_address(page: &Page) -> Option<String> {
    page.start_address().ok().flatten().map(|address| address.as_str().to_owned())
}

struct Opens {
    page: Page,
    address: String,
    others: Arc<dyn Browser>,
}

impl Browser for Opens {
    fn open(&self, address: &str) -> bool {
        if address != self.address {
            return self.others.open(address);
        }
        start_address(&self.page).is_some_and(|start| SystemBrowser.open(&start))
    }
}

fn page(hub: &Hub, register: &Path, address: &str) -> Result<Page, DemoError> {
    let settings = Settings {
        register: register.to_owned(),
        authority_code: WEXCOMBE.to_owned(),
        authority: "Wexcombe Borough Council".to_owned(),
        hours: Some(hours()),
        address: Address::new(address).ok_or(DemoError::Key)?,
        known_as: routing().names_of_users(),
        // Every case is open here: nothing is ever to be placed.
        cases: CasesOfExtract { memory: register.with_file_name("no-extract.db"), is_partial: false },
        is_synthetic: true,
    };
    let reader = Reader::named(READER).ok_or(DemoError::Key)?;
    let clock = hub.clock().clone();
    Page::new(settings, Way::Start { reader }, Arc::new(move || clock.now())).map_err(|_| DemoError::Key)
}

/// Rounds, until told to stop.
fn listen(mut register: Register, mut mailbox: Inside, stop: &Stop) {
    let issuer = mailbox.issuer.clone();
    let clock = mailbox.hub.clock().clone();
    let table = routing();
    let ends = Ends { authority_code: WEXCOMBE, issuer: &issuer };
    loop {
        let alerting = Alerting { table: &table, mailer: None };
        // What went wrong is tried again in the next round.
        let _ = notices::round(
            &mut register,
            &mut mailbox,
            ends,
            &EveryCase,
            &mut |_| Ok(Box::new(RegisterAlone)),
            alerting,
            &|| clock.now(),
        );
        if stop.wait(EVERY) {
            break;
        }
    }
}

/// Whose children they are.
const WORKERS: [&str; 2] = ["Marsh, Jo", "Iqbal, Rana"];

fn whoever_tries_it() -> Person {
    Person { users: vec![READER.to_owned()], ..Person::default() }
}

/// Every case of the demonstration is open. In the field the extract says whose it is; here two workers share them.
struct EveryCase;

impl Cases for EveryCase {
    fn case(&self, _local_id: &str, _at: Timestamp) -> Result<Case, String> {
        Ok(Case::Open)
    }

    fn who(&self, local_id: &str) -> Result<Who, String> {
        let is_even = local_id.bytes().map(u32::from).sum::<u32>() % 2 == 0;
        let [jo, rana] = WORKERS;
        let worker = if is_even { jo } else { rana };
        let responsible =
            Responsible { worker: Some(worker.to_owned()), team: Some("Assessment team".to_owned()) };
        Ok(Who { responsible, ..Who::default() })
    }
}

/// Who is alerted; nobody gets an e-mail.
fn routing() -> Routing {
    let named = |name: &str| vec![name.to_owned()];
    Routing {
        hours: Some(hours()),
        fall_back: named("Safeguarding lead"),
        emergency_duty: named("Emergency duty team"),
        manager: Vec::new(),
        unread_hours: 4,
        // Whoever tries it out reads for both workers.
        people: WORKERS.map(|name| (name.to_owned(), whoever_tries_it())).into(),
        teams: BTreeMap::new(),
        kinds: Vec::new(),
        restricted: Restricted::default(),
        page: None,
        mail: None,
    }
}

fn hours() -> OfficeHours {
    let week = [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
    OfficeHours { days: week.to_vec(), from: Time::constant(8, 30, 0, 0), to: Time::constant(17, 0, 0, 0) }
}

/// The hub, in this process.
struct Inside {
    hub: Hub,
    issuer: String,
    runtime: Handle,
}

impl Inside {
    fn ask(&self, have: Option<&Mark>, above: Option<u32>) -> Result<Collected, TransportError> {
        let told = self.runtime.block_on(self.hub.notices_inside(WEXCOMBE, have, above));
        Ok(told.map_err(not_now)?.map_or(Collected::OtherNumbers, Collected::Document))
    }
}

fn not_now(error: StoreError) -> TransportError {
    TransportError::NotNow(error.to_string(), None)
}

impl Mailbox for Inside {
    fn collect(&mut self, have: Option<&Mark>) -> Result<Collected, TransportError> {
        self.ask(have, None)
    }

    fn collect_again(&mut self, above: u32) -> Result<Collected, TransportError> {
        self.ask(None, Some(above))
    }

    fn is_kept(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    fn file(&mut self, receipts: &[u8]) -> Result<Option<String>, TransportError> {
        self.runtime.block_on(self.hub.notices_filed_inside(WEXCOMBE, receipts)).map_err(not_now)?;
        Ok(None)
    }
}
