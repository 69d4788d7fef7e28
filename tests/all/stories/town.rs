//! The town in which the stories happen: a running demonstration, its clock, and desks before its hub.

use std::sync::Arc;

use cpis::client::Limits;
use cpis::demo::Demonstration;
use cpis::hub::clock::Clock;
use cpis::viewer::run::{Browser, Keychain, Start};
use cpis::viewer::state::Prefill;
use jiff::Timestamp;
use jiff::civil::Date;
use rustls_pki_types::CertificateDer;

use super::book::Book;
use super::desk::{Desk, MemoryClipboard};

/// A number and a date of birth of the demonstration.
pub(crate) type Who = (&'static str, &'static str);
pub(crate) const AMELIA: Who = ("999 000 0018", "14-Jul-2019");
pub(crate) const ZARA: Who = ("999 000 0034", "30-Sep-2019");
pub(crate) const ISLA: Who = ("999 000 0050", "05-Mar-2021");
pub(crate) const RUBY: Who = ("999 000 2304", "22-Apr-2019");

/// A running demonstration and the threads that it runs on.
pub(crate) struct Town {
    // Dropped in this order: the hub before its threads.
    pub(crate) demonstration: Demonstration,
    runtime: tokio::runtime::Runtime,
}

impl Town {
    /// The demonstration, started at this moment.
    pub(crate) fn at(start: Timestamp) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let demonstration = runtime.block_on(Demonstration::start(start)).unwrap();
        Self { demonstration, runtime }
    }

    /// The demonstration on an ordinary day: a Wednesday, at noon, in the coming spring.
    pub(crate) fn new() -> Self {
        Self::at("2027-03-10T12:00:00Z".parse().unwrap())
    }

    /// Starts the local authority's link and page.
    pub(crate) fn start_link(&mut self) {
        self.runtime.block_on(self.demonstration.start_link()).unwrap();
    }

    /// A desk whose browser stands before the demonstration's own.
    pub(crate) fn desk_opening(&self, before: impl FnOnce(Arc<dyn Browser>) -> Arc<dyn Browser>) -> Desk {
        let clipboard = MemoryClipboard::default();
        let mut start = self.demonstration.viewer(None, Box::new(clipboard.clone()));
        start.browser = before(start.browser);
        Desk::new(start, self.runtime.handle().clone(), clipboard)
    }

    /// A desk before the hub itself.
    pub(crate) fn desk(&self) -> Desk {
        self.desk_before(self.demonstration.address(), Limits::default())
    }

    /// A desk whose hub is said to be elsewhere.
    pub(crate) fn desk_before(&self, address: &str, limits: Limits) -> Desk {
        self.desk_with(None, address, limits)
    }

    /// A desk that was started with this number and date of birth.
    pub(crate) fn desk_for(&self, (number, born): Who) -> Desk {
        let prefill = Prefill { nhs_number: number.to_owned(), date_of_birth: born.to_owned() };
        self.desk_with(Some(prefill), self.demonstration.address(), Limits::default())
    }

    /// A desk whose hub is elsewhere, behind TLS, and which trusts these authorities beside its computer's.
    pub(crate) fn desk_trusting(&self, address: &str, authorities: &[CertificateDer<'static>]) -> Desk {
        let clipboard = MemoryClipboard::default();
        let mut start = self.demonstration.viewer(None, Box::new(clipboard.clone()));
        if let Some(hub) = &mut start.hub {
            address.clone_into(&mut hub.address);
            hub.authorities = authorities.to_vec();
        }
        Desk::new(start, self.runtime.handle().clone(), clipboard)
    }

    /// A desk whose people sign in at the hub, with this browser.
    pub(crate) fn desk_signing_in(&self, browser: Arc<dyn Browser>) -> Desk {
        self.desk_signing_in_at(self.demonstration.address(), browser)
    }

    /// The same on a desk that is one person's own, with this keychain.
    pub(crate) fn desk_of_ones_own(&self, browser: Arc<dyn Browser>, keychain: Keychain) -> Desk {
        let (mut start, clipboard) = self.signing_in(self.demonstration.address(), browser);
        start.setup.private_desk = true;
        Desk::with_keychain(start, Some(keychain), self.runtime.handle().clone(), clipboard)
    }

    /// The same with something between it and the hub, which calls itself as it does.
    pub(crate) fn desk_of_ones_own_behind(
        &self,
        address: &str,
        browser: Arc<dyn Browser>,
        keychain: Keychain,
    ) -> Desk {
        let (mut start, clipboard) = self.signing_in(address, browser);
        start.setup.private_desk = true;
        if let Some(hub) = &mut start.hub {
            self.demonstration.address().clone_into(&mut hub.known_as);
        }
        Desk::with_keychain(start, Some(keychain), self.runtime.handle().clone(), clipboard)
    }

    /// A desk that is shared now, and was not when this keychain kept somebody.
    pub(crate) fn shared_desk_with(&self, browser: Arc<dyn Browser>, keychain: Keychain) -> Desk {
        let (start, clipboard) = self.signing_in(self.demonstration.address(), browser);
        Desk::with_keychain(start, Some(keychain), self.runtime.handle().clone(), clipboard)
    }

    /// The same of a hub that is said to be elsewhere.
    pub(crate) fn desk_signing_in_at(&self, address: &str, browser: Arc<dyn Browser>) -> Desk {
        let (start, clipboard) = self.signing_in(address, browser);
        Desk::new(start, self.runtime.handle().clone(), clipboard)
    }

    /// The same with something between it and the hub, which calls itself as it does.
    pub(crate) fn desk_signing_in_behind(&self, address: &str, browser: Arc<dyn Browser>) -> Desk {
        let (mut start, clipboard) = self.signing_in(address, browser);
        if let Some(hub) = &mut start.hub {
            self.demonstration.address().clone_into(&mut hub.known_as);
        }
        Desk::new(start, self.runtime.handle().clone(), clipboard)
    }

    fn signing_in(&self, address: &str, browser: Arc<dyn Browser>) -> (Start, MemoryClipboard) {
        let clipboard = MemoryClipboard::default();
        let mut start = self.demonstration.viewer(None, Box::new(clipboard.clone()));
        start.setup.personas.clear();
        start.setup.hub = Some(address.to_owned());
        if let Some(hub) = &mut start.hub {
            address.clone_into(&mut hub.address);
            address.clone_into(&mut hub.known_as);
        }
        start.browser = browser;
        (start, clipboard)
    }

    /// A desk of the demonstration's people, with this browser.
    pub(crate) fn desk_browsing(&self, address: &str, browser: Arc<dyn Browser>) -> Desk {
        let clipboard = MemoryClipboard::default();
        let mut start = self.demonstration.viewer(None, Box::new(clipboard.clone()));
        if let Some(hub) = &mut start.hub {
            address.clone_into(&mut hub.address);
        }
        start.browser = browser;
        Desk::new(start, self.runtime.handle().clone(), clipboard)
    }

    fn desk_with(&self, prefill: Option<Prefill>, address: &str, limits: Limits) -> Desk {
        let clipboard = MemoryClipboard::default();
        let mut start = self.demonstration.viewer(prefill, Box::new(clipboard.clone()));
        if let Some(hub) = &mut start.hub {
            address.clone_into(&mut hub.address);
            hub.limits = limits;
        }
        Desk::new(start, self.runtime.handle().clone(), clipboard)
    }

    /// What the hub has written.
    pub(crate) fn book(&self) -> Book {
        Book::open(&self.demonstration.database())
    }

    /// The hub's clock goes on by this much.
    pub(crate) fn pass(&self, seconds: i64) {
        let clock = self.demonstration.hub().clock();
        clock.turn_to(clock.now() + jiff::SignedDuration::from_secs(seconds));
    }

    /// Runs a call of the client's, as another program would make it.
    pub(crate) fn call<T>(&self, call: impl Future<Output = T>) -> T {
        self.runtime.block_on(call)
    }

    /// The London day on the hub's clock.
    pub(crate) fn day(&self) -> Date {
        cpis::domain::dates::london_day(self.demonstration.hub().clock().now())
    }
}

/// The machine's clock.
pub(crate) fn now() -> Timestamp {
    Clock::system().now()
}
