//! Ends sessions in the background: at the hub, in the keychain and at the provider; and says what could not be ended.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use eframe::egui;
use tokio::sync::mpsc;

use super::arrived::Held;
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

/// What it takes.
#[derive(Clone)]
pub(super) struct Ends {
    pub(super) runtime: tokio::runtime::Handle,
    pub(super) sender: mpsc::Sender<Event>,
    pub(super) ctx: egui::Context,
    pub(super) browser: Arc<dyn Browser>,
}

/// Asks in a session that was kept, without an access token yet.
pub(super) fn client_of(hub: &Hub, record: &Record) -> Result<HubClient, Failure> {
    let key = record.key().ok_or(Failure::SessionEnded)?;
    let access = Access::new(String::new(), key, &hub.known_as).renewable(record.refresh.clone(), 0);
    HubClient::new(&hub.address, access, hub.site.clone(), hub.limits, &hub.authorities)
}

impl Ends {
    async fn say(&self, event: Event) {
        let _ = self.sender.send(event).await;
        self.ctx.request_repaint();
    }

    async fn says_that(&self, is_said: bool, left: Left) {
        if is_said {
            self.say(Event::NotEnded(left)).await;
        }
    }

    /// Ends these sessions. From this call on nothing of them is kept. What it gives says when the hub has heard.
    pub(super) fn start(&self, all: Vec<Held>, leaving: Leaving) -> Receiver<()> {
        let (told, heard) = sync_channel(1);
        // Before anything else is asked of the keychain.
        let all: Vec<_> = all
            .into_iter()
            .map(|held| (held.client, held.keeper.as_ref().map(|keeper| keeper.forget())))
            .collect();
        let ends = self.clone();
        self.runtime.spawn(async move {
            for (client, forgotten) in all {
                let signed_out = client.sign_out().await;
                if !signed_out.is_heard {
                    ends.say(Event::SignOutNotTold).await;
                }
                if let Some(forgotten) = forgotten
                    && !forgotten.await
                {
                    ends.say(Event::NotEnded(Left::InTheKeychain)).await;
                }
                if let (Some(page), Leaving::AtTheProviderToo) = (signed_out.page, leaving) {
                    ends.say(Event::SignsOutThere(ends.browser.open(&page))).await;
                }
            }
            // Nobody waits for it unless the program is ending.
            let _ = told.send(());
        });
        heard
    }

    /// Ends whatever session is kept here, and takes it out. `aside`: it was used here already. `is_said`: it was offered, so
    /// that whoever refused it is told where it could not be ended.
    pub(super) fn start_of_kept(
        &self,
        hub: Hub,
        keychain: &Keychain,
        aside: Option<Held>,
        is_said: bool,
    ) -> Receiver<()> {
        let (told, heard) = sync_channel(1);
        // In this order, and before anybody else's is put there.
        let (loading, erasing) = (keychain.load(), keychain.erase());
        let (ends, patience) = (self.clone(), keychain.patience());
        self.runtime.spawn(async move {
            let is_heard = match aside {
                Some(held) => held.client.sign_out().await.is_heard,
                None => {
                    let mut loading = std::pin::pin!(loading);
                    let soon = tokio::time::timeout(patience, &mut loading).await;
                    let found = match soon {
                        Ok(found) => found,
                        Err(_) => {
                            ends.says_that(is_said, Left::AtTheHub).await;
                            loading.await
                        }
                    };
                    end_at_hub(&hub, found).await
                }
            };
            if !is_heard {
                ends.says_that(is_said, Left::AtTheHub).await;
            }
            if !erasing.await {
                ends.says_that(is_said, Left::InTheKeychain).await;
            }
            let _ = told.send(());
        });
        heard
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
