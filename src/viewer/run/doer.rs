//! Runs effects: asks the hub, copies, opens dialogs. Answers come back as events.

use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use eframe::egui::{self, ViewportCommand};
use rustls_pki_types::CertificateDer;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::Clipboard;
use super::arrived::Arrived;
use super::browser::{self, Browser};
use crate::client::{HubClient, Limits, SignedOut};
use crate::config::viewer::ViewerConfig;
use crate::domain::{CareSetting, Failure, NotSignedIn, Right, SessionOver, SignedInPerson};
use crate::viewer::effect::Effect;
use crate::viewer::event::Event;
use crate::viewer::state::{BrowserAt, Session};

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

/// For so long a program that ends waits until the hub has heard of it.
const SIGN_OUT: Duration = Duration::from_secs(1);

/// As the hub says who it is.
fn session_of(person: SignedInPerson) -> Session {
    let may = |right| person.rights.contains(&right);
    Session {
        user: format!("{}|{}|{}", person.organisation_code, person.role, person.user),
        may_notify: may(Right::ViewAndNotify),
        may_view_silently: may(Right::ViewSilently),
        name: person.name,
        role: person.role,
        organisation: person.organisation,
        care: CareSetting::Unscheduled,
        switching: None,
        care_problem: None,
    }
}

