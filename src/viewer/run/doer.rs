//! Runs effects: asks the hub, copies, opens dialogs. Answers come back as events.

use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use eframe::egui;
use rustls_pki_types::CertificateDer;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::Clipboard;
use super::arrived::{Arrived, Held};
use super::browser::Browser;
use super::clock::Clock;
use super::ending::{Ends, Leaving};
use super::heard::Heard;
use super::keychain::Keychain;
use super::sessions::Who;
use crate::client::{HubClient, Limits};
use crate::config::viewer::ViewerConfig;
use crate::domain::{Failure, SessionOver};
use crate::viewer::effect::Effect;
use crate::viewer::event::Event;

/// The hub that this viewer knows.
#[derive(Debug, Clone)]
pub struct Hub {
    /// Where it is asked.
    pub address: String,
    /// What it calls itself: the same, where nothing stands between.
    pub known_as: String,
    /// The configured place of this computer.
    pub site: Option<String>,
    /// Limits of each call.
    pub limits: Limits,
    /// Authorities of its certificate, trusted beside those of the computer.
    pub authorities: Vec<CertificateDer<'static>>,
}

/// Runs effects.
pub(super) struct Doer {
    pub(super) hub: Option<Hub>,
    clipboard: Box<dyn Clipboard>,
    pub(super) browser: Arc<dyn Browser>,
    /// Where sessions are kept, on a desk that is nobody else's.
    pub(super) keychain: Option<Keychain>,
    /// A sign-in with the browser.
    pub(super) signing_in: Option<tokio::task::JoinHandle<()>>,
    pub(super) runtime: tokio::runtime::Handle,
    pub(super) sender: mpsc::Sender<Event>,
    pub(super) ctx: egui::Context,
    pub(super) held: Option<Held>,
    /// What sign-ins gave that nobody has taken up yet, under their numbers.
    pub(super) arrived: Arrived,
    /// What the system says of itself.
    pub(super) heard: Heard,
    /// Holds the event stream of that session.
    pub(super) following: Option<tokio::task::JoinHandle<()>>,
    /// Ends sessions.
    pub(super) ends: Ends,
    /// The hub of a configuration that was chosen while the program runs.
    chosen: Arc<Mutex<Option<Hub>>>,
    clock: Clock,
}

impl Doer {
    pub(super) fn new(
        hub: Option<Hub>,
        clipboard: Box<dyn Clipboard>,
        browser: Arc<dyn Browser>,
        runtime: tokio::runtime::Handle,
        sender: mpsc::Sender<Event>,
        ctx: egui::Context,
    ) -> Self {
        let arrived = Arrived::default();
        let ends = Ends {
            runtime: runtime.clone(),
            sender: sender.clone(),
            ctx: ctx.clone(),
            browser: Arc::clone(&browser),
            arrived: arrived.clone(),
            unused: Arc::default(),
            under_way: Arc::default(),
        };
        Self {
            hub,
            clipboard,
            browser,
            keychain: None,
            signing_in: None,
            runtime,
            sender,
            ctx,
            held: None,
            arrived,
            heard: Heard::default(),
            following: None,
            ends,
            chosen: Arc::default(),
            clock: Clock::start(Instant::now()),
        }
    }

    /// From its start everything here counts.
    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    fn client(&self) -> Option<&HubClient> {
        self.held.as_ref().map(|held| &held.client)
    }

    /// Whether any answer of this session's hub said that its people are synthetic.
    pub(super) fn hub_is_synthetic(&self) -> bool {
        self.client().is_some_and(HubClient::is_synthetic)
    }

    /// Why this session is over, once any question of it has met that.
    pub(super) fn session_is_over(&self) -> Option<SessionOver> {
        self.client().and_then(HubClient::session_is_over)
    }

    /// Whether the hub is asked nothing until somebody does something.
    pub(super) fn waits_for_input(&self) -> bool {
        self.client().is_some_and(HubClient::waits_for_input)
    }

