//! Ends sessions in the background: at the hub, in the keychain and at the provider; and says what could not be ended.

use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use eframe::egui;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::arrived::{Arrived, Held};
use super::browser::Browser;
use super::doer::Hub;
use super::keychain::{Found, Keychain, Record};
use crate::client::{Access, HubClient};
use crate::domain::Failure;
use crate::viewer::event::Event;
use crate::viewer::state::Left;

/// How far the end of a session goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaving {
    /// At the hub.
    Here,
    /// At the provider too, by a page in the browser.
    AtTheProviderToo,
}

/// Ends that are waited for at once. People do not end more sessions in the seconds that one takes.
const UNDER_WAY: usize = 16;

/// For so long a program that ends waits until the hub has heard of it.
const SIGN_OUT: Duration = Duration::from_secs(2);

/// How often it is looked whether all has come to its end.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What it takes.
#[derive(Clone)]
pub(super) struct Ends {
    pub(super) runtime: tokio::runtime::Handle,
    pub(super) sender: mpsc::Sender<Event>,
    pub(super) ctx: egui::Context,
    pub(super) browser: Arc<dyn Browser>,
    pub(super) arrived: Arrived,
    /// Where a session may be kept of which nothing was used yet.
    pub(super) unused: Arc<Mutex<Option<Unused>>>,
    /// Each says when it has come to its end.
    pub(super) under_way: Arc<Mutex<Vec<Receiver<()>>>>,
}

/// Where a session may be kept: whoever ends it takes this, so that it is ended once.
pub(super) struct Unused {
    pub(super) hub: Hub,
    pub(super) keychain: Keychain,
    /// Somebody can go on with it: then it is said where it could not be ended.
    pub(super) is_offered: bool,
}

/// Asks in a session that was kept, without an access token yet.
pub(super) fn client_of(hub: &Hub, record: &Record) -> Result<HubClient, Failure> {
    let key = record.key().ok_or(Failure::SessionEnded)?;
    let access = Access::new(String::new(), key, &hub.known_as).renewable(record.refresh.clone(), 0);
    HubClient::new(&hub.address, access, hub.site.clone(), hub.limits, &hub.authorities)
}

impl Ends {
    /// Never waits: a window that takes up nothing must not hold up the end of a session.
    fn say(&self, event: Event) {
        if let Err(TrySendError::Full(event)) = self.sender.try_send(event) {
            let sender = self.sender.clone();
            self.runtime.spawn(async move { sender.send(event).await });
        }
        self.ctx.request_repaint();
    }

    fn says_that(&self, is_said: bool, event: Event) {
        if is_said {
            self.say(event);
        }
    }

    /// Something that is waited for where the program ends.
    fn begin(&self) -> SyncSender<()> {
        let (told, hears) = sync_channel(1);
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.retain(|end| end.try_recv() == Err(TryRecvError::Empty));
        under_way.truncate(UNDER_WAY - 1);
        under_way.push(hears);
        told
    }