/// Runs effects.
pub(super) struct Doer {
    hub: Option<Hub>,
    clipboard: Box<dyn Clipboard>,
    browser: Arc<dyn Browser>,
    /// A sign-in with the browser.
    signing_in: Option<tokio::task::JoinHandle<()>>,
    runtime: tokio::runtime::Handle,
    sender: mpsc::Sender<Event>,
    ctx: egui::Context,
    client: Option<HubClient>,
    /// What sign-ins gave that nobody has taken up yet, under their numbers.
    arrived: Arrived,
    /// Holds the event stream of that session.
    following: Option<tokio::task::JoinHandle<()>>,
    /// Says when the hub has heard of the last sign-out.
    signing_out: Option<std::sync::mpsc::Receiver<()>>,
    /// The hub of a configuration that was chosen while the program runs.
    chosen: Arc<Mutex<Option<Hub>>>,
    started: Instant,
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
        Self {
            hub,
            clipboard,
            browser,
            signing_in: None,
            runtime,
            sender,
            ctx,
            client: None,
            arrived: Arrived::default(),
            following: None,
            signing_out: None,
            chosen: Arc::default(),
            started: Instant::now(),
        }
    }

    /// From when everything here counts.
    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// Whether any answer of this session's hub said that its people are synthetic.
    pub(super) fn hub_is_synthetic(&self) -> bool {
        self.client.as_ref().is_some_and(HubClient::is_synthetic)
    }

    /// Why this session is over, once any question of it has met that.
    pub(super) fn session_is_over(&self) -> Option<SessionOver> {
        self.client.as_ref().and_then(HubClient::session_is_over)
    }

    /// Whether the hub is asked nothing until somebody does something.
    pub(super) fn waits_for_input(&self) -> bool {
        self.client.as_ref().is_some_and(HubClient::waits_for_input)
    }

    /// Somebody is at the computer.
    pub(super) fn input(&self) {
        if let Some(client) = self.client.as_ref().filter(|client| client.is_to_tell_input()) {
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
            Effect::SignIn(ask, persona) => self.sign_in(ask, Some(persona)),
            Effect::KeepSignIn(ask) => self.keep_sign_in(ask),
            Effect::RevokeSignIn(ask) => self.revoke(self.arrived.take(ask), None),
            Effect::SignInByBrowser(ask) => self.sign_in(ask, None),
            Effect::CancelSignIn => self.cancel_sign_in(),
            Effect::SignOut => self.sign_out(),
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

    fn take_chosen(&mut self) {
        if let Ok(mut chosen) = self.chosen.lock()
            && let Some(hub) = chosen.take()
        {
            self.hub = Some(hub);
        }
    }

    /// With the browser: a person's own, or what does the same for a persona of the demonstration.
    fn sign_in(&mut self, ask: u64, persona: Option<usize>) {
        self.take_chosen();
        self.cancel_sign_in();
        let Some(hub) = self.hub.clone() else {
            return self.tell(Event::NotSignedIn(ask, NotSignedIn::Hub(Failure::NotAccepted)));
        };
        let (sender, ctx, browser) = (self.sender.clone(), self.ctx.clone(), Arc::clone(&self.browser));
        let arrived = self.arrived.clone();
        self.signing_in = Some(self.runtime.spawn(async move {
            let opens = |address: &str| {
                if persona.is_some() {
                    browser.open(address);
                    return;
                }
                let at = BrowserAt { address: address.to_owned(), has_opened: browser.open(address) };
                // Only a full queue refuses.
                let _ = sender.try_send(Event::BrowserAt(ask, at));
                ctx.request_repaint();
            };
            let hint = persona.map(|persona| persona.to_string());
            let event = match browser::sign_in(&hub, hint.as_deref(), opens).await {
                Ok((client, person)) => {
                    // Kept first: whoever cancels now signs out what has begun.
                    arrived.put(ask, client.clone());
                    // The hub is asked what it is and what time it is; if that fails, the first search says so.
                    if let Ok(at) = client.greet().await {
                        let _ = sender.send(Event::HubTime(at)).await;
                    }
                    for command in [ViewportCommand::Minimized(false), ViewportCommand::Focus] {
                        ctx.send_viewport_cmd(command);
                    }
                    Event::SignedIn(ask, Ok(session_of(person)))
                }
                Err(why) => Event::NotSignedIn(ask, why),
            };
            let _ = sender.send(event).await;
            ctx.request_repaint();
        }));
    }

    fn stop_signing_in(&mut self) {
        if let Some(signing_in) = self.signing_in.take() {
            signing_in.abort();
        }
    }

    /// Also of a session that has begun in the very moment nothing is left.
    fn cancel_sign_in(&mut self) {
        self.stop_signing_in();
        self.sign_out();
    }

    fn keep_sign_in(&mut self, ask: u64) {
        let Some(client) = self.arrived.take(ask).pop() else { return };
        self.stop_following();
        self.following = Some(self.follow(client.clone()));
        self.client = Some(client);
    }

    /// Holds the event stream. What it hears goes the way of all events; what ends the session is looked for with each of
    /// them.
    fn follow(&self, client: HubClient) -> tokio::task::JoinHandle<()> {
        let (sender, ctx, started) = (self.sender.clone(), self.ctx.clone(), self.started);
        self.runtime.spawn(async move {
            let here = || {
                // Only a full queue refuses, and the next one comes in five seconds.
                let _ = sender.try_send(Event::HubIsHere(started.elapsed()));
                ctx.request_repaint();
            };
            // What is shown says so, and the window would sleep.
            let waits = || ctx.request_repaint();
            client.follow(here, waits).await;
            ctx.request_repaint();
        })
    }

    fn stop_following(&mut self) {
        if let Some(following) = self.following.take() {
            following.abort();
        }
    }

    /// The tokens are forgotten at once, and of no use as soon as the hub has heard it; also those that nobody has taken up.
    fn sign_out(&mut self) {
        self.stop_signing_in();
        self.stop_following();
        let client = self.client.take();
        self.revoke(self.arrived.take_all(), client);
    }

    /// Tells the hub. Who worked here is signed out at the provider too, in their browser: the next person would be signed in
    /// as them there. Who only arrived is not: nobody here has asked for anything.
    fn revoke(&mut self, arrived: Vec<HubClient>, worked: Option<HubClient>) {
        if arrived.is_empty() && worked.is_none() {
            return;
        }
        let browser = Arc::clone(&self.browser);
        let (told, heard) = std::sync::mpsc::sync_channel(1);
        let (sender, ctx) = (self.sender.clone(), self.ctx.clone());
        self.runtime.spawn(async move {
            if let Some(client) = worked {
                let SignedOut { is_heard, page } = client.sign_out().await;
                let not_told = (!is_heard).then_some(Event::SignOutNotTold);
                let event = page.map(|page| Event::SignsOutThere(browser.open(&page))).or(not_told);
                if let Some(event) = event {
                    let _ = sender.send(event).await;
                    ctx.request_repaint();
                }
            }
            for client in arrived {
                client.sign_out().await;
            }
            // Nobody waits for it unless the program is ending.
            let _ = told.send(());
        });
        self.signing_out = Some(heard);
    }

    /// The program ends, and would end what is under way: a moment for the hub to hear that the session is over.
    pub(super) fn wait_for_sign_out(&mut self) {
        if let Some(heard) = self.signing_out.take() {
            // Gone or late: the hub ends the session in time.
            let _ = heard.recv_timeout(SIGN_OUT);
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

    fn tell(&self, event: Event) {
        // Only a full queue refuses, and then sixty-four answers are already waiting to be drawn.
        let _ = self.sender.try_send(event);
        self.ctx.request_repaint();
    }
}