    /// Looks at the clocks as long as the window is there.
    pub(super) fn watch_clock(&self) {
        let (sender, sends, clock) = (self.sender.clone(), self.sends(), self.clock.clone());
        self.runtime.spawn(async move {
            super::clock::watch(clock, || sender.closed(), || sends(Event::Slept)).await;
        });
    }

    /// Somebody is at the computer.
    pub(super) fn input(&self) {
        if let Some(client) = self.client().filter(|client| client.is_to_tell_input()) {
            let (client, ctx) = (client.clone(), self.ctx.clone());
            self.runtime.spawn(async move {
                client.tell_input().await;
                // It may have met that the session is over: nobody else would say so to a window that waits.
                ctx.request_repaint();
            });
        }
    }

    pub(super) fn run(&mut self, effect: Effect) {
        match effect {
            Effect::SignIn(ask, persona) => self.sign_in(ask, Who::Persona(persona)),
            Effect::KeepSignIn(ask) => self.keep_sign_in(ask),
            Effect::RevokeSignIn(ask) => self.revoke(self.arrived.take(ask), Leaving::Here),
            Effect::SignInByBrowser(ask) => self.sign_in(ask, Who::Person),
            Effect::LookForKept => self.look_for_kept(),
            Effect::Continue(ask) => self.go_on(ask),
            Effect::EndKept => self.end_kept(true),
            Effect::EndEarlier => self.end_kept(false),
            Effect::CancelSignIn => self.cancel_sign_in(),
            Effect::SignOut => self.sign_out(Leaving::AtTheProviderToo),
            Effect::Lock => self.sign_out(Leaving::Here),
            Effect::SetAside => self.set_aside(),
            Effect::ChooseConfiguration => self.choose_configuration(),
            Effect::StartDemonstration => self.start_demonstration(),
            Effect::OpenPage(address) => super::browser::open_beside(&self.runtime, &self.browser, address),
            Effect::ForgetClipboard => self.clipboard.forget(),
            Effect::WakeAfter(time) => self.ctx.request_repaint_after(time.max(Duration::from_millis(10))),
            Effect::ReportCopy(ask, reference, report) => self.ask(
                move |hub| async move { hub.report(&reference, report).await },
                move |result| Event::CopyRecorded(ask, result),
            ),
            Effect::PutOnClipboard { ask, text } => {
                let is_there = self.clipboard.put(&zeroize::Zeroizing::new(text));
                if let Some(ask) = ask {
                    self.tell(Event::OnClipboard(ask, is_there));
                }
            }
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
            Effect::HistoryAgain(ask, view) => self.ask(
                move |hub| async move { hub.history_again(view).await },
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
                move |result| Event::CareSwitched(ask, result),
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
        let client = self.client().cloned();
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

    pub(super) fn take_chosen(&mut self) {
        if let Ok(mut chosen) = self.chosen.lock()
            && let Some(hub) = chosen.take()
        {
            self.hub = Some(hub);
        }
    }

    fn choose_configuration(&self) {
        let dialog = rfd::AsyncFileDialog::new()
            .set_title("Open a configuration file")
            .add_filter("Configuration", &["toml"])
            .pick_file();
        let (sender, ctx) = (self.sender.clone(), self.ctx.clone());
        let chosen = Arc::clone(&self.chosen);
        self.runtime.spawn(async move {
            let Some(file) = dialog.await else { return };
            let read = ViewerConfig::read(Path::new(file.path()));
            if let (Ok(config), Ok(mut chosen)) = (&read, chosen.lock()) {
                *chosen = Some(super::hub_of(config));
            }
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

    pub(super) fn tell(&self, event: Event) {
        // Only a full queue refuses, and then sixty-four answers are already waiting to be drawn.
        let _ = self.sender.try_send(event);
        self.ctx.request_repaint();
    }
}