    /// Waits a moment for the hub to hear that sessions are over, and for a renewal of a kept one to be put where the next run
    /// finds it; says whether all that has come to its end. Where it is late, the hub ends the session in time.
    pub(super) fn wait(&self) -> bool {
        let until = Instant::now() + SIGN_OUT;
        for held in self.arrived.kept() {
            let told = self.begin();
            self.runtime.spawn(async move {
                held.client.settled().await;
                // Later than anybody waits.
                let _ = told.send(());
            });
        }
        // More than one may wait, each for all of it.
        while !self.are_over() {
            if Instant::now() >= until {
                return false;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        true
    }

    fn are_over(&self) -> bool {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.retain(|end| end.try_recv() == Err(TryRecvError::Empty));
        under_way.is_empty()
    }

    /// The program is to end. At once, and from wherever that is heard: the window may stand still.
    pub(super) fn leave(&self) {
        self.start(self.arrived.leave(), Leaving::Here);
    }

    /// The computer was locked: whoever comes back shows who they are, and goes on with nothing. At once, and from wherever
    /// that is heard: the window's next turn may be after a sleep, or never.
    pub(super) fn lock(&self) {
        let unused = self.unused().take();
        self.start(self.arrived.lock(), Leaving::Here);
        if let Some(Unused { hub, keychain, is_offered }) = unused {
            self.start_of_kept(hub, &keychain, None, is_offered);
        }
    }

    pub(super) fn unused(&self) -> MutexGuard<'_, Option<Unused>> {
        self.unused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends these sessions, but for those that end already. From this call on nothing of them is kept.
    pub(super) fn start(&self, all: Vec<Held>, leaving: Leaving) {
        // Before anything else is asked of the keychain.
        let all: Vec<_> = all
            .into_iter()
            .filter(Held::begins_to_end)
            .map(|held| (held.client, held.keeper.as_ref().map(|keeper| keeper.forget())))
            .collect();
        if all.is_empty() {
            return;
        }
        let (ends, told, begun) = (self.clone(), self.begin(), self.arrived.begun());
        self.runtime.spawn(async move {
            for (client, forgotten) in all {
                let signed_out = client.sign_out().await;
                if !signed_out.is_heard {
                    ends.say(Event::SignOutNotTold);
                }
                if let Some(forgotten) = forgotten
                    && !forgotten.await
                {
                    ends.say(Event::NotEnded(Left::InTheKeychain));
                }
                // Whoever signs in there meanwhile would be signed out.
                let is_alone = ends.arrived.begun() == begun;
                if let (Some(page), Leaving::AtTheProviderToo, true) = (signed_out.page, leaving, is_alone) {
                    ends.say(Event::SignsOutThere(ends.browser.open(&page)));
                }
            }
            // Nobody waits for it unless the program is ending.
            let _ = told.send(());
        });
    }

    /// Ends whatever session is kept here, and takes it out. `aside`: it was used here already. `is_said`: it was offered, so
    /// that whoever refused it is told where it could not be ended.
    pub(super) fn start_of_kept(&self, hub: Hub, keychain: &Keychain, aside: Option<Held>, is_said: bool) {
        // In this order, and before anybody else's is put there.
        let (loading, erasing) = (keychain.load(), keychain.erase());
        let (ends, told, patience) = (self.clone(), self.begin(), keychain.patience());
        self.runtime.spawn(async move {
            let mut has_said = false;
            let is_heard = match aside {
                Some(held) => held.client.sign_out().await.is_heard,
                None => {
                    let mut loading = std::pin::pin!(loading);
                    let soon = tokio::time::timeout(patience, &mut loading).await;
                    let found = match soon {
                        Ok(found) => found,
                        Err(_) => {
                            ends.says_that(is_said, Event::NotEnded(Left::AtTheHub));
                            has_said = true;
                            loading.await
                        }
                    };
                    end_at_hub(&hub, found).await
                }
            };
            match (has_said, is_heard) {
                // The keychain took long, and the hub has heard after all.
                (true, true) => ends.says_that(is_said, Event::EndedAfterAll(Left::AtTheHub)),
                (false, false) => ends.says_that(is_said, Event::NotEnded(Left::AtTheHub)),
                (true, false) | (false, true) => {}
            }
            if !erasing.await {
                ends.says_that(is_said, Event::NotEnded(Left::InTheKeychain));
            }
            let _ = told.send(());
        });
    }

    /// Somebody has signed in, and is kept from now on: a session that is kept there still would have no end.
    pub(super) fn start_of_replaced(&self, hub: Hub, keychain: &Keychain) {
        let loading = keychain.load();
        self.runtime.spawn(async move {
            // Whose it was is not here: the hub ends it in time where it does not hear of it.
            end_at_hub(&hub, loading.await).await;
        });
    }
}

/// Says whether the hub has heard of it, or there was nothing to hear.
async fn end_at_hub(hub: &Hub, found: Option<Found>) -> bool {
    match found {
        Some(Found::Session(record)) => match client_of(hub, &record) {
            Ok(client) => client.sign_out().await.is_heard,
            Err(_) => false,
        },
        Some(Found::Nothing) => true,
        None => false,
    }
}
