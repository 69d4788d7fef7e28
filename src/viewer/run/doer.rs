//! Runs effects: asks the hub, copies, opens dialogs. Answers come back as events.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use eframe::egui;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{Clipboard, SignIn};
use crate::client::{HubClient, Limits};
use crate::config::viewer::ViewerConfig;
use crate::domain::{AccessReference, Failure, Report};
use crate::viewer::effect::Effect;
use crate::viewer::event::Event;

/// The hub that this viewer knows.
#[derive(Debug, Clone)]
pub struct Hub {
    /// Its address.
    pub address: String,
    /// The configured place of this computer.
    pub site: Option<String>,
    /// Limits of each call.
    pub limits: Limits,
}

/// Runs effects.
pub(super) struct Doer {
    hub: Option<Hub>,
    sign_in: Option<Arc<dyn SignIn>>,
    clipboard: Box<dyn Clipboard>,
    runtime: tokio::runtime::Handle,
    sender: mpsc::Sender<Event>,
    ctx: egui::Context,
    client: Option<HubClient>,
    /// Copies that wait for the hub to have recorded them.
    copies: mpsc::Receiver<CopyReady>,
    copy_ready: mpsc::Sender<CopyReady>,
    /// Grows whenever copies are to be forgotten: those that were asked for before are not made.
    forgotten: u64,
}

/// A copy that the hub has recorded, or refused.
struct CopyReady {
    ask: u64,
    forgotten: u64,
    text: zeroize::Zeroizing<String>,
    recorded: Result<(), Failure>,
}

impl Doer {
    pub(super) fn new(
        hub: Option<Hub>,
        sign_in: Option<Arc<dyn SignIn>>,
        clipboard: Box<dyn Clipboard>,
        runtime: tokio::runtime::Handle,
        sender: mpsc::Sender<Event>,
        ctx: egui::Context,
    ) -> Self {
        let (copy_ready, copies) = mpsc::channel(4);
        Self { hub, sign_in, clipboard, runtime, sender, ctx, client: None, copies, copy_ready, forgotten: 0 }
    }

    /// Whether any answer of this session's hub said that its people are synthetic.
    pub(super) fn hub_is_synthetic(&self) -> bool {
        self.client.as_ref().is_some_and(HubClient::is_synthetic)
    }

    /// Puts recorded copies on the clipboard (here, because not every clipboard can be used from every
    /// thread).
    pub(super) fn finish_copies(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Ok(ready) = self.copies.try_recv() {
            if ready.forgotten != self.forgotten {
                continue;
            }
            let result = match ready.recorded {
                Ok(()) if self.clipboard.put(&ready.text) => Ok(()),
                Ok(()) => Err(Failure::HubFailed),
                Err(failure) => Err(failure),
            };
            events.push(Event::Copied(ready.ask, result));
        }
        events
    }

    pub(super) fn run(&mut self, effect: Effect) {
        match effect {
            Effect::SignIn(persona) => self.sign_in(persona),
            Effect::SignOut => self.client = None,
            Effect::ChooseConfiguration => self.choose_configuration(),
            Effect::StartDemonstration => self.start_demonstration(),
            Effect::ForgetClipboard => {
                self.forgotten += 1;
                self.clipboard.forget();
            }
            Effect::WakeAfter(time) => self.ctx.request_repaint_after(time.max(Duration::from_millis(10))),
            Effect::Copy { ask, reference, report, text } => self.copy(ask, reference, report, text),
            Effect::Search(ask, query) => self.ask(
                move |hub| async move { hub.search(&query, Uuid::new_v4()).await },
                move |result| Event::Searched(ask, result),
            ),
            Effect::Retrieve(ask, number, postcode) => self.ask(
                move |hub| async move { hub.retrieve(number, postcode.as_deref(), Uuid::new_v4()).await },
                move |result| Event::Retrieved(ask, result),
            ),
            Effect::OpenPlans(ask, view) => self.ask(
                move |hub| async move { hub.plans(view).await },
                move |result| Event::Plans(ask, result),
            ),
            Effect::History(ask, view) => self.ask(
                move |hub| async move { hub.history(view).await },
                move |result| Event::History(ask, result),
            ),
            Effect::Status(ask, reference) => self.ask(
                move |hub| async move { hub.access_status(&reference).await },
                move |result| Event::Status(ask, result),
            ),
            Effect::OpenedInError(ask, references) => self.ask(
                move |hub| async move {
                    for reference in &references {
                        hub.opened_in_error(reference).await?;
                    }
                    Ok(())
                },
                move |result| Event::OpenedInError(ask, result),
            ),
            Effect::SwitchCare(ask, care) => self.ask(
                move |hub| async move { hub.set_care(care).await },
                move |result| Event::CareSwitched(ask, care, result),
            ),
        }
    }

    /// Asks the hub in the background. Without a session the answer is that it has ended.
    fn ask<T, Asking, Answer, Finish>(&self, asking: Asking, finish: Finish)
    where
        T: Send + 'static,
        Asking: FnOnce(HubClient) -> Answer + Send + 'static,
        Answer: Future<Output = Result<T, Failure>> + Send + 'static,
        Finish: FnOnce(Result<T, Failure>) -> Event + Send + 'static,
    {
        let client = self.client.clone();
        let (sender, ctx) = (self.sender.clone(), self.ctx.clone());
        self.runtime.spawn(async move {
            let result = match client {
                Some(client) => asking(client).await,
                None => Err(Failure::SessionEnded),
            };
            // The receiver is gone only when the window is: nobody is left to be told.
            let _ = sender.send(finish(result)).await;
            ctx.request_repaint();
        });
    }

    fn sign_in(&mut self, persona: usize) {
        let signed_in = match (&self.sign_in, &self.hub) {
            (Some(sign_in), Some(hub)) => sign_in.sign_in(persona).and_then(|signed_in| {
                let client =
                    HubClient::new(&hub.address, signed_in.token.to_string(), hub.site.clone(), hub.limits)?;
                Ok((client, signed_in.session))
            }),
            (None, _) | (_, None) => Err(Failure::NotAccepted),
        };
        match signed_in {
            Ok((client, session)) => {
                self.client = Some(client.clone());
                let (sender, ctx) = (self.sender.clone(), self.ctx.clone());
                self.runtime.spawn(async move {
                    // The hub is asked what it is and what time it is; if that fails, the first search says so.
                    if let Ok(at) = client.greet().await {
                        let _ = sender.send(Event::HubTime(at)).await;
                    }
                    let _ = sender.send(Event::SignedIn(Ok(session))).await;
                    ctx.request_repaint();
                });
            }
            Err(failure) => self.tell(Event::SignedIn(Err(failure))),
        }
    }

    fn copy(&self, ask: u64, reference: AccessReference, report: Report, text: String) {
        let Some(client) = self.client.clone() else { return };
        let (sender, ctx, forgotten) = (self.copy_ready.clone(), self.ctx.clone(), self.forgotten);
        let text = zeroize::Zeroizing::new(text);
        self.runtime.spawn(async move {
            let recorded = client.report(&reference, report).await;
            // The receiver is gone only when the window is.
            let _ = sender.send(CopyReady { ask, forgotten, text, recorded }).await;
            ctx.request_repaint();
        });
    }

    fn choose_configuration(&self) {
        let dialog = rfd::AsyncFileDialog::new()
            .set_title("Open a configuration file")
            .add_filter("Configuration", &["toml"])
            .pick_file();
        let (sender, ctx) = (self.sender.clone(), self.ctx.clone());
        self.runtime.spawn(async move {
            let Some(file) = dialog.await else { return };
            let read = ViewerConfig::read(Path::new(file.path()));
            let event = Event::Configured(read.map(super::setup_of).map_err(|error| error.to_string()));
            let _ = sender.send(event).await;
            ctx.request_repaint();
        });
    }

    /// The demonstration is another run of this program: nothing of it is in this one.
    fn start_demonstration(&self) {
        let started = std::env::current_exe()
            .and_then(|program| std::process::Command::new(program).arg("--demo").spawn());
        match started {
            Ok(_) => self.ctx.send_viewport_cmd(egui::ViewportCommand::Close),
            Err(_) => self.tell(Event::Configured(Err("the demonstration could not be started".to_owned()))),
        }
    }

    fn tell(&self, event: Event) {
        // Only a full queue refuses, and then sixty-four answers are already waiting to be drawn.
        let _ = self.sender.try_send(event);
        self.ctx.request_repaint();
    }
}
